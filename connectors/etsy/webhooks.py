"""Webhooks from endpoints that a person makes in Etsy's portal: its API makes none.

Source: developers.etsy.com/documentation/essentials/webhooks (signed in Svix's form); body as in etsy/open-api discussion 1564.
"""

import re
from collections.abc import Sequence

from bridge.contract.webhooks import Delivery, Hint, Verdict
from bridge.wire.hints import word
from bridge.wire.payload import decoded
from bridge.wire.standard_webhooks import is_genuine, sent_at
from bridge.wire.subscribing import EndpointsByHand
from connectors.etsy.client import Client

__all__ = ["Webhooks"]

_PORTAL = (
    "the webhook portal, where a commercial app has one (etsy.com/developers/your-apps > the app's menu > webhook portal), "
    "and put its signing secret into `webhook_secret`"
)
_RECEIPT = re.compile(r"/shops/([0-9]{1,18})/receipts/([0-9]{1,18})/?(?:\?|\Z)")


class Webhooks(EndpointsByHand):
    """The webhooks port."""

    topics: tuple[str, ...] = ("order.paid", "order.canceled", "order.shipped", "order.delivered")

    def __init__(self, client: Client) -> None:
        super().__init__(client.where, "Etsy", _PORTAL, client.settings.webhook_secret)
        self._client = client

    def verify(self, delivery: Delivery, secrets: Sequence[str]) -> Verdict:
        """Compare the signatures (several while the secret changes)."""
        return "genuine" if is_genuine(delivery, secrets, self._client.now()) else "forged"

    def parse(self, delivery: Delivery) -> Sequence[Hint]:
        """Name the receipt that it is about. One of another shop of the same app is nothing to us."""
        event, at = decoded(delivery.body), sent_at(delivery.headers)
        topic, match = word(event, "event_type"), _RECEIPT.search(word(event, "resource_url"))
        if not topic or match is None:
            return [Hint(kind="channel", topic=topic, at=at)]
        if topic not in self.topics or self._client.settings.shop_id not in {"", match[1]}:
            return [Hint(kind="nothing", topic=topic, at=at)]
        return [Hint(kind="order", id=match[2], topic=topic, at=at)]
