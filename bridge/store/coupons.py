"""Coupon codes and their terms. Their uses are in code_uses.py, what channels have of them in code_listings.py; what is left is the
ledger's."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.domain.coupons import CouponPolicy, CouponTerms
from bridge.store.sql import among, chunks, insert, made, names_of, rows_of, told, upsert
from bridge.store.tables import holds
from bridge.store.tables_loyalty import campaigns, coupons

__all__ = [
    "Campaign", "Coupon", "add_campaign", "add_coupons", "campaign", "campaigns_of", "close", "codes", "codes_of", "count",
    "ending", "exist", "find", "move", "naming", "of_person", "open_campaigns", "open_count", "remind", "save_campaign",
    "with_hold",
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


def _campaign(row: Any) -> Campaign:
    values = {name: getattr(row, name) for name in names_of(Campaign)}
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
    return told(one) | texts


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
    insert(connection, coupons, [told(one) for one in rows])


def find(connection: Connection, wanted: Iterable[str]) -> dict[str, Coupon]:
    """Return codes that are known."""
    query = sa.select(coupons).where(among(coupons.c.code, "codes"))
    return {
        row.code: made(Coupon, row)
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
    return [made(Coupon, row) for row in rows]


def codes_of(connection: Connection, name: str) -> Iterator[Coupon]:
    """Yield the codes of a campaign."""
    query = sa.select(coupons).where(coupons.c.campaign == name).order_by(coupons.c.code)
    for row in rows_of(connection, query):
        yield made(Coupon, row)


def count(connection: Connection, name: str) -> int:
    """Return how many codes a campaign has."""
    return int(connection.execute(sa.select(sa.func.count()).where(coupons.c.campaign == name)).scalar_one())


def of_person(connection: Connection, person: str) -> list[Coupon]:
    """Return the codes that a person's points are in, or that they invite by."""
    query = sa.select(coupons).where(coupons.c.person == person).order_by(coupons.c.created_at)
    return [made(Coupon, row) for row in connection.execute(query)]


def move(connection: Connection, wanted: Iterable[str], old: str, new: str) -> None:
    """Give codes of one person to another, and the points that are held for them."""
    for part in chunks(wanted):
        mine = sa.and_(coupons.c.code.in_(part), coupons.c.person == old)
        held = sa.select(coupons.c.hold).where(mine, coupons.c.hold.is_not(None))
        connection.execute(holds.update().where(holds.c.id.in_(held.scalar_subquery())).values(key=new))
        connection.execute(coupons.update().where(mine).values(person=new))


def naming(connection: Connection, mails: Iterable[str]) -> list[Campaign]:
    """Return the terms in which one of these texts stands, in whatever case: a part of a longer address counts as well."""
    words = [campaigns.c.terms.icontains(one, autoescape=True) for one in sorted(set(mails))]
    return [_campaign(row) for row in connection.execute(sa.select(campaigns).where(sa.or_(*words)))] if words else []


def with_hold(connection: Connection, holds: Iterable[str]) -> list[Coupon]:
    """Return the codes that these holds keep points for."""
    query = sa.select(coupons).where(among(coupons.c.hold, "holds"))
    return [made(Coupon, row) for part in chunks(set(holds)) for row in rows_of(connection, query, {"holds": part})]


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
    return [made(Coupon, row) for row in connection.execute(sa.select(coupons).where(mine))]


def open_count(connection: Connection) -> int:
    """Return how many codes are not closed."""
    query = sa.select(sa.func.count()).select_from(coupons).where(coupons.c.closed_at.is_(None))
    return int(connection.execute(query).scalar_one())
