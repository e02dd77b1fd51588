"""The columns that tables are made of. Times are UTC text of fixed width, so they sort and read well in both databases."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Dialect, MetaData, String, TypeDecorator

__all__ = ["UtcTime", "key", "metadata", "name", "time"]


class UtcTime(TypeDecorator[datetime]):
    """An aware datetime kept as "2026-11-22T17:00:00.000000Z"."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: Dialect) -> str | None:
        if value is None:
            return None
        return _written(value)

    def process_result_value(self, value: Any, _: Dialect) -> datetime | None:
        return _read(value)

    # The two above say what is done; said again as plain functions, SQLAlchemy calls them without its own layers between.
    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], str | None]:
        del dialect
        return _written

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        del dialect, coltype
        return _read


def _written(value: datetime | None) -> str | None:
    return None if value is None else f"{value.astimezone(UTC).isoformat(timespec='microseconds')[:-6]}Z"


def _read(value: Any) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def name(of: str, **more: Any) -> Column[str]:
    """A text of a name's length."""
    return Column(of, String(255), nullable=more.pop("nullable", False), **more)


def key(of: str) -> Column[str]:
    """A name that is part of the primary key."""
    return name(of, primary_key=True)


def time(of: str, *, nullable: bool = True) -> Column[datetime]:
    """A moment."""
    return Column(of, UtcTime, nullable=nullable)
