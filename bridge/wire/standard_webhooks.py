"""Signatures in the form of Standard Webhooks (standardwebhooks.com, first Svix): HMAC-SHA256 over id, time and raw body. Pure."""

import binascii
import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from bridge.contract.webhooks import Delivery

__all__ = ["is_genuine", "sent_at"]

# A delivery that somebody kept and sends again later is not believed.
_TOLERANCE = timedelta(minutes=5)


def is_genuine(delivery: Delivery, secrets: Sequence[str], now: datetime) -> bool:
    """Compare the signatures (several while the secret changes) with those of each secret (`whsec_...`)."""
    headers, at = delivery.headers, sent_at(delivery.headers)
    identity, given = headers.get("webhook-id", ""), headers.get("webhook-signature", "").split(" ")
    if not identity or not delivery.body or at is None or abs(now - at) > _TOLERANCE:
        return False
    signed = f"{identity}.{headers['webhook-timestamp']}.".encode("utf-8", "replace") + delivery.body
    keys = [key for secret in secrets if (key := _key(secret))]
    told = [one.removeprefix("v1,").encode("utf-8", "replace") for one in given if one.startswith("v1,")]
    return any(hmac.compare_digest(_sign(key, signed), one) for key in keys for one in told)


def sent_at(headers: Mapping[str, str]) -> datetime | None:
    """Return when a delivery was sent, by its own word."""
    at = headers.get("webhook-timestamp", "")
    return datetime.fromtimestamp(int(at), UTC) if re.fullmatch(r"[0-9]{9,11}", at, re.ASCII) else None


def _sign(key: bytes, signed: bytes) -> bytes:
    return b64encode(hmac.digest(key, signed, hashlib.sha256))


def _key(secret: str) -> bytes:
    """Return the key in a secret; none where it is empty or damaged: with an empty key anybody could sign."""
    try:
        return b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return b""
