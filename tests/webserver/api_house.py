"""A house with an API: the stand-ins and the bridge in simulated time, and a till that calls /api/v1."""

import hashlib
import itertools
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette

from bridge.app import App
from bridge.config.load import Loaded, parse
from bridge.engine.events import Events
from bridge.engine.inbox import Inbox
from bridge.webserver import api
from bridge.webserver.web import Health, Web
from tests.engine.bench import Bench, tell

__all__ = ["House", "api_story", "loaded"]

TOKENS = {
    "till": ["read", "stock", "holds", "loyalty"],
    "other": ["read", "stock", "holds", "loyalty"],
    "reader": ["read"],
    "scraper": ["metrics"],
}


def loaded(more: str = "") -> Loaded:
    """A config with a channel, and a token for each name in TOKENS: the token is its name and "-secret"."""
    rows = [
        f'[[tokens]]\nname = "{name}"\nhash = "{hashlib.sha256(f"{name}-secret".encode()).hexdigest()}"\nscopes = {scopes}'
        for name, scopes in TOKENS.items()
    ]
    shop = '[channels.woocommerce]\nplatform = "woocommerce"\nurl = "https://woo.sandbox"\n'
    return parse("\n".join([shop, *rows, more]), file=Path("config.toml"), environment={})


class House:
    """One start of the bridge's web server; another one on the same bench is a restart."""

    def __init__(self, bench: Bench, events: Events | None = None, config: str = "") -> None:
        self.bench = bench
        self.pokes = 0
        world = bench.world
        self.app = App(
            loaded(config), world.database, surroundings=world.around, progress=lambda *_: None, warn=lambda _: None
        )
        self.app.live = world.context
        self.app.live.events = events
        inbox = Inbox(world.database, {}, world.around.now, lambda _: None, threads=False)
        web = Web(app=self.app, inbox=inbox, health=Health, poke=self._poke)
        transport = httpx.ASGITransport(Starlette(routes=api.routes(web)))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://bridge")
        self._keys = itertools.count()

    def _poke(self) -> None:
        self.pokes += 1

    async def get(self, path: str, token: str = "till", **more: Any) -> httpx.Response:
        """Look at something."""
        return await self.client.get(f"/api/v1{path}", headers=_bearer(token), **more)

    async def post(self, path: str, body: Any = None, *, key: str = "", token: str = "till") -> httpx.Response:
        """Have something done, under a new key unless one is given."""
        headers = {**_bearer(token), "idempotency-key": key or f"key-{next(self._keys)}"}
        if body is None:
            return await self.client.post(f"/api/v1{path}", headers=headers)
        return await self.client.post(f"/api/v1{path}", headers=headers, json=body)

    async def sell(
        self, name: str, units: dict[str, int], *, at: str = "", key: str = "", **more: Any
    ) -> httpx.Response:
        """Report a sale, of now unless told otherwise."""
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in units.items()]
        body = {"id": name, "occurred_at": at or self.now, "lines": lines, **more}
        return await self.post("/sales", body, key=key)

    async def count(self, sku: str, quantity: int, *, at: str = "", key: str = "") -> httpx.Response:
        """Report a count, of now unless told otherwise."""
        return await self.post("/counts", {"sku": sku, "quantity": quantity, "counted_at": at or self.now}, key=key)

    @property
    def now(self) -> str:
        """The simulated time, as a till writes it."""
        now: datetime = self.bench.world.around.now()
        return now.isoformat()


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}-secret"} if token else {}


def api_story(story: Callable[[House], Coroutine[Any, Any, None]], *names: str, **more: Any) -> None:
    """Tell a story of a till that calls the API of a bridge with these channels; at its end every channel shows what it must."""

    async def told(bench: Bench) -> None:
        await story(House(bench))
        await bench.sync()

    tell(told, *(names or ("woocommerce",)), **more)
