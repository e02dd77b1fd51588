"""A shop that answers from a script: no network, no clock but the test's."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.contract.ports import Connector
from bridge.wire.http import Surroundings
from connectors.shopify import Settings, connect

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
Reply = dict[str, Any] | httpx.Response | Exception


@dataclass(slots=True)
class Stage:
    """What the shop was asked, and what it says: `replies` by operation name, each used once unless it is the last."""

    replies: dict[str, list[Reply]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[httpx.Headers] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    version: str = "2026-10"
    clock: float = 0.0

    def say(self, operation: str, *replies: Reply) -> None:
        self.replies[operation] = list(replies)

    def names(self) -> list[str]:
        return [call["operationName"] for call in self.asked]

    def answer(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        name = "token" if request.url.path.endswith("access_token") else body["operationName"]
        self.asked.append({**body, "operationName": name, "raw": request.content})
        self.headers.append(request.headers)
        script = self.replies[name]
        reply = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, httpx.Response):
            return reply
        date = format_datetime(NOW + timedelta(seconds=self.clock), usegmt=True)
        return httpx.Response(200, json=reply, headers={"date": date, "x-shopify-api-version": self.version})

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock += seconds

    def around(self) -> Surroundings:
        return Surroundings(
            now=lambda: NOW + timedelta(seconds=self.clock), time=lambda: self.clock, sleep=self.sleep,
            rng=random.Random(1), transport=httpx.MockTransport(self.answer),
        )  # fmt: skip


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def shop(stage: Stage) -> Connector:
    """A connector on the stage, with a static token."""
    return connect(Settings(shop="my-shop", access_token="shpat_0123456789abcdef"), stage.around(), where="web")


@pytest.fixture
def recorded() -> Callable[[str], Any]:
    """Load a recording of a real shop."""
    return lambda name: json.loads((Path(__file__).parent / "payloads" / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def make_order() -> Callable[..., dict[str, Any]]:
    """An order node with every field we ask for; keyword arguments replace fields."""
    return order_node


def connection(*nodes: dict[str, Any], end: str | None = None) -> dict[str, Any]:
    return {"nodes": list(nodes), "pageInfo": {"hasNextPage": end is not None, "endCursor": end}}


@pytest.fixture
def page() -> Callable[..., dict[str, Any]]:
    """A connection with these nodes; `end` is the cursor of a next page."""
    return connection


def money(amount: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": "CAD"}}


def line_node(**changed: Any) -> dict[str, Any]:
    node: dict[str, Any] = {
        "id": "gid://shopify/LineItem/7", "title": "Mug", "sku": "MUG", "quantity": 5, "currentQuantity": 5,
        "variant": {"id": "gid://shopify/ProductVariant/70"}, "originalUnitPriceSet": money("10.0"),
        "discountAllocations": [], "taxLines": [],
    }  # fmt: skip
    return {**node, **changed}


@pytest.fixture
def make_line() -> Callable[..., dict[str, Any]]:
    """A line node of 5 units; keyword arguments replace fields."""
    return line_node


def order_node(**changed: Any) -> dict[str, Any]:
    node: dict[str, Any] = {
        "id": "gid://shopify/Order/1", "name": "#1001", "createdAt": "2026-11-22T10:00:00Z",
        "updatedAt": "2026-11-22T11:00:00Z", "cancelledAt": None, "confirmed": True, "test": False, "sourceName": "web",
        "sourceIdentifier": None, "discountCodes": [], "currencyCode": "CAD", "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED", "returnStatus": "NO_RETURN", "taxesIncluded": False, "email": None,
        "phone": None, "totalPriceSet": money("50.0"), "totalShippingPriceSet": money("0.0"),
        "totalRefundedSet": money("0.0"), "customer": None, "retailLocation": None, "shippingAddress": None,
        "lineItems": connection(line_node()), "refunds": [], "fulfillmentOrders": connection(), "fulfillments": [],
    }  # fmt: skip
    return {**node, **changed}


@pytest.fixture
def make_product() -> Callable[..., dict[str, Any]]:
    """A product node with one variant; keyword arguments replace fields."""

    def build(number: int = 1, **changed: Any) -> dict[str, Any]:
        variant = {
            "id": f"gid://shopify/ProductVariant/{number}0", "title": "Default Title", "sku": f"SKU-{number}",
            "barcode": "", "price": "12.50", "compareAtPrice": None,
            "selectedOptions": [{"name": "Title", "value": "Default Title"}],
            "inventoryItem": {
                "id": f"gid://shopify/InventoryItem/{number}00", "tracked": True,
                "measurement": {"weight": {"value": 1.5, "unit": "KILOGRAMS"}},
            },
        }  # fmt: skip
        node = {
            "id": f"gid://shopify/Product/{number}", "title": "Mug", "descriptionHtml": "<p>A mug</p>",
            "status": "ACTIVE", "updatedAt": "2026-11-22T11:00:00Z", "options": [{"name": "Title"}],
            "variants": connection(variant), "media": connection(),
        }  # fmt: skip
        return {**node, **changed}

    return build
