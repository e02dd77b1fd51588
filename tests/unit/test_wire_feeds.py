"""Feeds by tokens and by newest change, searches that show only so much, and an index of SKUs."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bridge.contract.errors import Refused, TryLater
from bridge.contract.feed import Page
from bridge.domain.catalog import Product, Variant
from bridge.wire.http import Response
from bridge.wire.newest_first import NewestFirst
from bridge.wire.oldest_first import OldestFirst
from bridge.wire.paging import by_search
from bridge.wire.payload import Payload, moment, must
from bridge.wire.resumable import Resumable
from bridge.wire.sku_index import Listed, SkuIndex
from tests.unit.make import T0

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)


class Tokens:
    """Three pages by token; `asked` are the times and tokens that came."""

    def __init__(self) -> None:
        self.now = T0
        self.asked: list[tuple[str, str]] = []
        self.feed: Resumable[str] = Resumable(self._read, now=lambda: self.now, overlap=HOUR, good=10 * HOUR)

    async def _read(self, at: str, token: str) -> tuple[Page[str], datetime | None, str]:
        self.asked.append((at[11:16], token))
        number = int(token or 1)
        page = Page(items=(f"page {number}",), as_of=self.now)
        return page, self.now - 2 * HOUR if number == 1 else None, str(number + 1) if number < 3 else ""


async def test_a_reading_that_was_broken_off_goes_on_where_it_was() -> None:
    tokens = Tokens()
    start = tokens.feed.begin(T0 - 5 * HOUR)
    async for page in tokens.feed.since(start):
        broken = page.cursor
        break
    found = [page async for page in tokens.feed.since(broken)]
    assert [page.items for page in found] == [("page 2",), ("page 3",)]
    assert tokens.asked == [("06:00", ""), ("06:00", "2"), ("06:00", "3")]
    (first, *_) = [page.items async for page in tokens.feed.since(found[-1].cursor)]
    assert first == ("page 1",)
    assert tokens.asked[3] == ("10:00", ""), "until when the first page had seen all changes"


async def test_a_token_that_is_too_old_is_not_used() -> None:
    tokens = Tokens()
    async for page in tokens.feed.since(tokens.feed.begin(T0)):
        broken = page.cursor
        break
    tokens.now += 11 * HOUR
    assert len([page async for page in tokens.feed.since(broken)]) == 3
    assert tokens.asked[1] == ("11:00", "")


class Lists:
    """A list on sale and one that is not, of (name, second of its last change), newest first, two a page."""

    def __init__(self, *, is_sorted: bool = True) -> None:
        self.on: list[tuple[str, int]] = []
        self.off: list[tuple[str, int]] = []
        self.second = 1000
        self.is_sorted = is_sorted
        self.pages = 0
        self.feed: NewestFirst[str] = NewestFirst(
            ("on", "off"), self._walk, _page, _changed, overlap=timedelta(0), rest=timedelta(seconds=100)
        )

    async def _walk(self, name: str) -> AsyncIterator[tuple[list[Payload], Response]]:
        records = sorted(getattr(self, name), key=lambda one: one[1] if not self.is_sorted else -one[1])
        for start in range(0, max(1, len(records)), 2):
            self.pages += 1
            at = datetime.fromtimestamp(self.second, UTC)
            response = Response(op="read", status=200, headers={}, content=b"", at=at, ms=1)
            yield [{"name": one, "at": second} for one, second in records[start : start + 2]], response

    async def told(self, cursor: str) -> tuple[list[str], str]:
        pages = [page async for page in self.feed.since(cursor)]
        return [name for page in pages for name in page.items], pages[-1].cursor


def _page(found: Sequence[Payload], response: Response) -> Page[str]:
    return Page(items=tuple(one["name"] for one in found), as_of=response.at)


def _changed(record: Payload) -> datetime:
    moment({"at": "2026-01-01" if record["at"] else None}, "at")
    return datetime.fromtimestamp(record["at"], UTC)


@pytest.mark.parametrize("is_sorted", [True, False])
async def test_what_changed_is_told_however_the_platform_sorts(*, is_sorted: bool) -> None:
    lists = Lists(is_sorted=is_sorted)
    lists.on = [(f"on-{second}", second) for second in range(900, 910)]
    lists.off = [("off", 950)]
    cursor = lists.feed.begin(datetime.fromtimestamp(0, UTC))
    found, cursor = await lists.told(cursor)
    assert sorted(found) == sorted([*(f"on-{second}" for second in range(900, 910)), "off"])
    lists.pages, lists.second = 0, 1020
    lists.on.append(("new", 1010))
    found, cursor = await lists.told(cursor)
    assert found == ["new"]
    assert lists.pages == (1 if is_sorted else 6), "a sorted page that reaches back far enough is the last"
    assert (await lists.told(cursor))[0] == []


async def test_the_other_lists_are_looked_through_once_in_a_while() -> None:
    lists = Lists()
    _, cursor = await lists.told(lists.feed.begin(datetime.fromtimestamp(0, UTC)))
    lists.off, lists.second = [("off", 1040)], 1050
    found, cursor = await lists.told(cursor)
    assert found == []
    lists.off, lists.second = [("off", 1090)], 1101
    assert (await lists.told(cursor))[0] == ["off"]


async def test_a_record_that_does_not_say_when_it_changed_counts_as_changed() -> None:
    lists = Lists()
    lists.on = [("odd", 0)]
    assert (await lists.told(lists.feed.begin(datetime.fromtimestamp(500, UTC))))[0] == ["odd"]


@pytest.mark.parametrize(("count", "apart"), [(0, 1), (9, 1), (10, 1), (25, 1), (25, 0)])
async def test_a_new_search_begins_where_the_last_one_ended(count: int, apart: int) -> None:
    records = [T0 + timedelta(milliseconds=number * apart) for number in range(count)]

    async def fetch(after: str, token: str) -> tuple[list[datetime], str, str]:
        there = [one for one in records if not after or one > datetime.fromisoformat(after)][:10]
        start = int(token or 0)
        return there[start : start + 4], "more", str(start + 4) if start + 4 < len(there) else ""

    found = [one async for page, _ in by_search(fetch, lambda one: one, 10) for one in page]
    assert found == (records if apart else records[:10]), "more in one millisecond than a search shows cannot be had"


class Shop:
    def __init__(self, *listed: Listed) -> None:
        self.listed = list(listed)
        self.now = T0
        self.walks = 0
        self.index = SkuIndex(self._walk, lambda: self.now, "shop")

    async def _walk(self) -> AsyncIterator[Listed]:
        self.walks += 1
        for one in self.listed:
            yield one


def tee(*skus: str) -> Product:
    return Product(id="", title="A tee", variants=tuple(Variant(id=sku, sku=sku) for sku in skus), updated_at=T0)


async def test_skus_are_read_once_and_remembered_for_a_while() -> None:
    shop = Shop(Listed(id="1", skus=("A", "B")), Listed(id="2", skus=("C",)), Listed(id="3", skus=(), title="A tee"))
    assert [await shop.index.find(tee(sku)) for sku in ("A", "C", "X")] == ["1", "2", ""]
    assert (shop.index.begun("A tee"), shop.index.begun("A cap")) == ("3", "")
    with pytest.raises(Refused, match="1, 2"):
        await shop.index.find(tee("B", "C"))
    shop.index.note(tee("X"), "9")
    assert await shop.index.find(tee("X")) == "9"
    assert shop.walks == 1
    shop.now += timedelta(minutes=11)
    assert await shop.index.find(tee("X")) == ""
    shop.index.forget()
    await shop.index.find(tee("X"))
    assert shop.walks == 3


async def test_a_listing_that_was_finished_is_begun_no_longer() -> None:
    shop = Shop(Listed(id="3", skus=(), title="A tee"))
    await shop.index.find(tee("X"))
    shop.index.note(tee("X"), shop.index.begun("A tee"))
    assert (await shop.index.find(tee("X")), shop.index.begun("A tee")) == ("3", "")


async def test_where_making_a_listing_fails_all_are_read_again() -> None:
    shop = Shop()
    await shop.index.find(tee("X"))
    with shop.index.making():
        pass
    await shop.index.find(tee("X"))
    assert shop.walks == 1
    with pytest.raises(TryLater), shop.index.making():
        raise TryLater("lost")
    await shop.index.find(tee("X"))
    assert shop.walks == 2


class Ledger:
    """A list of (name, second of its last change), two a page, oldest change first."""

    def __init__(self, *records: tuple[str, int]) -> None:
        self.records = list(records)
        self.second = 1000
        self.asked: list[tuple[int, int]] = []
        self.feed: OldestFirst[str] = OldestFirst(
            self._fetch,
            lambda one: must(one, "name"),
            _changed,
            name="name",
            size=2,
            overlap=timedelta(seconds=10),
            earliest=5,
        )

    async def _fetch(self, least: int, offset: int) -> tuple[list[Payload], Response]:
        self.asked.append((least, offset))
        at = datetime.fromtimestamp(self.second, UTC)
        there = sorted((one for one in self.records if one[1] >= least or not one[1]), key=lambda one: one[1])
        found: list[Payload] = [{"name": name, "at": second} for name, second in there[offset : offset + 2]]
        return found, Response(op="read", status=200, headers={}, content=b"", at=at, ms=1)

    async def told(self, cursor: str) -> tuple[list[str], list[int]]:
        pages = [page async for page in self.feed.since(cursor)]
        return [name for page in pages for name in page.items], [int(page.cursor) for page in pages]


async def test_what_changed_is_told_once_and_each_page_moves_the_cursor() -> None:
    ledger = Ledger(("a", 900), ("b", 901), ("c", 901), ("d", 901), ("e", 950))
    start = ledger.feed.begin(datetime.fromtimestamp(0, UTC))
    assert start == "5"
    found, cursors = await ledger.told(start)
    assert found == list("abcde")
    assert cursors == sorted(cursors)
    assert (cursors[0], cursors[-1]) == (900, 990), "it goes on from the last second, and in the end before it began"
    ledger.second, ledger.asked = 1100, []
    ledger.records.append(("a", 1050))
    assert await ledger.told(str(cursors[-1])) == (["a"], [1090])
    assert ledger.asked == [(990, 0)]
    ledger.second = 500
    assert (await ledger.told("1090"))[1] == [1090], "a clock that goes back takes nothing back"


async def test_a_record_that_does_not_say_when_it_changed_is_read_all_the_same() -> None:
    ledger = Ledger(("odd", 0))
    assert (await ledger.told("900"))[0] == ["odd"]
