"""A seller account and its connector on simulated time; built with options of the stand-in where a test needs them."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bridge.sandbox.kit.loop import SimulatedLoop
from tests.contract.bench import Bench, make


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on simulated time."""
    return "asyncio", {"loop_factory": SimulatedLoop}


@pytest.fixture
async def shop(anyio_backend: object) -> AsyncIterator[Callable[..., Bench]]:
    """Make benches; all that was opened is closed."""
    made: list[Bench] = []

    def build(**options: Any) -> Bench:
        made.append(make("amazon", **options))
        return made[-1]

    yield build
    for bench in made:
        for connector in bench.opened:
            assert connector.close is not None
            await connector.close()
