"""Holds: units that are reserved for a while. Every channel shows that many fewer until they are captured or given back."""

from datetime import datetime

from sqlalchemy.engine import Connection

from bridge.domain.ledger import Counter
from bridge.engine.context import Context
from bridge.engine.desk import Desk
from bridge.store import ledger

__all__ = ["expire", "release", "reserve"]


def reserve(
    connection: Connection, context: Context, counter: Counter, quantity: int, ends: datetime | None, note: str
) -> str:
    """Reserve units until `ends` (None: until somebody gives them back); return the hold's id. The caller has seen that they are free."""
    now = context.now()
    hold_id = context.new_key().replace("-", "")[:12]
    ledger.hold(connection, hold_id, counter, quantity, created_at=now, expires_at=ends, note=note)
    _settle(connection, context, [(counter, quantity)])
    return hold_id


def release(connection: Connection, context: Context, hold_id: str, counter: Counter, quantity: int) -> None:
    """Give the units of an open hold back."""
    ledger.release_hold(connection, hold_id)
    _settle(connection, context, [(counter, -quantity)])


def expire(connection: Connection, context: Context) -> int:
    """Free the holds whose time is over; return how many."""
    now = context.now()
    over = ledger.overdue(connection, now)
    if over:
        ledger.expire_holds(connection, now)
        _settle(connection, context, [(counter, -units) for counter, units in over])
    return len(over)


def _settle(connection: Connection, context: Context, changes: list[tuple[Counter, int]]) -> None:
    desk = Desk(connection, context, context.now())
    for counter, units in changes:
        desk.reserve(counter, units)
    desk.close()
