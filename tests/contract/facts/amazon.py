"""What a test must know of Amazon."""

from tests.contract.facts.model import Facts

__all__ = ["FACTS"]


def _amazon_writes(method: str, path: str, body: bytes) -> bool:
    # The only POST that changes nothing is the one for a token.
    return method != "GET" and not path.endswith("/auth/o2/token")


FACTS = Facts(
    host="amazon.sandbox",
    offers=("account", "catalog", "stock", "orders", "products", "order_writer", "tickets", "preview"),
    incomplete=({"seller_id": ""}, {"client_id": ""}, {"client_secret": ""}, {"refresh_token": ""}),
    wrong={"client_secret": "amzn1.oa2-cs.v1.of-somebody-else"},
    secrets=("client_secret", "refresh_token", "aws_secret_access_key"),
    lacking=({"roles": ("Inventory and Order Tracking",)}, {}, "Product Listing"),
    writes=_amazon_writes,
    calls={
        "stock": {"method": "PATCH", "path": r"/listings/"},
        "create": {"method": "PUT", "path": r"/listings/"},
        "edit": {"method": "PATCH", "path": r"/listings/"},
    },
    page=20,
    # 429 QuotaExceeded comes without a time to wait (docs/usage-plans-and-rate-limits).
    names_wait=False,
    tight={"throttled": True},
    refund_restocks=False,
    cancels_paid=False,
    edits_paid=False,
    inexpressible=frozenset({"compare_at", "weight_grams"}),
    spoil_price=(r'"66\.61"', '"much"'),
    # A pending order has taken its units already (Seller Central help 200200040).
    ways=({}, {"paid": False}, {"shipping": "4.90"}, {"discount": "1.00"}, {"tax": "0.80"}),
)
