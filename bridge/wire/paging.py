"""The ways platforms page: a cursor that leads on, numbered pages that can be fetched ahead, times; and so many a call."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

from bridge.contract.errors import Gone
from bridge.wire.payload import stamp

__all__ = ["by_cursor", "by_halves", "by_link", "by_number", "by_offset", "by_search", "by_time", "joined", "slices"]

T = TypeVar("T")
R = TypeVar("R")
_TICK = timedelta(milliseconds=1)


async def by_cursor(fetch: Callable[[str | None], Awaitable[tuple[T, str | None]]]) -> AsyncIterator[T]:
    """Yield pages, each fetched with the cursor of the one before; `fetch` returns (page, next cursor or None)."""
    cursor: str | None = None
    while True:
        page, cursor = await fetch(cursor)
        yield page
        if not cursor:
            return


async def by_link(
    fetch: Callable[[tuple[tuple[str, str], ...]], Awaitable[tuple[T, int, str, str]]], first: str
) -> AsyncIterator[T]:
    """Yield pages of a list by the addresses that they name: what an offset counts is the platform's business.

    `fetch` takes the parameters of a page (`first` is the query of the first) and returns (page, how many records there are, address of
    the next page, of the one before; "" for none). Where records were deleted meanwhile, later ones moved up: the page before is read
    again, so that none is missed.
    """
    query, before = first, 0
    while query:
        page, total, following, previous = await fetch(tuple(parse_qsl(query)))
        yield page
        query = urlsplit(previous if total < before and previous else following).query
        before = total


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


async def by_offset(
    fetch: Callable[[int], Awaitable[tuple[Sequence[T], R, int | None]]],
    name: Callable[[T], str],
    size: int,
    again: int,
) -> AsyncIterator[tuple[list[T], R]]:
    """Yield the records of a list by offset, each once (by its name), with what else came with their page.

    `fetch` returns (records, whatever, how many there are or None). A record deleted while we read moves the rest up: `again` records of
    each page are read again, and where none of them is known, more than that were deleted, so that we go back a page.
    """
    seen: set[str] = set()
    start = 0
    while True:
        found, more, total = await fetch(start)
        fresh = [one for one in found if name(one) not in seen]
        seen.update(map(name, fresh))
        yield fresh, more
        if start > 0 and found and len(fresh) == len(found):
            start = max(0, start - size)
        elif len(found) < size or (total is not None and start + len(found) >= total):
            return
        else:
            start += size - again


async def by_halves(fetch: Callable[[Sequence[str]], Awaitable[list[T]]], ids: Sequence[str]) -> list[T]:
    """Read records by id where one that is no more fails the whole call: it is sought by halves and left out."""
    try:
        return await fetch(ids)
    except Gone:
        if len(ids) == 1:
            return []
        half = len(ids) // 2
        return [*await by_halves(fetch, ids[:half]), *await by_halves(fetch, ids[half:])]


async def by_search(
    fetch: Callable[[str, str], Awaitable[tuple[Sequence[T], R, str]]], made: Callable[[T], datetime], most: int
) -> AsyncIterator[tuple[Sequence[T], R]]:
    """Yield pages of a list in the order of its records' making, where one search shows no more than `most`.

    `fetch` takes the time (ISO 8601) after which records were made ("": all) and a page's token; it returns (records, whatever, the next
    page's token or ""). A new search begins where the last one ended.
    """
    after, token, seen = "", "", 0
    while True:
        found, more, token = await fetch(after, token)
        yield found, more
        seen += len(found)
        if token:
            continue
        if seen < most or not found:
            return
        last = made(found[-1])
        # More than fit into a search, made in one millisecond, cannot be told apart; the walk must go on all the same.
        after, seen = stamp(last) if stamp(last) > after else stamp(last + _TICK), 0


async def by_time(
    fetch: Callable[[int, int], Awaitable[tuple[T, int, int]]], start: int, size: int
) -> AsyncIterator[tuple[T, int, bool]]:
    """Yield pages of a list sorted by the time of change, oldest first: each with the second it reached, and whether it is the last.

    `fetch(least, offset)` returns (page, how many are on it, the newest second on it; 0 for none). Pages go on from the last one's time
    instead of an offset, as a record that changes meanwhile moves to the end; the last second is read again, so records may come twice.
    An offset is used only within one second that fills a whole page of `size`.
    """
    least, offset = start, 0
    while True:
        page, count, newest = await fetch(least, offset)
        reached = newest - 1
        yield page, reached, count < size
        if count < size:
            return
        least, offset = (reached, 0) if reached > least else (least, offset + count)


def joined(names: Iterable[str], most: int) -> tuple[list[str], list[str]]:
    """Join what is wanted by commas, so many a call. What holds a comma itself comes second: it has to be asked for alone."""
    wanted = [name for name in dict.fromkeys(names) if name]
    together = [",".join(some) for some in slices([name for name in wanted if "," not in name], most)]
    return together, [name for name in wanted if "," in name]


def slices(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Cut what is wanted into as many as a call takes, in their order."""
    return [items[start : start + size] for start in range(0, len(items), size)]
