"""Lists for those who ask from outside, a page at a time: each page begins behind the last row of the one before."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.store.sql import chunks
from bridge.store.tables import counters, holds, movements, orders, skus

__all__ = ["counters_of", "held", "moves", "order_rows", "sku_rows"]


def sku_rows(connection: Connection, words: Sequence[str], after: str, limit: int) -> list[Any]:
    """Return SKUs with their titles, by name, from behind `after`; each of the words is in the SKU or in the title."""
    query = sa.select(skus.c.sku, skus.c.title).where(skus.c.sku > after).order_by(skus.c.sku).limit(limit)
    for word in words:
        query = query.where(sa.or_(_has(skus.c.sku, word), _has(skus.c.title, word)))
    return list(connection.execute(query))


def _has(column: sa.Column[str], word: str) -> sa.ColumnElement[bool]:
    return column.icontains(word, autoescape=True)


def counters_of(connection: Connection, names: Collection[str]) -> list[Any]:
    """Return the stock counters of these SKUs, by SKU and place."""
    c = counters.c
    query = sa.select(c.key, c.place, c.balance, c.opened_at).where(c.kind == "stock").order_by(c.key, c.place)
    return [row for part in chunks(set(names)) for row in connection.execute(query.where(c.key.in_(part)))]


def held(connection: Connection, names: Collection[str], now: datetime) -> dict[tuple[str, str], int]:
    """Return the units of these SKUs under holds whose time is not over: (sku, place) -> units."""
    c = holds.c
    running = sa.and_(c.kind == "stock", c.state == "open", sa.or_(c.expires_at.is_(None), c.expires_at > now))
    query = sa.select(c.key, c.place, sa.func.sum(c.quantity)).where(running).group_by(c.key, c.place)
    rows = [row for part in chunks(set(names)) for row in connection.execute(query.where(c.key.in_(part)))]
    return {(sku, place): int(units) for sku, place, units in rows}


def moves(connection: Connection, sku: str, place: str | None, before: int | None, limit: int) -> list[Any]:
    """Return movements of a SKU, newest first, from behind the movement `before`."""
    m = movements.c
    query = sa.select(movements).where(m.kind == "stock", m.key == sku).order_by(m.id.desc()).limit(limit)
    if place is not None:
        query = query.where(m.place == place)
    return list(connection.execute(query if before is None else query.where(m.id < before)))


def order_rows(
    connection: Connection,
    channel: str | None,
    status: str | None,
    after: tuple[datetime, str, str] | None,
    limit: int,
) -> list[Any]:
    """Return orders without their snapshots, the newest change first, from behind (updated_at, channel, order id)."""
    o = orders.c
    columns = (
        o.channel, o.order_id, o.number, o.status, o.kind, o.placed_at, o.updated_at, o.revision, o.unlinked, o.reference
    )  # fmt: skip
    query = sa.select(*columns).order_by(o.updated_at.desc(), o.channel, o.order_id).limit(limit)
    if channel is not None:
        query = query.where(o.channel == channel)
    if status is not None:
        query = query.where(o.status == status)
    return list(connection.execute(query if after is None else query.where(_behind(*after))))


def _behind(at: datetime, channel: str, order_id: str) -> sa.ColumnElement[bool]:
    o = orders.c
    same_moment = sa.or_(o.channel > channel, sa.and_(o.channel == channel, o.order_id > order_id))
    return sa.or_(o.updated_at < at, sa.and_(o.updated_at == at, same_moment))
