"""The Notification API: one destination for our address, a subscription a topic, and what arrives there."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from bridge.contract.errors import Gone, NeedsPerson, Refused
from bridge.contract.webhooks import Delivery, Hint, Subscription, Verdict
from bridge.wire.http import Request
from connectors.ebay.client import Client, escaped
from connectors.ebay.payload import Payload, moment, need, part, rows, text
from connectors.ebay.settings import Settings
from connectors.ebay.signature import Keys

__all__ = ["Handshake", "Webhooks"]

_API = "/commerce/notification/v1"
_ORDERS = ("ORDER_CONFIRMATION", "ITEM_MARKED_SHIPPED")
_DELETION = "MARKETPLACE_ACCOUNT_DELETION"
# A topic that the application may not have (ITEM_MARKED_SHIPPED is not for every one) is done without; error 195011.
_NOT_OURS = "195011"
_NO_ALERT = "195003"
_ID = re.compile(r"[A-Za-z0-9!-]{1,64}")
_PAYLOAD = {"format": "JSON", "schemaVersion": "1.0", "deliveryProtocol": "HTTPS"}


class Webhooks:
    """The webhooks port. Deliveries are signed with eBay's own key, whatever the secret; the verification token answers for us
    when eBay tries the address."""

    topics: tuple[str, ...] = (*_ORDERS, _DELETION)

    def __init__(self, client: Client, settings: Settings, keys: Keys) -> None:
        self._client = client
        self._alert = settings.alert_email
        self._keys = keys
        self._token = token_of(settings)
        self.secrets: tuple[str, ...] = (settings.verification_token,) if settings.verification_token else ()
        for http in (client.seller, client.app):
            http.redact.add(self._token)

    def verify(self, delivery: Delivery, secrets: Sequence[str]) -> Verdict:
        """Check the signature over the raw body by a key that `Handshake.learn` has fetched; secrets play no part."""
        del secrets
        return "genuine" if self._keys.holds(delivery) else "forged"

    def parse(self, delivery: Delivery) -> Sequence[Hint]:
        """Say what to look at; an event that cannot be read is a hint at the whole channel."""
        message = _decoded(delivery.body)
        try:
            topic, told = text(part(message, "metadata"), "topic"), part(message, "notification")
            return _hints(topic, part(told, "data"), _moment(told))
        except ValueError:
            return [Hint(kind="channel")]

    async def subscriptions(self) -> Sequence[Subscription]:
        """List the application's subscriptions, each with the address of its destination."""
        places = {text(one, "destinationId"): one for one in await self._list("destination", app=True)}
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
        wanted = set(topics)
        return [one for one in await self.subscriptions() if one.url == url and wanted & set(one.topics)]

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
        request = Request(
            method="DELETE",
            path=f"{_API}/subscription/{escaped(subscription_id)}",
            op="delete a webhook",
            repeatable=True,
        )
        try:
            await self._client.ask(request)
        except Gone:
            return

    async def _destination(self, url: str) -> str:
        """Return the id of the destination of this address, made or switched on where need be."""
        there = {
            text(part(one, "deliveryConfig"), "endpoint"): one for one in await self._list("destination", app=True)
        }
        found = there.get(url)
        if found is not None and text(found, "status") == "ENABLED":
            return text(found, "destinationId")
        delivery = {"endpoint": url, "verificationToken": self._token}
        body = {"name": "commerce-bridge", "status": "ENABLED", "deliveryConfig": delivery}
        if found is not None:
            await self._write("PUT", f"destination/{found['destinationId']}", body, app=True)
            return text(found, "destinationId")
        await self._alerts()
        await self._write("POST", "destination", body, app=True)
        made = {text(part(one, "deliveryConfig"), "endpoint"): one for one in await self._list("destination", app=True)}
        return text(made[url], "destinationId")

    async def _alerts(self) -> None:
        """eBay takes no destination before it knows whom to write to when one does not answer."""
        if self._alert:
            await self._write("PUT", "config", {"alertEmail": self._alert}, app=True)

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
        request = Request(
            method=method, path=f"{_API}/{path}", op="keep the webhooks in order", repeatable=method != "POST"
        )
        try:
            await self._client.ask(request if body is None else request.with_json(body), app=app)
        except Refused as error:
            if error.code == _NO_ALERT:
                step = "set the channel's `alert_email`: eBay wants an address for alerts before it pushes anything"
                raise NeedsPerson(error.what, where=error.where, code=error.code, next_step=step) from error
            raise

    async def _list(self, kind: str, *, app: bool) -> list[Payload]:
        # The most that eBay gives at once; an application has a handful.
        request = Request(
            method="GET", path=f"{_API}/{kind}", op="list the webhooks", params=(("limit", "100"),), repeatable=True
        )
        payload, _ = await self._client.ask(request, app=app)
        return rows(payload, f"{kind}s")


class Handshake:
    """The handshake port: the answer when eBay tries our address, and the keys it signs with."""

    def __init__(self, settings: Settings, keys: Keys) -> None:
        self._token = token_of(settings)
        self._keys = keys

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
        return await self._keys.learn(delivery)


def token_of(settings: Settings) -> str:
    """Return the verification token: the configured one, or one made of the client secret, which a restart finds again."""
    made = hashlib.sha256(f"commerce-bridge verification {settings.client_secret}".encode()).hexdigest()
    return settings.verification_token or made


def _hints(topic: str, data: Payload, at: datetime | None) -> list[Hint]:
    if topic in _ORDERS:
        order = text(part(data, "order"), "orderId") or text(data, "orderId")
        known = _ID.fullmatch(order)
        return [Hint(kind="order", id=order, topic=topic, at=at) if known else Hint(kind="channel", topic=topic, at=at)]
    if topic == _DELETION:
        # Orders name their buyer by user name, or, for some programs since 2025, by the id that never changes.
        names = filter(None, (text(data, "username"), text(data, "userId")))
        return [Hint(kind="privacy", id=name, topic=topic, at=at) for name in dict.fromkeys(names)]
    return [Hint(kind="nothing" if topic else "channel", topic=topic, at=at)]


def _subscription(row: Payload, places: Mapping[str, Payload]) -> Subscription:
    place = places.get(text(row, "destinationId"), {})
    return Subscription(
        id=str(need(row, "subscriptionId")),
        topics=(text(row, "topicId"),),
        url=text(part(place, "deliveryConfig"), "endpoint"),
        active=text(row, "status") == "ENABLED" and text(place, "status") == "ENABLED",
    )


def _decoded(body: bytes) -> Payload:
    try:
        message = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def _moment(told: Payload) -> datetime | None:
    try:
        return moment(told, "eventDate")
    except (ValueError, OverflowError):
        return None
