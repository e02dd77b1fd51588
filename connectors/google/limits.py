"""Google's numbers, with their source."""

from bridge.contract.limits import Limits

__all__ = ["LIMITS", "ONLINE", "PAGE"]

# The number that the online offer shows, beside those of the stores.
ONLINE = "online"
# "The maximum value is 1000" (products.list, discovery document 2026-11-06).
PAGE = 1000

LIMITS = Limits(
    stock_write="absolute",
    # One call a product, many in one HTTP batch (developers.google.com/merchant/api/guides/send-multiple-requests). How many
    # is not published; 100 is the limit of other Google services.
    stock_batch=100,
    stock_in_catalog=True,
    # "Must be greater than or equal to zero" (LocalInventoryAttributes.quantity).
    stock_min=0,
    stock_max=1_000_000,
    read_batch=100,
    product_batch=100,
    mirror_takes_stock=False,
    concurrency=4,
    # Quotas are the account's own (quota_v1 quotas.list) and count the calls within a batch; answers say when they are used up.
    # "It might take up to 30 minutes for the new or updated LocalInventory resource to appear in products."
    visible_after=1800.0,
    # Nobody buys there: a poll finds what others changed. The account's quota is better spent on numbers.
    poll_every=120,
)
