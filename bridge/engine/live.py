"""Live: all channels kept in step for ever. A lane each, a clerk for documents, a packer for mirrored orders, and the jobs
of the schedule.

`run` returns when told to stop, with nothing half done; killed instead, the next run takes up what is stored.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from bridge.contract.errors import BridgeError
from bridge.engine import holds
from bridge.engine.context import Channel, Context
from bridge.engine.documents import sync_products
from bridge.engine.lane import Errand, Lane, Pace
from bridge.engine.loyalty import settle_loyalty
from bridge.engine.mirror import mirror
from bridge.engine.polling import polling
from bridge.engine.queue import Listener
from bridge.engine.report import ChannelReport, Report
from bridge.engine.rules import apply_rules
from bridge.store import figures, listings
from bridge.store.errors import StoreError

__all__ = ["DAY", "Job", "Live"]

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Something done again and again: `every` so often, give or take `jitter`, the first time `at_start` or one turn later."""

    name: str
    every: timedelta
    run: Callable[[], Awaitable[None]]
    jitter: timedelta = timedelta(0)
    at_start: bool = False


@dataclass(slots=True, eq=False)
class Live:
    """The engine at work. `bugs` are errors that none of the four is: each is a mistake of ours."""

    context: Context
    pace: Pace = field(default_factory=Pace)
    lanes: dict[str, Lane] = field(default_factory=dict)
    bugs: list[Exception] = field(default_factory=list)
    _clerk: asyncio.Event = field(default_factory=asyncio.Event)
    _packer: asyncio.Event = field(default_factory=asyncio.Event)
    _products: dict[str, set[str]] = field(default_factory=dict)
    _tally: dict[str, Counter[str]] = field(default_factory=dict)
    _mirroring: bool = False

    def __post_init__(self) -> None:
        for name, channel in self.context.channels.items():
            self.lanes[name] = Lane(self.context, channel, self, self._pace_of(channel))

    def _pace_of(self, channel: Channel) -> Pace:
        """A channel's own pace: how often it is polled is the merchant's word, or the platform's."""
        products = self.context.database.read(lambda connection: listings.product_count(connection, channel.name))
        limits = channel.connector.limits
        found = polling(limits, usual=self.pace.poll, wished=channel.poll, products=products)
        return replace(self.pace, poll=found.every, least=found.least)

    async def run(self, stop: asyncio.Event, *, patience: float = 8.0) -> None:
        """Work until `stop` is set; what is under way then has `patience` seconds to come to its end."""
        self.context.database.write(lambda connection: apply_rules(connection, self.context))
        tasks = [asyncio.create_task(work(), name=name) for name, work in self._works()]
        ended = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([ended, *tasks], return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                await self._finish(patience)
                with suppress(StoreError):
                    await self._write_figures()
            for task in done:
                task.result()
        finally:
            for task in (ended, *tasks):
                task.cancel()
            await asyncio.gather(ended, *tasks, return_exceptions=True)

    def _works(self) -> list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]]:
        ears = [(f"ears of {lane.name}", lane.ears) for lane in self.lanes.values()]
        hands = [(f"hands of {lane.name}", lane.hands) for lane in self.lanes.values()]
        queues = [
            (f"queue of {lane.name}", Listener(self.context, lane, lane.channel.connector.queue).run)
            for lane in self.lanes.values()
            if lane.channel.connector.queue is not None
        ]
        clerk = ("clerk", lambda: self._keep(self._clerk, self._documents))
        packer = ("packer", lambda: self._keep(self._packer, self._mirror))
        return [*ears, *hands, *queues, clerk, packer]

    async def _finish(self, patience: float) -> None:
        """Let each lane end what it is doing: a write that was sent should get its answer."""
        for lane in self.lanes.values():
            lane.stopping = True
        free = [asyncio.create_task(lane.channel.turn.acquire()) for lane in self.lanes.values()]
        if free:
            _, busy = await asyncio.wait(free, timeout=patience)
            for task in busy:
                task.cancel()

    # What lanes tell.

    def spread(self, channel: str, since: datetime, report: ChannelReport, products: set[str]) -> None:
        """The ledger or the catalogue moved because of this channel: every lane looks whether its numbers differ now."""
        self._products.setdefault(channel, set()).update(products)
        rules = self.context.rules
        if report.orders and channel in {rules.mirroring.home, *rules.mirroring.sources} and rules.mirroring.home:
            self._mirroring = True
            self._packer.set()
        if products:
            self._clerk.set()
        for lane in self.lanes.values():
            if lane.news_at is None and lane.name != channel and report.movements:
                lane.news_at = since
            lane.wake()

    def holding(self, channel: str) -> bool:
        """Whether an order is about to be mirrored to this channel: it takes the units off its number by itself then."""
        return self._mirroring and channel == self.context.rules.mirroring.home

    def bug(self, error: Exception) -> None:
        """Keep a mistake of ours for whoever asks."""
        self.bugs.append(error)
        del self.bugs[:-20]

    def count(self, channel: str, counts: dict[str, int]) -> None:
        """Add to the figures; they are written together now and then, not with a commit each."""
        self._tally.setdefault(channel, Counter()).update(counts)

    async def _write_figures(self) -> None:
        tally, self._tally = self._tally, {}
        if any(any(counts.values()) for counts in tally.values()):
            self.context.database.write(lambda connection: self._add(connection, tally))

    def _add(self, connection: Connection, tally: dict[str, Counter[str]]) -> None:
        for channel, counts in tally.items():
            figures.add(connection, self.context.now(), channel, counts)

    # The clerk and the packer: documents and mirrored orders concern several channels, and take turns with the lanes on each.

    async def _keep(self, woken: asyncio.Event, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await woken.wait()
            woken.clear()
            try:
                await work()
            except (BridgeError, StoreError):
                await self._later(woken)
            except Exception as error:  # noqa: BLE001 - a mistake of ours here must not stop the lanes
                self.bug(error)
                await self._later(woken)
            self.poke()

    async def _later(self, woken: asyncio.Event) -> None:
        await self.context.sleep(self.pace.first.total_seconds())
        asyncio.get_running_loop().call_later(self.pace.poll.total_seconds(), woken.set)

    async def _documents(self) -> None:
        changed, self._products = self._products, {}
        try:
            await sync_products(self.context, self._sound(), changed, Report())
        except BaseException:
            for name, products in changed.items():
                self._products.setdefault(name, set()).update(products)
            raise

    async def _mirror(self) -> None:
        try:
            await mirror(self.context, self._sound(), Report(), intended=self._intended)
        except BaseException:
            self._mirroring = False
            raise

    async def _intended(self) -> None:
        """What is to be mirrored is promised by now: numbers of the home channel may be written again."""
        if self._mirroring:
            self._mirroring = False
            self.poke()

    def _sound(self) -> list[Channel]:
        return [lane.channel for lane in self.lanes.values() if lane.state in {"ok", "starting"}]

    # The schedule.

    def jobs(self) -> list[Job]:
        """What is to be done again and again; the daemon's schedule calls them, and a rehearsal's."""
        every = [job for lane in self.lanes.values() for job in self._lane_jobs(lane)]
        return [
            *every,
            Job(name="documents", every=self.pace.poll * 2, run=self._wake_clerk),
            Job(name="figures", every=timedelta(seconds=10), run=self._write_figures),
            Job(name="holds", every=timedelta(seconds=15), run=self._expire_holds),
        ]

    def _lane_jobs(self, lane: Lane) -> list[Job]:
        poll, audits = lane.pace.poll, lane.pace.audits
        polled = Job(name=f"poll {lane.name}", every=poll, run=_errand(lane, "poll"), jitter=poll / 10)
        # What was changed in the database by another process is taken up as soon there as elsewhere.
        woken = Job(name=f"look {lane.name}", every=self.pace.poll, run=_waking(lane), jitter=self.pace.poll / 10)
        return [
            *([polled, woken] if poll > self.pace.poll else [polled]),
            Job(name=f"audit {lane.name}", every=audits, run=_errand(lane, "audit"), jitter=audits / 10),
            Job(name=f"catalogue {lane.name}", every=DAY, run=_errand(lane, "catalog"), jitter=DAY / 24),
        ]

    async def _wake_clerk(self) -> None:
        self._clerk.set()
        self._packer.set()

    async def _expire_holds(self) -> None:
        if self.context.database.write(lambda connection: holds.expire(connection, self.context)):
            self.poke()
        if self.context.database.write(lambda connection: settle_loyalty(connection, self.context)):
            self.poke()

    def poke(self) -> None:
        """Somebody changed the ledger, or let something pass: look whether numbers differ."""
        for lane in self.lanes.values():
            lane.wake()


def _waking(lane: Lane) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        lane.wake()

    return run


def _errand(lane: Lane, errand: Errand) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        lane.send(errand)

    return run
