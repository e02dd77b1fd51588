"""Uses of coupon codes: those that orders made, and those that are promised to somebody for a while."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.store.sql import among, chunks, insert, made, rows_of, told, upsert
from bridge.store.tables_loyalty import claims, code_listings, code_uses, coupons

__all__ = [
    "CampaignUse", "Claim", "CodeUse", "add_claim", "campaign_use", "change_claim", "claim", "claims_by", "claims_ever", "claims_of",
    "last_use", "move_uses", "overdue_claims", "save_uses", "uncounted", "used_by", "uses_by", "uses_of", "uses_of_orders",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeUse:
    """An order (or a claim at a till) that used a code. `count` is what it takes off the uses that are left, `counted_there` what the
    channel has counted for it by itself. `note` names the claim by which it was used where the order itself names no code."""

    channel: str
    order_id: str
    code: str
    person: str = ""
    count: int = 1
    counted_there: int = 1
    at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A use that was promised to somebody at a channel for a while."""

    id: str
    code: str
    channel: str
    state: str = "open"
    person: str = ""
    created_at: datetime | None = None
    expires_at: datetime | None = None
    order_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignUse:
    """How a campaign's codes stand: how many there are, were used at all, are used up though not closed, are closed; and the uses made."""

    codes: int
    used: int
    used_up: int
    closed: int
    uses: int


def campaign_use(connection: Connection, name: str, each: int | None) -> CampaignUse:
    """Return how the codes of a campaign stand, of which each is good for `each` uses (None: without limit)."""
    c, total = coupons.c, sa.func.coalesce(sa.func.sum(code_uses.c.count), 0)
    joined = coupons.outerjoin(code_uses, code_uses.c.code == c.code)
    made = sa.select(c.code, c.closed_at, total.label("uses")).select_from(joined).where(c.campaign == name)
    one = made.group_by(c.code, c.closed_at).subquery().c
    up = sa.and_(one.closed_at.is_(None), one.uses >= each) if each is not None else sa.false()
    counts = [_those(test) for test in (one.uses > 0, up, one.closed_at.is_not(None))]
    row = connection.execute(sa.select(sa.func.count(one.code), *counts, sa.func.sum(one.uses))).one()
    codes, used, used_up, closed, uses = (int(value or 0) for value in row)
    return CampaignUse(codes=codes, used=used, used_up=used_up, closed=closed, uses=uses)


def _those(test: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((test, 1), else_=0))


def uses_by(connection: Connection, person: str) -> list[CodeUse]:
    """Return the uses that a person made of codes."""
    query = sa.select(code_uses).where(code_uses.c.person == person).order_by(code_uses.c.channel, code_uses.c.order_id)
    return [made(CodeUse, row) for row in connection.execute(query)]


def claims_by(connection: Connection, person: str) -> list[str]:
    """Return the ids of all promises that were made to a person."""
    query = sa.select(claims.c.id).where(claims.c.person == person).order_by(claims.c.id)
    return list(connection.execute(query).scalars())


def move_uses(
    connection: Connection, wanted: Iterable[Sequence[str]], promised: Iterable[str], old: str, new: str
) -> None:
    """Give uses (each as channel, order and code) and promises (by id) of one person to another."""
    mine = sa.and_(
        code_uses.c.channel == sa.bindparam("on"), code_uses.c.order_id == sa.bindparam("by"),
        code_uses.c.code == sa.bindparam("of"), code_uses.c.person == old,
    )  # fmt: skip
    rows = [{"on": channel, "by": order_id, "of": code} for channel, order_id, code in wanted]
    if rows:
        connection.execute(code_uses.update().where(mine).values(person=new), rows)
    for part in chunks(promised):
        connection.execute(claims.update().where(claims.c.id.in_(part), claims.c.person == old).values(person=new))


def uses_of(connection: Connection, code: str) -> list[CodeUse]:
    """Return every use of a code, oldest first."""
    query = sa.select(code_uses).where(code_uses.c.code == code).order_by(code_uses.c.at, code_uses.c.order_id)
    return [made(CodeUse, row) for row in connection.execute(query)]


def uses_of_orders(connection: Connection, channel: str, ids: Iterable[str]) -> dict[str, dict[str, CodeUse]]:
    """Return the uses that are on record for a channel's orders, by order id and code."""
    query = sa.select(code_uses).where(code_uses.c.channel == sa.bindparam("on"), among(code_uses.c.order_id, "ids"))
    found: dict[str, dict[str, CodeUse]] = {}
    for part in chunks(set(ids)):
        for row in rows_of(connection, query, {"on": channel, "ids": part}):
            found.setdefault(row.order_id, {})[row.code] = made(CodeUse, row)
    return found


# Uses, each with what its channel has of the code; those from before the code was made anew there are in no count.
_THERE = code_uses.outerjoin(
    code_listings, sa.and_(code_listings.c.channel == code_uses.c.channel, code_listings.c.code == code_uses.c.code)
)


_FORGOTTEN = sa.and_(code_listings.c.since.is_not(None), code_uses.c.at < code_listings.c.since)


def used_by(connection: Connection, wanted: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return how often the channels have counted a use of these codes, by code and channel; what a deleted one had counted is gone."""
    u = code_uses.c
    query = (
        sa.select(u.code, u.channel, sa.func.sum(u.counted_there))
        .select_from(_THERE)
        .where(among(u.code, "codes"), sa.not_(_FORGOTTEN))
        .group_by(u.code, u.channel)
    )
    found: dict[str, dict[str, int]] = {}
    for part in chunks(set(wanted)):
        for code, channel, total in rows_of(connection, query, {"codes": part}):
            found.setdefault(code, {})[channel] = int(total)
    return found


def uncounted(connection: Connection, wanted: Iterable[str]) -> dict[str, int]:
    """Return how many uses of these codes no channel counts by itself: promises kept at a till, orders whose use was given back there
    only."""
    u = code_uses.c
    unknown = sa.or_(u.counted_there == 0, _FORGOTTEN)
    query = sa.select(u.code, sa.func.sum(u.count)).select_from(_THERE).where(among(u.code, "codes"), unknown)
    query = query.group_by(u.code)
    rows = (row for part in chunks(set(wanted)) for row in rows_of(connection, query, {"codes": part}))
    return {code: int(total) for code, total in rows}


def last_use(connection: Connection, code: str, person: str) -> int:
    """Return how often a person has used a code."""
    total = sa.select(sa.func.sum(code_uses.c.count)).where(code_uses.c.code == code, code_uses.c.person == person)
    return int(connection.execute(total).scalar() or 0)


def save_uses(connection: Connection, rows: Sequence[CodeUse]) -> None:
    """Write uses."""
    upsert(connection, code_uses, [told(one) for one in rows])


def add_claim(connection: Connection, one: Claim) -> None:
    """Write a new claim."""
    insert(connection, claims, [told(one)])


def claim(connection: Connection, claim_id: str) -> Claim | None:
    """Return a claim."""
    row = connection.execute(sa.select(claims).where(claims.c.id == claim_id)).one_or_none()
    return None if row is None else made(Claim, row)


def claims_of(connection: Connection, wanted: Iterable[str]) -> list[Claim]:
    """Return the open claims on codes, oldest first."""
    query = (
        sa.select(claims)
        .where(among(claims.c.code, "codes"), claims.c.state == "open")
        .order_by(claims.c.created_at, claims.c.id)
    )
    return [made(Claim, row) for part in chunks(set(wanted)) for row in rows_of(connection, query, {"codes": part})]


def claims_ever(connection: Connection, code: str, limit: int) -> list[Claim]:
    """Return the claims on a code whatever became of them, newest first."""
    query = sa.select(claims).where(claims.c.code == code).order_by(claims.c.created_at.desc(), claims.c.id)
    return [made(Claim, row) for row in connection.execute(query.limit(limit))]


def overdue_claims(connection: Connection, now: datetime) -> list[Claim]:
    """Return the open claims whose time is over."""
    return [
        made(Claim, row)
        for row in connection.execute(sa.select(claims).where(claims.c.state == "open", claims.c.expires_at <= now))
    ]


def change_claim(connection: Connection, claim_id: str, state: str, order_id: str = "") -> None:
    """Note what became of a claim."""
    connection.execute(claims.update().where(claims.c.id == claim_id).values(state=state, order_id=order_id))
