"""One suite for every connector of the name map, each test on a bench of its own, under simulated time."""

import importlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bridge.sandbox.kit.loop import SimulatedLoop
from tests.contract.bench import Bench, make
from tests.contract.facts import FACTS
from tests.contract.selection import left_out

LEFT_OUT = pytest.StashKey[Counter[tuple[str, str]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEFT_OUT] = Counter()
    config.addinivalue_line(
        "markers",
        "where(word): only connectors that have this (tests/contract/selection.py), `not word` for the opposite",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what does not concern a connector: such a test says nothing about it. The reasons are told."""
    out = [item for item in items if _left_out(config, item)]
    if out:
        config.hook.pytest_deselected(items=out)
        gone = set(out)
        items[:] = [item for item in items if item not in gone]


def _left_out(config: pytest.Config, item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    name = callspec.params.get("name") if callspec else None
    if name not in FACTS or "contract" not in item.path.parts:
        return False
    reason = left_out(name, item.iter_markers())
    if reason:
        config.stash[LEFT_OUT][name, reason] += 1
    return bool(reason)


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Say what was left out, on which platform and why."""
    told: dict[str, list[str]] = {}
    for (name, reason), count in sorted(config.stash[LEFT_OUT].items()):
        told.setdefault(name, []).append(f"{count} {reason}")
    return [f"contract, left out on {name}: {'; '.join(reasons)}" for name, reasons in told.items()]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on simulated time: waiting for an hour takes no time, and is exact."""
    return "asyncio", {"loop_factory": SimulatedLoop}


@pytest.fixture(params=list(FACTS))
def name(request: pytest.FixtureRequest) -> str:
    """The platform under test."""
    return str(request.param)


@pytest.fixture
async def new_bench(anyio_backend: object, name: str) -> AsyncIterator[Callable[..., Bench]]:
    """Make benches whose stand-ins are built with options; all that was opened is closed."""
    made: list[Bench] = []

    def build(**options: Any) -> Bench:
        made.append(make(name, **options))
        return made[-1]

    yield build
    for bench in made:
        for connector in bench.opened:
            assert connector.close is not None
            await connector.close()


@pytest.fixture
async def bench(new_bench: Callable[..., Bench]) -> Bench:
    """An empty shop and its connector."""
    return new_bench()


@pytest.fixture
def module(name: str) -> Any:
    """The connector's package."""
    return importlib.import_module(f"connectors.{name}")
