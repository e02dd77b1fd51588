"""Signed assertions that are traded for an access token (RFC 7523), RS256."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping

import msgspec

__all__ = ["GRANT", "assertion"]

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def assertion(private_key: str, key_id: str, claims: Mapping[str, object]) -> str:
    """Return the claims, signed; raises ValueError where the key is no RSA key in PEM."""
    head = {"alg": "RS256", "typ": "JWT", "kid": key_id}
    signed = f"{_part(msgspec.json.encode(head))}.{_part(msgspec.json.encode(claims))}"
    return f"{signed}.{_part(_signature(private_key, signed.encode()))}"


def _signature(private_key: str, signed: bytes) -> bytes:
    # Loading the library takes longer than a command that needs no token.
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    key = serialization.load_pem_private_key(private_key.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("this is no RSA key")
    signature: bytes = key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    return signature


def _part(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
