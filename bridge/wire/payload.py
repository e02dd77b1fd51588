"""Reading decoded JSON: small readers that name the field that is missing or odd."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from bridge.contract.feed import Bad
from bridge.wire.http import Response

__all__ = [
    "Odd", "Payload", "answered", "count", "decoded", "epoch", "first", "instant", "maybe_instant", "moment", "must",
    "names", "need", "part", "rows", "sift", "stamp", "text", "units",
]  # fmt: skip

Payload = Mapping[str, Any]
T = TypeVar("T")
_MAX_UNITS = 1_000_000_000
_OBJECTS = frozenset({dict})


class Odd(ValueError):
    """A payload that cannot be understood; the text names the field."""


def decoded(content: bytes) -> Payload:
    """Decode an object, empty where it is none: for what anybody may have written (errors, events)."""
    try:
        found = msgspec.json.decode(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def answered(response: Response) -> Payload:
    """Read an answer that has to be an object; raises TryLater where it is no JSON at all."""
    found = response.json()
    return found if isinstance(found, dict) else {}


def need(payload: Payload, name: str) -> Any:
    """Return a field that must be there."""
    value = payload.get(name)
    if value is None:
        raise Odd(f"{name} is missing")
    return value


def must(payload: Payload, name: str) -> str:
    """Return a text that must be there, and not be empty."""
    value = text(payload, name)
    if not value:
        raise Odd(f"{name} is missing")
    return value


def count(payload: Payload, name: str) -> int:
    """Return a whole number that must be there."""
    value = need(payload, name)
    if type(value) is not int or abs(value) >= 2**63:
        raise Odd(f"{name} {value!r} is no whole number")
    return value


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
    if not isinstance(value, list) or not _OBJECTS.issuperset(map(type, value)):
        raise Odd(f"{name} is not a list of objects")
    return value


def first(payload: Payload, name: str) -> Payload:
    """Return the first object of a list, empty where there is none."""
    return next(iter(rows(payload, name)), {})


def names(payload: Payload, name: str) -> list[str]:
    """Return a list of texts, empty where it is absent."""
    value = payload.get(name) or []
    if not isinstance(value, list) or not all(isinstance(found, str) for found in value):
        raise Odd(f"{name} is not a list of texts")
    return value


def moment(payload: Payload, name: str) -> datetime:
    """Read an ISO 8601 time as aware UTC."""
    return instant(need(payload, name), name)


def instant(value: object, name: str) -> datetime:
    """Read the ISO 8601 time that the field `name` has, as aware UTC."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise Odd(f"{name} is no time: {value!r}") from error
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def epoch(payload: Payload, *fields: str) -> datetime:
    """Read epoch seconds as aware UTC, from the first of these fields that is there."""
    name = next((one for one in fields if payload.get(one) is not None), fields[0])
    seconds = count(payload, name)
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Odd(f"{name} {seconds} is no time") from error


def maybe_instant(value: object) -> datetime | None:
    """Read an ISO 8601 time, None where it is none: for what anybody may have written."""
    try:
        return instant(value, "time")
    except (ValueError, OverflowError):
        return None


def stamp(at: datetime) -> str:
    """Write a time in ISO 8601: UTC, milliseconds, Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
