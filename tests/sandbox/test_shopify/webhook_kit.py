"""A shop under a simulated clock whose webhooks end in a list."""

import asyncio
import json
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from bridge.sandbox.shopify import build
from bridge.sandbox.shopify.control import ShopifyShop
from tests.sandbox.test_shopify.kit import HOST, Caller, Clock

HOOK = "https://bridge.example/hooks/web"
SUBSCRIBE = """mutation M($topic: WebhookSubscriptionTopic!, $uri: String) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: { uri: $uri }) {
    webhookSubscription { id } userErrors { message } } }"""


@dataclass(frozen=True, slots=True)
class Arrived:
    """One delivery: when, where, and what."""

    at: datetime
    url: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def topic(self) -> str:
        return self.headers["X-Shopify-Topic"]

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


@dataclass(slots=True)
class Post:
    """Takes deliveries; `status` says what it answers."""

    now: Callable[[], datetime]
    status: Callable[[Arrived], int] = lambda _: 200
    got: list[Arrived] = field(default_factory=list)

    async def __call__(self, url: str, headers: Mapping[str, str], raw: bytes) -> int:
        self.got.append(Arrived(self.now(), url, headers, raw))
        return self.status(self.got[-1])

    def topics(self) -> list[str]:
        return [one.topic for one in self.got]

    def take(self) -> list[Arrived]:
        """Return what came, and forget it."""
        taken, self.got = self.got, []
        return taken


class World(Caller):
    """A shop, a caller, and the post."""

    def __init__(self, loop: SimulatedLoop, **options: Any) -> None:
        settings = {"locations": ("Main", "Branch"), **options}
        platform = build(now=loop.now, sleep=asyncio.sleep, rng=random.Random(7), host=HOST, **settings)
        super().__init__(platform, Clock())
        assert isinstance(platform.shop, ShopifyShop)
        self.merchant = platform.shop
        self.post_box = Post(loop.now)
        platform.courier.post = self.post_box

    async def subscribe(self, *topics: str, uri: str = HOOK) -> None:
        for topic in topics:
            made = (await self.data(SUBSCRIBE, {"topic": topic, "uri": uri}))["webhookSubscriptionCreate"]
            assert made["userErrors"] == []

    async def subscribed(self) -> int:
        return int((await self.data("{ webhookSubscriptionsCount { count } }"))["webhookSubscriptionsCount"]["count"])

    async def quiet(self) -> list[Arrived]:
        """Let all repeats come to their end, and return what came."""
        await asyncio.sleep(6 * 3600)
        assert self.platform.courier.under_way == 0
        return self.post_box.take()


def play(story: Callable[[World], Coroutine[Any, Any, None]], **options: Any) -> None:
    """Run a story with a shop on its own simulated clock."""
    loop = SimulatedLoop()

    async def run() -> None:
        world = World(loop, **options)
        async with world.http:
            await story(world)
            await world.platform.courier.stop()

    run_simulated(run(), loop)
