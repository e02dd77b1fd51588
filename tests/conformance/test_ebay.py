"""eBay's stand-in and connector against eBay's own OpenAPI documents (sell_inventory 1.18.5 and others, see --specs)."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from bridge.contract.ports import LineRefund, ProductEdit, VariantEdit
from bridge.contract.stock import StockChange
from bridge.domain.catalog import StockKey
from bridge.domain.money import Money
from bridge.domain.orders import Tracking
from bridge.sandbox.ebay.errors import gone
from tests.connectors.ebay.conftest import House, good
from tests.connectors.ebay.conftest import build_house as build_house  # noqa: PLC0414 - a fixture
from tests.connectors.ebay.test_ebay_products import MAP, SIZES, TEE
from tests.products import at_once

pytestmark = pytest.mark.conformance

Json = dict[str, Any]
APIS = {
    "/sell/inventory/v1": "sell_inventory_v1_oas3.json",
    "/sell/fulfillment/v1": "sell_fulfillment_v1_oas3.json",
    "/sell/account/v1": "sell_account_v1_oas3.json",
    "/commerce/notification/v1": "commerce_notification_v1_oas3.json",
}
# The document has a string where its own example, and every client, has an object of lists.
OTHER = replace(SIZES, variants=tuple(replace(one, sku=f"OTHER-{one.sku}") for one in SIZES.variants))
LOOSE = {"Product": "aspects", "InventoryItemGroup": "aspects"}


@cache
def document(path: Path) -> Json:
    """Read a document; its enumerations are strings, although it calls them objects."""
    found: Json = json.loads(path.read_text(encoding="utf-8"))
    for name, schema in found["components"]["schemas"].items():
        if "enum" in schema:
            schema["type"] = "string"
        if name in LOOSE:
            schema["properties"][LOOSE[name]] = {"type": "object"}
    if answer := found["components"]["schemas"].get("GetInventoryItemResponse"):
        # Required by the letter; an item that is not there cannot be shown.
        answer["required"].remove("inventoryItem")
    return found


def operation(specs: Path, method: str, path: str) -> tuple[Json, Json]:
    """Find what the document says of a call."""
    base = next(one for one in APIS if path.startswith(one))
    whole, rest = document(specs / "ebay" / APIS[base]), path.removeprefix(base).strip("/").split("/")
    fits = []
    for shape, verbs in whole["paths"].items():
        parts = shape.strip("/").split("/")
        if (
            method.lower() in verbs
            and len(parts) == len(rest)
            and all(a == b or a.startswith("{") for a, b in zip(parts, rest, strict=True))
        ):
            fits.append((sum(part.startswith("{") for part in parts), verbs))
    assert fits, f"{method} {path} is in no document"
    return whole, min(fits, key=lambda one: one[0])[1][method.lower()]


def broken(whole: Json, schema: Json, body: Any) -> list[str]:
    """Return what is wrong with a body, and every field that its schema does not have."""
    validator = Draft202012Validator({**schema, "components": whole["components"]})
    wrong = [f"{'/'.join(map(str, one.absolute_path))}: {one.message}" for one in validator.iter_errors(body)]
    return wrong + list(unknown(whole, schema, body, "body"))


def unknown(whole: Json, schema: Json, body: Any, where: str) -> Iterator[str]:
    """Go through a body and name the fields that its schema does not have."""
    if "$ref" in schema:
        schema = whole["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    if isinstance(body, list):
        for one in body:
            yield from unknown(whole, schema.get("items", {}), one, where)
    elif isinstance(body, dict) and schema.get("properties"):
        for name, value in body.items():
            if name not in schema["properties"]:
                yield f"{where}.{name} is not in the schema"
            else:
                yield from unknown(whole, schema["properties"][name], value, f"{where}.{name}")


def checked(specs: Path, request: httpx.Request, answer: httpx.Response) -> list[str]:
    """Hold a call and its answer against the document."""
    path, found = request.url.path, []
    if path.startswith("/identity/"):
        return []
    whole, op = operation(specs, request.method, path)
    if request.content:
        found += broken(whole, op["requestBody"]["content"]["application/json"]["schema"], json.loads(request.content))
    named = {one["name"].lower() for one in op.get("parameters", ())}
    found += [f"query {name}" for name in request.url.params if name.lower() not in named]
    headers = [one for one in op.get("parameters", ()) if one["in"] == "header" and one.get("required")]
    found += [f"header {one['name']}" for one in headers if one["name"].lower() not in request.headers]
    reply = op["responses"].get(str(answer.status_code), {})
    schema = reply.get("content", {}).get("application/json", {}).get("schema")
    if answer.status_code < 300:
        assert reply, f"{request.method} {path} does not answer {answer.status_code}"
        if answer.content and schema:
            found += broken(whole, schema, answer.json())
    return [f"{request.method} {path}: {one}" for one in found]


@pytest.fixture
def watched(build_house: Callable[..., House], specs: Path) -> Iterator[House]:
    """A seller all of whose calls are held against the documents."""
    house = build_house()
    inner, wrong, seen = house.wire.inner, list[str](), set[str]()

    class Watch(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await inner.handle_async_request(request)
            wrong.extend(checked(specs, request, answer))
            seen.add(request.url.path)
            return answer

    house.wire.inner = Watch()
    yield house
    assert seen, "nothing was asked"
    assert not wrong, "\n".join(sorted(set(wrong)))


def test_reading_and_checking(watched: House) -> None:
    sizes = [{"sku": f"TEE-{size}", "price": "9.00", "stock": 1, "options": {"Size": size}} for size in "SML"]
    watched.shop.seed(
        [good("CAP", barcode="4006381333931", compare_at="15.00", weight_grams=5), {"title": "T", "variants": sizes}]
    )
    assert len(watched.catalogue()) == 2

    async def more() -> None:
        await watched.ebay.account.check()
        await watched.ebay.stock.read([StockKey("CAP"), StockKey("nobody")])
        await watched.ebay.catalog.get(["item:CAP"])

    watched.run(more())


def test_numbers(watched: House) -> None:
    watched.shop.seed([good("TEE"), good("CAP")])
    stock = watched.ebay.stock
    rows = [StockChange(key=StockKey(sku), delta=-1, shown=10) for sku in ("TEE", "CAP", "nobody")]

    async def write() -> None:
        await stock.send(stock.prepare(rows, "k"))

    watched.run(write())


def test_orders_and_what_becomes_of_them(watched: House) -> None:
    watched.shop.seed([good("TEE"), good("CAP")])
    person = {"name": "Ada", "email": "ada@example.com", "phone": "+1555"}
    lines = [{"sku": "TEE", "quantity": 2}, {"sku": "CAP", "quantity": 1}]
    made = watched.shop.sale(lines, customer=person, discount="1.00", shipping="4.90")
    unpaid = watched.shop.sale(lines, paid=False)
    watched.shop.cancel(unpaid)

    async def act() -> None:
        writer = watched.ebay.order_writer
        assert writer is not None
        order = await watched.ebay.sales.get(made)
        await writer.fulfil(order, [Tracking(number="1Z-9", carrier="UPS")], "k")
        share = LineRefund(line_id=order.lines[0].id, quantity=1, amount=Money(100, "USD"))
        await writer.refund(order, [share], Money(100, "USD"), restock=False, reason="late", key="k")
        again = await watched.ebay.sales.get(made)
        await writer.refund(again, [], Money(50, "USD"), restock=False, reason="", key="k2")

    watched.run(act())
    feed = watched.ebay.sales.changes
    assert len(watched.drain(feed, feed.begin(watched.loop.now()))[0]) == 2


def test_listings_made_and_changed(watched: House) -> None:
    async def make() -> None:
        products = watched.open(listing_map=MAP).products
        assert products is not None
        tee, sizes = [at_once(await products.create(one, "k")) for one in (TEE, OTHER)]
        own = VariantEdit(
            id="TEE",
            fields=frozenset({"price", "barcode", "weight_grams"}),
            price=Money(5, "USD"),
            barcode="1",
            weight_grams=9,
        )
        edit = ProductEdit(
            current=tee, fields=frozenset({"title", "description"}), title="New", description="N", variants=(own,)
        )
        group = ProductEdit(current=sizes, fields=frozenset({"title"}), title="New")
        assert [one.reason for one in await products.edit([edit, group], "k")] == ["", ""]
        for one in (tee, sizes):
            await products.delete(one.id)

    watched.run(make())


def test_notifications(watched: House) -> None:
    async def keep() -> None:
        hooks = watched.ebay.webhooks
        assert hooks is not None
        made = await hooks.subscribe(hooks.topics, "https://bridge.example/hooks/ebay", "")
        assert len(made) == 3
        next(iter(watched.state.destinations.values()))["status"] = "MARKED_DOWN"
        await hooks.mend(made[0], "")
        await hooks.unsubscribe(made[0].id)

    watched.run(keep())


def test_errors_have_ebays_shape(watched: House, specs: Path) -> None:
    whole = document(specs / "ebay" / APIS["/sell/inventory/v1"])
    schema = {"$ref": "#/components/schemas/Error"}
    assert broken(whole, schema, gone("TEE").as_json()) == []
    watched.catalogue()
