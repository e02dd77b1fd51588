"""Points: lots, spends, the rules that were in force, and whose an order is. The counters and movements are the ledger's."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.domain.earning import EarnTerms, PointsRules
from bridge.domain.points import Lot, Spend
from bridge.store.sql import among, chunks, rows_of, upsert
from bridge.store.tables import movements
from bridge.store.tables_loyalty import lots, order_people, returned_units, rule_versions, spends

__all__ = [
    "LotRow", "OrderPerson", "SpendRow", "accounts", "due", "expiring", "find_lots", "find_spends", "lots_of", "lots_of_orders",
    "notice", "of_orders", "outstanding", "returned", "rules", "rules_at", "save_lots", "save_orders", "save_returned",
    "save_rules", "save_spends", "spends_of", "spends_of_orders", "spent_since",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LotRow:
    """A lot as it is on record. `line_id` is the order's line, or the channel's account that its event was about.

    `turn` counts how often its expiry was booked, so that each movement has a name of its own."""

    id: str
    person: str
    channel: str = ""
    order_id: str = ""
    line_id: str = ""
    earned: int
    kept: int
    earned_at: datetime
    spendable_at: datetime
    expires_at: datetime | None = None
    expired: int = 0
    turn: int = 0
    noticed: bool = False
    note: str = ""
    terms: EarnTerms | None = None

    @property
    def lot(self) -> Lot:
        """What the replay wants."""
        return Lot(
            id=self.id, kept=self.kept, earned_at=self.earned_at, spendable_at=self.spendable_at, expires_at=self.expires_at
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendRow:
    """Points that were taken: `why` is burn or correction, `source` the order or person it was for, or the channel's account that its
    event was about."""

    id: str
    person: str
    points: int
    at: datetime
    why: str = "burn"
    channel: str = ""
    source: str = ""
    note: str = ""

    @property
    def spend(self) -> Spend:
        """What the replay wants."""
        return Spend(id=self.id, points=self.points, at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPerson:
    """Whose an order is, and what it counts for the tier."""

    channel: str
    order_id: str
    person: str
    spend: int = 0
    placed_at: datetime | None = field(default=None)


def rules(connection: Connection) -> list[tuple[datetime, PointsRules | None]]:
    """Return the rules that were ever in force, oldest first, each with since when (None: none were)."""
    query = sa.select(rule_versions).where(rule_versions.c.kind == "points").order_by(rule_versions.c.since)
    return [(row.since, _decoded(row.body)) for row in connection.execute(query)]


def _decoded(body: str) -> PointsRules | None:
    return None if body == "null" else msgspec.json.decode(body, type=PointsRules)


def rules_at(known: Sequence[tuple[datetime, PointsRules | None]], at: datetime) -> PointsRules | None:
    """Return the rules in force at a moment."""
    return next((one for since, one in reversed(known) if since <= at), None)


def save_rules(connection: Connection, found: PointsRules | None, since: datetime) -> None:
    """Note that other rules are in force from a moment on."""
    version = "" if found is None else found.version
    body = msgspec.json.encode(found, order="sorted").decode()
    upsert(connection, rule_versions, [{"kind": "points", "since": since, "version": version, "body": body}])


def _lot(row: Any) -> LotRow:
    values = {name: getattr(row, name) for name in LotRow.__dataclass_fields__ if name != "terms"}
    terms = None if row.terms == "null" else msgspec.json.decode(row.terms, type=EarnTerms)
    return LotRow(**values, terms=terms)


def find_lots(connection: Connection, ids: Iterable[str]) -> dict[str, LotRow]:
    """Return lots by id."""
    query = sa.select(lots).where(among(lots.c.id, "ids"))
    return {row.id: _lot(row) for part in chunks(set(ids)) for row in rows_of(connection, query, {"ids": part})}


def lots_of_orders(connection: Connection, channel: str, ids: Iterable[str]) -> dict[str, dict[str, LotRow]]:
    """Return the lots that a channel's orders made, by order id and lot id."""
    query = sa.select(lots).where(lots.c.channel == sa.bindparam("on"), among(lots.c.order_id, "ids"))
    found: dict[str, dict[str, LotRow]] = {}
    for part in chunks(set(ids)):
        for row in rows_of(connection, query, {"on": channel, "ids": part}):
            found.setdefault(row.order_id, {})[row.id] = _lot(row)
    return found


def lots_of(connection: Connection, names: Iterable[str]) -> dict[str, list[LotRow]]:
    """Return persons' lots, oldest first."""
    query = sa.select(lots).where(among(lots.c.person, "names")).order_by(lots.c.earned_at, lots.c.id)
    found: dict[str, list[LotRow]] = {}
    for part in chunks(set(names)):
        for row in rows_of(connection, query, {"names": part}):
            found.setdefault(row.person, []).append(_lot(row))
    return found


def save_lots(connection: Connection, rows: Sequence[LotRow]) -> None:
    """Write lots."""
    names = [name for name in LotRow.__dataclass_fields__ if name != "terms"]
    upsert(connection, lots, [
        {name: getattr(one, name) for name in names} | {"terms": msgspec.json.encode(one.terms).decode()} for one in rows
    ])  # fmt: skip


def of_account(connection: Connection, channel: str, names: Iterable[str]) -> tuple[int, datetime | None]:
    """Return what a channel's own events have added to an account of its ledger, believed or not, and when the newest was.

    `names` are what events name it by: the customer, or the account.
    """
    mine = [one for one in names if one]
    added = sa.select(sa.func.sum(lots.c.earned), sa.func.max(lots.c.earned_at)).where(
        lots.c.channel == channel, lots.c.order_id == "", lots.c.line_id.in_(mine), lots.c.id.like("event/%")
    )
    taken = sa.select(sa.func.sum(spends.c.points), sa.func.max(spends.c.at)).where(
        spends.c.channel == channel, spends.c.source.in_(mine), spends.c.id.like("event/%")
    )
    plus, first = connection.execute(added).one()
    minus, second = connection.execute(taken).one()
    return int(plus or 0) - int(minus or 0), max((at for at in (first, second) if at is not None), default=None)


def _spend(row: Any) -> SpendRow:
    return SpendRow(**{name: getattr(row, name) for name in SpendRow.__dataclass_fields__})


def find_spends(connection: Connection, ids: Iterable[str]) -> set[str]:
    """Return which of these spends are on record."""
    query = sa.select(spends.c.id).where(among(spends.c.id, "ids"))
    return {row.id for part in chunks(set(ids)) for row in rows_of(connection, query, {"ids": part})}


def spends_of(connection: Connection, names: Iterable[str]) -> dict[str, list[SpendRow]]:
    """Return persons' spends, oldest first."""
    query = sa.select(spends).where(among(spends.c.person, "names")).order_by(spends.c.at, spends.c.id)
    found: dict[str, list[SpendRow]] = {}
    for part in chunks(set(names)):
        for row in rows_of(connection, query, {"names": part}):
            found.setdefault(row.person, []).append(_spend(row))
    return found


def spends_of_orders(connection: Connection, channel: str, ids: Iterable[str]) -> dict[str, dict[str, SpendRow]]:
    """Return the spends that a channel's orders, or its events, made, by order id and spend id."""
    query = sa.select(spends).where(spends.c.channel == sa.bindparam("on"), among(spends.c.source, "ids"))
    found: dict[str, dict[str, SpendRow]] = {}
    for part in chunks(set(ids)):
        for row in rows_of(connection, query, {"on": channel, "ids": part}):
            found.setdefault(row.source, {})[row.id] = _spend(row)
    return found


def save_spends(connection: Connection, rows: Sequence[SpendRow]) -> None:
    """Write spends."""
    upsert(connection, spends, [{name: getattr(one, name) for name in SpendRow.__dataclass_fields__} for one in rows])


def of_orders(connection: Connection, channel: str, ids: Iterable[str]) -> dict[str, OrderPerson]:
    """Return whose a channel's orders are, by id."""
    query = sa.select(order_people).where(
        order_people.c.channel == sa.bindparam("on"), among(order_people.c.order_id, "ids")
    )
    rows = (row for part in chunks(set(ids)) for row in rows_of(connection, query, {"on": channel, "ids": part}))
    return {
        row.order_id: OrderPerson(
            channel=row.channel, order_id=row.order_id, person=row.person, spend=row.spend, placed_at=row.placed_at
        )
        for row in rows
    }


def save_orders(connection: Connection, rows: Sequence[OrderPerson]) -> None:
    """Write whose orders are."""
    upsert(connection, order_people, [{name: getattr(one, name) for name in OrderPerson.__dataclass_fields__} for one in rows])  # fmt: skip


def spent_since(connection: Connection, names: Iterable[str], since: datetime, until: datetime) -> dict[str, int]:
    """Return what persons' orders, placed after `since` and before `until`, count for their tiers."""
    o = order_people.c
    query = (
        sa.select(o.person, sa.func.sum(o.spend))
        .where(among(o.person, "names"), o.placed_at > since, o.placed_at < until)
        .group_by(o.person)
    )
    rows = (row for part in chunks(set(names)) for row in rows_of(connection, query, {"names": part}))
    return {name: int(total) for name, total in rows}


def returned(connection: Connection, channel: str, ids: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return what orders of their own took back, by source order and line: units, and under "" money (minor units) without goods."""
    r = returned_units.c
    query = (
        sa.select(r.source_order, r.source_line, sa.func.sum(r.units))
        .where(r.channel == sa.bindparam("on"), among(r.source_order, "ids"))
        .group_by(r.source_order, r.source_line)
    )
    found: dict[str, dict[str, int]] = {}
    for part in chunks(set(ids)):
        for order, line, units in rows_of(connection, query, {"on": channel, "ids": part}):
            found.setdefault(order, {})[line] = int(units)
    return found


def save_returned(connection: Connection, channel: str, ids: Iterable[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write all that these orders of a channel took back: channel, order_id, line_id, source_order, source_line, units."""
    for part in chunks(set(ids)):
        mine = sa.and_(returned_units.c.channel == channel, returned_units.c.order_id.in_(part))
        connection.execute(returned_units.delete().where(mine))
    upsert(connection, returned_units, rows)


def accounts(connection: Connection) -> Iterator[tuple[str, list[Lot], list[Spend]]]:
    """Yield every person's lots and spends: each table is read once from end to end."""
    taken: dict[str, list[Spend]] = {}
    for person, name, units, at in rows_of(
        connection, sa.select(spends.c.person, spends.c.id, spends.c.points, spends.c.at)
    ):
        taken.setdefault(person, []).append(Spend(id=name, points=units, at=at))
    fields = (lots.c.person, lots.c.id, lots.c.kept, lots.c.earned_at, lots.c.spendable_at, lots.c.expires_at)
    rows = rows_of(connection, sa.select(*fields).where(lots.c.person != "").order_by(lots.c.person))
    for person, mine in groupby(rows, itemgetter(0)):
        made = [
            Lot(id=name, kept=kept, earned_at=at, spendable_at=ripe, expires_at=end)
            for _, name, kept, at, ripe, end in mine
        ]
        yield person, made, taken.pop(person, [])
    yield from ((person, [], mine) for person, mine in taken.items())


def due(connection: Connection, after: datetime, until: datetime) -> set[str]:
    """Return the persons whose account time alone has changed: a lot can be spent now, or has expired."""
    found: set[str] = set()
    for column in (lots.c.spendable_at, lots.c.expires_at):
        query = sa.select(lots.c.person).distinct().where(column > after, column <= until, lots.c.person != "")
        found.update(row.person for row in connection.execute(query))
    return found


def expiring(connection: Connection, now: datetime, until: datetime) -> set[str]:
    """Return the persons with lots that expire soon and of which they were not told yet."""
    soon = sa.and_(lots.c.expires_at > now, lots.c.expires_at <= until, lots.c.noticed.is_(False), lots.c.kept > 0)
    query = sa.select(lots.c.person).distinct().where(soon, lots.c.person != "")
    return {row.person for row in connection.execute(query)}


def notice(connection: Connection, ids: Iterable[str]) -> None:
    """Note that lots were told of."""
    for part in chunks(ids):
        connection.execute(lots.update().where(lots.c.id.in_(part)).values(noticed=True))


def outstanding(connection: Connection, at: datetime) -> dict[str, int]:
    """Return the points that persons had at a moment, by the ledger; below 0 is what they owed, and who had none is left out."""
    had = sa.func.sum(movements.c.delta)
    query = sa.select(movements.c.key, had).where(movements.c.kind == "points", movements.c.occurred_at <= at)
    rows = rows_of(connection, query.group_by(movements.c.key).having(had != 0))
    return {row[0]: int(row[1]) for row in rows}
