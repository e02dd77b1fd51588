"""WooCommerce stand-ins for the tests."""

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from bridge.sandbox.kit.transport import InProcess
from bridge.sandbox.woocommerce import build

from .bench import Bench, MakeBench, sized, variant


@pytest.fixture(scope="module")
def make_bench() -> Iterator[MakeBench]:
    """Build any number of shops; `host` and the options of `build` are keywords."""
    loop = asyncio.new_event_loop()
    clients: list[httpx.AsyncClient] = []

    def make(host: str = "https://shop.test", **options: Any) -> Bench:
        time = [datetime(2026, 11, 2, 8, tzinfo=UTC).timestamp()]
        asleep = options.pop("sleep", asyncio.sleep)
        platform = build(
            now=lambda: datetime.fromtimestamp(time[0], UTC), sleep=asleep, rng=random.Random(7), host=host, **options
        )
        transport = InProcess({httpx.URL(host).host: platform.app})
        client = httpx.AsyncClient(transport=transport, base_url=host)
        clients.append(client)
        keys = platform.credentials
        return Bench(platform, time, loop, client, (keys["consumer_key"], keys["consumer_secret"]))

    yield make
    for client in clients:
        loop.run_until_complete(client.aclose())
    loop.close()


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    """An empty shop of version 11.0.1."""
    return make_bench()


@pytest.fixture
def stocked(bench: Bench) -> Bench:
    """A shop with a mug (11), a shirt in two sizes (12: 13, 14) and a cap counted as a whole (15: 16, 17)."""
    bench.shop.seed(
        [
            {"title": "Mug", "variants": [variant("MUG")]},
            {"title": "Shirt", "variants": sized("SHIRT", 5, "S", "M")},
            {"title": "Cap", "stock_at": "parent", "variants": sized("CAP", 8, "S", "M")},
        ]
    )
    bench.forward(60)
    return bench
