"""People: whose an order is. One identity over all channels, by exact matches of contacts, and never by a guess.

An order belongs to the person of its customer account; a guest's to the person of its e-mail, else of its phone; nobody known: a new
person. Whose an account is, and by what its owner is known, says its own record, never what was typed in at a checkout (where a channel
tells records: elsewhere there is nothing else). Two persons become one by themselves only where an account that was known by its number
alone has the contact of somebody else. All of it can be taken back.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.engine import Connection

from bridge.domain import contacts
from bridge.domain.contacts import Contact, masked
from bridge.domain.orders import Order
from bridge.domain.people import Customer
from bridge.engine.context import Context
from bridge.engine.noting import park
from bridge.store import notes, people
from bridge.store.people import ContactRow, CustomerRow

__all__ = ["Sighting", "identify", "learn", "nameless", "new_person", "recognised", "seen"]


class Sighting(NamedTuple):
    """Somebody as a channel names them: an account's id there ("" for a guest), and contacts, the verified ones first of their kind.

    `typed`: the contacts are those of an order. Whose an account is they do not say, for an account can spend, and anybody may type in
    anything at a checkout; its own record says it. A guest can do no more than earn for whoever it is.
    """

    customer_id: str
    contacts: tuple[Contact, ...]
    verified: frozenset[Contact] = frozenset()
    typed: bool = False

    @property
    def proof(self) -> tuple[Contact, ...]:
        """The contacts by which it is found whose this is."""
        return () if self.typed and self.customer_id else self.contacts


def seen(context: Context, order: Order) -> Sighting | None:
    """Whoever bought an order; None where the platform does not say who it was."""
    if order.customer is None:
        return None
    country = context.rules.loyalty.country
    phones = (order.customer.phone, order.ship_to.phone if order.ship_to else "")
    found = [contacts.email(order.customer.email), *(contacts.phone(one, country) for one in phones if one)]
    some = tuple(dict.fromkeys(one for one in found if one is not None))
    customer_id = "" if order.customer.id in {"", "0"} else order.customer.id
    return Sighting(customer_id, some, typed=True) if customer_id or some else None


def learn(
    connection: Connection, context: Context, channel: str, found: Sequence[Customer], read_at: datetime
) -> dict[str, str]:
    """Note a channel's customers, as they were read at a moment by our clock; return whose each is, by their id there."""
    sightings = {one.id: _account(context, one) for one in found}
    known = people.find_customers(connection, channel, sightings)
    whose = identify(connection, context, channel, sightings)
    rows = [_row(channel, one, whose[one.id], known.get(one.id), read_at) for one in found]
    people.save_customers(connection, rows)
    return whose


def nameless(connection: Connection, channel: str, ids: Iterable[str]) -> set[str]:
    """Return the persons of a channel's accounts who are known by the number of an account alone."""
    names = {row.person for row in people.find_customers(connection, channel, ids).values()}
    return names - people.with_contacts(connection, names)


def recognised(
    connection: Connection, context: Context, found: Sequence[Customer], whose: Mapping[str, str], unnamed: Set[str]
) -> dict[str, str]:
    """Return the persons of these accounts who were `unnamed` before these records, each with the one whose contact the account has.

    A contact that was nobody's is theirs by now, as it would be of an account that is new with its record: another one decides.
    """
    sightings = {one.id: _account(context, one).contacts for one in found}
    owners: dict[Contact, str] = {}
    for kind in ("email", "phone"):
        values = {one.value for some in sightings.values() for one in some if one.kind == kind}
        owners |= {
            Contact(kind, row.value): row.person for row in people.find_contacts(connection, kind, values).values()
        }
    named = {key: [owners[one] for one in some if one in owners] for key, some in sightings.items()}
    others = {key: next((one for one in some if one not in unnamed), "") for key, some in named.items()}
    return {whose[key]: other for key, other in others.items() if other and whose[key] in unnamed}


def _account(context: Context, one: Customer) -> Sighting:
    mail, phone = (
        contacts.email(one.email),
        contacts.phone(one.phone, context.rules.loyalty.country) if one.phone else None,
    )
    verified = {mail} if one.email_verified else set()
    verified |= {phone} if one.phone_verified else set()
    both = tuple(contact for contact in (mail, phone) if contact is not None)
    return Sighting(one.id, both, frozenset(contact for contact in verified if contact is not None))


def _row(channel: str, one: Customer, person: str, before: CustomerRow | None, read_at: datetime) -> CustomerRow:
    row = before or CustomerRow(channel=channel, customer_id=one.id, person=person)
    # A page may be kept after what was written since it was read: what it showed then is no news.
    old = row.points_key is not None or (row.points_at is not None and read_at < row.points_at + _OVERLAP)
    # Known from an order alone, they may have had no phone to keep points under: with their record it is tried again.
    changed_at = one.updated_at or row.updated_at or read_at
    note = row.points_note if row.updated_at == changed_at else ""
    return replace(
        row, person=person, points_id=one.points_id or row.points_id, consent=one.consent, updated_at=changed_at, gone_at=None,
        points_note=note, points_shown=row.points_shown if one.points is None or old else one.points,
    )  # fmt: skip


# A long page takes its time, and clocks differ.
_OVERLAP = timedelta(minutes=1)


def identify(connection: Connection, context: Context, channel: str, found: Mapping[str, Sighting]) -> dict[str, str]:
    """Return whose each sighting is, by the key it came with; unknown ones become persons."""
    return _Crowd(connection, context, channel).identify(found)


def new_person(context: Context) -> str:
    """A name for a person nobody knew."""
    return f"cust_{context.new_key().replace('-', '')[:20]}"


@dataclass(slots=True)
class _Crowd:
    """Sightings of one page, looked up together."""

    connection: Connection
    context: Context
    channel: str
    accounts: dict[str, CustomerRow] = field(default_factory=dict)
    owners: dict[Contact, ContactRow] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    changed: dict[Contact, ContactRow] = field(default_factory=dict)
    linked: dict[str, CustomerRow] = field(default_factory=dict)

    def identify(self, found: Mapping[str, Sighting]) -> dict[str, str]:
        self._load(found.values())
        whose = {key: self._whose(one) for key, one in found.items()}
        now = self.context.now()
        people.add_persons(self.connection, self.made, now)
        people.add_contacts(self.connection, list(self.changed.values()), now)
        people.save_customers(self.connection, list(self.linked.values()))
        return whose

    def _load(self, found: Iterable[Sighting]) -> None:
        some = list(found)
        ids = {one.customer_id for one in some if one.customer_id}
        self.accounts = people.find_customers(self.connection, self.channel, ids)
        for kind in ("email", "phone"):
            values = {contact.value for one in some for contact in one.contacts if contact.kind == kind}
            for row in people.find_contacts(self.connection, kind, values).values():
                self.owners[Contact(kind, row.value)] = row

    def _whose(self, one: Sighting) -> str:
        account = self.accounts.get(one.customer_id)
        owners = [self.owners[contact].person for contact in one.proof if contact in self.owners]
        person = account.person if account is not None else next(iter(owners), "")
        if not person:
            person = new_person(self.context)
            self.made.append(person)
        if account is None and one.customer_id:
            row = CustomerRow(channel=self.channel, customer_id=one.customer_id, person=person)
            self.accounts[one.customer_id] = self.linked[one.customer_id] = row
        for contact in one.contacts:
            if contact in self.owners or not self._beside_a_record(one):
                self._own(contact, person, verified=contact in one.verified)
        return person

    def _beside_a_record(self, one: Sighting) -> bool:
        """Whether contacts were typed in for an account whose own record tells its own: these are not noted as theirs.

        One that differs would keep apart who is one by their records, and one of somebody else would wait there for its owner.
        """
        channel = self.context.channels.get(self.channel)
        told = channel is not None and channel.connector.customers is not None
        return told and one.typed and bool(one.customer_id)

    def _own(self, contact: Contact, person: str, *, verified: bool) -> None:
        """A contact that is nobody's becomes theirs; one that is another's stays, and is told of."""
        row = self.owners.get(contact)
        if row is None or (row.person == person and verified and not row.verified):
            self.owners[contact] = self.changed[contact] = ContactRow(
                kind=contact.kind, value=contact.value, person=person, verified=verified
            )
        elif row.person != person:
            self._told(contact, row, person, verified=verified)

    def _told(self, contact: Contact, row: ContactRow, person: str, *, verified: bool) -> None:
        both = verified and row.verified
        how = "both have it verified" if both else "one of them may have typed it in wrong"
        reason = (
            f"{masked(contact)} is a contact of {row.person} and was given by {person} ({how}): if they are one,"
            f" `bridge customer merge {row.person} {person}`"
        )
        park(self.connection, self.context, "customer", self.channel, f"{row.person}/{person}", reason)


def told_no_more(connection: Connection, first: str, second: str, channels: Iterable[str]) -> None:
    """Two persons are one by now: nobody need be asked whether they are."""
    for channel in channels:
        notes.unpark(connection, "customer", channel, [f"{first}/{second}", f"{second}/{first}"])


def known_since(rows: Sequence[CustomerRow]) -> datetime | None:
    """When the newest of a person's records changed."""
    return max((row.updated_at for row in rows if row.updated_at is not None), default=None)
