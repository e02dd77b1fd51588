"""What a number that differs means: a late sale, somebody's count, or drift."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bridge.contract.stock import Cause
from bridge.domain.allotment import Rule
from bridge.domain.catalog import Level
from bridge.engine.collect import audit_catalog
from bridge.engine.examine import examine
from bridge.engine.report import ChannelReport
from bridge.store import tables
from tests.engine.bench import Bench, one_sku, tell, written

PAIR = ("woocommerce", "square")
TRIO = ("woocommerce", "shopify", "square")


@pytest.mark.parametrize("name", TRIO)
def test_a_count_is_believed_and_reaches_the_others(name: str) -> None:
    async def story(bench: Bench) -> None:
        bench.shop(name).count("A", 25)
        await bench.wait()
        await bench.sync()
        await bench.sync()
        assert bench.whys("A") == [("opening", 10), ("count", 15)]
        assert bench.counted == [("A", 10, 25)]
        assert bench.numbers("A") == [25, 25, 25]

    tell(story, *TRIO)


@pytest.mark.parametrize("name", TRIO)
def test_a_count_where_counts_do_not_count_is_undone(name: str) -> None:
    async def story(bench: Bench) -> None:
        bench.shop(name).count("A", 25)
        await bench.wait()
        await bench.sync()
        await bench.sync()
        assert bench.whys("A") == [("opening", 10)]
        assert bench.drifted == [("A", 10, 25)]
        assert bench.numbers("A") == [10, 10, 10]

    tell(story, *TRIO, overrides={name: {"counts_from": False}})


@pytest.mark.parametrize("name", ["woocommerce", "square"])
def test_a_count_and_a_sale_around_it_both_count(name: str) -> None:
    async def story(bench: Bench) -> None:
        bench.shop(name).sale([{"sku": "A", "quantity": 2}])
        await bench.wait()
        bench.shop(name).count("A", 30)
        await bench.wait()
        bench.shop(name).sale([{"sku": "A", "quantity": 1}])
        await bench.wait()
        await bench.sync()
        await bench.sync()
        assert bench.balance("A") == 29
        assert bench.numbers("A") == [29, 29, 29]

    tell(story, *TRIO)


def test_what_a_count_wiped_goes_back_even_where_it_was_counted_again_since() -> None:
    """A write of ours that Square wrote down after a count, with an earlier time; a later count cannot have seen it either."""

    async def story(bench: Bench) -> None:
        channel, context = bench.channel("square"), bench.world.context
        position = bench.position("square", "A")
        now = context.now()

        def cause(kind: Any, quantity: int, at: float, noted: float) -> Cause:
            when, known = now + timedelta(seconds=at), now + timedelta(seconds=noted)
            return Cause(key=position.key, kind=kind, quantity=quantity, at=when, noted=known, id=f"{kind}{at}")

        log = [cause("count", 40, 2, 2), cause("ours", -3, 1, 3), cause("count", 45, 20, 20)]
        level = Level(key=position.key, quantity=45, as_of=now + timedelta(seconds=30))
        await bench.wait()
        context.database.write(lambda connection: examine(connection, context, channel, [level], log))
        assert bench.whys("A") == [("opening", 10), ("count", 35 - 3)]

    tell(story, "woocommerce", "square", sound=False)


def test_a_sale_that_met_our_write_may_be_lost_under_somebodys_edit_and_is_taken_as_gone() -> None:
    """WooCommerce reads, adds and writes: a sale in between is lost, and a number that a person changed as well cannot say it."""

    async def story(bench: Bench) -> None:
        platform = bench.world.platforms["woocommerce"]
        bench.shop("square").sale([{"sku": "A", "quantity": 1}])
        syncing = asyncio.ensure_future(bench.sync())
        for _ in range(2_000):
            if any(row.state == "sent" and row.channel == "woocommerce" for row in bench.rows(tables.writes)):
                break
            await asyncio.sleep(0.01)
        platform.shop.sale([{"sku": "A", "quantity": 2}])
        await syncing
        assert "A" in platform.lapses
        platform.shop.count("A", bench.number("woocommerce", "A") + 40)
        for _ in range(3):
            await bench.wait()
            await bench.sync()
        assert bench.numbers("A") == [47, 47]
        assert bench.whys("A")[-1] == ("count", 40)
        (note,) = [row.note for row in bench.rows(tables.counts)]
        assert note.endswith("a sale there met a write of ours, which may have lost it; undecided by 2")

    tell(story, "woocommerce", "square", options={"woocommerce": {"race_window": 1.0}})


def test_a_small_difference_after_an_order_is_drift_and_the_ledger_stands() -> None:
    """It may be a lost update: WooCommerce's parallel requests lose one another's changes."""

    async def story(bench: Bench) -> None:
        bench.shop("woocommerce").sale([{"sku": "A", "quantity": 3}])
        bench.shop("woocommerce").count("A", 9)
        await bench.wait()
        await bench.sync()
        await bench.sync()
        assert bench.whys("A") == [("opening", 10), ("sale", -3)]
        assert bench.drifted == [("A", 7, 9)]
        assert bench.numbers("A") == [7, 7]

    tell(story, *PAIR)


def test_a_difference_larger_than_what_moved_is_somebodys_count() -> None:
    async def story(bench: Bench) -> None:
        bench.shop("woocommerce").sale([{"sku": "A", "quantity": 3}])
        bench.shop("woocommerce").count("A", 15)
        await bench.wait()
        await bench.sync()
        await bench.sync()
        assert bench.whys("A") == [("opening", 10), ("sale", -3), ("count", 8)]
        assert bench.numbers("A") == [15, 15]

    tell(story, *PAIR)


def test_squares_change_log_names_a_count_however_small() -> None:
    async def story(bench: Bench) -> None:
        bench.shop("square").sale([{"sku": "A", "quantity": 3}])
        await bench.wait()
        bench.shop("square").count("A", 8)
        await bench.wait()
        await bench.sync()
        assert bench.balance("A") == 8
        assert bench.drifted == []
        assert bench.numbers("A") == [8, 8]

    tell(story, *PAIR)


def test_an_offline_sale_from_before_a_count_is_inside_the_count() -> None:
    """The till was offline: it sold, the shelf was counted, and only then the sale was uploaded. Nothing counts twice."""

    async def story(bench: Bench) -> None:
        bench.shop("square").count("A", 20)
        await bench.wait()
        await bench.sync()
        await bench.wait(600)
        bench.shop("square").sale([{"sku": "A", "quantity": 3}], occurred_at=bench.ago(hours=2))
        await bench.wait()
        await bench.sync()
        await bench.sync()
        assert bench.whys("A") == [("opening", 10), ("count", 10), ("sale", -3), ("count", 3)]
        assert bench.numbers("A") == [20, 20]

    tell(story, *PAIR)


def test_an_offline_sale_from_after_a_count_is_a_sale() -> None:
    async def story(bench: Bench) -> None:
        bench.shop("square").count("A", 20)
        await bench.wait()
        await bench.sync()
        await bench.wait(600)
        bench.shop("square").sale([{"sku": "A", "quantity": 3}], occurred_at=bench.ago(minutes=5))
        await bench.wait()
        await bench.sync()
        await bench.sync()
        assert bench.whys("A") == [("opening", 10), ("count", 10), ("sale", -3)]
        assert bench.numbers("A") == [17, 17]

    tell(story, *PAIR)


def test_a_shelf_count_leaves_out_what_is_sold_and_not_shipped() -> None:
    """Ten on the shelf, three of them sold online and not yet packed: seven are left to sell."""

    async def story(bench: Bench) -> None:
        bench.shop("woocommerce").sale([{"sku": "A", "quantity": 3}])
        await bench.wait()
        await bench.sync()
        bench.shop("square").count("A", 50)
        await bench.wait()
        await bench.sync()
        await bench.sync()
        assert bench.balance("A") == 47
        assert bench.numbers("A") == [47, 47]

    tell(story, *PAIR, overrides={"square": {"counts": "shelf"}})


def test_a_sellable_count_takes_the_number_as_it_is() -> None:
    async def story(bench: Bench) -> None:
        bench.shop("woocommerce").sale([{"sku": "A", "quantity": 3}])
        await bench.wait()
        await bench.sync()
        bench.shop("square").count("A", 50)
        await bench.wait()
        await bench.sync()
        await bench.sync()
        assert bench.balance("A") == 50

    tell(story, *PAIR)


def test_a_shipped_order_is_no_longer_committed() -> None:
    async def story(bench: Bench) -> None:
        order_id = bench.shop("woocommerce").sale([{"sku": "A", "quantity": 3}])
        await bench.wait()
        bench.shop("woocommerce").fulfil(order_id)
        await bench.wait()
        await bench.sync()
        bench.shop("square").count("A", 50)
        await bench.wait()
        await bench.sync()
        await bench.sync()
        assert bench.balance("A") == 50

    tell(story, *PAIR, overrides={"square": {"counts": "shelf"}})


def test_a_silent_edit_is_found_by_the_audit() -> None:
    """Another plugin writes the number past everything: no feed tells of it."""

    async def story(bench: Bench) -> None:
        bench.shop("woocommerce").plugin_sets_stock("A", 40)
        await bench.wait()
        await bench.sync()
        assert bench.balance("A") == 10
        await bench.audit("woocommerce")
        await bench.sync()
        assert bench.balance("A") == 40
        assert bench.numbers("A") == [40, 40]

    tell(story, *PAIR)


def test_what_a_platform_stops_tracking_is_left_alone_and_comes_back() -> None:
    async def story(bench: Bench) -> None:
        woo = bench.shop("woocommerce").woo.catalogue
        item = next(one for one in woo.items.values() if one.sku == "A")
        item.manage_stock = False
        woo.save(item)
        await bench.wait()
        bench.shop("square").sale([{"sku": "A", "quantity": 2}])
        await bench.wait()
        await bench.sync()
        assert bench.position("woocommerce", "A").shown is None
        assert bench.number("square", "A") == 8
        item.manage_stock, item.stock = True, 10
        woo.save(item)
        await bench.wait()
        await bench.sync()
        await bench.sync()
        assert (bench.balance("A"), bench.numbers("A")) == (8, [8, 8])

    tell(story, *PAIR)


def test_a_new_product_opens_its_counter_with_its_own_number() -> None:
    async def story(bench: Bench) -> None:
        bench.shop("woocommerce").seed(one_sku("N", 12))
        woo = bench.shop("woocommerce").woo.catalogue
        woo.save(next(one for one in woo.items.values() if one.sku == "N"))
        await bench.wait()
        await bench.sync()
        assert bench.whys("N") == [("opening", 12)]
        bench.shop("woocommerce").sale([{"sku": "N", "quantity": 2}])
        await bench.wait()
        await bench.sync()
        assert (bench.balance("N"), bench.number("woocommerce", "N")) == (10, 10)

    tell(story, *PAIR)


def test_a_product_that_comes_to_another_channel_takes_the_ledgers_number() -> None:
    async def story(bench: Bench) -> None:
        bench.shop("square").seed(one_sku("N", 3))
        await bench.wait()
        await bench.sync()
        await bench.sync()
        assert bench.whys("N") == [("opening", 12)]
        assert bench.numbers("N") == [12, 12]

    tell(story, *PAIR, goods={"woocommerce": one_sku("N", 12), "square": one_sku("Z", 1)})


@pytest.mark.parametrize("name", TRIO)
def test_a_deleted_listing_is_reported_and_the_others_go_on(name: str) -> None:
    async def story(bench: Bench) -> None:
        bench.shop(name).delete_product("A")
        await bench.wait()
        # WooCommerce's change list says nothing of what is in the trash: only reading the whole catalogue does.
        await audit_catalog(bench.world.context, bench.channel(name), ChannelReport())
        other = next(one for one in TRIO if one != name)
        bench.shop(other).sale([{"sku": "A", "quantity": 2}])
        await bench.wait()
        await bench.sync()
        await bench.sync()
        assert bench.position(name, "A").gone
        assert bench.parked == [("position", name)]
        assert bench.balance("A") == 8
        assert [bench.number(one, "A") for one in TRIO if one != name] == [8, 8]
        assert written(await bench.sync()) == 0

    tell(story, *TRIO)


def test_square_tells_of_a_deletion_by_itself() -> None:
    async def story(bench: Bench) -> None:
        bench.shop("square").delete_product("A")
        await bench.wait()
        await bench.sync()
        await bench.sync()
        assert bench.position("square", "A").gone
        assert bench.parked == [("position", "square")]

    tell(story, *PAIR)


def test_buffer_and_cap_shape_what_each_channel_shows() -> None:
    async def story(bench: Bench) -> None:
        assert bench.numbers("A") == [8, 5]
        bench.shop("square").sale([{"sku": "A", "quantity": 4}])
        await bench.wait()
        await bench.sync()
        assert bench.balance("A") == 6
        assert bench.numbers("A") == [4, 5]
        bench.shop("square").sale([{"sku": "A", "quantity": 5}])
        await bench.wait()
        await bench.sync()
        assert bench.numbers("A") == [0, 1]

    rules = [Rule(channel="woocommerce", buffer=2), Rule(channel="square", cap=5)]
    tell(story, *PAIR, allotment=rules)


KIT = [
    {"title": "Tee", "variants": [{"sku": "A", "price": "10.00", "stock": 10}]},
    {"title": "Cap", "variants": [{"sku": "B", "price": "5.00", "stock": 6}]},
    {"title": "Box", "variants": [{"sku": "BOX", "price": "20.00", "stock": 0}]},
]


def test_a_kit_shows_what_its_scarcest_component_allows() -> None:
    async def story(bench: Bench) -> None:
        assert bench.numbers("BOX") == [5, 5]
        bench.shop("square").sale([{"sku": "BOX", "quantity": 2}, {"sku": "A", "quantity": 1}])
        await bench.wait()
        await bench.sync()
        assert (bench.balance("A"), bench.balance("B"), bench.balance("BOX")) == (5, 4, None)
        assert (bench.numbers("A"), bench.numbers("B"), bench.numbers("BOX")) == ([5, 5], [4, 4], [2, 2])

    tell(story, *PAIR, goods={"woocommerce": KIT, "square": KIT}, kits={"BOX": {"A": 2, "B": 1}})


def test_a_longer_grace_keeps_a_difference_waiting_longer() -> None:
    async def story(bench: Bench) -> None:
        start = bench.world.around.now()
        bench.shop("woocommerce").count("A", 25)
        await bench.wait()
        await bench.sync()
        assert bench.balance("A") == 25
        assert bench.world.around.now() - start >= timedelta(seconds=60)

    tell(story, *PAIR, grace=timedelta(seconds=60))
