"""The connectors under contract, and the few facts by which they differ. To add a platform, add it to FACTS.

What a connector itself says (its ports, its Limits) is not repeated here: only what a test must know to play the shopper,
the clerk or the saboteur on that platform, each with its reason.
"""

import importlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.contract.limits import Limits

__all__ = ["FACTS", "Facts", "limits_of"]

Values = Mapping[str, Any]
Rule = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the tests must know of one platform.

    offers        the ports that the name map promises for this connector
    incomplete    settings without which nothing can work, each a case of its own
    wrong         settings with credentials that the platform does not know
    secrets       the settings that must never be seen in a text
    lacking       (options of the stand-in, settings, the word in Identity.missing) of a token without write access
    writes        whether a call changes something at the platform
    calls         fault rules that strike one kind of call
    page          products per page of the catalogue
    names_wait    a throttled answer carries Retry-After
    tight         options of the stand-in under which its own rate limit bites
    currency      option of the stand-in for the shop's currency
    refund_restocks   order_writer.refund can put units back
    cancels_paid      order_writer.cancel can cancel an order that is paid
    cancel_keeps      the clerk can cancel without putting units back
    edits_paid        the clerk can edit an order that is paid
    refund_is_order   a refund is booked as an order of its own
    trash             a deleted product lies in a trash, where its number can still be written (and sells nothing)
    counts_outlive    the number of a deleted variant can still be read; whether it can is documented nowhere
    untracked         `stock` of a seed whose variant has a place for a number, and no number yet
    inexpressible     fields of a product that the platform does not have
    spoil_price       (pattern, replacement) that makes the price 66.61 unreadable in an answer
    ways              options of a sale: the different ways in which people buy there
    ship              options of a sale that leaves something to ship
    signs_url         the signature of a webhook covers the address that it was sent to
    greets            a new subscription is greeted with a delivery that is not signed
    """

    host: str
    offers: tuple[str, ...] = ("account", "catalog", "stock", "orders", "products", "order_writer")
    incomplete: tuple[Values, ...]
    wrong: Values
    secrets: tuple[str, ...]
    lacking: tuple[Values, Values, str]
    writes: Callable[[str, str, bytes], bool]
    calls: Mapping[str, Rule]
    page: int
    names_wait: bool = True
    tight: Values = field(default_factory=dict)
    refund_restocks: bool = True
    cancels_paid: bool = True
    cancel_keeps: bool = True
    edits_paid: bool = True
    refund_is_order: bool = False
    trash: bool = False
    counts_outlive: bool = False
    untracked: Any = None
    inexpressible: frozenset[str] = frozenset()
    spoil_price: tuple[str, str]
    ways: tuple[Values, ...]
    ship: Values = field(default_factory=dict)
    signs_url: bool = False
    greets: bool = False


def limits_of(name: str) -> Limits:
    """Return the Limits that a connector's package exports."""
    limits: Limits = importlib.import_module(f"connectors.{name}").LIMITS
    return limits


def _woocommerce_writes(method: str, path: str, body: bytes) -> bool:
    # An empty batch has nothing to do; WooCommerce checks the key's permission before it looks (the only way to ask).
    empty_batch = path.endswith("/products/batch") and json.loads(body or b"{}") == {}
    return method != "GET" and not empty_batch


def _shopify_writes(method: str, path: str, body: bytes) -> bool:
    # GraphQL: everything is a POST, the operation's kind tells.
    return bool(path) and method == "POST" and str(json.loads(body).get("query", "")).lstrip().startswith("mutation")


_SQUARE_READS = re.compile(r"/(search|batch-retrieve|status|counts/batch-retrieve|changes/batch-retrieve)$")


def _square_writes(method: str, path: str, body: bytes) -> bool:
    # Searches are POST calls with a body.
    return method != "GET" and not _SQUARE_READS.search(path)


_WOO_BATCH = r"/products(/\d+/variations)?/batch$"
_SQUARE_SCOPES = (
    "MERCHANT_PROFILE_READ", "ITEMS_READ", "ITEMS_WRITE", "INVENTORY_READ", "ORDERS_READ", "ORDERS_WRITE", "PAYMENTS_WRITE",
)  # fmt: skip
_SHOPIFY_SCOPES = (
    "read_products", "write_products", "read_inventory", "read_locations", "read_orders", "write_orders",
    "read_merchant_managed_fulfillment_orders", "read_customers",
)  # fmt: skip

FACTS: dict[str, Facts] = {
    "woocommerce": Facts(
        host="woo.sandbox",
        offers=("account", "catalog", "stock", "orders", "products", "order_writer", "webhooks"),
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
        },
        page=100,
        # Cash on delivery and bank transfer take the stock at once, a card when it is paid.
        ways=({}, {"payment_method": "bacs"}, {"paid": False}, {"shipping": "4.90"}),
        # wp-admin's "cancelled" always puts the stock back (observed on 8.9.3 to 11.0.1).
        cancel_keeps=False,
        # DELETE without force is the trash (recorded from WooCommerce 11.0.1); its products take a stock write as ever.
        trash=True,
        # A form "webhook_id=N" goes to the address while the webhook is made (recorded from WooCommerce 11.0.1).
        greets=True,
        spoil_price=(r'"66\.61"', '"much"'),
    ),
    "shopify": Facts(
        host="demo.myshopify.com",
        offers=("account", "catalog", "stock", "orders", "products", "order_writer", "webhooks"),
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
        },
        page=250,
        # A till hands the goods over at once and checks no stock.
        ways=({}, {"channel": "pos"}, {"paid": False}, {"discount": "1.00"}),
        tight={"bucket": 1000, "restore": 50},
        spoil_price=(r'"66\.61"', '"much"'),
    ),
    "square": Facts(
        host="square.sandbox",
        offers=("account", "catalog", "stock", "orders", "products", "order_writer", "webhooks"),
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
        },
        page=1000,
        # An order that is shipped stays open after it is paid; an unpaid one takes nothing.
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
        counts_outlive=True,
        # Tracking is a flag of the variation; the first count makes the number.
        untracked={},
        # The item library has no such fields; images are uploads (CatalogImage).
        inexpressible=frozenset({"compare_at", "weight_grams", "images"}),
        spoil_price=(r'"amount":\s*6661\b', '"amount":"much"'),
        # Only an order with a fulfilment has anything to ship.
        ship={"fulfilment": "SHIPMENT"},
        # HMAC over the notification URL and the body (developer.squareup.com/docs/webhooks/step3validate).
        signs_url=True,
    ),
}
