"""Waiting a short while for what a platform carries out later, so that a caller can be told how it ended."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

__all__ = ["outcome"]

T = TypeVar("T")
# Long enough for a small batch on a good day, short enough that nothing else waits for it.
_WAITS = (0.5, 1.0, 2.0, 4.0)


async def outcome(
    look: Callable[[], Awaitable[T | None]], sleep: Callable[[float], Awaitable[None]], waits: Sequence[float] = _WAITS
) -> T | None:
    """Look until there is an outcome; None where the platform is still at work after the last wait."""
    for wait in waits:
        await sleep(wait)
        found = await look()
        if found is not None:
            return found
    return None
