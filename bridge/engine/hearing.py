"""Hearing: stored deliveries into looks at what they name. A delivery says where to look, never what is there."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from bridge.contract.errors import Gone, Refused
from bridge.contract.feed import Bad
from bridge.contract.webhooks import Hint
from bridge.domain.catalog import StockKey
from bridge.domain.orders import Order
from bridge.engine.booking import Booked, book
from bridge.engine.collect import drain_orders
from bridge.engine.context import Channel, Context
from bridge.engine.following import park_bad
from bridge.engine.privacy import heed
from bridge.engine.report import ChannelReport
from bridge.store import deliveries, positions, writes
from bridge.store.deliveries import Stored

__all__ = ["PAUSE", "Heard", "Memory", "hear", "look_at"]

# More orders than this are read as pages of the feed first.
FEW = 12
# One sale is told several times within a second ("created", "updated", "paid"): one more look then, not one each.
PAUSE = timedelta(seconds=1)
_REMEMBERED = 5_000
Unit = Callable[[Connection], None]


@dataclass(slots=True)
class Memory:
    """When we last began to look at an order, by our clock; lost with the process, and then we look once more."""

    looked: dict[str, datetime] = field(default_factory=dict)

    def note(self, ids: Iterable[str], now: datetime) -> None:
        """We look at these now."""
        for one in ids:
            self.looked.pop(one, None)
            self.looked[one] = now
        while len(self.looked) > _REMEMBERED:
            del self.looked[next(iter(self.looked))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What is left to look at. `feeds`: the feeds have news; `orders`: to be looked at once more after `PAUSE`.

    `levels`: numbers that were told and differ from what we know. An order on its way may explain them.
    """

    feeds: bool = False
    orders: tuple[str, ...] = ()
    levels: dict[StockKey, int] = field(default_factory=dict)


async def hear(
    context: Context, channel: Channel, stored: Sequence[Stored], memory: Memory, report: ChannelReport
) -> Heard:
    """Look at what these deliveries name, and book the orders.

    They are marked done in the end: a failure in between leaves all of them waiting, and looking twice changes nothing.
    """
    port = channel.connector.webhooks
    told = [(one, hint) for one in stored for hint in (port.parse(one.delivery) if port else ())]
    hints = [hint for _, hint in told]
    now = context.now()
    orders, later = _to_look_at(told, memory, now)
    levels: dict[StockKey, int] = {}

    def done(connection: Connection) -> None:
        for hint in hints:
            if hint.kind == "privacy":
                heed(connection, context, channel.name, hint)
        if tickets := {hint.id for hint in hints if hint.kind == "ticket"}:
            writes.look_now(connection, channel.name, tickets, context.now())
        deliveries.finish(connection, [one.id for one in stored], "done", "", context.now())
        levels.update(_news(connection, channel.name, hints))

    if len(orders) > FEW:
        memory.note(orders, now)
        await drain_orders(context, channel, report)
    await look_at(context, channel, orders, memory, report, done)
    feeds = any(
        hint.kind in {"product", "channel", "customer"} or (hint.kind == "stock" and _unclear(hint)) for hint in hints
    )
    return Heard(feeds=feeds, orders=later, levels=levels)


def _to_look_at(
    told: Sequence[tuple[Stored, Hint]], memory: Memory, now: datetime
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the orders to look at now, and those we looked at a moment ago. What came before that look is in it."""
    soon, later = dict[str, None](), dict[str, None]()
    for one, hint in told:
        if hint.kind != "order" or not hint.id:
            continue
        last = memory.looked.get(hint.id)
        # A clock that was set back must not make old news of what is new.
        if last is None or not timedelta(0) <= now - last < PAUSE:
            soon[hint.id] = None
        elif one.received_at >= last:
            later[hint.id] = None
    return tuple(soon), tuple(later)


def _news(connection: Connection, channel: str, hints: Sequence[Hint]) -> dict[StockKey, int]:
    """The numbers told that are not what we know already: an echo of our own write is nothing."""
    told = {StockKey(h.id, h.location): h.quantity for h in hints if h.kind == "stock" and not _unclear(h)}
    known = positions.by_keys(connection, channel, told)
    return {
        key: units for key, units in told.items() if units is not None and key in known and known[key].shown != units
    }


def _unclear(hint: Hint) -> bool:
    return hint.quantity is None


async def look_at(
    context: Context,
    channel: Channel,
    ids: Sequence[str],
    memory: Memory,
    report: ChannelReport,
    then: Unit | None = None,
) -> None:
    """Read these orders now and book them; one that cannot be understood is set aside, one that is no more is left out.

    `then` is done in the transaction of the last ones: a commit waits for the disk, and with it whoever waits for the sale.
    """
    size = channel.connector.limits.concurrency
    parts = [ids[start : start + size] for start in range(0, len(ids), size)] or [()]
    for number, part in enumerate(parts, start=1):
        memory.note(part, context.now())
        found = await asyncio.gather(*(_one(channel, one) for one in part))
        _keep(context, channel, found, report, then if number == len(parts) else None)


def _keep(
    context: Context, channel: Channel, found: Sequence[Order | Bad | None], report: ChannelReport, then: Unit | None
) -> None:
    page = sorted((one for one in found if isinstance(one, Order)), key=lambda order: (order.updated_at, order.id))
    bad = [one for one in found if isinstance(one, Bad)]

    def keep(connection: Connection) -> Booked:
        booked = book(connection, context, channel, page) if page else Booked()
        park_bad(connection, context, channel.name, "orders", bad)
        if then is not None:
            then(connection)
        return booked

    booked = context.database.write(keep)
    report.orders += booked.orders
    report.movements += booked.movements
    report.bad += len(bad)


async def _one(channel: Channel, order_id: str) -> Order | Bad | None:
    if channel.connector.orders is None:
        return None
    try:
        return await channel.connector.orders.get(order_id)
    except Gone:
        return None
    except Refused as error:
        return Bad(id=order_id, reason=error.what)
