"""The outbox of events: written in the transaction of what happened, read by whoever sends them.

An event has one row, and one send for each target that wants it. Of a subject (an order, a SKU at a place) only the oldest
unsent event is due at a target, so each target hears of it in the order in which it happened.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.store.sql import chunks, insert
from bridge.store.tables import event_sends, events

__all__ = [
    "Backlog", "Draft", "Due", "again", "compact", "counts", "due", "emit", "failed", "forget_others", "next_at", "sent",
]  # fmt: skip

_LONGEST = 255  # of a subject, as the column has it
_LONGEST_ERROR = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Something that happened, for these targets. `time` is when, as exactly as we know; `data` is JSON."""

    type: str
    subject: str
    time: datetime
    data: Mapping[str, Any]
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An event that a target is to be told now. `attempts` are those already made."""

    id: int
    type: str
    subject: str
    time: datetime
    data: Any
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """How things stand with one target: unsent events, those given up, and since when the oldest unsent one waits."""

    waiting: int = 0
    failed: int = 0
    oldest: datetime | None = None
    error: str = ""


def emit(connection: Connection, drafts: Sequence[Draft], now: datetime) -> int:
    """Write events to be sent; return how many. One that no target wants is left out."""
    wanted = [draft for draft in drafts if draft.targets]
    sends = [row for draft in wanted for row in _sends(_insert(connection, draft), draft, now)]
    insert(connection, event_sends, sends)
    return len(wanted)


def _insert(connection: Connection, draft: Draft) -> int:
    text = msgspec.json.encode(draft.data).decode()
    row = {"type": draft.type, "subject": draft.subject[:_LONGEST], "time": draft.time, "data": text}
    result = connection.execute(events.insert().values(row))
    assert result.inserted_primary_key is not None
    return int(result.inserted_primary_key[0])


def _sends(event: int, draft: Draft, now: datetime) -> list[dict[str, Any]]:
    return [
        {"event_id": event, "target": target, "subject": draft.subject[:_LONGEST], "state": "new", "next_at": now}
        for target in draft.targets
    ]


def _first_of_its_subject() -> sa.ColumnElement[bool]:
    older = event_sends.alias("older")
    ahead = sa.select(older.c.event_id).where(
        older.c.target == event_sends.c.target,
        older.c.subject == event_sends.c.subject,
        older.c.event_id < event_sends.c.event_id,
        older.c.state == "new",
    )
    return sa.and_(event_sends.c.state == "new", ~ahead.exists())


def due(connection: Connection, target: str, now: datetime, limit: int = 32) -> list[Due]:
    """Return what is to be sent to a target now, oldest first: never two events of one subject."""
    s = event_sends.c
    query = (
        sa.select(events, s.attempts)
        .join(event_sends, s.event_id == events.c.id)
        .where(s.target == target, s.next_at <= now, _first_of_its_subject())
        .order_by(s.event_id)
        .limit(limit)
    )
    return [
        Due(
            id=row.id, type=row.type, subject=row.subject, time=row.time, data=msgspec.json.decode(row.data),
            attempts=row.attempts,
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def next_at(connection: Connection, target: str) -> datetime | None:
    """Return when the next send to a target is due; None when nothing waits."""
    query = sa.select(event_sends.c.next_at).where(event_sends.c.target == target, _first_of_its_subject())
    return connection.execute(query.order_by(event_sends.c.next_at).limit(1)).scalar()


def sent(connection: Connection, target: str, event: int) -> None:
    """The target has it."""
    _end(connection, target, event, state="sent", error="")


def failed(connection: Connection, target: str, event: int, next_at: datetime | None, error: str) -> None:
    """The target did not take it: again at `next_at`, or never (None)."""
    state = "new" if next_at is not None else "failed"
    _end(connection, target, event, state=state, next_at=next_at, error=error[:_LONGEST_ERROR])


def _end(connection: Connection, target: str, event: int, **values: Any) -> None:
    s = event_sends.c
    mine = sa.and_(s.event_id == event, s.target == target)
    connection.execute(event_sends.update().where(mine).values(attempts=s.attempts + 1, **values))


def again(connection: Connection, target: str, now: datetime) -> int:
    """Have everything sent to a target that was given up; return how many."""
    given_up = sa.and_(event_sends.c.target == target, event_sends.c.state == "failed")
    return connection.execute(event_sends.update().where(given_up).values(state="new", next_at=now)).rowcount


def forget_others(connection: Connection, targets: Collection[str]) -> int:
    """Drop the sends to targets that are no more in the config; return how many."""
    return connection.execute(event_sends.delete().where(event_sends.c.target.not_in(targets))).rowcount


def counts(connection: Connection) -> dict[str, Backlog]:
    """Return how things stand with each target that was ever sent something."""
    s = event_sends.c
    waiting, given_up = s.state == "new", s.state == "failed"
    query = sa.select(
        s.target,
        sa.func.sum(sa.case((waiting, 1), else_=0)).label("waiting"),
        sa.func.sum(sa.case((given_up, 1), else_=0)).label("failed"),
        sa.func.min(sa.case((waiting, events.c.time))).label("oldest"),
        sa.func.max(sa.case((waiting, s.error), else_="")).label("error"),
    ).join(events, events.c.id == s.event_id)
    return {
        row.target: Backlog(waiting=int(row.waiting), failed=int(row.failed), oldest=row.oldest, error=row.error)
        for row in connection.execute(query.group_by(s.target))
    }


def compact(connection: Connection, before: datetime) -> int:
    """Drop events from before that moment which nobody waits for any more; return how many.

    The newest event always stays: SQLite would give its number out again, and a receiver throws away what it has seen.
    """
    waiting = sa.select(event_sends.c.event_id).where(event_sends.c.state == "new")
    newest = sa.select(sa.func.max(events.c.id)).scalar_subquery()
    over = sa.select(events.c.id).where(events.c.time < before, events.c.id < newest, events.c.id.not_in(waiting))
    ids = list(connection.execute(over).scalars())
    for part in chunks(ids):
        connection.execute(event_sends.delete().where(event_sends.c.event_id.in_(part)))
        connection.execute(events.delete().where(events.c.id.in_(part)))
    return len(ids)
