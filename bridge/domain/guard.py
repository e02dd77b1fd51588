"""The guard: a plan that would zero too much or move too much waits for a person's approval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bridge.domain.position import Due, Position

__all__ = ["GuardRule", "Halt", "guard"]

R = TypeVar("R", Position, Due)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRule:
    """`zero`: at most this many SKUs may go to 0 on one channel at once; `percent`: at most this share of its units may move.

    `free` units may always move, so that a small shop can sell half its stock in a day.
    """

    zero: int = 25
    percent: float = 40.0
    free: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt(Generic[R]):
    """Why rows are parked, and which."""

    reason: str
    rows: tuple[R, ...]


def guard(rows: Sequence[R], units_shown: int, rule: GuardRule) -> Halt[R] | None:
    """Judge the rows of one channel's plan; `units_shown` is what the channel shows in all before it."""
    asked = [row for row in rows if not row.approved]
    zeroed = [row for row in asked if (row.shown or 0) > 0 and row.target == 0]
    moved = sum(abs(row.delta) for row in asked)
    if moved > rule.free and moved > units_shown * rule.percent / 100:
        reason = f"would move {moved} of {units_shown} units (limit {rule.percent:g} %)"
        return Halt(reason=reason, rows=tuple(asked))
    if len(zeroed) > rule.zero:
        return Halt(reason=f"would set {len(zeroed)} SKUs to 0 (limit {rule.zero})", rows=tuple(zeroed))
    return None
