"""The products port, and the preview: listings are patched, made by the merchant's map, and deleted."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bridge.contract.errors import Gone, Refused
from bridge.contract.ports import ProductEdit, ProductResult, VariantEdit
from bridge.domain.catalog import Product, StockKey, Variant
from bridge.domain.listing_map import aspects, category
from bridge.domain.money import Money
from bridge.wire.http import Response
from connectors.amazon.catalog import Catalog
from connectors.amazon.client import Client
from connectors.amazon.edit_tickets import edit_ticket
from connectors.amazon.limits import DEFAULT, Ops
from connectors.amazon.listings import item_path
from connectors.amazon.mapping import IMAGES
from connectors.amazon.payload import Payload, rows, text

__all__ = ["Preview", "Products"]

_TEXTS = ("title", "description", "images")
_FIELDS = frozenset({*_TEXTS, "price", "barcode"})
_BARCODES = {8: "gtin", 12: "upc", 13: "ean", 14: "gtin"}
Attributes = dict[str, list[dict[str, object]]]


class Products:
    """A listing is written attribute by attribute. What Amazon accepts it shows minutes later: an edit is a ticket."""

    def __init__(self, client: Client, catalog: Catalog) -> None:
        self._client = client
        self._catalog = catalog

    async def edit(self, edits: Sequence[ProductEdit], key: str) -> Sequence[ProductResult]:
        """Patch one listing each."""
        del key
        return [await self._edit(edit) for edit in edits]

    async def create(self, product: Product, key: str) -> Product:
        """Make a listing for every variant, with no units on offer; one that is there already is left as it is."""
        del key
        wanted = [(variant, self.listing(product, variant)) for variant in product.variants]
        if not wanted:
            raise Refused(f"{product.title}: a product without a variant cannot be listed", where=self._client.where)
        there = {one.id: one for one in await self._catalog.get([variant.sku or "" for variant, _ in wanted])}
        for variant, body in wanted:
            if (variant.sku or "") not in there:
                self.accepted(*await self.put(variant, body, preview=False), f"list {variant.sku}")
        first = wanted[0][0].sku or ""
        return there.get(first) or (await self._made(first)) or _as_listed(product, wanted[0][0])

    async def delete(self, product_id: str) -> None:
        """Delete the listing; gone already is fine."""
        try:
            path = item_path(self._client.settings.seller_id, product_id)
            await self._client.call(
                Ops.DELETE_LISTING,
                "DELETE",
                path,
                f"delete listing {product_id}",
                params=self._client.here(),
                repeatable=True,
            )
        except Gone:
            return

    async def put(self, variant: Variant, body: dict[str, object], *, preview: bool) -> tuple[Payload, Response]:
        """Send a whole listing, or have it looked at without making it."""
        path = item_path(self._client.settings.seller_id, variant.sku or "")
        params = self._client.here(*((("mode", "VALIDATION_PREVIEW"),) if preview else ()))
        return await self._client.call(
            Ops.PUT_LISTING, "PUT", path, f"list {variant.sku}", params=params, body=body, repeatable=True
        )

    def listing(self, product: Product, variant: Variant) -> dict[str, object]:
        """Return the body of a new listing; raises Refused where the merchant's map has no place for it."""
        place = category(self._client.settings.listing_map, product)
        if place is None:
            what = f"{product.title}: no product type is named for any of its tags"
            raise Refused(what, where=self._client.where, next_step="add a category for it to the channel's map")
        if not variant.sku or variant.price is None:
            raise Refused(f"{product.title}: a listing needs a SKU and a price", where=self._client.where)
        own = {name: self._rows(told) for name, told in aspects(place, variant).items()}
        said = {"item_name": _title(product, variant), "product_description": product.description}
        texts = {name: self._rows(told) for name, told in said.items() if told}
        sale = {
            "condition_type": self._rows("new_new"), "purchasable_offer": self._offer(variant.price),
            "fulfillment_availability": [{"fulfillment_channel_code": DEFAULT, "quantity": 0}],
        }  # fmt: skip
        attributes: Attributes = {**texts, **self._images(product.images), **sale, **_barcode(variant.barcode), **own}
        return {"productType": place.id, "requirements": "LISTING", "attributes": attributes}

    def accepted(self, payload: Payload, response: Response, op: str) -> None:
        """Raise Refused for the first error of a submission."""
        del response
        if text(payload, "status") == "INVALID":
            issue = next((one for one in rows(payload, "issues") if text(one, "severity") == "ERROR"), {})
            raise Refused(
                f"{op}: {_said(issue)}", where=self._client.where, code=text(issue, "code"),
                next_step="add the attribute it names to the channel's map, or mend the product, then `bridge retry`",
            )  # fmt: skip

    async def _edit(self, edit: ProductEdit) -> ProductResult:
        op, path = f"edit listing {edit.current.id}", item_path(self._client.settings.seller_id, edit.current.id)
        try:
            patches = self._patches(edit)
            # Amazon accepts a patch of a listing that is no more, and nothing comes of it.
            there = next(iter(await self._catalog.get([edit.current.id])), None)
            if there is None:
                raise Gone(f"{op}: it is no more at Amazon")
            if not patches:
                return ProductResult(id=edit.current.id, product=edit.current)
            body = {"productType": there.extra.get("product_type") or "PRODUCT", "patches": patches}
            answer = await self._client.call(
                Ops.PATCH_LISTING, "PATCH", path, op, params=self._client.here(), body=body, repeatable=True
            )
            self.accepted(*answer, op)
        except (Refused, Gone) as error:
            return ProductResult(id=edit.current.id, reason=error.what)
        return ProductResult(id=edit.current.id, product=_edited(edit), ticket=edit_ticket(self._client.now(), edit))

    def _patches(self, edit: ProductEdit) -> list[dict[str, object]]:
        _check(edit)
        wanted: Attributes = {}
        if "title" in edit.fields:
            wanted["item_name"] = self._rows(edit.title)
        if "description" in edit.fields:
            wanted["product_description"] = self._rows(edit.description)
        if "images" in edit.fields:
            wanted |= self._images(edit.images)
        for variant in edit.variants:
            wanted |= self._variant(variant)
        gone = [name for name in IMAGES if "images" in edit.fields and name not in wanted]
        put: list[dict[str, object]] = [
            {"op": "replace", "path": f"/attributes/{name}", "value": told} for name, told in wanted.items()
        ]
        return put + [{"op": "delete", "path": f"/attributes/{name}"} for name in gone if _had(edit.current, name)]

    def _variant(self, edit: VariantEdit) -> Attributes:
        wanted: Attributes = {}
        if "price" in edit.fields and edit.price is not None:
            wanted["purchasable_offer"] = self._offer(edit.price)
        if "barcode" in edit.fields:
            wanted |= _barcode(edit.barcode)
        return wanted

    def _rows(self, told: object) -> list[dict[str, object]]:
        return [{"value": told, "marketplace_id": self._client.market}]

    def _offer(self, price: Money) -> list[dict[str, object]]:
        # A JSON number of that many digits is exact both ways; Amazon refuses the price as a text.
        amount = int(price.decimal) if "." not in price.decimal else float(price.decimal)
        schedule = [{"schedule": [{"value_with_tax": amount}]}]
        return [
            {
                "currency": price.currency,
                "audience": "ALL",
                "marketplace_id": self._client.market,
                "our_price": schedule,
            }
        ]

    def _images(self, urls: Sequence[str]) -> Attributes:
        market = self._client.market
        return {
            name: [{"media_location": url, "marketplace_id": market}] for name, url in zip(IMAGES, urls, strict=False)
        }

    async def _made(self, sku: str) -> Product | None:
        return next(iter(await self._catalog.get([sku])), None)


class Preview:
    """The preview port: Amazon validates a whole listing without making it."""

    def __init__(self, products: Products) -> None:
        self._products = products

    async def problems(self, product: Product) -> Sequence[str]:
        """Say what keeps a product from being listed: our map first, then what Amazon finds."""
        found: list[str] = []
        for variant in product.variants:
            try:
                body = self._products.listing(product, variant)
            except Refused as error:
                return [f"{error.what}: {error.next_step or 'give it one'}"]
            payload, _ = await self._products.put(variant, body, preview=True)
            errors = [issue for issue in rows(payload, "issues") if text(issue, "severity") == "ERROR"]
            found += [f"{variant.sku}: {_said(issue)}" for issue in errors]
        return list(dict.fromkeys(found))


def _check(edit: ProductEdit) -> None:
    """Raise Refused naming the field that Amazon does not have, or does not take so."""
    named = edit.fields | {name for variant in edit.variants for name in variant.fields}
    if unknown := sorted(named - _FIELDS):
        what = f"{edit.current.id}: {', '.join(unknown)} cannot be written at Amazon"
        raise Refused(what, next_step="leave that field to another channel, or change it in Seller Central")
    if "title" in edit.fields and not edit.title.strip():
        raise Refused(f"{edit.current.id}: a listing needs a title")
    current = {one.id: one.price for one in edit.current.variants}
    for variant in edit.variants:
        price, old = variant.price, current.get(variant.id)
        if price is not None and (price.minor < 0 or (old is not None and old.currency != price.currency)):
            raise Refused(f"{edit.current.id}: Amazon takes no price of {price} here")


def _edited(edit: ProductEdit) -> Product:
    """Return the product as it will be read once Amazon has carried the edit out."""
    names = [name for name in _TEXTS if name in edit.fields]
    told: dict[str, Any] = {name: getattr(edit, name) for name in names}
    variants = {variant.id: variant for variant in edit.variants}
    return replace(
        edit.current, **told, variants=tuple(_with(one, variants.get(one.id)) for one in edit.current.variants)
    )


def _with(variant: Variant, edit: VariantEdit | None) -> Variant:
    names = [name for name in ("price", "barcode") if edit is not None and name in edit.fields]
    return replace(variant, **{name: getattr(edit, name) for name in names})


def _as_listed(product: Product, variant: Variant) -> Product:
    """Return a new listing as it will be read, while Amazon is still making it."""
    sku = variant.sku or ""
    own = replace(variant, id=sku, stock_id=StockKey(sku, DEFAULT).stock_id, options=())
    return replace(product, id=sku, variants=(own,), version=None, extra={})


def _title(product: Product, variant: Variant) -> str:
    told = " ".join(value for _, value in variant.options)
    return f"{product.title} {told}" if told and len(product.variants) > 1 else product.title


def _barcode(code: str | None) -> Attributes:
    if not code:
        return {}
    kind = _BARCODES.get(len(code), "gtin")
    return {"externally_assigned_product_identifier": [{"type": kind, "value": code}]}


def _had(product: Product, name: str) -> bool:
    return IMAGES.index(name) < len(product.images)


def _said(issue: Payload) -> str:
    names = ", ".join(str(name) for name in issue.get("attributeNames") or ())
    return f"{text(issue, 'message') or 'Amazon finds it invalid'}{f' ({names})' if names else ''}"
