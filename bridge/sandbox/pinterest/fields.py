"""An item's attributes as Pinterest spells them. Pure but for the item itself."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from bridge.sandbox.kit.surface import Catalogue, Item, amount, minor

Json = dict[str, Any]
_PRICE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Z]{3})?\s*\Z")
_STATES = {"in stock": True, "out of stock": False, "preorder": True}
_TEXTS = {"title": "title", "description": "description", "link": "link", "item_group_id": "group", "gtin": "barcode"}
_REQUIRED = ("title", "description", "link", "image_link", "price", "availability")
_NOT_UPDATABLE = {"image_link", "additional_image_link", "video_link"}


class FaultyItem(Exception):
    """One item that cannot be taken."""

    def __init__(self, attribute: str, code: int, message: str) -> None:
        super().__init__(message)
        self.attribute, self.code, self.message = attribute, code, message


def write(item: Item | None, catalogue: Catalogue, sku: str, given: Json, mask: Sequence[str]) -> Item:
    """Put attributes on the item, a new one where there is none. What the mask names and the body lacks is taken off."""
    given = {**given, **{name: None for name in mask if name not in given}}
    _check(item, given, catalogue.currency)
    item = item or catalogue.add(sku)
    for name, own in _TEXTS.items():
        if name in given:
            setattr(item, own, str(given[name] or ""))
    for name, own in (("price", "price"), ("sale_price", "sale_price")):
        if name in given:
            setattr(item, own, _price(name, given[name], catalogue.currency) if given[name] else None)
    if "availability" in given:
        item.available = _STATES[given["availability"].lower()]
    if "image_link" in given:
        first = given["image_link"]
        item.images = [*([first] if isinstance(first, str) else first), *(given.get("additional_image_link") or ())]
    if "variant_names" in given:
        item.options = dict(zip(given["variant_names"] or (), given["variant_values"] or (), strict=True))
    kept = {
        "brand",
        "condition",
        "google_product_category",
        "color",
        "size",
        "material",
        "pattern",
        "last_updated_time",
    }
    item.more |= {name: value for name, value in given.items() if name in kept}
    return item


def read(item: Item, currency: str) -> Json:
    """Show an item."""
    shown: Json = {
        "title": item.title, "description": item.description, "link": item.link, "price": _shown(item.price, currency),
        "sale_price": _shown(item.sale_price, currency), "availability": "in stock" if item.available else "out of stock",
        "image_link": item.images[:1] or None, "additional_image_link": item.images[1:] or None,
        "item_group_id": item.group or None, "gtin": item.barcode or None, "variant_names": list(item.options) or None,
        "variant_values": list(item.options.values()) or None, **item.more,
    }  # fmt: skip
    attributes = {name: value for name, value in shown.items() if value is not None}
    return {"catalog_type": "RETAIL", "item_id": item.id, "attributes": attributes, "pins": None}


def metadata(item: Item, currency: str) -> Json:
    """Show an item as a product of a product group."""
    prices = {
        name: None if units is None else float(amount(units, currency))
        for name, units in (("price", item.price), ("sale_price", item.sale_price))
    }
    shown = {
        "item_id": item.id, "item_group_id": item.group or None, "currency": currency, **prices,
        "availability": "IN_STOCK" if item.available else "OUT_OF_STOCK",
    }  # fmt: skip
    return {"catalog_type": "RETAIL", "metadata": shown, "pin": {"id": str(10**15 + item.number), "title": item.title}}


def _check(item: Item | None, given: Json, currency: str) -> None:
    for name in _REQUIRED:
        if (item is None or name in given) and not given.get(name):
            raise FaultyItem(name, 106, f"{name} is missing from product metadata.")
    if item is not None and (strange := _NOT_UPDATABLE & set(given)):
        raise FaultyItem(min(strange), 170, f"{min(strange)} cannot be updated.")
    if "availability" in given and str(given["availability"]).lower() not in _STATES:
        raise FaultyItem("availability", 110, "availability is invalid.")
    for name in ("price", "sale_price"):
        if given.get(name):
            _price(name, given[name], currency)
    if len(given.get("variant_names") or ()) != len(given.get("variant_values") or ()):
        raise FaultyItem("variant_names", 160, "variant_names and variant_values differ in length.")


def _price(name: str, text: str, currency: str) -> int:
    found = _PRICE.match(str(text))
    if found is None:
        raise FaultyItem(name, 109, f"{name} has an invalid format.")
    if (found[2] or "USD") != currency:
        raise FaultyItem(name, 112, f"The currency of {name} is not that of the catalog.")
    return minor(Decimal(found[1]), currency)


def _shown(units: int | None, currency: str) -> str | None:
    return None if units is None else f"{amount(units, currency)} {currency}"
