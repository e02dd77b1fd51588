"""The stock port: exact bodies, batches, outcomes per row, reading, the change log."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.errors import Refused, TryLater
from bridge.contract.stock import Applied, Prepared, Rejected, StockChange
from bridge.domain.catalog import StockKey
from connectors.square import LIMITS

if TYPE_CHECKING:
    from tests.connectors.square.conftest import Stub

WRITE = "/v2/inventory/changes/batch-create"
COUNTS = "/v2/inventory/counts/batch-retrieve"
LOG = "/v2/inventory/changes/batch-retrieve"
TEE, CAP = StockKey("VTEE", "L1"), StockKey("VCAP", "L1")


def count(key: StockKey, quantity: str, state: str = "IN_STOCK") -> dict[str, str]:
    return {"catalog_object_id": key.stock_id, "location_id": key.location, "state": state, "quantity": quantity}


def row(key: StockKey, delta: int, shown: int = 10, **more: Any) -> StockChange:
    return StockChange(key=key, delta=delta, shown=shown, **more)


@pytest.mark.anyio
async def test_deltas_go_out_as_adjustments_with_our_key(square: "Stub") -> None:
    prepared = square.connector.stock.prepare([row(TEE, -3), row(CAP, 2)], "k-1")
    square.answer(WRITE, {"counts": [count(TEE, "7"), count(TEE, "3", "SOLD"), count(CAP, "12")]})
    outcomes = await square.connector.stock.send(prepared)
    first, second = square.bodies(WRITE)[0]["changes"]
    assert first == {
        "type": "ADJUSTMENT",
        "adjustment": {
            "reference_id": "bridge:k-1",
            "catalog_object_id": "VTEE",
            "occurred_at": "2026-11-22T12:00:00.000Z",
            "from_state": "IN_STOCK",
            "to_state": "SOLD",
            "quantity": "3",
            "from_location_id": "L1",
            "to_location_id": "L1",
        },
    }
    assert (second["adjustment"]["from_state"], second["adjustment"]["to_state"]) == ("NONE", "IN_STOCK")
    assert square.bodies(WRITE)[0]["idempotency_key"] == "k-1"
    assert outcomes == [Applied(key=TEE, at=square.now, quantity=7), Applied(key=CAP, at=square.now, quantity=12)]


@pytest.mark.anyio
async def test_a_prepared_write_goes_out_byte_for_byte_after_a_restart(square: "Stub") -> None:
    made = square.connector.stock.prepare([row(TEE, -1)], "k-2")
    stored = Prepared(key=made.key, body=str(made.body), changes=made.changes)
    square.now += timedelta(hours=3)
    square.answer(WRITE, {"counts": [count(TEE, "9")]})
    await square.connector.stock.send(stored)
    assert square.bodies(WRITE) == [json.loads(made.body)]


@pytest.mark.anyio
async def test_a_lost_answer_is_sent_again_with_the_same_key(square: "Stub") -> None:
    square.lose(WRITE)
    square.answer(WRITE, {"counts": [count(TEE, "9")]})
    (outcome,) = await square.connector.stock.send(square.connector.stock.prepare([row(TEE, -1)], "k-3"))
    assert isinstance(outcome, Applied)
    assert outcome.quantity == 9
    assert [body["idempotency_key"] for body in square.bodies(WRITE)] == ["k-3", "k-3"]


@pytest.mark.anyio
async def test_a_write_older_than_a_day_is_looked_up_instead(square: "Stub") -> None:
    prepared = square.connector.stock.prepare([row(TEE, -1), row(CAP, -1)], "k-4")
    square.now += timedelta(hours=25)
    square.answer(
        LOG,
        {
            "changes": [
                {
                    "type": "ADJUSTMENT",
                    "adjustment": {**count(TEE, "1"), "reference_id": "bridge:k-4", "from_state": "IN_STOCK"},
                }
            ]
        },
    )
    first, second = await square.connector.stock.send(prepared)
    assert isinstance(first, Applied)
    assert isinstance(second, Rejected)
    assert second.kind == "retry"
    assert not square.bodies(WRITE)


@pytest.mark.anyio
async def test_tracking_starts_with_a_count(square: "Stub") -> None:
    body = json.loads(square.connector.stock.prepare([row(TEE, 4, shown=0, track=True)], "k").body)
    assert body["changes"][0]["type"] == "PHYSICAL_COUNT"
    assert body["changes"][0]["physical_count"]["quantity"] == "4"
    assert body["changes"][0]["physical_count"]["state"] == "IN_STOCK"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("change", "key", "reason"),
    [
        (row(TEE, 0), "k", "0 units"),
        (row(StockKey("VTEE"), 1), "k", "per variation and location"),
        (row(TEE, 5_000_000), "k", "beyond"),
        (row(TEE, 1), "k" * 129, "128"),
        (row(TEE, 1), "", "128"),
    ],
)
async def test_a_bad_row_is_refused_before_it_goes_out(
    square: "Stub", change: StockChange, key: str, reason: str
) -> None:
    with pytest.raises(Refused, match=reason):
        square.connector.stock.prepare([change], key)


@pytest.mark.anyio
async def test_a_refused_call_names_its_bad_row_and_frees_the_others(square: "Stub") -> None:
    problem = {
        "category": "INVALID_REQUEST_ERROR",
        "code": "NOT_FOUND",
        "detail": "no such",
        "field": "changes[1].adjustment",
    }
    square.answer(WRITE, {"errors": [problem]}, status=404)
    outcomes = await square.connector.stock.send(square.connector.stock.prepare([row(TEE, 1), row(CAP, 1)], "k"))
    kinds = [outcome.kind for outcome in outcomes if isinstance(outcome, Rejected)]
    assert kinds == ["retry", "gone"]


@pytest.mark.anyio
async def test_a_row_named_only_in_the_text_is_found(square: "Stub") -> None:
    problem = {
        "category": "INVALID_REQUEST_ERROR",
        "code": "INVALID_VALUE",
        "detail": "Variation `VCAP` is not stockable.",
    }
    square.answer(WRITE, {"errors": [problem]}, status=400)
    outcomes = await square.connector.stock.send(square.connector.stock.prepare([row(TEE, 1), row(CAP, 1)], "k"))
    assert [outcome.kind for outcome in outcomes if isinstance(outcome, Rejected)] == ["retry", "invalid"]


@pytest.mark.anyio
async def test_a_refusal_that_names_no_row_is_not_blamed_on_all(square: "Stub") -> None:
    problem = {"category": "INVALID_REQUEST_ERROR", "code": "BAD_REQUEST", "detail": "nope"}
    square.answer(WRITE, {"errors": [problem]}, status=400)
    stock = square.connector.stock
    with pytest.raises(Refused, match="nope"):
        await stock.send(stock.prepare([row(TEE, 1), row(CAP, 1)], "k"))
    alone = await stock.send(stock.prepare([row(TEE, 1)], "k5"))
    assert [outcome.kind for outcome in alone if isinstance(outcome, Rejected)] == ["invalid"]


@pytest.mark.anyio
async def test_an_unwell_square_is_tried_later(square: "Stub") -> None:
    square.answer(WRITE, {"errors": [{"category": "API_ERROR", "code": "INTERNAL_SERVER_ERROR"}]}, status=500)
    with pytest.raises(TryLater) as caught:
        await square.connector.stock.send(square.connector.stock.prepare([row(TEE, 1)], "k"))
    assert caught.value.maybe_applied


@pytest.mark.anyio
async def test_an_answer_that_stays_lost_may_have_been_applied(square: "Stub") -> None:
    square.lose(WRITE)
    with pytest.raises(TryLater, match="till: write stock") as caught:
        await square.connector.stock.send(square.connector.stock.prepare([row(TEE, 1)], "k"))
    assert caught.value.maybe_applied
    assert len({body["idempotency_key"] for body in square.bodies(WRITE)}) == 1


@pytest.mark.anyio
async def test_a_clock_ahead_of_squares_is_corrected(square: "Stub") -> None:
    square.answer(WRITE, {"counts": [count(TEE, "1")]}, date="Sun, 22 Nov 2026 11:59:00 GMT")
    stock = square.connector.stock
    await stock.send(stock.prepare([row(TEE, 1)], "k1"))
    later = json.loads(stock.prepare([row(TEE, 1)], "k2").body)
    assert later["changes"][0]["adjustment"]["occurred_at"] == "2026-11-22T11:59:00.000Z"


@pytest.mark.anyio
async def test_reading_tells_uncounted_from_deleted(square: "Stub") -> None:
    gone = StockKey("VGONE", "L1")
    square.answer(COUNTS, {"counts": [count(TEE, "5"), count(StockKey("VTEE", "L2"), "8")]})
    square.answer("/v2/catalog/batch-retrieve", {"objects": [{"id": "VCAP", "type": "ITEM_VARIATION"}]})
    levels = await square.connector.stock.read([TEE, CAP, gone])
    assert [(level.key, level.quantity) for level in levels] == [(TEE, 5), (CAP, None)]
    assert await square.connector.stock.read([]) == []


@pytest.mark.anyio
async def test_the_feed_moves_its_cursor_on_the_last_page_only(square: "Stub") -> None:
    feed = square.connector.stock.changes
    assert feed is not None
    start = feed.begin(square.now - timedelta(hours=1))
    square.answer(COUNTS, {"counts": [count(TEE, "5")], "cursor": "c2"})
    square.answer(COUNTS, {"counts": [count(CAP, "1.5"), count(TEE, "2", "WASTE")]})
    first, second = [page async for page in feed.since(start)]
    assert first.cursor == start
    assert second.cursor == "2026-11-22T11:58:00.000Z"
    assert [level.quantity for level in first.items] == [5]
    assert [bad.id for bad in second.bad] == ["VCAP"]
    assert "not a whole number" in second.bad[0].reason
    assert [body.get("cursor") for body in square.bodies(COUNTS)] == [None, "c2"]
    assert square.bodies(COUNTS)[1]["updated_after"] == start


@pytest.mark.anyio
async def test_the_log_tells_who_moved_a_number(square: "Stub") -> None:
    base = {"catalog_object_id": "VTEE", "location_id": "L1", "quantity": "2", "occurred_at": "2026-11-22T11:00:00Z"}
    api = {"source": {"product": "EXTERNAL_API", "name": "Stocktaker"}}

    def adjusted(before: str, after: str, **more: Any) -> dict[str, Any]:
        return {
            "type": "ADJUSTMENT",
            "adjustment": {**base, "id": "A", "from_state": before, "to_state": after, **more},
        }

    counted = {"type": "PHYSICAL_COUNT", "physical_count": {**base, "id": "P", "state": "IN_STOCK", "quantity": "86"}}
    entries = [
        adjusted("IN_STOCK", "SOLD", transaction_id="O1"),
        adjusted("IN_STOCK", "SOLD", **api),
        adjusted("IN_STOCK", "SOLD", reference_id="bridge:k-9", **api),
        adjusted("NONE", "IN_STOCK", **api),
        adjusted("SOLD", "IN_STOCK", refund_id="R1"),
        adjusted("IN_STOCK", "WASTE"),
        adjusted("SOLD", "RETURNED_BY_CUSTOMER", transaction_id="O1"),
        adjusted("UNTRACKED", "IN_STOCK", physical_count_id="P"),
        adjusted("IN_STOCK", "IN_STOCK", from_location_id="L1", to_location_id="L2"),
        counted,
    ]
    square.answer(LOG, {"changes": entries})
    causes = await square.connector.stock.causes([TEE], square.now - timedelta(days=1))
    found = [(cause.kind, cause.quantity, cause.by) for cause in causes]
    assert found == [
        ("sale", -2, ""),
        ("adjust", -2, "Stocktaker"),
        ("ours", -2, "k-9"),
        ("adjust", 2, "Stocktaker"),
        ("return", 2, ""),
        ("adjust", -2, ""),
        ("adjust", -2, ""),
        ("count", 86, ""),
    ]
    assert square.bodies(LOG)[0]["updated_after"] == "2026-11-21T11:59:59.999Z"


@pytest.mark.anyio
async def test_logs_of_real_accounts_are_understood(square: "Stub") -> None:
    square.answer(LOG, square.load("stock_log_return.json"))
    key = StockKey("2FFWXGLO5KRFIBKJXYUJBZIE", "LTGR8RKS9T3X1")
    causes = await square.connector.stock.causes([key], square.now)
    assert [(cause.kind, cause.quantity, cause.id) for cause in causes] == [("return", 1, "5SVGR2RUIZFK6WIPWYW77AY7")]


@pytest.mark.anyio
async def test_the_specifications_examples_are_understood(square: "Stub") -> None:
    square.answer(LOG, square.load("stock_log_count.json"))
    key = StockKey("W62UWFY35CWMYGVWK6TWJDNI", "C6W5YS5QM06F5")
    (counted,) = await square.connector.stock.causes([key], square.now)
    assert (counted.kind, counted.quantity, counted.by) == ("count", 86, "Square Point of Sale 4.37")
    square.answer(WRITE, square.load("stock_written.json"))
    (applied,) = await square.connector.stock.send(square.connector.stock.prepare([row(key, 3, shown=50)], "k"))
    assert isinstance(applied, Applied)
    assert applied.quantity == 53


@given(st.integers(min_value=0, max_value=450))
def test_batches_reach_the_floor(number: int) -> None:
    from connectors.square.stock import Stock

    rows = [row(StockKey(f"V{at}", "L1"), 1) for at in range(number)]
    batches = Stock.batches(Stock.__new__(Stock), rows)
    assert len(batches) == -(-number // LIMITS.stock_batch)
    assert [change for batch in batches for change in batch] == rows
