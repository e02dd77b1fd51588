"""Money is exact: whole minor units in, the same decimal string out."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.money import Money, exponent

CURRENCIES = ["EUR", "USD", "JPY", "KRW", "KWD", "BHD", "CLF", "UYW"]
minors = st.integers(-(10**15), 10**15)
currencies = st.sampled_from(CURRENCIES)


@pytest.mark.parametrize(
    ("currency", "digits"), [("EUR", 2), ("jpy", 0), ("KWD", 3), ("CLF", 4), ("UYI", 0), ("XXX", 2)]
)
def test_digits_of_the_minor_unit(currency: str, digits: int) -> None:
    assert exponent(currency) == digits


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("12.30", "EUR", 1230), ("12.3", "EUR", 1230), ("12", "EUR", 1200), ("-0.01", "EUR", -1), ("1e2", "EUR", 10000),
     ("500", "JPY", 500), ("500.00", "JPY", 500), ("1.234", "KWD", 1234), ("1.2345", "CLF", 12345), ("12.340000", "EUR", 1234)],
)  # fmt: skip
def test_reading(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("", "EUR"),
        ("free", "EUR"),
        ("1,30", "EUR"),
        ("nan", "EUR"),
        ("Infinity", "EUR"),
        ("0.001", "EUR"),
        ("0.5", "JPY"),
        ("1.2345", "KWD"),
    ],
)
def test_what_is_no_amount_of_the_currency_is_refused(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match=r"amount of money|minor units"):
        Money.parse(text, currency)


@pytest.mark.parametrize("text", ["", "free", "nan", "Infinity", "1e40"])
def test_rounding_refuses_what_is_no_amount_too(text: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        Money.rounded(text, "EUR")


@given(minors, currencies)
def test_written_and_read_again_it_is_the_same(minor: int, currency: str) -> None:
    assert Money.parse(Money(minor, currency).decimal, currency) == Money(minor, currency)


@given(minors, currencies)
def test_the_decimal_has_exactly_the_currencys_digits(minor: int, currency: str) -> None:
    _, _, fraction = Money(minor, currency).decimal.partition(".")
    assert len(fraction) == exponent(currency)


@given(minors, minors, currencies)
def test_sums_are_exact(one: int, other: int, currency: str) -> None:
    total = Money(one, currency) + Money(other, currency)
    assert Decimal(total.decimal) == Decimal(Money(one, currency).decimal) + Decimal(Money(other, currency).decimal)
    assert total - Money(other, currency) == Money(one, currency)


@given(minors, st.integers(-1000, 1000), currencies)
def test_times_is_repeated_addition(minor: int, quantity: int, currency: str) -> None:
    assert Money(minor, currency).times(quantity) == Money(minor * quantity, currency)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("1.005", "EUR", 101), ("1.0049", "EUR", 100), ("-1.005", "EUR", -101), ("0.5", "JPY", 1)],
)
def test_computed_totals_round_half_up(text: str, currency: str, minor: int) -> None:
    assert Money.rounded(text, currency) == Money(minor, currency)


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="cannot add USD to EUR"):
        Money(1, "EUR") + Money(1, "USD")
    with pytest.raises(ValueError, match="cannot add USD to EUR"):
        Money(1, "EUR") - Money(1, "USD")


def test_it_reads_well() -> None:
    assert str(Money(-1205, "EUR")) == "-12.05 EUR"
    assert str(Money(7, "KWD")) == "0.007 KWD"
    assert str(Money(1200, "JPY")) == "1200 JPY"
