"""What a test must know of eBay."""

import re

from tests.contract.facts.model import Facts

__all__ = ["FACTS"]

_READS = re.compile(r"/(bulk_get_inventory_item|oauth2/token)$")
_SCOPES = ("sell.inventory.readonly", "sell.fulfillment", "sell.account.readonly", "sell.finances", "commerce.notification.subscription")


def _ebay_writes(method: str, path: str, body: bytes) -> bool:
    # Reading by SKU, and asking for a token, are POST calls with a body.
    return method != "GET" and not _READS.search(path)


FACTS = Facts(
    host="ebay.sandbox",
    offers=(
        "account", "catalog", "stock", "orders", "products", "order_writer", "webhooks", "handshake", "preview",
    ),
    incomplete=({"client_id": ""}, {"client_secret": ""}, {"refresh_token": ""}),
    wrong={"refresh_token": "v^1.1#i^1#somebody-elses"},
    secrets=("client_secret", "refresh_token", "verification_token"),
    lacking=({"scopes": _SCOPES}, {}, "sell.inventory"),
    writes=_ebay_writes,
    calls={
        "stock": {"method": "POST", "path": r"/bulk_update_price_quantity$"},
        "mirror": {"method": "POST", "path": r"/order$"},
        "refund": {"method": "POST", "path": r"/issue_refund$"},
        "create": {"method": "POST", "path": r"/offer$"},
        "edit": {"method": "PUT", "path": r"/inventory_item/"},
        "subscribe": {"method": "POST", "path": r"/subscription$"},
    },
    page=200,
    # An unpaid order has taken its units all the same; a shopper pays for shipping or has a coupon.
    ways=({}, {"paid": False}, {"shipping": "4.90"}, {"discount": "1.00"}),
    # 429 (error 2001) comes without a time to wait.
    names_wait=False,
    tight={"calls_per_second": 5},
    refund_restocks=False,
    cancels_paid=False,
    edits_paid=False,
    inexpressible=frozenset({"sku", "compare_at"}),
    spoil_price=(r'"66\.61"', '"much"'),
)
