"""Getting to know customers: a channel's own record of an account says whose it is, and is read as soon as an order names one."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.engine import Connection

from bridge.contract.feed import Page
from bridge.contract.loyalty import CustomersPort
from bridge.domain.people import Customer
from bridge.engine import accounts, merging, people
from bridge.engine.context import Channel, Context
from bridge.store import channels
from bridge.store import people as store

__all__ = ["meet_customers", "meet_strangers"]

_AT_ONCE = 100


def meet_customers(connection: Connection, context: Context, channel: Channel, page: Page[Customer]) -> None:
    """Note a page of customers; one whose account here is new is shown what they have earned elsewhere.

    Who was known by the number of an account alone, from an order that came before it, turns out to be whoever has its contact.
    """
    read_at = page.as_of - channels.clock(connection, channel.name)
    unnamed = people.nameless(connection, channel.name, [one.id for one in page.items])
    whose = people.learn(connection, context, channel.name, page.items, read_at)
    for gone, kept in people.recognised(connection, context, page.items, whose, unnamed).items():
        merging.merge(connection, context, kept, gone, f"their account on {channel.name} has the same contact")
        whose |= {key: kept for key, person in whose.items() if person == gone}
    accounts.show(connection, context, whose.values())


async def meet_strangers(context: Context, channel: Channel, port: CustomersPort) -> None:
    """Read the records of accounts that are known from an order alone; one that is no more keeps what it earned."""
    rows = context.database.read(lambda connection: store.unread(connection, channel.name, _AT_ONCE))
    names = [row.customer_id for row in rows]
    asked = context.now()
    found = await port.get(names)
    gone = set(names) - {one.id for one in found}

    def keep(connection: Connection) -> None:
        as_of = asked + channels.clock(connection, channel.name)
        meet_customers(connection, context, channel, Page(items=tuple(found), as_of=as_of))
        _note_gone(connection, context, channel, sorted(gone))

    context.database.write(keep)


def _note_gone(connection: Connection, context: Context, channel: Channel, ids: Sequence[str]) -> None:
    rows = store.find_customers(connection, channel.name, ids).values()
    store.save_customers(connection, [replace(row, gone_at=context.now()) for row in rows])
