"""Tickets: writes that a platform has accepted to carry out later, asked for until it says what became of them.

Numbers are here, edits of products in documents_tickets.py, new products in documents_created.py. The rows of such a write stay in
flight; no other write to them goes out meanwhile. A ticket that the platform does not know any more, or that never ends, is not waited
for: the numbers themselves are read back and decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from bridge.contract.errors import Gone
from bridge.contract.stock import Applied, Rejected
from bridge.domain.catalog import StockKey
from bridge.engine.context import Channel, Context
from bridge.engine.documents_created import look_at_creations
from bridge.engine.documents_tickets import look_at_edits
from bridge.engine.push import Push
from bridge.engine.recover import read_back
from bridge.engine.report import ChannelReport
from bridge.engine.ticket_times import kept, look_later, overdue
from bridge.store import notes, writes
from bridge.store.writes import Sent

__all__ = ["Looked", "look"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What is to be done about tickets that ended: numbers to read again soon, and products to compare anew."""

    keys: set[StockKey]
    products: set[str]


async def look(context: Context, channel: Channel, report: ChannelReport, *, everything: bool = False) -> Looked:
    """Ask for the tickets that are due, or for `everything`."""
    keys = await _numbers(context, channel, report, everything=everything)
    made = await look_at_creations(context, channel, report, everything=everything)
    edited = await look_at_edits(context, channel, report, everything=everything)
    return Looked(keys=keys, products=made | edited)


async def _numbers(context: Context, channel: Channel, report: ChannelReport, *, everything: bool) -> set[StockKey]:
    tickets, now = channel.connector.tickets, context.now()
    if tickets is None:
        return set()
    waiting = context.database.read(lambda connection: writes.accepted(connection, channel.name))
    looking = _Looking(context, channel, Push(context, channel, report))
    for one in waiting:
        if now - one.created_at > kept(channel):
            await looking.give_up(one)
        elif everything or one.look_at is None or one.look_at <= now:
            await looking.at(one)
    return looking.work.stale


class _Looking:
    def __init__(self, context: Context, channel: Channel, work: Push) -> None:
        self.context, self.channel, self.work = context, channel, work

    async def at(self, one: Sent) -> None:
        """Ask for one ticket."""
        tickets = self.channel.connector.tickets
        assert tickets is not None
        try:
            results = await tickets.look(one.ticket, one.prepared)
        except Gone:
            await read_back(self.work, [one.prepared])
            return
        if results is None:
            look_later(self.context, one.prepared.key, one.looks)
        else:
            self.context.database.write(lambda connection: self._settle(connection, one, results))

    def _settle(self, connection: Connection, one: Sent, results: Sequence[Applied | Rejected]) -> None:
        self.work.record(connection, one.prepared, results)
        notes.unpark(connection, "ticket", self.channel.name, [self.channel.name])

    async def give_up(self, one: Sent) -> None:
        """Wait no longer: what the numbers show decides, and a person is told."""
        what, then = f"{len(one.prepared.changes)} numbers", "they are read back and what differs is sent anew"
        overdue(self.context, self.channel, one.ticket, what, then)
        await read_back(self.work, [one.prepared])
