"""eBay's signatures: ECDSA over the raw body, by a key that the delivery names and eBay hands out.

Sources: getPublicKey of commerce_notification 1.6.7; header and digest: eBay/event-notification-nodejs-sdk, lib/validator.js.
eBay's own SDK verifies the body written anew; a body is signed as it was sent, so the raw bytes are what counts.
"""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from bridge.contract.errors import Gone, Refused
from bridge.contract.webhooks import Delivery
from bridge.wire.http import Request
from connectors.ebay.client import Client, escaped
from connectors.ebay.payload import Payload, text

__all__ = ["Keys"]

_HEADER = "x-ebay-signature"
_LIFE = timedelta(hours=1)
_PATIENCE = timedelta(minutes=1)
# Lookups of unknown keys a minute, for all together: anybody can name a new one each time.
_MOST = 5
_KID = re.compile(r"[A-Za-z0-9-]{1,64}")
_ONE_LINE = re.compile(r"-----BEGIN PUBLIC KEY-----\s*(.*?)\s*-----END PUBLIC KEY-----", re.DOTALL)


@dataclass(slots=True)
class Keys:
    """The public keys that eBay handed out, for an hour each, and the ids that it did not know."""

    client: Client
    _known: dict[str, tuple[datetime, Any, str]] = field(default_factory=dict)
    _asked: dict[str, datetime] = field(default_factory=dict)

    def holds(self, delivery: Delivery) -> bool:
        """Tell whether the delivery is signed by a key that we have. Pure."""
        named = _named(delivery.headers)
        known = self._known.get(named[0]) if named else None
        if named is None or known is None or not delivery.body or self.client.now() - known[0] > _LIFE:
            return False
        return _verified(known[1], known[2], named[1], delivery.body)

    async def learn(self, delivery: Delivery) -> bool:
        """Fetch the key that a delivery names; False where it is known, or not to be had."""
        named, now = _named(delivery.headers), self.client.now()
        if named is None or (named[0] in self._known and now - self._known[named[0]][0] <= _LIFE):
            return False
        self._asked = {kid: at for kid, at in self._asked.items() if now - at < _PATIENCE}
        if named[0] in self._asked or len(self._asked) >= _MOST:
            return False
        self._asked[named[0]] = now
        path = f"/commerce/notification/v1/public_key/{escaped(named[0])}"
        try:
            payload, _ = await self.client.ask(
                Request(method="GET", path=path, op="read a public key", repeatable=True), app=True
            )
            self._known[named[0]] = (now, *_key(payload))
        except (Gone, Refused, ValueError):
            return False
        del self._asked[named[0]]
        return True


def _named(headers: Mapping[str, str]) -> tuple[str, bytes] | None:
    """Return the key's id and the signature that the header holds: base64 of a JSON object."""
    try:
        parts = msgspec.json.decode(base64.b64decode(headers.get(_HEADER, ""), validate=True))
        kid, signature = parts["kid"], base64.b64decode(parts["signature"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return (kid, signature) if isinstance(kid, str) and _KID.fullmatch(kid) else None


def _key(payload: Payload) -> tuple[Any, str]:
    # Loaded on first use: reading it in costs more than all the rest of a start.
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    # eBay gives the PEM on one line.
    match = _ONE_LINE.search(text(payload, "key"))
    pem = f"-----BEGIN PUBLIC KEY-----\n{match[1]}\n-----END PUBLIC KEY-----\n" if match else ""
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, EllipticCurvePublicKey):
        raise ValueError("not an elliptic curve key")
    return key, text(payload, "digest").upper() or "SHA1"


def _verified(key: Any, digest: str, signature: bytes, body: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    # SHA-1 is eBay's choice; the key says so.
    kinds: dict[str, Callable[[], hashes.HashAlgorithm]] = {
        "SHA1": hashes.SHA1,
        "SHA256": hashes.SHA256,
        "SHA512": hashes.SHA512,
    }
    if digest not in kinds:
        return False
    try:
        key.verify(signature, body, ec.ECDSA(kinds[digest]()))
    except InvalidSignature:
        return False
    return True
