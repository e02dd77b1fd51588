"""The shop's listings in all their states: everything, what changed, and listings by id."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from bridge.contract.errors import Refused
from bridge.contract.feed import Feed, Page
from bridge.domain.catalog import Product
from bridge.wire.http import Response
from connectors.etsy.client import Client, Params
from connectors.etsy.identity import listing_of
from connectors.etsy.limits import OVERLAP, PAGE, REST
from connectors.etsy.mapping import levels, product, updated
from connectors.etsy.payload import Odd, Payload, part, rows, sift, text

__all__ = ["STATES", "Catalog", "CatalogChanges"]

# What is on sale is read first: a listing that sells out meanwhile is met again, not missed.
STATES = ("active", "sold_out", "inactive", "draft", "expired")
WHOLE: Params = (("includes", "Inventory,Images"),)


class Catalog:
    """The catalog port. Its pages carry the numbers."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.changes: Feed[Product] = CatalogChanges(client)

    async def all(self) -> AsyncIterator[Page[Product]]:
        """Read every listing; one that changed its state meanwhile comes once."""
        seen: set[str] = set()
        for state in STATES:
            async for found, response in self._client.listings(state, WHOLE):
                fresh = [one for one in found if text(one, "listing_id") not in seen]
                seen.update(text(one, "listing_id") for one in fresh)
                yield page(fresh, response)

    async def get(self, product_ids: Sequence[str]) -> Sequence[Product]:
        """Read these listings now; deleted ones are left out. Raises Refused for one that cannot be understood."""
        good, bad = sift(await self.raw(product_ids), product, "listing_id")
        if bad:
            what, step = f"listing {bad[0].id}: {bad[0].reason}", "look at the listing on Etsy"
            raise Refused(what, where=self._client.where, next_step=step)
        return good

    async def raw(self, product_ids: Sequence[str]) -> list[Payload]:
        """Read listings by id as Etsy gives them, with inventory and images (which no one call has both of)."""
        ids = [one for one in dict.fromkeys(product_ids) if listing_of(one) == one]
        whole: list[Payload] = []
        for start in range(0, len(ids), PAGE):
            some = ids[start : start + PAGE]
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


class CatalogChanges:
    """Listings by `updated_timestamp`, newest first.

    Etsy's lists have no "changed since". `sort_on=updated` is said to work with a search only (specification): where a page comes
    sorted all the same, reading ends with the first one that is older than the cursor; where not, all are read.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def begin(self, at: datetime) -> str:
        """Return the cursor for what changed since this moment."""
        return _text(_Cursor(at=int((at - OVERLAP).timestamp())))

    async def since(self, cursor: str) -> AsyncIterator[Page[Product]]:
        """Read what changed. Only the last page moves the cursor."""
        here = msgspec.json.decode(cursor, type=_Cursor)
        # The page before the last is held back, so that the last one has the new cursor.
        held: Page[Product] | None = None
        first: datetime | None = None
        looked = False
        for state in STATES:
            if state != "active" and first is not None and first.timestamp() - here.rest < REST.total_seconds():
                continue
            looked = looked or state != "active"
            async for found, response in self._client.listings(state, (*WHOLE, *_NEWEST)):
                first = first or response.at
                fresh = [one for one in found if _changed(one) >= here.at]
                if fresh or held is None:
                    if held is not None and held.items + held.bad:
                        yield replace(held, cursor=cursor)
                    held = page(fresh, response)
                if _is_over(found, here.at):
                    break
        assert held is not None
        assert first is not None
        at = max(here.at, int((first - OVERLAP).timestamp()))
        yield replace(held, cursor=_text(_Cursor(at=at, rest=int(first.timestamp()) if looked else here.rest)))


_NEWEST: Params = (("sort_on", "updated"), ("sort_order", "desc"))


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


def _is_over(found: Sequence[Payload], at: int) -> bool:
    """Tell whether a page is sorted newest first and has come to what is older than the cursor."""
    times = [_changed(one) for one in found]
    return bool(times) and times == sorted(times, reverse=True) and times[-1] < at


def _text(cursor: _Cursor) -> str:
    return msgspec.json.encode(cursor).decode()
