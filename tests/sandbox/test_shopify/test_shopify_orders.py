"""Orders made through the API, and how they look afterwards."""

from typing import Any

import pytest

from tests.sandbox.test_shopify.kit import Caller, Clock, tee
from tests.sandbox.test_shopify.test_shopify_stock import location, states

pytestmark = pytest.mark.anyio
CREATE = """mutation C($order: OrderCreateOrderInput!, $options: OrderCreateOptionsInput) {
  orderCreate(order: $order, options: $options) {
    order { id sourceIdentifier sourceName displayFinancialStatus } userErrors { field message code } } }"""


def mirror(variant: str, quantity: int = 2, **more: Any) -> dict[str, Any]:
    return {"lineItems": [{"variantId": variant, "quantity": quantity}], "sourceIdentifier": "woo-17", **more}


@pytest.mark.parametrize(
    ("behaviour", "left"),
    [
        ("BYPASS", (5, 0, 5)),
        ("DECREMENT_IGNORING_POLICY", (3, 2, 5)),
        ("DECREMENT_OBEYING_POLICY", (3, 2, 5)),
        (None, (5, 0, 5)),
    ],
)
async def test_the_inventory_behaviour_of_an_order(
    caller: Caller, behaviour: str | None, left: tuple[int, int, int]
) -> None:
    row = caller.shop.seed([tee()])[0]
    options = {"inventoryBehaviour": behaviour} if behaviour else None
    made = (await caller.data(CREATE, {"order": mirror(row["variant"]), "options": options}))["orderCreate"]
    assert made["userErrors"] == []
    assert await states(caller, row["stock_id"]) == left
    caller.shop.fulfil(made["order"]["id"])
    available, committed, on_hand = left
    assert await states(caller, row["stock_id"]) == (available, 0, on_hand - committed)


async def test_obeying_the_policy_refuses_without_a_trace(caller: Caller) -> None:
    row = caller.shop.seed([tee()])[0]
    options = {"inventoryBehaviour": "DECREMENT_OBEYING_POLICY"}
    made = await caller.data(CREATE, {"order": mirror(row["variant"], 6), "options": options})
    assert made["orderCreate"]["userErrors"][0]["code"] == "INVENTORY_CLAIM_FAILED"
    assert caller.shop.orders() == []
    assert await states(caller, row["stock_id"]) == (5, 0, 5)


async def test_an_order_is_found_by_the_reference_it_was_made_with(caller: Caller) -> None:
    row = caller.shop.seed([tee()])[0]
    for reference in ("woo-17", "woo-170"):
        await caller.data(CREATE, {"order": mirror(row["variant"], sourceIdentifier=reference)})
    found = await caller.data(
        "{ orders(first: 5, query: \"source_identifier:'woo-17'\") { nodes { sourceIdentifier } } }"
    )
    assert found["orders"]["nodes"] == [{"sourceIdentifier": "woo-17"}]
    assert [order["reference"] for order in caller.shop.orders()] == ["woo-17", "woo-170"]


async def test_fulfilled_at_creation_leaves_the_named_location(caller: Caller) -> None:
    row = caller.shop.seed([tee(stock={"Shop location": 5, "My Custom Location": 5})])[0]
    place = await location(caller, "My Custom Location")
    order = mirror(row["variant"], fulfillment={"locationId": place, "trackingNumber": "T1"})
    await caller.data(CREATE, {"order": order, "options": {"inventoryBehaviour": "DECREMENT_IGNORING_POLICY"}})
    assert await states(caller, row["stock_id"], "My Custom Location") == (3, 0, 3)
    assert await states(caller, row["stock_id"]) == (5, 0, 5)


async def test_cancelling_is_a_job(caller: Caller) -> None:
    row = caller.shop.seed([tee()])[0]
    order = caller.shop.sale([{"sku": "TEE", "quantity": 2}])
    text = """mutation C($id: ID!) { orderCancel(orderId: $id, reason: CUSTOMER, restock: true) {
      job { id done } orderCancelUserErrors { code message } } }"""
    made = (await caller.data(text, {"id": order}))["orderCancel"]
    assert made["job"]["done"] is False
    read = await caller.data(
        """query Q($id: ID!, $job: ID!) { job(id: $job) { done }
        order(id: $id) { cancelledAt lineItems(first: 1) { nodes { currentQuantity } } } }""",
        {"id": order, "job": made["job"]["id"]},
    )
    assert read["order"]["cancelledAt"] == "2026-11-02T08:00:00Z"
    assert read["order"]["lineItems"]["nodes"] == [{"currentQuantity": 0}]
    assert read["job"] == {"done": True}
    assert await states(caller, row["stock_id"]) == (5, 0, 5)


@pytest.mark.parametrize("options", [{"job_seconds": 30}], ids=["slow jobs"])
async def test_a_slow_job_takes_effect_when_it_is_due(caller: Caller, clock: Clock) -> None:
    caller.shop.seed([tee()])
    order = caller.shop.sale([{"sku": "TEE", "quantity": 2}])
    text = "mutation C($id: ID!) { orderCancel(orderId: $id, reason: OTHER, restock: true) { job { id } } }"
    await caller.data(text, {"id": order})
    assert caller.shop.stock()["TEE"] == {"Shop location": 3}
    clock.forward(seconds=30)
    assert caller.shop.stock()["TEE"] == {"Shop location": 5}


async def test_a_refund_needs_a_key_and_shows_what_came_back(caller: Caller) -> None:
    caller.shop.seed([tee()])
    order = caller.shop.sale([{"sku": "TEE", "quantity": 2}])
    caller.shop.fulfil(order)
    caller.shop.refund(order, [{"sku": "TEE", "quantity": 1}])
    read = await caller.data(
        """query O($id: ID!) { order(id: $id) { displayFinancialStatus totalRefundedSet { shopMoney { amount } }
        lineItems(first: 1) { nodes { quantity currentQuantity unfulfilledQuantity refundableQuantity } }
        refunds { refundLineItems(first: 5) { nodes { quantity restockType restocked location { name } lineItem { sku } } } } } }""",
        {"id": order},
    )
    assert read["order"]["displayFinancialStatus"] == "PARTIALLY_REFUNDED"
    assert read["order"]["totalRefundedSet"]["shopMoney"] == {"amount": "10.0"}
    assert read["order"]["lineItems"]["nodes"] == [
        {"quantity": 2, "currentQuantity": 1, "unfulfilledQuantity": 0, "refundableQuantity": 1}
    ]
    came_back = {
        "quantity": 1,
        "restockType": "RETURN",
        "restocked": True,
        "location": {"name": "Shop location"},
        "lineItem": {"sku": "TEE"},
    }
    assert read["order"]["refunds"][0]["refundLineItems"]["nodes"] == [came_back]
    text = "mutation R($input: RefundInput!) { refundCreate(input: $input) { refund { id } userErrors { message } } }"
    keyless = await caller.ask(text, {"input": {"orderId": order}})
    assert keyless["errors"][0]["message"].startswith("The @idempotent directive is required")


async def test_tracking_travels_and_moves_the_order(caller: Caller, clock: Clock) -> None:
    caller.shop.seed([tee()])
    order = caller.shop.sale([{"sku": "TEE", "quantity": 1}])
    read = await caller.data(
        "query O($id: ID!) { order(id: $id) { fulfillmentOrders(first: 1) { nodes { id } } } }", {"id": order}
    )
    ticket = read["order"]["fulfillmentOrders"]["nodes"][0]["id"]
    text = """mutation F($fulfillment: FulfillmentInput!) { fulfillmentCreate(fulfillment: $fulfillment) {
      fulfillment { id status trackingInfo { number company } } userErrors { message } } }"""
    clock.forward(minutes=1)
    given = {
        "lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": ticket}],
        "trackingInfo": {"number": "1Z", "company": "UPS"},
    }
    made = (await caller.data(text, {"fulfillment": given}))["fulfillmentCreate"]["fulfillment"]
    assert made["trackingInfo"] == [{"number": "1Z", "company": "UPS"}]
    track = """mutation T($id: ID!) { fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: { numbers: ["A", "B"] }) {
      fulfillment { trackingInfo { number } } userErrors { message } } }"""
    clock.forward(minutes=1)
    moved = (await caller.data(track, {"id": made["id"]}))["fulfillmentTrackingInfoUpdate"]["fulfillment"]
    assert moved["trackingInfo"] == [{"number": "A"}, {"number": "B"}]
    after = await caller.data(
        "query O($id: ID!) { order(id: $id) { updatedAt displayFulfillmentStatus } }", {"id": order}
    )
    assert after["order"] == {"updatedAt": "2026-11-02T08:02:00Z", "displayFulfillmentStatus": "FULFILLED"}


async def test_an_offline_till_sale_is_created_when_it_is_uploaded(caller: Caller, clock: Clock) -> None:
    caller.shop.seed([tee()])
    clock.forward(hours=2)
    order = caller.shop.sale([{"sku": "TEE", "quantity": 1}], channel="pos", occurred_at="2026-11-02T08:30:00Z")
    read = await caller.data("query O($id: ID!) { order(id: $id) { createdAt processedAt updatedAt } }", {"id": order})
    assert read["order"] == {
        "createdAt": "2026-11-02T10:00:00Z",
        "processedAt": "2026-11-02T08:30:00Z",
        "updatedAt": "2026-11-02T10:00:00Z",
    }


@pytest.mark.parametrize("options", [{"personal_data": False}], ids=["no personal data"])
async def test_without_access_to_personal_data_the_fields_are_null(caller: Caller) -> None:
    caller.shop.seed([tee()])
    order = caller.shop.sale(
        [{"sku": "TEE", "quantity": 1}], customer={"name": "Ann Lee", "email": "ann@example.com", "phone": "1"}
    )
    read = await caller.data(
        "query O($id: ID!) { order(id: $id) { email phone shippingAddress { zip } customer { id email firstName } } }",
        {"id": order},
    )
    assert read["order"]["customer"].pop("id").startswith("gid://shopify/Customer/")
    assert read["order"] == {
        "email": None,
        "phone": None,
        "shippingAddress": None,
        "customer": {"email": None, "firstName": None},
    }


@pytest.mark.parametrize("options", [{"orders_per_minute": 5}], ids=["development store"])
async def test_a_development_store_takes_five_orders_a_minute(caller: Caller, clock: Clock) -> None:
    row = caller.shop.seed([tee(stock=100)])[0]
    results = [await caller.data(CREATE, {"order": mirror(row["variant"])}) for _ in range(6)]
    assert [bool(result["orderCreate"]["userErrors"]) for result in results] == [False] * 5 + [True]
    clock.forward(minutes=1)
    assert (await caller.data(CREATE, {"order": mirror(row["variant"])}))["orderCreate"]["userErrors"] == []
