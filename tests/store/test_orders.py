"""Orders on both databases: the newest snapshot and what is recorded for it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from bridge.domain.catalog import StockKey, Variant
from bridge.domain.ledger import Counter, stock
from bridge.domain.orders import Contact, Order
from bridge.store import channels, commitments, listings, orders
from bridge.store.database import Database
from tests.unit.make import T0, line, order, product

A, B = stock("A", "main"), stock("B", "main")

LATER = T0 + timedelta(days=365)


def digest(one: Order) -> str:
    return orders.digest(orders.encoded(one))


def recorded(one: Order, **more: object) -> orders.Recorded:
    return orders.Recorded(channel="web", order=one, digest=digest(one), **more)  # type: ignore[arg-type]


def save(database: Database, *rows: orders.Recorded) -> None:
    database.write(lambda connection: orders.save(connection, rows, T0))


def load(database: Database, *ids: str) -> dict[str, orders.Recorded]:
    return database.read(lambda connection: orders.load(connection, "web", ids))


@pytest.fixture
def linked(database: Database) -> Database:
    """Channels whose variant v1 is A and v2 is B; "kit" is two of A."""

    def unit(connection: sa.Connection) -> None:
        for name in ("web", "till"):
            channels.met(connection, name, "woocommerce", "EUR", {"": "main", "L2": "store"}, "")
            rows = [("v1", "A"), ("v2", "B"), ("kit", "BOX")]
            variants = [Variant(id=variant, sku=sku, stock_id=variant) for variant, sku in rows]
            listings.record(connection, name, [product("1", *variants)], T0)
            listings.bind(connection, [(name, variant, sku, "sku") for variant, sku in rows])
        listings.set_kits(connection, {"BOX": {"A": 2}})

    database.write(unit)
    return database


def committed(database: Database, *counters: Counter, when: datetime = LATER) -> list[int]:
    def unit(connection: sa.Connection) -> list[int]:
        return [commitments.open_commitments(connection, counter, when) for counter in counters]

    return database.read(unit)


def test_an_order_comes_back_as_it_was_saved(database: Database) -> None:
    bought = order(line("v1", 2), reference="bridge-1", customer=Contact(id="7", email="a@b.test"), codes=("SUMMER",))
    row = recorded(
        bought, revision=3, unlinked=1, effects={A: -2}, baseline={A: -1}, numbers={StockKey("s1", "L1"): -2}
    )
    save(database, row)
    assert load(database, "1", "2") == {"1": row}
    assert database.read(lambda connection: orders.snapshot(connection, "web", "1")) == bought
    assert database.read(lambda connection: orders.snapshot(connection, "till", "1")) is None
    assert database.read(lambda connection: orders.by_reference(connection, "bridge-1")) == [("web", "1")]


def test_an_effect_that_came_to_nothing_stays_as_zero(database: Database) -> None:
    save(database, recorded(order(), effects={A: -2, B: -1}, numbers={StockKey("s1"): -2}))
    save(database, recorded(order(), effects={A: 0, B: -1}, numbers={StockKey("s1"): 0}))
    assert load(database, "1")["1"].effects == {A: 0, B: -1}
    assert load(database, "1")["1"].numbers == {StockKey("s1"): 0}


def test_equal_snapshots_have_one_digest_and_others_do_not() -> None:
    assert digest(order(line())) == digest(order(line()))
    assert digest(order(line())) != digest(order(line(quantity=2)))
    assert digest(order(line())) != digest(order(line(), updated=1))


def test_orders_with_unknown_lines_are_found_oldest_first(database: Database) -> None:
    rows = [("new", 9.0, 1), ("old", 1.0, 2), ("fine", 0.0, 0)]
    save(database, *(recorded(order(name=name, placed=placed), unlinked=count) for name, placed, count in rows))
    found = database.read(lambda connection: orders.with_unlinked(connection, "web"))
    assert [one.id for one in found] == ["old", "new"]


def test_open_commitments_are_units_sold_and_still_here(linked: Database) -> None:
    waiting = order(line("v1", 3), name="waiting")
    part = order(line("v1", 4, fulfilled=1), name="part")
    shipped = order(line("v1", 5, fulfilled=5), name="shipped", status="fulfilled")
    cancelled = order(line("v1", 6, held=0, restocked=6, refunded=6), name="cancelled", status="cancelled")
    taken = {"waiting": -3, "part": -4, "shipped": -5, "cancelled": 0}
    save(linked, *(recorded(one, effects={A: taken[one.id]}) for one in (waiting, part, shipped, cancelled)))
    save(linked, replace(recorded(order(line("v1", 2), name="waiting"), effects={A: -2}), channel="till"))
    assert committed(linked, A, B) == [3 + 3 + 2, 0]


def test_a_till_order_whose_platform_names_no_units_commits_them(linked: Database) -> None:
    save(linked, recorded(order(line("v1", 2, held=None)), effects={A: -2}))
    assert committed(linked, A) == [2]
    handed_over = order(line("v1", 2, held=None, fulfilled=2), status="fulfilled")
    save(linked, recorded(handed_over, effects={A: -2}))
    assert committed(linked, A) == [0]


def test_what_was_committed_at_an_earlier_moment(linked: Database) -> None:
    """Shipped since then: it was still on the shelf. Sold since then: nobody had taken it off the shelf."""
    shipped = replace(order(line("v1", 5, fulfilled=5), status="fulfilled"), updated_at=T0 + timedelta(hours=2))
    sold = replace(order(line("v1", 3), name="sold"), placed_at=T0 + timedelta(hours=2))
    save(linked, recorded(shipped, effects={A: -5}), recorded(sold, effects={A: -3}))
    assert committed(linked, A, when=T0 + timedelta(hours=1)) == [5]
    assert committed(linked, A, when=T0 + timedelta(hours=3)) == [3]


def test_each_line_commits_its_own_units(linked: Database) -> None:
    """Another line of the order that was shipped already says nothing about this one."""
    mixed = order(line("v1", 2, fulfilled=2), line("v2", 2, fulfilled=0))
    save(linked, recorded(mixed, effects={A: -2, B: -2}))
    assert committed(linked, A, B) == [0, 2]


def test_one_sku_on_several_lines_and_inside_a_kit(linked: Database) -> None:
    lines = [line("v1", 3, fulfilled=3, id="a"), line("v1", 2, fulfilled=1, id="b"), line("kit", 2, fulfilled=1)]
    save(linked, recorded(order(*lines), effects={A: -9}))
    assert committed(linked, A) == [0 + 1 + 2]


def test_units_at_another_place_are_not_on_this_shelf(linked: Database) -> None:
    there = stock("A", "store")
    save(
        linked, recorded(order(line("v1", 3, id="a"), line("v1", 2, id="b", location="L2")), effects={A: -3, there: -2})
    )
    assert committed(linked, A, there) == [3, 2]


def test_what_came_back_is_not_committed_any_more(linked: Database) -> None:
    save(linked, recorded(order(line("v1", 3, held=3, refunded=2, restocked=None)), effects={A: -1}))
    assert committed(linked, A) == [1]


def test_numbers_that_orders_moved_since(database: Database) -> None:
    save(
        database,
        recorded(order(name="1", updated=5), numbers={StockKey("s1"): -1, StockKey("s2"): -1}),
        recorded(order(name="2", updated=1), numbers={StockKey("s3"): -1}),
        recorded(order(name="3", updated=9), numbers={StockKey("s1"): -1}),
    )
    found = database.read(lambda connection: commitments.sold_since(connection, "web", order(placed=5).placed_at))
    assert sorted(key.stock_id for key in found) == ["s1", "s2"]


def test_who_is_forgotten_is_that_person_and_nobody_whose_name_ends_alike(database: Database) -> None:
    """eBay names people by user names (MARKETPLACE_ACCOUNT_DELETION), Shopify by numbers at the end of global ids."""
    people = {"1": "ann", "2": "joann", "3": "gid://shopify/Customer/ann", "4": "Ann"}
    save(database, *(recorded(order(name=name, customer=Contact(id=person))) for name, person in people.items()))
    forgotten = database.write(lambda connection: orders.redact(connection, "web", (), "ann"))
    kept = {name: row.order.customer for name, row in load(database, *people).items()}
    assert forgotten == 2
    assert {name for name, person in kept.items() if person is None} == {"1", "3"}
