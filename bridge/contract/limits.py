"""The finer differences between platforms, as data."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Limits", "StockWrite"]

StockWrite = Literal["delta", "absolute"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a platform takes. The engine plans by these numbers and never asks which platform it is.

    stock_write      "delta": a write says what changes; "absolute": it says what is there
    compare_and_set  a stock write names the number it changes from, and comes back stale if that is not so
    keyed            a stock write carries an idempotency key, so the same call may be sent again
    key_hours        how long the platform remembers such a key
    stock_batch      stock rows per call at most
    stock_in_catalog catalog pages carry the stock levels, so no stock feed of its own is polled
    names_causes     the platform's change log says who moved a number and why
    stock_min/max    the quantity range the platform accepts
    read_batch       stock records per read call at most
    serial_writes    one stock write at a time (the platform's write is not atomic, or it refuses a second)
    product_batch    product edits per call at most
    order_actions    what order_writer can express here
    late_orders      an order may reach the platform long after it was placed (an offline till), and its units only then
    mirror_takes_stock  an order we create there takes its units off the platform's own number
    concurrency      calls in flight at most
    per_second       calls a second on average, 0 where the platform states none
    reads_per_second stock numbers that may be read a second, if nothing else is done; 0 where the platform states no limit
    burst            calls that may come at once
    visible_after    seconds until a read is sure to show what was written: until then a number read is no witness against it
    ticket_hours     how long a ticket of an accepted write is asked for; then the number itself is read
    writes_per_day   stock writes (calls) a day, 0 where the platform states no limit: a sold-out number may use the last of them
    changes_per_day  changes of one listing a day, 0 where the platform states no limit: a sold-out number may use the last of them
    counts_believed  whether numbers that people set there count, where the merchant does not say (None: where writes are deltas.
                     On a platform that takes absolute numbers, an order that one of them wiped looks like somebody's edit)
    points_batch     rows of points shown per call at most
    points_delta     points are written as a difference; else as the whole balance
    points_keyed     a points write carries an idempotency key, so the same call may be sent again
    earns_itself     the platform may give points for purchases by itself (Square Loyalty)
    coupon_batch     codes per call at most
    coupon_groups    many codes of the same terms are held by one discount there (Shopify)
    orders_every     seconds between two readings of the orders feed that the platform allows on average, 0 where no such limit binds
    orders_burst     readings of the orders feed that may come at once, having been saved up, where orders_every binds
    poll_every       seconds between two polls that suit the platform, where the merchant names none; 0: as all others
    calls_per_day    calls of all kinds a day, 0 where none is stated or none binds
    poll_calls       of these, what a poll of a small catalogue takes
    poll_products    so many products more make a poll one call longer, 0 where its calls do not grow with the catalogue
    fixed_locations  locations whose numbers the platform alone moves (goods in its own warehouse): read and believed, never written
    """

    stock_write: StockWrite
    compare_and_set: bool = False
    keyed: bool = False
    key_hours: float = 0.0
    stock_batch: int = 100
    stock_in_catalog: bool = False
    names_causes: bool = False
    stock_min: int = -1_000_000_000
    stock_max: int = 1_000_000_000
    read_batch: int = 100
    serial_writes: bool = False
    product_batch: int = 1
    order_actions: frozenset[str] = frozenset()
    late_orders: bool = False
    mirror_takes_stock: bool = True
    concurrency: int = 8
    per_second: float = 0.0
    reads_per_second: float = 0.0
    burst: int = 1
    visible_after: float = 0.0
    ticket_hours: float = 0.0
    writes_per_day: int = 0
    changes_per_day: int = 0
    counts_believed: bool | None = None
    points_batch: int = 1
    points_delta: bool = False
    points_keyed: bool = False
    earns_itself: bool = False
    coupon_batch: int = 1
    coupon_groups: bool = False
    orders_every: float = 0.0
    orders_burst: int = 1
    poll_every: float = 0.0
    calls_per_day: int = 0
    poll_calls: int = 1
    poll_products: int = 0
    fixed_locations: frozenset[str] = frozenset()

    @property
    def absolute(self) -> bool:
        """Whether a write wipes what it did not know of."""
        return self.stock_write == "absolute"
