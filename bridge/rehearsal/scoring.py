"""The score of a torture run: what was sold too often and how much of it nobody could have helped, what went missing, and how
long it took until every number agreed again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge.rehearsal.trade import Act

__all__ = ["Board", "Score", "board", "oversold"]

# Tills sell what lies on the counter, whatever number is on their screen.
TILLS = frozenset({"square"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One run. `unavoidable`: units oversold even if news travelled within the time that the network itself needs.

    `undecided`: units that the ledger says itself it could not decide: a person's edit met a write whose answer was lost.
    `agreement`: seconds from the last act, with the platforms well again, until every number agreed; None: never.
    """

    seed: int
    acts: int = 0
    sold: int = 0
    oversold: int = 0
    unavoidable: int = 0
    lost: int = 0
    invented: int = 0
    undecided: int = 0
    deliveries: int = 0
    lost_deliveries: int = 0
    deaths: int = 0
    faults: int = 0
    agreement: float | None = None
    problems: tuple[str, ...] = ()
    acted: tuple[str, ...] = field(default=(), repr=False)

    @property
    def clean(self) -> bool:
        """Whether everything held that must hold."""
        return not self.problems


def oversold(log: Sequence[Act], start: Mapping[str, int], delay: timedelta) -> tuple[int, int]:
    """Return the units sold below nothing, and those of them that a bridge with that delay would have sold as well.

    Such a bridge shows on each platform all that happened there at once, and what happened elsewhere `delay` later.
    """
    total = unavoidable = 0
    by_sku: dict[str, list[Act]] = {}
    for act in log:
        by_sku.setdefault(act.sku, []).append(act)
    for sku, acts in by_sku.items():
        units = start.get(sku, 0)
        for number, act in enumerate(acts):
            units += act.moved
            if not act.sale or units >= 0 or act.moved >= 0:
                continue
            below = min(-units, -act.moved)
            total += below
            if act.platform in TILLS or _shown(start.get(sku, 0), acts[:number], act, act.at - delay) >= -act.moved:
                unavoidable += below
    return total, unavoidable


def _shown(start: int, before: Sequence[Act], act: Act, news_until: datetime) -> int:
    """What the platform would have shown just before this act."""
    return start + sum(one.moved for one in before if one.platform == act.platform or one.at <= news_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Many runs together. `p50`, `p99` and `longest` are seconds to agreement."""

    seeds: int
    failed: tuple[int, ...]
    acts: int
    sold: int
    oversold: int
    unavoidable: int
    lost: int
    invented: int
    undecided: int
    deliveries: int
    lost_deliveries: int
    deaths: int
    faults: int
    p50: float
    p99: float
    longest: float


def board(scores: Sequence[Score]) -> Board:
    """Add scores up."""
    times = sorted(one.agreement for one in scores if one.agreement is not None) or [0.0]
    names = (
        "acts",
        "sold",
        "oversold",
        "unavoidable",
        "lost",
        "invented",
        "undecided",
        "deliveries",
        "lost_deliveries",
        "deaths",
        "faults",
    )
    totals = {name: sum(int(getattr(one, name)) for one in scores) for name in names}
    return Board(
        seeds=len(scores),
        failed=tuple(sorted(one.seed for one in scores if not one.clean)),
        p50=times[len(times) // 2],
        p99=times[min(len(times) - 1, len(times) * 99 // 100)],
        longest=times[-1],
        **totals,
    )
