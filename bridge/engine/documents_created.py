"""New products that a platform has accepted to make later, asked for until it says what became of each.

Such a product is not planned again meanwhile. A ticket that leads to nothing is let go: the catalogue has brought the product, or it is
created anew.
"""

from functools import partial

import msgspec
from sqlalchemy.engine import Connection

from bridge.contract.errors import Gone, Refused
from bridge.contract.ports import CreationTicketPort
from bridge.engine.context import Channel, Context
from bridge.engine.documents_create import Pending, begin, keep, refuse
from bridge.engine.report import ChannelReport
from bridge.engine.ticket_times import kept, look_later, overdue
from bridge.store import documents, edits, notes, writes
from bridge.store.edits import AcceptedEdits

__all__ = ["look_at_creations"]


async def look_at_creations(
    context: Context, channel: Channel, report: ChannelReport, *, everything: bool = False
) -> set[str]:
    """Ask for the creations that are due (or for `everything`); return the products to compare anew."""
    port = channel.connector.creation_tickets
    if port is None:
        return set()
    now, settled = context.now(), set[str]()
    for one in context.database.read(lambda connection: edits.accepted(connection, channel.name, "creation")):
        looking = _Looking(context, channel, report, one)
        if now - one.created_at > kept(channel):
            settled.add(looking.give_up())
        elif everything or one.look_at is None or one.look_at <= now:
            settled |= await looking.ask(port)
    return settled


class _Looking:
    def __init__(self, context: Context, channel: Channel, report: ChannelReport, one: AcceptedEdits) -> None:
        self.context, self.channel, self.report, self.one = context, channel, report, one
        (self.pending,) = msgspec.json.decode(one.jobs, type=list[Pending])

    async def ask(self, port: CreationTicketPort) -> set[str]:
        """Ask what became of the product."""
        creation, write = self.pending.creation, self.context.database.write
        try:
            made = await port.made(self.one.ticket, self.pending.product)
        except Refused as error:
            write(partial(refuse, context=self.context, report=self.report, one=creation, error=error, then=self._end))
            return set()
        except Gone:
            return {self._let_go()}
        if made is None:
            look_later(self.context, self.one.key, self.one.looks)
            return set()
        await keep(self.context, self.channel, self.report, creation, made, self._end)
        return {made.id}

    def give_up(self) -> str:
        """Wait no longer: a person is told."""
        what, then = f"the new product {self.pending.product.title}", "it is created anew unless the catalogue shows it"
        overdue(self.context, self.channel, self.one.ticket, what, then)
        return self._let_go()

    def _let_go(self) -> str:
        """Nobody can say what became of it: where the catalogue does not show it, it is planned anew."""
        creation = self.pending.creation

        def unit(connection: Connection) -> None:
            begin(connection, self.context, creation)
            documents.mark_skus(connection, creation.skus)
            writes.finish(connection, self.one.key, "read back", "", self.context.now())

        self.context.database.write(unit)
        return self.pending.product.id

    def _end(self, connection: Connection) -> None:
        writes.finish(connection, self.one.key, "done", "", self.context.now())
        notes.unpark(connection, "ticket", self.channel.name, [self.channel.name])
