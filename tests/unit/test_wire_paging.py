"""The two ways of paging: order kept, growth followed, an early end leaves nothing running."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

import pytest

from bridge.wire.paging import by_cursor, by_link, by_number

pytestmark = pytest.mark.anyio


async def test_a_cursor_leads_on_until_there_is_none() -> None:
    pages = {None: ("a", "1"), "1": ("b", "2"), "2": ("c", None)}
    asked: list[str | None] = []

    async def fetch(cursor: str | None) -> tuple[str, str | None]:
        asked.append(cursor)
        return pages[cursor]

    assert [page async for page in by_cursor(fetch)] == ["a", "b", "c"]
    assert asked == [None, "1", "2"]


async def test_an_empty_cursor_ends_it_too() -> None:
    async def fetch(cursor: str | None) -> tuple[str, str | None]:
        return "only", ""

    assert [page async for page in by_cursor(fetch)] == ["only"]


async def test_links_lead_on_whatever_an_offset_counts() -> None:
    asked: list[str] = []

    async def fetch(params: tuple[tuple[str, str], ...]) -> tuple[str, int, str, str]:
        at = dict(params)["offset"]
        asked.append(at)
        following = {"0": "1", "1": "2"}.get(at)
        return at, 5, f"https://shop.test/items?limit=2&offset={following}" if following else "", ""

    assert [page async for page in by_link(fetch, "limit=2&offset=0")] == ["0", "1", "2"]
    assert asked == ["0", "1", "2"]


async def test_where_records_were_deleted_the_page_before_is_read_again() -> None:
    records = list(range(6))

    async def fetch(params: tuple[tuple[str, str], ...]) -> tuple[list[int], int, str, str]:
        start = int(dict(params)["offset"])
        if start == 2 and 0 in records:
            del records[:2]
        following = f"/items?offset={start + 2}" if start + 2 < len(records) else ""
        return records[start : start + 2], len(records), following, f"/items?offset={start - 2}" if start else ""

    seen = [one async for page in by_link(fetch, "offset=0") for one in page]
    assert seen == [0, 1, 4, 5, 2, 3, 4, 5]


async def test_nothing_is_fetched_before_it_is_wanted() -> None:
    asked: list[str | None] = []

    async def fetch(cursor: str | None) -> tuple[str, str | None]:
        asked.append(cursor)
        return "page", "more"

    pages = by_cursor(fetch)
    await anext(pages)
    assert asked == [None]


class Numbered:
    """Pages that answer in the opposite of the order they were asked in."""

    def __init__(self, totals: list[int]) -> None:
        self.totals = totals
        self.asked: list[int] = []
        self.now = self.most = 0
        self.cancelled: list[int] = []

    async def fetch(self, page: int) -> tuple[int, int]:
        self.asked.append(page)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            for _ in range(20 - page):
                await asyncio.sleep(0)
        finally:
            self.now -= 1
        return page, self.totals[min(page, len(self.totals)) - 1]


@pytest.mark.parametrize("ahead", [1, 2, 5, 50])
async def test_pages_come_in_order_whatever_arrives_first(ahead: int) -> None:
    shop = Numbered([9])
    assert [page async for page in by_number(shop.fetch, ahead=ahead)] == list(range(1, 10))
    assert sorted(shop.asked) == list(range(1, 10))
    assert shop.most <= ahead


async def test_a_total_that_grows_is_followed() -> None:
    shop = Numbered([2, 3, 3, 5])
    assert [page async for page in by_number(shop.fetch, ahead=3)] == [1, 2, 3]
    shop = Numbered([2, 4, 5, 5, 5])
    assert [page async for page in by_number(shop.fetch, ahead=3)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("total", [0, 1])
async def test_one_page_is_one_call(total: int) -> None:
    shop = Numbered([total])
    assert [page async for page in by_number(shop.fetch, ahead=4)] == [1]
    assert shop.asked == [1]


async def test_an_early_end_cancels_what_is_under_way() -> None:
    shop, never = Numbered([9]), asyncio.Event()

    async def fetch(page: int) -> tuple[int, int]:
        if page > 2:
            shop.asked.append(page)
            try:
                await never.wait()
            except asyncio.CancelledError:
                shop.cancelled.append(page)
                raise
        return await shop.fetch(page)

    async with aclosing(cast("AsyncGenerator[int, None]", by_number(fetch, ahead=3))) as pages:
        assert [await anext(pages), await anext(pages)] == [1, 2]
    assert (shop.asked, shop.cancelled, shop.now) == ([1, 2, 3, 4], [3, 4], 0)


async def test_an_error_ends_it_and_cancels_the_rest() -> None:
    shop = Numbered([9])

    async def fetch(page: int) -> tuple[int, int]:
        if page == 3:
            raise ValueError("page 3")
        return await shop.fetch(page)

    pages = by_number(fetch, ahead=4)
    assert [await anext(pages), await anext(pages)] == [1, 2]
    with pytest.raises(ValueError, match="page 3"):
        await anext(pages)
    assert shop.now == 0
