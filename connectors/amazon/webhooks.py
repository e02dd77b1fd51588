"""Subscriptions to notifications, which go into the merchant's queue; nothing that comes by HTTP is Amazon's."""

from collections.abc import Sequence
from urllib.parse import quote

from bridge.contract.errors import Gone, NeedsPerson, Refused
from bridge.contract.webhooks import Delivery, Hint, Subscription, Verdict
from connectors.amazon.client import Client
from connectors.amazon.hints import TOPICS, hints
from connectors.amazon.limits import Ops
from connectors.amazon.payload import Payload, need, part, rows, text
from connectors.amazon.queue import arn_of

__all__ = ["Webhooks"]

_ROOT = "notifications/v1"
_NAME = "commerce-bridge"
_VERSION = "1.0"


class Webhooks:
    """The webhooks port. A subscription is of one type; `id` is its type and Amazon's id."""

    def __init__(self, client: Client, warehouse: str) -> None:
        self._client = client
        self._warehouse = warehouse
        # Where nothing is kept in Amazon's warehouses, nobody need tell of them.
        self.topics: tuple[str, ...] = TOPICS if client.settings.fba else TOPICS[:2]
        self.secrets: tuple[str, ...] = ()

    def verify(self, delivery: Delivery, secrets: Sequence[str]) -> Verdict:
        """Amazon brings nothing by HTTP, whoever says so."""
        del delivery, secrets
        return "forged"

    def parse(self, delivery: Delivery) -> Sequence[Hint]:
        """Say what a message of the queue is about."""
        return hints(delivery.body, self._client.market, self._warehouse)

    async def subscriptions(self) -> Sequence[Subscription]:
        """List the subscriptions to our topics; `url` is the queue's address, or the ARN of another."""
        places = {text(one, "destinationId"): self._address(one) for one in await self._destinations()}
        found = [(topic, await self._subscription(topic)) for topic in self.topics]
        return [
            Subscription(id=f"{topic}/{need(one, 'subscriptionId')}", topics=(topic,), url=places.get(text(one, "destinationId"), ""))
            for topic, one in found
            if one is not None
        ]  # fmt: skip

    async def subscribe(self, topics: Sequence[str], url: str, secret: str) -> Sequence[Subscription]:
        """Have these topics sent to the queue; what is there already is kept. Raises NeedsPerson, Refused."""
        del secret
        destination = await self._destination(url)
        there = {one.topics[0]: one for one in await self.subscriptions()}
        made = [there.get(topic) or await self._subscribe(topic, destination, url) for topic in topics]
        other = next((one for one in made if one.url != url), None)
        if other is not None:
            what = f"{other.topics[0]} goes to {other.url or 'another destination'}, and Amazon sends a type to one place only"
            raise Refused(
                what,
                where=self._client.where,
                next_step="take that subscription back, or let the bridge read that queue",
            )
        return made

    async def mend(self, subscription: Subscription, secret: str) -> Subscription:
        """Amazon switches none off; what is gone is made again by `subscribe`."""
        del secret
        return subscription

    async def unsubscribe(self, subscription_id: str) -> None:
        """Take one back; gone already is fine."""
        path = f"{_ROOT}/subscriptions/{quote(subscription_id, safe='/')}"
        try:
            await self._client.call(Ops.NOTIFICATIONS, "DELETE", path, "take a subscription back", repeatable=True)
        except Gone:
            return

    async def _subscription(self, topic: str) -> Payload | None:
        path = f"{_ROOT}/subscriptions/{topic}"
        try:
            payload, _ = await self._client.call(Ops.NOTIFICATIONS, "GET", path, "read a subscription")
        except Gone:
            return None
        return part(payload, "payload") or None

    async def _subscribe(self, topic: str, destination: str, url: str) -> Subscription:
        body = {"payloadVersion": _VERSION, "destinationId": destination}
        op = f"subscribe to {topic}"
        try:
            payload, _ = await self._client.call(
                Ops.NOTIFICATIONS, "POST", f"{_ROOT}/subscriptions/{topic}", op, body=body, repeatable=True
            )
        except Refused:
            # Refused as a second one: the first call's answer was lost.
            there = await self._subscription(topic)
            if there is None or text(there, "destinationId") != destination:
                raise
            payload = {"payload": there}
        return Subscription(id=f"{topic}/{need(part(payload, 'payload'), 'subscriptionId')}", topics=(topic,), url=url)

    async def _destination(self, url: str) -> str:
        """Return the destination that stands for our queue, made where there is none."""
        if url != self._client.settings.queue_url:
            raise NeedsPerson(
                "Amazon sends into a queue, not to an address",
                where=self._client.where,
                next_step="set the channel's `queue_url`",
            )
        known = [text(one, "destinationId") for one in await self._destinations() if self._address(one) == url]
        if known:
            return known[0]
        body = {"name": _NAME, "resourceSpecification": {"sqs": {"arn": arn_of(self._client.settings)}}}
        try:
            payload, _ = await self._client.call(
                Ops.NOTIFICATIONS,
                "POST",
                f"{_ROOT}/destinations",
                "name the queue to Amazon",
                body=body,
                repeatable=True,
            )
        except Refused:
            again = [text(one, "destinationId") for one in await self._destinations() if self._address(one) == url]
            if not again:
                raise
            return again[0]
        return need(part(payload, "payload"), "destinationId")

    async def _destinations(self) -> list[Payload]:
        payload, _ = await self._client.call(Ops.NOTIFICATIONS, "GET", f"{_ROOT}/destinations", "read the destinations")
        return rows(payload, "payload")

    def _address(self, destination: Payload) -> str:
        arn = text(part(part(destination, "resource"), "sqs"), "arn")
        return self._client.settings.queue_url if arn == arn_of(self._client.settings) else arn
