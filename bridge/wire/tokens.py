"""Access tokens that run out: fetched once for all callers, renewed ahead of time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

__all__ = ["Token", "Tokens"]


@dataclass(frozen=True, slots=True)
class Token:
    """A secret with its end of life (None: it has none)."""

    value: str = field(repr=False)
    expires_at: datetime | None


class Tokens:
    """Hands out the current token; however many ask at once, only one fetch is under way."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Token]],
        *,
        now: Callable[[], datetime],
        ahead: timedelta = timedelta(minutes=10),
    ) -> None:
        self._fetch = fetch
        self._now = now
        self._ahead = ahead
        self._token: Token | None = None
        self._lock = asyncio.Lock()

    async def get(self) -> str:
        """Return a token that is good for at least the renewal margin."""
        async with self._lock:
            if self._token is None or self._is_old(self._token):
                self._token = await self._fetch()
            return self._token.value

    def spoil(self, value: str) -> None:
        """The platform refused this token: fetch a new one at the next call."""
        if self._token is not None and self._token.value == value:
            self._token = None

    def _is_old(self, token: Token) -> bool:
        return token.expires_at is not None and self._now() >= token.expires_at - self._ahead
