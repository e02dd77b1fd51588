"""Databases that are migrated once a process and copied from then on: thousands of tests each want one of their own."""

import sqlite3
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bridge.store import schema
from bridge.store.database import Database

__all__ = ["copied", "really_migrating"]

migrate = schema._migrate_sqlite


class _Template:
    """The first empty database that is migrated, kept in memory."""

    def __init__(self) -> None:
        self._kept: sqlite3.Connection | None = None

    def migrate(self, database: Database) -> None:
        """Do what the migrations would do to an empty database; any other is migrated."""
        if database.read(lambda connection: sa.inspect(connection).get_table_names()):
            migrate(database)
            return
        with database.engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            if self._kept is None:
                migrate(database)
                self._kept = sqlite3.connect(":memory:", check_same_thread=False)
                raw.backup(self._kept)
            else:
                self._kept.backup(raw)

    def close(self) -> None:
        """Let go of what is kept."""
        if self._kept is not None:
            self._kept.close()


@pytest.fixture(scope="session", autouse=True)
def copied() -> Iterator[None]:
    """Copy SQLite databases from the first one that was migrated."""
    template = _Template()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "_migrate_sqlite", template.migrate)
        yield
    template.close()


@pytest.fixture
def really_migrating(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the migrations run after all."""
    monkeypatch.setattr(schema, "_migrate_sqlite", migrate)
