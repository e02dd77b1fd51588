"""Which answer is which error, who acts next, and what the budget learns from it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from bridge.contract.errors import BridgeError, NeedsPerson, Refused, TryLater
from bridge.contract.ports import Connector
from bridge.contract.stock import StockChange
from bridge.domain.catalog import StockKey
from bridge.wire.budget import Budget
from bridge.wire.http import Request, Response
from connectors.shopify.judge import Judge

THROTTLED = {
    "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
    "extensions": {"cost": {
        "requestedQueryCost": 752, "actualQueryCost": None,
        "throttleStatus": {"maximumAvailable": 1000.0, "currentlyAvailable": 666, "restoreRate": 50.0},
    }},
}  # fmt: skip
READ = Request(method="POST", path="x", op="read orders", repeatable=True)
WRITE = Request(method="POST", path="x", op="create order")


def judged(request: Request, reply: httpx.Response) -> BridgeError | None:
    async def sleep(seconds: float) -> None:
        raise AssertionError("a judge does not wait")

    budget = Budget(capacity=1, per_second=0, time=lambda: 0.0, sleep=sleep)
    at = datetime(2026, 11, 22, tzinfo=UTC)
    answer = Response(
        op=request.op, status=reply.status_code, headers=reply.headers, content=reply.content, at=at, ms=1.0
    )
    return Judge(budget)(request, answer)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, NeedsPerson), (402, NeedsPerson), (403, NeedsPerson), (404, NeedsPerson), (423, NeedsPerson),
        (301, NeedsPerson), (400, Refused), (429, TryLater), (500, TryLater), (502, TryLater), (503, TryLater),
    ],
)  # fmt: skip
def test_statuses(status: int, error: type[BridgeError]) -> None:
    found = judged(READ, httpx.Response(status, text="<html>no</html>"))
    assert type(found) is error
    assert found.code == str(status)


@pytest.mark.parametrize("reply", [httpx.Response(429), httpx.Response(502), httpx.Response(200, json=THROTTLED)])
def test_a_write_may_have_happened_with_a_key_or_without(reply: httpx.Response) -> None:
    for request in (WRITE, replace(WRITE, repeatable=True)):
        error = judged(request, reply)
        assert isinstance(error, TryLater)
        assert error.maybe_applied


def test_throttled_waits_for_the_missing_points() -> None:
    error = judged(READ, httpx.Response(200, json=THROTTLED))
    assert isinstance(error, TryLater)
    assert error.after == pytest.approx((752 - 666) / 50)


def test_a_denied_scope_is_named(recorded: Callable[[str], Any]) -> None:
    error = judged(READ, httpx.Response(200, json=recorded("access_denied")))
    assert isinstance(error, NeedsPerson)
    assert "write_resource_feedbacks" in error.next_step


def test_an_internal_error_passes(recorded: Callable[[str], Any]) -> None:
    error = judged(WRITE, httpx.Response(200, json=recorded("internal_error")))
    assert isinstance(error, TryLater)
    assert error.maybe_applied


@pytest.mark.parametrize(
    "name", ["missingAdjustIdempotency", "missingAdjustChangeFromQuantity", "legacySetShape"]
)  # fmt: skip
def test_our_own_mistakes_are_refused_loudly(name: str, recorded: Callable[[str], Any]) -> None:
    error = judged(WRITE, httpx.Response(200, json=recorded("stock_write")[name]))
    assert isinstance(error, Refused)
    assert "report" in error.next_step


def test_too_dear_a_query_is_a_bug() -> None:
    reply = {"errors": [{"message": "Query cost is 1200", "extensions": {"code": "MAX_COST_EXCEEDED"}}]}
    error = judged(READ, httpx.Response(200, json=reply))
    assert isinstance(error, Refused)
    assert "bug" in error.next_step


def test_withheld_personal_data_is_no_error_but_any_other_denied_field_is(recorded: Callable[[str], Any]) -> None:
    denied = {"message": "not approved", "extensions": {"code": "ACCESS_DENIED"}}
    personal = {"data": {"orders": {}}, "errors": [{**denied, "path": ["orders", "nodes", 0, "customer"]}]}
    assert judged(READ, httpx.Response(200, json=personal)) is None
    assert isinstance(judged(READ, httpx.Response(200, json={**personal, "data": None})), NeedsPerson)
    assert isinstance(judged(READ, httpx.Response(200, json=recorded("access_denied_in_part"))), NeedsPerson)


def test_a_web_page_is_no_answer() -> None:
    error = judged(WRITE, httpx.Response(200, text="<html>Maintenance</html>"))
    assert isinstance(error, TryLater)
    assert error.maybe_applied


@pytest.mark.anyio
async def test_a_throttled_read_is_repeated_after_its_wait(stage: Any, shop: Connector, page: Any) -> None:
    stage.say("LevelsScan", THROTTLED, {"data": {"inventoryItems": page()}})
    assert [levels.items async for levels in shop.stock.scan()] == [()]
    assert sum(stage.slept) >= 86 / 50
    assert len(stage.asked) == 2


@pytest.mark.anyio
async def test_a_keyed_stock_write_is_repeated_unchanged(
    stage: Any, shop: Connector, recorded: Callable[[str], Any]
) -> None:
    change = StockChange(key=StockKey("53469430055218", "106318430514"), delta=2, shown=5)
    stage.say("StockAdjust", httpx.ReadError("cut"), recorded("stock_write")["inventoryAdjustQuantities"])
    await shop.stock.send(shop.stock.prepare([change], "key-1"))
    assert [call["raw"] for call in stage.asked] == [stage.asked[0]["raw"]] * 2


@pytest.mark.anyio
async def test_the_budget_follows_the_shop(stage: Any, shop: Connector, page: Any) -> None:
    status = {"maximumAvailable": 1000, "currentlyAvailable": 0, "restoreRate": 50}
    cost = {"requestedQueryCost": 167, "actualQueryCost": 3, "throttleStatus": status}
    stage.say("LevelsScan", {"data": {"inventoryItems": page()}, "extensions": {"cost": cost}})
    for _ in range(2):
        assert [levels async for levels in shop.stock.scan()]
    assert sum(stage.slept) == pytest.approx(167 / 50)
