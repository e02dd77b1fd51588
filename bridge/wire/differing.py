"""The changes of a catalogue that has no feed of them: all items are read, and what differs from the reading before is told."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Protocol

import msgspec

from bridge.contract.feed import Bad, Page
from bridge.domain.catalog import Level, Product
from bridge.wire.feeds import last_moves
from bridge.wire.payload import Payload, stamp, text

__all__ = ["Differing", "Shelf", "everything"]

# Of the products that show no change, one in so many is looked at again at each reading.
_ROUND = 50


class Shelf(Protocol):
    """A catalogue whose items are cheap to walk and do not show all there is of a product. An item is known by its `sku`."""

    def items(self) -> AsyncIterator[tuple[list[Payload], datetime]]:
        """Walk all items; there is at least one page."""

    def owner(self, item: Payload) -> str:
        """Return the id of the product that an item belongs to."""

    def look(self, item: Payload) -> Payload:
        """Return what makes the item a changed one; a number, which is told as a level, does not."""

    def numbers(self, items: Sequence[Payload], at: datetime) -> Page[Level]:
        """Read the numbers that items show."""

    async def read(self, items: Sequence[Payload], done: set[str]) -> tuple[list[Product], list[Bad]]:
        """Read the products that items belong to, each once: `done` remembers those with several items."""


@dataclass(slots=True)
class _Reading:
    """What one walk over all items saw: owner and print by SKU, the print of each product that is to be seen, and who was looked at."""

    prints: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    shown: dict[str, bytes] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    looked: set[str] = field(default_factory=set)

    @property
    def owners(self) -> set[str]:
        """The products that have items."""
        return {owner for owner, _ in self.prints.values()}


async def everything(shelf: Shelf) -> AsyncIterator[Page[Product]]:
    """Read the whole catalogue: every product once, and the numbers that its items show."""
    done: set[str] = set()
    async for items, at in shelf.items():
        good, bad = await shelf.read(items, done)
        yield _page(good, bad, shelf.numbers(items, at))


class Differing:
    """The feed of changes. An item does not show everything (a price, whether it is on sale), so the products of changed items are read
    whole, and in turn a fiftieth of the others.

    The cursor names the reading whose pages were all stored: what that one saw is remembered, and only where the cursor is
    not its own (a restart, a reading broken off) everything is told again.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._issued = ""
        self._readings = 0
        self._last = _Reading()

    def begin(self, at: datetime) -> str:
        """Return the cursor of a reading that never was."""
        return stamp(at)

    async def since(self, cursor: str) -> AsyncIterator[Page[Product]]:
        """Read all items; only the last page, which names the products that are no more, moves the cursor."""
        last, reading = self._last if cursor == self._issued else _Reading(), _Reading()
        self._issued, self._readings = "", self._readings + 1
        async for page in last_moves(self._pages(last, reading), cursor, lambda at: self._issue(at, last, reading)):
            yield page

    async def _pages(self, last: _Reading, reading: _Reading) -> AsyncIterator[Page[Product]]:
        due = self._due(last.shown)
        async for items, at in self._shelf.items():
            prints = {text(item, "sku"): (self._shelf.owner(item), _digest(self._shelf.look(item))) for item in items}
            reading.prints |= prints
            changed = {sku for sku, mark in prints.items() if last.prints.get(sku) != mark or mark[0] in due}
            told = [item for item in items if text(item, "sku") in changed]
            good, bad = await self._shelf.read(told, reading.done)
            # What could not be understood counts as not looked at.
            reading.looked |= {prints[sku][0] for sku in changed} - {one.id for one in bad}
            reading.shown |= {one.id: _digest(msgspec.to_builtins(one)) for one in good}
            news = [one for one in good if last.shown.get(one.id) != reading.shown[one.id]]
            yield _page(news, bad, self._shelf.numbers(items, at))
        if dead := _gone(last, reading):
            # There was a page, so there is a time.
            yield Page(items=tuple(Product(id=one, updated_at=at, deleted=True) for one in dead), as_of=at)

    def _issue(self, at: datetime, last: _Reading, reading: _Reading) -> str:
        """Remember a reading that is over, and return its cursor."""
        gone = _gone(last, reading)
        reading.shown = {one: mark for one, mark in last.shown.items() if one not in gone} | reading.shown
        self._last, self._issued = reading, f"{stamp(at)} {self._readings}"
        return self._issued

    def _due(self, shown: Iterable[str]) -> set[str]:
        """Return the products whose turn it is."""
        known = sorted(shown)
        share = -(-len(known) // _ROUND)
        start = (self._readings * share) % len(known) if known else 0
        return set((known[start:] + known[:start])[:share])


def _page(products: Sequence[Product], bad: Sequence[Bad], numbers: Page[Level]) -> Page[Product]:
    return Page(items=tuple(products), bad=(*bad, *numbers.bad), levels=numbers.items, as_of=numbers.as_of)


def _gone(last: _Reading, reading: _Reading) -> list[str]:
    """Return the products that were there and are no more: their items are gone, or they show none that is on sale."""
    owners, ended = reading.owners, reading.looked - reading.shown.keys()
    before = last.owners
    return [one for one in last.shown if one in before and (one not in owners or one in ended)]


def _digest(value: object) -> bytes:
    return sha256(msgspec.json.encode(value, order="deterministic")).digest()[:12]
