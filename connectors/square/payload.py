"""Reading Square's JSON: small readers that name the field that is missing or odd."""

from decimal import Decimal, InvalidOperation
from functools import lru_cache

from bridge.domain.money import Money
from bridge.wire.payload import Odd, Payload, moment, names, need, part, rows, sift, stamp, text

__all__ = [
    "MAX_UNITS",
    "Odd",
    "Payload",
    "moment",
    "money",
    "names",
    "need",
    "part",
    "rows",
    "sift",
    "stamp",
    "text",
    "units",
]

MAX_UNITS = 1_000_000


def money(payload: Payload, name: str, currency: str = "") -> Money:
    """Read a Square Money (whole minor units); 0 of `currency` where it is absent and a currency is given."""
    value = payload.get(name)
    if value is None and currency:
        return Money(0, currency)
    if not isinstance(value, dict) or not isinstance(amount := value.get("amount", 0), int):
        raise Odd(f"{name} is missing or no amount of money")
    # Square leaves `amount` out of a Money that is zero in some answers; the currency is always there.
    return Money(amount, str(value.get("currency") or currency or need(value, "currency")))


def units(payload: Payload, name: str = "quantity") -> int:
    """Read a decimal string as whole units; fractions and absurd numbers are odd."""
    value = need(payload, name)
    number = _number(str(value))
    if number is None:
        raise Odd(f"{name} {value!r} is no number")
    if not number.is_finite() or number != number.to_integral_value():
        raise Odd(f"{name} {value} is not a whole number of units")
    if abs(number) > MAX_UNITS:
        raise Odd(f"{name} {value} is beyond {MAX_UNITS:,} units")
    return int(number)


# Most quantities are one of a few.
@lru_cache(maxsize=4096)
def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
