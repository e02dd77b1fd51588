"""The daemon's engine in a world: started, killed and stopped under the world's clock, its schedule kept by plain timers."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from bridge.engine.inbox import Inbox
from bridge.engine.lane import Pace
from bridge.engine.live import Job, Live
from bridge.engine.upkeep import Keeping, Upkeep
from bridge.rehearsal.world import World
from bridge.store.errors import StoreError

__all__ = ["Watch"]


@dataclass(slots=True)
class Watch:
    """One daemon. `kill` ends it wherever it stands, as a crash would; `stop` as a person would.

    With a `public_url` it has webhooks sent to its `inbox` (None while it does not run). `died` is set when it ended by itself.
    """

    world: World
    pace: Pace = field(default_factory=Pace)
    public_url: str = ""
    live: Live | None = None
    inbox: Inbox | None = None
    died: asyncio.Event = field(default_factory=asyncio.Event)
    bugs: list[Exception] = field(default_factory=list)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> Live:
        """Start on the world's database; nothing is remembered from before."""
        world, context = self.world, self.world.context
        self.live = live = Live(context, self.pace)
        ports = {name: one.connector.webhooks for name, one in world.channels.items() if one.connector.webhooks}
        self.inbox = Inbox(
            world.database, ports, world.around.now, lambda name: live.lanes[name].listen(), threads=False
        )
        self._stop, self.died = asyncio.Event(), asyncio.Event()
        upkeep = Upkeep(context, lambda: live.lanes, Keeping(public_url=self.public_url), world.around.now())
        jobs = [*live.jobs(), *upkeep.jobs()]
        rng = random.Random(world.around.rng.random())
        works = [live.run(self._stop), *(_again(job, rng, world.around.sleep) for job in jobs)]
        self._tasks = [asyncio.ensure_future(work) for work in works]
        return live

    def poke(self) -> None:
        """Somebody changed the ledger from outside: who runs looks at once."""
        if self.live is not None and not self.died.is_set():
            self.live.poke()

    def fell(self) -> None:
        """The process is dead: it takes in nothing more until it is started again."""
        self.inbox = None
        for task in self._tasks:
            task.cancel()
        self.died.set()

    async def kill(self) -> None:
        """Die at once, at whatever await each task stands; connectors and all else in memory are gone."""
        await self._end()
        self.world.restart()

    async def stop(self) -> None:
        """Come to an orderly end."""
        self._stop.set()
        if self._tasks:
            await self._tasks[0]
        await self._end()

    async def _end(self) -> None:
        self.inbox = None
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self.bugs += [error for error in ended if isinstance(error, Exception)]
        if self.live is not None:
            self.bugs += self.live.bugs
            self.live = None


async def _again(job: Job, rng: random.Random, sleep: Callable[[float], Awaitable[None]]) -> None:
    """A turn of a job that the disk or a platform spoils is no more than one turn, as in the daemon's schedule."""
    if job.at_start:
        await _turn(job)
    while True:
        await sleep(_wait(job.every, job.jitter, rng))
        await _turn(job)


async def _turn(job: Job) -> None:
    with suppress(StoreError):
        await job.run()


def _wait(every: timedelta, jitter: timedelta, rng: random.Random) -> float:
    return every.total_seconds() + rng.uniform(-1, 1) * jitter.total_seconds()
