"""Subscriptions to notifications, which go into the merchant's queue; nothing that comes by HTTP is Amazon's."""

from collections.abc import Sequence

from bridge.contract.errors import NeedsPerson, Refused
from bridge.contract.webhooks import Delivery, Hint, Subscription, Verdict
from bridge.wire.api import if_there
from bridge.wire.payload import Payload, must, part, rows, text
from connectors.amazon.client import Client
from connectors.amazon.hints import TOPICS, hints

__all__ = ["Webhooks"]

_NAME = "commerce-bridge"
_VERSION = "1.0"


class Webhooks:
    """The webhooks port. A subscription is of one type; `id` is its type and Amazon's id."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._sqs = client.settings.sqs
        # Where nothing is kept in Amazon's warehouses, nobody need tell of them.
        self.topics: tuple[str, ...] = TOPICS if client.settings.fba else TOPICS[:2]
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
        places = await self._destinations()
        found = [(topic, await self._subscription(topic)) for topic in self.topics]
        return [_read(topic, one, places.get(text(one, "destinationId"), "")) for topic, one in found if one]

    async def subscribe(self, topics: Sequence[str], url: str, secret: str) -> Sequence[Subscription]:
        """Have these topics sent to the queue; what is there already is kept. Raises NeedsPerson, Refused."""
        del secret
        destination = await self._destination(url)
        there = {one.topics[0]: one for one in await self.subscriptions()}
        made = [there.get(topic) or await self._subscribe(topic, destination, url) for topic in topics]
        if other := next((one for one in made if one.url != url), None):
            place, step = (
                other.url or "another destination",
                "take that subscription back, or let the bridge read that queue",
            )
            what = f"{other.topics[0]} goes to {place}, and Amazon sends a type to one place only"
            self._client.refuse(what, step)
        return made

    async def mend(self, subscription: Subscription, secret: str) -> Subscription:
        """Amazon switches none off; what is gone is made again by `subscribe`."""
        del secret
        return subscription

    async def unsubscribe(self, subscription_id: str) -> None:
        """Take one back; gone already is fine."""
        topic, _, identity = subscription_id.partition("/")
        op = "take a subscription back"
        await if_there(self._client.call("deleteSubscriptionById", op, topic=topic, subscription=identity), None)

    async def _subscription(self, topic: str) -> Payload:
        found = await if_there(self._client.call("getSubscription", "read a subscription", topic=topic), None)
        return part(found[0], "payload") if found else {}

    async def _subscribe(self, topic: str, destination: str, url: str) -> Subscription:
        body = {"payloadVersion": _VERSION, "destinationId": destination}
        try:
            payload, _ = await self._client.call("createSubscription", f"subscribe to {topic}", body=body, topic=topic)
        except Refused:
            # Refused as a second one: the first call's answer was lost.
            there = await self._subscription(topic)
            if text(there, "destinationId") != destination:
                raise
            return _read(topic, there, url)
        return _read(topic, part(payload, "payload"), url)

    async def _destination(self, url: str) -> str:
        """Return the destination that stands for our queue, made where there is none."""
        if url != self._sqs.address:
            step = "set the channel's `queue_url`"
            raise NeedsPerson("Amazon sends into a queue, not to an address", where=self._client.where, next_step=step)
        if known := await self._known(url):
            return known
        body = {"name": _NAME, "resourceSpecification": {"sqs": {"arn": self._sqs.arn}}}
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
        return {one: self._sqs.address if arn == self._sqs.arn else arn for one, arn in arns.items()}


def _read(topic: str, payload: Payload, url: str) -> Subscription:
    return Subscription(id=f"{topic}/{must(payload, 'subscriptionId')}", topics=(topic,), url=url)
