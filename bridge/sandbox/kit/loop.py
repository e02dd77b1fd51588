"""An asyncio loop whose time is simulated: it jumps to the next timer whenever nothing is ready.

Hours of trading pass in seconds and every run with one seed is the same run, because no real clock takes part.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from contextvars import Context
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
# What a datetime can tell.
_SHORTEST = 1e-6
START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


class _Selector(selectors.SelectSelector):
    """Never waits: the time it was asked to wait is added to the simulated clock instead."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            # Work handed to a real thread: the only thing that can wake us is the loop's own wake-up pipe.
            return super().select(None)
        self.elapsed += max(timeout, 0.0)
        return ready


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Runs coroutines under simulated time; `now()` is the simulated wall clock."""

    def __init__(self, start: datetime = START) -> None:
        self._clock = _Selector()
        self._start = start
        super().__init__(self._clock)
        # A timer is due within the clock's resolution. After half a year of seconds the nanosecond that asyncio takes for it is lost in a
        # float, and a timer that is due at this very moment would be waited for for ever.
        self._clock_resolution = _SHORTEST

    def time(self) -> float:
        return self._clock.elapsed

    def call_later(
        self, delay: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """A wait takes a microsecond at least: a shorter one would be lost in the float, and whoever waits again wait for ever."""
        return super().call_later(max(delay, _SHORTEST) if delay > 0 else delay, callback, *args, context=context)

    def now(self) -> datetime:
        """Return the simulated time in UTC."""
        return self._start + timedelta(seconds=self._clock.elapsed)


def run_simulated(main: Coroutine[Any, Any, T], loop: SimulatedLoop) -> T:
    """Run `main` to its end on `loop` and close the loop, cancelling whatever is left."""
    try:
        return loop.run_until_complete(main)
    finally:
        loop.run_until_complete(_cancel_leftovers())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _cancel_leftovers() -> None:
    leftovers = asyncio.all_tasks() - {asyncio.current_task()}
    for task in leftovers:
        task.cancel()
    await asyncio.gather(*leftovers, return_exceptions=True)
