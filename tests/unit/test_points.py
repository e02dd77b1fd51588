"""The replay of an account against a reference that moves every point by itself, as a token.

The reference (bench/reference.py) knows the rules alone, and shares no code with the replay.
"""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bench.reference import Tokens, said
from bridge.domain.points import Lot, Spend, account, next_change

T0 = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 30


def day(number: int) -> datetime:
    return T0 + timedelta(days=number)


@st.composite
def lots(draw: st.DrawFn) -> list[Lot]:
    found = []
    for number in range(draw(st.integers(0, 6))):
        born = draw(st.integers(0, DAYS))
        last = draw(st.none() | st.integers(0, DAYS))
        found.append(
            Lot(
                id=f"lot{number}", kept=draw(st.integers(0, 9)), earned_at=day(born), spendable_at=day(born + draw(st.integers(0, 10))),
                expires_at=None if last is None else day(born + last),
            )
        )  # fmt: skip
    return found


@st.composite
def spends(draw: st.DrawFn, least: int = -6) -> list[Spend]:
    number = draw(st.integers(0, 7))
    units = st.integers(least, 12)
    return [Spend(id=f"s{one}", points=draw(units), at=day(draw(st.integers(0, DAYS)))) for one in range(number)]


@given(lots(), spends(), st.integers(0, 2 * DAYS))
def test_every_point_goes_where_the_rules_say(lots: list[Lot], spends: list[Spend], now: int) -> None:
    assert said(account(lots, spends, day(now))) == Tokens(lots, spends, day(now)).said()


@given(lots(), spends(), st.integers(0, 2 * DAYS))
def test_the_balance_is_what_was_kept_less_what_was_spent_and_what_expired(
    lots: list[Lot], spends: list[Spend], now: int
) -> None:
    at = day(now)
    found = account(lots, spends, at)
    kept = sum(one.kept for one in lots if one.earned_at <= at)
    spent = sum(one.points for one in spends if one.at <= at)
    assert found.balance == kept - spent - sum(one.expired for one in found.lots)
    assert found.balance >= 0 or found.balance == -found.debt
    assert found.pending <= max(0, found.balance)
    assert all(one.left >= 0 and one.expired >= 0 for one in found.lots)


@given(lots(), spends(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(lots: list[Lot], spends: list[Spend], rng: random.Random) -> None:
    others, later = rng.sample(lots, len(lots)), rng.sample(spends, len(spends))
    assert account(others, later, day(DAYS)) == account(lots, spends, day(DAYS))


@given(lots(), spends(least=0), st.integers(0, 2 * DAYS))
def test_between_two_changes_of_time_nothing_changes(lots: list[Lot], spends: list[Spend], now: int) -> None:
    at = max([day(now), *(one.at for one in spends), *(one.earned_at for one in lots)])
    change = next_change(lots, at)
    until = day(5 * DAYS) if change is None else change - timedelta(microseconds=1)
    assert said(account(lots, spends, until)) == said(account(lots, spends, at))


def lot(name: str, kept: int, born: int, ripe: int = 0, end: int | None = None) -> Lot:
    ends = None if end is None else day(end)
    return Lot(id=name, kept=kept, earned_at=day(born), spendable_at=day(max(born, ripe)), expires_at=ends)


def test_a_refund_of_points_that_were_spent_is_taken_from_the_next_oldest() -> None:
    first, second = lot("a", 10, 0), lot("b", 10, 1)
    spent = [Spend(id="s", points=10, at=day(2))]
    assert said(account([first, second], spent, day(3))).left == {"b": 10}
    assert said(account([replace(first, kept=4), second], spent, day(3))).left == {"b": 4}
    assert account([replace(first, kept=0), replace(second, kept=3)], spent, day(3)).debt == 7


def test_points_that_pend_are_spent_last_and_debt_is_paid_by_the_next() -> None:
    old, young = lot("a", 5, 0, ripe=20), lot("b", 5, 1)
    assert said(account([old, young], [Spend(id="s", points=5, at=day(2))], day(3))).left == {"a": 5}
    owing = account([young], [Spend(id="s", points=9, at=day(2))], day(3))
    assert (owing.balance, owing.debt) == (-4, 4)
    paid = account([young, lot("c", 10, 4)], [Spend(id="s", points=9, at=day(2))], day(5))
    assert (paid.balance, paid.debt) == (6, 0)


def test_what_is_given_back_after_its_end_has_expired() -> None:
    spent = [Spend(id="s", points=5, at=day(1)), Spend(id="t", points=-5, at=day(9))]
    found = account([lot("a", 5, 0, end=5)], spent, day(9))
    assert (found.balance, found.lots[0].expired) == (0, 5)


def test_a_reward_given_back_that_nobody_saw_being_made_is_not_lost() -> None:
    found = account(
        [lot("a", 5, 0)], [Spend(id="s", points=-100, at=day(1)), Spend(id="t", points=30, at=day(2))], day(3)
    )
    assert (found.balance, found.credit, found.debt, found.spendable) == (75, 70, 0, 75)
