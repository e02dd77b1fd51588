"""What became of each row of a stock write. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from bridge.contract.errors import Gone, Refused
from bridge.contract.stock import Applied, Outcome, Rejected, StockChange
from bridge.domain.catalog import Level, StockKey
from connectors.square.judge import Problem, problems_of

__all__ = ["outcomes", "refused_outcomes"]

_INDEX = re.compile(r"changes\[(\d+)\]")
_GONE = {"NOT_FOUND", "GONE"}


def outcomes(
    changes: Sequence[StockChange], levels: Mapping[StockKey, Level], problems: Iterable[Problem], at: datetime
) -> list[Outcome]:
    """Say what an answered write did; `levels` are the counts it returned."""
    named = _named(changes, problems)
    return [
        _rejected(change, named[row]) if row in named else _applied(change, levels.get(change.key), at)
        for row, change in enumerate(changes)
    ]


def refused_outcomes(changes: Sequence[StockChange], error: Refused | Gone) -> list[Outcome]:
    """Say what a refused call means per row: the rows Square names are bad, the others go again with a new key.

    Raises the error itself where Square names no row of several: nobody can tell which one it was.
    """
    named = _named(changes, problems_of(error))
    if not named and len(changes) > 1:
        raise error
    if not named:
        kind = Problem("", "NOT_FOUND" if isinstance(error, Gone) else error.code, error.what, "")
        return [_rejected(change, kind) for change in changes]
    other = "Square refused the call because of another row"
    return [
        _rejected(change, named[row]) if row in named else Rejected(key=change.key, kind="retry", reason=other)
        for row, change in enumerate(changes)
    ]


def _named(changes: Sequence[StockChange], problems: Iterable[Problem]) -> dict[int, Problem]:
    """Find the row that each problem names: by index in `field`, else by a variation's id in its text."""
    found: dict[int, Problem] = {}
    for problem in problems:
        for match in _INDEX.finditer(f"{problem.field} {problem.detail}"):
            found.setdefault(int(match[1]), problem)
        if not _INDEX.search(f"{problem.field} {problem.detail}"):
            words = set(re.findall(r"[\w#-]+", problem.detail))
            found |= {row: problem for row, change in enumerate(changes) if change.key.stock_id in words}
    return {row: problem for row, problem in found.items() if row < len(changes)}


def _rejected(change: StockChange, problem: Problem) -> Rejected:
    gone = problem.code in _GONE
    return Rejected(key=change.key, kind="gone" if gone else "invalid", reason=str(problem), code=problem.code)


def _applied(change: StockChange, level: Level | None, at: datetime) -> Applied:
    return Applied(key=change.key, at=level.as_of if level else at, quantity=level.quantity if level else None)
