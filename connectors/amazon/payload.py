"""Reading Amazon's JSON: small readers that name the field that is missing or odd."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from bridge.contract.feed import Bad
from bridge.domain.money import Money

__all__ = ["Odd", "Payload", "first", "moment", "money", "need", "part", "rows", "sift", "stamp", "text", "units"]

Payload = Mapping[str, Any]
T = TypeVar("T")
_MOST_UNITS = 10_000_000


class Odd(ValueError):
    """A payload that cannot be understood; the text names the field."""


def need(payload: Payload, name: str) -> str:
    """Return a text that must be there."""
    value = text(payload, name)
    if not value:
        raise Odd(f"{name} is missing")
    return value


def text(payload: Payload, name: str) -> str:
    """Return a text field, "" where it is absent."""
    value = payload.get(name)
    if value is not None and not isinstance(value, str | int):
        raise Odd(f"{name} is no text")
    return "" if value is None else str(value)


def part(payload: Payload, name: str) -> Payload:
    """Return an object within, empty where it is absent."""
    value = payload.get(name)
    if value is not None and not isinstance(value, Mapping):
        raise Odd(f"{name} is not an object")
    return value or {}


def rows(payload: Payload, name: str) -> list[Payload]:
    """Return a list of objects, empty where it is absent."""
    value = payload.get(name) or []
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise Odd(f"{name} is not a list of objects")
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
    try:
        at = datetime.fromisoformat(need(payload, name))
    except ValueError as error:
        raise Odd(f"{name} is no time: {payload.get(name)!r}") from error
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def stamp(at: datetime) -> str:
    """Write a time as Amazon takes it: ISO 8601 in UTC, milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def money(payload: Payload, currency: str) -> Money:
    """Read a Money object; nothing of `currency` where it is empty."""
    if not payload:
        return Money(0, currency)
    return Money.rounded(need(payload, "amount"), need(payload, "currencyCode"))


def sift(payloads: Iterable[Payload], read: Callable[[Payload], T], name: str) -> tuple[list[T], list[Bad]]:
    """Read each payload; the ones that cannot be understood are set aside with their id and the reason."""
    good: list[T] = []
    bad: list[Bad] = []
    for payload in payloads:
        try:
            good.append(read(payload))
        except ValueError as error:
            bad.append(Bad(id=str(payload.get(name) or ""), reason=str(error)))
    return good, bad
