"""A service account's key, and the check of what is signed with it (RFC 7523)."""

import hashlib
from base64 import urlsafe_b64decode
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

Json = dict[str, Any]
SCOPE = "https://www.googleapis.com/auth/content"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class BadAssertion(Exception):
    """An assertion that is not taken: the word of RFC 6749 is always invalid_grant."""


@cache
def _key(email: str) -> rsa.RSAPrivateKey:
    """One key an account and process: making one takes a tenth of a second."""
    del email
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_file(email: str, token_uri: str) -> str:
    """Return the JSON that the Cloud Console hands out for a service account."""
    pem = _key(email).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    found = {
        "type": "service_account", "project_id": "sandbox-project", "private_key_id": hashlib.sha256(email.encode()).hexdigest()[:40],
        "private_key": pem.decode(), "client_email": email, "client_id": "100000000000000000001", "token_uri": token_uri,
    }  # fmt: skip
    return msgspec.json.encode(found).decode()


def check(assertion: str, email: str, audience: str, now: datetime) -> None:
    """Check signature, issuer, audience and time; raises BadAssertion."""
    try:
        head, claims, signature = (urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in assertion.split("."))
        said: Json = msgspec.json.decode(claims)
        algorithm = msgspec.json.decode(head).get("alg")
    except ValueError as error:
        raise BadAssertion("Bad Request") from error
    if algorithm != "RS256" or said.get("iss") != email or said.get("aud") != audience:
        raise BadAssertion("Invalid grant: account not found")
    try:
        signed = assertion.rpartition(".")[0].encode()
        _key(email).public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature as error:
        raise BadAssertion("Invalid JWT Signature.") from error
    if not now - timedelta(minutes=5) <= datetime.fromtimestamp(said["iat"], now.tzinfo) <= now + timedelta(minutes=5):
        raise BadAssertion("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.")
    if SCOPE not in str(said.get("scope")).split():
        raise BadAssertion("Invalid OAuth scope or ID token audience provided.")
