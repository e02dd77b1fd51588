"""Counters and the movements that make them: append-only, each with a unique key."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple

from bridge.domain.orders import Order

__all__ = ["Counter", "Movement", "Why", "difference", "order_why", "stock"]

Why = Literal[
    "sale", "cancel", "refund", "count", "receipt", "transfer", "opening", "earn", "burn", "claw-back", "expire", "correction"
]  # fmt: skip


class Counter(NamedTuple):
    """A scarce number: units of a SKU at a place, uses left on a code, points of a customer.

    A tuple, as it is the key of every table in memory: its hash costs a tenth of a dataclass's.
    """

    kind: str
    key: str
    place: str = ""

    def __str__(self) -> str:
        return f"{self.key} at {self.place}" if self.place else self.key


def stock(sku: str, place: str) -> Counter:
    """The counter of a SKU's units at a place."""
    return Counter("stock", sku, place)


class Movement(NamedTuple):
    """One append-only row. `unique` makes it impossible to count the same thing twice; `source` is channel + external id.

    A tuple, as one is made for every order line.
    """

    counter: Counter
    delta: int
    why: Why
    unique: str
    channel: str
    source: str
    occurred_at: datetime
    note: str = ""


def difference(before: Mapping[Counter, int], after: Mapping[Counter, int]) -> dict[Counter, int]:
    """What must be appended so that the recorded effects become the new ones; nothing for equal ones."""
    changed = {counter: after.get(counter, 0) - before.get(counter, 0) for counter in before.keys() | after.keys()}
    return {counter: delta for counter, delta in sorted(changed.items()) if delta}


def order_why(order: Order, delta: int) -> Why:
    """Name the reason of an order's movement: units that leave are a sale, units that come back a cancel or a refund."""
    if delta < 0:
        return "sale"
    return "cancel" if order.status == "cancelled" else "refund"
