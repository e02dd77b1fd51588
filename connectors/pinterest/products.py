"""Products written: edits, new items and deletions are operations of a batch as well."""

from collections.abc import Sequence
from typing import Any

from bridge.contract.errors import TryLater
from bridge.contract.ports import Making, ProductEdit, ProductResult
from bridge.domain.catalog import Product
from bridge.domain.surface import Item, products_of
from bridge.wire.surface_edits import draft, new_items, placed, refuse_if
from connectors.pinterest.account import Account
from connectors.pinterest.catalog import Catalog
from connectors.pinterest.client import Client
from connectors.pinterest.mapping import edited, fields_of
from connectors.pinterest.settings import Settings
from connectors.pinterest.stock import Batches, update

__all__ = ["Products"]

# UPDATE takes no pictures, and UPSERT is closed to catalogues with a feed (API description 5.23.0); an item cannot be hidden.
_NEVER = ("images", "status")


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
        """Have the named fields of each written: the batch's id is their ticket."""
        del key
        currency = await self._account.currency()
        drafts = [draft(edit, currency, never=_NEVER) for edit in edits]
        at = self._now()
        operations = [
            update(one.item.id, {**edited(one), "last_updated_time": at}) for each in drafts for one in each.items
        ]
        # A batch that is skipped as the same again has no ticket: it was taken in a short while ago.
        ticket = (await self._batches.send(self._batches.body(operations), "edit products"))[0] if operations else ""
        return [each.result({}, ticket) for each in drafts]

    async def look(self, ticket: str, edits: Sequence[ProductEdit]) -> Sequence[ProductResult] | None:
        """Say what became of each once the batch has ended."""
        ended = await self._batches.problems(ticket)
        if ended is None:
            return None
        currency = await self._account.currency()
        return [draft(edit, currency, never=_NEVER).result(ended[0]) for edit in edits]

    async def create(self, product: Product, key: str) -> Product | Making:
        """Have a product's items put into the catalogue, sold out at first; one that has its items already is returned as it is."""
        del key
        items = new_items(product, self._settings.link, await self._account.currency())
        there = await self._catalog.items([one.id for one in items])
        if there:
            return (await self._catalog.get([products_of(there)[0].id]))[0]
        operations = [
            {"operation": "CREATE", "item_id": one.id, "attributes": self._fields(one, product)} for one in items
        ]
        ticket, _ = await self._batches.send(self._batches.body(operations), "create a product")
        if not ticket:
            what = "create a product: Pinterest skipped the batch as one that it had a short while ago"
            raise TryLater(what, where=self._client.where, maybe_applied=True)
        (made,) = products_of(items)
        return Making(product=made, ticket=ticket)

    async def made(self, ticket: str, product: Product) -> Product | None:
        """Return a new product once its batch has ended; raises Refused with what Pinterest found wrong."""
        ended = await self._batches.problems(ticket)
        if ended is None:
            return None
        refuse_if(ended[0], self._client.where)
        return next(iter(await self._catalog.get([product.id])), product)

    async def delete(self, product_id: str) -> None:
        """Have a product's items taken out; gone already is fine."""
        found, at = await self._catalog.get([product_id]), self._now()
        operations = [
            {"operation": "DELETE", "item_id": own.id, "last_updated_time": at} for one in found for own in one.variants
        ]
        if operations:
            await self._batches.send(self._batches.body(operations), "delete a product")

    def _fields(self, one: Item, product: Product) -> dict[str, Any]:
        place, named = placed(one, product, self._settings.listing_map)
        own = {name.lower().replace(" ", "_"): value for name, value in named.items()}
        return {**fields_of(one, place), **own, "last_updated_time": self._now()}

    def _now(self) -> int:
        return int(self._client.now().timestamp() * 1000)
