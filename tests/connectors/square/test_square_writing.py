"""Writing products and orders: whole objects, exact totals, refusals."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.errors import Refused, TryLater
from bridge.contract.ports import NewLine, NewOrder, ProductEdit, VariantEdit
from bridge.domain.catalog import Product, Variant
from bridge.domain.money import Money
from bridge.domain.orders import Order, Tracking
from connectors.square.item_writing import new_item, patched
from connectors.square.keys import fitting
from connectors.square.mapping import product
from connectors.square.order_writing import mirror_body, refund_shares

if TYPE_CHECKING:
    from tests.connectors.square.conftest import Stub

UPSERT = "/v2/catalog/batch-upsert"
AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


def usd(amount: int) -> Money:
    return Money(amount, "USD")


def item(identity: str = "I1") -> dict[str, Any]:
    data = {
        "item_id": identity,
        "name": "Red",
        "sku": "TEE-RED",
        "upc": "036000291452",
        "pricing_type": "FIXED_PRICING",
        "price_money": {"amount": 1250, "currency": "USD"},
        "team_member_ids": ["kept"],
    }
    variation = {"type": "ITEM_VARIATION", "id": f"{identity}V", "version": 5, "item_variation_data": data}
    whole = {
        "name": "Tee",
        "description": "old",
        "tax_ids": ["T1"],
        "a_field_from_next_year": 1,
        "variations": [variation],
    }
    base = {"type": "ITEM", "id": identity, "version": 7, "updated_at": "2026-11-22T10:00:00Z"}
    return {**base, "item_data": whole}


def edit(identity: str = "I1", fields: str = "title", **more: Any) -> ProductEdit:
    return ProductEdit(current=product(item(identity), {}), fields=frozenset(fields.split()), **more)


def variant(fields: str, **more: Any) -> VariantEdit:
    return VariantEdit(id="I1V", fields=frozenset(fields.split()), **more)


def test_an_edit_changes_its_fields_and_nothing_else() -> None:
    whole = patched(item(), edit(title="Shirt", variants=(variant("price barcode", price=usd(999)),)))
    before, after = item(), json.loads(json.dumps(whole))
    data = before["item_data"]["variations"][0]["item_variation_data"]
    before["item_data"]["name"] = "Shirt"
    data["price_money"]["amount"] = 999
    del data["upc"]
    assert after == before


def test_a_description_replaces_the_deprecated_field() -> None:
    data = patched(item(), edit(fields="description", description="<p>new</p>"))["item_data"]
    assert data["description_html"] == "<p>new</p>"
    assert "description" not in data


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (edit(fields="images", images=("https://x/1.jpg",)), "uploaded files"),
        (edit(fields="", variants=(variant("compare_at", compare_at=usd(1)),)), "compare-at"),
        (edit(fields="", variants=(variant("weight_grams", weight_grams=3),)), "weight"),
        (edit(fields="status", status="draft"), "drafts"),
        (edit(fields="title", title=""), "0 characters"),
        (edit(fields="title", title="x" * 513), "513"),
        (edit(fields="", variants=(variant("price", price=usd(-1)),)), "below zero"),
        (edit(fields="", variants=(variant("price", price=Money(1, "EUR")),)), "EUR"),
        (edit(fields="", variants=(replace(variant("sku", sku="A"), id="NOPE"),)), "NOPE"),
    ],
)
def test_what_square_cannot_express_is_refused(wanted: ProductEdit, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        patched(item(), wanted)


def test_states_of_items() -> None:
    assert patched(item(), edit(fields="status", status="archived"))["item_data"]["is_archived"] is True
    hidden = {**item(), "present_at_all_locations": False}
    wanted = ProductEdit(current=product(hidden, {}), fields=frozenset({"status"}), status="active")
    shown = patched(hidden, wanted)
    assert shown["present_at_all_locations"] is True
    assert shown["item_data"]["variations"][0]["present_at_all_locations"] is True
    made = new_item(Product(id="", title="Hat", status="draft", updated_at=AT, variants=(Variant(id=""),)))
    assert made["present_at_all_locations"] is False
    assert made["item_data"]["variations"][0]["item_variation_data"]["pricing_type"] == "VARIABLE_PRICING"


@pytest.mark.anyio
async def test_the_answer_keeps_the_images_it_leaves_out(square: "Stub") -> None:
    whole = item()
    whole["item_data"]["image_ids"] = ["IMG"]
    image = {"id": "IMG", "image_data": {"url": "https://img.example/1.jpg"}}
    current = product(whole, {"IMG": image})
    square.answer(UPSERT, {"objects": [{**whole, "version": 8}]})
    assert square.connector.products is not None
    wanted = ProductEdit(current=current, fields=frozenset({"title"}), title="Tee")
    (result,) = await square.connector.products.edit([wanted], "k")
    assert result.product is not None
    assert (result.product.images, result.product.version) == (("https://img.example/1.jpg",), "8")
    assert square.bodies(UPSERT)[0]["idempotency_key"] == "k"


@pytest.mark.anyio
async def test_edits_fail_alone(square: "Stub") -> None:
    conflict = {"category": "INVALID_REQUEST_ERROR", "code": "VERSION_MISMATCH", "detail": "changed"}
    square.answer(UPSERT, {"errors": [conflict]}, 400)
    square.answer(UPSERT, {"objects": [item("I1")]})
    square.answer(UPSERT, {"errors": [conflict]}, 400)
    assert square.connector.products is not None
    edits = [edit("I1", title="A"), edit("I2", title="B"), edit("I3", fields="images")]
    first, second, third = await square.connector.products.edit(edits, "k")
    assert first.product is not None
    assert (second.stale, second.id) == (True, "I2")
    assert (third.stale, "uploaded" in third.reason) == (False, True)
    assert [body["idempotency_key"] for body in square.bodies(UPSERT)] == ["k", "k:0", "k:1"]
    assert [len(body["batches"]) for body in square.bodies(UPSERT)] == [2, 1, 1]


@pytest.mark.anyio
async def test_a_batch_that_fails_within_an_answer_is_told(square: "Stub") -> None:
    problem = {"category": "INVALID_REQUEST_ERROR", "code": "VERSION_MISMATCH", "detail": "object I2 changed"}
    square.answer(UPSERT, {"objects": [item("I1")], "errors": [problem]})
    assert square.connector.products is not None
    first, second = await square.connector.products.edit([edit("I1", title="A"), edit("I2", title="B")], "k")
    assert first.product is not None
    assert second.stale


@pytest.mark.anyio
async def test_an_edit_without_the_raw_item_reads_it_again(square: "Stub") -> None:
    bare = replace(edit(title="A"), current=replace(product(item(), {}), extra={}))
    square.answer("/v2/catalog/batch-retrieve", {"objects": [{**item(), "version": 8}]})
    assert square.connector.products is not None
    (result,) = await square.connector.products.edit([bare], "k")
    assert result.stale
    assert not square.bodies(UPSERT)


@pytest.mark.anyio
async def test_skus_of_several_items_are_not_guessed(square: "Stub") -> None:
    found = [
        {"id": f"{name}V", "item_variation_data": {"item_id": name, "sku": sku}}
        for name, sku in (("I1", "A"), ("I2", "B"), ("I3", "a"))
    ]
    square.answer("/v2/catalog/search", {"objects": found})
    assert square.connector.products is not None
    wanted = Product(id="", title="Set", updated_at=AT, variants=(Variant(id="", sku="A"), Variant(id="", sku="B")))
    with pytest.raises(Refused, match="I1, I2"):
        await square.connector.products.create(wanted, "k")


lines = st.builds(
    lambda quantity, unit, total: NewLine(
        variant_id="V", sku="S", title="T", quantity=quantity, unit_price=usd(unit), total=usd(total), tax=usd(0)
    ),
    st.integers(1, 50),
    st.integers(0, 20_000),
    st.integers(0, 500_000),
)


def new_order(lines: tuple[NewLine, ...], total: int, shipping: int = 0, **more: Any) -> NewOrder:
    return NewOrder(
        reference="web-1",
        note="",
        currency="USD",
        lines=lines,
        shipping=usd(shipping),
        total=usd(total),
        placed_at=AT,
        **more,
    )


def reckoned(body: dict[str, Any]) -> int:
    """Reckon the order's total the way the specification words it: gross, less discounts, plus charges."""
    gross: int = sum(int(line["quantity"]) * line["base_price_money"]["amount"] for line in body["line_items"])
    used = {found["discount_uid"] for line in body["line_items"] for found in line.get("applied_discounts", ())}
    discounts = [found for found in body.get("discounts", ()) if found["scope"] == "ORDER" or found["uid"] in used]
    off: int = sum(found["amount_money"]["amount"] for found in discounts)
    on: int = sum(charge["amount_money"]["amount"] for charge in body.get("service_charges", ()))
    return gross - off + on


@given(st.lists(lines, min_size=1, max_size=5), st.integers(0, 2000), st.integers(-50, 50))
def test_a_mirrors_total_is_exact(found: list[NewLine], shipping: int, rest: int) -> None:
    wanted = sum(line.total.minor for line in found) + shipping + rest
    body = mirror_body(new_order(tuple(found), wanted, shipping), "LA")
    assert reckoned(body) == wanted
    assert all(line["base_price_money"]["amount"] >= 0 for line in body["line_items"])


def test_shipping_is_a_charge_of_its_own() -> None:
    line = NewLine(variant_id=None, sku="S", title="Gift", quantity=1, unit_price=usd(100), total=usd(100), tax=usd(0))
    body = mirror_body(new_order((line,), 600, 500), "LA")
    assert body["service_charges"] == [
        {
            "uid": "shipping",
            "name": "Shipping",
            "amount_money": {"amount": 500, "currency": "USD"},
            "calculation_phase": "TOTAL_PHASE",
        }
    ]
    assert body["line_items"][0]["name"] == "Gift"
    assert "discounts" not in body


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (replace(new_order((), 0), reference="x" * 41), "41"),
        (replace(new_order((), 0), shipping=Money(0, "EUR")), "EUR"),
        (
            new_order(
                (NewLine(variant_id="V", sku="S", title="", quantity=0, unit_price=usd(1), total=usd(1), tax=usd(0)),),
                1,
            ),
            "cannot be an order line",
        ),
    ],
)
def test_a_mirror_that_cannot_be_made_is_refused(order: NewOrder, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        mirror_body(order, "LA")


def made(**more: Any) -> dict[str, Any]:
    money = {"amount": 100, "currency": "USD"}
    part = {"uid": "F1", "type": "SHIPMENT", "state": "PROPOSED"}
    base = {"id": "O1", "location_id": "LA", "state": "OPEN", "version": 3, "created_at": "2026-11-22T12:00:00Z"}
    line = {"uid": "line-0", "catalog_object_id": "V", "quantity": "1", "total_money": money}
    tenders = [{"id": "T1", "payment_id": "PAY1", "amount_money": money}]
    whole = {**base, "line_items": [line], "total_money": money, "tenders": tenders, "fulfillments": [part]}
    return {**whole, "metadata": {"bridge_reference": "web-1"}, **more}


@pytest.mark.anyio
async def test_a_mirror_with_another_total_is_taken_back(square: "Stub") -> None:
    square.answer("/v2/orders", {"order": made(tenders=[], total_money={"amount": 107, "currency": "USD"})})
    square.answer("/v2/orders/O1", {"order": made(state="CANCELED", tenders=[])})
    line = NewLine(variant_id="V", sku="S", title="", quantity=1, unit_price=usd(100), total=usd(100), tax=usd(0))
    assert square.connector.order_writer is not None
    with pytest.raises(Refused, match=r"Square reckons 1\.07 USD"):
        await square.connector.order_writer.mirror(new_order((line,), 100, location="LA"))
    assert not square.bodies("/v2/payments")
    assert square.bodies("/v2/orders/O1")[0]["order"]["state"] == "CANCELED"


@pytest.mark.anyio
async def test_a_mirror_needs_a_place(square: "Stub") -> None:
    square.answer("/v2/locations", {"locations": [{"id": "LA"}, {"id": "LB"}, {"id": "LC", "status": "INACTIVE"}]})
    assert square.connector.order_writer is not None
    with pytest.raises(Refused, match="2 active locations"):
        await square.connector.order_writer.mirror(new_order((), 0))


@pytest.mark.anyio
async def test_an_order_of_nothing_is_settled_without_a_payment(square: "Stub") -> None:
    free = {"total_money": {"amount": 0, "currency": "USD"}}
    square.answer("/v2/orders", {"order": made(tenders=[], **free)})
    square.answer("/v2/orders/O1/pay", {})
    square.answer("/v2/orders/O1", {"order": made(state="COMPLETED", tenders=[], **free)})
    line = NewLine(variant_id="V", sku="S", title="", quantity=1, unit_price=usd(0), total=usd(0), tax=usd(0))
    assert square.connector.order_writer is not None
    order = await square.connector.order_writer.mirror(new_order((line,), 0, location="LA"))
    assert order.status == "fulfilled"
    assert square.bodies("/v2/orders/O1/pay")[0]["payment_ids"] == []


def domain_order() -> Order:
    return Order(
        id="O1",
        status="paid",
        placed_at=AT,
        updated_at=AT,
        currency="USD",
        lines=(),
        total=usd(100),
        shipping=usd(0),
        refunded=usd(0),
    )


@pytest.mark.anyio
async def test_parcels_share_one_fulfilment(square: "Stub") -> None:
    square.answer("/v2/orders/O1", {"order": made()})
    parcels = [Tracking(number="1", carrier="UPS", url="https://t/1"), Tracking(number="2")]
    assert square.connector.order_writer is not None
    await square.connector.order_writer.fulfil(domain_order(), parcels, "k")
    assert square.bodies("/v2/orders/O1")[1] == {
        "idempotency_key": "k",
        "order": {
            "location_id": "LA",
            "version": 3,
            "state": "COMPLETED",
            "fulfillments": [
                {
                    "uid": "F1",
                    "state": "COMPLETED",
                    "shipment_details": {"tracking_number": "1, 2", "carrier": "UPS", "tracking_url": "https://t/1"},
                }
            ],
        },
    }


@pytest.mark.anyio
async def test_orders_of_the_till_are_left_to_it(square: "Stub") -> None:
    square.answer("/v2/orders/O1", {"order": made(version=None)})
    assert square.connector.order_writer is not None
    with pytest.raises(Refused, match="made at the till"):
        await square.connector.order_writer.fulfil(domain_order(), [], "k")


@pytest.mark.anyio
async def test_an_order_that_moved_on_is_tried_later(square: "Stub") -> None:
    square.answer("/v2/orders/O1", {"order": made()})
    square.answer("/v2/orders/O1", {"errors": [{"category": "INVALID_REQUEST_ERROR", "code": "VERSION_MISMATCH"}]}, 400)
    assert square.connector.order_writer is not None
    with pytest.raises(TryLater):
        await square.connector.order_writer.fulfil(domain_order(), [], "k")


@pytest.mark.anyio
async def test_an_unpaid_order_is_cancelled_with_its_fulfilment(square: "Stub") -> None:
    square.answer("/v2/orders/O1", {"order": made(tenders=[])})
    square.answer("/v2/orders/O1", {"order": made(tenders=[], state="CANCELED")})
    assert square.connector.order_writer is not None
    order = await square.connector.order_writer.cancel(domain_order(), restock=True, key="k")
    assert order.status == "cancelled"
    sent = square.bodies("/v2/orders/O1")[1]["order"]
    assert (sent["state"], sent["fulfillments"]) == ("CANCELED", [{"uid": "F1", "state": "CANCELED"}])


@pytest.mark.anyio
async def test_a_refund_is_spread_over_the_payments(square: "Stub") -> None:
    tenders = [
        {"id": "T1", "amount_money": {"amount": 60, "currency": "USD"}},
        {"id": "T2", "amount_money": {"amount": 60}},
    ]
    assert refund_shares({"id": "O1", "tenders": tenders}, usd(100)) == [("T1", usd(60)), ("T2", usd(40))]
    with pytest.raises(Refused, match="do not cover"):
        refund_shares({"id": "O1", "tenders": tenders}, usd(121))
    square.answer("/v2/orders/O1", {"order": made()})
    square.answer("/v2/refunds", {"refund": {}})
    assert square.connector.order_writer is not None
    await square.connector.order_writer.refund(
        domain_order(), [], usd(30), restock=False, reason="r" * 300, key="k" * 60
    )
    (body,) = square.bodies("/v2/refunds")
    assert (body["payment_id"], body["amount_money"]) == ("PAY1", {"amount": 30, "currency": "USD"})
    assert (len(body["idempotency_key"]), len(body["reason"])) == (45, 192)


@given(st.text(min_size=1, max_size=200), st.integers(20, 64))
def test_keys_fit_and_stay_themselves(key: str, limit: int) -> None:
    assert len(fitting(key, limit)) <= limit
    assert fitting(key, limit) == fitting(key, limit)
    assert fitting(key, limit) != fitting(key + "x", limit)


@pytest.mark.anyio
async def test_the_shell_opens_the_official_client(square: "Stub") -> None:
    from square import Square

    assert square.connector.shell is not None
    opened = square.connector.shell()
    assert isinstance(opened["square"], Square)
    ports = ("account", "catalog", "stock", "orders", "products", "order_writer", "webhooks", "customers", "points")
    assert square.connector.offers == ports
