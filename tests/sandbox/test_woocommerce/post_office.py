"""Where the shop's deliveries go in a test: everything is kept, and answered as the test says."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .bench import Bench, MakeBench

T = TypeVar("T")
SECRET = "s3cr3t"
URL = "https://bridge.test/hooks/web"


@dataclass(frozen=True, slots=True)
class Letter:
    """One request as it came in."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def topic(self) -> str:
        return self.headers.get("x-wc-webhook-topic", "ping")

    @property
    def payload(self) -> Any:
        return json.loads(self.body)

    def signed_with(self, secret: str) -> bool:
        digest = hmac.new(secret.encode(), self.body, hashlib.sha256).digest()
        return self.headers["x-wc-webhook-signature"] == base64.b64encode(digest).decode()


@dataclass(slots=True)
class Queue:
    """The shop's queue of deliveries: it stands still until it is told to run. Pings do not go through it."""

    running: asyncio.Event = field(default_factory=asyncio.Event)

    async def sleep(self, seconds: float) -> None:
        if seconds:
            await self.running.wait()
        await asyncio.sleep(0)


@dataclass(slots=True)
class PostOffice:
    """Hears what the shop sends. `answer` gives the status for a URL (0: nobody there)."""

    bench: Bench
    queue: Queue
    answer: Callable[[str], int] = lambda _: 200
    letters: list[Letter] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bench.platform.courier.post = self.receive

    async def receive(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        self.letters.append(Letter(url, headers, body))
        return self.answer(url)

    def register(self, *topics: str, **more: Any) -> list[dict[str, Any]]:
        """Register these topics and let the pings pass."""
        body = {"delivery_url": URL, "secret": SECRET, **more}
        made = [self.bench.post("webhooks", topic=topic, **body) for topic in topics]
        self.collect()
        return made

    def do(self, verb: Callable[[], T]) -> T:
        """Let a shopper or the merchant do something while the shop's loop runs."""

        async def act() -> T:
            return verb()

        return self.bench.loop.run_until_complete(act())

    def collect(self) -> list[Letter]:
        """Let the queue run empty, and return what came since the last time."""
        self.bench.loop.run_until_complete(self._drain())
        found, self.letters = self.letters, []
        return found

    def topics(self) -> list[str]:
        """Collect, and return the topics alone."""
        return [letter.topic for letter in self.collect()]

    async def _drain(self) -> None:
        self.queue.running.set()
        while self.bench.platform.courier.under_way:  # noqa: ASYNC110 - nothing here waits for time, only for its turn
            await asyncio.sleep(0)
        self.queue.running.clear()


def open_office(make_bench: MakeBench, *host: str, **options: Any) -> PostOffice:
    """Build a shop and listen to it."""
    queue = Queue()
    return PostOffice(make_bench(*host, sleep=queue.sleep, **options), queue)
