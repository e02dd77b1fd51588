"""Customers who buy on WooCommerce, Shopify and Square, bring goods back, and spend their points, while writes fail and answers get lost.

In the end every channel shows what the ledger has, accounts prove, and the sums are those of what the platforms accepted.
"""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from typing import Any, cast

import pytest

from bridge.app import loyal_acting as acting
from bridge.app.errors import AppError
from bridge.domain.earning import PointsRules
from bridge.domain.guard import GuardRule
from bridge.domain.points import points
from bridge.engine import accounts
from bridge.engine.collect import audit_customers
from bridge.engine.context import Loyalty, Rules
from bridge.engine.loyalty import held_points
from bridge.rehearsal.invariants import broken
from bridge.rehearsal.world import World, build
from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from bridge.sandbox.kit.platform import LoyalShop, RefusedError
from bridge.sandbox.square.shop import SquareShop
from bridge.store import ledger
from bridge.store import people as people_store
from bridge.store.database import Database

NAMES = ("woocommerce", "shopify", "square")
PRICE = 20
# Calls that write points, by platform, as (path, body).
WRITES = {"woocommerce": ("customers", ""), "shopify": ("graphql", "metafieldsSet"), "square": ("loyalty", "")}


@dataclass(slots=True)
class Bought:
    """An order as its platform accepted it; the code that was used was made of `spent` points."""

    channel: str
    order: str
    who: int
    units: int
    spent: int = 0
    back: int = 0
    cancelled: bool = False

    def earned(self) -> int:
        """Points of what was kept, of what was paid for it: a point takes a cent off."""
        kept = 0 if self.cancelled else self.units - self.back
        paid = Fraction(self.units * PRICE) - Fraction(self.spent, 100)
        return int(paid * kept / self.units)

    def burnt(self) -> int:
        """Points that stay spent. A WooCommerce order of which all came back before it was shipped is as good as cancelled."""
        over = self.cancelled or (self.channel == "woocommerce" and self.back == self.units)
        return 0 if over else self.spent


@dataclass(slots=True)
class Shoppers:
    """One world of customers. `mode`: Square as any channel ("plain"), giving points by itself ("own"), or without a programme ("none")."""

    loop: SimulatedLoop
    seed: int
    rng: random.Random = field(init=False)
    world: World = field(init=False)
    mode: str = field(init=False)
    bought: list[Bought] = field(default_factory=list)
    given: dict[int, int] = field(default_factory=dict)
    codes: list[tuple[int, str, int]] = field(default_factory=list)
    acts: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.mode = ("plain", "plain", "own", "none")[self.seed % 4]
        own = frozenset({"square"} if self.mode == "own" else ())
        rules = PointsRules(currency="USD", pending_days=0.0, expires_days=30.0, off=own)
        self.world = build(
            NAMES, database=Database(":memory:"), now=self.loop.now, time=self.loop.time, seed=self.seed,
            rules=Rules(guard=GuardRule(zero=10_000, percent=1e9), loyalty=Loyalty(points=rules, country="US", own=own)),
            options={
                "woocommerce": {"race_window": 0.0, "order_race": 0.0},
                "square": {"loyalty": self.mode != "none", "square_earns": self.mode == "own"},
            },
        )  # fmt: skip
        for platform in self.world.platforms.values():
            platform.shop.seed([{"title": "Tee", "variants": [{"sku": "A", "price": f"{PRICE}.00", "stock": 400}]}])
            platform.faults.add(kind="latency", seconds=0.05, times=None)

    async def run(self) -> None:
        """Open, trade, let it rest, and look; then let a month go by, and look again."""
        await self.world.adopt("woocommerce")
        await self._enrol()
        # A till that was offline for days sold after the rules came into force.
        await asyncio.sleep(4 * 86_400)
        await self.quiet()
        for _ in range(self.rng.randint(10, 20)):
            await asyncio.sleep(self.rng.choice((0, 5, 60, 3_600)))
            self.act()
            if self.rng.random() < 0.5:
                await self.world.sync()
        for platform in self.world.platforms.values():
            platform.faults.clear()
        await self.quiet()
        self.judge()
        await asyncio.sleep(35 * 86_400)
        await self.quiet()
        self.judge(expired=True)

    async def _enrol(self) -> None:
        """Everybody is in Square's directory, some have accounts in the web shops."""
        for who in range(3):
            for name in NAMES:
                if name == "square" or self.rng.random() < 0.6:
                    self.shop(name).add_customer(**self.person(who))
        for channel in self.world.channels.values():
            await audit_customers(self.world.context, channel)

    async def quiet(self) -> None:
        """Sync until nothing is left to do."""
        for _ in range(3):
            report = await self.world.sync()
            errors = [part.error for part in report.channels.values() if part.error]
            assert not errors, errors
            await asyncio.sleep(70)

    # What people do.

    def act(self) -> None:
        """One thing happens somewhere."""
        acts = {
            self.buy: 6, self.late: 1, self.refund: 2, self.cancel: 1, self.redeem: 3, self.use: 4, self.give: 1, self.spoil: 2,
            self.die: 1,
        }  # fmt: skip
        act = self.rng.choices(list(acts), list(acts.values()))[0]
        self.note(act.__name__)
        try:
            act()
        except (RefusedError, AppError) as error:
            self.note(f"  refused: {error}")

    def buy(self, **how: Any) -> None:
        """Somebody buys, known by an account, or a guest by the mail alone."""
        who, name, units = self.rng.randrange(3), how.pop("channel", self.rng.choice(NAMES)), self.rng.randint(1, 3)
        person = self.person(who)
        if name != "square" and self.rng.random() < 0.4:
            person = {"name": "Guest", "email": person["email"].upper()}
        order = self.shop(name).sale([{"sku": "A", "quantity": units}], customer=person, **how)
        self.bought.append(Bought(name, order, who, units))
        self.note(f"  {who} bought {units} at {name}: {order}")

    def late(self) -> None:
        """A till uploads what it sold offline."""
        at = self.loop.now() - timedelta(hours=self.rng.choice((1, 30, 71)))
        self.buy(channel="square", occurred_at=at.isoformat())

    def refund(self) -> None:
        """A unit comes back."""
        able = [one for one in self.bought if not one.cancelled and one.back < one.units]
        if able:
            one = self.rng.choice(able)
            self.shop(one.channel).refund(one.order, [{"sku": "A", "quantity": 1}])
            one.back += 1
            self.note(f"  a unit of {one.order}")

    def cancel(self) -> None:
        """A web order of which nothing came back is cancelled."""
        able = [one for one in self.bought if one.channel != "square" and not one.cancelled and not one.back]
        if able:
            one = self.rng.choice(able)
            self.shop(one.channel).cancel(one.order)
            one.cancelled = True
            self.note(f"  {one.order}")

    def redeem(self) -> None:
        """Somebody makes a code of points, for the web shops."""
        who, units, context = self.rng.randrange(3), self.rng.choice((5, 10)), self.world.context
        person = self.known(who)
        made = self.world.database.write(
            lambda connection: acting.redeem(connection, context, person, units, ["woocommerce", "shopify"])
        )
        self.codes.append((who, made.code, units))
        self.note(f"  {made.code} of {who}")

    def use(self) -> None:
        """They type it in somewhere."""
        if not self.codes:
            return self.redeem()
        who, code, units = self.codes[-1]
        name = self.rng.choice(NAMES[:2])
        order = self.shop(name).sale([{"sku": "A", "quantity": 1}], customer=self.person(who), codes=[code])
        self.bought.append(Bought(name, order, who, 1, spent=units))
        self.codes.pop()
        self.note(f"  {code} at {name}: {order}")
        return None

    def give(self) -> None:
        """A clerk at Square gives points, or the owner does."""
        who, units = self.rng.randrange(3), self.rng.choice((5, 7, 30))
        context = self.world.context
        if self.mode != "none" and self.rng.random() < 0.7:
            self.shop("square").give_points(customer=self._profile(who), points=units, reason="sorry")
        else:
            person = self.known(who)
            self.world.database.write(
                lambda connection: acting.adjust(connection, context, person, units, "sorry", "Bo")
            )
        self.given[who] = self.given.get(who, 0) + units
        self.note(f"  {units} to {who}")

    def spoil(self) -> None:
        """The next writes of points get lost, before or after they were done."""
        name = self.rng.choice(NAMES)
        path, body = WRITES[name]
        kind = self.rng.choice(("cut_before", "cut_after", "cut_after", "status", "throttle"))
        self.world.platforms[name].faults.add(
            kind=kind, path=path, body=body, times=self.rng.randint(1, 6), seconds=2.0
        )
        self.note(f"  {kind} at {name}")

    def die(self) -> None:
        """The process starts anew."""
        self.world.restart()

    # The account.

    def judge(self, *, expired: bool = False) -> None:
        """Look whether everybody agrees on what there is."""
        database, now = self.world.database, self.loop.now()
        self.wrong += broken(self.world)
        self.wrong += [str(one) for one in database.read(lambda connection: accounts.prove(connection, now))]
        for who in range(3):
            person = self.known(who)
            have = database.read(lambda connection, person=person: ledger.balances(connection, [points(person)]))  # type: ignore[misc]
            balance, right = have.get(points(person), 0), self.right(who)
            # Points that no order of ours gave do not expire; what Square took back came off the oldest points, which may have been others.
            lasting = self.given.get(who, 0) + sum(one for one in self._by_square(who) if one > 0)
            if expired and not min(0, right) <= balance <= max(0, lasting):
                self.wrong.append(f"{who} has {balance} points after a month, only {lasting} last")
            if not expired and balance != right:
                self.wrong.append(f"{who} has {balance} points, {right} is right: {self.bought}, given {self.given}")
            self.shown(who, person, balance)

    def right(self, who: int) -> int:
        """What the orders that the platforms accepted come to, spent and given points with them."""
        mine = [one for one in self.bought if one.who == who]
        earned = sum(one.earned() for one in mine if self.mode != "own" or one.channel != "square")
        spent = sum(one.burnt() for one in mine)
        return earned - spent + self.given.get(who, 0) + sum(self._by_square(who))

    def _by_square(self, who: int) -> list[int]:
        """What Square's own programme gave for purchases, and took back (below 0): all but what a person or the bridge adjusted."""
        if self.mode != "own":
            return []
        loyalty = cast(SquareShop, self.world.platforms["square"].shop).state.loyalty
        account = loyalty.of_customer(self._profile(who))
        mine = [one.data for one in loyalty.events if account and one.data["loyalty_account_id"] == account.id]
        told = [data.get("accumulate_points") or data.get("other_event") or {"points": 0} for data in mine]
        return [int(one["points"]) for one in told]

    def shown(self, who: int, person: str, balance: int) -> None:
        """What each channel shows of somebody is the ledger's number less what is in open codes."""
        held = self.world.database.read(lambda connection: held_points(connection, person))
        right = max(0, balance - held)
        rows = self.world.database.read(lambda connection: people_store.customers_of(connection, [person]))
        for name in NAMES[: 2 if self.mode == "none" else 3]:
            there = {one["id"].rsplit("/", 1)[-1]: one["points"] for one in self.shop(name).customers()}
            for row in rows:
                if row.channel == name and row.customer_id in there:
                    shown = there[row.customer_id]
                    if row.points_key is not None or (shown or 0) != right or (row.points_target or 0) != right:
                        self.wrong.append(f"{name} shows {who} {shown}, {right} is right: {row}")

    # Small things.

    def shop(self, name: str) -> LoyalShop:
        """The people around a platform."""
        return cast(LoyalShop, self.world.platforms[name].shop)

    def person(self, who: int) -> dict[str, str]:
        """A customer as a shop knows them."""
        return {"name": f"Ann {who}", "email": f"ann{who}@example.com", "phone": f"+1212555010{who}"}

    def known(self, who: int) -> str:
        """The person that the bridge takes a customer for."""
        mail = self.person(who)["email"]
        found = self.world.database.read(lambda connection: people_store.find_contacts(connection, "email", [mail]))
        return found[mail].person

    def _profile(self, who: int) -> str:
        mail = self.person(who)["email"]
        return next(str(one["id"]) for one in self.shop("square").customers() if one["email"] == mail)

    def note(self, what: str) -> None:
        """Keep what happened for whoever reads of a failure."""
        self.acts.append(f"{self.loop.now():%d %H:%M:%S} {what}")


def play(seed: int) -> str:
    """Play one seed; return what was wrong, as text."""
    loop = SimulatedLoop()
    asyncio.set_event_loop(loop)
    story = Shoppers(loop, seed)

    async def told() -> None:
        try:
            await story.run()
        except AssertionError as error:
            story.wrong.append(str(error))
        finally:
            await story.world.close()

    try:
        run_simulated(told(), loop)
    finally:
        asyncio.set_event_loop(None)
    replay = f"seed {seed} ({story.mode}); replay with: pytest tests/scenarios/test_points_world.py --seed {seed}"
    return "\n".join([replay, *story.wrong, *story.acts]) if story.wrong else ""


def seeds(config: pytest.Config) -> list[int]:
    one = config.getoption("--seed")
    return [one] if one is not None else list(range(max(4, config.getoption("--seeds") // 8)))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", seeds(metafunc.config))


def test_points_are_the_same_everywhere(seed: int) -> None:
    if wrong := play(seed):
        pytest.fail(wrong)
