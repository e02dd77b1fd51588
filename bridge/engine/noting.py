"""What a person, or an automation of theirs, should know of: written down, and told to the targets of events."""

from datetime import datetime

from sqlalchemy.engine import Connection

from bridge.domain.position import Position
from bridge.engine.context import Context
from bridge.store import notes

__all__ = ["drift", "park"]


def park(connection: Connection, context: Context, subject: str, channel: str, key: str, reason: str) -> None:
    """Set one item aside with the reason; it is told once, however often it is tried."""
    now = context.now()
    fresh = notes.park(connection, subject, channel, key, reason, now)
    if fresh and context.events is not None:
        context.events.parked(connection, subject, channel, key, reason, now)


def drift(connection: Connection, context: Context, before: Position, found: int, at: datetime, note: str) -> None:
    """Record that a channel's number was not what it had to be."""
    notes.drift(connection, before, found, at, note)
    if context.events is not None:
        data = {
            "sku": before.sku, "place": before.place, "channel": before.channel, "shown": before.shown, "found": found, "note": note
        }  # fmt: skip
        context.events.drift(connection, data, context.now())
