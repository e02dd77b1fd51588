"""Reading Etsy's JSON: small readers that name the field that is missing or odd."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from bridge.contract.feed import Bad
from bridge.domain.money import Money

__all__ = ["Odd", "Payload", "moment", "money", "need", "number", "part", "rows", "sift", "text"]

Payload = Mapping[str, Any]
T = TypeVar("T")


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
    if value is not None and not isinstance(value, Mapping):
        raise Odd(f"{name} is not an object")
    return value or {}


def rows(payload: Payload, name: str) -> list[Payload]:
    """Return a list of objects, empty where it is absent."""
    value = payload.get(name) or []
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise Odd(f"{name} is not a list of objects")
    return value


def text(payload: Payload, name: str) -> str:
    """Return a text or number as text, empty where it is absent."""
    value = payload.get(name)
    if value is not None and not isinstance(value, str | int):
        raise Odd(f"{name} is no text")
    return "" if value is None else str(value)


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
            return datetime.fromtimestamp(number(payload, name), UTC)
    raise Odd(f"{names[0]} is missing")


def money(payload: Payload, name: str, currency: str = "") -> Money:
    """Read an Etsy Money ({amount, divisor, currency_code}); 0 of `currency` where it is absent and a currency is given."""
    if payload.get(name) is None and currency:
        return Money(0, currency)
    value = part(payload, name)
    divisor = number(value, "divisor") or 1
    return Money.parse(str(Decimal(number(value, "amount")) / divisor), str(need(value, "currency_code")))


def sift(payloads: Iterable[Payload], read: Callable[[Payload], T], name: str) -> tuple[list[T], list[Bad]]:
    """Read each payload; the ones that cannot be understood are set aside with their id and the reason."""
    good: list[T] = []
    bad: list[Bad] = []
    for payload in payloads:
        try:
            good.append(read(payload))
        except (ValueError, OverflowError) as error:
            bad.append(Bad(id=str(payload.get(name) or ""), reason=str(error)))
    return good, bad
