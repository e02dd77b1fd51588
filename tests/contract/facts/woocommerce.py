"""What a test must know of WooCommerce."""

import json

from tests.contract.facts.model import Facts

__all__ = ["FACTS"]

_WOO_BATCH = r"/products(/\d+/variations)?/batch$"


def _woocommerce_writes(method: str, path: str, body: bytes) -> bool:
    # An empty batch has nothing to do; WooCommerce checks the key's permission before it looks (the only way to ask).
    empty_batch = path.endswith("/products/batch") and json.loads(body or b"{}") == {}
    return method != "GET" and not empty_batch


FACTS = Facts(
    host="woo.sandbox",
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
    incomplete=({"url": ""}, {"consumer_key": ""}, {"consumer_secret": ""}),
    wrong={"consumer_secret": "cs_0000000000000000000000000000000000000000"},
    secrets=("consumer_secret",),
    lacking=({}, {"consumer_key": "read_consumer_key", "consumer_secret": "read_consumer_secret"}, "write"),
    writes=_woocommerce_writes,
    calls={
        "stock": {"method": "POST", "path": _WOO_BATCH},
        "mirror": {"method": "POST", "path": r"/orders$"},
        "refund": {"method": "POST", "path": r"/orders/\d+/refunds$"},
        "create": {"method": "POST", "path": r"/products$"},
        "edit": {"method": "POST", "path": _WOO_BATCH},
        "subscribe": {"method": "POST", "path": r"/webhooks$"},
        "coupon": {"method": "POST", "path": r"/coupons/batch$"},
        "points": {"method": "POST", "path": r"/customers/batch$"},
    },
    page=100,
    # Cash on delivery and bank transfer take the stock at once, a card when it is paid.
    line_discounts=True,
    ways=({}, {"payment_method": "bacs"}, {"paid": False}, {"shipping": "4.90"}),
    # wp-admin's "cancelled" always puts the stock back (observed on 8.9.3 to 11.0.1).
    cancel_keeps=False,
    # DELETE without force is the trash (recorded from WooCommerce 11.0.1); its products take a stock write as ever.
    trash=True,
    # A form "webhook_id=N" goes to the address while the webhook is made (recorded from WooCommerce 11.0.1).
    greets=True,
    # No modified_after for customers: it is ignored silently (recorded from WooCommerce 8.9.3 to 11.0.1).
    people_change=False,
    # An account of WooCommerce says nothing of consent; plugins keep it each in its own way.
    knows_consent=False,
    # Points are in the account's meta, and a write of meta is absolute.
    points_stale=False,
    spoil_price=(r'"66\.61"', '"much"'),
)
