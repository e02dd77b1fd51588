"""Webhook deliveries as they came, kept from the moment they were acknowledged until they are old."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.contract.webhooks import Delivery
from bridge.store.sql import chunks
from bridge.store.sql import insert as insert_rows
from bridge.store.tables import deliveries

__all__ = ["New", "Stored", "compact", "count_waiting", "finish", "forget", "insert", "last_received", "waiting"]

# Deleting a month's deliveries at once would keep every other writer waiting.
_COMPACTED = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """A delivery to be stored; `received_at` is by our clock."""

    channel: str
    received_at: datetime
    delivery: Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A delivery that was stored, by its number; numbers rise in the order of arrival."""

    id: int
    channel: str
    received_at: datetime
    delivery: Delivery


def insert(connection: Connection, rows: Sequence[New]) -> None:
    """Store deliveries, to be looked at."""
    insert_rows(connection, deliveries, [_row(one) for one in rows])


def _row(one: New) -> dict[str, Any]:
    delivery = one.delivery
    headers = msgspec.json.encode(delivery.headers).decode()
    return {
        "channel": one.channel, "received_at": one.received_at, "url": delivery.url, "headers": headers, "body": delivery.body,
        "state": "new",
    }  # fmt: skip


def waiting(connection: Connection, channel: str, limit: int = 500) -> list[Stored]:
    """Return the channel's deliveries that nobody has looked at yet, oldest first."""
    mine = sa.and_(deliveries.c.state == "new", deliveries.c.channel == channel)
    rows = connection.execute(sa.select(deliveries).where(mine).order_by(deliveries.c.id).limit(limit))
    return [_stored(row) for row in rows]


def _stored(row: Any) -> Stored:
    headers = msgspec.json.decode(row.headers, type=dict[str, str])
    delivery = Delivery(body=bytes(row.body), headers=headers, url=row.url)
    return Stored(id=row.id, channel=row.channel, received_at=row.received_at, delivery=delivery)


def finish(
    connection: Connection, ids: Sequence[int], state: Literal["done", "failed"], note: str, now: datetime
) -> None:
    """Note that deliveries were looked at, and how that ended."""
    for part in chunks(ids):
        mine = deliveries.update().where(deliveries.c.id.in_(part))
        connection.execute(mine.values(state=state, note=note, done_at=now))


def count_waiting(connection: Connection) -> dict[str, int]:
    """Return how many deliveries of each channel nobody has looked at yet; channels without any are left out."""
    query = sa.select(deliveries.c.channel, sa.func.count()).where(deliveries.c.state == "new")
    return {row[0]: int(row[1]) for row in connection.execute(query.group_by(deliveries.c.channel))}


def last_received(connection: Connection) -> dict[str, datetime]:
    """Return when each channel's newest delivery came, as far as it is still kept."""
    found: dict[str, datetime] = {}
    # From one channel to the next by the index: the rows between, millions perhaps, are not walked.
    channel = _next_channel(connection, "")
    while channel is not None:
        newest = sa.select(sa.func.max(deliveries.c.received_at)).where(deliveries.c.channel == channel)
        found[channel] = connection.execute(newest).scalar_one()
        channel = _next_channel(connection, channel)
    return found


def _next_channel(connection: Connection, after: str) -> str | None:
    query = sa.select(sa.func.min(deliveries.c.channel)).where(deliveries.c.channel > after)
    return connection.execute(query).scalar()


def compact(connection: Connection, before: datetime) -> int:
    """Drop deliveries received before that time and looked at, the oldest first, at most 5,000 a call; return how many."""
    return _drop(connection, sa.and_(deliveries.c.received_at < before, deliveries.c.state != "new"))


def forget(connection: Connection, channel: str, before: datetime) -> int:
    """Drop all that a channel sent before that time and that was looked at; return how many."""
    mine = sa.and_(deliveries.c.channel == channel, deliveries.c.received_at < before, deliveries.c.state != "new")
    return connection.execute(deliveries.delete().where(mine)).rowcount


def _drop(connection: Connection, where: sa.ColumnElement[bool]) -> int:
    oldest = sa.select(deliveries.c.id).where(where).order_by(deliveries.c.received_at).limit(_COMPACTED)
    return connection.execute(deliveries.delete().where(deliveries.c.id.in_(oldest))).rowcount
