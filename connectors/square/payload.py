"""Reading Square's JSON: small readers that name the field that is missing or odd."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, TypeVar

from bridge.contract.feed import Bad
from bridge.domain.money import Money

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

Payload = Mapping[str, Any]
T = TypeVar("T")
MAX_UNITS = 1_000_000
_OBJECTS = frozenset({dict})


class Odd(ValueError):
    """A payload that cannot be understood; the text names the field."""


def need(payload: Payload, name: str) -> Any:
    """Return a field that must be there."""
    value = payload.get(name)
    if value is None:
        raise Odd(f"{name} is missing")
    return value


def part(payload: Payload, name: str) -> Payload:
    """Return an object within, empty where it is absent."""
    value = payload.get(name)
    if value is not None and not isinstance(value, dict):
        raise Odd(f"{name} is not an object")
    return value or {}


def names(payload: Payload, name: str) -> list[str]:
    """Return a list of texts, empty where it is absent."""
    value = payload.get(name) or []
    if not isinstance(value, list) or not all(isinstance(found, str) for found in value):
        raise Odd(f"{name} is not a list of texts")
    return value


def text(payload: Payload, name: str) -> str:
    """Return a text field, "" where it is absent."""
    value = payload.get(name)
    if value is not None and not isinstance(value, str | int):
        raise Odd(f"{name} is no text")
    return "" if value is None else str(value)


def rows(payload: Payload, name: str) -> list[Payload]:
    """Return a list of objects, empty where it is absent."""
    value = payload.get(name) or []
    if not isinstance(value, list) or not _OBJECTS.issuperset(map(type, value)):
        raise Odd(f"{name} is not a list of objects")
    return value


def moment(payload: Payload, name: str) -> datetime:
    """Read an RFC 3339 time as aware UTC."""
    value = need(payload, name)
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise Odd(f"{name} is no time: {value!r}") from error
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def stamp(at: datetime) -> str:
    """Write a time as Square takes it: RFC 3339 in UTC, milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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


def sift(payloads: Iterable[Payload], read: Callable[[Payload], T], name: str = "id") -> tuple[list[T], list[Bad]]:
    """Read each payload; the ones that cannot be understood are set aside with their id and the reason."""
    good: list[T] = []
    bad: list[Bad] = []
    for payload in payloads:
        try:
            good.append(read(payload))
        except ValueError as error:
            bad.append(Bad(id=str(payload.get(name) or ""), reason=str(error)))
    return good, bad
