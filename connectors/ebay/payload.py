"""Reading eBay's JSON: small readers that name the field that is missing or odd."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from bridge.contract.feed import Bad
from bridge.domain.money import Money

__all__ = ["Odd", "Payload", "moment", "money", "need", "part", "rows", "sift", "stamp", "text", "texts", "units"]

Payload = Mapping[str, Any]
T = TypeVar("T")


class Odd(ValueError):
    """A payload that cannot be understood; the text names the field."""


def need(payload: Payload, name: str) -> Any:
    """Return a field that must be there."""
    if (value := payload.get(name)) is None:
        raise Odd(f"{name} is missing")
    return value


def part(payload: Payload, name: str) -> Payload:
    """Return an object within, empty where it is absent."""
    value = payload.get(name) or {}
    if not isinstance(value, Mapping):
        raise Odd(f"{name} is not an object")
    return value


def text(payload: Payload, name: str) -> str:
    """Return a text field, "" where it is absent."""
    value = payload.get(name)
    if value is not None and not isinstance(value, str | int):
        raise Odd(f"{name} is no text")
    return "" if value is None else str(value)


def texts(payload: Payload, name: str) -> tuple[str, ...]:
    """Return a list of texts, empty where it is absent."""
    value = payload.get(name) or []
    if not isinstance(value, list) or not all(isinstance(found, str) for found in value):
        raise Odd(f"{name} is not a list of texts")
    return tuple(value)


def rows(payload: Payload, name: str) -> list[Payload]:
    """Return a list of objects, empty where it is absent."""
    value = payload.get(name) or []
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise Odd(f"{name} is not a list of objects")
    return value


def units(payload: Payload, name: str) -> int:
    """Return a whole number that must be there."""
    value = need(payload, name)
    if not isinstance(value, int):
        raise Odd(f"{name} {value!r} is no whole number")
    return value


def moment(payload: Payload, name: str) -> datetime:
    """Read an ISO 8601 time as aware UTC."""
    value = need(payload, name)
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise Odd(f"{name} is no time: {value!r}") from error
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def stamp(at: datetime) -> str:
    """Write a time as eBay takes it: UTC, milliseconds, Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def money(payload: Payload, name: str, currency: str = "") -> Money:
    """Read an Amount; 0 of `currency` where it is absent and a currency is given."""
    value = payload.get(name)
    if value is None and currency:
        return Money(0, currency)
    if not isinstance(value, Mapping):
        raise Odd(f"{name} is missing or no amount of money")
    # Sites with another currency than the seller's give both; `convertedFrom...` is what the buyer paid.
    return Money.parse(text(value, "value"), str(need(value, "currency")))


def sift(payloads: Iterable[T], read: Callable[[T], Any], name: Callable[[T], str]) -> tuple[list[Any], list[Bad]]:
    """Read each one; those that cannot be understood are set aside with their name and the reason."""
    good, bad = [], []
    for payload in payloads:
        try:
            good.append(read(payload))
        except ValueError as error:
            bad.append(Bad(id=name(payload), reason=str(error)))
    return good, bad
