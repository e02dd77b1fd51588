"""Channels, cursors, writes and notes on both databases."""

from functools import partial

import sqlalchemy as sa

from bridge.contract.stock import Prepared, StockChange
from bridge.domain.catalog import StockKey
from bridge.store import channels, notes, writes
from bridge.store.database import Database
from bridge.store.sql import upsert
from bridge.store.tables import counts, drifts, meta, parked, runs
from tests.unit.make import T0, at, position


def test_cursors_are_kept_per_channel_and_feed(database: Database) -> None:
    for channel, feed, value in [
        ("web", "orders", "1"),
        ("web", "catalog", "2"),
        ("till", "orders", "3"),
        ("web", "orders", "4"),
    ]:
        database.write(partial(channels.set_cursor, channel=channel, feed=feed, value=value, now=T0))

    def cursor(channel: str, feed: str) -> str | None:
        return database.read(lambda connection: channels.cursor(connection, channel, feed))

    assert [cursor("web", "orders"), cursor("web", "catalog"), cursor("till", "orders")] == ["4", "2", "3"]
    assert cursor("till", "catalog") is None


def test_a_cursor_is_remembered_with_what_was_read_or_not_at_all(database: Database) -> None:
    def unit(connection: sa.Connection) -> None:
        channels.set_cursor(connection, "web", "orders", "far ahead", T0)
        raise KeyboardInterrupt

    try:
        database.write(unit)
    except KeyboardInterrupt:
        stopped = True
    assert stopped
    assert database.read(lambda connection: channels.cursor(connection, "web", "orders")) is None


def test_meeting_a_channel_again_keeps_its_adoption_and_rest(database: Database) -> None:
    database.write(lambda connection: channels.met(connection, "web", "woocommerce", "EUR", {"": "main"}, ""))
    database.write(lambda connection: channels.adopt(connection, "web", T0))
    database.write(lambda connection: channels.rest(connection, "web", "no key"))
    database.write(lambda connection: channels.met(connection, "web", "woocommerce", "GBP", {"": "shop"}, ""))
    row = database.read(lambda connection: channels.get(connection, "web"))
    assert row is not None
    assert (row.currency, row.adopted_at, row.resting, row.locations) == ("GBP", T0, "no key", '{"":"shop"}')
    assert [one.channel for one in database.read(channels.all_channels)] == ["web"]
    assert database.read(lambda connection: channels.get(connection, "till")) is None


def write(key: str, **more: object) -> Prepared:
    change = StockChange(key=StockKey("s1", "L1"), delta=-2, shown=5, reason="sale", **more)  # type: ignore[arg-type]
    return Prepared(key=key, body='{"a": 1}', changes=(change,))


def test_a_write_stays_open_until_its_outcome_is_known(database: Database) -> None:
    for number, key in enumerate(["late", "early", "done"]):
        database.write(partial(writes.store, channel="web", prepared=write(key, track=True), now=at(-number)))
    database.write(lambda connection: writes.finish(connection, "done", "done", "", T0))
    found = database.read(lambda connection: writes.open_writes(connection, "web"))
    assert [(one.prepared, one.created_at) for one in found] == [
        (write("early", track=True), at(-1)),
        (write("late", track=True), at(0)),
    ]
    assert database.read(lambda connection: writes.open_writes(connection, "till")) == []


def test_counts_are_numbered_and_drifts_are_kept(database: Database) -> None:
    numbers = [database.write(lambda connection: notes.count(connection, position(), 12, T0, "why")) for _ in range(2)]
    assert numbers[1] > numbers[0]
    database.write(lambda connection: notes.drift(connection, position(shown=None), 4, T0, "lost"))
    counted = database.read(lambda connection: connection.execute(sa.select(counts)).first())
    drifted = database.read(lambda connection: connection.execute(sa.select(drifts)).first())
    assert counted is not None
    assert drifted is not None
    assert (counted.expected, counted.quantity, counted.sku) == (10, 12, "A")
    assert (drifted.shown, drifted.found, drifted.note) == (0, 4, "lost")


def test_parking_again_counts_the_attempt_and_keeps_the_date(database: Database) -> None:
    for seconds, reason in [(0, "first"), (5, "second")]:
        database.write(lambda connection, s=seconds, r=reason: notes.park(connection, "order", "web", "1", r, at(s)))  # type: ignore[misc]
    database.write(lambda connection: notes.park(connection, "order", "web", "2", "other", at(0)))
    rows = database.read(lambda connection: connection.execute(sa.select(parked).order_by(parked.c.key)).all())
    assert [(row.key, row.reason, row.attempts, row.since) for row in rows] == [
        ("1", "second", 2, at(0)),
        ("2", "other", 1, at(0)),
    ]
    database.write(lambda connection: notes.unpark(connection, "order", "web", ["1", "9"]))
    assert len(database.read(lambda connection: connection.execute(sa.select(parked)).all())) == 1


def test_runs_have_a_beginning_an_end_and_a_summary(database: Database) -> None:
    number = database.write(lambda connection: notes.begin_run(connection, "sync", T0))
    database.write(lambda connection: notes.end_run(connection, number, {"writes": 3}, at(4)))
    row = database.read(lambda connection: connection.execute(sa.select(runs)).first())
    assert row is not None
    assert (row.command, row.started_at, row.ended_at, row.summary) == ("sync", T0, at(4), '{"writes":3}')


def test_settings_are_remembered(database: Database) -> None:
    assert database.read(lambda connection: notes.get_meta(connection, "opened")) is None
    for value in ("web", "till"):
        database.write(lambda connection, text=value: notes.set_meta(connection, "opened", text))  # type: ignore[misc]
    assert database.read(lambda connection: notes.get_meta(connection, "opened")) == "till"


def test_upsert_overwrites_only_the_named_columns(database: Database) -> None:
    database.write(lambda connection: upsert(connection, runs, []))
    database.write(
        lambda connection: upsert(connection, meta, [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}])
    )
    database.write(lambda connection: upsert(connection, meta, [{"name": "a", "value": "3"}]))
    mine = sa.select(meta.c.name, meta.c.value).where(meta.c.name.in_(["a", "b"])).order_by(meta.c.name)
    assert database.read(lambda connection: [tuple(row) for row in connection.execute(mine)]) == [
        ("a", "3"),
        ("b", "2"),
    ]


def test_times_keep_their_microseconds_and_their_order(database: Database) -> None:
    early, late = at(0.000001), at(0.1)
    for number, when in enumerate([late, early]):
        database.write(lambda connection, n=number, w=when: notes.begin_run(connection, f"run {n}", w))  # type: ignore[misc]
    rows = database.read(lambda connection: connection.execute(sa.select(runs).order_by(runs.c.started_at)).all())
    assert [row.started_at for row in rows] == [early, late]
