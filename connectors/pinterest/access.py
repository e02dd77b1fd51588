"""Access tokens, traded for the refresh token that the merchant configured."""

from datetime import datetime, timedelta

from bridge.contract.errors import NeedsPerson
from bridge.wire.access import TokenService, basic
from bridge.wire.http import Surroundings
from bridge.wire.payload import text, units
from bridge.wire.tokens import Token, Tokens
from connectors.pinterest.judge import judge
from connectors.pinterest.settings import Settings

__all__ = ["Grants"]


class Grants:
    """The tokens of one app for one account. `scopes` and `ends` (of the refresh token) are known once one was traded."""

    def __init__(self, settings: Settings, around: Surroundings, *, where: str) -> None:
        self.scopes: frozenset[str] = frozenset()
        self.ends: datetime | None = None
        self._configured = self._refresh = settings.refresh_token.strip()
        self._tokens = Tokens(self._fetch, now=around.now)
        self.service = TokenService(
            around, where=where, url=settings.url, path="/v5/oauth/token", judge=judge,
            secrets=(settings.app_secret, settings.refresh_token),
            headers=basic(settings.app_id.strip(), settings.app_secret.strip()),
        )  # fmt: skip

    async def get(self) -> str:
        """Return a token that is good for some minutes."""
        return await self._tokens.get()

    def spoil(self, value: str) -> None:
        """Pinterest does not take this token."""
        self._tokens.spoil(value)

    async def _fetch(self) -> Token:
        """Pinterest may hand out a new refresh token with each access token: the newest is used, the configured one if it fails."""
        try:
            return await self._trade(self._refresh)
        except NeedsPerson:
            if self._refresh == self._configured:
                raise
            return await self._trade(self._configured)

    async def _trade(self, refresh_token: str) -> Token:
        granted = await self.service.trade({"grant_type": "refresh_token", "refresh_token": refresh_token})
        self._refresh = text(granted.told, "refresh_token") or refresh_token
        self.service.conceal(self._refresh)
        self.scopes = frozenset(text(granted.told, "scope").replace(",", " ").split())
        ends = units(granted.told, "refresh_token_expires_in")
        self.ends = granted.at + timedelta(seconds=ends) if ends else None
        return Token(granted.token, granted.until)
