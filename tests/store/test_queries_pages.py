"""What the page asks the store, on both databases."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from bridge.contract.webhooks import Delivery
from bridge.domain.ledger import stock
from bridge.store import channels, deliveries, events, hook_secrets, notes, orders, positions, queries_pages
from bridge.store.database import Database
from bridge.store.orders import Recorded
from bridge.store.tables import events as events_table
from bridge.store.tables import listings, skus
from tests.unit.make import T0, at, order, position

_STANDINGS: dict[str, dict[str, Any]] = {
    "A": {"shown": 5, "target": 5},
    "B": {"shown": 5, "target": 4},
    "C": {"shown": 5, "target": 4, "parked": "guard: too much"},
    "D": {"shown": 5, "target": 4, "in_flight": "k"},
    "E": {"shown": None, "target": 4},
    "F": {"shown": 4, "target": None},
    "G": {"shown": 4, "target": 4, "suspect": 3, "suspect_at": T0},
    "H": {"shown": 4, "target": 1, "gone": True},
}


def test_numbers_are_counted_once_each_by_how_they_stand(database: Database) -> None:
    rows = [position("web", name, sku=name, **more) for name, more in _STANDINGS.items()]
    database.write(lambda connection: positions.save(connection, [*rows, position("till", shown=1, target=1)]))
    found = {row.channel: dict(row._mapping) for row in database.read(queries_pages.agreement)}
    assert found["web"] == {
        "channel": "web", "agree": 2, "differ": 2, "in_flight": 1, "unknown": 2, "held": 1, "doubtful": 1, "gone": 1,
    }  # fmt: skip
    assert found["till"]["agree"] == 1
    held = database.read(lambda connection: queries_pages.held_rows(connection, "web", 10))
    assert held == (1, [("C", "main", 5, 4)])


def test_the_longest_unverified_number_is_one_never_verified_then_the_oldest(database: Database) -> None:
    def oldest() -> Any:
        return database.read(lambda connection: queries_pages.oldest_number(connection, "web"))

    def save(name: str, **more: Any) -> None:
        row = position("web", name, sku=name, **more)
        database.write(lambda connection: positions.save(connection, [row]))

    assert oldest() is None
    save("A", shown=1, target=1, verified_at=at(10))
    save("B", shown=1, target=1, verified_at=at(5))
    save("C", shown=1, target=1, verified_at=at(1), gone=True)
    save("D", shown=None, target=1, verified_at=None)
    assert (oldest().sku, oldest().verified_at) == ("B", at(5))
    save("E", shown=1, target=1, verified_at=None)
    assert (oldest().sku, oldest().verified_at) == ("E", None)


def test_skus_are_found_by_any_part_of_name_or_title_and_nothing_is_a_wildcard(database: Database) -> None:
    rows = [("TEE-1", "Red tee"), ("RED-HAT", "Hat"), ("50%", "Half\\price"), ("A_B", "x"), ("AXB", "y")]
    values = [{"sku": sku, "title": title, "tags": "", "product": ""} for sku, title in rows]
    database.write(lambda connection: connection.execute(skus.insert(), values))

    def found(text: str, limit: int = 9) -> list[str]:
        return [row.sku for row in database.read(lambda connection: queries_pages.skus_like(connection, text, limit))]

    assert found("red") == ["RED-HAT", "TEE-1"], "names that begin so come first"
    assert found("%") == ["50%"]
    assert found("a_b") == ["A_B"]
    assert found("f\\p") == ["50%"]
    assert found("/") == []
    assert len(found("", 3)) == 3
    assert [row.title for row in database.read(lambda c: queries_pages.skus_named(c, ["AXB", "nope"]))] == ["y"]


def test_a_barcode_means_the_skus_that_live_listings_have_it_for(database: Database) -> None:
    def row(variant: str, sku: str | None, gone_at: datetime | None = None) -> dict[str, Any]:
        return {
            "channel": "web",
            "variant_id": variant,
            "product_id": "1",
            "barcode": "40",
            "sku": sku,
            "gone_at": gone_at,
        }

    rows = [row("1", "A"), row("2", "A"), row("3", None), row("4", "B", T0)]
    database.write(lambda connection: connection.execute(listings.insert(), rows))
    assert database.read(lambda connection: queries_pages.sku_by_barcode(connection, "40")) == ["A"]
    assert database.read(lambda connection: queries_pages.sku_by_barcode(connection, "4")) == []


def _recorded(channel: str, name: str, updated: float, net: int = -1) -> Recorded:
    made = Recorded(channel=channel, order=order(name=name, updated=updated))
    made.effects = {stock("TEE", "main"): net}
    return made


def test_orders_come_newest_change_first_and_go_on_where_the_last_page_ended(database: Database) -> None:
    # Capitals, digits and dashes: databases sort them in different ways, and no order may be lost between two pages.
    names = ["a", "B", "b-1", "B2", "10", "9", "é", "Z", "_"]
    many = [
        _recorded(channel, name, n // 4)
        for n, name in enumerate(names * 2)
        for channel in ("web", "till", "api:till-2")
    ]
    database.write(lambda connection: orders.save(connection, many, T0))
    assert database.read(queries_pages.order_channels) == ["api:till-2", "till", "web"]
    seen: list[tuple[str, str]] = []
    names_of, before = ["api:till-2", "till", "web"], None
    for _ in range(20):
        page = database.read(partial(queries_pages.order_rows, names=names_of, text="", before=before, limit=4))
        if not page:
            break
        stamps = [row.updated_at for row in page]
        assert stamps == sorted(stamps, reverse=True)
        seen += [(row.channel, row.order_id) for row in page]
        before = (page[-1].updated_at, page[-1].channel, page[-1].order_id)
    assert len(seen) == len(set(seen)) == 27


def test_an_order_is_found_by_its_id_else_by_part_of_its_number(database: Database) -> None:
    rows = [
        Recorded(channel="web", order=order(name=name, number=number))
        for name, number in (("7", "#1007"), ("1007", "#22"), ("8", "#1_07"))
    ]
    database.write(lambda connection: orders.save(connection, rows, T0))

    def found(text: str) -> list[str]:
        return [row.order_id for row in database.read(lambda c: queries_pages.order_rows(c, ["web"], text, None, 9))]

    assert found("1007") == ["1007"]
    assert found("#100") == ["7"]
    assert found("1_0") == ["8"]
    assert found("nope") == []


def test_effects_are_told_per_order_of_several_channels(database: Database) -> None:
    rows = [_recorded("web", "1", 0, -1), _recorded("till", "1", 0, -2), _recorded("web", "2", 0, -3)]
    database.write(lambda connection: orders.save(connection, rows, T0))
    keys = [("web", "1"), ("till", "1"), ("shop", "1")]
    found = database.read(lambda connection: queries_pages.effects_of(connection, keys))
    assert {key: [row.net for row in rows] for key, rows in found.items()} == {("web", "1"): [-1], ("till", "1"): [-2]}


def test_drifts_are_counted_since_a_moment(database: Database) -> None:
    for seconds in (0, 100):
        database.write(partial(notes.drift, before=position(shown=3), found=1, at=at(seconds), note="why"))
    assert database.read(lambda connection: queries_pages.drifts_since(connection, at(50))) == 1
    assert [row.at for row in database.read(lambda connection: queries_pages.drift_rows(connection, 5))] == [
        at(100),
        at(0),
    ]


def test_deliveries_are_counted_per_channel(database: Database) -> None:
    def unit(connection: sa.Connection) -> None:
        sent = Delivery(body=b"secret", headers={"x": "secret"}, url="https://b.example/hooks/web")
        stamps = (0, 100, 200)
        deliveries.insert(connection, [deliveries.New(channel="web", received_at=at(s), delivery=sent) for s in stamps])
        first, second, _ = deliveries.waiting(connection, "web")
        deliveries.finish(connection, [first.id, second.id], "failed", "no such order", at(300))

    database.write(unit)
    web, till = database.read(lambda connection: queries_pages.delivery_totals(connection, ["web", "till"], at(50)))
    assert tuple(web) == ("web", at(200), 1, 2, 1)
    assert tuple(till) == ("till", None, 0, 0, 0)
    newest, _ = database.read(lambda connection: queries_pages.delivery_failures(connection, 5))
    assert (newest.channel, newest.received_at, newest.note) == ("web", at(100), "no such order")
    assert "secret" not in str(newest)


def test_secrets_are_told_by_their_age_only(database: Database) -> None:
    database.write(lambda connection: hook_secrets.keep(connection, "web", "s3cret-1", at(0)))
    database.write(lambda connection: hook_secrets.retire(connection, "web", "s3cret-1", at(500)))
    database.write(lambda connection: hook_secrets.keep(connection, "web", "s3cret-2", at(100)))
    found = database.read(queries_pages.secrets_since)
    assert [(row.since, row.until) for row in found["web"]] == [(at(100), None), (at(0), at(500))]
    assert "s3cret" not in str(found)


def test_events_are_counted_by_target_and_state(database: Database) -> None:
    def unit(connection: sa.Connection) -> None:
        drafts = [
            events.Draft(type="drift", subject=f"s{n}", time=at(n), data={}, targets=("a", "b") if n else ("a",))
            for n in range(3)
        ]
        events.emit(connection, drafts, at(9))
        first, second, _ = connection.scalars(sa.select(events_table.c.id).order_by(events_table.c.id))
        events.sent(connection, "a", first)
        events.failed(connection, "a", second, at(60), "500")
        events.failed(connection, "b", second, None, "410")

    database.write(unit)
    totals = {(row.target, row.state): (row.number, row.oldest) for row in database.read(queries_pages.event_totals)}
    assert totals == {
        ("a", "sent"): (1, at(0)),
        ("a", "new"): (2, at(1)),
        ("b", "failed"): (1, at(1)),
        ("b", "new"): (1, at(2)),
    }
    failures = database.read(lambda connection: queries_pages.event_failures(connection, 9))
    assert [(row.target, row.type, row.state, row.attempts, row.error) for row in failures] == [
        ("a", "drift", "new", 1, "500"), ("b", "drift", "failed", 1, "410"),
    ]  # fmt: skip


def test_when_a_channel_was_asked_last_is_the_newest_of_its_feeds(database: Database) -> None:
    def unit(connection: sa.Connection) -> None:
        channels.set_cursor(connection, "web", "orders", "1", at(0))
        channels.set_cursor(connection, "web", "catalog", "1", at(60))

    database.write(unit)
    assert database.read(queries_pages.last_asked) == {"web": T0 + timedelta(seconds=60)}
