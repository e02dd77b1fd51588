"""Questions to the store that only people ask: status, chains, lists. Plain functions of a connection."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.store.sql import chunks, rows_of
from bridge.store.tables import (
    conflicts,
    counters,
    counts,
    drifts,
    findings,
    holds,
    kits,
    listings,
    metadata,
    movements,
    order_effects,
    parked,
    positions,
    runs,
    skus,
    writes,
)

__all__ = [
    "accepted",
    "accepted_keys",
    "age",
    "channel_totals",
    "conflict_rows",
    "count_rows",
    "counter_rows",
    "drift_rows",
    "finding_rows",
    "halts",
    "hold",
    "hold_rows",
    "last_run",
    "latest_movements",
    "link_totals",
    "linked_to",
    "listing",
    "move_rows",
    "orphans",
    "parked_rows",
    "parts",
    "put_off",
    "size",
    "sku_names",
    "title",
    "units_held",
    "wrong_orders",
]  # fmt: skip


def size(connection: Connection, table: str) -> int:
    """Count the rows of a table."""
    return int(connection.execute(sa.select(sa.func.count()).select_from(metadata.tables[table])).scalar_one())


def linked_to(connection: Connection, channel: str, sku: str) -> list[Any]:
    """Return the channel's living listings of a SKU."""
    c = listings.c
    same = sa.and_(c.channel == channel, c.sku == sku, c.gone_at.is_(None))
    return list(connection.execute(sa.select(listings).where(same).order_by(c.variant_id)))


def hold(connection: Connection, hold_id: str) -> Any | None:
    """Return one hold."""
    return connection.execute(sa.select(holds).where(holds.c.id == hold_id)).first()


def _tally(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


def channel_totals(connection: Connection) -> dict[str, Any]:
    """Return per channel: positions, open, in_flight, suspects, parked, gone, units, oldest."""
    c = positions.c
    alive = c.gone.is_(False)
    free = sa.and_(alive, c.parked == "")
    oldest = sa.func.min(sa.case((sa.and_(alive, c.shown.is_not(None)), c.verified_at)))
    query = sa.select(
        c.channel,
        _tally(alive).label("positions"),
        _tally(sa.and_(free, c.shown != c.target)).label("open"),
        _tally(c.in_flight.is_not(None)).label("in_flight"),
        _tally(sa.and_(alive, c.suspect.is_not(None))).label("suspects"),
        _tally(sa.and_(alive, c.parked != "")).label("parked"),
        _tally(c.gone.is_(True)).label("gone"),
        sa.func.coalesce(sa.func.sum(sa.case((sa.and_(alive, c.shown > 0), c.shown), else_=0)), 0).label("units"),
        oldest.label("oldest"),
    )
    return {row.channel: row for row in connection.execute(query.group_by(c.channel))}


def accepted(connection: Connection) -> dict[str, int]:
    """Return how many numbers of each channel its platform has taken in and not carried out yet."""
    c = positions.c
    same = sa.and_(writes.c.key == c.in_flight, writes.c.state == "accepted")
    query = sa.select(c.channel, sa.func.count()).select_from(positions.join(writes, same)).group_by(c.channel)
    return {channel: int(count) for channel, count in connection.execute(query)}


def accepted_keys(connection: Connection, keys: Collection[str]) -> set[str]:
    """Return those of these writes that were accepted to be carried out later."""
    mine = sa.and_(writes.c.key.in_(keys), writes.c.state == "accepted")
    return set(connection.execute(sa.select(writes.c.key).where(mine)).scalars()) if keys else set()


def put_off(connection: Connection, now: datetime) -> dict[str, Any]:
    """Return per channel what its limits of a day hold up: `rows`, and `until`, when the first of them goes on."""
    c = positions.c
    waits = sa.and_(c.waits_until > now, c.shown != c.target, c.gone.is_(False), c.in_flight.is_(None))
    columns = c.channel, sa.func.count().label("rows"), sa.func.min(c.waits_until).label("until")
    return {row.channel: row for row in connection.execute(sa.select(*columns).where(waits).group_by(c.channel))}


def last_run(connection: Connection, commands: Sequence[str]) -> Any | None:
    """Return the newest run of one of these commands."""
    query = sa.select(runs).where(runs.c.command.in_(commands)).order_by(runs.c.id.desc()).limit(1)
    return connection.execute(query).first()


def sku_names(connection: Connection) -> list[str]:
    """Return every SKU we know."""
    return list(connection.execute(sa.select(skus.c.sku)).scalars())


def title(connection: Connection, sku: str) -> str | None:
    """Return a SKU's title, None for an unknown SKU."""
    return connection.execute(sa.select(skus.c.title).where(skus.c.sku == sku)).scalar()


def parts(connection: Connection, sku: str) -> dict[str, int]:
    """Return a kit's components."""
    query = sa.select(kits.c.component, kits.c.quantity).where(kits.c.sku == sku)
    return {row.component: row.quantity for row in connection.execute(query)}


def counter_rows(connection: Connection, sku: str) -> list[Any]:
    """Return the stock counters of a SKU, place by place."""
    mine = sa.and_(counters.c.kind == "stock", counters.c.key == sku)
    return list(connection.execute(sa.select(counters).where(mine).order_by(counters.c.place)))


def move_rows(connection: Connection, sku: str | None, place: str | None, limit: int) -> list[Any]:
    """Return the newest movements of stock, newest first."""
    query = sa.select(movements).where(movements.c.kind == "stock").order_by(movements.c.id.desc()).limit(limit)
    if sku is not None:
        query = query.where(movements.c.key == sku)
    if place is not None:
        query = query.where(movements.c.place == place)
    return list(connection.execute(query))


def latest_movements(connection: Connection, names: Collection[str]) -> dict[tuple[str, str], Any]:
    """Return the newest movement of each of these SKUs: (sku, place) -> row."""
    m = movements.c
    newest = sa.select(sa.func.max(m.id)).where(m.kind == "stock").group_by(m.key, m.place)
    query = sa.select(m.key, m.place, m.delta, m.why, m.channel, m.note)
    # For very many, one walk through the ledger is cheaper than hundreds of lookups.
    parts = [None] if len(names) > 10_000 else chunks(set(names))
    found: dict[tuple[str, str], Any] = {}
    for part in parts:
        wanted = newest if part is None else newest.where(m.key.in_(part))
        found.update(((row[0], row[1]), row) for row in rows_of(connection, query.where(m.id.in_(wanted))))
    return found


def hold_rows(connection: Connection, sku: str | None = None, state: str | None = "open") -> list[Any]:
    """Return holds, oldest first."""
    query = sa.select(holds).where(holds.c.kind == "stock").order_by(holds.c.created_at, holds.c.id)
    if sku is not None:
        query = query.where(holds.c.key == sku)
    if state is not None:
        query = query.where(holds.c.state == state)
    return list(connection.execute(query))


def units_held(connection: Connection) -> dict[tuple[str, str], int]:
    """Return the units under open holds: (sku, place) -> units."""
    mine = sa.and_(holds.c.kind == "stock", holds.c.state == "open")
    query = sa.select(holds.c.key, holds.c.place, sa.func.sum(holds.c.quantity)).where(mine)
    rows = connection.execute(query.group_by(holds.c.key, holds.c.place))
    return {(sku, place): int(units) for sku, place, units in rows}


def count_rows(connection: Connection, sku: str, limit: int) -> list[Any]:
    """Return the newest counts of a SKU."""
    return list(
        connection.execute(sa.select(counts).where(counts.c.sku == sku).order_by(counts.c.id.desc()).limit(limit))
    )


def drift_rows(connection: Connection, sku: str, limit: int) -> list[Any]:
    """Return the newest drifts of a SKU."""
    return list(
        connection.execute(sa.select(drifts).where(drifts.c.sku == sku).order_by(drifts.c.id.desc()).limit(limit))
    )


def conflict_rows(connection: Connection, limit: int) -> list[Any]:
    """Return the newest conflicts."""
    return list(connection.execute(sa.select(conflicts).order_by(conflicts.c.id.desc()).limit(limit)))


def parked_rows(connection: Connection, ids: Sequence[int] | None = None) -> list[Any]:
    """Return parked items, oldest first."""
    query = sa.select(parked).order_by(parked.c.since, parked.c.id)
    return list(connection.execute(query if ids is None else query.where(parked.c.id.in_(ids))))


def halts(connection: Connection) -> dict[str, str]:
    """Return the channels whose plan the guard holds back, with the reason."""
    query = sa.select(parked.c.channel, parked.c.reason).where(parked.c.subject == "plan")
    return {row.channel: row.reason for row in connection.execute(query.order_by(parked.c.channel))}


def finding_rows(connection: Connection) -> list[Any]:
    """Return all findings."""
    return list(connection.execute(sa.select(findings).order_by(findings.c.channel, findings.c.kind, findings.c.key)))


def link_totals(connection: Connection) -> dict[str, dict[str | None, int]]:
    """Return per channel how many live listings are linked, and how."""
    how = sa.case((listings.c.sku.is_(None), None), else_=listings.c.how)
    query = sa.select(listings.c.channel, how, sa.func.count()).where(listings.c.gone_at.is_(None))
    found: dict[str, dict[str | None, int]] = {}
    for channel, kind, number in connection.execute(query.group_by(listings.c.channel, how)):
        found.setdefault(channel, {})[kind] = int(number)
    return found


def orphans(connection: Connection) -> list[Any]:
    """Return linked listings whose SKU no other channel has."""
    mine = sa.and_(listings.c.sku.is_not(None), listings.c.gone_at.is_(None))
    lonely = (
        sa.select(listings.c.sku)
        .where(mine)
        .group_by(listings.c.sku)
        .having(sa.func.count(listings.c.channel.distinct()) == 1)
    )
    several = connection.execute(sa.select(sa.func.count(listings.c.channel.distinct())).where(mine)).scalar_one()
    if several < 2:
        return []
    query = sa.select(listings.c.channel, listings.c.variant_id, listings.c.sku, listings.c.title)
    return list(
        connection.execute(query.where(mine, listings.c.sku.in_(lonely)).order_by(listings.c.channel, listings.c.sku))
    )


def listing(connection: Connection, channel: str, variant_id: str) -> Any | None:
    """Return one listing."""
    mine = sa.and_(listings.c.channel == channel, listings.c.variant_id == variant_id)
    return connection.execute(sa.select(listings).where(mine)).first()


def wrong_orders(connection: Connection) -> Iterator[tuple[str, str, str, str, int, int]]:
    """Yield orders whose effects are not what the ledger has moved for them: channel, order, key, place, wanted, moved."""
    m, e = movements.c, order_effects.c
    same = sa.and_(m.channel == e.channel, m.source == e.order_id, m.kind == e.kind, m.key == e.key, m.place == e.place)
    by_order = sa.and_(same, m.why.in_(["sale", "cancel", "refund"]))
    moved = sa.func.coalesce(sa.func.sum(m.delta), 0)
    columns = (e.channel, e.order_id, e.key, e.place, e.net - e.baseline)
    query = (
        sa.select(*columns, moved)
        .select_from(order_effects.outerjoin(movements, by_order))
        .group_by(e.channel, e.order_id, e.kind, e.key, e.place, e.net, e.baseline)
        .having(e.net - e.baseline != moved)
    )
    for channel, order, key, place, wanted, total in connection.execute(query):
        yield channel, order, key, place, int(wanted), int(total)


def age(now: datetime, moment: datetime | None) -> float | None:
    """Return seconds since a moment, never below 0 (the platform's clock may be ahead)."""
    return None if moment is None else max(0.0, (now - moment).total_seconds())
