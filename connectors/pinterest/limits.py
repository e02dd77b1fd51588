"""Pinterest's numbers, with their source."""

from dataclasses import replace

from bridge.contract.limits import Limits

__all__ = ["LIMITS", "PAGE", "SCOPES", "limits_of"]

SCOPES = ("catalogs:read", "catalogs:write")
# `page_size` is 250 at most; POST /catalogs/items takes 1,000 ids (API description 5.23.0).
PAGE = 250

LIMITS = Limits(
    stock_write="absolute",
    # "items": 1 to 1,000 operations a batch (same).
    stock_batch=1000,
    stock_in_catalog=True,
    # An item says "in stock" or "out of stock" and no number: 1 or 0.
    stock_min=0,
    stock_max=1,
    read_batch=1000,
    product_batch=500,
    mirror_takes_stock=False,
    concurrency=4,
    # Standard access may make 100 calls a second (developers.pinterest.com/docs/reference/rate-limits); the
    # categories' own limits per minute are lower and not the same for all: answers say when they are used up.
    per_second=5.0,
    burst=10,
    visible_after=60.0,
    # Pinterest does not say how long a batch is known.
    ticket_hours=24.0,
    # Nobody buys there: a poll finds what others changed.
    poll_every=120,
)
# "Trial access: 1000 requests per day for all API requests" (same page); half of them are kept for reading. A page of the
# catalogue is two calls: the list, and the items on it.
_TRIAL = replace(
    LIMITS, per_second=1000 / 86_400, burst=250, writes_per_day=500, reads_per_second=1000 * 250 / 86_400, calls_per_day=1000,
    poll_calls=2, poll_products=PAGE // 2,
)  # fmt: skip


def limits_of(access: str) -> Limits:
    """Return the limits of an access tier."""
    return _TRIAL if access.strip().lower() == "trial" else LIMITS
