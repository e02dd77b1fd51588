"""The account that the replay of real trade is held against: two readings of the same slip, and two replays of the same account."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bench.reckoning import balance_of, prices_of
from bench.slips import Item, items_of
from bridge.domain.points import Lot, Spend, account

_START = datetime(2026, 8, 1, tzinfo=UTC)
_COLUMNS = (
    "household_id", "store_id", "basket_id", "product_id", "quantity", "sales_value", "retail_disc", "coupon_disc", "coupon_match_disc",
)  # fmt: skip


def _line(rng: random.Random) -> tuple[Any, ...]:
    """One line as the data tells it: goods, gasoline, a coupon alone, or one that is worth more than its goods."""
    quantity = rng.choice([0, 1, 1, 1, 2, 3, 7, 14_250])
    value = 0.0 if not quantity else rng.randrange(0, 900) / 100
    card, coupon = rng.choice([0.0, 0.51, 0.10]), rng.choice([0.0, 0.0, 0.55, 1.0, 9.0])
    return (1, 2, 3, rng.randrange(1, 6), quantity, value, card, coupon, rng.choice([0.0, coupon / 2 // 0.01 / 100]))


@pytest.mark.parametrize("seed", range(60))
def test_a_slip_is_read_alike_in_cents_and_in_decimals(seed: int) -> None:
    rng = random.Random(seed)
    lines = [_line(rng) for _ in range(rng.randint(1, 9))]
    items = items_of(lines, lambda product: f"X-{product}")
    shelf, cost, units = prices_of(dict(zip(_COLUMNS, line, strict=True)) for line in lines)
    assert items == tuple(
        Item(
            sku=f"X-{product}",
            quantity=units[product],
            shelf=int(shelf[product] * 100),
            off=int((shelf[product] - cost[product]) * 100),
        )
        for product in cost
    )


@pytest.mark.parametrize("seed", range(60))
def test_an_account_comes_to_the_same_in_the_reckoning_and_in_the_engine(seed: int) -> None:
    rng = random.Random(seed)

    def moments(count: int) -> list[datetime]:
        return [_START + timedelta(minutes=rng.randrange(60 * 24 * 365)) for _ in range(count)]

    lots = [(at, rng.randint(0, 90)) for at in sorted(set(moments(rng.randint(0, 40))))]
    spends = [(at, rng.randint(1, 200)) for at in moments(rng.randint(0, 15))]
    now = _START + timedelta(days=380)
    found = account(
        [
            Lot(
                id=f"{at:%Y%m%d%H%M}", kept=points, earned_at=at, spendable_at=at + timedelta(days=3),
                expires_at=at + timedelta(days=120),
            )
            for at, points in lots
        ],
        [Spend(id=f"s{number}", points=points, at=at) for number, (at, points) in enumerate(spends)],
        now,
    )  # fmt: skip
    expired = sum(one.expired for one in found.lots)
    assert balance_of(lots, spends, now) == (found.balance, found.spendable, expired)
