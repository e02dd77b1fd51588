"""Etsy's listings as domain values. Pure; payload dicts end here."""

from collections.abc import Mapping
from datetime import datetime

from bridge.domain.catalog import Level, Product, ProductStatus, StockKey, Variant
from bridge.wire.payload import Odd, Payload, count, need, part, rows, text
from connectors.etsy.identity import group_of, name_of
from connectors.etsy.payload import moment, money

__all__ = ["is_closed", "is_digital", "is_sold_out", "levels", "offering", "on", "product", "products_of", "updated"]

_STATES: Mapping[str, ProductStatus] = {
    "active": "active", "sold_out": "active", "inactive": "archived", "expired": "archived", "draft": "draft",
}  # fmt: skip


def product(listing: Payload) -> Product:
    """Read a listing with its inventory (`includes=Inventory,Images`)."""
    identity, inventory = str(count(listing, "listing_id")), part(listing, "inventory")
    variants = tuple(_variant(identity, one, inventory) for one in products_of(inventory))
    if not variants:
        raise Odd("the listing has no inventory record: save its stock once on Etsy")
    names = [name for own in variants for name, _ in own.options]
    return Product(
        id=identity,
        title=str(need(listing, "title")),
        description=text(listing, "description"),
        status=_status(listing, inventory),
        images=tuple(str(url) for image in rows(listing, "images") if (url := image.get("url_fullxfull"))),
        options=tuple(dict.fromkeys(names)),
        tags=tuple(str(tag) for tag in listing.get("tags") or ()),
        variants=variants,
        updated_at=updated(listing),
    )


def updated(listing: Payload) -> datetime:
    """Return when a listing was changed last."""
    return moment(listing, "updated_timestamp", "last_modified_timestamp")


def levels(listing: Payload, inventory: Payload, at: datetime) -> list[Level]:
    """Read a listing's numbers, one per group of products that share it: what can be bought, or could be if it were on sale.

    A sold-out listing offers nothing, whatever its record says (etsy/open-api issue 247), nor does one that was taken out with
    the one unit that Etsy wants left in it. A download is not counted.
    """
    identity, properties = str(count(listing, "listing_id")), on(inventory, "quantity")
    none = is_sold_out(listing) or is_closed(listing, inventory)
    found: dict[str, int | None] = {}
    for one in products_of(inventory):
        quantity = 0 if none else count(offering(one), "quantity")
        group = group_of(identity, rows(one, "property_values"), properties)
        found[group] = None if is_digital(listing) else quantity
    return [Level(key=StockKey(group), quantity=quantity, as_of=at) for group, quantity in found.items()]


def products_of(inventory: Payload) -> list[Payload]:
    """Return the products that were not deleted."""
    return [one for one in rows(inventory, "products") if not one.get("is_deleted")]


def offering(one: Payload) -> Payload:
    """Return the offering of a product: Etsy gives each one."""
    for found in rows(one, "offerings"):
        if not found.get("is_deleted"):
            return found
    raise Odd(f"product {one.get('product_id')} has no offering")


def on(inventory: Payload, what: str) -> list[int]:
    """Return the properties by which prices, quantities, SKUs or processing profiles differ."""
    return [one for one in inventory.get(f"{what}_on_property") or () if isinstance(one, int)]


def is_digital(listing: Payload) -> bool:
    """Tell whether it is a download."""
    return text(listing, "listing_type") == "download"


def is_sold_out(listing: Payload) -> bool:
    """Tell whether it was sold out, by buyers or by a write."""
    return text(listing, "state") == "sold_out"


def is_closed(listing: Payload, inventory: Payload) -> bool:
    """Tell whether a listing that is not on sale has no more than the unit in it that Etsy insists on."""
    if text(listing, "state") not in {"inactive", "draft"}:
        return False
    properties, told = on(inventory, "quantity"), dict[str, int]()
    for one in products_of(inventory):
        if offering(one).get("is_enabled"):
            told[group_of("", rows(one, "property_values"), properties)] = count(offering(one), "quantity")
    return sum(told.values()) <= 1


def _status(listing: Payload, inventory: Payload) -> ProductStatus:
    state = text(listing, "state")
    if state not in _STATES:
        raise Odd(f"state {state!r} is unknown")
    return "active" if state == "inactive" and is_closed(listing, inventory) else _STATES[state]


def _variant(identity: str, one: Payload, inventory: Payload) -> Variant:
    values = rows(one, "property_values")
    options = tuple((text(value, "property_name") or text(value, "property_id"), _told(value)) for value in values)
    return Variant(
        id=name_of(identity, values),
        sku=text(one, "sku") or None,
        title=" / ".join(value for _, value in options),
        price=money(offering(one), "price"),
        options=options,
        stock_id=group_of(identity, values, on(inventory, "quantity")),
    )


def _told(value: Payload) -> str:
    words = value.get("values") or []
    return ", ".join(map(str, words)) if isinstance(words, list) else ""
