"""Points of a customer: lots that were earned, and what became of them; a pure replay of what is on record.

An account is what its lots and spends say, in the order of their own times, whenever they reached us. A refund makes the lot that
its line earned smaller, as if it had never been larger: so points that come off are taken from that lot, then from the oldest (the
spends it covered move on to them), and what nobody covers is debt. Nothing has to be undone, and late news change what follows.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from operator import attrgetter

from bridge.domain.ledger import Counter

__all__ = ["Account", "Lot", "LotState", "Spend", "account", "next_change", "points"]

_Step = tuple[datetime, tuple[int, str, int], Callable[[datetime], None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Points that one line of an order (or one gift) earned: `kept` are left of them after what came back.

    They count from `earned_at`, can be spent from `spendable_at` (the return window has closed), and are gone at `expires_at`.
    """

    id: str
    kept: int
    earned_at: datetime
    spendable_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """Points that were taken at a moment (below 0: given back, to the lots they came from last)."""

    id: str
    points: int
    at: datetime


@dataclass(slots=True)
class LotState:
    """What is left of a lot, and what of it has expired."""

    lot: Lot
    left: int = 0
    expired: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account at a moment. `balance` = what is left of all lots, and `credit`, less `debt`; `pending` of it cannot be spent yet.

    `credit` was given back beyond what was ever taken (a channel gave a reward back that was made before we came): it does not expire.
    """

    balance: int
    pending: int
    debt: int
    credit: int = 0
    lots: tuple[LotState, ...]

    @property
    def spendable(self) -> int:
        """What can be spent, holds left aside."""
        return max(0, self.balance - self.pending)


def points(person: str) -> Counter:
    """The counter of a person's points."""
    return Counter("points", person)


def account(lots: Iterable[Lot], spends: Iterable[Spend], now: datetime) -> Account:
    """Replay an account up to a moment: oldest lots are spent first, and no point is spent twice."""
    replay = _Replay([LotState(lot) for lot in sorted(lots, key=attrgetter("earned_at", "id")) if lot.earned_at <= now])
    for at, _, step in sorted(replay.steps(spends, now), key=lambda one: one[:2]):
        step(at)
    pending = sum(one.left for one in replay.states if one.lot.spendable_at > now)
    balance = sum(one.left for one in replay.states) + replay.credit - replay.debt
    return Account(
        balance=balance, pending=pending, debt=replay.debt, credit=replay.credit, lots=tuple(replay.states)
    )  # fmt: skip


def next_change(lots: Sequence[Lot], after: datetime) -> datetime | None:
    """Return when time alone changes the account next: a lot can be spent from then on, or has expired."""
    times = [one.spendable_at for one in lots if one.kept] + [
        one.expires_at for one in lots if one.kept and one.expires_at
    ]
    return min((at for at in times if at > after), default=None)


@dataclass(slots=True)
class _Taken:
    state: LotState
    points: int


@dataclass(slots=True)
class _Replay:
    states: list[LotState]
    debt: int = 0
    credit: int = 0
    _taken: list[_Taken] = field(default_factory=list)

    def steps(self, spends: Iterable[Spend], now: datetime) -> Iterator[_Step]:
        """Yield what happened, as (when, order of things at one moment, what to do)."""
        for number, state in enumerate(self.states):
            yield state.lot.earned_at, (0, "", number), partial(self._earn, state)
            if state.lot.expires_at is not None and state.lot.expires_at <= now:
                yield (
                    max(state.lot.expires_at, state.lot.earned_at),
                    (1, "", number),
                    partial(self._expire, state),
                )
        for spend in spends:
            if spend.at <= now:
                yield spend.at, (2, spend.id, 0), partial(self._spend, spend.points)

    def _earn(self, state: LotState, _: datetime) -> None:
        paid = min(self.debt, state.lot.kept)
        self.debt -= paid
        state.left = state.lot.kept - paid
        if paid:
            self._taken.append(_Taken(state, paid))

    def _expire(self, state: LotState, _: datetime) -> None:
        state.expired += state.left
        state.left = 0

    def _spend(self, wanted: int, at: datetime) -> None:
        if wanted < 0:
            return self._give_back(-wanted, at)
        part = min(self.credit, wanted)
        self.credit -= part
        wanted -= part
        for ready in (True, False):
            for state in self.states:
                if state.left and (state.lot.spendable_at <= at) is ready:
                    part = min(state.left, wanted)
                    state.left -= part
                    wanted -= part
                    self._taken.append(_Taken(state, part))
        self.debt += wanted
        return None

    def _give_back(self, units: int, at: datetime) -> None:
        paid = min(self.debt, units)
        self.debt -= paid
        units -= paid
        while units and self._taken:
            last = self._taken[-1]
            part = min(units, last.points)
            last.points -= part
            units -= part
            if not last.points:
                self._taken.pop()
            gone = last.state.lot.expires_at is not None and last.state.lot.expires_at <= at
            last.state.expired += part if gone else 0
            last.state.left += 0 if gone else part
        self.credit += units
