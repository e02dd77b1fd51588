"""A clock that tests move, and a caller that speaks GraphQL to a shop in this process."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from bridge.sandbox.kit.platform import Platform
from bridge.sandbox.kit.transport import InProcess

HOST = "https://shop.test"
PAYLOADS = Path(__file__).parent.parent / "payloads" / "shopify"


class Clock:
    """Stands still until it is told to move."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **by: float) -> None:
        self.time += timedelta(**by)

    async def sleep(self, seconds: float) -> None:
        self.forward(seconds=seconds)


class Caller:
    """Sends GraphQL to one shop."""

    def __init__(self, platform: Platform, clock: Clock) -> None:
        self.platform = platform
        self.shop: Any = platform.shop
        self.clock = clock
        self.http = httpx.AsyncClient(transport=InProcess({"shop.test": platform.app}), base_url=HOST)
        self.headers = {"X-Shopify-Access-Token": platform.credentials["access_token"]}
        self.keys = 0

    async def post(
        self, text: str, variables: dict[str, Any] | None = None, version: str = "2026-10"
    ) -> httpx.Response:
        body = {"query": text, "variables": variables or {}}
        return await self.http.post(f"/admin/api/{version}/graphql.json", json=body, headers=self.headers)

    async def ask(self, text: str, variables: dict[str, Any] | None = None, version: str = "2026-10") -> Any:
        """Return the whole answer."""
        return (await self.post(text, variables, version)).json()

    async def data(self, text: str, variables: dict[str, Any] | None = None, version: str = "2026-10") -> Any:
        """Return the data of an answer that must be without errors."""
        answer = await self.ask(text, variables, version)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def key(self) -> str:
        self.keys += 1
        return f"key-{self.keys}"


def tee(sku: str = "TEE", stock: Any = 5, **more: Any) -> dict[str, Any]:
    """Describe a product of one variant for `seed`."""
    return {"title": f"Tee {sku}", "variants": [{"sku": sku, "price": "10.00", "stock": stock, **more}]}
