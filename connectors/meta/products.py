"""Products written: edits, new items and deletions are requests of a batch as well."""

from collections.abc import Sequence
from typing import Any

from bridge.contract.ports import Making, ProductEdit, ProductResult
from bridge.domain.catalog import Product
from bridge.domain.surface import Item, products_of
from bridge.wire.surface_edits import draft, new_items, placed, refuse_if
from connectors.meta.account import Account
from connectors.meta.catalog import Catalog
from connectors.meta.client import Client
from connectors.meta.mapping import delete, edited, fields_of, update
from connectors.meta.settings import Settings
from connectors.meta.stock import Batches

__all__ = ["Products"]

Request = dict[str, Any]


class Products:
    """The products port, and what became of edits and new products that were accepted."""

    def __init__(
        self, client: Client, account: Account, catalog: Catalog, batches: Batches, settings: Settings
    ) -> None:
        self._client = client
        self._account = account
        self._catalog = catalog
        self._batches = batches
        self._settings = settings

    async def edit(self, edits: Sequence[ProductEdit], key: str) -> Sequence[ProductResult]:
        """Have the named fields of each written; what Meta does not refuse at once has the batch's handle for a ticket."""
        del key
        currency = await self._account.currency()
        drafts = [draft(edit, currency) for edit in edits]
        requests = [update(one.item.id, edited(one)) for each in drafts for one in each.items]
        handle, wrong = "", dict[str, str]()
        if requests:
            handle, wrong, _ = await self._batches.send(self._batches.body(requests, upsert=False), "edit products")
        return [each.result(wrong, handle) for each in drafts]

    async def look(self, ticket: str, edits: Sequence[ProductEdit]) -> Sequence[ProductResult] | None:
        """Say what became of each once the batch has ended."""
        ended = await self._batches.problems(ticket)
        if ended is None:
            return None
        currency = await self._account.currency()
        return [draft(edit, currency).result(ended[0]) for edit in edits]

    async def create(self, product: Product, key: str) -> Product | Making:
        """Have a product's items put into the catalogue, sold out at first; one that has its items already is returned as it is."""
        del key
        items = new_items(product, self._settings.link, await self._account.currency())
        there = await self._catalog.items({"retailer_id": {"is_any": [one.id for one in items]}})
        if there:
            return (await self._catalog.get([products_of(there)[0].id]))[0]
        requests = [update(one.id, self._fields(one, product)) for one in items]
        handle, wrong, _ = await self._batches.send(self._batches.body(requests, upsert=True), "create a product")
        refuse_if(wrong, self._client.where)
        (made,) = products_of(items)
        return Making(product=made, ticket=handle)

    async def made(self, ticket: str, product: Product) -> Product | None:
        """Return a new product once its batch has ended; raises Refused with what Meta found wrong."""
        ended = await self._batches.problems(ticket)
        if ended is None:
            return None
        refuse_if(ended[0], self._client.where)
        return next(iter(await self._catalog.get([product.id])), product)

    async def delete(self, product_id: str) -> None:
        """Have a product's items taken out; gone already is fine."""
        found = await self._catalog.get([product_id])
        requests = delete(own.id for one in found for own in one.variants)
        if requests:
            await self._batches.send(self._batches.body(requests, upsert=False), "delete a product")

    def _fields(self, one: Item, product: Product) -> Request:
        place, named = placed(one, product, self._settings.listing_map)
        own = {name.lower().replace(" ", "_"): value for name, value in named.items()}
        return {**fields_of(one, place, self._settings.brand), **own}
