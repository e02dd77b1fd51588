"""The budget, to the second, under simulated time."""

import asyncio
from collections.abc import Awaitable, Callable

from hypothesis import given
from hypothesis import strategies as st

from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from bridge.wire.budget import Budget


def spend(main: Callable[[Budget, SimulatedLoop], Awaitable[None]], *, capacity: float, per_second: float) -> None:
    loop = SimulatedLoop()

    async def run() -> None:
        await main(Budget(capacity=capacity, per_second=per_second, time=loop.time, sleep=asyncio.sleep), loop)

    asyncio.set_event_loop(loop)
    try:
        run_simulated(run(), loop)
    finally:
        asyncio.set_event_loop(None)


async def times(budget: Budget, loop: SimulatedLoop, costs: list[float]) -> list[float]:
    found = []
    for cost in costs:
        await budget.take(cost)
        found.append(round(loop.time(), 6))
    return found


def test_a_burst_then_the_rate() -> None:
    async def main(budget: Budget, loop: SimulatedLoop) -> None:
        assert await times(budget, loop, [1] * 6) == [0, 0, 0, 0.5, 1.0, 1.5]

    spend(main, capacity=3, per_second=2)


def test_costs_are_in_the_platforms_unit() -> None:
    async def main(budget: Budget, loop: SimulatedLoop) -> None:
        assert await times(budget, loop, [600, 400, 100, 1000]) == [0, 0, 1, 11]

    spend(main, capacity=1000, per_second=100)


def test_a_cost_above_the_capacity_waits_for_a_full_bucket_and_is_paid_back() -> None:
    async def main(budget: Budget, loop: SimulatedLoop) -> None:
        assert await times(budget, loop, [10, 25, 10]) == [0, 10, 35]

    spend(main, capacity=10, per_second=1)


def test_a_rate_that_is_told_is_kept_and_telling_it_again_changes_nothing() -> None:
    async def main(budget: Budget, loop: SimulatedLoop) -> None:
        budget.keep_to(5)
        assert await times(budget, loop, [1] * 5) == [0] * 5, "it is as it was"
        budget.keep_to(2)
        assert await times(budget, loop, [1] * 2) == [0.5, 1.0]
        budget.keep_to(2)
        await asyncio.sleep(10)
        assert await times(budget, loop, [1] * 3) == [11, 11, 11.5]

    spend(main, capacity=5, per_second=5)


def test_no_rate_is_no_limit() -> None:
    async def main(budget: Budget, loop: SimulatedLoop) -> None:
        assert await times(budget, loop, [1] * 50) == [0] * 50

    spend(main, capacity=1, per_second=0)


def test_a_pause_holds_everybody_even_without_a_rate() -> None:
    async def main(budget: Budget, loop: SimulatedLoop) -> None:
        budget.pause(5)
        budget.pause(2)
        assert await times(budget, loop, [1, 1]) == [5, 5]

    spend(main, capacity=1, per_second=0)


def test_a_pause_that_grows_while_somebody_waits_counts_for_him_too() -> None:
    async def main(budget: Budget, loop: SimulatedLoop) -> None:
        budget.pause(5)
        waiting = asyncio.ensure_future(times(budget, loop, [1]))
        await asyncio.sleep(3)
        budget.pause(10)
        assert await waiting == [13]

    spend(main, capacity=1, per_second=0)


def test_the_platforms_own_report_is_believed() -> None:
    async def main(budget: Budget, loop: SimulatedLoop) -> None:
        budget.learn(available=0, capacity=100, per_second=10)
        assert await times(budget, loop, [50]) == [5]
        budget.learn(available=500, capacity=100, per_second=10)
        assert await times(budget, loop, [100, 10]) == [5, 6]

    spend(main, capacity=1000, per_second=50)


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 5)), min_size=1, max_size=30),
    st.integers(5, 20),
    st.integers(1, 5),
)
def test_no_window_ever_carries_more_than_the_bucket_allows(
    asks: list[tuple[int, int]], capacity: int, rate: int
) -> None:
    """Whoever asks whenever: between any two moments at most capacity + rate x time is spent."""
    spent: list[tuple[float, int]] = []

    async def main(budget: Budget, loop: SimulatedLoop) -> None:
        async def ask(delay: int, cost: int) -> None:
            await asyncio.sleep(delay)
            await budget.take(cost)
            spent.append((loop.time(), cost))

        await asyncio.gather(*(ask(delay, cost) for delay, cost in asks))

    spend(main, capacity=capacity, per_second=rate)
    assert len(spent) == len(asks)
    for start, (begin, _) in enumerate(spent):
        total = 0
        for moment, cost in spent[start:]:
            total += cost
            assert total <= capacity + rate * (moment - begin) + 1e-6
