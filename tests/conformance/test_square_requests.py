"""Every body the Square connector can send, against Square's own schemas.

Two witnesses: the API specification given with --specs, and the request types of the official SDK, which are newer. The
specification is of 2025-08-20; what Square changed since (adjustments name two locations) only the SDK knows.
"""

import json
import random
import typing
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pydantic
import pytest

from bridge.contract.loyalty import PointsWrite
from bridge.contract.ports import Connector, NewLine, NewOrder, ProductEdit, VariantEdit
from bridge.contract.stock import StockChange
from bridge.domain.catalog import Product, StockKey, Variant
from bridge.domain.money import Money
from bridge.domain.orders import Address, Contact, Order, Tracking
from bridge.wire.http import Surroundings
from connectors.square import Settings, connect
from connectors.square.hints import TOPICS, hints

pytestmark = [pytest.mark.conformance, pytest.mark.anyio]

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
USD = "USD"
SPEC = "square/connect-api-2025-08-20.local.json"
SCHEMAS = {
    ("POST", "/v2/catalog/search"): "SearchCatalogObjectsRequest",
    ("POST", "/v2/catalog/batch-retrieve"): "BatchRetrieveCatalogObjectsRequest",
    ("POST", "/v2/catalog/batch-upsert"): "BatchUpsertCatalogObjectsRequest",
    ("POST", "/v2/inventory/counts/batch-retrieve"): "BatchRetrieveInventoryCountsRequest",
    ("POST", "/v2/inventory/changes/batch-retrieve"): "BatchRetrieveInventoryChangesRequest",
    ("POST", "/v2/inventory/changes/batch-create"): "BatchChangeInventoryRequest",
    ("POST", "/v2/orders"): "CreateOrderRequest",
    ("POST", "/v2/orders/search"): "SearchOrdersRequest",
    ("PUT", "/v2/orders/O1"): "UpdateOrderRequest",
    ("POST", "/v2/orders/O1/pay"): "PayOrderRequest",
    ("POST", "/v2/payments"): "CreatePaymentRequest",
    ("POST", "/v2/refunds"): "RefundPaymentRequest",
    ("POST", "/v2/customers/search"): "SearchCustomersRequest",
    ("POST", "/v2/customers/bulk-retrieve"): "BulkRetrieveCustomersRequest",
    ("POST", "/v2/loyalty/accounts"): "CreateLoyaltyAccountRequest",
    ("POST", "/v2/loyalty/accounts/search"): "SearchLoyaltyAccountsRequest",
    ("POST", "/v2/loyalty/accounts/A1/adjust"): "AdjustLoyaltyPointsRequest",
    ("POST", "/v2/loyalty/events/search"): "SearchLoyaltyEventsRequest",
    ("POST", "/v2/webhooks/subscriptions"): "CreateWebhookSubscriptionRequest",
    ("PUT", "/v2/webhooks/subscriptions/wbhk_1"): "UpdateWebhookSubscriptionRequest",
}
BARE = {
    ("GET", "/v2/locations"),
    ("GET", "/v2/merchants/me"),
    ("GET", "/v2/orders/O1"),
    ("POST", "/oauth2/token/status"),
    ("GET", "/v2/customers/C1"),
    ("GET", "/v2/loyalty/accounts/A1"),
    ("GET", "/v2/loyalty/programs/main"),
    ("GET", "/v2/webhooks/subscriptions"),
    ("GET", "/v2/webhooks/subscriptions/wbhk_1"),
    ("DELETE", "/v2/webhooks/subscriptions/wbhk_1"),
}

ITEM: dict[str, Any] = {
    "type": "ITEM",
    "id": "I1",
    "version": 7,
    "updated_at": "2026-11-22T10:00:00Z",
    "item_data": {
        "name": "Tee",
        "variations": [
            {
                "type": "ITEM_VARIATION",
                "id": "V1",
                "version": 7,
                "item_variation_data": {
                    "item_id": "I1",
                    "name": "Red",
                    "price_money": {"amount": 100, "currency": USD},
                },
            }
        ],
    },
}


PROFILE = {"id": "C1", "given_name": "Ada", "phone_number": "+14155550142", "updated_at": "2026-11-22T10:00:00Z"}
ACCOUNT = {
    "id": "A1",
    "program_id": "P1",
    "customer_id": "C1",
    "balance": 40,
    "mapping": {"phone_number": "+14155550142"},
}
EARNED = {
    "id": "E1",
    "type": "ACCUMULATE_POINTS",
    "created_at": "2026-11-22T11:00:00Z",
    "loyalty_account_id": "A1",
    "source": "SQUARE",
    "accumulate_points": {"loyalty_program_id": "P1", "points": 5},
}


class Recorder:
    """Answers just enough for every port to go on, and keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Any]] = []
        self.free = False
        self.paid = True
        self.loyal = True

    def handle(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        self.sent.append((request.method, request.url.path, body))
        if body and "changes" in body:
            return httpx.Response(200, json={})
        return httpx.Response(200, json=self._answer(request.url.path))

    def _answer(self, path: str) -> dict[str, Any]:
        if path.startswith("/v2/orders") and not path.endswith("search"):
            return {"order": self._order()}
        if path.startswith(("/v2/customers", "/v2/loyalty")):
            return self._person(path)
        if path.startswith("/v2/webhooks"):
            return {"subscription": {"id": "wbhk_1", "event_types": ["order.updated"]}}
        if path == "/v2/locations":
            return {"locations": [{"id": "LA", "name": "Here", "currency": USD, "status": "ACTIVE"}]}
        if path.startswith("/v2/catalog"):
            return {"objects": [] if path.endswith("search") else [ITEM]}
        return {}

    def _person(self, path: str) -> dict[str, Any]:
        answers: dict[str, dict[str, Any]] = {
            "/v2/customers/search": {"customers": [PROFILE]},
            "/v2/customers/bulk-retrieve": {"responses": {"C1": {"customer": PROFILE}}},
            "/v2/customers/C1": {"customer": PROFILE},
            "/v2/loyalty/programs/main": {"program": {"id": "P1", "status": "ACTIVE"}},
            "/v2/loyalty/accounts/search": {"loyalty_accounts": [ACCOUNT]} if self.loyal else {},
            "/v2/loyalty/events/search": {"events": [EARNED]},
        }
        return answers.get(path, {"loyalty_account": ACCOUNT})

    def _order(self) -> dict[str, Any]:
        money = {"amount": 0 if self.free else 700, "currency": USD}
        tender = {"id": "P1", "payment_id": "P1", "amount_money": money}
        return {
            "id": "O1",
            "location_id": "LA",
            "version": 2,
            "state": "OPEN",
            "created_at": "2026-11-22T11:00:00Z",
            "total_money": money,
            "tenders": [tender] if self.paid else [],
            "fulfillments": [{"uid": "F", "type": "SHIPMENT", "state": "PROPOSED"}],
            "returns": [{"return_line_items": [{"uid": "R", "catalog_object_id": "V1", "quantity": "1"}]}],
        }


def connector(recorder: Recorder) -> Connector:
    async def sleep(seconds: float) -> None:
        raise AssertionError("nothing here is slow")

    around = Surroundings(
        now=lambda: NOW,
        time=NOW.timestamp,
        sleep=sleep,
        rng=random.Random(1),
        transport=httpx.MockTransport(recorder.handle),
    )
    return connect(Settings(access_token="token"), around, where="till")


async def drive_reads(till: Connector) -> None:
    await till.account.check()
    assert [page async for page in till.catalog.all()]
    assert [page async for page in till.catalog.changes.since(till.catalog.changes.begin(NOW))]
    await till.catalog.get(["I1"])
    assert till.stock.changes is not None
    assert [page async for page in till.stock.changes.since(till.stock.changes.begin(NOW))]
    assert [page async for page in till.stock.scan()]
    assert [page async for page in till.sales.changes.since(till.sales.changes.begin(NOW))]
    await till.sales.get("O1")
    await till.stock.read([StockKey("V1", "LA")])
    await till.stock.causes([StockKey("V1", "LA")], NOW - timedelta(days=1))


async def drive_stock(till: Connector) -> None:
    key = StockKey("V1", "LA")
    rows = [
        StockChange(key=key, delta=-3, shown=9),
        StockChange(key=key, delta=2, shown=9),
        StockChange(key=key, delta=2, shown=0, track=True),
    ]
    await till.stock.send(till.stock.prepare(rows, "stock-1"))


async def drive_products(till: Connector) -> None:
    assert till.products is not None
    (current,) = await till.catalog.get(["I1"])
    price = VariantEdit(
        id="V1", fields=frozenset({"price", "sku", "barcode"}), price=Money(250, USD), sku="S", barcode="4006381333931"
    )
    edit = ProductEdit(
        current=current,
        fields=frozenset({"title", "description", "status"}),
        title="Shirt",
        description="<p>x</p>",
        status="archived",
        variants=(price,),
    )
    await till.products.edit([edit], "edit-1")
    variant = Variant(id="", sku="HAT", barcode="4006381333931", price=Money(900, USD), options=(("Size", "M"),))
    await till.products.create(
        Product(id="", title="Hat", updated_at=NOW, variants=(variant, Variant(id=""))), "create-1"
    )
    await till.products.delete("I1")


async def drive_orders(till: Connector, recorder: Recorder) -> None:
    assert till.order_writer is not None
    line = NewLine(
        variant_id="V1",
        sku="S",
        title="Tee",
        quantity=3,
        unit_price=Money(100, USD),
        total=Money(200, USD),
        tax=Money(9, USD),
    )
    adhoc = NewLine(
        variant_id=None,
        sku="",
        title="Gift",
        quantity=1,
        unit_price=Money(0, USD),
        total=Money(0, USD),
        tax=Money(0, USD),
    )
    new = NewOrder(
        reference="web-1",
        note="ring twice",
        currency=USD,
        lines=(line, adhoc),
        shipping=Money(450, USD),
        total=Money(700, USD),
        placed_at=NOW,
        customer=Contact(name="Ada", email="ada@example.com"),
        ship_to=Address(name="Ada", line1="1 St", city="X", postcode="1", country="US", phone="+1 555 0100"),
    )
    recorder.paid = False
    await till.order_writer.mirror(new)
    recorder.free = True
    await till.order_writer.mirror(
        NewOrder(
            reference="web-2",
            note="",
            currency=USD,
            lines=(adhoc,),
            shipping=Money(0, USD),
            total=Money(0, USD),
            placed_at=NOW,
        )
    )
    recorder.free = False
    order = Order(
        id="O1",
        status="paid",
        placed_at=NOW,
        updated_at=NOW,
        currency=USD,
        lines=(),
        total=Money(700, USD),
        shipping=Money(0, USD),
        refunded=Money(0, USD),
    )
    await till.order_writer.cancel(order, restock=False, key="cancel-1")
    recorder.paid = True
    await till.order_writer.fulfil(order, [Tracking(number="1Z", carrier="UPS", url="https://t/1")], "ship-1")
    await till.order_writer.refund(order, [], Money(100, USD), restock=False, reason="broken", key="refund-1")
    await till.order_writer.find("web-9")


async def drive_people(till: Connector, recorder: Recorder) -> None:
    assert till.customers is not None
    assert till.customers.changes is not None
    assert [page async for page in till.customers.all()]
    assert [page async for page in till.customers.changes.since(till.customers.changes.begin(NOW))]
    await till.customers.get(["C1"])
    await till.customers.find(email="ada@example.com", phone="+14155550142")
    assert till.points is not None
    assert till.points.events is not None
    assert [page async for page in till.points.events.since(till.points.events.begin(NOW))]
    for key, shown in (("up", 30), ("down", 90)):
        (result,) = await till.points.show(
            [PointsWrite(customer="C1", balance=50, shown=shown, key=key, points_id="A1")]
        )
        assert result.kind == "done"
    recorder.loyal = False
    (result,) = await till.points.show(
        [PointsWrite(customer="C1", balance=50, shown=None, key="new", phones=("+14155550142",))]
    )
    assert (result.kind, result.points_id) == ("done", "A1")
    recorder.loyal = True


async def drive_webhooks(till: Connector) -> None:
    assert till.webhooks is not None
    (made,) = await till.webhooks.subscribe(till.webhooks.topics, "https://bridge.example/hooks/till", "")
    await till.webhooks.mend(made, "")
    await till.webhooks.unsubscribe(made.id)


@pytest.fixture
async def sent(anyio_backend: str) -> list[tuple[str, str, Any]]:
    """Every request of every port."""
    recorder = Recorder()
    till = connector(recorder)
    await drive_reads(till)
    await drive_stock(till)
    await drive_products(till)
    await drive_orders(till, recorder)
    await drive_people(till, recorder)
    await drive_webhooks(till)
    assert till.close is not None
    await till.close()
    return recorder.sent


async def test_every_path_is_one_of_the_specifications(sent: list[tuple[str, str, Any]], specs: Path) -> None:
    seen = {(method, path) for method, path, _ in sent}
    assert seen == set(SCHEMAS) | BARE
    known = json.loads((specs / SPEC).read_text())["paths"]
    for method, path in seen:
        named = path.replace("/O1", "/{order_id}").replace("/merchants/me", "/merchants/{merchant_id}")
        named = named.replace("/wbhk_1", "/{subscription_id}").replace("/customers/C1", "/customers/{customer_id}")
        named = named.replace("/accounts/A1", "/accounts/{account_id}").replace(
            "/programs/main", "/programs/{program_id}"
        )
        assert method.lower() in known[named]


async def test_every_body_fits_the_specification(sent: list[tuple[str, str, Any]], specs: Path) -> None:
    document = json.loads((specs / SPEC).read_text())
    for method, path, body in sent:
        if name := SCHEMAS.get((method, path)):
            schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
            jsonschema.Draft4Validator(schema).validate(body)
            strangers = set(unknown(body, document["components"]["schemas"], name)) - {
                # The specification at hand is older than the two locations of an adjustment.
                "InventoryAdjustment.from_location_id",
                "InventoryAdjustment.to_location_id",
            }
            assert not strangers, f"{path}: {strangers}"


async def test_points_fit_the_official_sdks_types(sent: list[tuple[str, str, Any]]) -> None:
    from square.requests.customer_query import CustomerQueryParams
    from square.requests.loyalty_account import LoyaltyAccountParams
    from square.requests.loyalty_event_adjust_points import LoyaltyEventAdjustPointsParams
    from square.requests.loyalty_event_query import LoyaltyEventQueryParams

    kinds = {
        ("/v2/customers/search", "query"): CustomerQueryParams,
        ("/v2/loyalty/accounts", "loyalty_account"): LoyaltyAccountParams,
        ("/v2/loyalty/accounts/A1/adjust", "adjust_points"): LoyaltyEventAdjustPointsParams,
        ("/v2/loyalty/events/search", "query"): LoyaltyEventQueryParams,
    }
    checked = set()
    for _, path, body in sent:
        for (there, name), kind in kinds.items():
            if path == there:
                assert fits(kind, body[name]), body
                checked.add(path)
    assert checked == {path for path, _ in kinds}
    assert not fits(LoyaltyEventAdjustPointsParams, {"points": 3, "note": "x"})


async def test_the_check_can_fail(specs: Path) -> None:
    document = json.loads((specs / SPEC).read_text())
    schema = {"$ref": "#/components/schemas/BatchChangeInventoryRequest", "components": document["components"]}
    wrong = {"idempotency_key": "k", "changes": [{"type": "ADJUSTMENT", "adjustment": {"quantity": 3}}]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(schema).validate(wrong)
    stranger = {"changes": [{"adjustment": {"delta": "3"}}]}
    found = list(unknown(stranger, document["components"]["schemas"], "BatchChangeInventoryRequest"))
    assert found == ["InventoryAdjustment.delta"]


async def test_stock_and_orders_fit_the_official_sdks_types(sent: list[tuple[str, str, Any]]) -> None:
    from square.requests.inventory_change import InventoryChangeParams
    from square.requests.order import OrderParams

    checked = 0
    for _, path, body in sent:
        for row in (body or {}).get("changes", ()):
            assert fits(InventoryChangeParams, row), row
            checked += 1
        if path.startswith("/v2/orders") and "order" in (body or {}):
            assert fits(OrderParams, body["order"]), body
            checked += 1
    assert checked >= 7
    assert not fits(InventoryChangeParams, {"type": "ADJUSTMENT", "adjustment": {"location_id": "LA"}})


def test_every_topic_is_one_of_the_specifications_and_its_example_is_understood(specs: Path) -> None:
    schemas = json.loads((specs / SPEC).read_text())["components"]["schemas"]
    examples = {one["x-webhook"]["event"]: one["example"] for one in schemas.values() if "x-webhook" in one}
    assert set(TOPICS) < set(examples)
    kinds = {topic: {hint.kind for hint in hints(json.dumps(example).encode())} for topic, example in examples.items()}
    assert {topic for topic, kind in kinds.items() if kind != {"nothing"}} == set(TOPICS)
    assert {topic for topic, kind in kinds.items() if kind == {"channel"}} == {
        "catalog.version.updated",
        "oauth.authorization.revoked",
    }
    assert kinds["inventory.count.updated"] == {"stock"}
    people = {
        topic: hints(json.dumps(examples[topic]).encode())[0].customers
        for topic in TOPICS
        if kinds[topic] == {"customer"}
    }
    assert {topic for topic, named in people.items() if not named} == {"loyalty.event.created"}
    assert people["loyalty.account.updated"] == people["customer.deleted"] == ("QPTXM8PQNX3Q726ZYHPMNP46XC",)
    assert kinds["payment.created"] == kinds["refund.updated"] == kinds["order.fulfillment.updated"] == {"order"}


def fits(kind: Any, value: Any) -> bool:
    """Tell whether one of the SDK's typed dicts takes a value whole: it drops fields that it does not name."""
    # In Python the SDK calls it address_line1 and renames it on the wire.
    theirs = json.loads(json.dumps(value).replace("address_line_", "address_line"))
    return bool(pydantic.TypeAdapter(kind).validate_python(theirs) == theirs)


def unknown(body: Any, schemas: dict[str, Any], name: str) -> Iterator[str]:
    """Yield the fields that a schema does not name: Square refuses them (UNKNOWN_BODY_PARAMETER), JSON schema does not."""
    known: dict[str, Any] = schemas[name].get("properties") or {}
    for field, value in body.items() if isinstance(body, dict) else ():
        if known and field not in known:
            yield f"{name}.{field}"
            continue
        schema = known.get(field, {})
        inner = schema.get("items", schema)
        if "$ref" in inner:
            for part in value if isinstance(value, list) else [value]:
                yield from unknown(part, schemas, typing.cast(str, inner["$ref"]).rsplit("/", 1)[-1])
