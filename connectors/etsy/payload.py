"""Reading Etsy's JSON: small readers that name the field that is missing or odd."""

from datetime import UTC, datetime
from decimal import Decimal

from bridge.domain.money import Money
from bridge.wire.payload import Odd, Payload, need, part, rows, sift, text

__all__ = ["Odd", "Payload", "moment", "money", "need", "number", "part", "rows", "sift", "text"]


def number(payload: Payload, name: str) -> int:
    """Return a whole number."""
    value = need(payload, name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Odd(f"{name} is not a whole number: {value!r}")
    return value


def moment(payload: Payload, *names: str) -> datetime:
    """Read epoch seconds as UTC, from the first field that is there (Etsy has two names for most times)."""
    for name in names:
        if payload.get(name) is not None:
            return _instant(number(payload, name))
    raise Odd(f"{names[0]} is missing")


def money(payload: Payload, name: str, currency: str = "") -> Money:
    """Read an Etsy Money ({amount, divisor, currency_code}); 0 of `currency` where it is absent and a currency is given."""
    if payload.get(name) is None and currency:
        return Money(0, currency)
    value = part(payload, name)
    divisor = number(value, "divisor") or 1
    return Money.parse(str(Decimal(number(value, "amount")) / divisor), str(need(value, "currency_code")))


def _instant(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except OverflowError as error:
        raise Odd(str(error)) from error
