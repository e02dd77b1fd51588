"""What a code takes off, as options that several commands have."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bridge.cli.moments import Amount, Moment

if TYPE_CHECKING:
    from bridge.app.loyal_terms import Asked

__all__ = ["Given", "asked", "channel_option", "discount_options", "uses_of", "uses_options"]

F = TypeVar("F", bound=Callable[..., Any])
Given = dict[str, Any]

_DISCOUNT = (
    click.option("--percent", type=Amount(), help="Takes off so many percent, such as 15 or 12.5."),
    click.option("--amount", type=Amount(), help="Takes off a sum, such as 5.00."),
    click.option("--free-shipping", is_flag=True, help="Takes off the shipping."),
    click.option("--minimum", type=Amount(), help="From goods of this sum on."),
    click.option("--from", "starts_at", type=Moment(), help="Works from this day on (UTC), or from a moment with its offset."),
    click.option("--until", "ends_at", type=Moment(end=True), help="The last day (UTC) it works on, or the moment it ends."),
    click.option("--sku", "skus", multiple=True, help="Only for this SKU. Repeatable."),
    click.option("--tag", "tags", multiple=True, help="Only for SKUs with this tag. Repeatable."),
    click.option("--exclude", "excluded", multiple=True, metavar="SKU", help="Never for this SKU. Repeatable."),
    click.option("--first-order", is_flag=True, help="Only for a customer's first order."),
    click.option("--per-customer", type=click.IntRange(1), help="So often for one customer."),
    click.option("--email", "emails", multiple=True, help="Only for whoever has this address. Repeatable."),
    click.option("--stacks", is_flag=True, help="May be used beside other codes."),
    click.option("--currency", default="", metavar="EUR", help="Of the sums.  [default: that of the points, or of all channels]"),
    click.option("--channel", "channels", multiple=True, metavar="NAME", help="Where it works. Repeatable.  [default: everywhere]"),
)  # fmt: skip
_USES = (
    click.option("--uses", type=click.IntRange(1, 1_000_000), help="How often each code works in all.  [default: once]"),
    click.option("--once", is_flag=True, help="Each code works once: the default, said aloud."),
    click.option("--unlimited", is_flag=True, help="Works as often as anybody likes."),
    click.option(
        "--policy", type=click.Choice(["shared", "split", "claim"]), default="shared", show_default=True,
        help="shared: every channel has all uses that are left; split: each has its part, never one too many;"
             " claim: none works unless it is asked for first.",
    ),
    click.option("--keep-used", is_flag=True, help="A cancelled order does not give its use back."),
)  # fmt: skip
_TERMS = frozenset(
    {"percent", "amount", "free_shipping", "minimum", "starts_at", "ends_at", "skus", "tags", "excluded", "first_order", "per_customer",
     "emails", "stacks", "currency"}
)  # fmt: skip


def _all(options: tuple[Callable[[Any], Any], ...], function: F) -> F:
    for option in reversed(options):
        function = option(function)
    return function


def discount_options(function: F) -> F:
    """Add what is taken off, for whom, and where."""
    return _all(_DISCOUNT, function)


def uses_options(function: F) -> F:
    """Add how often a code works."""
    return _all(_USES, function)


def channel_option(function: F) -> F:
    """Add --channel alone."""
    return _all(_DISCOUNT[-1:], function)


def asked(given: Given) -> "Asked":
    """Return the discount among the options."""
    from bridge.app.loyal_terms import Asked

    return Asked(**{name: value for name, value in given.items() if name in _TERMS})


def uses_of(given: Given) -> int | None:
    """Return how often a code works; None: without limit."""
    if sum((given["uses"] is not None, given["once"], given["unlimited"])) > 1:
        raise click.UsageError("Say one of --uses, --once and --unlimited.")
    return None if given["unlimited"] else given["uses"] or 1
