"""A new listing as eBay takes it, and what keeps it from being made. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.domain.catalog import Product, Variant
from bridge.domain.listing_map import Category, ListingMap, aspects, category
from bridge.wire.product_edits import lacking
from connectors.ebay.limits import MAX_SKU

__all__ = ["MAX_TITLE", "Terms", "group_body", "group_key", "is_single", "item_body", "obstacles", "offer_body"]

MAX_TITLE = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the seller's new listings have in common: policies, place and site."""

    policies: Mapping[str, str]
    location: str
    marketplace: str


def is_single(product: Product) -> bool:
    """Tell whether it becomes a listing without variations."""
    return len(product.variants) == 1 and not product.variants[0].options


def group_key(product: Product) -> str:
    """Return the key of its group, made of its first SKU, so that a repeat finds it."""
    return f"{product.variants[0].sku}-group"[:MAX_SKU]


def obstacles(product: Product, listing_map: ListingMap, currency: str) -> list[str]:
    """Say what eBay would refuse, as far as we can tell without it; each with what to do."""
    found = {
        "images: eBay wants at least one, at an address with https": not _pictured(product),
        f"category: map.toml has none for the tags {', '.join(product.tags) or '(none)'}": not category(
            listing_map, product
        ),
    }
    said = lacking(product, title=MAX_TITLE, sku=MAX_SKU, currency=currency)
    return said + [what for what, is_so in found.items() if is_so]


def item_body(product: Product, variant: Variant, place: Category) -> dict[str, Any]:
    """Build an inventory item without stock."""
    said = {name: [value] for name, value in {**_named(variant, place), **aspects(place, variant)}.items()}
    details: dict[str, Any] = {
        "title": product.title,
        "description": product.description or product.title,
        "imageUrls": list(product.images),
        "aspects": said,
    }
    if variant.barcode:
        details["upc" if len(variant.barcode) == 12 else "ean"] = [variant.barcode]
    body: dict[str, Any] = {"product": details, "condition": "NEW"}
    body["availability"] = {"shipToLocationAvailability": {"quantity": 0}}
    if variant.weight_grams:
        body["packageWeightAndSize"] = {"weight": {"value": variant.weight_grams, "unit": "GRAM"}}
    return body


def group_body(product: Product, place: Category) -> dict[str, Any]:
    """Build the group of a product with variations."""
    told = [_named(variant, place) for variant in product.variants]
    values = {name: list(dict.fromkeys(one[name] for one in told)) for name in told[0]}
    return {
        "inventoryItemGroupKey": group_key(product),
        "title": product.title,
        "description": product.description or product.title,
        "imageUrls": list(product.images),
        "aspects": {name: [value] for name, value in place.fixed.items()},
        "variantSKUs": [variant.sku for variant in product.variants],
        "variesBy": {"specifications": [{"name": name, "values": found} for name, found in values.items()]},
    }


def offer_body(variant: Variant, place: Category, terms: Terms) -> dict[str, Any]:
    """Build an offer. It has no number of its own: the item's is the listing's."""
    assert variant.price is not None
    return {
        "sku": variant.sku,
        "marketplaceId": terms.marketplace,
        "format": "FIXED_PRICE",
        "listingDuration": "GTC",
        "categoryId": place.id,
        "includeCatalogProductDetails": False,
        "merchantLocationKey": terms.location,
        "listingPolicies": dict(terms.policies),
        "pricingSummary": {"price": {"value": variant.price.decimal, "currency": variant.price.currency}},
    }


def _named(variant: Variant, place: Category) -> dict[str, str]:
    """Return the variant's options under the names of the aspects that the map gives them."""
    known = {option.casefold(): aspect for aspect, option in place.options.items()}
    return {known.get(name.casefold(), name): value for name, value in variant.options}


def _pictured(product: Product) -> bool:
    return bool(product.images) and all(url.startswith("https://") for url in product.images)
