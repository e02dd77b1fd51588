"""Webhook deliveries and their secrets on both databases: as they came, byte by byte, in the order of arrival."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, Literal

import pytest
import sqlalchemy as sa

from bridge.contract.webhooks import Delivery
from bridge.store import deliveries, hook_secrets
from bridge.store.database import Database
from bridge.store.deliveries import New, Stored
from bridge.store.tables import deliveries as table
from bridge.store.tables import hook_secrets as secrets_table
from tests.unit.make import T0, at


def new(channel: str = "shop", seconds: float = 0, body: bytes = b"{}", **headers: Any) -> New:
    delivery = Delivery(body=body, headers=headers, url=f"https://bridge.example/hooks/{channel}")
    return New(channel=channel, received_at=at(seconds), delivery=delivery)


def store(database: Database, *rows: New) -> None:
    database.write(lambda connection: deliveries.insert(connection, rows))


def waiting(database: Database, channel: str = "shop", limit: int = 500) -> list[Stored]:
    return database.read(lambda connection: deliveries.waiting(connection, channel, limit))


def finish(database: Database, ids: Sequence[int], state: Literal["done", "failed"] = "done", note: str = "") -> None:
    database.write(lambda connection: deliveries.finish(connection, ids, state, note, at(60)))


HOSTILE = [
    b"",
    bytes(range(256)),
    "snow ☃, \U0001f300".encode(),
    b"\xff\xfe not text",
    b'{"cut": "of',
    b"\x00" * 1000,
    b"x" * 5_000_000,
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_a_body_comes_back_byte_by_byte(database: Database, body: bytes) -> None:
    headers: dict[str, Any] = {"x-signature": "abc=", "x-odd": 'é "quoted" \x07\x00 \xff'}
    store(database, new(body=body, **headers))
    (found,) = waiting(database)
    assert found.delivery.body == body
    assert type(found.delivery.body) is bytes
    assert found.delivery.headers == headers
    assert found.delivery.url == "https://bridge.example/hooks/shop"
    assert (found.channel, found.received_at) == ("shop", T0)


def test_the_oldest_come_first_and_each_channel_has_its_own(database: Database) -> None:
    # The same moment, even a clock that was set back: arrival counts.
    store(
        database,
        new(seconds=9, body=b"1"),
        new(seconds=9, body=b"2"),
        new("till", body=b"T"),
        new(seconds=0, body=b"3"),
    )
    assert [one.delivery.body for one in waiting(database)] == [b"1", b"2", b"3"]
    assert [one.delivery.body for one in waiting(database, limit=2)] == [b"1", b"2"]
    assert [one.delivery.body for one in waiting(database, "till")] == [b"T"]
    assert waiting(database, "store") == []


def test_storing_nothing_is_fine(database: Database) -> None:
    store(database)
    assert database.read(deliveries.count_waiting) == {}
    assert database.read(deliveries.last_received) == {}


def test_what_was_looked_at_waits_no_more(database: Database) -> None:
    store(database, *(new(seconds=number) for number in range(4)), new("till"))
    assert database.read(deliveries.count_waiting) == {"shop": 4, "till": 1}
    first, second, third, fourth = [one.id for one in waiting(database)]
    finish(database, [first, third])
    finish(database, [second], "failed", "no such order")
    assert [one.id for one in waiting(database)] == [fourth]
    assert database.read(deliveries.count_waiting) == {"shop": 1, "till": 1}
    rows = database.read(lambda connection: list(connection.execute(sa.select(table).order_by(table.c.id).limit(3))))
    assert [(row.state, row.note, row.done_at) for row in rows] == [
        ("done", "", at(60)),
        ("failed", "no such order", at(60)),
        ("done", "", at(60)),
    ]


def test_many_are_finished_at_once(database: Database) -> None:
    store(database, *(new() for _ in range(1_203)))
    finish(database, [one.id for one in waiting(database, limit=5_000)])
    assert database.read(deliveries.count_waiting) == {}


def test_the_newest_of_each_channel_is_known(database: Database) -> None:
    store(database, new(seconds=5), new(seconds=3), new("till", 7), new("a-store", 1))
    finish(database, [waiting(database)[0].id])
    assert database.read(deliveries.last_received) == {"shop": at(5), "till": at(7), "a-store": at(1)}


def test_old_ones_are_dropped_but_never_one_that_waits(database: Database) -> None:
    store(database, new(seconds=0, body=b"old"), new(seconds=1, body=b"old, waits"), new(seconds=2, body=b"young"))
    old, _, young = [one.id for one in waiting(database)]
    finish(database, [old, young])
    assert database.write(lambda connection: deliveries.compact(connection, at(2))) == 1
    assert database.write(lambda connection: deliveries.compact(connection, at(2))) == 0
    bodies = database.read(
        lambda connection: connection.execute(sa.select(table.c.body).order_by(table.c.id)).scalars().all()
    )
    assert [bytes(body) for body in bodies] == [b"old, waits", b"young"]


def test_dropping_goes_in_parts_from_the_oldest_on(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "_COMPACTED", 2)
    store(database, *(new(seconds=number) for number in (4, 3, 2, 1, 0)))
    finish(database, [one.id for one in waiting(database)])
    counts = [database.write(lambda connection: deliveries.compact(connection, at(4))) for _ in range(3)]
    assert counts == [2, 2, 0]
    left = database.read(lambda connection: connection.execute(sa.select(table.c.received_at)).scalars().all())
    assert left == [at(4)]


def test_one_channel_is_forgotten_and_the_others_are_not(database: Database) -> None:
    store(database, new(seconds=0), new(seconds=1, body=b"waits"), new("till"))
    finish(database, [waiting(database)[0].id, waiting(database, "till")[0].id])
    assert database.write(lambda connection: deliveries.forget(connection, "shop", at(5))) == 1
    assert [one.delivery.body for one in waiting(database)] == [b"waits"]
    assert database.read(lambda connection: len(list(connection.execute(sa.select(table.c.id))))) == 2


def secrets_of(database: Database, now: datetime, channel: str = "shop") -> tuple[str, ...]:
    return database.read(lambda connection: hook_secrets.secrets(connection, channel, now))


def keep(database: Database, secret: str, now: datetime, channel: str = "shop") -> None:
    database.write(partial(hook_secrets.keep, channel=channel, secret=secret, now=now))


def test_the_newest_secret_comes_first(database: Database) -> None:
    for seconds, secret in [(1, "old"), (3, "new"), (2, "middle")]:
        keep(database, secret, at(seconds))
    keep(database, "other", at(0), "till")
    assert secrets_of(database, at(9)) == ("new", "middle", "old")
    assert secrets_of(database, at(9), "till") == ("other",)
    assert secrets_of(database, at(9), "store") == ()


def test_a_retired_secret_is_believed_until_its_time(database: Database) -> None:
    keep(database, "old", at(0))
    keep(database, "new", at(1))
    database.write(lambda connection: hook_secrets.retire(connection, "shop", "old", at(100)))
    assert secrets_of(database, at(99)) == ("new", "old")
    assert secrets_of(database, at(100)) == ("new",)
    keep(database, "newest", at(101))
    rows = database.read(lambda connection: connection.execute(sa.select(secrets_table.c.secret)).scalars().all())
    assert sorted(rows) == ["new", "newest"]


def test_a_secret_taken_up_again_is_in_force_again(database: Database) -> None:
    keep(database, "old", at(0))
    database.write(lambda connection: hook_secrets.retire(connection, "shop", "old", at(10)))
    keep(database, "tried", at(1))
    keep(database, "old", at(2))
    assert secrets_of(database, at(50)) == ("old", "tried")


def test_a_retired_secret_is_never_the_newest(database: Database) -> None:
    keep(database, "chosen by the platform", at(0))
    keep(database, "not taken by it", at(5))
    database.write(lambda connection: hook_secrets.retire(connection, "shop", "not taken by it", at(90)))
    assert secrets_of(database, at(6))[0] == "chosen by the platform"
