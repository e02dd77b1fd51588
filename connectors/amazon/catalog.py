"""The catalog port: all listings, those that changed, and some by SKU."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from bridge.contract.errors import Refused
from bridge.contract.feed import Feed, Page
from bridge.domain.catalog import Level, Product
from bridge.wire.http import Response
from connectors.amazon.client import Client
from connectors.amazon.limits import MARKETPLACES, OVERLAP
from connectors.amazon.listings import ALL_DATA, Listings
from connectors.amazon.mapping import is_parent, level, product
from connectors.amazon.payload import Payload, sift, stamp

__all__ = ["Catalog", "CatalogChanges"]


class Catalog:
    """Every listing is a product of one variant; its id is its SKU."""

    def __init__(self, client: Client, listings: Listings) -> None:
        self._client = client
        self._listings = listings
        self.changes: Feed[Product] = CatalogChanges(self, listings)

    async def all(self) -> AsyncIterator[Page[Product]]:
        """Read every listing, variation parents left out."""
        async for items, response, _ in self._listings.walk(ALL_DATA):
            yield self.page(items, response)

    async def get(self, product_ids: Sequence[str]) -> Sequence[Product]:
        """Read these listings now; what is no more is left out. Raises Refused for one that cannot be understood."""
        items, response = await self._listings.named(product_ids, ALL_DATA)
        if response is None:
            return []
        page = self.page(items, response)
        if page.bad:
            what = f"listing {page.bad[0].id}: {page.bad[0].reason}"
            raise Refused(what, where=self._client.where, next_step="look at the listing in Seller Central")
        return page.items

    def page(self, items: list[Payload], response: Response, cursor: str = "") -> Page[Product]:
        """Read a page of listings, with the numbers they show."""
        sellable = [item for item in items if not is_parent(item)]
        good, bad = sift(sellable, self._read, "sku")
        levels, _ = sift(sellable, lambda item: level(item, response.at), "sku")
        known = tuple(found for found in levels if isinstance(found, Level))
        return Page(items=tuple(good), bad=tuple(bad), levels=known, as_of=response.at, cursor=cursor)

    def _read(self, item: Payload) -> Product:
        currency = MARKETPLACES.get(self._client.market, ("USD", ""))[0]
        return product(item, currency, fba=self._client.settings.fba)


class CatalogChanges:
    """Listings by `lastUpdatedAfter`. A deleted one simply is not there: the audit finds it."""

    def __init__(self, catalog: Catalog, listings: Listings) -> None:
        self._catalog = catalog
        self._listings = listings

    def begin(self, at: datetime) -> str:
        """Return the cursor for what changed since this moment."""
        return stamp(at - OVERLAP)

    async def since(self, cursor: str) -> AsyncIterator[Page[Product]]:
        """Read what changed. A page is no place to go on from, so only the last moves the cursor."""
        following = ""
        async for items, response, last in self._listings.walk(ALL_DATA, cursor):
            following = following or max(cursor, stamp(response.at - OVERLAP))
            yield self._catalog.page(items, response, following if last else cursor)
