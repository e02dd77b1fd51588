"""Cursors of Shopify's feeds: what is read again, and when it no longer is."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.shopify.feeds import OVERLAP, SETTLED, advance, begin, changed_since

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
EARLIER = begin(NOON - timedelta(days=1))


def stamped(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_fresh_change_is_read_again() -> None:
    assert advance(EARLIER, NOON, NOON, last=True) == stamped(NOON - OVERLAP)


def test_a_change_older_than_any_lag_is_not_read_again() -> None:
    at = NOON + SETTLED
    assert advance(EARLIER, NOON, at, last=True) == stamped(NOON + timedelta(seconds=1))


def test_a_page_that_others_follow_does_not_pass_its_second() -> None:
    assert advance(EARLIER, NOON, NOON + SETTLED, last=False) == stamped(NOON)


@pytest.mark.parametrize("last", [True, False])
def test_the_cursor_never_goes_back(last: bool) -> None:
    ahead = begin(NOON + timedelta(hours=1))
    assert advance(ahead, NOON, NOON, last=last) == ahead
    assert advance(ahead, None, NOON, last=last) == ahead


def test_the_search_includes_the_cursor_itself() -> None:
    assert changed_since(stamped(NOON)) == f"updated_at:>='{stamped(NOON)}'"
