"""Amazon's numbers: the rate of every operation, as the usage plans of its models state them."""

from dataclasses import dataclass
from datetime import timedelta

from bridge.contract.limits import Limits

__all__ = [
    "DEFAULT",
    "FEW",
    "FIRST",
    "LIMITS",
    "MARKETPLACES",
    "MOST",
    "OVERLAP",
    "PAGE",
    "PATIENCE",
    "USUAL",
    "Op",
    "Ops",
]

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
# A patch that is not to be seen after so long is asked for no more.
PATIENCE = timedelta(minutes=30)
# Most are to be seen within so long (no figure is documented).
USUAL = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Op:
    """An operation with its own rate: calls a second, and how many at once."""

    name: str
    per_second: float
    burst: int


class Ops:
    """The operations in use (usage plans in the models, and JSON_LISTINGS_FEED's own: five in five minutes)."""

    PARTICIPATIONS = Op("getMarketplaceParticipations", 0.016, 15)
    SEARCH_LISTINGS = Op("searchListingsItems", 5, 5)
    GET_LISTING = Op("getListingsItem", 5, 10)
    PATCH_LISTING = Op("patchListingsItem", 5, 5)
    PUT_LISTING = Op("putListingsItem", 5, 10)
    DELETE_LISTING = Op("deleteListingsItem", 5, 5)
    CREATE_DOCUMENT = Op("createFeedDocument", 0.5, 15)
    CREATE_FEED = Op("createFeed", 0.0083, 5)
    GET_FEED = Op("getFeed", 2, 15)
    GET_DOCUMENT = Op("getFeedDocument", 0.0222, 10)
    SEARCH_ORDERS = Op("searchOrders", 0.0056, 20)
    GET_ORDER = Op("getOrder", 0.5, 30)
    CONFIRM = Op("confirmShipment", 2, 10)
    SUMMARIES = Op("getInventorySummaries", 2, 2)
    NOTIFICATIONS = Op("notifications", 1, 5)


# marketplace -> currency where an order shows no amount yet, and the code of Amazon's warehouses there.
# docs/marketplace-ids; codes as `fulfillment_channel_code` has them.
MARKETPLACES = {
    "ATVPDKIKX0DER": ("USD", "AMAZON_NA"), "A2EUQ1WTGCTBG2": ("CAD", "AMAZON_NA"), "A1AM78C64UM0Y8": ("MXN", "AMAZON_NA"),
    "A2Q3Y263D00KWC": ("BRL", "AMAZON_NA"), "A1F83G8C2ARO7P": ("GBP", "AMAZON_EU"), "A1PA6795UKMFR9": ("EUR", "AMAZON_EU"),
    "A13V1IB3VIYZZH": ("EUR", "AMAZON_EU"), "APJ6JRA9NG5V4": ("EUR", "AMAZON_EU"), "A1RKKUPIHCS9HS": ("EUR", "AMAZON_EU"),
    "A1805IZSGTT6HS": ("EUR", "AMAZON_EU"), "A2NODRKZP88ZB9": ("SEK", "AMAZON_EU"), "A1C3SOZRARQ6R3": ("PLN", "AMAZON_EU"),
    "AMEN7PMS3EDWL": ("EUR", "AMAZON_EU"), "A28R8C7NBKEWEA": ("EUR", "AMAZON_EU"), "A33AVAJ2PDY3EV": ("TRY", "AMAZON_EU"),
    "A2VIGQ35RCS4UG": ("AED", "AMAZON_EU"), "A17E79C6D8DWNP": ("SAR", "AMAZON_EU"), "A21TJRUUN4KGV": ("INR", "AMAZON_IN"),
    "A1VC38T7YXB528": ("JPY", "AMAZON_JP"), "A39IBJ37TRP1C6": ("AUD", "AMAZON_AU"), "A19VAU5U5O7RUS": ("SGD", "AMAZON_SG"),
}  # fmt: skip

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
    # The rate of SEARCH_ORDERS; the queue tells of orders first.
    orders_every=180,
    orders_burst=20,
    poll_every=180,
    ticket_hours=6,
    fixed_locations=frozenset(code for _, code in MARKETPLACES.values()),
)
