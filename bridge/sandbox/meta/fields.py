"""An item's fields as Meta spells them: written by items_batch, read as a ProductItem. Pure but for the item itself."""

import re
from decimal import Decimal
from typing import Any

from bridge.sandbox.kit.surface import Catalogue, Item, amount, minor

Json = dict[str, Any]
_PRICE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Z]{3})\s*\Z")
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
_REQUIRED = ("title", "description", "availability", "condition", "price", "link")
_OPTIONS = ("color", "size", "material", "pattern")
AVAILABLE = ("in stock", "available for order", "preorder")
STATES = (*AVAILABLE, "out of stock", "discontinued", "pending")


class GraphError(Exception):
    """A refusal, with what the Graph API says about it."""

    def __init__(
        self, message: str, code: int, *, status: int = 400, subcode: int | None = None, kind: str = "OAuthException"
    ) -> None:
        super().__init__(message)
        self.message, self.code, self.status, self.subcode, self.kind = message, code, status, subcode, kind


def problem(message: str) -> GraphError:
    """A refusal of one item."""
    return GraphError(message, 100)


def check(data: Json, *, whole: bool) -> list[str]:
    """Say what is wrong with the fields of a request before it is taken in."""
    found = [f"Missing required field: {name}" for name in _REQUIRED if whole and not data.get(name)]
    if whole and not data.get("image_link") and not data.get("image"):
        found.append("Missing required field: image_link")
    if "availability" in data and data["availability"] not in STATES:
        found.append(f"Invalid value for availability: {data['availability']}")
    if "visibility" in data and data["visibility"] not in {"published", "staging"}:
        found.append(f"Invalid value for visibility: {data['visibility']}")
    found += [f"Invalid value for {name}: {data[name]}" for name in ("price", "sale_price") if _bad_price(data, name)]
    quantity = data.get("quantity_to_sell_on_facebook")
    if quantity is not None and not str(quantity).isdigit():
        found.append(f"quantity_to_sell_on_facebook must be a non-negative integer: {quantity}")
    return found


def write(item: Item | None, catalogue: Catalogue, sku: str, data: Json) -> Item:
    """Put the fields of a request on the item, a new one where there is none."""
    faults = check(data, whole=item is None)
    if faults:
        raise problem(faults[0])
    item = item or catalogue.add(sku)
    plain = {
        "title": "title",
        "description": "description",
        "link": "link",
        "item_group_id": "group",
        "gtin": "barcode",
    }
    for name, own in plain.items():
        if name in data:
            setattr(item, own, str(data[name] or ""))
    item.options |= {name: str(data[name]) for name in _OPTIONS if data.get(name)}
    item.more |= {name: data[name] for name in ("brand", "condition", "google_product_category") if name in data}
    _write_numbers(item, catalogue.currency, data)
    if "image_link" in data:
        item.images = [data["image_link"], *(data.get("additional_image_link") or ())]
    if "visibility" in data:
        item.hidden = data["visibility"] != "published"
    return item


def read(item: Item, currency: str) -> Json:
    """Show an item with every field that is known of it."""
    shown: Json = {
        "id": str(9_000_000_000_000_000 + item.number), "retailer_id": item.id, "name": item.title,
        "description": item.description, "url": item.link, "currency": currency,
        "availability": "in stock" if item.available else "out of stock",
        "visibility": "staging" if item.hidden else "published", "price": _shown(item.price, currency),
        "sale_price": _shown(item.sale_price, currency), "image_url": item.images[0] if item.images else None,
        "additional_image_urls": item.images[1:] or None, "retailer_product_group_id": item.group or item.id,
        "gtin": item.barcode or None, "quantity_to_sell_on_facebook": item.quantity, "inventory": item.quantity,
        **{name.lower(): value for name, value in item.options.items()}, **item.more,
    }  # fmt: skip
    return {name: value for name, value in shown.items() if value is not None}


def _write_numbers(item: Item, currency: str, data: Json) -> None:
    if "price" in data:
        item.price = _price(data["price"], currency)
    if "sale_price" in data:
        item.sale_price = _price(data["sale_price"], currency) if data["sale_price"] else None
    if data.get("quantity_to_sell_on_facebook") is not None:
        item.quantity = int(data["quantity_to_sell_on_facebook"])
        item.available = item.quantity > 0
    if "availability" in data:
        item.available = data["availability"] in AVAILABLE


def _bad_price(data: Json, name: str) -> bool:
    value = data.get(name)
    return bool(value) and not _PRICE.match(str(value))


def _price(text: str, currency: str) -> int:
    found = _PRICE.match(text)
    assert found is not None
    if found[2] != currency:
        raise problem(f"Currency {found[2]} does not match the catalog's currency {currency}")
    return minor(Decimal(found[1]), currency)


def _shown(units: int | None, currency: str) -> str | None:
    """Meta shows a price with its sign and separators ("$1,234.50"), not as it was sent."""
    return None if units is None else f"{_SIGNS.get(currency, currency + ' ')}{amount(units, currency):,}"
