"""Reading the catalogue: all of it, exactly, whatever is in it."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from bridge.contract.errors import Gone
from bridge.domain.catalog import StockKey
from bridge.domain.money import Money
from tests.contract.bench import Bench, good

pytestmark = pytest.mark.anyio


async def _ids(bench: Bench) -> list[str]:
    return [one.id async for page in bench.connector.catalog.all() for one in page.items]


async def test_an_empty_shop_is_read_as_one(bench: Bench) -> None:
    assert await _ids(bench) == []
    assert [level async for page in bench.connector.stock.scan() for level in page.items] == []


@pytest.mark.offers("orders")
async def test_a_shop_where_nothing_was_sold_is_read_as_one(bench: Bench) -> None:
    assert await bench.orders() == {}


async def test_reading_nothing_costs_nothing(bench: Bench) -> None:
    assert list(await bench.connector.catalog.get([])) == []
    assert list(await bench.connector.stock.read([])) == []
    assert bench.wire.calls == []


async def test_one_product_is_read_whole(bench: Bench) -> None:
    words = bench.text("Warm")
    (row,) = await bench.seed(good("TEE", stock=7, price="12.50", barcode="4006381333931", description=words))
    product, variant = await bench.variant("TEE")
    assert row["product"].endswith(product.id)
    # WordPress ends a paragraph with a line break (recorded from WooCommerce 11.0.1).
    assert (product.title, product.description.strip(), product.status) == ("Title of TEE", words, "active")
    assert variant.price == Money(1250, "USD")
    assert variant.barcode == (None if "barcode" in bench.facts.inexpressible else "4006381333931")
    assert await bench.level("TEE") == 7


def _sizes(price: str = "9.00") -> dict[str, Any]:
    sizes = [
        {"sku": f"TEE-{size}", "price": price, "stock": n, "options": {"Size": size}} for n, size in enumerate("SML")
    ]
    return {"title": "Tee", "options": ["Size"], "variants": sizes}


@pytest.mark.where("not one_variant")
async def test_variants_keep_their_options_and_numbers(bench: Bench) -> None:
    await bench.seed(_sizes())
    (product,) = (await bench.catalogue()).values()
    assert product.options == ("Size",)
    assert [dict(own.options)["Size"] for own in product.variants] == ["S", "M", "L"]
    assert [await bench.level(f"TEE-{size}") for size in "SML"] == [0, 1, 2]
    assert len({own.id for own in product.variants} | {own.stock_id for own in product.variants}) >= 3


@pytest.mark.where("one_variant")
async def test_sizes_that_are_listings_of_their_own_keep_their_numbers(bench: Bench) -> None:
    await bench.seed(_sizes())
    found = (await bench.catalogue()).values()
    assert sorted(own.sku or "" for one in found for own in one.variants) == ["TEE-L", "TEE-M", "TEE-S"]
    assert [len(one.variants) for one in found] == [1, 1, 1]
    assert [await bench.level(f"TEE-{size}") for size in "SML"] == [0, 1, 2]


@pytest.mark.parametrize("beyond", [-1, 0, 1])
async def test_the_page_boundary_loses_and_doubles_nothing(bench: Bench, beyond: int) -> None:
    count = bench.facts.page + beyond
    await bench.seed(*(good(f"SKU-{number:05d}") for number in range(count)))
    bench.wire.calls.clear()
    found = [one async for page in bench.connector.catalog.all() for one in page.items]
    assert sorted(own.sku or "" for one in found for own in one.variants) == [f"SKU-{n:05d}" for n in range(count)]
    assert len({one.id for one in found}) == count
    # The pages themselves, and what must be known of the shop once (currency, weight unit, its other lists).
    pages, facts = -(-count // bench.facts.page), bench.facts
    assert len(bench.wire.calls) <= pages * (1 + facts.calls_a_page) + count * facts.calls_a_product + 3


async def test_the_scan_reads_every_number_once(bench: Bench) -> None:
    count = 251
    await bench.seed(*(good(f"SKU-{number:05d}", stock=number) for number in range(count)))
    levels = [level async for page in bench.connector.stock.scan() for level in page.items]
    assert sorted(level.quantity or 0 for level in levels) == list(range(count))
    assert len({level.key for level in levels}) == count


async def test_an_edit_while_paging_loses_and_doubles_nothing(bench: Bench) -> None:
    count = bench.facts.page + 5
    await bench.seed(*(good(f"SKU-{number:05d}") for number in range(count)))
    seen: Counter[str] = Counter()
    first = True
    await bench.seen()
    async for page in bench.connector.catalog.all():
        seen.update(one.id for one in page.items)
        if first:
            await bench.wait(3)
            bench.shop.edit_product("SKU-00002", title="Edited")
            bench.shop.edit_product(f"SKU-{count - 1:05d}", title="Edited")
            first = False
    assert len(seen) == count
    assert set(seen.values()) == {1}


async def test_a_deletion_while_paging_loses_nothing_else(bench: Bench) -> None:
    count = bench.facts.page + 5
    await bench.seed(*(good(f"SKU-{number:05d}") for number in range(count)))
    expected = set(await _ids(bench))
    gone, seen, first = (await bench.variant("SKU-00003"))[0].id, set(), True
    async for page in bench.connector.catalog.all():
        seen |= {one.id for one in page.items}
        if first:
            bench.shop.delete_product("SKU-00003")
            first = False
    assert seen | {gone} == expected


async def test_get_reads_what_is_asked_for_and_leaves_out_what_is_gone(bench: Bench) -> None:
    await bench.seed(good("TEE"), good("CAP"), good("MUG"))
    tee, cap, mug = [(await bench.variant(sku))[0].id for sku in ("TEE", "CAP", "MUG")]
    bench.shop.delete_product("CAP")
    await bench.seen()
    assert {one.id for one in await bench.connector.catalog.get([tee, cap])} == {tee}
    assert {one.id for one in await bench.connector.catalog.get([mug, tee, mug])} == {tee, mug}


async def test_any_title_comes_through_unchanged(bench: Bench) -> None:
    titles = {f"SKU-{number}": title for number, title in enumerate(bench.facts.titles)}
    await bench.seed(*(good(sku, title=title) for sku, title in titles.items()))
    assert {own.sku: one.title for one in (await bench.catalogue()).values() for own in one.variants} == titles


async def test_any_sku_comes_through_unchanged(bench: Bench) -> None:
    skus = bench.facts.skus
    await bench.seed(*(good(sku, stock=3 + number) for number, sku in enumerate(skus)))
    assert {sku: await bench.level(sku) for sku in skus} == {sku: 3 + number for number, sku in enumerate(skus)}


@pytest.mark.parametrize("units", [0, 1, 999_999])
async def test_any_number_comes_through_exactly(bench: Bench, units: int) -> None:
    units = min(units, bench.limits.stock_max)
    await bench.seed(good("TEE", stock=units))
    assert await bench.level("TEE") == units


async def test_the_greatest_number_it_may_write_can_be_read(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=bench.limits.stock_max))
    assert await bench.level("TEE") == bench.limits.stock_max


@pytest.mark.where("below_zero")
async def test_a_number_below_zero_is_read_as_it_is(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=-4))
    assert await bench.level("TEE") == -4


@pytest.mark.where("not tracks_always")
async def test_what_is_not_tracked_has_no_number(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=None), good("CAP", stock=1))
    _, variant = await bench.variant("TEE")
    assert variant.stock_id is None or await bench.level("TEE") is None
    numbers = [level.quantity async for page in bench.connector.stock.scan() for level in page.items]
    assert [quantity for quantity in numbers if quantity is not None] == [1]


async def test_money_is_exact(bench: Bench) -> None:
    prices = {f"SKU-{number}": price for number, price in enumerate(bench.facts.prices)}
    await bench.seed(*(good(sku, price=price) for sku, price in prices.items()))
    found = {own.sku: own.price for one in (await bench.catalogue()).values() for own in one.variants}
    assert found == {sku: Money.parse(price, "USD") for sku, price in prices.items()}


async def test_money_without_cents_is_exact(new_bench: Callable[..., Bench]) -> None:
    bench = new_bench(currency="JPY")
    await bench.seed(good("TEE", price="1200"))
    assert (await bench.variant("TEE"))[1].price == Money(1200, "JPY")


async def test_a_product_that_cannot_be_understood_is_set_aside(bench: Bench) -> None:
    await bench.seed(good("TEE"), good("BAD", price="66.61"), good("CAP"))
    bad = (await bench.variant("BAD"))[0].id
    bench.wire.spoils.append(bench.facts.spoil_price)
    pages = [page async for page in bench.connector.catalog.all()]
    assert {own.sku for page in pages for one in page.items for own in one.variants} == {"TEE", "CAP"}
    (aside,) = [one for page in pages for one in page.bad]
    assert bad in aside.id
    assert aside.reason


async def test_pages_carry_the_platforms_time(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    key = await bench.key("TEE")
    await bench.wait(100 - bench.loop.time() % 1)
    pages, now = [page async for page in bench.connector.catalog.all()], bench.loop.now()
    assert {page.as_of for page in pages} == {now}
    await bench.wait(100)
    levels = await bench.connector.stock.read([key])
    assert {level.as_of for level in levels} == {bench.loop.now()}


@pytest.mark.where("stock_in_catalog")
async def test_catalogue_pages_carry_the_numbers(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=7), good("CAP", stock=0))
    keys = await bench.keys(["TEE", "CAP"])
    levels = {level.key: level.quantity async for page in bench.connector.catalog.all() for level in page.levels}
    assert levels == dict(zip(keys, [7, 0], strict=True))


@pytest.mark.where("stock_in_catalog")
@pytest.mark.where("not tracks_always")
async def test_catalogue_pages_tell_what_has_no_number(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=7), good("PDF", stock=None))
    keys = await bench.keys(["TEE", "PDF"])
    levels = {level.key: level.quantity async for page in bench.connector.catalog.all() for level in page.levels}
    assert levels == dict(zip(keys, [7, None], strict=True))


@pytest.mark.where("archives")
async def test_an_archived_product_is_read_and_says_so(bench: Bench) -> None:
    await bench.seed(good("TEE", status="archived"))
    assert (await bench.variant("TEE"))[0].status == "archived"


@pytest.mark.where("not sku_unique")
async def test_two_products_with_one_sku_are_both_read(bench: Bench) -> None:
    await bench.seed(good("TEE"), good("TEE", title="The same again"))
    found = [own.sku for one in (await bench.catalogue()).values() for own in one.variants]
    assert found == ["TEE", "TEE"]


async def test_the_same_catalogue_reads_the_same(bench: Bench) -> None:
    await bench.seed(good("TEE"), good("CAP"))
    assert await bench.catalogue() == await bench.catalogue()


@pytest.mark.offers("orders")
async def test_an_order_that_never_was_is_gone(bench: Bench) -> None:
    with pytest.raises(Gone):
        await bench.sales.get(bench.facts.nobody)


async def test_a_number_that_never_was_is_left_out(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    key = await bench.key("TEE")
    levels = await bench.connector.stock.read([StockKey(bench.facts.nobody, bench.home), key])
    assert [level.key for level in levels] == [key]
