"""The simulated clock: it keeps running however far it has come."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from bridge.sandbox.kit.loop import START, SimulatedLoop, run_simulated


def told(story: Callable[[SimulatedLoop], Coroutine[Any, Any, None]]) -> SimulatedLoop:
    """Run a story; a clock that is looked at again and again stands still."""
    loop = SimulatedLoop()
    select = loop._selector.select  # type: ignore[attr-defined]
    looks = 0

    def counted(timeout: float | None = None) -> object:
        nonlocal looks
        looks += 1
        assert looks < 100_000, f"the clock stands still at {loop.now()}"
        return select(timeout)

    loop._selector.select = counted  # type: ignore[attr-defined]
    asyncio.set_event_loop(loop)
    try:
        run_simulated(story(loop), loop)
    finally:
        asyncio.set_event_loop(None)
    return loop


def test_a_year_passes() -> None:
    """The replay of a year found it: from 2^24 seconds on, a timer that was due at this very moment was waited for for ever."""

    async def story(loop: SimulatedLoop) -> None:
        del loop
        for _ in range(400 * 7 + 1):
            await asyncio.sleep(86_400 / 7)

    assert told(story).now() >= START + timedelta(days=400)


def test_whoever_waits_for_next_to_nothing_gets_on() -> None:
    """A budget of calls waits for what it lacks; after some months of seconds that may be less than a float can add to them."""

    async def story(loop: SimulatedLoop) -> None:
        await asyncio.sleep(200 * 86_400)
        until = loop.time() + 4e-9
        for _ in range(1_000):
            if loop.time() >= until:
                return
            await asyncio.sleep((until - loop.time()) / 4)
        raise AssertionError("the time never comes")

    told(story)
