"""Stock writes on their way: key and exact body are stored before anything is sent."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.contract.stock import Prepared, StockChange
from bridge.domain.catalog import StockKey
from bridge.store.tables import writes

__all__ = [
    "Sent",
    "accept",
    "accepted",
    "finish",
    "in_state",
    "look_again",
    "look_now",
    "next_look",
    "open_writes",
    "spans",
    "store",
]

# No call lasts longer; it lets the index be used.
_LONGEST = timedelta(minutes=10)
_MINE = sa.and_(writes.c.channel == sa.bindparam("on"), writes.c.state == sa.bindparam("as"))
_NEXT_LOOK = sa.select(sa.func.min(writes.c.look_at)).where(_MINE)
_IN_STATE = (
    sa.select(writes).where(_MINE, writes.c.kind == sa.bindparam("of")).order_by(writes.c.created_at, writes.c.key)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A stored write: what it was to change, and since when.

    `ticket` is the platform's promise to carry it out; `looks`: how often it was asked for.
    """

    prepared: Prepared
    created_at: datetime
    ticket: str = ""
    look_at: datetime | None = None
    looks: int = 0


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


def accept(connection: Connection, key: str, ticket: str, look_at: datetime) -> None:
    """Note that the platform took a write in, to carry it out later; it is asked for at `look_at`."""
    connection.execute(
        writes.update().where(writes.c.key == key).values(state="accepted", ticket=ticket, look_at=look_at, looks=0)
    )


def look_again(connection: Connection, key: str, look_at: datetime) -> None:
    """Note that a ticket had no result yet."""
    again = writes.update().where(writes.c.key == key, writes.c.state == "accepted")
    connection.execute(again.values(look_at=look_at, looks=writes.c.looks + 1))


def look_now(connection: Connection, channel: str, tickets: Collection[str], now: datetime) -> None:
    """Note that these tickets, as far as they are open, are to be asked for at once."""
    mine = sa.and_(writes.c.channel == channel, writes.c.state == "accepted", writes.c.ticket.in_(tickets))
    connection.execute(writes.update().where(mine).values(look_at=now))


def next_look(connection: Connection, channel: str) -> datetime | None:
    """Return when the next ticket of a channel, of numbers or of product edits, is to be asked for; None where none is open."""
    return connection.execute(_NEXT_LOOK, {"on": channel, "as": "accepted"}).scalar()


def open_writes(connection: Connection, channel: str) -> Sequence[Sent]:
    """Return the writes whose outcome is not known and that nothing was promised about, oldest first."""
    return _sent_in(connection, channel, "sent")


def accepted(connection: Connection, channel: str) -> Sequence[Sent]:
    """Return the writes that the platform has promised to carry out, oldest first."""
    return _sent_in(connection, channel, "accepted")


def spans(connection: Connection, channel: str, key: StockKey, since: datetime) -> list[tuple[datetime, datetime]]:
    """Return from when to when stock writes of a number were under way that ended after a moment, by our clock."""
    mine = sa.and_(writes.c.channel == channel, writes.c.kind == "stock", writes.c.created_at > since - _LONGEST)
    mine = sa.and_(mine, sa.or_(writes.c.done_at.is_(None), writes.c.done_at >= since))
    rows = connection.execute(sa.select(writes.c.rows, writes.c.created_at, writes.c.done_at).where(mine))
    return [
        (row.created_at, row.done_at or row.created_at)
        for row in rows
        if any(change.key == key for change in msgspec.json.decode(row.rows, type=tuple[StockChange, ...]))
    ]


def _sent_in(connection: Connection, channel: str, state: str) -> Sequence[Sent]:
    return [
        Sent(
            prepared=Prepared(
                key=row.key, body=row.body, changes=msgspec.json.decode(row.rows, type=tuple[StockChange, ...])
            ),
            created_at=row.created_at,
            ticket=row.ticket or "",
            look_at=row.look_at,
            looks=row.looks,
        )
        for row in in_state(connection, channel, "stock", state)
    ]


def in_state(connection: Connection, channel: str, kind: str, state: str) -> Sequence[Any]:
    """Return the rows of a channel's writes of one kind ("stock", "product") that are in a state, oldest first."""
    return connection.execute(_IN_STATE, {"on": channel, "of": kind, "as": state}).all()
