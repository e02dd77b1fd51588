"""What a test must know of Amazon."""

from bridge.domain.listing_map import Category, ListingMap
from tests.contract.facts.model import Facts

__all__ = ["FACTS"]


def _amazon_writes(method: str, path: str, body: bytes) -> bool:
    # The only POST that changes nothing is the one for a token.
    return method != "GET" and not path.endswith("/auth/o2/token")


_MAP = ListingMap(categories=(Category(tag="", id="PRODUCT"),))

FACTS = Facts(
    host="amazon.sandbox",
    tokens=r"/auth/o2/token$",
    offers=("account", "catalog", "stock", "orders", "products", "order_writer", "tickets", "edit_tickets", "preview"),
    incomplete=({"seller_id": ""}, {"client_id": ""}, {"client_secret": ""}, {"refresh_token": ""}),
    wrong={"client_secret": "amzn1.oa2-cs.v1.of-somebody-else"},
    secrets=("client_secret", "refresh_token", "aws_secret_access_key"),
    lacking=({}, {"refresh_token": "restricted_refresh_token"}, "Product Listing"),
    writes=_amazon_writes,
    calls={
        "stock": {"method": "PATCH", "path": r"/listings/"},
        "create": {"method": "PUT", "path": r"/listings/"},
        "edit": {"method": "PATCH", "path": r"/listings/"},
    },
    # 429 QuotaExceeded comes without a time to wait (docs/usage-plans-and-rate-limits).
    names_wait=False,
    tight={"throttled": True},
    # Order ids are of 3-7-7 digits, SKUs of any form.
    nobody="999-9999999-9999999",
    page=20,
    # A SKU is a listing; sizes are listings that a variation parent gathers.
    one_variant=True,
    plain_text=True,
    # A listing is closed in Seller Central only, and then it is nowhere to be bought or found.
    archives=False,
    # The SKU is in the path of every listing.
    sku_unique=True,
    # A listing that sells has a quantity; there is no switch for counting it or not.
    tracks_always=True,
    spoil_price=(r'"66\.61"', '"much"'),
    # A feed is a document, its upload, and its start; a patch is one call, and 50 of them are the most.
    write_calls=3,
    fixed={"fba": True},
    # All that the merchant ships comes out of one number.
    many_places=False,
    # Neither a list price nor a weight is among the fields that are written.
    inexpressible=frozenset({"compare_at", "weight_grams", "status", "sku"}),
    create_with={"listing_map": _MAP},
    # Every listing has a product type.
    needs_map=True,
    preview_calls=True,
    # A pending order has taken its units already (Seller Central help 200200040).
    ways=({}, {"paid": False}, {"shipping": "4.90", "tax": "0.80"}, {"discount": "1.00"}),
    # A refund is money only, and the Orders API does not show it.
    refunds=False,
    refund_puts_back=False,
    # Nobody changes the quantities of an order.
    edits=False,
    edits_paid=False,
    # The API has no call for refunds and cancellations.
    refund_restocks=False,
    cancels_paid=False,
    cancel_as_told=False,
    # Notifications go into a queue: where none is configured there are no subscriptions.
    subscribes=False,
    tells=frozenset({"sale"}),
    switches_off=False,
    # Who may write into the queue is the queue's own policy.
    shared_secret=False,
)
