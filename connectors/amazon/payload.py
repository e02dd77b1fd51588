"""Reading Amazon's JSON: small readers that name the field that is missing or odd."""

from datetime import datetime

from bridge.domain.money import Money
from bridge.wire.payload import Odd, Payload, instant, part, rows, sift, stamp, text

__all__ = ["Odd", "Payload", "first", "moment", "money", "need", "part", "rows", "sift", "stamp", "text", "units"]

_MOST_UNITS = 10_000_000


def need(payload: Payload, name: str) -> str:
    """Return a text that must be there."""
    value = text(payload, name)
    if not value:
        raise Odd(f"{name} is missing")
    return value


def first(payload: Payload, name: str) -> Payload:
    """Return the first object of a list, empty where there is none."""
    return next(iter(rows(payload, name)), {})


def units(payload: Payload, name: str) -> int:
    """Return a count that must be there."""
    value = payload.get(name)
    if type(value) is not int or abs(value) > _MOST_UNITS:
        raise Odd(f"{name} {value!r} is no number of units")
    return value


def moment(payload: Payload, name: str) -> datetime:
    """Read an ISO 8601 time as aware UTC."""
    return instant(need(payload, name), name)


def money(payload: Payload, currency: str) -> Money:
    """Read a Money object; nothing of `currency` where it is empty."""
    if not payload:
        return Money(0, currency)
    return Money.rounded(need(payload, "amount"), need(payload, "currencyCode"))
