"""What every test gets: no network but loopback, asyncio through anyio's plugin, and the folder of official schemas if given."""

import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.postgres", "tests.templates"]

# How long an example takes says how busy the machine is, and nothing about what is tested.
settings.register_profile("bridge", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("bridge")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--specs", default=None, help="folder with the official API schemas; conformance tests need it")
    parser.addoption("--seeds", type=int, default=40, help="how many seeds the scenario suite trades through")
    parser.addoption("--stories", type=int, default=2, help="how many seeds each adversary story is told with")
    parser.addoption("--seed", type=int, default=None, help="replay this one seed of the scenario suite")


@pytest.fixture(scope="session")
def specs(request: pytest.FixtureRequest) -> Path:
    """The folder of official API schemas; skips, saying why, when it was not given."""
    folder = request.config.getoption("--specs")
    if folder is None:
        pytest.skip("official schemas not given: run pytest with --specs=DIR")
    return Path(folder)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse any connection that would leave this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
