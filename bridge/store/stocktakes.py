"""Counts of a shelf itself, reported from outside: they stand beside the counts of channels' numbers, without a stock record."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.domain.ledger import Counter
from bridge.store.sql import among, chunks, rows_of
from bridge.store.tables import counts

__all__ = ["add", "newer", "newest"]

_NEWEST = (
    sa.select(counts.c.sku, counts.c.place, sa.func.max(counts.c.at))
    .where(counts.c.stock_id == "", among(counts.c.sku, "names"))
    .group_by(counts.c.sku, counts.c.place)
)


def add(
    connection: Connection, source: str, counter: Counter, quantity: int, expected: int, at: datetime, note: str
) -> int:
    """Record a stocktake: `quantity` units lay on the shelf at `at`, `expected` were to be there. Return its number."""
    where = {"channel": source, "stock_id": "", "location": "", "sku": counter.key, "place": counter.place}
    result = connection.execute(counts.insert().values(**where, quantity=quantity, expected=expected, at=at, note=note))
    assert result.inserted_primary_key is not None
    return int(result.inserted_primary_key[0])


def newest(connection: Connection, counters: Iterable[Counter]) -> dict[Counter, datetime]:
    """Return when the shelf of each of these counters was last counted; those never counted are left out."""
    wanted = set(counters)
    found: dict[Counter, datetime] = {}
    for part in chunks({counter.key for counter in wanted}):
        for sku, place, at in rows_of(connection, _NEWEST, {"names": part}):
            found[Counter("stock", sku, place)] = at
    return {counter: at for counter, at in found.items() if counter in wanted}


def newer(connection: Connection, counter: Counter, at: datetime) -> datetime | None:
    """Return the moment of a count of these units, of the shelf or of a channel's number, that is newer than `at`."""
    c = counts.c
    later = sa.and_(c.sku == counter.key, c.place == counter.place, c.at > at)
    return connection.execute(sa.select(sa.func.max(c.at)).where(later)).scalar()
