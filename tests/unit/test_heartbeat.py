"""Whether `bridge run` is at work, told by the sign of life that it leaves: a dead one is never taken for a living one."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.app.heartbeat import Beat, BeatChannel, beaten, daemon_status, rest
from bridge.app.results import DaemonStatus, JobLine
from bridge.store import notes, schema
from bridge.store.database import Database

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
BEAT = Beat(
    at=NOW,
    since=NOW - timedelta(days=3),
    process=17,
    address="http://127.0.0.1:8470",
    every=15.0,
    channels=(
        BeatChannel(channel="till", state="resting", heard_at=NOW - timedelta(minutes=7), error="revoked", poll=90.0),
    ),
    jobs=(JobLine(name="poll till", every=30.0, next_at=NOW + timedelta(seconds=9)),),
)


@pytest.fixture
def database() -> Iterator[Database]:
    database = Database("sqlite:///:memory:")
    schema.ensure(database)
    yield database
    database.close()


def told(database: Database, now: datetime) -> DaemonStatus:
    return database.read(lambda connection: daemon_status(connection, now))


def test_nothing_has_run(database: Database) -> None:
    assert told(database, NOW) == DaemonStatus(running=False)


def test_a_daemon_at_work_tells_its_channels_and_its_schedule(database: Database) -> None:
    database.write(lambda connection: beaten(connection, BEAT))
    found = told(database, NOW + timedelta(seconds=20))
    assert (found.running, found.since, found.process, found.address) == (True, BEAT.since, 17, BEAT.address)
    assert [(one.channel, one.state, one.heard_age, one.error, one.poll) for one in found.channels] == [
        ("till", "resting", 440.0, "revoked", 90.0)
    ]
    assert found.jobs == BEAT.jobs


@pytest.mark.parametrize("seconds", [45, 3600, -45, -3600])
def test_an_old_sign_of_life_is_none_wherever_the_clock_went(database: Database, seconds: int) -> None:
    database.write(lambda connection: beaten(connection, BEAT))
    found = told(database, NOW + timedelta(seconds=seconds))
    assert (found.running, found.seen_at) == (False, NOW)


def test_one_that_ended_in_order_says_when(database: Database) -> None:
    number = database.write(lambda connection: notes.begin_run(connection, "run", BEAT.since))
    database.write(lambda connection: beaten(connection, BEAT))
    database.write(rest)
    database.write(lambda connection: notes.end_run(connection, number, {}, NOW))
    assert told(database, NOW) == DaemonStatus(running=False, ended_at=NOW)


def test_the_beat_of_another_version_is_passed_over(database: Database) -> None:
    database.write(
        lambda connection: notes.set_meta(connection, "daemon", '{"at": "2026-11-01T12:00:00Z", "pulse": 60}')
    )
    assert told(database, NOW) == DaemonStatus(running=False)


def test_a_newer_beat_replaces_the_older(database: Database) -> None:
    later = replace(BEAT, at=NOW + timedelta(minutes=5), channels=())
    for beat in (BEAT, later):
        database.write(lambda connection, beat=beat: beaten(connection, beat))  # type: ignore[misc]
    found = told(database, NOW + timedelta(minutes=5))
    assert (found.running, found.channels) == (True, ())
