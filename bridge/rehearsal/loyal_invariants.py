"""What must hold of points and codes after every rehearsal, and what came of them: the ledger, the platforms, and the shoppers' own
receipts say the same.
"""

from collections import Counter as Tally
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from typing import cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.app import loyal_looking
from bridge.app.errors import Missing
from bridge.domain.coupons import uses
from bridge.engine import accounts
from bridge.rehearsal.shoppers import Receipt, Shoppers, tail
from bridge.rehearsal.world import World
from bridge.sandbox.kit.platform import LoyalShop, Platform
from bridge.store import coupons, ledger, notes, people
from bridge.store import points as point_store
from bridge.store.code_listings import CodeListing
from bridge.store.tables import holds, movements
from bridge.store.tables_loyalty import (
    code_listings,
    code_uses,
    customers,
    lots,
    order_people,
    spends,
)
from bridge.store.tables_loyalty import (
    coupons as coupon_table,
)

__all__ = ["Gains", "disloyal", "gains", "restless"]

_SOON = timedelta(seconds=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gains:
    """What came of points and codes. `beyond` are uses of shared codes above what is allowed, `split_beyond` those of the others.

    `invented` and `lost` are points of orders, against the shoppers' own receipts.
    """

    earned: int = 0
    spent: int = 0
    owed: int = 0
    uses: int = 0
    beyond: int = 0
    split_beyond: int = 0
    invented: int = 0
    lost: int = 0


def disloyal(world: World, shoppers: Shoppers) -> list[str]:
    """Return what does not hold of points and codes, as sentences. Call it when all is quiet."""
    found = [f"a till could not tell yet that {code} was used" for code in shoppers.untold]
    found += world.database.read(lambda connection: list(_books(connection, world)))
    for name in world.channels:
        found += world.database.read(lambda connection, name=name: _channel(connection, world, name))  # type: ignore[misc]
    found += world.database.read(lambda connection: [*_uses(connection, shoppers), *_limits(connection, shoppers)])
    found += world.database.read(lambda connection: [*_orders(connection, world, shoppers), *_burnt(connection)])
    found += world.database.read(lambda connection: list(_given(connection, shoppers)))
    return found


def restless(world: World) -> bool:
    """Whether time alone changes something soon: a lot that can be spent or expires, points in a code that are free again."""
    now = world.around.now()
    return world.database.read(
        lambda connection: bool(
            point_store.due(connection, now, now + _SOON)
            or connection.scalar(
                sa.select(sa.func.count()).where(holds.c.state == "open", holds.c.expires_at.between(now, now + _SOON))
            )
        )
    )


def gains(world: World, shoppers: Shoppers) -> Gains:
    """Add up what came of points and codes."""

    def unit(connection: Connection) -> Gains:
        off = [_gap(receipt, kept) for receipt, kept in _reckoned(connection, shoppers)]
        left = {code: ledger.balances(connection, [uses(code)]).get(uses(code), 0) for code in shoppers.allowed}
        over = {code: -units for code, units in left.items() if units < 0 and shoppers.allowed[code][1] is not None}
        return Gains(
            earned=_sum(connection, lots.c.kept), spent=_sum(connection, spends.c.points),
            owed=sum(ledger.every(connection, "points").values()), uses=_sum(connection, code_uses.c.count),
            beyond=sum(units for code, units in over.items() if shoppers.allowed[code][0] == "shared"),
            split_beyond=sum(units for code, units in shoppers.beyond.items() if shoppers.allowed.get(code, ("shared", 1))[0] != "shared"),
            invented=sum(gap for gap in off if gap > 0), lost=-sum(gap for gap in off if gap < 0),
        )  # fmt: skip

    return world.database.read(unit)


def _sum(connection: Connection, column: "sa.Column[int]") -> int:
    return int(connection.scalar(sa.select(sa.func.coalesce(sa.func.sum(column), 0))) or 0)


def _books(connection: Connection, world: World) -> Iterator[str]:
    for person, there, right in accounts.prove(connection, world.around.now()):
        yield f"{person} has {there} points, a replay of what is on record makes {right}"


def _channel(connection: Connection, world: World, name: str) -> list[str]:
    connector, platform = world.channels[name].connector, world.platforms[name]
    found = []
    if connector.points is not None:
        found += list(_points(connection, world, platform))
    if connector.coupons is not None:
        found += list(_codes(connection, platform))
    return found


def _points(connection: Connection, world: World, platform: Platform) -> Iterator[str]:
    shown = {tail(str(row["id"])): row["points"] for row in cast(LoyalShop, platform.shop).customers()}
    query = sa.select(customers).where(customers.c.channel == platform.name)
    rows = [people.customer(row) for row in connection.execute(query)]
    # Two profiles of one person may share an account of points.
    shared = {row.points_id: own for row in rows if row.points_id and (own := shown.get(row.customer_id)) is not None}
    for row in rows:
        own = shown.get(row.customer_id)
        yield from _shown(row, shared.get(row.points_id) if own is None else own, platform.name)
        left = loyal_looking.balance(connection, world.context, row.person).spendable
        if row.gone_at is None and row.points_target not in {None, left}:
            yield f"{platform.name} customer {row.customer_id}: {row.points_target} points are to be shown, {left} can be spent"


def _shown(row: people.CustomerRow, own: int | None, name: str) -> Iterator[str]:
    who = f"{name} customer {row.customer_id}"
    if row.points_key is not None:
        yield f"{who}: a write of points is still in flight"
    if row.points_note:
        yield f"{who}: parked: {row.points_note}"
    if (
        row.gone_at is None
        and row.points_target is not None
        and not row.points_target == row.points_shown == (own or 0)
    ):
        yield f"{who}: points shown {row.points_shown}, target {row.points_target}, the platform's own number {own}"


def _codes(connection: Connection, platform: Platform) -> Iterator[str]:
    there = cast(LoyalShop, platform.shop).coupons()
    for row in connection.execute(sa.select(code_listings).where(code_listings.c.channel == platform.name)):
        one = CodeListing(**{name: getattr(row, name) for name in CodeListing.__dataclass_fields__})
        who, own = f"{platform.name} code {one.code}", there.get(one.code, {})
        if one.key is not None:
            yield f"{who}: a write is still in flight"
        if one.reason and "are no customers of this shop" not in one.reason:
            yield f"{who}: refused: {one.reason}"
        if not one.reason and one.wanted != one.shown:
            yield f"{who}: it is not as it should be yet: {one}"
        open_there = bool(own) and own["active"] and (own["limit"] is None or own["used"] < own["limit"])
        if one.active and not one.reason and (not own or not own["active"] or own["limit"] != one.shown_most):
            yield f"{who}: {one.shown_most} uses on record, the platform has {own}"
        if not one.active and open_there:
            yield f"{who}: switched off on record, the platform has {own}"


def _uses(connection: Connection, shoppers: Shoppers) -> Iterator[str]:
    """Uses on record are exactly those of orders that carry the code, and of claims that were captured."""
    wanted = {
        (one.platform, tail(one.order), code.upper()): int(shoppers.runs(one))
        for one in shoppers.receipts.values()
        for code in one.codes
    }
    wanted |= {(channel, order, code): 1 for (channel, order), code in shoppers.captured.items()}
    rows = connection.execute(sa.select(code_uses)).all()
    found = {(row.channel, row.order_id, row.code): int(row._mapping["count"]) for row in rows}
    for key in sorted(wanted.keys() | found.keys()):
        if wanted.get(key) != found.get(key):
            yield f"{key[0]} order {key[1]}: {key[2]} was used {wanted.get(key)} times there, {found.get(key)} are on record"


def _limits(connection: Connection, shoppers: Shoppers) -> Iterator[str]:
    """No use goes missing; a split or claimed code is never used too often, and who used a shared one too often is told."""
    used: Tally[str] = Tally()
    for row in connection.execute(sa.select(code_uses)):
        used[row.code] += int(row._mapping["count"])
    terms = coupons.campaigns_of(connection)
    for row in connection.execute(sa.select(coupon_table)):
        one = terms[row.campaign]
        left = ledger.balances(connection, [uses(row.code)]).get(uses(row.code), 0)
        if left != (one.uses or 0) - used[row.code]:
            yield f"{row.code}: {left} uses are left of {one.uses}, and {used[row.code]} are on record"
        if one.uses is not None and left < 0 and not notes.is_parked(connection, "coupon", "", row.code):
            yield f"{row.code}: used {-left} times too often, and nobody is told"
        if one.policy != "shared" and shoppers.beyond.get(row.code):
            yield f"{row.code}: {one.policy}, and used {shoppers.beyond[row.code]} times beyond what is allowed"


def _reckoned(connection: Connection, shoppers: Shoppers) -> Iterator[tuple[Receipt, int]]:
    kept: Tally[tuple[str, str]] = Tally()
    for row in connection.execute(sa.select(lots).where(lots.c.order_id != "")):
        kept[row.channel, row.order_id] += row.kept
    for key, one in shoppers.receipts.items():
        if shoppers.world.channels[one.platform].connector.customers is not None:
            yield one if shoppers.runs(one) and not one.early else replace(one, paid=0), kept[key]


def _gap(one: Receipt, kept: int) -> int:
    """By how many points the record of an order is off. With a discount, each line of it rounds."""
    whole = sum(one.prices[sku] * units for sku, units in one.lines.items())
    left = sum(one.prices[sku] * max(0, units - one.back.get(sku, 0)) for sku, units in one.lines.items())
    right = Fraction(one.paid * left, whole)
    slack = 0 if one.paid == whole or not one.paid else 2 * len(one.lines)
    gap = kept - int(right)
    return 0 if abs(gap) <= slack else gap


def _orders(connection: Connection, world: World, shoppers: Shoppers) -> Iterator[str]:
    """Every order earned what its receipt says, and for whom it says."""
    owners = {(row.channel, row.order_id): row.person for row in connection.execute(sa.select(order_people))}
    for one, kept in _reckoned(connection, shoppers):
        who, key = f"{one.platform} order {tail(one.order)}", (one.platform, tail(one.order))
        if gap := _gap(one, kept):
            yield f"{who}: earned {kept} points, {gap:+d} of them are wrong: {one}"
        if one.shopper is not None:
            try:
                person = loyal_looking.find_person(connection, world.context, one.shopper.email)
            except Missing:
                person = "nobody"
            if owners.get(key) != person:
                yield f"{who}: it belongs to {owners.get(key)}, {one.shopper.name} is {person}"


def _given(connection: Connection, shoppers: Shoppers) -> Iterator[str]:
    """What clerks gave by hand on a platform with a ledger of its own came in once, whether it was before our time or in it."""
    theirs = sa.or_(movements.c.unique_key.like("event/%"), movements.c.unique_key.like("opening/%"))
    mine = sa.and_(movements.c.kind == "points", theirs)
    booked = int(connection.scalar(sa.select(sa.func.sum(movements.c.delta)).where(mine)) or 0)
    given = sum(one.given for one in shoppers.people)
    if booked != given:
        yield f"{given} points were given by hand, {booked} are booked"


def _burnt(connection: Connection) -> Iterator[str]:
    """A code of points took as many points as it has, once for each use that stands."""
    used: Tally[str] = Tally()
    for row in connection.execute(sa.select(code_uses)):
        used[row.code] += int(row._mapping["count"])
    for row in connection.execute(sa.select(coupon_table).where(coupon_table.c.points > 0)):
        taken = (
            connection.scalar(sa.select(sa.func.sum(spends.c.points)).where(spends.c.note == f"code {row.code}")) or 0
        )
        if taken != row.points * used[row.code]:
            yield f"{row.code} holds {row.points} points and was used {used[row.code]} times, {taken} points were taken"
