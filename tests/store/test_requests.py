"""Keys of API calls: one effect, one answer."""

import threading

import pytest
from sqlalchemy.engine import Connection

from bridge.store import notes, requests
from bridge.store.database import Database
from bridge.store.requests import Answered
from tests.unit.make import T0, at


def _call(connection: Connection, key: str = "k", token: str = "till", digest: str = "d") -> Answered | None:
    known = requests.begin(connection, token, key, digest, T0)
    if known is None:
        requests.finish(connection, token, key, 201, '{"id":1}')
    return known


def test_the_first_call_is_done_and_the_second_answered(database: Database) -> None:
    assert database.write(_call) is None
    assert database.write(_call) == Answered(digest="d", status=201, answer='{"id":1}')
    assert database.write(lambda connection: _call(connection, digest="other")) == Answered(
        digest="d", status=201, answer='{"id":1}'
    )
    assert database.write(lambda connection: _call(connection, key="l")) is None
    assert database.write(lambda connection: _call(connection, token="other")) is None


def test_a_key_whose_call_failed_is_free(database: Database) -> None:
    def unit(connection: Connection) -> None:
        requests.begin(connection, "till", "k", "d", T0)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.write(unit)
    assert database.write(_call) is None


def test_of_calls_at_once_one_takes_effect(database: Database) -> None:
    """Each waits for the one before it, whatever the database."""
    both = threading.Barrier(4)
    effects: list[int] = []
    answers: list[Answered | None] = []

    def unit(connection: Connection) -> Answered | None:
        known = _call(connection)
        if known is None:
            effects.append(1)
            notes.set_meta(connection, "effect", "done")
        return known

    def caller() -> None:
        both.wait()
        answers.append(database.write(unit))

    threads = [threading.Thread(target=caller) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert effects == [1]
    assert sorted(answers, key=str) == [Answered(digest="d", status=201, answer='{"id":1}')] * 3 + [None]


def test_keys_are_forgotten_after_their_time(database: Database) -> None:
    database.write(_call)
    assert database.write(lambda connection: requests.compact(connection, T0)) == 0
    assert database.write(lambda connection: requests.compact(connection, at(1))) == 1
    assert database.write(_call) is None
