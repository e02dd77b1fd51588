"""Positions on both databases: they come back as they were saved, and the queries pick the right ones."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.domain.catalog import StockKey
from bridge.domain.position import Position
from bridge.store import listings, positions
from bridge.store.database import Database
from tests.unit.make import T0, at, position, product

moments = st.none() | st.integers(0, 2**41).map(lambda ms: at(ms / 1000))
numbers = st.none() | st.integers(-(2**50), 2**50)
names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
anything = st.builds(
    Position,
    channel=st.just("web"), key=st.builds(StockKey, names, names), sku=names, place=names, shown=numbers, target=numbers,
    base_at=moments, base=st.sampled_from(["opening", "count", "drift", "write", ""]), verified_at=moments, moved=st.integers(0, 2**50),
    moved_at=moments, late=st.integers(-100, 100), suspect=numbers, suspect_at=moments, in_flight=st.none() | names, parked=names,
    approved=st.booleans(), gone=st.booleans(),
)  # fmt: skip


def save(database: Database, *rows: Position) -> None:
    database.write(lambda connection: positions.save(connection, rows))


def ids(rows: list[Position]) -> list[str]:
    return [row.key.stock_id for row in rows]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(anything, min_size=1, max_size=4, unique_by=lambda row: row.key))
def test_positions_come_back_as_they_were_saved(database: Database, rows: list[Position]) -> None:
    save(database, *rows)
    keys = [row.key for row in rows]
    assert database.read(lambda connection: positions.by_keys(connection, "web", keys)) == {
        row.key: row for row in rows
    }


def test_saving_again_overwrites(database: Database) -> None:
    save(database, position())
    changed = position(shown=3, target=None, parked="why", approved=True, moved_at=at(4))
    save(database, changed)
    assert database.read(lambda connection: list(positions.every(connection))) == [changed]


def test_the_same_stock_id_on_another_channel_or_place_is_another_position(database: Database) -> None:
    rows = [position(), position("till"), position(location="L1", place="store")]
    save(database, *rows)
    assert database.read(lambda connection: positions.by_keys(connection, "web", [StockKey("s1")])) == {
        rows[0].key: rows[0]
    }
    assert len(database.read(lambda connection: positions.by_skus(connection, ["A"]))) == 3
    assert len(database.read(lambda connection: list(positions.every(connection, "web")))) == 2


def test_work_is_what_differs_and_may_be_written(database: Database) -> None:
    save(
        database,
        position(stock_id="differs", target=7),
        position(stock_id="equal"),
        position(stock_id="unknown", shown=None),
        position(stock_id="aimless", target=None),
        position(stock_id="flying", target=7, in_flight="key"),
        position(stock_id="doubted", target=7, suspect=9, suspect_at=T0),
        position(stock_id="parked", target=7, parked="guard"),
        position(stock_id="gone", target=7, gone=True),
        position("till", stock_id="elsewhere", target=7),
        position(stock_id="approved", target=0, approved=True),
    )
    assert ids(database.read(lambda connection: positions.work(connection, "web"))) == ["approved", "differs"]


def test_work_can_be_limited_to_some_skus(database: Database) -> None:
    save(database, position(stock_id="1", target=7), position(stock_id="2", sku="B", target=7))
    assert ids(database.read(lambda connection: positions.work(connection, "web", ["B"]))) == ["2"]


def test_in_flight_and_suspects(database: Database) -> None:
    save(
        database,
        position(stock_id="flying", in_flight="key"),
        position(stock_id="doubted", suspect=9),
        position(stock_id="late", late=2),
        position(stock_id="new", base=""),
        position(stock_id="gone", suspect=9, gone=True),
        position(stock_id="quiet"),
    )
    assert ids(database.read(lambda connection: positions.in_flight(connection, "web"))) == ["flying"]
    assert ids(database.read(lambda connection: positions.suspects(connection, "web"))) == ["doubted", "late", "new"]


def test_the_longest_unverified_first(database: Database) -> None:
    save(
        database,
        position(stock_id="b", verified_at=at(20)),
        position(stock_id="a", verified_at=at(30)),
        position(stock_id="c", verified_at=at(10)),
        position(stock_id="never", verified_at=None),
        position(stock_id="fresh", verified_at=at(40)),
        position(stock_id="untracked", verified_at=None, shown=None),
        position(stock_id="gone", verified_at=None, gone=True),
    )

    def oldest(limit: int) -> list[str]:
        return ids(database.read(lambda connection: positions.oldest(connection, "web", at(40), limit)))

    assert oldest(10) == ["never", "c", "b", "a"]
    assert oldest(2) == ["never", "c"]


def test_units_shown_leaves_debts_out(database: Database) -> None:
    assert database.read(lambda connection: positions.units_shown(connection, "web")) == 0
    rows = [position(stock_id=str(n), shown=shown) for n, shown in enumerate([5, -3, None, 2])]
    save(database, *rows, position("till", stock_id="t"))
    assert database.read(lambda connection: positions.units_shown(connection, "web")) == 7


def test_positions_whose_listing_is_no_more_are_swept(database: Database) -> None:
    save(
        database,
        position(stock_id="s1"),
        position(stock_id="s2", suspect=4, suspect_at=T0, in_flight="key"),
        position("till", stock_id="s2"),
    )
    database.write(lambda connection: listings.record(connection, "web", [product("1"), product("2")], T0))
    assert database.write(lambda connection: positions.sweep(connection, "web")) == []
    database.write(lambda connection: listings.record(connection, "web", [product("2", deleted=True)], T0))
    assert ids(database.write(lambda connection: positions.sweep(connection, "web"))) == ["s2"]
    row = database.read(lambda connection: positions.by_keys(connection, "web", [StockKey("s2")]))[StockKey("s2")]
    assert row == position(stock_id="s2", gone=True)
    assert database.write(lambda connection: positions.sweep(connection, "web")) == []
    assert not next(database.read(lambda connection: list(positions.every(connection, "till"))).__iter__()).gone


@pytest.mark.parametrize("count", [1, 499, 501, 1500])
def test_any_number_of_keys(database: Database, count: int) -> None:
    rows = [position(stock_id=f"n{n:04}", sku=f"SKU-{n}") for n in range(count)]
    save(database, *rows)
    keys = [row.key for row in rows]
    assert len(database.read(lambda connection: positions.by_keys(connection, "web", keys))) == count
    assert len(database.read(lambda connection: positions.by_skus(connection, [row.sku for row in rows]))) == count


def test_every_is_in_key_order(database: Database) -> None:
    save(database, *(replace(position(stock_id=name), shown=1) for name in ["b", "c", "a"]))
    assert ids(database.read(lambda connection: list(positions.every(connection, "web")))) == ["a", "b", "c"]
