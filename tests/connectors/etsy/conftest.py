"""The Etsy connector on its stand-in, under simulated time: what is Etsy's own, beside the contract suite."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bridge.sandbox.kit.loop import SimulatedLoop
from tests.contract.bench import Bench, make

Open = Callable[..., Bench]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on simulated time."""
    return "asyncio", {"loop_factory": SimulatedLoop}


@pytest.fixture
async def new_shop(anyio_backend: object) -> AsyncIterator[Open]:
    """Open shops whose stand-ins are built with options; their merchants allow no fees unless a test says so."""
    made: list[Bench] = []

    def build(settings: dict[str, Any] | None = None, **options: Any) -> Bench:
        bench = make("etsy", **options)
        bench.connector = bench.connect(renew=False, **(settings or {}))
        made.append(bench)
        return bench

    yield build
    for bench in made:
        for connector in bench.opened:
            assert connector.close is not None
            await connector.close()


@pytest.fixture
async def shop(new_shop: Open) -> Bench:
    """An empty shop, and a merchant who allows no fees."""
    return new_shop()
