"""Etsy's numbers. Where Etsy publishes none, the comment says what ours rests on."""

from datetime import timedelta

from bridge.contract.limits import Limits

__all__ = ["LIMITS", "OVERLAP", "PAGE", "REST"]

# Listings and receipts answer up to 100 a page; a batch takes 100 ids (specification 2026-08-17).
PAGE = 100
# Feeds go on from two minutes before Etsy's clock: its times have whole seconds, and nothing is promised about delay.
OVERLAP = timedelta(minutes=2)
# Listings that are not on sale are looked through so often: four calls of the day's 10,000 each time.
REST = timedelta(minutes=15)

LIMITS = Limits(
    stock_write="absolute",
    # One listing a call, all its rows together: two variations with at most 400 combinations.
    stock_batch=400,
    stock_in_catalog=True,
    stock_min=0,
    # "quantity ... between 1 and 999" in Etsy's listing editor; 0 for a variation among others.
    stock_max=999,
    read_batch=PAGE,
    order_actions=frozenset({"fulfil"}),
    mirror_takes_stock=False,
    concurrency=4,
    # 10 a second and 10,000 in 24 hours for a new app (developers.etsy.com/documentation/essentials/rate-limits): whatever second
    # is looked at, no more than burst and rate together fall into it.
    per_second=5.0,
    burst=5,
    # One call reads 100 numbers; half of the day's calls, should nothing else be done.
    reads_per_second=5.0,
    # A write is two calls (read and put), and the polls of a day take some 3,500.
    writes_per_day=3000,
    # Two calls a poll: what changed of the receipts, and a page of listings on sale; every page more is one more.
    poll_every=60,
    calls_per_day=10_000,
    poll_calls=2,
    poll_products=PAGE,
)
