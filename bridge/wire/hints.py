"""Reading events: what anybody may have sent, so that nothing in it is believed and nothing in it can fail. Pure."""

import re
from datetime import datetime
from typing import Literal

from bridge.contract.webhooks import Hint
from bridge.wire.payload import Payload

__all__ = ["about", "counted", "inner", "word"]

_MOST_UNITS = 10_000_000
_NAME = re.compile(r"[A-Za-z0-9!._-]{1,64}")


def inner(payload: Payload, *names: str) -> Payload:
    """Return the object that stands within others by these names, empty where there is none."""
    for name in names:
        found = payload.get(name)
        payload = found if isinstance(found, dict) else {}
    return payload


def word(payload: Payload, name: str) -> str:
    """Return a text of at most 255 characters, "" where there is none."""
    value = payload.get(name)
    return value if isinstance(value, str) and len(value) <= 255 else ""


def about(kind: Literal["order", "product"], name: str, topic: str, at: datetime | None, *, plain: bool = True) -> Hint:
    """Point at what an event names. One that names nothing, or (`plain`) what is no id, is a hint at the whole channel."""
    known = _NAME.fullmatch(name) if plain else name
    return Hint(kind=kind, id=name, topic=topic, at=at) if known else Hint(kind="channel", topic=topic, at=at)


def counted(name: str, place: str, told: object, topic: str, at: datetime | None) -> Hint:
    """Point at a stock record and the number that an event tells of it. What is no number of units is not told; an event that names no
    record is a hint at the whole channel."""
    if not name:
        return Hint(kind="channel", topic=topic, at=at)
    units = told if type(told) is int and abs(told) <= _MOST_UNITS else None
    return Hint(kind="stock", id=name, location=place, topic=topic, at=at, quantity=units)
