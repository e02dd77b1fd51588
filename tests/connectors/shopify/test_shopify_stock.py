"""Stock: batches at the floor, exact bodies, one outcome per row, and the level feed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some

from bridge.contract.errors import Refused, TryLater
from bridge.contract.ports import Connector
from bridge.contract.stock import Applied, Prepared, Rejected, StockChange
from bridge.domain.catalog import StockKey
from connectors.shopify.stock_write import batches, outcomes, prepare

Make = Callable[..., dict[str, Any]]
AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def change(number: int = 1, **changed: Any) -> StockChange:
    return StockChange(**{"key": StockKey(str(number), "9"), "delta": -1, "shown": 10, **changed})


def failed(code: str, row: int | None = None, rows: int = 3) -> list[Any]:
    field = ["input", "changes", str(row), "delta"] if row is not None else ["input"]
    payload = {"userErrors": [{"field": field, "message": "no", "code": code}], "inventoryAdjustmentGroup": None}
    return outcomes([change(number) for number in range(1, rows + 1)], {"inventoryAdjustQuantities": payload}, AT)


@given(some.lists(some.booleans(), max_size=1200))
def test_batches_are_the_fewest_and_lose_nothing(tracking: list[bool]) -> None:
    rows = [change(number, track=track) for number, track in enumerate(tracking)]
    calls = batches(rows)
    plain = len(tracking) - sum(tracking)
    assert len(calls) == -(-plain // 250) + -(-sum(tracking) // 50)
    assert sorted(row.key.stock_id for call in calls for row in call) == sorted(row.key.stock_id for row in rows)
    assert all(len({row.track for row in call}) == 1 for call in calls)


def test_the_body_is_the_whole_call() -> None:
    body = json.loads(prepare([change(1), change(2, delta=3)], "key-1").body)
    assert body["operationName"] == "StockAdjust"
    assert "@idempotent(key: $key)" in body["query"]
    assert body["variables"] == {
        "key": "key-1",
        "input": {
            "name": "available", "reason": "correction",
            "referenceDocumentUri": "gid://commerce-bridge/StockWrite/key-1",
            "changes": [
                {"inventoryItemId": "gid://shopify/InventoryItem/1", "locationId": "gid://shopify/Location/9",
                 "delta": -1, "changeFromQuantity": 10},
                {"inventoryItemId": "gid://shopify/InventoryItem/2", "locationId": "gid://shopify/Location/9",
                 "delta": 3, "changeFromQuantity": 10},
            ],
        },
    }  # fmt: skip


def test_tracking_is_switched_on_and_the_number_set_without_a_check() -> None:
    body = json.loads(prepare([change(1, track=True, shown=0, delta=4)], "key-1").body)
    row = body["variables"]["input"]["quantities"][0]
    assert (row["quantity"], row["changeFromQuantity"]) == (4, None)
    assert body["variables"]["item0"] == "gid://shopify/InventoryItem/1"
    assert "inventoryItemUpdate(id: $item0, input: { tracked: true })" in body["query"]


def test_the_same_rows_and_key_make_the_same_bytes() -> None:
    assert prepare([change(1), change(2)], "key-1").body == prepare([change(1), change(2)], "key-1").body


@pytest.mark.parametrize(
    "rows",
    [
        [], [change(1), change(1)], [change(1, shown=1_000_000_000, delta=1)], [change(1), change(2, track=True)],
        [change(number) for number in range(251)], [change(1, key=StockKey("gid", "9"))], [change(1, key=StockKey("1"))],
    ],
    ids=["none", "twice", "too many units", "mixed", "too many rows", "bad item", "no location"],
)  # fmt: skip
def test_what_cannot_be_right_does_not_go_out(rows: list[StockChange]) -> None:
    with pytest.raises(Refused):
        prepare(rows, "key-1")


def test_recorded_write(recorded: Callable[[str], Any]) -> None:
    answer = recorded("stock_write")["inventoryAdjustQuantities"]["data"]
    row = StockChange(key=StockKey("53469430055218", "106318430514"), delta=2, shown=5)
    assert outcomes([row], answer, AT) == [
        Applied(key=row.key, at=datetime(2026, 6, 25, 1, 33, 56, tzinfo=UTC), quantity=7)
    ]


def test_recorded_first_number(recorded: Callable[[str], Any]) -> None:
    answer = {**recorded("stock_write")["inventorySetQuantities"]["data"], "track0": {"userErrors": []}}
    row = StockChange(key=StockKey("53469430055218", "106318430514"), delta=5, shown=0, track=True)
    (applied,) = outcomes([row], answer, AT)
    assert isinstance(applied, Applied)
    assert applied.quantity == 5


@pytest.mark.parametrize(
    ("name", "kind"), [("unknownInventoryItemId", "invalid"), ("unknownLocationId", "invalid")]
)  # fmt: skip
def test_recorded_refusals_without_a_code(name: str, kind: str, recorded: Callable[[str], Any]) -> None:
    found = outcomes([change(1), change(2)], recorded("stock_refused")[name]["data"], AT)
    assert [outcome.kind for outcome in found if isinstance(outcome, Rejected)] == [kind, "retry"]


@pytest.mark.parametrize(
    ("code", "row", "kinds"),
    [
        ("CHANGE_FROM_QUANTITY_STALE", 1, ["retry", "stale", "retry"]),
        ("CHANGE_FROM_QUANTITY_STALE", None, ["stale", "stale", "stale"]),
        ("INVALID_INVENTORY_ITEM", 0, ["gone", "retry", "retry"]),
        ("INVALID_LOCATION", 2, ["retry", "retry", "invalid"]),
        ("NON_MUTABLE_INVENTORY_ITEM", 0, ["invalid", "retry", "retry"]),
        ("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", None, ["retry", "retry", "retry"]),
        ("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", None, ["invalid", "invalid", "invalid"]),
        ("ADJUST_QUANTITIES_FAILED", None, ["retry", "retry", "retry"]),
    ],
)
def test_one_bad_row_fails_its_call_and_the_others_go_again(code: str, row: int | None, kinds: list[str]) -> None:
    assert [outcome.kind for outcome in failed(code, row)] == kinds


def test_a_single_row_that_fails_is_not_tried_for_ever() -> None:
    assert failed("ADJUST_QUANTITIES_FAILED", None, rows=1)[0].kind == "invalid"


@pytest.mark.parametrize("code", ["IDEMPOTENCY_CONCURRENT_REQUEST", "SERVICE_UNAVAILABLE"])
def test_a_call_still_under_way_is_asked_again_with_its_key(code: str) -> None:
    with pytest.raises(TryLater) as raised:
        failed(code)
    assert raised.value.maybe_applied


def test_untracked_after_all() -> None:
    payload = {"userErrors": [], "inventoryAdjustmentGroup": {"createdAt": "2026-11-22T12:00:00Z", "changes": []}}
    answer = {"inventorySetQuantities": payload, "track0": {"userErrors": [{"field": None, "message": "bundle"}]}}
    (found,) = outcomes([change(1, track=True)], answer, AT)
    assert isinstance(found, Rejected)
    assert "bundle" in found.reason


@pytest.mark.anyio
async def test_a_write_survives_a_restart(stage: Any, shop: Connector, recorded: Callable[[str], Any]) -> None:
    row = StockChange(key=StockKey("53469430055218", "106318430514"), delta=2, shown=5)
    made = shop.stock.prepare([row], "key-1")
    loaded = Prepared(key=made.key, body=str(made.body), changes=made.changes)
    stage.say("StockAdjust", recorded("stock_write")["inventoryAdjustQuantities"])
    assert isinstance((await shop.stock.send(loaded))[0], Applied)
    assert stage.asked[0]["raw"] == made.body.encode()
    assert stage.headers[0]["x-shopify-access-token"] == "shpat_0123456789abcdef"


def level(place: int, available: int, updated: str = "2026-11-22T11:58:00Z", item: int = 1) -> dict[str, Any]:
    return {
        "item": {"id": f"gid://shopify/InventoryItem/{item}", "tracked": True}, "updatedAt": updated,
        "location": {"id": f"gid://shopify/Location/{place}"},
        "quantities": [{"name": "available", "quantity": available}],
    }  # fmt: skip


@pytest.mark.anyio
async def test_reading_takes_one_call_per_location(stage: Any, shop: Connector) -> None:
    numbers = {"quantities": [{"name": "available", "quantity": -2}]}
    tracked = {"id": "gid://shopify/InventoryItem/1", "tracked": True, "inventoryLevel": numbers}
    untracked = {"id": "gid://shopify/InventoryItem/2", "tracked": False, "inventoryLevel": numbers}
    nowhere = {"id": "gid://shopify/InventoryItem/3", "tracked": True, "inventoryLevel": None}
    stage.say("LevelsRead", {"data": {"nodes": [tracked, untracked, nowhere, None]}})
    levels = await shop.stock.read([StockKey(str(number), "9") for number in (1, 2, 3, 4)])
    assert [(one.key, one.quantity) for one in levels] == [(StockKey("1", "9"), -2), (StockKey("2", "9"), None)]
    assert len(stage.asked) == 1


@pytest.mark.anyio
async def test_the_scan_follows_items_with_many_locations(stage: Any, shop: Connector, page: Make) -> None:
    item = {"id": "gid://shopify/InventoryItem/1", "tracked": True, "inventoryLevels": page(level(1, 4), end="cut")}
    broken = {"id": "gid://shopify/InventoryItem/2", "tracked": True, "inventoryLevels": page({"location": None})}
    stage.say("LevelsScan", {"data": {"inventoryItems": page(item, broken)}})
    stage.say("ItemLevels", {"data": {"node": {"inventoryLevels": page(level(2, 5))}}})
    (read,) = [one async for one in shop.stock.scan()]
    assert [(one.key.location, one.quantity) for one in read.items] == [("1", 4), ("2", 5)]
    assert [one.id for one in read.bad] == ["gid://shopify/InventoryItem/2"]


@pytest.mark.anyio
async def test_the_level_feed_moves_only_after_its_last_page(stage: Any, shop: Connector, page: Make) -> None:
    changes = shop.stock.changes
    assert changes is not None
    one = {"id": "gid://shopify/Location/1", "inventoryLevels": page(level(1, 4), end="cut")}
    two = {"id": "gid://shopify/Location/2", "inventoryLevels": page(level(2, 5, "2026-11-22T11:59:00Z"))}
    stage.say("LevelsChanged", {"data": {"locations": page(one, two)}})
    stage.say("LevelsChangedAt", {"data": {"node": {"inventoryLevels": page(level(1, 6, item=3))}}})
    pages = [read async for read in changes.since("2026-11-22T09:00:00Z")]
    assert [(one.key.stock_id, one.key.location, one.quantity) for read in pages for one in read.items] == [
        ("1", "1", 4), ("1", "2", 5), ("3", "1", 6),
    ]  # fmt: skip
    assert [read.cursor for read in pages] == ["2026-11-22T09:00:00Z", "2026-11-22T11:54:00Z"]


@pytest.mark.anyio
async def test_a_quiet_level_feed_is_one_call(stage: Any, shop: Connector, page: Make) -> None:
    changes = shop.stock.changes
    assert changes is not None
    stage.say("LevelsChanged", {"data": {"locations": page()}})
    pages = [read async for read in changes.since("2026-11-22T09:00:00Z")]
    assert [read.cursor for read in pages] == ["2026-11-22T09:00:00Z"]
    assert stage.names() == ["LevelsChanged"]


@pytest.mark.anyio
async def test_a_stale_call_that_names_no_row_is_told_apart_by_reading(stage: Any, shop: Connector) -> None:
    error = {"field": None, "message": "stale", "code": "CHANGE_FROM_QUANTITY_STALE"}
    payload = {"userErrors": [error], "inventoryAdjustmentGroup": None}
    stage.say("StockAdjust", {"data": {"inventoryAdjustQuantities": payload}})
    nodes = [
        {"id": f"gid://shopify/InventoryItem/{number}", "tracked": True, "inventoryLevel": level(9, available)}
        for number, available in ((1, 10), (2, 8))
    ]
    stage.say("LevelsRead", {"data": {"nodes": nodes}})
    made = shop.stock.prepare([change(1), change(2)], "key")
    found = await shop.stock.send(made)
    assert [(one.kind, one.actual) for one in found if isinstance(one, Rejected)] == [("retry", None), ("stale", 8)]
    stage.say("LevelsRead", httpx.Response(503))
    assert [one.kind for one in await shop.stock.send(made) if isinstance(one, Rejected)] == ["stale", "stale"]
