"""What a test must know of Google."""

from bridge.sandbox.google.tokens import key_file
from tests.contract.facts.model import Facts

__all__ = ["FACTS"]


def _writes(method: str, path: str, body: bytes) -> bool:
    # A batch of reads is a POST call.
    return method != "GET" and any(verb in body for verb in (b"\nPATCH ", b"\nPOST ", b"\nDELETE "))


FACTS = Facts(
    host="merchant.sandbox",
    tokens=r"/token$",
    offers=("account", "catalog", "stock", "products"),
    incomplete=({"account": ""}, {"service_account": ""}, {"data_source": ""}),
    wrong={"service_account": key_file("somebody@else.iam.gserviceaccount.com", "https://merchant.sandbox/token")},
    secrets=("service_account",),
    # The key opens everything that the account's users page grants it.
    lacking=({"rights": ("READ_ONLY",)}, {}, "STANDARD"),
    writes=_writes,
    calls={
        "stock": {"method": "POST", "path": r"/batch/products/v1$", "body": r"\nPATCH "},
        "create": {"method": "POST", "path": r"/batch/products/v1$", "body": r"\nPOST "},
        "edit": {"method": "POST", "path": r"/batch/products/v1$", "body": r"\nPATCH "},
    },
    page=1000,
    # There is no time of change to ask for.
    feed_is_whole=True,
    # An item's id is its SKU.
    sku_unique=True,
    # The id cannot change, and the shipping weight is not the shop's.
    inexpressible=frozenset({"weight_grams", "sku"}),
    spoil_price=(r'"66610000"', '"much"'),
)
