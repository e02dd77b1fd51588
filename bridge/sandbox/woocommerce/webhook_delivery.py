"""Deliveries of webhooks: which changes are told to whom, and what stands in the envelope."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bridge.sandbox.kit.courier import Parcel
from bridge.sandbox.woocommerce import errors
from bridge.sandbox.woocommerce.coupon_routes import find_coupon
from bridge.sandbox.woocommerce.coupon_write import coupon_body
from bridge.sandbox.woocommerce.customer_routes import customer_body, find_customer
from bridge.sandbox.woocommerce.errors import RestError
from bridge.sandbox.woocommerce.order_body import order_body
from bridge.sandbox.woocommerce.product_body import product_body
from bridge.sandbox.woocommerce.shop import Woo
from bridge.sandbox.woocommerce.webhooks import Webhook

Row = dict[str, Any]
# Trash and its way back are told by WordPress for any post, so the two resources that are posts hear of each other's
# (recorded, deliveries 035 and 042; mended by the plugin in 11.2).
_CROSSING = {
    f"{one}.{event}": (f"{one}.{event}", f"{other}.{event}")
    for one, other in (("product", "coupon"), ("coupon", "product"))
    for event in ("deleted", "restored")
}


@dataclass(frozen=True, slots=True, eq=False)
class _Letter:
    """One object to be told of to one webhook. What is told is written down only when it leaves."""

    webhook: Webhook
    resource: int

    @property
    def key(self) -> tuple[int, int]:
        """Return what a later event must equal to be told by this letter, too."""
        return self.webhook.id, self.resource


@dataclass(slots=True)
class Hookshot:
    """Hears of every change and sends it to those who asked. Events of one object merge while a letter about it waits."""

    woo: Woo
    waiting: dict[tuple[int, int], _Letter] = field(default_factory=dict)

    def hear(self, topic: str, resource: int) -> None:
        """Queue what a change is told by."""
        courier, webhooks = self.woo.webhooks.courier, self.woo.webhooks
        if courier.post is None or not webhooks.rows:
            return
        if not courier.under_way:
            # A courier that was stopped has dropped its letters.
            self.waiting.clear()
        for named in _CROSSING.get(topic, (topic,)):
            for webhook in webhooks.listening(named):
                self._queue(_Letter(webhook, resource))

    def _queue(self, letter: _Letter) -> None:
        if letter.key in self.waiting:
            return
        self.waiting[letter.key] = letter
        pack, ended = partial(self._pack, letter), partial(self._ended, letter)
        self.woo.webhooks.courier.send(Parcel(url=letter.webhook.delivery_url, pack=pack, ended=ended))

    def _leave(self, letter: _Letter) -> None:
        if self.waiting.get(letter.key) is letter:
            del self.waiting[letter.key]

    def _pack(self, letter: _Letter) -> tuple[Row, bytes]:
        self._leave(letter)
        body = encode(payload(self.woo, letter.webhook, letter.resource))
        return self._headers(letter.webhook, body), body

    def _ended(self, letter: _Letter, status: int) -> None:
        self._leave(letter)
        self.woo.webhooks.delivered(letter.webhook, status)

    def _headers(self, webhook: Webhook, body: bytes) -> Row:
        site = self.woo.site
        # The id is made of the webhook and the second, so deliveries of one second share it (recorded, deliveries 008).
        delivery = hashlib.sha256(f"{site.host} {webhook.id} {site.clock()}".encode()).hexdigest()[:32]
        return {
            "user-agent": self.woo.webhooks.agent,
            "content-type": "application/json",
            "x-wc-webhook-source": f"{site.host}/",
            "x-wc-webhook-topic": webhook.topic,
            "x-wc-webhook-resource": webhook.resource,
            "x-wc-webhook-event": webhook.event,
            "x-wc-webhook-signature": sign(webhook.secret, body),
            "x-wc-webhook-id": str(webhook.id),
            "x-wc-webhook-delivery-id": delivery,
        }


def payload(woo: Woo, webhook: Webhook, resource: int) -> Row:
    """Return what is told: the object as the API shows it now, or the API's error where it is no more."""
    if webhook.event == "deleted":
        return {"id": resource}
    try:
        return _read(woo, webhook.resource, resource)
    except RestError as error:
        return error.body()


def _read(woo: Woo, kind: str, key: int) -> Row:
    if kind == "order":
        if key not in woo.book.orders:
            raise errors.invalid_order()
        return order_body(woo.book, woo.book.orders[key], None)
    if kind == "coupon":
        return coupon_body(woo.coupons, find_coupon(woo, key))
    if kind == "customer":
        return customer_body(woo, find_customer(woo, key))
    if key not in woo.catalogue.items:
        raise errors.invalid_product()
    return product_body(woo.catalogue, woo.catalogue.items[key], None)


def encode(body: Row) -> bytes:
    r"""Write JSON as PHP does: nothing but ASCII, and every slash as `\/`."""
    return json.dumps(body, separators=(",", ":")).replace("/", "\\/").encode()


def sign(secret: str, body: bytes) -> str:
    """Sign the body's bytes; headers and time are not part of it."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
