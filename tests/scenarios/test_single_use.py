"""One code with one use in two shops and at a till: whoever comes at once, whatever is lost, cut off or killed, it is used once.

`split` and `claim` never let it be used twice. `shared` may, within the time that a use takes to the other shop; then it is reported.
A failing seed is printed with the command that replays it.
"""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from bridge.app import loyal_acting
from bridge.app.errors import AppError
from bridge.domain.coupons import CouponPolicy, CouponTerms, uses
from bridge.rehearsal.world import World
from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from bridge.sandbox.kit.platform import RefusedError
from bridge.store import coupons, ledger, queries
from tests.scenarios.test_trading import make, spoil, sync_until_killed

SHOPS = ("woocommerce", "shopify")
TILL = "square"
CODE = "ONCE-ONLY"


@dataclass(slots=True)
class Street:
    """Who used the code, by an account kept apart from the bridge: (platform, order) of each use that stands."""

    world: World
    policy: CouponPolicy
    rng: random.Random
    standing: set[tuple[str, str]] = field(default_factory=set)
    most: int = 0

    def note(self, platform: str, order: str) -> None:
        self.standing.add((platform, order))
        self.most = max(self.most, len(self.standing))

    async def come_and_go(self, until: Any, now: Any) -> None:
        while now() < until:
            await asyncio.sleep(self.rng.uniform(0.2, 6))
            with suppress(RefusedError, AppError):
                self.rng.choice([self._shop, self._shop, self._till, self._cancel])()

    def _shop(self) -> None:
        """Two buyers at most, in one moment, each in a shop of their own."""
        for name in self.rng.sample(SHOPS, self.rng.choice([1, 2])):
            if self.policy == "claim" and self.rng.random() < 0.7:
                with suppress(AppError):
                    self._claimed(name)
            with suppress(RefusedError):
                shop = self.world.platforms[name].shop
                self.note(name, shop.sale([{"sku": "GOOD-0001", "quantity": 1}], codes=[CODE.lower()]))

    def _till(self) -> None:
        claim = self._claimed(TILL)
        if self.rng.random() < 0.5:
            self._write(lambda c: loyal_acting.capture(c, self.world.context, claim, f"till-{claim}"))
            self.note(TILL, claim)
        elif self.rng.random() < 0.5:
            self._write(lambda c: loyal_acting.give_back(c, self.world.context, claim))

    def _claimed(self, channel: str) -> str:
        lasts = timedelta(seconds=self.rng.choice([5, 30]))
        made = self._write(lambda c: loyal_acting.claim(c, self.world.context, CODE, channel, lasts))
        return str(made.id)

    def _cancel(self) -> None:
        gone = [one for one in sorted(self.standing) if one[0] != TILL]
        if gone and self.rng.random() < 0.5:
            name, order = self.rng.choice(gone)
            self.world.platforms[name].shop.cancel(order)
            self.standing.discard((name, order))

    def _write(self, unit: Any) -> Any:
        return self.world.database.write(unit)


async def quiet(world: World) -> None:
    for platform in world.platforms.values():
        platform.faults.clear()
    for _ in range(8):
        await asyncio.sleep(90)
        report = await world.sync()
        assert not [part.error for part in report.channels.values() if part.error]


async def story(loop: SimulatedLoop, seed: int) -> None:
    rng = random.Random(f"codes {seed}")
    policy: CouponPolicy = ("shared", "split", "claim")[seed % 3]
    world = make(loop, seed, count=2, stock=500)
    await world.adopt("woocommerce")
    terms = CouponTerms(kind="percent", percent=1_000)
    world.database.write(
        lambda c: loyal_acting.create(c, world.context, CODE, terms, policy=policy, channels=(*SHOPS, TILL))
    )
    await world.sync()
    await asyncio.sleep(3)
    spoil(world, rng)
    street = Street(world, policy, rng)
    syncing = asyncio.ensure_future(sync_until_killed(world, rng))
    await street.come_and_go(loop.now() + timedelta(seconds=rng.choice([60, 240])), loop.now)
    syncing.cancel()
    await asyncio.gather(syncing, return_exceptions=True)
    world.restart()
    await quiet(world)
    held(world, street)
    await world.close()


def held(world: World, street: Street) -> None:
    assert world.database.read(ledger.prove) == []
    found = world.database.read(lambda c: coupons.uses_of(c, CODE))
    booked = {(one.channel, one.order_id) for one in found if one.count and one.channel != TILL}
    short = {(name, order.rpartition("/")[2]) for name, order in street.standing if name != TILL}
    assert booked == short
    assert sum(one.count for one in found) == len(street.standing)
    left = world.database.read(lambda c: ledger.balances(c, [uses(CODE)]))[uses(CODE)]
    assert left == 1 - len(street.standing)
    if street.policy != "shared":
        assert street.most <= 1, f"used {street.most} times under {street.policy}"
    elif left < 0:
        parked = {row.key for row in world.database.read(queries.parked_rows) if row.subject == "coupon"}
        assert CODE in parked
    shown(world, left)


def shown(world: World, left: int) -> None:
    """What each shop has of the code is what it should have, and says the same of itself."""
    rows = world.database.read(lambda c: coupons.find_listings(c, [CODE]))[CODE]
    assert {name: row.key for name, row in rows.items()} == dict.fromkeys(rows)
    for name, row in rows.items():
        assert row.shown == row.wanted, (name, row)
        own: Any = world.platforms[name].shop
        there = own.coupons().get(CODE)
        if left <= 0 and there is not None:
            assert not there["active"] or there["used"] >= (there["limit"] or 10**9), (name, there, row)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        one = metafunc.config.getoption("--seed")
        count = max(6, metafunc.config.getoption("--seeds") // 8)
        metafunc.parametrize("seed", [one] if one is not None else range(count))


def test_one_use_is_one_use(seed: int) -> None:
    loop = SimulatedLoop()
    try:
        run_simulated(story(loop, seed), loop)
    except Exception as error:
        raise AssertionError(
            f"seed {seed}: {error}; replay: pytest tests/scenarios/test_single_use.py --seed {seed}"
        ) from error
