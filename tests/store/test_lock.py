"""Only one process synchronises on a database; the lock dies with its process, however it dies."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from bridge.store.database import Database
from bridge.store.errors import BusyError

HOLDER = """
import sys
from bridge.store.database import Database
with Database(sys.argv[1]).alone("bridge run"):
    print("held", flush=True)
    sys.stdin.read()
print("freed", flush=True)
"""


class Holder:
    """Another process that holds the lock until told otherwise."""

    def __init__(self, url: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "held\n"

    def let_go(self) -> None:
        """Have it end as it should."""
        assert self.process.communicate(timeout=30)[0] == "freed\n"

    def kill(self) -> None:
        """Have it die at once, without a chance to clean up."""
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=30)


@pytest.fixture
def hold(fresh_url: Callable[[], str]) -> Iterator[tuple[Database, Holder]]:
    """A database that another process works on."""
    url = fresh_url()
    holder = Holder(url)
    database = Database(url)
    yield database, holder
    database.close()
    if holder.process.poll() is None:
        holder.kill()


def until_freed(database: Database) -> None:
    """The server notices a dead client in its own time: wait for the lock itself, then take and give it."""
    if database.is_sqlite:
        return
    with database.engine.begin() as connection:
        connection.execute(sa.text("set local statement_timeout = '20s'"))
        connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": 0x62726964676531})


def enter(database: Database) -> None:
    with database.alone("bridge sync"):
        pass


def test_the_second_process_is_told_who_is_first(hold: tuple[Database, Holder]) -> None:
    database, holder = hold
    with pytest.raises(BusyError, match="bridge run") as caught:
        enter(database)
    assert str(holder.process.pid) in str(caught.value)
    assert "wait until it is done" in caught.value.next_step


def test_a_process_that_ends_frees_it(hold: tuple[Database, Holder]) -> None:
    database, holder = hold
    holder.let_go()
    until_freed(database)
    enter(database)
    enter(database)


def test_a_process_that_is_killed_frees_it(hold: tuple[Database, Holder]) -> None:
    database, holder = hold
    holder.kill()
    until_freed(database)
    enter(database)


def test_a_step_that_fails_frees_it(empty: Database) -> None:
    with pytest.raises(LookupError), empty.alone("bridge sync"):
        raise LookupError
    enter(empty)


def test_within_one_process_it_is_just_as_exclusive(empty: Database) -> None:
    other = Database(empty.url.render_as_string(hide_password=False))
    with empty.alone("bridge run"), pytest.raises(BusyError, match="bridge run"):
        enter(other)
    other.close()


def test_who_has_it_may_ask_for_it_again(empty: Database) -> None:
    with empty.alone("bridge run"):
        enter(empty)
        other = Database(empty.url.render_as_string(hide_password=False))
        with pytest.raises(BusyError, match="bridge run"):
            enter(other)
        other.close()


def test_readers_do_not_need_it(hold: tuple[Database, Holder]) -> None:
    database, _ = hold
    assert database.read(lambda connection: connection.execute(sa.text("select 1")).scalar()) == 1


def test_another_database_is_not_locked(hold: tuple[Database, Holder], other_url: str) -> None:
    other = Database(other_url)
    enter(other)
    other.close()


def may_write(database: Database) -> bool:
    """Whether another process that is not the one at work could begin a unit this moment."""
    if database.is_sqlite:
        raw = sqlite3.connect(database.url.database or "", timeout=0, isolation_level=None)
        try:
            raw.execute("begin immediate")
        except sqlite3.OperationalError:
            return False
        finally:
            raw.close()
        return True
    with database.engine.connect() as connection:
        return bool(connection.scalar(sa.text("select pg_try_advisory_xact_lock(:key)"), {"key": 0x62726964676532}))


def test_units_of_others_wait_for_those_of_the_one_at_work(empty: Database) -> None:
    other = Database(empty.url.render_as_string(hide_password=False))
    with empty.alone("bridge run"):
        assert not empty.write(lambda _: may_write(other))
        assert may_write(other)
    assert not other.write(lambda _: may_write(empty))
    other.close()
