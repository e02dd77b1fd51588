"""Account, catalog and orders: requests, mapping, cursors."""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.errors import Gone, Refused
from bridge.domain.catalog import Location
from bridge.domain.money import Money
from connectors.square.payload import MAX_UNITS, Odd, money, sift, units
from connectors.square.restocks import put_back

if TYPE_CHECKING:
    from tests.connectors.square.conftest import Stub

SEARCH, ORDERS = "/v2/catalog/search", "/v2/orders/search"
USD = {"currency": "USD"}


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD"}


def item(identity: str = "I1", **more: Any) -> dict[str, Any]:
    variation = {
        "type": "ITEM_VARIATION",
        "id": f"{identity}V",
        "version": 5,
        "item_variation_data": {"item_id": identity, "name": "Red", "sku": "TEE-RED", "price_money": usd(1250)},
    }
    base = {"type": "ITEM", "id": identity, "version": 7, "updated_at": "2026-11-22T10:00:00Z"}
    return {**base, "item_data": {"name": "Tee", "variations": [variation]}, **more}


def sale(identity: str = "O1", **more: Any) -> dict[str, Any]:
    line = {
        "uid": "L1",
        "catalog_object_id": "V1",
        "item_type": "ITEM",
        "name": "Tee",
        "variation_name": "Red",
        "quantity": "2",
        "base_price_money": usd(1000),
        "total_money": usd(2200),
        "total_tax_money": usd(200),
    }
    return {
        "id": identity,
        "location_id": "LA",
        "state": "COMPLETED",
        "created_at": "2026-11-20T09:00:00Z",
        "updated_at": "2026-11-22T11:30:00Z",
        "line_items": [line],
        "total_money": usd(2200),
        "source": {"name": "Point of Sale"},
        "tenders": [{"id": "P1", "type": "CARD", "amount_money": usd(2200)}],
        **more,
    }


async def one(square: "Stub", payload: dict[str, Any]) -> Any:
    square.answer("/v2/orders/O1", {"order": payload})
    return await square.connector.sales.get("O1")


@pytest.mark.anyio
async def test_the_specifications_account_is_understood(square: "Stub") -> None:
    square.answer("/oauth2/token/status", square.load("token_status.json"))
    square.answer("/v2/merchants/me", square.load("merchant.json"))
    square.answer("/v2/locations", square.load("locations.json"))
    found = await square.connector.account.check()
    assert (found.name, found.currency) == ("Apple A Day", "USD")
    assert found.locations == (
        Location(id="18YC4JDH91E1H", name="Grant Park"),
        Location(id="3Z4V4WHQK64X9", name="Midtown"),
    )
    assert set(found.missing) == {
        "MERCHANT_PROFILE_READ",
        "ITEMS_READ",
        "INVENTORY_READ",
        "INVENTORY_WRITE",
        "ORDERS_READ",
    }
    assert any("ITEMS_WRITE" in note for note in found.notes)
    assert any("2022-10-14" in note for note in found.notes)


@pytest.mark.anyio
async def test_the_specifications_catalog_is_understood(square: "Stub") -> None:
    square.answer(SEARCH, square.load("catalog_search.json"))
    (page,) = [page async for page in square.connector.catalog.all()]
    assert not page.bad
    black = page.items[0]
    assert (black.title, black.description, black.version) == (
        "Tea - Black",
        "A delicious blend of black tea.",
        "1509032492337",
    )
    assert [(found.title, found.price) for found in black.variants] == [
        ("Regular", Money(150, "USD")),
        ("Large", Money(225, "USD")),
    ]
    assert json.loads(black.extra["item"])["item_data"]["categories"] == [
        {"id": "E7CLE5RZZ744BHWVQQEAHI2C", "ordinal": 0}
    ]


@pytest.mark.anyio
async def test_images_options_and_states_of_an_item(square: "Stub") -> None:
    whole = item(present_at_all_locations=False)
    whole["item_data"] |= {"image_ids": ["IMG"], "item_options": [{"item_option_id": "OPT"}]}
    data = whole["item_data"]["variations"][0]["item_variation_data"]
    data |= {
        "item_option_values": [{"item_option_id": "OPT", "item_option_value_id": "OV"}],
        "location_overrides": [{"location_id": "LA", "track_inventory": True}],
        "upc": "036000291452",
    }
    value = {"id": "OV", "item_option_value_data": {"name": "Red"}}
    others = [
        {"type": "IMAGE", "id": "IMG", "image_data": {"url": "https://img.example/1.jpg"}},
        {"type": "ITEM_OPTION", "id": "OPT", "item_option_data": {"name": "Colour", "values": [value]}},
    ]
    square.answer(SEARCH, {"objects": [whole], "related_objects": others})
    (page,) = [page async for page in square.connector.catalog.all()]
    (found,) = page.items
    assert (found.images, found.options, found.status) == (("https://img.example/1.jpg",), ("Colour",), "draft")
    (variant,) = found.variants
    assert (variant.options, variant.stock_id, variant.barcode) == ((("Colour", "Red"),), "I1V", "036000291452")


@pytest.mark.anyio
async def test_a_bad_item_is_set_aside(square: "Stub") -> None:
    nameless = item("I2")
    del nameless["item_data"]["name"]
    square.answer(SEARCH, {"objects": [item(), nameless]})
    (page,) = [page async for page in square.connector.catalog.all()]
    assert [found.id for found in page.items] == ["I1"]
    assert [(bad.id, bad.reason) for bad in page.bad] == [("I2", "name is missing")]
    square.answer("/v2/catalog/batch-retrieve", {"objects": [nameless]})
    with pytest.raises(Refused, match="I2: name is missing"):
        await square.connector.catalog.get(["I2"])


@pytest.mark.anyio
async def test_a_changed_variation_brings_its_item_along(square: "Stub") -> None:
    feed = square.connector.catalog.changes
    start = feed.begin(square.now - timedelta(hours=1))
    variation = {**item("I2")["item_data"]["variations"][0]}
    gone = {"type": "ITEM", "id": "I3", "is_deleted": True, "version": 9, "updated_at": "2026-11-22T11:00:00Z"}
    orphan = {"type": "ITEM_VARIATION", "id": "X9", "is_deleted": True}
    square.answer(SEARCH, {"objects": [item(), gone], "cursor": "c2"})
    square.answer(SEARCH, {"objects": [variation, orphan]})
    square.answer("/v2/catalog/batch-retrieve", {"objects": [item("I2")]})
    first, second = [page async for page in feed.since(start)]
    assert [(found.id, found.deleted) for found in first.items] == [("I1", False), ("I3", True)]
    assert [found.id for found in second.items] == ["I2"]
    assert [bad.id for bad in second.bad] == ["X9"]
    assert (first.cursor, second.cursor) == (start, "2026-11-22T11:58:00.000Z")
    body = square.bodies(SEARCH)[1]
    assert body == {
        "object_types": ["ITEM", "ITEM_VARIATION"],
        "begin_time": "2026-11-22T10:58:00.000Z",
        "include_deleted_objects": True,
        "include_related_objects": True,
        "limit": 1000,
        "cursor": "c2",
    }


@pytest.mark.anyio
async def test_the_specifications_order_is_understood(square: "Stub") -> None:
    order = await one(square, square.load("order_created.json")["order"])
    assert (order.status, order.total, order.version) == ("placed", Money(6176, "USD"), "1")
    assert [(line.quantity, line.held, line.total, line.tax) for line in order.lines] == [
        (1, 0, Money(1648, "USD"), Money(136, "USD")),
        (2, 0, Money(4528, "USD"), Money(374, "USD")),
    ]
    assert order.reference is None
    assert order.updated_at == datetime(2020, 1, 17, 20, 47, 53, 293000, UTC)


@pytest.mark.anyio
async def test_a_till_sale_is_fulfilled_and_held(square: "Stub") -> None:
    order = await one(square, sale())
    (line,) = order.lines
    assert (order.status, order.source, order.returns) == ("fulfilled", "Point of Sale", None)
    assert (line.title, line.quantity, line.held, line.fulfilled, line.location) == ("Tee Red", 2, 2, 2, "LA")
    assert order.placed_at < order.updated_at


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("state", "tenders", "due", "status", "held"),
    [
        ("OPEN", [], None, "placed", 0),
        ("OPEN", [{"amount_money": usd(1000)}], None, "placed", 0),
        ("OPEN", [{"amount_money": usd(2200)}], None, "paid", 2),
        ("OPEN", [{"amount_money": usd(2200)}], usd(0), "paid", 2),
        ("OPEN", [{"amount_money": usd(1000)}], usd(1200), "placed", 0),
        ("CANCELED", [], None, "cancelled", 0),
        ("CANCELED", [{"amount_money": usd(2200)}], None, "cancelled", None),
    ],
)
async def test_units_are_held_from_full_payment_on(
    square: "Stub", state: str, tenders: list[Any], due: Any, status: str, held: int | None
) -> None:
    more = {"net_amount_due_money": due} if due else {}
    order = await one(square, sale(state=state, tenders=tenders, **more))
    assert (order.status, order.lines[0].held) == (status, held)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("quantity", "reason"),
    [
        ("1.5", "not a whole number"),
        ("-1", "negative"),
        ("5000000", "beyond"),
        ("many", "no number"),
        ("NaN", "whole"),
        (None, "missing"),
    ],
)
async def test_an_odd_quantity_sets_the_order_aside(square: "Stub", quantity: str | None, reason: str) -> None:
    odd = sale("O2")
    odd["line_items"][0]["quantity"] = quantity
    square.answer("/v2/locations", {"locations": [{"id": "LA"}]})
    square.answer(ORDERS, {"orders": [sale(), odd]})
    feed = square.connector.sales.changes
    (page,) = [page async for page in feed.since(feed.begin(square.now))]
    assert [order.id for order in page.items] == ["O1"]
    assert [bad.id for bad in page.bad] == ["O2"]
    assert reason in page.bad[0].reason
    square.answer("/v2/orders/O2", {"order": odd})
    with pytest.raises(Refused, match="O2"):
        await square.connector.sales.get("O2")


@pytest.mark.anyio
async def test_a_draft_is_no_order(square: "Stub") -> None:
    with pytest.raises(Gone, match="draft"):
        await one(square, sale(state="DRAFT"))


def returned(**more: Any) -> dict[str, Any]:
    line = {
        "uid": "R1",
        "source_line_item_uid": "L1",
        "catalog_object_id": "V1",
        "item_type": "ITEM",
        "quantity": "1",
        "base_price_money": usd(1000),
        "total_money": usd(1100),
        "total_tax_money": usd(100),
    }
    amounts = {"return_amounts": {"total_money": usd(1100)}, "net_amounts": {"total_money": usd(-1100)}}
    bare = sale("O1", line_items=[], total_money=usd(0), tenders=[], **amounts)
    return {**bare, "returns": [{"source_order_id": "O0", "return_line_items": [line]}], **more}


def moved(source: str, target: str, **more: Any) -> dict[str, Any]:
    base = {"catalog_object_id": "V1", "quantity": "1", "occurred_at": "2026-11-20T09:00:02Z", "location_id": "LA"}
    return {**base, "from_state": source, "to_state": target, **more}


TAKEN = moved("SOLD", "RETURNED_BY_CUSTOMER", transaction_id="O1")
RESTOCKED = moved("RETURNED_BY_CUSTOMER", "IN_STOCK")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("log", "back"),
    [
        ([moved("SOLD", "IN_STOCK", refund_id="REF1")], 1),
        ([moved("SOLD", "IN_STOCK", transaction_id="O1")], 1),
        ([TAKEN, RESTOCKED], 1),
        ([TAKEN], 0),
        ([RESTOCKED], 1),
        ([], None),
        ([moved("SOLD", "IN_STOCK", transaction_id="ANOTHER")], None),
        ([{**RESTOCKED, "occurred_at": "2026-11-20T10:00:00Z"}], None),
        ([{**RESTOCKED, "location_id": "LB"}], None),
        ([moved("IN_STOCK", "SOLD", transaction_id="O0")], None),
        ([moved("SOLD", "IN_STOCK", refund_id="REF1", quantity="0.5")], None),
    ],
)
async def test_a_return_holds_what_the_log_says_it_put_back(
    square: "Stub", log: list[dict[str, Any]], back: int | None
) -> None:
    changes = [{"type": "ADJUSTMENT", "adjustment": entry} for entry in log]
    square.answer("/v2/inventory/changes/batch-retrieve", {"changes": changes})
    order = await one(square, returned(refunds=[{"id": "REF1", "amount_money": usd(1100), "status": "APPROVED"}]))
    (line,) = order.lines
    assert order.returns == "O0"
    assert (line.quantity, line.held, line.restocked) == (-1, None if back is None else -back, back)
    assert (order.total, order.refunded) == (Money(-1100, "USD"), Money(0, "USD"))


def test_an_entry_counts_for_one_return_only() -> None:
    first, second = returned(), {**returned(), "id": "O2"}
    second = json.loads(json.dumps(second).replace('"R1"', '"R2"'))
    assert put_back([first, second], [RESTOCKED]) == {"R1": 1}


@pytest.mark.anyio
async def test_a_refund_by_amount_is_money_only(square: "Stub") -> None:
    line = {"uid": "R1", "item_type": "CUSTOM_AMOUNT", "quantity": "1", "total_money": usd(700)}
    order = await one(square, returned(returns=[{"source_order_id": "O0", "return_line_items": [line]}]))
    assert (order.lines, order.total, order.refunded) == ((), Money(0, "USD"), Money(700, "USD"))
    assert order.returns == "O0"


@pytest.mark.anyio
async def test_refunds_that_failed_are_not_counted(square: "Stub") -> None:
    refunds = [
        {"id": "A", "amount_money": usd(300), "status": "APPROVED"},
        {"id": "B", "amount_money": usd(900), "status": "FAILED"},
    ]
    order = await one(square, sale(refunds=refunds))
    assert order.refunded == Money(300, "USD")


@pytest.mark.anyio
async def test_shipping_recipient_and_tracking(square: "Stub") -> None:
    recipient = {
        "display_name": "Ada",
        "email_address": "a@b.example",
        "address": {"address_line_1": "1 St", "country": "US"},
    }
    shipment = {"recipient": recipient, "tracking_number": "1Z", "carrier": "UPS"}
    part = {"uid": "F", "type": "SHIPMENT", "state": "PROPOSED", "shipment_details": shipment}
    charges = [
        {"total_money": usd(500), "calculation_phase": "TOTAL_PHASE"},
        {"total_money": usd(90), "calculation_phase": "APPORTIONED_AMOUNT_PHASE"},
        {"total_money": usd(70), "calculation_phase": "TOTAL_PHASE", "type": "AUTO_GRATUITY"},
    ]
    order = await one(square, sale(state="OPEN", fulfillments=[part], service_charges=charges, total_money=usd(2200)))
    assert (order.status, order.shipping, order.lines[0].fulfilled) == ("paid", Money(500, "USD"), 0)
    assert order.customer is not None
    assert order.customer.email == "a@b.example"
    assert order.ship_to is not None
    assert order.ship_to.line1 == "1 St"
    assert [parcel.number for parcel in order.tracking] == ["1Z"]


@pytest.mark.anyio
async def test_order_pages_carry_cursors_that_lose_nothing(square: "Stub") -> None:
    feed = square.connector.sales.changes
    start = feed.begin(square.now - timedelta(hours=1))
    square.answer("/v2/locations", {"locations": [{"id": "LB"}, {"id": "LA"}]})
    square.answer(ORDERS, {"orders": [sale()], "cursor": "c2"})
    square.answer(ORDERS, {})
    first, second = [page async for page in feed.since(start)]
    assert json.loads(first.cursor)["at"] == "2026-11-22T11:28:00.000Z"
    assert json.loads(second.cursor)["at"] == "2026-11-22T11:58:00.000Z"
    assert square.bodies(ORDERS)[1] == {
        "location_ids": ["LA", "LB"],
        "limit": 1000,
        "query": {
            "filter": {
                "date_time_filter": {"updated_at": {"start_at": "2026-11-22T10:58:00.000Z"}},
                "state_filter": {"states": ["OPEN", "COMPLETED", "CANCELED"]},
            },
            "sort": {"sort_field": "UPDATED_AT", "sort_order": "ASC"},
        },
        "cursor": "c2",
    }
    assert [page async for page in feed.since(second.cursor)]
    assert len([path for _, path, _ in square.sent if path == "/v2/locations"]) == 1


@pytest.mark.anyio
async def test_more_than_ten_locations_are_searched_in_turns(square: "Stub") -> None:
    feed = square.connector.sales.changes
    square.answer("/v2/locations", {"locations": [{"id": f"L{at:02}"} for at in range(23)]})
    square.answer(ORDERS, {"orders": [sale()]})
    pages = [page async for page in feed.since(feed.begin(square.now))]
    assert [len(body["location_ids"]) for body in square.bodies(ORDERS)] == [10, 10, 3]
    at = [json.loads(page.cursor)["at"] for page in pages]
    assert at == ["2026-11-22T11:58:00.000Z"] * 3
    square.now += timedelta(hours=1)
    later = [page async for page in feed.since(pages[-1].cursor)]
    assert [json.loads(page.cursor)["at"] for page in later] == [*at[:2], "2026-11-22T12:58:00.000Z"]


@given(st.integers(min_value=-MAX_UNITS, max_value=MAX_UNITS), st.integers(min_value=0, max_value=5))
def test_whole_quantities_survive_any_number_of_decimals(number: int, zeros: int) -> None:
    assert units({"quantity": f"{number}.{'0' * zeros}" if zeros else str(number)}) == number


@given(st.text(max_size=8))
def test_any_text_is_a_quantity_or_odd(value: str) -> None:
    found, bad = sift([{"id": "X", "quantity": value}], units)
    assert len(found) + len(bad) == 1
    assert all(abs(number) <= MAX_UNITS for number in found)
    assert all("quantity" in reason.reason for reason in bad)


@pytest.mark.parametrize("value", [None, {"amount": "1"}, {"amount": 1.5, "currency": "USD"}, 5])
def test_money_that_is_none_is_named(value: object) -> None:
    with pytest.raises(Odd, match="total_money"):
        money({"total_money": value}, "total_money")
