"""A Square account under a simulated clock; `account.ask` sends one request and returns the answer."""

import asyncio
import random
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.sandbox.kit.transport import InProcess
from bridge.sandbox.square import build

Open = Callable[..., SimpleNamespace]


@pytest.fixture
def open_account() -> Iterator[Open]:
    """Open accounts with options; each has its own simulated clock."""
    loops: list[SimulatedLoop] = []

    def open_one(**options: Any) -> SimpleNamespace:
        loop = SimulatedLoop()
        loops.append(loop)
        platform = build(now=loop.now, sleep=asyncio.sleep, rng=random.Random(1), host="http://square.test", **options)
        client = httpx.AsyncClient(transport=InProcess({"square.test": platform.app}), base_url="http://square.test")
        token = {"authorization": f"Bearer {platform.credentials['access_token']}"}

        async def send(method: str, path: str, body: Any = None, **extra: Any) -> httpx.Response:
            headers = {**token, **extra.pop("headers", {})}
            return await client.request(method, path, json=body, headers=headers, **extra)

        account = SimpleNamespace(
            platform=platform, shop=platform.shop, now=loop.now, send=send, run=loop.run_until_complete
        )
        account.ask = lambda *args, **extra: loop.run_until_complete(send(*args, **extra))
        account.later = lambda seconds: loop.run_until_complete(asyncio.sleep(seconds))
        places = account.ask("GET", "/v2/locations").json()["locations"]
        account.places = {place["name"]: place["id"] for place in places}
        account.main = account.places["Main Street"]
        return account

    yield open_one
    for loop in loops:
        loop.close()


@pytest.fixture
def account(open_account: Open) -> SimpleNamespace:
    """An account with one item in two variations: 10 red, 4 blue."""
    account = open_account()
    account.rows = account.shop.seed(
        [
            {
                "title": "Tee",
                "variants": [
                    {"sku": "TEE-RED", "barcode": "0001", "price": "19.99", "options": {"Colour": "Red"}, "stock": 10},
                    {"sku": "TEE-BLUE", "price": "21.00", "options": {"Colour": "Blue"}, "stock": 4},
                ],
            }
        ]
    )
    account.red = account.rows[0]["variant"]
    account.later(1)
    return account
