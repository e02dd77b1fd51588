"""The catalogue: all of it, and items by id. Meta keeps no record of changes, so it is read again."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from bridge.contract.errors import Refused
from bridge.contract.feed import Bad, Feed, Page
from bridge.domain.catalog import Level, Product
from bridge.domain.surface import Item, products_of
from bridge.wire.http import Response
from bridge.wire.payload import Payload, rows, sift
from bridge.wire.surface import ItemPage, Rereading, whole
from connectors.meta.client import Client
from connectors.meta.limits import FIELDS, LIMITS, PAGE
from connectors.meta.mapping import item, level

__all__ = ["Catalog"]

Rule = dict[str, Any]


class Catalog:
    """The catalog port."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.changes: Feed[Product] = Rereading(self.all, client.now)

    def all(self) -> AsyncIterator[Page[Product]]:
        """Read every item, hidden ones too, with their numbers."""
        return whole(self.item_pages())

    async def item_pages(self, rule: Rule | None = None) -> AsyncIterator[ItemPage]:
        """Read pages of items, those that a filter lets through."""
        params: tuple[tuple[str, str], ...] = (("fields", ",".join(FIELDS)), ("limit", str(PAGE)))
        if rule is not None:
            params = (*params, ("filter", msgspec.json.encode(rule).decode()))
        async for payload, response, last in self._client.pages("/products", "read the catalogue", params):
            yield _page(payload, response, last=last)

    async def get(self, product_ids: Sequence[str]) -> Sequence[Product]:
        """Read these products now; an id is a group's or, without one, an item's. Raises Refused for one that is unreadable."""
        found, ids = list[Product](), list(dict.fromkeys(product_ids))
        for start in range(0, len(ids), LIMITS.read_batch):
            some = ids[start : start + LIMITS.read_batch]
            rule = {"or": [{"retailer_product_group_id": {"is_any": some}}, {"retailer_id": {"is_any": some}}]}
            items, page = await self.items(rule)
            found += [one for one in products_of(items, page.at) if one.id in some]
        return found

    async def items(self, rule: Rule) -> tuple[list[Item], ItemPage]:
        """Read the items that a filter lets through, and the last page of them."""
        pages = [page async for page in self.item_pages(rule)]
        if bad := [one for page in pages for one in page.bad]:
            raise Refused(
                f"item {bad[0].id}: {bad[0].reason}",
                where=self._client.where,
                next_step="look at the item in Commerce Manager",
            )
        return [one for page in pages for one in page.items], pages[-1]

    async def levels(self, ids: Sequence[str]) -> list[Level]:
        """Read the numbers of these items; one that is no more is left out."""
        pages = [page async for page in self.item_pages({"retailer_id": {"is_any": list(ids)}})] if ids else []
        return [one for page in pages for one in page.levels]


def _page(payload: Payload, response: Response, *, last: bool) -> ItemPage:
    found = rows(payload, "data")
    items, bad = sift(found, item, name="retailer_id")
    levels, odd = sift(found, lambda one: level(one, response.at), name="retailer_id")
    strange = {one.id for one in bad}
    problems: list[Bad] = [*bad, *(one for one in odd if one.id not in strange)]
    return ItemPage(items=items, levels=levels, bad=problems, at=response.at, last=last)
