"""Reading eBay's JSON beyond what `bridge.wire.payload` reads."""

from collections.abc import Mapping

from bridge.domain.money import Money
from bridge.wire.payload import Odd, Payload, need, text

__all__ = ["money"]


def money(payload: Payload, name: str, currency: str = "") -> Money:
    """Read an Amount; 0 of `currency` where it is absent and a currency is given."""
    value = payload.get(name)
    if value is None and currency:
        return Money(0, currency)
    if not isinstance(value, Mapping):
        raise Odd(f"{name} is missing or no amount of money")
    # Sites with another currency than the seller's give both; `convertedFrom...` is what the buyer paid.
    return Money.parse(text(value, "value"), str(need(value, "currency")))
