"""A platform's rate limit as a budget that all calls of one channel share."""

from collections.abc import Awaitable, Callable

__all__ = ["Budget"]


class Budget:
    """A leaky bucket in the platform's own unit: calls, or cost points.

    `take` waits until the cost is there. `learn` corrects the belief with what the platform reports, `keep_to` with the rate that it
    allows; `pause` makes everybody wait after it has said "too much". A rate of 0 means the platform states no limit.
    """

    def __init__(
        self,
        *,
        capacity: float,
        per_second: float,
        time: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._capacity = max(capacity, 1.0)
        self._rate = per_second
        self._level = self._capacity
        self._time = time
        self._sleep = sleep
        self._stamp = time()
        self._closed_until = 0.0

    async def take(self, cost: float = 1.0) -> None:
        """Wait until `cost` is available, then spend it. A cost above the capacity waits for a full bucket."""
        while (wait := self._wait_for(min(cost, self._capacity))) > 0:
            await self._sleep(wait)
        if self._rate:
            self._level -= cost

    def learn(self, *, available: float, capacity: float, per_second: float) -> None:
        """Believe the platform's own report of the bucket."""
        self._refill()
        self._capacity, self._rate = max(capacity, 1.0), per_second
        self._level = min(available, self._capacity)

    def keep_to(self, per_second: float) -> None:
        """Go by this rate from now on. As many at once are let through, so that any second sees at most twice as many."""
        if per_second != self._rate:
            self.learn(available=0, capacity=per_second, per_second=per_second)

    def pause(self, seconds: float) -> None:
        """Let nobody through for this long."""
        self._closed_until = max(self._closed_until, self._time() + seconds)

    def _wait_for(self, cost: float) -> float:
        now = self._refill()
        wait = self._closed_until - now
        if self._rate and self._level < cost - 1e-9:
            wait = max(wait, (cost - self._level) / self._rate)
        return wait

    def _refill(self) -> float:
        now = self._time()
        self._level = min(self._capacity, self._level + (now - self._stamp) * self._rate)
        self._stamp = now
        return now
