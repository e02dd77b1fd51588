"""One listing: its attributes as Amazon keeps them, and the patches that change them."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from bridge.sandbox.amazon.errors import invalid
from bridge.sandbox.amazon.values import Json

DEFAULT = "DEFAULT"
AVAILABILITY = "fulfillment_availability"
_PREFIX = "/attributes/"
_SELECTORS = ("fulfillment_channel_code", "marketplace_id", "language_tag", "audience")
_TITLE = 200
_UNITS = 10_000_000


@dataclass(slots=True)
class Listing:
    """A SKU of the seller. The quantity of a merchant-fulfilled one stands in its attribute `fulfillment_availability`."""

    sku: str
    asin: str
    product_type: str
    attributes: dict[str, list[Json]]
    created: datetime
    updated: datetime
    parent: str | None = None
    warehouse: int = 0
    reserved: int = 0
    warehouse_at: datetime | None = None
    children: list[str] = field(default_factory=list)

    @property
    def channel(self) -> str:
        """Who fulfils it: DEFAULT is the merchant; where an Amazon channel is named besides, the last one written counts."""
        rows = self.attributes.get(AVAILABILITY) or []
        return str(rows[-1]["fulfillment_channel_code"]) if rows else DEFAULT

    @property
    def quantity(self) -> int | None:
        """Units on offer: the merchant's own number, or what lies in Amazon's warehouse."""
        if self.channel != DEFAULT:
            return self.warehouse
        rows = [row for row in self.attributes.get(AVAILABILITY) or [] if row["fulfillment_channel_code"] == DEFAULT]
        return int(rows[0]["quantity"]) if rows and rows[0].get("quantity") is not None else None

    @property
    def price(self) -> Decimal | None:
        """The price of the offer."""
        for offer in self.attributes.get("purchasable_offer") or ():
            for price in offer.get("our_price") or ():
                return Decimal(str(price["schedule"][0]["value_with_tax"]))
        return None

    @property
    def title(self) -> str:
        """The item name."""
        return str(first(self.attributes, "item_name") or "")

    @property
    def is_parent(self) -> bool:
        """A variation parent gathers its children and cannot be bought."""
        return bool(first(self.attributes, "parentage_level") == "parent")

    def take(self, units: int, at: datetime) -> None:
        """Units are sold, or come back (negative)."""
        if self.channel != DEFAULT:
            self.warehouse -= units
            self.reserved += units
            self.warehouse_at = at
            return
        self.put((self.quantity or 0) - units)

    def put(self, units: int) -> None:
        """Set the number on offer, whatever else its row says."""
        if self.channel != DEFAULT:
            self.warehouse = units
            return
        rows = self.attributes.setdefault(AVAILABILITY, [])
        own = next((row for row in rows if row["fulfillment_channel_code"] == DEFAULT), None)
        if own is None:
            rows.append({"fulfillment_channel_code": DEFAULT, "quantity": units})
        else:
            own["quantity"] = units


def first(attributes: dict[str, list[Json]], name: str) -> Any:
    """Return the value of an attribute's first entry; None where it has none."""
    rows = attributes.get(name) or []
    return rows[0].get("value") if rows else None


def patched(attributes: dict[str, list[Json]], patches: list[Json]) -> dict[str, list[Json]]:
    """Return the attributes after JSON patches: only whole top-level attributes can be named."""
    made = {name: [dict(row) for row in rows] for name, rows in attributes.items()}
    for at, patch in enumerate(patches):
        _apply(made, patch, at)
    return made


def _apply(made: dict[str, list[Json]], patch: Json, at: int) -> None:
    path, op, value = str(patch.get("path") or ""), patch.get("op"), patch.get("value")
    name = path.removeprefix(_PREFIX)
    if not path.startswith(_PREFIX) or not name or "/" in name:
        raise invalid(f"Invalid path for patch at index of {at}.")
    if op == "delete":
        made.pop(name, None)
        return
    if not isinstance(value, list) or not value or not all(isinstance(row, dict) for row in value):
        raise invalid(f"Value is missing for patch at index of {at}.")
    if op in ("add", "replace"):
        made[name] = [dict(row) for row in value]
    elif op == "merge":
        for row in value:
            _merge(made.setdefault(name, []), row)
    else:
        raise invalid(f"Invalid operation for patch at index of {at}.")


def _merge(rows: list[Json], given: Json) -> None:
    """Fields that are given change; the rest of the row with the same selectors stays."""
    for row in rows:
        if all(row.get(name, given[name]) == given[name] for name in _SELECTORS if name in given):
            row.update(given)
            return
    rows.append(dict(given))


def problems(attributes: dict[str, list[Json]]) -> list[Json]:
    """Say what keeps these attributes from being accepted."""
    found = [*_availability(attributes), *_title(attributes), *_offer(attributes)]
    return [_issue(code, message, name) for code, message, name in found]


def _availability(attributes: dict[str, list[Json]]) -> list[tuple[str, str, str]]:
    for row in attributes.get(AVAILABILITY) or ():
        units = row.get("quantity")
        if not row.get("fulfillment_channel_code"):
            return [("90000900", "The field 'fulfillment_channel_code' does not have enough values.", AVAILABILITY)]
        if units is not None and (type(units) is not int or not 0 <= units <= _UNITS):
            return [("90000900", f"The value '{units}' for 'quantity' is invalid.", AVAILABILITY)]
    return []


def _title(attributes: dict[str, list[Json]]) -> list[tuple[str, str, str]]:
    title = first(attributes, "item_name")
    if not isinstance(title, str) or not title.strip():
        return [("90220", "'Item Name' is required but not supplied.", "item_name")]
    return [("90244", f"'Item Name' exceeds {_TITLE} characters.", "item_name")] if len(title) > _TITLE else []


def _offer(attributes: dict[str, list[Json]]) -> list[tuple[str, str, str]]:
    try:
        for offer in attributes.get("purchasable_offer") or ():
            for price in offer.get("our_price") or ():
                if Decimal(str(price["schedule"][0]["value_with_tax"])) < 0:
                    return [("90221", "The price must not be negative.", "purchasable_offer")]
    except (KeyError, IndexError, TypeError, InvalidOperation):
        return [("90000900", "The attributes are invalid.", "purchasable_offer")]
    return []


def _issue(code: str, message: str, name: str) -> Json:
    return {
        "code": code, "message": message, "severity": "ERROR", "attributeNames": [name], "categories": ["INVALID_ATTRIBUTE"],
    }  # fmt: skip
