"""Square's small values: timestamps, ids, decimal quantities, money and page cursors.

Times are kept as whole milliseconds since the epoch, because that is how Square prints and compares them.
"""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from bridge.sandbox.square.errors import invalid, missing

Json = dict[str, Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNIT = 100_000
"""Quantities have up to five decimals (specification, `InventoryCount.quantity`); they are kept as whole 1/100000."""

_QUANTITY = re.compile(r"-?\d{1,20}(\.\d{1,5})?\Z")
_MILLISECOND = timedelta(milliseconds=1)


class Clock:
    """The shop's clock in milliseconds."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now

    def ms(self) -> int:
        """Return the time now in whole milliseconds since the epoch."""
        return to_ms(self.now())


def to_ms(moment: datetime) -> int:
    """Cut a time down to whole milliseconds since the epoch."""
    return (moment - EPOCH) // _MILLISECOND


def stamp(ms: int) -> str:
    """Print a time as Square does: RFC 3339, UTC, three decimals."""
    moment = EPOCH + timedelta(milliseconds=ms)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def moment(text: Any, field: str) -> datetime:
    """Read an RFC 3339 time with an offset; raises INVALID_TIME."""
    try:
        value = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        value = None
    if value is None or value.tzinfo is None:
        raise invalid("INVALID_TIME", f"`{text}` is not a valid RFC 3339 time.", field)
    return value


def units(text: Any, field: str) -> int:
    """Read a decimal quantity string into whole 1/100000; raises on numbers, signs gone wrong and six decimals."""
    if not isinstance(text, str):
        raise invalid("EXPECTED_STRING", "Expected a string value.", field)
    if not _QUANTITY.match(text):
        raise invalid("INVALID_VALUE", f"`{text}` is not a quantity with up to 5 decimals.", field)
    return int(Decimal(text) * UNIT)


def quantity(value: int) -> str:
    """Print whole 1/100000 as the shortest decimal string."""
    whole, rest = divmod(abs(value), UNIT)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}" if rest == 0 else f"{sign}{whole}.{rest:05d}".rstrip("0")


def money(amount: int, currency: str) -> Json:
    """Make a `Money` in minor units."""
    return {"amount": amount, "currency": currency}


def amount_of(value: Any, currency: str, field: str) -> int:
    """Read a `Money` of the seller's currency; raises on anything but whole minor units."""
    if not isinstance(value, dict):
        raise missing(field) if value is None else invalid("EXPECTED_OBJECT", "Expected an object value.", field)
    amount = value.get("amount")
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise invalid("EXPECTED_INTEGER", "Expected an integer value.", f"{field}.amount")
    if value.get("currency", currency) != currency:
        raise invalid("INVALID_VALUE", f"This merchant can only use {currency}.", f"{field}.currency")
    return amount


class Ids:
    """Ids from one counter: they look scattered as Square's do, never repeat, and are the same in every run."""

    def __init__(self) -> None:
        self.count = 0

    def make(self, length: int) -> str:
        """Return a new id of `length` capitals and digits."""
        self.count += 1
        # An odd multiplier modulo a power of two permutes the counters, so no two ids meet.
        scattered = self.count * 0x9E3779B97F4A7C15F39CC0605CEDC8341082276BF3A27251 % (1 << 120)
        text = base64.b32encode(scattered.to_bytes(15)).decode()
        return text[-length:] if length <= 24 else text + self.make(length - 24)

    def uuid(self) -> str:
        """Return a new id as loyalty has them."""
        self.count += 1
        # An odd multiplier permutes the counters.
        return str(UUID(int=self.count * 0x9E3779B97F4A7C15F39CC0605CEDC837 % (1 << 128)))


def cursor(*position: Any) -> str:
    """Make an opaque page cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def position(text: Any, length: int) -> list[Any]:
    """Read back a page cursor of ours with `length` parts; raises INVALID_CURSOR."""
    try:
        parts = msgspec.json.decode(base64.urlsafe_b64decode(str(text) + "=" * (-len(str(text)) % 4)))
    except (binascii.Error, ValueError, msgspec.DecodeError):
        parts = None
    if not isinstance(parts, list) or len(parts) != length:
        raise invalid("INVALID_CURSOR", "The pagination cursor is invalid.", "cursor")
    return parts


def page_limit(value: Any, default: int, highest: int, field: str = "limit") -> int:
    """Read a page limit between 1 and `highest`."""
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid("EXPECTED_INTEGER", "Expected an integer value.", field)
    if value < 1:
        raise invalid("VALUE_TOO_LOW", "The value must be at least 1.", field)
    if value > highest:
        raise invalid("VALUE_TOO_HIGH", f"The value must be at most {highest}.", field)
    return value


def strings(value: Any, field: str) -> list[str]:
    """Read an optional array of strings."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise invalid("EXPECTED_ARRAY", "Expected an array of strings.", field)
    return value
