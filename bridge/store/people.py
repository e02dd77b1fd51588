"""People: persons, the contacts that are theirs, and the channels' records of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.store.sql import among, chunks, insert, rows_of, upsert
from bridge.store.tables_loyalty import contacts, customers, lots, merges, order_people, persons

__all__ = [
    "ContactRow", "CustomerRow", "MergeRow", "add_contacts", "add_persons", "by_points_id", "contacts_of", "customer", "customers_of",
    "drop_contacts", "drop_customers", "drop_targets", "find_contacts", "find_customers", "forget", "forgotten", "known_only_to",
    "merge_rows", "move", "newest", "of_orders", "orders_by_channel", "orders_of", "person", "points_in_flight", "points_work",
    "remember_merge", "save_customers", "set_referral", "sharing", "undo_merge", "unread", "unread_customers", "untaken", "untold",
    "untold_counts", "with_contacts",
]  # fmt: skip

_CONTACTS = sa.select(contacts).where(contacts.c.kind == sa.bindparam("of"), among(contacts.c.value, "values"))
_CUSTOMERS = sa.select(customers).where(
    customers.c.channel == sa.bindparam("on"), among(customers.c.customer_id, "ids")
)

# Other points are shown than there are: spelt as the index is.
_UNTOLD = sa.and_(
    customers.c.points_target.is_not(None),
    sa.or_(customers.c.points_shown.is_(None), customers.c.points_shown != customers.c.points_target),
)
points_work = sa.and_(
    _UNTOLD, customers.c.points_key.is_(None), customers.c.points_note == "", customers.c.gone_at.is_(None)
)
# Known from an order alone, never by a record of their own: spelt as the index is.
unread_customers = sa.and_(customers.c.updated_at.is_(None), customers.c.gone_at.is_(None))
_TO_TELL = (
    sa.select(customers)
    .where(points_work, customers.c.channel == sa.bindparam("on"))
    .order_by(customers.c.customer_id)
    .limit(sa.bindparam("most", type_=sa.Integer()))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRow:
    """A contact, and whose it is."""

    kind: str
    value: str
    person: str
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRow:
    """A channel's record of a person, with what it shows of their points."""

    channel: str
    customer_id: str
    person: str
    points_id: str = ""
    points_shown: int | None = None
    points_target: int | None = None
    points_at: datetime | None = None
    points_key: str | None = None
    points_sent: int | None = None
    points_note: str = ""
    consent: bool | None = None
    updated_at: datetime | None = None
    gone_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRow:
    """Two persons that became one. `body` is what moved."""

    id: int
    kept: str
    gone: str
    at: datetime
    why: str
    body: dict[str, Any]


def add_persons(connection: Connection, names: Iterable[str], now: datetime) -> None:
    """Note new persons."""
    insert(connection, persons, [{"person": name, "created_at": now} for name in names])


def person(connection: Connection, name: str) -> Any | None:
    """Return a person's row."""
    return connection.execute(sa.select(persons).where(persons.c.person == name)).one_or_none()


def newest(connection: Connection, limit: int) -> list[Any]:
    """Return the rows of the newest persons, those left out that became another or asked to be forgotten."""
    standing = sa.and_(persons.c.merged_into.is_(None), persons.c.forgotten_at.is_(None))
    query = sa.select(persons).where(standing).order_by(persons.c.created_at.desc(), persons.c.person)
    return list(connection.execute(query.limit(limit)))


def of_orders(connection: Connection, channel: str, ids: Iterable[str]) -> set[str]:
    """Return whose these orders of a channel are."""
    mine = sa.and_(order_people.c.channel == sa.bindparam("on"), among(order_people.c.order_id, "ids"))
    query = sa.select(order_people.c.person).distinct().where(mine, order_people.c.person != "")
    rows = (row for part in chunks(set(ids)) for row in rows_of(connection, query, {"on": channel, "ids": part}))
    return {row.person for row in rows}


def known_only_to(connection: Connection, channel: str) -> list[str]:
    """Return the persons who have accounts or orders on this channel, and none on another."""
    seen = sa.union_all(
        sa.select(customers.c.person, customers.c.channel), sa.select(order_people.c.person, order_people.c.channel)
    ).subquery()
    elsewhere = sa.select(seen.c.person).where(seen.c.channel != channel)
    here = sa.select(seen.c.person).distinct().where(seen.c.channel == channel, seen.c.person != "")
    return [row.person for row in connection.execute(here.where(seen.c.person.not_in(elsewhere)))]


def drop_customers(connection: Connection, channel: str) -> None:
    """Forget all accounts of a channel."""
    connection.execute(customers.delete().where(customers.c.channel == channel))


def untold_counts(connection: Connection) -> dict[str, int]:
    """Return how many customers of each channel are shown other points than they have."""
    mine = sa.and_(_UNTOLD, customers.c.points_note == "", customers.c.gone_at.is_(None))
    query = sa.select(customers.c.channel, sa.func.count()).where(mine).group_by(customers.c.channel)
    return {row[0]: int(row[1]) for row in connection.execute(query)}


def set_referral(connection: Connection, name: str, code: str) -> None:
    """Note the code by which a person invites others."""
    connection.execute(persons.update().where(persons.c.person == name).values(referral=code))


def find_contacts(connection: Connection, kind: str, values: Iterable[str]) -> dict[str, ContactRow]:
    """Return whose these contacts are, by value."""
    found = {}
    for part in chunks(set(values)):
        for row in rows_of(connection, _CONTACTS, {"of": kind, "values": part}):
            found[row.value] = ContactRow(kind=row.kind, value=row.value, person=row.person, verified=row.verified)
    return found


def contacts_of(connection: Connection, name: str) -> list[ContactRow]:
    """Return a person's contacts."""
    query = sa.select(contacts).where(contacts.c.person == name).order_by(contacts.c.kind, contacts.c.value)
    return [
        ContactRow(kind=row.kind, value=row.value, person=row.person, verified=row.verified)
        for row in connection.execute(query)
    ]


def with_contacts(connection: Connection, names: Iterable[str]) -> set[str]:
    """Return those of these persons who have a contact."""
    query = sa.select(contacts.c.person).distinct().where(among(contacts.c.person, "names"))
    return {row.person for part in chunks(set(names)) for row in rows_of(connection, query, {"names": part})}


def add_contacts(connection: Connection, rows: Sequence[ContactRow], now: datetime) -> None:
    """Note contacts, or whose they are now."""
    upsert(connection, contacts, [
        {"kind": one.kind, "value": one.value, "person": one.person, "verified": one.verified, "since": now} for one in rows
    ])  # fmt: skip


def drop_contacts(connection: Connection, rows: Iterable[ContactRow]) -> None:
    """Forget contacts."""
    for one in rows:
        connection.execute(contacts.delete().where(contacts.c.kind == one.kind, contacts.c.value == one.value))


def find_customers(connection: Connection, channel: str, ids: Iterable[str]) -> dict[str, CustomerRow]:
    """Return what is known of a channel's customers, by their id there."""
    found = {}
    for part in chunks(set(ids)):
        for row in rows_of(connection, _CUSTOMERS, {"on": channel, "ids": part}):
            found[row.customer_id] = customer(row)
    return found


def customer(row: Any) -> CustomerRow:
    """Read a row."""
    return CustomerRow(**{name: getattr(row, name) for name in CustomerRow.__dataclass_fields__})


def customers_of(connection: Connection, names: Iterable[str]) -> list[CustomerRow]:
    """Return the channels' records of persons."""
    query = sa.select(customers).where(among(customers.c.person, "names"))
    rows = (row for part in chunks(set(names)) for row in rows_of(connection, query, {"names": part}))
    return [customer(row) for row in rows]


def save_customers(connection: Connection, rows: Sequence[CustomerRow]) -> None:
    """Write records."""
    upsert(connection, customers, [{name: getattr(one, name) for name in CustomerRow.__dataclass_fields__} for one in rows])  # fmt: skip


def untold(connection: Connection, channel: str, limit: int) -> list[CustomerRow]:
    """Return the customers of a channel to whom other points are shown than they have, and no write of which is on its way."""
    return [customer(row) for row in connection.execute(_TO_TELL, {"on": channel, "most": limit})]


def unread(connection: Connection, channel: str, limit: int) -> list[CustomerRow]:
    """Return the accounts on a channel that are known from an order alone: their own record was never read."""
    mine = sa.and_(customers.c.channel == channel, unread_customers)
    query = sa.select(customers).where(mine).order_by(customers.c.customer_id).limit(limit)
    return [customer(row) for row in connection.execute(query)]


def untaken(connection: Connection, channel: str, limit: int) -> list[CustomerRow]:
    """Return the customers of a channel who have points there that were not taken in yet (engine/points_open.py names the lots)."""
    c = customers.c
    opened = sa.exists().where(lots.c.id == sa.literal(f"opening/{channel}/") + c.customer_id)
    mine = sa.and_(
        c.channel == channel, c.points_target.is_(None), c.points_shown > 0, c.points_key.is_(None), c.gone_at.is_(None)
    )
    query = sa.select(customers).where(mine, ~opened).order_by(c.customer_id).limit(limit)
    return [customer(row) for row in connection.execute(query)]


def drop_targets(connection: Connection, channels: Iterable[str]) -> None:
    """Have no points be written to the customers of these channels any more."""
    mine = sa.and_(customers.c.channel.in_(sorted(channels)), customers.c.points_target.is_not(None))
    connection.execute(customers.update().where(mine).values(points_target=None))


def points_in_flight(connection: Connection, channel: str) -> list[CustomerRow]:
    """Return the customers of a channel of whose points' write nobody knows what became."""
    mine = sa.and_(customers.c.channel == channel, customers.c.points_key.is_not(None))
    return [customer(row) for row in connection.execute(sa.select(customers).where(mine))]


def sharing(connection: Connection, channel: str, ids: Iterable[str]) -> list[CustomerRow]:
    """Return the customers of a channel whose points are kept under these ids; several may share one."""
    mine = sa.and_(customers.c.channel == sa.bindparam("on"), among(customers.c.points_id, "ids"))
    query = sa.select(customers).where(mine).order_by(customers.c.customer_id)
    rows = (row for part in chunks(set(ids)) for row in rows_of(connection, query, {"on": channel, "ids": part}))
    return [customer(row) for row in rows]


def by_points_id(connection: Connection, channel: str, ids: Iterable[str]) -> dict[str, CustomerRow]:
    """Return a customer of a channel for each of these ids of points."""
    return {row.points_id: row for row in sharing(connection, channel, ids)}


def forgotten(connection: Connection, names: Iterable[str]) -> set[str]:
    """Return those of these persons who were forgotten."""
    query = sa.select(persons.c.person).where(among(persons.c.person, "names"), persons.c.forgotten_at.is_not(None))
    return {row.person for part in chunks(set(names)) for row in rows_of(connection, query, {"names": part})}


def orders_of(connection: Connection, name: str) -> list[tuple[str, str]]:
    """Return a person's orders as (channel, id)."""
    query = sa.select(order_people.c.channel, order_people.c.order_id).where(order_people.c.person == name)
    return [(row.channel, row.order_id) for row in connection.execute(query.order_by(order_people.c.placed_at))]


def orders_by_channel(connection: Connection, name: str) -> dict[str, list[str]]:
    """Return the ids of a person's orders, by channel."""
    found: dict[str, list[str]] = {}
    for channel, order_id in orders_of(connection, name):
        found.setdefault(channel, []).append(order_id)
    return found


def move(connection: Connection, table: str, ids: Mapping[str, Any] | None, gone: str, kept: str) -> None:
    """Give what is one person's to another: rows of a table ("contacts", "customers"), all of them or those whose columns say `ids`."""
    mine = {"contacts": contacts, "customers": customers, "order_people": order_people}[table]
    where = mine.c.person == gone
    for name, value in (ids or {}).items():
        where = sa.and_(where, mine.c[name] == value)
    connection.execute(mine.update().where(where).values(person=kept))


def remember_merge(
    connection: Connection, kept: str, gone: str, why: str, body: Mapping[str, Any], now: datetime
) -> None:
    """Note that two persons became one, and what moved."""
    text = msgspec.json.encode(body).decode()
    connection.execute(merges.insert().values(kept=kept, gone=gone, at=now, why=why, body=text))
    connection.execute(persons.update().where(persons.c.person == gone).values(merged_into=kept))


def merge_rows(connection: Connection, name: str) -> list[MergeRow]:
    """Return the merges into a person that stand, newest first."""
    query = sa.select(merges).where(merges.c.kept == name, merges.c.undone_at.is_(None)).order_by(merges.c.id.desc())
    return [
        MergeRow(id=row.id, kept=row.kept, gone=row.gone, at=row.at, why=row.why, body=msgspec.json.decode(row.body))
        for row in connection.execute(query)
    ]


def undo_merge(connection: Connection, merge: MergeRow, now: datetime) -> None:
    """Note that a merge was taken back."""
    connection.execute(merges.update().where(merges.c.id == merge.id).values(undone_at=now))
    connection.execute(persons.update().where(persons.c.person == merge.gone).values(merged_into=None))


def forget(connection: Connection, name: str, now: datetime) -> None:
    """Drop everything that says who a person is: contacts, and the ids of their accounts. Their points and orders keep the number."""
    connection.execute(contacts.delete().where(contacts.c.person == name))
    connection.execute(customers.delete().where(customers.c.person == name))
    connection.execute(persons.update().where(persons.c.person == name).values(forgotten_at=now, referral=None))
    connection.execute(merges.delete().where(sa.or_(merges.c.kept == name, merges.c.gone == name)))
