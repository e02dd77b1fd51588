"""The webhooks port: one subscription per topic, signed with a secret of ours, and deliveries as hints.

A body is the REST body of the object as it was when the delivery left; a deleted one is `{"id": N}`; one that was gone by
then is the REST error, signed like any other (recorded from WooCommerce 9.9.5 and 11.0.1).
"""

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from bridge.contract.errors import Gone, NeedsPerson, Refused
from bridge.contract.webhooks import Delivery, Hint, Subscription, Verdict
from bridge.wire.http import Request
from connectors.woocommerce.mapping import Unreadable, identifier, moment, text_of
from connectors.woocommerce.order_mapping import is_draft
from connectors.woocommerce.rest import Rest, Row

__all__ = ["Webhooks"]

_EVENTS = ("created", "updated", "deleted", "restored")
# An account is deleted for good: there is no topic of its return, and 11.0 refuses one.
_TOPICS = {"order": _EVENTS, "product": _EVENTS, "customer": _EVENTS[:3], "coupon": _EVENTS}
_FIELDS = "id,status,topic,delivery_url"
_GREETING = re.compile(rb"\s*webhook_id=\d{1,20}\s*")
_ID = re.compile(r"[1-9][0-9]{0,18}")


class Webhooks:
    """Subscriptions of one shop. Stock has no topic of its own: it comes with `product.updated` and the orders."""

    topics: tuple[str, ...] = tuple(f"{kind}.{event}" for kind, events in _TOPICS.items() for event in events)
    secrets: tuple[str, ...] = ()

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def verify(self, delivery: Delivery, secrets: Sequence[str]) -> Verdict:
        """Compare the signature: base64 of HMAC-SHA256 over the raw body (WC_Webhook::generate_signature).

        The ping of a new subscription is a form without any signature; it must be answered 200, or it comes again beside
        every delivery. A proxy may give it another content type, so only its body counts. An empty secret is none.
        """
        given = delivery.headers.get("x-wc-webhook-signature", "").encode("utf-8", "replace")
        if not given:
            return "greeting" if _GREETING.fullmatch(delivery.body) else "forged"
        same = [hmac.compare_digest(_signature(secret, delivery.body), given) for secret in secrets if secret]
        return "genuine" if any(same) else "forged"

    def parse(self, delivery: Delivery) -> Sequence[Hint]:
        """Say what to look at: an order, a product (for a variation its parent), or the channel where neither is named.

        A copy of the shop (staging) signs with the same secrets; its hints are read in this shop and cost one call.
        """
        topic = delivery.headers.get("x-wc-webhook-topic", "")
        kind = topic.partition(".")[0] or delivery.headers.get("x-wc-webhook-resource", "")
        row = _decoded(delivery.body)
        if kind and kind not in {"order", "product"}:
            return (_beside(row, kind, topic or kind),)
        found = _order(row, topic) if kind == "order" else _product(row) if kind else None
        return (found or Hint(kind="channel", at=_when(row)),)

    async def subscriptions(self) -> Sequence[Subscription]:
        """List all webhooks of the shop, whoever made them. Failures and secrets are not shown."""
        pages = self._rest.pages("read webhooks", "webhooks", orderby="id", order="asc", _fields=_FIELDS)
        return [_subscription(row) async for page in pages for row in page.rows if identifier(row.get("id"))]

    async def subscribe(self, topics: Sequence[str], url: str, secret: str) -> Sequence[Subscription]:
        """Make one webhook per topic, or mend the one that is there: the shop takes any number of equal ones."""
        self._rest.http.redact.add(secret)
        ours = [one for one in await self.subscriptions() if one.url == url]
        # An active one stands last, so that it wins.
        there = {topic: one for one in sorted(ours, key=lambda one: one.active) for topic in one.topics}
        return [await self._one(topic, url, secret, there.get(topic)) for topic in dict.fromkeys(topics)]

    async def mend(self, subscription: Subscription, secret: str) -> Subscription:
        """Switch it on and have it sign with `secret` ("": with what it has); raises Gone.

        The shop's count of failures stays as it was: until a delivery succeeds, one more failure switches it off again.
        """
        self._rest.http.redact.add(secret)
        body = {"status": "active", **({"secret": secret} if secret else {})}
        path = f"webhooks/{subscription.id}"
        answer = await self._rest.write(f"switch on webhook {subscription.id}", "PUT", path, body, repeatable=True)
        return self._understood(answer.payload)

    async def unsubscribe(self, subscription_id: str) -> None:
        """Delete it; gone already is fine."""
        path, params = f"webhooks/{subscription_id}", (("force", "true"),)
        op = f"delete webhook {subscription_id}"
        try:
            await self._rest.http.send(Request(method="DELETE", path=path, op=op, params=params, repeatable=True))
        except Gone:
            return

    async def _one(self, topic: str, url: str, secret: str, there: Subscription | None) -> Subscription:
        if there is not None:
            try:
                return await self.mend(there, secret)
            except Gone:
                pass  # deleted since it was listed
        return await self._create(topic, url, secret)

    async def _create(self, topic: str, url: str, secret: str) -> Subscription:
        body = {"name": f"commerce-bridge {topic}", "topic": topic, "delivery_url": url, "secret": secret}
        try:
            answer = await self._rest.write(f"make webhook {topic}", "POST", "webhooks", body)
        except Refused as error:
            if not error.code.endswith("_invalid_delivery_url"):
                raise
            step = "set public_url in [daemon] to the https:// address at which the shop reaches the bridge"
            raise NeedsPerson(error.what, where=error.where, code=error.code, next_step=step) from error
        return self._understood(answer.payload)

    def _understood(self, payload: object) -> Subscription:
        if isinstance(payload, Mapping) and identifier(payload.get("id")):
            return _subscription(payload)
        step = "look at WooCommerce > Settings > Advanced > Webhooks: does another plugin change them?"
        raise Refused("the shop answered something other than a webhook", where=self._rest.http.where, next_step=step)


def _signature(secret: str, body: bytes) -> bytes:
    return b64encode(hmac.digest(secret.encode(), body, hashlib.sha256))


def _subscription(row: Row) -> Subscription:
    return Subscription(
        id=identifier(row.get("id")),
        topics=(text_of(row, "topic"),),
        url=text_of(row, "delivery_url"),
        active=row.get("status") == "active",
    )


def _decoded(body: bytes) -> Row:
    """Return the body's object, an empty one where there is none; a nest of brackets exhausts the decoder."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _beside(row: Row, kind: str, topic: str) -> Hint:
    """An account or a coupon. The use of a code is told by its order alone; a trashed product comes as a coupon, too (mended in 11.2)."""
    ids = (number,) if (number := _id(row, "id")) else ()
    customers, coupons = (ids if kind == one else () for one in ("customer", "coupon"))
    return Hint(kind="nothing", topic=topic, at=_when(row), customers=customers, coupons=coupons)


def _order(row: Row, topic: str) -> Hint | None:
    number = _id(row, "id")
    # 9.9 and older tell of a basket as soon as the checkout page is opened.
    if number and is_draft({"status": text_of(row, "status")}):
        return Hint(kind="nothing", topic=topic)
    return Hint(kind="order", id=number, at=_when(row)) if number else None


def _product(row: Row) -> Hint | None:
    number = _id(row, "id")
    # Only a variation lies below another product; what else names a parent is meant itself.
    parent = _id(row, "parent_id") if row.get("type") == "variation" else ""
    return Hint(kind="product", id=parent or number, at=_when(row)) if number else None


def _id(row: Row, name: str) -> str:
    number = identifier(row.get(name))
    return number if _ID.fullmatch(number) else ""


def _when(row: Row) -> datetime | None:
    try:
        return moment(row.get("date_modified_gmt"))
    except Unreadable:
        return None
