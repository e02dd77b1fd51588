"""The official client (ShopifyAPI 12.7), unchanged, against a real socket on loopback."""

import json
import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import shopify
import uvicorn

from bridge.sandbox.kit.platform import Platform
from bridge.sandbox.shopify import build
from tests.sandbox.test_shopify.kit import tee


class _Server(uvicorn.Server):
    """Says when it listens, so that nobody has to wait by the clock."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.listening.set()


async def _no_sleep(_: float) -> None:
    raise AssertionError("no fault asks for a delay here")


@pytest.fixture
def served() -> Iterator[tuple[Platform, int]]:
    platform = build(now=lambda: datetime.now(UTC), sleep=_no_sleep, rng=random.Random(1), host="http://localhost")
    server = _Server(uvicorn.Config(platform.app, host="127.0.0.1", port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.listening.wait(10)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield platform, port
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def session(served: tuple[Platform, int]) -> Iterator[Platform]:
    """`Session.setup` is the client's own way to another host: shop, domain and port together are 127.0.0.1:PORT."""
    platform, port = served
    before = (shopify.Session.protocol, shopify.Session.myshopify_domain, shopify.Session.port)
    shopify.Session.setup(protocol="http", myshopify_domain="0.0.1", port=port)
    made = shopify.Session("127", "2026-10", platform.credentials["access_token"])
    shopify.ShopifyResource.activate_session(made)
    yield platform
    shopify.ShopifyResource.clear_session()
    shopify.Session.setup(protocol=before[0], myshopify_domain=before[1], port=before[2])


def test_queries_and_mutations_of_the_official_client(session: Platform) -> None:
    row = session.shop.seed([tee()])[0]
    client = shopify.GraphQL()
    read = json.loads(
        client.execute("query Q($id: ID!) { inventoryItem(id: $id) { sku tracked } }", {"id": row["stock_id"]})
    )
    assert read["data"]["inventoryItem"] == {"sku": "TEE", "tracked": True}
    places = json.loads(client.execute("{ locations(first: 1) { nodes { id } } }"))["data"]["locations"]["nodes"]
    change = {"inventoryItemId": row["stock_id"], "locationId": places[0]["id"], "delta": -2, "changeFromQuantity": 5}
    written = json.loads(
        client.execute(
            """mutation A($input: InventoryAdjustQuantitiesInput!) { inventoryAdjustQuantities(input: $input)
            @idempotent(key: "3b1f") { userErrors { message } } }""",
            {"input": {"name": "available", "reason": "correction", "changes": [change]}},
        )
    )
    assert written["data"]["inventoryAdjustQuantities"]["userErrors"] == []
    assert session.shop.stock() == {"TEE": {"Shop location": 3}}
