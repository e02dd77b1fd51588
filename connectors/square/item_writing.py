"""Items as Square takes them: edits patched into the whole object, new items built. Pure; every value is checked here."""

from collections.abc import Mapping
from typing import Any

import msgspec

from bridge.contract.errors import Refused
from bridge.contract.ports import ProductEdit, VariantEdit
from bridge.domain.catalog import Product, Variant
from bridge.domain.money import Money
from connectors.square.payload import Payload, text

__all__ = ["archived", "new_item", "patched"]

_NEVER = {
    "images": "Square takes images only as uploaded files: add them in the Square Dashboard",
    "compare_at": "Square has no compare-at price",
    "weight_grams": "Square's item library has no weight",
}
_TITLE, _DESCRIPTION, _NAME, _CODE = 512, 65_535, 255, 255


def patched(item: Payload, edit: ProductEdit) -> dict[str, Any]:
    """Return the whole item with the edit's fields set; raises Refused for what Square cannot express."""
    named = set(edit.fields).union(*(variant.fields for variant in edit.variants))
    for field in sorted(named & set(_NEVER)):
        raise Refused(f"{field} of {edit.current.id}: {_NEVER[field]}", next_step="give that field no owner here")
    whole = _copy(item)
    data = whole["item_data"]
    # A read-only field of the answer.
    data.pop("description_plaintext", None)
    if "title" in edit.fields:
        data["name"] = _fits(edit.title, "title", _TITLE, least=1)
    if "description" in edit.fields:
        _describe(data, edit.description)
    if "status" in edit.fields:
        _set_status(whole, edit)
    for variant in edit.variants:
        _patch_variation(whole, variant)
    return whole


def archived(item: Payload) -> dict[str, Any]:
    """Return the whole item, archived: it leaves the tills, and its history stays."""
    whole = _copy(item)
    whole["item_data"]["is_archived"] = True
    return whole


def new_item(product: Product) -> dict[str, Any]:
    """Build an item with its variations; stock is tracked from the first count on."""
    data: dict[str, Any] = {"name": _fits(product.title, "title", _TITLE, least=1), "product_type": "REGULAR"}
    if product.description:
        _describe(data, product.description)
    if product.status == "archived":
        data["is_archived"] = True
    nowhere = {"present_at_all_locations": False} if product.status == "draft" else {"present_at_all_locations": True}
    if not product.variants:
        raise Refused(f"{product.title}: a Square item needs at least one variation")
    data["variations"] = [
        {"type": "ITEM_VARIATION", "id": f"#variation-{at}", **nowhere, "item_variation_data": _new_variation(variant)}
        for at, variant in enumerate(product.variants)
    ]
    return {"type": "ITEM", "id": "#item", **nowhere, "item_data": data}


def _new_variation(variant: Variant) -> dict[str, Any]:
    name = ", ".join(value for _, value in variant.options) or variant.title or "Regular"
    data: dict[str, Any] = {
        "item_id": "#item",
        "name": _fits(name, "variation name", _NAME),
        "track_inventory": True,
        **_price(variant.price),
    }
    if variant.sku:
        data["sku"] = _fits(variant.sku, "sku", _CODE)
    if variant.barcode:
        data["upc"] = _fits(variant.barcode, "barcode", _CODE)
    return data


def _patch_variation(whole: dict[str, Any], edit: VariantEdit) -> None:
    found = next((entry for entry in whole["item_data"].get("variations") or () if text(entry, "id") == edit.id), None)
    if found is None:
        raise Refused(f"variation {edit.id} is not part of item {text(whole, 'id')}", next_step="run `bridge link`")
    data = found["item_variation_data"]
    if "price" in edit.fields:
        _same_currency(data, edit.price)
        data.pop("price_money", None)
        data.update(_price(edit.price))
    for field, name, value in (("sku", "sku", edit.sku), ("barcode", "upc", edit.barcode)):
        if field in edit.fields:
            data.pop(name, None)
            data.update({name: _fits(value, field, _CODE)} if value else {})


def _price(price: Money | None) -> dict[str, object]:
    """Write a price; none means that it is asked for at the till."""
    if price is None:
        return {"pricing_type": "VARIABLE_PRICING"}
    if price.minor < 0:
        raise Refused(f"a price of {price} is below zero")
    return {
        "pricing_type": "FIXED_PRICING",
        "price_money": {"amount": price.minor, "currency": price.currency},
    }


def _same_currency(data: Mapping[str, Any], price: Money | None) -> None:
    current = text(data.get("price_money") or {}, "currency")
    if price and current and price.currency != current:
        raise Refused(f"a price in {price.currency} cannot replace one in {current}")


def _describe(data: dict[str, Any], description: str) -> None:
    """Set `description_html` alone: it overrides the deprecated `description`, which Square keeps in step."""
    data.pop("description", None)
    data.pop("description_html", None)
    if description:
        data["description_html"] = _fits(description, "description", _DESCRIPTION)


def _set_status(whole: dict[str, Any], edit: ProductEdit) -> None:
    if edit.status == "draft" and edit.current.status != "draft":
        raise Refused(
            f"status of {edit.current.id}: Square has no drafts, only items at no location",
            next_step="archive it, or take it off its locations in the Square Dashboard",
        )
    whole["item_data"]["is_archived"] = edit.status == "archived"
    if edit.status == "active" and edit.current.status == "draft":
        for found in (whole, *(whole["item_data"].get("variations") or ())):
            found["present_at_all_locations"] = True


def _fits(value: str, name: str, most: int, least: int = 0) -> str:
    if not least <= len(value) <= most:
        raise Refused(f"{name} has {len(value)} characters, Square takes {least} to {most}")
    return value


def _copy(item: Payload) -> dict[str, Any]:
    whole: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(item))
    return whole
