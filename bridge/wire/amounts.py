"""Money that is told as an object of an amount and a currency; sums and shares of it in orders. Pure."""

from collections.abc import Iterable, Sequence

from bridge.domain.money import Money
from bridge.wire.payload import Payload, must, need, part, text

__all__ = ["amount_of", "maybe_money", "money", "shares", "summed", "total_of"]

_KEYS = ("value", "currency")


def money(payload: Payload, name: str, currency: str = "", keys: tuple[str, str] = _KEYS) -> Money:
    """Read an amount that is a decimal in text, and its currency beside it, by the platform's two `keys`.

    0 of `currency` where it is absent and a currency is given.
    """
    if currency and payload.get(name) is None:
        return Money(0, currency)
    need(payload, name)
    value = part(payload, name)
    return Money.parse(text(value, keys[0]), must(value, keys[1]))


def maybe_money(payload: Payload, name: str, keys: tuple[str, str] = _KEYS) -> Money | None:
    """Read such an amount, None where it is absent."""
    return None if payload.get(name) is None else money(payload, name, keys=keys)


def amount_of(money: Money, keys: tuple[str, str] = _KEYS) -> dict[str, str]:
    """Write such an object."""
    return dict(zip(keys, (money.decimal, money.currency), strict=True))


def total_of(amounts: Iterable[Money], currency: str) -> Money:
    """Add amounts of one currency, which may be none."""
    return sum(amounts, start=Money(0, currency))


def summed(payloads: Iterable[Payload], currency: str, *names: str) -> Money:
    """Add the amounts that objects have by these names; one that is absent is 0."""
    return total_of((money(one, name, currency) for one in payloads for name in names), currency)


def shares(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide an amount in minor units in proportion to weights; the first ones take what rounding leaves."""
    whole = sum(weights)
    parts = [amount * weight // whole if whole else 0 for weight in weights]
    for place in range(amount - sum(parts) if parts else 0):
        parts[place % len(parts)] += 1
    return parts
