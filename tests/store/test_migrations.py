"""Migrations on both databases: from nothing to the current schema, all or none, and no child is lost on the way."""

import shutil
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext

from bridge.store import schema
from bridge.store.database import Database
from bridge.store.errors import NewerError, StoreError
from bridge.store.tables_loyalty import metadata

pytestmark = pytest.mark.usefixtures("really_migrating")

NOW = schema.HEAD
NEXT = int(NOW) + 1

FAMILIES = """
    op.create_table("parent", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(20)))
    op.create_table(
        "child",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("parent_id", sa.Integer, sa.ForeignKey("parent.id", ondelete="CASCADE", name="fk_child_parent"), nullable=False),
    )
"""


class Versions:
    """A copy of the migrations that a test may add to."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._patch = monkeypatch
        shutil.copytree(Path(schema.__file__).parent / "migrations", folder)
        monkeypatch.setattr(schema, "_config", self._config)

    def _config(self) -> Config:
        config = Config()
        config.set_main_option("script_location", str(self.folder))
        config.set_main_option("path_separator", "os")
        return config

    def add(self, number: int, upgrade: str) -> None:
        """Write the next migration and make it the newest."""
        text = f'from alembic import op\nimport sqlalchemy as sa\n\nrevision = "{number:04}"\ndown_revision = "{number - 1:04}"\n\n'
        body = "".join(f"    {line}\n" for line in dedent(upgrade).strip().splitlines())
        (self.folder / "versions" / f"{number:04}_test.py").write_text(f"{text}\ndef upgrade() -> None:\n{body}")
        self._patch.setattr(schema, "HEAD", f"{number:04}")


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Versions:
    return Versions(tmp_path / "migrations", monkeypatch)


def tables(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return set(sa.inspect(connection).get_table_names())


def stamp(database: Database) -> str:
    return str(
        database.read(lambda connection: connection.scalar(sa.text("select value from meta where name = 'schema'")))
    )


def run(database: Database, *statements: str) -> None:
    database.write(lambda connection: [connection.execute(sa.text(one)) for one in statements])


def count(database: Database, table: str) -> int:
    return int(database.read(lambda connection: connection.scalar(sa.text(f"select count(*) from {table}"))) or 0)


def test_from_nothing_to_the_current_schema(empty: Database) -> None:
    assert not schema.is_current(empty)
    schema.ensure(empty)
    assert schema.is_current(empty)
    assert tables(empty) == {table.name for table in metadata.sorted_tables} | {"alembic_version"}


def test_doing_it_again_changes_nothing(empty: Database) -> None:
    schema.ensure(empty)
    run(empty, "insert into meta (name, value) values ('kept', 'yes')")
    schema.ensure(empty)
    assert count(empty, "meta") == 2


def test_the_migrated_schema_is_the_one_the_code_works_with(empty: Database) -> None:
    """So that no column is added to the tables and forgotten in the migrations."""
    schema.ensure(empty)
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        found = sa.inspect(connection)
        keys = {
            table.name: found.get_pk_constraint(table.name)["constrained_columns"] for table in metadata.sorted_tables
        }
    assert keys == {table.name: [column.name for column in table.primary_key] for table in metadata.sorted_tables}


def test_a_database_of_a_newer_version_is_left_alone(empty: Database) -> None:
    schema.ensure(empty)
    run(empty, "update meta set value = '9999' where name = 'schema'", "drop table runs")
    with pytest.raises(NewerError, match="newer version of the bridge") as caught:
        schema.ensure(empty)
    assert "nothing was changed" in caught.value.next_step
    assert stamp(empty) == "9999"
    assert "runs" not in tables(empty)


def test_a_later_migration_keeps_what_is_there(empty: Database, versions: Versions) -> None:
    schema.ensure(empty)
    run(empty, "insert into meta (name, value) values ('kept', 'yes')")
    versions.add(NEXT, 'op.add_column("meta", sa.Column("extra", sa.String(5)))')
    assert not schema.is_current(empty)
    schema.ensure(empty)
    assert stamp(empty) == f"{NEXT:04}"
    assert empty.read(lambda c: c.execute(sa.text("select value, extra from meta where name = 'kept'")).one()) == (
        "yes",
        None,
    )


def test_a_failing_migration_leaves_nothing(empty: Database, versions: Versions) -> None:
    schema.ensure(empty)
    before = tables(empty)
    versions.add(
        NEXT,
        'op.create_table("half", sa.Column("id", sa.Integer))\nop.execute("insert into half values (1)")\nraise LookupError("half way")',
    )
    with pytest.raises(LookupError, match="half way"):
        schema.ensure(empty)
    assert tables(empty) == before
    assert stamp(empty) == NOW
    assert empty.read(lambda connection: connection.scalar(sa.text("select version_num from alembic_version"))) == NOW


def test_a_failing_first_migration_leaves_an_empty_database(empty: Database, versions: Versions) -> None:
    versions.add(NEXT, 'raise LookupError("half way")')
    with pytest.raises(LookupError):
        schema.ensure(empty)
    assert tables(empty) == set()


def test_several_migrations_are_one_step(empty: Database, versions: Versions) -> None:
    schema.ensure(empty)
    versions.add(NEXT, 'op.create_table("second", sa.Column("id", sa.Integer))')
    versions.add(NEXT + 1, 'raise LookupError("third")')
    with pytest.raises(LookupError, match="third"):
        schema.ensure(empty)
    assert "second" not in tables(empty)


@pytest.mark.parametrize("change", ['batch.alter_column("name", new_column_name="title")', 'batch.drop_column("name")'])
def test_rebuilding_a_parent_table_keeps_its_children(empty: Database, versions: Versions, change: str) -> None:
    """SQLite alters a table by dropping and copying it: with foreign keys on, ON DELETE CASCADE empties the children."""
    versions.add(NEXT, FAMILIES)
    schema.ensure(empty)
    run(
        empty,
        "insert into parent (id, name) values (1, 'a'), (2, 'b')",
        "insert into child (id, parent_id) values (1, 1), (2, 1), (3, 2)",
    )
    recreate = "always" if empty.is_sqlite else "never"
    versions.add(NEXT + 1, f'with op.batch_alter_table("parent", recreate="{recreate}") as batch:\n    {change}')
    schema.ensure(empty)
    assert (count(empty, "parent"), count(empty, "child")) == (2, 3)
    run(empty, "delete from parent where id = 1")
    assert count(empty, "child") == 1, "the children still belong to their parents, and foreign keys are on again"


def test_a_migration_that_orphans_children_is_refused(empty: Database, versions: Versions) -> None:
    versions.add(NEXT, FAMILIES)
    schema.ensure(empty)
    run(empty, "insert into parent (id, name) values (1, 'a')", "insert into child (id, parent_id) values (1, 1)")
    if not empty.is_sqlite:
        pytest.skip("PostgreSQL checks foreign keys while it migrates")
    versions.add(NEXT + 1, 'op.execute("delete from parent")')
    with pytest.raises(StoreError, match="would break 1 references; nothing was changed"):
        schema.ensure(empty)
    assert (count(empty, "parent"), count(empty, "child")) == (1, 1)
    assert empty.read(lambda connection: connection.exec_driver_sql("PRAGMA foreign_keys").scalar()) == 1


def test_foreign_keys_are_on_again_after_a_failure(empty: Database, versions: Versions) -> None:
    if not empty.is_sqlite:
        pytest.skip("only SQLite has the switch")
    schema.ensure(empty)
    versions.add(NEXT, 'raise LookupError("half way")')
    with pytest.raises(LookupError):
        schema.ensure(empty)
    assert empty.write(lambda connection: connection.exec_driver_sql("PRAGMA foreign_keys").scalar()) == 1


def test_the_newest_migration_must_be_the_one_the_code_names(
    empty: Database, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions.add(NEXT, 'op.create_table("second", sa.Column("id", sa.Integer))')
    monkeypatch.setattr(schema, "HEAD", NOW)
    with pytest.raises(AssertionError, match="HEAD is the newest migration"):
        schema.ensure(empty)
    assert tables(empty) == set()


def test_two_processes_that_open_an_empty_database_at_once_agree(fresh_url: Callable[[], str]) -> None:
    """The second finds the work done, whether it looked before or after."""
    url = fresh_url()
    first, second = Database(url), Database(url)
    assert not schema.is_current(second)
    schema.ensure(first)
    schema.ensure(second)
    assert stamp(second) == schema.head()
    first.close()
    second.close()
