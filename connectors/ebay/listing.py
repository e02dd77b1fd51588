"""What eBay is told of a listing, and what keeps a new one from being made. Pure."""

from collections.abc import Mapping
from typing import Any

from bridge.contract.ports import VariantEdit
from bridge.domain.catalog import Product, Variant
from bridge.domain.listing_map import Category, aspects
from bridge.wire.payload import Payload, part
from bridge.wire.product_edits import lacking
from connectors.ebay.limits import MAX_SKU
from connectors.ebay.mapping import CODES, GROUP, ITEM, amount_of

__all__ = ["MAX_TITLE", "TEXTS", "group_body", "identity_of", "item_body", "obstacles", "offer_body", "patched"]

MAX_TITLE = 80
# Our fields, and their names in items and groups.
TEXTS = {"title": "title", "description": "description", "images": "imageUrls"}
# Of an item these are told by its group, by a header, or are its name.
_NOT_ITS_OWN = {"sku", "locale", "groupIds", "inventoryItemGroupKeys"}


def identity_of(product: Product) -> str:
    """Return the id of what it becomes: an item, or a group whose key is made of its first SKU, so that a repeat finds it."""
    sku, single = product.variants[0].sku, len(product.variants) == 1 and not product.variants[0].options
    return f"{ITEM}{sku}" if single else GROUP + f"{sku}-group"[:MAX_SKU]


def obstacles(product: Product, place: Category | None, currency: str) -> list[str]:
    """Say what eBay would refuse, as far as we can tell without it; each with what to do."""
    said = lacking(product, title=MAX_TITLE, sku=MAX_SKU, currency=currency)
    if not product.images or not all(url.startswith("https://") for url in product.images):
        said.append("images: eBay wants at least one, at an address with https")
    if place is None:
        said.append(f"category: map.toml has none for the tags {', '.join(product.tags) or '(none)'}")
    return said


def item_body(product: Product, variant: Variant, place: Category) -> dict[str, Any]:
    """Build an inventory item without stock."""
    said = {name: [value] for name, value in {**_named(variant, place), **aspects(place, variant)}.items()}
    parcel = _weight(variant.weight_grams)
    return {
        "product": {**_texts(product), "aspects": said, **_codes(variant.barcode)},
        "condition": "NEW",
        "availability": {"shipToLocationAvailability": {"quantity": 0}},
        **({"packageWeightAndSize": parcel} if parcel else {}),
    }


def group_body(product: Product, place: Category) -> dict[str, Any]:
    """Build the group of a product with variations."""
    told = [_named(variant, place) for variant in product.variants]
    values = {name: list(dict.fromkeys(one[name] for one in told)) for name in told[0]}
    return {
        "inventoryItemGroupKey": identity_of(product).removeprefix(GROUP),
        **_texts(product),
        "aspects": {name: [value] for name, value in place.fixed.items()},
        "variantSKUs": [variant.sku for variant in product.variants],
        "variesBy": {"specifications": [{"name": name, "values": found} for name, found in values.items()]},
    }


def offer_body(variant: Variant, place: Category, terms: Mapping[str, Any]) -> dict[str, Any]:
    """Build an offer. It has no number of its own: the item's is the listing's. `terms` are what all offers have in common."""
    assert variant.price is not None
    return {
        **terms,
        "sku": variant.sku,
        "format": "FIXED_PRICE",
        "listingDuration": "GTC",
        "categoryId": place.id,
        "includeCatalogProductDetails": False,
        "pricingSummary": {"price": amount_of(variant.price)},
    }


def patched(item: Payload, own: VariantEdit, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item with texts, and with what is a variant's own, changed; its number stays, or eBay would forget it."""
    kept = {name: value for name, value in item.items() if name not in _NOT_ITS_OWN}
    details = {**part(item, "product"), **said}
    if "barcode" in own.fields:
        details = {name: value for name, value in details.items() if name not in CODES} | _codes(own.barcode)
    if "weight_grams" in own.fields:
        parcel = {name: value for name, value in part(item, "packageWeightAndSize").items() if name != "weight"}
        kept["packageWeightAndSize"] = parcel | _weight(own.weight_grams)
    return {**kept, "product": details}


def _texts(product: Product) -> dict[str, Any]:
    said = {theirs: getattr(product, ours) for ours, theirs in TEXTS.items()}
    return {**said, "description": product.description or product.title}


def _codes(barcode: str | None) -> dict[str, list[str]]:
    return {"upc" if len(barcode) == 12 else "ean": [barcode]} if barcode else {}


def _weight(grams: int | None) -> dict[str, object]:
    return {"weight": {"value": grams, "unit": "GRAM"}} if grams else {}


def _named(variant: Variant, place: Category) -> dict[str, str]:
    """Return the variant's options under the names of the aspects that the map gives them."""
    known = {option.casefold(): aspect for aspect, option in place.options.items()}
    return {known.get(name.casefold(), name): value for name, value in variant.options}
