"""A stage for adversaries: trading with faults and kills, one more nuisance at a time, and a check when all is quiet."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.domain.guard import GuardRule
from bridge.engine.context import Rules
from bridge.engine.report import ChannelReport
from bridge.engine.sync import audit
from bridge.rehearsal.invariants import broken
from bridge.rehearsal.trade import Habits, Trade, catalogue
from bridge.rehearsal.world import World, build
from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from bridge.sandbox.kit.platform import Platform
from bridge.store import positions
from bridge.store.database import Database
from bridge.store.tables import counters, orders
from tests.scenarios.test_trading import quiet, spoil

__all__ = ["NO_GUARD", "Plot", "Stage", "audited", "perform", "seeded"]

PLATFORMS = ("woocommerce", "shopify", "square")
NO_GUARD = GuardRule(zero=10_000, percent=1e9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What is on the stage.

    `minutes` of trading, a sync after each `gap` of seconds; `faults` and `kills` say whether the wires and the bridge itself
    suffer. `settle`: seconds until an act is to be seen on its platform. `audit`: the channels are audited at the end.
    `places`: location name -> our place. `people`: who trades. `later`: platforms that the bridge does not know at first.
    """

    habits: Habits = field(default_factory=Habits)
    names: Sequence[str] = PLATFORMS
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rules: Rules = field(default_factory=lambda: Rules(guard=NO_GUARD))
    goods: Callable[[random.Random], list[dict[str, Any]]] = lambda rng: catalogue(6, stock=40, rng=rng)
    minutes: float = 3
    gap: tuple[float, float] = (5, 60)
    faults: bool = True
    kills: bool = True
    clocks: Mapping[str, timedelta] = field(default_factory=dict)
    settle: float = 0
    audit: bool = False
    places: Mapping[str, str] = field(default_factory=dict)
    people: type[Trade] = Trade
    later: Sequence[str] = ()


@dataclass(slots=True)
class Stage:
    """One performance: the world, the people in it, and this seed's luck. Only one process works with the bridge: `alone`."""

    world: World
    trade: Trade
    rng: random.Random
    loop: SimulatedLoop
    alone: asyncio.Lock = field(default_factory=asyncio.Lock)

    def shop(self, name: str) -> Any:
        """The people of one platform, with all the verbs they have there."""
        return self.world.platforms[name].shop

    def units(self, name: str, sku: str) -> int:
        """What the platform itself shows of a SKU."""
        return sum(self.shop(name).stock()[sku].values())

    def rules(self, **changes: Any) -> None:
        """Change the config; the next run goes by it."""
        self.world.rules = replace(self.world.rules, **changes)

    async def collected(self, *names: str) -> None:
        """Wait until the bridge has heard of every order of these platforms."""
        await self._until(lambda connection: self._heard(connection, names))

    async def introduce(self, *names: str) -> None:
        """Adopt platforms that the bridge did not know, with the ledger's numbers; the caller is `alone` with it."""
        for name in names:
            self.world.platforms[name].faults.clear()
            self.world.strangers.discard(name)
        self.world.restart()
        await self.world.adopt("ledger")

    async def caught_up(self) -> None:
        """Sync until the bridge has heard of every order at one moment; the caller is `alone` with the bridge."""
        while not self.world.database.read(lambda connection: self._heard(connection, self.world.platforms)):
            await self.world.sync()

    def _heard(self, connection: Connection, names: Iterable[str]) -> bool:
        each = sa.select(orders.c.channel, sa.func.count()).group_by(orders.c.channel)
        heard = {row[0]: row[1] for row in connection.execute(each)}
        return all(heard.get(name, 0) == len(self.shop(name).orders()) for name in names)

    async def opened(self, sku: str) -> None:
        """Wait until the ledger keeps this SKU."""
        mine = sa.select(counters.c.balance).where(counters.c.key == sku)
        await self._until(lambda connection: connection.scalar(mine) is not None)

    async def _until(self, holds: Callable[[Connection], bool]) -> None:
        # Simulated seconds; what changes the database is another program in real life and gives no event.
        while not self.world.database.read(holds):  # noqa: ASYNC110
            await asyncio.sleep(1)


Twist = Callable[[Stage], Awaitable[None]]
Check = Callable[[Stage], list[str]]
Ending = Callable[[Stage], None]


def agree(stage: Stage) -> list[str]:
    """All numbers agree, and they are what the people did."""
    return broken(stage.world, stage.trade.truth)


def set_stage(loop: SimulatedLoop, seed: int, plot: Plot) -> World:
    options = {"woocommerce": {"race_window": 0.06 if seed % 2 else 0.0, "order_race": 0.0}}
    for name, more in plot.options.items():
        options[name] = {**options.get(name, {}), **more}
    world = build(
        plot.names, database=Database(":memory:"), now=loop.now, time=loop.time, seed=seed, rules=plot.rules,
        options=options, overrides={"square": {"restock": "never"}} | dict(plot.overrides), clocks=plot.clocks,
    )  # fmt: skip
    goods = plot.goods(random.Random(seed))
    for platform in world.platforms.values():
        platform.shop.seed(goods)
        platform.faults.add(kind="latency", seconds=0.05, times=None)
    return world


def _nothing_on_its_way(world: World, platform: Platform, sku: str) -> bool:
    """What a count means that meets a write on its way is in doubt by that write: did the clerk see the number before or after?"""
    rows = world.database.read(lambda connection: positions.by_skus(connection, [sku]))
    return not any(row.in_flight for row in rows if row.channel == platform.name)


async def _play(
    loop: SimulatedLoop, seed: int, plot: Plot, twist: Twist | None, check: Check, ending: Ending | None
) -> None:
    rng = random.Random(seed)
    world = set_stage(loop, seed, plot)
    await asyncio.sleep(plot.settle)
    world.strangers.update(plot.later)
    for name in plot.later:
        del world.channels[name]
    for channel in world.channels.values() if plot.places else ():
        found = (await channel.connector.account.check()).locations
        channel.places = {location.id: plot.places[location.name] for location in found}
    await world.adopt(plot.names[0])
    trade = plot.people(
        list(world.platforms.values()), random.Random(rng.random()), loop.now, plot.habits, kits=plot.rules.kits
    )
    trade.counting = partial(_nothing_on_its_way, world)
    trade.open(world.platforms[plot.names[0]])
    stage = Stage(world, trade, rng, loop)
    await asyncio.sleep(3)
    if plot.faults:
        spoil(world, rng)
    syncing = asyncio.ensure_future(_sync(stage, plot))
    acting = asyncio.ensure_future(trade.run(loop.now() + timedelta(minutes=plot.minutes)))
    if twist is not None:
        await twist(stage)
    await acting
    syncing.cancel()
    await asyncio.gather(syncing, return_exceptions=True)
    world.restart()
    await asyncio.sleep(plot.settle)
    if ending is not None:
        await quiet(world)
        ending(stage)
    await quiet(world)
    if plot.audit:
        await audited(world)
        await quiet(world)
    problems = check(stage)
    await world.close()
    assert not problems, "\n".join([*problems, *trade.acts])


async def _sync(stage: Stage, plot: Plot) -> None:
    """Run `bridge sync` now and then; sometimes the process is killed in the middle, and started again."""
    world, rng = stage.world, stage.rng
    while True:
        await asyncio.sleep(rng.uniform(*plot.gap))
        async with stage.alone:
            task = asyncio.ensure_future(world.sync())
            try:
                await asyncio.wait_for(task, rng.uniform(0, 3) if plot.kills and rng.random() < 0.3 else None)
            except TimeoutError:
                world.restart()


async def audited(world: World) -> None:
    """Read everything again, and what is in doubt until it is judged."""
    for channel in world.channels.values():
        await audit(world.context, channel, ChannelReport())


def perform(
    seed: int, plot: Plot, twist: Twist | None = None, *, check: Check = agree, ending: Ending | None = None
) -> None:
    """Play one seed to its end; the failure names the seed."""
    loop = SimulatedLoop()
    asyncio.set_event_loop(loop)
    try:
        run_simulated(_play(loop, seed, plot, twist, check, ending), loop)
    except AssertionError as error:
        pytest.fail(f"seed {seed}; replay it with --seed {seed}\n{error}")
    finally:
        asyncio.set_event_loop(None)


def seeded(metafunc: pytest.Metafunc) -> None:
    """Give every test of a module its seeds: `--stories` of them, or the one of `--seed`."""
    if "seed" in metafunc.fixturenames:
        one = metafunc.config.getoption("--seed")
        metafunc.parametrize("seed", [one] if one is not None else range(metafunc.config.getoption("--stories")))
