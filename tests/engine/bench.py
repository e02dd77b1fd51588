"""A small world for one rule at a time: stand-ins in process, simulated time, and short questions about the outcome."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from bridge.domain.guard import GuardRule
from bridge.domain.ledger import stock
from bridge.domain.orders import Order
from bridge.domain.position import Position
from bridge.engine.booking import Booked, book
from bridge.engine.context import Channel, Rules
from bridge.engine.report import ChannelReport, Report
from bridge.engine.sync import audit
from bridge.rehearsal.invariants import broken
from bridge.rehearsal.world import World, build
from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from bridge.store import ledger, listings, positions, tables
from bridge.store.database import Database

Story = Callable[["Bench"], Coroutine[Any, Any, None]]
GOODS: Sequence[dict[str, Any]] = (
    {"title": "Tee", "variants": [{"sku": "A", "barcode": "4006001", "price": "10.00", "stock": 10}]},
    {"title": "Cap", "variants": [{"sku": "B", "barcode": "4006002", "price": "5.00", "stock": 6}]},
)
NO_GUARD = GuardRule(zero=10_000, percent=1e9)


def tell(
    story: Story,
    *names: str,
    goods: Mapping[str, Sequence[dict[str, Any]]] | None = None,
    opens: str | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    adopt: bool = True,
    sound: bool = True,
    **rules: Any,
) -> None:
    """Seed the platforms, adopt them, run the story, and check that the ledger proves (`sound`: and all invariants hold)."""
    loop = SimulatedLoop()
    asyncio.set_event_loop(loop)
    try:
        world = build(
            names, database=Database(":memory:"), now=loop.now, time=loop.time, seed=1,
            rules=Rules(**({"guard": NO_GUARD} | rules)), overrides=overrides, options=options,
        )  # fmt: skip
        world.database.write(lambda connection: listings.set_kits(connection, world.rules.kits))
        for name in names:
            world.platforms[name].shop.seed(list((goods or {}).get(name, GOODS)))
        run_simulated(_run(story, Bench(world), opens or names[0], adopt=adopt, sound=sound), loop)
    finally:
        asyncio.set_event_loop(None)


async def _run(story: Story, bench: "Bench", opens: str, *, adopt: bool, sound: bool) -> None:
    try:
        await bench.wait()
        if adopt:
            await bench.world.adopt(opens)
            await bench.wait()
            await bench.sync()
        await story(bench)
        assert bench.world.database.read(ledger.prove) == []
        if sound:
            assert broken(bench.world) == []
    finally:
        await bench.world.close()


class Bench:
    """What a story may do and ask."""

    def __init__(self, world: World) -> None:
        self.world = world

    def shop(self, name: str) -> Any:
        """The people around one platform."""
        return self.world.platforms[name].shop

    def faults(self, name: str) -> Any:
        """The faults of one platform."""
        return self.world.platforms[name].faults

    def channel(self, name: str) -> Channel:
        """One channel as the engine has it."""
        return self.world.channels[name]

    async def wait(self, seconds: float = 10) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    async def sync(self) -> Report:
        """One `bridge sync`, after which no channel may have failed."""
        report = await self.world.sync()
        assert [part.error for part in report.channels.values() if part.error] == []
        await self.wait()
        return report

    async def audit(self, name: str) -> None:
        """Read every number of a channel, and settle what differs."""
        await audit(self.world.context, self.channel(name), ChannelReport())
        await self.sync()

    def book(self, name: str, *page: Order) -> Booked:
        """Hand snapshots to the booking, as a feed does."""
        context, channel = self.world.context, self.channel(name)
        return self.world.database.write(lambda connection: book(connection, context, channel, page))

    def newest(self, name: str) -> Order:
        """The newest snapshot of the channel's newest order."""
        rows = [row for row in self.rows(tables.orders) if row.channel == name]
        return msgspec.json.decode(max(rows, key=lambda row: row.placed_at).snapshot, type=Order)

    def balance(self, sku: str) -> int | None:
        """What the ledger has."""
        counter = stock(sku, "main")
        return self.world.database.read(lambda connection: ledger.balances(connection, [counter])).get(counter)

    def whys(self, sku: str) -> list[tuple[str, int]]:
        """The movements of a SKU, oldest first, as (why, delta)."""
        rows = self.world.database.read(lambda connection: ledger.chain(connection, stock(sku, "main")))
        return [(row.why, row.delta) for row in reversed(rows)]

    def number(self, name: str, sku: str) -> int:
        """The platform's own number."""
        return sum(self.world.numbers(name)[sku].values())

    def numbers(self, sku: str) -> list[int]:
        """All platforms' own numbers."""
        return [self.number(name, sku) for name in self.world.channels]

    def position(self, name: str, sku: str) -> Position:
        """What we believe of it."""
        rows = self.world.database.read(lambda connection: positions.by_skus(connection, [sku]))
        return next(row for row in rows if row.channel == name)

    def rows(self, table: sa.Table) -> list[Any]:
        """Every row of a table."""
        return self.world.database.read(lambda connection: list(connection.execute(sa.select(table))))

    @property
    def counted(self) -> list[tuple[str, int, int]]:
        """The counts that were believed, as (SKU, expected, found)."""
        return [(row.sku, row.expected, row.quantity) for row in self.rows(tables.counts)]

    @property
    def drifted(self) -> list[tuple[str, int, int]]:
        """The drifts that were repaired, as (SKU, shown, found)."""
        return [(row.sku, row.shown, row.found) for row in self.rows(tables.drifts)]

    @property
    def parked(self) -> list[tuple[str, str]]:
        """What was set aside, as (subject, channel)."""
        return [(row.subject, row.channel) for row in self.rows(tables.parked)]

    @property
    def found(self) -> list[tuple[str, str]]:
        """The findings, as (kind, channel)."""
        return [(row.kind, row.channel) for row in self.rows(tables.findings)]

    def variant(self, name: str, sku: str) -> str:
        """The id under which a channel lists a SKU."""
        rows = self.rows(tables.listings)
        return next(str(row.variant_id) for row in rows if (row.channel, row.shown_sku) == (name, sku))

    def ago(self, **span: float) -> str:
        """A moment in the past, as a till would say it."""
        return (self.world.around.now() - timedelta(**span)).isoformat()


def written(report: Report) -> int:
    """How many rows a run wrote on all channels."""
    return sum(part.written for part in report.channels.values())


def one_sku(sku: str = "A", units: int | None = 10, **more: Any) -> list[dict[str, Any]]:
    """Goods of one SKU."""
    return [{"title": f"Good {sku}", "variants": [{"sku": sku, "price": "10.00", "stock": units, **more}]}]
