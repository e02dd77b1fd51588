"""Webhooks in the Svix form, from endpoints that a person makes in Etsy's portal: its API makes none.

Source: developers.etsy.com/documentation/essentials/webhooks; body as in etsy/open-api discussion 1564.
"""

import binascii
import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import msgspec

from bridge.contract.errors import NeedsPerson
from bridge.contract.webhooks import Delivery, Hint, Subscription, Verdict
from connectors.etsy.client import Client

__all__ = ["Webhooks"]

_TOPICS = ("order.paid", "order.canceled", "order.shipped", "order.delivered")
# A delivery that somebody kept and sends again later is not believed.
_TOLERANCE = timedelta(minutes=5)
_RECEIPT = re.compile(r"/shops/([0-9]{1,18})/receipts/([0-9]{1,18})/?(?:\?|\Z)")


class Webhooks:
    """The webhooks port."""

    def __init__(self, client: Client) -> None:
        self._client = client
        secret = client.settings.webhook_secret.strip()
        self.topics: tuple[str, ...] = _TOPICS
        self.secrets: tuple[str, ...] = (secret,) if secret else ()

    def verify(self, delivery: Delivery, secrets: Sequence[str]) -> Verdict:
        """Compare the signatures (several while the secret changes): HMAC-SHA256 over id, time and raw body."""
        headers = delivery.headers
        identity, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        given = [
            one.removeprefix("v1,").encode("utf-8", "replace")
            for one in _signatures(headers.get("webhook-signature", ""))
        ]
        signed = f"{identity}.{at}.".encode("utf-8", "replace") + delivery.body
        keys = [key for secret in secrets if (key := _key(secret))]
        same = [hmac.compare_digest(_sign(key, signed), one) for key in keys for one in given]
        fresh = identity != "" and self._is_fresh(at)
        return "genuine" if delivery.body and fresh and any(same) else "forged"

    def parse(self, delivery: Delivery) -> Sequence[Hint]:
        """Name the receipt that it is about. One of another shop of the same app is nothing to us."""
        event, at = _event(delivery.body), _moment(delivery.headers.get("webhook-timestamp", ""))
        topic, url = event.get("event_type"), event.get("resource_url")
        if not isinstance(topic, str) or not topic:
            return [Hint(kind="channel")]
        match = _RECEIPT.search(url) if isinstance(url, str) else None
        if match is None:
            return [Hint(kind="channel", topic=topic, at=at)]
        ours = self._client.settings.shop_id
        if topic not in _TOPICS or (ours and match[1] != ours):
            return [Hint(kind="nothing", topic=topic, at=at)]
        return [Hint(kind="order", id=match[2], topic=topic, at=at)]

    async def subscriptions(self) -> Sequence[Subscription]:
        """List none: which endpoints there are, only the portal shows."""
        return []

    async def subscribe(self, topics: Sequence[str], url: str, secret: str) -> Sequence[Subscription]:
        """Raise NeedsPerson, saying what to enter where."""
        del secret
        if self.secrets:
            step = (
                "deliveries signed with `webhook_secret` are believed all the same; whether that endpoint is on, and has every "
                "event, only the webhook portal shows"
            )
        else:
            step = (
                f"with a commercial app, add the endpoint {url} in the webhook portal (etsy.com/developers/your-apps > the app's "
                f"menu > webhook portal; events: {', '.join(topics)}) and put its signing secret into `webhook_secret`"
            )
        self._by_hand(step)

    async def mend(self, subscription: Subscription, secret: str) -> Subscription:
        """Raise NeedsPerson: the portal mends it."""
        del secret
        self._by_hand(f"switch endpoint {subscription.id} on in Etsy's webhook portal")

    async def unsubscribe(self, subscription_id: str) -> None:
        """Raise NeedsPerson: the portal removes it."""
        self._by_hand(f"remove endpoint {subscription_id} in Etsy's webhook portal")

    def _by_hand(self, step: str) -> NoReturn:
        raise NeedsPerson("Etsy's API makes no webhook endpoints", where=self._client.where, next_step=step)

    def _is_fresh(self, at: str) -> bool:
        sent = _moment(at)
        return sent is not None and abs(self._client.now() - sent) <= _TOLERANCE


def _signatures(header: str) -> list[str]:
    return [one for one in header.split(" ") if one.startswith("v1,")]


def _sign(key: bytes, signed: bytes) -> bytes:
    return b64encode(hmac.digest(key, signed, hashlib.sha256))


def _key(secret: str) -> bytes:
    """Return the key in a secret; none where it is empty or damaged: with an empty key anybody could sign."""
    try:
        return b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _moment(at: str) -> datetime | None:
    if not re.fullmatch(r"[0-9]{9,11}", at, re.ASCII):
        return None
    return datetime.fromtimestamp(int(at), UTC)


def _event(body: bytes) -> dict[str, object]:
    try:
        event = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}
