"""The vault of connectors: tokens that a platform replaces as they are used are kept in the database of the config."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bridge.store import notes, schema
from bridge.store.database import Database

__all__ = ["DatabaseVault"]


@dataclass(frozen=True, slots=True)
class DatabaseVault:
    """Opens the database for each of its few calls, so that it works before a config is saved, too.

    A check of settings that are only being asked for may use up the token that stands in them.
    """

    url: str

    def get(self, name: str) -> str:
        """Return a secret, "" where there is none."""
        with self._open() as database:
            return database.read(lambda connection: notes.get_meta(connection, f"token:{name}")) or ""

    def put(self, name: str, value: str) -> None:
        """Keep a secret in the place of the one before."""
        with self._open() as database:
            database.write(lambda connection: notes.set_meta(connection, f"token:{name}", value))

    @contextmanager
    def _open(self) -> Iterator[Database]:
        database = Database(self.url)
        try:
            schema.ensure(database)
            yield database
        finally:
            database.close()
