"""Who is asking: WC_REST_Authentication. Basic and query keys only over https, OAuth 1.0a over both."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from bridge.sandbox.woocommerce.errors import RestError
from bridge.sandbox.woocommerce.site import ApiKey, Site

_OAUTH = ("oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method")
_WINDOW = 15 * 60
_HEADER = re.compile(r'(oauth_[a-z_-]+)=(?:"([^"]*)"|([^,]*))')
_HASHES = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}


@dataclass(frozen=True, slots=True)
class Asked:
    """The parts of a request that say who sends it. `path` is as it came over the wire, still encoded."""

    method: str
    path: str
    secure: bool
    authorization: str
    query: dict[str, Any]
    form: dict[str, Any]


@dataclass(slots=True)
class Authentication:
    """Checks keys and signatures and remembers nonces."""

    site: Site
    nonces: dict[str, dict[str, int]] = field(default_factory=dict)

    def identify(self, asked: Asked) -> ApiKey | None:
        """Return the key that signed the request, None for a stranger; raise where the platform says what is wrong."""
        key = self._basic(asked) if asked.secure else None
        return key or self._oauth(asked)

    def _basic(self, asked: Asked) -> ApiKey | None:
        user, secret = str(asked.query.get("consumer_key", "")), str(asked.query.get("consumer_secret", ""))
        if not (user and secret):
            user, secret = _basic_pair(asked.authorization)
        # An unknown key is treated like no key at all; only a wrong secret is named.
        key = self.site.keys.get(user) if user and secret else None
        if key is not None and not hmac.compare_digest(key.consumer_secret.encode(), secret.encode()):
            raise _failed("Consumer secret is invalid.")
        return key

    def _oauth(self, asked: Asked) -> ApiKey | None:
        params = {**asked.query, **asked.form, **_oauth_header(asked.authorization)}
        missing = [name for name in _OAUTH if not params.get(name)]
        if len(missing) == len(_OAUTH):
            return None
        if missing:
            text = f"Missing OAuth parameter{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
            raise RestError("woocommerce_rest_authentication_missing_parameter", text, 401)
        key = self.site.keys.get(str(params["oauth_consumer_key"]))
        if key is None:
            raise _failed("Consumer key is invalid.")
        self._check_signature(asked, key, params)
        self._check_freshness(key, str(params["oauth_timestamp"]), str(params["oauth_nonce"]))
        return key

    def _check_signature(self, asked: Asked, key: ApiKey, params: dict[str, Any]) -> None:
        given = unquote(str(params["oauth_signature"]).replace(" ", "+"))
        method = _HASHES.get(str(params["oauth_signature_method"]))
        if method is None:
            raise _failed("Invalid signature - signature method is invalid.")
        signed = {name: params[name] for name in sorted(params) if name != "oauth_signature"}
        text = f"{asked.method}&{_encode(self._own_url(asked))}&{'%26'.join(_pairs(signed))}"
        digest = hmac.new(f"{key.consumer_secret}&".encode(), text.encode(), method).digest()
        if not hmac.compare_digest(base64.b64encode(digest).decode(), given):
            raise _failed("Invalid signature - provided signature does not match.")

    def _own_url(self, asked: Asked) -> str:
        # The shop signs with the address it believes to have, not with the one that was dialled.
        home = urlsplit(self.site.host)
        return f"{'https' if asked.secure else 'http'}://{home.netloc}{asked.path}"

    def _check_freshness(self, key: ApiKey, stamp: str, nonce: str) -> None:
        now = self.site.clock()
        if not stamp.isdigit() or abs(now - int(stamp)) > _WINDOW:
            raise _failed("Invalid timestamp.")
        used = self.nonces.setdefault(key.consumer_key, {})
        if nonce in used:
            raise _failed("Invalid nonce - nonce has already been used.")
        while used and used[oldest := next(iter(used))] < now - _WINDOW:
            del used[oldest]
        used[nonce] = int(stamp)


def check_rights(key: ApiKey, method: str) -> None:
    """Raise if the key's own rights (not its user's) do not cover the method."""
    if method in ("GET", "HEAD") and key.rights not in ("read", "read_write"):
        raise _failed("The API key provided does not have read permissions.")
    if method in ("POST", "PUT", "PATCH", "DELETE") and key.rights not in ("write", "read_write"):
        raise _failed("The API key provided does not have write permissions.")


def _failed(message: str) -> RestError:
    return RestError("woocommerce_rest_authentication_error", message, 401)


def _basic_pair(header: str) -> tuple[str, str]:
    if header[:6].lower() != "basic ":
        return "", ""
    try:
        user, _, secret = base64.b64decode(header[6:]).decode().partition(":")
    except ValueError:
        return "", ""
    return user, secret


def _oauth_header(header: str) -> dict[str, str]:
    if header[:6].lower() != "oauth ":
        return {}
    return {name: unquote(quoted or bare.strip()) for name, quoted, bare in _HEADER.findall(header)}


def _encode(text: str) -> str:
    return quote(text, safe="")


def _pairs(params: dict[str, Any] | list[Any], prefix: str = "") -> list[str]:
    """Write parameters as the platform signs them: encoded twice, arrays with their PHP keys.

    A client that leaves "/" alone or signs `x[]` as sent makes another text; the official Python client does both."""
    rows = params.items() if isinstance(params, dict) else enumerate(params)
    found = []
    for name, value in rows:
        key = f"{prefix}%5B{name}%5D" if prefix else _encode(str(name))
        if isinstance(value, (dict, list)):
            found += _pairs(value, key)
        else:
            found.append(_encode(f"{key}={_encode(str(value))}"))
    return found
