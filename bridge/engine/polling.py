"""How often a channel's feeds are read: as the merchant says, else as suits the platform, and never faster than its limits allow."""

from dataclasses import dataclass
from datetime import timedelta

from bridge.contract.limits import Limits

__all__ = ["POLL_SHARE", "Polling", "polling", "possible_poll"]

# What polling may take of a platform's calls of a day: sales are to be written, and numbers read again, with the rest.
POLL_SHARE = 0.5
_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """`every`: how often a channel's feeds are read; `least`: the fastest that its platform's limits allow."""

    every: timedelta
    least: timedelta


def polling(limits: Limits, *, usual: timedelta, wished: timedelta | None, products: int) -> Polling:
    """Settle how often a channel with so many products is polled. `usual` holds for all channels, `wished` for this one."""
    least = possible_poll(limits, products)
    asked = max(usual, timedelta(seconds=limits.poll_every)) if wished is None else wished
    return Polling(every=max(asked, least), least=least)


def possible_poll(limits: Limits, products: int) -> timedelta:
    """Return the shortest pause between two polls that a platform's limits allow for so many products."""
    calls = limits.poll_calls + (products / limits.poll_products if limits.poll_products else 0)
    pause = _DAY * calls / (limits.calls_per_day * POLL_SHARE) if limits.calls_per_day else 0.0
    return timedelta(seconds=max(pause, limits.orders_every))
