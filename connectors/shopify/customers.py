"""Customers: who changed, everybody, and single ones by id or by exact contact."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.contract.feed import Bad, Feed, Page
from bridge.domain.people import Customer
from bridge.wire.paging import by_cursor
from connectors.shopify import feeds
from connectors.shopify.limits import LIMITS
from connectors.shopify.loyalty_documents import (
    ALL_CUSTOMERS,
    CUSTOMER_BY_EMAIL,
    CUSTOMER_BY_PHONE,
    CUSTOMERS,
    CUSTOMERS_BY_ID,
)
from connectors.shopify.mapping import gid, moment, need, short
from connectors.shopify.points import number
from connectors.shopify.shop import Shop, after

__all__ = ["Customers", "customer"]

_CONSENT = {"SUBSCRIBED": True, "UNSUBSCRIBED": False, "NOT_SUBSCRIBED": False, "PENDING": False}


class Customers:
    """The customers port. `changes` is the port's feed, which is this object too."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.changes: Feed[Customer] | None = self

    def begin(self, at: datetime) -> str:
        """Return the cursor for everybody changed since `at`."""
        return feeds.begin(at)

    async def since(self, cursor: str) -> AsyncIterator[Page[Customer]]:
        """Read who changed, oldest first. A points field that is written changes its customer, too."""
        query = feeds.changed_since(cursor)

        async def fetch(position: str | None) -> tuple[tuple[Page[Customer], bool], str | None]:
            answer = await self._shop.ask(CUSTOMERS, {"query": query, "after": position})
            found = answer.data["customers"]
            following = after(found)
            return (_page(found["nodes"], answer.at), not following), following

        async for page, last in by_cursor(fetch):
            newest = max((item.updated_at for item in page.items if item.updated_at), default=None)
            cursor = feeds.advance(cursor, newest, page.as_of, last=last)
            yield Page(items=page.items, bad=page.bad, as_of=page.as_of, cursor=cursor)

    async def all(self) -> AsyncIterator[Page[Customer]]:
        """Read everybody, 250 a call."""

        async def fetch(position: str | None) -> tuple[Page[Customer], str | None]:
            answer = await self._shop.ask(ALL_CUSTOMERS, {"after": position})
            found = answer.data["customers"]
            return _page(found["nodes"], answer.at), after(found)

        async for page in by_cursor(fetch):
            yield page

    async def get(self, customer_ids: Sequence[str]) -> Sequence[Customer]:
        """Read these customers now, 250 a call."""
        found: list[Customer] = []
        for start in range(0, len(customer_ids), LIMITS.read_batch):
            ids = [gid("Customer", one) for one in customer_ids[start : start + LIMITS.read_batch]]
            answer = await self._shop.ask(CUSTOMERS_BY_ID, {"ids": ids}, cost=CUSTOMERS_BY_ID.cost * len(ids))
            found += [customer(node) for node in answer.data["nodes"] if node]
        return found

    async def find(self, *, email: str = "", phone: str = "") -> Sequence[Customer]:
        """Look up by exact address, then by exact number: Shopify has each of them once, and this look-up does not lag."""
        found: dict[str, Customer] = {}
        for operation, given in ((CUSTOMER_BY_EMAIL, {"email": email}), (CUSTOMER_BY_PHONE, {"phone": phone})):
            if all(given.values()):
                node = (await self._shop.ask(operation, given)).data["customerByIdentifier"]
                seen = [customer(node)] if node else []
                found |= {one.id: one for one in seen if _is(one, email=given.get("email"), phone=given.get("phone"))}
        return list(found.values())


def customer(node: Mapping[str, Any]) -> Customer:
    """Read one customer; name and contacts are null for an app without access to protected customer data.

    Shopify's `verifiedEmail` is the only word it has on whose an address is. Of a phone number it says nothing.
    """
    address, phone = node.get("defaultEmailAddress") or {}, node.get("defaultPhoneNumber") or {}
    email = str(address.get("emailAddress") or "")
    return Customer(
        id=short(need(node, "id")),
        name=str(node.get("displayName") or ""),
        email=email,
        phone=str(phone.get("phoneNumber") or ""),
        email_verified=bool(email and node.get("verifiedEmail")),
        consent=_CONSENT.get(str(address.get("marketingState"))),
        points=number(node.get("points")),
        updated_at=moment(need(node, "updatedAt")),
    )


def _is(found: Customer, *, email: str | None, phone: str | None) -> bool:
    """Sift what came back; contacts that are withheld from this app cannot be compared."""
    if email:
        return found.email.casefold() in {"", email.strip().casefold()}
    return found.phone in {"", phone}


def _page(nodes: Sequence[Mapping[str, Any]], at: datetime) -> Page[Customer]:
    good, bad = [], []
    for node in nodes:
        try:
            good.append(customer(node))
        except (ValueError, TypeError, KeyError) as error:
            bad.append(Bad(id=str(node.get("id", "?")), reason=f"{type(error).__name__}: {error}"))
    return Page(items=tuple(good), bad=tuple(bad), as_of=at)
