"""What a message of the queue says to look at. Pure; one that cannot be understood is a hint at the whole channel.

Shapes: schemas/notifications of amzn/selling-partner-api-models. Older types write their names small; EventBridge, whose rules
may send into the same queue, wraps a notification into `detail`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from bridge.contract.webhooks import Hint
from connectors.amazon.mapping import FBA

__all__ = ["TOPICS", "hints"]

_ORDER = "ORDER_CHANGE"
_WAREHOUSE = "FBA_INVENTORY_AVAILABILITY_CHANGES"
_FEED = "FEED_PROCESSING_FINISHED"
# Those that SQS takes. LISTINGS_ITEM_... go to EventBridge only, and are understood where the merchant passes them on.
TOPICS = (_ORDER, _FEED, _WAREHOUSE)
_LISTING = "LISTINGS_ITEM_STATUS_CHANGE"
_QUANTITY = "LISTINGS_ITEM_MFN_QUANTITY_CHANGE"
_MOST_UNITS = 10_000_000
Json = Mapping[str, Any]


def hints(body: bytes, market: str, warehouse: str) -> Sequence[Hint]:
    """Read the hint of one notification."""
    message = _decoded(body)
    message = _object(message, "detail") or message
    topic = _get(message, "NotificationType")
    if not isinstance(topic, str) or not topic:
        return [Hint(kind="channel")]
    at, payload = _moment(_get(message, "EventTime")), _object(message, "Payload")
    if topic == _ORDER:
        return [_order(_object(payload, "OrderChangeNotification"), at)]
    if topic == _WAREHOUSE:
        return [_stored(payload, market, warehouse, at)]
    if topic == _QUANTITY:
        return [_offered(payload, at)]
    return [_other(topic, payload, at)]


def _other(topic: str, payload: Json, at: datetime | None) -> Hint:
    if topic == _LISTING:
        sku = _text(_get(payload, "Sku"))
        return Hint(kind="product", id=sku, topic=topic, at=at) if sku else Hint(kind="channel", topic=topic, at=at)
    feed = _text(_get(_object(payload, "FeedProcessingFinishedNotification"), "FeedId")) if topic == _FEED else ""
    # A feed's id is the ticket of what was sent with it.
    return Hint(kind="ticket", id=feed, topic=topic, at=at) if feed else Hint(kind="nothing", topic=topic, at=at)


def _order(change: Json, at: datetime | None) -> Hint:
    order_id = _text(_get(change, "AmazonOrderId"))
    known = bool(order_id) and all(sign.isalnum() or sign == "-" for sign in order_id)
    return Hint(kind="order", id=order_id, topic=_ORDER, at=at) if known else Hint(kind="channel", topic=_ORDER, at=at)


def _stored(payload: Json, market: str, warehouse: str, at: datetime | None) -> Hint:
    sku, places = _text(_get(payload, "SKU")), _get(payload, "FulfillmentInventoryByMarketplace")
    if not sku:
        return Hint(kind="channel", topic=_WAREHOUSE, at=at)
    here = [one for one in places if isinstance(one, Mapping)] if isinstance(places, list) else []
    stock = next((_object(one, "FulfillmentInventory") for one in here if _get(one, "MarketplaceId") == market), {})
    told = _units(_get(stock, "Fulfillable"))
    return Hint(kind="stock", id=f"{FBA}{sku}", location=warehouse, topic=_WAREHOUSE, at=at, quantity=told)


def _offered(payload: Json, at: datetime | None) -> Hint:
    sku, code = _text(_get(payload, "Sku")), _text(_get(payload, "FulfillmentChannelCode"))
    if not sku or not code:
        return Hint(kind="channel", topic=_QUANTITY, at=at)
    return Hint(kind="stock", id=sku, location=code, topic=_QUANTITY, at=at, quantity=_units(_get(payload, "Quantity")))


def _get(payload: Json, name: str) -> object:
    return payload.get(name, payload.get(name[0].lower() + name[1:]))


def _object(payload: Json, name: str) -> Json:
    value = _get(payload, name)
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= 255 else ""


def _units(value: object) -> int | None:
    return value if type(value) is int and abs(value) <= _MOST_UNITS else None


def _decoded(body: bytes) -> Json:
    try:
        message = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, Mapping) else {}


def _moment(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(value))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
