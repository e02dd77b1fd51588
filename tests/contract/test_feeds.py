"""Feeds: what changed since a cursor, nothing lost, and little asked when nothing happened."""

from datetime import timedelta
from typing import Any

import pytest

from bridge.contract.feed import Feed, Page
from bridge.sandbox.kit.loop import START
from tests.contract.bench import Bench, good, pages, tail

pytestmark = pytest.mark.anyio

HOUR = 3600


def _feeds(bench: Bench) -> dict[str, Feed[Any]]:
    connector = bench.connector
    all_of_them: dict[str, Feed[Any] | None] = {
        "catalog": connector.catalog.changes,
        "stock": connector.stock.changes,
        "orders": connector.sales.changes if connector.orders is not None else None,
    }
    return {name: feed for name, feed in all_of_them.items() if feed is not None}


async def _drain(feed: Feed[Any], cursor: str) -> tuple[list[Any], str]:
    found: list[Page[Any]] = await pages(feed, cursor)
    return [one for page in found for one in page.items], found[-1].cursor


async def _caught_up(bench: Bench) -> dict[str, str]:
    """Read every feed to its end, twice, hours apart, so that overlaps are behind."""
    cursors = {name: feed.begin(START) for name, feed in _feeds(bench).items()}
    for _ in range(3):
        await bench.wait(HOUR)
        await bench.seen()
        for name, feed in _feeds(bench).items():
            _, cursors[name] = await _drain(feed, cursors[name])
    return cursors


async def test_a_feed_of_nothing_still_gives_a_page_with_a_cursor(bench: Bench) -> None:
    for feed in _feeds(bench).values():
        found = await pages(feed, feed.begin(START))
        assert [page.items for page in found] == [()]
        assert found[-1].cursor
        again = await pages(feed, found[-1].cursor)
        assert again[-1].cursor


async def test_begin_makes_no_call(bench: Bench) -> None:
    assert all(feed.begin(START) for feed in _feeds(bench).values())
    assert bench.wire.calls == []


async def test_every_product_is_new_once(bench: Bench) -> None:
    await bench.seed(*(good(f"SKU-{number}") for number in range(5)))
    items, _ = await _drain(bench.connector.catalog.changes, bench.connector.catalog.changes.begin(START))
    assert len({one.id for one in items}) == 5


@pytest.mark.parametrize("beyond", [-1, 0, 1])
async def test_the_page_boundary_of_changes_loses_nothing(bench: Bench, beyond: int) -> None:
    """All of them changed in the same second, as an import leaves them."""
    count = bench.facts.page + beyond
    await bench.seed(*(good(f"SKU-{number:05d}") for number in range(count)))
    items, _ = await _drain(bench.connector.catalog.changes, bench.connector.catalog.changes.begin(START))
    assert len({one.id for one in items}) == count


@pytest.mark.offers("orders")
async def test_the_page_boundary_of_orders_loses_nothing(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=200))
    made = []
    for number in range(101):
        await bench.wait(number % 2)
        made.append(tail(bench.shop.sale([{"sku": "TEE", "quantity": 1}])))
    assert sorted(await bench.orders()) == sorted(made)


async def test_a_change_in_the_very_second_of_the_cursor_is_not_lost(bench: Bench) -> None:
    await bench.seed(good("TEE"), good("CAP"))
    feed = bench.connector.catalog.changes
    cursors = await _caught_up(bench)
    bench.shop.edit_product("TEE", title="First")
    _, cursor = await _drain(feed, cursors["catalog"])
    bench.shop.edit_product("CAP", title="Second, in the same second")
    await bench.seen()
    items, _ = await _drain(feed, cursor)
    assert "Second, in the same second" in {one.title for one in items}


@pytest.mark.offers("orders")
async def test_an_order_in_the_very_second_of_the_cursor_is_not_lost(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    feed = bench.sales.changes
    cursors = await _caught_up(bench)
    bench.shop.sale([{"sku": "TEE", "quantity": 1}])
    _, cursor = await _drain(feed, cursors["orders"])
    second = tail(bench.shop.sale([{"sku": "TEE", "quantity": 2}]))
    items, _ = await _drain(feed, cursor)
    assert second in {one.id for one in items}


@pytest.mark.where("not stock_in_catalog")
async def test_a_number_that_moves_in_the_second_of_the_cursor_is_not_lost(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10), good("CAP", stock=10))
    feed = _feeds(bench)["stock"]
    cursors = await _caught_up(bench)
    bench.shop.count("TEE", 4)
    _, cursor = await _drain(feed, cursors["stock"])
    bench.shop.count("CAP", 5)
    await bench.seen()
    items, _ = await _drain(feed, cursor)
    assert (await bench.key("CAP"), 5) in {(level.key, level.quantity) for level in items}


async def test_a_number_that_moved_is_told(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    cursors = await _caught_up(bench)
    bench.take("TEE", 3)
    await bench.wait(2)
    await bench.seen()
    name = "catalog" if bench.limits.stock_in_catalog else "stock"
    found = await pages(_feeds(bench)[name], cursors[name])
    levels = [level for page in found for level in (page.levels if name == "catalog" else page.items)]
    assert [level.quantity for level in levels if level.key.stock_id] == [7]


async def test_a_variant_that_changed_alone_is_told(bench: Bench) -> None:
    sizes = [{"sku": f"TEE-{size}", "price": "9.00", "stock": 1, "options": {"Size": size}} for size in "SML"]
    await bench.seed({"title": "Tee", "options": ["Size"], "variants": sizes}, good("CAP"))
    cursors = await _caught_up(bench)
    bench.shop.edit_product("TEE-M", price="11.00")
    await bench.wait(2)
    await bench.seen()
    items, _ = await _drain(bench.connector.catalog.changes, cursors["catalog"])
    prices = {own.sku: own.price.decimal for one in items for own in one.variants if own.price}
    assert prices["TEE-M"] == "11.00"


async def test_a_change_while_reading_is_told_by_the_next_reading(bench: Bench) -> None:
    count = bench.facts.page + 5
    await bench.seed(*(good(f"SKU-{number:05d}") for number in range(count)))
    feed = bench.connector.catalog.changes
    seen: dict[str, str] = {}
    cursor, first = feed.begin(START), True
    async for page in feed.since(cursor):
        seen |= {one.id: one.title for one in page.items}
        cursor = page.cursor or cursor
        if first:
            await bench.wait(2)
            bench.shop.edit_product("SKU-00001", title="Edited")
            first = False
    await bench.seen()
    items, _ = await _drain(feed, cursor)
    seen |= {one.id: one.title for one in items}
    assert len(seen) == count
    assert list(seen.values()).count("Edited") == 1


@pytest.mark.offers("orders")
async def test_a_broken_off_reading_goes_on_from_the_last_page(bench: Bench) -> None:
    await bench.seed(*(good(f"SKU-{number:05d}", stock=5) for number in range(60)))
    made = []
    for number in range(60):
        await bench.wait(2)
        made.append(tail(bench.shop.sale([{"sku": f"SKU-{number:05d}", "quantity": 1}])))
    feed = bench.sales.changes
    cursor, seen = feed.begin(START), set()
    async for page in feed.since(cursor):
        seen |= {one.id for one in page.items}
        cursor = page.cursor
        break
    items, _ = await _drain(feed, cursor)
    assert seen | {one.id for one in items} == set(made)


@pytest.mark.offers("orders")
async def test_an_order_that_changes_comes_again(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    order = bench.shop.sale([{"sku": "TEE", "quantity": 2}], **bench.facts.ship)
    cursors = await _caught_up(bench)
    bench.shop.fulfil(order)
    items, _ = await _drain(bench.sales.changes, cursors["orders"])
    assert {one.id: one.status for one in items} == {tail(order): "fulfilled"}


@pytest.mark.offers("orders")
async def test_changes_come_oldest_first(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=100))
    for _ in range(8):
        await bench.wait(7)
        bench.shop.sale([{"sku": "TEE", "quantity": 1}])
    items, _ = await _drain(bench.sales.changes, bench.sales.changes.begin(START))
    assert [one.updated_at for one in items] == sorted(one.updated_at for one in items)


async def test_a_quiet_shop_costs_three_calls_at_most(bench: Bench) -> None:
    await bench.seed(*(good(f"SKU-{number}") for number in range(20)))
    bench.take("SKU-1", 1)
    cursors = await _caught_up(bench)
    await bench.wait(60)
    bench.wire.calls.clear()
    for name, feed in _feeds(bench).items():
        await _drain(feed, cursors[name])
    whole = bench.facts.calls_a_page + 20 * bench.facts.calls_a_product if bench.facts.feed_is_whole else 0
    assert len(bench.wire.calls) <= 3 + whole


async def test_a_cursor_is_text_that_another_connector_can_use(bench: Bench) -> None:
    await bench.seed(good("TEE"), good("CAP"))
    cursors = await _caught_up(bench)
    restarted = bench.connect()
    bench.shop.edit_product("TEE", title="After the restart")
    await bench.wait(2)
    await bench.seen()
    items, _ = await _drain(restarted.catalog.changes, cursors["catalog"])
    assert "After the restart" in {one.title for one in items}


@pytest.mark.offers("orders")
async def test_a_cursor_from_before_everything_reads_everything(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    order = tail(bench.shop.sale([{"sku": "TEE", "quantity": 1}]))
    feed = bench.sales.changes
    items, _ = await _drain(feed, feed.begin(START - timedelta(days=300)))
    assert [one.id for one in items] == [order]


@pytest.mark.offers("orders")
async def test_old_orders_do_not_come_again_and_again(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=100))
    for _ in range(20):
        await bench.wait(60)
        bench.shop.sale([{"sku": "TEE", "quantity": 1}])
    cursors = await _caught_up(bench)
    items, _ = await _drain(bench.sales.changes, cursors["orders"])
    assert len(items) <= 1
