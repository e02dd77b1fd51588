"""The processed products: all of them, and by id. The API keeps no record of changes, so they are read again."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from bridge.contract.errors import Refused
from bridge.contract.feed import Bad, Feed, Page
from bridge.domain.catalog import Level, Product, StockKey
from bridge.domain.surface import Item, products_of
from bridge.wire.payload import Payload, rows, sift, text
from bridge.wire.surface import ItemPage, Rereading, whole
from connectors.google.batching import Part, Piece
from connectors.google.client import Client
from connectors.google.judge import verdict
from connectors.google.limits import LIMITS, ONLINE, PAGE
from connectors.google.mapping import item, level, store_level

__all__ = ["Catalog"]


class Catalog:
    """The catalog port. `stores` are the store codes whose numbers are read along."""

    def __init__(self, client: Client, stores: Sequence[str]) -> None:
        self._client = client
        self._stores = tuple(stores)
        self.changes: Feed[Product] = Rereading(self.all, client.now)

    def all(self) -> AsyncIterator[Page[Product]]:
        """Read every product, paused ones too, with its numbers."""
        return whole(self.item_pages())

    async def item_pages(self) -> AsyncIterator[ItemPage]:
        """Read pages of products."""
        path = f"products/v1/{self._client.account}/products"
        async for payload, response, last in self._client.pages(path, "read the products", PAGE):
            found = rows(payload, "products")
            page = _page(found, response.at, last=last)
            yield page if not self._stores else await self._with_stores(page)

    async def get(self, product_ids: Sequence[str]) -> Sequence[Product]:
        """Read these products now; an id is a group's or, without one, an item's.

        The API knows no groups: an id that is no item's is looked for in the whole list. Raises Refused for one that is unreadable.
        """
        ids = list(dict.fromkeys(product_ids))
        items, at = await self.items(ids)
        singles = [one for one in items if not one.group]
        if len(singles) < len(ids):
            pages = [page async for page in whole(self.item_pages())]
            return [one for page in pages for one in page.items if one.id in ids]
        return products_of(singles, at)

    async def items(self, ids: Sequence[str]) -> tuple[list[Item], datetime]:
        """Read these items now; one that is no more is left out."""
        found, at = await self._read(ids)
        items, bad = sift(found, item, name="offerId")
        if bad:
            step = "look at the product in Merchant Center"
            raise Refused(f"item {bad[0].id}: {bad[0].reason}", where=self._client.where, next_step=step)
        return items, at

    async def levels(self, keys: Sequence[StockKey]) -> list[Level]:
        """Read these numbers now; one that is no more is left out."""
        online = [key.stock_id for key in keys if key.location == ONLINE]
        found, at = await self._read(online)
        local = [key.stock_id for key in keys if key.location != ONLINE]
        return [*(level(row, at) for row in found), *(await self._stores_of(list(dict.fromkeys(local))))]

    async def _read(self, ids: Sequence[str]) -> tuple[list[Payload], datetime]:
        found: list[Payload] = []
        at = self._client.now()
        for start in range(0, len(ids), LIMITS.read_batch):
            some = ids[start : start + LIMITS.read_batch]
            paths = [f"/products/v1/{self._client.account}/products/{self._client.name(sku)}" for sku in some]
            pieces = [Piece(method="GET", path=path) for path in paths]
            parts, at = await self._client.together("products", "read products", pieces)
            found += self._there(parts, "read products")
        return found, at

    async def _with_stores(self, page: ItemPage) -> ItemPage:
        local = await self._stores_of([one.id for one in page.items])
        return ItemPage(items=page.items, levels=[*page.levels, *local], bad=page.bad, at=page.at, last=page.last)

    async def _stores_of(self, ids: Sequence[str]) -> list[Level]:
        """Read what the stores have of these items; a store that has no entry for one has no number."""
        found: list[Level] = []
        for start in range(0, len(ids), LIMITS.read_batch):
            some = ids[start : start + LIMITS.read_batch]
            base = f"/inventories/v1/{self._client.account}/products"
            pieces = [
                Piece(method="GET", path=f"{base}/{self._client.name(sku)}/localInventories?pageSize=1000")
                for sku in some
            ]
            parts, at = await self._client.together("inventories", "read local inventory", pieces)
            for sku, payload in zip(some, parts, strict=True):
                entries = rows(payload.body, "localInventories") if payload.status < 300 else []
                known = {text(one, "storeCode"): one for one in entries}
                found += [
                    store_level(sku, known.get(store, {"storeCode": store}), at)
                    for store in self._stores if payload.status < 300
                ]  # fmt: skip
        return found

    def _there(self, parts: Sequence[Part], op: str) -> list[Payload]:
        found = []
        for one in parts:
            if one.status < 300:
                found.append(one.body)
            elif one.status != 404:
                error = verdict(op, one.status, one.body.get("error") or {})
                error.where = self._client.where
                raise error
        return found


def _page(found: Sequence[Payload], at: datetime, *, last: bool) -> ItemPage:
    items, bad = sift(found, item, name="offerId")
    levels, odd = sift(found, lambda row: level(row, at), name="offerId")
    strange = {one.id for one in bad}
    problems: list[Bad] = [*bad, *(one for one in odd if one.id not in strange)]
    return ItemPage(items=items, levels=levels, bad=problems, at=at, last=last)
