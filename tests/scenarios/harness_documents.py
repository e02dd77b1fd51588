"""Shared by the scenarios of documents and mirrors: a world of real connectors and stand-ins, crashes on demand, call counts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.domain.catalog import Product, Variant
from bridge.domain.guard import GuardRule
from bridge.engine.context import Documents, Mirroring, Rules
from bridge.engine.documents import PlannedField, sync_products
from bridge.engine.lane import Pace
from bridge.engine.live import Live
from bridge.engine.mirror import mirror
from bridge.engine.report import Report
from bridge.engine.sync import Sync
from bridge.rehearsal.world import World, build
from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from bridge.store.database import Database

T = TypeVar("T")
NO_GUARD = GuardRule(zero=10_000, percent=1e9)


class CrashError(BaseException):
    """The process dies here."""


class CrashingDatabase(Database):
    """Dies before or after committing the n-th unit of work from now on."""

    def __init__(self) -> None:
        super().__init__(":memory:")
        self.left: int | None = None
        self.after_commit = False

    def write(self, unit: Callable[[Connection], T]) -> T:
        if self.left is None:
            return super().write(unit)
        self.left -= 1
        if self.left < 0 and not self.after_commit:
            raise CrashError
        result = super().write(unit)
        if self.left < 0:
            raise CrashError
        return result


def simulated(story: Callable[[SimulatedLoop], Awaitable[None]]) -> None:
    """Run one story under simulated time."""
    loop = SimulatedLoop()
    asyncio.set_event_loop(loop)

    async def main() -> None:
        await story(loop)

    try:
        run_simulated(main(), loop)
    finally:
        asyncio.set_event_loop(None)


def make(
    loop: SimulatedLoop,
    goods: Mapping[str, list[dict[str, Any]]],
    *,
    documents: Documents | None = None,
    mirroring: Mirroring | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> World:
    """Make a world whose platforms sell `goods`."""
    rules = Rules(guard=NO_GUARD, documents=documents or Documents(), mirroring=mirroring or Mirroring())
    world = build(
        tuple(goods), database=CrashingDatabase(), now=loop.now, time=loop.time, seed=7, rules=rules, overrides=overrides,
        options=options,
    )  # fmt: skip
    for name, products in goods.items():
        world.platforms[name].shop.seed(products)
    return world


async def products(world: World, **more: Any) -> tuple[Report, list[PlannedField]]:
    """Read everything, then one sync of products."""
    run = Sync(world.context, list(world.channels.values()))
    await run.read()
    planned = await sync_products(world.context, run.channels, run.products, run.report, **more)
    return run.report, list(planned)


async def orders(world: World) -> Report:
    """Read everything, then one round of mirroring."""
    run = Sync(world.context, list(world.channels.values()))
    await run.read()
    await mirror(world.context, run.channels, run.report)
    return run.report


async def everything(world: World) -> Report:
    """One `bridge sync`."""
    run = Sync(world.context, list(world.channels.values()))
    await run.read()
    await run.everything()
    return run.report


@asynccontextmanager
async def daemon(world: World) -> AsyncIterator[Live]:
    """Keep the world in step within the block. It polls so seldom that a test says itself when."""
    live, stop = Live(world.context, Pace(poll=timedelta(minutes=10))), asyncio.Event()
    work = asyncio.ensure_future(live.run(stop))
    yield live
    assert live.bugs == []
    stop.set()
    await work


async def until(loop: SimulatedLoop, there: Any, most: float) -> float:
    """Wait until something is so; return the seconds it took, or `most`."""
    began = loop.time()
    while not there() and loop.time() - began < most:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.25)
    return loop.time() - began


@contextmanager
def counted(world: World, name: str) -> Iterator[dict[str, int]]:
    """Count a platform's calls within the block, by "METHOD path"."""
    calls = world.platforms[name].faults.calls
    before = dict(calls)
    found: dict[str, int] = {}
    yield found
    found.update({key: calls[key] - before.get(key, 0) for key in calls if calls[key] != before.get(key, 0)})


def fine(report: Report) -> None:
    """No channel stopped early."""
    errors = {name: part.error for name, part in report.channels.items() if part.error}
    assert not errors, errors


async def catalog(world: World, name: str) -> dict[str, tuple[Product, Variant]]:
    """Read a platform's own catalogue: SKU -> product and variant."""
    found: dict[str, tuple[Product, Variant]] = {}
    async for page in world.channels[name].connector.catalog.all():
        for product in page.items:
            for variant in product.variants:
                assert variant.sku, f"{product.title} has a variant without SKU"
                assert variant.sku not in found, f"{variant.sku} is twice on {name}"
                found[variant.sku] = product, variant
    return found


def numbers(world: World, name: str) -> dict[str, int]:
    """Return a platform's own numbers, over all its locations."""
    return {sku: sum(places.values()) for sku, places in world.platforms[name].shop.stock().items()}


def rows(world: World, table: sa.Table) -> list[Any]:
    """Return a table's rows."""
    return world.database.read(lambda connection: list(connection.execute(sa.select(table))))
