"""Product edits that a platform has accepted to carry out later, asked for until it says what became of each.

The fields of such an edit are left alone meanwhile, whatever the channel shows of them. What was refused is written again by halves,
until the field that the platform will not take stands alone. A ticket that leads to nothing is let go: the product is read, and what
differs is planned anew.
"""

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy.engine import Connection

from bridge.contract.errors import Gone, Refused
from bridge.contract.ports import ProductResult
from bridge.domain.catalog import Product
from bridge.engine.context import Channel, Context
from bridge.engine.documents_fields import edit_of
from bridge.engine.documents_write import Job, Writer
from bridge.engine.report import ChannelReport
from bridge.engine.ticket_times import kept, look_later, overdue
from bridge.store import documents, edits, listings, notes, writes
from bridge.store.edits import AcceptedEdits

__all__ = ["look_at_edits"]


async def look_at_edits(
    context: Context, channel: Channel, report: ChannelReport, *, everything: bool = False
) -> set[str]:
    """Ask for the edits that are due (or for `everything`); return the products to compare anew."""
    if channel.connector.edit_tickets is None:
        return set()
    now, settled = context.now(), set[str]()
    for one in context.database.read(lambda connection: edits.accepted(connection, channel.name)):
        looking = _Looking(context, channel, report, one)
        if now - one.created_at > kept(channel):
            settled |= await looking.give_up()
        elif everything or one.look_at is None or one.look_at <= now:
            settled |= await looking.ask()
    return settled


class _Looking:
    def __init__(self, context: Context, channel: Channel, report: ChannelReport, one: AcceptedEdits) -> None:
        self.context, self.channel, self.report, self.one = context, channel, report, one
        self.jobs: Sequence[Job] = msgspec.json.decode(one.jobs, type=list[Job])
        self.products = {job[0].product_id for job in self.jobs}

    async def ask(self) -> set[str]:
        """Ask what became of the edits; those of a product that is no more have come to nothing."""
        port = self.channel.connector.edit_tickets
        assert port is not None
        current = self._current()
        jobs = [job for job in self.jobs if job[0].product_id in current]
        try:
            results = await port.look(self.one.ticket, [edit_of(current[job[0].product_id], job) for job in jobs])
        except Gone:
            return await self._let_go()
        if results is None:
            look_later(self.context, self.one.key, self.one.looks)
            return set()
        await self._conclude(jobs, results, current)
        return self.products

    async def _conclude(
        self, jobs: Sequence[Job], results: Sequence[ProductResult], current: Mapping[str, Product]
    ) -> None:
        def done(connection: Connection) -> None:
            self._end(connection, "done")
            notes.unpark(connection, "ticket", self.channel.name, [self.channel.name])

        await Writer(self.context, self.channel, self.report).conclude(jobs, results, current, done)

    async def give_up(self) -> set[str]:
        """Wait no longer: a person is told, and what the products show decides."""
        what, then = f"edits to {len(self.products)} products", "they are read, and what differs is written anew"
        overdue(self.context, self.channel, self.one.ticket, what, then)
        return await self._let_go()

    async def _let_go(self) -> set[str]:
        """Nobody can say what became of the edits: read the products, and let them be planned anew."""
        found = await self._read()

        def unit(connection: Connection) -> None:
            listings.record(connection, self.channel.name, found, self.context.now())
            Writer(self.context, self.channel, self.report).reopen(connection, self.jobs)
            self._end(connection, "read back")

        self.context.database.write(unit)
        return self.products

    async def _read(self) -> Sequence[Product]:
        try:
            return await self.channel.connector.catalog.get(sorted(self.products))
        except Refused:
            return ()  # one of them is unreadable, which its feed tells; the next reading has the others

    def _end(self, connection: Connection, state: str) -> None:
        writes.finish(connection, self.one.key, state, "", self.context.now())
        documents.mark(connection, self.channel.name, self.products)

    def _current(self) -> dict[str, Product]:
        pairs = [(self.channel.name, one) for one in self.products]
        found = self.context.database.read(lambda connection: documents.bodies(connection, pairs))
        return {product_id: one for (_, product_id), one in found.items() if not one.deleted}
