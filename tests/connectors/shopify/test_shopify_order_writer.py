"""Orders made and changed in the shop: exact sums, no second order, units put back where they came from."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bridge.contract.errors import Refused, TryLater
from bridge.contract.ports import Connector, LineRefund, NewLine, NewOrder
from bridge.domain.money import Money
from bridge.domain.orders import Address, Contact, Tracking
from connectors.shopify.order_input import new_order, refund_lines, shipments
from connectors.shopify.order_mapping import order

Make = Callable[..., dict[str, Any]]
LINE = NewLine(
    variant_id="70", sku="MUG", title="Mug", quantity=3, unit_price=Money(333, "CAD"), total=Money(1000, "CAD"),
    tax=Money(130, "CAD"),
)  # fmt: skip
SALE = NewOrder(
    reference="bridge:woo:17", note="Order 17", currency="CAD", lines=(LINE,), shipping=Money(500, "CAD"),
    total=Money(1500, "CAD"), placed_at=datetime(2026, 11, 22, 9, 0, tzinfo=UTC),
)  # fmt: skip
WHO = {"data": {"shop": {"currencyCode": "CAD"}, "currentAppInstallation": {"accessScopes": []}}}


def cents(bag: dict[str, Any]) -> int:
    return int(Decimal(bag["shopMoney"]["amount"]) * 100)


@given(some.integers(1, 500), some.integers(0, 100_000), some.data())
def test_lines_add_up_to_the_cent(quantity: int, total: int, data: Any) -> None:
    tax = data.draw(some.integers(0, total))
    line = replace(LINE, quantity=quantity, total=Money(total, "CAD"), tax=Money(tax, "CAD"))
    sale = replace(SALE, lines=(line,), total=line.total + SALE.shipping)
    parts = new_order(sale, "CAD")["lineItems"]
    assert sum(part["quantity"] for part in parts) == quantity
    assert sum(part["quantity"] * cents(part["priceSet"]) for part in parts) == total
    assert sum(cents(entry["priceSet"]) for part in parts for entry in part.get("taxLines", ())) == tax
    assert len(parts) <= 2


@pytest.mark.parametrize("rest", [277, -240])
def test_what_lines_and_shipping_leave_of_the_total_is_a_line_or_a_discount(rest: int) -> None:
    made = new_order(replace(SALE, total=SALE.total + Money(rest, "CAD")), "CAD")
    lines = sum(part["quantity"] * cents(part["priceSet"]) for part in made["lineItems"])
    less = cents(made["discountCode"]["itemFixedDiscountCode"]["amountSet"]) if "discountCode" in made else 0
    assert lines - less + 500 == 1500 + rest
    assert ("discountCode" in made) == (rest < 0)


def test_a_mirror_is_paid_and_carries_our_reference() -> None:
    made = new_order(SALE, "CAD")
    assert (made["sourceIdentifier"], made["taxesIncluded"], made["financialStatus"]) == ("bridge:woo:17", True, "PAID")
    assert made["transactions"][0]["amountSet"] == {"shopMoney": {"amount": "15.00", "currencyCode": "CAD"}}
    assert made["shippingLines"][0]["priceSet"] == {"shopMoney": {"amount": "5.00", "currencyCode": "CAD"}}
    assert made["processedAt"] == "2026-11-22T09:00:00Z"
    assert not {"email", "phone", "shippingAddress"} & made.keys()


def test_who_bought_goes_along_as_far_as_it_is_valid() -> None:
    where = Address(name="Ada King Lovelace", line1="1 Main St", region="ON", country="ca", phone="call me")
    made = new_order(replace(SALE, customer=Contact(email="a@b.example", phone="(030) 12"), ship_to=where), "CAD")
    assert made["email"] == "a@b.example"
    assert "phone" not in made
    assert made["shippingAddress"] == {
        "firstName": "Ada King", "lastName": "Lovelace", "address1": "1 Main St", "provinceCode": "ON",
        "countryCode": "CA",
    }  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        {"currency": "EUR"}, {"lines": ()}, {"reference": ""}, {"lines": (replace(LINE, quantity=0),)},
        {"total": Money(-1, "CAD")}, {"lines": (replace(LINE, total=Money(1, "EUR")),)},
        {"lines": (replace(LINE, variant_id="x"),)},
    ],
)  # fmt: skip
def test_an_order_that_cannot_be_right_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        new_order(replace(SALE, **changed), "CAD")


@pytest.mark.anyio
async def test_mirroring_takes_the_stock_and_sends_no_mail(stage: Any, shop: Connector, make_order: Make) -> None:
    assert shop.order_writer is not None
    made = make_order(sourceIdentifier="bridge:woo:17")
    stage.say("Who", WHO)
    stage.say("OrderCreate", {"data": {"orderCreate": {"order": made, "userErrors": []}}})
    assert (await shop.order_writer.mirror(SALE)).reference == "bridge:woo:17"
    assert stage.asked[1]["variables"]["options"] == {
        "inventoryBehaviour": "DECREMENT_IGNORING_POLICY", "sendReceipt": False, "sendFulfillmentReceipt": False,
    }  # fmt: skip


@pytest.mark.anyio
async def test_a_lost_answer_is_never_followed_by_a_second_order(stage: Any, shop: Connector) -> None:
    import httpx

    assert shop.order_writer is not None
    stage.say("Who", WHO)
    stage.say("OrderCreate", httpx.ReadTimeout("lost"))
    with pytest.raises(TryLater) as raised:
        await shop.order_writer.mirror(SALE)
    assert raised.value.maybe_applied
    assert stage.names().count("OrderCreate") == 1


@pytest.mark.anyio
async def test_finding_compares_exactly(stage: Any, shop: Connector, make_order: Make) -> None:
    assert shop.order_writer is not None
    near = {"id": "gid://shopify/Order/5", "sourceIdentifier": "bridge:woo:170"}
    ours = {"id": "gid://shopify/Order/1", "sourceIdentifier": "bridge:woo:17"}
    found = [{"found": {"nodes": [near]}, "newest": {"nodes": nodes}} for nodes in ([], [ours])]
    stage.say("OrderByReference", *({"data": data} for data in found))
    stage.say("Order", {"data": {"order": make_order(sourceIdentifier="bridge:woo:17")}})
    assert await shop.order_writer.find("bridge:woo:17") is None
    match = await shop.order_writer.find("bridge:woo:17")
    assert match is not None
    assert match.id == "1"
    assert stage.asked[0]["variables"] == {"query": "source_identifier:'bridge:woo:17'"}


def places(page: Make, *parts: tuple[int, str, int]) -> dict[str, Any]:
    return page(*(
        {"id": f"gid://shopify/FulfillmentOrder/{number}", "status": status, "lineItems": page(),
         "assignedLocation": {"location": {"id": f"gid://shopify/Location/{place}"}}}
        for number, status, place in parts
    ))  # fmt: skip


def test_what_is_left_ships_once_per_place(make_order: Make, page: Make) -> None:
    node = make_order(
        fulfillmentOrders=places(page, (1, "OPEN", 8), (2, "IN_PROGRESS", 8), (3, "OPEN", 9), (4, "CLOSED", 8))
    )
    parcels = shipments(node, [Tracking(number="RR1", carrier="Post", url="https://post.example/RR1")])
    assert [[part["fulfillmentOrderId"][-1] for part in one["lineItemsByFulfillmentOrder"]] for one in parcels] == [
        ["1", "2"],
        ["3"],
    ]
    assert parcels[0]["trackingInfo"] == {
        "numbers": ["RR1"], "urls": ["https://post.example/RR1"], "company": "Post",
    }  # fmt: skip
    assert shipments(make_order(fulfillmentOrders=places(page, (4, "CLOSED", 8))), []) == []
    with pytest.raises(Refused, match="on hold"):
        shipments(make_order(fulfillmentOrders=places(page, (4, "ON_HOLD", 8))), [])


@pytest.mark.anyio
async def test_shipping_what_is_shipped_writes_nothing(stage: Any, shop: Connector, make_order: Make) -> None:
    assert shop.order_writer is not None
    node = make_order(displayFulfillmentStatus="FULFILLED")
    stage.say("Order", {"data": {"order": node}})
    assert (await shop.order_writer.fulfil(order(node), [], "key")).status == "fulfilled"
    assert stage.names() == ["Order"]


@pytest.mark.anyio
async def test_cancelling(stage: Any, shop: Connector, make_order: Make) -> None:
    assert shop.order_writer is not None
    before, after = make_order(), make_order(cancelledAt="2026-11-22T11:30:00Z")
    stage.say("Order", *({"data": {"order": node}} for node in (before, after, after)))
    stage.say("OrderCancel", {"data": {"orderCancel": {"job": {"done": False}, "orderCancelUserErrors": []}}})
    for _ in range(2):
        assert (await shop.order_writer.cancel(order(before), restock=True, key="k")).status == "cancelled"
    assert stage.names().count("OrderCancel") == 1
    stage.say("Order", {"data": {"order": before}})
    error = {"field": ["orderId"], "message": "Cannot cancel an order that has outstanding fulfillments", "code": None}
    stage.say("OrderCancel", {"data": {"orderCancel": {"job": None, "orderCancelUserErrors": [error]}}})
    with pytest.raises(Refused, match="outstanding"):
        await shop.order_writer.cancel(order(before), restock=True, key="k")


def test_refunded_units_go_back_where_they_came_from(make_order: Make, page: Make) -> None:
    shipped = page({"quantity": 3, "lineItem": {"id": "gid://shopify/LineItem/7"}})
    parcel = {"id": "f", "status": "SUCCESS", "trackingInfo": [], "fulfillmentLineItems": shipped}
    sold = order(make_order(fulfillments=[parcel], retailLocation={"id": "gid://shopify/Location/9"}))
    wanted = [LineRefund(line_id="7", quantity=4, amount=Money(4000, "CAD"))]
    line = {"lineItemId": "gid://shopify/LineItem/7"}
    at = {"locationId": "gid://shopify/Location/9"}
    assert refund_lines(sold, wanted, restock=True, default_location="") == [
        {**line, "quantity": 2, "restockType": "CANCEL", **at},
        {**line, "quantity": 2, "restockType": "RETURN", **at},
    ]
    assert refund_lines(sold, wanted, restock=False, default_location="") == [
        {**line, "quantity": 4, "restockType": "NO_RESTOCK"}
    ]
    with pytest.raises(Refused, match="left to refund"):
        refund_lines(sold, [replace(wanted[0], quantity=6)], restock=True, default_location="")
    with pytest.raises(Refused, match="came from"):
        refund_lines(order(make_order()), wanted, restock=True, default_location="")


@pytest.mark.anyio
async def test_a_refund_moves_no_money_and_has_a_key(stage: Any, shop: Connector, make_order: Make) -> None:
    assert shop.order_writer is not None
    sold = order(make_order(retailLocation={"id": "gid://shopify/Location/9"}))
    stage.say("Refund", {"data": {"refundCreate": {"refund": {"id": "r"}, "order": make_order(), "userErrors": []}}})
    lines, money = [LineRefund(line_id="7", quantity=1, amount=Money(1000, "CAD"))], Money(1000, "CAD")
    await shop.order_writer.refund(sold, lines, money, restock=True, reason="damaged", key="key-9")
    sent = stage.asked[0]["variables"]
    assert sent["key"] == "key-9"
    assert "transactions" not in sent["input"]
    with pytest.raises(Refused, match="EUR"):
        await shop.order_writer.refund(sold, lines, Money(1, "EUR"), restock=True, reason="", key="k")
