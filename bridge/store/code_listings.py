"""Coupon codes on channels: what each should have of them, and what it has."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.store.sql import among, chunks, made, names_of, rows_of, upsert
from bridge.store.tables_loyalty import code_listings, coupons

__all__ = [
    "CodeListing", "code_work", "cut", "find_listings", "group_ids", "in_flight", "in_flight_of", "listings_of", "refused",
    "refused_count", "save_listings", "work", "work_count", "work_counts",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeListing:
    """A code on a channel: `most` and `active` are what it should have, `wanted` names all that should be written, `shown` what is there.

    `shown_most` is the limit that is there, `used_there` the channel's own count when last read.
    `key` is that of a write on its way.
    `ceiling` is how many uses it may accept by what was written there before, until its orders were read after `cut_at`.
    `since` is when it was made anew, after somebody deleted it there: its count began at none again, earlier uses are not in it.
    """

    channel: str
    code: str
    external_id: str = ""
    group_id: str = ""
    most: int | None = None
    active: bool = True
    wanted: str = ""
    shown: str = ""
    shown_most: int | None = None
    used_there: int | None = None
    allotted: int = 0
    ceiling: int = 0
    cut_at: datetime | None = None
    key: str | None = None
    verified_at: datetime | None = None
    since: datetime | None = None
    reason: str = ""
    tries: int = 0


def find_listings(connection: Connection, wanted: Iterable[str]) -> dict[str, dict[str, CodeListing]]:
    """Return what the channels have of codes, by code and channel."""
    query = sa.select(code_listings).where(among(code_listings.c.code, "codes"))
    found: dict[str, dict[str, CodeListing]] = {}
    for part in chunks(set(wanted)):
        for row in rows_of(connection, query, {"codes": part}):
            found.setdefault(row.code, {})[row.channel] = made(CodeListing, row)
    return found


def listings_of(connection: Connection, channel: str, limit: int = 0) -> list[CodeListing]:
    """Return the codes of a channel that are there, those first that were not verified for longest."""
    query = sa.select(code_listings).where(code_listings.c.channel == channel, code_listings.c.shown != "")
    query = query.order_by(code_listings.c.verified_at.asc(), code_listings.c.code)
    return [made(CodeListing, row) for row in connection.execute(query.limit(limit) if limit else query)]


def save_listings(connection: Connection, rows: Sequence[CodeListing]) -> None:
    """Write what channels should have, and have."""
    names = names_of(CodeListing)
    upsert(connection, code_listings, [tuple(getattr(one, name) for name in names) for one in rows], names)


code_work = sa.and_(code_listings.c.wanted != code_listings.c.shown, code_listings.c.reason == "")


def work(connection: Connection, channel: str, limit: int) -> list[CodeListing]:
    """Return codes whose listing differs from what it should be and whose write is not on its way: what ends first."""
    mine = sa.and_(code_work, code_listings.c.channel == channel, code_listings.c.key.is_(None))
    order = (code_listings.c.active.asc(), code_listings.c.code)
    return [
        made(CodeListing, row)
        for row in connection.execute(sa.select(code_listings).where(mine).order_by(*order).limit(limit))
    ]


def work_count(connection: Connection, channel: str) -> int:
    """Return how many codes of a channel differ from what they should be."""
    mine = sa.and_(code_work, code_listings.c.channel == channel)
    return int(connection.execute(sa.select(sa.func.count()).where(mine)).scalar_one())


def work_counts(connection: Connection) -> dict[str, int]:
    """Return how many codes of each channel differ from what they should be."""
    query = sa.select(code_listings.c.channel, sa.func.count()).where(code_work).group_by(code_listings.c.channel)
    return {row[0]: int(row[1]) for row in connection.execute(query)}


def refused(connection: Connection, channel: str, limit: int) -> list[CodeListing]:
    """Return open codes that a channel does not have, for a reason: the newest first."""
    query = sa.select(code_listings).join(coupons, coupons.c.code == code_listings.c.code)
    mine = sa.and_(code_listings.c.channel == channel, code_listings.c.reason != "", coupons.c.closed_at.is_(None))
    rows = connection.execute(query.where(mine).order_by(coupons.c.created_at.desc(), coupons.c.code).limit(limit))
    return [made(CodeListing, row) for row in rows]


def refused_count(connection: Connection, channel: str) -> int:
    """Return how many open codes a channel does not have, for a reason."""
    query = sa.select(sa.func.count()).select_from(code_listings.join(coupons, coupons.c.code == code_listings.c.code))
    mine = sa.and_(code_listings.c.channel == channel, code_listings.c.reason != "", coupons.c.closed_at.is_(None))
    return int(connection.execute(query.where(mine)).scalar_one())


def in_flight(connection: Connection, channel: str) -> list[CodeListing]:
    """Return the codes of a channel of whose write nobody knows what became."""
    mine = sa.and_(code_listings.c.channel == channel, code_listings.c.key.is_not(None))
    return [made(CodeListing, row) for row in connection.execute(sa.select(code_listings).where(mine))]


def in_flight_of(connection: Connection, key: str) -> list[CodeListing]:
    """Return the codes of one write."""
    return [
        made(CodeListing, row) for row in connection.execute(sa.select(code_listings).where(code_listings.c.key == key))
    ]


def cut(connection: Connection, channel: str) -> list[CodeListing]:
    """Return the codes of a channel whose limit was lowered, and whose uses from before may not be known yet."""
    mine = sa.and_(code_listings.c.channel == channel, code_listings.c.cut_at.is_not(None))
    return [made(CodeListing, row) for row in connection.execute(sa.select(code_listings).where(mine))]


def group_ids(connection: Connection, channel: str, names: Iterable[str]) -> dict[str, str]:
    """Return what holds the codes of campaigns on a channel, by campaign."""
    query = (
        sa.select(coupons.c.campaign, sa.func.max(code_listings.c.group_id))
        .join(code_listings, code_listings.c.code == coupons.c.code)
        .where(
            code_listings.c.channel == sa.bindparam("on"),
            among(coupons.c.campaign, "names"),
            code_listings.c.group_id != "",
        )
        .group_by(coupons.c.campaign)
    )
    rows = (row for part in chunks(set(names)) for row in rows_of(connection, query, {"on": channel, "names": part}))
    return {row[0]: row[1] for row in rows}
