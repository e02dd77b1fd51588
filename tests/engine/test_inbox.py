"""The inbox: what it answers, what it keeps, and that a 200 means "on the disk", on good days and bad ones."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.contract.webhooks import Delivery
from bridge.engine import inbox as module
from bridge.engine.inbox import Inbox
from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from bridge.store import deliveries, figures, hook_secrets, schema
from bridge.store.database import Database
from bridge.store.tables import deliveries as table
from tests.engine.hookport import HookPort, signature
from tests.postgres import Server
from tests.unit.make import T0

T = TypeVar("T")


class House:
    """A database on a file, a clock that is set by hand, and an inbox for the channel `shop`."""

    def __init__(self, path: Path, *, threads: bool) -> None:
        self.path = path
        self.threads = threads
        self.time = T0
        self.port = HookPort(secrets=("s1",))
        self.told: list[tuple[str, int]] = []
        self.commits = 0
        self.reads_of_secrets = 0
        self.open(Database(str(path)))

    def open(self, database: Database) -> None:
        """Begin anew on a database, as a process that starts."""
        self.database = database
        sa.event.listen(database.engine, "commit", self._committed)
        sa.event.listen(database.engine, "before_cursor_execute", self._asked)
        self.inbox = Inbox(database, {"shop": self.port}, self.now, self._stored, threads=self.threads)

    def _stored(self, channel: str) -> None:
        self.told.append((channel, len(self.bodies)))

    def now(self) -> datetime:
        return self.time

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run a day of this house, and close it."""

        async def day() -> T:
            try:
                return await main
            finally:
                await self.inbox.close()

        return asyncio.run(day()) if self.threads else run_simulated(day(), SimulatedLoop())

    async def post(self, body: bytes, secret: str = "s1", channel: str = "shop", **headers: str) -> int:
        """Deliver as the platform does."""
        signed = {"x-signature": signature(secret, body), **headers}
        return await self.inbox.receive(
            channel, Delivery(body=body, headers=signed, url="https://bridge.example/hooks/shop")
        )

    @property
    def bodies(self) -> list[bytes]:
        """What is on the disk, as another process sees it, in the order of arrival."""
        with closing(sqlite3.connect(self.path)) as other:
            return [row[0] for row in other.execute("select body from deliveries order by id")]

    def counted(self, name: str) -> int:
        """The figure of that name."""
        rows = self.database.read(lambda connection: figures.since(connection, T0 - timedelta(days=2)))
        return sum(row.value for row in rows if (row.channel, row.name) == ("shop", name))

    @contextmanager
    def somebody_writes(self) -> Iterator[None]:
        """Another process has the database for itself meanwhile."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("begin immediate")
            yield
            other.execute("rollback")

    def _committed(self, connection: Connection) -> None:
        if not connection.get_execution_options().get("reads"):
            self.commits += 1

    def _asked(self, connection: Connection, cursor: Any, statement: str, *more: Any) -> None:
        del connection, cursor, more
        self.reads_of_secrets += "FROM hook_secrets" in statement


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("template") / "bridge.db"
    database = Database(str(path))
    schema.ensure(database)
    database.write(lambda connection: connection.execute(table.delete()))
    database.close()
    return path.read_bytes()


@pytest.fixture(params=["inline", "threads"])
def house(request: pytest.FixtureRequest, tmp_path: Path, template: bytes) -> Iterator[House]:
    path = tmp_path / "bridge.db"
    path.write_bytes(template)
    house = House(path, threads=request.param == "threads")
    yield house
    house.database.close()


@pytest.fixture
def threaded(tmp_path: Path, template: bytes) -> Iterator[House]:
    path = tmp_path / "bridge.db"
    path.write_bytes(template)
    house = House(path, threads=True)
    yield house
    house.database.close()


async def until(condition: Callable[[], bool]) -> None:
    """Let the others run until something is so; 60 s are the end of a test's patience."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in a thread, or deep inside
            await asyncio.sleep(0)


def test_a_genuine_delivery_is_on_the_disk_before_anybody_is_told(house: House) -> None:
    async def day() -> None:
        assert await house.post(b'{"order": 17}') == 200
        assert house.bodies == [b'{"order": 17}']

    house.run(day())
    assert house.told == [("shop", 1)]
    (found,) = house.database.read(lambda connection: deliveries.waiting(connection, "shop"))
    assert (found.received_at, found.delivery.url) == (T0, "https://bridge.example/hooks/shop")
    assert found.delivery.headers == {"x-signature": signature("s1", b'{"order": 17}')}
    assert house.counted("deliveries") == 1


HOSTILE = {
    "empty": b"",
    "truncated": b'{"order": 1',
    "not UTF-8": b"\xff\xfe\x00{",
    "of another channel": b'{"merchant": "somebody else", "location": "L9"}',
    "of an unknown topic": b'{"topic": "moon.risen"}',
    "large": b"[" + b"0," * 2_000_000 + b"0]",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_signed_is_stored_as_it_is(house: House, name: str) -> None:
    assert house.run(house.post(HOSTILE[name])) == 200
    assert house.bodies == [HOSTILE[name]]


def test_a_replay_is_stored_again_and_does_no_harm(house: House) -> None:
    async def day() -> list[int]:
        return [await house.post(b'{"order": 1}') for _ in range(2)]

    assert house.run(day()) == [200, 200]
    assert house.bodies == [b'{"order": 1}'] * 2


def test_a_forgery_is_refused_counted_and_not_kept(house: House) -> None:
    async def day() -> list[int]:
        body = b'{"order": 1}'
        tampered = Delivery(body=body + b" ", headers={"x-signature": signature("s1", body)}, url="")
        unsigned = Delivery(body=body, headers={}, url="")
        odd = Delivery(body=body, headers={"x-signature": "\xe9\u2603"}, url="")
        first = [await house.inbox.receive("shop", one) for one in (tampered, unsigned, odd)]
        return [*first, await house.post(body, "another secret")]

    assert house.run(day()) == [401] * 4
    assert house.bodies == []
    assert house.told == []
    assert house.counted("forged") == 4


def test_forgeries_cost_the_disk_next_to_nothing(house: House) -> None:
    async def day() -> None:
        for number in range(1_000):
            assert await house.post(b"%d" % number, "guessed") == 401
            house.time += timedelta(milliseconds=20)

    house.run(day())
    # 20 seconds: one at once, one after ten, and the rest when it closes.
    assert house.commits <= 3
    assert house.reads_of_secrets <= 1_000 / 5 + 10
    assert house.counted("forged") == 1_000


def test_a_greeting_is_answered_and_forgotten(house: House) -> None:
    assert house.run(house.post(b"webhook_id=5", "nothing of ours")) == 200
    assert house.bodies == []


@pytest.mark.parametrize("channel", ["till", "", "shop/", "Shop", "../shop"])
def test_a_channel_that_nobody_knows(house: House, channel: str) -> None:
    assert not house.inbox.knows(channel)
    assert house.run(house.post(b"{}", channel=channel)) == 404
    assert house.bodies == []


def test_a_secret_agreed_on_meanwhile_is_believed_at_once(house: House) -> None:
    async def day() -> list[int]:
        answers = [await house.post(b"1", "agreed")]
        house.time += timedelta(seconds=1)
        house.database.write(lambda connection: hook_secrets.keep(connection, "shop", "agreed", house.time))
        return [*answers, await house.post(b"2", "agreed"), await house.post(b"3", "s1")]

    assert house.run(day()) == [401, 200, 200]


def test_an_old_secret_is_believed_until_its_time(house: House) -> None:
    def rotate(connection: Connection) -> None:
        hook_secrets.keep(connection, "shop", "old", T0)
        hook_secrets.keep(connection, "shop", "new", T0)
        hook_secrets.retire(connection, "shop", "old", T0 + timedelta(hours=24))

    async def day() -> list[int]:
        house.database.write(rotate)
        answers = [await house.post(b"1", "old"), await house.post(b"2", "new")]
        house.time += timedelta(hours=24)
        return [*answers, await house.post(b"3", "old"), await house.post(b"4", "new")]

    assert house.run(day()) == [200, 200, 401, 200]


def test_a_clock_that_is_set_back_does_not_freeze_the_secrets(house: House) -> None:
    async def day() -> list[int]:
        answers = [await house.post(b"1")]
        house.time -= timedelta(days=1)
        house.database.write(lambda connection: hook_secrets.keep(connection, "shop", "agreed", house.time))
        return [*answers, await house.post(b"2", "agreed"), await house.post(b"3", "guessed")]

    assert house.run(day()) == [200, 200, 401]


def test_ten_thousand_at_once(house: House) -> None:
    async def day() -> list[int]:
        bodies = [b'{"order": %d}' % number for number in range(10_000)]
        return await asyncio.gather(*(house.post(body) for body in bodies))

    assert house.run(day()) == [200] * 10_000
    assert house.bodies == [b'{"order": %d}' % number for number in range(10_000)]
    assert house.commits < 50
    assert house.reads_of_secrets == 1
    assert house.counted("deliveries") == 10_000


def test_what_arrives_during_a_commit_goes_into_the_next_one(threaded: House) -> None:
    house = threaded

    async def day() -> list[int]:
        with house.somebody_writes():
            posts = [asyncio.create_task(house.post(b"first"))]
            await until(lambda: house.inbox.committing)
            posts += [asyncio.create_task(house.post(b"%d" % number)) for number in range(500)]
            # The loop goes on meanwhile: forgeries, greetings and strangers have their answers.
            assert await house.post(b"webhook_id=1") == 200
            assert await house.post(b"", channel="nobody") == 404
            assert not any(post.done() for post in posts)
        return await asyncio.gather(*posts)

    assert house.run(day()) == [200] * 501
    assert house.bodies == [b"first", *(b"%d" % number for number in range(500))]
    assert house.commits == 2
    assert house.told == [("shop", 1), ("shop", 501)]


def test_a_commit_takes_no_more_than_its_share(threaded: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house = threaded
    monkeypatch.setattr(module, "_BATCH_BYTES", 25_000)

    async def day() -> list[int]:
        return await asyncio.gather(*(house.post(b"%05d" % number * 2_000) for number in range(10)))

    assert house.run(day()) == [200] * 10
    assert [body[:5] for body in house.bodies] == [b"%05d" % number for number in range(10)]
    assert house.commits >= 5


@pytest.mark.parametrize(("limit", "most"), [("MOST", 30), ("MOST_BYTES", 30 * (module._BESIDE + 2))])
def test_beyond_what_may_wait_one_is_told_to_come_again(
    threaded: House, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    house = threaded
    monkeypatch.setattr(module, limit, most)

    async def day() -> list[int]:
        with house.somebody_writes():
            posts = [asyncio.create_task(house.post(b"%02d" % number)) for number in range(40)]
            await until(lambda: sum(post.done() for post in posts) == 10)
        answers = await asyncio.gather(*posts)
        # Those before are stored, and there is room again.
        return [*answers, await house.post(b"later")]

    assert house.run(day()) == [200] * 30 + [503] * 10 + [200]
    assert house.bodies == [*(b"%02d" % number for number in range(30)), b"later"]


def test_a_client_that_hangs_up_takes_nothing_with_it(threaded: House) -> None:
    house = threaded

    async def day() -> list[int]:
        with house.somebody_writes():
            posts = [asyncio.create_task(house.post(b"%d" % number)) for number in range(6)]
            await until(lambda: house.inbox.committing)
            posts[0].cancel()
            posts[4].cancel()
            await until(lambda: posts[0].done() and posts[4].done())
        return await asyncio.gather(*(post for post in posts if not post.cancelled()))

    assert house.run(day()) == [200] * 4
    assert house.bodies == [b"%d" % number for number in range(6)]


def limited(pages: int | None, connection: Any, _: object) -> None:
    """Give the file no more room than so many pages beyond what it has: the disk is full."""
    (count,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={count + pages if pages is not None else 4_000_000_000}")


def test_a_full_disk_stores_nothing_and_room_again_stores_everything(house: House) -> None:
    room: list[int | None] = [12]
    sa.event.listen(house.database.engine, "connect", lambda connection, record: limited(room[0], connection, record))
    house.database.engine.dispose()

    async def day() -> list[int]:
        fits, large = await house.post(b"small"), await asyncio.gather(*(house.post(b"x" * 60_000) for _ in range(3)))
        room[0] = None
        house.database.engine.dispose()
        return [fits, *large, await house.post(b"x" * 60_000)]

    assert house.run(day()) == [200, 503, 503, 503, 200]
    assert [len(body) for body in house.bodies] == [5, 60_000]
    assert house.counted("deliveries") == 2
    assert house.told == [("shop", 1), ("shop", 2)]


def test_a_database_that_is_away_is_no_answer_of_200(house: House) -> None:
    house.database.write(lambda connection: connection.exec_driver_sql("ALTER TABLE deliveries RENAME TO mislaid"))

    async def away() -> list[int]:
        return await asyncio.gather(*(house.post(b"%d" % number) for number in range(3)))

    assert house.run(away()) == [503] * 3
    house.database.write(lambda connection: connection.exec_driver_sql("ALTER TABLE mislaid RENAME TO deliveries"))
    house.open(house.database)
    assert house.run(house.post(b"back")) == 200
    assert house.bodies == [b"back"]


class KilledError(BaseException):
    """The process is no more."""


class Mortal(Database):
    """A database whose process dies right before, or right after, a commit."""

    when = ""

    def write(self, unit: Callable[[Connection], T]) -> T:
        result = super().write(partial(self._whole, unit))
        if self.when == "after":
            raise KilledError
        return result

    def _whole(self, unit: Callable[[Connection], T], connection: Connection) -> T:
        result = unit(connection)
        if self.when == "before":
            raise KilledError
        return result


@pytest.mark.parametrize(("when", "kept"), [("before", 1), ("after", 6)])
def test_a_process_that_dies_at_a_commit_has_told_nobody_that_it_is_stored(house: House, when: str, kept: int) -> None:
    mortal = Mortal(str(house.path))
    house.open(mortal)

    async def day() -> None:
        assert await house.post(b"before") == 200
        mortal.when = when
        answers = await asyncio.gather(*(house.post(b"%d" % number) for number in range(5)), return_exceptions=True)
        assert all(isinstance(answer, KilledError) for answer in answers), answers
        mortal.when = ""

    house.run(day())
    assert len(house.bodies) == kept
    house.open(Database(str(house.path)))
    assert house.run(house.post(b"again")) == 200
    assert house.bodies[-1] == b"again"
    mortal.close()


def test_closing_waits_for_the_commit_that_is_under_way(threaded: House) -> None:
    house = threaded

    async def day() -> int:
        with house.somebody_writes():
            post = asyncio.create_task(house.post(b"last"))
            await until(lambda: house.inbox.committing)
            closing_task = asyncio.create_task(house.inbox.close())
            await asyncio.sleep(0)
            assert not closing_task.done()
        await closing_task
        return await post

    assert house.run(day()) == 200
    assert house.bodies == [b"last"]


def test_on_postgresql_as_well(server: Server) -> None:
    database = Database(server.make())
    schema.ensure(database)
    inbox = Inbox(database, {"shop": HookPort()}, lambda: T0, lambda _: None)

    async def deliver(body: bytes, secret: str) -> int:
        headers = {"x-signature": signature(secret, body), "x-odd": "\x00 \x7f \xff"}
        return await inbox.receive(
            "shop", Delivery(body=body, headers=headers, url="https://bridge.example/hooks/shop")
        )

    async def day() -> list[int]:
        database.write(lambda connection: hook_secrets.keep(connection, "shop", "agreed", T0))
        bodies = [b"\x00\xff%d" % number for number in range(300)]
        answers = await asyncio.gather(*(deliver(body, "agreed") for body in bodies), deliver(b"{}", "guessed"))
        await inbox.close()
        return answers

    assert asyncio.run(day()) == [200] * 300 + [401]
    found = database.read(lambda connection: deliveries.waiting(connection, "shop"))
    assert [one.delivery.body for one in found] == [b"\x00\xff%d" % number for number in range(300)]
    assert found[0].delivery.headers["x-odd"] == "\x00 \x7f \xff"
    database.close()
