"""What lines earn, against a reference that goes through an order unit by unit, and in the words of the rules."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.reference import by_unit
from bridge.domain.earning import (
    EarnRule,
    EarnTerms,
    PointsRules,
    Tier,
    earned,
    frozen,
    spend_of,
    tier_of,
    window,
)
from bridge.domain.money import Money
from bridge.domain.orders import Order, OrderLine
from tests.unit.make import T0, at, line, order

TERMS = EarnTerms(version="1", rate="1/100", with_tax=True, pending_days=14, expires_days=365)
NOBODY: frozenset[str] = frozenset()


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def goods(name: str, units: int, total: int, **more: Any) -> OrderLine:
    return line(f"v{name}", units, id=name, total=eur(total), **{"tax": eur(0), "sku": f"SKU-{name}", **more})


def worth(one: Order, back: dict[str, int] | None = None, terms: EarnTerms = TERMS) -> dict[str, int]:
    return earned(one, lambda _: terms, back or {})


@st.composite
def orders(draw: st.DrawFn) -> tuple[Order, dict[str, int]]:
    lines, back = [], {}
    for number in range(draw(st.integers(1, 4))):
        units = draw(st.integers(1, 5))
        total = draw(st.integers(0, 50_000))
        gone = draw(st.integers(0, units))
        lines.append(goods(str(number), units, total, tax=eur(draw(st.integers(0, total // 5))), refunded=gone))
        back[str(number)] = draw(st.integers(0, units))
    shipping, loose = draw(st.integers(0, 1_000)), draw(st.integers(0, 60_000))
    named = sum(one.total.minor * one.refunded // one.quantity for one in lines)
    told = draw(st.booleans())
    if not told:
        back[""] = loose
    refunded = named + (loose if told else 0)
    status = draw(st.sampled_from(["placed", "paid", "fulfilled", "cancelled"]))
    return order(*lines, status=status, shipping=eur(shipping), refunded=eur(refunded)), back


@given(orders(), st.fractions(0, 3, max_denominator=500), st.booleans())
def test_lines_earn_what_their_units_that_were_kept_do(
    one: tuple[Order, dict[str, int]], rate: Fraction, taxed: bool
) -> None:
    terms = replace(TERMS, rate=str(rate), with_tax=taxed)
    assert worth(*one, terms) == by_unit(*one, lambda _: (rate, taxed))


@given(orders(), st.integers(0, 3), st.integers(0, 5_000))
def test_more_that_comes_back_never_earns_more(one: tuple[Order, dict[str, int]], which: int, money: int) -> None:
    first, back = one
    name = first.lines[which % len(first.lines)].id
    before = worth(first, back)
    for more in ({name: back.get(name, 0) + 1}, {"": back.get("", 0) + money}):
        after = worth(first, back | more)
        # What is left of one line may bear less of a refund without units: never more than the whole line is worth.
        whole = worth(
            replace(first, status="paid", refunded=eur(0), lines=tuple(replace(x, refunded=0) for x in first.lines))
        )
        assert all(0 <= after[key] <= whole[key] for key in after)
        assert sum(after.values()) <= sum(before.values()) + len(after)


def test_nothing_is_earned_until_it_is_paid_and_once_it_is_cancelled() -> None:
    one = order(goods("a", 2, 2_000))
    assert [worth(replace(one, status=name))["a"] for name in ("placed", "paid", "fulfilled", "cancelled")] == [
        0,
        20,
        20,
        0,
    ]


def test_a_refund_takes_points_in_proportion_and_a_larger_one_than_the_order_all() -> None:
    one = order(goods("a", 2, 2_000), goods("b", 1, 3_000), shipping=eur(500))
    assert worth(replace(one, lines=(replace(one.lines[0], refunded=1), one.lines[1]), refunded=eur(1_000))) == {
        "a": 10,
        "b": 30,
    }
    assert worth(replace(one, refunded=eur(500))) == {"a": 20, "b": 30}, "the shipping alone was given back"
    assert worth(replace(one, refunded=eur(500 + 2_500))) == {"a": 10, "b": 15}
    assert worth(replace(one, refunded=eur(99_000))) == {"a": 0, "b": 0}


def test_a_return_booked_as_an_order_counts_its_units_and_its_money_once() -> None:
    one = order(goods("a", 2, 2_000), goods("b", 1, 3_000))
    assert worth(one, {"a": 2}) == {"a": 0, "b": 30}
    assert worth(one, {"": 2_500}) == {"a": 10, "b": 15}
    assert worth(one, {"a": 2, "": 1_500}) == {"a": 0, "b": 15}
    both = replace(one, lines=(replace(one.lines[0], refunded=2), one.lines[1]), refunded=eur(2_000))
    assert worth(both, {"a": 2}) == {"a": 0, "b": 30}, "told by both orders, it came back once"


def test_of_an_exchange_only_what_is_sold_earns() -> None:
    swap = order(goods("new", 1, 4_000), goods("old", -1, -2_000, returned="a"), returns="1", refunded=eur(300))
    assert worth(swap) == {"new": 40}
    assert spend_of(swap, {}) == 4_000


def test_points_are_whole_and_a_part_of_one_is_nobodys() -> None:
    assert worth(order(goods("a", 1, 199))) == {"a": 1}
    assert worth(order(goods("a", 3, 1_000, refunded=1), refunded=eur(333)))["a"] == 6


RULES = PointsRules(
    currency="EUR", earn="1.5",
    rules=(
        EarnRule(times="2", sku="TEE-*"), EarnRule(times="3", tag="new"), EarnRule(times="0", channel="market"),
        EarnRule(times="10", since=at(100), until=at(200)),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("sku", "tags", "channel", "placed", "rate"),
    [
        ("CAP", NOBODY, "web", 0, "1.5"),
        ("TEE-1", NOBODY, "web", 0, "3"),
        ("TEE-1", frozenset({"new"}), "web", 0, "9"),
        ("TEE-1", NOBODY, "market", 0, "0"),
        ("CAP", NOBODY, "web", 100, "15"),
        ("CAP", NOBODY, "web", 200, "1.5"),
        (None, NOBODY, "web", 99, "1.5"),
    ],
)  # fmt: skip
def test_every_rule_that_fits_multiplies(
    sku: str | None, tags: frozenset[str], channel: str, placed: float, rate: str
) -> None:
    row = goods("a", 1, 10_000, sku=sku)
    found = frozen(order(row, placed=placed), row, channel, RULES, tags, None)
    assert Fraction(found.rate) == Fraction(Decimal(rate)) / 100


@pytest.mark.parametrize(
    ("more", "whole", "rules"),
    [
        ({"gift_card": True}, {}, {}),
        ({"discounted": True}, {}, {"discounted": False}),
        ({}, {"test": True}, {}),
        ({}, {"currency": "USD"}, {}),
        ({}, {}, {"off": frozenset({"web"})}),
    ],
)  # fmt: skip
def test_what_is_excluded_earns_nothing(more: dict[str, Any], whole: dict[str, Any], rules: dict[str, Any]) -> None:
    row = goods("a", 1, 10_000)
    assert frozen(order(row), row, "web", RULES, NOBODY, None).rate != "0"
    row = replace(row, **more)
    assert frozen(order(row, **whole), row, "web", replace(RULES, **rules), NOBODY, None).rate == "0"


def test_currencies_without_cents_earn_by_their_unit() -> None:
    row = line("v1", 1, id="a", total=Money(5_000, "JPY"), tax=Money(0, "JPY"))
    one = order(row, currency="JPY", total=Money(5_000, "JPY"), shipping=Money(0, "JPY"), refunded=Money(0, "JPY"))
    agreed = frozen(one, row, "web", PointsRules(currency="JPY", earn="0.01"), NOBODY, None)
    assert worth(one, terms=agreed) == {"a": 50}


def test_a_tier_multiplies_and_is_the_highest_that_the_spend_reaches() -> None:
    tiers = (Tier(name="gold", spend=50_000, times="2"), Tier(name="silver", spend=10_000, times="1.25"))
    found = [tier_of(tiers, spend) for spend in (9_999, 10_000, 49_999, 50_000)]
    assert [one and one.name for one in found] == [None, "silver", "silver", "gold"]
    row = goods("a", 1, 10_000)
    assert Fraction(frozen(order(row), row, "web", RULES, NOBODY, tiers[1]).rate) == Fraction(3, 200) * Fraction(5, 4)


def test_a_tier_counts_the_net_price_of_goods_that_were_kept() -> None:
    one = order(goods("a", 2, 2_000, tax=eur(400)), goods("g", 1, 5_000, gift_card=True), shipping=eur(500))
    assert spend_of(one, {}) == 1_600
    assert spend_of(one, {"a": 1}) == 800
    assert spend_of(replace(one, status="cancelled"), {}) == 0
    assert spend_of(replace(one, test=True), {}) == 0
    assert [spend_of(one, {}, currency) for currency in ("EUR", "JPY")] == [1_600, 0]


def test_points_wait_for_the_return_window_and_last_as_long_as_was_agreed() -> None:
    one = order(goods("a", 1, 100))
    assert window(one, TERMS) == (T0 + timedelta(days=14), T0 + timedelta(days=365))
    assert window(one, replace(TERMS, expires_days=None))[1] is None


def test_other_rules_have_another_version() -> None:
    assert replace(RULES).version == RULES.version
    assert len({RULES.version, replace(RULES, earn="2").version, replace(RULES, off=frozenset({"web"})).version}) == 3
