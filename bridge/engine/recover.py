"""Recover: writes whose answer was lost, in this run or in one that was killed.

Where the write carries a key the same call is sent again. Where it does not, the numbers are read back twice with the orders
drained in between. A bare delta is never sent twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy.engine import Connection

from bridge.contract.errors import Gone, Refused
from bridge.contract.stock import Prepared, StockChange
from bridge.domain.catalog import Level, StockKey
from bridge.domain.ledger import Movement, stock
from bridge.domain.position import Position, rebased
from bridge.engine.collect import drain_orders, mark_gone
from bridge.engine.context import Channel, Context
from bridge.engine.desk import Desk
from bridge.engine.noting import drift
from bridge.engine.push import Push
from bridge.engine.report import ChannelReport
from bridge.store import notes, positions, writes

__all__ = ["read_back", "recover"]


async def recover(context: Context, channel: Channel, report: ChannelReport) -> None:
    """Settle the writes whose outcome is not known, after a lost answer or a crash."""
    waiting = context.database.read(lambda connection: writes.open_writes(connection, channel.name))
    limits = channel.connector.limits
    unkeyed: list[Prepared] = []
    for sent in waiting:
        fresh = context.now() - sent.created_at < timedelta(hours=limits.key_hours) * 0.9
        if limits.keyed and fresh:
            await _send_again(Push(context, channel, report), sent.prepared)
        else:
            unkeyed.append(sent.prepared)
    if unkeyed:
        await read_back(Push(context, channel, report), unkeyed)


async def _send_again(work: Push, prepared: Prepared) -> None:
    try:
        outcomes = await work.channel.connector.stock.send(prepared)
    except (Refused, Gone) as error:
        reason = str(error)
        work.context.database.write(lambda connection: work.release(connection, prepared, reason))
        return
    work.context.database.write(lambda connection: work.record(connection, prepared, outcomes))


async def read_back(work: Push, open_writes: Sequence[Prepared]) -> None:
    """Two equal reads with the orders drained between them are the truth: whatever arrived is in that number."""
    keys = sorted(
        {change.key for one in open_writes for change in one.changes}, key=lambda key: (key.stock_id, key.location)
    )
    first = await _read_all(work, keys)
    await drain_orders(work.context, work.channel, work.report)
    before = work.context.database.read(lambda connection: positions.by_keys(connection, work.channel.name, keys))
    await work.context.sleep(max(work.context.rules.grace, timedelta(seconds=2)).total_seconds())
    second = await _read_all(work, keys)
    await drain_orders(work.context, work.channel, work.report)

    def settle(connection: Connection) -> None:
        for one in open_writes:
            _ReadBack(connection, work, one, first, second, before).settle()

    work.context.database.write(settle)


async def _read_all(work: Push, keys: Sequence[StockKey]) -> dict[StockKey, Level]:
    size = work.channel.connector.limits.read_batch
    found: dict[StockKey, Level] = {}
    for start in range(0, len(keys), size):
        for level in await work.channel.connector.stock.read(keys[start : start + size]):
            found[level.key] = level
    return found


@dataclass(slots=True)
class _ReadBack:
    """Decides, row by row, what became of one write."""

    connection: Connection
    work: Push
    write: Prepared
    first: dict[StockKey, Level]
    second: dict[StockKey, Level]
    before: dict[StockKey, Position]

    def settle(self) -> None:
        context = self.work.context
        desk = Desk(self.connection, context, context.now())
        now = desk.positions(self.work.channel.name, [change.key for change in self.write.changes])
        mine = {key: row for key, row in now.items() if row.in_flight == self.write.key}
        sure = [change for change in self.write.changes if change.key in mine and self._stood(mine[change.key])]
        moved = {change.key: self._moved(mine[change.key], change) for change in sure}
        for change in sure:
            self._row(desk, mine[change.key], change, self._landed(change, moved))
        desk.close()
        gone = {key for key in mine if key not in self.second}
        mark_gone(self.connection, context, self.work.channel, gone)
        if mine.keys() <= {change.key for change in sure} | gone:
            note = ", ".join(_outcome(change, self.second) for change in self.write.changes)
            writes.finish(self.connection, self.write.key, "read back", note, context.now())

    def _stood(self, row: Position) -> bool:
        """Nothing happened to this number between the two reads."""
        first, second, before = self.first.get(row.key), self.second.get(row.key), self.before.get(row.key)
        if first is None or second is None or before is None:
            return False
        return first.quantity == second.quantity is not None and before.shown == row.shown

    def _moved(self, row: Position, change: StockChange) -> bool | None:
        """Whether the number shows that this row of the call took effect; None where it shows neither."""
        if self.work.channel.connector.limits.absolute:
            return None  # each row says for itself what is there, and a sale in between may look like a row that did not arrive
        moved = (self.second[row.key].quantity or 0) - (row.shown or 0)
        return moved != 0 if moved in {0, change.delta} else None

    def _landed(self, change: StockChange, moved: dict[StockKey, bool | None]) -> bool | None:
        """What the other rows say of one: they take effect in their order, and a call may die among them."""
        at = self.write.changes.index(change)
        if any(moved.get(later.key) for later in self.write.changes[at + 1 :]):
            return True
        if any(moved.get(earlier.key) is False for earlier in self.write.changes[:at]):
            return False
        return None

    def _row(self, desk: Desk, row: Position, change: StockChange, landed: bool | None) -> None:
        level = self.second[row.key]
        found, shown = level.quantity or 0, row.shown or 0
        if not self._expected(row, change, found):
            if self.work.channel.believed and self._is_edit(row, change, found - shown, landed):
                self._edited(desk, row, change, landed)
            else:
                note = f"after a write of {change.delta:+d} whose answer was lost"
                drift(self.connection, self.work.context, row, found, level.as_of, note)
        row = replace(row, in_flight=None, suspect_at=self.first[row.key].as_of)
        desk.put(rebased(row, found, "write", level.as_of))

    def _expected(self, row: Position, change: StockChange, found: int) -> bool:
        """Whether the write explains the number: it arrived, or did not.

        An absolute one may have wiped some of the orders that we heard of since it was sent: all, or none, or those before it.
        """
        shown = row.shown or 0
        if not self.work.channel.connector.limits.absolute:
            return found in {shown, shown + change.delta}
        target = change.shown + change.delta
        moved = shown - change.shown
        return found == shown or min(target, target + moved) <= found <= max(target, target + moved)

    @staticmethod
    def _is_edit(row: Position, change: StockChange, gap: int, landed: bool | None) -> bool:
        """Whether the number is further from what it was, and from what we wrote, than the orders since then can have moved it: a lost
        update alone does not explain it."""
        orders = max(0, row.moved - abs(change.delta))
        outcomes = {True: [gap - change.delta], False: [gap], None: [gap, gap - change.delta]}[landed]
        return min(map(abs, outcomes)) > orders

    def _edited(self, desk: Desk, row: Position, change: StockChange, landed: bool | None) -> None:
        """Somebody set the number while our write was on its way; where nothing tells which came first, the lower is safe."""
        level = self.second[row.key]
        found, shown = level.quantity or 0, row.shown or 0
        gap = found - shown
        delta = gap - change.delta if landed else gap if landed is not None else min(gap, gap - change.delta)
        sure = "" if landed is not None else f"; undecided by {abs(change.delta)}"
        note = (
            f"{row.channel} shows {found}, expected {found - delta}, a write of {change.delta:+d} was on its way{sure}"
        )
        number = notes.count(self.connection, row, found, level.as_of, note)
        desk.move(
            Movement(
                counter=stock(row.sku, row.place), delta=delta, why="count", unique=f"count/{number}", channel=row.channel,
                source=f"count/{number}", occurred_at=level.as_of, note=note,
            )
        )  # fmt: skip


def _outcome(change: StockChange, levels: dict[StockKey, Level]) -> str:
    level = levels.get(change.key)
    return f"{change.key.stock_id}: {'gone' if level is None else level.quantity} (was {change.shown}, sent {change.delta:+d})"
