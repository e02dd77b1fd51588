"""Reading eBay's JSON: small readers that name the field that is missing or odd."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from bridge.contract.feed import Bad
from bridge.domain.money import Money
from bridge.wire.payload import Odd, Payload, moment, names, need, rows, stamp, text

__all__ = ["Odd", "Payload", "moment", "money", "need", "part", "rows", "sift", "stamp", "text", "texts", "units"]

T = TypeVar("T")


def part(payload: Payload, name: str) -> Payload:
    """Return an object within, empty where it is absent."""
    value = payload.get(name) or {}
    if not isinstance(value, Mapping):
        raise Odd(f"{name} is not an object")
    return value


def texts(payload: Payload, name: str) -> tuple[str, ...]:
    """Return a list of texts, empty where it is absent."""
    return tuple(names(payload, name))


def units(payload: Payload, name: str) -> int:
    """Return a whole number that must be there."""
    value = need(payload, name)
    if not isinstance(value, int):
        raise Odd(f"{name} {value!r} is no whole number")
    return value


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
