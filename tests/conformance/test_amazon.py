"""The connector's calls and the stand-in's answers, against Amazon's own models (selling-partner-api-models, Swagger 2)."""

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from jsonschema import Draft4Validator

from bridge.contract.stock import Accepted, StockChange
from bridge.domain.catalog import StockKey
from bridge.domain.listing_map import Category, ListingMap
from bridge.domain.money import Money
from bridge.domain.orders import Tracking
from bridge.sandbox.kit.loop import START, SimulatedLoop, run_simulated
from tests.contract.bench import Bench, another, good, make

pytestmark = pytest.mark.conformance
Json = dict[str, Any]
FILES = (
    "listingsItems_2021-08-01", "feeds_2021-06-30", "fbaInventory", "orders_2026-01-01", "ordersV0", "sellers", "notifications",
)  # fmt: skip
# Not of the Selling Partner API: the token service and the document store.
BESIDE = ("/auth/", "/__documents/")


class Recorder(httpx.AsyncBaseTransport):
    """Keeps every request with its answer."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner
        self.kept: list[tuple[httpx.Request, httpx.Response]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self.inner.handle_async_request(request)
        self.kept.append((request, answer))
        return answer


@pytest.fixture(scope="module")
def kept() -> list[tuple[httpx.Request, httpx.Response]]:
    """What a day of trading says and is told."""
    loop = SimulatedLoop()
    # `make` asks for the running loop.
    return run_simulated(_day(), loop)


async def _day() -> list[tuple[httpx.Request, httpx.Response]]:
    bench = make(
        "amazon", fba=True, roles=("Product Listing", "Inventory and Order Tracking", "Direct-to-Consumer Shipping")
    )
    recorder = bench.wire.inner = Recorder(bench.wire.inner)
    bench.opened.append(
        bench.connect(personal_data=True, listing_map=ListingMap(categories=(Category(tag="", id="LUGGAGE"),)))
    )
    sizes = [{"sku": f"TEE-{size}", "price": "9.00", "stock": 10, "options": {"Size": size}} for size in "SM"]
    await bench.seed(
        {"title": "Tee", "options": ["Size"], "variants": sizes, "images": ["https://x.example/1.jpg"]}, good("CAP")
    )
    await bench.seed(good("FBA", stock={"Fulfilled by Amazon": 4}))
    await _stock(bench)
    await _orders(bench)
    await _products(bench)
    for connector in bench.opened:
        assert connector.close is not None
        await connector.close()
    await asyncio.sleep(0)
    return recorder.kept


async def _stock(bench: Bench) -> None:
    await bench.write(StockChange(key=StockKey("CAP", "DEFAULT"), delta=-1, shown=10))
    rows = [StockChange(key=StockKey(f"SKU-{number}", "DEFAULT"), delta=1, shown=1) for number in range(60)]
    prepared = bench.connector.stock.prepare(rows, "key")
    outcomes = await bench.connector.stock.send(prepared)
    assert isinstance(outcomes[0], Accepted)
    await bench.ended(outcomes[0].ticket, prepared)
    assert [page async for page in bench.connector.stock.scan()]


async def _orders(bench: Bench) -> None:
    who = {"name": "Ada", "email": "a@example.org"}
    first = bench.shop.sale([{"sku": "CAP", "quantity": 1}], customer=who, shipping="4.90", tax="0.80", discount="1.00")
    bench.shop.cancel(bench.shop.sale([{"sku": "TEE-S", "quantity": 1}]))
    bench.shop.sale([{"sku": "FBA", "quantity": 1}], paid=False)
    sales = bench.opened[-1].sales
    await bench.writer.fulfil(await sales.get(first), [Tracking(number="1Z9", carrier="UPS")], "key")
    assert [page async for page in sales.changes.since(sales.changes.begin(START - timedelta(days=1)))]


async def _products(bench: Bench) -> None:
    cap, variant = await bench.variant("CAP")
    maker = bench.opened[-1]
    assert maker.preview is not None
    assert maker.products is not None
    assert await maker.preview.problems(another(cap, "NEW"))
    await maker.products.delete("CAP")
    assert variant.price == Money(1250, "USD")


@pytest.fixture(scope="session")
def models(specs: Path) -> list[Json]:
    return [json.loads((specs / "amazon" / f"{name}.json").read_text(encoding="utf-8")) for name in FILES]


def _operation(models: list[Json], request: httpx.Request) -> tuple[Json, Json]:
    path = request.url.raw_path.decode().partition("?")[0]
    found = [
        (model, way[request.method.lower()], template.count("{"))
        for model in models for template, way in model["paths"].items()
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path) and request.method.lower() in way
    ]  # fmt: skip
    assert found, f"{request.method} {path} is in no model"
    model, operation, _ = min(found, key=lambda one: one[2])
    return model, operation


def _wrong(model: Json, schema: Json, body: Any) -> list[str]:
    validator = Draft4Validator({**schema, "definitions": model["definitions"]})
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(body)]


def _unknown(model: Json, schema: Json, body: Any, where: str) -> Iterator[str]:
    if "$ref" in schema:
        schema = model["definitions"][schema["$ref"].rsplit("/", 1)[-1]]
    if isinstance(body, list):
        for one in body:
            yield from _unknown(model, schema.get("items", {}), one, where)
    elif isinstance(body, dict) and schema.get("properties") and not schema.get("additionalProperties"):
        for name, value in body.items():
            if name not in schema["properties"]:
                yield f"{where}.{name}"
            else:
                yield from _unknown(model, schema["properties"][name], value, f"{where}.{name}")


def test_every_call_and_answer_is_as_the_models_say(
    kept: list[tuple[httpx.Request, httpx.Response]], models: list[Json]
) -> None:
    seen, wrong = set(), []
    for request, answer in kept:
        if request.url.path.startswith(BESIDE):
            continue
        model, operation = _operation(models, request)
        seen.add(operation["operationId"])
        where = f"{operation['operationId']} {answer.status_code}"
        wrong += [f"{where}: {one}" for one in (*_asked(model, operation, request), *_told(model, operation, answer))]
    assert wrong == []
    assert seen >= {
        "searchListingsItems", "patchListingsItem", "putListingsItem", "deleteListingsItem", "createFeedDocument", "createFeed",
        "getFeed", "getFeedDocument", "getInventorySummaries", "searchOrders", "getOrder", "confirmShipment",
        "getMarketplaceParticipations",
    }  # fmt: skip


def _asked(model: Json, operation: Json, request: httpx.Request) -> list[str]:
    given = dict(parse_qsl(request.url.query.decode(), keep_blank_values=True))
    known = {one["name"]: one for one in operation.get("parameters", ()) if one.get("in") == "query"}
    wrong = [f"asks with {name}" for name in given if name not in known]
    wrong += [f"lacks {name}" for name, one in known.items() if one.get("required") and name not in given]
    for name, value in given.items():
        allowed = known.get(name, {}).get("enum") or known.get(name, {}).get("items", {}).get("enum")
        wrong += [f"{name}={one}" for one in value.split(",") if allowed and one not in allowed]
    body = next((one["schema"] for one in operation.get("parameters", ()) if one.get("in") == "body"), None)
    return wrong + (_wrong(model, body, json.loads(request.content)) if body and request.content else [])


def _told(model: Json, operation: Json, answer: httpx.Response) -> list[str]:
    schema = operation["responses"].get(str(answer.status_code), {}).get("schema")
    if schema is None:
        return [] if str(answer.status_code) in operation["responses"] and not answer.content else ["no such answer"]
    body = json.loads(answer.content)
    return [*_wrong(model, schema, body), *_unknown(model, schema, body, "")]
