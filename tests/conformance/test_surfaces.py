"""Pinterest's and Google's stand-ins and connectors against the official schemas. Meta publishes none.

Pinterest: API description 5.23.0 (github pinterest/api-description). Google: discovery documents of the Merchant API v1. Everything
that goes over the wire in a scene that uses every port is checked, in both directions.
"""

import json
import re
from collections.abc import Iterator, Mapping
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft4Validator

from bridge.contract.ports import ProductEdit, VariantEdit
from bridge.domain.catalog import Product, StockKey, Variant
from bridge.domain.money import Money
from bridge.sandbox.kit.loop import START
from bridge.sandbox.kit.transport import InProcess
from tests.connectors.surfaces import Surface, on_a_surface

pytestmark = pytest.mark.conformance

Json = dict[str, Any]
PINTEREST = "pinterest/pinterest-v5.23.0.json"
# (method, path) -> names of the schemas of request and answer.
PINTEREST_CALLS = {
    ("POST", "/oauth/token"): (None, "OauthAccessTokenResponseRefresh"),
    ("GET", "/catalogs"): (None, "Paginated"),
    ("POST", "/catalogs/items"): ("CatalogsItemsRequest", "CatalogsItems"),
    ("POST", "/catalogs/items/batch"): ("CatalogsRetailBatchRequest", "CatalogsRetailItemsBatch"),
    ("GET", "/catalogs/items/batch/{batch_id}"): (None, "CatalogsRetailItemsBatch"),
    ("POST", "/catalogs/products/get_by_product_group_filters"): (
        "CatalogsRetailListProductsByCatalogBasedFilterRequest", "Paginated",
    ),
}  # fmt: skip
ERRORS = "Error"


class Tap(InProcess):
    """Keeps what goes over the wire."""

    def __init__(self, inner: InProcess) -> None:
        super().__init__(inner.apps)
        self.seen: list[tuple[httpx.Request, httpx.Response]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        self.seen.append((request, answer))
        return answer


async def _everything(surface: Surface, location: str = "") -> None:
    """Use every port, well and badly."""
    one = surface.connector
    surface.shop.seed([
        {"title": "Tee", "variants": [
            {"sku": f"TEE-{size}", "price": "12.50", "stock": 10, "barcode": "4006381333931", "options": {"Size": size}} for size in "SM"
        ]},
    ])  # fmt: skip
    surface.seed("CAP", compare_at="20.00")
    await one.account.check()
    pages = [page async for page in one.catalog.all()]
    assert sum(len(page.items) for page in pages) == 2
    await one.catalog.get(["group-TEE-S", "CAP", "GHOST"])
    await one.stock.read([StockKey("CAP", location), StockKey("GHOST", location)])
    prepared, outcomes = await surface.write(("CAP", 0), ("GHOST", 0), ("TEE-S", 1), location=location)
    if one.tickets is not None:
        for _ in range(2):
            await surface.ended(prepared, outcomes)
            await one.products.delete("GHOST")
    (cap,) = await one.catalog.get(["CAP"])
    own = VariantEdit(id="CAP", fields=frozenset({"price", "compare_at", "barcode"}), price=Money(900, "USD"))
    edit = ProductEdit(
        current=cap, fields=frozenset({"title", "description"}), title="New", description="Words", variants=(own,)
    )
    (result,) = await one.products.edit([edit], "k")
    assert result.reason == ""
    if one.edit_tickets is not None:
        await one.edit_tickets.look(result.ticket, [edit])
    new = Variant(
        id="", sku="HAT/1", price=Money(500, "USD"), compare_at=Money(700, "USD"), options=(("Color", "Red"),)
    )
    hat = Product(
        id="", title="Hat", description="Warm", images=("https://x.example/1.jpg",), variants=(new,), updated_at=START
    )
    await one.products.create(hat, "k")
    await one.products.delete("HAT/1")


def _tapped(name: str, location: str = "", **options: Any) -> list[tuple[httpx.Request, httpx.Response]]:
    taps: list[Tap] = []

    async def scene(surface: Surface) -> None:
        tap = Tap(surface.around.transport)
        taps.append(tap)
        for http in surface.connector.account._client._pools:
            http._client._transport = tap
        await _everything(surface, location)

    on_a_surface(name, scene, {}, **options)
    return taps[0].seen


def _strict(schema: Any) -> Any:
    """OpenAPI's `nullable` as JSON Schema's null; discriminators are not needed, `oneOf` tells."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _strict(value) for name, value in schema.items() if name != "nullable"}
    return {"anyOf": [made, {"type": "null"}]} if schema.get("nullable") is True and "type" in schema else made


@pytest.fixture(scope="module")
def pinterest(specs: Path) -> Json:
    document = json.loads((specs / PINTEREST).read_text(encoding="utf-8"))
    return {"paths": document["paths"], "components": _strict(document["components"])}


def _template(paths: Mapping[str, Any], path: str) -> str:
    plain = path.removeprefix("/v5")
    if plain in paths:
        return plain
    return next(known for known in paths if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", known), plain))


def _wrong(document: Json, name: str, body: Any) -> list[str]:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return [
        f"{name} {list(error.absolute_path)}: {error.message[:200]}"
        for error in Draft4Validator(schema).iter_errors(body)
    ]


def test_pinterests_calls_and_answers_fit_the_description(pinterest: Json) -> None:
    used, wrong = set(), list[str]()
    for request, answer in _tapped("pinterest"):
        call = (request.method, _template(pinterest["paths"], request.url.path))
        assert call[0].lower() in pinterest["paths"][call[1]]
        used.add(call)
        asked, told = PINTEREST_CALLS[call]
        if asked:
            wrong += _wrong(pinterest, asked, json.loads(request.content))
        wrong += _wrong(pinterest, told if answer.status_code < 300 else ERRORS, json.loads(answer.content))
    assert used == set(PINTEREST_CALLS)
    assert wrong == []


def test_the_check_of_pinterest_can_fail(pinterest: Json) -> None:
    bad = {"catalog_type": "RETAIL", "country": "US", "language": "en-US", "items": [{"operation": "UPDATE"}]}
    assert _wrong(pinterest, "CatalogsRetailBatchRequest", bad)
    assert _wrong(pinterest, "CatalogsRetailItemsBatch", {"catalog_type": "RETAIL", "created_time": 3})


@pytest.fixture(scope="module")
def google(specs: Path) -> dict[str, Json]:
    names = ("accounts", "datasources", "products", "inventories")
    return {
        name: json.loads((specs / f"google/merchantapi.{name}_v1.json").read_text(encoding="utf-8")) for name in names
    }


def _methods(resources: Mapping[str, Any]) -> Iterator[Json]:
    for resource in resources.values():
        yield from resource.get("methods", {}).values()
        yield from _methods(resource.get("resources", {}))


def _method(google: dict[str, Json], verb: str, path: str) -> tuple[Json, Json]:
    """Find the method of a path: `flatPath` has the shape of the address."""
    document = google[path.split("/")[1]]
    for method in _methods(document["resources"]):
        shape = "/" + re.sub(r"\{[^}]+\}", "[^/]+", method["flatPath"])
        if method["httpMethod"] == verb and re.fullmatch(shape, path):
            return document, method
    raise AssertionError(f"{verb} {path} is not in the discovery document")


def _odd(document: Json, name: str, body: Any, where: str = "") -> Iterator[str]:
    """Go through a body: names, types and enumerations. A discovery schema is not quite JSON Schema (int64 is text)."""
    known = document["schemas"][name].get("properties", {})
    for field, value in body.items():
        if field not in known:
            yield f"{name}{where}.{field} is not in the schema"
            continue
        yield from _odd_value(document, known[field], value, f"{where}.{field}")


def _odd_value(document: Json, schema: Json, value: Any, where: str) -> Iterator[str]:
    if "$ref" in schema:
        yield from _odd(document, schema["$ref"], value, where)
    elif schema.get("type") == "array":
        for one in value:
            yield from _odd_value(document, schema["items"], one, where)
    else:
        kinds = {"string": str, "boolean": bool, "integer": int, "number": float, "object": dict}
        if not isinstance(value, kinds[schema.get("type", "object")]):
            yield f"{where}: {value!r} is no {schema['type']}"
        if schema.get("format") == "int64" and not re.fullmatch(r"-?\d+", str(value)):
            yield f"{where}: {value!r} is no int64"
        if "enum" in schema and value not in schema["enum"]:
            yield f"{where}: {value!r} is none of {schema['enum']}"


def _inner(request: httpx.Request, answer: httpx.Response) -> Iterator[tuple[str, str, bytes, int, bytes]]:
    """Take a batch apart with the standard library's parser, which is neither the connector's nor the stand-in's."""
    told = {}
    for part in _parts(answer.headers["content-type"], answer.content):
        head, _, body = part.get_payload(decode=True).partition(b"\r\n\r\n")
        told[part["content-id"].removeprefix("<response-")] = (int(head.split()[1]), body)
    for part in _parts(request.headers["content-type"], request.content):
        head, _, body = part.get_payload(decode=True).partition(b"\r\n\r\n")
        verb, target, _ = head.decode().splitlines()[0].split(" ")
        yield verb, target, body.strip(), *told[part["content-id"].removeprefix("<")]


def _parts(kind: str, content: bytes) -> Any:
    return BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + content).iter_parts()


def _flat(seen: list[tuple[httpx.Request, httpx.Response]]) -> Iterator[tuple[str, str, bytes, int, bytes]]:
    for request, answer in seen:
        path = request.url.path
        if path.startswith("/batch/"):
            yield from _inner(request, answer)
        elif path != "/token":
            yield request.method, path, request.content, answer.status_code, answer.content


def test_googles_calls_and_answers_fit_the_discovery_documents(google: dict[str, Json]) -> None:
    seen = _tapped("google", "online", stores=("MAIN",))
    used, wrong = set(), list[str]()
    for verb, target, sent, status, got in _flat(seen):
        path, _, query = target.partition("?")
        document, method = _method(google, verb, path)
        used.add(method["id"].removeprefix("merchantapi.accounts."))
        for name in filter(None, (pair.partition("=")[0] for pair in query.split("&"))):
            assert name in method["parameters"], f"{method['id']} has no parameter {name}"
        if "request" in method:
            wrong += _odd(document, method["request"]["$ref"], json.loads(sent))
        if status < 300:
            wrong += _odd(document, method["response"]["$ref"], json.loads(got))
        else:
            assert set(json.loads(got)["error"]) == {"code", "message", "status"}
    assert used >= {
        "get", "users.get", "dataSources.get", "products.list", "products.get", "products.localInventories.list",
        "productInputs.patch", "productInputs.insert", "productInputs.delete",
    }  # fmt: skip
    assert wrong == []


def test_the_batch_path_is_the_documents(google: dict[str, Json]) -> None:
    """`batchPath` of a discovery document is "batch"; the guide adds the API and its version."""
    assert {document["batchPath"] for document in google.values()} == {"batch"}


def test_the_check_of_google_can_fail(google: dict[str, Json]) -> None:
    assert list(_odd(google["products"], "ProductInput", {"offer": "x"}))
    assert list(_odd(google["products"], "ProductAttributes", {"availability": "in stock"}))
    assert list(_odd(google["products"], "Price", {"amountMicros": 5}))
