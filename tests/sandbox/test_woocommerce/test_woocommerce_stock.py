"""Stock: who may write it, what moves with it, and what is lost between a read and a write."""

import asyncio
from typing import Any

import pytest

from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.sandbox.kit.platform import RefusedError

from .bench import Bench, MakeBench, sized, variant


def stock(bench: Bench, sku: str) -> int:
    return bench.shop.stock()[sku][""]


@pytest.mark.parametrize(
    ("value", "written"), [("x", 0), ("12abc", 12), (3.7, 3), ("", 0), (None, 10), ("7", 7), (-4, -4)]
)
def test_a_batch_takes_what_a_single_write_refuses(stocked: Bench, value: Any, written: int) -> None:
    answer = stocked.post("products/batch", update=[{"id": 11, "stock_quantity": value}])
    assert answer["update"][0]["stock_quantity"] == written == stock(stocked, "MUG")


@pytest.mark.parametrize("value", ["lots", 3.7, True, []])
def test_a_single_write_checks_the_type(stocked: Bench, value: Any) -> None:
    assert stocked.refused("PUT", "products/11", json={"stock_quantity": value}) == (400, "rest_invalid_param")
    assert stock(stocked, "MUG") == 10


def test_a_write_on_a_variation_under_its_parents_stock_changes_nothing(stocked: Bench) -> None:
    assert stocked.put("products/15/variations/16", stock_quantity=99)["stock_quantity"] == 8
    assert stocked.put("products/15", stock_quantity=3)["stock_quantity"] == 3
    assert stocked.get("products/15/variations/16")["manage_stock"] == "parent"
    assert (stock(stocked, "CAP-S"), stock(stocked, "CAP-M")) == (3, 3)


@pytest.mark.parametrize(
    ("body", "left"),
    [({"inventory_delta": 5}, 15), ({"stock_quantity": 12}, 12), ({"stock_quantity": 10}, 7), ({"name": "Cup"}, 7)],
)
def test_a_sale_inside_the_window_of_a_write_is_lost(make_bench: MakeBench, body: dict[str, Any], left: int) -> None:
    """Unless the write sends no other number than the one it read: then nothing is written."""
    loop = SimulatedLoop()
    bench = make_bench(race_window=0.06)
    bench.shop.seed([{"title": "Mug", "variants": [variant("MUG")]}])

    async def trade() -> None:
        write = asyncio.create_task(bench.client.put("/wp-json/wc/v3/products/11", json=body, auth=bench.auth))
        await asyncio.sleep(0.03)
        bench.shop.sale([{"sku": "MUG", "quantity": 3}])
        await write

    loop.run_until_complete(trade())
    loop.close()
    assert stock(bench, "MUG") == left


def test_two_deltas_at_once_count_once(make_bench: MakeBench) -> None:
    loop = SimulatedLoop()
    bench = make_bench(race_window=0.06)
    bench.shop.seed([{"title": "Mug", "variants": [variant("MUG")]}])

    async def write() -> None:
        calls = (
            bench.client.put("/wp-json/wc/v3/products/11", json={"inventory_delta": 1}, auth=bench.auth)
            for _ in range(2)
        )
        await asyncio.gather(*calls)

    loop.run_until_complete(write())
    loop.close()
    assert stock(bench, "MUG") == 11


def test_two_cancels_at_once_give_back_twice(make_bench: MakeBench) -> None:
    loop = SimulatedLoop()
    bench = make_bench(race_window=0.06)
    bench.shop.seed([{"title": "Mug", "variants": [variant("MUG")]}])
    order = bench.shop.sale([{"sku": "MUG", "quantity": 4}])

    async def cancel() -> None:
        path = f"/wp-json/wc/v3/orders/{order}"
        await asyncio.gather(*(bench.client.put(path, json={"status": "cancelled"}, auth=bench.auth) for _ in range(2)))

    loop.run_until_complete(cancel())
    loop.close()
    assert stock(bench, "MUG") == 14


def test_without_a_window_nothing_is_lost(stocked: Bench) -> None:
    stocked.shop.sale([{"sku": "MUG", "quantity": 3}])
    assert stocked.put("products/11", inventory_delta=5)["stock_quantity"] == 12


def test_variation_stock_moves_the_parents_date_and_no_siblings(stocked: Bench) -> None:
    before = stocked.get("products/12/variations/14")["date_modified_gmt"]
    stocked.put("products/12/variations/13", stock_quantity=9)
    changed = stocked.get("products/12/variations/13")["date_modified_gmt"]
    assert changed > before == stocked.get("products/12/variations/14")["date_modified_gmt"]
    assert stocked.get("products/12")["date_modified_gmt"] == changed


def test_parent_stock_moves_no_variation(stocked: Bench) -> None:
    before = stocked.get("products/15/variations/16")["date_modified_gmt"]
    stocked.shop.sale([{"sku": "CAP-S", "quantity": 1}])
    assert stocked.get("products/15/variations/16")["date_modified_gmt"] == before
    assert stocked.get("products/15")["date_modified_gmt"] > before


def test_modified_after_is_strict(stocked: Bench) -> None:
    stocked.put("products/11")
    moment = stocked.get("products/11")["date_modified_gmt"]
    since = {"dates_are_gmt": "true", "_fields": "id"}
    assert stocked.get("products", modified_after=moment, **since) == []
    assert stocked.get("products", modified_after="2026-11-02T08:00:59", **since) == [{"id": 11}]


def test_without_dates_are_gmt_the_shops_own_time_is_compared(make_bench: MakeBench) -> None:
    bench = make_bench(gmt_offset=-5)
    bench.shop.seed([{"title": "Mug", "variants": [variant("MUG")]}])
    assert bench.get("products/11")["date_modified"] == "2026-11-02T03:00:00"
    assert bench.get("products", modified_after="2026-11-02T07:59:00") == []
    assert len(bench.get("products", modified_after="2026-11-02T07:59:00", dates_are_gmt="true")) == 1


def test_another_plugins_write_shows_at_once_and_moves_no_date(stocked: Bench) -> None:
    heard: list[tuple[str, int]] = []
    stocked.shop.watch(lambda topic, key: heard.append((topic, key)))
    before = stocked.get("products/11")
    stocked.shop.edit_product("MUG", stock_direct=0)
    after = stocked.get("products/11")
    assert after["stock_quantity"] == 0
    assert (after["date_modified_gmt"], after["stock_status"], heard) == (before["date_modified_gmt"], "instock", [])


def test_a_count_in_the_admin_moves_the_date(stocked: Bench) -> None:
    stocked.shop.count("MUG", 4)
    assert [
        row["id"] for row in stocked.get("products", modified_after="2026-11-02T08:00:30", dates_are_gmt="true")
    ] == [11]
    assert stock(stocked, "MUG") == 4


def test_stock_switched_off_forgets_its_number(stocked: Bench) -> None:
    assert stocked.put("products/11", manage_stock=False)["stock_quantity"] is None
    assert "MUG" not in stocked.shop.stock()
    assert stocked.put("products/11", manage_stock=True)["stock_quantity"] is None


def test_the_storefront_checks_and_reservations_count(stocked: Bench) -> None:
    unpaid = stocked.shop.sale([{"sku": "SHIRT-S", "quantity": 4}], paid=False)
    assert stock(stocked, "SHIRT-S") == 5
    with pytest.raises(RefusedError, match="2 wanted, 1 left"):
        stocked.shop.sale([{"sku": "SHIRT-S", "quantity": 2}])
    stocked.put("products/12/variations/13", stock_quantity=0)
    stocked.shop.pay(unpaid)
    assert stock(stocked, "SHIRT-S") == -4


def test_a_reservation_ends_after_an_hour(stocked: Bench) -> None:
    stocked.shop.sale([{"sku": "SHIRT-S", "quantity": 5}], paid=False)
    stocked.forward(3601)
    stocked.shop.sale([{"sku": "SHIRT-S", "quantity": 5}])
    assert stock(stocked, "SHIRT-S") == 0


def test_ten_thousand_products_are_listed_page_by_page(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.shop.seed([{"title": "T", "variants": sized(f"T{number}", 1, "S", "M")} for number in range(3500)])
    answer = bench.call(
        "GET", "products", params={"per_page": 100, "page": 2, "_fields": "id", "orderby": "id", "order": "asc"}
    )
    assert answer.headers["x-wp-totalpages"] == "35"
    assert answer.json()[0] == {"id": 11 + 300}
    assert '&page=1&_fields=id&orderby=id&order=asc>; rel="prev", <https://shop.test' in answer.headers["link"]
