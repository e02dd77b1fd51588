"""The estimate of points, against what development stores charged for documents of the same shape (2025-01, 2026-04)."""

import pytest

from connectors.shopify.cost import estimate

RECORDED = [
    ("query { products(first: 1) { nodes { id title } } }", 3),
    ("query { locations(first: 10) { nodes { id name isActive } } }", 6),
    ("query { locations(first: 20) { nodes { id name } } }", 7),
    ("query { products(first: 50) { nodes { id title } } }", 9),
    ("query { products(first: 250) { nodes { id } pageInfo { hasNextPage endCursor } } }", 13),
    ("query { order(id: 1) { id cancelledAt } }", 1),
    ("query { customer(id: 1) { id orders(first: 5) { nodes { id customer { id } } } } }", 9),
    ("query { order(id: 1) { fulfillmentOrders(first: 10) { nodes { id supportedActions { action } } } } }", 11),
    (
        "query { order(id: 1) { lineItems(first: 10) { nodes { id } } shippingLines(first: 10) { nodes { id } } taxSet { x } } }",
        13,
    ),
    (
        "query { parcels(first: 5) { nodes { parcel { id } lines(first: 5) { nodes { shipped { id line { id } } quantity } } } } }",
        41,
    ),
    (
        "query { inventoryItem(id: 1) { inventoryLevels(first: 5) { nodes { location { id } quantities(x: 1) { quantity } } } } }",
        12,
    ),
    ("mutation { orderCancel(orderId: 1) { job { id } userErrors { message } } }", 10),
    ("mutation { orderCreate(order: 1) { order { id name } userErrors { message } } }", 10),
]


@pytest.mark.parametrize(("text", "charged"), RECORDED)
def test_estimate_is_what_shops_charged_or_a_point_more(text: str, charged: int) -> None:
    assert charged <= estimate(text) <= charged + 1


def test_fragments_count_where_they_are_spread() -> None:
    text = "query { order(id: 1) { ...Part } } fragment Part on Order { lineItems(first: 10) { nodes { id } } }"
    assert estimate(text) == estimate("query { order(id: 1) { lineItems(first: 10) { nodes { id } } } }")
