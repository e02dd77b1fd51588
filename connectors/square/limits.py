"""Square's numbers. Where Square publishes none, the comment says what ours rests on."""

from datetime import timedelta

from bridge.contract.limits import Limits

__all__ = [
    "CATALOG_BATCH", "CUSTOMER_BATCH", "CUSTOMER_PAGE", "LIMITS", "LOYALTY_BATCH", "MAX_LOYALTY_KEY", "OLDEST_VERSION", "ORDER_LOCATIONS",
    "OVERLAP", "PAGE", "STALE_AFTER",
]  # fmt: skip

# The first API version whose adjustments name two locations; `location_id`, which came before, is retired there.
OLDEST_VERSION = "2026-07-15"
# Inventory, orders and catalog searches answer up to 1,000 records a page (API specification 2025-08-20).
PAGE = 1000
# SearchOrders: "Max: 10 location IDs" (same specification).
ORDER_LOCATIONS = 10
# BatchRetrieveCatalogObjects takes 1,000 ids.
CATALOG_BATCH = 1000
# SearchCustomers answers up to 100 a page; BulkRetrieveCustomers takes 100 ids (docs customers-api).
CUSTOMER_PAGE = 100
CUSTOMER_BATCH = 100
# Loyalty accounts are searched by up to 30 customers or phone numbers; its ledger comes 30 events a page (API specification 2025-08-20).
LOYALTY_BATCH = 30
MAX_LOYALTY_KEY = 128
# Feeds go on from two minutes before the platform's clock: Square calls its reads eventually consistent and names no bound.
OVERLAP = timedelta(minutes=2)
# `occurred_at` may not be older than 24 hours; an hour is kept for clocks and queues.
STALE_AFTER = timedelta(hours=23)

LIMITS = Limits(
    stock_write="delta",
    keyed=True,
    # Square does not say how long it remembers a key; a body's `occurred_at` runs out first.
    key_hours=STALE_AFTER / timedelta(hours=1),
    # 100 changes a call: not in the specification, long-standing practice of integrations.
    stock_batch=100,
    names_causes=True,
    late_orders=True,
    stock_min=-1_000_000,
    stock_max=1_000_000,
    read_batch=250,
    product_batch=50,
    order_actions=frozenset({"mirror", "fulfil", "cancel", "refund"}),
    # "automatic decrease of the inventory count when an order is fully paid for"
    # (developer.squareup.com/docs/app-marketplace/requirements/inventory-api): a mirror is paid, so Square takes the units.
    mirror_takes_stock=True,
    concurrency=8,
    # AdjustLoyaltyPoints: one account a call, a signed difference, a required idempotency key.
    points_batch=1,
    points_delta=True,
    points_keyed=True,
    earns_itself=True,
)
