"""The Customer Directory: everybody, who changed, and people by id, e-mail address or phone number."""

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime

from bridge.contract.errors import Refused
from bridge.contract.feed import Bad, Feed, Page
from bridge.domain.people import Customer
from bridge.wire.http import Response
from connectors.square.client import Client
from connectors.square.limits import CUSTOMER_BATCH, CUSTOMER_PAGE, OVERLAP
from connectors.square.loyalty import Accounts
from connectors.square.payload import Payload, part, rows, sift, stamp, text
from connectors.square.people_mapping import Account, customer, phone_of, same_phone

__all__ = ["Customers", "CustomersChanges"]

_SEARCH = "/v2/customers/search"
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# The one order in which nobody moves while pages are read.
_OLDEST_FIRST = {"field": "CREATED_AT", "order": "ASC"}


class Customers:
    """The customers port. Who has a loyalty account comes with its points and its phone number."""

    def __init__(self, client: Client, accounts: Accounts) -> None:
        self._client = client
        self._accounts = accounts
        self.changes: Feed[Customer] | None = CustomersChanges(client, self)

    async def all(self) -> AsyncIterator[Page[Customer]]:
        """Read every profile, with one search of accounts for every thirty."""
        async for payload, response, _ in self._client.pages(_SEARCH, "read the customers", _query({})):
            yield await self.page(payload, response)

    async def get(self, customer_ids: Sequence[str]) -> Sequence[Customer]:
        """Read these profiles now; deleted ones are left out. Raises Refused for one that cannot be understood."""
        ids = list(dict.fromkeys(customer_ids))
        found = [
            profile
            for start in range(0, len(ids), CUSTOMER_BATCH)
            for profile in await self._bulk(ids[start : start + CUSTOMER_BATCH])
        ]
        return await self._whole(found)

    async def find(self, *, email: str = "", phone: str = "") -> Sequence[Customer]:
        """Search exactly, once for each contact given; a phone number is one of the profile or of the loyalty account."""
        by_email = await self._exact("email_address", email)
        by_phone = await self._exact("phone_number", phone) if _E164.fullmatch(phone) else []
        more = await self._loyal(phone) if _E164.fullmatch(phone) else []
        found = {
            **{text(one, "id"): one for one in by_email if text(one, "email_address").casefold() == email.casefold()},
            **{text(one, "id"): one for one in by_phone if same_phone(phone_of(one), phone)},
            **{text(one, "id"): one for one in more},
        }
        return await self._whole(list(found.values()))

    async def page(self, payload: Payload, response: Response, cursor: str = "") -> Page[Customer]:
        """Read a page of a search, with the accounts of the people on it."""
        good, bad = await self._read(rows(payload, "customers"))
        return Page(items=tuple(good), bad=tuple(bad), as_of=response.at, cursor=cursor)

    async def _exact(self, name: str, wanted: str) -> list[Payload]:
        if not wanted:
            return []
        pages = self._client.pages(_SEARCH, "find a customer", _query({name: {"exact": wanted}}))
        return [row async for payload, _, _ in pages for row in rows(payload, "customers")]

    async def _loyal(self, phone: str) -> list[Payload]:
        """Read the profiles of the loyalty account of this number, which may be another one than the profile's."""
        try:
            accounts = await self._accounts.if_any((), (phone,))
        except Refused:
            # It takes numbers of those countries only in which there is Square Loyalty.
            return []
        return await self._bulk([one.customer for one in accounts if one.customer])

    async def _bulk(self, ids: Sequence[str]) -> list[Payload]:
        """Read profiles by id; each has an answer of its own, which is an error for one that is no more."""
        if not ids:
            return []
        body = {"customer_ids": list(ids)}
        payload, _ = await self._client.post("/v2/customers/bulk-retrieve", "read customers", body)
        answers = part(payload, "responses")
        return [found for one in ids if (found := part(part(answers, one), "customer"))]

    async def _whole(self, profiles: Sequence[Payload]) -> list[Customer]:
        good, bad = await self._read(profiles)
        if bad:
            what, step = f"customer {bad[0].id}: {bad[0].reason}", "look at the customer in the Square Dashboard"
            raise Refused(what, where=self._client.where, next_step=step)
        return good

    async def _read(self, profiles: Sequence[Payload]) -> tuple[list[Customer], list[Bad]]:
        accounts = oldest(await self._accounts.if_any(text(one, "id") for one in profiles)) if profiles else {}
        return sift(profiles, lambda one: customer(one, accounts.get(text(one, "id"))))


class CustomersChanges:
    """Profiles by `updated_at`. Square cannot sort by it, so only the last page moves the cursor. Deleted ones: webhooks alone tell."""

    def __init__(self, client: Client, customers: Customers) -> None:
        self._client = client
        self._customers = customers

    def begin(self, at: datetime) -> str:
        """Return the cursor for who changed since this moment."""
        return stamp(at - OVERLAP)

    async def since(self, cursor: str) -> AsyncIterator[Page[Customer]]:
        """Read who changed. A change of points alone changes no profile: the ledger tells it."""
        following, body = "", _query({"updated_at": {"start_at": cursor}})
        async for payload, response, last in self._client.pages(_SEARCH, "read customer changes", body):
            following = following or max(cursor, stamp(response.at - OVERLAP))
            yield await self._customers.page(payload, response, following if last else cursor)


def oldest(accounts: Iterable[Account]) -> dict[str, Account]:
    """Index accounts by customer; who has several is known by the first."""
    found: dict[str, Account] = {}
    for one in accounts:
        found.setdefault(one.customer, one)
    return found


def _query(filters: dict[str, object]) -> dict[str, object]:
    return {"query": {"filter": filters, "sort": _OLDEST_FIRST}, "limit": CUSTOMER_PAGE}
