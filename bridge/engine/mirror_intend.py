"""Intending a mirror: what it will contain, and what its creation will do to the home channel's numbers.

The intent and its promise are one transaction, so no push ever chases units that the home channel is about to take off by
itself; whatever becomes of the intent, the promise is kept by a booked order or taken back.
"""

import hashlib
import uuid
from dataclasses import replace

from sqlalchemy.engine import Connection

from bridge.contract.ports import NewLine, NewOrder
from bridge.domain.catalog import StockKey
from bridge.domain.money import Money
from bridge.domain.orders import Order, OrderLine
from bridge.domain.position import promised
from bridge.engine.context import Channel, Context
from bridge.engine.desk import Desk
from bridge.engine.noting import park
from bridge.store import mirrors
from bridge.store.mirrors import Item, Mirror, Sent

__all__ = ["fail", "intend", "key_of", "new_order", "share"]


def share(total: Money, units: int, quantity: int) -> Money:
    """Return what the first `units` of `quantity` cost: shares of all units add up to the total exactly."""
    return Money(total.minor * units // (quantity or 1), total.currency)


def key_of(reference: str, *words: str) -> str:
    """Return the key of an action on a mirror: the same action always has the same key, also after a crash."""
    digest = hashlib.blake2b("/".join((reference, *words)).encode(), digest_size=16).digest()
    return str(uuid.UUID(bytes=digest, version=4))


def intend(
    connection: Connection, context: Context, home: Channel, source: str, order: Order, before: Mirror | None = None
) -> Mirror:
    """Record the intent to mirror an order, or renew it as the order stands now.

    `before` is the intent to renew: its promise is taken back first. The result is "intended" where there is something to
    create, "ended" where nothing is left of the order, "failed" (and parked) where it can never be created.
    """
    now = context.now()
    # Shopify calls a mirror ours by this prefix, and Square takes 40 characters at most.
    mirror = before or Mirror(
        reference=f"bridge:{uuid.UUID(context.new_key()).hex}", channel=source, order_id=order.id, home=home.name,
        created_at=now, updated_at=now,
    )  # fmt: skip
    desk = Desk(connection, context, now)
    if before is not None:
        _move(desk, before, -1)
    mirror.sent = Sent(items=_items(connection, source, home, _to_pack(context, source, order)))
    mirror.promised, mirror.updated_at = [], now
    problem = _problem(order, home)
    if order.status == "cancelled" or not mirror.sent.items:
        mirror.state, mirror.reason = "ended", "nothing is left to mirror"
    elif problem:
        mirror.state, mirror.reason = "failed", f"order {order.number or order.id}: {problem}"
        park(connection, context, "order", source, order.id, mirror.reason)
    else:
        mirror.promised = _promise(desk, home, mirror.sent)
        _move(desk, mirror, 1)
    desk.close()
    mirrors.save(connection, [mirror])
    return mirror


def fail(connection: Connection, context: Context, mirror: Mirror, reason: str) -> None:
    """The home channel will not take it: the promise is taken back, and a person hears of it."""
    desk = Desk(connection, context, context.now())
    _move(desk, mirror, -1)
    desk.close()
    mirror.promised, mirror.updated_at = [], context.now()
    mirror.state, mirror.reason = "failed", reason
    mirrors.save(connection, [mirror])
    park(connection, context, "order", mirror.channel, mirror.order_id, reason)


def _move(desk: Desk, mirror: Mirror, sign: int) -> None:
    for key, net in mirror.numbers.items():
        position = desk.position(mirror.home, key)
        if position is not None:
            desk.put(promised(position, sign * net))


def _problem(order: Order, home: Channel) -> str:
    if home.currency and order.currency != home.currency:
        return (
            f"it is in {order.currency} and {home.name} sells in {home.currency}, so it cannot be mirrored there;"
            " pack it by hand, or leave its channel out of the mirror"
        )
    return ""


def _to_pack(context: Context, source: str, order: Order) -> Order:
    """Leave out what the platform ships from a warehouse of its own: nobody packs that here."""
    channel = context.channels.get(source)
    fixed = channel.connector.limits.fixed_locations if channel is not None else frozenset()
    return replace(order, lines=tuple(line for line in order.lines if line.location not in fixed)) if fixed else order


def _left(line: OrderLine) -> int:
    return line.quantity - line.refunded


def _items(connection: Connection, source: str, home: Channel, order: Order) -> list[Item]:
    """Gather the lines by what they are on the home channel; lines it does not list keep their name only."""
    lines = [line for line in order.lines if line.quantity > 0 and _left(line) > 0]
    skus = mirrors.skus_of(connection, source, [line.variant_id for line in lines if line.variant_id])
    listed = mirrors.home_variants(connection, home.name, skus.values())
    found: dict[str, Item] = {}
    for line in lines:
        sku = skus.get(line.variant_id or "", "")
        variant = listed[sku][0] if sku in listed else None
        key = variant or f"line {line.id}"
        item = found.setdefault(
            key, Item(key=key, title=line.title, units=0, lines={}, variant=variant, sku=sku or line.sku or "")
        )
        item.units += _left(line)
        item.lines[line.id] = line.refunded
    return list(found.values())


def _promise(desk: Desk, home: Channel, sent: Sent) -> list[tuple[str, str, int]]:
    """What the creation will take off numbers that we know; one not known yet will be read with the units taken off."""
    if not home.connector.limits.mirror_takes_stock:
        return []
    listed = mirrors.home_variants(desk.connection, home.name, [item.sku for item in sent.items if item.variant])
    total: dict[StockKey, int] = {}
    for item in sent.items:
        stock_id = listed[item.sku][1] if item.variant and item.sku in listed else None
        if stock_id is not None:
            key = StockKey(stock_id, home.home)
            total[key] = total.get(key, 0) - item.units
    known = {key for key, row in desk.positions(home.name, total).items() if row.shown is not None}
    return [(key.stock_id, key.location, net) for key, net in total.items() if key in known]


def new_order(mirror: Mirror, order: Order, home: Channel) -> NewOrder:
    """Shape the order to create. Units refunded before are left out, with their share of the money."""
    places = {line_id: item for item in mirror.sent.items for line_id in item.lines}
    lines = tuple(_line(line, places[line.id]) for line in order.lines if line.id in places)
    is_whole = all(not skipped for item in mirror.sent.items for skipped in item.lines.values()) and all(
        line.id in places for line in order.lines if line.quantity > 0 and _left(line) > 0
    )
    parts = sum((line.total for line in lines), start=order.shipping)
    return NewOrder(
        reference=mirror.reference,
        note=_note(mirror.channel, order),
        currency=order.currency,
        lines=lines,
        shipping=order.shipping,
        total=order.total if is_whole and not order.refunded.minor else parts,
        placed_at=order.placed_at,
        location=home.home,
        customer=order.customer,
        ship_to=order.ship_to,
    )


def _note(channel: str, order: Order) -> str:
    """Name the order, and say where the buyer is to be found if the platform keeps that to itself."""
    named = f"{channel} order {order.number or order.id}"
    return (
        named
        if order.ship_to or order.customer
        else f"{named} (the buyer's name and address are to be seen there only)"
    )


def _line(line: OrderLine, item: Item) -> NewLine:
    left = _left(line)
    return NewLine(
        variant_id=item.variant, sku=item.sku, title=line.title, quantity=left, unit_price=line.unit_price,
        total=line.total - share(line.total, line.refunded, line.quantity),
        tax=line.tax - share(line.tax, line.refunded, line.quantity),
    )  # fmt: skip
