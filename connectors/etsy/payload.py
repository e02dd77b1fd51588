"""Reading Etsy's JSON beyond what `bridge.wire.payload` reads."""

from datetime import UTC, datetime
from decimal import Decimal

from bridge.domain.money import Money
from bridge.wire.payload import Odd, Payload, count, need, part

__all__ = ["moment", "money"]


def moment(payload: Payload, *names: str) -> datetime:
    """Read epoch seconds as UTC, from the first field that is there (Etsy has two names for most times)."""
    name = next((name for name in names if payload.get(name) is not None), names[0])
    try:
        return datetime.fromtimestamp(count(payload, name), UTC)
    except OverflowError as error:
        raise Odd(str(error)) from error


def money(payload: Payload, name: str, currency: str = "") -> Money:
    """Read an Etsy Money ({amount, divisor, currency_code}); 0 of `currency` where it is absent and a currency is given."""
    if payload.get(name) is None and currency:
        return Money(0, currency)
    value = part(payload, name)
    divisor = count(value, "divisor") or 1
    return Money.parse(str(Decimal(count(value, "amount")) / divisor), str(need(value, "currency_code")))
