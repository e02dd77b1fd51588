"""Parts of the webhook port: subscriptions that are kept in order, topic by topic, and endpoints that only a person can make."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NoReturn

from bridge.contract.errors import Gone, NeedsPerson
from bridge.contract.webhooks import Subscription

__all__ = ["EndpointsByHand", "TopicByTopic"]


class TopicByTopic(ABC):
    """For platforms where a subscription is about one topic, and nobody chooses what it is signed with."""

    def __init__(self, where: str) -> None:
        self._where = where

    @abstractmethod
    async def subscriptions(self) -> Sequence[Subscription]:
        """List all subscriptions that these credentials see, whoever made them."""

    @abstractmethod
    async def make(self, topic: str, url: str) -> None:
        """Subscribe to a topic that this address has no subscription to. Raises NeedsPerson, Refused."""

    @abstractmethod
    async def enable(self, subscription: Subscription) -> None:
        """Switch a subscription on, and what it depends on; raises Gone."""

    async def subscribe(self, topics: Sequence[str], url: str, secret: str) -> Sequence[Subscription]:
        """Make the subscriptions that are missing, switch on what is off, and keep the rest."""
        del secret
        there = {topic: one for one in await self.subscriptions() if one.url == url for topic in one.topics}
        for topic in topics:
            if topic not in there:
                await self.make(topic, url)
            elif not there[topic].active:
                await self.enable(there[topic])
        return [one for one in await self.subscriptions() if one.url == url and set(topics) & set(one.topics)]

    async def mend(self, subscription: Subscription, secret: str) -> Subscription:
        """Switch it on; raises Gone."""
        del secret
        await self.enable(subscription)
        for one in await self.subscriptions():
            if one.id == subscription.id:
                return one
        raise Gone(f"webhook subscription {subscription.id} is no more", where=self._where)


class EndpointsByHand:
    """For platforms whose API makes none: `platform` is its name, `portal` where a person makes them.

    `secret` is what the endpoint signs with, as a person took it over from there; "" where none was.
    """

    def __init__(self, where: str, platform: str, portal: str, secret: str = "") -> None:
        self.secrets: tuple[str, ...] = (secret.strip(),) if secret.strip() else ()
        self._where = where
        self._platform = platform
        self._portal = portal

    async def subscriptions(self) -> Sequence[Subscription]:
        """List none: which endpoints there are, only the portal shows."""
        return []

    async def subscribe(self, topics: Sequence[str], url: str, secret: str) -> Sequence[Subscription]:
        """Raise NeedsPerson, saying what to enter where."""
        del secret
        if self.secrets:
            self.by_hand(
                "deliveries signed with the secret that is set are believed all the same; whether that endpoint is on, "
                f"and has every event, only {self._platform}'s webhook portal shows"
            )
        self.by_hand(f"add the endpoint {url} in {self._portal} (events: {', '.join(topics)})")

    async def mend(self, subscription: Subscription, secret: str) -> Subscription:
        """Raise NeedsPerson: the portal mends it."""
        del secret
        self.by_hand(f"switch endpoint {subscription.id} on in {self._portal}")

    async def unsubscribe(self, subscription_id: str) -> None:
        """Raise NeedsPerson: the portal removes it."""
        self.by_hand(f"remove endpoint {subscription_id} in {self._portal}")

    def by_hand(self, step: str) -> NoReturn:
        """Raise NeedsPerson with what a person does there."""
        raise NeedsPerson(f"{self._platform}'s API makes no webhook endpoints", where=self._where, next_step=step)
