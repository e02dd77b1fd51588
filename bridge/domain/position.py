"""Position arithmetic: what a channel's own number is, as far as we can know, and how a difference is judged.

Pure: every function takes a `Position` and returns a new one. Times are the platform's.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from bridge.domain.catalog import StockKey

__all__ = [
    "Aim",
    "Base",
    "Due",
    "Position",
    "Verdict",
    "adopted",
    "aimed",
    "judge",
    "known",
    "ordered",
    "overwrote",
    "promised",
    "read",
    "rebased",
    "released",
    "too_early",
    "unverified",
    "wrote",
]

Base = Literal["opening", "count", "drift", "write", "untracked", ""]

# Platforms stamp orders in whole seconds (WooCommerce), so two equal reads this far apart bracket a whole second.
BRACKET = timedelta(seconds=2)


# Without slots: a changed one is then made by copying its `__dict__`, in a third of the time (see `_changed`).
@dataclass(frozen=True, kw_only=True)
class Position:
    """One (counter, channel): `shown` is the channel's own number as we know it, `target` what it should be.

    base_at     when `shown` was last taken from a read or an absolute write: an order placed up to then is inside it
    base        what that was
    verified_at when a read last agreed with `shown`
    moved       units that orders and writes have moved since then: a difference no larger may be a lost update
    moved_at    when the newest of those orders moved them: a read of an earlier moment says nothing about them
    late        units of orders that may or may not be inside `shown` (an offline till's upload)
    suspect     the differing number a first read saw, with its time
    in_flight   key of a write whose outcome is not known
    written_at  when our last write took effect: a read of that moment may not show it yet
    waits_until when the platform's limits of a day have room for it again (None, or past: they do not hold it up)
    parked      why this position is not written to ("" = it is)
    mirrors     orders about to be created there: nothing may be judged meanwhile
    """

    channel: str
    key: StockKey
    sku: str
    place: str
    shown: int | None = None
    target: int | None = None
    base_at: datetime | None = None
    base: Base = ""
    verified_at: datetime | None = None
    moved: int = 0
    moved_at: datetime | None = None
    late: int = 0
    suspect: int | None = None
    suspect_at: datetime | None = None
    in_flight: str | None = None
    written_at: datetime | None = None
    waits_until: datetime | None = None
    parked: str = ""
    approved: bool = False
    gone: bool = False

    @property
    def delta(self) -> int:
        """The work: what must change there (0 while either side is unknown)."""
        if self.shown is None or self.target is None:
            return 0
        return self.target - self.shown


def _changed(position: Position, **new: object) -> Position:
    """Do what `dataclasses.replace` does, in a tenth of the time: every order line changes positions."""
    made = object.__new__(Position)
    values = made.__dict__
    values.update(position.__dict__)
    values.update(new)
    return made


class Due(NamedTuple):
    """A number that is to change, as far as a plan tells of it.

    A plan may have hundreds of thousands of them, and a whole `Position` takes three times as long to read.
    """

    stock_id: str
    location: str
    sku: str
    place: str
    shown: int
    target: int
    base: Base
    parked: str
    approved: bool
    waits_until: datetime | None = None

    @property
    def key(self) -> StockKey:
        """Where the number lives."""
        return StockKey(self.stock_id, self.location)

    @property
    def delta(self) -> int:
        """What must change there."""
        return self.target - self.shown


class Aim(NamedTuple):
    """A number's target and where it is: most numbers that a sale moves change nothing else."""

    channel: str
    stock_id: str
    location: str
    sku: str
    place: str
    target: int | None

    @property
    def key(self) -> StockKey:
        """Where the number lives."""
        return StockKey(self.stock_id, self.location)


def adopted(position: Position, quantity: int | None, at: datetime) -> Position:
    """First contact: believe the channel's own number.

    An order of the same second may or may not be inside it: adoption reads again what was sold meanwhile, so what is left
    in that second came after.
    """
    start = at - timedelta(seconds=1)
    fresh = _changed(position, shown=quantity, base_at=start, base="opening", verified_at=at)
    return _changed(fresh, moved=0, moved_at=None, late=0)


def aimed(position: Position, target: int | None) -> Position:
    """The channel should show another number from now on."""
    return _changed(position, target=target)


def known(position: Position, when: datetime) -> bool:
    """Tell whether something that happened on the platform at `when` is already inside `shown`."""
    return position.base_at is not None and when <= position.base_at


def ordered(position: Position, net: int, when: datetime, *, uncertain: bool = False) -> Position:
    """An order moved the channel's own number by `net`; `uncertain`: perhaps before our last read (an offline till)."""
    if position.shown is None or (known(position, when) and not uncertain):
        return position
    late = position.late + (-net if uncertain else 0)
    newest = when if position.moved_at is None else max(when, position.moved_at)
    moved = position.moved + abs(net)
    return _unsuspected(_changed(position, shown=position.shown + net, moved=moved, moved_at=newest, late=late))


def promised(position: Position, net: int) -> Position:
    """An order that we are about to create there will move its number: no push may chase it."""
    if position.shown is None:
        return position
    return _unsuspected(_changed(position, shown=position.shown + net, moved=position.moved + abs(net)))


def claimed(position: Position, key: str) -> Position:
    """A write is about to go out: until its outcome is known the number may be either."""
    return _unsuspected(_changed(position, in_flight=key, moved=position.moved + abs(position.delta)))


def released(position: Position, delta: int) -> Position:
    """The claimed write of `delta` did not take effect: the position is free again."""
    return _changed(position, in_flight=None, moved=max(0, position.moved - abs(delta)))


def wrote(position: Position, delta: int, *, at: datetime, verified: bool) -> Position:
    """A write took effect. `verified`: the platform's answer agrees with us.

    What is known to have arrived cannot be what is missing later, so it no longer counts as moved.
    """
    shown = (position.shown or 0) + delta
    moved = max(0, position.moved - abs(delta))
    position = _changed(position, shown=shown, in_flight=None, approved=False, moved=moved, written_at=at)
    if verified:
        # The orders were not drained after this answer: what they moved, and what came late, stays in doubt.
        position = _changed(position, verified_at=at)
    return _unsuspected(position)


def overwrote(position: Position, number: int, at: datetime, *, since: int = 0, verified: bool = False) -> Position:
    """An absolute write set the number at `at`: whatever was ordered up to then is inside it, or was wiped by it.

    `since`: what orders are known to have moved after it. Where stamps leave it open, an order counts as wiped: then the
    ledger's number is written once more, which is right either way. `verified`: nothing could have been wiped.
    """
    fresh = _changed(position, shown=number + since, in_flight=None, approved=False, moved=abs(since), late=0)
    fresh = _changed(fresh, base_at=at, base="write", written_at=at, moved_at=position.moved_at if since else None)
    if verified:
        fresh = _changed(fresh, verified_at=at)
    return _unsuspected(fresh)


def unverified(position: Position) -> bool:
    """Tell whether no read has agreed yet with what an absolute write set."""
    since, base_at = position.verified_at, position.base_at
    return position.base == "write" and base_at is not None and (since is None or since < base_at)


def too_early(position: Position, at: datetime, visible_after: timedelta) -> bool:
    """Tell whether a read of this moment may not show our last write yet: it is no witness, for it or against it."""
    return position.written_at is not None and at < position.written_at + visible_after


Verdict = Literal["agrees", "wait", "edit", "drift", "late"]


def judge(position: Position, quantity: int, at: datetime, *, grace: timedelta, believes: bool) -> Verdict:
    """Say what a number read from the channel means; orders must have been drained after the read.

    A difference is judged only when two reads at least `grace` apart saw the same number with no order or write between.
    Then: as large as the doubtful late orders -> "late" (they were inside the number already). No larger than what orders
    and writes have moved since the last agreement -> "drift" (it may be a lost update). Else somebody's "edit", where the
    channel is believed.
    """
    if quantity == position.shown:
        return "agrees"
    if position.shown is None:
        return "edit" if believes else "drift"
    if position.suspect != quantity or position.suspect_at is None or at - position.suspect_at < max(grace, BRACKET):
        return "wait"
    gap = quantity - position.shown
    if position.late and gap == position.late:
        return "late"
    return "edit" if believes and abs(gap) > position.moved else "drift"


def read(position: Position, quantity: int, at: datetime) -> Position:
    """Note a number read from the channel, before any verdict.

    A number that agrees only with orders from after the read verifies nothing: a lost update and a later sale look alike.
    """
    if quantity == position.shown:
        if position.moved_at is not None and position.moved_at >= at:
            return _unsuspected(position)
        return _unsuspected(_changed(position, verified_at=at, moved=0, moved_at=None, late=0))
    if position.suspect == quantity:
        return position
    return _changed(position, suspect=quantity, suspect_at=at)


def rebased(position: Position, quantity: int, base: Base, at: datetime) -> Position:
    """After a verdict: `shown` is what was read, as of the first of the two reads that agreed."""
    since = position.suspect_at or at
    believed = _changed(
        position, shown=quantity, base_at=since, base=base, verified_at=at, moved=0, moved_at=None, late=0
    )
    return _unsuspected(believed)


def _unsuspected(position: Position) -> Position:
    if position.suspect is None and position.suspect_at is None:
        return position
    return _changed(position, suspect=None, suspect_at=None)
