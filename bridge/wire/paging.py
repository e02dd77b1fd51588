"""The two ways platforms page: a cursor that leads on, and numbered pages that can be fetched ahead; and so many a call."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

__all__ = ["by_cursor", "by_number", "slices"]

T = TypeVar("T")


async def by_cursor(fetch: Callable[[str | None], Awaitable[tuple[T, str | None]]]) -> AsyncIterator[T]:
    """Yield pages, each fetched with the cursor of the one before; `fetch` returns (page, next cursor or None)."""
    cursor: str | None = None
    while True:
        page, cursor = await fetch(cursor)
        yield page
        if not cursor:
            return


async def by_number(fetch: Callable[[int], Awaitable[tuple[T, int]]], *, ahead: int) -> AsyncIterator[T]:
    """Yield pages 1, 2, ... in order, keeping up to `ahead` requests under way; `fetch` returns (page, total pages).

    The total may grow while we read: the newest answer counts.
    """
    page, total = await fetch(1)
    waiting: deque[asyncio.Task[tuple[T, int]]] = deque()
    upcoming = 2
    try:
        while True:
            # Before the page is handed over: what its reader waits for then does not hold up the pages behind it.
            while upcoming <= total and len(waiting) < ahead:
                waiting.append(asyncio.ensure_future(fetch(upcoming)))
                upcoming += 1
            yield page
            if not waiting:
                return
            page, newest = await waiting.popleft()
            total = max(total, newest)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


def slices(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Cut what is wanted into as many as a call takes, in their order."""
    return [items[start : start + size] for start in range(0, len(items), size)]
