"""Amounts and weights as platforms tell them."""

import pytest

from bridge.domain.money import Money
from bridge.wire.amounts import amount_of, maybe_money, money, shares, summed, total_of
from bridge.wire.payload import Odd
from bridge.wire.weights import grams
from tests.unit.make import ZERO


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


TOLD = {"price": {"value": "12.50", "currency": "EUR"}, "tax": {"value": "1.5", "currency": "EUR"}}


def test_an_amount_is_a_decimal_and_its_currency() -> None:
    assert money(TOLD, "price") == eur(1250)
    assert money({"price": {"amount": "300", "code": "JPY"}}, "price", keys=("amount", "code")) == Money(300, "JPY")
    assert amount_of(eur(1250)) == TOLD["price"]
    assert amount_of(eur(5), ("amount", "code")) == {"amount": "0.05", "code": "EUR"}


def test_one_that_is_absent_is_nothing_of_a_currency_or_none() -> None:
    assert money({}, "price", "EUR") == ZERO
    assert maybe_money({}, "price") is None
    assert maybe_money(TOLD, "price") == eur(1250)
    assert summed([TOLD, {}, TOLD], "EUR", "price", "tax", "other") == eur(2800)
    assert summed([], "EUR", "price") == ZERO


@pytest.mark.parametrize(
    "told",
    [None, "12.50", {}, {"value": "12.50"}, {"value": "much", "currency": "EUR"}, {"value": [], "currency": "EUR"}],
)
def test_what_is_no_amount_is_said_to_be_none(told: object) -> None:
    with pytest.raises(ValueError):
        money({"price": told}, "price")


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [(100, [1, 1, 1], [34, 33, 33]), (10, [3, 7], [3, 7]), (5, [], []), (5, [0, 0], [3, 2]), (0, [1, 2], [0, 0])],
)
def test_an_amount_is_shared_out_to_the_unit(amount: int, weights: list[int], parts: list[int]) -> None:
    assert shares(amount, weights) == parts
    assert total_of([], "EUR") == ZERO


@pytest.mark.parametrize(
    ("value", "unit", "whole"),
    [(2, "POUND", 907), ("0.5", "kg", 500), (1, "OUNCES", 28), (7, "g", 7), ("3", "Kilogram", 3000), (0, "lbs", 0)],
)
def test_a_weight_in_any_unit_is_grams(value: object, unit: str, whole: int) -> None:
    assert grams(value, unit) == whole


@pytest.mark.parametrize(
    ("value", "unit"), [(1, "stone"), (1, ""), ("heavy", "g"), (None, "g"), ("Infinity", "g"), ("NaN", "g")]
)
def test_what_is_no_weight_is_odd(value: object, unit: str) -> None:
    with pytest.raises(Odd):
        grams(value, unit)
