"""Access tokens that run out: fetched once for all callers, renewed ahead of time.

A renewal that fails ahead of time is made again later: a token service that is out of order for minutes stops nobody.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge.contract.errors import BridgeError

__all__ = ["Token", "Tokens"]

# A call takes its time, and clocks differ: a token that ends sooner is not handed out any more.
_LEAST = timedelta(minutes=1)
_PAUSE = timedelta(seconds=30)


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
        self._not_before: datetime | None = None
        self._lock = asyncio.Lock()

    async def get(self) -> str:
        """Return a token that is good for at least the renewal margin, or for a minute where it could not be renewed yet."""
        async with self._lock:
            if self._token is None or self._ends_within(self._ahead, self._token):
                self._token = await self._renewed(self._token)
            return self._token.value

    async def _renewed(self, old: Token | None) -> Token:
        if old is None or self._ends_within(_LEAST, old):
            return await self._fetch()
        if self._not_before is not None and self._now() < self._not_before:
            return old
        try:
            return await self._fetch()
        except BridgeError:
            self._not_before = self._now() + _PAUSE
            return old

    def spoil(self, value: str) -> None:
        """The platform refused this token: fetch a new one at the next call."""
        if self._token is not None and self._token.value == value:
            self._token = None

    def _ends_within(self, margin: timedelta, token: Token) -> bool:
        return token.expires_at is not None and self._now() >= token.expires_at - margin
