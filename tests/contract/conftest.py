"""One suite for every connector of the name map, each test on a bench of its own, under simulated time."""

import importlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bridge.sandbox.kit.loop import SimulatedLoop
from tests.contract.bench import Bench, make
from tests.contract.facts import FACTS, limits_of


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "where(name): only connectors whose Limits or facts have this, `not name` for the opposite"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what a connector does not offer: such a test says nothing about it."""
    out = [item for item in items if not _concerns(item)]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in set(out)]


def _concerns(item: pytest.Item) -> bool:
    name = getattr(item, "callspec", None) and item.callspec.params.get("name")  # type: ignore[attr-defined]
    if name not in FACTS or "contract" not in item.path.parts:
        return True
    facts, limits = FACTS[name], limits_of(name)
    wanted = [mark.args[0] for mark in item.iter_markers("offers")]
    for mark in item.iter_markers("where"):
        word = mark.args[0].removeprefix("not ")
        have = getattr(facts, word) if hasattr(facts, word) else getattr(limits, word)
        if bool(have) == mark.args[0].startswith("not "):
            return False
    return all(port in facts.offers for port in wanted)


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
