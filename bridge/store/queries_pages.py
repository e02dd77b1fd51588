"""Questions to the store that only the page asks. Plain functions of a connection; each walks an index, or one table once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.store.sql import chunks
from bridge.store.tables import (
    cursors,
    deliveries,
    drifts,
    event_sends,
    events,
    hook_secrets,
    listings,
    mirrors,
    movements,
    order_effects,
    orders,
    positions,
    skus,
)

__all__ = [
    "Point",
    "agreement",
    "delivery_failures",
    "delivery_totals",
    "drift_rows",
    "drifts_since",
    "effects_of",
    "event_failures",
    "event_totals",
    "held_rows",
    "last_asked",
    "mirror_of",
    "moved_by",
    "oldest_number",
    "order_channels",
    "order_row",
    "order_rows",
    "secrets_since",
    "sku_by_barcode",
    "skus_like",
    "skus_named",
]  # fmt: skip


def agreement(connection: Connection) -> list[Any]:
    """Return per channel how many of its numbers agree with what they should be, differ, are being written, or are not known.

    Columns: channel, agree, differ, in_flight, unknown, held (of those that differ: nobody writes them), doubtful, gone.
    """
    c = positions.c
    alive = c.gone.is_(False)
    flying = c.in_flight.is_not(None)
    known = sa.and_(c.shown.is_not(None), c.target.is_not(None))
    differs = sa.and_(alive, ~flying, known, c.shown != c.target)
    query = sa.select(
        c.channel,
        _tally(sa.and_(alive, ~flying, known, c.shown == c.target)).label("agree"),
        _tally(differs).label("differ"),
        _tally(sa.and_(alive, flying)).label("in_flight"),
        _tally(sa.and_(alive, ~flying, ~known)).label("unknown"),
        _tally(sa.and_(differs, c.parked != "")).label("held"),
        _tally(sa.and_(alive, c.suspect.is_not(None))).label("doubtful"),
        _tally(c.gone.is_(True)).label("gone"),
    )
    return list(connection.execute(query.group_by(c.channel)))


def _tally(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


def oldest_number(connection: Connection, channel: str) -> Any | None:
    """Return the SKU whose number on a channel was verified longest ago, and when (None: never)."""
    c = positions.c
    mine = sa.and_(c.channel == channel, c.gone.is_(False), c.shown.is_not(None))
    query = sa.select(c.sku, c.verified_at).where(mine).order_by(c.verified_at.asc().nulls_first()).limit(1)
    return connection.execute(query).first()


def last_asked(connection: Connection) -> dict[str, datetime]:
    """Return when each channel's feeds were last read, by our clock."""
    query = sa.select(cursors.c.channel, sa.func.max(cursors.c.at)).group_by(cursors.c.channel)
    return {channel: at for channel, at in connection.execute(query) if at is not None}


def skus_like(connection: Connection, text: str, limit: int) -> list[Any]:
    """Return SKUs whose name or title contains the text, however it is capitalised; names that begin with it first."""
    c = skus.c
    hit = sa.or_(c.sku.icontains(text, autoescape=True), c.title.icontains(text, autoescape=True))
    begins = sa.case((c.sku.istartswith(text, autoescape=True), 0), else_=1)
    return list(connection.execute(sa.select(c.sku, c.title).where(hit).order_by(begins, c.sku).limit(limit)))


def skus_named(connection: Connection, names: Sequence[str]) -> list[Any]:
    """Return these SKUs with their titles."""
    return list(connection.execute(sa.select(skus.c.sku, skus.c.title).where(skus.c.sku.in_(names))))


def sku_by_barcode(connection: Connection, barcode: str) -> list[str]:
    """Return the SKUs of live listings with exactly this barcode."""
    mine = sa.and_(listings.c.barcode == barcode, listings.c.sku.is_not(None), listings.c.gone_at.is_(None))
    return list(connection.execute(sa.select(listings.c.sku).where(mine).distinct().limit(50)).scalars())


Point = tuple[datetime, str, str]  # an order's place in the list: when it changed, its channel, its id
_ORDER = ("channel", "order_id", "number", "status", "placed_at", "updated_at", "kind", "unlinked", "reference")


def order_rows(connection: Connection, names: Sequence[str], text: str, before: Point | None, limit: int) -> list[Any]:
    """Return orders of these channels, the one with the newest change first, without their snapshots.

    `text`: only the one whose id it is, or, if there is none, those whose number contains it. `before`: go on behind this one.
    Each channel is read through its own index, and the lists are merged. Ids of one channel and moment stay in the database's
    own order, which is not Python's.
    """
    c = orders.c
    wanted = sa.true() if not text else c.number.icontains(text, autoescape=True)
    if text and (exact := _orders_of(connection, names, c.order_id == text, before, limit)):
        return exact
    return _orders_of(connection, names, wanted, before, limit)


def _orders_of(
    connection: Connection,
    names: Sequence[str],
    wanted: sa.ColumnElement[bool],
    before: Point | None,
    limit: int,
) -> list[Any]:
    found = [row for name in names for row in _orders_on(connection, name, wanted, before, limit)]
    return sorted(found, key=lambda row: (row.updated_at, row.channel), reverse=True)[:limit]


def _orders_on(
    connection: Connection,
    channel: str,
    wanted: sa.ColumnElement[bool],
    before: Point | None,
    limit: int,
) -> list[Any]:
    c = orders.c
    query = sa.select(*(c[name] for name in _ORDER)).where(c.channel == channel, wanted)
    if before is not None:
        at, name, order_id = before
        here = c.order_id < order_id if channel == name else sa.literal(channel < name)
        query = query.where(sa.or_(c.updated_at < at, sa.and_(c.updated_at == at, here)))
    return list(connection.execute(query.order_by(c.updated_at.desc(), c.order_id.desc()).limit(limit)))


def order_channels(connection: Connection) -> list[str]:
    """Return the channels that have orders, tills that report their sales among them: one step through the index each."""
    found: list[str] = []
    while True:
        rest = sa.select(sa.func.min(orders.c.channel))
        name = connection.execute(rest.where(orders.c.channel > found[-1]) if found else rest).scalar()
        if name is None:
            return found
        found.append(name)


def order_row(connection: Connection, channel: str, order_id: str) -> Any | None:
    """Return one order with its snapshot."""
    mine = sa.and_(orders.c.channel == channel, orders.c.order_id == order_id)
    return connection.execute(sa.select(orders).where(mine)).first()


def effects_of(connection: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], list[Any]]:
    """Return what the ledger holds for these orders (channel, id): rows of kind, key, place, net, baseline."""
    e = order_effects.c
    found: dict[tuple[str, str], list[Any]] = {}
    for channel in sorted({name for name, _ in keys}):
        for part in chunks({order for name, order in keys if name == channel}):
            mine = sa.and_(e.channel == channel, e.order_id.in_(part))
            for row in connection.execute(sa.select(order_effects).where(mine).order_by(e.kind, e.key, e.place)):
                found.setdefault((row.channel, row.order_id), []).append(row)
    return found


def moved_by(connection: Connection, channel: str, order_id: str, keys: Sequence[str], limit: int) -> list[Any]:
    """Return the newest movements that an order made; `keys` are the SKUs of its effects, by which the ledger is found."""
    m = movements.c
    mine = sa.and_(m.kind == "stock", m.key.in_(keys), m.channel == channel, m.source == order_id)
    return list(connection.execute(sa.select(movements).where(mine).order_by(m.id.desc()).limit(limit)))


def mirror_of(connection: Connection, channel: str, order_id: str) -> Any | None:
    """Return the mirror that an order has, or that it is."""
    c = mirrors.c
    source = sa.and_(c.channel == channel, c.order_id == order_id)
    home = sa.and_(c.home == channel, c.home_order_id == order_id)
    return connection.execute(sa.select(mirrors).where(sa.or_(source, home))).first()


def drift_rows(connection: Connection, limit: int) -> list[Any]:
    """Return the newest drifts of all SKUs."""
    return list(connection.execute(sa.select(drifts).order_by(drifts.c.id.desc()).limit(limit)))


def drifts_since(connection: Connection, since: datetime) -> int:
    """Count the drifts since then. There are few: a drift is a fault that was repaired."""
    query = sa.select(sa.func.count()).select_from(drifts).where(drifts.c.at >= since)
    return int(connection.execute(query).scalar_one())


def held_rows(connection: Connection, channel: str, limit: int) -> tuple[int, list[Any]]:
    """Return how many numbers of a channel the guard holds back, and the largest changes of them."""
    c = positions.c
    mine = sa.and_(c.channel == channel, c.parked.like("guard: %"), c.gone.is_(False), c.shown != c.target)
    total = connection.execute(sa.select(sa.func.count()).select_from(positions).where(mine)).scalar_one()
    query = sa.select(c.sku, c.place, c.shown, c.target).where(mine)
    return int(total), list(
        connection.execute(query.order_by(sa.func.abs(c.target - c.shown).desc(), c.sku).limit(limit))
    )


def delivery_totals(connection: Connection, names: Sequence[str], since: datetime) -> list[Any]:
    """Return for each channel: channel, last (when the newest delivery came), waiting, and since then: received, failed."""
    d = deliveries.c
    found = []
    for name in names:
        waiting = sa.select(sa.func.count()).where(d.channel == name, d.state == "new").scalar_subquery()
        recent = sa.and_(d.channel == name, d.received_at >= since)
        last = sa.select(sa.func.max(d.received_at)).where(d.channel == name).scalar_subquery()
        received = sa.select(sa.func.count()).where(recent).scalar_subquery()
        failed = sa.select(sa.func.count()).where(recent, d.state == "failed").scalar_subquery()
        columns = (last.label("last"), waiting.label("waiting"), received.label("received"), failed.label("failed"))
        found.append(connection.execute(sa.select(sa.literal(name).label("channel"), *columns)).one())
    return found


def delivery_failures(connection: Connection, limit: int) -> list[Any]:
    """Return the newest deliveries that could not be used: id, channel, received_at, note. Never what is in them."""
    d = deliveries.c
    query = sa.select(d.id, d.channel, d.received_at, d.note).where(d.state == "failed")
    return list(connection.execute(query.order_by(d.id.desc()).limit(limit)))


def secrets_since(connection: Connection) -> dict[str, list[Any]]:
    """Return since when each channel has which signing secret, newest first: rows of since, until. Never the secrets."""
    c = hook_secrets.c
    found: dict[str, list[Any]] = {}
    for row in connection.execute(sa.select(c.channel, c.since, c.until).order_by(c.channel, c.since.desc())):
        found.setdefault(row.channel, []).append(row)
    return found


def event_totals(connection: Connection) -> list[Any]:
    """Return how many outgoing events stand where: target, state, number, oldest (when the oldest of them happened)."""
    s = event_sends.c
    joined = event_sends.outerjoin(events, events.c.id == s.event_id)
    columns = (s.target, s.state, sa.func.count().label("number"), sa.func.min(events.c.time).label("oldest"))
    query = sa.select(*columns).select_from(joined).group_by(s.target, s.state).order_by(s.target, s.state)
    return list(connection.execute(query))


def event_failures(connection: Connection, limit: int) -> list[Any]:
    """Return the newest events that a target has not taken: event_id, target, type, subject, state, attempts, next_at, error."""
    s = event_sends.c
    joined = event_sends.outerjoin(events, events.c.id == s.event_id)
    columns = (s.event_id, s.target, events.c.type, s.subject, s.state, s.attempts, s.next_at, s.error)
    query = sa.select(*columns).select_from(joined).where(s.error != "", s.state != "sent")
    return list(connection.execute(query.order_by(s.event_id.desc(), s.target).limit(limit)))
