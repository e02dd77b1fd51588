"""Keys that deliveries name and a platform hands out: fetched when they are met, kept for a while."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from bridge.contract.errors import Gone, Refused

__all__ = ["Keyring"]

K = TypeVar("K")
_LIFE = timedelta(hours=1)
_PATIENCE = timedelta(minutes=1)
# Lookups of unknown keys a minute, for all together: anybody can name a new one each time.
_MOST = 5


class Keyring(Generic[K]):
    """Each key for an hour. One that the platform did not know is asked for again after a minute."""

    def __init__(self, fetch: Callable[[str], Awaitable[K]], now: Callable[[], datetime]) -> None:
        self._fetch = fetch
        self._now = now
        self._known: dict[str, tuple[datetime, K]] = {}
        self._asked: dict[str, datetime] = {}

    def get(self, name: str) -> K | None:
        """Return the key of this name, None where it has not been fetched, or too long ago."""
        at, key = self._known.get(name, (None, None))
        return key if at is not None and self._now() - at <= _LIFE else None

    async def learn(self, name: str) -> bool:
        """Fetch a key; False where it is known, not to be had (`fetch` raises Gone, Refused or ValueError), or none is named ("")."""
        now = self._now()
        self._asked = {one: at for one, at in self._asked.items() if now - at < _PATIENCE}
        if not name or self.get(name) is not None or name in self._asked or len(self._asked) >= _MOST:
            return False
        self._asked[name] = now
        try:
            self._known[name] = (now, await self._fetch(name))
        except (Gone, Refused, ValueError):
            return False
        del self._asked[name]
        return True
