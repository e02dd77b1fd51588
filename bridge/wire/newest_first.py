"""The changes of lists that can be sorted by them, but not be asked for what changed since."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import msgspec

from bridge.contract.feed import Page
from bridge.wire.feeds import last_moves
from bridge.wire.http import Response
from bridge.wire.payload import Odd, Payload

__all__ = ["NewestFirst"]

T = TypeVar("T")
Pages = AsyncIterator[tuple[list[Payload], Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cursor:
    """Epoch seconds: what changed since `at`; `rest` is when the lists after the first were looked through."""

    at: int
    rest: int = 0

    def text(self) -> str:
        return msgspec.json.encode(self).decode()

    def is_due(self, now: datetime, rest: timedelta) -> bool:
        """Tell whether they are to be looked through again."""
        return now.timestamp() - self.rest >= rest.total_seconds()


class NewestFirst(Generic[T]):
    """The feed of several lists, of which the first is read at each look and the others once in a `rest`.

    `walk` reads a list, newest change first if the platform does as it is asked: where a page comes sorted, reading ends with the first
    one that is older than the cursor; where not, all are read. `page` makes a page of those of its records that changed, `changed` says
    when (a record that does not say it counts as changed).
    """

    def __init__(
        self,
        lists: Sequence[str],
        walk: Callable[[str], Pages],
        page: Callable[[Sequence[Payload], Response], Page[T]],
        changed: Callable[[Payload], datetime],
        *,
        overlap: timedelta,
        rest: timedelta,
    ) -> None:
        self._lists = lists
        self._walk = walk
        self._page = page
        self._changed = changed
        self._overlap = overlap
        self._rest = rest

    def begin(self, at: datetime) -> str:
        """Return the cursor for what changed since this moment."""
        return _Cursor(at=int((at - self._overlap).timestamp())).text()

    async def since(self, cursor: str) -> AsyncIterator[Page[T]]:
        """Read what changed. Only the last page moves the cursor."""
        here = msgspec.json.decode(cursor, type=_Cursor)
        # When the pages were answered, by the platform's clock; not all are told.
        times: list[datetime] = []

        def following(_: datetime) -> str:
            at = max(here.at, int((times[0] - self._overlap).timestamp()))
            rest = int(times[0].timestamp()) if here.is_due(times[0], self._rest) else here.rest
            return _Cursor(at=at, rest=rest).text()

        async for found in last_moves(self._pages(here, times), cursor, following):
            yield found

    async def _pages(self, here: _Cursor, times: list[datetime]) -> AsyncIterator[Page[T]]:
        """Read pages that show a change, or one that is empty."""
        empty: Page[T] | None = None
        told = False
        for name in self._lists:
            if times and not here.is_due(times[0], self._rest):
                break
            async for found, response in self._walk(name):
                times.append(response.at)
                made = self._page([one for one in found if self._time(one) >= here.at], response)
                if made.items + made.bad:
                    told = True
                    yield made
                empty = empty or made
                if self._is_over(found, here.at):
                    break
        if empty is not None and not told:
            yield empty

    def _time(self, record: Payload) -> float:
        try:
            return self._changed(record).timestamp()
        except Odd:
            return float("inf")

    def _is_over(self, found: Sequence[Payload], at: int) -> bool:
        """Tell whether a page is sorted newest first and has come to what is older than the cursor."""
        times = [self._time(one) for one in found]
        return bool(times) and times == sorted(times, reverse=True) and times[-1] < at
