"""Sums and shares of money in orders. Pure."""

from collections.abc import Iterable, Sequence

from bridge.domain.money import Money

__all__ = ["shares", "total_of"]


def total_of(amounts: Iterable[Money], currency: str) -> Money:
    """Add amounts of one currency, which may be none."""
    return sum(amounts, start=Money(0, currency))


def shares(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide an amount in minor units in proportion to weights; the first ones take what rounding leaves."""
    whole = sum(weights)
    parts = [amount * weight // whole if whole else 0 for weight in weights]
    for place in range(amount - sum(parts) if parts else 0):
        parts[place % len(parts)] += 1
    return parts
