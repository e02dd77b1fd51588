"""Products as request bodies: only what is to change, every value checked, money as text (a number is refused)."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from bridge.contract.errors import Refused
from bridge.contract.ports import ProductEdit, VariantEdit
from bridge.domain.catalog import Product, Variant
from bridge.domain.money import Money
from connectors.woocommerce.mapping import GRAMS
from connectors.woocommerce.shop import Facts

__all__ = ["KEY", "new_product", "new_variation", "product_changes", "variation_changes"]

KEY = "_commerce_bridge_key"
_STATUS = {"active": "publish", "draft": "draft", "archived": "private"}
_KNOWN = frozenset({"title", "description", "status", "images"})
_KNOWN_OF_VARIANT = frozenset({"price", "compare_at", "barcode", "weight_grams", "sku"})


def product_changes(edit: ProductEdit, facts: Facts) -> dict[str, Any]:
    """Return the named fields of a product, those of its only variant included; raises Refused."""
    product = edit.current
    if edit.fields - _KNOWN:
        raise Refused(f"product {product.id}: WooCommerce cannot write {', '.join(sorted(edit.fields - _KNOWN))}")
    body: dict[str, Any] = {}
    if "title" in edit.fields:
        body["name"] = edit.title
    if "description" in edit.fields:
        body["description"] = edit.description
    if "status" in edit.fields:
        body["status"] = _STATUS[edit.status]
    if "images" in edit.fields:
        body["images"] = [_image(address, product) for address in edit.images]
    for variant in edit.variants:
        if variant.id == product.id:
            body |= _variant_fields(variant, product, facts)
    return body


def variation_changes(edit: ProductEdit, facts: Facts) -> list[dict[str, Any]]:
    """Return the rows for the variations of a product; raises Refused."""
    rows = ((variant.id, _variant_fields(variant, edit.current, facts)) for variant in edit.variants)
    return [{"id": int(id_), **fields} for id_, fields in rows if id_ != edit.current.id and fields]


def new_product(product: Product, key: str, facts: Facts) -> dict[str, Any]:
    """Return the body that creates a product, stock untracked; its variations come after it."""
    body: dict[str, Any] = {
        "name": product.title,
        "description": product.description,
        "status": _STATUS[product.status],
        "images": [{"src": address} for address in product.images],
        "meta_data": [{"key": KEY, "value": key}],
    }
    if not product.options:
        return body | {"type": "simple"} | _fields_of(product.variants[0], facts)
    attributes = [
        {"name": name, "variation": True, "visible": True, "options": _values(product, name)}
        for name in product.options
    ]
    return body | {"type": "variable", "attributes": attributes}


def new_variation(variant: Variant, facts: Facts) -> dict[str, Any]:
    """Return the body that creates one variation."""
    options = [{"name": name, "option": option} for name, option in variant.options]
    return {"attributes": options, **_fields_of(variant, facts)}


def _values(product: Product, name: str) -> list[str]:
    found = (option for variant in product.variants for each, option in variant.options if each == name)
    return list(dict.fromkeys(found))


def _fields_of(variant: Variant, facts: Facts) -> dict[str, Any]:
    body = {"manage_stock": False, "sku": variant.sku or "", **_prices(variant.price, variant.compare_at, facts)}
    if variant.barcode:
        body["global_unique_id"] = variant.barcode
    if variant.weight_grams is not None:
        body["weight"] = _weight(variant.weight_grams, facts)
    return body


def _variant_fields(edit: VariantEdit, product: Product, facts: Facts) -> dict[str, Any]:
    what = f"product {product.id}, variant {edit.id}"
    current = next((one for one in product.variants if one.id == edit.id), None)
    if edit.fields - _KNOWN_OF_VARIANT or not edit.id.isdecimal() or current is None:
        raise Refused(f"{what}: {', '.join(sorted(edit.fields))} cannot be written", next_step="run `bridge link`")
    body: dict[str, Any] = {}
    if edit.fields & {"price", "compare_at"}:
        price = edit.price if "price" in edit.fields else current.price
        compare_at = edit.compare_at if "compare_at" in edit.fields else current.compare_at
        body |= _prices(price, compare_at, facts)
    if "sku" in edit.fields:
        body["sku"] = edit.sku or ""
    if "barcode" in edit.fields:
        body["global_unique_id"] = edit.barcode or ""
    if "weight_grams" in edit.fields:
        body["weight"] = "" if edit.weight_grams is None else _weight(edit.weight_grams, facts)
    return body


def _prices(price: Money | None, compare_at: Money | None, facts: Facts) -> dict[str, str]:
    """The crossed-out price is WooCommerce's regular one, and what is paid its sale price."""
    for amount in _given(price, compare_at):
        if amount.currency != facts.currency or amount.minor < 0:
            raise Refused(f"price {amount}: the shop sells in {facts.currency}, from 0 upwards")
    if price is None or compare_at is None or compare_at.minor <= price.minor:
        # A sale price that is not below the regular one would be emptied without a word (golden products/050).
        return {"regular_price": price.decimal if price else "", "sale_price": ""}
    return {"regular_price": compare_at.decimal, "sale_price": price.decimal}


def _given(*amounts: Money | None) -> Iterable[Money]:
    return (amount for amount in amounts if amount is not None)


def _weight(grams: int, facts: Facts) -> str:
    if facts.weight_unit not in GRAMS or grams < 0:
        raise Refused(f"weight of {grams} g: the shop weighs in {facts.weight_unit!r}", next_step="set weight_unit")
    return format((Decimal(grams) / GRAMS[facts.weight_unit]).quantize(Decimal("0.000001")).normalize(), "f")


def _image(address: str, product: Product) -> dict[str, Any]:
    known = product.extra.get(f"image:{address}", "")
    return {"id": int(known)} if known.isdecimal() else {"src": address}
