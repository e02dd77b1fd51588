"""WooCommerce payloads as domain values: payload dicts end here.

Numbers come as text, as numbers or as "" for none; `meta_data` comes as a list or, from some plugins, as an object;
`parent_id` may be false. What cannot be understood raises Unreadable, with a reason for the merchant.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from bridge.domain.catalog import Level, Product, ProductStatus, StockKey, Variant
from bridge.domain.money import Money

__all__ = [
    "GRAMS", "MOST", "Row", "Unreadable", "amount", "identifier", "levels", "meta", "moment", "money", "need", "product",
    "text_of", "whole",
]  # fmt: skip

Row = Mapping[str, Any]
MOST = 1_000_000
GRAMS = {"kg": Decimal(1000), "g": Decimal(1), "lbs": Decimal("453.59237"), "oz": Decimal("28.349523125")}

_WHOLE = 10**15  # as many digits as _DECIMAL takes
_DECIMAL = re.compile(r"-?\d{1,15}(\.\d{1,20})?")
_STATUS: dict[str, ProductStatus] = {"publish": "active", "private": "archived"}
# What a shop sells by itself; a grouped product only shows others, an external one is sold elsewhere.
_NOT_STOCKED = frozenset({"grouped", "external"})


class Unreadable(ValueError):
    """A payload that cannot be understood; the text says why."""


def need(row: Row, name: str) -> Any:
    """Return a field that must be there."""
    value = row.get(name)
    if value is None:
        raise Unreadable(f"the field {name} is missing")
    return value


def identifier(value: object) -> str:
    """Read an id; "" for none (0, false, null, "")."""
    return str(value) if isinstance(value, int | str) and value not in {0, "0", ""} and value is not True else ""


def text_of(row: Row, name: str) -> str:
    """Read a text; "" where it is absent."""
    value = row.get(name)
    return value if isinstance(value, str) else ""


def whole(value: object, what: str) -> int | None:
    """Read whole units written as 3, 3.0, "3" or "3.00"; None for none. Raises Unreadable for fractions and words."""
    if type(value) is int and -_WHOLE < value < _WHOLE:
        return value
    if value is None or value == "" or value is False:
        return None
    text = str(value).strip()
    if isinstance(value, bool) or not _DECIMAL.fullmatch(text) or Decimal(text) % 1:
        raise Unreadable(f"{what} is {value!r}, not a whole number")
    return int(Decimal(text))


def moment(value: object) -> datetime | None:
    """Read a time of a *_gmt field, UTC without a zone; None for none."""
    if not isinstance(value, str) or not value:
        return None
    try:
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    except ValueError as error:
        raise Unreadable(f"{value!r} is not a time") from error


def amount(value: object, what: str) -> Decimal:
    """Read an amount; no text is zero."""
    found = _decimal(str(value if value is not None else ""))
    if found is None:
        raise Unreadable(f"{what} is {value!r}, not an amount of money")
    return found


# The same few prices come again and again, line after line.
@lru_cache(maxsize=4096)
def _decimal(text: str) -> Decimal | None:
    text = text.strip() or "0"
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


def money(value: Decimal, currency: str) -> Money:
    """Return a computed amount in minor units; the shop may calculate finer than that."""
    return Money.rounded(value, currency)


def meta(row: Row) -> dict[str, Any]:
    """Return `meta_data` by key; the first row of a key counts, as it does for the shop."""
    rows = row.get("meta_data") or ()
    if isinstance(rows, dict):
        rows = rows.values()
    found: dict[str, Any] = {}
    for entry in rows:
        if isinstance(entry, dict) and isinstance(key := entry.get("key"), str):
            found.setdefault(key, entry.get("value"))
    return found


def product(row: Row, variations: Sequence[Row], *, currency: str, weight_unit: str) -> Product:
    """Read a product with its variations; raises Unreadable."""
    product_id = identifier(need(row, "id"))
    updated = moment(row.get("date_modified_gmt")) or moment(row.get("date_created_gmt"))
    if updated is None:
        raise Unreadable("the field date_modified_gmt is missing")
    pictures = [image for image in row.get("images") or () if isinstance(image, Mapping) and text_of(image, "src")]
    return Product(
        id=product_id,
        title=text_of(row, "name"),
        description=text_of(row, "description"),
        status=_STATUS.get(text_of(row, "status"), "draft"),
        images=tuple(text_of(image, "src") for image in pictures),
        options=_option_names(row),
        variants=tuple(_variants(row, variations, currency=currency, weight_unit=weight_unit)),
        updated_at=updated,
        deleted=row.get("status") == "trash",
        # A picture sent back by its id stays the same file; sent by its address it is downloaded again.
        extra={f"image:{text_of(image, 'src')}": identifier(image.get("id")) for image in pictures},
    )


def _variants(row: Row, variations: Sequence[Row], *, currency: str, weight_unit: str) -> Iterable[Variant]:
    if not _is_variable(row):
        if row.get("type") != "grouped":
            yield _variant(row, stock_key(row), currency, weight_unit)
        return
    places = {identifier(found): place for place, found in enumerate(row.get("variations") or ())}
    ordered = sorted(variations, key=lambda one: places.get(identifier(one.get("id")), len(places)))
    keys = [stock_key(variation, row) for variation in ordered]
    if identifier(row.get("id")) in keys:
        yield _stock_of_parent(row)
    for variation, key in zip(ordered, keys, strict=True):
        yield _variant(variation, key, currency, weight_unit)


def _stock_of_parent(row: Row) -> Variant:
    """The parent as the owner of the number that its variations share: what is counted is the parent's SKU."""
    product_id = identifier(need(row, "id"))
    return Variant(
        id=product_id,
        sku=text_of(row, "sku") or None,
        barcode=text_of(row, "global_unique_id") or None,
        stock_id=product_id,
    )


def _variant(row: Row, key: str | None, currency: str, weight_unit: str) -> Variant:
    options = tuple(_options(row))
    price, compare_at = _prices(row, currency)
    return Variant(
        id=identifier(need(row, "id")),
        sku=text_of(row, "sku") or None,
        barcode=text_of(row, "global_unique_id") or None,
        title=" / ".join(option for _, option in options),
        price=price,
        compare_at=compare_at,
        weight_grams=_grams(row, weight_unit),
        options=options,
        stock_id=key,
    )


def _prices(row: Row, currency: str) -> tuple[Money | None, Money | None]:
    """The price now, and the one crossed out where it is a sale."""
    price, regular = (_price(row, name, currency) for name in ("price", "regular_price"))
    price = regular if price is None else price
    on_sale = price is not None and regular is not None and price.minor < regular.minor
    return price, regular if on_sale else None


def _price(row: Row, name: str, currency: str) -> Money | None:
    value = row.get(name)
    if value is None or value == "":
        return None
    try:
        return Money.parse(format(amount(value, name), "f"), currency)
    except ValueError as error:
        raise Unreadable(f"{name}: {error}") from error


def _grams(row: Row, unit: str) -> int | None:
    weight = text_of(row, "weight")
    if not _DECIMAL.fullmatch(weight) or unit not in GRAMS:
        return None
    return round(Decimal(weight) * GRAMS[unit])


def _option_names(row: Row) -> tuple[str, ...]:
    attributes = row.get("attributes") or ()
    return tuple(text_of(one, "name") for one in attributes if isinstance(one, Mapping) and one.get("variation"))


def _options(row: Row) -> Iterable[tuple[str, str]]:
    for one in row.get("attributes") or ():
        if isinstance(one, Mapping) and isinstance(one.get("option"), str):
            yield text_of(one, "name"), one["option"]


def _is_variable(row: Row) -> bool:
    return bool(row.get("variations")) or row.get("type") in {"variable", "variable-subscription"}


def stock_key(row: Row, parent: Row | None = None) -> str | None:
    """Name the record that holds the number: "7" of a product, "7/9" of a variation, None where there is none.

    A variation that says `manage_stock: "parent"` has no number of its own: a write to it answers 200 and changes
    nothing (golden variations/090).
    """
    if parent is None:
        return None if row.get("type") in _NOT_STOCKED else identifier(need(row, "id"))
    parent_id = identifier(need(parent, "id"))
    if row.get("manage_stock") == "parent":
        return parent_id
    return f"{parent_id}/{identifier(need(row, 'id'))}"


def levels(row: Row, variations: Sequence[Row], as_of: datetime) -> tuple[Level, ...]:
    """Read the numbers of a product and its variations; a parent's number only where a variation uses it."""
    if not _is_variable(row):
        key = stock_key(row)
        return (level(key, row, as_of),) if key else ()
    found: dict[str, Level] = {}
    for variation in variations:
        key = stock_key(variation, row) or ""
        holder = row if "/" not in key else variation
        if key not in found:
            found[key] = level(key, holder, as_of)
    return tuple(found.values())


def level(key: str, row: Row, as_of: datetime) -> Level:
    """Read the number of one record; None where the shop does not track it."""
    tracked = row.get("manage_stock") is True
    quantity = whole(row.get("stock_quantity"), f"stock_quantity of {key}") if tracked else None
    return Level(key=StockKey(key), quantity=quantity, as_of=as_of)
