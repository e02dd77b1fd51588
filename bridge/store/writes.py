"""Stock writes on their way: key and exact body are stored before anything is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.contract.stock import Prepared, StockChange
from bridge.store.tables import writes

__all__ = ["Sent", "finish", "open_writes", "store"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A stored write: what it was to change, and since when."""

    prepared: Prepared
    created_at: datetime


def store(connection: Connection, channel: str, prepared: Prepared, now: datetime) -> None:
    """Keep a write before it is sent."""
    rows = msgspec.json.encode(prepared.changes).decode()
    values: dict[str, Any] = {
        "key": prepared.key,
        "channel": channel,
        "kind": "stock",
        "body": prepared.body,
        "rows": rows,
    }
    connection.execute(writes.insert().values(**values, state="sent", created_at=now))


def finish(connection: Connection, key: str, state: str, outcome: str, now: datetime) -> None:
    """Note how a write ended: "done", "failed" (nothing took effect) or "read back"."""
    connection.execute(writes.update().where(writes.c.key == key).values(state=state, outcome=outcome, done_at=now))


def open_writes(connection: Connection, channel: str) -> Sequence[Sent]:
    """Return the writes whose outcome is not known, oldest first."""
    mine = sa.and_(writes.c.channel == channel, writes.c.state == "sent")
    rows = connection.execute(sa.select(writes).where(mine).order_by(writes.c.created_at, writes.c.key))
    return [
        Sent(
            prepared=Prepared(
                key=row.key, body=row.body, changes=msgspec.json.decode(row.rows, type=tuple[StockChange, ...])
            ),
            created_at=row.created_at,
        )
        for row in rows
    ]
