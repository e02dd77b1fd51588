"""The Webhook Subscriptions API: who wants to hear what, and where. Connect API specification 2025-08-20.

Subscriptions belong to the application, not to the seller, which is why only its personal access token reaches them
(developer.squareup.com/docs/webhooks/webhook-subscriptions-api).
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from bridge.sandbox.square.errors import invalid, missing, not_found
from bridge.sandbox.square.values import EPOCH, Clock, Json, cursor, page_limit, position, strings

__all__ = ["TYPES", "Subscription", "Subscriptions", "event_types"]

TYPES = {
    "inventory.count.updated": ("2019-06-12", "PUBLIC"),
    "catalog.version.updated": ("2019-09-25", "PUBLIC"),
    "payment.created": ("2020-02-26", "PUBLIC"),
    "payment.updated": ("2020-02-26", "PUBLIC"),
    "refund.created": ("2020-02-26", "PUBLIC"),
    "refund.updated": ("2020-02-26", "PUBLIC"),
    "loyalty.account.created": ("2020-05-06", "PUBLIC"),
    "loyalty.account.updated": ("2020-05-06", "PUBLIC"),
    "loyalty.account.deleted": ("2020-05-06", "PUBLIC"),
    "loyalty.event.created": ("2020-05-06", "PUBLIC"),
    "order.created": ("2020-04-22", "BETA"),
    "order.updated": ("2020-04-22", "BETA"),
    "order.fulfillment.updated": ("2020-04-22", "BETA"),
    "oauth.authorization.revoked": ("2020-08-26", "PUBLIC"),
    "location.created": ("2020-10-28", "BETA"),
    "location.updated": ("2020-10-28", "BETA"),
    "customer.created": ("2021-02-26", "PUBLIC"),
    "customer.updated": ("2021-02-26", "PUBLIC"),
    "customer.deleted": ("2021-02-26", "PUBLIC"),
}
"""Event types by the API version that brought them and their release status; those of the parts that this stand-in has."""

MAX_TEXT = 64
PAGE = 100
_AT_HOME = ("localhost", "127.0.0.1", "::1")


@dataclass(slots=True, kw_only=True)
class Subscription:
    """One subscription. `failing_since` (ms) is when deliveries began to fail without a success in between."""

    id: str
    name: str
    enabled: bool
    event_types: list[str]
    notification_url: str
    api_version: str
    signature_key: str
    created_ms: int
    updated_ms: int
    failing_since: int | None = None
    is_deleted: bool = False

    def answer(self, *, with_key: bool) -> Json:
        """Return it as the API shows it; only create and retrieve show the key (the specification's examples)."""
        shown: Json = {
            "id": self.id,
            "name": self.name,
            "enabled": self.enabled,
            "event_types": list(self.event_types),
            "notification_url": self.notification_url,
            "api_version": self.api_version,
            "created_at": _stamp(self.created_ms),
            "updated_at": _stamp(self.updated_ms),
        }
        return shown | ({"signature_key": self.signature_key} if with_key else {})


class Subscriptions:
    """All subscriptions of the application, oldest first."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.all: dict[str, Subscription] = {}
        self.made = 0

    def is_wanted(self, kind: str) -> bool:
        """Tell whether anybody listens to this type."""
        return any(one.enabled and kind in one.event_types for one in self.all.values())

    def listeners(self, kind: str) -> list[Subscription]:
        """Return whoever listens to this type."""
        return [one for one in self.all.values() if one.enabled and kind in one.event_types]

    def get(self, subscription_id: str) -> Subscription:
        """Find one or raise 404."""
        if subscription_id not in self.all:
            raise not_found(f"Webhook subscription not found for id {subscription_id}.", "subscription_id")
        return self.all[subscription_id]

    def create(self, body: Json, version: str) -> Json:
        """CreateWebhookSubscription."""
        given, now = _given(body), self.clock.ms()
        if not given.get("event_types"):
            raise missing("subscription.event_types")
        if not given.get("notification_url"):
            raise missing("subscription.notification_url")
        fields: Json = {"name": "", "enabled": True, "api_version": version} | _checked(given)
        made = Subscription(
            id="wbhk_" + self._secret("id").hex(), signature_key=self._key(), created_ms=now, updated_ms=now, **fields
        )
        self.all[made.id] = made
        return {"subscription": made.answer(with_key=True)}

    def listing(self, query: dict[str, str]) -> Json:
        """ListWebhookSubscriptions: the disabled ones only if asked for."""
        rows = [one for one in self.all.values() if one.enabled or query.get("include_disabled") == "true"]
        if query.get("sort_order") == "DESC":
            rows.reverse()
        size = page_limit(int(query["limit"]) if query.get("limit", "").isdigit() else None, PAGE, PAGE)
        start = position(query["cursor"], 1)[0] if query.get("cursor") else 0
        page = [one.answer(with_key=False) for one in rows[start : start + size]]
        more = {"cursor": cursor(start + size)} if start + size < len(rows) else {}
        return {"subscriptions": page, **more} if page else {}

    def update(self, subscription_id: str, body: Json) -> Json:
        """UpdateWebhookSubscription: fields left out stay; switching on forgives what failed before."""
        found, fields = self.get(subscription_id), _checked(_given(body))
        for name, value in fields.items():
            setattr(found, name, value)
        found.updated_ms = self.clock.ms()
        if fields.get("enabled"):
            found.failing_since = None
        return {"subscription": found.answer(with_key=False)}

    def delete(self, subscription_id: str) -> Json:
        """DeleteWebhookSubscription."""
        self.get(subscription_id).is_deleted = True
        del self.all[subscription_id]
        return {}

    def rotate(self, subscription_id: str) -> Json:
        """UpdateWebhookSubscriptionSignatureKey: the old key signs nothing from now on."""
        found = self.get(subscription_id)
        found.signature_key, found.updated_ms = self._key(), self.clock.ms()
        return {"signature_key": found.signature_key}

    def _key(self) -> str:
        return base64.urlsafe_b64encode(self._secret("key")).decode().rstrip("=")

    def _secret(self, purpose: str) -> bytes:
        """Make 16 bytes that look random and are the same in every run: nothing here guards anything real."""
        self.made += 1
        return hashlib.sha256(f"{purpose} {self.made}".encode()).digest()[:16]


def event_types() -> Json:
    """ListWebhookEventTypes, ListEventTypes."""
    rows = [
        {"event_type": name, "api_version_introduced": since, "release_status": status}
        for name, (since, status) in sorted(TYPES.items())
    ]
    return {"event_types": sorted(TYPES), "metadata": rows}


def _given(body: Json) -> Json:
    given: Any = body.get("subscription")
    if not isinstance(given, dict):
        raise missing("subscription")
    return given


def _checked(given: Json) -> Json:
    """Return the fields that a client may set, checked; what only Square sets is ignored."""
    names = ("name", "enabled", "event_types", "notification_url", "api_version")
    fields = {name: given[name] for name in names if given.get(name) is not None}
    if len(fields.get("name", "")) > MAX_TEXT:
        raise invalid("VALUE_TOO_LONG", f"Field must not be greater than {MAX_TEXT} in length", "subscription.name")
    if not isinstance(fields.get("enabled", True), bool):
        raise invalid("EXPECTED_BOOLEAN", "Expected a boolean value.", "subscription.enabled")
    for kind in strings(fields.get("event_types"), "subscription.event_types"):
        if kind not in TYPES:
            raise invalid("INVALID_VALUE", f"`{kind}` is not a valid event type.", "subscription.event_types")
    if "notification_url" in fields:
        _check_url(fields["notification_url"])
    return fields


def _check_url(url: Any) -> None:
    """Only https is taken; this machine itself may be called without, so that a demo needs no certificate."""
    parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
    if not parts.hostname or (parts.scheme != "https" and parts.hostname not in _AT_HOME):
        raise invalid(
            "INVALID_VALUE", "The notification URL must be a valid HTTPS URL.", "subscription.notification_url"
        )


def _stamp(ms: int) -> str:
    """Print a time as the examples of this API do."""
    return f"{EPOCH + timedelta(milliseconds=ms):%Y-%m-%d %H:%M:%S} +0000 UTC"
