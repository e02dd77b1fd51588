"""The Notification API: one destination for our address, a subscription a topic, and what arrives there.

eBay tries an address before it takes it. It signs by ECDSA over the raw body, with a key that the delivery names and eBay hands out.
Sources: getPublicKey of commerce_notification 1.6.7; header and digest: eBay/event-notification-nodejs-sdk, lib/validator.js.
eBay's own SDK verifies the body written anew; a body is signed as it was sent, so the raw bytes are what counts.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence

import msgspec

from bridge.contract.webhooks import Delivery, Hint, Subscription, Verdict
from bridge.wire.api import JsonApi, escaped, if_allowed, if_there
from bridge.wire.elliptic import Verify, verifier
from bridge.wire.hints import about, inner, word
from bridge.wire.keyring import Keyring
from bridge.wire.payload import Payload, decoded, maybe_instant, must, part, rows, text
from bridge.wire.subscribing import TopicByTopic
from connectors.ebay.client import Client

__all__ = ["Webhooks"]

_API = "/commerce/notification/v1"
_ORDERS = ("ORDER_CONFIRMATION", "ITEM_MARKED_SHIPPED")
_DELETION = "MARKETPLACE_ACCOUNT_DELETION"
# A topic that the application may not have (ITEM_MARKED_SHIPPED is not for every one) is done without; error 195011.
_NOT_OURS = "195011"
# What all subscriptions have in common.
_TERMS = {"status": "ENABLED", "payload": {"format": "JSON", "schemaVersion": "1.0", "deliveryProtocol": "HTTPS"}}
_HEADER = "x-ebay-signature"
_KID = re.compile(r"[A-Za-z0-9-]{1,64}")


class Webhooks(TopicByTopic):
    """The webhooks port and the handshake port. Deliveries are signed with eBay's own key, whatever the secret; the verification
    token answers for us when eBay tries the address."""

    topics: tuple[str, ...] = (*_ORDERS, _DELETION)

    def __init__(self, client: Client) -> None:
        super().__init__(client.where)
        self._client = client
        configured = client.settings.verification_token
        self.secrets: tuple[str, ...] = (configured,) if configured else ()
        # The configured token, or one made of the client secret, which a restart finds again.
        made = f"commerce-bridge verification {client.settings.client_secret}".encode()
        self._token = configured or hashlib.sha256(made).hexdigest()
        client.service.conceal(self._token)
        self._keys = Keyring(self._key, client.now)

    def answer(self, query: Mapping[str, str], url: str) -> bytes | None:
        """Answer the challenge: SHA-256 of code, token and address, in this order
        (developer.ebay.com/marketplace-account-deletion)."""
        code = query.get("challenge_code")
        if not code:
            return None
        digest = hashlib.sha256(f"{code}{self._token}{url}".encode("utf-8", "replace")).hexdigest()
        return msgspec.json.encode({"challengeResponse": digest})

    async def learn(self, delivery: Delivery) -> bool:
        """Fetch the key that a delivery names; False where it is known, or not to be had."""
        return await self._keys.learn(_named(delivery)[0])

    def verify(self, delivery: Delivery, secrets: Sequence[str]) -> Verdict:
        """Check the signature over the raw body by a key that `learn` has fetched; secrets play no part."""
        del secrets
        kid, signature = _named(delivery)
        holds = self._keys.get(kid)
        return "genuine" if delivery.body and holds and holds(signature, delivery.body) else "forged"

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
        found = await self._list(self._client, "subscription")
        return [_subscription(one, places.get(text(one, "destinationId"), {})) for one in found]

    async def make(self, topic: str, url: str) -> None:
        """Subscribe to a topic; one that the application may not have is done without."""
        body = {**_TERMS, "topicId": topic, "destinationId": await self._destination(url)}
        await if_allowed(self._write(self._api(topic), "POST", "subscription", body), None, _NOT_OURS)

    async def enable(self, subscription: Subscription) -> None:
        """Switch it on, and its destination where eBay has marked that down."""
        await self._destination(subscription.url)
        await self._write(self._api(subscription.topics[0]), "POST", f"subscription/{escaped(subscription.id)}/enable")

    async def unsubscribe(self, subscription_id: str) -> None:
        """Delete it; gone already is fine. The destination stays, for the next time."""
        await if_there(self._write(self._client, "DELETE", f"subscription/{escaped(subscription_id)}"), None)

    def _api(self, topic: str) -> JsonApi:
        """Return who subscribes to a topic: the seller, and to closed accounts the application."""
        return self._client.app if topic == _DELETION else self._client

    async def _destinations(self) -> dict[str, Payload]:
        """Return the application's destinations by their address."""
        found = await self._list(self._client.app, "destination")
        return {text(part(one, "deliveryConfig"), "endpoint"): one for one in found}

    async def _destination(self, url: str) -> str:
        """Return the id of the destination of this address, made or switched on where need be."""
        app, found = self._client.app, (await self._destinations()).get(url, {})
        delivery = {"endpoint": url, "verificationToken": self._token}
        body = {"name": "commerce-bridge", "status": "ENABLED", "deliveryConfig": delivery}
        if not found:
            if self._client.settings.alert_email:
                # eBay takes no destination before it knows whom to write to when one does not answer.
                await self._write(app, "PUT", "config", {"alertEmail": self._client.settings.alert_email})
            await self._write(app, "POST", "destination", body)
            found = (await self._destinations())[url]
        elif text(found, "status") != "ENABLED":
            await self._write(app, "PUT", f"destination/{found['destinationId']}", body)
        return text(found, "destinationId")

    async def _write(self, api: JsonApi, method: str, path: str, body: object = None) -> None:
        await api.write(method, f"{_API}/{path}", "keep the webhooks in order", body, repeatable=method != "POST")

    async def _list(self, api: JsonApi, kind: str) -> list[Payload]:
        # The most that eBay gives at once; an application has a handful.
        return rows(await api.read(f"{_API}/{kind}", "list the webhooks", (("limit", "100"),)), f"{kind}s")

    async def _key(self, kid: str) -> Verify:
        payload = await self._client.app.read(f"{_API}/public_key/{kid}", "read a public key")
        # SHA-1 is eBay's choice; the key says so.
        return verifier(text(payload, "key"), text(payload, "digest").upper() or "SHA1")


def _named(delivery: Delivery) -> tuple[str, bytes]:
    """Return the key's id and the signature that the header holds (base64 of a JSON object); "" where it is none."""
    try:
        parts = msgspec.json.decode(base64.b64decode(delivery.headers.get(_HEADER, ""), validate=True))
        kid, signature = parts["kid"], base64.b64decode(parts["signature"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", b""
    return (kid, signature) if isinstance(kid, str) and _KID.fullmatch(kid) else ("", b"")


def _subscription(row: Payload, place: Payload) -> Subscription:
    return Subscription(
        id=must(row, "subscriptionId"),
        topics=(text(row, "topicId"),),
        url=text(part(place, "deliveryConfig"), "endpoint"),
        active=text(row, "status") == "ENABLED" and text(place, "status") == "ENABLED",
    )
