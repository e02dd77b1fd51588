"""Orders as their newest snapshots, with the effects recorded for each."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.domain.catalog import StockKey
from bridge.domain.effects import Parts, Terms
from bridge.domain.ledger import Counter
from bridge.domain.orders import Order
from bridge.store.sql import among, chunks, rows_of, upsert
from bridge.store.tables import order_effects, order_numbers, orders

__all__ = [
    "Recorded", "by_reference", "digest", "encoded", "load", "moved_between", "placed_since", "redact", "save", "snapshot", "standing_of",
    "with_unlinked",
]  # fmt: skip

_ORDER = (
    "channel", "order_id", "number", "status", "placed_at", "updated_at", "digest", "snapshot", "revision", "reference",
    "kind", "unlinked", "recorded_at", "parts", "terms",
)  # fmt: skip
_EFFECT = ("channel", "order_id", "kind", "key", "place", "net", "baseline")
_NUMBER = ("channel", "order_id", "stock_id", "location", "net")
_encode = msgspec.json.Encoder().encode
_parts = msgspec.json.Decoder(dict[str, Parts]).decode
_terms = msgspec.json.Decoder(dict[str, Terms]).decode
_ORDERS, _EFFECTS, _NUMBERS = (
    sa.select(table).where(table.c.channel == sa.bindparam("on"), among(table.c.order_id, "ids"))
    for table in (orders, order_effects, order_numbers)
)


@dataclass(slots=True, kw_only=True)
class Recorded:
    """What is on record for one order. `kind` is "order", or "mirror" for one that the bridge made there.

    `effects` are what the ledger has for it, `baseline` the part of them from before the ledger opened (no movements);
    `numbers` what it did to the channel's own numbers; `parts` which SKUs each line took, by line id; `terms` what else was decided.
    `digest` is that of the stored snapshot, `body` the snapshot to store, where it is written down already.
    """

    channel: str
    order: Order
    revision: int = 0
    kind: str = "order"
    unlinked: int = 0
    digest: str = ""
    body: bytes = field(default=b"", repr=False, compare=False)
    effects: dict[Counter, int] = field(default_factory=dict)
    baseline: dict[Counter, int] = field(default_factory=dict)
    numbers: dict[StockKey, int] = field(default_factory=dict)
    parts: dict[str, Parts] = field(default_factory=dict)
    terms: dict[str, Terms] = field(default_factory=dict)


def encoded(order: Order) -> bytes:
    """Write a snapshot down."""
    return _encode(order)


def digest(body: bytes) -> str:
    """Return a fingerprint of a snapshot as it is written down: equal snapshots are the same news."""
    import hashlib

    return hashlib.blake2b(body, digest_size=16).hexdigest()


def load(connection: Connection, channel: str, ids: Iterable[str]) -> dict[str, Recorded]:
    """Return what is on record for these orders."""
    found: dict[str, Recorded] = {}
    for part in chunks(set(ids)):
        for row in rows_of(connection, _ORDERS, {"on": channel, "ids": part}):
            found[row.order_id] = _recorded(row)
        _effects(connection, channel, part, found)
    return found


def _effects(connection: Connection, channel: str, ids: Sequence[str], found: dict[str, Recorded]) -> None:
    for row in rows_of(connection, _EFFECTS, {"on": channel, "ids": ids}):
        counter = Counter(row.kind, row.key, row.place)
        found[row.order_id].effects[counter] = row.net
        found[row.order_id].baseline[counter] = row.baseline
    for row in rows_of(connection, _NUMBERS, {"on": channel, "ids": ids}):
        found[row.order_id].numbers[StockKey(row.stock_id, row.location)] = row.net


def moved_between(
    connection: Connection, channel: str, key: StockKey, after: datetime, until: datetime | None = None
) -> int:
    """Return what orders placed after a moment (and up to another) have done to a number of their channel, as far as we heard."""
    o, n = orders.c, order_numbers.c
    same = sa.and_(n.channel == o.channel, n.order_id == o.order_id)
    # An order is not changed before it was placed, and the index is by the last change.
    recent = sa.and_(o.channel == channel, o.updated_at >= after, o.placed_at > after)
    if until is not None:
        recent = sa.and_(recent, o.placed_at <= until)
    mine = sa.and_(recent, n.stock_id == key.stock_id, n.location == key.location)
    query = sa.select(sa.func.coalesce(sa.func.sum(n.net), 0)).select_from(orders.join(order_numbers, same))
    return int(connection.execute(query.where(mine)).scalar_one())


def placed_since(connection: Connection, channel: str, since: datetime) -> list[Order]:
    """Return the orders of a channel that were placed at a moment of its clock or after, without copies that we made."""
    o = orders.c
    # An order is not changed before it was placed, and the index is by the last change.
    recent = sa.and_(o.channel == channel, o.updated_at >= since, o.placed_at >= since, o.kind != "mirror")
    rows = connection.execute(sa.select(o.snapshot).where(recent))
    return [msgspec.json.decode(body, type=Order) for (body,) in rows]


def save(connection: Connection, rows: Sequence[Recorded], now: datetime) -> None:
    """Write orders with their recorded effects."""
    upsert(connection, orders, [_row(one, now) for one in rows], _ORDER)
    effects = [
        (one.channel, one.order.id, *counter, one.effects.get(counter, 0), one.baseline.get(counter, 0))
        for one in rows
        for counter in (one.effects.keys() | one.baseline.keys() if one.baseline else one.effects)
    ]
    upsert(connection, order_effects, effects, _EFFECT)
    numbers = [(one.channel, one.order.id, *key, net) for one in rows for key, net in one.numbers.items()]
    upsert(connection, order_numbers, numbers, _NUMBER)


def snapshot(connection: Connection, channel: str, order_id: str) -> Order | None:
    """Return an order's newest snapshot."""
    query = sa.select(orders.c.snapshot).where(orders.c.channel == channel, orders.c.order_id == order_id)
    body = connection.execute(query).scalar()
    return None if body is None else msgspec.json.decode(body, type=Order)


def redact(connection: Connection, channel: str, ids: Sequence[str] | None, customer: str = "") -> int:
    """Forget who bought these orders of a channel (None: all of them), and all orders of `customer`; return how many."""
    mine = orders.c.channel == channel
    done = 0
    for row in connection.execute(sa.select(orders.c.order_id, orders.c.snapshot).where(mine)).fetchall():
        order = msgspec.json.decode(row.snapshot, type=Order)
        # The id as it is, or at the end of a global one: "ann" must not stand for "joann".
        theirs = bool(customer) and order.customer is not None and f"/{order.customer.id}".endswith(f"/{customer}")
        if (order.customer or order.ship_to) and (ids is None or row.order_id in ids or theirs):
            bare = msgspec.json.encode(replace(order, customer=None, ship_to=None)).decode()
            connection.execute(orders.update().where(mine, orders.c.order_id == row.order_id).values(snapshot=bare))
            done += 1
    return done


def standing_of(
    connection: Connection, accounts: Collection[tuple[str, str]], mails: Collection[str]
) -> tuple[str, Order] | None:
    """Return an order (with its channel) that was not cancelled, placed by one of these accounts (channel, id), or with one of these
    lower-case addresses; None where there is none. It looks through all orders: for the rare question whether one is somebody's first."""
    words = {msgspec.json.encode(one).decode()[1:-1] for one in (*mails, *(number for _, number in accounts))}
    if not words:
        return None
    text = sa.func.lower(orders.c.snapshot)
    mine = sa.or_(*(text.contains(one.lower(), autoescape=True) for one in sorted(words)))
    query = sa.select(orders.c.channel, orders.c.snapshot).where(
        orders.c.kind != "mirror", orders.c.status != "cancelled", mine
    )
    for channel, body in connection.execute(query):
        order = msgspec.json.decode(body, type=Order)
        who = order.customer
        if who is not None and ((channel, who.id) in accounts or who.email.strip().lower() in mails):
            return channel, order
    return None


def by_reference(connection: Connection, reference: str) -> list[tuple[str, str]]:
    """Return (channel, order id) of the orders that carry this reference of ours."""
    query = sa.select(orders.c.channel, orders.c.order_id).where(orders.c.reference == reference)
    return [(row.channel, row.order_id) for row in connection.execute(query)]


def with_unlinked(connection: Connection, channel: str) -> list[Order]:
    """Return the snapshots of orders that have lines we could not name."""
    query = (
        sa.select(orders.c.snapshot)
        .where(orders.c.channel == channel, orders.c.unlinked > 0)
        .order_by(orders.c.placed_at)
    )
    return [msgspec.json.decode(body, type=Order) for (body,) in connection.execute(query)]


def _recorded(row: Any) -> Recorded:
    return Recorded(
        channel=row.channel,
        order=msgspec.json.decode(row.snapshot, type=Order),
        revision=row.revision,
        kind=row.kind,
        unlinked=row.unlinked,
        digest=row.digest,
        parts=_parts(row.parts),
        terms=_terms(row.terms),
    )


def _row(one: Recorded, now: datetime) -> tuple[Any, ...]:
    order, body = one.order, one.body or encoded(one.order)
    return (
        one.channel, order.id, order.number, order.status, order.placed_at, order.updated_at, digest(body), body.decode(),
        one.revision, order.reference, one.kind, one.unlinked, now, _encode(one.parts).decode(), _encode(one.terms).decode(),
    )  # fmt: skip
