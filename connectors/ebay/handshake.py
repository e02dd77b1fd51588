"""How eBay and we know each other: a challenge for our address, and its signatures.

They are ECDSA over the raw body, by a key that the delivery names and eBay hands out.
Sources: getPublicKey of commerce_notification 1.6.7; header and digest: eBay/event-notification-nodejs-sdk, lib/validator.js.
eBay's own SDK verifies the body written anew; a body is signed as it was sent, so the raw bytes are what counts.
"""

import base64
import hashlib
import re
from collections.abc import Mapping

import msgspec

from bridge.contract.webhooks import Delivery
from bridge.wire.elliptic import Verify, verifier
from bridge.wire.keyring import Keyring
from bridge.wire.payload import text
from connectors.ebay.client import Client

__all__ = ["Handshake"]

_HEADER = "x-ebay-signature"
_KID = re.compile(r"[A-Za-z0-9-]{1,64}")


class Handshake:
    """The handshake port: the answer when eBay tries our address, and the public keys that it hands out."""

    def __init__(self, client: Client) -> None:
        # The configured token, or one made of the client secret, which a restart finds again.
        made = f"commerce-bridge verification {client.settings.client_secret}".encode()
        self.token = client.settings.verification_token or hashlib.sha256(made).hexdigest()
        client.conceal(self.token)
        self._app = client.app
        self._keys = Keyring(self._fetch, client.now)

    def answer(self, query: Mapping[str, str], url: str) -> bytes | None:
        """Answer the challenge: SHA-256 of code, token and address, in this order
        (developer.ebay.com/marketplace-account-deletion)."""
        code = query.get("challenge_code")
        if not code:
            return None
        digest = hashlib.sha256(f"{code}{self.token}{url}".encode("utf-8", "replace")).hexdigest()
        return msgspec.json.encode({"challengeResponse": digest})

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
