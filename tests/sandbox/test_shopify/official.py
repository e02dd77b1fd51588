"""A stand-in on a real socket, and the official client (ShopifyAPI 12.7), unchanged, with a session on it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import shopify
import uvicorn

from bridge.sandbox.kit.platform import Platform

__all__ = ["session_on"]


class _Server(uvicorn.Server):
    """Says when it listens, so that nobody has to wait by the clock."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@contextmanager
def session_on(platform: Platform) -> Iterator[Any]:
    """Serve the stand-in and open a session; yields the client's module.

    `Session.setup` is the client's own way to another host: shop, domain and port together are 127.0.0.1:PORT.
    """
    server = _Server(uvicorn.Config(platform.app, host="127.0.0.1", port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.listening.wait(10)
    port = server.servers[0].sockets[0].getsockname()[1]
    before = (shopify.Session.protocol, shopify.Session.myshopify_domain, shopify.Session.port)
    shopify.Session.setup(protocol="http", myshopify_domain="0.0.1", port=port)
    made = shopify.Session("127", "2026-10", platform.credentials["access_token"])
    shopify.ShopifyResource.activate_session(made)
    try:
        yield shopify
    finally:
        shopify.ShopifyResource.clear_session()
        shopify.Session.setup(protocol=before[0], myshopify_domain=before[1], port=before[2])
        server.should_exit = True
        thread.join(10)
