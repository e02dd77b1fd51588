"""One run of the passes over all channels until nothing differs: collect, settle (inside the transactions), push, read again."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.engine import Connection

from bridge.contract.errors import BridgeError, TryLater
from bridge.domain.catalog import Level, StockKey
from bridge.engine import holds
from bridge.engine.code_push import verify_codes
from bridge.engine.collect import audit_catalog, audit_customers, collect, drain_orders, examine_levels, read_again
from bridge.engine.context import Channel, Context
from bridge.engine.documents import sync_products
from bridge.engine.loyalty import settle_loyalty, show_loyalty
from bridge.engine.mirror import mirror, nobody
from bridge.engine.push import push
from bridge.engine.recover import recover
from bridge.engine.report import ChannelReport, Report
from bridge.engine.tickets import look
from bridge.store import edits, positions, writes

__all__ = ["Sync", "audit"]

MAX_ROUNDS = 12
# A run does not wait longer than this until what it wrote is to be seen: the next one, or the daemon, reads it again.
PATIENCE = timedelta(seconds=30)


@dataclass(slots=True)
class Sync:
    """One run. `only` limits what is written to one channel, `skus` to some SKUs; reading is never limited."""

    context: Context
    channels: Sequence[Channel]
    only: frozenset[str] = frozenset()
    skus: Sequence[str] = ()
    report: Report = field(default_factory=Report)
    _doubtful: dict[str, set[StockKey]] = field(default_factory=dict)
    _lost: set[str] = field(default_factory=set)
    _tickets: set[str] = field(default_factory=set)
    products: dict[str, set[str]] = field(default_factory=dict)

    async def read(self) -> None:
        """Recover lost answers and read every feed: changes nothing on any channel but what recovery finishes."""
        await self._each(self._collect)
        self.context.database.write(lambda connection: holds.expire(connection, self.context))
        self.context.database.write(lambda connection: settle_loyalty(connection, self.context))

    async def everything(self) -> None:
        """Write all that differs. What is sold out disappears first, before anything slower is done.

        The home of mirrored orders waits until it is known what is to be copied: a copy takes the units off by itself.
        """
        name = self.context.rules.mirroring.home
        home = [channel for channel in self.channels if channel.name == name]
        await self._each(self._push, [channel for channel in self.channels if channel.name != name])
        await self.copy_orders(lambda: self._each(self._push, home))
        await self.write_products()
        await self.stock()

    async def copy_orders(self, intended: Callable[[], Awaitable[None]] = nobody) -> None:
        """Copy orders to the home channel, and pass on what happened to those that were; `intended` as in `mirror`."""
        await mirror(self.context, self._sound(), self.report, intended=intended)

    async def write_products(self) -> None:
        """Merge the products that changed, and write the fields that differ."""
        await sync_products(self.context, self._sound(), self.products, self.report, skus=self.skus)

    def _sound(self) -> list[Channel]:
        """The channels to write to that could be read: nothing is decided upon old news."""
        sound = [channel for channel in self.channels if not self.report.of(channel.name).error]
        return [channel for channel in sound if not self.only or channel.name in self.only]

    async def stock(self) -> None:
        """Push, and go on reading and pushing until nothing differs or only what needs more time is left."""
        await self._each(self._push)
        while self.report.rounds < MAX_ROUNDS and (any(self._doubtful.values()) or self._lost or self._tickets):
            self.report.rounds += 1
            await self.context.sleep(self._pause().total_seconds())
            await self._each(self._again)
            await self._each(self._push)
        self.context.database.read(self._count)

    def _pause(self) -> timedelta:
        """How long a doubt has to stand, and what was written takes to be seen."""
        doubtful = [channel for channel in self.channels if self._doubtful.get(channel.name)]
        visible = [timedelta(seconds=channel.connector.limits.visible_after) for channel in doubtful]
        return max(self.context.rules.grace, timedelta(seconds=2), *visible)

    async def _collect(self, channel: Channel, report: ChannelReport) -> None:
        await recover(self.context, channel, report)
        await self._look(channel, report, everything=True)
        found = await collect(self.context, channel, report)
        self.products[channel.name] = found.products
        self._doubt(channel, found.waiting)
        late = self.context.database.read(lambda connection: positions.suspects(connection, channel.name))
        self._doubt(channel, {position.key for position in late})
        written = self.context.database.read(lambda connection: positions.unverified(connection, channel.name))
        self._doubt(channel, {position.key for position in written})

    async def _look(self, channel: Channel, report: ChannelReport, *, everything: bool = False) -> None:
        """Ask for the tickets of accepted writes: all of them, or those whose turn it is."""
        self._doubt(channel, (await look(self.context, channel, report, everything=everything)).keys)
        self._await_tickets(channel)

    def _await_tickets(self, channel: Channel) -> None:
        """Note whether the channel has tickets that are still open."""
        due = self.context.database.read(lambda connection: writes.next_look(connection, channel.name))
        (self._tickets.discard if due is None else self._tickets.add)(channel.name)

    async def _push(self, channel: Channel, report: ChannelReport) -> None:
        if not self.only or channel.name in self.only:
            try:
                self._doubt(channel, (await push(self.context, channel, report, self.skus)).stale)
                await show_loyalty(self.context, channel, report)
                self._await_tickets(channel)
            except TryLater as error:
                if not error.maybe_applied:
                    raise
                self._lost.add(channel.name)

    async def _again(self, channel: Channel, report: ChannelReport) -> None:
        self._lost.discard(channel.name)
        await recover(self.context, channel, report)
        await self._look(channel, report)
        keys = sorted(self._doubtful.pop(channel.name, set()), key=lambda key: (key.stock_id, key.location))
        if keys:
            self._doubt(channel, await read_again(self.context, channel, keys, report))
        else:
            # While one channel is in doubt the others go on selling: no sale waits for a doubt to be settled.
            await drain_orders(self.context, channel, report)

    def _doubt(self, channel: Channel, keys: Collection[StockKey]) -> None:
        if keys and timedelta(seconds=channel.connector.limits.visible_after) <= PATIENCE:
            self._doubtful.setdefault(channel.name, set()).update(keys)

    async def _each(
        self, step: Callable[[Channel, ChannelReport], Awaitable[None]], channels: Sequence[Channel] | None = None
    ) -> None:
        """Run a step on all channels (or these) at once; one that fails is left out from then on, the others go on."""
        chosen = self.channels if channels is None else channels
        await asyncio.gather(*(self._one(step, channel) for channel in chosen))

    async def _one(self, step: Callable[[Channel, ChannelReport], Awaitable[None]], channel: Channel) -> None:
        report = self.report.of(channel.name)
        if report.error:
            return
        try:
            await step(channel, report)
        except BridgeError as error:
            report.fail(error)

    def _count(self, connection: Connection) -> None:
        on_their_way = edits.counts(connection)
        for channel in self.channels:
            name, now = channel.name, self.context.now()
            keys = {one.prepared.key for one in writes.accepted(connection, name)}
            flying = positions.in_flight(connection, name)
            self.report.accepted += sum(row.in_flight in keys for row in flying)
            self.report.edits_accepted += on_their_way.get(name, 0)
            work = positions.work(connection, name)
            put_off = sum(row.waits_until is not None and row.waits_until > now for row in work)
            self.report.put_off += put_off
            self.report.open += len(work) - put_off + sum(row.in_flight not in keys for row in flying)
            doubtful = positions.suspects(connection, name) + positions.unverified(connection, name)
            self.report.waiting += len({row.key for row in doubtful})


async def audit(context: Context, channel: Channel, report: ChannelReport) -> set[StockKey]:
    """Read the whole catalogue and every number of a channel in the fewest calls; return the keys to read again.

    What the feeds cannot tell comes out here: deletions that leave no trace, and stock that another program changed.
    """
    await audit_catalog(context, channel, report)
    await audit_customers(context, channel)
    await verify_codes(context, channel, report)
    levels: list[Level] = []
    channel.written.clear()
    async for page in channel.connector.stock.scan():
        levels.extend(page.items)
        context.progress("auditing", channel.name, len(levels), page.total)
    await drain_orders(context, channel, report)
    return await examine_levels(context, channel, levels, report)
