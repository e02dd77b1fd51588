"""Which tests concern which connector: decided by its ports, its Limits and the facts of its platform, and by nothing else."""

from collections.abc import Callable, Iterable, Mapping

import pytest

from bridge.contract.limits import Limits
from tests.contract.facts import FACTS, Facts, limits_of

__all__ = ["NOT_ASKED", "PORTS", "WORDS", "have", "left_out"]

PORTS = (
    "orders", "products", "order_writer", "webhooks", "tickets", "queue", "handshake", "preview", "customers", "points", "coupons",
)  # fmt: skip
# What follows from a connector's Limits or from facts, in a word that a test can be marked with.
_DERIVED: Mapping[str, Callable[[Facts, Limits], bool]] = {
    "delta": lambda facts, limits: limits.stock_write == "delta",
    "absolute": lambda facts, limits: limits.stock_write == "absolute",
    "below_zero": lambda facts, limits: limits.stock_min < 0,
    # A number of units, and not only whether there are any.
    "counts": lambda facts, limits: limits.stock_max > 1,
    "creates": lambda facts, limits: facts.create_with is not None,
    "can_mirror": lambda facts, limits: "mirror" in limits.order_actions,
    "can_fulfil": lambda facts, limits: "fulfil" in limits.order_actions,
    "can_cancel": lambda facts, limits: "cancel" in limits.order_actions,
    "can_refund": lambda facts, limits: "refund" in limits.order_actions,
    "tells_sale": lambda facts, limits: "sale" in facts.tells,
    "tells_refund": lambda facts, limits: "refund" in facts.tells,
    "tells_count": lambda facts, limits: "count" in facts.tells,
    "tells_edit": lambda facts, limits: "edit" in facts.tells,
}
NOT_ASKED = ("offers", "host", "hosts", "wrong", "writes")


def _words() -> frozenset[str]:
    slots = {
        name for platform, facts in FACTS.items()
        for name in (*type(facts).__dataclass_fields__, *type(limits_of(platform)).__dataclass_fields__)
    }  # fmt: skip
    return frozenset(slots - set(NOT_ASKED)) | frozenset(_DERIVED) | frozenset(PORTS)


WORDS = _words()


def have(platform: str, word: str) -> bool:
    """Tell whether a platform has what a word means: a port, a fact, a value of its Limits or what follows from one."""
    facts, limits = FACTS[platform], limits_of(platform)
    if word in _DERIVED:
        return _DERIVED[word](facts, limits)
    if word in PORTS:
        return word in facts.offers
    return bool(getattr(facts, word) if hasattr(facts, word) else getattr(limits, word))


def left_out(platform: str, marks: Iterable[pytest.Mark]) -> str:
    """Say why a test with these marks does not concern a platform; "" where it does."""
    for mark in marks:
        if mark.name == "offers" and mark.args[0] not in FACTS[platform].offers:
            return f"no port {mark.args[0]}"
        if mark.name == "where":
            word = mark.args[0].removeprefix("not ")
            if have(platform, word) == mark.args[0].startswith("not "):
                return f"not: {mark.args[0]}"
    return ""
