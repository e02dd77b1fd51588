"""The statements every store function needs, spelt the same for both databases."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.ext.compiler import compiles

__all__ = ["add", "among", "change", "chunks", "insert", "inserting", "made", "names_of", "rows_of", "told", "upsert"]

Row = Mapping[str, Any]
# Rows are mappings; or, where many are written at a time, tuples, and then the names of their columns stand beside them.
Rows = Sequence[Any]
Names = tuple[str, ...] | None
# Before a parameter's name: SQLAlchemy keeps the columns' own names to itself.
_MARK = "to_"
_FETCHED = 500


def upsert(connection: Connection, table: sa.Table, rows: Rows, names: Names = None) -> None:
    """Insert rows, or overwrite the given columns where the primary key exists. All rows name the same columns."""
    _many(connection, table, "overwrite", rows, names)


def insert(connection: Connection, table: sa.Table, rows: Rows, names: Names = None) -> None:
    """Insert new rows; raises IntegrityError where one exists. All rows name the same columns."""
    _many(connection, table, "refuse", rows, names)


def add(connection: Connection, table: sa.Table, rows: Rows, names: Names = None) -> None:
    """Insert rows, or add the given numbers to those of the row whose primary key exists. All rows name the same columns."""
    _many(connection, table, "add", rows, names)


def change(connection: Connection, table: sa.Table, rows: Rows, names: Names = None) -> None:
    """Overwrite the given columns of rows that exist, found by their primary key. All rows name the same columns."""
    _many(connection, table, "change", rows, names)


def inserting(dialect: str, table: sa.Table) -> Any:
    """Return the database's own INSERT, which knows ON CONFLICT. Loads one dialect: the other one takes 35 ms."""
    if dialect == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def _many(connection: Connection, table: sa.Table, clash: str, rows: Rows, names: Names) -> None:
    if not rows:
        return
    columns, values = _tuples(rows) if names is None else (names, rows)
    if connection.dialect.name != "sqlite":
        statement = _statement(table, connection.dialect.name, clash, columns)
        marked = [_MARK + name for name in columns]
        connection.execute(statement, [dict(zip(marked, row, strict=True)) for row in values])
        return
    # SQLite inserts a row in less time than SQLAlchemy takes to bind its parameters: bound here, column by column.
    plan = _plan(table, connection.dialect, clash, columns)
    connection.exec_driver_sql(plan.text, plan.bound(values))


def _tuples(rows: Rows) -> tuple[tuple[str, ...], Sequence[tuple[Any, ...]]]:
    columns = tuple(rows[0])
    return columns, [tuple(row[name] for name in columns) for row in rows]


@lru_cache(maxsize=256)
def _statement(table: sa.Table, dialect: str, clash: str, columns: tuple[str, ...]) -> Any:
    given: dict[str, Any] = {name: sa.bindparam(_MARK + name, type_=table.c[name].type) for name in columns}
    keys = [column.name for column in table.primary_key]
    if clash == "change":
        same = sa.and_(*(table.c[name] == given.pop(name) for name in keys))
        return table.update().where(same).values(given)
    made = inserting(dialect, table)
    statement = made.values(given)
    if clash == "refuse":
        return statement
    changed: dict[str, Any] = {name: made.excluded[name] for name in columns if name not in keys}
    if clash == "add":
        changed = {name: table.c[name] + value for name, value in changed.items()}
    return (
        statement.on_conflict_do_update(index_elements=keys, set_=changed)
        if changed
        else statement.on_conflict_do_nothing()
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """A statement for the driver. `places` says of each of its parameters which value of a row it is, -1 for one that is always
    the same; `fixed` are those, `writers` say how each is written."""

    text: str
    places: tuple[int, ...]
    fixed: tuple[Any, ...]
    writers: tuple[Callable[[Any], Any] | None, ...]

    def bound(self, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Turn rows into the driver's parameters."""
        given = list(zip(*rows, strict=True))
        made = [
            itertools.repeat(fixed, len(rows)) if place < 0 else _written(given[place], write)
            for place, fixed, write in zip(self.places, self.fixed, self.writers, strict=True)
        ]
        return list(zip(*made, strict=True))


def _written(values: Sequence[Any], write: Callable[[Any], Any] | None) -> Iterable[Any]:
    if write is None:
        return values
    # The rows of one page share their times, and writing one down takes longer than finding it.
    known = {value: write(value) for value in set(values)}
    return map(known.__getitem__, values)


@lru_cache(maxsize=256)
def _plan(table: sa.Table, dialect: Dialect, clash: str, columns: tuple[str, ...]) -> _Plan:
    compiled = _statement(table, dialect.name, clash, columns).compile(dialect=dialect)
    names = [name.removeprefix(_MARK) for name in compiled.positiontup]
    places = tuple(columns.index(name) if name in columns else -1 for name in names)
    fixed = tuple(None if name in columns else table.c[name].default.arg for name in names)
    types = [table.c[name].type.dialect_impl(dialect) for name in names]
    return _Plan(str(compiled), places, fixed, tuple(one.bind_processor(dialect) for one in types))


def among(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    """The column is one of the values given as the parameter `name` when the query runs.

    So a query that is asked all the time is built once: building it anew costs more than asking it, and what SQLAlchemy builds
    are rings of objects that wait for the garbage collector with all the values in them. However many values there are, the
    text stays the same, so that the database need not read it anew either.
    """
    return _Among(column, sa.bindparam(name, type_=_Texts()))


class _Texts(sa.types.TypeDecorator[Sequence[str]]):
    """A list of texts: JSON for SQLite, an array for PostgreSQL."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else sa.ARRAY(sa.Text))

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        return _as_json if dialect.name == "sqlite" else None


def _as_json(values: Sequence[str]) -> str:
    return msgspec.json.encode(values).decode()


class _Among(sa.sql.expression.BinaryExpression[bool]):
    inherit_cache = True

    def __init__(self, column: sa.ColumnElement[Any], values: sa.BindParameter[Any]) -> None:
        super().__init__(column, values, sa.sql.operators.eq, type_=sa.Boolean())


@compiles(_Among, "sqlite")
def _among_sqlite(element: _Among, compiler: Any, **more: Any) -> str:
    column, values = compiler.process(element.left, **more), compiler.process(element.right, **more)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - names, and a place for the values


@compiles(_Among, "postgresql")
def _among_postgresql(element: _Among, compiler: Any, **more: Any) -> str:
    column, values = compiler.process(element.left, **more), compiler.process(element.right, **more)
    return f"{column} = ANY({values})"


def rows_of(connection: Connection, query: sa.Select[Any], values: Row | None = None) -> Iterator[Any]:
    """Yield a query's rows, fetched some hundreds at a time: one by one costs twice as much, all at once takes the memory."""
    for part in connection.execute(query, values).partitions(_FETCHED):
        yield from part


def chunks(values: Iterable[Any], size: int = 500) -> Iterable[list[Any]]:
    """Cut a list of parameters into pieces that every database takes."""
    pool = list(values)
    return (pool[start : start + size] for start in range(0, len(pool), size))


def names_of(kind: type) -> tuple[str, ...]:
    """Return the fields of a dataclass that is spelt as its table is."""
    return tuple(kind.__dataclass_fields__)  # type: ignore[attr-defined]


def made(kind: Any, row: Any) -> Any:
    """Make such a dataclass of a row."""
    return kind(**{name: getattr(row, name) for name in names_of(kind)})


def told(one: Any) -> dict[str, Any]:
    """Return what it says, by column."""
    return {name: getattr(one, name) for name in names_of(type(one))}
