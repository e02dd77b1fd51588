"""A WooCommerce stand-in under a clock that the test turns, called in process."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from bridge.sandbox.kit.platform import Platform
from bridge.sandbox.woocommerce.verbs import WooShop


@dataclass(slots=True)
class Bench:
    """One shop, its clock (epoch seconds) and a client that signs with the full key unless told otherwise."""

    platform: Platform
    time: list[float]
    loop: asyncio.AbstractEventLoop
    client: httpx.AsyncClient
    auth: tuple[str, str] = field(default=("", ""))

    @property
    def shop(self) -> WooShop:
        shop = self.platform.shop
        assert isinstance(shop, WooShop)
        return shop

    def forward(self, seconds: float) -> None:
        self.time[0] += seconds

    def call(self, method: str, path: str, *, api: str = "/wp-json/wc/v3/", **request: Any) -> httpx.Response:
        request.setdefault("auth", self.auth)
        return self.loop.run_until_complete(self.client.request(method, api + path, **request))

    def get(self, path: str, **params: Any) -> Any:
        answer = self.call("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def put(self, path: str, **body: Any) -> Any:
        answer = self.call("PUT", path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, **body: Any) -> Any:
        answer = self.call("POST", path, json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def refused(self, method: str, path: str, **request: Any) -> tuple[int, str]:
        answer = self.call(method, path, **request)
        return answer.status_code, answer.json()["code"]


MakeBench = Callable[..., Bench]


def variant(sku: str, stock: int | None = 10, price: str = "10.00", **more: Any) -> dict[str, Any]:
    return {"sku": sku, "price": price, "stock": stock, **more}


def sized(sku: str, stock: int | None, *sizes: str) -> list[dict[str, Any]]:
    return [variant(f"{sku}-{size}", stock, options={"Size": size}) for size in sizes]
