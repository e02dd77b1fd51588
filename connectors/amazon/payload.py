"""Reading Amazon's JSON beyond what `bridge.wire.payload` reads."""

from bridge.domain.money import Money
from bridge.wire.payload import Payload, must, rows, text

__all__ = ["errors_of", "first", "money"]


def first(payload: Payload, name: str) -> Payload:
    """Return the first object of a list, empty where there is none."""
    return next(iter(rows(payload, name)), {})


def errors_of(payload: Payload) -> list[Payload]:
    """Return the errors among the issues of a submission or a report."""
    return [one for one in rows(payload, "issues") if text(one, "severity") == "ERROR"]


def money(payload: Payload, currency: str) -> Money:
    """Read a Money object; nothing of `currency` where it is empty."""
    if not payload:
        return Money(0, currency)
    return Money.rounded(must(payload, "amount"), must(payload, "currencyCode"))
