"""An Etsy shop under a simulated clock; `shop.ask` sends one request with key and token, and returns the answer."""

import asyncio
import random
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from bridge.sandbox.etsy import build
from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.sandbox.kit.transport import InProcess

Open = Callable[..., SimpleNamespace]
ROOT = "/v3/application"


@pytest.fixture
def open_shop() -> Iterator[Open]:
    """Open shops with options; each has its own simulated clock."""
    loops: list[SimulatedLoop] = []

    def open_one(**options: Any) -> SimpleNamespace:
        loop = SimulatedLoop()
        loops.append(loop)
        platform = build(now=loop.now, sleep=asyncio.sleep, rng=random.Random(1), host="http://etsy.test", **options)
        client = httpx.AsyncClient(transport=InProcess({"etsy.test": platform.app}), base_url="http://etsy.test")
        known = platform.credentials
        shop = SimpleNamespace(platform=platform, people=platform.shop, known=known)
        shop.headers = {"x-api-key": f"{known['keystring']}:{known['shared_secret']}"}

        def renew(refresh: str) -> httpx.Response:
            form = {"grant_type": "refresh_token", "client_id": known["keystring"], "refresh_token": refresh}
            return loop.run_until_complete(client.post("/v3/public/oauth/token", data=form))

        def ask(method: str, path: str, **extra: Any) -> httpx.Response:
            headers = {**shop.headers, **extra.pop("headers", {})}
            return loop.run_until_complete(client.request(method, ROOT + path, headers=headers, **extra))

        shop.renew, shop.ask = renew, ask
        shop.later = lambda seconds: loop.run_until_complete(asyncio.sleep(seconds))
        shop.tokens = renew(known["refresh_token"]).json()
        shop.headers["authorization"] = f"Bearer {shop.tokens['access_token']}"
        return shop

    yield open_one
    for loop in loops:
        loop.close()


@pytest.fixture
def shop(open_shop: Open) -> SimpleNamespace:
    """A shop with one listing in three sizes, four of each."""
    shop = open_shop()
    sizes = [{"sku": f"TEE-{size}", "price": "9.00", "stock": 4, "options": {"Size": size}} for size in "SML"]
    shop.listing = shop.people.seed([{"title": "Tee", "variants": sizes}])[0]["product"]
    return shop
