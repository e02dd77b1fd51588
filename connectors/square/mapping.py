"""Square's catalog and inventory payloads as domain values. Pure; payload dicts end here."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

import msgspec

from bridge.contract.stock import Cause
from bridge.domain.catalog import Level, Product, ProductStatus, StockKey, Variant
from bridge.domain.money import Money
from connectors.square.payload import Odd, Payload, moment, money, names, need, part, rows, text, units

__all__ = ["OURS", "causes", "level", "parent_of", "product", "related", "tombstone", "touched"]

# Marks our own inventory changes in `reference_id`, so that the change log tells them from others'.
OURS = "bridge:"
Kind = Literal["count", "adjust", "sale", "return", "ours"]
_SOLD = {"SOLD", "SOLD_ONLINE"}
_RETURNED = {"RETURNED_BY_CUSTOMER", "UNLINKED_RETURN"}


def related(payload: Payload) -> dict[str, Payload]:
    """Index an answer's related objects (images, item options) by id."""
    return {text(found, "id"): found for found in rows(payload, "related_objects")}


def product(item: Payload, others: Mapping[str, Payload]) -> Product:
    """Read an ITEM with its variations.

    `extra` keeps the item whole, as an upsert deletes every field it leaves out, and the images and options it refers to,
    as an upsert's answer comes without them.
    """
    data = part(item, "item_data")
    options = [text(option, "item_option_id") for option in rows(data, "item_options")]
    referred = [others[found] for found in (*names(data, "image_ids"), *options) if found in others]
    variations = [found for found in rows(data, "variations") if not found.get("is_deleted")]
    if not variations:
        raise Odd("item_data.variations is missing")
    return Product(
        id=str(need(item, "id")),
        title=str(need(data, "name")),
        description=text(data, "description_html") or text(data, "description"),
        status=_status(item, data),
        images=tuple(_urls(names(data, "image_ids"), others)),
        options=tuple(_option_name(option, others) for option in options),
        variants=tuple(_variant(variation, others) for variation in variations),
        updated_at=moment(item, "updated_at"),
        version=str(need(item, "version")),
        extra={"item": _kept(item), "related": _kept({"related_objects": referred})},
    )


def tombstone(item: Payload) -> Product:
    """Read a deleted ITEM: its `updated_at` is the time of the deletion."""
    return Product(id=str(need(item, "id")), updated_at=moment(item, "updated_at"), deleted=True)


def parent_of(variation: Payload) -> str:
    """Return the id of the item a variation belongs to."""
    return str(need(part(variation, "item_variation_data"), "item_id"))


def level(count: Payload, as_of: datetime) -> Level:
    """Read an inventory count in state IN_STOCK."""
    return Level(key=_key(count, need(count, "location_id")), quantity=units(count), as_of=as_of)


def causes(change: Payload) -> list[Cause]:
    """Read an entry of the inventory change log: one cause per IN_STOCK number that it moved.

    A movement between locations moves two (API versions from 2026-07-15). What a count generated says nothing new: the
    count itself is in the log.
    """
    if counted := part(change, "physical_count"):
        ours = text(counted, "reference_id").startswith(OURS)
        key = _key(counted, need(counted, "location_id"))
        in_stock = text(counted, "state") == "IN_STOCK"
        return [_cause(counted, key, "ours" if ours else "count", units(counted))] if in_stock else []
    entry = part(change, "adjustment")
    moved = {} if entry.get("physical_count_id") else _moved(entry)
    return [_cause(entry, key, _kind(entry), quantity) for key, quantity in moved.items() if quantity]


def touched(change: Payload) -> tuple[str, set[StockKey]]:
    """Return the reference of a change log entry and the numbers it is about."""
    counted = part(change, "physical_count")
    if counted:
        return text(counted, "reference_id"), {_key(counted, need(counted, "location_id"))}
    entry = part(change, "adjustment")
    return text(entry, "reference_id"), set(_moved(entry))


def _moved(entry: Payload) -> dict[StockKey, int]:
    """Return by how much an adjustment moved which IN_STOCK number."""
    quantity, found = units(entry), dict[StockKey, int]()
    for side, sign in (("from", -1), ("to", 1)):
        if text(entry, f"{side}_state") == "IN_STOCK":
            # Entries of API versions before 2026-07-15 have one location_id.
            place = text(entry, f"{side}_location_id") or need(entry, "location_id")
            key = _key(entry, place)
            found[key] = found.get(key, 0) + sign * quantity
    return found


def _key(payload: Payload, location: str) -> StockKey:
    return StockKey(str(need(payload, "catalog_object_id")), str(location))


def _kept(payload: Payload) -> str:
    return msgspec.json.encode(payload).decode()


def _cause(entry: Payload, key: StockKey, kind: Kind, quantity: int) -> Cause:
    reference = text(entry, "reference_id")
    by = reference.removeprefix(OURS) if kind == "ours" else text(part(entry, "source"), "name")
    return Cause(
        key=key,
        kind=kind,
        quantity=quantity,
        at=moment(entry, "occurred_at" if entry.get("occurred_at") else "created_at"),
        id=str(need(entry, "id")),
        by=by or text(entry, "team_member_id"),
        noted=moment(entry, "created_at") if entry.get("created_at") else None,
    )


def _kind(entry: Payload) -> Kind:
    source, target = text(entry, "from_state"), text(entry, "to_state")
    if text(entry, "reference_id").startswith(OURS):
        return "ours"
    by_api = text(part(entry, "source"), "product") == "EXTERNAL_API"
    if target in _SOLD and (entry.get("transaction_id") or not by_api):
        return "sale"
    # A restock at the till moves RETURNED_BY_CUSTOMER to IN_STOCK and names no order (developer forum topic 15697).
    if source in _RETURNED or entry.get("refund_id") or (source in _SOLD and entry.get("transaction_id")):
        return "return"
    return "adjust"


def _status(item: Payload, data: Payload) -> ProductStatus:
    if data.get("is_archived"):
        return "archived"
    everywhere = item.get("present_at_all_locations", True)
    return "active" if everywhere or item.get("present_at_location_ids") else "draft"


def _variant(variation: Payload, others: Mapping[str, Payload]) -> Variant:
    data = part(variation, "item_variation_data")
    identity = str(need(variation, "id"))
    return Variant(
        id=identity,
        sku=text(data, "sku") or None,
        barcode=text(data, "upc") or None,
        title=text(data, "name"),
        price=_price(data),
        options=tuple(_options(rows(data, "item_option_values"), others)),
        stock_id=identity if _tracked(data) else None,
    )


def _price(data: Payload) -> Money | None:
    return money(data, "price_money") if data.get("price_money") else None


def _tracked(data: Payload) -> bool:
    """Tell whether any location counts it: tracking is switched on for all, or per location in the overrides."""
    return bool(data.get("track_inventory")) or any(
        override.get("track_inventory") for override in rows(data, "location_overrides")
    )


def _urls(ids: Iterable[str], others: Mapping[str, Payload]) -> Iterable[str]:
    for identity in ids:
        if url := text(part(others.get(identity, {}), "image_data"), "url"):
            yield url


def _option_name(option: str, others: Mapping[str, Payload]) -> str:
    data = part(others.get(option, {}), "item_option_data")
    return text(data, "display_name") or text(data, "name") or option


def _options(values: Iterable[Payload], others: Mapping[str, Payload]) -> Iterable[tuple[str, str]]:
    for value in values:
        option, chosen = text(value, "item_option_id"), text(value, "item_option_value_id")
        known = rows(part(others.get(option, {}), "item_option_data"), "values")
        titles = {text(found, "id"): text(part(found, "item_option_value_data"), "name") for found in known}
        yield _option_name(option, others), titles.get(chosen) or chosen
