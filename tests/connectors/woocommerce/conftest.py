"""A WooCommerce connector on a transport that answers what the test says, and the recordings of real shops."""

import asyncio
import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.contract.ports import Connector
from bridge.wire.http import Surroundings
from connectors.woocommerce import Settings, connect

PAYLOADS = Path(__file__).parent / "payloads"
NOW = datetime(2026, 11, 22, 17, 0, 0, tzinfo=UTC)
Answer = Callable[[httpx.Request], httpx.Response]


class Shop:
    """Answers calls by the first matching route, and remembers them."""

    def __init__(self) -> None:
        self.routes: list[tuple[str, str, Answer]] = []
        self.calls: list[httpx.Request] = []
        self.slept: list[float] = []
        self.now = NOW

    def on(self, method: str, path: str, answer: Answer | object, status: int = 200, **headers: str) -> None:
        """Answer this call; `answer` is a function or the JSON to give. A later rule for the same call comes first."""
        given: Answer = answer if callable(answer) else (lambda _: self.json(answer, status, **headers))
        self.routes.insert(0, (method, path, given))

    def json(self, value: object, status: int = 200, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return httpx.Response(status, json=value, headers={"date": self.date, **named})

    @property
    def date(self) -> str:
        return self.now.strftime("%a, %d %b %Y %H:%M:%S GMT")

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        path = request.url.path.partition("/wp-json/")[2].removeprefix("wc/v3/")
        for method, wanted, answer in self.routes:
            if (request.method, path) == (method, wanted):
                return answer(request)
        raise AssertionError(f"the test expects no {request.method} {path}")

    def sent(self, place: int = -1) -> Any:
        return json.loads(self.calls[place].content)

    def asked(self, place: int = -1) -> dict[str, str]:
        return dict(self.calls[place].url.params)

    def around(self) -> Surroundings:
        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)
            await asyncio.sleep(0)

        return Surroundings(
            now=lambda: self.now,
            time=lambda: 0.0,
            sleep=sleep,
            rng=random.Random(7),
            transport=httpx.MockTransport(self),
        )


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture(scope="session")
def new_shop() -> type[Shop]:
    """For tests that need one per example."""
    return Shop


@pytest.fixture
def settings() -> Settings:
    return Settings(
        url="https://shop.example",
        consumer_key="ck_key0000",
        consumer_secret="cs_secret0000",
        currency="USD",
        weight_unit="kg",
    )


@pytest.fixture
def woo(shop: Shop, settings: Settings) -> Connector:
    return connect(settings, shop.around(), where="web")


@pytest.fixture(params=["11.0.1", "9.9.5"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def recorded() -> Callable[[str, str, str], dict[str, Any]]:
    """Return a recording by version, group and the beginning of its name."""

    def find(version: str, group: str, name: str) -> dict[str, Any]:
        calls = json.loads((PAYLOADS / f"{version}-{group}.json").read_text())
        found: dict[str, Any] = next(call for key, call in calls.items() if key.startswith(name))
        return found

    return find


@pytest.fixture
def recordings() -> Callable[..., Iterator[tuple[str, dict[str, Any]]]]:
    """Walk all recordings of one version, or of some of its groups."""

    def walk(version: str, *groups: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for group in groups:
            calls = json.loads((PAYLOADS / f"{version}-{group}.json").read_text())
            yield from calls.items()

    return walk
