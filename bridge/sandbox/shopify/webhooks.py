"""Webhooks of one shop: who subscribed to what, what happened, and its deliveries with their repeats.

What one action does (an API call, a purchase) is gathered, each record once a topic, and sent when the action ends, with
payloads of that moment. As long as nobody subscribed, or nobody brings the post, nothing is gathered at all.
Sources: BELIEFS.md, webhooks.
"""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

import msgspec

from bridge.sandbox.kit.courier import Courier, Parcel
from bridge.sandbox.shopify.model import Record
from bridge.sandbox.shopify.table import Now, Table

# topic -> its name in headers, and the scopes of which one is needed (`access_scopes` of Shopify's webhook reference).
ORDER_SCOPES, STOCK_SCOPES = ("read_orders",), ("read_inventory",)
PRODUCT_SCOPES, ITEM_SCOPES = ("read_products",), ("read_inventory", "read_products")
CUSTOMER_SCOPES, DISCOUNT_SCOPES = ("read_customers",), ("read_discounts",)
TOPICS: dict[str, tuple[str, tuple[str, ...]]] = {
    "APP_UNINSTALLED": ("app/uninstalled", ()),
    "CUSTOMERS_CREATE": ("customers/create", CUSTOMER_SCOPES),
    "CUSTOMERS_DELETE": ("customers/delete", CUSTOMER_SCOPES),
    "CUSTOMERS_UPDATE": ("customers/update", CUSTOMER_SCOPES),
    "DISCOUNTS_CREATE": ("discounts/create", DISCOUNT_SCOPES),
    "DISCOUNTS_DELETE": ("discounts/delete", DISCOUNT_SCOPES),
    "DISCOUNTS_UPDATE": ("discounts/update", DISCOUNT_SCOPES),
    "INVENTORY_ITEMS_CREATE": ("inventory_items/create", ITEM_SCOPES),
    "INVENTORY_ITEMS_DELETE": ("inventory_items/delete", ITEM_SCOPES),
    "INVENTORY_ITEMS_UPDATE": ("inventory_items/update", ITEM_SCOPES),
    "INVENTORY_LEVELS_CONNECT": ("inventory_levels/connect", STOCK_SCOPES),
    "INVENTORY_LEVELS_DISCONNECT": ("inventory_levels/disconnect", STOCK_SCOPES),
    "INVENTORY_LEVELS_UPDATE": ("inventory_levels/update", STOCK_SCOPES),
    "ORDERS_CANCELLED": ("orders/cancelled", ORDER_SCOPES),
    "ORDERS_CREATE": ("orders/create", ORDER_SCOPES),
    "ORDERS_DELETE": ("orders/delete", ORDER_SCOPES),
    "ORDERS_EDITED": ("orders/edited", ORDER_SCOPES),
    "ORDERS_FULFILLED": ("orders/fulfilled", ORDER_SCOPES),
    "ORDERS_PAID": ("orders/paid", ORDER_SCOPES),
    "ORDERS_PARTIALLY_FULFILLED": ("orders/partially_fulfilled", ORDER_SCOPES),
    "ORDERS_UPDATED": ("orders/updated", ORDER_SCOPES),
    "PRODUCTS_CREATE": ("products/create", PRODUCT_SCOPES),
    "PRODUCTS_DELETE": ("products/delete", PRODUCT_SCOPES),
    "PRODUCTS_UPDATE": ("products/update", PRODUCT_SCOPES),
    "REFUNDS_CREATE": ("refunds/create", ORDER_SCOPES),
    "SHOP_UPDATE": ("shop/update", ()),
}
# An action that makes or ends a record and changes it too is told of once.
SWALLOWED_BY = {
    "CUSTOMERS_UPDATE": ("CUSTOMERS_CREATE", "CUSTOMERS_DELETE"),
    "DISCOUNTS_UPDATE": ("DISCOUNTS_CREATE", "DISCOUNTS_DELETE"),
    "INVENTORY_ITEMS_UPDATE": ("INVENTORY_ITEMS_CREATE", "INVENTORY_ITEMS_DELETE"),
    "INVENTORY_LEVELS_UPDATE": ("INVENTORY_LEVELS_CONNECT", "INVENTORY_LEVELS_DISCONNECT"),
    "ORDERS_UPDATED": ("ORDERS_CREATE", "ORDERS_DELETE"),
    "PRODUCTS_UPDATE": ("PRODUCTS_CREATE", "PRODUCTS_DELETE"),
}
# Sent to the address in the app's own settings, never to a subscription (`available_on: toml`).
COMPLIANCE = ("customers/data_request", "customers/redact", "shop/redact")

# "8 times over 4 hours using an exponential backoff schedule" (changelog updates-to-webhook-retry-mechanism): doubling waits.
RETRIES = 8
FIRST_WAIT = 4 * 3600 / (2**RETRIES - 1)

Write = Callable[[str, Any], dict[str, Any]]
_encoder = msgspec.json.Encoder()


@dataclass(slots=True, eq=False)
class Subscription(Record):
    """Who wants to hear of a topic, and where. `arrived` counts the deliveries that were taken."""

    topic: str = ""
    uri: str = ""
    name: str | None = None
    filter: str | None = None
    include_fields: list[str] = field(default_factory=list)
    metafield_namespaces: list[str] = field(default_factory=list)
    arrived: int = 0
    kind = "WebhookSubscription"

    def shows(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the part of a payload that was asked for."""
        return {key: body[key] for key in self.include_fields if key in body} if self.include_fields else body


@dataclass(frozen=True, slots=True)
class Office:
    """Where deliveries leave the shop: who brings them, what signs them, and who writes the payloads."""

    courier: Courier
    secret: Callable[[], str]
    write: Write


@dataclass(slots=True)
class Delivery:
    """One delivery on its way: how often it failed, and how many others had been taken when it set out."""

    to: Subscription
    arrived_before: int
    failed: int = 0


class Webhooks:
    """The subscriptions of one shop and what it has to tell them."""

    def __init__(self, now: Now, domain: str, version: str) -> None:
        self.now = now
        self.domain = domain
        self.version = version
        self.subscriptions: Table[Subscription] = Table(now)
        self.office: Office | None = None
        self._told: dict[tuple[str, str], Any] = {}
        self._sent = 0

    @property
    def heard(self) -> bool:
        """Whether anybody would hear of anything."""
        return bool(self.subscriptions.rows) and self.office is not None and self.office.courier.post is not None

    def tell(self, topic: str, record: Any = None) -> None:
        """Note that something happened to a record, or to the shop itself, in this action."""
        if self.heard:
            self._told.setdefault((topic, record.id if record else ""), record)

    def publish(self) -> None:
        """Send what the action that ends now has done; all of it is one event."""
        if not self._told:
            return
        told, self._told = self._told, {}
        event = self._new_id("event")
        for (topic, name), record in told.items():
            if not any((other, name) in told for other in SWALLOWED_BY.get(topic, ())):
                self._write(topic, record, event)

    def drop_all(self) -> None:
        """Forget every subscription, as uninstalling does; what is on its way still arrives."""
        for row in list(self.subscriptions.rows.values()):
            self.subscriptions.remove(row)

    def comply(self, topic: str, uri: str, body: dict[str, Any]) -> None:
        """Send a compliance topic to the address of the app's settings, if anybody brings the post."""
        now = self.now().replace(microsecond=0)
        self._send(Subscription(0, now, now, uri=uri), topic, body, self._new_id("event"))

    def _write(self, topic: str, record: Any, event: str) -> None:
        to = [row for row in self.subscriptions.rows.values() if row.topic == topic]
        if to and self.office is not None:
            body = self.office.write(topic, record)
            for row in to:
                self._send(row, TOPICS[topic][0], row.shows(body), event)

    def _send(self, to: Subscription, topic: str, body: dict[str, Any], event: str) -> None:
        """Hand one delivery to the courier. Its repeats carry the same headers, signature and body, to the same address."""
        assert self.office is not None
        content = _encoder.encode(body)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            "X-Shopify-API-Version": self.version,
            "X-Shopify-Event-Id": event,
            "X-Shopify-Hmac-Sha256": signature(self.office.secret(), content),
            "X-Shopify-Shop-Domain": self.domain,
            "X-Shopify-Topic": topic,
            "X-Shopify-Triggered-At": f"{self.now().astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}000Z",
            "X-Shopify-Webhook-Id": self._new_id("webhook"),
            **({"X-Shopify-Name": to.name} if to.name else {}),
        }
        delivery = Delivery(to, to.arrived)
        parcel = Parcel(url=to.uri, pack=lambda: (headers, content), ended=lambda status: self._ended(delivery, status))
        self.office.courier.send(parcel)

    def _ended(self, delivery: Delivery, status: int) -> float | None:
        """Say when to try again; the last repeat that fails takes the subscription away, unless others arrived meanwhile."""
        to = delivery.to
        if 200 <= status < 300:
            to.arrived += 1
            return None
        delivery.failed += 1
        if delivery.failed <= RETRIES:
            return float(FIRST_WAIT * 2 ** (delivery.failed - 1))
        if to.arrived == delivery.arrived_before and to.number in self.subscriptions.rows:
            self.subscriptions.remove(to)
        return None

    def _new_id(self, kind: str) -> str:
        """Return a UUID that costs no luck: the shop's random numbers stay the same with and without webhooks."""
        self._sent += 1
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://{self.domain}/{kind}/{self._sent}"))


def signature(secret: str, body: bytes) -> str:
    """Return the X-Shopify-Hmac-Sha256 of a body."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()
