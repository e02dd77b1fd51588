"""Hearing: stored deliveries into looks at what they name. A delivery says where to look, never what is there."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from bridge.contract.errors import Gone, Refused
from bridge.contract.feed import Bad
from bridge.contract.webhooks import Hint
from bridge.domain.orders import Order
from bridge.engine.booking import book
from bridge.engine.collect import drain_orders, park_bad
from bridge.engine.context import Channel, Context
from bridge.engine.privacy import heed
from bridge.engine.report import ChannelReport
from bridge.store import deliveries, orders
from bridge.store.deliveries import Stored

__all__ = ["hear"]

# More orders than this are read as pages of the feed, and one by one only what the feed does not show yet.
FEW = 5


async def hear(context: Context, channel: Channel, stored: Sequence[Stored], report: ChannelReport) -> bool:
    """Look at what these deliveries name and book the orders; return whether the feeds are to be read as well.

    They are marked done in the end: a failure in between leaves all of them waiting, and looking twice changes nothing.
    """
    port = channel.connector.webhooks
    hints = [hint for one in stored for hint in (port.parse(one.delivery) if port else ())]
    await _orders(context, channel, hints, report)
    private = [hint for hint in hints if hint.kind == "privacy"]

    def done(connection: Connection) -> None:
        for hint in private:
            heed(connection, channel.name, hint, context.now())
        deliveries.finish(connection, [one.id for one in stored], "done", "", context.now())

    context.database.write(done)
    return any(hint.kind in {"stock", "product", "channel"} for hint in hints)


async def _orders(context: Context, channel: Channel, hints: Sequence[Hint], report: ChannelReport) -> None:
    wanted = _newest(hints)
    if len(wanted) > FEW:
        await drain_orders(context, channel, report)
    missing = context.database.read(lambda connection: _unseen(connection, channel.name, wanted))
    size = channel.connector.limits.concurrency
    for start in range(0, len(missing), size):
        await _look(context, channel, missing[start : start + size], report)


def _newest(hints: Sequence[Hint]) -> dict[str, datetime | None]:
    """When each order was last heard of; None where a delivery does not say."""
    wanted: dict[str, datetime | None] = {}
    for hint in hints:
        if hint.kind == "order" and hint.id:
            before = wanted.get(hint.id, hint.at)
            wanted[hint.id] = None if hint.at is None or before is None else max(before, hint.at)
    return wanted


def _unseen(connection: Connection, channel: str, wanted: dict[str, datetime | None]) -> list[str]:
    """Those whose newest snapshot is not surely younger than the delivery: platforms stamp orders in whole seconds."""
    known = orders.load(connection, channel, list(wanted))
    return [
        one
        for one, at in wanted.items()
        if at is None or one not in known or known[one].order.updated_at <= at + timedelta(seconds=1)
    ]


async def _look(context: Context, channel: Channel, ids: Sequence[str], report: ChannelReport) -> None:
    found = await asyncio.gather(*(_one(channel, one) for one in ids))
    page = [one for one in found if isinstance(one, Order)]
    bad = [one for one in found if isinstance(one, Bad)]

    def keep(connection: Connection) -> None:
        booked = book(connection, context, channel, sorted(page, key=lambda order: (order.updated_at, order.id)))
        park_bad(connection, context, channel.name, "orders", bad)
        report.orders += booked.orders
        report.movements += booked.movements
        report.bad += len(bad)

    context.database.write(keep)


async def _one(channel: Channel, order_id: str) -> Order | Bad | None:
    try:
        return await channel.connector.orders.get(order_id)
    except Gone:
        return None
    except Refused as error:
        return Bad(id=order_id, reason=error.what)
