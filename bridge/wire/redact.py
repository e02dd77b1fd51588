"""Keeps secrets out of every text that leaves the wire layer."""

import re
from collections.abc import Iterable

__all__ = ["Redactor"]

_PATTERNS = (
    re.compile(r"(?i)((?:consumer_secret|consumer_key|client_secret|access_token|oauth_signature)=)[^&\s\"']+"),
    re.compile(r"(?i)(\"(?:client_secret|access_token|refresh_token|signature_key)\"\s*:\s*\")[^\"]+"),
    re.compile(r"(?i)\b((?:bearer|basic|oauth)\s+)[A-Za-z0-9._~+/=,\"-]{8,}"),
    re.compile(r"\b()(?:shpat|shpca|shpss|shprt|cs|ck)_[A-Za-z0-9]{8,}"),
)


class Redactor:
    """Replaces the given secrets, and whatever looks like one, by ***."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: list[str] = []
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Mark one more secret, such as a token just fetched."""
        if len(secret) >= 4 and secret not in self._secrets:
            # The longest first: a secret inside another one must not leave the other's rest behind.
            self._secrets = sorted([*self._secrets, secret], key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = _without_a_cut(text.replace(secret, "***"), secret)
        for pattern in _PATTERNS:
            text = pattern.sub(r"\1***", text)
        return text


def _without_a_cut(text: str, secret: str) -> str:
    """A snippet may end in the middle of a secret."""
    for size in range(len(secret) - 1, 3, -1):
        if f"{secret[:size]}..." in text:
            return text.replace(f"{secret[:size]}...", "***...")
    return text
