"""A code of few uses on three channels, and everybody who wants one: shoppers, a till that asks first, a merchant with busy hands.

The account of who used the code is kept here, from what the platforms themselves accepted.
"""

import asyncio
import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.app import loyal_acting as acting
from bridge.app import loyal_claims as claiming
from bridge.app.errors import AppError
from bridge.domain.coupons import CouponPolicy, CouponTerms, uses
from bridge.domain.guard import GuardRule
from bridge.domain.money import Money
from bridge.engine.context import Rules
from bridge.engine.events import Events, Target
from bridge.engine.report import ChannelReport
from bridge.engine.sync import audit
from bridge.rehearsal.invariants import broken
from bridge.rehearsal.watch import Watch
from bridge.rehearsal.world import World, build
from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.sandbox.kit.platform import LoyalShop, RefusedError
from bridge.store import code_listings, code_uses, ledger, tables
from bridge.store.code_listings import CodeListing
from bridge.store.database import Database

__all__ = ["CODE", "Codes", "Use"]

CODE = "ONCE-7QX"
SHOPS = ("woocommerce", "shopify")
TILL = "square"
# What is known of a use this long after it was made may not be accepted once more: the feeds show an order at once, or seconds later.
LATE = timedelta(seconds=5)


@dataclass(slots=True)
class Use:
    """A use as the platform had it: by which order (or claim), when, and since when it is given back; `name` is what people call it."""

    channel: str
    order: str
    at: datetime
    back: datetime | None = None
    name: str = ""

    def stands(self, at: datetime) -> bool:
        """Whether it counted at a moment."""
        return self.at <= at and (self.back is None or self.back > at)


@dataclass(slots=True)
class Codes:
    """One world with one code. `live`: the daemon keeps it, else runs of `bridge sync` do."""

    loop: SimulatedLoop
    seed: int
    rng: random.Random = field(init=False)
    world: World = field(init=False)
    policy: CouponPolicy = field(init=False)
    limit: int = field(init=False)
    restore: bool = field(init=False)
    live: bool = field(init=False)
    made: list[Use] = field(default_factory=list)
    claims: dict[str, datetime] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    clean: list[tuple[datetime, datetime]] = field(default_factory=list)
    loosened: dict[str, datetime] = field(default_factory=dict)
    by_hand: set[int] = field(default_factory=set)
    acts: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = rng = random.Random(self.seed)
        policies: tuple[CouponPolicy, ...] = ("shared", "split", "claim")
        self.policy = policies[self.seed % 3]
        self.limit = rng.choice((1, 1, 1, 2, 4))
        self.restore, self.live = rng.random() < 0.7, rng.random() < 0.15
        names = [*SHOPS, TILL]
        rng.shuffle(names)
        self.world = build(
            names, database=Database(":memory:"), now=self.loop.now, time=self.loop.time, seed=self.seed,
            rules=Rules(guard=GuardRule(zero=10_000, percent=1e9)),
            options={"woocommerce": {"race_window": 0.0, "order_race": 0.0}, "shopify": {"job_seconds": rng.choice((0.0, 20.0))}},
        )  # fmt: skip
        self.world.events = Events([Target(name="crm", url="https://crm.example", secret="s")])
        for platform in self.world.platforms.values():
            platform.shop.seed([{"title": "Tee", "variants": [{"sku": "A", "price": "20.00", "stock": 90}]}])
            platform.faults.add(kind="latency", seconds=0.05, times=None)

    # The days.

    async def run(self) -> None:
        """Open, trade, let it rest; what is wrong is in `wrong` then."""
        await self.world.adopt(self.rng.choice((*SHOPS, TILL)))
        terms = CouponTerms(kind="fixed", amount=Money(500, "USD"))
        self.write(
            lambda connection, context: acting.create(
                connection, context, CODE, terms, policy=self.policy, channels=(*SHOPS, TILL), uses=self.limit, restore=self.restore
            )
        )  # fmt: skip
        if self.rng.random() < 0.8:
            await self.sync()
        watch = Watch(self.world)
        working = asyncio.ensure_future(self._watched(watch) if self.live else self._synced())
        for _ in range(self.rng.randint(8, 14)):
            await asyncio.sleep(self.rng.choice((0, 0, 0.2, 2, 6, 20, 70)))
            self.act()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await watch.kill()
        assert not watch.bugs, watch.bugs
        await self.rest()
        self.judge()

    async def _synced(self) -> None:
        """Run `bridge sync` now and then; sometimes the process dies in it."""
        while True:
            await asyncio.sleep(self.rng.choice((0.5, 5, 30, 90)) * self.rng.uniform(0.5, 1.5))
            task = asyncio.ensure_future(self.sync())
            if self.rng.random() < 0.3:
                await asyncio.wait([task], timeout=self.rng.uniform(0, 2))
                if not task.done():
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
                    self.world.restart()
                    continue
            await task

    async def _watched(self, watch: Watch) -> None:
        """Keep the daemon; sometimes it dies, and is started again."""
        while True:
            watch.start()
            await asyncio.sleep(self.rng.uniform(30, 200))
            await watch.kill()
            await asyncio.sleep(self.rng.uniform(0, 20))

    async def sync(self) -> bool:
        """One run; tell whether it came to its end on every channel."""
        begun = self.now
        report = await self.world.sync()
        errors = [one.error for one in report.channels.values() if one.error]
        if not errors and not self.listings(lambda row: row.key is not None):
            self.clean.append((begun, self.now))
        return not errors

    async def audit(self) -> None:
        """Look every code up."""
        for channel in self.world.channels.values():
            await audit(self.world.context, channel, ChannelReport())

    async def rest(self) -> None:
        """No more bad luck: syncs until all is settled, what was deleted by hand is made again."""
        for platform in self.world.platforms.values():
            platform.faults.clear()
        self.world.restart()
        await asyncio.sleep(70)
        assert await self.sync(), "a run failed without any fault"
        await self.audit()
        self.write(lambda connection, context: acting.push(connection, context, CODE))
        # Limits that were cut are known to hold a minute later; claims that nobody kept are over by now.
        for pause in (0, 70, 70):
            await asyncio.sleep(pause)
            assert await self.sync(), "a run failed without any fault"

    # What people do.

    def act(self) -> None:
        """One thing happens somewhere."""
        acts = {
            self.shop: 8, self.at_once: 4, self.ask: 5, self.keep: 5, self.release: 1, self.cancel: 2, self.spoil: 3, self.heal: 2,
            self.meddle: 1,
        }  # fmt: skip
        act = self.rng.choices(list(acts), list(acts.values()))[0]
        try:
            act()
        except (RefusedError, AppError) as error:
            self.note(f"  refused: {error}")

    def shop(self, name: str = "") -> None:
        """Somebody types the code in at a checkout; who has to ask first mostly does."""
        asked = self.asked[-1:] if self.rng.random() < 0.8 else []
        channel = name or self.rng.choice(asked or SHOPS)
        shop = self.people(channel)
        self.note(f"{channel}: a shopper tries")
        order = shop.sale([{"sku": "A", "quantity": 1}], codes=[self.rng.choice((CODE, CODE.lower()))])
        self.used(channel, order)

    def at_once(self) -> None:
        """Two at the same moment."""
        for name in SHOPS:
            try:
                self.shop(name)
            except RefusedError as error:
                self.note(f"  refused: {error}")

    def ask(self) -> None:
        """A till asks for a use; where the policy is to ask first, shoppers do as well."""
        channel = self.rng.choice((TILL, TILL, *SHOPS)) if self.policy == "claim" else TILL
        lasts = timedelta(seconds=self.rng.choice((5, 20, 60)))
        self.note(f"{channel}: asks for {lasts.total_seconds():g} s")
        line = self.write(lambda connection, context: claiming.claim(connection, context, CODE, channel, lasts))
        self.note(f"  has {line.id}")
        if channel == TILL:
            self.claims[line.id] = self.now
        else:
            self.asked.append(channel)

    def keep(self) -> None:
        """The till keys the discount in, and says so; sometimes without naming its order."""
        if not self.claims:
            return self.ask()
        claim = self.rng.choice(list(self.claims))
        asked_at = self.claims.pop(claim)
        self.note(f"{TILL}: keeps {claim}")
        named, paid = self.rng.random() < 0.7, self.rng.random() < 0.6
        # A clerk keys it in only after the promise was found to be good.
        state = self.world.database.read(lambda connection: code_uses.claim(connection, claim))
        if state is None or state.state != "open" or (state.expires_at is not None and state.expires_at <= self.now):
            return self.note("  too late")
        order = ""
        if named:
            order = self.people(TILL).sale([{"sku": "A", "quantity": 1}], discount="5.00", paid=paid)
        self.write(lambda connection, context: claiming.capture(connection, context, claim, order))
        self.used(TILL, order or f"claim/{claim}", asked_at)
        return None

    def release(self) -> None:
        """The till changes its mind."""
        if self.claims:
            claim, _ = self.claims.popitem()
            self.note(f"{TILL}: gives {claim} back")
            self.write(lambda connection, context: claiming.give_back(connection, context, claim))

    def cancel(self) -> None:
        """The merchant cancels an order that used the code."""
        mine = [one for one in self.made if one.back is None and not one.order.startswith("claim/")]
        if mine:
            one = self.rng.choice(mine)
            self.note(f"{one.channel}: {one.order} is cancelled")
            self.people(one.channel).cancel(one.name)
            one.back = self.now

    def spoil(self) -> None:
        """Bad luck on a channel: calls that fail, or for a while all of them."""
        name = self.rng.choice(list(self.world.platforms))
        faults = self.world.platforms[name].faults
        if self.rng.random() < 0.3:
            self.note(f"{name}: is down")
            faults.add(kind="status", status=503, times=None)
            return
        kind = self.rng.choice(("cut_before", "cut_after", "throttle", "status"))
        self.note(f"{name}: {kind}")
        writes = self.rng.random() < 0.5
        faults.add(
            kind=kind, chance=self.rng.choice((0.1, 0.3, 1.0)), times=self.rng.randint(1, 6), seconds=2.0,
            path="coupon|graphql" if writes else "", body="iscount" if writes and name == "shopify" else "",
        )  # fmt: skip

    def heal(self) -> None:
        """The bad luck is over."""
        self.note("all is well again")
        for platform in self.world.platforms.values():
            platform.faults.clear()
            platform.faults.add(kind="latency", seconds=0.05, times=None)

    def meddle(self) -> None:
        """The merchant changes the code by hand in a shop's own admin: mostly nothing that lets anybody do more."""
        name = self.rng.choice(SHOPS)
        shop = self.people(name)
        if CODE not in shop.coupons():
            return
        how = self.rng.choice(("delete", "lower", "percent", "raise"))
        self.note(f"{name}: {how} by hand")
        if how == "delete":
            shop.delete_coupon(CODE)
        elif how == "percent":
            shop.edit_coupon(CODE, percent=20)
        elif how == "lower":
            shop.edit_coupon(CODE, limit=1, **({"active": False} if name == "shopify" else {}))
        else:
            shop.edit_coupon(CODE, limit=9, **({"active": True} if name == "shopify" else {}))
            self.loosened[name] = self.now

    # The account.

    def used(self, channel: str, order: str, asked_at: datetime | None = None) -> None:
        """Note a use that a platform accepted, and whether it may have been one too many. A promise is kept: what counts is whether it
        could be given when it was asked for."""
        self.note(f"  {channel} used by {order}")
        now, others = self.now, [one for one in self.made if one.stands(self.now)]
        one = Use(channel, order.rsplit("/", 1)[-1] if channel == "shopify" else order, now, name=order)
        self.made.append(one)
        if len(others) < self.limit:
            return
        if channel in self.loosened:
            self.note("  one too many, by hand")
            self.by_hand.add(len(self.made) - 1)
        elif any(self.by_hand):
            self.note("  one too many, after one by hand")
        elif self.policy != "shared":
            self.wrong.append(f"{self.policy}: use {len(others) + 1} of {self.limit}, by {order} on {channel}")
        elif self._known_long(asked_at or now):
            self.wrong.append(
                f"shared: use {len(others) + 1} of {self.limit} by {order} on {channel}, though all were known"
            )

    def _known_long(self, now: datetime) -> bool:
        """Whether a whole run came between: it began when all uses stood already, and ended before this one was made."""
        others = self.made[:-1]
        return any(
            sum(one.stands(begun - LATE) and one.stands(now) for one in others) >= self.limit
            for begun, ended in self.clean
            if ended <= now
        )

    def judge(self) -> None:
        """Look whether everybody agrees on what happened."""
        database = self.world.database
        self.wrong += broken(self.world)
        recorded = {
            (row.channel, row.order_id): row.count
            for row in database.read(lambda connection: code_uses.uses_of(connection, CODE))
        }
        right = {(one.channel, one.order): int(one.back is None or not self.restore) for one in self.made}
        if recorded != right:
            self.wrong.append(f"on record {recorded}, used by {right}")
        left = database.read(lambda connection: ledger.balances(connection, [uses(CODE)]))[uses(CODE)]
        if left != self.limit - sum(right.values()):
            self.wrong.append(f"{left} uses are left, {self.limit} less {sum(right.values())} is right")
        if left < 0:
            self.wrong += database.read(self._told)
        open_claims = database.read(lambda connection: code_uses.claims_of(connection, [CODE]))
        if open_claims or self.listings(lambda row: row.key is not None):
            self.wrong.append(f"in flight: {open_claims}, {self.listings(lambda row: row.key is not None)}")
        for name in SHOPS:
            self.wrong += self._shown(name, left)

    def _told(self, connection: Connection) -> list[str]:
        """An overuse names every order that had a part in it, and somebody was told."""
        query = sa.select(tables.parked.c.reason).where(
            tables.parked.c.subject == "coupon", tables.parked.c.key == CODE
        )
        reasons = [reason for (reason,) in connection.execute(query.where(tables.parked.c.channel == ""))]
        silent = [one.order for one in self.made if one.back is None and not any(one.order in text for text in reasons)]
        found = [f"overused, and not told of {silent}: {reasons}"] if silent or not reasons else []
        kinds = {row.type for row in connection.execute(sa.select(tables.events.c.type))}
        return found + ([] if "coupon.overused" in kinds else [f"overused, and no event: {kinds}"])

    def _shown(self, name: str, left: int) -> list[str]:
        """What a shop has is what it should have, and lets nobody use more than is left."""
        there = self.people(name).coupons().get(CODE)
        (row,) = self.listings(lambda row: row.channel == name)
        if there is None:
            return [f"{name}: not there, wanted {row}"] if row.shown or row.active else []
        mine = (there["limit"] or None) if there["active"] else 0
        found = [] if row.wanted == row.shown else [f"{name}: something is still to be written: {row}"]
        if there["active"] != row.active or (row.active and mine != row.most) or row.shown_most != mine:
            found.append(f"{name}: has {there}, {row} is wanted")
        accepts = max(0, (there["limit"] or 0) - there["used"]) if there["active"] else 0
        if accepts > max(0, left):
            found.append(f"{name}: would accept {accepts}, {left} are left")
        return found

    # Small things.

    @property
    def now(self) -> datetime:
        """The world's time."""
        return self.loop.now()

    def people(self, name: str) -> LoyalShop:
        """The people around a platform."""
        return cast(LoyalShop, self.world.platforms[name].shop)

    def note(self, what: str) -> None:
        """Keep what happened for whoever reads of a failure."""
        self.acts.append(f"{self.now:%H:%M:%S.%f} {what}")

    def write(self, unit: Any) -> Any:
        """Do what a command or the API does."""
        context = self.world.context
        return self.world.database.write(lambda connection: unit(connection, context))

    def listings(self, wanted: Any) -> list[CodeListing]:
        """What the bridge has of the code on channels, some of it."""
        rows = self.world.database.read(lambda connection: code_listings.find_listings(connection, [CODE]))
        return [replace(row) for row in rows.get(CODE, {}).values() if wanted(row)]
