"""A feed whose pages have tokens that are good for a while: a reading that was broken off goes on where it was."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import msgspec

from bridge.contract.feed import Page
from bridge.wire.payload import stamp

__all__ = ["Resumable"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """What is asked for (changed since `at`), the page reached, and from where the reading after this one goes on."""

    at: str
    token: str = ""
    token_at: str = ""
    following: str = ""

    def text(self) -> str:
        return msgspec.json.encode(self).decode()


class Resumable(Generic[T]):
    """The feed of what changed since a time, for pages that are too dear to be read twice. Every page moves the cursor.

    `read` takes a time (ISO 8601) and a page's token ("": the first page); it returns the page, until when the platform has seen all
    changes (None: it does not say), and the next page's token ("" after the last). Tokens are used for as long as they are `good`.
    """

    def __init__(
        self,
        read: Callable[[str, str], Awaitable[tuple[Page[T], datetime | None, str]]],
        *,
        now: Callable[[], datetime],
        overlap: timedelta,
        good: timedelta,
    ) -> None:
        self._read = read
        self._now = now
        self._overlap = overlap
        self._good = good

    def begin(self, at: datetime) -> str:
        """Return the cursor for what changed since this moment."""
        return _Place(at=stamp(at - self._overlap)).text()

    async def since(self, cursor: str) -> AsyncIterator[Page[T]]:
        """Read what changed."""
        here: _Place | None = self._usable(msgspec.json.decode(cursor, type=_Place))
        while here is not None:
            page, seen_until, token = await self._read(here.at, here.token)
            following = here.following or max(here.at, stamp(seen_until or page.as_of - self._overlap))
            there = _Place(at=following)
            if token:
                there = _Place(at=here.at, token=token, token_at=stamp(page.as_of), following=following)
            yield replace(page, cursor=there.text())
            here = there if token else None

    def _usable(self, place: _Place) -> _Place:
        """Forget a page whose token is about to be too old."""
        if not place.token:
            return place
        age = self._now() - datetime.fromisoformat(place.token_at)
        return place if timedelta(0) <= age < self._good else _Place(at=place.at)
