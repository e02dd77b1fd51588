"""The place where everything is kept: a full disk, a newer version's database, two commands at once, on SQLite and PostgreSQL."""

import pytest
import sqlalchemy as sa

from bridge.store import schema
from bridge.store.errors import BusyError
from tests.baddays.conftest import ADay
from tests.baddays.crashes import in_a_child
from tests.baddays.day import PLATFORMS, Day, good, name_of
from tests.postgres import Server


def much_to_write(day: Day) -> None:
    """Enough trade that a sync has to grow the file."""
    skus = [f"GOOD-{number:02d}" for number in range(24)]
    day.seed(*(good(sku, stock=20) for sku in skus))
    day.truth = dict.fromkeys(skus, 20)
    day.opened()
    day.until_quiet()
    day.wait(30)
    for number, sku in enumerate(skus):
        day.sells(PLATFORMS[number % 3], sku, 2)


def starved(day: Day, pages: int) -> tuple[int, str, list[str]]:
    """Sync with room for so many pages, then with room enough."""
    day.pages = pages
    said = day.bridge("sync")
    day.pages = None
    day.wait(60)
    day.sells("square", "GOOD-00")
    day.until_quiet()
    return said.code, said.text, day.problems()


def test_a_full_disk_during_a_sync(day: Day) -> None:
    """Wherever in the sync the room runs out: before anything is written, between two steps, while an answer is on its way."""
    much_to_write(day)
    codes = {}
    for pages in (0, 1, 2, 3, 5, 7, 9, 12, 16, 24):
        with day.as_it_is(f"pages-{pages}"):
            code, text, problems = in_a_child(lambda pages=pages: starved(day, pages))  # type: ignore[misc]
        codes[pages] = code
        assert problems == [], f"with {pages} pages: {problems}"
        assert code in {0, 1}
        if code:
            assert text.startswith("the disk that holds "), text
            assert (
                "bridge.db is full; nothing of this step was kept\n  next: free some space and run the same command again"
                in text
            )
            assert "Traceback" not in text
    assert codes[0] == 1
    assert len(set(codes.values())) == 2, f"some of these disks had room enough: {codes}"


def test_a_database_of_a_newer_version(day: Day) -> None:
    much_to_write(day)
    with day.database() as database:
        database.write(
            lambda connection: connection.execute(sa.text("update meta set value = '9999' where name = 'schema'"))
        )
    before = (day.folder / "bridge.db").read_bytes()
    calls = len(day.heard)
    for words in (["sync"], ["status"], ["adopt"], ["plan"]):
        said = day.bridge(*words)
        assert said.code == 1
        assert "bridge.db was made by a newer version of the bridge (schema 9999, this one knows " in said.err
        assert "  next: install the newer version again; nothing was changed" in said.err
        assert "Traceback" not in said.text
    assert (day.folder / "bridge.db").read_bytes() == before
    assert len(day.heard) == calls, "no channel was called"
    with day.database() as database:
        stamp = sa.text("update meta set value = :head where name = 'schema'")
        database.write(lambda connection: connection.execute(stamp, {"head": schema.head()}))
    day.until_quiet()
    assert day.problems() == []


@pytest.fixture(params=["sqlite", "postgresql"])
def stored(request: pytest.FixtureRequest, a_day: ADay) -> Day:
    """A day whose database is a file, or on a server."""
    day = a_day()
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("server")
        day.url = server.make()
        day.write_config()
    return day


def test_two_syncs_at_once(stored: Day) -> None:
    """While the first is in the middle of a write, the second is told who works there, and touches nothing."""
    day = stored
    much_to_write(day)
    told: list[str] = []

    def second() -> None:
        with day.database() as database, pytest.raises(BusyError) as caught, database.alone("bridge sync"):
            raise AssertionError("both work")
        told.append(str(caught.value))

    for name in PLATFORMS:
        day.before_write(name, second)
    said = day.bridge("sync")
    assert said.code == 0, said.text
    assert len(told) == 3
    for text in told:
        assert "bridge sync" in text
        assert "is working on this database\n  next: wait until it is done, or stop it" in text
    day.until_quiet()
    assert day.problems() == []


def test_the_second_sync_says_who_is_at_work_and_works_when_it_has_gone(stored: Day) -> None:
    day = stored
    much_to_write(day)
    calls = len(day.heard)
    with day.database() as database, database.alone("bridge sync"):
        for words in (["sync"], ["plan"], ["adopt"], ["audit"], ["retry", "--all"]):
            said = day.bridge(*words)
            assert said.code == 1, (words, said.text)
            assert "bridge sync" in said.err
            assert "is working on this database\n  next: wait until it is done, or stop it" in said.err
        assert day.bridge("status").code == 0, "looking needs no turn"
    assert not [call for call in day.heard[calls:] if name_of(call).startswith("a write")], (
        "nothing was written meanwhile"
    )
    day.until_quiet()
    assert day.problems() == []
