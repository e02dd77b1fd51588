"""OAuth 1.0a request signing, one-legged, HMAC-SHA256: pure functions after RFC 5849, section 3.4."""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from hmac import new as hmac
from urllib.parse import parse_qsl, quote, urlsplit

__all__ = ["base_string", "sign"]

Pairs = Sequence[tuple[str, str]]
_PORTS = {"http": 80, "https": 443}


def sign(method: str, url: str, params: Pairs, *, key: str, secret: str, timestamp: int, nonce: str) -> Pairs:
    """Return the query parameters of a call, signed: `params` followed by the protocol's own.

    A JSON body is not part of the signature (RFC 5849, 3.4.1.3.1); a query inside `url` is.
    """
    protocol = (
        ("oauth_consumer_key", key),
        ("oauth_nonce", nonce),
        ("oauth_signature_method", "HMAC-SHA256"),
        ("oauth_timestamp", str(timestamp)),
        ("oauth_version", "1.0"),
    )
    everything = (*params, *protocol)
    # No token: the signing key is the consumer secret, an ampersand and nothing (3.4.2).
    digest = hmac(f"{_escape(secret)}&".encode(), base_string(method, url, everything).encode(), sha256).digest()
    return (*everything, ("oauth_signature", b64encode(digest).decode()))


def base_string(method: str, url: str, params: Pairs) -> str:
    """Return the signature base string (3.4.1.1)."""
    query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    pairs = sorted((_escape(name), _escape(value)) for name, value in (*query, *params))
    joined = "&".join(f"{name}={value}" for name, value in pairs)
    return "&".join((method.upper(), _escape(_base_uri(url)), _escape(joined)))


def _base_uri(url: str) -> str:
    """Scheme and host in lower case, the port only where it is not the scheme's own, no query (3.4.1.2)."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if ":" in host:
        host = f"[{host}]"
    port = f":{parts.port}" if parts.port and parts.port != _PORTS.get(parts.scheme.lower()) else ""
    return f"{parts.scheme.lower()}://{host}{port}{parts.path or '/'}"


def _escape(text: str) -> str:
    """Percent-encode everything but the unreserved characters (3.6)."""
    return quote(text, safe="~")
