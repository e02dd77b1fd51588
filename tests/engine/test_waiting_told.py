"""What waits for a platform is told: accepted writes, and writes that a day's limits hold up."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.app import App
from bridge.cli import status as status_command
from bridge.cli import why as why_command
from bridge.config import parse
from bridge.contract.stock import Prepared, StockChange
from bridge.domain.catalog import StockKey
from bridge.domain.position import Position
from bridge.store import listings, positions, writes

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
