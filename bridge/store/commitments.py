"""Units that are sold and still on the shelf: open commitments of all channels."""

from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.domain.catalog import StockKey
from bridge.domain.ledger import Counter
from bridge.domain.orders import Order
from bridge.store import channels, listings
from bridge.store.tables import order_effects, order_numbers, orders

__all__ = ["open_commitments", "sold_since"]


def open_commitments(connection: Connection, counter: Counter, when: datetime) -> int:
    """Return the units of this counter that orders had taken at a moment and nobody had shipped or handed over yet.

    Of an order that changed since then nobody knows what had been shipped: all of it counts as still on the shelf.
    """
    same = sa.and_(order_effects.c.channel == orders.c.channel, order_effects.c.order_id == orders.c.order_id)
    query = (
        sa.select(orders.c.channel, orders.c.snapshot, order_effects.c.net)
        .select_from(order_effects.join(orders, same))
        .where(
            order_effects.c.kind == counter.kind,
            order_effects.c.key == counter.key,
            order_effects.c.place == counter.place,
            order_effects.c.net < 0,
            orders.c.placed_at <= when,
            sa.or_(
                orders.c.status.in_(["placed", "paid"]),
                sa.and_(orders.c.status == "fulfilled", orders.c.updated_at > when),
            ),
        )
    )
    rows = connection.execute(query).all()
    return sum(_unshipped(connection, row.channel, row.snapshot, counter, -row.net, when) for row in rows)


def _unshipped(
    connection: Connection, channel: str, snapshot: str, counter: Counter, taken: int, when: datetime
) -> int:
    """The order's units of this counter that have not left yet, line by line; at most what the order has taken."""
    order = msgspec.json.decode(snapshot, type=Order)
    bound = listings.bound(connection, channel, [line.variant_id for line in order.lines if line.variant_id])
    loose = listings.loose(connection, channel, [line.sku for line in order.lines if line.sku and not line.variant_id])
    row = channels.get(connection, channel)
    places = msgspec.json.decode(row.locations, type=dict[str, str]) if row else {}
    waiting = 0
    for line in order.lines:
        one = bound.get(line.variant_id) if line.variant_id else loose.get(line.sku or "")
        if one is None or places.get(line.location or (row.home if row else ""), counter.place) != counter.place:
            continue
        units = line.quantity if line.held is None else line.held
        each = sum(each for sku, each in one.parts if sku == counter.key)
        shipped = line.fulfilled if order.updated_at <= when else 0
        waiting += max(0, units - shipped) * each
    return min(taken, waiting)


def sold_since(connection: Connection, channel: str, start: datetime) -> list[StockKey]:
    """Return the channel's numbers that orders have moved since `start`."""
    same = sa.and_(orders.c.channel == order_numbers.c.channel, orders.c.order_id == order_numbers.c.order_id)
    query = (
        sa.select(order_numbers.c.stock_id, order_numbers.c.location)
        .select_from(order_numbers.join(orders, same))
        .where(orders.c.channel == channel, orders.c.updated_at >= start)
        .distinct()
    )
    return [StockKey(*row) for row in connection.execute(query)]
