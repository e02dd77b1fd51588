"""Goods as codes are limited to them: SKUs by tag, and what they are on a channel."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.store import listings
from bridge.store.sql import among, chunks, rows_of
from bridge.store.tables import listings as table

__all__ = ["ids_of", "tagged"]


def tagged(connection: Connection, wanted: Iterable[str]) -> set[str]:
    """Return the SKUs that have one of these tags."""
    names = frozenset(wanted)
    if not names:
        return set()
    return {sku for sku, tags in listings.tags(connection).items() if tags & names}


def ids_of(connection: Connection, channel: str, skus: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return what these SKUs are on a channel, as (product id, variant id), in order."""
    query = sa.select(table.c.product_id, table.c.variant_id).where(
        table.c.channel == sa.bindparam("on"), among(table.c.sku, "skus"), table.c.gone_at.is_(None)
    )
    rows = (row for part in chunks(set(skus)) for row in rows_of(connection, query, {"on": channel, "skus": part}))
    return tuple(sorted((row.product_id, row.variant_id) for row in rows))
