"""Points over random histories: equal to a reference that knows the final orders alone, whatever came late, twice or out of order.

One that fails is told again by: pytest tests/engine/test_points_histories.py --seed N
10,000 of them: python -m bench.points
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bench.histories import START, Code, History, eur
from bench.retold import Retold, faults, opened
from bridge.domain.earning import PointsRules, Tier
from bridge.domain.orders import Contact, Order, OrderLine
from bridge.store import points as store

SEEDS = 60


def test_points_are_what_the_final_orders_come_to(request: pytest.FixtureRequest) -> None:
    only = request.config.getoption("--seed")
    with opened() as database:
        for seed in range(SEEDS) if only is None else [only]:
            wrong = faults(database, seed)
            assert wrong == [], f"pytest tests/engine/test_points_histories.py --seed {seed}"


RULES = PointsRules(currency="EUR", earn="1", pending_days=0)
NOON = START + timedelta(hours=12)


def order(name: str, minor: int = 1_000, **more: Any) -> Order:
    line = OrderLine(
        id="1", variant_id=None, sku="CAP", quantity=2, held=0, unit_price=eur(minor // 2), total=eur(minor), tax=eur(0)
    )  # fmt: skip
    fields: dict[str, Any] = {
        "status": "paid",
        "placed_at": NOON,
        "customer": Contact(id="web-0"),
        "lines": (line,),
    } | more
    fields = {"updated_at": fields["placed_at"]} | fields
    return Order(id=name, currency="EUR", total=eur(minor), shipping=eur(0), refunded=eur(0), **fields)


def told(*pages: Any, rules: PointsRules = RULES, **more: Any) -> tuple[list[str], list[int]]:
    """Tell a history of one's own: what is wrong, and the points of its lots, oldest first."""
    history = History(seed=1, people=2, ends=START + timedelta(days=90), rules=[(START, rules)], **more)
    history.told = [(START, "rules", rules), *((one.made_at, "code", one) for one in history.codes)]
    for number, page in enumerate(pages):
        history.told += [(NOON + timedelta(days=number + 1), "web", one) for one in page]
        history.final |= {("web", one.id): one for one in page}
    with opened() as database, database.engine.connect() as connection, connection.begin() as transaction:
        retold = Retold(connection, history, page_all=True)
        wrong = retold.run()
        rows = store.lots_of(connection, [retold.names[0]]).get(retold.names[0], [])
        transaction.rollback()
        return wrong, [row.kept for row in rows]


def test_a_history_of_ones_own_is_told_to_the_end() -> None:
    assert told([order("a"), order("b", 3_000)]) == ([], [10, 30])


def test_orders_of_one_page_count_for_the_tier_of_those_after_them() -> None:
    rules = replace(RULES, tiers=(Tier(name="gold", spend=5_000, times="2"),))
    later = [
        order(name, 5_000, placed_at=NOON + timedelta(hours=number)) for number, name in enumerate(("a", "b", "c"))
    ]
    _, together = told(reversed(later), rules=rules)
    _, apart = told(*([one] for one in later), rules=rules)
    assert together == apart == [50, 100, 100]


def test_a_code_of_points_that_two_orders_used_stays_spent_until_both_are_cancelled() -> None:
    code = Code(code="POINTS", kind="points", made_at=START, person=0, points=7)
    first, second = order("a", codes=("points",)), order("b", codes=("POINTS",))
    gone = replace(first, status="cancelled", updated_at=NOON + timedelta(days=1))
    assert told([first, second], [gone], codes=[code])[0] == []


def test_what_was_agreed_about_a_line_stays_although_it_is_discounted_later() -> None:
    rules = replace(RULES, discounted=False)
    first = order("a")
    later = replace(first, updated_at=NOON + timedelta(hours=1), lines=(replace(first.lines[0], discounted=True),))
    _, kept = told([first], [later], rules=rules)
    assert kept == [10]
    assert told([replace(later, id="b")], rules=rules) == ([], [0])
