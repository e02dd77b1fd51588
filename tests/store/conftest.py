"""Every store test runs on a SQLite file and on PostgreSQL (the server of tests/postgres.py)."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from bridge.store import schema
from bridge.store.database import Database
from bridge.store.tables_loyalty import metadata
from tests.postgres import Server, with_options


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Which database this test runs on."""
    return str(request.param)


@pytest.fixture
def fresh_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes URLs of places that are empty, not even migrated: a file, or a schema of one database (quicker to make)."""
    if backend == "sqlite":
        return lambda: str(tmp_path / f"{uuid.uuid4().hex}.db")
    return partial(_schema, request.getfixturevalue("scratch_url"))


@pytest.fixture
def other_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of another database than `fresh_url` makes them in."""
    if backend == "sqlite":
        return str(tmp_path / "other.db")
    return str(request.getfixturevalue("migrated_url"))


@pytest.fixture(scope="session")
def scratch_url(server: Server) -> str:
    """A PostgreSQL database for schemas."""
    return server.make()


def _schema(url: str) -> str:
    name = f"s{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'create schema "{name}"'.encode())
    return with_options(sa.make_url(url), f"-csearch_path={name}")


@pytest.fixture
def empty(fresh_url: Callable[[], str]) -> Iterator[Database]:
    """An open database without any table."""
    database = Database(fresh_url())
    yield database
    database.close()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy from."""
    path = tmp_path_factory.mktemp("template") / "bridge.db"
    _migrate(str(path))
    return path


@pytest.fixture(scope="session")
def migrated_url(server: Server) -> str:
    """A migrated PostgreSQL database, emptied before each test."""
    url = server.make()
    _migrate(url)
    return url


def _migrate(url: str) -> None:
    database = Database(url)
    schema.ensure(database)
    database.close()


@pytest.fixture
def database(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated database with nothing in it."""
    if backend == "sqlite":
        path = tmp_path / "bridge.db"
        shutil.copy(request.getfixturevalue("migrated_file"), path)
        opened = Database(str(path))
    else:
        opened = Database(request.getfixturevalue("migrated_url"))
        opened.write(_clear)
    yield opened
    opened.close()


def _clear(connection: sa.Connection) -> None:
    for table in metadata.sorted_tables:
        connection.execute(table.delete().where(table.c.name != "schema") if table.name == "meta" else table.delete())
