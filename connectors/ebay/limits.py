"""eBay's numbers. Where eBay publishes none, the comment says what ours rests on."""

from bridge.contract.limits import Limits

__all__ = ["BATCH", "LIMITS", "MAX_SKU", "PAGE"]

# bulkUpdatePriceQuantity and bulkGetInventoryItem: 25 (sell_inventory 1.18.5, and static/inventory/bulk-updates.html).
BATCH = 25
MAX_SKU = 50
# getInventoryItems and getOrders give up to 200 a page.
PAGE = 200

LIMITS = Limits(
    stock_write="absolute",
    stock_batch=BATCH,
    stock_in_catalog=True,
    stock_min=0,
    # The greatest number is documented nowhere: error 25004 ("Invalid quantity") would say so.
    stock_max=999_999,
    read_batch=BATCH,
    product_batch=10,
    order_actions=frozenset({"fulfil", "refund"}),
    mirror_takes_stock=False,
    concurrency=8,
    # "Each listing can be revised up to 250 times in one calendar day" (sell_inventory, bulkUpdatePriceQuantity).
    changes_per_day=250,
    # 2,000,000 calls a day of the Inventory API and 100,000 of the Fulfillment API, by eBay's table for small applications
    # (developer.ebay.com/develop/get-started/api-call-limits). A poll reads all items, 200 a call, and the offers of every fiftieth
    # one by one; it asks the Fulfillment API once. With a poll a minute that one has 98,000 calls left for parcels and refunds.
    poll_every=60,
    calls_per_day=2_000_000,
    poll_calls=2,
    poll_products=40,
)
