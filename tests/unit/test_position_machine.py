"""One channel's number and our position of it, stepping through trade, faults and edits in any order.

The platform here is the simplest honest one: a number that sales, writes and people change. It may lose an update, as
WooCommerce does when two requests meet. The machine keeps its own account and knows what the bridge may and may not conclude.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bridge.domain.position import Position, adopted, claimed, judge, known, ordered, read, rebased, released, wrote
from tests.unit.make import at, position

GRACE = timedelta(seconds=5)
quantities = st.integers(1, 6)


@dataclass(frozen=True)
class Unseen:
    net: int
    when: float


class Channel(RuleBasedStateMachine):
    """`number` is the platform's; `ledger` is ours; `edited` and `lost` are gaps that nothing has told us about."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = 10.0
        self.number = 40
        self.ledger = 40
        self.edited = 0
        self.lost = 0
        self.unseen: list[Unseen] = []
        self.row: Position = adopted(position(shown=None, target=40), self.number, at(self.clock))
        self.landed: bool | None = None

    def later(self, seconds: float = 3.0) -> None:
        self.clock += seconds

    # --- what happens on the platform

    @rule(units=quantities, back=st.booleans())
    def an_order_or_a_restock(self, units: int, back: bool) -> None:
        self.later()
        net = units if back else -units
        self.number += net
        self.unseen.append(Unseen(net, self.clock))

    @precondition(lambda self: not self.edited)
    @rule(units=quantities, back=st.booleans())
    def an_order_whose_update_is_lost(self, units: int, back: bool) -> None:
        """Two requests read the same number, and the later write wins."""
        self.later()
        net = units if back else -units
        self.lost -= net
        self.unseen.append(Unseen(net, self.clock))

    @precondition(lambda self: not self.lost and not self.edited)
    @rule(units=st.integers(-60, 60).filter(bool))
    def a_person_edits(self, units: int) -> None:
        self.later()
        self.number += units
        self.edited += units

    # --- what the bridge does

    @rule(units=quantities, back=st.booleans())
    def another_channel_sells(self, units: int, back: bool) -> None:
        self.ledger += units if back else -units
        self.row = replace(self.row, target=self.ledger)

    @rule()
    def drain(self) -> None:
        """Book the orders seen now: the ledger and, unless it was inside already, the number we believe."""
        for one in self.unseen:
            assert not known(self.row, at(one.when)), (
                "every read is followed by a drain, so nothing is older than a base"
            )
            self.row = ordered(self.row, one.net, at(one.when))
            self.ledger += one.net
        self.unseen.clear()
        self.row = replace(self.row, target=self.ledger)

    @precondition(lambda self: self.row.delta and self.row.in_flight is None and self.row.suspect is None)
    @rule(outcome=st.sampled_from(["applied", "unverified", "stale", "answer lost", "write lost"]))
    def write(self, outcome: str) -> None:
        self.later()
        delta = self.row.delta
        self.row = claimed(self.row, "key")
        if outcome in {"applied", "unverified", "answer lost"}:
            self.number += delta
        if outcome == "stale":
            self.row = released(self.row, delta)
        elif outcome == "applied":
            agrees = self.number == (self.row.shown or 0) + delta
            self.row = wrote(self.row, delta, at=at(self.clock), verified=agrees)
        elif outcome == "unverified":
            self.row = wrote(self.row, delta, at=at(self.clock), verified=False)
        self.landed = {"answer lost": True, "write lost": False}.get(outcome)

    @precondition(lambda self: self.row.in_flight is not None and not self.edited and not self.lost)
    @rule()
    def read_back(self) -> None:
        """Recovery: two equal reads with the orders drained between are the truth."""
        self.later()
        first = self.clock
        self.drain()
        self.later(GRACE.total_seconds())
        self.row = rebased(
            replace(self.row, in_flight=None, suspect_at=at(first)), self.number, "write", at(self.clock)
        )

    @precondition(lambda self: self.row.in_flight is None)
    @rule(wait=st.sampled_from([0.0, 6.0]), busy=st.none() | st.tuples(quantities, st.booleans()))
    def look(self, wait: float, busy: tuple[int, bool] | None) -> None:
        """Read the number, let the shop trade on, drain the orders, and judge."""
        self.later(1 + wait)
        found, seen = self.number, self.clock
        if busy is not None:
            self.an_order_or_a_restock(*busy)
        self.drain()
        self.act(found, seen)

    def act(self, found: int, seen: float) -> None:
        verdict = judge(self.row, found, at(seen), grace=GRACE, believes=True)
        gap, moved = found - (self.row.shown or 0), self.row.moved
        if verdict in {"agrees", "wait"}:
            self.row = read(self.row, found, at(seen))
            return
        assert verdict in {"edit", "drift"}
        if verdict == "edit":
            assert not self.lost, "a lost update entered the ledger"
            assert gap == self.edited, "an edit was counted wrongly"
            self.ledger += gap
        else:
            assert abs(gap) <= moved, "an edit larger than what moved was not believed"
        self.edited = self.lost = 0
        self.row = replace(
            rebased(self.row, found, "count" if verdict == "edit" else "drift", at(seen)), target=self.ledger
        )

    # --- what must always hold

    @invariant()
    def the_gap_is_exactly_what_nobody_told_us(self) -> None:
        if self.row.in_flight is None:
            pending = sum(one.net for one in self.unseen)
            assert self.number == (self.row.shown or 0) + pending + self.edited + self.lost

    def teardown(self) -> None:
        """Whatever happened: drained and read twice in peace, both sides agree and nothing is left to judge."""
        if self.row.in_flight is not None:
            self.edited = self.lost = 0
            self.read_back()
        for _ in range(3):
            self.look(6.0, None)
        assert self.row.shown == self.number
        assert (self.row.suspect, self.row.in_flight, self.row.moved) == (None, None, 0)
        assert (self.edited, self.lost) == (0, 0)


TestChannel = Channel.TestCase
TestChannel.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
