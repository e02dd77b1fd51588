"""The products port, and the preview: listings are patched, made by the merchant's map, and deleted."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bridge.contract.errors import Refused
from bridge.contract.ports import ProductEdit, ProductResult
from bridge.domain.catalog import Product, Variant
from bridge.domain.listing_map import aspects
from bridge.domain.money import Money
from bridge.wire.api import Answer, if_there
from bridge.wire.payload import Payload, text
from bridge.wire.product_edits import applied, check, only, outcome_of, place_of
from bridge.wire.read_back import edit_ticket
from connectors.amazon.catalog import Catalog
from connectors.amazon.client import Client
from connectors.amazon.limits import DEFAULT
from connectors.amazon.mapping import BARCODE, IMAGES
from connectors.amazon.payload import errors_of

__all__ = ["Products"]

_CANNOT = {
    "status": "a listing is closed in Seller Central only",
    "sku": "a SKU is the listing's name at Amazon",
    "compare_at": "Amazon has discounts with a start and an end instead",
    "weight_grams": "what a listing says of its weight differs by product type",
}
_BARCODES = {8: "gtin", 12: "upc", 13: "ean", 14: "gtin"}
Attributes = dict[str, list[dict[str, object]]]


class Products:
    """A listing is written attribute by attribute. What Amazon accepts it shows minutes later: an edit is a ticket."""

    def __init__(self, client: Client, catalog: Catalog) -> None:
        self._client = client
        self._catalog = catalog

    async def edit(self, edits: Sequence[ProductEdit], key: str) -> Sequence[ProductResult]:
        """Patch one listing each; what is accepted has a ticket."""
        del key
        results = [await outcome_of(edit, self._edited) for edit in edits]
        at = self._client.now()
        return [
            replace(one, ticket=edit_ticket(at, edit)) if one.product and self._patches(edit) else one
            for edit, one in zip(edits, results, strict=True)
        ]

    async def create(self, product: Product, key: str) -> Product:
        """Make a listing for every variant, with no units on offer; one that is there already is left as it is."""
        del key
        wanted = [(variant, self._listing(product, variant)) for variant in product.variants]
        if not wanted:
            self._client.refuse(f"{product.title}: a product without a variant cannot be listed")
        there = {one.id: one for one in await self._catalog.get([variant.sku or "" for variant, _ in wanted])}
        for variant, body in wanted:
            if (variant.sku or "") not in there:
                self._accepted((await self._put(variant, body))[0], f"list {variant.sku}")
        first = wanted[0][0].sku or ""
        made = [there[first]] if first in there else await self._catalog.get([first])
        return made[0] if made else _as_listed(product, wanted[0][0])

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
            payload, _ = await self._put(variant, body, ("mode", "VALIDATION_PREVIEW"))
            found += [f"{variant.sku}: {_said(issue)}" for issue in errors_of(payload)]
        return list(dict.fromkeys(found))

    async def _put(self, variant: Variant, body: dict[str, object], *more: tuple[str, str]) -> Answer:
        """Send a whole listing."""
        sku, params = variant.sku or "", self._client.here(*more)
        return await self._client.call("putListingsItem", f"list {sku}", params=params, body=body, sku=sku)

    def _listing(self, product: Product, variant: Variant) -> dict[str, object]:
        """Return the body of a new listing; raises Refused where the merchant's map has no place for it."""
        place = place_of(product, self._client.settings.listing_map, self._client.where)
        if not variant.sku or variant.price is None:
            self._client.refuse(f"{product.title}: a listing needs a SKU and a price")
        own = {name: self._rows(told) for name, told in aspects(place, variant).items()}
        said = {"item_name": _title(product, variant), "product_description": product.description}
        attributes: Attributes = {
            **{name: self._rows(told) for name, told in said.items() if told},
            **self._images(product.images),
            "condition_type": self._rows("new_new"),
            "purchasable_offer": self._offer(variant.price),
            "fulfillment_availability": [{"fulfillment_channel_code": DEFAULT, "quantity": 0}],
            **_barcode(variant.barcode),
            **own,
        }
        return {"productType": place.id, "requirements": "LISTING", "attributes": attributes}

    def _accepted(self, payload: Payload, op: str) -> None:
        """Raise Refused for the first error of a submission."""
        if text(payload, "status") == "INVALID":
            issue = next(iter(errors_of(payload)), {})
            step = "add the attribute it names to the channel's map, or mend the product, then `bridge retry`"
            raise Refused(f"{op}: {_said(issue)}", where=self._client.where, code=text(issue, "code"), next_step=step)

    async def _edited(self, edit: ProductEdit) -> Product:
        """Patch a listing, and return it as it will be."""
        sku, op = edit.current.id, f"edit listing {edit.current.id}"
        prices = [one.price for one in edit.current.variants if one.price]
        check(edit, _CANNOT, currency=prices[0].currency if prices else "", least=0)
        patches = self._patches(edit)
        # Amazon accepts a patch of a listing that is no more, and nothing comes of it.
        there = only(await self._catalog.get([sku]), sku, self._client.where)
        if not patches:
            return edit.current
        body = {"productType": there.extra.get("product_type") or "PRODUCT", "patches": patches}
        payload, _ = await self._client.call(
            "patchListingsItem", op, params=self._client.here(), body=body, repeatable=True, sku=sku
        )
        self._accepted(payload, op)
        return applied(edit)

    def _patches(self, edit: ProductEdit) -> list[dict[str, Any]]:
        wanted: Attributes = {}
        if "title" in edit.fields:
            wanted["item_name"] = self._rows(edit.title)
        if "description" in edit.fields:
            wanted["product_description"] = self._rows(edit.description)
        if "images" in edit.fields:
            wanted |= self._images(edit.images)
        for variant in edit.variants:
            if "price" in variant.fields and variant.price is not None:
                wanted["purchasable_offer"] = self._offer(variant.price)
            if "barcode" in variant.fields:
                wanted |= _barcode(variant.barcode)
        had = IMAGES[: len(edit.current.images)] if "images" in edit.fields else ()
        patches: list[dict[str, Any]] = [
            {"op": "replace", "path": f"/attributes/{name}", "value": told} for name, told in wanted.items()
        ]
        return patches + [{"op": "delete", "path": f"/attributes/{name}"} for name in had if name not in wanted]

    def _rows(self, told: object) -> list[dict[str, object]]:
        return [{"value": told, "marketplace_id": self._client.market}]

    def _offer(self, price: Money) -> list[dict[str, object]]:
        # A JSON number of that many digits is exact both ways; Amazon refuses the price as a text.
        amount = int(price.decimal) if "." not in price.decimal else float(price.decimal)
        schedule = [{"schedule": [{"value_with_tax": amount}]}]
        place: dict[str, object] = {"marketplace_id": self._client.market, "audience": "ALL"}
        return [{**place, "currency": price.currency, "our_price": schedule}]

    def _images(self, urls: Sequence[str]) -> Attributes:
        market = self._client.market
        named = zip(IMAGES, urls, strict=False)
        return {name: [{"media_location": url, "marketplace_id": market}] for name, url in named}


def _as_listed(product: Product, variant: Variant) -> Product:
    """Return a new listing as it will be read, while Amazon is still making it."""
    sku = variant.sku or ""
    own = replace(variant, id=sku, stock_id=sku, options=())
    return replace(product, id=sku, variants=(own,), version=None, extra={})


def _title(product: Product, variant: Variant) -> str:
    told = " ".join(value for _, value in variant.options)
    return f"{product.title} {told}" if told and len(product.variants) > 1 else product.title


def _barcode(code: str | None) -> Attributes:
    return {BARCODE: [{"type": _BARCODES.get(len(code), "gtin"), "value": code}]} if code else {}


def _said(issue: Payload) -> str:
    names = ", ".join(str(name) for name in issue.get("attributeNames") or ())
    return f"{text(issue, 'message') or 'Amazon finds it invalid'}{f' ({names})' if names else ''}"
