"""What a test must know of Etsy."""

import base64
import hashlib
import hmac
from dataclasses import replace

from bridge.contract.webhooks import Delivery
from bridge.domain.listing_map import Category, ListingMap
from tests.contract.facts.model import Facts

__all__ = ["FACTS"]

_SCOPES = ("listings_r", "shops_r", "transactions_r", "transactions_w")
_CATEGORY = Category(
    tag="",
    id="1429",
    fixed={
        "who_made": "i_did",
        "when_made": "2020_2026",
        "shipping_profile_id": "600001",
        "readiness_state_id": "700001",
    },
)


def _writes(method: str, path: str, body: bytes) -> bool:
    # Asking for the scopes of a token is a POST.
    return bool(path) and method != "GET" and not path.endswith("/scopes")


def _resign(delivery: Delivery, secret: str) -> Delivery:
    """Sign in the Svix form: the key is what stands, in base64, behind whsec_."""
    headers = delivery.headers
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = secret.encode()
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + delivery.body
    digest = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return replace(delivery, headers={**headers, "webhook-signature": f"v1,{digest}"})


FACTS = Facts(
    host="etsy.sandbox",
    tokens=r"/oauth/token$",
    offers=("account", "catalog", "stock", "orders", "products", "order_writer", "webhooks", "preview"),
    incomplete=({"keystring": ""}, {"shared_secret": ""}, {"refresh_token": ""}),
    wrong={"refresh_token": "88001.refresh-of-somebody-else"},
    secrets=("keystring", "shared_secret", "refresh_token", "webhook_secret"),
    lacking=({"scopes": _SCOPES}, {}, "listings_w"),
    writes=_writes,
    calls={
        "stock": {"method": "PUT", "path": r"/inventory$"},
        "create": {"method": "POST", "path": r"/listings$"},
        "edit": {"method": "PATCH", "path": r"/listings/\d+$"},
    },
    page=100,
    # Etsy lists the five states of a listing apart, and pages overlap by ten against deletions.
    calls_a_page=1,
    # Etsy prints a description as it is written, tags and all.
    plain_text=True,
    # A listing always has a quantity; only downloads are not counted, and they cannot be made to be.
    tracks_always=True,
    # SKUs of 32 characters at most, and listing prices from 0.20 to 50,000 (Etsy's listing editor).
    titles=("Crème brûlée – 3 × 2", "日本茶", 'quote " and \\ edges', "Ünïcode"),
    skus=("ÄÖÜ-ß", "茶-1", "A B/C.D_E", "x" * 32, "0001", "a'b"),
    prices=("0.20", "19.99", "12345.67"),
    spoil_price=(r'"amount":\s*6661\b', '"amount":"much"'),
    # A listing's inventory is read and put.
    write_calls=2,
    # The inventory is a record of one listing.
    one_record=True,
    # The suite sells out and restocks as it likes; what is not allowed without this is tested by the connector's own tests.
    settings={"renew": True},
    # No such fields in a listing; photos are uploads.
    inexpressible=frozenset({"compare_at", "barcode", "weight_grams", "images"}),
    create_with={"listing_map": ListingMap(categories=(_CATEGORY,))},
    # A listing needs a taxonomy id, who made it and when, and two profiles.
    needs_map=True,
    ways=({}, {"shipping": "4.90", "tax": "0.83"}, {"paid": False}, {"discount": "1.00"}),
    # A refund is an amount of money: it names no goods.
    refunds=False,
    # "If the item sold out, it is not relisted" (help.etsy.com 115015587347).
    cancel_puts_back=False,
    # What was bought cannot be changed.
    edits=False,
    edits_paid=False,
    # Endpoints are entered in a portal; there is no call for it.
    subscribes=False,
    # Only what happens to orders is told: paid, cancelled, shipped, delivered.
    tells=frozenset({"sale"}),
    # Nothing is said of endpoints that are switched off.
    switches_off=False,
    resign=_resign,
)
