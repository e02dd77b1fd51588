"""The simulated clock: it keeps running however far it has come."""

import asyncio
from datetime import timedelta

from bridge.sandbox.kit.loop import START, SimulatedLoop, run_simulated


def test_a_year_passes() -> None:
    """The replay of a year found it: from 2^24 seconds on, a timer that was due at this very moment was waited for for ever."""
    loop = SimulatedLoop()
    looks = 0

    async def story() -> None:
        for _ in range(400 * 7 + 1):
            await asyncio.sleep(86_400 / 7)

    select = loop._selector.select  # type: ignore[attr-defined]

    def counted(timeout: float | None = None) -> object:
        nonlocal looks
        looks += 1
        assert looks < 100_000, f"the clock stands still at {loop.now()}"
        return select(timeout)

    loop._selector.select = counted  # type: ignore[attr-defined]
    asyncio.set_event_loop(loop)
    try:
        run_simulated(story(), loop)
    finally:
        asyncio.set_event_loop(None)
    assert loop.now() >= START + timedelta(days=400)
