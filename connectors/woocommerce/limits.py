"""What WooCommerce takes, as data (observed on 8.9.3, 9.9.5 and 11.0.1)."""

from bridge.contract.limits import Limits

__all__ = ["AHEAD", "LIMITS", "PER_PAGE"]

PER_PAGE = 100  # 101 is refused: rest_out_of_bounds
AHEAD = 8

LIMITS = Limits(
    # `inventory_delta` reads, adds and writes inside one request: 40 parallel +1 gave 28, so one writer at a time.
    stock_write="delta",
    serial_writes=True,
    stock_batch=100,
    stock_in_catalog=True,
    read_batch=100,
    product_batch=100,
    order_actions=frozenset({"mirror", "fulfil", "cancel", "refund"}),
    mirror_takes_stock=True,
    points_batch=100,
    coupon_batch=100,
    concurrency=AHEAD,
)
