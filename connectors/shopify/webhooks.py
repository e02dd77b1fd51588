"""Webhook subscriptions: one a topic, signed by Shopify with the app's own secret."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.contract.errors import NeedsPerson, Refused
from bridge.contract.webhooks import Delivery, Hint, Subscription, Verdict
from bridge.wire.paging import by_cursor
from connectors.shopify.documents import WEBHOOK_CREATE, WEBHOOK_DELETE, WEBHOOK_UPDATE, WEBHOOKS
from connectors.shopify.hints import TOPICS, hint, moment_of
from connectors.shopify.mapping import gid, short
from connectors.shopify.settings import Settings
from connectors.shopify.shop import Shop, after, refuse

__all__ = ["Webhooks"]

_SIGNATURE, _TOPIC, _AT = "x-shopify-hmac-sha256", "x-shopify-topic", "x-shopify-triggered-at"
_ENUM = {topic: topic.replace("/", "_").upper() for topic in TOPICS}
_NAME = {enum: topic for topic, enum in _ENUM.items()}
_SCOPES = {
    "orders": "read_orders", "refunds": "read_orders", "inventory_levels": "read_inventory",
    "inventory_items": "read_inventory", "products": "read_products",
}  # fmt: skip
# Recorded, 2026-04; the two about topics are quoted in public code that met them on live shops.
_TAKEN = "already been taken"
_ABSENT = "does not exist"
_NO_TOPIC = "with the specified topic"
_PROTECTED = "protected customer data"


class Webhooks:
    """The webhooks port. Shopify signs with the app's secret, which the settings name, and forgets a subscription that fails."""

    def __init__(self, shop: Shop, settings: Settings) -> None:
        self._shop = shop
        self._domain = settings.domain
        self.topics: tuple[str, ...] = TOPICS
        self.secrets: tuple[str, ...] = settings.signing

    def verify(self, delivery: Delivery, secrets: Sequence[str]) -> Verdict:
        """Compare the signature: base64 HMAC-SHA256 of the raw body (shopify.dev, webhooks, verify deliveries).

        An empty secret is none: anybody could sign with it.
        """
        given = delivery.headers.get(_SIGNATURE, "").encode("utf-8", "replace")
        same = [hmac.compare_digest(_signature(secret, delivery.body), given) for secret in secrets if secret]
        return "genuine" if any(same) else "forged"

    def parse(self, delivery: Delivery) -> Sequence[Hint]:
        """Say what to look at."""
        at = moment_of(delivery.headers.get(_AT, ""))
        return [hint(delivery.headers.get(_TOPIC, ""), delivery.body, at, self._domain)]

    async def subscriptions(self) -> Sequence[Subscription]:
        """List those that this app made over the API; those in its own settings are shown nowhere."""

        async def page(cursor: str | None) -> tuple[list[Subscription], str | None]:
            found = (await self._shop.ask(WEBHOOKS, {"after": cursor})).data["webhookSubscriptions"]
            return [_subscription(node) for node in found["nodes"]], after(found)

        return [one async for rows in by_cursor(page) for one in rows]

    async def subscribe(self, topics: Sequence[str], url: str, secret: str) -> Sequence[Subscription]:
        """Make what is missing. Raises NeedsPerson; topics that the app may not have are named together once the others are made."""
        del secret
        self._demand_secret()
        there = await self._at(url)
        denied: list[_Denied] = []
        for topic in topics:
            if topic not in there:
                try:
                    there[topic] = await self._create(topic, url)
                except _Denied as error:
                    denied.append(error)
        if denied:
            raise _together(denied)
        return [there[topic] for topic in topics]

    async def mend(self, subscription: Subscription, secret: str) -> Subscription:
        """Have it sent to its address; made again if Shopify deleted it, which is how it switches one off."""
        del secret
        self._demand_secret()
        variables = {"id": gid("WebhookSubscription", subscription.id), "uri": subscription.url}
        payload = (await self._shop.ask(WEBHOOK_UPDATE, variables)).data["webhookSubscriptionUpdate"]
        errors = payload["userErrors"]
        if not errors:
            return _subscription(payload["webhookSubscription"])
        if not _says(errors, _ABSENT, _TAKEN):
            raise self._refused(errors, subscription.topics[0], subscription.url)
        (made,) = await self.subscribe(subscription.topics[:1], subscription.url, "")
        return made

    async def unsubscribe(self, subscription_id: str) -> None:
        """Delete it; gone already is fine."""
        variables = {"id": gid("WebhookSubscription", subscription_id)}
        payload = (await self._shop.ask(WEBHOOK_DELETE, variables)).data["webhookSubscriptionDelete"]
        errors = [error for error in payload["userErrors"] if not _says([error], _ABSENT)]
        refuse(f"delete webhook subscription {subscription_id}", errors, where=self._shop.http.where)

    async def _at(self, url: str) -> dict[str, Subscription]:
        return {topic: one for one in await self.subscriptions() if one.url == url for topic in one.topics}

    async def _create(self, topic: str, url: str) -> Subscription:
        variables = {"topic": _ENUM.get(topic, topic), "uri": url}
        payload = (await self._shop.ask(WEBHOOK_CREATE, variables)).data["webhookSubscriptionCreate"]
        errors = payload["userErrors"]
        if not errors:
            return _subscription(payload["webhookSubscription"])
        # Somebody made it since we looked, or we did and lost the answer.
        if _says(errors, _TAKEN) and (there := (await self._at(url)).get(topic)):
            return there
        raise self._refused(errors, topic, url)

    def _demand_secret(self) -> None:
        if not self.secrets:
            raise NeedsPerson(
                "webhooks could not be told from forgeries: the app's secret is not known",
                where=self._shop.http.where,
                next_step="set `webhook_secret` to the app's API secret key (shop admin: Settings, Apps, Develop apps)",
            )

    def _refused(self, errors: Sequence[Mapping[str, Any]], topic: str, url: str) -> Refused | NeedsPerson:
        text, where = "; ".join(str(error["message"]) for error in errors[:3]), self._shop.http.where
        what = f"Shopify makes no webhook subscription for {topic}: {text}"
        if _says(errors, _PROTECTED):
            step = "give the app access to protected customer data, level 1, in its settings"
            return _Denied(what, where=where, next_step=step)
        if _says(errors, _NO_TOPIC):
            scope = _SCOPES.get(topic.partition("/")[0], "of that topic")
            step = f"add the access scope {scope} to the app and install it again; or name {topic} with {url} in its settings"
            return _Denied(what, where=where, next_step=step)
        if _says(errors, _TAKEN):
            step = "look at it again with `bridge webhooks` in a minute"
            return Refused(f"{what}, and yet it shows none at {url}", where=where, next_step=step)
        if any("callbackUrl" in (error.get("field") or ()) for error in errors):
            step = f"`public_url` must be an https address that the internet reaches; now it makes {url}"
            return NeedsPerson(what, where=where, next_step=step)
        return Refused(what, where=where, next_step="report this: Shopify did not take the connector's own call")


class _Denied(NeedsPerson):
    """This topic is not for this app; others may be."""


def _together(denied: Sequence[NeedsPerson]) -> NeedsPerson:
    """Make one error of several."""
    whats, steps = (dict.fromkeys(one.what for one in denied), dict.fromkeys(one.next_step for one in denied))
    return NeedsPerson("; ".join(whats), where=denied[0].where, next_step="; ".join(steps))


def _subscription(node: Mapping[str, Any]) -> Subscription:
    topic = str(node["topic"])
    return Subscription(id=short(str(node["id"])), topics=(_NAME.get(topic, topic),), url=str(node["uri"]))


def _says(errors: Sequence[Mapping[str, Any]], *words: str) -> bool:
    return any(word in str(error["message"]) for error in errors for word in words)


def _signature(secret: str, body: bytes) -> bytes:
    return b64encode(hmac.digest(secret.encode(), body, hashlib.sha256))
