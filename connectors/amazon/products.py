"""The products port, and the preview: listings are patched, made by the merchant's map, and deleted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge.contract.errors import Refused
from bridge.contract.ports import ProductEdit, ProductResult
from bridge.domain.catalog import Product, Variant
from bridge.domain.listing_map import aspects
from bridge.domain.money import Money
from bridge.wire.api import if_there
from bridge.wire.product_edits import applied, check, fields_of, only, outcome_of, place_of
from bridge.wire.read_back import edit_ticket
from connectors.amazon.catalog import Catalog
from connectors.amazon.client import Client
from connectors.amazon.judge import errors_of, said
from connectors.amazon.limits import DEFAULT
from connectors.amazon.mapping import BARCODE, IMAGES

__all__ = ["Products"]

_CANNOT = {
    "status": "a listing is closed in Seller Central only",
    "sku": "a SKU is the listing's name at Amazon",
    "compare_at": "Amazon has discounts with a start and an end instead",
    "weight_grams": "what a listing says of its weight differs by product type",
}
_BARCODES = {8: "gtin", 12: "upc", 13: "ean", 14: "gtin"}
Rows = list[dict[str, object]]
Attributes = dict[str, Rows]


class Products:
    """A listing is written attribute by attribute. What Amazon accepts it shows minutes later: an edit is a ticket."""

    def __init__(self, client: Client, catalog: Catalog) -> None:
        self._client = client
        self._catalog = catalog

    async def edit(self, edits: Sequence[ProductEdit], key: str) -> Sequence[ProductResult]:
        """Patch one listing each; what is accepted has a ticket."""
        del key
        return [await outcome_of(edit, self._edited) for edit in edits]

    async def create(self, product: Product, key: str) -> Product:
        """Make a listing for every variant, with no units on offer; one that is there already is left as it is."""
        del key
        bodies = {variant.sku or "": self._listing(product, variant) for variant in product.variants}
        if not bodies:
            self._client.refuse(f"{product.title}: a product without a variant cannot be listed")
        there = {one.id: one for one in await self._catalog.get(list(bodies))}
        for sku, body in bodies.items():
            if sku not in there:
                await self._client.submit("putListingsItem", f"list {sku}", sku, body)
        first = next(iter(bodies))
        made = [there[first]] if first in there else await self._catalog.get([first])
        return made[0] if made else _as_listed(product, product.variants[0])

    async def delete(self, product_id: str) -> None:
        """Delete the listing; gone already is fine."""
        here, op = self._client.here(), f"delete listing {product_id}"
        await if_there(self._client.call("deleteListingsItem", op, params=here, sku=product_id), None)

    async def problems(self, product: Product) -> Sequence[str]:
        """Say what keeps a product from being listed: our map first, then what Amazon finds in a whole listing that is not made."""
        found: list[str] = []
        for variant in product.variants:
            try:
                body = self._listing(product, variant)
            except Refused as error:
                return [f"{error.what}: {error.next_step or 'give it one'}"]
            sku, params = variant.sku or "", self._client.here(mode="VALIDATION_PREVIEW")
            payload, _ = await self._client.call("putListingsItem", f"list {sku}", params=params, body=body, sku=sku)
            found += [f"{sku}: {said(issue)}" for issue in errors_of(payload)]
        return list(dict.fromkeys(found))

    def _listing(self, product: Product, variant: Variant) -> dict[str, object]:
        """Return the body of a new listing; raises Refused where the merchant's map has no place for it."""
        place = place_of(product, self._client.settings.listing_map, self._client.where)
        if not variant.sku or variant.price is None:
            self._client.refuse(f"{product.title}: a listing needs a SKU and a price")
        told = {"title": _title(product, variant), "description": product.description, "images": product.images}
        attributes: Attributes = {
            **self._attributes({**told, "price": variant.price, "barcode": variant.barcode}),
            "condition_type": self._rows("new_new"),
            "fulfillment_availability": [{"fulfillment_channel_code": DEFAULT, "quantity": 0}],
            **{name: self._rows(value) for name, value in aspects(place, variant).items()},
        }
        given = {name: rows for name, rows in attributes.items() if rows}
        return {"productType": place.id, "requirements": "LISTING", "attributes": given}

    async def _edited(self, edit: ProductEdit) -> Product | ProductResult:
        """Patch a listing; the result says how it will be, and has the ticket."""
        sku = edit.current.id
        prices = [one.price for one in edit.current.variants if one.price]
        check(edit, _CANNOT, currency=prices[0].currency if prices else "", least=0)
        # Amazon accepts a patch of a listing that is no more, and nothing comes of it.
        there = only(await self._catalog.get([sku]), sku, self._client.where)
        patches = self._patches(edit)
        if not patches:
            return edit.current
        body = {"productType": there.extra.get("product_type") or "PRODUCT", "patches": patches}
        await self._client.submit("patchListingsItem", f"edit listing {sku}", sku, body, repeatable=True)
        return ProductResult(id=sku, product=applied(edit), ticket=edit_ticket(self._client.now(), edit))

    def _patches(self, edit: ProductEdit) -> list[dict[str, Any]]:
        fields = fields_of(edit)
        had = IMAGES[: len(edit.current.images)] if "images" in fields else ()
        wanted = {**{name: [] for name in had}, **self._attributes(fields)}
        return [
            {"op": "replace" if rows else "delete", "path": f"/attributes/{name}", **({"value": rows} if rows else {})}
            for name, rows in wanted.items()
        ]

    def _attributes(self, fields: Mapping[str, Any]) -> Attributes:
        """Write fields of ours as Amazon's attributes; one that is empty has no rows."""
        written: dict[str, tuple[str, Callable[[Any], Rows]]] = {
            "title": ("item_name", self._rows),
            "description": ("product_description", self._rows),
            "price": ("purchasable_offer", self._offer),
            "barcode": (BARCODE, _barcode),
        }
        mine = ((fields[field], *how) for field, how in written.items() if field in fields)
        market, images = self._client.market, zip(IMAGES, fields.get("images", ()), strict=False)
        return {
            **{name: write(value) if value else [] for value, name, write in mine},
            **{name: [{"media_location": url, "marketplace_id": market}] for name, url in images},
        }

    def _rows(self, told: object) -> Rows:
        return [{"value": told, "marketplace_id": self._client.market}]

    def _offer(self, price: Money) -> Rows:
        # A JSON number of that many digits is exact both ways; Amazon refuses the price as a text.
        amount = int(price.decimal) if "." not in price.decimal else float(price.decimal)
        offer = {"marketplace_id": self._client.market, "audience": "ALL", "currency": price.currency}
        return [{**offer, "our_price": [{"schedule": [{"value_with_tax": amount}]}]}]


def _as_listed(product: Product, variant: Variant) -> Product:
    """Return a new listing as it will be read, while Amazon is still making it."""
    sku = variant.sku or ""
    own = replace(variant, id=sku, stock_id=sku, options=())
    return replace(product, id=sku, variants=(own,), version=None, extra={})


def _title(product: Product, variant: Variant) -> str:
    told = " ".join(value for _, value in variant.options)
    return f"{product.title} {told}" if told and len(product.variants) > 1 else product.title


def _barcode(code: str) -> Rows:
    return [{"type": _BARCODES.get(len(code), "gtin"), "value": code}]
