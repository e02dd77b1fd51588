"""Pages of what was read, feeds whose pages are no place to go on from, and reading by id."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from bridge.contract.errors import Refused
from bridge.contract.feed import Bad, Page
from bridge.wire.payload import Payload, sift, stamp

__all__ = ["ByWindow", "ChangedSince", "expressed", "last_moves", "page_of", "understood"]

T = TypeVar("T")


def page_of(
    payloads: Iterable[Payload], read: Callable[[Payload], T | None], at: datetime, name: str = "id"
) -> Page[T]:
    """Make a page of records that were answered at a time: those of which `read` makes None are none of ours, and those that it cannot
    understand are set aside by what they have as `name`."""
    good, bad = sift(payloads, read, name)
    return Page(items=tuple(one for one in good if one is not None), bad=tuple(bad), as_of=at)


async def last_moves(
    pages: AsyncIterator[Page[T]], cursor: str, following: Callable[[datetime], str]
) -> AsyncIterator[Page[T]]:
    """Give each page the cursor that the reading began with, and the last one (there must be one) the cursor that follows.

    `following` is told when the first page was answered, by the platform's clock: what changed since then is to be read next time.
    """
    held: Page[T] | None = None
    first: datetime | None = None
    async for page in pages:
        first = first or page.as_of
        if held is not None:
            yield replace(held, cursor=cursor)
        held = page
    assert held is not None
    assert first is not None
    yield replace(held, cursor=following(first))


class ChangedSince(Generic[T]):
    """A feed of what changed since a time, in pages that are no place to go on from. The cursor is that time.

    `pages` reads what changed since a time (ISO 8601); a feed goes on `overlap` before the time at which its reading began.
    """

    def __init__(self, pages: Callable[[str], AsyncIterator[Page[T]]], overlap: timedelta) -> None:
        self._pages = pages
        self._overlap = overlap

    def begin(self, at: datetime) -> str:
        """Return the cursor for what changed since this moment."""
        return stamp(at - self._overlap)

    async def since(self, cursor: str) -> AsyncIterator[Page[T]]:
        """Read what changed; only the last page moves the cursor."""
        async for page in last_moves(self._pages(cursor), cursor, lambda first: max(cursor, self.begin(first))):
            yield page


class ByWindow(Generic[T]):
    """A feed of what changed within a time, where pages come in no order that is promised: a window is read whole, one page each.

    A backlog is read window by window, so that a reading that breaks off goes on near its end. The last window has no end: what changes
    while it is read stays in it. `farthest` is how far back the platform reaches.
    """

    def __init__(
        self,
        read: Callable[[datetime, datetime | None], Awaitable[Page[T]]],
        *,
        now: Callable[[], datetime],
        window: timedelta,
        overlap: timedelta,
        farthest: timedelta,
    ) -> None:
        self._read = read
        self._now = now
        self._window = window
        self._overlap = overlap
        self._farthest = farthest

    def begin(self, at: datetime) -> str:
        """Return the cursor for what changed since this moment."""
        return stamp(at - self._overlap)

    async def since(self, cursor: str) -> AsyncIterator[Page[T]]:
        """Read what changed, one page a window; each page moves the cursor."""
        start: datetime | None = max(datetime.fromisoformat(cursor), self._now() - self._farthest)
        while start is not None:
            # Our clock only chooses how much is read at once; the cursor is moved by the platform's.
            end = start + self._window if self._now() - start > self._window + self._overlap else None
            page = await self._read(start, end)
            yield replace(page, cursor=stamp(end or max(start, page.as_of - self._overlap)))
            start = end


def understood(good: Sequence[T], bad: Sequence[Bad], where: str, step: str) -> Sequence[T]:
    """Return what was read by id; raises Refused for the first that cannot be expressed."""
    if bad:
        raise Refused(f"{bad[0].id}: {bad[0].reason}", where=where, next_step=step)
    return good


def expressed(read: Callable[[Payload], T], payload: Payload, name: str, where: str, step: str) -> T:
    """Read one record by its payload; raises Refused where it cannot be expressed."""
    try:
        return read(payload)
    except ValueError as error:
        raise Refused(f"{name}: {error}", where=where, next_step=step) from error
