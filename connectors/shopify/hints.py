"""What a delivery says to look at. Pure: nothing is asked, and nothing is raised, whatever the bytes.

Payloads are the REST resources of the webhook reference (shopify.dev/docs/api/webhooks). Ids are numbers up to 2^63 there;
`admin_graphql_api_id` names the same record.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from bridge.contract.webhooks import Hint

__all__ = ["TOPICS", "hint", "moment_of"]

# orders/updated follows payment, shipping, cancelling and refunds too, but is known to miss edits and to be late for some:
# what changes units is asked for by its own name as well.
TOPICS = (
    "orders/create", "orders/updated", "orders/edited", "orders/cancelled", "orders/delete", "refunds/create",
    "inventory_levels/update", "inventory_levels/connect", "inventory_levels/disconnect", "inventory_items/update",
    "products/create", "products/update", "products/delete", "app/uninstalled",
)  # fmt: skip
# Sent to the address in the app's settings, whether anybody subscribes or not.
_PRIVACY = frozenset({"customers/data_request", "customers/redact", "shop/redact"})
_LEVEL = r"gid://shopify/InventoryLevel/[0-9]{1,20}\?inventory_item_id=([0-9]{1,20})"


class _Body(msgspec.Struct):
    """The fields that name something, of any topic, as they came."""

    id: Any = None
    admin_graphql_api_id: Any = None
    order_id: Any = None
    order_edit: Any = None
    inventory_item_id: Any = None
    location_id: Any = None
    available: Any = None
    customer: Any = None
    orders_requested: Any = None
    orders_to_redact: Any = None
    shop_domain: Any = None


_decoder = msgspec.json.Decoder(_Body)


def hint(topic: str, body: bytes, at: datetime | None, domain: str) -> Hint:
    """Return the hint of one delivery; `domain` is the shop's own, "" where it is not known.

    A topic nobody asked for is nothing; a body that does not say what changed is a hint at the whole channel.
    """
    family = topic.partition("/")[0]
    if topic and topic not in {*TOPICS, *_PRIVACY} and family not in _NAMED:
        return Hint(kind="nothing", topic=topic, at=at)
    found = _read(topic, family, body, domain)
    return replace(found or Hint(kind="channel"), topic=topic, at=at)


def moment_of(text: str) -> datetime | None:
    """Read X-Shopify-Triggered-At, "2023-03-29T18:00:27.877041743Z"; None where it is no time."""
    try:
        value = datetime.fromisoformat(text)
        return value.astimezone(UTC) if value.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _read(topic: str, family: str, body: bytes, domain: str) -> Hint | None:
    try:
        payload = _decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if topic in _PRIVACY:
        return _person(topic, payload, domain)
    name = _NAMED.get(family)
    return name(payload) if name else None


def _order(payload: _Body) -> Hint | None:
    """An edit and a refund name the order they belong to, everything else is the order."""
    edit = payload.order_edit.get("order_id") if isinstance(payload.order_edit, dict) else payload.order_id
    number = _number(edit) or _whole("Order", payload)
    return Hint(kind="order", id=number) if number else None


def _refund(payload: _Body) -> Hint | None:
    number = _number(payload.order_id)
    return Hint(kind="order", id=number) if number else None


def _level(payload: _Body) -> Hint | None:
    found = re.fullmatch(_LEVEL, _text(payload.admin_graphql_api_id))
    item, place = found[1] if found else _number(payload.inventory_item_id), _number(payload.location_id)
    units = payload.available if type(payload.available) is int else None
    return Hint(kind="stock", id=item, location=place, quantity=units) if item and place else None


def _item(payload: _Body) -> Hint | None:
    number = _whole("InventoryItem", payload)
    return Hint(kind="stock", id=number) if number else None


def _product(payload: _Body) -> Hint | None:
    number = _whole("Product", payload)
    return Hint(kind="product", id=number) if number else None


def _customer(payload: _Body) -> Hint | None:
    number = _whole("Customer", payload)
    return Hint(kind="customer", customers=(number,)) if number else None


def _person(topic: str, payload: _Body, domain: str) -> Hint | None:
    """One address hears for every shop of the app: another shop's end is not ours."""
    if topic == "shop/redact":
        theirs = _text(payload.shop_domain).lower()
        if not theirs:
            return None
        return Hint(kind="privacy" if domain in {"", theirs} else "nothing")
    customer = _number(payload.customer.get("id")) if isinstance(payload.customer, dict) else ""
    listed = payload.orders_requested if topic == "customers/data_request" else payload.orders_to_redact
    orders = tuple(number for one in listed if (number := _number(one))) if isinstance(listed, list) else ()
    return Hint(kind="privacy", id=customer, orders=orders) if customer or orders else None


_NAMED: Mapping[str, Callable[[_Body], Hint | None]] = {
    "orders": _order, "refunds": _refund, "inventory_levels": _level, "inventory_items": _item, "products": _product,
    # Understood where the app's own settings subscribe to them; asked for by nobody here, for not every shop keeps customers in step.
    "customers": _customer,
}  # fmt: skip


def _whole(kind: str, payload: _Body) -> str:
    """Return the record's number: that of its global id where there is one, for who reads JSON as doubles rounds the other."""
    found = re.fullmatch(rf"gid://shopify/{kind}/([0-9]{{1,20}})", _text(payload.admin_graphql_api_id))
    return found[1] if found else _number(payload.id)


def _number(value: object) -> str:
    """Return an id as the connector names it, "" where it is none."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return text if re.fullmatch(r"[1-9][0-9]{0,19}", text) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
