"""Amazon's numbers; the rates of its operations are in operations.toml."""

from datetime import timedelta

from bridge.contract.limits import Limits
from bridge.wire.read_back import Patience
from bridge.wire.tables import table

__all__ = ["DEFAULT", "FEW", "FIRST", "LIMITS", "MARKETPLACES", "MOST", "OVERLAP", "PAGE", "PATIENCE"]

# The one fulfilment channel that is the merchant's own; every other is Amazon's.
DEFAULT = "DEFAULT"
# searchListingsItems: 20 a page and as many identifiers a call; a thousand results in all, then a new search begins.
PAGE = 20
FIRST = 1000
# Up to so many rows are patched one by one (5 a second: 10 s), more go into a feed, which takes minutes but is one.
FEW = 50
# "maxItems": 10000 in schemas/feeds/listings-feed-schema-v2.json; 25,000 since 2025-05 by the changelog. 10,000 rows are 3 MB.
MOST = 10_000
# Feeds go on from two minutes before the platform's clock: createdBefore must lie so far back (orders_2026-01-01).
OVERLAP = timedelta(minutes=2)
# How long a patch may take to be seen; no figure is documented.
PATIENCE = Patience(usual=timedelta(minutes=2), most=timedelta(minutes=30))


MARKETPLACES = table(__package__, "marketplaces")

LIMITS = Limits(
    stock_write="absolute",
    stock_batch=MOST,
    stock_min=0,
    # No bound is documented; beyond this it is a mistake.
    stock_max=1_000_000,
    read_batch=PAGE,
    product_batch=1,
    # A cancellation is an XML feed (POST_ORDER_ACKNOWLEDGEMENT_DATA) and a refund another: both stay in Seller Central.
    order_actions=frozenset({"fulfil"}),
    concurrency=8,
    per_second=5,
    reads_per_second=100,
    burst=5,
    # "It takes few minutes to reflect" (selling-partner-api-docs issue 2167); Seller Central says up to 15.
    visible_after=900,
    # The rate of searchOrders; the queue tells of orders first.
    orders_every=180,
    orders_burst=20,
    poll_every=180,
    ticket_hours=6,
    fixed_locations=frozenset(place["warehouse"] for place in MARKETPLACES.values()),
)
