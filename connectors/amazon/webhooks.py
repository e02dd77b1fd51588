"""Subscriptions to notifications, which go into the merchant's queue; nothing that comes by HTTP is Amazon's."""

from collections.abc import Sequence

from bridge.contract.errors import NeedsPerson, Refused
from bridge.contract.webhooks import Delivery, Hint, Subscription, Verdict
from bridge.wire.api import if_there
from bridge.wire.payload import must, part, rows, text
from bridge.wire.subscribing import TopicByTopic
from connectors.amazon.client import Client
from connectors.amazon.hints import TOPICS, hints

__all__ = ["Webhooks"]

_NAME = "commerce-bridge"
_VERSION = "1.0"


class Webhooks(TopicByTopic):
    """The webhooks port. A subscription is of one type; `id` is its type and Amazon's id."""

    def __init__(self, client: Client) -> None:
        super().__init__(client.where)
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
        found = [await self._subscription(topic) for topic in self.topics]
        return [one for one in found if one is not None]

    async def make(self, topic: str, url: str) -> None:
        """Have a topic sent to the queue."""
        body = {"payloadVersion": _VERSION, "destinationId": await self._destination(url)}
        try:
            await self._client.call("createSubscription", f"subscribe to {topic}", body=body, topic=topic)
        except Refused as error:
            # Refused as a second one: the first call's answer was lost, or somebody else has it sent elsewhere.
            there = await self._subscription(topic)
            if there is None:
                raise
            if there.url != url:
                what = (
                    f"{topic} goes to {there.url or 'another destination'}, and Amazon sends a type to one place only"
                )
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
