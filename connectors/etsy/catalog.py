"""The shop's listings in all their states: everything, what changed, and listings by id."""

from collections.abc import AsyncIterator, Sequence

from bridge.contract.feed import Feed, Page
from bridge.domain.catalog import Product
from bridge.wire.api import Params
from bridge.wire.feeds import understood
from bridge.wire.http import Response
from bridge.wire.newest_first import NewestFirst
from bridge.wire.paging import slices
from bridge.wire.payload import Payload, part, rows, sift, text
from connectors.etsy.client import Client
from connectors.etsy.identity import listing_of
from connectors.etsy.limits import OVERLAP, PAGE, REST
from connectors.etsy.mapping import levels, product, updated

__all__ = ["Catalog"]

# What is on sale is read first: a listing that sells out meanwhile is met again, not missed.
_STATES = ("active", "sold_out", "inactive", "draft", "expired")
_WHOLE: Params = (("includes", "Inventory,Images"),)
_NEWEST: Params = (("sort_on", "updated"), ("sort_order", "desc"))


class Catalog:
    """The catalog port. Its pages carry the numbers."""

    def __init__(self, client: Client) -> None:
        self._client = client
        # Etsy's lists have no "changed since", and `sort_on=updated` is said to work with a search only (specification).
        self.changes: Feed[Product] = NewestFirst(
            _STATES,
            lambda state: client.listings(state, (*_WHOLE, *_NEWEST)),
            page,
            updated,
            overlap=OVERLAP,
            rest=REST,
        )

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
        good, bad = sift(await self.raw(product_ids), product, "listing_id")
        return understood(good, bad, self._client.where, "look at the listing on Etsy")

    async def raw(self, product_ids: Sequence[str]) -> list[Payload]:
        """Read listings by id as Etsy gives them, with inventory and images (which no one call has both of)."""
        ids = [one for one in dict.fromkeys(product_ids) if listing_of(one) == one]
        whole: list[Payload] = []
        for some in slices(ids, PAGE):
            found = [one for one, _ in await self._client.batch("listings/batch/inventory", "read listings", some)]
            alive = [text(one, "listing_id") for one in found]
            if alive:
                shown = await self._client.batch("listings/batch", "read images", alive, (("includes", "Images"),))
                images = {text(one, "listing_id"): rows(one, "images") for one, _ in shown}
                whole += [{**one, "images": images.get(text(one, "listing_id"), [])} for one in found]
        return whole


def page(found: Sequence[Payload], response: Response) -> Page[Product]:
    """Read listings, with their numbers and the ones that could not be understood."""
    good, bad = sift(found, product, "listing_id")
    odd = {one.id for one in bad}
    told = [one for one in found if text(one, "listing_id") not in odd]
    numbers = [level for one in told for level in levels(one, part(one, "inventory"), response.at)]
    return Page(items=tuple(good), bad=tuple(bad), levels=tuple(numbers), as_of=response.at)
