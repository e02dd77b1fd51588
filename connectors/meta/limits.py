"""Meta's numbers, with their source."""

from bridge.contract.limits import Limits

__all__ = ["FIELDS", "LIMITS", "PAGE", "PERMISSION"]

# "It is recommended that the request size be kept under 3000 records" of at most 5,000
# (developers.facebook.com/documentation/ads-commerce/marketing-api/reference/product-catalog/items_batch, 2026-04-03).
BATCH = 2999
# The products edge names no largest page; 500 items with these fields stay well below "reduce the amount of data".
PAGE = 500
PERMISSION = "catalog_management"

FIELDS = (
    "id", "retailer_id", "name", "description", "url", "image_url", "additional_image_urls", "price", "sale_price", "currency",
    "availability", "quantity_to_sell_on_facebook", "visibility", "retailer_product_group_id", "gtin", "color", "size",
    "material", "pattern",
)  # fmt: skip

LIMITS = Limits(
    stock_write="absolute",
    stock_batch=BATCH,
    stock_in_catalog=True,
    # An unsigned int in the SDK's field table; the catalogue itself names no maximum.
    stock_min=0,
    stock_max=1_000_000,
    # A filter by retailer_id travels in the address.
    read_batch=100,
    product_batch=500,
    order_actions=frozenset(),
    mirror_takes_stock=False,
    concurrency=4,
    # The limit of batch calls is a formula of the catalogue's size (Business Use Case limits); answers say when it is used up.
    visible_after=60.0,
    # Meta does not say how long a handle is known.
    ticket_hours=24.0,
    # Nobody buys there: a poll finds what others changed, and takes calls that numbers need (the limit is the formula above).
    poll_every=120,
)
