"""A fair: markets in memory side by side, the bridge between them, simulated time. For the rules of marketplaces and surfaces."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from bridge.contract.limits import Limits
from bridge.domain.guard import GuardRule
from bridge.domain.ledger import stock
from bridge.domain.position import Position
from bridge.engine.context import Channel, Rules
from bridge.engine.report import Report
from bridge.rehearsal.world import World
from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from bridge.store import ledger, positions, schema
from bridge.store.database import Database
from bridge.wire.http import Surroundings
from tests.engine.market import Manners, Market

__all__ = ["BAY", "SHOP", "Fair", "open_fair", "visit"]

GOODS: Sequence[dict[str, Any]] = (
    {"title": "Tee", "variants": [{"sku": "A", "price": "10.00", "stock": 10}]},
    {"title": "Cap", "variants": [{"sku": "B", "price": "5.00", "stock": 6}]},
)
# A shop takes deltas under a key, a marketplace absolute numbers and no key.
SHOP = Manners(limits=Limits(stock_write="delta", keyed=True, key_hours=24, stock_batch=5))
BAY = Manners()


class Fair(World):
    """A world whose platforms are markets."""

    def restart(self) -> None:
        """Start the bridge anew on the same database."""
        known = {name: (channel.places, channel.home, channel.currency) for name, channel in self.channels.items()}
        for name, platform in self.platforms.items():
            market: Any = platform
            channel = Channel(name=name, connector=market.connector(), **self.overrides.get(name, {}))
            if name in known:
                channel.places, channel.home, channel.currency = known[name]
            self.channels[name] = channel

    def market(self, name: str) -> Market:
        """One market."""
        found: Any = self.platforms[name]
        assert isinstance(found, Market)
        return found

    def position(self, name: str, sku: str, place: str = "main") -> Position:
        """What the bridge believes of a number."""
        rows = self.database.read(lambda connection: positions.by_skus(connection, [sku]))
        return next(row for row in rows if row.channel == name and row.place == place)

    def number(self, name: str, sku: str) -> int:
        """The market's own number."""
        market = self.market(name)
        return market.stock()[sku][market.home]

    def balance(self, sku: str, place: str = "main") -> int | None:
        """What the ledger has."""
        counter = stock(sku, place)
        return self.database.read(lambda connection: ledger.balances(connection, [counter])).get(counter)

    async def wait(self, seconds: float = 10) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    async def well(self) -> Report:
        """One `bridge sync`, after which no channel may have failed."""
        report = await self.sync()
        assert [part.error for part in report.channels.values() if part.error] == []
        return report


def open_fair(
    loop: SimulatedLoop,
    markets: Mapping[str, Manners],
    *,
    seed: int = 1,
    url: str = ":memory:",
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    **rules: Any,
) -> Fair:
    """Set up empty markets, with the bridge between them."""
    database = Database(url)
    schema.ensure(database)
    rng = random.Random(seed)
    found: dict[str, Any] = {
        name: Market(name, manners, loop.now, random.Random(rng.random())) for name, manners in markets.items()
    }
    around = Surroundings(now=loop.now, time=loop.time, sleep=asyncio.sleep, rng=random.Random(rng.random()))
    fair = Fair(
        found,
        around,
        database,
        Rules(**({"guard": GuardRule(zero=10_000, percent=1e9, free=1_000_000)} | rules)),
        overrides or {},
    )
    fair.restart()
    return fair


def visit(
    story: Callable[[Fair], Coroutine[Any, Any, None]],
    *,
    goods: Mapping[str, Sequence[dict[str, Any]]] | None = None,
    adopt: bool = True,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    rules: Mapping[str, Any] | None = None,
    **markets: Manners,
) -> None:
    """Seed the markets, have the first one open the ledger, and play a story; the ledger must prove at its end."""
    loop = SimulatedLoop()
    asyncio.set_event_loop(loop)
    fair = open_fair(loop, markets, overrides=overrides, **(rules or {}))
    for name in markets:
        fair.market(name).seed((goods or {}).get(name, GOODS))

    async def play() -> None:
        await fair.wait()
        if adopt:
            await fair.adopt(next(iter(markets)))
            await fair.wait()
            await fair.well()
            await fair.wait()
        await story(fair)
        assert fair.database.read(ledger.prove) == []

    try:
        run_simulated(play(), loop)
    finally:
        asyncio.set_event_loop(None)
