"""Position arithmetic, case by case: what each event does to what we believe a channel shows."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.domain.position import (
    Position,
    adopted,
    claimed,
    judge,
    known,
    ordered,
    overwrote,
    promised,
    read,
    rebased,
    released,
    wrote,
)
from tests.unit.make import at, position

GRACE = timedelta(seconds=5)


def verdict(row: Position, quantity: int, seconds: float, *, believes: bool = True) -> str:
    return judge(row, quantity, at(seconds), grace=GRACE, believes=believes)


def test_there_is_no_work_while_either_side_is_unknown() -> None:
    assert position(shown=None, target=5).delta == 0
    assert position(shown=5, target=None).delta == 0
    assert position(shown=5, target=3).delta == -2


def test_adoption_leaves_the_second_of_the_read_open() -> None:
    row = adopted(position(shown=None, moved=4, late=2), 7, at(10))
    assert (row.shown, row.base, row.moved, row.late) == (7, "opening", 0, 0)
    assert known(row, at(9))
    assert not known(row, at(9.5))


def test_an_order_before_the_base_is_inside_the_number_already() -> None:
    row = position(base_at=at(10))
    assert ordered(row, -3, at(10)) == row
    assert ordered(row, -3, at(10.1)).shown == 7


def test_nothing_is_known_of_a_position_without_a_base() -> None:
    assert not known(position(base_at=None), at(-1000))


def test_an_order_counts_as_moved_and_ends_a_suspicion() -> None:
    row = ordered(position(suspect=8, suspect_at=at(1)), -3, at(2))
    assert (row.shown, row.moved, row.suspect, row.suspect_at) == (7, 3, None, None)
    assert ordered(row, 2, at(3)).moved == 5


def test_an_order_on_a_number_nobody_knows_changes_nothing() -> None:
    row = position(shown=None)
    assert ordered(row, -3, at(5)) == row
    assert promised(row, -3) == row


def test_an_uncertain_order_is_taken_off_and_remembered_as_late() -> None:
    row = ordered(position(base_at=at(10)), -3, at(5), uncertain=True)
    assert (row.shown, row.late, row.moved) == (7, 3, 3)


def test_a_promise_moves_the_number_before_the_order_exists() -> None:
    row = promised(position(suspect=1, suspect_at=at(1)), -2)
    assert (row.shown, row.moved, row.suspect) == (8, 2, None)


def test_a_claim_is_in_flight_and_may_be_what_is_missing() -> None:
    row = claimed(position(target=6, suspect=9, suspect_at=at(1)), "k")
    assert (row.in_flight, row.moved, row.suspect, row.shown) == ("k", 4, None, 10)


def test_a_write_that_did_not_take_effect_leaves_no_trace() -> None:
    row = position(target=6, moved=1)
    assert released(claimed(row, "k"), row.delta) == row


def test_a_write_that_took_effect_no_longer_counts_as_moved() -> None:
    row = claimed(position(target=6, moved=1, approved=True), "k")
    done = wrote(row, -4, at=at(9), verified=False)
    assert (done.shown, done.in_flight, done.moved, done.approved) == (6, None, 1, False)
    assert done.verified_at == row.verified_at


def test_a_write_whose_answer_agrees_is_a_verification_but_says_nothing_of_orders() -> None:
    done = wrote(claimed(position(target=6, moved=3), "k"), -4, at=at(9), verified=True)
    assert (done.shown, done.moved, done.verified_at) == (6, 3, at(9))


def test_an_absolute_write_is_a_new_base() -> None:
    done = overwrote(claimed(position(target=6), "k"), 6, at(9))
    assert (done.base, done.base_at) == ("write", at(9))
    assert ordered(done, -1, at(8)).shown == 6, "the absolute write wiped that sale"


def test_an_agreeing_read_verifies() -> None:
    row = read(position(moved=3, late=1, suspect=4, suspect_at=at(1)), 10, at(5))
    assert (row.verified_at, row.moved, row.late, row.suspect) == (at(5), 0, 0, None)


def test_a_read_that_agrees_only_with_a_later_order_verifies_nothing() -> None:
    row = ordered(ordered(position(), -3, at(2)), 3, at(6))
    assert read(row, 10, at(5)) == row
    assert read(row, 10, at(6)) == row, "stamps are whole seconds: it may be later"
    assert (read(row, 10, at(7)).moved, read(row, 10, at(7)).verified_at) == (0, at(7))


def test_a_differing_read_is_remembered_once() -> None:
    first = read(position(), 8, at(5))
    assert (first.suspect, first.suspect_at) == (8, at(5))
    assert read(first, 8, at(9)) == first
    other = read(first, 7, at(9))
    assert (other.suspect, other.suspect_at) == (7, at(9))


def test_one_differing_read_is_never_enough() -> None:
    assert verdict(position(), 8, 1000) == "wait"


def test_a_second_read_too_soon_or_of_another_number_waits_on() -> None:
    row = read(position(), 8, at(0))
    assert verdict(row, 8, 4.9) == "wait"
    assert verdict(row, 7, 60) == "wait"
    assert verdict(row, 8, 5) == "edit"


def test_two_reads_always_bracket_a_whole_second_however_short_the_grace() -> None:
    row = read(position(), 8, at(0))
    assert judge(row, 8, at(1.9), grace=timedelta(0), believes=True) == "wait"
    assert judge(row, 8, at(2), grace=timedelta(0), believes=True) == "edit"


@pytest.mark.parametrize(
    ("moved", "found", "expected"), [(2, 13, "edit"), (3, 13, "drift"), (3, 7, "drift"), (2, 7, "edit")]
)
def test_a_gap_no_larger_than_what_moved_may_be_a_lost_update(moved: int, found: int, expected: str) -> None:
    assert verdict(read(position(moved=moved), found, at(0)), found, 9) == expected


def test_a_channel_that_is_not_believed_only_drifts() -> None:
    assert verdict(read(position(), 99, at(0)), 99, 9, believes=False) == "drift"


def test_a_gap_as_large_as_the_late_orders_means_they_were_inside() -> None:
    row = read(position(shown=7, late=3, moved=3), 10, at(0))
    assert verdict(row, 10, 9) == "late"
    assert verdict(read(replace(row, suspect=None), 9, at(0)), 9, 9) == "drift"


def test_the_first_number_of_a_position_is_an_edit_where_believed() -> None:
    assert verdict(position(shown=None), 4, 0) == "edit"
    assert verdict(position(shown=None), 4, 0, believes=False) == "drift"


def test_a_believed_number_stands_since_the_first_of_the_two_reads() -> None:
    row = rebased(read(position(moved=3, late=2), 14, at(20)), 14, "count", at(30))
    assert (row.shown, row.base, row.base_at, row.verified_at) == (14, "count", at(20), at(30))
    assert (row.moved, row.late, row.suspect, row.suspect_at) == (0, 0, None, None)


def test_a_number_believed_at_once_stands_since_then() -> None:
    assert rebased(position(), 14, "count", at(30)).base_at == at(30)
