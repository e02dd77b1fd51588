"""Fast creation of catalogues: thousands of products without going through the mutations."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from bridge.sandbox.shopify import catalog
from bridge.sandbox.shopify.errors import InvalidError
from bridge.sandbox.shopify.model import Item, Location, Product, Variant
from bridge.sandbox.shopify.state import State

Place = Callable[[str | int], Location]


def add_product(state: State, given: dict[str, Any], place: Place) -> list[dict[str, Any]]:
    """Create one product as the merchant would, with its opening stock; return a row per variant."""
    names = list(dict.fromkeys(name for row in given["variants"] for name in row.get("options") or {}))
    fields = {"title": given["title"], "status": given.get("status", "active").upper()}
    fields["descriptionHtml"] = given.get("description", "")
    fields["giftCard"] = bool(given.get("gift_card"))
    try:
        product = catalog.blank(state, fields)
    except InvalidError as error:
        raise ValueError(str(error)) from error
    values = {name: list(dict.fromkeys(row["options"][name] for row in given["variants"])) for name in names}
    options = [{"name": name, "values": [{"name": value} for value in values[name]]} for name in names]
    catalog.set_options(state, product, options)
    for image in given.get("images") or []:
        catalog.add_media(state, product, image if isinstance(image, str) else image["url"], None)
    return [_add_variant(state, product, row, place) for row in given["variants"]]


def _add_variant(state: State, product: Product, row: dict[str, Any], place: Place) -> dict[str, Any]:
    shared = state.by_sku(row["shares"])[0].item if row.get("shares") else None
    variant = catalog.add_variant(state, product, row.get("options") or {"Title": "Default Title"}, shared)
    variant.price = Decimal(row["price"])
    variant.compare_at_price = Decimal(row["compare_at"]) if row.get("compare_at") else None
    variant.barcode = row.get("barcode")
    variant.inventory_policy = row.get("policy", "deny").upper()
    if shared is None:
        _stock_item(state, variant, row, place)
    return {"sku": variant.sku, "product": product.id, "variant": variant.id, "stock_id": variant.item.id}


def _stock_item(state: State, variant: Variant, row: dict[str, Any], place: Place) -> None:
    item = variant.item
    item.sku = row["sku"]
    state.index_sku(variant, None, item.sku)
    if row.get("weight_grams"):
        item.weight, item.weight_unit = Decimal(row["weight_grams"]), "GRAMS"
    stock = row.get("stock")
    item.tracked = stock is not None
    levels = stock if isinstance(stock, dict) else {} if stock is None else {catalog.first_location(state).name: stock}
    for name, units in levels.items():
        _open_level(state, item, place(name), units)


def _open_level(state: State, item: Item, location: Location, units: int) -> None:
    level = state.stocked(item, location)
    level.quantities["available"] = units
