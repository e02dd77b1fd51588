"""Opens the database, holds its lock, and runs units of work in transactions.

SQLite (WAL, synchronous=FULL, file mode 0600) or PostgreSQL, by the URL. A unit is a plain function of a connection: it
is committed whole or not at all.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from bridge.store.errors import BusyError, StoreError

__all__ = ["Database", "connect_url"]

T = TypeVar("T")
# SQLite reports a damaged file by the bare DatabaseError; its other subclasses are mistakes of ours.
_NOT_OURS = {sa.exc.OperationalError, sa.exc.DatabaseError}
# In pages of 4 KB, as SQLite does by itself. Four times that makes webhooks wait 50 ms for each checkpoint, and a backlog no faster.
_CHECKPOINT = "wal_autocheckpoint=1000"
_PG_LOCK = 0x62726964676531  # "bridge1": the advisory lock of this program
_PG_TURN = 0x62726964676532  # "bridge2": the one of its writing transactions


def connect_url(text: str) -> sa.URL:
    """Read the `database` setting: a file path, sqlite:///path, or postgresql://..."""
    if "://" not in text:
        return sa.URL.create("sqlite", database=text)
    url = sa.make_url(text)
    return url.set(drivername="postgresql+psycopg") if url.drivername in {"postgresql", "postgres"} else url


class Database:
    """One open database. `write` and `read` run a unit of work; the engine alone decides what a unit is."""

    def __init__(self, url: str) -> None:
        self.url = connect_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            _private_file(self.url.database)
        self.engine = _engine(self.url, self.is_sqlite)
        self._lock: Any = None
        # SQLite has one writer at a time and polls for its turn, up to 100 ms between two looks: threads of ours queue here.
        self._turn: AbstractContextManager[Any] = threading.RLock() if self.is_sqlite else contextlib.nullcontext()

    def write(self, unit: Callable[[Connection], T]) -> T:
        """Run a unit in a transaction of its own; a full disk or a lost server leaves nothing half-written."""
        with self._turn, self.explaining(), self.engine.begin() as connection:
            if not self.is_sqlite:
                self._take_turns(connection)
            return unit(connection)

    def _take_turns(self, connection: Connection) -> None:
        """Units of another process never mix with those of the one at work, as in SQLite; its own threads share the turn."""
        shared = "" if self._lock is None else "_shared"
        connection.execute(sa.text(f"select pg_advisory_xact_lock{shared}(:key)"), {"key": _PG_TURN})

    def read(self, unit: Callable[[Connection], T]) -> T:
        """Run a unit that only reads: it waits for no writer."""
        with self.explaining(), self.engine.connect().execution_options(reads=True) as connection:
            return unit(connection)

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Turn what the database itself cannot do (full, locked, away, damaged) into a StoreError that says what to do."""
        try:
            yield
        except sa.exc.DatabaseError as error:
            if type(error) not in _NOT_OURS:
                raise
            raise _explained(error, self.where) from error

    @property
    def where(self) -> str:
        """The database's address without its password."""
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def alone(self, command: str) -> Iterator[None]:
        """Be the only process that synchronises on this database; raises BusyError naming the other one.

        Within the one that is (the daemon, say) it may be asked for again.
        """
        if self._lock is not None:
            yield
            return
        lock = _FileLock(f"{self.url.database}.lock") if self.is_sqlite else _ServerLock(self.engine)
        lock.take(command)
        self._lock = lock
        try:
            yield
        finally:
            self._lock = None
            lock.give()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _private_file(path: str | None) -> None:
    if path is None or path == ":memory:":
        return
    file = Path(path)
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(
            f"cannot create the database {file}: {error.strerror}", "check `database` in the config"
        ) from error


def _engine(url: sa.URL, is_sqlite: bool) -> Engine:
    if not is_sqlite:
        return sa.create_engine(url, pool_size=4, pool_pre_ping=True)
    pool = sa.pool.StaticPool if url.database in {None, ":memory:"} else None
    engine = sa.create_engine(url, poolclass=pool, connect_args={"check_same_thread": False, "timeout": 30})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # SQLAlchemy's own BEGIN below, not sqlite3's late one
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY", _CHECKPOINT):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reads") else "BEGIN IMMEDIATE")

    return engine


def _explained(error: sa.exc.DatabaseError, where: str) -> StoreError:
    text = str(error.orig)
    if "disk is full" in text or "No space left" in text:
        return StoreError(
            f"the disk that holds {where} is full; nothing of this step was kept",
            "free some space and run the same command again",
        )
    if "readonly" in text or "unable to open" in text:
        return StoreError(f"cannot write to {where}: {text}", "check the file's owner and its folder's permissions")
    if "not a database" in text or "malformed" in text:
        return StoreError(f"{where} is damaged or no database: {text}", "put the newest backup of it in its place")
    return StoreError(f"{where}: {text}", "is the database server running, and is `database` in the config right?")


class _FileLock:
    """A lock file beside the SQLite file; the system drops the lock when its process dies, however it dies."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: Any = None

    def take(self, command: str) -> None:
        self._file = open(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600), "r+")  # noqa: SIM115, PTH123 - kept open
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            other = self._file.read().strip() or "another process"
            self._file.close()
            raise BusyError(other) from error
        self._file.truncate(0)
        self._file.write(f"`{command}` (process {os.getpid()})")
        self._file.flush()

    def give(self) -> None:
        with contextlib.suppress(OSError):
            self._file.truncate(0)
        self._file.close()


class _ServerLock:
    """An advisory lock held by one PostgreSQL session."""

    def __init__(self, engine: Engine) -> None:
        self._connection = engine.connect()

    def take(self, command: str) -> None:
        name = f"bridge {command} ({os.getpid()} {os.uname().nodename})"[:60]
        self._connection.execute(sa.text("select set_config('application_name', :name, false)"), {"name": name})
        if self._connection.scalar(sa.text("select pg_try_advisory_lock(:key)"), {"key": _PG_LOCK}):
            self._connection.commit()
            return
        other = self._connection.scalar(
            sa.text(
                "select a.application_name from pg_locks l join pg_stat_activity a on a.pid = l.pid where l.locktype = 'advisory'"
                " and l.granted and ((l.classid::bigint << 32) | l.objid::bigint) = :key"
                " and l.database = (select oid from pg_database where datname = current_database())"
            ),
            {"key": _PG_LOCK},
        )
        self._connection.close()
        raise BusyError(other or "another process")

    def give(self) -> None:
        self._connection.execute(sa.text("select pg_advisory_unlock(:key)"), {"key": _PG_LOCK})
        self._connection.close()
