"""The catalogue: listed by product-group filters, read by item ids. Pinterest keeps no record of changes, so it is read again."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.contract.errors import Refused
from bridge.contract.feed import Bad, Feed, Page
from bridge.domain.catalog import Level, Product
from bridge.domain.surface import Item, products_of
from bridge.wire.payload import Payload, part, rows, sift, text
from bridge.wire.surface import ItemPage, Rereading, whole
from connectors.pinterest.client import Client
from connectors.pinterest.limits import LIMITS, PAGE
from connectors.pinterest.mapping import is_there, item, level
from connectors.pinterest.settings import Settings

__all__ = ["Catalog"]

Filters = Mapping[str, Any]
# Every item has one of these; a filter is required.
_EVERY: Filters = {"all_of": [{"AVAILABILITY": {"values": ["IN_STOCK", "OUT_OF_STOCK", "PREORDER"]}}]}
_LIST = "/catalogs/products/get_by_product_group_filters"


class Catalog:
    """The catalog port."""

    def __init__(self, client: Client, settings: Settings) -> None:
        self._client = client
        self._place = {"country": settings.country.strip().upper(), "language": settings.language.strip()}
        self._catalog = {"catalog_type": "RETAIL", "catalog_id": settings.catalog_id.strip()}
        self.changes: Feed[Product] = Rereading(self.all, client.now)

    def all(self) -> AsyncIterator[Page[Product]]:
        """Read every item: a page of the list, and what the items of that page are."""
        return whole(self.item_pages(_EVERY))

    async def item_pages(self, filters: Filters = _EVERY) -> AsyncIterator[ItemPage]:
        """Read pages of items, those that a filter lets through."""
        body = {
            **self._catalog,
            "country": self._place["country"],
            "locale": self._place["language"],
            "filters": filters,
        }
        async for payload, response, last in self._client.pages(_LIST, "list the catalogue", body, PAGE):
            ids = [text(part(row, "metadata"), "item_id") for row in rows(payload, "items")]
            found, at = await self._read(ids) if ids else ([], response.at)
            yield _page(found, at, last=last)

    async def get(self, product_ids: Sequence[str]) -> Sequence[Product]:
        """Read these products now; an id is a group's or, without one, an item's. Raises Refused for one that is unreadable."""
        ids = list(dict.fromkeys(product_ids))
        if not ids:
            return []
        items = await self.items(ids)
        if any(one.group for one in items) or len(items) < len(ids):
            pages = [page async for page in self.item_pages({"all_of": [{"ITEM_GROUP_ID": {"values": ids}}]})]
            self._readable([one for page in pages for one in page.bad])
            items = [*(one for one in items if not one.group), *(one for page in pages for one in page.items)]
        return [one for one in products_of(items) if one.id in ids]

    async def items(self, ids: Sequence[str]) -> list[Item]:
        """Read these items now; one that is no more is left out."""
        found, at = await self._read(ids)
        page = _page(found, at, last=True)
        self._readable(page.bad)
        return list(page.items)

    async def levels(self, ids: Sequence[str]) -> list[Level]:
        """Read whether these items can be had; one that is no more is left out."""
        found, at = await self._read(ids) if ids else ([], self._client.now())
        return [level(row, at) for row in found]

    async def currency(self) -> str:
        """Return the currency of the first item, "" for an empty catalogue."""
        body = {
            **self._catalog,
            "country": self._place["country"],
            "locale": self._place["language"],
            "filters": _EVERY,
        }
        payload, _ = await self._client.post(_LIST, "read the currency", body, (("page_size", "1"),))
        return next((text(part(row, "metadata"), "currency") for row in rows(payload, "items")), "")

    def batch(self, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Write a batch of operations on this catalogue down."""
        return {**self._catalog, **self._place, "items": items}

    async def _read(self, ids: Sequence[str]) -> tuple[list[Payload], datetime]:
        found: list[Payload] = []
        at = self._client.now()
        for start in range(0, len(ids), LIMITS.read_batch):
            some = {**self._catalog, "item_ids": list(ids[start : start + LIMITS.read_batch])}
            payload, response = await self._client.post(
                "/catalogs/items", "read items", {**self._place, "filters": some}
            )
            found += [row for row in rows(payload, "items") if is_there(row)]
            at = response.at
        return found, at

    def _readable(self, bad: Sequence[Bad]) -> None:
        if bad:
            step = "look at the item in Pinterest's catalogue"
            raise Refused(f"item {bad[0].id}: {bad[0].reason}", where=self._client.where, next_step=step)


def _page(found: Sequence[Payload], at: datetime, *, last: bool) -> ItemPage:
    items, bad = sift(found, item, name="item_id")
    return ItemPage(items=items, levels=[level(row, at) for row in found], bad=bad, at=at, last=last)
