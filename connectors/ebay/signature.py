"""eBay's signatures: ECDSA over the raw body, by a key that the delivery names and eBay hands out.

Sources: getPublicKey of commerce_notification 1.6.7; header and digest: eBay/event-notification-nodejs-sdk, lib/validator.js.
eBay's own SDK verifies the body written anew; a body is signed as it was sent, so the raw bytes are what counts.
"""

import base64
import re

import msgspec

from bridge.contract.webhooks import Delivery
from bridge.wire.api import JsonApi
from bridge.wire.elliptic import Verify, verifier
from bridge.wire.keyring import Keyring
from bridge.wire.payload import text

__all__ = ["Signatures"]

_HEADER = "x-ebay-signature"
_KID = re.compile(r"[A-Za-z0-9-]{1,64}")


class Signatures:
    """Judges deliveries by the public keys that eBay handed out."""

    def __init__(self, app: JsonApi) -> None:
        self._app = app
        self._keys = Keyring(self._fetch, app.now)

    def holds(self, delivery: Delivery) -> bool:
        """Tell whether the delivery is signed by a key that we have. Pure."""
        kid, signature = _named(delivery)
        verify = self._keys.get(kid)
        return bool(delivery.body) and verify is not None and verify(signature, delivery.body)

    async def learn(self, delivery: Delivery) -> bool:
        """Fetch the key that a delivery names; False where it is known, or not to be had."""
        kid, _ = _named(delivery)
        return bool(kid) and await self._keys.learn(kid)

    async def _fetch(self, kid: str) -> Verify:
        payload, _ = await self._app.get(f"/commerce/notification/v1/public_key/{kid}", "read a public key")
        # SHA-1 is eBay's choice; the key says so.
        return verifier(text(payload, "key"), text(payload, "digest").upper() or "SHA1")


def _named(delivery: Delivery) -> tuple[str, bytes]:
    """Return the key's id and the signature that the header holds (base64 of a JSON object); "" where it is none."""
    try:
        parts = msgspec.json.decode(base64.b64decode(delivery.headers.get(_HEADER, ""), validate=True))
        kid, signature = parts["kid"], base64.b64decode(parts["signature"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", b""
    return (kid, signature) if isinstance(kid, str) and _KID.fullmatch(kid) else ("", b"")
