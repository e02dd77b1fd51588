"""What was spent of a day's limits: calls of a channel, changes of a listing. Kept by the hour, so a day slides on.

A platform's day begins when the platform says, in its own time zone; no 24 hours of ours hold more than its day may, so neither
does its day, wherever it begins.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.store.sql import chunks
from bridge.store.tables import spendings

__all__ = ["CALLS", "KEPT", "compact", "freed_at", "spend", "spent"]

# The name under which a channel's calls are kept; listings have their own.
CALLS = ""
# An hour counts until its last minute is a day old.
KEPT = timedelta(hours=25)


def spend(connection: Connection, channel: str, amounts: Mapping[str, int], now: datetime) -> None:
    """Note what a write is about to spend: by listing, and of calls."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    s = spendings.c
    for listing, amount in amounts.items():
        same = sa.and_(s.channel == channel, s.listing == listing, s.hour == hour)
        more = spendings.update().where(same).values(spent=s.spent + amount)
        if not connection.execute(more).rowcount:
            row = {"channel": channel, "listing": listing, "hour": hour, "spent": amount}
            connection.execute(spendings.insert().values(**row))


def spent(connection: Connection, channel: str, names: Collection[str], now: datetime) -> dict[str, int]:
    """Return what was spent on each of these within a day; those on which nothing was are left out."""
    found: dict[str, int] = {}
    s = spendings.c
    for part in chunks(set(names)):
        mine = sa.and_(s.channel == channel, s.hour > now - KEPT, s.listing.in_(part))
        query = sa.select(s.listing, sa.func.sum(s.spent)).where(mine).group_by(s.listing)
        found.update((listing, int(total)) for listing, total in connection.execute(query))
    return found


def freed_at(connection: Connection, channel: str, listing: str, most: int, now: datetime) -> datetime:
    """Return when less than `most` will have been spent within a day, if nothing more is."""
    s = spendings.c
    mine = sa.and_(s.channel == channel, s.listing == listing, s.hour > now - KEPT)
    rows = list(connection.execute(sa.select(s.hour, s.spent).where(mine).order_by(s.hour)))
    left = sum(row.spent for row in rows)
    at = now
    for row in rows:
        if left < most:
            break
        left, at = left - row.spent, row.hour + KEPT
    return at


def compact(connection: Connection, now: datetime) -> int:
    """Drop what no day holds any more; return how much that was."""
    return connection.execute(spendings.delete().where(spendings.c.hour <= now - KEPT)).rowcount
