"""Access tokens for a service account: a signed assertion is traded for one (RFC 7523)."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from bridge.contract.errors import BridgeError, NeedsPerson
from bridge.wire.access import TokenService
from bridge.wire.assertion import GRANT, assertion
from bridge.wire.http import Request, Response, Surroundings
from bridge.wire.payload import decoded, text
from bridge.wire.tokens import Token, Tokens
from connectors.google.judge import judge
from connectors.google.settings import Settings

__all__ = ["Grants", "Key", "key_of"]

_SCOPE = "https://www.googleapis.com/auth/content"
_LIVES = timedelta(hours=1)
_SKEW = timedelta(minutes=1)


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
    address = settings.oauth_url.strip() or text(found, "token_uri") or "https://oauth2.googleapis.com/token"
    return Key(
        email=text(found, "client_email"), private_key=text(found, "private_key"), key_id=text(found, "private_key_id"),
        token_url=address,
    )  # fmt: skip


class Grants:
    """The tokens of one service account."""

    def __init__(self, settings: Settings, around: Surroundings, *, where: str) -> None:
        self._key = key_of(settings, where)
        self._now = around.now
        self._ahead, self._corrected = timedelta(0), False
        self._tokens = Tokens(self._fetch, now=around.now)
        self.service = TokenService(
            around, where=where, url=self._key.token_url, path=self._key.token_url, judge=self._judge,
            secrets=(settings.service_account, self._key.private_key),
        )  # fmt: skip

    async def get(self) -> str:
        """Return a token that is good for some minutes."""
        return await self._tokens.get()

    def spoil(self, value: str) -> None:
        """Google does not take this token."""
        self._tokens.spoil(value)

    async def _fetch(self) -> Token:
        """A key is refused where our clock is off; then it is tried once more with the time that Google's answer carries."""
        try:
            return await self._trade()
        except NeedsPerson:
            if abs(self._ahead) < _SKEW or self._corrected:
                raise
            self._corrected = True
            return await self._trade()

    async def _trade(self) -> Token:
        granted = await self.service.trade({"grant_type": GRANT, "assertion": self._assertion()})
        return Token(granted.token, granted.until)

    def _judge(self, request: Request, response: Response) -> BridgeError | None:
        self._ahead = self._now() - response.at
        return judge(request, response)

    def _assertion(self) -> str:
        """Claims of developers.google.com/identity/protocols/oauth2/service-account."""
        now = self._now() - (self._ahead if self._corrected else timedelta(0))
        claims = {
            "iss": self._key.email, "scope": _SCOPE, "aud": self._key.token_url, "iat": int(now.timestamp()),
            "exp": int((now + _LIVES).timestamp()),
        }  # fmt: skip
        try:
            return assertion(self._key.private_key, self._key.key_id, claims)
        except ValueError:
            step = "make a new JSON key for the service account and put it into the channel's `service_account`"
            raise NeedsPerson(
                "the key in service_account is damaged", where=self.service.http.where, next_step=step
            ) from None
