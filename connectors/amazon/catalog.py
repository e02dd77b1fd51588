"""Listings: all of them, those that changed, and some by SKU, twenty a call."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from bridge.contract.feed import Feed, Page
from bridge.domain.catalog import Product
from bridge.wire.api import Answer, if_there
from bridge.wire.feeds import ChangedSince, page_of, understood
from bridge.wire.paging import by_search, joined
from bridge.wire.payload import Payload, first, moment, part, rows, text
from connectors.amazon.client import Client
from connectors.amazon.limits import FIRST, OVERLAP, PAGE
from connectors.amazon.mapping import is_parent, numbers, product

__all__ = ["NUMBERS", "Catalog"]

_ALL_DATA = "summaries,attributes,offers,fulfillmentAvailability,relationships"
NUMBERS = "summaries,fulfillmentAvailability"


class Catalog:
    """The catalog port. Every listing is a product of one variant; its id is its SKU.

    A deleted one simply is not there: the audit finds it.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._read = partial(product, currency=client.currency, fba=client.settings.fba)
        self.changes: Feed[Product] = ChangedSince(self.all, OVERLAP)

    async def all(self, changed: str = "") -> AsyncIterator[Page[Product]]:
        """Read every listing, or those that changed since, with the numbers they show; variation parents are left out."""
        async for items, at in self.walk(_ALL_DATA, changed):
            yield self._page(items, at)

    async def get(self, product_ids: Sequence[str]) -> Sequence[Product]:
        """Read these listings now; what is no more is left out. Raises Refused for one that cannot be understood."""
        page = self._page(*await self.named(product_ids, _ALL_DATA))
        return understood(page.items, page.bad, self._client.where, "look at the listing in Seller Central")

    async def named(self, skus: Sequence[str], data: str) -> tuple[list[Payload], datetime]:
        """Read these listings; what is no more is left out. The answer that came last tells the time."""
        found, at = list[Payload](), self._client.now()
        together, alone = joined(skus, PAGE)
        for some in together:
            payload, response = await self._search(data, identifiers=some, identifiersType="SKU")
            found, at = found + rows(payload, "items"), response.at
        for sku in alone:
            params = self._client.here(includedData=data)
            call = self._client.call("getListingsItem", f"read listing {sku}", params=params, sku=sku)
            if answer := await if_there(call, None):
                found, at = [*found, answer[0]], answer[1].at
        return found, at

    def walk(self, data: str, changed: str = "") -> AsyncIterator[tuple[Sequence[Payload], datetime]]:
        """Read all listings (or those changed since), oldest first, each page with the time of its answer.

        The order is that of their making, which no edit disturbs. A search shows a thousand; the next begins where it ended.
        """
        asked = {"sortBy": "createdDate", "sortOrder": "ASC", "lastUpdatedAfter": changed}

        async def fetch(after: str, token: str) -> tuple[list[Payload], datetime, str]:
            payload, response = await self._search(data, **asked, createdAfter=after, pageToken=token)
            return rows(payload, "items"), response.at, text(part(payload, "pagination"), "nextToken")

        return by_search(fetch, lambda item: moment(first(item, "summaries"), "createdDate"), FIRST)

    async def _search(self, data: str, **asked: str) -> Answer:
        params = self._client.here(includedData=data, pageSize=str(PAGE), **asked)
        return await self._client.call("searchListingsItems", "read listings", params=params)

    def _page(self, items: Sequence[Payload], at: datetime) -> Page[Product]:
        sellable = [item for item in items if not is_parent(item)]
        return replace(page_of(sellable, self._read, at, "sku"), levels=numbers(sellable, at).items)
