"""The Notification API: one destination for our address, a subscription a topic, and what arrives there."""

from collections.abc import Mapping, Sequence

from bridge.contract.errors import NeedsPerson, Refused
from bridge.contract.webhooks import Delivery, Hint, Subscription, Verdict
from bridge.wire.api import if_there
from bridge.wire.hints import about, inner, word
from bridge.wire.payload import Payload, decoded, maybe_instant, need, part, rows, text
from bridge.wire.subscribing import TopicByTopic
from connectors.ebay.client import Client, escaped
from connectors.ebay.handshake import Handshake

__all__ = ["Webhooks"]

_API = "/commerce/notification/v1"
_ORDERS = ("ORDER_CONFIRMATION", "ITEM_MARKED_SHIPPED")
_DELETION = "MARKETPLACE_ACCOUNT_DELETION"
# A topic that the application may not have (ITEM_MARKED_SHIPPED is not for every one) is done without; error 195011.
_NOT_OURS = "195011"
_NO_ALERT = "195003"
_PAYLOAD = {"format": "JSON", "schemaVersion": "1.0", "deliveryProtocol": "HTTPS"}


class Webhooks(TopicByTopic):
    """The webhooks port. Deliveries are signed with eBay's own key, whatever the secret; the verification token answers for us
    when eBay tries the address."""

    topics: tuple[str, ...] = (*_ORDERS, _DELETION)

    def __init__(self, client: Client, handshake: Handshake) -> None:
        super().__init__(client.where)
        self._client = client
        self._handshake = handshake
        configured = client.settings.verification_token
        self.secrets: tuple[str, ...] = (configured,) if configured else ()

    def verify(self, delivery: Delivery, secrets: Sequence[str]) -> Verdict:
        """Check the signature over the raw body by a key that `Handshake.learn` has fetched; secrets play no part."""
        del secrets
        return "genuine" if self._handshake.holds(delivery) else "forged"

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

    async def make(self, topic: str, url: str) -> None:
        """Subscribe to a topic; one that the application may not have is done without."""
        body = {
            "topicId": topic,
            "status": "ENABLED",
            "payload": _PAYLOAD,
            "destinationId": await self._destination(url),
        }
        try:
            await self._write("POST", "subscription", body, app=topic == _DELETION)
        except NeedsPerson as error:
            if error.code != _NOT_OURS:
                raise

    async def enable(self, subscription: Subscription) -> None:
        """Switch it on, and its destination where eBay has marked that down."""
        await self._destination(subscription.url)
        path = f"subscription/{escaped(subscription.id)}/enable"
        await self._write("POST", path, None, app=subscription.topics[0] == _DELETION)

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
        delivery = {"endpoint": url, "verificationToken": self._handshake.token}
        body = {"name": "commerce-bridge", "status": "ENABLED", "deliveryConfig": delivery}
        if found is not None:
            await self._write("PUT", f"destination/{found['destinationId']}", body, app=True)
            return text(found, "destinationId")
        if self._client.settings.alert_email:
            # eBay takes no destination before it knows whom to write to when one does not answer.
            await self._write("PUT", "config", {"alertEmail": self._client.settings.alert_email}, app=True)
        await self._write("POST", "destination", body, app=True)
        return text((await self._destinations())[url], "destinationId")

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


def _subscription(row: Payload, places: Mapping[str, Payload]) -> Subscription:
    place = places.get(text(row, "destinationId"), {})
    return Subscription(
        id=str(need(row, "subscriptionId")),
        topics=(text(row, "topicId"),),
        url=text(part(place, "deliveryConfig"), "endpoint"),
        active=text(row, "status") == "ENABLED" and text(place, "status") == "ENABLED",
    )
