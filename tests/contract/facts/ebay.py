"""What a test must know of eBay."""

import re

from bridge.domain.listing_map import Category, ListingMap
from tests.contract.facts.model import Facts

__all__ = ["FACTS"]

_READS = re.compile(r"/(bulk_get_inventory_item|oauth2/token)$")
_SCOPES = (
    "sell.inventory.readonly", "sell.fulfillment", "sell.account.readonly", "sell.finances",
    "commerce.notification.subscription",
)  # fmt: skip


def _ebay_writes(method: str, path: str, body: bytes) -> bool:
    # Reading by SKU, and asking for a token, are POST calls with a body.
    return method != "GET" and not _READS.search(path)


FACTS = Facts(
    host="ebay.sandbox",
    tokens=r"/identity/v1/oauth2/token$",
    offers=(
        "account",
        "catalog",
        "stock",
        "orders",
        "products",
        "order_writer",
        "webhooks",
        "handshake",
        "preview",
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
        "create": {"method": "POST", "path": r"/v1/offer$"},
        "edit": {"method": "PUT", "path": r"/inventory_item/"},
        "subscribe": {"method": "POST", "path": r"/subscription$"},
    },
    # 429 (error 2001) comes without a time to wait.
    names_wait=False,
    tight={"calls_per_second": 5},
    page=200,
    # Prices and listings are in the offers, and getOffers takes one SKU.
    calls_a_product=1,
    # Items carry no time of change: the feed reads them all, and tells what differs from the reading before.
    feed_is_whole=True,
    # "SKU values must be unique across the seller's inventory" (createOrReplaceInventoryItem).
    sku_unique=True,
    # At most 50 characters (the same).
    skus=("ÄÖÜ-ß", "茶-1", "A B/C.D_E", "x" * 50, "0001", "a'b"),
    spoil_price=(r'"66\.61"', '"much"'),
    # The SKU is the item's name; a price crossed out is for approved sellers.
    inexpressible=frozenset({"sku", "compare_at"}),
    create_with={
        "listing_map": ListingMap(
            categories=(Category(tag="", id="15687", fixed={"Brand": "Acme"}, options={"Size": "Size"}),)
        )
    },
    # A listing needs a category.
    needs_map=True,
    # The seller's policies and places are asked for.
    preview_calls=True,
    ways=({}, {"paid": False}, {"shipping": "4.90"}, {"discount": "1.00"}),
    # A refund has amounts and no units (LineItemRefund), and puts nothing back.
    refunds=False,
    # The same.
    refund_puts_back=False,
    # Nothing says that a cancelled order's units go back: the stand-in leaves them away, as the worse case.
    cancel_puts_back=False,
    # Nobody edits an order at eBay.
    edits=False,
    # The same.
    edits_paid=False,
    # issueRefund moves money only.
    refund_restocks=False,
    # Cancelling is in the Post-Order API, for approved programs only.
    cancels_paid=False,
    # The same.
    cancel_as_told=False,
    # Orders only: numbers, listings and refunds have no topic.
    tells=frozenset({"sale"}),
    # eBay signs with a key of its own.
    shared_secret=False,
)
