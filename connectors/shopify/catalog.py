"""Products: the whole list, what changed, and single ones."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from bridge.contract.errors import Refused
from bridge.contract.feed import Feed, Page
from bridge.domain.catalog import Product
from bridge.wire.paging import by_cursor
from connectors.shopify import feeds
from connectors.shopify.documents import ALL_PRODUCTS, PRODUCTS, PRODUCTS_BY_ID, Operation
from connectors.shopify.limits import MAX_COST
from connectors.shopify.mapping import gid, products
from connectors.shopify.shop import Shop, after

__all__ = ["Catalog"]

# The schema's table of filters gives "active" as the default of `status`, so all of them are named.
_ANY_STATUS = "status:active,archived,draft,unlisted"


class Catalog:
    """The catalog port. `changes` is the port's feed, which is this object too."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.changes: Feed[Product] = self

    def begin(self, at: datetime) -> str:
        """Return the cursor for everything changed since `at`."""
        return feeds.begin(at)

    async def since(self, cursor: str) -> AsyncIterator[Page[Product]]:
        """Read what changed. An order's stock movement counts as a change of its product (Product.updatedAt, 2026-10)."""
        async for page, last in self._pages(PRODUCTS, f"{feeds.changed_since(cursor)} {_ANY_STATUS}"):
            newest = max((item.updated_at for item in page.items), default=None)
            cursor = feeds.advance(cursor, newest, page.as_of, last=last)
            yield Page(items=page.items, bad=page.bad, as_of=page.as_of, cursor=cursor)

    async def all(self) -> AsyncIterator[Page[Product]]:
        """Read every product, drafts and archived ones included."""
        async for page, _ in self._pages(ALL_PRODUCTS, _ANY_STATUS):
            yield page

    async def get(self, product_ids: Sequence[str]) -> Sequence[Product]:
        """Read these products now; one that is no more is left out."""
        each = PRODUCTS_BY_ID.cost
        size = MAX_COST // each
        found: list[Product] = []
        for start in range(0, len(product_ids), size):
            ids = [gid("Product", number) for number in product_ids[start : start + size]]
            # Recorded calls pay `nodes` once, however many ids; the budget is asked for the worst case.
            answer = await self._shop.ask(PRODUCTS_BY_ID, {"ids": ids}, cost=each * len(ids))
            found += await self.read(answer.data["nodes"], answer.data["shop"]["currencyCode"])
        return found

    async def read(self, nodes: Sequence[dict[str, Any] | None], currency: str) -> Sequence[Product]:
        """Turn nodes of a reply into products; raises Refused for one that cannot be understood."""
        present = [node for node in nodes if node]
        await self._shop.complete("Product", present)
        good, bad = products(present, currency)
        if bad:
            raise Refused(
                f"product {bad[0].id} cannot be understood: {bad[0].reason}",
                where=self._shop.http.where,
                next_step="open it in the shop's admin and mend what is named",
            )
        return good

    async def _pages(self, operation: Operation, query: str) -> AsyncIterator[tuple[Page[Product], bool]]:
        """Yield pages, and whether each is the last."""

        async def fetch(cursor: str | None) -> tuple[tuple[Page[Product], bool], str | None]:
            answer = await self._shop.ask(operation, {"query": query, "after": cursor})
            found = answer.data["products"]
            await self._shop.complete("Product", found["nodes"])
            good, bad = products(found["nodes"], answer.data["shop"]["currencyCode"])
            following = after(found)
            return (Page(items=good, bad=bad, as_of=answer.at), not following), following

        async for pair in by_cursor(fetch):
            yield pair
