"""The ledger on both databases: movements are append-only and unique, and a balance is always their sum."""

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.domain.ledger import Counter, Movement, stock
from bridge.store import ledger
from bridge.store.database import Database
from bridge.store.errors import LedgerError
from bridge.store.tables import counters, holds, movements
from tests.unit.make import T0, at

A, B = stock("A", "main"), stock("B", "main")


def move(delta: int, unique: str, counter: Counter = A, **more: str) -> Movement:
    return Movement(
        counter=counter,
        delta=delta,
        why="sale",
        unique=unique,
        channel="web",
        source="order/1",
        occurred_at=at(-60),
        **more,
    )


def append(database: Database, *rows: Movement) -> None:
    database.write(lambda connection: ledger.append(connection, rows, T0))


def balance(database: Database, *wanted: Counter) -> dict[Counter, int]:
    return database.read(lambda connection: ledger.balances(connection, wanted))


def proof(database: Database) -> list[tuple[Counter, int, int]]:
    return database.read(ledger.prove)


def hold(database: Database, name: str, quantity: int, *, expires: float | None = None, state: str = "open") -> None:
    row = {"id": name, "kind": "stock", "key": "A", "place": "main", "quantity": quantity, "state": state}
    until = None if expires is None else at(expires)
    database.write(lambda connection: connection.execute(holds.insert().values(**row, expires_at=until, created_at=T0)))


def test_balances_are_the_sums(database: Database) -> None:
    append(database, move(10, "1"), move(-3, "2"), move(5, "3", B))
    append(database, move(-4, "4"))
    assert balance(database, A, B, stock("C", "main")) == {A: 3, B: 5}
    assert proof(database) == []


def test_places_and_kinds_are_counters_of_their_own(database: Database) -> None:
    here, there, points = stock("A", "main"), stock("A", "store"), Counter("points", "A", "")
    append(database, move(1, "1", here), move(2, "2", there), move(3, "3", points))
    assert balance(database, here, there, points) == {here: 1, there: 2, points: 3}
    assert balance(database, there) == {there: 2}


def test_nothing_to_append_is_nothing(database: Database) -> None:
    append(database)
    assert proof(database) == []


def test_a_corrupted_balance_is_found(database: Database) -> None:
    append(database, move(10, "1"), move(7, "2", B))
    database.write(
        lambda connection: connection.execute(counters.update().where(counters.c.key == "A").values(balance=11))
    )
    assert proof(database) == [(A, 11, 10)]


def test_a_lost_movement_is_found(database: Database) -> None:
    append(database, move(10, "1"), move(-2, "2"))
    database.write(lambda connection: connection.execute(movements.delete().where(movements.c.unique_key == "2")))
    assert proof(database) == [(A, 8, 10)]


def test_a_balance_without_any_movement_is_found(database: Database) -> None:
    database.write(lambda connection: ledger.start(connection, [(A, T0, "web")]))
    assert proof(database) == []
    database.write(lambda connection: connection.execute(counters.update().values(balance=4)))
    assert proof(database) == [(A, 4, 0)]


def test_the_same_movement_twice_is_refused_and_nothing_is_written(database: Database) -> None:
    append(database, move(10, "once"))
    with pytest.raises(LedgerError, match="count twice"):
        append(database, move(1, "new", B), move(10, "once"))
    assert balance(database, A, B) == {A: 10}
    assert database.read(lambda connection: len(ledger.chain(connection, B))) == 0
    assert proof(database) == []


def test_twice_in_one_step_is_refused_too(database: Database) -> None:
    with pytest.raises(LedgerError):
        append(database, move(1, "once"), move(1, "once"))
    assert balance(database, A) == {}


def test_a_step_that_fails_later_takes_its_movements_back(database: Database) -> None:
    def unit(connection: sa.Connection) -> None:
        ledger.append(connection, [move(10, "1")], T0)
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        database.write(unit)
    assert balance(database, A) == {}


def test_opening_a_counter_keeps_a_balance_that_is_there(database: Database) -> None:
    append(database, move(10, "1"))
    database.write(lambda connection: ledger.start(connection, [(A, at(5), "till")]))
    assert balance(database, A) == {A: 10}
    assert database.read(lambda connection: ledger.opened(connection, [A, B])) == {A: (at(5), "till")}


def test_open_holds_come_off_what_is_available(database: Database) -> None:
    append(database, move(10, "1"), move(5, "2", B))
    hold(database, "h1", 2)
    hold(database, "h2", 3)
    hold(database, "h3", 4, state="captured")
    assert database.read(lambda connection: ledger.available(connection, [A, B])) == {A: 5, B: 5}
    assert balance(database, A) == {A: 10}


def test_holds_end_when_their_time_is_over(database: Database) -> None:
    append(database, move(10, "1"))
    hold(database, "past", 1, expires=-1)
    hold(database, "now", 2, expires=0)
    hold(database, "later", 3, expires=1)
    hold(database, "for ever", 4)
    assert database.write(lambda connection: ledger.expire_holds(connection, T0)) == [A, A]
    assert database.read(lambda connection: ledger.available(connection, [A])) == {A: 3}
    assert database.write(lambda connection: ledger.expire_holds(connection, T0)) == []


def test_the_chain_is_newest_first_and_tells_everything(database: Database) -> None:
    append(database, move(10, "1"), move(1, "other", B), move(-2, "2", note="order 17"))
    append(database, move(-3, "3"))
    rows = database.read(lambda connection: ledger.chain(connection, A))
    assert [(row.delta, row.unique_key) for row in rows] == [(-3, "3"), (-2, "2"), (10, "1")]
    assert (rows[1].note, rows[1].occurred_at, rows[1].recorded_at, rows[1].channel) == ("order 17", at(-60), T0, "web")
    assert len(database.read(lambda connection: ledger.chain(connection, A, limit=2))) == 2


def test_more_counters_than_a_statement_takes_parameters(database: Database) -> None:
    many = [stock(f"SKU-{n}", "main") for n in range(1200)]
    append(database, *(move(n, str(n), counter) for n, counter in enumerate(many)))
    assert balance(database, *many) == {counter: n for n, counter in enumerate(many)}


def test_balances_beyond_32_bits(database: Database) -> None:
    append(database, move(2**40, "1"), move(-(2**41), "2", B))
    assert balance(database, A, B) == {A: 2**40, B: -(2**41)}
    assert proof(database) == []


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.lists(st.tuples(st.sampled_from("AB"), st.integers(-50, 50)), max_size=4), max_size=6))
def test_any_history_proves(database: Database, steps: list[list[tuple[str, int]]]) -> None:
    before = balance(database, A, B)
    start = len(database.read(lambda connection: connection.execute(sa.select(movements.c.id)).all()))
    expected = {A: before.get(A, 0), B: before.get(B, 0)}
    for number, step in enumerate(steps):
        rows = [
            move(delta, f"{start}/{number}/{place}")._replace(counter=stock(sku, "main"))
            for place, (sku, delta) in enumerate(step)
        ]
        append(database, *rows)
        for row in rows:
            expected[row.counter] += row.delta
    assert {A: 0, B: 0, **balance(database, A, B)} == expected
    assert proof(database) == []
