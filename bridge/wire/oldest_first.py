"""The changes of a list that can be asked for what changed since a second, and comes sorted by that."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from bridge.contract.feed import Page
from bridge.wire.http import Response
from bridge.wire.paging import by_time
from bridge.wire.payload import Odd, Payload, sift

__all__ = ["OldestFirst"]

T = TypeVar("T")
Found = tuple[Sequence[Payload], Response]


class OldestFirst(Generic[T]):
    """The feed of one list, oldest change first. The cursor is a second, and each page moves it.

    `fetch(least, offset)` reads at most `size` records that changed at the second `least` or later, `read` makes values of them (`name` is
    the field of their id), `changed` says when they changed. A feed goes on `overlap` before the time at which its reading began, and
    asks for nothing before the second `earliest`. A record that comes twice, as it was, is told once.
    """

    def __init__(
        self,
        fetch: Callable[[int, int], Awaitable[Found]],
        read: Callable[[Payload], T],
        changed: Callable[[Payload], datetime],
        *,
        name: str,
        size: int,
        overlap: timedelta,
        earliest: int = 0,
    ) -> None:
        self._fetch = fetch
        self._read = read
        self._changed = changed
        self._name = name
        self._size = size
        self._overlap = overlap
        self._earliest = earliest

    def begin(self, at: datetime) -> str:
        """Return the cursor for what changed since this moment."""
        return str(max(self._earliest, self._before(at)))

    async def since(self, cursor: str) -> AsyncIterator[Page[T]]:
        """Read what changed."""
        start, following, seen = int(cursor), 0, set[tuple[str, int]]()
        async for (found, response), reached, last in by_time(self._counted, start, self._size):
            following = following or max(start, self._before(response.at))
            fresh = [one for one in found if self._version(one) not in seen]
            seen.update(map(self._version, fresh))
            good, bad = sift(fresh, self._read, self._name)
            at = following if last else max(start, min(following, reached))
            yield Page(items=tuple(good), bad=tuple(bad), as_of=response.at, cursor=str(at))

    async def _counted(self, least: int, offset: int) -> tuple[Found, int, int]:
        found, response = await self._fetch(least, offset)
        return (found, response), len(found), max(map(self._second, found), default=0)

    def _before(self, at: datetime) -> int:
        return int((at - self._overlap).timestamp())

    def _version(self, record: Payload) -> tuple[str, int]:
        return str(record.get(self._name)), self._second(record)

    def _second(self, record: Payload) -> int:
        """Return the second in which a record changed, 0 where it does not say it."""
        try:
            return int(self._changed(record).timestamp())
        except Odd:
            return 0
