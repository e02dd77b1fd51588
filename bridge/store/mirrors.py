"""Mirrors: orders of one channel that the bridge creates on the home channel, found again by our reference."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.domain.catalog import StockKey
from bridge.domain.orders import Order
from bridge.store.orders import Recorded
from bridge.store.sql import chunks, upsert
from bridge.store.tables import channels, listings, mirrors, orders

__all__ = [
    "Item", "Mirror", "Sent", "adopt_orders", "by_source", "get", "home_variants", "in_state", "promised_keys", "restless", "retry",
    "revisions", "save", "skus_of", "unmirrored",
]  # fmt: skip


class Item(msgspec.Struct):
    """One thing on a mirrored order. `key` is its variant on the home channel, or "line ID" where home does not list it.

    `lines` are the source's lines of it, each with the units that were refunded there before the mirror was made.
    """

    key: str
    title: str
    units: int
    lines: dict[str, int]
    variant: str | None = None
    sku: str = ""


class Sent(msgspec.Struct):
    """What was passed on already, so that nothing is passed on twice.

    `home` and `source` are units refunded there by us, per item: [all, those of them put back]. `returns` are units that came
    back by orders of their own, per side, order and variant: [all, those put back; None where nobody says]. `by_hand` names
    what the platform would not do. `seen` are the revisions of both orders at the last look.
    """

    items: list[Item] = []
    fulfilled: bool = False
    cancelled: bool = False
    home: dict[str, tuple[int, int]] = {}
    source: dict[str, tuple[int, int]] = {}
    returns: dict[str, dict[str, dict[str, tuple[int, int | None]]]] = {}
    by_hand: list[str] = []
    seen: list[int] = []

    def returned(self, side: str, *, if_silent: bool) -> dict[str, tuple[int, int]]:
        """Units that came back on one side by orders of their own, per variant: (all, those put back)."""
        total: dict[str, tuple[int, int]] = {}
        for found in self.returns.get(side, {}).values():
            for variant, (units, back) in found.items():
                before = total.get(variant, (0, 0))
                silent = units if if_silent else 0
                total[variant] = (before[0] + units, before[1] + (silent if back is None else back))
        return total


@dataclass(slots=True, kw_only=True)
class Mirror:
    """One mirrored order. `state`: "intended" (not created yet, or not known to be), "created", "failed", "ended".

    `promised` is what its creation will do to the home channel's numbers.
    """

    reference: str
    channel: str
    order_id: str
    home: str
    home_order_id: str | None = None
    state: str = "intended"
    promised: list[tuple[str, str, int]] = field(default_factory=list)
    sent: Sent = field(default_factory=Sent)
    reason: str = ""
    created_at: datetime
    updated_at: datetime

    @property
    def numbers(self) -> dict[StockKey, int]:
        """`promised` by stock key."""
        return {StockKey(stock_id, location): net for stock_id, location, net in self.promised}


def save(connection: Connection, rows: Iterable[Mirror]) -> None:
    """Write mirrors."""
    upsert(connection, mirrors, [_row(one) for one in rows])


def by_source(connection: Connection, channel: str, order_ids: Iterable[str]) -> dict[str, Mirror]:
    """Return the mirrors of these orders."""
    mine = sa.and_(mirrors.c.channel == channel, mirrors.c.order_id.in_(list(order_ids)))
    return {row.order_id: _mirror(row) for row in connection.execute(sa.select(mirrors).where(mine))}


def get(connection: Connection, reference: str) -> Mirror:
    """Return one mirror."""
    return _mirror(connection.execute(sa.select(mirrors).where(mirrors.c.reference == reference)).one())


def in_state(connection: Connection, *states: str) -> list[Mirror]:
    """Return mirrors in these states, oldest first."""
    query = sa.select(mirrors).where(mirrors.c.state.in_(states)).order_by(mirrors.c.created_at, mirrors.c.reference)
    return [_mirror(row) for row in connection.execute(query)]


def promised_keys(connection: Connection, home: str) -> set[StockKey]:
    """Return the positions of `home` that a mirror not yet known to exist will move: nothing is judged there meanwhile."""
    return {key for one in in_state(connection, "intended") if one.home == home for key in one.numbers}


def unmirrored(connection: Connection, channel: str) -> list[Order]:
    """Return the channel's paid orders from after its adoption that have no mirror yet, oldest first.

    Platforms stamp orders in whole seconds, so one of the very second of the adoption counts as after it.
    """
    row = connection.execute(sa.select(channels).where(channels.c.channel == channel)).first()
    if row is None or row.adopted_at is None:
        return []
    # The adoption is stamped by our clock, the orders by the channel's.
    adopted_at = row.adopted_at + timedelta(seconds=row.clock)
    has_mirror = sa.exists().where(mirrors.c.channel == orders.c.channel, mirrors.c.order_id == orders.c.order_id)
    mine = sa.and_(
        orders.c.channel == channel,
        orders.c.updated_at >= adopted_at.replace(microsecond=0),
        orders.c.placed_at >= adopted_at.replace(microsecond=0),
        orders.c.status == "paid",
        orders.c.kind == "order",
        orders.c.reference.is_(None),
        ~has_mirror,
    )
    query = sa.select(orders.c.snapshot).where(mine).order_by(orders.c.placed_at, orders.c.order_id)
    return [msgspec.json.decode(body, type=Order) for (body,) in connection.execute(query)]


def restless(connection: Connection) -> list[tuple[Mirror, list[int]]]:
    """Return the created mirrors one of whose two orders has changed since the last look, with both revisions."""
    source, home = orders.alias("source"), orders.alias("home")
    joined = mirrors.join(
        source, sa.and_(source.c.channel == mirrors.c.channel, source.c.order_id == mirrors.c.order_id)
    ).join(home, sa.and_(home.c.channel == mirrors.c.home, home.c.order_id == mirrors.c.home_order_id))
    query = sa.select(mirrors, source.c.revision.label("theirs"), home.c.revision.label("ours")).select_from(joined)
    rows = connection.execute(
        query.where(mirrors.c.state == "created").order_by(mirrors.c.created_at, mirrors.c.reference)
    )
    found = [(_mirror(row), [row.theirs, row.ours]) for row in rows]
    return [(mirror, now) for mirror, now in found if mirror.sent.seen != now]


def revisions(connection: Connection, mirror: Mirror) -> list[int]:
    """Return the revisions of both orders of a created mirror."""
    pairs = ((mirror.channel, mirror.order_id), (mirror.home, mirror.home_order_id))
    query = sa.select(orders.c.revision)
    found = (query.where(orders.c.channel == channel, orders.c.order_id == order_id) for channel, order_id in pairs)
    return [int(connection.execute(one).scalar_one()) for one in found]


def retry(connection: Connection, channel: str, order_ids: Iterable[str]) -> None:
    """Let these orders be mirrored, and what a platform refused be passed on, once more.

    A failed mirror was certainly not created, so it is forgotten and made anew under a new reference.
    """
    for mirror in by_source(connection, channel, order_ids).values():
        if mirror.state == "failed":
            connection.execute(mirrors.delete().where(mirrors.c.reference == mirror.reference))
        elif mirror.sent.by_hand:
            mirror.sent.by_hand, mirror.sent.seen = [], []
            save(connection, [mirror])


def skus_of(connection: Connection, channel: str, variant_ids: Iterable[str]) -> dict[str, str]:
    """Return variant id -> SKU: each variant's own, whoever keeps its number."""
    found: dict[str, str] = {}
    for part in chunks(set(variant_ids)):
        mine = sa.and_(listings.c.channel == channel, listings.c.variant_id.in_(part), listings.c.sku.is_not(None))
        found.update({row.variant_id: row.sku for row in connection.execute(sa.select(listings).where(mine))})
    return found


def home_variants(connection: Connection, home: str, skus: Iterable[str]) -> dict[str, tuple[str, str | None]]:
    """Return SKU -> (variant id, stock record) of the home channel's living listings."""
    found: dict[str, tuple[str, str | None]] = {}
    for part in chunks(set(skus)):
        mine = sa.and_(listings.c.channel == home, listings.c.sku.in_(part), listings.c.gone_at.is_(None))
        for row in connection.execute(sa.select(listings).where(mine).order_by(listings.c.variant_id)):
            found.setdefault(row.sku, (row.variant_id, row.stock_id))
    return found


def adopt_orders(
    connection: Connection, channel: str, page: Sequence[Order], recorded: dict[str, Recorded]
) -> Mapping[str, Mirror]:
    """Tell which orders of a page are ours; what was promised for them counts as recorded already.

    An order is ours by its reference; so is one that books a return of ours (its goods are the source's business).
    """
    ours = {**_by_reference(connection, channel, page), **_note_returns(connection, channel, page)}
    for order in page:
        mirror = ours.get(order.id)
        if mirror is not None and order.reference == mirror.reference and mirror.state == "intended":
            if order.id not in recorded:
                recorded[order.id] = Recorded(channel=channel, order=order, kind="mirror", numbers=dict(mirror.numbers))
            mirror.home_order_id, mirror.state = order.id, "created"
            save(connection, [mirror])
    return ours


def _by_reference(connection: Connection, channel: str, page: Sequence[Order]) -> dict[str, Mirror]:
    references = {order.reference: order.id for order in page if order.reference}
    if not references:
        return {}
    mine = sa.and_(mirrors.c.home == channel, mirrors.c.reference.in_(list(references)))
    rows = connection.execute(sa.select(mirrors).where(mine))
    return {references[row.reference]: _mirror(row) for row in rows}


def _note_returns(connection: Connection, channel: str, page: Sequence[Order]) -> dict[str, Mirror]:
    """Note on its mirror what came back by an order of its own, on either side; return those that are about our orders."""
    back = [order for order in page if order.returns]
    if not back:
        return {}
    ids = sorted({order.returns for order in back if order.returns})
    home = sa.and_(mirrors.c.home == channel, mirrors.c.home_order_id.in_(ids))
    source = sa.and_(mirrors.c.channel == channel, mirrors.c.order_id.in_(ids))
    found = [_mirror(row) for row in connection.execute(sa.select(mirrors).where(sa.or_(home, source)))]
    ours: dict[str, Mirror] = {}
    for order in back:
        for mirror in found:
            is_home = (mirror.home, mirror.home_order_id) == (channel, order.returns)
            if is_home or (mirror.channel, mirror.order_id) == (channel, order.returns):
                _note_return(mirror, "home" if is_home else "source", order)
                ours.update({order.id: mirror} if is_home else {})
    save(connection, found)
    return ours


def _note_return(mirror: Mirror, side: str, order: Order) -> None:
    units: dict[str, tuple[int, int | None]] = {}
    for line in order.lines:
        if line.variant_id and line.quantity < 0:
            before, before_back = units.get(line.variant_id, (0, 0))
            back = None if line.held is None or before_back is None else before_back - line.held
            units[line.variant_id] = (before - line.quantity, back)
    mirror.sent.returns.setdefault(side, {})[order.id] = units
    mirror.sent.seen = []


def _mirror(row: Any) -> Mirror:
    return Mirror(
        reference=row.reference, channel=row.channel, order_id=row.order_id, home=row.home, home_order_id=row.home_order_id,
        state=row.state, promised=msgspec.json.decode(row.promised, type=list[tuple[str, str, int]]),
        sent=msgspec.json.decode(row.sent, type=Sent), reason=row.reason, created_at=row.created_at, updated_at=row.updated_at,
    )  # fmt: skip


def _row(one: Mirror) -> dict[str, Any]:
    return {
        "reference": one.reference, "channel": one.channel, "order_id": one.order_id, "home": one.home,
        "home_order_id": one.home_order_id, "state": one.state, "promised": msgspec.json.encode(one.promised).decode(),
        "sent": msgspec.json.encode(one.sent).decode(), "reason": one.reason, "created_at": one.created_at, "updated_at": one.updated_at,
    }  # fmt: skip
