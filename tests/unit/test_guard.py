"""The guard parks what would zero or move too much, and lets approved rows through."""

from dataclasses import replace

from bridge.domain.guard import GuardRule, guard
from bridge.domain.position import Position
from tests.unit.make import position


def rows(count: int, shown: int, target: int) -> list[Position]:
    return [position(stock_id=f"s{n}", shown=shown, target=target) for n in range(count)]


def test_a_small_plan_passes() -> None:
    assert guard(rows(3, 10, 9), 30, GuardRule(zero=2, percent=20, free=0)) is None


def test_as_many_zeros_as_allowed_pass_one_more_does_not() -> None:
    rule = GuardRule(zero=2, percent=1000)
    assert guard(rows(2, 5, 0), 1000, rule) is None
    halt = guard(rows(3, 5, 0), 1000, rule)
    assert halt is not None
    assert halt.reason == "would set 3 SKUs to 0 (limit 2)"
    assert len(halt.rows) == 3


def test_too_many_zeros_park_only_the_zeros() -> None:
    plan = [*rows(2, 5, 0), position(stock_id="other", shown=5, target=4)]
    halt = guard(plan, 1000, GuardRule(zero=1, percent=1000))
    assert halt is not None
    assert {row.key.stock_id for row in halt.rows} == {"s0", "s1"}


def test_what_was_zero_or_below_already_is_not_zeroed() -> None:
    plan = [*rows(3, 0, 0), *rows(3, -2, 0)]
    assert guard(plan, 1000, GuardRule(zero=0, percent=1000)) is None


def test_moving_more_than_the_share_parks_the_whole_plan() -> None:
    rule = GuardRule(percent=40, free=0, zero=100)
    assert guard(rows(4, 10, 9), 10, rule) is None
    halt = guard(rows(5, 10, 9), 10, rule)
    assert halt is not None
    assert halt.reason == "would move 5 of 10 units (limit 40 %)"
    assert len(halt.rows) == 5


def test_units_up_and_down_both_count_as_moved() -> None:
    plan = [position(shown=10, target=13), position(stock_id="s2", shown=10, target=7)]
    assert guard(plan, 10, GuardRule(percent=50, free=0)) is not None


def test_free_units_always_move() -> None:
    assert guard(rows(5, 10, 5), 10, GuardRule(percent=1, free=25)) is None
    assert guard(rows(5, 10, 5), 10, GuardRule(percent=1, free=24)) is not None


def test_approved_rows_are_not_asked_about_again() -> None:
    plan = [replace(row, approved=True) for row in rows(5, 10, 0)]
    assert guard(plan, 50, GuardRule(zero=0, percent=0, free=0)) is None


def test_a_channel_that_shows_nothing_may_be_filled_up_to_the_free_units() -> None:
    assert guard(rows(10, 0, 20), 0, GuardRule()) is None
    assert guard(rows(11, 0, 20), 0, GuardRule()) is not None
