"""Etsy's small values: epoch seconds, ids, money, and reading what a request says."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bridge.sandbox.etsy.errors import bad

Json = dict[str, Any]
NO_MINOR = frozenset({"JPY", "KRW", "VND", "CLP"})


_STARTS = {
    "listing": 1_500_000_000, "product": 20_000_000_000, "offering": 30_000_000_000, "receipt": 3_000_000_000,
    "transaction": 4_000_000_000, "value": 50_000_000_000, "image": 5_000_000_000, "shipment": 900_000_000,
}  # fmt: skip


class Clock:
    """The shop's clock in whole seconds since the epoch, as Etsy prints times."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now

    def seconds(self) -> int:
        """Return the time now."""
        return int(self.now().astimezone(UTC).timestamp())


class Ids:
    """Numbers that rise, one series a kind; the kinds start far apart, so that one is never taken for another."""

    def __init__(self) -> None:
        self.last = dict(_STARTS)

    def fresh(self, kind: str) -> int:
        """Return the next id of a kind."""
        self.last[kind] += 1
        return self.last[kind]


def divisor(currency: str) -> int:
    """Return what `Money.amount` is divided by."""
    return 1 if currency in NO_MINOR else 100


def minor(price: str | float | Decimal, currency: str) -> int:
    """Turn a decimal price into minor units."""
    return int((Decimal(str(price)) * divisor(currency)).to_integral_value())


def decimal(amount: int, currency: str) -> str:
    """Print minor units as a decimal string."""
    return str(Decimal(amount).scaleb(0 if currency in NO_MINOR else -2))


def money(amount: int, currency: str) -> Json:
    """Make a `Money`."""
    return {"amount": amount, "divisor": divisor(currency), "currency_code": currency}


def shares(amount: int, weights: list[int]) -> list[int]:
    """Divide an amount in proportion; what rounding leaves goes to the first ones."""
    whole = sum(weights)
    if not whole:
        return [0 for _ in weights]
    parts = [amount * weight // whole for weight in weights]
    for place in range(amount - sum(parts)):
        parts[place % len(parts)] += 1
    return parts


def whole(value: Any, name: str) -> int:
    """Read a whole number; forms send it as text."""
    if isinstance(value, bool) or not str(value).lstrip("-").isdigit():
        raise bad(f"Expected integer value for '{name}'")
    return int(value)


def listed(query: list[tuple[str, str]], name: str) -> list[str]:
    """Read a list parameter, repeated or with commas."""
    return [part for key, value in query if key in {name, f"{name}[]"} for part in value.split(",") if part]


def page(query: list[tuple[str, str]]) -> tuple[int, int]:
    """Read limit and offset (specification: 1 to 100, default 25; offset from 0)."""
    known = dict(query)
    limit, offset = whole(known.get("limit", "25"), "limit"), whole(known.get("offset", "0"), "offset")
    if not 1 <= limit <= 100:
        raise bad("limit must be between 1 and 100")
    if offset < 0:
        raise bad("offset must be at least 0")
    return limit, offset
