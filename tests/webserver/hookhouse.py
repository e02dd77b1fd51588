"""A bridge with one channel `shop` whose webhooks are those of the small platform of tests/engine/hookport.py, seen from outside."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message

from bridge.app import App
from bridge.config import load
from bridge.contract.webhooks import HandshakePort
from bridge.engine.inbox import Inbox
from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from bridge.store import deliveries
from bridge.store.deliveries import Stored
from bridge.webserver.server import build
from bridge.webserver.web import Health, Web
from tests.engine.hookport import HookPort, signature

__all__ = ["HookHouse", "call"]

T = TypeVar("T")
_CONFIG = """
database = "{database}"

[channels.shop]
platform = "woocommerce"
url = "https://shop.example"
consumer_key = "ck_1"
consumer_secret = "cs_1"
"""


@dataclass(slots=True)
class HookHouse:
    """One bridge in a folder. `more` is added to its config, `health` is how the daemon says it is."""

    folder: Path
    more: str = '[daemon]\npublic_url = "https://bridge.example"\n'
    port: HookPort = field(default_factory=lambda: HookPort(secrets=("s1",)))
    health: Health = field(default_factory=Health)
    handshake: HandshakePort | None = None
    app: App = field(init=False)
    inbox: Inbox = field(init=False)
    server: Starlette = field(init=False)

    def __post_init__(self) -> None:
        file = self.folder / "config.toml"
        file.write_text(_CONFIG.format(database=self.folder / "bridge.db") + self.more)
        file.chmod(0o600)
        self.app = App.open(load(file))
        greets = {"shop": self.handshake} if self.handshake is not None else {}
        self.inbox = Inbox(
            self.app.database, {"shop": self.port}, self.app.now, lambda _: None, threads=False, handshakes=greets
        )
        web = Web(app=self.app, inbox=self.inbox, health=lambda: self.health, poke=lambda: None)
        self.server = build(web)

    def close(self) -> None:
        """Close the database."""
        self.app.close()

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run under simulated time."""
        return run_simulated(main, SimulatedLoop())

    def ask(self, method: str, path: str, *, client: str = "203.0.113.9", **more: Any) -> httpx.Response:
        """Send one request; `client` is the address it comes from."""

        async def asking() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.server, client=(client, 50_000))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8470") as session:
                return await session.request(method, path, **more)

        return self.run(asking())

    def post(self, body: bytes, path: str = "/hooks/shop", secret: str = "s1", **headers: str) -> httpx.Response:
        """Deliver as the platform does."""
        return self.ask("POST", path, content=body, headers={"X-Signature": signature(secret, body), **headers})

    @property
    def kept(self) -> list[Stored]:
        """The deliveries that were stored."""
        return self.app.database.read(lambda connection: deliveries.waiting(connection, "shop"))


async def call(
    app: ASGIApp,
    receive: Callable[[], Awaitable[Message]],
    path: str = "/hooks/shop",
    headers: Sequence[tuple[bytes, bytes]] = (),
    **scope: Any,
) -> tuple[int, Mapping[bytes, bytes], bytes]:
    """Call an ASGI application message by message; the status is 0 where it does not answer."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)
        await asyncio.sleep(0)

    whole = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http", "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": list(headers), "client": ("203.0.113.9", 1),
        "server": ("127.0.0.1", 8470), **scope,
    }  # fmt: skip
    await app(whole, receive, send)
    if not sent:
        return 0, {}, b""
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(message["body"] for message in sent[1:])
