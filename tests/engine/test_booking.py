"""Rule 1: an order's effects are a function of its newest snapshot; the ledger records the difference."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.engine.booking import Booked
from bridge.store import tables
from bridge.store.tables import listings
from tests.engine.bench import GOODS, Bench, tell, written

ALL = ("woocommerce", "shopify", "square")


@pytest.mark.parametrize("name", ALL)
def test_a_sale_is_one_movement_and_reaches_the_other_channels(name: str) -> None:
    async def story(bench: Bench) -> None:
        bench.shop(name).sale([{"sku": "A", "quantity": 3}])
        await bench.wait()
        await bench.sync()
        assert bench.whys("A") == [("opening", 10), ("sale", -3)]
        assert bench.numbers("A") == [7, 7, 7]

    tell(story, *ALL)


@pytest.mark.parametrize("name", ALL)
def test_a_duplicate_snapshot_changes_nothing(name: str) -> None:
    async def story(bench: Bench) -> None:
        bench.shop(name).sale([{"sku": "A", "quantity": 3}])
        await bench.wait()
        await bench.sync()
        before = bench.position(name, "A")
        snapshot = bench.newest(name)
        assert bench.book(name, snapshot, snapshot) == Booked()
        assert bench.balance("A") == 7
        assert bench.position(name, "A") == before

    tell(story, *ALL)


def test_an_older_snapshot_is_dropped_wherever_it_comes() -> None:
    async def story(bench: Bench) -> None:
        bench.shop("woocommerce").sale([{"sku": "A", "quantity": 3}])
        await bench.wait()
        await bench.sync()
        newest = bench.newest("woocommerce")
        older = replace(newest, updated_at=newest.updated_at - timedelta(seconds=1), lines=())
        assert bench.book("woocommerce", older) == Booked()
        later = replace(newest, updated_at=newest.updated_at + timedelta(seconds=5), number="later")
        assert bench.book("woocommerce", later, older).orders == 1
        assert bench.newest("woocommerce").number == "later"
        assert bench.balance("A") == 7

    tell(story, "woocommerce")


def test_an_order_twice_on_one_page_counts_once_as_its_newest() -> None:
    async def story(bench: Bench) -> None:
        bench.shop("woocommerce").sale([{"sku": "A", "quantity": 3}])
        await bench.wait()
        await bench.sync()
        first = bench.newest("woocommerce")
        lines = tuple(replace(line, quantity=2, held=2) for line in first.lines)
        other = replace(first, id="999", updated_at=first.updated_at)
        edited = replace(other, lines=lines, updated_at=first.updated_at + timedelta(seconds=5))
        bench.shop("woocommerce").count("A", 5)
        assert bench.book("woocommerce", other, edited).orders == 1
        assert bench.balance("A") == 7 - 2
        await bench.sync()

    tell(story, "woocommerce")


@pytest.mark.parametrize("name", ALL)
def test_partial_refunds_put_back_what_was_restocked(name: str) -> None:
    async def story(bench: Bench) -> None:
        shop = bench.shop(name)
        order_id = shop.sale([{"sku": "A", "quantity": 4}, {"sku": "B", "quantity": 2}])
        await bench.wait()
        await bench.sync()
        for units, left in [(1, 7), (2, 9)]:
            shop.refund(order_id, [{"sku": "A", "quantity": units}], restock=True)
            await bench.wait()
            await bench.sync()
            assert bench.balance("A") == left
            assert bench.numbers("A") == [left] * 3
        assert bench.balance("B") == 4

    tell(story, *ALL)


@pytest.mark.parametrize("name", ["woocommerce", "shopify"])
def test_a_refund_without_restock_is_gone_where_the_platform_says_so(name: str) -> None:
    async def story(bench: Bench) -> None:
        order_id = bench.shop(name).sale([{"sku": "A", "quantity": 4}])
        await bench.wait()
        bench.shop(name).refund(order_id, [{"sku": "A", "quantity": 2}], restock=False)
        await bench.wait()
        await bench.sync()
        assert bench.balance("A") == 6
        assert bench.numbers("A") == [6, 6, 6]

    tell(story, *ALL)


@pytest.mark.parametrize("name", ["woocommerce", "shopify"])
def test_a_cancellation_gives_everything_back(name: str) -> None:
    async def story(bench: Bench) -> None:
        order_id = bench.shop(name).sale([{"sku": "A", "quantity": 4}])
        await bench.wait()
        await bench.sync()
        bench.shop(name).cancel(order_id)
        await bench.wait()
        await bench.sync()
        assert bench.whys("A") == [("opening", 10), ("sale", -4), ("cancel", 4)]
        assert bench.numbers("A") == [10, 10, 10]

    tell(story, *ALL)


@pytest.mark.parametrize("name", ["woocommerce", "shopify"])
@pytest.mark.parametrize("units", [1, 5])
def test_an_edited_order_counts_as_it_is_now(name: str, units: int) -> None:
    async def story(bench: Bench) -> None:
        order_id = bench.shop(name).sale([{"sku": "A", "quantity": 3}])
        await bench.wait()
        await bench.sync()
        bench.shop(name).edit_order(order_id, "A", units)
        await bench.wait()
        await bench.sync()
        assert bench.balance("A") == 10 - units
        assert bench.numbers("A") == [10 - units] * 3

    tell(story, *ALL)


@pytest.mark.parametrize("name", ALL)
def test_orders_from_before_the_ledger_are_inside_its_opening(name: str) -> None:
    """Their later changes count, what they had taken does not."""

    async def story(bench: Bench) -> None:
        order_id = bench.shop(name).sale([{"sku": "A", "quantity": 4}])
        await bench.wait(3600)
        await bench.world.adopt(name)
        await bench.wait()
        await bench.sync()
        assert bench.whys("A") == [("opening", 6)]
        bench.shop(name).refund(order_id, [{"sku": "A", "quantity": 1}], restock=True)
        await bench.wait()
        await bench.sync()
        assert bench.whys("A") == [("opening", 6), ("refund", 1)]
        assert bench.numbers("A") == [7, 7, 7]

    tell(story, *ALL, adopt=False)


def test_a_listing_without_a_sku_is_booked_when_it_gets_one() -> None:
    nameless = [{"title": "Nameless", "variants": [{"sku": "", "price": "1.00", "stock": 5}]}]

    async def story(bench: Bench) -> None:
        shop = bench.shop("woocommerce")
        variant = next(row.variant_id for row in bench.rows(listings))
        shop.sale([{"id": variant, "quantity": 2}])
        await bench.wait()
        await bench.sync()
        assert ("order", "woocommerce") in bench.parked
        assert bench.found == [("no_sku", "woocommerce")]
        give_a_sku(bench, int(variant), "X")
        await bench.wait()
        await bench.sync()
        assert ("order", "woocommerce") not in bench.parked
        assert bench.found == []
        assert bench.balance("X") == 3

    tell(story, "woocommerce", goods={"woocommerce": nameless})


def give_a_sku(bench: Bench, product: int, sku: str) -> None:
    woo = bench.shop("woocommerce").woo
    item = woo.catalogue.items[product]
    item.sku = sku
    woo.catalogue.save(item)


def test_a_second_sync_writes_nothing() -> None:
    async def story(bench: Bench) -> None:
        for name in ALL:
            bench.shop(name).sale([{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": 1}])
        await bench.wait()
        first = await bench.sync()
        assert written(first) == 6
        second = await bench.sync()
        assert written(second) == 0
        assert [part.movements for part in second.channels.values()] == [0, 0, 0]
        assert second.exit_code == 0

    tell(story, *ALL)


def test_what_was_sold_and_deleted_before_anybody_looked_is_booked_by_its_sku() -> None:
    """Shopify forgets the variant of a line whose product was deleted, and keeps its SKU."""

    async def story(bench: Bench) -> None:
        shop = bench.shop("shopify")
        shop.sale([{"sku": "A", "quantity": 3}])
        shop.delete_product("A")
        await bench.wait()
        await bench.sync()
        assert bench.whys("A") == [("opening", 10), ("sale", -3)]
        assert bench.number("woocommerce", "A") == 7
        assert ("order", "shopify") not in bench.parked

    tell(story, "woocommerce", "shopify")


def test_what_was_sold_and_deleted_and_that_nobody_knows_is_reported() -> None:
    async def story(bench: Bench) -> None:
        shop = bench.shop("shopify")
        shop.seed([{"title": "Comet", "variants": [{"sku": "COMET", "price": "9.00", "stock": 4}]}])
        order = shop.sale([{"sku": "COMET", "quantity": 1}, {"sku": "B", "quantity": 2}])
        shop.delete_product("COMET")
        await bench.wait()
        await bench.sync()
        assert bench.balance("COMET") is None
        assert bench.balance("B") == 4
        (row,) = [row for row in bench.rows(tables.parked) if row.subject == "order"]
        assert (row.channel, row.key) == ("shopify", order.rpartition("/")[2])
        assert "COMET" in row.reason
        assert "count them" in row.reason
        assert [row.unlinked for row in bench.rows(tables.orders)] == [0]

    tell(story, "woocommerce", "shopify")


def test_a_kit_that_was_sold_and_deleted_is_booked_as_its_parts() -> None:
    kits = {"SET": {"A": 2, "B": 1}}
    there = [*GOODS, {"title": "Set", "variants": [{"sku": "SET", "price": "20.00", "stock": 5}]}]

    async def story(bench: Bench) -> None:
        shop = bench.shop("shopify")
        shop.sale([{"sku": "SET", "quantity": 2}])
        shop.delete_product("SET")
        await bench.wait()
        await bench.sync()
        await bench.audit("shopify")
        assert (bench.balance("A"), bench.balance("B")) == (6, 4)

    tell(story, "woocommerce", "shopify", goods={"shopify": there}, kits=kits)
