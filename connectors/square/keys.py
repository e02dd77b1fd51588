"""Idempotency keys within Square's lengths."""

import hashlib

__all__ = ["fitting"]


def fitting(key: str, limit: int) -> str:
    """Return the key, or a digest of it where it is too long: the same key always gives the same result."""
    return key if len(key) <= limit else hashlib.sha256(key.encode()).hexdigest()[:limit]
