"""Numbers at eBay: several SKUs a call or not, revisions, and what an answer leaves out."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bridge.contract.errors import Refused
from bridge.contract.stock import Applied, Rejected, StockChange
from bridge.domain.catalog import StockKey
from tests.connectors.ebay.conftest import House, good


def _changes(*skus: str, delta: int = -1) -> list[StockChange]:
    return [StockChange(key=StockKey(sku), delta=delta, shown=10) for sku in skus]


def _write(house: House, changes: list[StockChange], key: str = "k") -> list[Any]:
    stock = house.ebay.stock
    return [
        out
        for n, batch in enumerate(stock.batches(changes))
        for out in house.run(_send(stock, list(batch), f"{key}{n}"))
    ]


async def _send(stock: Any, batch: list[StockChange], key: str) -> Any:
    return await stock.send(stock.prepare(batch, key))


def test_where_a_call_takes_one_sku_the_rows_go_again_alone(build_house: Callable[..., House]) -> None:
    """The method's text says one SKU a call, its type says 25: either is served."""
    house = build_house(skus_per_call=1)
    house.shop.seed([good("TEE"), good("CAP"), good("MUG")])
    first = _write(house, _changes("TEE", "CAP", "MUG"))
    assert {(type(one), one.kind) for one in first} == {(Rejected, "retry")}
    again = _write(house, _changes("TEE", "CAP", "MUG"), "again")
    assert {type(one) for one in again} == {Applied}
    assert len(house.wire.paths("bulk_update_price_quantity")) == 4
    assert house.shop.stock() == {sku: {"": 9} for sku in ("TEE", "CAP", "MUG")}


def test_a_row_that_spoilt_a_whole_call_is_found_and_the_others_go(house: House) -> None:
    house.shop.seed([good("TEE"), good("BAD"), good("MUG")])

    def spoil(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith("bulk_update_price_quantity") or b"BAD" not in request.content:
            return None
        return httpx.Response(400, json={"errors": [{"errorId": 25709, "message": "Invalid value for sku."}]})

    house.wire.instead = spoil
    skus = ("TEE", "BAD", "MUG")
    assert {one.kind for one in _write(house, _changes(*skus))} == {"retry"}
    outcomes = dict(zip(skus, _write(house, _changes(*skus), "again"), strict=True))
    assert isinstance(outcomes["BAD"], Rejected)
    assert (outcomes["BAD"].kind, outcomes["BAD"].code) == ("invalid", "25709")
    assert isinstance(outcomes["TEE"], Applied)
    assert isinstance(outcomes["MUG"], Applied)


def test_a_row_that_the_answer_leaves_out_goes_again(house: House) -> None:
    house.shop.seed([good("TEE"), good("CAP")])

    def half(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith("bulk_update_price_quantity"):
            return None
        return httpx.Response(200, json={"responses": [{"sku": "TEE", "statusCode": 200}]})

    house.wire.instead = half
    done, left = _write(house, _changes("TEE", "CAP"))
    assert isinstance(done, Applied)
    assert isinstance(left, Rejected)
    assert left.kind == "retry"
    assert [len(batch) for batch in house.ebay.stock.batches(_changes("TEE", "CAP"))] == [1, 1]


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"statusCode": 404, "errors": [{"errorId": 25702, "message": "TEE could not be found"}]}, "gone"),
        ({"statusCode": 500, "errors": [{"errorId": 25001, "message": "system error"}]}, "retry"),
        ({"statusCode": 400, "errors": [{"errorId": 25025, "message": "Concurrent access"}]}, "retry"),
        ({"statusCode": 400, "errors": [{"errorId": 25004, "message": "Invalid quantity."}]}, "invalid"),
        ({"statusCode": 400}, "invalid"),
        ({}, "invalid"),
    ],
)
def test_each_rows_own_status_says_what_became_of_it(house: House, row: dict[str, Any], kind: str) -> None:
    house.shop.seed([good("TEE")])
    house.wire.instead = lambda request: (
        httpx.Response(207, json={"responses": [{"sku": "TEE", **row}]}) if "bulk_update" in request.url.path else None
    )
    (outcome,) = _write(house, _changes("TEE"))
    assert isinstance(outcome, Rejected)
    assert outcome.kind == kind
    assert outcome.reason


def test_an_offer_that_failed_counts_for_its_sku(house: House) -> None:
    house.shop.seed([good("TEE")])
    answers = [
        {"sku": "TEE", "offerId": "1", "statusCode": 400, "errors": [{"errorId": 25713, "message": "not available"}]},
        {"sku": "TEE", "statusCode": 200},
    ]
    house.wire.instead = lambda request: (
        httpx.Response(207, json={"responses": answers}) if "bulk_update" in request.url.path else None
    )
    (outcome,) = _write(house, _changes("TEE"))
    assert isinstance(outcome, Rejected)


def test_the_revision_after_the_last_of_a_day_is_refused_and_the_next_day_is_not(
    build_house: Callable[..., House],
) -> None:
    house = build_house(revisions=3)
    house.shop.seed([good("TEE"), good("CAP")])
    for number in range(3):
        assert isinstance(_write(house, _changes("TEE"), f"k{number}")[0], Applied)
    refused, other = _write(house, _changes("TEE", "CAP"), "over")
    assert isinstance(refused, Rejected)
    assert "revised too many times" in refused.reason
    assert isinstance(other, Applied)
    house.wait(24 * 3600)
    assert isinstance(_write(house, _changes("TEE"), "tomorrow")[0], Applied)


def test_ten_thousand_numbers_are_four_hundred_calls(house: House) -> None:
    changes = _changes(*(f"SKU-{number}" for number in range(10_000)))
    assert len(house.ebay.stock.batches(changes)) == 400
    assert house.ebay.limits.changes_per_day == 250


def test_the_setting_makes_calls_smaller(house: House) -> None:
    one = house.open(skus_per_call=1)
    assert one.limits.stock_batch == 1
    assert [len(batch) for batch in one.stock.batches(_changes("TEE", "CAP"))] == [1, 1]
    for wrong in (0, 26):
        with pytest.raises(Refused, match="skus_per_call"):
            house.open(skus_per_call=wrong)


def test_only_the_total_is_written(house: House) -> None:
    prepared = house.ebay.stock.prepare(_changes("TEE", delta=-4), "k")
    assert json.loads(prepared.body) == {"requests": [{"sku": "TEE", "shipToLocationAvailability": {"quantity": 6}}]}


def test_one_sku_twice_in_a_call_is_refused(house: House) -> None:
    with pytest.raises(Refused, match="once"):
        house.ebay.stock.prepare(_changes("TEE", "TEE"), "k")


def test_a_row_that_is_refused_alone_lets_the_others_go_together_again(house: House) -> None:
    house.wire.instead = lambda request: (
        httpx.Response(400, json={"errors": [{"errorId": 25709, "message": "Invalid value for sku."}]})
        if "bulk_update" in request.url.path
        else None
    )
    _write(house, _changes("TEE", "BAD"))
    assert [len(batch) for batch in house.ebay.stock.batches(_changes("TEE", "CAP"))] == [1, 1]
    _write(house, _changes("BAD"))
    assert [len(batch) for batch in house.ebay.stock.batches(_changes("TEE", "CAP"))] == [2]
