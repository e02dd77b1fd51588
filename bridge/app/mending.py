"""What a person sets right: parked items taken back in, a guarded plan approved, holds made and released."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy.engine import Connection

from bridge.app import holding
from bridge.app.errors import AppError
from bridge.app.looking import hold_line, parked_line
from bridge.app.results import Approval, HoldLine, ParkedLine, Retried
from bridge.app.working import context_of, recorded, working
from bridge.contract.errors import Gone, Refused
from bridge.domain.catalog import Product, StockKey
from bridge.engine import making
from bridge.engine.booking import book
from bridge.engine.context import Channel, Context
from bridge.engine.linking import link_all
from bridge.engine.noting import park
from bridge.store import coupons, documents, events, listings, mirrors, notes, orders, people, positions, queries

if TYPE_CHECKING:
    from bridge.app.app import App

__all__ = ["add_hold", "approve", "list_holds", "release_hold", "retry"]


async def retry(app: "App", ids: Sequence[int] | None) -> Retried:
    """Take parked items back in (all, if `ids` is None): the next sync tries them again.

    Guarded plans are approved, not retried; an order with unknown products waits for a link. What a person has to answer (two who may
    be one, somebody who asks for their data) is taken off the list by its number alone: then it is answered. An order or a product that
    could not be understood is read anew at once: no feed would bring it again.
    """
    with recorded(app, "retry", beside=True):
        found = app.database.read(lambda connection: _chosen(connection, ids))
        refused = app.database.read(
            lambda connection: [one for one in found if _waits(connection, one) or (ids is None and one.is_question)]
        )
        taken = [one for one in found if one not in refused]
        context = context_of(app, {})
        unread = app.database.write(lambda connection: _taken_back(connection, context, taken))
        if unread:
            async with working(app, only=sorted({one.channel for one in unread})) as work:
                for one in unread:
                    if one.channel in work.context.channels:
                        await _read_anew(work.context, work.context.channels[one.channel], one)
        return Retried(retried=tuple(taken), refused=tuple(refused))


def _chosen(connection: Connection, ids: Sequence[int] | None) -> list[ParkedLine]:
    found = [parked_line(row) for row in queries.parked_rows(connection, ids)]
    unknown = sorted(set(ids or ()) - {one.id for one in found})
    if unknown:
        raise AppError(f"nothing is parked under number {unknown[0]}", next_step="`bridge parked` lists what is")
    return found


def _waits(connection: Connection, one: ParkedLine) -> bool:
    """Whether something else than another try is wanted."""
    recorded_orders = orders.load(connection, one.channel, [one.key]) if one.subject == "order" else {}
    return one.subject == "plan" or any(record.unlinked for record in recorded_orders.values())


def _taken_back(connection: Connection, context: Context, taken: Sequence[ParkedLine]) -> list[ParkedLine]:
    """Free what needs no call; return what has to be read first."""
    unread = []
    for one in taken:
        if one.subject == "order" and not orders.load(connection, one.channel, [one.key]):
            unread.append(one)
            continue
        if one.subject == "product" and " " not in one.key and not listings.product(connection, one.channel, one.key):
            unread.append(one)
            continue
        _free(connection, context, one)
        notes.unpark(connection, one.subject, one.channel, [one.key])
    return unread


def _free(connection: Connection, context: Context, one: ParkedLine) -> None:
    if one.subject == "order":
        mirrors.retry(connection, one.channel, [one.key])
    elif one.subject == "product":
        documents.retry(connection, one.channel, [one.key])
    elif one.subject == "position":
        stock_id, _, location = one.key.rpartition("@")
        positions.unpark(connection, one.channel, StockKey(stock_id, location))
    elif one.subject == "event":
        events.again(connection, one.key, context.now())
    elif one.subject == "coupon" and one.channel:
        for coupon in coupons.find(connection, [one.key]).values():
            making.reopen(connection, context, coupon, one.channel)
    elif one.subject == "points":
        shown = people.find_customers(connection, one.channel, [one.key]).values()
        people.save_customers(connection, [replace(row, points_note="") for row in shown])


async def _read_anew(context: Context, channel: Channel, one: ParkedLine) -> None:
    """Read an order or a product that has never been understood; still not, and it stays parked with the new reason."""
    try:
        if one.subject == "order" and channel.connector.orders is not None:
            order = await channel.connector.orders.get(one.key)
            found: Sequence[Product] = ()
        else:
            order, found = None, await channel.connector.catalog.get([one.key])
    except Refused as error:
        reason = error.what
        context.database.write(lambda connection: park(connection, context, one.subject, one.channel, one.key, reason))
        return
    except Gone:
        order, found = None, ()

    def unit(connection: Connection) -> None:
        notes.unpark(connection, one.subject, one.channel, [one.key])
        if order is not None:
            book(connection, context, channel, [order])
        if found:
            listings.record(connection, channel.name, found, context.now())
            link_all(connection, context)

    context.database.write(unit)


def approve(connection: Connection, channel: str) -> Approval:
    """Let the rows that the guard held back on a channel be written by the next sync."""
    rows = positions.approve(connection, channel)
    notes.unpark(connection, "plan", channel, [channel])
    return Approval(channel=channel, rows=len(rows), units=sum(abs(row.delta) for row in rows))


async def add_hold(app: "App", sku: str, quantity: int, place: str, lasts: timedelta | None, note: str) -> HoldLine:
    """Reserve units of a SKU; every channel shows that many fewer from the next sync on."""
    with recorded(app, "hold", beside=True):
        async with working(app) as work:
            ends = None if lasts is None else app.now() + lasts
            return app.database.write(
                lambda connection: holding.make(connection, work.context, sku, quantity, place, ends, note)
            )


async def release_hold(app: "App", hold_id: str) -> HoldLine:
    """Give the units of an open hold back."""
    with recorded(app, "hold", beside=True):
        async with working(app) as work:
            return app.database.write(lambda connection: holding.give_back(connection, work.context, hold_id))


def list_holds(connection: Connection, *, everything: bool) -> list[HoldLine]:
    """Return the open holds, or all there ever were."""
    return [hold_line(row) for row in queries.hold_rows(connection, state=None if everything else "open")]
