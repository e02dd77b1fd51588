"""Notifications: subscriptions that go into the merchant's queue, and what a message of it says to look at.

Nothing that comes by HTTP is Amazon's. Shapes: schemas/notifications of amzn/selling-partner-api-models. Older types write their names
small; EventBridge, whose rules may send into the same queue, wraps a notification into `detail`.
"""

from collections.abc import Sequence

from bridge.contract.errors import NeedsPerson, Refused
from bridge.contract.webhooks import Delivery, Hint, Subscription, Verdict
from bridge.wire.api import if_there
from bridge.wire.hints import about, counted, inner, word
from bridge.wire.payload import Payload, decoded, maybe_instant, must, part, rows, text
from bridge.wire.sqs import Queue
from bridge.wire.subscribing import TopicByTopic
from connectors.amazon.client import Client
from connectors.amazon.mapping import FBA

__all__ = ["Webhooks", "hints"]

_ORDER = "ORDER_CHANGE"
_FEED = "FEED_PROCESSING_FINISHED"
_WAREHOUSE = "FBA_INVENTORY_AVAILABILITY_CHANGES"
# Those above SQS takes; these go to EventBridge only, and are understood where the merchant passes them on.
_LISTING = "LISTINGS_ITEM_STATUS_CHANGE"
_QUANTITY = "LISTINGS_ITEM_MFN_QUANTITY_CHANGE"


class Webhooks(TopicByTopic):
    """The webhooks port. A subscription is of one type; `id` is its type and Amazon's id."""

    def __init__(self, client: Client, queue: Queue) -> None:
        super().__init__(client.where)
        self._client = client
        self._queue = queue
        # Where nothing is kept in Amazon's warehouses, nobody need tell of them.
        self.topics: tuple[str, ...] = (_ORDER, _FEED, *([_WAREHOUSE] if client.settings.fba else []))
        self.secrets: tuple[str, ...] = ()

    def verify(self, delivery: Delivery, secrets: Sequence[str]) -> Verdict:
        """Amazon brings nothing by HTTP, whoever says so."""
        del delivery, secrets
        return "forged"

    def parse(self, delivery: Delivery) -> Sequence[Hint]:
        """Say what a message of the queue is about."""
        return hints(delivery.body, self._client.market, self._client.warehouse)

    async def subscriptions(self) -> Sequence[Subscription]:
        """List the subscriptions to our topics; `url` is the queue's address, or the ARN of another."""
        return list(filter(None, [await self._subscription(topic) for topic in self.topics]))

    async def make(self, topic: str, url: str) -> None:
        """Have a topic sent to the queue."""
        body = {"payloadVersion": "1.0", "destinationId": await self._destination(url)}
        try:
            await self._client.call("createSubscription", f"subscribe to {topic}", body=body, topic=topic)
        except Refused as error:
            # Refused as a second one: the first call's answer was lost, or somebody else has it sent elsewhere.
            there = await self._subscription(topic)
            if there is None:
                raise
            if there.url != url:
                place = there.url or "another destination"
                what = f"{topic} goes to {place}, and Amazon sends a type to one place only"
                step = "take that subscription back, or let the bridge read that queue"
                raise Refused(what, where=self._client.where, code=error.code, next_step=step) from error

    async def enable(self, subscription: Subscription) -> None:
        """Amazon switches none off; what is gone is made again by `subscribe`."""

    async def unsubscribe(self, subscription_id: str) -> None:
        """Take one back; gone already is fine."""
        topic, _, identity = subscription_id.partition("/")
        op = "take a subscription back"
        await if_there(self._client.call("deleteSubscriptionById", op, topic=topic, subscription=identity), None)

    async def _subscription(self, topic: str) -> Subscription | None:
        found = await if_there(self._client.call("getSubscription", "read a subscription", topic=topic), None)
        told = part(found[0], "payload") if found else {}
        if not told:
            return None
        url = (await self._destinations()).get(text(told, "destinationId"), "")
        return Subscription(id=f"{topic}/{must(told, 'subscriptionId')}", topics=(topic,), url=url)

    async def _destination(self, url: str) -> str:
        """Return the destination that stands for our queue, made where there is none."""
        if url != self._queue.address:
            step = "set the channel's `queue_url`"
            raise NeedsPerson("Amazon sends into a queue, not to an address", where=self._client.where, next_step=step)
        if known := await self._known(url):
            return known
        body = {"name": "commerce-bridge", "resourceSpecification": {"sqs": {"arn": self._queue.arn}}}
        try:
            payload, _ = await self._client.call("createDestination", "name the queue to Amazon", body=body)
        except Refused:
            if known := await self._known(url):
                return known
            raise
        return must(part(payload, "payload"), "destinationId")

    async def _known(self, url: str) -> str:
        return next((one for one, address in (await self._destinations()).items() if address == url), "")

    async def _destinations(self) -> dict[str, str]:
        """Return the address of each destination by its id: the queue's own, or the ARN of another."""
        payload, _ = await self._client.call("getDestinations", "read the destinations")
        found = rows(payload, "payload")
        arns = {text(one, "destinationId"): text(part(part(one, "resource"), "sqs"), "arn") for one in found}
        return {one: self._queue.address if arn == self._queue.arn else arn for one, arn in arns.items()}


def hints(body: bytes, market: str, warehouse: str) -> Sequence[Hint]:
    """Read the hint of one notification. Pure; one that cannot be understood is a hint at the whole channel."""
    message = decoded(body)
    message = _within(inner(message, "detail") or message)
    topic, payload = word(message, "NotificationType"), _within(message, "Payload")
    at = maybe_instant(message.get("EventTime"))
    if topic == _ORDER:
        return [about("order", word(_within(payload, "OrderChangeNotification"), "AmazonOrderId"), topic, at)]
    if topic == _LISTING:
        return [about("product", word(payload, "Sku"), topic, at, plain=False)]
    if topic == _FEED:
        feed = word(_within(payload, "FeedProcessingFinishedNotification"), "FeedId")
        # A feed's id is the ticket of what was sent with it.
        return [Hint(kind="ticket" if feed else "nothing", id=feed, topic=topic, at=at)]
    if topic == _WAREHOUSE:
        sku = word(payload, "SKU")
        return [counted(f"{FBA}{sku}" if sku else "", warehouse, _stored(payload, market), topic, at)]
    if topic == _QUANTITY:
        place = word(payload, "FulfillmentChannelCode")
        return [counted(word(payload, "Sku") if place else "", place, payload.get("Quantity"), topic, at)]
    return [Hint(kind="nothing" if topic else "channel", topic=topic, at=at)]


def _stored(payload: Payload, market: str) -> object:
    """Return the number that Amazon's warehouses have for this marketplace."""
    places = payload.get("FulfillmentInventoryByMarketplace")
    shown = [_within(one) for one in places if isinstance(one, dict)] if isinstance(places, list) else []
    here = next((one for one in shown if one.get("MarketplaceId") == market), {})
    return _within(here, "FulfillmentInventory").get("Fulfillable")


def _within(payload: Payload, *names: str) -> Payload:
    """Return the object that stands within others by these names, with its fields by names that begin with a capital."""
    return {name[:1].upper() + name[1:]: value for name, value in inner(payload, *names).items()}
