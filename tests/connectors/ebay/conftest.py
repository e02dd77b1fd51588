"""An eBay seller under a simulated clock, and the connector that talks to it."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
import pytest

from bridge.contract.ports import Connector
from bridge.sandbox.ebay import build
from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.sandbox.kit.platform import Platform
from bridge.sandbox.kit.transport import InProcess
from bridge.wire.http import Surroundings
from connectors.ebay import Settings, connect

T = TypeVar("T")
HOST = "ebay.test"


class Wire(httpx.AsyncBaseTransport):
    """Keeps what was sent; `instead` may answer in the platform's place."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner
        self.sent: list[httpx.Request] = []
        self.instead: Callable[[httpx.Request], httpx.Response | None] = lambda _: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one call."""
        await request.aread()
        self.sent.append(request)
        return self.instead(request) or await self.inner.handle_async_request(request)

    def paths(self, end: str = "") -> list[str]:
        """Return the paths called that end so."""
        return [one.url.path for one in self.sent if one.url.path.endswith(end)]


@dataclass(slots=True)
class House:
    """One seller: `shop` are the people's verbs, `state` what eBay has on record."""

    loop: SimulatedLoop
    platform: Platform
    wire: Wire
    opened: list[Connector] = field(default_factory=list)

    @property
    def shop(self) -> Any:
        return self.platform.shop

    @property
    def state(self) -> Any:
        return self.platform.shop.state  # type: ignore[attr-defined]

    @property
    def ebay(self) -> Connector:
        """The first connector that was opened."""
        return self.opened[0] if self.opened else self.open()

    def open(self, **settings: Any) -> Connector:
        """Open another connector."""
        around = Surroundings(
            now=self.loop.now, time=self.loop.time, sleep=asyncio.sleep, rng=random.Random(2), transport=self.wire
        )
        values = {**self.platform.credentials, "url": f"https://{HOST}", **settings}
        self.opened.append(connect(Settings(**values), around, where="the-channel"))
        return self.opened[-1]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to its end."""
        return self.loop.run_until_complete(work)

    def act(self, verb: Callable[[], Any]) -> Any:
        """Let somebody do something while the clock runs: what is told of it needs one."""

        async def inside() -> Any:
            return verb()

        return self.run(inside())

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.run(asyncio.sleep(seconds))

    def catalogue(self) -> dict[str, Any]:
        """Read everything, by product id."""

        async def read() -> dict[str, Any]:
            return {one.id: one async for page in self.ebay.catalog.all() for one in page.items}

        return self.run(read())

    def drain(self, feed: Any, cursor: str) -> tuple[list[Any], str]:
        """Read a feed to its end."""

        async def read() -> list[Any]:
            return [page async for page in feed.since(cursor)]

        pages = self.run(read())
        return [one for page in pages for one in page.items], pages[-1].cursor


def good(sku: str, stock: Any = 10, price: str = "12.50", **more: Any) -> dict[str, Any]:
    """Describe a simple product."""
    own: dict[str, Any] = {name: more.pop(name) for name in ("status", "images", "description") if name in more}
    return {"title": f"Title of {sku}", **own, "variants": [{"sku": sku, "stock": stock, "price": price, **more}]}


@pytest.fixture
def build_house() -> Iterator[Callable[..., House]]:
    """Build sellers with options of the stand-in."""
    made: list[House] = []

    def one(**options: Any) -> House:
        loop = SimulatedLoop()
        platform = build(now=loop.now, sleep=asyncio.sleep, rng=random.Random(1), host=f"https://{HOST}", **options)
        made.append(House(loop, platform, Wire(InProcess({HOST: platform.app}))))
        return made[-1]

    yield one
    for house in made:
        house.run(house.platform.courier.stop())
        for connector in house.opened:
            assert connector.close is not None
            house.run(connector.close())  # type: ignore[arg-type]
        house.loop.close()


@pytest.fixture
def house(build_house: Callable[..., House]) -> House:
    """A seller as they come."""
    return build_house()
