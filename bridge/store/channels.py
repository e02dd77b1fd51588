"""Channels as we know them: identity, cursors, and whether they rest until a person acts."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.store.sql import upsert
from bridge.store.tables import channels, cursors

__all__ = [
    "adopt",
    "all_channels",
    "clock",
    "cursor",
    "drained",
    "get",
    "heed_clock",
    "met",
    "rest",
    "set_cursor",
    "starts",
]

_CHANNEL = sa.select(channels).where(channels.c.channel == sa.bindparam("on"))
_CLOCK = sa.select(channels.c.clock).where(channels.c.channel == sa.bindparam("on"))
_CURSOR = sa.select(cursors.c.cursor).where(
    cursors.c.channel == sa.bindparam("on"), cursors.c.feed == sa.bindparam("of")
)
# Whole-second stamps, and the time an answer is under way, are no sign of a clock that is wrong.
_TELLING = 5


def get(connection: Connection, channel: str) -> Any | None:
    """Return the channel's row (channel, platform, currency, adopted_at, locations, home, resting)."""
    return connection.execute(_CHANNEL, {"on": channel}).first()


def all_channels(connection: Connection) -> list[Any]:
    """Return all channels ever met."""
    return list(connection.execute(sa.select(channels).order_by(channels.c.channel)))


def met(connection: Connection, channel: str, platform: str, currency: str, places: dict[str, str], home: str) -> None:
    """Note who a channel is, and which of its locations is which of our places."""
    locations = msgspec.json.encode(places).decode()
    values = {"channel": channel, "platform": platform, "currency": currency, "locations": locations, "home": home}
    upsert(connection, channels, [values])


def heed_clock(connection: Connection, channel: str, ahead: timedelta) -> None:
    """Note how far a channel's clock is ahead of ours, as one of its answers shows it."""
    seconds = round(ahead.total_seconds())
    seconds = seconds if abs(seconds) > _TELLING else 0
    row = get(connection, channel)
    # What was adopted keeps the difference of that moment: the openings were stamped with it, and a machine whose own clock is
    # set wrong for an hour must not make history of what was sold since.
    if row is not None and row.adopted_at is None and abs(row.clock - seconds) > _TELLING:
        connection.execute(channels.update().where(channels.c.channel == channel).values(clock=seconds))


def clock(connection: Connection, channel: str) -> timedelta:
    """Return how far a channel's clock is ahead of ours: what compares times of two channels needs it."""
    return timedelta(seconds=connection.execute(_CLOCK, {"on": channel}).scalar() or 0)


def starts(connection: Connection, channel: str, since: datetime) -> None:
    """Note when a channel joined a ledger that was open already, by the channel's time: what it sold before is history."""
    connection.execute(channels.update().where(channels.c.channel == channel).values(since=since))


def adopt(connection: Connection, channel: str, now: datetime) -> None:
    """The merchant has said whose numbers count: from now on the channel is written to."""
    connection.execute(channels.update().where(channels.c.channel == channel).values(adopted_at=now))


def rest(connection: Connection, channel: str, reason: str) -> None:
    """Let a channel rest, saying why ("" ends the rest)."""
    connection.execute(channels.update().where(channels.c.channel == channel).values(resting=reason))


def cursor(connection: Connection, channel: str, feed: str) -> str | None:
    """Return where to go on reading a feed."""
    return connection.execute(_CURSOR, {"on": channel, "of": feed}).scalar()


def drained(connection: Connection, feed: str) -> dict[str, datetime]:
    """Return when a page of each channel's feed was last stored, by our clock."""
    query = sa.select(cursors.c.channel, cursors.c.at).where(cursors.c.feed == feed, cursors.c.at.is_not(None))
    return {row.channel: row.at for row in connection.execute(query)}


def set_cursor(connection: Connection, channel: str, feed: str, value: str, now: datetime) -> None:
    """Remember where to go on, in the same transaction as what was read."""
    upsert(connection, cursors, [{"channel": channel, "feed": feed, "cursor": value, "at": now}])
