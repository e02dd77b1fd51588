"""The daemon's engine in a world: started, killed and stopped under the world's clock, its schedule kept by plain timers."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from bridge.engine.lane import Pace
from bridge.engine.live import Job, Live
from bridge.rehearsal.world import World

__all__ = ["Watch"]


@dataclass(slots=True)
class Watch:
    """One daemon. `kill` ends it wherever it stands, as a crash would; `stop` as a person would."""

    world: World
    pace: Pace = field(default_factory=Pace)
    live: Live | None = None
    bugs: list[Exception] = field(default_factory=list)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> Live:
        """Start on the world's database; nothing is remembered from before."""
        self.live = Live(self.world.context, self.pace)
        self._stop = asyncio.Event()
        self._tasks = [asyncio.ensure_future(self.live.run(self._stop))]
        rng = random.Random(self.world.around.rng.random())
        self._tasks += [asyncio.ensure_future(_again(job, rng, self.world.around.sleep)) for job in self.live.jobs()]
        return self.live

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
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self.bugs += [error for error in ended if isinstance(error, Exception)]
        if self.live is not None:
            self.bugs += self.live.bugs


async def _again(job: Job, rng: random.Random, sleep: Callable[[float], Awaitable[None]]) -> None:
    while True:
        await sleep(_wait(job.every, job.jitter, rng))
        await job.run()


def _wait(every: timedelta, jitter: timedelta, rng: random.Random) -> float:
    return every.total_seconds() + rng.uniform(-1, 1) * jitter.total_seconds()
