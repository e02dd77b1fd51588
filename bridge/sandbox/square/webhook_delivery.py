"""Deliveries of one subscription's events: signing, and what Square does when nobody takes them.

Source: developer.squareup.com/docs/webhooks/overview (headers, schedule), step3validate (signature), step4manage (disabling).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from bridge.sandbox.kit.courier import Courier, Parcel
from bridge.sandbox.square.errors import invalid
from bridge.sandbox.square.values import Clock, Json, stamp
from bridge.sandbox.square.webhook_events import Event, Events
from bridge.sandbox.square.webhook_subscriptions import Subscription, Subscriptions

__all__ = ["Delivery", "Post", "sign"]

RETRIES = tuple(60 * minutes for minutes in (1, 2, 4, 8, 16, 32, 60, 120, 240, 480, 480))
"""Seconds between attempts; 24 hours after the event it is dropped."""
GIVE_UP_MS = 21 * 24 * 3_600_000
"""Not a single 2xx for three weeks: the subscription is disabled."""


def sign(key: str, url: str, body: bytes) -> str:
    """Sign a body for a URL: base64 of the HMAC-SHA256 of URL and body, one behind the other."""
    return base64.b64encode(hmac.digest(key.encode(), url.encode() + body, hashlib.sha256)).decode()


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One event on its way to one subscription."""

    clock: Clock
    subscription: Subscription
    body: bytes
    first_ms: int | None = None
    failed: int = 0
    reason: str = ""

    def parcel(self) -> Parcel:
        """Hand it over for the courier; the URL stays the one of now, the key is that of each attempt."""
        url = self.subscription.notification_url
        return Parcel(url=url, pack=lambda: (self.headers(url), self.body), ended=self.ended)

    def headers(self, url: str) -> Mapping[str, str]:
        """Return the headers of the next attempt."""
        if self.first_ms is None:
            self.first_ms = self.clock.ms()
        headers = {
            "content-type": "application/json",
            "x-square-hmacsha256-signature": sign(self.subscription.signature_key, url, self.body),
            "square-environment": "Sandbox",
            "square-initial-delivery-timestamp": stamp(self.first_ms),
        }
        again = {"square-retry-number": str(self.failed), "square-retry-reason": self.reason}
        return headers | again if self.failed else headers

    def ended(self, status: int) -> float | None:
        """Take the answer's status (0: none came); return after how many seconds to try again."""
        if 200 <= status < 300:
            self.subscription.failing_since = None
            return None
        self.reason = "http_error" if status else "http_timeout"
        self.failed += 1
        self._note_failure()
        over = self.failed > len(RETRIES) or not self.subscription.enabled or self.subscription.is_deleted
        return None if over else float(RETRIES[self.failed - 1])

    def _note_failure(self) -> None:
        now, known = self.clock.ms(), self.subscription.failing_since
        self.subscription.failing_since = now if known is None else known
        if now - self.subscription.failing_since >= GIVE_UP_MS:
            self.subscription.enabled = False


class Post:
    """Sends each event to whoever subscribed to it."""

    def __init__(self, clock: Clock, events: Events, subscriptions: Subscriptions, courier: Courier) -> None:
        self.clock = clock
        self.events = events
        self.subscriptions = subscriptions
        self.courier = courier
        events.on_event = self.send

    def send(self, event: Event) -> None:
        """Hand an event to the courier, once a subscription."""
        for subscription in self.subscriptions.listeners(event.type):
            delivery = Delivery(clock=self.clock, subscription=subscription, body=event.body)
            self.courier.send(delivery.parcel())

    async def test(self, subscription_id: str, body: Json) -> Json:
        """TestWebhookSubscription: send a made-up event at once, and say what was answered; never sent again."""
        subscription = self.subscriptions.get(subscription_id)
        kind = body.get("event_type") or subscription.event_types[0]
        if kind not in subscription.event_types:
            detail = "The event type must be one of the subscription's."
            raise invalid("INVALID_VALUE", detail, "event_type")
        made_up: Json = {"type": kind.rpartition(".")[0].replace(".", "_"), "id": self.events.fresh_id(), "object": {}}
        event = self.events.make(kind, made_up)
        status = await self._post_now(Delivery(clock=self.clock, subscription=subscription, body=event.body))
        at = stamp(event.created_ms)
        result: Json = {"id": event.id, "payload": event.body.decode(), "created_at": at, "updated_at": at}
        return {"subscription_test_result": result | ({"status_code": status} if status else {})}

    async def _post_now(self, delivery: Delivery) -> int:
        url = delivery.subscription.notification_url
        return await self.courier.post(url, delivery.headers(url), delivery.body) if self.courier.post else 0
