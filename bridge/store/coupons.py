"""Coupon codes: terms, codes, their uses, and what each channel has of them. The uses that are left are the ledger's."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.domain.coupons import CouponPolicy, CouponTerms
from bridge.store.sql import among, chunks, insert, rows_of, upsert
from bridge.store.tables import holds
from bridge.store.tables_loyalty import campaigns, claims, code_listings, code_uses, coupons

__all__ = [
    "Campaign", "Claim", "CodeListing", "CodeUse", "Coupon", "add_campaign", "add_claim", "add_coupons", "campaign",
    "campaigns_of", "change_claim", "claim", "claims_ever", "claims_of", "close", "code_work", "codes", "codes_of", "count", "cut",
    "ending", "exist", "find", "find_listings", "forget_mails", "group_ids", "in_flight", "in_flight_of", "last_use", "listings_of", "move",
    "of_person", "open_campaigns", "open_count", "overdue_claims", "refused", "refused_count", "remind", "save_campaign",
    "save_listings", "save_uses", "uncounted", "used_by", "uses_of", "uses_of_orders", "with_hold", "work", "work_count",
    "work_counts",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """The terms of one code (`solo`), or of many. `uses` is how often each may be used (None: without limit).

    `kind`: "coupon"; "points" (made of a person's points); "referral" (a person invites others by it; both get `reward` points).
    `restore`: a cancelled order gives its use back.
    """

    name: str
    terms: CouponTerms
    policy: CouponPolicy
    channels: tuple[str, ...]
    uses: int | None = 1
    restore: bool = True
    solo: bool = True
    kind: str = "coupon"
    created_at: datetime | None = None
    closed_at: datetime | None = None
    note: str = ""
    reward: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    """A code. `person` is whose points are in it, or who invites by it; `hold` is what keeps the points from being spent twice."""

    code: str
    campaign: str
    person: str | None = None
    points: int = 0
    hold: str | None = None
    created_at: datetime | None = None
    closed_at: datetime | None = None
    reminded: bool = False


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


def _fields(kind: type) -> tuple[str, ...]:
    return tuple(kind.__dataclass_fields__)  # type: ignore[attr-defined]


def _made(kind: Any, row: Any) -> Any:
    return kind(**{name: getattr(row, name) for name in _fields(kind)})


def _told(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in _fields(type(one))}


def _campaign(row: Any) -> Campaign:
    values = {name: getattr(row, name) for name in _fields(Campaign)}
    values["terms"] = msgspec.json.decode(row.terms, type=CouponTerms)
    values["channels"] = tuple(msgspec.json.decode(row.channels, type=list[str]))
    return Campaign(**values)


def exist(connection: Connection) -> bool:
    """Whether there is any code at all."""
    return connection.execute(sa.select(coupons.c.code).limit(1)).first() is not None


def add_campaign(connection: Connection, one: Campaign) -> None:
    """Write new terms; raises IntegrityError where the name exists."""
    insert(connection, campaigns, [_campaign_row(one)])


def save_campaign(connection: Connection, one: Campaign) -> None:
    """Write changed terms."""
    upsert(connection, campaigns, [_campaign_row(one)])


def _campaign_row(one: Campaign) -> dict[str, Any]:
    texts = {"terms": msgspec.json.encode(one.terms).decode(), "channels": msgspec.json.encode(one.channels).decode()}
    return _told(one) | texts


def campaign(connection: Connection, name: str) -> Campaign | None:
    """Return the terms of a name."""
    row = connection.execute(sa.select(campaigns).where(campaigns.c.name == name)).one_or_none()
    return None if row is None else _campaign(row)


def campaigns_of(connection: Connection, names: Iterable[str] | None = None) -> dict[str, Campaign]:
    """Return terms by name; None: of all."""
    if names is None:
        return {row.name: _campaign(row) for row in connection.execute(sa.select(campaigns))}
    query = sa.select(campaigns).where(among(campaigns.c.name, "names"))
    return {
        row.name: _campaign(row) for part in chunks(set(names)) for row in rows_of(connection, query, {"names": part})
    }


def open_campaigns(connection: Connection) -> list[Campaign]:
    """Return the terms that are not closed."""
    return [_campaign(row) for row in connection.execute(sa.select(campaigns).where(campaigns.c.closed_at.is_(None)))]


def add_coupons(connection: Connection, rows: Sequence[Coupon]) -> None:
    """Write new codes; raises IntegrityError where one exists."""
    insert(connection, coupons, [_told(one) for one in rows])


def find(connection: Connection, wanted: Iterable[str]) -> dict[str, Coupon]:
    """Return codes that are known."""
    query = sa.select(coupons).where(among(coupons.c.code, "codes"))
    return {
        row.code: _made(Coupon, row)
        for part in chunks(set(wanted))
        for row in rows_of(connection, query, {"codes": part})
    }


def codes(connection: Connection, *, kind: str = "", everything: bool = False, limit: int = 200) -> list[Coupon]:
    """Return the newest codes, closed ones only if asked for."""
    query = sa.select(coupons).join(campaigns, campaigns.c.name == coupons.c.campaign)
    if kind:
        query = query.where(campaigns.c.kind == kind)
    if not everything:
        query = query.where(coupons.c.closed_at.is_(None))
    rows = connection.execute(query.order_by(coupons.c.created_at.desc(), coupons.c.code).limit(limit))
    return [_made(Coupon, row) for row in rows]


def codes_of(connection: Connection, name: str) -> Iterator[Coupon]:
    """Yield the codes of a campaign."""
    query = sa.select(coupons).where(coupons.c.campaign == name).order_by(coupons.c.code)
    for row in rows_of(connection, query):
        yield _made(Coupon, row)


def count(connection: Connection, name: str) -> int:
    """Return how many codes a campaign has."""
    return int(connection.execute(sa.select(sa.func.count()).where(coupons.c.campaign == name)).scalar_one())


def of_person(connection: Connection, person: str) -> list[Coupon]:
    """Return the codes that a person's points are in, or that they invite by."""
    query = sa.select(coupons).where(coupons.c.person == person).order_by(coupons.c.created_at)
    return [_made(Coupon, row) for row in connection.execute(query)]


def move(connection: Connection, wanted: Iterable[str], old: str, new: str) -> None:
    """Give codes of one person to another, and the points that are held for them."""
    for part in chunks(wanted):
        mine = sa.and_(coupons.c.code.in_(part), coupons.c.person == old)
        held = sa.select(coupons.c.hold).where(mine, coupons.c.hold.is_not(None))
        connection.execute(holds.update().where(holds.c.id.in_(held.scalar_subquery())).values(key=new))
        connection.execute(coupons.update().where(mine).values(person=new))


def forget_mails(connection: Connection, person: str) -> None:
    """Take addresses out of the terms of a person's own codes."""
    for one in campaigns_of(connection, [coupon.campaign for coupon in of_person(connection, person)]).values():
        if one.solo and one.terms.emails:
            save_campaign(connection, replace(one, terms=replace(one.terms, emails=())))


def with_hold(connection: Connection, holds: Iterable[str]) -> list[Coupon]:
    """Return the codes that these holds keep points for."""
    query = sa.select(coupons).where(among(coupons.c.hold, "holds"))
    return [_made(Coupon, row) for part in chunks(set(holds)) for row in rows_of(connection, query, {"holds": part})]


def close(connection: Connection, wanted: Iterable[str], now: datetime | None) -> None:
    """Close codes, or open them again (None)."""
    for part in chunks(wanted):
        connection.execute(coupons.update().where(coupons.c.code.in_(part)).values(closed_at=now))


def remind(connection: Connection, wanted: Iterable[str]) -> None:
    """Note that these codes were reminded of."""
    for part in chunks(wanted):
        connection.execute(coupons.update().where(coupons.c.code.in_(part)).values(reminded=True))


def ending(connection: Connection) -> list[Coupon]:
    """Return open, unreminded codes of persons."""
    mine = sa.and_(coupons.c.closed_at.is_(None), coupons.c.reminded.is_(False), coupons.c.person.is_not(None))
    return [_made(Coupon, row) for row in connection.execute(sa.select(coupons).where(mine))]


def uses_of(connection: Connection, code: str) -> list[CodeUse]:
    """Return every use of a code, oldest first."""
    query = sa.select(code_uses).where(code_uses.c.code == code).order_by(code_uses.c.at, code_uses.c.order_id)
    return [_made(CodeUse, row) for row in connection.execute(query)]


def uses_of_orders(connection: Connection, channel: str, ids: Iterable[str]) -> dict[str, dict[str, CodeUse]]:
    """Return the uses that are on record for a channel's orders, by order id and code."""
    query = sa.select(code_uses).where(code_uses.c.channel == sa.bindparam("on"), among(code_uses.c.order_id, "ids"))
    found: dict[str, dict[str, CodeUse]] = {}
    for part in chunks(set(ids)):
        for row in rows_of(connection, query, {"on": channel, "ids": part}):
            found.setdefault(row.order_id, {})[row.code] = _made(CodeUse, row)
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
    upsert(connection, code_uses, [_told(one) for one in rows])


def find_listings(connection: Connection, wanted: Iterable[str]) -> dict[str, dict[str, CodeListing]]:
    """Return what the channels have of codes, by code and channel."""
    query = sa.select(code_listings).where(among(code_listings.c.code, "codes"))
    found: dict[str, dict[str, CodeListing]] = {}
    for part in chunks(set(wanted)):
        for row in rows_of(connection, query, {"codes": part}):
            found.setdefault(row.code, {})[row.channel] = _made(CodeListing, row)
    return found


def listings_of(connection: Connection, channel: str, limit: int = 0) -> list[CodeListing]:
    """Return the codes of a channel that are there, those first that were not verified for longest."""
    query = sa.select(code_listings).where(code_listings.c.channel == channel, code_listings.c.shown != "")
    query = query.order_by(code_listings.c.verified_at.asc(), code_listings.c.code)
    return [_made(CodeListing, row) for row in connection.execute(query.limit(limit) if limit else query)]


def save_listings(connection: Connection, rows: Sequence[CodeListing]) -> None:
    """Write what channels should have, and have."""
    names = _fields(CodeListing)
    upsert(connection, code_listings, [tuple(getattr(one, name) for name in names) for one in rows], names)


code_work = sa.and_(code_listings.c.wanted != code_listings.c.shown, code_listings.c.reason == "")


def work(connection: Connection, channel: str, limit: int) -> list[CodeListing]:
    """Return codes whose listing differs from what it should be and whose write is not on its way: what ends first."""
    mine = sa.and_(code_work, code_listings.c.channel == channel, code_listings.c.key.is_(None))
    order = (code_listings.c.active.asc(), code_listings.c.code)
    return [
        _made(CodeListing, row)
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
    return [_made(CodeListing, row) for row in rows]


def refused_count(connection: Connection, channel: str) -> int:
    """Return how many open codes a channel does not have, for a reason."""
    query = sa.select(sa.func.count()).select_from(code_listings.join(coupons, coupons.c.code == code_listings.c.code))
    mine = sa.and_(code_listings.c.channel == channel, code_listings.c.reason != "", coupons.c.closed_at.is_(None))
    return int(connection.execute(query.where(mine)).scalar_one())


def open_count(connection: Connection) -> int:
    """Return how many codes are not closed."""
    query = sa.select(sa.func.count()).select_from(coupons).where(coupons.c.closed_at.is_(None))
    return int(connection.execute(query).scalar_one())


def in_flight(connection: Connection, channel: str) -> list[CodeListing]:
    """Return the codes of a channel of whose write nobody knows what became."""
    mine = sa.and_(code_listings.c.channel == channel, code_listings.c.key.is_not(None))
    return [_made(CodeListing, row) for row in connection.execute(sa.select(code_listings).where(mine))]


def in_flight_of(connection: Connection, key: str) -> list[CodeListing]:
    """Return the codes of one write."""
    return [
        _made(CodeListing, row)
        for row in connection.execute(sa.select(code_listings).where(code_listings.c.key == key))
    ]


def cut(connection: Connection, channel: str) -> list[CodeListing]:
    """Return the codes of a channel whose limit was lowered, and whose uses from before may not be known yet."""
    mine = sa.and_(code_listings.c.channel == channel, code_listings.c.cut_at.is_not(None))
    return [_made(CodeListing, row) for row in connection.execute(sa.select(code_listings).where(mine))]


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


def add_claim(connection: Connection, one: Claim) -> None:
    """Write a new claim."""
    insert(connection, claims, [_told(one)])


def claim(connection: Connection, claim_id: str) -> Claim | None:
    """Return a claim."""
    row = connection.execute(sa.select(claims).where(claims.c.id == claim_id)).one_or_none()
    return None if row is None else _made(Claim, row)


def claims_of(connection: Connection, wanted: Iterable[str]) -> list[Claim]:
    """Return the open claims on codes, oldest first."""
    query = (
        sa.select(claims)
        .where(among(claims.c.code, "codes"), claims.c.state == "open")
        .order_by(claims.c.created_at, claims.c.id)
    )
    return [_made(Claim, row) for part in chunks(set(wanted)) for row in rows_of(connection, query, {"codes": part})]


def claims_ever(connection: Connection, code: str, limit: int) -> list[Claim]:
    """Return the claims on a code whatever became of them, newest first."""
    query = sa.select(claims).where(claims.c.code == code).order_by(claims.c.created_at.desc(), claims.c.id)
    return [_made(Claim, row) for row in connection.execute(query.limit(limit))]


def overdue_claims(connection: Connection, now: datetime) -> list[Claim]:
    """Return the open claims whose time is over."""
    return [
        _made(Claim, row)
        for row in connection.execute(sa.select(claims).where(claims.c.state == "open", claims.c.expires_at <= now))
    ]


def change_claim(connection: Connection, claim_id: str, state: str, order_id: str = "") -> None:
    """Note what became of a claim."""
    connection.execute(claims.update().where(claims.c.id == claim_id).values(state=state, order_id=order_id))
