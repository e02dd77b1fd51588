"""Webhooks in the Svix form. Endpoints are made by hand in a portal; there is no call that makes one.

Source: developers.etsy.com/documentation/essentials/webhooks (events, headers, signature, retries: at once, 5 s, 5 min, 30 min,
2 h, 5 h, 10 h, and a last one 10 h later), etsy/open-api discussion 1564 (body).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from bridge.sandbox.etsy.receipts import Receipt
from bridge.sandbox.etsy.values import Clock
from bridge.sandbox.kit.courier import Courier, Parcel

RETRIES = (0.0, 5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 36000.0)
EVENTS = ("order.paid", "order.canceled", "order.shipped", "order.delivered")


def sign(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """Sign a delivery: base64 of the HMAC-SHA256 over id, time and body, with the key behind `whsec_`."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


@dataclass(slots=True)
class Endpoint:
    """One address that the seller entered in the portal. `more_secrets` are older ones that still sign."""

    url: str
    secret: str
    events: tuple[str, ...] = EVENTS
    more_secrets: tuple[str, ...] = ()


@dataclass(slots=True)
class Hooks:
    """Sends events to the endpoints."""

    clock: Clock
    courier: Courier
    host: str
    shop_id: int
    endpoints: list[Endpoint] = field(default_factory=list)
    made: int = 0

    def tell(self, event: str, receipt: Receipt) -> None:
        """Send an event to whoever wants it."""
        self.made += 1
        resource = f"{self.host}/v3/application/shops/{self.shop_id}/receipts/{receipt.receipt_id}"
        body = msgspec.json.encode({"event_type": event, "resource_url": resource, "shop_id": self.shop_id})
        for endpoint in self.endpoints:
            if event in endpoint.events:
                self.courier.send(self._parcel(endpoint, f"msg_sandbox{self.made:08d}", body))

    def _parcel(self, endpoint: Endpoint, message_id: str, body: bytes) -> Parcel:
        waits = iter(RETRIES)

        def pack() -> tuple[Mapping[str, str], bytes]:
            at = str(self.clock.seconds())
            secrets = (endpoint.secret, *endpoint.more_secrets)
            headers = {
                "content-type": "application/json", "webhook-id": message_id, "webhook-timestamp": at,
                "webhook-signature": " ".join(sign(secret, message_id, at, body) for secret in secrets),
            }  # fmt: skip
            return headers, body

        def ended(status: int) -> float | None:
            return None if 200 <= status < 300 else next(waits, None)

        return Parcel(url=endpoint.url, pack=pack, ended=ended)
