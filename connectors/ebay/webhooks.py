"""The Notification API: one destination for our address, a subscription a topic, and what arrives there."""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from bridge.contract.errors import Gone, NeedsPerson, Refused
from bridge.contract.webhooks import Delivery, Hint, Subscription, Verdict
from bridge.wire.api import if_there
from bridge.wire.hints import about, inner, word
from bridge.wire.payload import Payload, decoded, maybe_instant, need, part, rows, text
from connectors.ebay.client import Client, escaped
from connectors.ebay.settings import Settings
from connectors.ebay.signature import Signatures

__all__ = ["Handshake", "Webhooks"]

_API = "/commerce/notification/v1"
_ORDERS = ("ORDER_CONFIRMATION", "ITEM_MARKED_SHIPPED")
_DELETION = "MARKETPLACE_ACCOUNT_DELETION"
# A topic that the application may not have (ITEM_MARKED_SHIPPED is not for every one) is done without; error 195011.
_NOT_OURS = "195011"
_NO_ALERT = "195003"
_PAYLOAD = {"format": "JSON", "schemaVersion": "1.0", "deliveryProtocol": "HTTPS"}


class Webhooks:
    """The webhooks port. Deliveries are signed with eBay's own key, whatever the secret; the verification token answers for us
    when eBay tries the address."""

    topics: tuple[str, ...] = (*_ORDERS, _DELETION)

    def __init__(self, client: Client, signatures: Signatures) -> None:
        self._client = client
        self._signatures = signatures
        self._token = token_of(client.settings)
        configured = client.settings.verification_token
        self.secrets: tuple[str, ...] = (configured,) if configured else ()
        client.conceal(self._token)

    def verify(self, delivery: Delivery, secrets: Sequence[str]) -> Verdict:
        """Check the signature over the raw body by a key that `Handshake.learn` has fetched; secrets play no part."""
        del secrets
        return "genuine" if self._signatures.holds(delivery) else "forged"

    def parse(self, delivery: Delivery) -> Sequence[Hint]:
        """Say what to look at; an event that cannot be read is a hint at the whole channel."""
        message = decoded(delivery.body)
        topic, data = word(inner(message, "metadata"), "topic"), inner(message, "notification", "data")
        at = maybe_instant(inner(message, "notification").get("eventDate"))
        if topic in _ORDERS:
            return [about("order", word(inner(data, "order"), "orderId") or word(data, "orderId"), topic, at)]
        if topic == _DELETION:
            # Orders name their buyer by user name, or, for some programs since 2025, by the id that never changes.
            names = filter(None, (word(data, "username"), word(data, "userId")))
            return [Hint(kind="privacy", id=name, topic=topic, at=at) for name in dict.fromkeys(names)]
        return [Hint(kind="nothing" if topic else "channel", topic=topic, at=at)]

    async def subscriptions(self) -> Sequence[Subscription]:
        """List the application's subscriptions, each with the address of its destination."""
        places = {text(one, "destinationId"): one for one in (await self._destinations()).values()}
        return [_subscription(one, places) for one in await self._list("subscription", app=False)]

    async def subscribe(self, topics: Sequence[str], url: str, secret: str) -> Sequence[Subscription]:
        """Make the destination and the subscriptions that are missing, and switch on what is off."""
        del secret
        destination = await self._destination(url)
        there = {one.topics[0]: one for one in await self.subscriptions() if one.url == url}
        for topic in topics:
            if topic not in there:
                await self._subscribe(topic, destination)
            elif not there[topic].active:
                await self._enable(there[topic].id, topic)
        return [one for one in await self.subscriptions() if one.url == url and set(topics) & set(one.topics)]

    async def mend(self, subscription: Subscription, secret: str) -> Subscription:
        """Switch it on, and its destination where eBay has marked that down; raises Gone."""
        del secret
        await self._destination(subscription.url)
        await self._enable(subscription.id, subscription.topics[0])
        for one in await self.subscriptions():
            if one.id == subscription.id:
                return one
        raise Gone(f"webhook subscription {subscription.id} is no more", where=self._client.where)

    async def unsubscribe(self, subscription_id: str) -> None:
        """Delete it; gone already is fine. The destination stays, for the next time."""
        path = f"{_API}/subscription/{escaped(subscription_id)}"
        await if_there(self._client.write("DELETE", path, "delete a webhook", repeatable=True), None)

    async def _destinations(self) -> dict[str, Payload]:
        """Return the application's destinations by their address."""
        found = await self._list("destination", app=True)
        return {text(part(one, "deliveryConfig"), "endpoint"): one for one in found}

    async def _destination(self, url: str) -> str:
        """Return the id of the destination of this address, made or switched on where need be."""
        found = (await self._destinations()).get(url)
        if found is not None and text(found, "status") == "ENABLED":
            return text(found, "destinationId")
        delivery = {"endpoint": url, "verificationToken": self._token}
        body = {"name": "commerce-bridge", "status": "ENABLED", "deliveryConfig": delivery}
        if found is not None:
            await self._write("PUT", f"destination/{found['destinationId']}", body, app=True)
            return text(found, "destinationId")
        if self._client.settings.alert_email:
            # eBay takes no destination before it knows whom to write to when one does not answer.
            await self._write("PUT", "config", {"alertEmail": self._client.settings.alert_email}, app=True)
        await self._write("POST", "destination", body, app=True)
        return text((await self._destinations())[url], "destinationId")

    async def _subscribe(self, topic: str, destination: str) -> None:
        body = {"topicId": topic, "status": "ENABLED", "payload": _PAYLOAD, "destinationId": destination}
        try:
            await self._write("POST", "subscription", body, app=topic == _DELETION)
        except NeedsPerson as error:
            if error.code != _NOT_OURS:
                raise

    async def _enable(self, subscription_id: str, topic: str) -> None:
        await self._write("POST", f"subscription/{escaped(subscription_id)}/enable", None, app=topic == _DELETION)

    async def _write(self, method: str, path: str, body: object, *, app: bool) -> None:
        api, op = self._client.app if app else self._client, "keep the webhooks in order"
        try:
            await api.write(method, f"{_API}/{path}", op, body, repeatable=method != "POST")
        except Refused as error:
            if error.code == _NO_ALERT:
                step = "set the channel's `alert_email`: eBay wants an address for alerts before it pushes anything"
                raise NeedsPerson(error.what, where=error.where, code=error.code, next_step=step) from error
            raise

    async def _list(self, kind: str, *, app: bool) -> list[Payload]:
        # The most that eBay gives at once; an application has a handful.
        api, most = self._client.app if app else self._client, (("limit", "100"),)
        return rows((await api.get(f"{_API}/{kind}", "list the webhooks", most))[0], f"{kind}s")


class Handshake:
    """The handshake port: the answer when eBay tries our address, and the keys it signs with."""

    def __init__(self, client: Client, signatures: Signatures) -> None:
        self._token = token_of(client.settings)
        self._signatures = signatures

    def answer(self, query: Mapping[str, str], url: str) -> bytes | None:
        """Answer the challenge: SHA-256 of code, token and address, in this order
        (developer.ebay.com/marketplace-account-deletion)."""
        code = query.get("challenge_code")
        if not code:
            return None
        digest = hashlib.sha256(f"{code}{self._token}{url}".encode("utf-8", "replace")).hexdigest()
        return msgspec.json.encode({"challengeResponse": digest})

    async def learn(self, delivery: Delivery) -> bool:
        """Fetch the key that a delivery names."""
        return await self._signatures.learn(delivery)


def token_of(settings: Settings) -> str:
    """Return the verification token: the configured one, or one made of the client secret, which a restart finds again."""
    made = hashlib.sha256(f"commerce-bridge verification {settings.client_secret}".encode()).hexdigest()
    return settings.verification_token or made


def _subscription(row: Payload, places: Mapping[str, Payload]) -> Subscription:
    place = places.get(text(row, "destinationId"), {})
    return Subscription(
        id=str(need(row, "subscriptionId")),
        topics=(text(row, "topicId"),),
        url=text(part(place, "deliveryConfig"), "endpoint"),
        active=text(row, "status") == "ENABLED" and text(place, "status") == "ENABLED",
    )
