"""The few facts by which platforms differ, as far as a test must know them.

What a connector itself says (its ports, its Limits) is not repeated here: only what a test must know to play the shopper,
the clerk or the saboteur on that platform, each with its reason.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Facts", "Rule", "Values"]

Values = Mapping[str, Any]
Rule = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the tests must know of one platform.

    offers        the ports that the name map promises for this connector
    incomplete    settings without which nothing can work, each a case of its own
    wrong         settings with credentials that the platform does not know
    secrets       the settings that must never be seen in a text
    lacking       (options of the stand-in, settings, the word in Identity.missing) of a token without write access
    writes        whether a call changes something at the platform
    calls         fault rules that strike one kind of call
    page          products per page of the catalogue
    names_wait    a throttled answer carries Retry-After
    tight         options of the stand-in under which its own rate limit bites
    currency      option of the stand-in for the shop's currency
    refund_restocks   order_writer.refund can put units back
    cancels_paid      order_writer.cancel can cancel an order that is paid
    cancel_keeps      the clerk can cancel without putting units back
    edits_paid        the clerk can edit an order that is paid
    refund_is_order   a refund is booked as an order of its own
    trash             a deleted product lies in a trash, where its number can still be written (and sells nothing)
    counts_outlive    the number of a deleted variant can still be read; whether it can is documented nowhere
    untracked         `stock` of a seed whose variant has a place for a number, and no number yet
    inexpressible     fields of a product that the platform does not have
    spoil_price       (pattern, replacement) that makes the price 66.61 unreadable in an answer
    ways              options of a sale: the different ways in which people buy there
    ship              options of a sale that leaves something to ship
    signs_url         the signature of a webhook covers the address that it was sent to
    greets            a new subscription is greeted with a delivery that is not signed
    """

    host: str
    offers: tuple[str, ...] = ("account", "catalog", "stock", "orders", "products", "order_writer")
    incomplete: tuple[Values, ...]
    wrong: Values
    secrets: tuple[str, ...]
    lacking: tuple[Values, Values, str]
    writes: Callable[[str, str, bytes], bool]
    calls: Mapping[str, Rule]
    page: int
    names_wait: bool = True
    tight: Values = field(default_factory=dict)
    refund_restocks: bool = True
    cancels_paid: bool = True
    cancel_keeps: bool = True
    edits_paid: bool = True
    refund_is_order: bool = False
    trash: bool = False
    counts_outlive: bool = False
    untracked: Any = None
    inexpressible: frozenset[str] = frozenset()
    spoil_price: tuple[str, str]
    ways: tuple[Values, ...]
    ship: Values = field(default_factory=dict)
    signs_url: bool = False
    greets: bool = False
