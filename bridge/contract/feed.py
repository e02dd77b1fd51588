"""Paged reading: pages carry the cursor to go on from, and the items that could not be understood."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from bridge.domain.catalog import Level

__all__ = ["Bad", "Feed", "Page"]

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """An item of a page that could not be understood: it is set aside with the reason, the rest of the page counts."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page. `as_of` is the platform's time when it was answered.

    `cursor` is where to go on once this page is stored. It already contains the connector's overlap, so items may come
    again; an equal snapshot changes nothing. `levels` are the stock numbers a catalog page carries along.
    """

    items: tuple[T, ...]
    as_of: datetime
    cursor: str = ""
    bad: tuple[Bad, ...] = ()
    levels: tuple[Level, ...] = ()
    total: int | None = None


class Feed(Protocol[T]):
    """What changed since a cursor."""

    def begin(self, at: datetime) -> str:
        """Return the cursor for 'everything changed since this moment' (the platform's time)."""

    def since(self, cursor: str) -> AsyncIterator[Page[T]]:
        """Read what changed after the cursor, oldest first; always at least one page, whose cursor is where to go on."""
