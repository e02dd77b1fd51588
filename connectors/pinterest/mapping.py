"""Items as Pinterest spells them, and back. Pure."""

import re
from datetime import datetime
from typing import Any

from bridge.domain.catalog import Level, StockKey
from bridge.domain.money import Money
from bridge.domain.surface import OPTIONS, Item
from bridge.wire.payload import Odd, Payload, names, part, rows, text
from bridge.wire.surface_edits import ItemEdit

__all__ = ["availability", "edited", "fields_of", "is_there", "item", "level"]

_IN, _OUT = "in stock", "out of stock"
_PRICE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]{3})?\s*\Z")
_MORE_IMAGES = 10
_TEXTS = {"title": "title", "description": "description", "barcode": "gtin"}


def is_there(payload: Payload) -> bool:
    """Tell an item from the answer that there is none of that id."""
    return not rows(payload, "errors")


def item(payload: Payload) -> Item:
    """Read a retail item."""
    found, sku = part(payload, "attributes"), text(payload, "item_id")
    if not sku:
        raise Odd("item_id is missing")
    told = dict(zip(names(found, "variant_names"), names(found, "variant_values"), strict=False))
    plain = {name: text(found, name.lower()) for name in OPTIONS}
    return Item(
        id=sku,
        group=text(found, "item_group_id"),
        title=text(found, "title"),
        description=text(found, "description"),
        link=text(found, "link"),
        images=tuple(dict.fromkeys([*_pictures(found, "image_link"), *_pictures(found, "additional_image_link")])),
        barcode=text(found, "gtin") or None,
        options=tuple((name, value) for name, value in (told or plain).items() if value),
    ).priced(_price(found, "price"), _price(found, "sale_price"))


def level(payload: Payload, at: datetime) -> Level:
    """Read whether an item can be had: Pinterest keeps no number, so 1 or 0."""
    state = text(part(payload, "attributes"), "availability").strip().lower()
    return Level(key=StockKey(text(payload, "item_id")), quantity=0 if state == _OUT else 1, as_of=at)


def availability(target: int) -> dict[str, Any]:
    """Say whether an item can be had."""
    return {"availability": _IN if target > 0 else _OUT}


def fields_of(one: Item, category: str) -> dict[str, Any]:
    """Write every attribute of a new item; it starts sold out."""
    fields = {
        **edited(ItemEdit(item=one, fields=frozenset({"title", "description", "price", "barcode"}))), "link": one.link,
        "image_link": list(one.images[:1]), "additional_image_link": list(one.images[1 : _MORE_IMAGES + 1]),
        "condition": "new", "item_group_id": one.group, "google_product_category": category,
        "variant_names": [name for name, _ in one.options], "variant_values": [value for _, value in one.options],
        **{name.lower(): one.option(name) for name in OPTIONS}, **availability(0),
    }  # fmt: skip
    return {name: value for name, value in fields.items() if value}


def edited(edit: ItemEdit) -> dict[str, Any]:
    """Write the attributes that an edit names; None takes off what was there."""
    one = edit.item
    fields: dict[str, Any] = {own: getattr(one, name) or None for name, own in _TEXTS.items() if name in edit.fields}
    if "price" in edit.fields:
        fields |= {"price": _amount(one.full_price), "sale_price": _amount(one.sale_price)}
    return fields


def _amount(price: Money | None) -> str | None:
    return f"{price.decimal} {price.currency}" if price else None


def _price(found: Payload, name: str) -> Money | None:
    """Read "24.99 USD"; "if the currency is not included, we default to US dollars" (API description 5.23.0)."""
    shown = text(found, name)
    if not shown:
        return None
    match = _PRICE.match(shown)
    if match is None:
        raise Odd(f"{name} {shown!r} is no price")
    return Money.parse(match[1], (match[2] or "USD").upper())


def _pictures(found: Payload, name: str) -> list[str]:
    """A picture may stand as a text or in a list."""
    value = found.get(name)
    return [value] if isinstance(value, str) and value else names(found, name)
