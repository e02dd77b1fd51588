"""Webhooks as WooCommerce keeps them: who wants to hear of what, pings, and what failed deliveries do. No REST.

Source: class-wc-webhook.php and class-wc-webhook-data-store.php of the plugin; behaviour recorded on 11.0.1 and 9.9.5."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from bridge.sandbox.kit.courier import Courier, Parcel
from bridge.sandbox.woocommerce.site import Site

STATUSES = ("active", "paused", "disabled")
# The WordPress actions behind each topic; the API shows them.
_HOOKS: dict[str, tuple[str, ...]] = {
    "coupon.created": ("woocommerce_process_shop_coupon_meta", "woocommerce_new_coupon"),
    "coupon.updated": ("woocommerce_process_shop_coupon_meta", "woocommerce_update_coupon"),
    "coupon.deleted": ("wp_trash_post",),
    "coupon.restored": ("untrashed_post",),
    "customer.created": ("user_register", "woocommerce_created_customer", "woocommerce_new_customer"),
    "customer.updated": ("profile_update", "woocommerce_update_customer"),
    "customer.deleted": ("delete_user",),
    "order.created": ("woocommerce_new_order",),
    "order.updated": ("woocommerce_update_order", "woocommerce_order_refunded"),
    "order.deleted": ("wp_trash_post", "woocommerce_trash_order"),
    "order.restored": ("untrashed_post", "woocommerce_untrash_order"),
    "product.created": (
        *("woocommerce_process_product_meta", "woocommerce_new_product", "woocommerce_new_product_variation"),
    ),
    "product.updated": (
        *("woocommerce_process_product_meta", "woocommerce_update_product", "woocommerce_update_product_variation"),
    ),
    "product.deleted": ("wp_trash_post",),
    "product.restored": ("untrashed_post",),
}
_HOOKS_MODERN = {**_HOOKS, "product.published": ("woocommerce_product_published",)}
# 9.9.5 takes any resource with any event, also one that never happens (recorded, webhooks 199).
_HOOKS_9 = {**_HOOKS, "customer.restored": ()}
_PATIENCE = 5


@dataclass(slots=True, kw_only=True)
class Webhook:
    """A row of wp_wc_webhooks; times are epoch seconds. `unanswered`: no ping has been answered 200 yet (`pending_delivery`)."""

    id: int
    name: str
    topic: str
    delivery_url: str
    secret: str = field(repr=False)
    created: int
    modified: int | None = None
    status: str = "active"
    failures: int = 0
    unanswered: bool = True

    @property
    def resource(self) -> str:
        """Return what the topic is about: product, order, coupon, customer or action."""
        return self.topic.partition(".")[0]

    @property
    def event(self) -> str:
        """Return what happens to it."""
        return self.topic.partition(".")[2]


@dataclass(slots=True)
class Webhooks:
    """All webhooks of the shop, in the order of their ids."""

    site: Site
    courier: Courier
    rows: dict[int, Webhook] = field(default_factory=dict)
    last: int = 0

    def knows(self, topic: str) -> bool:
        """Tell whether a webhook may be made for this topic; any action of the plugin's own is one, too."""
        return topic in self._topics() or topic.startswith(("action.woocommerce_", "action.wc_"))

    def hooks(self, webhook: Webhook) -> list[str]:
        """Return the WordPress actions that the webhook hangs on."""
        own = (webhook.event,) if webhook.resource == "action" else ()
        return list(self._topics().get(webhook.topic, own))

    def _topics(self) -> Mapping[str, tuple[str, ...]]:
        return _HOOKS_MODERN if self.site.modern else _HOOKS_9

    def add(self, *, name: str, topic: str, delivery_url: str, secret: str) -> Webhook:
        """Make a webhook and ping its URL. An equal one is no hindrance; without a secret it gets one that nobody is told."""
        self.last += 1
        made = Webhook(
            id=self.last, name=name, topic=topic, delivery_url=delivery_url, secret=secret, created=self.site.clock()
        )
        made.secret = secret or hashlib.sha256(f"{self.site.host} webhook {made.id}".encode()).hexdigest()[:50]
        self.rows[made.id] = made
        self.ping(made)
        return made

    def save(self, webhook: Webhook, *, moved: bool = False) -> None:
        """Save as every change and every delivery does: date it, and ping again until a ping was answered 200."""
        webhook.modified = self.site.clock()
        if webhook.status == "active" and (moved or webhook.unanswered):
            self.ping(webhook)

    def listening(self, topic: str) -> list[Webhook]:
        """Return the active webhooks of a topic."""
        return [row for row in self.rows.values() if row.status == "active" and row.topic == topic]

    def delivered(self, webhook: Webhook, status: int) -> None:
        """Count what came of a delivery. Only a success resets the count, and a redirect is one.

        The seventh failure in a row disables, with the count left at 6; so does the very next one after a person
        switched it on again (observed)."""
        if webhook.id not in self.rows:
            return
        if 200 <= status < 303:
            webhook.failures = 0
        elif webhook.failures > _PATIENCE:
            webhook.status = "disabled"
        else:
            webhook.failures += 1
        self.save(webhook)

    def ping(self, webhook: Webhook) -> None:
        """Say hello: a form without signature or X-WC headers (recorded, deliveries 000)."""
        pack = partial(self._hello, webhook)
        parcel = Parcel(url=webhook.delivery_url, pack=pack, ended=partial(self._pinged, webhook))
        self.courier.send(parcel, after=0.0)

    def _hello(self, webhook: Webhook) -> tuple[dict[str, str], bytes]:
        headers = {"user-agent": self.agent, "content-type": "application/x-www-form-urlencoded"}
        return headers, f"webhook_id={webhook.id}".encode()

    def _pinged(self, webhook: Webhook, status: int) -> None:
        # Only 200 will do: 201 and 204 leave it unanswered.
        if status == 200:
            webhook.unanswered = False
            self.save(webhook)

    @property
    def agent(self) -> str:
        """Return the User-Agent of all that is sent."""
        wordpress = "7.0.4" if self.site.modern else "6.8.8"
        return f"WooCommerce/{self.site.settings.version} Hookshot (WordPress/{wordpress})"
