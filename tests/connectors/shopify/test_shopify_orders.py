"""Orders as domain values; one test for each row of the table of `held` in order_mapping."""

from collections.abc import Callable
from typing import Any

import pytest

from bridge.contract.errors import Gone, Refused
from bridge.contract.ports import Connector
from bridge.domain.money import Money
from connectors.shopify.order_mapping import order, orders

Make = Callable[..., dict[str, Any]]


def refunded(quantity: int, kind: str, restocked: bool, *, returned: bool = False) -> dict[str, Any]:
    item = {
        "quantity": quantity, "restockType": kind, "restocked": restocked,
        "lineItem": {"id": "gid://shopify/LineItem/7"},
    }  # fmt: skip
    lines = {"nodes": [item], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    return {"id": "gid://shopify/Refund/1", "return": {"id": "x"} if returned else None, "refundLineItems": lines}


def disposed(*dispositions: tuple[str, int]) -> list[dict[str, Any]]:
    line = {
        "fulfillmentLineItem": {"lineItem": {"id": "gid://shopify/LineItem/7"}},
        "dispositions": [{"type": kind, "quantity": quantity} for kind, quantity in dispositions],
    }
    return [{"reverseFulfillmentOrders": {"nodes": [{"lineItems": {"nodes": [line]}}]}}]


CANCELLED = "2026-11-22T11:00:00Z"
ROWS = [
    # (what happened, changes of the order, changes of the line, held, quantity, refunded, restocked)
    ("placed", {}, {}, 5, 5, 0, 0),
    ("reservation pending", {"confirmed": False}, {}, 0, 5, 0, 0),
    ("custom item", {}, {"variant": None, "sku": None}, 0, 5, 0, 0),
    ("sold, then deleted", {}, {"variant": None}, 5, 5, 0, 0),
    ("refund CANCEL", {"refunds": [refunded(2, "CANCEL", True)]}, {"currentQuantity": 3}, 3, 5, 2, 2),
    ("refund RETURN", {"refunds": [refunded(2, "RETURN", True)]}, {"currentQuantity": 3}, 3, 5, 2, 2),
    ("refund NO_RESTOCK", {"refunds": [refunded(2, "NO_RESTOCK", False)]}, {"currentQuantity": 3}, 5, 5, 2, 0),
    ("restock that failed", {"refunds": [refunded(2, "RETURN", False)]}, {"currentQuantity": 3}, 5, 5, 2, 0),
    (
        "two refunds",
        {"refunds": [refunded(2, "RETURN", True), refunded(1, "NO_RESTOCK", False)]},
        {"currentQuantity": 2},
        3, 5, 3, 2,
    ),
    ("return shelved, not yet refunded", {"returns": disposed(("RESTOCKED", 2))}, {}, 3, 5, 2, 2),
    ("return thrown away", {"returns": disposed(("NOT_RESTOCKED", 2))}, {}, 5, 5, 2, 0),
    (
        "return refunded and shelved",
        {"returns": disposed(("RESTOCKED", 2)), "refunds": [refunded(2, "RETURN", True, returned=True)]},
        {"currentQuantity": 3},
        3, 5, 2, 2,
    ),
    (
        "cancelled and restocked",
        {"cancelledAt": CANCELLED, "refunds": [refunded(5, "CANCEL", True)]},
        {"currentQuantity": 0},
        0, 5, 5, 5,
    ),
    ("cancelled, not restocked", {"cancelledAt": CANCELLED}, {"currentQuantity": 0}, 5, 5, 0, 0),
    ("edit adds two", {}, {"quantity": 7, "currentQuantity": 7}, 7, 7, 0, 0),
    ("edit removes two", {}, {"currentQuantity": 3}, 3, 3, 0, 0),
    (
        "edit removes one, refund of one",
        {"refunds": [refunded(1, "NO_RESTOCK", False)]},
        {"currentQuantity": 3},
        4, 4, 1, 0,
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "line", "held", "quantity", "back", "restocked"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS]
)
def test_what_an_order_does_to_the_number(
    changed: dict[str, Any], line: dict[str, Any], held: int, quantity: int, back: int, restocked: int,
    make_order: Make, make_line: Make, page: Make,
) -> None:  # fmt: skip
    read = order(make_order(lineItems=page(make_line(**line)), **changed)).lines[0]
    assert (read.held, read.quantity, read.refunded, read.restocked) == (held, quantity, back, restocked)


def test_a_fulfilled_line_keeps_its_units_taken(make_order: Make, page: Make) -> None:
    shipped = page({"quantity": 5, "lineItem": {"id": "gid://shopify/LineItem/7"}})
    parcel = {"number": "RR1", "company": "Post", "url": None}
    done = {"id": "f", "status": "SUCCESS", "trackingInfo": [parcel], "fulfillmentLineItems": shipped}
    undone = {**done, "status": "CANCELLED"}
    read = order(make_order(displayFulfillmentStatus="FULFILLED", fulfillments=[done, undone]))
    assert (read.status, read.lines[0].fulfilled, read.lines[0].held) == ("fulfilled", 5, 5)
    assert [parcel.number for parcel in read.tracking] == ["RR1"]


def test_recorded_edit(recorded: Callable[[str], Any], make_order: Make, make_line: Make, page: Make) -> None:
    seen = recorded("order_edit")
    lines = [make_line(**node) for node in seen["lineItems"]["nodes"]]
    places = [
        {**part, "assignedLocation": {"location": {"id": "gid://shopify/Location/9"}}}
        for part in seen["fulfillmentOrders"]["nodes"]
    ]
    read = order(make_order(id=seen["id"], lineItems=page(*lines), fulfillmentOrders=page(*places)))
    assert read.id == "8837930516786"
    assert [(line.quantity, line.held, line.variant_id, line.location) for line in read.lines] == [
        (1, 1, None, "9"),
        (2, 2, "49875425296690", "9"),
    ]


def test_recorded_edit_to_zero(recorded: Callable[[str], Any], make_order: Make, make_line: Make, page: Make) -> None:
    lines = [make_line(**node) for node in recorded("order_edit_to_zero")["lineItems"]["nodes"]]
    read = order(make_order(lineItems=page(*lines)))
    assert [line.quantity for line in read.lines] == [2, 1, 0]
    assert [line.total for line in read.lines] == [Money(4000, "CAD"), Money(1200, "CAD"), Money(0, "CAD")]


@pytest.mark.parametrize(("name", "ordered", "held"), [("refund_restocked", 2, 1), ("refund_not_restocked", 1, 1)])
def test_recorded_refunds(
    name: str, ordered: int, held: int, recorded: Callable[[str], Any], make_order: Make, make_line: Make, page: Make
) -> None:
    seen = recorded(name)
    refund = {**seen["answer"]["data"]["refundCreate"]["refund"], "return": None}
    line = {**seen["order"]["lineItems"]["nodes"][0], "currentQuantity": ordered - 1}
    read = order(make_order(lineItems=page(make_line(**line)), refunds=[refund], id=seen["order"]["id"]))
    assert (read.lines[0].quantity, read.lines[0].refunded, read.lines[0].held) == (ordered, 1, held)


def test_amounts_are_what_the_buyer_pays(make_order: Make, make_line: Make, page: Make) -> None:
    def bag(amount: str) -> dict[str, Any]:
        return {"shopMoney": {"amount": amount, "currencyCode": "CAD"}}

    line = make_line(
        quantity=3, currentQuantity=3, originalUnitPriceSet=bag("3.35"),
        discountAllocations=[{"allocatedAmountSet": bag("0.05")}], taxLines=[{"priceSet": bag("1.3")}],
    )  # fmt: skip
    apart = order(make_order(lineItems=page(line), taxesIncluded=False)).lines[0]
    within = order(make_order(lineItems=page(line), taxesIncluded=True)).lines[0]
    assert (apart.total, apart.tax) == (Money(1130, "CAD"), Money(130, "CAD"))
    assert (within.total, within.tax) == (Money(1000, "CAD"), Money(130, "CAD"))
    assert within.unit_price == Money(333, "CAD")


def test_an_order_without_personal_data_is_an_order(make_order: Make) -> None:
    read = order(make_order())
    assert (read.customer, read.ship_to) == (None, None)


def test_only_our_own_references_count(make_order: Make) -> None:
    assert order(make_order(sourceIdentifier="bridge:woo:17")).reference == "bridge:woo:17"
    assert order(make_order(sourceIdentifier="1234-12-1000")).reference is None


@pytest.mark.parametrize(
    ("changed", "line", "named"),
    [
        ({}, {"quantity": 1.5}, "quantity"), ({}, {"quantity": 2_000_000}, "quantity"), ({}, {"id": "7"}, "'7'"),
        ({}, {"currentQuantity": None}, "currentQuantity"), ({"createdAt": None}, {}, "createdAt"),
        ({"refunds": None}, {}, "refunds"), ({"updatedAt": "yesterday"}, {}, "yesterday"),
    ],
)  # fmt: skip
def test_a_bad_order_is_set_aside_with_its_reason(
    changed: dict[str, Any], line: dict[str, Any], named: str, make_order: Make, make_line: Make, page: Make
) -> None:
    bad = make_order(lineItems=page(make_line(**line)), **changed)
    good, set_aside = orders([bad, make_order(id="gid://shopify/Order/2")])
    assert [one.id for one in good] == ["2"]
    assert named in set_aside[0].reason
    assert set_aside[0].id == "gid://shopify/Order/1"


@pytest.mark.anyio
async def test_the_feed_moves_its_cursor_with_an_overlap(
    stage: Any, shop: Connector, make_order: Make, page: Make
) -> None:
    late = make_order(id="gid://shopify/Order/2", updatedAt="2026-11-22T11:58:00Z")
    stage.say("Orders", {"data": {"orders": page(make_order(), end="next")}}, {"data": {"orders": page(late)}})
    pages = [one async for one in shop.sales.changes.since("2026-11-22T09:00:00Z")]
    assert [one.id for read in pages for one in read.items] == ["1", "2"]
    # 11:00 is older than any lag of the index, 11:58 is not: its last five minutes are read again.
    assert [read.cursor for read in pages] == ["2026-11-22T11:00:00Z", "2026-11-22T11:53:00Z"]
    assert stage.asked[0]["variables"] == {"query": "updated_at:>='2026-11-22T09:00:00Z'", "after": None}
    assert stage.asked[1]["variables"]["after"] == "next"


@pytest.mark.anyio
async def test_a_quiet_feed_is_one_call_and_keeps_its_cursor(stage: Any, shop: Connector, page: Make) -> None:
    stage.say("Orders", {"data": {"orders": page()}})
    pages = [one async for one in shop.sales.changes.since("2026-11-22T09:00:00Z")]
    assert [(one.items, one.cursor) for one in pages] == [((), "2026-11-22T09:00:00Z")]
    assert len(stage.asked) == 1


@pytest.mark.anyio
async def test_long_orders_are_read_to_their_end(
    stage: Any, shop: Connector, make_order: Make, make_line: Make, page: Make
) -> None:
    node = make_order(lineItems=page(make_line(), end="cut"), returnStatus="RETURNED")
    more = page(make_line(id="gid://shopify/LineItem/8"))
    stage.say("Order", {"data": {"order": node}})
    stage.say("OrderLines", {"data": {"node": {"lineItems": more}}})
    stage.say("OrderReturns", {"data": {"node": {"returns": page(*disposed(("RESTOCKED", 1)))}}})
    read = await shop.sales.get("1")
    assert [(line.id, line.held) for line in read.lines] == [("7", 4), ("8", 5)]
    assert stage.asked[1]["variables"] == {"id": "gid://shopify/Order/1", "after": "cut"}


@pytest.mark.anyio
async def test_a_missing_order_is_gone_and_a_broken_one_refused(stage: Any, shop: Connector, make_order: Make) -> None:
    stage.say("Order", {"data": {"order": None}}, {"data": {"order": make_order(createdAt=None)}})
    with pytest.raises(Gone):
        await shop.sales.get("1")
    with pytest.raises(Refused, match="createdAt"):
        await shop.sales.get("1")
    with pytest.raises(Refused, match="not the id"):
        await shop.sales.get("1' OR id:2")
