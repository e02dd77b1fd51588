"""Positions: what each channel shows and should show. Where the two differ is the work queue."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.domain.catalog import StockKey
from bridge.domain.position import Aim, Due, Position
from bridge.store.sql import among, change, chunks, rows_of, upsert
from bridge.store.tables import differs, doubtful, listings, positions
from bridge.store.tables import unverified as not_verified

__all__ = [
    "aim",
    "aims",
    "approve",
    "by_keys",
    "by_skus",
    "change_all",
    "count",
    "due",
    "every",
    "forget",
    "guarded",
    "in_flight",
    "oldest",
    "save",
    "still_held",
    "suspects",
    "sweep",
    "units_shown",
    "unpark",
    "untracked",
    "unverified",
    "work",
]

_PLAIN = tuple(field.name for field in fields(Position) if field.name != "key")
_values = attrgetter(*_PLAIN)
# What an order changes of a position. The rest is in indexes that are rewritten with every row, changed or not.
_MOVING = ("shown", "target", "moved", "moved_at", "late", "suspect", "suspect_at")
_MOVED_ROW = ("channel", "stock_id", "location", *_MOVING)
_moved = attrgetter(*_MOVING)
_unmoved = attrgetter(*(name for name in ("key", *_PLAIN) if name not in _MOVING))
_COLUMNS = (positions.c.stock_id, positions.c.location, *(positions.c[name] for name in _PLAIN))
_DUE = tuple(positions.c[name] for name in Due._fields)
_ORDER = (positions.c.channel, positions.c.stock_id, positions.c.location)
_AIM_ROW = ("channel", "stock_id", "location", "target")
_BY_SKU = sa.select(*_COLUMNS).where(among(positions.c.sku, "names")).order_by(*_ORDER)
_AIMS = sa.select(*(positions.c[name] for name in Aim._fields)).where(among(positions.c.sku, "names")).order_by(*_ORDER)
# Sorted here: SQLite sorts whole rows, and takes longer for it than for finding them.
_BY_STOCK_ID = sa.select(*_COLUMNS).where(positions.c.channel == sa.bindparam("on"), among(positions.c.stock_id, "ids"))
_key = attrgetter("key")
# They differ, nothing is in flight, nobody parked them, no difference is being judged.
_writable = sa.and_(differs, positions.c.in_flight.is_(None), positions.c.suspect.is_(None), positions.c.parked == "")


def _of_channel(*where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """What is asked after every sale is built once: building a statement takes longer than asking it."""
    mine = sa.and_(positions.c.channel == sa.bindparam("on"), positions.c.gone.is_(False), *where)
    return sa.select(*_COLUMNS).where(mine).order_by(*_ORDER)


_WORK = _of_channel(_writable)
_SUSPECTS = _of_channel(doubtful)
_UNVERIFIED = _of_channel(not_verified, positions.c.in_flight.is_(None))


def save(connection: Connection, rows: Iterable[Position]) -> None:
    """Write positions, new ones and known ones: in an order of their own, so that a rehearsal's seed always tells the same story."""
    upsert(connection, positions, [_row(position) for position in sorted(rows, key=lambda one: (one.channel, one.key))])


def change_all(connection: Connection, pairs: Iterable[tuple[Position | None, Position]]) -> None:
    """Write positions as (what was read, what it is now; None: nothing was). What orders alone moved touches fewest indexes."""
    moved: list[Position] = []
    others: list[Position] = []
    for before, after in pairs:
        if before is None or _unmoved(before) != _unmoved(after):
            others.append(after)
        elif _moved(before) != _moved(after):
            moved.append(after)
    save(connection, others)
    change(connection, positions, [(one.channel, *one.key, *_moved(one)) for one in moved], _MOVED_ROW)


def aim(connection: Connection, rows: Sequence[tuple[str, str, str, int | None]]) -> None:
    """Write new targets of positions, as (channel, stock record, location, target): it touches no index of the SKU."""
    change(connection, positions, rows, _AIM_ROW)


def aims(connection: Connection, skus: Iterable[str]) -> list[Aim]:
    """Return the targets of these SKUs on all channels."""
    found: list[Aim] = []
    for part in chunks(sorted(set(skus))):
        found.extend(map(Aim._make, rows_of(connection, _AIMS, {"names": part})))
    return found


def by_keys(connection: Connection, channel: str, keys: Iterable[StockKey]) -> dict[StockKey, Position]:
    """Return the channel's positions with these keys."""
    wanted = set(keys)
    found: dict[StockKey, Position] = {}
    for part in chunks(sorted({key.stock_id for key in wanted})):
        rows = rows_of(connection, _BY_STOCK_ID, {"on": channel, "ids": part})
        for position in sorted(map(_position, rows), key=_key):
            if position.key in wanted:
                found[position.key] = position
    return found


def by_skus(connection: Connection, skus: Iterable[str]) -> list[Position]:
    """Return the positions of these SKUs on all channels."""
    found: list[Position] = []
    for part in chunks(set(skus)):
        found.extend(map(_position, rows_of(connection, _BY_SKU, {"names": part})))
    return found


def every(connection: Connection, channel: str | None = None) -> Iterator[Position]:
    """Stream all positions, of one channel or of all, in key order."""
    return _select(connection, sa.true() if channel is None else positions.c.channel == channel)


def work(connection: Connection, channel: str, skus: Sequence[str] = ()) -> list[Position]:
    """Return the positions to write: they differ, nothing is in flight, nobody parked them, no difference is being judged."""
    return _asked(connection, _WORK.where(positions.c.sku.in_(skus)) if skus else _WORK, channel)


def due(connection: Connection, channel: str, skus: Sequence[str] = ()) -> list[Due]:
    """Return the same as `work`, with no more of each position than a plan tells."""
    return _due(connection, _to_write(channel, skus))


def guarded(connection: Connection, channel: str, skus: Sequence[str] = ()) -> list[Due]:
    """Return the channel's numbers that the guard holds back (of these SKUs, if any are named)."""
    c = positions.c
    held = sa.and_(c.channel == channel, c.parked.like("guard: %"), c.gone.is_(False), differs)
    return _due(connection, sa.and_(held, c.sku.in_(skus)) if skus else held)


def untracked(connection: Connection, channel: str) -> list[Position]:
    """Return the positions for which the channel keeps no number, although we know what it should be."""
    mine = sa.and_(
        positions.c.channel == channel,
        sa.or_(positions.c.shown.is_(None), positions.c.base == "untracked"),
        positions.c.target.is_not(None),
        positions.c.in_flight.is_(None),
        positions.c.parked == "",
        positions.c.gone.is_(False),
    )
    return list(_select(connection, mine))


def in_flight(connection: Connection, channel: str) -> list[Position]:
    """Return the positions whose last write has no known outcome."""
    return list(_select(connection, sa.and_(positions.c.channel == channel, positions.c.in_flight.is_not(None))))


def suspects(connection: Connection, channel: str) -> list[Position]:
    """Return the positions where a read saw another number, those with orders that may be inside it already, and new ones."""
    return _asked(connection, _SUSPECTS, channel)


def unverified(connection: Connection, channel: str) -> list[Position]:
    """Return the positions that an absolute write set and no read has agreed with yet."""
    return _asked(connection, _UNVERIFIED, channel)


def count(connection: Connection, channel: str) -> int:
    """Return how many numbers of the channel are known."""
    mine = sa.and_(positions.c.channel == channel, positions.c.gone.is_(False), positions.c.shown.is_not(None))
    return int(connection.execute(sa.select(sa.func.count()).select_from(positions).where(mine)).scalar() or 0)


def oldest(connection: Connection, channel: str, before: datetime, limit: int) -> list[Position]:
    """Return the positions not verified since `before`, the longest unverified first."""
    mine = sa.and_(
        positions.c.channel == channel,
        positions.c.gone.is_(False),
        positions.c.shown.is_not(None),
        sa.or_(positions.c.verified_at.is_(None), positions.c.verified_at < before),
    )
    query = sa.select(*_COLUMNS).where(mine).order_by(positions.c.verified_at.asc().nulls_first()).limit(limit)
    return [_position(row) for row in connection.execute(query)]


def unpark(connection: Connection, channel: str, key: StockKey) -> None:
    """Write this position again."""
    p = positions.c
    same = sa.and_(p.channel == channel, p.stock_id == key.stock_id, p.location == key.location)
    connection.execute(positions.update().where(same).values(parked=""))


def approve(connection: Connection, channel: str) -> list[Position]:
    """Let the rows pass that the guard held back on a channel, and return them as they were."""
    held = sa.and_(positions.c.channel == channel, positions.c.parked.like("guard: %"), positions.c.gone.is_(False))
    rows = list(_select(connection, held))
    connection.execute(positions.update().where(held).values(parked="", approved=True))
    return rows


def still_held(connection: Connection, channel: str) -> bool:
    """Free what the guard held back on a channel and nobody wants to change any more; tell whether it holds anything else."""
    c = positions.c
    held = sa.and_(c.channel == channel, c.parked.like("guard: %"), c.gone.is_(False))
    connection.execute(positions.update().where(held, c.shown == c.target).values(parked=""))
    return connection.execute(sa.select(c.stock_id).where(held).limit(1)).first() is not None


def forget(connection: Connection, channel: str, stock_id: str) -> bool:
    """Drop the positions of a stock record; False, and nothing done, while a write to one of them is under way."""
    mine = sa.and_(positions.c.channel == channel, positions.c.stock_id == stock_id)
    if any(row.in_flight for row in _select(connection, mine)):
        return False
    connection.execute(positions.delete().where(mine))
    return True


def sweep(connection: Connection, channel: str) -> list[Position]:
    """Mark the positions gone whose listing is no more on the channel, and return them."""
    alive = sa.select(listings.c.variant_id).where(
        listings.c.channel == positions.c.channel,
        listings.c.stock_id == positions.c.stock_id,
        listings.c.gone_at.is_(None),
    )
    dead = sa.and_(positions.c.channel == channel, positions.c.gone.is_(False), ~alive.exists())
    found = list(_select(connection, dead))
    if found:
        connection.execute(
            positions.update().where(dead).values(gone=True, suspect=None, suspect_at=None, in_flight=None)
        )
    return found


def units_shown(connection: Connection, channel: str, but: Collection[str] = ()) -> int:
    """Return how many units the channel shows in all, debts left out, and what lies at the locations of `but`."""
    mine = sa.and_(positions.c.channel == channel, positions.c.shown > 0, positions.c.location.not_in(but))
    return int(connection.execute(sa.select(sa.func.sum(positions.c.shown)).where(mine)).scalar() or 0)


def _to_write(channel: str, skus: Sequence[str]) -> sa.ColumnElement[bool]:
    mine = sa.and_(positions.c.channel == channel, positions.c.gone.is_(False), _writable)
    return sa.and_(mine, positions.c.sku.in_(skus)) if skus else mine


def _due(connection: Connection, where: sa.ColumnElement[bool]) -> list[Due]:
    return list(map(Due._make, rows_of(connection, sa.select(*_DUE).where(where).order_by(*_ORDER))))


def _asked(connection: Connection, statement: sa.Select[Any], channel: str) -> list[Position]:
    return list(map(_position, rows_of(connection, statement, {"on": channel})))


def _select(connection: Connection, where: sa.ColumnElement[bool]) -> Iterator[Position]:
    for row in rows_of(connection, sa.select(*_COLUMNS).where(where).order_by(*_ORDER)):
        yield _position(row)


def _position(row: Any) -> Position:
    """Make a position of a row. They are read by the hundred thousand, and the constructor takes longer than the row to fetch."""
    stock_id, location, *plain = row
    position = object.__new__(Position)
    position.__dict__["key"] = StockKey(stock_id, location)
    position.__dict__.update(zip(_PLAIN, plain, strict=True))
    return position


def _row(position: Position) -> dict[str, Any]:
    return {
        **dict(zip(_PLAIN, _values(position), strict=True)),
        "stock_id": position.key.stock_id,
        "location": position.key.location,
    }
