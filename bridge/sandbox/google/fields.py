"""A product's attributes as Google spells them. Pure but for the item itself."""

from typing import Any

from bridge.sandbox.kit.surface import Item

Json = dict[str, Any]
_TEXTS = {"title": "title", "description": "description", "link": "link", "itemGroupId": "group"}
_REQUIRED = ("title", "link", "imageLink", "availability", "price")
_STATES = {"IN_STOCK": True, "OUT_OF_STOCK": False, "PREORDER": True, "BACKORDER": True, "LIMITED_AVAILABILITY": True}
_MICROS = 1_000_000
_DIGITS = {"JPY": 0, "KRW": 0, "CLP": 0, "KWD": 3, "BHD": 3}


class GoogleError(Exception):
    """A refusal, as google.rpc.Status says it."""

    def __init__(self, code: int, status: str, message: str) -> None:
        super().__init__(message)
        self.code, self.status, self.message = code, status, message

    def body(self) -> Json:
        """Return the answer's body."""
        return {"error": {"code": self.code, "message": self.message, "status": self.status}}


def invalid(name: str, text: str) -> GoogleError:
    """A refusal of one field."""
    return GoogleError(400, "INVALID_ARGUMENT", f"[{name}] {text}")


def check(given: Json, currency: str, *, whole: bool) -> None:
    """Say what is wrong with the attributes of an input."""
    for name in _REQUIRED if whole else ():
        if not given.get(name):
            raise invalid(name, "Required field not provided")
    for name in ("price", "salePrice"):
        price = given.get(name)
        if price is not None and (int(price["amountMicros"]) < 0 or price["currencyCode"] != currency):
            raise invalid(name, f"Invalid price: {price['amountMicros']} {price['currencyCode']}")
    if given.get("availability") is not None and given["availability"] not in _STATES:
        raise invalid("availability", f"Invalid value: {given['availability']}")
    if int(given.get("sellOnGoogleQuantity") or 0) < 0:
        raise invalid("sellOnGoogleQuantity", "must not be negative")
    if given.get("pause") not in {None, "ADS", "ALL"}:
        raise invalid("pause", f"Invalid value: {given['pause']}")


def write(item: Item, given: Json, currency: str) -> None:
    """Put attributes on a product; None takes one off."""
    for name, own in _TEXTS.items():
        if name in given:
            setattr(item, own, given[name] or "")
    for name, own in (("price", "price"), ("salePrice", "sale_price")):
        if name in given:
            setattr(item, own, _minor(given[name], currency) if given[name] else None)
    if "sellOnGoogleQuantity" in given:
        item.quantity = int(given["sellOnGoogleQuantity"]) if given["sellOnGoogleQuantity"] is not None else None
    if given.get("availability"):
        item.available = _STATES[given["availability"]]
    if "imageLink" in given or "additionalImageLinks" in given:
        main = given.get("imageLink", item.images[0] if item.images else None)
        item.images = [*([main] if main else []), *(given.get("additionalImageLinks", item.images[1:]) or ())]
    if "gtins" in given:
        item.barcode = next(iter(given["gtins"] or ()), "")
    if "pause" in given:
        item.hidden = given["pause"] == "ALL"
    if "variantOptions" in given:
        item.options = {one["name"]: one["value"] for one in given["variantOptions"] or ()}
    kept = {"brand", "condition", "googleProductCategory", "identifierExists", "color", "size", "material", "pattern"}
    item.more |= {name: value for name, value in given.items() if name in kept}


def read(item: Item, currency: str) -> Json:
    """Show a product's attributes."""
    attributes: Json = {
        "title": item.title, "description": item.description, "link": item.link, "price": _micros(item.price, currency),
        "salePrice": _micros(item.sale_price, currency), "availability": "IN_STOCK" if item.available else "OUT_OF_STOCK",
        "imageLink": item.images[0] if item.images else None, "additionalImageLinks": item.images[1:] or None,
        "itemGroupId": item.group or None, "gtins": [item.barcode] if item.barcode else None,
        "sellOnGoogleQuantity": None if item.quantity is None else str(item.quantity),
        "pause": "ALL" if item.hidden else None,
        "variantOptions": [{"name": name, "value": value} for name, value in item.options.items()] or None,
        **{name: value for name, value in item.more.items() if name != "local"},
    }  # fmt: skip
    return {name: value for name, value in attributes.items() if value is not None}


def _scale(currency: str) -> int:
    return int(_MICROS // 10 ** _DIGITS.get(currency, 2))


def _minor(price: Json, currency: str) -> int:
    return int(price["amountMicros"]) // _scale(currency)


def _micros(units: int | None, currency: str) -> Json | None:
    return None if units is None else {"amountMicros": str(units * _scale(currency)), "currencyCode": currency}
