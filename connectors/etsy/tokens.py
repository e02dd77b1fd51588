"""Etsy's tokens: an access token lives an hour, and each renewal gives a new refresh token.

Whether the old refresh token lives on is told both ways (etsy/open-api issue 353: it did; others: it ends at once). So the newest
is in the vault before it is needed, and the configured one is tried only when Etsy does not take the newest.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from bridge.contract.errors import NeedsPerson, Refused
from bridge.wire.budget import Budget
from bridge.wire.http import Http, Request, Surroundings
from bridge.wire.tokens import Token, Tokens
from connectors.etsy.judge import GRANT, judge
from connectors.etsy.settings import Settings

__all__ = ["Keys"]

_PATH = "v3/public/oauth/token"
_AHEAD = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the vault holds. `of` tells the settings it came from: a refresh token that a person enters anew goes first."""

    of: str = ""
    refresh: str = field(default="", repr=False)
    access: str = field(default="", repr=False)
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    access_token: str
    refresh_token: str
    expires_in: int


class Keys:
    """Hands out access tokens, renewed ahead of time and shared by all connectors that have the same vault."""

    def __init__(self, settings: Settings, around: Surroundings, where: str) -> None:
        self._settings = settings
        self._around = around
        self._name = f"etsy:{where}"
        named = f"{settings.url} {settings.keystring} {settings.refresh_token}"
        self._of = hashlib.sha256(named.encode()).hexdigest()
        self._refused = ""
        free = Budget(capacity=1, per_second=0, time=around.time, sleep=around.sleep)
        secrets = (settings.shared_secret, settings.refresh_token)
        self.http = Http(around, where=where, base_url=settings.url, budget=free, judge=judge, secrets=secrets)
        self._tokens = Tokens(self._fetch, now=around.now, ahead=_AHEAD)

    async def access(self) -> str:
        """Return an access token that is good for some minutes."""
        return await self._tokens.get()

    def spoil(self, value: str) -> None:
        """Etsy does not take this access token."""
        self._refused = value
        self._tokens.spoil(value)

    async def _fetch(self) -> Token:
        kept = self._kept()
        fresh = kept.until is not None and kept.until - _AHEAD > self._around.now()
        if fresh and kept.access != self._refused:
            return Token(kept.access, kept.until)
        return await self._renew(kept.refresh or self._settings.refresh_token)

    async def _renew(self, refresh: str) -> Token:
        try:
            return self._keep(await self._ask(refresh))
        except NeedsPerson as error:
            # Another process may have renewed meanwhile; else the configured token is the last resort.
            others = (self._kept().refresh, self._settings.refresh_token)
            other = next((one for one in others if one and one != refresh), "")
            if error.code != GRANT or not other:
                raise
            return self._keep(await self._ask(other))

    async def _ask(self, refresh: str) -> _Answer:
        form = (("grant_type", "refresh_token"), ("client_id", self._settings.keystring), ("refresh_token", refresh))
        self.http.redact.add(refresh)
        # Sent again after a lost answer: where the old token has ended with it, nothing else could be done either.
        request = Request(method="POST", path=_PATH, op="renew the access token", repeatable=True).with_form(form)
        response = await self.http.send(request)
        try:
            return msgspec.json.decode(response.content, type=_Answer)
        except msgspec.MsgspecError as error:
            response.json()
            what = f"renew the access token: Etsy's answer lacks something ({error})"
            raise Refused(what, where=self.http.where) from error

    def _keep(self, answer: _Answer) -> Token:
        until = self._around.now() + timedelta(seconds=answer.expires_in)
        kept = _Kept(self._of, answer.refresh_token, answer.access_token, until)
        self._around.vault.put(self._name, msgspec.json.encode(kept).decode())
        self.http.redact.add(answer.access_token)
        self.http.redact.add(answer.refresh_token)
        return Token(answer.access_token, until)

    def _kept(self) -> _Kept:
        try:
            kept = msgspec.json.decode(self._around.vault.get(self._name) or "{}", type=_Kept)
        except msgspec.MsgspecError:
            return _Kept()
        return kept if kept.of == self._of else _Kept()
