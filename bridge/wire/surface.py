"""Reading a catalogue surface: pages of items become pages of whole products, and reading again is the only way to hear of changes."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bridge.contract.feed import Bad, Page
from bridge.domain.catalog import Level, Product
from bridge.domain.surface import Item, products_of

__all__ = ["ItemPage", "Rereading", "whole"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPage:
    """One page as a surface answers it; `last` says that nothing follows."""

    items: Sequence[Item]
    levels: Sequence[Level]
    bad: Sequence[Bad]
    at: datetime
    last: bool


async def whole(pages: AsyncIterator[ItemPage]) -> AsyncIterator[Page[Product]]:
    """Turn them into pages of products. Siblings may stand on different pages, so groups are told with the last one."""
    held: list[Item] = []
    seen = set[str]()
    async for page in pages:
        # A catalogue that grows while it is read may bring an item twice.
        fresh = [item for item in page.items if item.id not in seen]
        seen |= {item.id for item in fresh}
        held += [item for item in fresh if item.group]
        ready = [item for item in fresh if not item.group] + (held if page.last else [])
        yield Page(
            items=products_of(ready, page.at), levels=tuple(page.levels), bad=tuple(page.bad), as_of=page.at, cursor=""
        )


class Rereading:
    """The changes of a catalogue that keeps no record of them: it is read again, the rarer the more calls that takes.

    A catalogue of one page is read at every look; one of n pages again after n - 1 rests. The cursor is the time of the last
    reading and how many pages it had.
    """

    def __init__(
        self,
        read: Callable[[], AsyncIterator[Page[Product]]],
        now: Callable[[], datetime],
        rest: timedelta = timedelta(minutes=1),
    ) -> None:
        self._read = read
        self._now = now
        self._rest = rest

    def begin(self, at: datetime) -> str:
        """Return the cursor with which everything is read."""
        return f"{at.astimezone(UTC).isoformat()} 0"

    async def since(self, cursor: str) -> AsyncIterator[Page[Product]]:
        """Read everything, or nothing where that was done a short while ago."""
        if self._now() < _due(cursor, self._rest):
            yield Page(items=(), as_of=self._now(), cursor=cursor)
            return
        count, waiting = 0, None
        async for page in self._read():
            if waiting is not None:
                yield waiting
            count, waiting = count + 1, _with(page, cursor)
        if waiting is not None:
            yield _with(waiting, f"{waiting.as_of.isoformat()} {count}")


def _due(cursor: str, rest: timedelta) -> datetime:
    at, _, count = cursor.partition(" ")
    return datetime.fromisoformat(at) + rest * (int(count) - 1) if int(count) else datetime.min.replace(tzinfo=UTC)


def _with(page: Page[Product], cursor: str) -> Page[Product]:
    return Page(items=page.items, as_of=page.as_of, cursor=cursor, bad=page.bad, levels=page.levels, total=page.total)
