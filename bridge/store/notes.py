"""What happened that a person may ask about: counts, drifts, parked items, conflicts, runs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.domain.position import Position
from bridge.store.sql import chunks, inserting
from bridge.store.tables import counts, drifts, meta, parked, runs

__all__ = ["begin_run", "count", "drift", "end_run", "get_meta", "is_parked", "park", "set_meta", "unpark"]

_PARKED = sa.select(parked.c.id).where(
    parked.c.subject == sa.bindparam("of"),
    parked.c.channel == sa.bindparam("on"),
    parked.c.key == sa.bindparam("named"),
)


def count(connection: Connection, before: Position, quantity: int, at: datetime, note: str) -> int:
    """Record a count: somebody said the channel shows `quantity`, we expected `before.shown`. Return its number."""
    result = connection.execute(
        counts.insert().values(**_where(before), quantity=quantity, expected=before.shown or 0, at=at, note=note)
    )
    assert result.inserted_primary_key is not None
    return int(result.inserted_primary_key[0])


def drift(connection: Connection, before: Position, found: int, at: datetime, note: str) -> None:
    """Record a drift: the channel's number was not what it had to be."""
    connection.execute(drifts.insert().values(**_where(before), shown=before.shown or 0, found=found, at=at, note=note))


def _where(position: Position) -> dict[str, Any]:
    return {
        "channel": position.channel, "stock_id": position.key.stock_id, "location": position.key.location,
        "sku": position.sku, "place": position.place,
    }  # fmt: skip


def park(connection: Connection, subject: str, channel: str, key: str, reason: str, now: datetime) -> bool:
    """Set one item aside with the reason; the rest goes on. Parking it again counts the attempt. Tells whether it is new."""
    statement = inserting(connection.dialect.name, parked).values(
        subject=subject, channel=channel, key=key, reason=reason, since=now
    )
    again = {"reason": statement.excluded.reason, "attempts": parked.c.attempts + 1}
    keys = ["subject", "channel", "key"]
    parking = statement.on_conflict_do_update(index_elements=keys, set_=again).returning(parked.c.attempts)
    return bool(connection.execute(parking).scalar_one() == 1)


def is_parked(connection: Connection, subject: str, channel: str, key: str) -> bool:
    """Whether this item is set aside."""
    return connection.execute(_PARKED, {"of": subject, "on": channel, "named": key}).first() is not None


def unpark(connection: Connection, subject: str, channel: str, keys: Sequence[str]) -> None:
    """Take items back in."""
    for part in chunks(keys):
        mine = sa.and_(parked.c.subject == subject, parked.c.channel == channel, parked.c.key.in_(part))
        connection.execute(parked.delete().where(mine))


def begin_run(connection: Connection, command: str, now: datetime) -> int:
    """Note that a command started; return the run's number."""
    result = connection.execute(runs.insert().values(command=command, started_at=now))
    assert result.inserted_primary_key is not None
    return int(result.inserted_primary_key[0])


def end_run(connection: Connection, run: int, summary: dict[str, Any], now: datetime) -> None:
    """Note how it ended."""
    text = msgspec.json.encode(summary).decode()
    connection.execute(runs.update().where(runs.c.id == run).values(ended_at=now, summary=text))


def get_meta(connection: Connection, name: str) -> str | None:
    """Return a remembered setting."""
    return connection.execute(sa.select(meta.c.value).where(meta.c.name == name)).scalar()


def set_meta(connection: Connection, name: str, value: str) -> None:
    """Remember a setting."""
    connection.execute(meta.delete().where(meta.c.name == name))
    connection.execute(meta.insert().values(name=name, value=value))
