"""Hourly figures: how much happened on which channel, and how long news took to arrive everywhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.engine import Connection

from bridge.store import sql
from bridge.store.tables import hourly

__all__ = ["DELAYS", "Figure", "add", "delay_name", "forget", "since"]

# Upper bounds of the delay classes in milliseconds, as in a Prometheus histogram; the last class has none.
DELAYS = (50, 100, 250, 500, 1_000, 2_000, 5_000, 15_000, 60_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """How often `name` happened on a channel ("" = all together) in the hour that began at `hour`."""

    hour: datetime
    channel: str
    name: str
    value: int


def delay_name(seconds: float) -> str:
    """Name the class that a delay counts in: "delay.le.250", or "delay.more"."""
    bound = next((one for one in DELAYS if seconds * 1000 <= one), None)
    return "delay.more" if bound is None else f"delay.le.{bound}"


def add(connection: Connection, at: datetime, channel: str, counts: Mapping[str, int]) -> None:
    """Count things that happened at that time."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    rows = [{"hour": hour, "channel": channel, "name": name, "value": n} for name, n in counts.items() if n]
    sql.add(connection, hourly, rows)


def since(connection: Connection, at: datetime) -> list[Figure]:
    """Return the figures of that hour and later, oldest first."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    query = select(hourly).where(hourly.c.hour >= hour).order_by(hourly.c.hour, hourly.c.channel, hourly.c.name)
    return [Figure(**row._mapping) for row in connection.execute(query)]


def forget(connection: Connection, before: datetime) -> int:
    """Drop figures older than that; return how many."""
    return connection.execute(delete(hourly).where(hourly.c.hour < before)).rowcount
