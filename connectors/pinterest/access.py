"""Access tokens, traded for the refresh token that the merchant configured."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from bridge.contract.errors import NeedsPerson, TryLater
from bridge.wire.budget import Budget
from bridge.wire.http import Http, Request, Surroundings
from bridge.wire.payload import decoded, text, units
from bridge.wire.tokens import Token, Tokens
from connectors.pinterest.judge import judge
from connectors.pinterest.settings import Settings

__all__ = ["Access"]


class Access:
    """The tokens of one app for one account."""

    def __init__(self, settings: Settings, around: Surroundings, *, where: str) -> None:
        self.scopes: frozenset[str] = frozenset()
        self.ends: datetime | None = None
        self.on_token: Callable[[str], None] = lambda _: None
        self._settings = settings
        self._refresh = settings.refresh_token.strip()
        self._used = ""
        self._tokens = Tokens(self._fetch, now=around.now)
        self.http = Http(
            around,
            where=where,
            base_url=settings.url,
            judge=judge,
            secrets=(settings.app_secret, settings.refresh_token),
            budget=Budget(capacity=1, per_second=0, time=around.time, sleep=around.sleep),
        )

    async def sign(self, request: Request) -> Request:
        """Put the current token into the call."""
        self._used = await self._tokens.get()
        headers = {**request.headers, "authorization": f"Bearer {self._used}", "accept": "application/json"}
        return replace(request, headers=headers)

    async def renew(self) -> bool:
        """Drop the token that was refused; the next call fetches another."""
        self._tokens.spoil(self._used)
        return True

    async def _fetch(self) -> Token:
        """Pinterest may hand out a new refresh token with each access token: the newest is used, the configured one if it fails."""
        try:
            return await self._trade(self._refresh)
        except NeedsPerson:
            if self._refresh == self._settings.refresh_token.strip():
                raise
            return await self._trade(self._settings.refresh_token.strip())

    async def _trade(self, refresh_token: str) -> Token:
        pair = f"{self._settings.app_id.strip()}:{self._settings.app_secret.strip()}".encode()
        headers = {
            "authorization": f"Basic {b64encode(pair).decode()}",
            "content-type": "application/x-www-form-urlencoded",
        }
        form = urlencode({"grant_type": "refresh_token", "refresh_token": refresh_token}).encode()
        response = await self.http.send(
            Request(
                method="POST", path="/v5/oauth/token", op="fetch an access token", body=form, headers=headers, repeatable=True
            )
        )  # fmt: skip
        granted = decoded(response.content)
        token, lives = text(granted, "access_token"), units(granted, "expires_in")
        if not token:
            raise TryLater("fetch an access token: the answer has none", where=self.http.where)
        self._refresh = text(granted, "refresh_token") or refresh_token
        for secret in (token, self._refresh):
            self.http.redact.add(secret)
            self.on_token(secret)
        self.scopes = frozenset(text(granted, "scope").replace(",", " ").split())
        ends = units(granted, "refresh_token_expires_in")
        self.ends = response.at + timedelta(seconds=ends) if ends else None
        return Token(token, response.at + timedelta(seconds=lives) if lives else None)
