"""Kits, places, buffers, holds, the guard, and channels whose counts do not count or count the shelf."""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from bridge.domain.allotment import Rule
from bridge.domain.guard import GuardRule
from bridge.domain.ledger import stock
from bridge.engine.context import Rules
from bridge.engine.desk import Desk
from bridge.rehearsal.invariants import broken
from bridge.rehearsal.trade import Habits, Trade, catalogue
from bridge.sandbox.kit.platform import Platform, RefusedError
from bridge.store import ledger, notes, positions
from bridge.store.tables import holds
from tests.scenarios.harness_adversary import NO_GUARD, Plot, Stage, perform, seeded

pytest_generate_tests = seeded
KITS = {"KIT-1": {"GOOD-0001": 2, "GOOD-0002": 1}, "KIT-2": {"GOOD-0001": 1}}


def with_kits(rng: random.Random) -> list[dict[str, Any]]:
    goods = catalogue(4, stock=60, rng=rng)
    made = {"KIT-1": 30, "KIT-2": 60}
    return goods + [
        {"title": sku, "variants": [{"sku": sku, "barcode": f"9{number:011d}", "price": "20.00", "stock": made[sku]}]}
        for number, sku in enumerate(KITS)
    ]


def test_kits_sold_next_to_their_parts(seed: int) -> None:
    """Every kit shows what its parts allow, and one sold anywhere takes its parts everywhere."""
    perform(seed, Plot(rules=Rules(guard=NO_GUARD, kits=KITS), goods=with_kits, habits=Habits(count=0)), check=_kits)


def test_kits_that_change_in_mid_trade(seed: int) -> None:
    """What was sold before took what the kit was then."""

    async def twist(stage: Stage) -> None:
        await asyncio.sleep(100)
        async with stage.alone:
            await stage.caught_up()
            stage.trade.kits = {"KIT-1": {"GOOD-0003": 1}, "KIT-2": {"GOOD-0001": 1}}
            stage.rules(kits=stage.trade.kits)

    habits = Habits(count=0, refund=0, cancel=0, fulfil=5)
    perform(seed, Plot(rules=Rules(guard=NO_GUARD, kits=KITS), goods=with_kits, habits=habits), twist, check=_kits)


def _kits(stage: Stage) -> list[str]:
    truth = {sku: units for sku, units in stage.trade.truth.items() if sku not in KITS}
    return broken(stage.world, truth)


def test_buffers_and_caps_that_change(seed: int) -> None:
    """A changed rule moves every number it is about in the next run, whether its SKU is traded or not."""

    async def twist(stage: Stage) -> None:
        for _ in range(4):
            await asyncio.sleep(50)
            cap, buffer = stage.rng.choice([None, 5, 30]), stage.rng.choice([0, 3, 10])
            allotment = (
                Rule(channel="shopify", cap=cap),
                Rule(buffer=buffer),
                Rule(sku="GOOD-0002", channel="square", buffer=1),
            )
            async with stage.alone:
                stage.rules(allotment=allotment)

    def check(stage: Stage) -> list[str]:
        rules = stage.world.rules.allotment
        wrong = [text for sku, units in stage.trade.truth.items() for text in _allotted(stage, rules, sku, units)]
        return broken(stage.world, stage.trade.truth) + wrong

    perform(seed, Plot(), twist, check=check)


def _allotted(stage: Stage, rules: Sequence[Rule], sku: str, units: int) -> list[str]:
    """Whether each channel shows what this test itself makes of the rules."""
    found = []
    for name in stage.world.platforms:
        mine = [rule for rule in rules if rule.channel in {None, name} and rule.sku in {None, sku}]
        buffer = next((rule.buffer for rule in reversed(mine) if rule.buffer is not None), 0)
        cap = next((rule.cap for rule in reversed(mine) if rule.cap is not None), None)
        right = max(0, min(units - buffer, 10**9 if cap is None else cap))
        slack = max(0, units - balance(stage, sku))
        if not right - slack <= stage.units(name, sku) <= right:
            found.append(f"{name} shows {stage.units(name, sku)} of {sku}, the rules make {right} of {units}")
    return found


def balance(stage: Stage, sku: str, place: str = "main") -> int:
    counter = stock(sku, place)
    return stage.world.database.read(lambda connection: ledger.balances(connection, [counter]))[counter]


def test_holds(seed: int) -> None:
    """Held units are for sale nowhere, until the hold ends."""

    async def twist(stage: Stage) -> None:
        for number in range(8):
            await asyncio.sleep(stage.rng.uniform(5, 40))
            sku, lasts = f"GOOD-000{number % 6 + 1}", stage.rng.choice([20, 100, 10_000])
            async with stage.alone:
                _hold(stage, sku, stage.rng.randrange(1, 6), stage.loop.now() + timedelta(seconds=lasts))

    def check(stage: Stage) -> list[str]:
        held = {sku: _held(stage, sku) for sku in stage.trade.truth}
        shown = [
            f"{name} shows {stage.units(name, sku)} of {sku}, {held[sku]} of {balance(stage, sku)} are held"
            for name in stage.world.platforms
            for sku in held
            if stage.units(name, sku) != max(0, balance(stage, sku) - held[sku])
        ]
        return broken(stage.world, stage.trade.truth) + shown

    perform(seed, Plot(), twist, check=check)


def _hold(stage: Stage, sku: str, quantity: int, until: Any) -> None:
    values = {
        "id": f"{sku} {until}",
        "kind": "stock",
        "key": sku,
        "place": "main",
        "quantity": quantity,
        "state": "open",
    }
    context = stage.world.context

    def unit(connection: sa.Connection) -> None:
        connection.execute(holds.insert().values(**values, created_at=stage.loop.now(), expires_at=until, note=""))
        desk = Desk(connection, context, stage.loop.now())
        desk.touch(sku)
        desk.close()

    stage.world.database.write(unit)


def _held(stage: Stage, sku: str) -> int:
    query = sa.select(sa.func.sum(holds.c.quantity)).where(holds.c.key == sku, holds.c.expires_at > stage.loop.now())
    return int(stage.world.database.read(lambda connection: connection.scalar(query)) or 0)


def test_a_plan_that_waits_for_a_person(seed: int) -> None:
    """While a channel's plan is parked the others go on; once approved, everything agrees."""
    guard = GuardRule(zero=1, percent=10, free=5)

    async def twist(stage: Stage) -> None:
        for _ in range(3):
            await asyncio.sleep(70)
            async with stage.alone:
                _approve(stage)

    def settle(stage: Stage) -> None:
        stage.rules(guard=NO_GUARD)
        _approve(stage)

    perform(seed, Plot(rules=Rules(guard=guard)), twist, ending=settle)


def _approve(stage: Stage) -> None:
    def unit(connection: sa.Connection) -> None:
        for name in stage.world.platforms:
            positions.approve(connection, name)
            notes.unpark(connection, "plan", name, [name])

    stage.world.database.write(unit)


def test_counts_that_do_not_count(seed: int) -> None:
    """Where numbers set by hand are not believed, the ledger's number is put back and nothing is booked."""

    def check(stage: Stage) -> list[str]:
        for act in stage.trade.acts:
            _, name, verb, *rest = act.split(" ")
            if name == "woocommerce" and verb in {"count", "plugin"} and len(rest) > 1:
                stage.trade.truth[rest[0]] -= int(rest[2])
        return broken(stage.world, stage.trade.truth)

    overrides = {"woocommerce": {"counts_from": False}}
    perform(seed, Plot(overrides=overrides, habits=Habits(count=1, plugin=0.5), audit=True), check=check)


class Carriers(Trade):
    """Trade at two places, with goods carried from one to the other: counted out here and in there."""

    at: dict[tuple[str, str], int]

    def open(self, platform: Platform) -> None:
        super().open(platform)
        self.at = self._where(platform)

    def act(self) -> None:
        before = {platform.name: self._where(platform) for platform in self.platforms}
        super().act()
        for platform in self.platforms:
            for key, units in self._where(platform).items():
                self.at[key] += units - before[platform.name][key]

    def _where(self, platform: Platform) -> dict[tuple[str, str], int]:
        shelves = platform.shop.stock()
        rows = {
            sku: sorted(shelf.items(), key=lambda one: self._place(platform, one[0])) for sku, shelf in shelves.items()
        }
        return {(sku, self._place(platform, name)): units for sku, row in rows.items() for name, units in row}

    def _place(self, platform: Platform, location: str) -> str:
        known: Any = platform.shop
        name = known.state.seller.locations[location]["name"] if platform.name == "square" else location
        return PLACES[name]

    def _sell(self, platform: Platform, **how: Any) -> str:
        return super()._sell(platform, location=self.rng.choice(sorted(PLACES)), **how)

    def _count(self, platform: Platform) -> str:
        # One way only: what is carried there and back between two looks cannot be told from a lost update.
        sku, here, there = self.rng.choice(sorted(self.truth)), "Main Street", "Harbour"
        self._now(platform, sku)
        units, now = self.rng.randrange(60, 90), self._where(platform)
        platform.shop.count(sku, max(0, now[sku, PLACES[here]] - units), location=here)
        platform.shop.count(sku, now[sku, PLACES[there]] + units, location=there)
        return f"carry {units} of {sku} from {here}"


PLACES = {"Main Street": "shop", "Harbour": "store"}


def at_both(rng: random.Random) -> list[dict[str, Any]]:
    goods = catalogue(4, stock=0, rng=rng)
    for variant in (variant for one in goods for variant in one["variants"]):
        variant["stock"] = dict.fromkeys(PLACES, 900)
    return goods


def test_two_places(seed: int) -> None:
    """Each place keeps its own number."""

    def check(stage: Stage) -> list[str]:
        assert isinstance(stage.trade, Carriers)
        wrong = [
            f"{sku} at {place}: the ledger has {balance(stage, sku, place)}, {units} is right"
            for (sku, place), units in stage.trade.at.items()
            if balance(stage, sku, place) != units
        ]
        return broken(stage.world) + wrong

    shopify = {"locations": tuple(PLACES)}
    plot = Plot(
        names=("shopify", "square"), options={"shopify": shopify}, goods=at_both, places=PLACES, people=Carriers,
        habits=Habits(count=0.6, offline=0.5),
    )  # fmt: skip
    perform(seed, plot, check=check)


class Stocktakers(Trade):
    """Trade where the till's counts are counts of the shelf: what the web shop has sold and not shipped is still on it."""

    def _count(self, platform: Platform) -> str:
        if platform.name != "square":
            raise RefusedError("the stock room counts at the till")
        sku, more = self.rng.choice(sorted(self.truth)), self.rng.randrange(20)
        shown = self._now(platform, sku)
        waiting = sum(self._waiting(one, sku) for one in self.platforms if one.name == "woocommerce")
        shelf = max(0, self.truth[sku] + waiting + more)
        platform.shop.count(sku, shelf)
        # What moves the stock is what was found beyond the books, not what the channel's number did.
        self.truth[sku] = shelf - waiting - (shelf - shown)
        return f"count {sku}: {shelf} on the shelf, {waiting} of them waiting"

    def _waiting(self, platform: Platform, sku: str) -> int:
        lines = [line for order in platform.shop.orders() if order["status"] == "processing" for line in order["lines"]]
        return sum(int(line["held"]) for line in lines if line["sku"] == sku)


def test_counts_of_the_shelf(seed: int) -> None:
    """What is sold and waits to be shipped is taken off a count of the shelf, as it stood when the count was made."""
    plot = Plot(
        names=("woocommerce", "square"), people=Stocktakers, overrides={"square": {"counts": "shelf"}},
        habits=Habits(count=2, fulfil=6, refund=0, cancel=0), options={"woocommerce": {"race_window": 0.0}},
    )  # fmt: skip
    perform(seed, plot)
