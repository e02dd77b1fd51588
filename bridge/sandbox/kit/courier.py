"""Webhooks on their way: a stand-in hands over parcels, the courier brings them, late, twice or never where mischief says so.

What a platform does with the answer (retry, count failures, give up) stays the platform's own business.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

__all__ = ["Ask", "Courier", "Mischief", "Parcel", "Post"]

Sleep = Callable[[float], Awaitable[None]]
Post = Callable[[str, Mapping[str, str], bytes], Awaitable[int]]
"""Brings a body to a URL and returns the status of the answer, 0 where none came."""
Ask = Callable[[str], Awaitable[tuple[int, bytes]]]
"""GETs a URL, as a platform does that tries an address before it uses it; returns status and body, (0, b"") where no answer came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One delivery. `ended` is told the status of the answer (0: none) and says after how many seconds to try again, or None."""

    url: str
    pack: Callable[[], tuple[Mapping[str, str], bytes]]
    ended: Callable[[int], float | None] = lambda _: None


@dataclass(slots=True, kw_only=True)
class Mischief:
    """What befalls deliveries: shares of them that are lost, brought twice, or late by up to `late_by` seconds.

    Late ones are overtaken by others, so disorder needs no setting of its own."""

    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    late_by: float = 60.0


@dataclass(slots=True)
class Courier:
    """Carries parcels. Without `post` nothing leaves the house: a stand-in nobody listens to. `ask` is for platforms that try an
    address first."""

    sleep: Sleep
    rng: random.Random
    post: Post | None = None
    ask: Ask | None = None
    mischief: Mischief = field(default_factory=Mischief)
    delay: float = 0.02
    brought: int = 0
    lost: int = 0
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    def send(self, parcel: Parcel, after: float | None = None) -> None:
        """Take a parcel; it leaves after `after` seconds (None: the usual delay), at the earliest."""
        if self.post is None:
            return
        wait = self.delay if after is None else after
        self._start(parcel, wait + self._lateness())
        if self.rng.random() < self.mischief.doubled:
            self._start(parcel, wait + self.rng.uniform(0, self.mischief.late_by))

    @classmethod
    def beside(cls, sleep: Sleep, rng: random.Random) -> "Courier":
        """Make a courier whose luck comes from the platform's own, without drawing from it."""
        luck = random.Random()
        luck.setstate(rng.getstate())
        return cls(sleep, luck)

    @property
    def under_way(self) -> int:
        """How many parcels have not come to an end yet, those waiting for a repeat included."""
        return len(self._under_way)

    async def stop(self) -> None:
        """Drop everything that is under way."""
        tasks = list(self._under_way)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _lateness(self) -> float:
        return self.rng.uniform(0, self.mischief.late_by) if self.rng.random() < self.mischief.late else 0.0

    def _start(self, parcel: Parcel, wait: float) -> None:
        task = asyncio.get_running_loop().create_task(self._bring(parcel, wait))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _bring(self, parcel: Parcel, wait: float | None) -> None:
        while wait is not None:
            await self.sleep(wait)
            wait = parcel.ended(await self._hand_over(parcel))

    async def _hand_over(self, parcel: Parcel) -> int:
        """A lost parcel has left the platform, which believes that it arrived."""
        if self.rng.random() < self.mischief.lost:
            self.lost += 1
            return 200
        headers, body = parcel.pack()
        assert self.post is not None
        status = await self.post(parcel.url, headers, body)
        self.brought += 1
        return status
