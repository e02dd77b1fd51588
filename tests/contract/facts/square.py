"""What a test must know of Square."""

import re

from tests.contract.facts.model import Facts

__all__ = ["FACTS"]

_SQUARE_SCOPES = (
    "MERCHANT_PROFILE_READ", "ITEMS_READ", "ITEMS_WRITE", "INVENTORY_READ", "ORDERS_READ", "ORDERS_WRITE", "PAYMENTS_WRITE",
)  # fmt: skip

_SQUARE_READS = re.compile(
    r"/(search|batch-retrieve|bulk-retrieve|status|counts/batch-retrieve|changes/batch-retrieve)$"
)


def _square_writes(method: str, path: str, body: bytes) -> bool:
    # Searches are POST calls with a body.
    return method != "GET" and not _SQUARE_READS.search(path)


FACTS = Facts(
    host="square.sandbox",
    offers=("account", "catalog", "stock", "orders", "products", "order_writer", "webhooks", "customers", "points"),
    incomplete=({"access_token": ""},),
    wrong={"access_token": "EAAAl-somebody-elses-token"},
    secrets=("access_token", "webhook_signature_key"),
    lacking=({"scopes": _SQUARE_SCOPES}, {}, "INVENTORY_WRITE"),
    writes=_square_writes,
    calls={
        "stock": {"method": "POST", "path": r"/inventory/changes/batch-create$"},
        "mirror": {"method": "POST", "path": r"/v2/orders$"},
        "refund": {"method": "POST", "path": r"/v2/refunds$"},
        "create": {"method": "POST", "path": r"/catalog/batch-upsert$"},
        "edit": {"method": "POST", "path": r"/catalog/batch-upsert$"},
        "subscribe": {"method": "POST", "path": r"/webhooks/subscriptions$"},
        "points": {"method": "POST", "path": r"/loyalty/accounts/[^/]+/adjust$"},
    },
    page=1000,
    # An order that is shipped stays open after it is paid; an unpaid one takes nothing.
    line_discounts=True,
    ways=({}, {"fulfilment": "SHIPMENT"}, {"paid": False}, {"fulfilment": "PICKUP"}, {"discount": "1.00"}),
    # 429 RATE_LIMITED comes without a time to wait (developer forum 3338, 26925).
    names_wait=False,
    tight={"calls_per_second": 3},
    # "API cannot do itemised refunds" (developer forum 12104): money only, no restock.
    refund_restocks=False,
    # A paid order can only be refunded; the till's cancel is a refund too.
    cancels_paid=False,
    edits_paid=False,
    refund_is_order=True,
    # The count of a deleted variation can still be read; whether it can is documented nowhere.
    counts_outlive=True,
    # Tracking is a flag of the variation; the first count makes the number.
    untracked={},
    # The item library has no such fields; images are uploads (CatalogImage).
    inexpressible=frozenset({"compare_at", "weight_grams", "images"}),
    spoil_price=(r'"amount":\s*6661\b', '"amount":"much"'),
    # Only an order with a fulfilment has anything to ship.
    ship={"fulfilment": "SHIPMENT"},
    # The seller's own program gives points for what a till sells to somebody who has an account.
    earning={"square_earns": True},
    # HMAC over the notification URL and the body (developer.squareup.com/docs/webhooks/step3validate).
    signs_url=True,
)
