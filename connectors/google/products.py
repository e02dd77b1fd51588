"""Product inputs written: edits patch, new items are inserted with a version number, deletions delete."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from bridge.contract.errors import NeedsPerson, TryLater
from bridge.contract.ports import ProductEdit, ProductResult
from bridge.domain.catalog import Product
from bridge.domain.surface import Item, products_of
from bridge.wire.batching import Piece, pack
from bridge.wire.surface_edits import draft, new_items, placed, refuse_if
from connectors.google.catalog import Catalog
from connectors.google.client import Client
from connectors.google.judge import verdict
from connectors.google.limits import LIMITS
from connectors.google.mapping import edited, fields_of
from connectors.google.settings import Settings
from connectors.google.stock import patch

__all__ = ["Products"]


class Products:
    """The products port. What is written is shown up to half an hour later, so a product is returned as it will be."""

    def __init__(self, client: Client, catalog: Catalog, settings: Settings) -> None:
        self._client = client
        self._catalog = catalog
        self._settings = settings

    async def edit(self, edits: Sequence[ProductEdit], key: str) -> Sequence[ProductResult]:
        """Write the named fields of each."""
        del key
        drafts = [draft(edit, self._settings.currency) for edit in edits]
        pieces = [(one.item.id, patch(self._client, one.item.id, edited(one))) for each in drafts for one in each.items]
        wrong = await self._carry_out(pieces, "edit products") if pieces else {}
        return [each.result(wrong) for each in drafts]

    async def create(self, product: Product, key: str) -> Product:
        """Insert a product's items, sold out at first; one that has its items already is returned as it is."""
        del key
        items = new_items(product, self._settings.link, self._settings.currency)
        there = await self._catalog.items([one.id for one in items])
        if there:
            found = await self._catalog.get([products_of(there)[0].id])
            return next(iter(found), products_of(there)[0])
        wrong = await self._carry_out([(one.id, self._insert(one, product)) for one in items], "create a product")
        refuse_if(wrong, self._client.where)
        (made,) = products_of(items)
        return made

    async def delete(self, product_id: str) -> None:
        """Delete a product's inputs; gone already is fine."""
        found = await self._catalog.get([product_id])
        query = urlencode({"dataSource": self._client.source})
        base = f"/products/v1/{self._client.account}/productInputs"
        pieces = [
            (own.id, Piece(method="DELETE", path=f"{base}/{self._client.name(own.id)}?{query}"))
            for one in found for own in one.variants
        ]  # fmt: skip
        if pieces:
            await self._carry_out(pieces, "delete a product", gone_is_fine=True)

    async def _carry_out(
        self, pieces: Sequence[tuple[str, Piece]], op: str, *, gone_is_fine: bool = False
    ) -> dict[str, str]:
        """Send them, 100 a call; returns what is wrong with which item. All of these may be sent again."""
        wrong: dict[str, str] = {}
        for start in range(0, len(pieces), LIMITS.stock_batch):
            some = pieces[start : start + LIMITS.stock_batch]
            body = pack([piece for _, piece in some])
            parts, _ = await self._client.batch("products", op, body, len(some), repeatable=True)
            for (sku, _), part in zip(some, parts, strict=True):
                if part.status >= 300 and not (part.status == 404 and gone_is_fine):
                    error = verdict(op, part.status, part.body.get("error") or {})
                    if isinstance(error, TryLater | NeedsPerson):
                        raise self._client.named(error)
                    wrong[sku] = error.what
        return wrong

    def _insert(self, one: Item, product: Product) -> Piece:
        """The version is our time in milliseconds: an insertion that comes late cannot overwrite a newer one."""
        place, named = placed(one, product, self._settings.listing_map)
        body: dict[str, Any] = {
            "offerId": one.id, "contentLanguage": self._settings.language.strip(),
            "feedLabel": self._settings.feed_label.strip(),
            "versionNumber": str(int(self._client.now().timestamp() * 1000)),
            "productAttributes": {**fields_of(one, place, self._settings.brand), **named},
        }  # fmt: skip
        query = urlencode({"dataSource": self._client.source})
        return Piece(method="POST", path=f"/products/v1/{self._client.account}/productInputs:insert?{query}", body=body)
