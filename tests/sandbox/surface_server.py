"""A surface's stand-in on a free port of this machine, for clients that bring their own network."""

import asyncio
import importlib
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import uvicorn

from bridge.sandbox.kit.faults import CutByServer

__all__ = ["served"]


class _Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@contextmanager
def served(name: str, **options: Any) -> Iterator[SimpleNamespace]:
    """Serve a new stand-in with one product, TEE: ten at 12.50."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    build: Any = importlib.import_module(f"bridge.sandbox.{name}").build
    platform = build(now=lambda: datetime.now(UTC), sleep=asyncio.sleep, rng=random.Random(1), host=url, **options)
    server = _Server(uvicorn.Config(CutByServer(platform.app), log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    assert server.listens.wait(20)
    platform.shop.seed([{"title": "Tee", "variants": [{"sku": "TEE", "price": "12.50", "stock": 10}]}])
    try:
        yield SimpleNamespace(platform=platform, shop=platform.shop, url=url, credentials=platform.credentials)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
