"""What was spent of a day's limits, on both databases: a day slides on by the hour."""

from datetime import timedelta

from bridge.store import spendings
from bridge.store.database import Database
from tests.unit.make import T0

HOUR = timedelta(hours=1)


def test_what_was_spent_is_added_up_and_falls_out_of_the_day(database: Database) -> None:
    def spend(hours: int, **amounts: int) -> None:
        database.write(lambda connection: spendings.spend(connection, "bay", amounts, T0 + hours * HOUR))

    def spent(hours: int) -> dict[str, int]:
        return database.read(
            lambda connection: spendings.spent(connection, "bay", {"p1", "p2", "p3"}, T0 + hours * HOUR)
        )

    spend(0, p1=1, p2=1)
    spend(0, p1=2)
    spend(5, p1=4)
    assert spent(5) == {"p1": 7, "p2": 1}
    assert spent(24) == {"p1": 7, "p2": 1}, "the hour is not over for a day yet"
    assert spent(25) == {"p1": 4}
    assert database.read(lambda connection: spendings.spent(connection, "other", {"p1"}, T0)) == {}
    assert database.write(lambda connection: spendings.compact(connection, T0 + 26 * HOUR)) == 2
    assert spent(5) == {"p1": 4}


def test_when_there_is_room_again(database: Database) -> None:
    for hour, amount in ((0, 3), (5, 4)):
        at = T0 + hour * HOUR
        database.write(lambda connection, at=at, amount=amount: spendings.spend(connection, "bay", {"": amount}, at))  # type: ignore[misc]

    def freed(most: int) -> object:
        return database.read(lambda connection: spendings.freed_at(connection, "bay", "", most, T0 + 6 * HOUR))

    assert freed(8) == T0 + 6 * HOUR, "there is room now"
    assert freed(7) == T0 + spendings.KEPT
    assert freed(4) == T0 + 5 * HOUR + spendings.KEPT
