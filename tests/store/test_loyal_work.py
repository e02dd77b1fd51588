"""What is to be told of codes and points: one question after every sale, which mostly ends there."""

from collections.abc import Callable

import pytest
from sqlalchemy.engine import Connection

from bridge.store import code_listings, notes, people
from bridge.store.code_listings import CodeListing
from bridge.store.database import Database
from bridge.store.loyal_work import loyal_work
from bridge.store.people import CustomerRow
from tests.unit.make import T0

Unit = Callable[[Connection], object]


def listing(**more: object) -> Unit:
    return lambda connection: code_listings.save_listings(
        connection,
        [CodeListing(channel="web", code="TEN", **more)],  # type: ignore[arg-type]
    )


def customer(**more: object) -> Unit:
    row: dict[str, object] = {"updated_at": T0, **more}
    return lambda connection: people.save_customers(
        connection,
        [CustomerRow(channel="web", customer_id="7", person="p", **row)],  # type: ignore[arg-type]
    )


def aside(subject: str, key: str) -> Unit:
    return lambda connection: notes.park(connection, subject, "web", key, "no scope", T0)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (lambda connection: None, set()),
        (listing(wanted="a", shown="a"), set()),
        (listing(wanted="a", shown="b"), {"coupons"}),
        (listing(wanted="a", shown="b", reason="refused"), set()),
        (listing(wanted="a", shown="a", key="k1"), {"coupons"}),
        (customer(points_target=5, points_shown=5), set()),
        (customer(points_target=5), {"points"}),
        (customer(points_target=5, points_shown=3), {"points"}),
        (customer(points_target=5, points_shown=3, points_note="no phone"), set()),
        (customer(points_target=5, points_shown=3, gone_at=T0), set()),
        (customer(points_target=5, points_shown=5, points_key="k1"), {"points"}),
        (customer(points_shown=5), set()),
        (customer(updated_at=None), {"people"}),
        (customer(updated_at=None, gone_at=T0), set()),
        (aside("points", "web"), {"points"}),
        (aside("coupons", "web"), {"coupons"}),
        (aside("points", "web/7"), set()),
    ],
)
def test_work_is_what_differs_what_is_under_way_and_a_channel_set_aside(
    database: Database, unit: Unit, expected: set[str]
) -> None:
    database.write(unit)
    assert database.read(lambda connection: loyal_work(connection, "web")) == expected
    assert database.read(lambda connection: loyal_work(connection, "till")) == set()
