"""Changes of a catalogue that keeps no record of them: what differs from the reading before, each told once."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import pytest

from bridge.contract.feed import Bad, Page
from bridge.domain.catalog import Level, Product, StockKey
from bridge.wire.differing import Differing, everything
from bridge.wire.payload import Payload
from tests.unit.make import T0

pytestmark = pytest.mark.anyio


class Shop:
    """Items by SKU, two a page; `titles` are what an item does not show; `odd` cannot be understood."""

    def __init__(self, *skus: str) -> None:
        self.stock = dict.fromkeys(skus, 5)
        self.looks = dict.fromkeys(skus, "plain")
        self.titles = dict.fromkeys(skus, "A tee")
        self.odd: set[str] = set()
        self.read_skus: list[str] = []
        self.now = T0

    async def items(self) -> AsyncIterator[tuple[list[Payload], datetime]]:
        self.now += timedelta(minutes=1)
        skus = list(self.looks)
        for start in range(0, max(1, len(skus)), 2):
            some = skus[start : start + 2]
            yield [{"sku": sku, "look": self.looks[sku], "stock": self.stock[sku]} for sku in some], self.now

    def owner(self, item: Payload) -> str:
        return f"item:{item['sku']}"

    def look(self, item: Payload) -> Payload:
        return {"look": item["look"]}

    def numbers(self, items: Sequence[Payload], at: datetime) -> Page[Level]:
        levels = [Level(key=StockKey(item["sku"]), quantity=item["stock"], as_of=at) for item in items]
        return Page(items=tuple(levels), as_of=at)

    async def read(self, items: Sequence[Payload], done: set[str]) -> tuple[list[Product], list[Bad]]:
        skus = [item["sku"] for item in items]
        self.read_skus += skus
        bad = [Bad(id=f"item:{sku}", reason="odd") for sku in skus if sku in self.odd]
        there = [sku for sku in skus if sku not in self.odd and self.titles[sku]]
        return [Product(id=f"item:{sku}", title=self.titles[sku], variants=(), updated_at=T0) for sku in there], bad


async def told(feed: Differing, cursor: str) -> tuple[list[str], str]:
    """Return the products that one reading tells (with a minus where they are gone), and its cursor."""
    pages = [page async for page in feed.since(cursor)]
    assert {page.cursor for page in pages[:-1]} <= {cursor}
    assert [level.key for page in pages for level in page.levels]
    return [f"{'-' if one.deleted else ''}{one.id}" for page in pages for one in page.items], pages[-1].cursor


async def test_everything_is_products_and_numbers_page_by_page() -> None:
    shop = Shop("A", "B", "C")
    shop.odd.add("B")
    pages = [page async for page in everything(shop)]
    assert [[one.id for one in page.items] for page in pages] == [["item:A"], ["item:C"]]
    assert [[level.key.stock_id for level in page.levels] for page in pages] == [["A", "B"], ["C"]]
    assert [[one.id for one in page.bad] for page in pages] == [["item:B"], []]
    assert {page.as_of for page in pages} == {shop.now}


async def test_the_first_reading_tells_everything_and_the_next_what_differs() -> None:
    shop = Shop("A", "B", "C")
    feed = Differing(shop)
    found, cursor = await told(feed, feed.begin(T0))
    assert found == ["item:A", "item:B", "item:C"]
    shop.looks["B"], shop.titles["B"] = "striped", "A striped tee"
    shop.stock["C"] = 4
    found, cursor = await told(feed, cursor)
    assert found == ["item:B"], "a number that moved is told as a level"
    del shop.looks["A"]
    shop.titles["B"], shop.looks["B"] = "", "ended"
    found, cursor = await told(feed, cursor)
    assert found == ["-item:A", "-item:B"]
    assert (await told(feed, cursor))[0] == []


async def test_what_an_item_does_not_show_is_found_in_turn() -> None:
    skus = [f"SKU-{number:03d}" for number in range(100)]
    shop = Shop(*skus)
    feed = Differing(shop)
    _, cursor = await told(feed, feed.begin(T0))
    shop.read_skus.clear()
    shop.titles["SKU-077"] = "Dearer"
    seen: list[str] = []
    for _ in range(50):
        found, cursor = await told(feed, cursor)
        seen += found
    assert seen == ["item:SKU-077"]
    assert sorted(shop.read_skus) == skus, "each once in fifty readings"


async def test_after_a_reading_that_was_broken_off_everything_is_told_again() -> None:
    shop = Shop("A", "B", "C")
    feed = Differing(shop)
    _, cursor = await told(feed, feed.begin(T0))
    async for _ in feed.since(cursor):
        break
    assert (await told(feed, cursor))[0] == ["item:A", "item:B", "item:C"]
    assert (await told(Differing(shop), cursor))[0] == ["item:A", "item:B", "item:C"], "a restart remembers nothing"


async def test_a_product_that_cannot_be_understood_is_not_taken_for_gone() -> None:
    shop = Shop("A", "B")
    feed = Differing(shop)
    _, cursor = await told(feed, feed.begin(T0))
    shop.odd.add("A")
    shop.looks["A"] = "odd"
    found, cursor = await told(feed, cursor)
    assert found == []
    shop.odd.clear()
    shop.looks["A"], shop.titles["A"] = "new", "A new tee"
    assert (await told(feed, cursor))[0] == ["item:A"]
