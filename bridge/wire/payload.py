"""Reading decoded JSON: small readers that name the field that is missing or odd."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from bridge.contract.feed import Bad

__all__ = ["Odd", "Payload", "decoded", "names", "part", "rows", "sift", "text", "units"]

Payload = Mapping[str, Any]
T = TypeVar("T")
_MAX_UNITS = 1_000_000_000


class Odd(ValueError):
    """A payload that cannot be understood; the text names the field."""


def decoded(content: bytes) -> Payload:
    """Decode an object, empty where it is none: for errors, which anybody may have written."""
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def part(payload: Payload, name: str) -> Payload:
    """Return an object within, empty where it is absent."""
    value = payload.get(name)
    if value is not None and not isinstance(value, Mapping):
        raise Odd(f"{name} is not an object")
    return value or {}


def text(payload: Payload, name: str) -> str:
    """Return a text field, "" where it is absent."""
    value = payload.get(name)
    if value is not None and not isinstance(value, str | int):
        raise Odd(f"{name} is no text")
    return "" if value is None else str(value)


def rows(payload: Payload, name: str) -> list[Payload]:
    """Return a list of objects, empty where it is absent."""
    value = payload.get(name) or []
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise Odd(f"{name} is not a list of objects")
    return value


def names(payload: Payload, name: str) -> list[str]:
    """Return a list of texts, empty where it is absent."""
    value = payload.get(name) or []
    if not isinstance(value, list) or not all(isinstance(found, str) for found in value):
        raise Odd(f"{name} is not a list of texts")
    return value


def units(payload: Payload, name: str) -> int | None:
    """Read whole units, which may come as text; None where there is no number."""
    value = payload.get(name)
    if value is None or value == "":
        return None
    if not str(value).lstrip("-").isdecimal() or abs(int(value)) > _MAX_UNITS:
        raise Odd(f"{name} {value!r} is no number of units")
    return int(value)


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
