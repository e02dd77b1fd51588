"""Access tokens where each renewal gives a new refresh token, which is kept before it is needed.

Whether the old refresh token lives on, platforms say both ways: so the newest is tried first, and the configured one only when the
newest is not taken.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from bridge.contract.errors import NeedsPerson
from bridge.wire.access import TokenService
from bridge.wire.http import Surroundings
from bridge.wire.payload import text
from bridge.wire.tokens import Token, Tokens

__all__ = ["Rotation"]

# RFC 6749's word for a refresh token that is used up, expired or revoked.
_GRANT = "invalid_grant"
_AHEAD = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the vault holds. `of` tells the settings it came from: a refresh token that a person enters anew goes first."""

    of: str = ""
    refresh: str = field(default="", repr=False)
    access: str = field(default="", repr=False)
    until: datetime | None = None


class Rotation:
    """Hands out access tokens, renewed ahead of time and shared by all connectors that have the same vault.

    `name` is the vault's entry; `form` is sent beside the refresh token, and with it names the settings.
    """

    def __init__(
        self, service: TokenService, around: Surroundings, *, name: str, refresh: str, form: Mapping[str, str]
    ) -> None:
        self._service = service
        self._around = around
        self._name = name
        self._configured = refresh
        self._form = {"grant_type": "refresh_token", **form}
        named = f"{service.http.url} {sorted(form.items())} {refresh}"
        self._of = hashlib.sha256(named.encode()).hexdigest()
        self._refused = ""
        self._tokens = Tokens(self._fetch, now=around.now, ahead=_AHEAD)

    async def get(self) -> str:
        """Return an access token that is good for some minutes."""
        return await self._tokens.get()

    def spoil(self, value: str) -> None:
        """The platform does not take this access token."""
        self._refused = value
        self._tokens.spoil(value)

    async def _fetch(self) -> Token:
        kept = self._kept()
        fresh = kept.access and (kept.until is None or kept.until - _AHEAD > self._around.now())
        if fresh and kept.access != self._refused:
            return Token(kept.access, kept.until)
        return await self._renew(kept.refresh or self._configured)

    async def _renew(self, refresh: str) -> Token:
        try:
            return await self._trade(refresh)
        except NeedsPerson as error:
            # Another process may have renewed meanwhile; else the configured token is the last resort.
            others = (self._kept().refresh, self._configured)
            other = next((one for one in others if one and one != refresh), "")
            if error.code != _GRANT or not other:
                raise
            return await self._trade(other)

    async def _trade(self, refresh: str) -> Token:
        """Renew, sent again after a lost answer: where the old token has ended with it, nothing else could be done either."""
        self._service.conceal(refresh)
        granted = await self._service.trade({**self._form, "refresh_token": refresh})
        following = text(granted.told, "refresh_token") or refresh
        self._service.conceal(following)
        kept = _Kept(self._of, following, granted.token, granted.until)
        self._around.vault.put(self._name, msgspec.json.encode(kept).decode())
        return Token(granted.token, granted.until)

    def _kept(self) -> _Kept:
        try:
            kept = msgspec.json.decode(self._around.vault.get(self._name) or "{}", type=_Kept)
        except msgspec.MsgspecError:
            return _Kept()
        return kept if kept.of == self._of else _Kept()
