"""What a test must know of Shopify."""

import json

from tests.contract.facts.model import Facts

__all__ = ["FACTS"]

_SHOPIFY_SCOPES = (
    "read_products", "write_products", "read_inventory", "read_locations", "read_orders", "write_orders",
    "read_merchant_managed_fulfillment_orders", "read_customers", "write_customers", "write_discounts",
)  # fmt: skip


def _shopify_writes(method: str, path: str, body: bytes) -> bool:
    # GraphQL: everything is a POST, the operation's kind tells.
    return bool(path) and method == "POST" and str(json.loads(body).get("query", "")).lstrip().startswith("mutation")


FACTS = Facts(
    host="demo.myshopify.com",
    offers=(
        "account",
        "catalog",
        "stock",
        "orders",
        "products",
        "order_writer",
        "webhooks",
        "customers",
        "points",
        "coupons",
    ),
    incomplete=({"url": "", "shop": ""}, {"access_token": "", "client_id": "", "client_secret": ""}),
    wrong={"access_token": "shpat_00000000000000000000000000000000"},
    secrets=("access_token", "client_secret", "webhook_secret"),
    lacking=({"scopes": _SHOPIFY_SCOPES}, {}, "write_inventory"),
    writes=_shopify_writes,
    calls={
        "stock": {"body": "mutation Stock(Adjust|Track)"},
        "mirror": {"body": "mutation OrderCreate"},
        "refund": {"body": "mutation Refund"},
        "create": {"body": "mutation ProductSet"},
        "edit": {"body": "mutation ProductEdit"},
        "subscribe": {"body": "mutation WebhookCreate"},
        "coupon": {"body": "mutation (DiscountWrite|CodesAdd)"},
        "points": {"body": "mutation PointsShow"},
    },
    page=250,
    customer_page=250,
    # Discounts, in which a code stands alone here.
    coupon_page=50,
    # Shopify limits a discount to customers, by their ids.
    people_first=True,
    # A till hands the goods over at once and checks no stock.
    line_discounts=True,
    ways=({}, {"channel": "pos"}, {"paid": False}, {"discount": "1.00"}),
    tight={"bucket": 1000, "restore": 50},
    spoil_price=(r'"66\.61"', '"much"'),
)
