"""Access tokens for a service account: a signed assertion is traded for one (RFC 7523)."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import msgspec

from bridge.contract.errors import NeedsPerson, TryLater
from bridge.wire.budget import Budget
from bridge.wire.http import Http, Request, Surroundings
from bridge.wire.payload import decoded, text, units
from bridge.wire.tokens import Token, Tokens
from connectors.google.judge import judge
from connectors.google.settings import Settings

__all__ = ["Access", "Key", "key_of"]

_SCOPE = "https://www.googleapis.com/auth/content"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIVES = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What a service account's key file says."""

    email: str
    private_key: str = field(repr=False)
    key_id: str
    token_url: str


def key_of(settings: Settings, where: str) -> Key:
    """Read the key; raises NeedsPerson where it is none."""
    given = settings.service_account.strip()
    step = "set the channel's `service_account` to the JSON key of a service account, or to the path of its file"
    if not given:
        raise NeedsPerson("no service_account", where=where, next_step=step)
    try:
        found = decoded(given.encode() if given.startswith("{") else Path(given).read_bytes())
    except OSError as error:
        raise NeedsPerson(f"service_account cannot be read: {error.strerror}", where=where, next_step=step) from None
    if not found.get("client_email") or not found.get("private_key"):
        raise NeedsPerson("service_account is not the key of a service account", where=where, next_step=step)
    address = settings.token_url.strip() or text(found, "token_uri") or "https://oauth2.googleapis.com/token"
    return Key(
        email=text(found, "client_email"), private_key=text(found, "private_key"), key_id=text(found, "private_key_id"),
        token_url=address,
    )  # fmt: skip


class Access:
    """The tokens of one service account."""

    def __init__(self, settings: Settings, around: Surroundings, *, where: str) -> None:
        self.on_token: Callable[[str], None] = lambda _: None
        self._key = key_of(settings, where)
        self._now = around.now
        self._used = ""
        self._tokens = Tokens(self._fetch, now=around.now)
        self.http = Http(
            around,
            where=where,
            base_url=self._key.token_url,
            judge=judge,
            secrets=(settings.service_account, self._key.private_key),
            budget=Budget(capacity=1, per_second=0, time=around.time, sleep=around.sleep),
        )

    async def sign(self, request: Request) -> Request:
        """Put the current token into the call."""
        self._used = await self._tokens.get()
        headers = {**request.headers, "authorization": f"Bearer {self._used}"}
        return replace(request, headers=headers)

    async def renew(self) -> bool:
        """Drop the token that was refused; the next call fetches another."""
        self._tokens.spoil(self._used)
        return True

    async def _fetch(self) -> Token:
        form = urlencode({"grant_type": _GRANT, "assertion": self._assertion()}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        response = await self.http.send(
            Request(
                method="POST", path=self._key.token_url, op="fetch an access token", body=form, headers=headers, repeatable=True
            )
        )  # fmt: skip
        granted = decoded(response.content)
        token, lives = text(granted, "access_token"), units(granted, "expires_in")
        if not token:
            raise TryLater("fetch an access token: the answer has none", where=self.http.where)
        self.http.redact.add(token)
        self.on_token(token)
        return Token(token, response.at + timedelta(seconds=lives) if lives else None)

    def _assertion(self) -> str:
        """Claims of developers.google.com/identity/protocols/oauth2/service-account, signed with RS256."""
        now = self._now()
        head = {"alg": "RS256", "typ": "JWT", "kid": self._key.key_id}
        claims = {
            "iss": self._key.email, "scope": _SCOPE, "aud": self._key.token_url, "iat": int(now.timestamp()),
            "exp": int((now + _LIVES).timestamp()),
        }  # fmt: skip
        signed = f"{_part(msgspec.json.encode(head))}.{_part(msgspec.json.encode(claims))}"
        return f"{signed}.{_part(self._signature(signed.encode()))}"

    def _signature(self, signed: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import padding, rsa

        try:
            key = serialization.load_pem_private_key(self._key.private_key.encode(), password=None)
        except ValueError:
            key = None
        if not isinstance(key, rsa.RSAPrivateKey):
            step = "make a new JSON key for the service account and put it into the channel's `service_account`"
            raise NeedsPerson("the key in service_account is damaged", where=self.http.where, next_step=step)
        signature: bytes = key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return signature


def _part(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
