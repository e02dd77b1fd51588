"""The item library: everything, what changed, and items by id."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from functools import partial

from bridge.contract.errors import Refused
from bridge.contract.feed import Bad, Feed, Page
from bridge.domain.catalog import Product
from connectors.square.client import Client
from connectors.square.limits import CATALOG_BATCH, OVERLAP, PAGE
from connectors.square.mapping import parent_of, product, related, tombstone
from connectors.square.payload import Payload, rows, sift, stamp, text

__all__ = ["Catalog", "CatalogChanges"]

_SEARCH = "/v2/catalog/search"


class Catalog:
    """The catalog port."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.changes: Feed[Product] = CatalogChanges(client, self)

    async def all(self) -> AsyncIterator[Page[Product]]:
        """Read every item with its variations and images, archived ones included.

        SearchCatalogObjects instead of ListCatalog: only it brings the images of the items of a page along.
        """
        body = {"object_types": ["ITEM"], "include_related_objects": True, "limit": PAGE}
        async for payload, response, _ in self._client.pages(_SEARCH, "read the catalog", body):
            good, bad = sift(rows(payload, "objects"), partial(product, others=related(payload)))
            yield Page(items=tuple(good), bad=tuple(bad), as_of=response.at)

    async def get(self, product_ids: Sequence[str]) -> Sequence[Product]:
        """Read these items now; deleted ones are left out. Raises Refused for one that cannot be understood."""
        good, bad = await self.read(product_ids)
        if bad:
            raise Refused(
                f"item {bad[0].id}: {bad[0].reason}",
                where=self._client.where,
                next_step="look at the item in the Square Dashboard",
            )
        return good

    async def read(self, product_ids: Iterable[str]) -> tuple[list[Product], list[Bad]]:
        """Read items by id, with the ones that could not be understood set aside."""
        ids, good, bad = list(dict.fromkeys(product_ids)), list[Product](), list[Bad]()
        for start in range(0, len(ids), CATALOG_BATCH):
            body = {"object_ids": ids[start : start + CATALOG_BATCH], "include_related_objects": True}
            payload, _ = await self._client.post("/v2/catalog/batch-retrieve", "read items", body)
            items = [found for found in rows(payload, "objects") if text(found, "type") == "ITEM"]
            fine, odd = sift(items, partial(product, others=related(payload)))
            good += fine
            bad += odd
        return good, bad


class CatalogChanges:
    """Items that changed, deleted ones as tombstones.

    A change of a variation gives a new version and `updated_at` to the variation only
    (developer.squareup.com/docs/catalog-api/webhooks: "the mutated object gets the new version number, while unmutated
    objects keep" theirs), so variations are searched too and their items read.
    """

    def __init__(self, client: Client, catalog: Catalog) -> None:
        self._client = client
        self._catalog = catalog

    def begin(self, at: datetime) -> str:
        """Return the cursor for what changed since this moment."""
        return stamp(at - OVERLAP)

    async def since(self, cursor: str) -> AsyncIterator[Page[Product]]:
        """Read what changed. The result has no promised order, so only the last page moves the cursor."""
        body = {
            "object_types": ["ITEM", "ITEM_VARIATION"],
            "begin_time": cursor,
            "include_deleted_objects": True,
            "include_related_objects": True,
            "limit": PAGE,
        }
        following = ""
        async for payload, response, last in self._client.pages(_SEARCH, "read catalog changes", body):
            following = following or max(cursor, stamp(response.at - OVERLAP))
            items, bad = await self._page(payload)
            yield Page(items=items, bad=bad, as_of=response.at, cursor=following if last else cursor)

    async def _page(self, payload: Payload) -> tuple[tuple[Product, ...], tuple[Bad, ...]]:
        others, found = related(payload), rows(payload, "objects")
        items = [entry for entry in found if text(entry, "type") == "ITEM"]
        good, bad = sift(items, lambda item: tombstone(item) if item.get("is_deleted") else product(item, others))
        variations = [entry for entry in found if text(entry, "type") == "ITEM_VARIATION"]
        parents, orphans = sift(variations, parent_of)
        present = {text(item, "id") for item in items}
        more, odd = await self._catalog.read(parent for parent in parents if parent not in present)
        return (*good, *more), (*bad, *orphans, *odd)
