"""A PostgreSQL server for tests: at 127.0.0.1:5432, or where BRIDGE_TEST_PG_URL points; BRIDGE_TEST_PG=off leaves it out.

Each test session makes databases of its own there and drops them at its end.
"""

import os
import uuid
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

__all__ = ["Server", "server", "with_options"]

DEFAULT_SERVER = "postgresql://postgres@127.0.0.1:5432/postgres"


class Server:
    """A PostgreSQL server on which we may make databases."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._made: list[str] = []

    def make(self) -> str:
        """Create an empty database and return its URL."""
        name = f"bridge_test_{uuid.uuid4().hex}"
        self._run(f'create database "{name}"')
        self._made.append(name)
        return with_options(sa.make_url(self.url).set(database=name))

    def drop_all(self) -> None:
        """Drop what was made."""
        for name in self._made:
            self._run(f'drop database "{name}" with (force)')

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True, connect_timeout=3) as connection:
            connection.execute(statement.encode())


def with_options(url: sa.URL, *options: str) -> str:
    """Return the URL with server options behind it."""
    # Nobody needs these databases after a power cut: no waiting for the disk.
    text = " ".join(["-csynchronous_commit=off", *options])
    return url.update_query_dict({"options": text}).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The PostgreSQL server; skips, saying why, where there is none."""
    if os.environ.get("BRIDGE_TEST_PG") == "off":
        pytest.skip("PostgreSQL is switched off by BRIDGE_TEST_PG=off")
    found = Server(os.environ.get("BRIDGE_TEST_PG_URL", DEFAULT_SERVER))
    try:
        psycopg.connect(found.url, connect_timeout=3).close()
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL server: {str(error).strip().splitlines()[0]}; set BRIDGE_TEST_PG_URL")
    yield found
    found.drop_all()
