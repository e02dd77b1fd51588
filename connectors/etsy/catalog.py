"""The shop's listings in all their states: everything, what changed, and listings by id."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from bridge.contract.feed import Feed, Page
from bridge.domain.catalog import Product
from bridge.wire.api import Params
from bridge.wire.feeds import last_moves, understood
from bridge.wire.http import Response
from bridge.wire.paging import slices
from bridge.wire.payload import Odd, Payload, part, rows, sift, text
from connectors.etsy.client import Client
from connectors.etsy.identity import listing_of
from connectors.etsy.limits import OVERLAP, PAGE, REST
from connectors.etsy.mapping import levels, product, updated

__all__ = ["Catalog", "CatalogChanges"]

# What is on sale is read first: a listing that sells out meanwhile is met again, not missed.
_STATES = ("active", "sold_out", "inactive", "draft", "expired")
_WHOLE: Params = (("includes", "Inventory,Images"),)
_NEWEST: Params = (("sort_on", "updated"), ("sort_order", "desc"))


class Catalog:
    """The catalog port. Its pages carry the numbers."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.changes: Feed[Product] = CatalogChanges(client)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cursor:
    """Epoch seconds: what changed since `at`; `rest` is when the listings that are not on sale were looked through."""

    at: int
    rest: int = 0

    def text(self) -> str:
        return msgspec.json.encode(self).decode()


class CatalogChanges:
    """Listings by `updated_timestamp`, newest first.

    Etsy's lists have no "changed since". `sort_on=updated` is said to work with a search only (specification): where a page comes
    sorted all the same, reading ends with the first one that is older than the cursor; where not, all are read.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def begin(self, at: datetime) -> str:
        """Return the cursor for what changed since this moment."""
        return _Cursor(at=int((at - OVERLAP).timestamp())).text()

    async def since(self, cursor: str) -> AsyncIterator[Page[Product]]:
        """Read what changed. Only the last page moves the cursor."""
        here = msgspec.json.decode(cursor, type=_Cursor)
        # The times of the answers, by Etsy's clock.
        times: list[datetime] = []

        def following(_: datetime) -> str:
            at = max(here.at, int((times[0] - OVERLAP).timestamp()))
            return _Cursor(at=at, rest=int(times[0].timestamp()) if _is_due(here, times[0]) else here.rest).text()

        async for found in last_moves(self._pages(here, times), cursor, following):
            yield found

    async def _pages(self, here: _Cursor, times: list[datetime]) -> AsyncIterator[Page[Product]]:
        """Read pages that show a change, or one that is empty."""
        empty: Page[Product] | None = None
        told = False
        for state in _STATES:
            if state != "active" and not _is_due(here, times[0]):
                break
            async for found, response in self._client.listings(state, (*_WHOLE, *_NEWEST)):
                times.append(response.at)
                made = page([one for one in found if _changed(one) >= here.at], response)
                if made.items + made.bad:
                    told = True
                    yield made
                empty = empty or made
                if _is_over(found, here.at):
                    break
        if empty is not None and not told:
            yield empty


def page(found: Sequence[Payload], response: Response) -> Page[Product]:
    """Read listings, with their numbers and the ones that could not be understood."""
    good, bad = sift(found, product, "listing_id")
    odd = {one.id for one in bad}
    told = [one for one in found if text(one, "listing_id") not in odd]
    numbers = [level for one in told for level in levels(one, part(one, "inventory"), response.at)]
    return Page(items=tuple(good), bad=tuple(bad), levels=tuple(numbers), as_of=response.at)


def _changed(listing: Payload) -> float:
    try:
        return updated(listing).timestamp()
    except Odd:
        return float("inf")


def _is_due(here: _Cursor, now: datetime) -> bool:
    """Tell whether the listings that are not on sale are to be looked through again."""
    return now.timestamp() - here.rest >= REST.total_seconds()


def _is_over(found: Sequence[Payload], at: int) -> bool:
    """Tell whether a page is sorted newest first and has come to what is older than the cursor."""
    times = [_changed(one) for one in found]
    return bool(times) and times == sorted(times, reverse=True) and times[-1] < at
