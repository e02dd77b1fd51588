"""Items as Meta spells them, and back. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from bridge.domain.catalog import Level, StockKey
from bridge.domain.surface import OPTIONS, Item
from bridge.wire.payload import Odd, Payload, names, text, units
from bridge.wire.surface_edits import ItemEdit
from connectors.meta.price import shown_price

__all__ = ["delete", "edited", "fields_of", "item", "level", "stock_fields", "update"]

_IN, _OUT = "in stock", "out of stock"
_QUANTITY = "quantity_to_sell_on_facebook"
_MORE_IMAGES = 20


def item(payload: Payload) -> Item:
    """Read a ProductItem."""
    sku, currency = text(payload, "retailer_id"), text(payload, "currency")
    if not sku:
        raise Odd("retailer_id is missing")
    pictures = dict.fromkeys([text(payload, "image_url"), *names(payload, "additional_image_urls")])
    options = [(name, text(payload, name.lower())) for name in OPTIONS]
    return Item(
        id=sku,
        group=text(payload, "retailer_product_group_id"),
        title=text(payload, "name"),
        description=text(payload, "description"),
        link=text(payload, "url"),
        images=tuple(picture for picture in pictures if picture),
        status="active" if text(payload, "visibility") in {"", "published"} else "archived",
        barcode=text(payload, "gtin") or None,
        options=tuple((name, value) for name, value in options if value),
    ).priced(shown_price(payload, "price", currency), shown_price(payload, "sale_price", currency))


def level(payload: Payload, at: datetime) -> Level:
    """Read an item's number. One that is marked as sold out shows none, whatever its number says."""
    quantity = units(payload, _QUANTITY)
    sold_out = quantity is not None and text(payload, "availability") == _OUT
    return Level(key=StockKey(text(payload, "retailer_id")), quantity=0 if sold_out else quantity, as_of=at)


def stock_fields(target: int) -> dict[str, Any]:
    """Say how many there are: a number of 0 always says "out of stock" too, and any other brings the item back."""
    return {_QUANTITY: target, "availability": _IN if target > 0 else _OUT}


def update(sku: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Write one request of a batch."""
    return {"method": "UPDATE", "data": {"id": sku, **fields}}


def delete(skus: Iterable[str]) -> list[dict[str, Any]]:
    """Write the requests that take items out."""
    return [{"method": "DELETE", "data": {"id": sku}} for sku in skus]


def fields_of(one: Item, category: str, brand: str) -> dict[str, Any]:
    """Write every field of a new item; it starts sold out, and its number follows."""
    fields = {
        **{name: value for field in _FIELDS for name, value in _field(field, one).items()},
        "link": one.link, "condition": "new", "item_group_id": one.group, "brand": brand, "google_product_category": category,
        **{name.lower(): one.option(name) for name in OPTIONS},
    }  # fmt: skip
    return {**{name: value for name, value in fields.items() if value}, **stock_fields(0)}


def edited(edit: ItemEdit) -> dict[str, Any]:
    """Write the fields that an edit names."""
    return {name: value for field in sorted(edit.fields) for name, value in _field(field, edit.item).items()}


_FIELDS = ("title", "description", "images", "status", "price", "barcode")


def _field(field: str, one: Item) -> dict[str, Any]:
    """Write one of our fields; an empty text takes off what was there."""
    full, sale = one.full_price, one.sale_price
    written: dict[str, dict[str, Any]] = {
        "title": {"title": one.title},
        "description": {"description": one.description},
        "images": {
            "image_link": "".join(one.images[:1]),
            "additional_image_link": list(one.images[1 : _MORE_IMAGES + 1]),
        },
        "status": {"visibility": "published" if one.status == "active" else "staging"},
        "price": {
            "price": f"{full.decimal} {full.currency}" if full else "",
            "sale_price": f"{sale.decimal} {sale.currency}" if sale else "",
        },
        "barcode": {"gtin": one.barcode or ""},
    }
    return written[field]
