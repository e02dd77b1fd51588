"""A merchant's day: three stand-ins, a config file, a database file, and the `bridge` command typed at a prompt.

Commands run through the real command line, in this process and under simulated time, so what is compared is what a merchant
reads. Every HTTP call and every commit is a point where the process can be ended; nothing in memory survives that.
"""

import asyncio
import importlib
import io
import random
import shutil
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import httpx
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Connection

import bridge.app.app as app_module
from bridge.app.app import App
from bridge.app.configfile import config_text
from bridge.cli import main
from bridge.engine.context import Rules
from bridge.rehearsal.invariants import broken
from bridge.rehearsal.world import HOSTS, World, connect
from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.sandbox.kit.platform import Platform
from bridge.sandbox.kit.transport import InProcess
from bridge.store.database import Database
from bridge.wire.http import Surroundings
from tests.contract.facts import FACTS

__all__ = ["PLATFORMS", "Day", "Fuse", "KilledError", "Said", "beginning", "good", "name_of"]

T = TypeVar("T")
PLATFORMS = ("woocommerce", "shopify", "square")
# One place each: which of several are kept in step is a decision of its own.
_OPTIONS: dict[str, dict[str, Any]] = {"square": {"locations": ("Main Street",)}}
_GUARD = "[guard]\nzero = 100000\nfree = 100000\n"
Ending = Literal["kill", "ctrl-c"]
# Every command opens the database anew; what SQLAlchemy has compiled for one serves all that speak the same dialect.
_COMPILED: dict[Any, Any] = {}
_DIALECT: dict[str, Any] = {}


class KilledError(BaseException):
    """The process is no more."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything a person sees."""
        return self.out + self.err


@dataclass(slots=True)
class Fuse:
    """Counts the points at which a process can end, and ends it at one of them."""

    at: int | None = None
    ending: Ending = "kill"
    points: list[str] = field(default_factory=list)
    dead: bool = False

    def passes(self, point: str) -> bool:
        """Go through a point; raises KilledError there, or returns True where Ctrl-C was pressed."""
        self.alive()
        self.points.append(point)
        if self.at != len(self.points) - 1:
            return False
        if self.ending == "kill":
            self.dead = True
            raise KilledError(point)
        signal.raise_signal(signal.SIGINT)
        return True

    def alive(self) -> None:
        """Raise KilledError where the process is dead: it can do nothing any more, in any task."""
        if self.dead:
            raise KilledError("dead")


class _Wire(httpx.AsyncBaseTransport):
    """The network of one process, with points before a call is sent and after it has taken effect."""

    def __init__(self, day: "Day") -> None:
        self.inner = InProcess({HOSTS[name]: platform.app for name, platform in day.platforms.items()})
        self.fuse = day.fuse
        self.heard = day.heard
        self.meanwhile = day.meanwhile

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.scheme not in {"http", "https"}:
            # As httpx's own transport says it.
            raise httpx.UnsupportedProtocol("Request URL is missing an 'http://' or 'https://' protocol.")
        self.heard.append(request)
        name = name_of(request)
        await self._point(f"before {name}")
        if name.startswith("a write") and (act := self.meanwhile.pop(request.url.host, None)):
            act()
        response = await self.inner.handle_async_request(request)
        await self._point(f"after {name}")
        return response

    async def _point(self, name: str) -> None:
        if self.fuse.passes(name):
            # The signal reaches the loop through its wake-up pipe, the task through a few turns of the loop.
            for _ in range(10):
                await asyncio.sleep(0)


def name_of(request: httpx.Request) -> str:
    """Say what a call is, a write or a read, and where it goes."""
    platform = next((name for name, host in HOSTS.items() if host == request.url.host), "")
    writes = request.content and platform and FACTS[platform].writes(request.method, request.url.path, request.content)
    return f"a {'write' if writes else 'read'}: {request.method} {request.url.host}{request.url.path}"


def _database(day: "Day") -> type[Database]:
    fuse = day.fuse

    class Mortal(Database):
        """A database whose process may die right before or right after a commit.

        A process dies here, not the machine: what is written is kept without waiting for the disk, so nobody waits.
        """

        def __init__(self, url: str) -> None:
            super().__init__(url)
            if self.is_sqlite:
                event.listen(self.engine, "connect", _hurry)
                event.listen(self.engine, "connect", partial(_limit, day.pages))
                self.engine.dialect = _DIALECT.setdefault("sqlite", self.engine.dialect)
            self.engine = self.engine.execution_options(compiled_cache=_COMPILED)

        def write(self, unit: Callable[[Connection], T]) -> T:
            fuse.alive()

            def whole(connection: Connection) -> T:
                result = unit(connection)
                fuse.passes("before a commit")
                return result

            result = super().write(whole)
            fuse.passes("after a commit")
            return result

        def read(self, unit: Callable[[Connection], T]) -> T:
            fuse.alive()
            return super().read(unit)

    return Mortal


def _hurry(connection: Any, _: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")


def _limit(pages: int | None, connection: Any, _: object) -> None:
    """Give the file no more room than this many pages beyond what it has: the disk is full."""
    if pages is not None:
        (count,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={count + pages}")


@dataclass(slots=True)
class Day:
    """The stand-ins, the config (`config` is its file) and the prompt. `pages`: how many more the disk has room for."""

    loop: SimulatedLoop
    folder: Path
    platforms: dict[str, Platform]
    channels: dict[str, dict[str, object]]
    fuse: Fuse = field(default_factory=Fuse)
    url: str = "bridge.db"
    extra: str = _GUARD
    pages: int | None = None
    truth: dict[str, int] = field(default_factory=dict)
    ahead: timedelta = timedelta(0)
    started: int = 0
    meanwhile: dict[str, Callable[[], None]] = field(default_factory=dict)
    heard: list[httpx.Request] = field(default_factory=list)
    places: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        """The config file."""
        return self.folder / "config.toml"

    def write_config(self) -> None:
        """Write the config as `channels` and `extra` say."""
        self.config.write_text(config_text(self.channels, self.url) + self.extra, encoding="utf-8")
        self.config.chmod(0o600)

    def shop(self, name: str) -> Any:
        """The verbs of a platform's people."""
        return self.platforms[name].shop

    def fault(self, name: str, kind: str, **rule: Any) -> None:
        """Let calls to a platform go wrong."""
        self.platforms[name].faults.add(kind=kind, **rule)

    def seed(self, *products: Mapping[str, Any], only: Sequence[str] = PLATFORMS) -> None:
        """Put the same goods on platforms."""
        for name in only:
            if name in self.platforms:
                self.shop(name).seed(list(products))

    def wait(self, seconds: float) -> None:
        """Let simulated time pass."""
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def bridge(self, *words: str) -> Said:
        """Type a command. `fuse` may end it: a kill raises KilledError."""
        out, err = io.StringIO(), io.StringIO()
        try:
            with redirect_stdout(out), redirect_stderr(err):
                code = main([*words, "--config", str(self.config)])
        finally:
            self._bury()
        return Said(code, out.getvalue(), err.getvalue())

    def opened(self) -> Said:
        """Adopt all channels with WooCommerce's numbers (those of the first channel, where there is none)."""
        source = next(iter(self.channels))
        said = self.bridge("adopt", "--open", source)
        assert said.code == 0, said.text
        return said

    def until_quiet(self, *words: str) -> list[Said]:
        """Type the same command until it has nothing left to do."""
        said = []
        for _ in range(8):
            said.append(self.bridge(*(words or ("sync",))))
            if said[-1].code == 0 and "Everything is in step" in said[-1].out:
                return said
            self.wait(20)
        raise AssertionError("never quiet:\n" + said[-1].text)

    def surroundings(self) -> Surroundings:
        """The outside world of a process that starts now: chance is new each time, as the system's is."""
        self.started += 1
        return Surroundings(
            now=lambda: self.loop.now() + self.ahead, time=self.loop.time, sleep=asyncio.sleep,
            rng=random.Random(self.started), transport=_Wire(self), timeout=60.0,
        )  # fmt: skip

    @contextmanager
    def as_it_is(self, name: str) -> Iterator[None]:
        """Work on a copy of this day's files, and leave the files as they are."""
        mine = self.folder
        self.folder = mine.parent / f"{mine.name}-{name}"
        shutil.copytree(mine, self.folder)
        try:
            yield
        finally:
            shutil.rmtree(self.folder)
            self.folder = mine

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Look into the database."""
        database = Database(self.url if "://" in self.url else str(self.folder / self.url))
        try:
            yield database
        finally:
            database.close()

    def problems(self, *, truth: bool = True) -> list[str]:
        """Return which invariants do not hold, as sentences."""
        self.fuse = Fuse()
        with self.database() as database:
            world = World(self.platforms, self.surroundings(), database, Rules(), {})
            world.restart()
            if not self.places:
                self.places = self.loop.run_until_complete(_places(world))
            world._places.update(self.places)
            found = broken(world, self.truth if truth else None)
            for channel in world.channels.values():
                if channel.connector.close is not None:
                    self.loop.run_until_complete(channel.connector.close())
        return found

    def before_write(self, name: str, act: Callable[[], None]) -> None:
        """Let something happen on a platform right before the next write reaches it."""
        self.meanwhile[HOSTS[name]] = act

    def listings(self, name: str) -> list[tuple[str, str, str]]:
        """Return SKU, title and price of every variant, as the connector reads them from the platform."""
        return self.loop.run_until_complete(self._listings(name))

    async def _listings(self, name: str) -> list[tuple[str, str, str]]:
        connector = connect(self.platforms[name], self.surroundings())
        found = [(one, own) async for page in connector.catalog.all() for one in page.items for own in one.variants]
        if connector.close is not None:
            await connector.close()
        return [(own.sku or "", one.title, str(own.price).split()[0]) for one, own in found]

    def numbers(self, sku: str) -> dict[str, int]:
        """What every platform shows for a SKU."""
        stock = {name: platform.shop.stock() for name, platform in self.platforms.items()}
        return {name: sum(rows[sku].values()) for name, rows in stock.items() if sku in rows}

    def sells(self, name: str, sku: str, quantity: int = 1, **how: Any) -> str:
        """Sell, and keep account of it."""
        order: str = self.shop(name).sale([{"sku": sku, "quantity": quantity}], **how)
        self.truth[sku] -= quantity
        return order

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine as the command line does."""
        return self.loop.run_until_complete(work)

    def _bury(self) -> None:
        """What asyncio.run does at the end: no task outlives its process."""
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        self.loop.run_until_complete(_ended(list(left)))


async def _ended(tasks: Sequence["asyncio.Task[Any]"]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


async def _places(world: World) -> dict[str, dict[str, str]]:
    found = {}
    for name, channel in world.channels.items():
        found[name] = {one.name: one.id for one in (await channel.connector.account.check()).locations}
    return found


def good(sku: str, stock: Any = 10, price: str = "12.50", **more: Any) -> dict[str, Any]:
    """Describe a simple product; keywords are fields of the variant."""
    return {"title": f"Title of {sku}", "variants": [{"sku": sku, "stock": stock, "price": price, **more}]}


@contextmanager
def beginning(folder: Path, names: Sequence[str], options: Mapping[str, Mapping[str, Any]]) -> Iterator[Day]:
    """Begin a day; at its end loop and patches are gone."""
    loop = SimulatedLoop()
    asyncio.set_event_loop(loop)
    rng = random.Random(11)
    platforms: dict[str, Platform] = {}
    channels: dict[str, dict[str, object]] = {}
    for name in names:
        package: Any = importlib.import_module(f"bridge.sandbox.{name}")
        more = {"home": f"https://{HOSTS[name]}", **_OPTIONS.get(name, {}), **options.get(name, {})}
        home = more.pop("home")
        platforms[name] = package.build(
            now=loop.now, sleep=asyncio.sleep, rng=random.Random(rng.random()), host=home, **more
        )
        channels[name] = {"platform": name, **_settings(name, platforms[name]), "url": home}
    day = Day(loop, folder, platforms, channels)
    day.write_config()
    with pytest.MonkeyPatch.context() as patch:
        _in_process(patch, day)
        try:
            yield day
        finally:
            day._bury()
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()
            asyncio.set_event_loop(None)


def _in_process(patch: pytest.MonkeyPatch, day: Day) -> None:
    """Give commands this day's loop, network and mortal database; everything else of them is the real thing."""
    really = App.open.__func__  # type: ignore[attr-defined]

    def opened(cls: type[App], /, loaded: Any, **more: Any) -> App:
        patch.setattr(app_module, "Database", _database(day))
        app: App = really(cls, loaded, **{**more, "surroundings": day.surroundings()})
        return app

    patch.setattr(App, "open", classmethod(opened))
    patch.setattr(asyncio, "run", day.run)


def _settings(name: str, platform: Platform) -> dict[str, object]:
    module: Any = importlib.import_module(f"connectors.{name}")
    known = set(module.Settings.__dataclass_fields__) - {"client_id", "client_secret"}
    values: dict[str, object] = {key: value for key, value in platform.credentials.items() if key in known}
    return values
