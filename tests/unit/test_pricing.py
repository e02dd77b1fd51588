"""Price rules: exact examples, and what must hold for any price."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.money import Money
from bridge.domain.pricing import PriceRule, Rounding

PRICES = st.integers(0, 10_000_000)
FACTORS = st.decimals("0.01", "9.99", places=2)
STEPS = st.integers(1, 100)


@pytest.mark.parametrize(
    ("rule", "price", "wanted"),
    [
        (PriceRule(), 1234, 1234),
        (PriceRule(factor=Decimal("1.1")), 1000, 1100),
        (PriceRule(factor=Decimal("1.005")), 100, 101),
        (PriceRule(factor=Decimal("1.2"), rounding="nearest", step=50), 1020, 1200),
        (PriceRule(factor=Decimal("1.2"), rounding="up", step=100), 1020, 1300),
        (PriceRule(factor=Decimal("1.2"), rounding="down", step=100), 1020, 1200),
        (PriceRule(factor=Decimal("1.2"), rounding="ending", step=99), 1020, 1299),
        (PriceRule(rounding="ending", step=99), 1299, 1299),
        (PriceRule(rounding="ending", step=99), 1300, 1399),
        (PriceRule(rounding="ending", step=99), 0, 99),
    ],
)
def test_examples(rule: PriceRule, price: int, wanted: int) -> None:
    assert rule.apply(Money(price, "EUR"), "EUR") == Money(wanted, "EUR")


def test_no_exchange_rate_is_guessed() -> None:
    with pytest.raises(
        ValueError, match="the price is in EUR and the channel sells in USD: no exchange rate is guessed"
    ):
        PriceRule().apply(Money(100, "EUR"), "USD")


def test_only_an_unchanged_price_can_be_taken_back() -> None:
    assert PriceRule().reversible
    assert not PriceRule(factor=Decimal("1.1")).reversible
    assert not PriceRule(rounding="ending", step=99).reversible


@given(PRICES, FACTORS, STEPS)
def test_rounding_stays_within_its_step(price: int, factor: Decimal, step: int) -> None:
    exact = price * factor

    def rounded(rounding: Rounding) -> int:
        return PriceRule(factor=factor, rounding=rounding, step=step).apply(Money(price, "EUR"), "EUR").minor

    assert exact - step < rounded("down") <= exact <= rounded("up") < exact + step
    assert abs(rounded("nearest") - exact) * 2 <= step
    assert {rounded(one) % step for one in ("nearest", "up", "down")} == {0}
    ending = rounded("ending")
    assert ending % 100 == step % 100
    assert ending >= exact
    assert ending - exact < 100 or ending == step


@given(PRICES)
def test_a_reversible_rule_changes_nothing(price: int) -> None:
    assert PriceRule().apply(Money(price, "JPY"), "JPY") == Money(price, "JPY")


@given(st.lists(PRICES, min_size=2, max_size=2), FACTORS, STEPS)
def test_a_dearer_thing_never_becomes_cheaper(prices: list[int], factor: Decimal, step: int) -> None:
    low, high = sorted(prices)
    roundings: tuple[Rounding, ...] = ("none", "nearest", "up", "down", "ending")
    for rounding in roundings:
        rule = PriceRule(factor=factor, rounding=rounding, step=step)
        assert rule.apply(Money(low, "EUR"), "EUR") <= rule.apply(Money(high, "EUR"), "EUR")
