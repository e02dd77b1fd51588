"""The shop's listings in all their states: everything, what changed, and listings by id."""

from collections.abc import AsyncIterator, Sequence

from bridge.contract.feed import Feed, Page
from bridge.domain.catalog import Level, Product
from bridge.wire.api import Params
from bridge.wire.feeds import understood
from bridge.wire.http import Response
from bridge.wire.newest_first import NewestFirst
from bridge.wire.paging import slices
from bridge.wire.payload import Payload, part, rows, sift, text
from connectors.etsy.client import Client
from connectors.etsy.limits import OVERLAP, PAGE, REST
from connectors.etsy.mapping import Record, changed, levels, listing_of, product

__all__ = ["Catalog"]

# What is on sale is read first: a listing that sells out meanwhile is met again, not missed.
_STATES = ("active", "sold_out", "inactive", "draft", "expired")
_IMAGES: Params = (("includes", "Images"),)
_WHOLE: Params = (("includes", "Inventory,Images"),)
_NEWEST: Params = (("sort_on", "updated"), ("sort_order", "desc"))


class Catalog:
    """The catalog port. Its pages carry the numbers."""

    def __init__(self, client: Client) -> None:
        self._client = client
        # Etsy's lists have no "changed since".
        self.changes: Feed[Product] = NewestFirst(_STATES, self._newest, page, changed, overlap=OVERLAP, rest=REST)

    async def all(self) -> AsyncIterator[Page[Product]]:
        """Read every listing."""
        async for found, response in self.walk(_WHOLE):
            yield page(found, response)

    async def walk(self, params: Params = ()) -> AsyncIterator[tuple[list[Payload], Response]]:
        """Read the listings of all states as Etsy gives them; one that changed its state meanwhile comes once."""
        seen: set[str] = set()
        for state in _STATES:
            async for found, response in self._client.listings(state, params):
                yield [one for one in found if text(one, "listing_id") not in seen], response
                seen.update(text(one, "listing_id") for one in found)

    async def get(self, product_ids: Sequence[str]) -> Sequence[Product]:
        """Read these listings now; deleted ones are left out. Raises Refused for one that cannot be understood."""
        found = sift(await self.raw(product_ids), product, "listing_id")
        return understood(*found, self._client.where, "look at the listing on Etsy")

    async def raw(self, product_ids: Sequence[str]) -> list[Payload]:
        """Read listings by id as Etsy gives them, with inventory and images (which no one call has both of)."""
        ids = [one for one in dict.fromkeys(product_ids) if listing_of(one) == one]
        whole: list[Payload] = []
        for some in slices(ids, PAGE):
            alive = await self._client.batch("listings/batch/inventory", "read listings", some)
            found = {text(one, "listing_id"): one for one, _ in alive}
            if found:
                shown = await self._client.batch("listings/batch", "read images", list(found), _IMAGES)
                images = {text(one, "listing_id"): rows(one, "images") for one, _ in shown}
                whole += [{**one, "images": images.get(name, [])} for name, one in found.items()]
        return whole

    def _newest(self, state: str) -> AsyncIterator[tuple[list[Payload], Response]]:
        # `sort_on=updated` is said to work with a search only (specification).
        return self._client.listings(state, (*_WHOLE, *_NEWEST))


def page(found: Sequence[Payload], response: Response) -> Page[Product]:
    """Read listings, with their numbers and the ones that could not be understood."""

    def read(listing: Payload) -> tuple[Product, list[Level]]:
        record = Record(listing=listing, inventory=part(listing, "inventory"), at=response.at)
        return product(listing), levels(record)

    good, bad = sift(found, read, "listing_id")
    numbers = tuple(level for _, some in good for level in some)
    return Page(items=tuple(one for one, _ in good), bad=tuple(bad), levels=numbers, as_of=response.at)
