"""The daemon's sign of life: what `bridge run` leaves in the database, and what `bridge status` in another process makes of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from sqlalchemy.engine import Connection

from bridge.app.results import DaemonChannel, DaemonStatus, JobLine
from bridge.store import notes, queries
from bridge.store.queries import age

__all__ = ["Beat", "BeatChannel", "beaten", "daemon_status", "last_beat", "rest"]

_NAME = "daemon"
_MISSED = 3  # beats, until nobody believes in it any more


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatChannel:
    """One channel as the daemon sees it; `heard_at`: when something was last read from it; `poll`: seconds between two polls."""

    channel: str
    state: str
    heard_at: datetime | None = None
    error: str = ""
    poll: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """One sign of life, left every `every` seconds."""

    at: datetime
    since: datetime
    process: int
    address: str
    every: float
    channels: tuple[BeatChannel, ...]
    jobs: tuple[JobLine, ...]


def beaten(connection: Connection, beat: Beat) -> None:
    """Leave a sign of life."""
    notes.set_meta(connection, _NAME, msgspec.json.encode(beat).decode())


def rest(connection: Connection) -> None:
    """Say that the daemon has ended in order: nobody need wonder."""
    notes.set_meta(connection, _NAME, "")


def last_beat(connection: Connection) -> Beat | None:
    """Return the last sign of life of a daemon that did not end in order; None where there is none, or of another version."""
    text = notes.get_meta(connection, _NAME)
    try:
        return msgspec.json.decode(text, type=Beat) if text else None
    except msgspec.ValidationError:
        return None


def daemon_status(connection: Connection, now: datetime) -> DaemonStatus:
    """Say whether `bridge run` is at work, and how it gets on."""
    beat, run = last_beat(connection), queries.last_run(connection, ("run",))
    if beat is None:
        return DaemonStatus(running=False, ended_at=None if run is None else run.ended_at)
    # A clock that was set back makes nobody believe in the dead: only a fresh beat counts, on either side of now.
    return DaemonStatus(
        running=abs(now - beat.at) < _MISSED * timedelta(seconds=beat.every),
        since=beat.since,
        seen_at=beat.at,
        seen_age=age(now, beat.at),
        address=beat.address,
        process=beat.process,
        channels=tuple(_channel(one, now) for one in beat.channels),
        jobs=beat.jobs,
    )


def _channel(one: BeatChannel, now: datetime) -> DaemonChannel:
    heard_age = None if one.heard_at is None else age(now, one.heard_at)
    return DaemonChannel(
        channel=one.channel, state=one.state, heard_at=one.heard_at, heard_age=heard_age, error=one.error, poll=one.poll
    )
