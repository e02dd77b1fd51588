"""Reading Amazon's JSON beyond what `bridge.wire.payload` reads."""

from datetime import datetime

from bridge.domain.money import Money
from bridge.wire.payload import Odd, Payload, instant, rows, text

__all__ = ["count", "first", "issue_of", "moment", "money", "need"]

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


def count(payload: Payload, name: str) -> int:
    """Return a count that must be there."""
    value = payload.get(name)
    if type(value) is not int or abs(value) > _MOST_UNITS:
        raise Odd(f"{name} {value!r} is no number of units")
    return value


def issue_of(payload: Payload) -> Payload:
    """Return the first error among the issues of a submission, empty where there is none."""
    return next((one for one in rows(payload, "issues") if text(one, "severity") == "ERROR"), {})


def moment(payload: Payload, name: str) -> datetime:
    """Read an ISO 8601 time as aware UTC."""
    return instant(need(payload, name), name)


def money(payload: Payload, currency: str) -> Money:
    """Read a Money object; nothing of `currency` where it is empty."""
    if not payload:
        return Money(0, currency)
    return Money.rounded(need(payload, "amount"), need(payload, "currencyCode"))
