"""The database as a whole: a unit is kept or not, and what goes wrong is said in words."""

import contextlib
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bridge.store import ledger, notes, schema
from bridge.store.database import Database, connect_url
from bridge.store.errors import StoreError
from tests.store.test_ledger import A, move
from tests.unit.make import T0

NOBODY = 65534


@pytest.mark.parametrize(
    ("text", "backend", "database"),
    [("bridge.db", "sqlite", "bridge.db"), ("sqlite:////var/lib/b.db", "sqlite", "/var/lib/b.db"),
     ("postgresql://u@h/shop", "postgresql", "shop"), ("postgres://u@h/shop", "postgresql", "shop")],
)  # fmt: skip
def test_the_setting_is_a_path_or_a_url(text: str, backend: str, database: str) -> None:
    url = connect_url(text)
    assert (url.get_backend_name(), url.database) == (backend, database)
    assert backend == "sqlite" or url.drivername == "postgresql+psycopg"


def test_a_unit_is_kept_whole_or_not_at_all(database: Database) -> None:
    def unit(connection: sa.Connection) -> None:
        notes.set_meta(connection, "a", "1")
        notes.park(connection, "order", "web", "1", "why", T0)
        raise LookupError("half way")

    with pytest.raises(LookupError, match="half way"):
        database.write(unit)
    assert database.read(lambda connection: notes.get_meta(connection, "a")) is None


def test_a_unit_returns_what_it_found(database: Database) -> None:
    assert database.write(lambda _: 7) == 7
    assert database.read(lambda _: 8) == 8


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    def unit(connection: sa.Connection) -> str | None:
        notes.set_meta(connection, "a", "1")
        return database.read(lambda other: notes.get_meta(other, "a"))

    assert database.write(unit) is None
    assert database.read(lambda connection: notes.get_meta(connection, "a")) == "1"


def test_the_password_is_in_no_text() -> None:
    database = Database("postgresql://shop:s3cret-word@127.0.0.1:1/shop")
    assert "s3cret-word" not in database.where
    with pytest.raises(StoreError) as caught:
        database.read(lambda _: None)
    assert "s3cret-word" not in str(caught.value)
    assert "is the database server running" in str(caught.value)
    with pytest.raises(StoreError, match="is the database server running"):
        schema.ensure(database)
    database.close()


# --- SQLite only


@pytest.fixture
def path(migrated_file: Path, tmp_path: Path) -> Path:
    """A migrated file."""
    copy = tmp_path / "bridge.db"
    shutil.copy(migrated_file, copy)
    return copy


@pytest.fixture
def file(path: Path) -> Iterator[Database]:
    """A migrated file, opened."""
    database = Database(str(path))
    yield database
    database.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_and_all_beside_it_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "bridge.db"
    before = os.umask(0)
    try:
        database = Database(str(path))
        schema.ensure(database)
        with database.alone("sync"):
            database.write(lambda connection: notes.set_meta(connection, "a", "1"))
            beside = sorted(one.name for one in path.parent.iterdir())
            modes = {one.name: mode(one) for one in path.parent.iterdir()}
    finally:
        os.umask(before)
    database.close()
    assert beside == ["bridge.db", "bridge.db-shm", "bridge.db-wal", "bridge.db.lock"]
    assert set(modes.values()) == {0o600}


def test_what_is_committed_survives_a_power_cut(file: Database) -> None:
    def pragmas(connection: sa.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    full = 2
    assert file.read(pragmas) == ["wal", full, 1]
    assert file.write(pragmas) == ["wal", full, 1]


def test_a_folder_that_cannot_be_made_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot create the database") as caught:
        Database(str(tmp_path / "file" / "bridge.db"))
    assert caught.value.next_step


def fill(file: Database, count: int) -> None:
    rows = [move(1, f"{'x' * 300}{n}") for n in range(count)]
    file.write(lambda connection: ledger.append(connection, rows, T0))


def test_a_full_disk_keeps_nothing_of_the_step(file: Database) -> None:
    fill(file, 3)
    with file.engine.connect().execution_options(reads=True) as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(
        StoreError, match=r"the disk that holds .*bridge.db is full; nothing of this step was kept"
    ) as caught:
        file.write(lambda connection: ledger.append(connection, [move(1, f"{'y' * 300}{n}") for n in range(2000)], T0))
    assert "free some space" in caught.value.next_step
    assert file.read(lambda connection: ledger.balances(connection, [A])) == {A: 3}
    assert file.read(ledger.prove) == []
    assert file.read(lambda connection: connection.exec_driver_sql("PRAGMA integrity_check").scalar()) == "ok"


def test_after_a_full_disk_the_same_step_works(file: Database) -> None:
    with file.engine.connect().execution_options(reads=True) as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StoreError):
        fill(file, 2000)
    with file.engine.connect().execution_options(reads=True) as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    fill(file, 2000)
    assert file.read(lambda connection: ledger.balances(connection, [A])) == {A: 2000}


@contextlib.contextmanager
def as_somebody_else() -> Iterator[None]:
    """Root may write anywhere: be nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def others_folder() -> Iterator[Path]:
    """A folder that everybody can enter and nobody else can write to."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("mode", [0o444, 0o000], ids=["read only", "unreadable"])
def test_a_file_that_may_not_be_written_is_said_in_words(migrated_file: Path, others_folder: Path, mode: int) -> None:
    path = others_folder / "bridge.db"
    shutil.copy(migrated_file, path)
    path.chmod(mode)
    others_folder.chmod(0o555)
    with as_somebody_else():
        database = Database(str(path))
        with pytest.raises(StoreError, match="cannot write to") as caught:
            database.write(lambda connection: notes.set_meta(connection, "a", "1"))
        assert "permissions" in caught.value.next_step
        database.close()


def test_a_file_that_is_no_database_is_said_in_words(tmp_path: Path) -> None:
    path = tmp_path / "bridge.db"
    path.write_text("a shopping list, long enough to be no header of a database file " * 20)
    database = Database(str(path))
    with pytest.raises(StoreError, match="damaged or no database"):
        schema.ensure(database)
    database.close()
    assert path.read_text().startswith("a shopping list")


def impatient(connection: Any, _: object) -> None:
    connection.execute("PRAGMA busy_timeout = 0")


def test_threads_that_write_wait_for_each_other(database: Database) -> None:
    if database.is_sqlite:
        # Nobody who has to poll for the file would get in.
        sa.event.listen(database.engine, "connect", impatient)
        database.engine.dispose()
    begun, go_on = threading.Event(), threading.Event()

    def first(connection: sa.Connection) -> None:
        notes.set_meta(connection, "a", "first")
        begun.set()
        assert go_on.wait(60)

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(database.write, first)
        assert begun.wait(60)
        other = pool.submit(database.write, lambda connection: notes.set_meta(connection, "b", "other"))
        assert database.read(lambda connection: notes.get_meta(connection, "a")) is None
        go_on.set()
        one.result(60)
        other.result(60)
    for key, value in [("a", "first"), ("b", "other")]:
        assert database.read(partial(notes.get_meta, name=key)) == value
