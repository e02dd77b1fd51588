"""ECDSA signatures of deliveries, by a public key that the platform hands out."""

import re
from collections.abc import Callable
from typing import Any

__all__ = ["Verify", "verifier"]

Verify = Callable[[bytes, bytes], bool]
_ARMOUR = re.compile(r"-----BEGIN PUBLIC KEY-----\s*(.*?)\s*-----END PUBLIC KEY-----", re.DOTALL)


def verifier(pem: str, digest: str) -> Verify:
    """Return what tells whether a signature (DER) belongs to a body; raises ValueError where this is no elliptic key.

    `digest` is "SHA1", "SHA256" or "SHA512", by the platform's word; under another one nothing is genuine. The PEM may stand on one
    line.
    """
    # Loaded on first use: reading it in costs more than all the rest of a start.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    match = _ARMOUR.search(pem)
    armoured = f"-----BEGIN PUBLIC KEY-----\n{match[1]}\n-----END PUBLIC KEY-----\n" if match else ""
    key: Any = load_pem_public_key(armoured.encode())
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("not an elliptic curve key")
    kinds: dict[str, Callable[[], hashes.HashAlgorithm]] = {
        "SHA1": hashes.SHA1,
        "SHA256": hashes.SHA256,
        "SHA512": hashes.SHA512,
    }

    def verify(signature: bytes, body: bytes) -> bool:
        if digest not in kinds:
            return False
        try:
            key.verify(signature, body, ec.ECDSA(kinds[digest]()))
        except InvalidSignature:
            return False
        return True

    return verify
