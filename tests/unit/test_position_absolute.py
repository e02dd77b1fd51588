"""A number that is only ever written whole: sales before a write are wiped by it, and stamps are whole seconds.

The platform and the people here are the simplest honest ones. Whatever the order of sales, writes and news, once all news are in and
the difference is written and read, platform, position and ledger agree.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain.position import (
    Position,
    adopted,
    aimed,
    claimed,
    judge,
    ordered,
    overwrote,
    read,
    rebased,
    too_early,
    unverified,
)
from tests.unit.make import at, position

GRACE = timedelta(seconds=5)


@dataclass
class Story:
    """`number` is the platform's, `ledger` ours; `unheard` are orders that we have not read yet."""

    now: float = 10.0
    number: int = 50
    ledger: int = 50
    unheard: list[tuple[int, int]] = field(default_factory=list)
    heard: list[tuple[int, int]] = field(default_factory=list)
    row: Position = field(default_factory=position)
    wiped: bool = False

    def __post_init__(self) -> None:
        self.row = adopted(position(shown=None, target=50), 50, at(self.now))
        self.now += 3

    def sell(self, units: int, back: bool) -> None:
        """An order, or one cancelled and put back: stamped in whole seconds."""
        net = units if back else -units
        self.number += net
        self.unheard.append((net, int(self.now)))

    def elsewhere(self, units: int) -> None:
        """Another channel sells."""
        self._book(-units)

    def hear(self) -> None:
        """The orders feed is read to its end."""
        for net, stamp in self.unheard:
            self.row = ordered(self.row, net, at(stamp))
            self._book(net)
        self.heard += self.unheard
        self.unheard = []

    def _book(self, net: int) -> None:
        self.ledger += net
        self.row = aimed(self.row, max(0, self.ledger))

    def write(self, under_way: float) -> None:
        """Set what differs. It arrives after a while, and what is heard meanwhile is told to the position as ever."""
        if not self.row.delta or self.row.suspect is not None:
            return
        sent, target = self.row.shown, self.row.target
        assert target is not None
        self.row = claimed(self.row, "k")
        self.now += under_way
        self.number = target
        moment = int(self.now)
        since = sum(net for net, stamp in self.heard if stamp > moment) if self.row.shown != sent else 0
        self.row = overwrote(self.row, target, at(moment), since=since)

    def look(self) -> None:
        """Read, drain, judge: twice if it differs."""
        for _ in range(3):
            self.now += 6
            number, moment = self.number, at(int(self.now))
            self.hear()
            if too_early(self.row, moment, timedelta(0)):
                continue
            verdict = judge(self.row, number, moment, grace=GRACE, believes=False)
            assert verdict in {"agrees", "wait", "drift"}
            noted = read(self.row, number, moment)
            self.row = rebased(self.row, number, "drift", moment) if verdict == "drift" else noted
            if verdict == "agrees":
                return

    def settle(self) -> None:
        for _ in range(4):
            self.look()
            self.write(0.3)
        self.look()


acts = st.one_of(
    st.tuples(st.just("sell"), st.integers(1, 5), st.booleans()),
    st.tuples(st.just("elsewhere"), st.integers(1, 5)),
    st.tuples(st.just("hear")),
    st.tuples(st.just("write"), st.sampled_from([0.0, 0.1, 0.4, 0.9, 3.0])),
    st.tuples(st.just("look")),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(acts, st.sampled_from([0.0, 0.1, 0.3, 0.7, 1.0, 4.0])), max_size=14))
def test_whatever_was_wiped_in_the_end_all_agree(days: list[tuple[tuple[object, ...], float]]) -> None:
    story = Story()
    for (name, *how), pause in days:
        getattr(story, str(name))(*how)
        story.now += pause
    story.settle()
    right = max(0, story.ledger)
    assert (story.number, story.row.shown, story.row.target) == (right, right, right)
    assert not story.unheard
    assert not unverified(story.row)


def test_an_order_of_the_very_second_counts_as_wiped() -> None:
    row = overwrote(claimed(position(shown=10, target=6), "k"), 6, at(9))
    assert ordered(row, -1, at(9)).shown == 6
    assert ordered(row, -1, at(10)).shown == 5


def test_what_came_late_is_no_question_after_an_absolute_write() -> None:
    row = overwrote(claimed(position(shown=10, target=6, late=3, moved=8), "k"), 6, at(9))
    assert (row.late, row.moved, row.moved_at, row.in_flight) == (0, 0, None, None)


def test_a_read_is_no_witness_until_the_write_can_be_seen() -> None:
    row = overwrote(claimed(position(shown=10, target=6), "k"), 6, at(9))
    assert too_early(row, at(38), timedelta(seconds=30))
    assert not too_early(row, at(39), timedelta(seconds=30))
    assert not too_early(position(), at(0), timedelta(hours=1)), "nothing was written"


def test_an_absolute_write_is_unverified_until_a_later_read_agrees() -> None:
    row = overwrote(claimed(position(shown=10, target=6), "k"), 6, at(9))
    assert unverified(row)
    assert not unverified(read(row, 6, at(12)))
    assert not unverified(overwrote(row, 6, at(9), verified=True))
