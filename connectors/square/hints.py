"""What a Square event says to look at. Pure: a delivery that cannot be understood is a hint at the whole channel.

Event types and their objects: Connect API specification 2025-08-20, the schemas with `x-webhook`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from bridge.contract.webhooks import Hint
from connectors.square.payload import Payload, moment, names, part, rows

__all__ = ["TOPICS", "hints"]

# A till's sale is told by its payment only: "Creating an order in the Point of Sale app will not publish" order.created.
_ORDERS = ("order.created", "order.updated", "order.fulfillment.updated")
_MONEY = ("payment.created", "payment.updated", "refund.created", "refund.updated")
_COUNTS = "inventory.count.updated"
_PEOPLE = ("customer.created", "customer.updated", "customer.deleted")
_POINTS = ("loyalty.account.created", "loyalty.account.updated", "loyalty.event.created")
# The catalog's event names no object: the product feed reads what changed by time.
_ALL = ("catalog.version.updated", "oauth.authorization.revoked")
TOPICS = (*_ORDERS, *_MONEY, _COUNTS, *_PEOPLE, *_POINTS, *_ALL)
# An id goes into the path of the call that looks.
_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
_WHOLE = re.compile(r"-?[0-9]{1,12}")


def hints(body: bytes) -> Sequence[Hint]:
    """Read the hints of one event; counts of one number come once."""
    event = _decoded(body)
    topic = event.get("type")
    if not isinstance(topic, str):
        return [Hint(kind="channel")]
    at = _moment(event)
    try:
        if topic in (*_PEOPLE, *_POINTS):
            return [Hint(kind="customer", customers=_people(part(event, "data")), topic=topic, at=at)]
        found = _about(topic, part(event, "data"))
    except ValueError:
        found = []
    if found is None:
        return [Hint(kind="nothing", topic=topic, at=at)]
    if not found:
        return [Hint(kind="channel", topic=topic, at=at)]
    if topic != _COUNTS:
        return [Hint(kind="order", id=one, location=place, topic=topic, at=at) for one, place in found]
    told = _quantities(part(event, "data"))
    return [
        Hint(kind="stock", id=one, location=place, topic=topic, at=at, quantity=told.get((one, place)))
        for one, place in found
    ]


def _about(topic: str, data: Payload) -> list[tuple[str, str]] | None:
    """Return ids with their locations; none where the channel as a whole is meant, None where nothing of ours is."""
    if topic in _ORDERS:
        return [(one, "") for one in _ids(*_orders_in(data), data.get("id"))][:1]
    if topic in _MONEY:
        return [(one, "") for one in _ids(*_orders_in(data))][:1]
    if topic == _COUNTS:
        return _counts(data)
    return [] if topic in _ALL else None


def _people(data: Payload) -> tuple[str, ...]:
    """Return whom an event names: the profile, those merged into it, the owner of an account. An entry of the ledger names nobody."""
    told = part(data, "object")
    merged = part(part(told, "event_context"), "merge")
    named = (
        part(told, "customer").get("id"), part(told, "loyalty_account").get("customer_id"), merged.get("to_customer_id"),
        *names(merged, "from_customer_ids"),
    )  # fmt: skip
    return tuple(dict.fromkeys(_ids(*named)))


def _orders_in(data: Payload) -> list[object]:
    """Return what the event's object names as its order; a refund names the return order, which holds the goods."""
    return [inner.get("order_id") for inner in part(data, "object").values() if isinstance(inner, Mapping)]


def _counts(data: Payload) -> list[tuple[str, str]]:
    counts = rows(part(data, "object"), "inventory_counts")
    keys = [_ids(count.get("catalog_object_id"), count.get("location_id")) for count in counts]
    if not all(len(key) == 2 for key in keys):
        return []
    return list(dict.fromkeys((one, place) for one, place in keys))


def _quantities(data: Payload) -> dict[tuple[object, object], int]:
    """Return the numbers told of what can be sold; a fraction is none of ours."""
    told = {}
    for count in rows(part(data, "object"), "inventory_counts"):
        quantity = count.get("quantity")
        if count.get("state") == "IN_STOCK" and isinstance(quantity, str) and _WHOLE.fullmatch(quantity):
            told[count.get("catalog_object_id"), count.get("location_id")] = int(quantity)
    return told


def _ids(*values: object) -> list[str]:
    return [value for value in values if isinstance(value, str) and _ID.fullmatch(value)]


def _decoded(body: bytes) -> Payload:
    try:
        event = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def _moment(event: Payload) -> datetime | None:
    try:
        return moment(event, "created_at")
    except (ValueError, OverflowError):
        return None
