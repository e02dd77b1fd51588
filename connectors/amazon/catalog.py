"""The catalog port: all listings, those that changed, and some by SKU."""

from collections.abc import AsyncIterator, Sequence
from functools import partial

from bridge.contract.feed import Feed, Page
from bridge.domain.catalog import Product
from bridge.wire.feeds import ChangedSince, understood
from bridge.wire.http import Response
from bridge.wire.payload import Payload, sift
from connectors.amazon.client import Client
from connectors.amazon.limits import OVERLAP
from connectors.amazon.listings import ALL_DATA, Listings
from connectors.amazon.mapping import is_parent, level, product

__all__ = ["Catalog"]


class Catalog:
    """Every listing is a product of one variant; its id is its SKU. A deleted one simply is not there: the audit finds it."""

    def __init__(self, client: Client, listings: Listings) -> None:
        self._client = client
        self._listings = listings
        self._read = partial(product, currency=client.currency, fba=client.settings.fba)
        self.changes: Feed[Product] = ChangedSince(self.pages, OVERLAP)

    async def all(self) -> AsyncIterator[Page[Product]]:
        """Read every listing, variation parents left out."""
        async for page in self.pages():
            yield page

    async def get(self, product_ids: Sequence[str]) -> Sequence[Product]:
        """Read these listings now; what is no more is left out. Raises Refused for one that cannot be understood."""
        items, response = await self._listings.named(product_ids, ALL_DATA)
        if response is None:
            return []
        page = self._page(items, response)
        return understood(page.items, page.bad, self._client.where, "look at the listing in Seller Central")

    async def pages(self, changed: str = "") -> AsyncIterator[Page[Product]]:
        """Read all listings, or those that changed since, with the numbers they show."""
        async for items, response in self._listings.walk(ALL_DATA, changed):
            yield self._page(items, response)

    def _page(self, items: Sequence[Payload], response: Response) -> Page[Product]:
        sellable = [item for item in items if not is_parent(item)]
        good, bad = sift(sellable, self._read, "sku")
        levels, _ = sift(sellable, partial(level, at=response.at), "sku")
        return Page(items=tuple(good), bad=tuple(bad), levels=tuple(filter(None, levels)), as_of=response.at)
