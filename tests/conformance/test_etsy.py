"""Answers of the Etsy stand-in and calls of the connector, against Etsy's own specification (3.0.0, fetched 2026-08-17)."""

import asyncio
import json
import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from jsonschema import Draft4Validator, ValidationError

from bridge.contract.ports import ProductEdit, VariantEdit
from bridge.contract.stock import StockChange
from bridge.domain.money import Money
from bridge.domain.orders import Tracking
from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.sandbox.kit.transport import InProcess
from tests.contract.bench import another, good, make
from tests.contract.facts.etsy import FACTS
from tests.products import at_once

pytestmark = pytest.mark.conformance

Json = dict[str, Any]
# `Scopes` names no field at all in the specification; the stand-in's word for them is a belief of low confidence.
OPEN = {"Scopes"}
# Lists are sent with commas, as etsy-python and Etsy's own examples do; the specification's arrays would repeat the name.
LISTS = {"listing_ids", "includes"}


@pytest.fixture(scope="session")
def spec(specs: Path) -> Json:
    return dict(json.loads((specs / "etsy" / "etsy-oas3-baseline.json").read_text(encoding="utf-8")))


def plain(node: Any) -> Any:
    """Turn OpenAPI 3.0 into JSON Schema 4: `nullable` becomes a type, and every object is closed to unknown fields."""
    if isinstance(node, list):
        return [plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    # A property may be called "description", too: that one is an object.
    dropped = {"description", "default", "example"}
    made = {name: plain(value) for name, value in node.items() if name not in dropped or isinstance(value, dict)}
    if made.get("properties") and "additionalProperties" not in made:
        made["additionalProperties"] = False
    if made.pop("nullable", False):
        made.pop("enum", None)
        return {"anyOf": [made, {"type": "null"}]}
    return made


@cache
def _components(text: str) -> Any:
    return plain(json.loads(text))


def broken(spec: Json, schema: Json, body: Any) -> list[str]:
    """Return what is wrong with a body, unknown fields included."""
    whole = {**plain(schema), "components": _components(json.dumps(spec["components"]))}
    deepest = (
        max(_leaves(error), key=lambda one: len(one.absolute_path))
        for error in Draft4Validator(whole).iter_errors(body)
    )
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in deepest]


def _leaves(error: ValidationError) -> list[ValidationError]:
    """The reasons behind an error of a choice; a choice of nothing else but null is no reason."""
    return [leaf for one in error.context for leaf in _leaves(one)] if error.context else [error]


def operation(spec: Json, method: str, path: str) -> Json:
    """Find the operation that a call is, the path with the fewest variables first."""
    for template in sorted(spec["paths"], key=lambda one: one.count("{")):
        pattern = re.sub(r"\{\w+\}", "[^/]+", template)
        if re.fullmatch(pattern, path) and method.lower() in spec["paths"][template]:
            return dict(spec["paths"][template][method.lower()])
    raise AssertionError(f"{method} {path} is no operation of the specification")


def request_wrong(spec: Json, request: httpx.Request) -> list[str]:
    """Return what is wrong with a call: its parameters, and its body as form or JSON."""
    known = operation(spec, request.method, request.url.path)
    names = {one["name"]: one for one in known.get("parameters", []) if one["in"] == "query"}
    wrong = [f"parameter {name}" for name, _ in request.url.params.multi_items() if name not in names]
    for name, value in request.url.params.multi_items():
        schema = names.get(name, {}).get("schema", {})
        values = value.split(",") if name in LISTS else [value]
        item = schema.get("items", schema)
        wrong += [w for one in values for w in broken(spec, item, _typed(one, item))]
    if not request.content:
        return wrong
    ((kind, content),) = known["requestBody"]["content"].items()
    assert request.headers["content-type"] == kind
    if kind == "application/json":
        return wrong + broken(spec, content["schema"], json.loads(request.content))
    properties = content["schema"]["properties"]
    form = {name: _typed(value, properties.get(name, {})) for name, value in parse_qsl(request.content.decode())}
    return wrong + broken(spec, content["schema"], form)


def _typed(text: str, schema: Json) -> Any:
    kind = schema.get("type")
    if kind == "integer" and text.isdigit():
        return int(text)
    if kind == "number":
        return float(text)
    return {"true": True, "false": False}[text] if kind == "boolean" else text


class Judge(httpx.AsyncBaseTransport):
    """Looks at every call and every answer on its way."""

    def __init__(self, spec: Json, inner: httpx.AsyncBaseTransport) -> None:
        self.spec = spec
        self.inner = inner
        self.seen: set[tuple[str, int]] = set()
        self.wrong: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        response = await self.inner.handle_async_request(request)
        if "/oauth/token" in request.url.path:
            return response
        known = operation(self.spec, request.method, request.url.path)
        name = f"{known['operationId']} {response.status_code}"
        if response.status_code < 300:
            self.wrong += [f"{name}: request: {one}" for one in request_wrong(self.spec, request)]
        self.wrong += [f"{name}: {one}" for one in self._answer(known, response)]
        self.seen.add((known["operationId"], response.status_code))
        return response

    def _answer(self, known: Json, response: httpx.Response) -> list[str]:
        told = known["responses"].get(str(response.status_code))
        if told is None:
            return [] if response.status_code == 429 else ["a status that the specification does not have"]
        content = told.get("content")
        if not content:
            return [] if not response.content else ["a body where there is none"]
        schema = content["application/json"]["schema"]
        if schema.get("$ref", "").rpartition("/")[2] in OPEN:
            return []
        return broken(self.spec, schema, json.loads(response.content))


@pytest.fixture
def loop() -> Iterator[SimulatedLoop]:
    loop = SimulatedLoop()
    yield loop
    loop.close()


def test_the_judge_itself_can_fail(spec: Json) -> None:
    schema = {"$ref": "#/components/schemas/Money"}
    assert broken(spec, schema, {"amount": 1, "divisor": 100, "currency_code": "USD"}) == []
    assert broken(spec, schema, {"amount": "1"})
    assert broken(spec, schema, {"colour": "red"})
    put = operation(spec, "PUT", "/v3/application/listings/1/inventory")["requestBody"]["content"]["application/json"]
    offering = {"price": 1.0, "quantity": 1, "is_enabled": True}
    body = {"products": [{"sku": "A", "property_values": [], "offerings": [offering]}]}
    assert "readiness_state_id" in str(broken(spec, put["schema"], body))
    assert operation(spec, "GET", "/v3/application/listings/batch/inventory")["operationId"].endswith("ByListingIds")


def test_everything_the_connector_says_and_hears_is_in_the_specification(spec: Json, loop: SimulatedLoop) -> None:
    judge = loop.run_until_complete(_everything(spec))
    assert judge.wrong == []
    assert {name for name, _ in judge.seen} >= {
        "getMe", "tokenScopes", "getShop", "getListingsByShop", "getListingsByListingIds", "getListingInventory",
        "getListingsInventoryByListingIds", "updateListingInventory", "updateListing", "createDraftListing",
        "getPropertiesByTaxonomyId", "getShopReceipts", "getShopReceipt", "createReceiptShipment",
    }  # fmt: skip
    assert {status for _, status in judge.seen} >= {200, 201, 400, 404}


async def _everything(spec: Json) -> Judge:
    bench = make("etsy")
    judge = Judge(spec, bench.wire.inner)
    bench.wire.inner = judge
    connector = bench.connector = bench.connect(**(FACTS.create_with or {}))
    sizes = [{"sku": f"TEE-{s}", "price": "9.00", "stock": 4, "options": {"Size": s}} for s in "SML"]
    images = ["https://i.example/1.jpg"]
    await bench.seed({"title": "Tee", "variants": sizes, "images": images}, good("CAP", stock=3), good("MUG", stock=2))
    for how in ({}, {"paid": False}, {"discount": "1.00", "tax": "0.50", "shipping": "4.90"}):
        made = bench.shop.sale([{"sku": "TEE-M", "quantity": 1}, {"sku": "CAP", "quantity": 1}], **how)
    bench.shop.refund(made, [{"sku": "CAP", "quantity": 1}])
    orders = await bench.orders()
    assert connector.order_writer is not None
    await connector.order_writer.fulfil(orders[made], [Tracking(number="JD1", carrier="DHL")], "k")
    await _write(bench, "TEE-S", 9)
    await _write(bench, "MUG", 0)
    await _write(bench, "MUG", 5)
    bench.shop.sale([{"sku": "MUG", "quantity": 5}])
    await _write(bench, "MUG", 2)
    tee, own = await bench.variant("TEE-S")
    assert connector.products is not None
    price = VariantEdit(id=own.id, fields=frozenset({"price"}), price=Money(1000, "USD"))
    edit = ProductEdit(current=tee, fields=frozenset({"title"}), title="New", variants=(price,))
    assert (await connector.products.edit([edit], "k"))[0].product is not None
    new = another(tee, "HAT-M", options=("Size",))
    assert at_once(await connector.products.create(new, "k")).status == "draft"
    bench.shop.delete_product("CAP")
    assert await connector.catalog.get([tee.id, "1500000002"])
    await connector.products.delete(tee.id)
    for one in bench.opened:
        assert one.close is not None
        await one.close()
    return judge


async def _write(bench: Any, sku: str, units: int) -> None:
    shown = await bench.level(sku)
    await bench.write(StockChange(key=await bench.key(sku), delta=units - shown, shown=shown))


def test_what_no_connector_asks_is_in_the_specification_too(spec: Json, loop: SimulatedLoop) -> None:
    from bridge.sandbox.etsy import build

    platform = build(now=loop.now, sleep=asyncio.sleep, rng=random.Random(1), host="http://etsy.test")
    platform.shop.seed([good("TEE", stock=3, images=["https://i.example/1.jpg"])])
    judge = Judge(spec, InProcess({"etsy.test": platform.app}))
    client = httpx.AsyncClient(transport=judge, base_url="http://etsy.test")
    known = platform.credentials
    form = {"grant_type": "refresh_token", "client_id": known["keystring"], "refresh_token": known["refresh_token"]}
    token = loop.run_until_complete(client.post("/v3/public/oauth/token", data=form)).json()["access_token"]
    client.headers["authorization"] = f"Bearer {token}"
    client.headers["x-api-key"] = f"{known['keystring']}:{known['shared_secret']}"
    shop = "/v3/application/shops/44001"
    for method, path in (
        ("GET", "/v3/application/openapi-ping"), ("GET", f"{shop}/readiness-state-definitions"),
        ("GET", f"{shop}/shipping-profiles"), ("GET", "/v3/application/listings/1500000001?includes=Images"),
        ("GET", f"{shop}/receipts/1"), ("GET", "/v3/application/listings/1"), ("GET", f"{shop}/listings?limit=101"),
        ("DELETE", "/v3/application/listings/1500000001"),
    ):  # fmt: skip
        loop.run_until_complete(client.request(method, path))
    assert judge.wrong == []
    assert {status for _, status in judge.seen} == {200, 204, 400, 404}
    loop.run_until_complete(client.aclose())
