"""Products as Google spells them, and back. Pure."""

from datetime import datetime
from typing import Any

from bridge.domain.catalog import Level, StockKey
from bridge.domain.money import Money, exponent
from bridge.domain.surface import OPTIONS, Item
from bridge.wire.payload import Odd, Payload, names, part, rows, text, units
from bridge.wire.surface_edits import ItemEdit
from connectors.google.limits import ONLINE

__all__ = ["edited", "fields_of", "item", "level", "stock_fields", "store_level"]

_IN, _OUT = "IN_STOCK", "OUT_OF_STOCK"
_QUANTITY = "sellOnGoogleQuantity"
_MORE_IMAGES = 10


def item(payload: Payload) -> Item:
    """Read a processed product."""
    found, sku = part(payload, "productAttributes"), text(payload, "offerId")
    if not sku:
        raise Odd("offerId is missing")
    told = {text(one, "name"): text(one, "value") for one in rows(found, "variantOptions")}
    plain = {name: text(found, name.lower()) for name in OPTIONS}
    pictures = dict.fromkeys([text(found, "imageLink"), *names(found, "additionalImageLinks")])
    hidden = payload.get("archived") is True or text(found, "pause") == "ALL"
    return Item(
        id=sku,
        group=text(found, "itemGroupId"),
        title=text(found, "title"),
        description=text(found, "description"),
        link=text(found, "link"),
        images=tuple(picture for picture in pictures if picture),
        status="archived" if hidden else "active",
        barcode=next(iter(names(found, "gtins")), None),
        options=tuple((name, value) for name, value in (told or plain).items() if value),
    ).priced(_price(found, "price"), _price(found, "salePrice"))


def level(payload: Payload, at: datetime) -> Level:
    """Read the online number. One that is marked as sold out shows none, whatever its number says."""
    found = part(payload, "productAttributes")
    return _level(StockKey(text(payload, "offerId"), ONLINE), found, _QUANTITY, at)


def store_level(sku: str, payload: Payload, at: datetime) -> Level:
    """Read a store's number."""
    return _level(StockKey(sku, text(payload, "storeCode")), part(payload, "localInventoryAttributes"), "quantity", at)


def stock_fields(target: int, quantity: str = _QUANTITY) -> dict[str, Any]:
    """Say how many there are: a number of 0 always says that it is out of stock too, and any other brings the item back."""
    return {"availability": _IN if target > 0 else _OUT, quantity: str(target)}


def fields_of(one: Item, category: str, brand: str) -> dict[str, Any]:
    """Write every attribute of a new product; it starts sold out, and its number follows."""
    every = ItemEdit(item=one, fields=frozenset({"title", "description", "images", "status", "price", "barcode"}))
    fields = {
        **edited(every), "link": one.link, "condition": "NEW", "itemGroupId": one.group, "brand": brand,
        "googleProductCategory": category, **{name.lower(): one.option(name) for name in OPTIONS},
        "variantOptions": [{"name": name, "value": value} for name, value in one.options], **stock_fields(0),
    }  # fmt: skip
    # Without GTIN an item must say that it has none (support.google.com/merchants/answer/6324478).
    return {
        **{name: value for name, value in fields.items() if value},
        **({} if one.barcode else {"identifierExists": False}),
    }


def edited(edit: ItemEdit) -> dict[str, Any]:
    """Write the attributes that an edit names; None takes off what was there."""
    one = edit.item
    written: dict[str, dict[str, Any]] = {
        "title": {"title": one.title},
        "description": {"description": one.description},
        "images": {
            "imageLink": next(iter(one.images), None),
            "additionalImageLinks": list(one.images[1 : _MORE_IMAGES + 1]) or None,
        },
        "status": {"pause": None if one.status == "active" else "ALL"},
        "price": {"price": _micros(one.full_price), "salePrice": _micros(one.sale_price)},
        "barcode": {"gtins": [one.barcode] if one.barcode else None},
    }
    return {name: value for field in sorted(edit.fields) for name, value in written[field].items()}


def _level(key: StockKey, found: Payload, name: str, at: datetime) -> Level:
    quantity = units(found, name)
    sold_out = quantity is not None and text(found, "availability") == _OUT
    return Level(key=key, quantity=0 if sold_out else quantity, as_of=at)


def _price(found: Payload, name: str) -> Money | None:
    """Read a price in micros: millionths of the currency's standard unit."""
    price = part(found, name)
    if not price:
        return None
    micros, currency = text(price, "amountMicros"), text(price, "currencyCode")
    if not micros.lstrip("-").isdecimal() or not currency:
        raise Odd(f"{name} {dict(price)} is no price")
    whole, rest = divmod(int(micros), 10 ** (6 - exponent(currency)))
    if rest:
        raise Odd(f"{name} {micros} micros is no whole number of minor units of {currency}")
    return Money(whole, currency)


def _micros(price: Money | None) -> dict[str, str] | None:
    if price is None:
        return None
    return {"amountMicros": str(price.minor * 10 ** (6 - exponent(price.currency))), "currencyCode": price.currency}
