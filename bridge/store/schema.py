"""Brings a database to the current schema, or says why it cannot."""

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.store.database import Database
from bridge.store.errors import NewerError, StoreError

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ["ensure", "head", "is_current"]

# Written beside the schema, so that opening a current database needs no migration machinery (it takes 0.3 s to import).
_STAMP = "schema"
HEAD = "0006"


def head() -> str:
    """Return the revision this program works with."""
    return HEAD


def is_current(database: Database) -> bool:
    """Tell whether the database has this program's schema; raises NewerError if it has a later one."""
    stamp = database.read(_stamp)
    if stamp is not None and stamp > HEAD:
        raise NewerError(
            f"{database.where} was made by a newer version of the bridge (schema {stamp}, this one knows {HEAD})",
            "install the newer version again; nothing was changed",
        )
    return stamp == HEAD


def _stamp(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("meta"):
        return None
    found = connection.execute(sa.text("select value from meta where name = :name"), {"name": _STAMP}).scalar()
    return None if found is None else str(found)


def ensure(database: Database) -> None:
    """Migrate to the current schema if need be: all steps in one transaction, or none."""
    if is_current(database):
        return
    if database.is_sqlite:
        with database.explaining():
            _migrate_sqlite(database)
    else:
        database.write(_upgrade)


def _migrate_sqlite(database: Database) -> None:
    """With foreign keys on, rebuilding a parent table deletes its children without a word: off meanwhile, checked after."""
    with database.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                _upgrade(connection)
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
                if broken:
                    raise StoreError(
                        f"the migration would break {len(broken)} references; nothing was changed", "report this"
                    )
        finally:
            raw.execute("PRAGMA foreign_keys=ON")


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    revision = MigrationContext.configure(connection).get_current_revision()
    assert revision == HEAD == ScriptDirectory.from_config(config).get_current_head(), "HEAD is the newest migration"
    connection.execute(sa.text("delete from meta where name = :name"), {"name": _STAMP})
    connection.execute(
        sa.text("insert into meta (name, value) values (:name, :value)"), {"name": _STAMP, "value": HEAD}
    )


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config
