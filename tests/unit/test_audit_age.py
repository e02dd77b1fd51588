"""Which age the audit can promise: a quarter of what a platform allows goes into reading again, and no more."""

from datetime import timedelta

from bridge.contract.limits import Limits
from bridge.engine.lane import AUDIT_SHARE, Pace, possible_age
from connectors import shopify, square, woocommerce

FAST = Limits(stock_write="delta")
SLOW = Limits(stock_write="delta", reads_per_second=50.0)


def test_without_a_limit_every_age_is_possible() -> None:
    assert possible_age(FAST, 1_000_000) == timedelta(0)


def test_numbers_and_limit_decide() -> None:
    assert possible_age(SLOW, 100_000) == timedelta(seconds=100_000 / (50 * AUDIT_SHARE) / 0.8)
    assert possible_age(SLOW, 0) == timedelta(0)


def test_a_promise_that_is_possible_fits_into_the_share_of_each_turn() -> None:
    age = possible_age(SLOW, 20_000)
    pace = Pace(max_age=age)
    wanted_a_turn = 20_000 / (0.8 * age / pace.audits)
    allowed_a_turn = SLOW.reads_per_second * AUDIT_SHARE * pace.audits.total_seconds()
    assert wanted_a_turn <= allowed_a_turn * 1.001


def test_shops_of_ten_thousand_keep_an_hour_everywhere() -> None:
    for platform in (shopify, square, woocommerce):
        assert possible_age(platform.LIMITS, 10_000) <= timedelta(hours=1)
