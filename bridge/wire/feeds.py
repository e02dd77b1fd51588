"""Feeds whose pages are no place to go on from, and reading by id."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from bridge.contract.errors import Refused
from bridge.contract.feed import Bad, Page
from bridge.wire.payload import Payload

__all__ = ["expressed", "last_moves", "understood"]

T = TypeVar("T")


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
