"""The outbox: which event is due at which target, and in which order."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.engine import Connection

from bridge.store import events
from bridge.store.database import Database
from bridge.store.events import Backlog, Draft, Due
from tests.unit.make import T0, at


def _draft(subject: str, *targets: str, kind: str = "order.paid", time: datetime = T0) -> Draft:
    return Draft(type=kind, subject=subject, time=time, data={"n": 1}, targets=targets or ("mail",))


def _emit(database: Database, *drafts: Draft) -> int:
    return database.write(lambda connection: events.emit(connection, drafts, T0))


def _due(database: Database, target: str = "mail", now: datetime = T0, limit: int = 32) -> list[Due]:
    return database.read(lambda connection: events.due(connection, target, now, limit))


def _subjects(database: Database, target: str = "mail", now: datetime = T0) -> list[str]:
    return [one.subject for one in _due(database, target, now)]


def _sent(database: Database, *found: Due, target: str = "mail") -> None:
    for one in found:
        database.write(lambda connection, one=one: events.sent(connection, target, one.id))  # type: ignore[misc]


def test_an_event_comes_as_it_was_written(database: Database) -> None:
    data = {"sku": "A", "at": T0, "nested": [1, None]}
    draft = Draft(type="drift", subject="sku/A@main", time=T0, data=data, targets=("mail",))
    assert _emit(database, draft) == 1
    (one,) = _due(database)
    assert (one.type, one.subject, one.time, one.attempts) == ("drift", "sku/A@main", T0, 0)
    assert one.data == {"sku": "A", "at": "2026-11-22T12:00:00Z", "nested": [1, None]}


def test_what_nobody_wants_is_not_kept(database: Database) -> None:
    draft = Draft(type="drift", subject="s", time=T0, data={}, targets=())
    assert _emit(database, draft) == 0
    assert database.write(lambda connection: events.compact(connection, at(10**6))) == 0


def test_of_a_subject_only_the_oldest_is_due(database: Database) -> None:
    _emit(database, _draft("a"), _draft("b"), _draft("a"), _draft("a"))
    assert _subjects(database) == ["a", "b"]
    _sent(database, *_due(database))
    assert _subjects(database) == ["a"]
    _sent(database, *_due(database))
    assert len(_due(database)) == 1
    _sent(database, *_due(database))
    assert _due(database) == []


def test_one_that_waits_for_its_next_attempt_holds_up_its_subject_alone(database: Database) -> None:
    _emit(database, _draft("a"), _draft("a"), _draft("b"), _draft("b"))
    first = _due(database)[0]
    database.write(lambda connection: events.failed(connection, "mail", first.id, at(10), "HTTP 500"))
    assert _subjects(database, now=at(9)) == ["b"]
    again = _due(database, now=at(10))
    assert [(one.id, one.attempts) for one in again] == [(first.id, 1), (again[1].id, 0)]


def test_one_that_was_given_up_lets_the_next_pass(database: Database) -> None:
    _emit(database, _draft("a"), _draft("a"))
    first, *_ = _due(database)
    database.write(lambda connection: events.failed(connection, "mail", first.id, None, "gone"))
    (second,) = _due(database)
    assert second.id > first.id
    assert database.write(lambda connection: events.again(connection, "mail", T0)) == 1
    assert [one.id for one in _due(database)] == [first.id]


def test_each_target_has_its_own_order(database: Database) -> None:
    _emit(database, _draft("a", "mail", "sms"), _draft("a", "sms"))
    _sent(database, *_due(database, "sms"), target="sms")
    assert len(_due(database, "sms")) == 1
    assert len(_due(database, "mail")) == 1
    assert _due(database, "fax") == []


def test_no_more_than_asked_for_are_due_oldest_first(database: Database) -> None:
    _emit(database, *(_draft(f"s{number}") for number in range(5)))
    assert [one.subject for one in _due(database, limit=2)] == ["s0", "s1"]


def test_the_next_time_is_that_of_the_first_of_each_subject(database: Database) -> None:
    def next_at() -> datetime | None:
        return database.read(lambda connection: events.next_at(connection, "mail"))

    assert next_at() is None
    _emit(database, _draft("a"), _draft("a"))
    assert next_at() == T0
    (first,) = _due(database)
    database.write(lambda connection: events.failed(connection, "mail", first.id, at(30), "HTTP 500"))
    assert next_at() == at(30)


def test_what_is_rolled_back_was_never_there(database: Database) -> None:
    def unit(connection: Connection) -> None:
        events.emit(connection, [_draft("a")], T0)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.write(unit)
    assert _due(database) == []


def test_how_things_stand_is_counted(database: Database) -> None:
    _emit(database, _draft("a", "mail", "sms"), _draft("b", "mail", time=at(5)), _draft("c"))
    a, b, _ = _due(database)
    database.write(lambda connection: events.failed(connection, "mail", a.id, None, "HTTP 410"))
    database.write(lambda connection: events.failed(connection, "mail", b.id, at(60), "HTTP 500"))
    found = database.read(events.counts)
    assert found == {
        "mail": Backlog(waiting=2, failed=1, oldest=T0, error="HTTP 500"),
        "sms": Backlog(waiting=1, oldest=T0),
    }


def test_targets_that_are_no_more_are_forgotten(database: Database) -> None:
    _emit(database, _draft("a", "mail", "sms"))
    assert database.write(lambda connection: events.forget_others(connection, ["mail"])) == 1
    assert _due(database, "sms") == []
    assert len(_due(database)) == 1


def test_old_events_go_but_not_those_that_wait_and_never_the_newest(database: Database) -> None:
    """The number of the newest would be given out again, and a receiver throws away what it has seen."""
    _emit(database, _draft("a"), _draft("b"), _draft("c", time=at(50)), _draft("d"))
    a, _, c, d = _due(database)
    _sent(database, a, c, d)
    later = T0 + timedelta(seconds=10)
    assert database.write(lambda connection: events.compact(connection, later)) == 1
    assert _subjects(database) == ["b"]
    _sent(database, *_due(database))
    assert database.write(lambda connection: events.compact(connection, later)) == 1
    _emit(database, _draft("e"))
    assert _due(database)[0].id > d.id


def test_a_subject_and_an_error_may_be_too_long_for_their_columns(database: Database) -> None:
    _emit(database, _draft("s" * 400))
    (one,) = _due(database)
    assert len(one.subject) == 255
    database.write(lambda connection: events.failed(connection, "mail", one.id, at(1), "e" * 10_000))
    assert len(database.read(events.counts)["mail"].error) == 500
