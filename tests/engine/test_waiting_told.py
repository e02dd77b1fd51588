"""What waits for a platform is told: accepted writes, and writes that a day's limits hold up."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from bridge.app import App
from bridge.cli import status as status_command
from bridge.cli import why as why_command
from bridge.config import parse
from bridge.contract.stock import Prepared, StockChange
from bridge.domain.catalog import Product, StockKey, Variant
from bridge.domain.position import Position
from bridge.store import documents, edits, listings, positions, writes
from bridge.store.documents import ACCEPTED, Agreed

CONFIG = '[channels.bay]\nplatform = "square"\naccess_token = "t"\n'
KEY = StockKey("s-A")


@pytest.fixture
def app() -> Iterator[App]:
    with App.unsaved(parse(CONFIG, file=Path("config.toml"), environment={})) as app:
        app.database.write(lambda connection: listings.add_skus(connection, {"A": "Tee"}, app.now()))
        yield app


def keep(app: App, **more: object) -> None:
    row = Position(channel="bay", key=KEY, sku="A", place="main", shown=5, target=3, **more)  # type: ignore[arg-type]
    app.database.write(lambda connection: positions.save(connection, [row]))


def test_an_accepted_write_waits_for_its_platform(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    keep(app, in_flight="k1")
    prepared = Prepared(key="k1", body="", changes=(StockChange(key=KEY, delta=-2, shown=5),))
    app.database.write(lambda connection: writes.store(connection, "bay", prepared, app.now()))
    assert app.why("A").channels[0].waiting_for == "", "its answer may have been lost"
    app.database.write(lambda connection: writes.accept(connection, "k1", "t1", app.now()))
    assert app.why("A").channels[0].waiting_for == "square"
    why_command._show(app.why("A"))
    assert "accepted, waiting for square" in capsys.readouterr().out
    assert (app.status().channels[0].accepted, app.status().channels[0].in_flight) == (1, 1)
    status_command._show(app.status())
    assert "bay: 1 numbers are accepted, waiting for square" in capsys.readouterr().out


def accept_edits(app: App) -> None:
    tee = Product(id="p1", title="Tee", updated_at=app.now(), variants=(Variant(id="v1", sku="A"),))
    title = {"title": Agreed("New tee", "Tee", ACCEPTED), "status": Agreed("active", "active")}
    price = {"price": Agreed("9.00 EUR", None, ACCEPTED), "barcode": Agreed("1", "2", "refused")}

    def unit(connection: Connection) -> None:
        listings.record(connection, "bay", [tee], app.now())
        listings.bind(connection, [("bay", "v1", "A", "sku")])
        documents.save_agreements(connection, "product", {("bay", "p1"): title}, app.now())
        documents.save_agreements(connection, "variant", {("bay", "v1"): price}, app.now())
        edits.accept(connection, "bay", "k2", "t2", "[[{}, {}]]", now=app.now(), look_at=app.now())

    app.database.write(unit)


def test_accepted_edits_are_told_field_by_field(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    accept_edits(app)
    found = [(one.channel, one.field, one.value, one.waiting_for) for one in app.why("A").edits]
    assert found == [("bay", "title", "New tee", "square"), ("bay", "price", "9.00 EUR", "square")]
    assert (app.status().channels[0].edits_accepted, app.status().channels[0].accepted) == (1, 0)
    why_command._show(app.why("A"))
    status_command._show(app.status())
    said = capsys.readouterr().out
    assert re.search(r"bay +price +9.00 EUR +square", said)
    assert "bay: 1 product edits are accepted, waiting for square" in said


def test_what_a_days_limits_hold_up_is_told_with_the_time(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    until = app.now().replace(microsecond=0) + timedelta(hours=3)
    keep(app, waits_until=until)
    assert app.why("A").channels[0].waits_until == until
    assert (app.status().channels[0].put_off, app.status().channels[0].put_off_until) == (1, until)
    why_command._show(app.why("A"))
    status_command._show(app.status())
    said = capsys.readouterr().out
    assert "when the platform's limits of a day allow it" in said
    assert "1 numbers wait for square's limits of a day; the first goes on at" in said


def test_a_time_that_is_past_holds_nothing_up(app: App) -> None:
    keep(app, waits_until=app.now() - timedelta(seconds=1))
    assert app.why("A").channels[0].waits_until is None
    assert app.status().channels[0].put_off == 0
