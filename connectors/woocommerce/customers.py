"""The customers port: WordPress accounts of every role; guests are none, they are on their orders only.

The list has no `modified_after` (it is ignored without a word), so who changed is found by reading everybody. Phone numbers
cannot be searched: the shop looks for a text in login, address and display name (recorded on 11.0.1: customers 175-177).
"""

import re
from collections.abc import AsyncIterator, Sequence

from bridge.contract.feed import Bad, Feed, Page
from bridge.domain.people import Customer
from bridge.wire.paging import by_number
from connectors.woocommerce.limits import AHEAD, PER_PAGE
from connectors.woocommerce.mapping import Unreadable, identifier, meta, moment, need, text_of, whole
from connectors.woocommerce.rest import Rest, Row, Rows

__all__ = ["POINTS", "Customers", "customer", "points_of"]

POINTS = "loyalty_points"
_FIELDS = "id,email,first_name,last_name,billing,meta_data,date_modified_gmt,date_created_gmt"
_E164 = re.compile(r"(?:\+|00)([1-9]\d{6,14})")


class Customers:
    """Who has an account in one shop, staff included: a clerk who buys is a customer on the order."""

    changes: Feed[Customer] | None = None

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def all(self) -> AsyncIterator[Page[Customer]]:
        """Read every account, 100 a call."""
        async for page in self._rest.whole("read customers", "customers", role="all", _fields=_FIELDS):
            yield _page(page)

    async def get(self, customer_ids: Sequence[str]) -> Sequence[Customer]:
        """Read these accounts now, 100 a call; one that is no more is left out."""
        found = {identifier(row.get("id")): customer(row) for row in await self.rows(customer_ids)}
        return [found[one] for one in dict.fromkeys(customer_ids) if one in found]

    async def find(self, *, email: str = "", phone: str = "") -> Sequence[Customer]:
        """Return the accounts with exactly this address (one call) or phone number (E.164; all accounts are read)."""
        found: list[Customer] = []
        # WooCommerce refuses to look for what is no address.
        if "@" in email.strip("@"):
            page = await self._rest.rows("find customer", "customers", email=email, role="all", _fields=_FIELDS)
            found = [one for one in map(customer, page.rows) if one.email.lower() == email.strip().lower()]
        if phone:
            found += [one async for page in self.all() for one in page.items if one.phone == phone]
        return list({one.id: one for one in found}.values())

    async def rows(self, customer_ids: Sequence[str]) -> Sequence[Row]:
        """Read the rows of these accounts; what is no id of WordPress is no account."""
        ids = [one for one in dict.fromkeys(customer_ids) if one.isdecimal()]
        if not ids:
            return ()

        async def fetch(number: int) -> tuple[Rows, int]:
            chunk = ",".join(ids[(number - 1) * PER_PAGE : number * PER_PAGE])
            page = await self._rest.rows(
                "read customers", "customers", include=chunk, role="all", orderby="id", order="asc", _fields=_FIELDS
            )
            return page, -(-len(ids) // PER_PAGE)

        return [row async for page in by_number(fetch, ahead=AHEAD) for row in page.rows]


def customer(row: Row) -> Customer:
    """Read an account; raises Unreadable. Its address is its owner's (a password was sent there), its phone typed in."""
    billing = row.get("billing") if isinstance(row.get("billing"), dict) else {}
    email = text_of(row, "email").strip()
    return Customer(
        id=identifier(need(row, "id")),
        name=_name(row) or _name(billing or {}),
        email=email,
        phone=_phone(text_of(billing or {}, "phone")),
        email_verified=bool(email),
        points=points_of(row),
        updated_at=moment(row.get("date_modified_gmt")) or moment(row.get("date_created_gmt")),
    )


def points_of(row: Row) -> int | None:
    """Return the points that an account shows; None where it shows none, or something that is no number."""
    try:
        return whole(meta(row).get(POINTS), POINTS)
    except Unreadable:
        return None


def _name(row: Row) -> str:
    return " ".join(part for part in (text_of(row, "first_name"), text_of(row, "last_name")) if part)


def _phone(text: str) -> str:
    """Write a number as E.164 where it says its country; as it stands otherwise."""
    found = _E164.fullmatch(re.sub(r"[\s().\-/]", "", text))
    return f"+{found[1]}" if found else text.strip()


def _page(page: Rows) -> Page[Customer]:
    found = [_read(row) for row in page.rows]
    return Page(
        items=tuple(one for one in found if isinstance(one, Customer)),
        bad=tuple(one for one in found if isinstance(one, Bad)),
        as_of=page.at,
        total=page.total,
    )


def _read(row: Row) -> Customer | Bad:
    try:
        return customer(row)
    except Unreadable as error:
        return Bad(id=identifier(row.get("id")), reason=str(error))
