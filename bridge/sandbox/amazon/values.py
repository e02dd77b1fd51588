"""Small values: times as Amazon writes them, made-up identifiers, amounts."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

Json = dict[str, Any]


def stamp(at: datetime) -> str:
    """Write a time as Amazon does: ISO 8601 in UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """Read an ISO 8601 time; one without an offset is UTC."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def amount(value: Decimal | str, currency: str) -> Json:
    """Make a `Money`: a decimal string and a currency code."""
    return {"amount": str(Decimal(value)), "currencyCode": currency}


class Ids:
    """Identifiers in Amazon's shapes, one after another."""

    def __init__(self) -> None:
        self._next = count(1)

    def order(self) -> str:
        """An order id in 3-7-7 form."""
        number = next(self._next)
        return f"114-{1000000 + number:07d}-{2000000 + number:07d}"

    def asin(self) -> str:
        """A catalogue number."""
        return f"B0{next(self._next):08d}"

    def number(self) -> str:
        """A plain number, as feeds and order items have."""
        return str(50000000000 + next(self._next))

    def uuid(self) -> str:
        """A UUID, as subscriptions, destinations and submissions have."""
        return f"00000000-0000-4000-8000-{next(self._next):012x}"
