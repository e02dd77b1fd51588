"""What Shopify takes, as numbers."""

from bridge.contract.limits import Limits

__all__ = [
    "BUCKET", "CODES_A_CALL", "CONCURRENCY", "DISCOUNTS_A_CALL", "LIMITS", "LOOKS_A_CALL", "LOYALTY_SCOPES", "MAX_COST",
    "OPTIONAL_SCOPES", "REQUIRED_SCOPES", "RESTORE", "TRACK_BATCH", "VERSION", "WRITER_SCOPES",
]  # fmt: skip

# Released 2026-10-01, supported to 2027-10-01 (shopify.dev/docs/api/usage/versioning).
VERSION = "2026-10"

# Recorded on development stores (2025-01 and 2026-04): maximumAvailable 2000, restoreRate 100. Only the first guess:
# every reply carries the shop's real numbers.
BUCKET, RESTORE = 2000.0, 100.0
# A single query above this is refused (shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits).
MAX_COST = 1000
CONCURRENCY = 4

# Rows that also switch tracking on: one mutation of 10 points each beside the common one, in one document.
TRACK_BATCH = 50

# Discounts made or changed in one document: 10 points each (recorded, 2026-04), so this is two seconds' worth on the smallest plan,
# far below a single query's limit, and as many as still answer within a call's patience: they are carried out one after another.
DISCOUNTS_A_CALL = 20
# Discounts read with all their terms in one document.
LOOKS_A_CALL = 25
# Codes of one discountRedeemCodeBulkAdd at most (2026-10 schema), and the general cap of an input array.
CODES_A_CALL = 250

REQUIRED_SCOPES = (
    "read_products", "read_inventory", "write_inventory", "read_locations", "read_orders",
    "read_merchant_managed_fulfillment_orders", "read_returns",
)  # fmt: skip
WRITER_SCOPES = ("write_products", "write_orders", "write_merchant_managed_fulfillment_orders")
# For customers, points and coupon codes only: a merchant who does not use them needs none of these.
LOYALTY_SCOPES = ("write_customers", "write_discounts")
OPTIONAL_SCOPES = ("read_all_orders", "read_customers")

LIMITS = Limits(
    stock_write="delta",
    compare_and_set=True,
    keyed=True,
    key_hours=24.0,  # shopify.dev/docs/api/usage/implementing-idempotency
    stock_batch=250,  # general cap of an input array: shopify.dev/docs/api/usage/limits
    stock_min=-1_000_000_000,  # INVALID_QUANTITY_TOO_LOW / _TOO_HIGH in the 2026-10 schema
    stock_max=1_000_000_000,
    read_batch=250,
    # Two points a number, out of those that come back in a second.
    reads_per_second=RESTORE / 2,
    product_batch=8,
    order_actions=frozenset({"mirror", "fulfil", "cancel", "refund"}),
    mirror_takes_stock=True,
    points_batch=25,  # metafieldsSet in the 2026-10 schema
    coupon_batch=CODES_A_CALL,
    coupon_groups=True,
    concurrency=CONCURRENCY,
)
