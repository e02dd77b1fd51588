"""What a message of the queue says to look at. Pure; one that cannot be understood is a hint at the whole channel.

Shapes: schemas/notifications of amzn/selling-partner-api-models. Older types write their names small; EventBridge, whose rules
may send into the same queue, wraps a notification into `detail`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge.contract.webhooks import Hint
from bridge.wire.hints import about, inner, word
from bridge.wire.payload import Payload, decoded, maybe_instant
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


def hints(body: bytes, market: str, warehouse: str) -> Sequence[Hint]:
    """Read the hint of one notification."""
    message = decoded(body)
    message = _capital(inner(message, "detail") or message)
    topic, payload = word(message, "NotificationType"), _capital(inner(message, "Payload"))
    at = maybe_instant(message.get("EventTime"))
    if topic == _ORDER:
        change = _capital(inner(payload, "OrderChangeNotification"))
        return [about("order", word(change, "AmazonOrderId"), topic, at)]
    if topic == _LISTING:
        return [about("product", word(payload, "Sku"), topic, at, plain=False)]
    if topic == _FEED:
        feed = word(_capital(inner(payload, "FeedProcessingFinishedNotification")), "FeedId")
        # A feed's id is the ticket of what was sent with it.
        return [Hint(kind="ticket" if feed else "nothing", id=feed, topic=topic, at=at)]
    if topic == _WAREHOUSE:
        return [_stock(FBA, word(payload, "SKU"), warehouse, _stored(payload, market), topic, at)]
    if topic == _QUANTITY:
        place = word(payload, "FulfillmentChannelCode")
        return [_stock("", word(payload, "Sku") if place else "", place, payload.get("Quantity"), topic, at)]
    return [Hint(kind="nothing" if topic else "channel", topic=topic, at=at)]


def _stored(payload: Payload, market: str) -> object:
    """Return the number that Amazon's warehouses have for this marketplace."""
    places = payload.get("FulfillmentInventoryByMarketplace")
    shown = [_capital(one) for one in places if isinstance(one, dict)] if isinstance(places, list) else []
    here = next((inner(one, "FulfillmentInventory") for one in shown if one.get("MarketplaceId") == market), {})
    return _capital(here).get("Fulfillable")


def _stock(kind: str, sku: str, place: str, told: object, topic: str, at: datetime | None) -> Hint:
    if not sku:
        return Hint(kind="channel", topic=topic, at=at)
    units = told if type(told) is int and abs(told) <= _MOST_UNITS else None
    return Hint(kind="stock", id=f"{kind}{sku}", location=place, topic=topic, at=at, quantity=units)


def _capital(payload: Payload) -> Mapping[str, Any]:
    """Return the fields by names that begin with a capital."""
    return {name[:1].upper() + name[1:]: value for name, value in payload.items()}
