"""The score of a torture run: what was sold too often and how much of it nobody could have helped, what went missing, and how
long it took until every number agreed again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bridge.rehearsal.lapses import CAUSES, Lapse
from bridge.rehearsal.loyal_invariants import Gains

__all__ = ["Board", "Score", "board"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One run. `lapses` are the sales below nothing, each with what it came from.

    `undecided`: units that the ledger says itself it could not decide: a person's edit met a write whose answer was lost.
    `gains`: what came of points and codes, where they were played.
    `granted`: how often a person gave a platform's access anew, as the daemon asked.
    `agreement`: seconds from the last act, with the platforms well again, until every number agreed; None: never.
    """

    seed: int
    acts: int = 0
    sold: int = 0
    lapses: tuple[Lapse, ...] = ()
    lost: int = 0
    invented: int = 0
    undecided: int = 0
    deliveries: int = 0
    lost_deliveries: int = 0
    deaths: int = 0
    granted: int = 0
    faults: int = 0
    agreement: float | None = None
    problems: tuple[str, ...] = ()
    acted: tuple[str, ...] = field(default=(), repr=False)
    gains: Gains | None = None

    @property
    def oversold(self) -> int:
        """Units sold below nothing."""
        return sum(one.units for one in self.lapses)

    @property
    def unavoidable(self) -> int:
        """Those of them that a bridge as fast as the network would have sold as well."""
        return sum(one.units for one in self.lapses if one.unavoidable)

    @property
    def clean(self) -> bool:
        """Whether everything held that must hold."""
        return not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Many runs together. `causes`: what the oversold units came from (those that occurred). `p50`, `p99` and `longest` are seconds
    to agreement."""

    seeds: int
    failed: tuple[int, ...]
    acts: int
    sold: int
    oversold: int
    unavoidable: int
    causes: Mapping[str, int]
    lost: int
    invented: int
    undecided: int
    deliveries: int
    lost_deliveries: int
    deaths: int
    granted: int
    faults: int
    p50: float
    p99: float
    longest: float
    gains: Gains | None = None


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
        "granted",
        "faults",
    )
    totals = {name: sum(int(getattr(one, name)) for one in scores) for name in names}
    units = {
        cause: sum(one.units for score in scores for one in score.lapses if one.cause == cause) for cause in CAUSES
    }
    return Board(
        causes={cause: count for cause, count in units.items() if count},
        seeds=len(scores),
        failed=tuple(sorted(one.seed for one in scores if not one.clean)),
        p50=times[len(times) // 2],
        p99=times[min(len(times) - 1, len(times) * 99 // 100)],
        longest=times[-1],
        gains=_gained([one.gains for one in scores if one.gains is not None]),
        **totals,
    )


def _gained(found: Sequence[Gains]) -> Gains | None:
    names = Gains.__dataclass_fields__
    return Gains(**{name: sum(getattr(one, name) for one in found) for name in names}) if found else None
