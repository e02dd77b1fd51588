"""Shopify's products and levels as domain values. Payload dicts end here; a missing field is named in the error."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bridge.contract.errors import Refused
from bridge.contract.feed import Bad
from bridge.domain.catalog import Level, Location, Product, ProductStatus, StockKey, Variant
from bridge.domain.money import Money

__all__ = [
    "Unreadable", "gid", "grams", "level", "levels_of_item", "location", "moment", "need", "product", "products", "short",
    "whole",
]  # fmt: skip

_MOST = 1_000_000
_GID = re.compile(r"gid://shopify/\w+/(\d+)(?:\?.*)?")
# UNLISTED products (2025-10+) can be bought by their link: they sell, so their stock counts.
_STATUS: Mapping[str, ProductStatus] = {
    "ACTIVE": "active", "UNLISTED": "active", "DRAFT": "draft", "ARCHIVED": "archived",
}  # fmt: skip
_GRAMS = {
    "GRAMS": Decimal(1), "KILOGRAMS": Decimal(1000),
    "OUNCES": Decimal("28.349523125"), "POUNDS": Decimal("453.59237"),
}  # fmt: skip


class Unreadable(ValueError):
    """A payload that cannot be understood; the text says which field and why."""


def short(gid_text: str) -> str:
    """Return the number in "gid://shopify/Product/123"; a level's gid has a query behind it."""
    found = _GID.fullmatch(gid_text)
    if not found:
        raise Unreadable(f"{gid_text!r} is not a Shopify id")
    return found[1]


def gid(kind: str, number: str) -> str:
    """Return the global id for a kind and a number; raises Refused when the number is none."""
    if not re.fullmatch(r"\d{1,20}", number):
        raise Refused(f"{number!r} is not the id of a Shopify {kind}", next_step="run `bridge link` to match it anew")
    return f"gid://shopify/{kind}/{number}"


def need(node: Mapping[str, Any], name: str) -> Any:
    """Return a field that must be there."""
    value = node.get(name)
    if value is None:
        raise Unreadable(f"field {name} is missing")
    return value


def moment(text: str) -> datetime:
    """Read a DateTime of the API as an aware UTC time."""
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise Unreadable(f"{text!r} has no time zone")
    return value.astimezone(UTC)


def whole(value: object, name: str) -> int:
    """Read a quantity: whole units of a size that can be real."""
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _MOST:
        raise Unreadable(f"{name} is {value!r}: not a whole number of units between -{_MOST} and {_MOST}")
    return value


def location(node: Mapping[str, Any]) -> Location:
    """Read a place that keeps stock."""
    return Location(id=short(need(node, "id")), name=str(need(node, "name")), active=bool(need(node, "isActive")))


def products(nodes: Iterable[Mapping[str, Any]], currency: str) -> tuple[tuple[Product, ...], tuple[Bad, ...]]:
    """Read many products; one that cannot be understood is set aside with the reason."""
    good, bad = [], []
    for node in nodes:
        try:
            good.append(product(node, currency))
        except (ValueError, TypeError, KeyError) as error:
            bad.append(Bad(id=str(node.get("id", "?")), reason=f"{type(error).__name__}: {error}"))
    return tuple(good), tuple(bad)


def product(node: Mapping[str, Any], currency: str) -> Product:
    """Read one product with all its variants."""
    options = tuple(str(option["name"]) for option in need(node, "options"))
    variants = tuple(_variant(item, currency) for item in need(node, "variants")["nodes"])
    # A product without options carries one called Title with the only value "Default Title".
    plain = options == ("Title",) and len(variants) == 1 and not variants[0].options
    media = {item["image"]["url"]: short(item["id"]) for item in need(node, "media")["nodes"] if item.get("image")}
    return Product(
        id=short(need(node, "id")),
        title=str(need(node, "title")),
        description=str(need(node, "descriptionHtml")),
        status=_STATUS[need(node, "status")],
        images=tuple(media),
        options=() if plain else options,
        variants=variants,
        updated_at=moment(need(node, "updatedAt")),
        extra={"status": str(node["status"]), **{f"media {url}": number for url, number in media.items()}},
    )


def _variant(node: Mapping[str, Any], currency: str) -> Variant:
    item = need(node, "inventoryItem")
    chosen = tuple((str(pair["name"]), str(pair["value"])) for pair in need(node, "selectedOptions"))
    plain = chosen == (("Title", "Default Title"),)
    return Variant(
        id=short(need(node, "id")),
        sku=node.get("sku") or None,
        barcode=node.get("barcode") or None,
        title="" if plain else str(need(node, "title")),
        price=Money.parse(need(node, "price"), currency),
        compare_at=Money.parse(node["compareAtPrice"], currency) if node.get("compareAtPrice") else None,
        weight_grams=grams((item.get("measurement") or {}).get("weight")),
        options=() if plain else chosen,
        stock_id=short(need(item, "id")),
    )


def grams(weight: Mapping[str, Any] | None) -> int | None:
    """Read a weight as whole grams; 0 is Shopify's way to say that none was given."""
    if not weight:
        return None
    value = Decimal(str(need(weight, "value"))) * _GRAMS[need(weight, "unit")]
    return int(value.to_integral_value()) or None


def level(item: Mapping[str, Any], node: Mapping[str, Any], at: datetime, place: str = "") -> Level:
    """Read a level: its `available` number, None where the item is not tracked."""
    where = place or short(need(need(node, "location"), "id"))
    return Level(key=StockKey(short(need(item, "id")), where), quantity=_available(item, node), as_of=at)


def levels_of_item(item: Mapping[str, Any], at: datetime) -> tuple[Sequence[Level], Sequence[Bad]]:
    """Read all levels of an inventory item."""
    good, bad = [], []
    for node in need(item, "inventoryLevels")["nodes"]:
        try:
            good.append(level(item, node, at))
        except (ValueError, TypeError, KeyError) as error:
            bad.append(Bad(id=str(item.get("id", "?")), reason=f"{type(error).__name__}: {error}"))
    return good, bad


def _available(item: Mapping[str, Any], node: Mapping[str, Any]) -> int | None:
    if not need(item, "tracked"):
        return None
    numbers = {entry["name"]: entry["quantity"] for entry in need(node, "quantities")}
    value = need(numbers, "available")
    if not isinstance(value, int):
        raise Unreadable(f"available is {value!r}, not a whole number")
    return value
