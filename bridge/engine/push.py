"""Push: claim the positions that differ, store the exact call, send it, record what came of it.

A write whose answer was lost leaves its positions in flight; engine/recover.py settles them.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy.engine import Connection

from bridge.contract.errors import BridgeError, Gone, Refused
from bridge.contract.stock import Accepted, Applied, Outcome, Prepared, Rejected, StockChange
from bridge.domain.catalog import StockKey
from bridge.domain.guard import guard
from bridge.domain.position import Due, Position, claimed, overwrote, read, released, wrote
from bridge.engine.collect import drain_orders
from bridge.engine.context import Channel, Context
from bridge.engine.linking import position_name
from bridge.engine.noting import park
from bridge.engine.purse import Purse, first, opened, postpone, urgency
from bridge.engine.report import ChannelReport
from bridge.engine.ticket_times import FIRST_LOOK
from bridge.store import listings, notes, orders, positions, spendings, writes

__all__ = ["Push", "Pushed", "change_of", "planned", "push"]

# Orders drained so long ago are drained again before the next absolute write: it would wipe what was sold meanwhile.
DRAINED = timedelta(seconds=10)


def planned(connection: Connection, context: Context, channel: Channel, skus: Sequence[str] = ()) -> list[Position]:
    """Return the rows to write on a channel, the guard's halts parked; what has settled itself is no halt any more."""
    if not positions.still_held(connection, channel.name):
        notes.unpark(connection, "plan", channel.name, [channel.name])
    rows = _differing(connection, channel, skus)
    if context.rules.track:
        rows += _begin_tracking(connection, channel, skus)
    # What may move in any case needs no walk over the whole catalogue.
    small = sum(abs(row.delta) for row in rows) <= context.rules.guard.free
    units = 0 if small else positions.units_shown(connection, channel.name, channel.connector.limits.fixed_locations)
    halt = guard(rows, units, context.rules.guard)
    if halt is None:
        return rows
    reason = f"the plan for {channel.name} {halt.reason}: look at `bridge plan`, then `bridge approve {channel.name}`"
    positions.save(connection, [replace(row, parked=f"guard: {halt.reason}") for row in halt.rows])
    park(connection, context, "plan", channel.name, channel.name, reason)
    held = {row.key for row in halt.rows}
    return [row for row in rows if row.key not in held]


def _simply(connection: Connection, context: Context, channel: Channel, skus: Sequence[str]) -> list[Position] | None:
    """Return the rows to write where planning them changes nothing else; None where it does.

    It is asked after every sale anywhere: a look takes no turn among the writers.
    """
    if context.rules.track or notes.is_parked(connection, "plan", channel.name, channel.name):
        return None
    rows = _differing(connection, channel, skus)
    return None if guard(rows, 0, context.rules.guard) else rows


def _differing(connection: Connection, channel: Channel, skus: Sequence[str]) -> list[Position]:
    return [row for row in positions.work(connection, channel.name, skus) if row.delta and row.base != "untracked"]


def _begin_tracking(connection: Connection, channel: Channel, skus: Sequence[str]) -> list[Position]:
    """Rows whose number the channel does not keep yet: they start from 0, in the write that switches tracking on."""
    rows = [row for row in positions.untracked(connection, channel.name) if not skus or row.sku in skus]
    fresh = [replace(row, shown=0, base="untracked") for row in rows]
    positions.save(connection, fresh)
    return fresh


def change_of(row: Position | Due) -> StockChange:
    """The stock write that brings a position to its target."""
    return StockChange(key=row.key, delta=row.delta, shown=row.shown or 0, track=row.base == "untracked")


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push leaves to be read again: `stale` are numbers that may not be what we believe, `refuted` those of them that were not.

    That an absolute number was taken says nothing of what it wiped, so it is read again; a next one may follow it at once.
    """

    stale: Collection[StockKey] = frozenset()
    refuted: Collection[StockKey] = frozenset()


@dataclass(slots=True)
class Push:
    context: Context
    channel: Channel
    report: ChannelReport
    stale: set[StockKey] = field(default_factory=set)
    refuted: set[StockKey] = field(default_factory=set)
    stopped: BridgeError | None = None
    purse: Purse | None = None
    drained_at: datetime | None = None
    put_off: list[StockChange] = field(default_factory=list)
    _draining: asyncio.Lock = field(default_factory=asyncio.Lock)

    def affordable(self, rows: Sequence[Position]) -> Sequence[Position]:
        """Open the purse, and leave out the rows whose listing was changed as often today as it may be."""
        limits = self.channel.connector.limits
        if not (limits.writes_per_day or limits.changes_per_day):
            return rows
        now = self.context.now()
        purse = self.context.database.read(lambda connection: opened(connection, self.channel, rows, now))
        self.purse = purse
        self.put_off = [change_of(row) for row in rows if not purse.affords(change_of(row))]
        waiting = {one.key for one in self.put_off}
        return [row for row in rows if row.key not in waiting]

    def settle_purse(self) -> None:
        """Note what has to wait until there is room in the platform's day again."""
        purse, now = self.purse, self.context.now()
        if purse is not None and self.put_off:
            self.context.database.write(lambda connection: postpone(connection, self.channel, purse, self.put_off, now))

    async def batch(self, changes: Sequence[StockChange], gate: asyncio.Semaphore) -> None:
        """Send one batch; halves it where the platform refuses it as a whole for one bad row."""
        async with gate:
            changes = await self._still_right(changes)
            if self.stopped is not None or not changes:
                return
            if self.purse is not None and not self.purse.take(changes):
                self.put_off.extend(changes)
                return
            try:
                prepared = self.channel.connector.stock.prepare(changes, self.context.new_key())
                claims = self.context.database.write(lambda connection: self._claim(connection, prepared))
                if claims != len(changes):
                    return
                outcomes = await self._send(prepared)
            except Refused as error:
                if error.maybe_applied:
                    raise
                outcomes = None
                refused = error
        if outcomes is not None:
            self.context.database.write(lambda connection: self.record(connection, prepared, outcomes))
            if len(changes) == 1 or not all(_again(outcome) for outcome in outcomes):
                return
        elif len(changes) == 1:
            self.context.database.write(lambda connection: self._park(connection, changes[0].key, str(refused)))
            return
        # The platform refuses the call for a row it does not name: halves find it.
        middle = len(changes) // 2
        await self.batch(changes[:middle], gate)
        await self.batch(changes[middle:], gate)

    async def _still_right(self, changes: Sequence[StockChange]) -> Sequence[StockChange]:
        """Before an absolute write: drain the orders again if that was long ago, and take the rows as they stand then."""
        if self.drained_at is None or self.stopped is not None:
            return changes
        async with self._draining:
            if self.context.now() - self.drained_at > DRAINED:
                await drain_orders(self.context, self.channel, self.report)
                self.drained_at = self.context.now()
        keys = [change.key for change in changes]
        found = self.context.database.read(lambda connection: positions.by_keys(connection, self.channel.name, keys))
        return [change_of(found[key]) for key in keys if key in found and _to_write(found[key])]

    def _claim(self, connection: Connection, prepared: Prepared) -> int:
        """Take the rows if they still stand as planned; otherwise nothing is taken, and the next round plans anew."""
        found = positions.by_keys(connection, self.channel.name, [change.key for change in prepared.changes])
        rows = [
            found[change.key]
            for change in prepared.changes
            if change.key in found
            and found[change.key].in_flight is None
            and (found[change.key].shown, found[change.key].delta) == (change.shown, change.delta)
        ]
        if len(rows) == len(prepared.changes):
            writes.store(connection, self.channel.name, prepared, self.context.now())
            if self.purse is not None:
                cost = self.purse.price(prepared.changes)
                spendings.spend(connection, self.channel.name, cost, self.context.now())
            positions.save(connection, [replace(claimed(row, prepared.key), waits_until=None) for row in rows])
        return len(rows)

    async def _send(self, prepared: Prepared) -> Sequence[Outcome] | None:
        self.report.writes += 1
        try:
            return await self.channel.connector.stock.send(prepared)
        except BridgeError as error:
            if error.maybe_applied or not isinstance(error, Refused | Gone):
                self.stopped = error
            if not error.maybe_applied:
                self._give_back(prepared, error)
            raise

    def _give_back(self, prepared: Prepared, error: BridgeError) -> None:
        self.context.database.write(lambda connection: self.release(connection, prepared, str(error)))

    def release(self, connection: Connection, prepared: Prepared, reason: str) -> None:
        """Nothing of this write took effect: its rows are free again."""
        mine = self._mine(connection, prepared)
        deltas = {change.key: change.delta for change in prepared.changes}
        positions.save(connection, [released(row, deltas[row.key]) for row in mine.values()])
        writes.finish(connection, prepared.key, "failed", reason, self.context.now())

    def _mine(self, connection: Connection, prepared: Prepared) -> dict[StockKey, Position]:
        found = positions.by_keys(connection, self.channel.name, [change.key for change in prepared.changes])
        return {key: row for key, row in found.items() if row.in_flight == prepared.key}

    def record(self, connection: Connection, prepared: Prepared, outcomes: Sequence[Outcome]) -> None:
        """Note what came of a write, row by row; what was only accepted stays on its way."""
        mine = self._mine(connection, prepared)
        self.channel.written.update(mine)
        sent = {change.key: change for change in prepared.changes}
        rows = []
        for outcome in outcomes:
            row = mine.get(outcome.key)
            if row is None:
                continue
            if isinstance(outcome, Applied):
                if row.base == "untracked":
                    listings.tell_untracked(connection, row.channel, row.key.stock_id, tracked=True, now=outcome.at)
                rows.append(self._applied(connection, row, sent[row.key], outcome))
            elif isinstance(outcome, Rejected):
                rows.append(self._rejected(connection, released(row, sent[row.key].delta), outcome))
        positions.save(connection, rows)
        tickets = [outcome.ticket for outcome in outcomes if isinstance(outcome, Accepted)]
        if tickets:
            writes.accept(connection, prepared.key, tickets[0], self.context.now() + FIRST_LOOK)
        else:
            writes.finish(connection, prepared.key, "done", "", self.context.now())

    def _applied(self, connection: Connection, row: Position, sent: StockChange, outcome: Applied) -> Position:
        self.report.written += 1
        limits = self.channel.connector.limits
        absolute = limits.absolute or row.base == "untracked"
        expected = (sent.shown if absolute else row.shown or 0) + sent.delta
        certain = outcome.quantity == expected or (outcome.quantity is None and limits.compare_and_set)
        if absolute:
            # That the platform took our number says nothing of what it wiped, unless the number before was part of the deal.
            safe = certain and (limits.compare_and_set or not limits.absolute)
            moved = 0 if row.shown == sent.shown else self._moved_since(connection, row, outcome.at)
            row = overwrote(row, expected, outcome.at, since=moved, verified=safe)
            if not safe:
                self.stale.add(row.key)
        else:
            row = wrote(row, sent.delta, at=outcome.at, verified=certain)
        if outcome.quantity is not None and not certain:
            row = read(row, outcome.quantity, outcome.at)
            self._refute(row.key)
        return row

    def _refute(self, key: StockKey) -> None:
        self.stale.add(key)
        self.refuted.add(key)

    def _moved_since(self, connection: Connection, row: Position, at: datetime) -> int:
        return orders.moved_between(connection, row.channel, row.key, at)

    def _rejected(self, connection: Connection, row: Position, outcome: Rejected) -> Position:
        if outcome.kind == "retry":
            return row
        self.report.rejected += 1
        if outcome.kind == "stale":
            self._refute(row.key)
            return row
        if outcome.kind != "gone":
            self._tell(connection, row, f"{row.sku}: {outcome.reason}")
            return replace(row, parked=outcome.reason)
        text = f"{row.sku} is no more on {self.channel.name} ({outcome.reason}): link another listing, or leave it"
        self._tell(connection, row, text)
        return replace(row, gone=True, parked=outcome.reason)

    def _park(self, connection: Connection, key: StockKey, reason: str) -> None:
        found = positions.by_keys(connection, self.channel.name, [key])
        positions.save(connection, [replace(row, parked=reason) for row in found.values()])
        for row in found.values():
            self._tell(connection, row, f"{row.sku}: {reason}")

    def _tell(self, connection: Connection, row: Position, text: str) -> None:
        park(connection, self.context, "position", self.channel.name, position_name(row), text)
        self.report.parked.append(text)


def _to_write(row: Position) -> bool:
    differs = bool(row.delta) or row.base == "untracked"
    return differs and row.in_flight is None and row.suspect is None and not row.parked and not row.gone


def _again(outcome: Outcome) -> bool:
    return isinstance(outcome, Rejected) and outcome.kind == "retry"


async def push(
    context: Context,
    channel: Channel,
    report: ChannelReport,
    skus: Sequence[str] = (),
    refuted: Mapping[StockKey, int | None] = MappingProxyType({}),
) -> Pushed:
    """Write what differs on a channel; say whose numbers are to be read again.

    `refuted` are numbers that came back stale: they are not sent again before something new is known of them.
    """

    def fresh(found: Sequence[Position]) -> Sequence[Position]:
        return [row for row in found if row.key not in refuted or refuted[row.key] != row.shown]

    simple = context.database.read(lambda connection: _simply(connection, context, channel, skus))
    if simple is None:
        simple = context.database.write(lambda connection: planned(connection, context, channel, skus))
    rows = fresh(simple)
    if not rows:
        return Pushed()
    work = Push(context, channel, report)
    limits = channel.connector.limits
    if limits.absolute and channel.sells:
        # Nothing is sold again of what goes to nothing: sold out waits for no reading.
        gone = [row for row in rows if row.target == 0]
        await _send(work, gone)
        if len(gone) == len(rows):
            return Pushed(work.stale, work.refuted)
        # Drain, then set: what was sold there and not heard of yet would be wiped, and sold again.
        await _drain(work)
        rows = fresh(context.database.write(lambda connection: planned(connection, context, channel, skus)))
    await _send(work, rows)
    return Pushed(work.stale, work.refuted)


async def _drain(work: Push) -> None:
    """Read the orders, unless that was done a moment ago as far as the platform lets us read them."""
    channel = work.channel
    if channel.may_drain(work.context.now()):
        await drain_orders(work.context, channel, work.report)
    if not channel.connector.limits.orders_every:
        work.drained_at = work.context.now()


async def _send(work: Push, rows: Sequence[Position]) -> None:
    context, channel = work.context, work.channel
    limits = channel.connector.limits
    to_send = work.affordable(first(rows))
    gate = asyncio.Semaphore(1 if limits.serial_writes else limits.concurrency)
    batches = sorted(channel.connector.stock.batches([change_of(row) for row in to_send]), key=_most_urgent)
    done = 0

    async def one(changes: Sequence[StockChange]) -> None:
        nonlocal done
        await work.batch(changes, gate)
        done += len(changes)
        context.progress("writing stock", channel.name, done, len(to_send))

    ended = await asyncio.gather(*(one(batch) for batch in batches if batch), return_exceptions=True)
    for error in ended:
        if isinstance(error, BaseException):
            raise error
    work.settle_purse()


def _most_urgent(batch: Sequence[StockChange]) -> int:
    return min((urgency(one.shown, one.shown + one.delta) for one in batch), default=0)
