"""Stock: which event moves which state of a level, and what the inventory mutations promise."""

from typing import Any

import pytest

from bridge.sandbox.kit.platform import RefusedError
from tests.sandbox.test_shopify.kit import Caller, Clock, tee

pytestmark = pytest.mark.anyio
SET = """mutation S($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id changes { name delta } } userErrors { field message code } } }"""
ADJUST = """mutation A($input: InventoryAdjustQuantitiesInput!, $key: String!) {
  inventoryAdjustQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id changes { name delta } } userErrors { field message code } } }"""
LEVELS = """query L($id: ID!) { inventoryItem(id: $id) { inventoryLevels(first: 5) { nodes {
  location { name } quantities(names: ["available", "committed", "on_hand"]) { name quantity } } } } }"""


async def states(caller: Caller, item: str, place: str = "Shop location") -> tuple[int, int, int]:
    """Return (available, committed, on_hand) at a location."""
    levels = (await caller.data(LEVELS, {"id": item}))["inventoryItem"]["inventoryLevels"]["nodes"]
    level = next(level for level in levels if level["location"]["name"] == place)
    numbers = {row["name"]: row["quantity"] for row in level["quantities"]}
    return numbers["available"], numbers["committed"], numbers["on_hand"]


async def location(caller: Caller, name: str = "Shop location") -> str:
    nodes = (await caller.data("{ locations(first: 5) { nodes { id name } } }"))["locations"]["nodes"]
    return str(next(node["id"] for node in nodes if node["name"] == name))


def adjustment(item: str, place: str, delta: int, seen: int | None) -> dict[str, Any]:
    change = {"inventoryItemId": item, "locationId": place, "delta": delta, "changeFromQuantity": seen}
    return {"name": "available", "reason": "correction", "changes": [change]}


async def test_a_web_sale_commits_and_fulfilment_takes_it_off_the_shelf(caller: Caller) -> None:
    item = caller.shop.seed([tee()])[0]["stock_id"]
    order = caller.shop.sale([{"sku": "TEE", "quantity": 2}])
    assert await states(caller, item) == (3, 2, 5)
    caller.shop.fulfil(order)
    assert await states(caller, item) == (3, 0, 3)


async def test_a_till_sale_leaves_the_shelf_at_once_and_is_not_checked(caller: Caller) -> None:
    item = caller.shop.seed([tee(stock=1)])[0]["stock_id"]
    order = caller.shop.sale([{"sku": "TEE", "quantity": 3}], channel="pos")
    assert await states(caller, item) == (-2, 0, -2)
    read = await caller.data(
        """query O($id: ID!) { order(id: $id) { sourceName retailLocation { name } displayFulfillmentStatus
        fulfillmentOrders(first: 1) { nodes { status deliveryMethod { methodType } } } } }""",
        {"id": order},
    )
    assert read["order"]["sourceName"] == "pos"
    assert read["order"]["retailLocation"] == {"name": "Shop location"}
    assert read["order"]["displayFulfillmentStatus"] == "FULFILLED"
    assert read["order"]["fulfillmentOrders"]["nodes"] == [
        {"status": "CLOSED", "deliveryMethod": {"methodType": "RETAIL"}}
    ]


async def test_the_shop_front_refuses_what_is_sold_out_unless_the_variant_may_be_oversold(caller: Caller) -> None:
    caller.shop.seed([tee("A", 1), tee("B", 1, policy="continue"), tee("C", None)])
    with pytest.raises(RefusedError):
        caller.shop.sale([{"sku": "A", "quantity": 1}, {"sku": "A", "quantity": 1}])
    caller.shop.sale([{"sku": "B", "quantity": 2}, {"sku": "C", "quantity": 9}])
    assert caller.shop.stock() == {"A": {"Shop location": 1}, "B": {"Shop location": -1}}
    assert len(caller.shop.orders()) == 1


async def test_a_sale_is_split_over_locations_only_when_none_has_it_all(caller: Caller) -> None:
    caller.shop.seed([tee("A", {"Shop location": 2, "My Custom Location": 5})])
    caller.shop.sale([{"sku": "A", "quantity": 4}])
    assert caller.shop.stock()["A"] == {"Shop location": 2, "My Custom Location": 1}
    caller.shop.sale([{"sku": "A", "quantity": 3}])
    assert caller.shop.stock()["A"] == {"Shop location": 0, "My Custom Location": 0}


@pytest.mark.parametrize(
    ("shipped", "restock", "left"),
    [(False, True, (4, 1, 5)), (False, False, (3, 1, 4)), (True, True, (4, 0, 4)), (True, False, (3, 0, 3))],
)
async def test_a_refund_of_one_unit(caller: Caller, shipped: bool, restock: bool, left: tuple[int, int, int]) -> None:
    item = caller.shop.seed([tee()])[0]["stock_id"]
    order = caller.shop.sale([{"sku": "TEE", "quantity": 2}])
    if shipped:
        caller.shop.fulfil(order)
    caller.shop.refund(order, [{"sku": "TEE", "quantity": 1}], restock=restock)
    assert await states(caller, item) == left


@pytest.mark.parametrize(("restock", "left"), [(True, (5, 0, 5)), (False, (3, 0, 3))])
async def test_a_cancelled_order_lets_go_of_its_stock(
    caller: Caller, restock: bool, left: tuple[int, int, int]
) -> None:
    item = caller.shop.seed([tee()])[0]["stock_id"]
    order = caller.shop.sale([{"sku": "TEE", "quantity": 2}])
    caller.shop.cancel(order, restock=restock)
    assert await states(caller, item) == left
    with pytest.raises(RefusedError):
        caller.shop.cancel(order)


async def test_editing_an_order_moves_its_claim(caller: Caller) -> None:
    item = caller.shop.seed([tee()])[0]["stock_id"]
    order = caller.shop.sale([{"sku": "TEE", "quantity": 2}])
    caller.shop.edit_order(order, "TEE", 3)
    assert await states(caller, item) == (2, 3, 5)
    caller.shop.edit_order(order, "TEE", 1)
    assert await states(caller, item) == (4, 1, 5)
    caller.shop.fulfil(order)
    assert await states(caller, item) == (4, 0, 4)


async def test_a_shelf_count_leaves_committed_units_alone(caller: Caller) -> None:
    item = caller.shop.seed([tee()])[0]["stock_id"]
    caller.shop.sale([{"sku": "TEE", "quantity": 2}])
    caller.shop.count("TEE", 10)
    assert await states(caller, item) == (8, 2, 10)


async def test_variants_that_share_an_item_share_its_stock(caller: Caller) -> None:
    caller.shop.seed([tee("ONE", 5)])
    twin = caller.shop.seed([{"title": "Gift box", "variants": [{"sku": "ONE", "price": "30.00", "shares": "ONE"}]}])[0]
    caller.shop.sale([{"id": twin["variant"], "quantity": 2}])
    assert caller.shop.stock() == {"ONE": {"Shop location": 3}}
    read = await caller.data(
        "query I($id: ID!) { inventoryItem(id: $id) { variants(first: 5) { nodes { inventoryQuantity } } } }",
        {"id": twin["stock_id"]},
    )
    assert [node["inventoryQuantity"] for node in read["inventoryItem"]["variants"]["nodes"]] == [3, 3]


async def test_a_stale_compare_changes_nothing_in_any_row(caller: Caller) -> None:
    first, second = (row["stock_id"] for row in caller.shop.seed([tee("A"), tee("B")]))
    place = await location(caller)
    rows = [
        {"inventoryItemId": first, "locationId": place, "quantity": 9, "changeFromQuantity": 5},
        {"inventoryItemId": second, "locationId": place, "quantity": 9, "changeFromQuantity": 4},
    ]
    given = {"name": "available", "reason": "correction", "quantities": rows}
    answer = (await caller.data(SET, {"input": given, "key": "k"}))["inventorySetQuantities"]
    assert [(error["code"], error["field"]) for error in answer["userErrors"]] == [("CHANGE_FROM_QUANTITY_STALE", None)]
    assert caller.shop.stock() == {"A": {"Shop location": 5}, "B": {"Shop location": 5}}


async def test_a_repeated_key_replays_and_is_refused_for_anything_else(caller: Caller, clock: Clock) -> None:
    item = caller.shop.seed([tee()])[0]["stock_id"]
    place = await location(caller)
    call = {"input": adjustment(item, place, -1, 5), "key": "k"}
    first = await caller.data(ADJUST, call)
    assert await caller.data(ADJUST, call) == first
    other = await caller.data(ADJUST, {"input": adjustment(item, place, -2, None), "key": "k"})
    assert other["inventoryAdjustQuantities"]["userErrors"][0]["code"] == "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
    assert caller.shop.stock()["TEE"] == {"Shop location": 4}
    clock.forward(hours=24)
    late = await caller.data(ADJUST, call)
    assert late["inventoryAdjustQuantities"]["userErrors"][0]["code"] == "CHANGE_FROM_QUANTITY_STALE"


async def test_a_failed_attempt_uses_its_key_up(caller: Caller) -> None:
    item = caller.shop.seed([tee()])[0]["stock_id"]
    call = {"input": adjustment(item, await location(caller), -1, 4), "key": "k"}
    await caller.data(ADJUST, call)
    again = await caller.data(ADJUST, call)
    assert again["inventoryAdjustQuantities"]["userErrors"][0]["code"] == "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"


async def test_before_2026_04_keys_and_compares_are_optional(caller: Caller) -> None:
    item = caller.shop.seed([tee()])[0]["stock_id"]
    given = adjustment(item, await location(caller), -1, None)
    del given["changes"][0]["changeFromQuantity"]
    text = ADJUST.replace(", $key: String!", "").replace("@idempotent(key: $key)", "")
    answer = await caller.data(text, {"input": given}, version="2026-01")
    assert answer["inventoryAdjustQuantities"]["userErrors"] == []
    refused = await caller.ask(text, {"input": given}, version="2026-04")
    assert refused["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_more_than_250_rows_are_refused_before_anything_runs(caller: Caller) -> None:
    item = caller.shop.seed([tee()])[0]["stock_id"]
    given = adjustment(item, await location(caller), -1, None)
    given["changes"] *= 251
    answer = await caller.ask(ADJUST, {"input": given, "key": "k"})
    assert "data" not in answer
    assert answer["errors"][0]["message"] == "The input array size of 251 is greater than the maximum allowed of 250."
    assert answer["errors"][0]["path"] == ["inventoryAdjustQuantities", "input", "changes"]


async def test_a_level_can_be_left_and_taken_up_again_with_its_numbers(caller: Caller) -> None:
    row = caller.shop.seed([tee("A", {"Shop location": 5, "My Custom Location": 7})])[0]
    read = """query I($id: ID!, $all: Boolean) { inventoryItem(id: $id) {
      inventoryLevels(first: 5, includeInactive: $all) { nodes { id isActive } } } }"""
    nodes = (await caller.data(read, {"id": row["stock_id"]}))["inventoryItem"]["inventoryLevels"]["nodes"]
    leave = "mutation D($id: ID!) { inventoryDeactivate(inventoryLevelId: $id) { userErrors { message } } }"
    assert (await caller.data(leave, {"id": nodes[1]["id"]}))["inventoryDeactivate"]["userErrors"] == []
    assert caller.shop.stock()["A"] == {"Shop location": 5}
    assert len((await caller.data(read, {"id": row["stock_id"]}))["inventoryItem"]["inventoryLevels"]["nodes"]) == 1
    assert (
        len(
            (await caller.data(read, {"id": row["stock_id"], "all": True}))["inventoryItem"]["inventoryLevels"]["nodes"]
        )
        == 2
    )
    last = await caller.data(leave, {"id": nodes[0]["id"]})
    assert "minimum of 1 location" in last["inventoryDeactivate"]["userErrors"][0]["message"]
    take = """mutation T($item: ID!, $place: ID!, $key: String!) { inventoryActivate(inventoryItemId: $item, locationId: $place)
      @idempotent(key: $key) { inventoryLevel { isActive } userErrors { message } } }"""
    await caller.data(
        take, {"item": row["stock_id"], "place": await location(caller, "My Custom Location"), "key": "k"}
    )
    assert caller.shop.stock()["A"] == {"Shop location": 5, "My Custom Location": 7}


async def test_changed_levels_of_a_location_are_found_by_their_time(caller: Caller, clock: Clock) -> None:
    caller.shop.seed([tee("A"), tee("B")])
    clock.forward(minutes=5)
    caller.shop.count("B", 7)
    text = """query Q($query: String) { locations(first: 1, query: "name:'Shop location'") { nodes {
      inventoryLevels(first: 10, query: $query) { nodes { item { sku } } } } } }"""
    since = "updated_at:>='2026-11-02T08:05:00Z'"
    found = (await caller.data(text, {"query": since}))["locations"]["nodes"][0]["inventoryLevels"]["nodes"]
    assert found == [{"item": {"sku": "B"}}]
