"""The official client (ShopifyAPI 12.7), unchanged, against a real socket on loopback."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import shopify

from bridge.sandbox.kit.platform import Platform
from bridge.sandbox.shopify import build
from tests.sandbox.test_shopify.kit import tee
from tests.sandbox.test_shopify.official import session_on


async def _no_sleep(_: float) -> None:
    raise AssertionError("no fault asks for a delay here")


@pytest.fixture
def session() -> Iterator[Platform]:
    platform = build(now=lambda: datetime.now(UTC), sleep=_no_sleep, rng=random.Random(1), host="http://localhost")
    with session_on(platform):
        yield platform


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
