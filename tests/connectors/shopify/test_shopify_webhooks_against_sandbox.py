"""From what people do in the stand-in shop to what the connector says to look at, in one process under a simulated clock."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import pytest

from bridge.contract.errors import Gone, NeedsPerson
from bridge.contract.webhooks import Delivery, Hint, WebhookPort
from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from bridge.sandbox.kit.transport import InProcess
from bridge.sandbox.shopify import ALL_SCOPES, build
from bridge.sandbox.shopify.control import ShopifyShop
from bridge.wire.http import Surroundings
from connectors.shopify import Settings, connect

URL = "https://bridge.example/hooks/web"
TEE = {"title": "Tee", "variants": [{"sku": "TEE", "price": "10.00", "stock": 9}]}


class World:
    """A shop, the connector of it, and an address that takes its webhooks and believes only what is signed."""

    def __init__(self, loop: SimulatedLoop, **options: Any) -> None:
        rng = random.Random(7)
        scopes = {"scopes": ALL_SCOPES, **options}
        self.platform = build(
            now=loop.now, sleep=asyncio.sleep, rng=rng, host="http://shop.test", compliance_url=URL, **scopes
        )
        assert isinstance(self.platform.shop, ShopifyShop)
        self.shop = self.platform.shop
        around = Surroundings(
            now=loop.now, time=loop.time, sleep=asyncio.sleep, rng=rng,
            transport=InProcess({"shop.test": self.platform.app}),
        )  # fmt: skip
        known = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
        self.channel = connect(Settings(url="http://shop.test", **known), around, where="web")
        self.platform.courier.post = self._take
        self.status = 200
        self.got: list[Hint] = []

    @property
    def port(self) -> WebhookPort:
        assert self.channel.webhooks is not None
        return self.channel.webhooks

    async def _take(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        delivery = Delivery(body=body, headers={name.lower(): text for name, text in headers.items()}, url=url)
        assert self.port.verify(delivery, self.port.secrets) == "genuine"
        self.got += self.port.parse(delivery)
        return self.status

    async def heard(self) -> set[tuple[str, str, str]]:
        """Let everything arrive; return (kind, id, location) of what was hinted at since."""
        await asyncio.sleep(6 * 3600)
        found: set[tuple[str, str, str]] = {(one.kind, one.id, one.location) for one in self.got}
        self.got.clear()
        return found


def play(story: Callable[[World], Coroutine[Any, Any, None]], **options: Any) -> None:
    loop = SimulatedLoop()

    async def run() -> None:
        world = World(loop, **options)
        await story(world)
        assert world.channel.close is not None
        await world.channel.close()
        await world.platform.courier.stop()

    run_simulated(run(), loop)


def number(global_id: str) -> str:
    return global_id.rpartition("/")[2]


def test_every_action_of_a_shop_is_a_hint_at_the_right_thing() -> None:
    async def story(world: World) -> None:
        shop = world.shop
        await world.port.subscribe(world.port.topics, URL, "")
        (row,) = shop.seed([TEE])
        (place,) = (await world.channel.account.check()).locations
        product, stock = ("product", number(row["product"]), ""), ("stock", number(row["stock_id"]), place.id)
        assert await world.heard() == {product, stock}
        sold = shop.sale([{"sku": "TEE", "quantity": 3}])
        order = ("order", number(sold), "")
        assert await world.heard() == {order, stock}
        shop.edit_order(sold, "TEE", 2)
        assert await world.heard() == {order, stock}
        shop.refund(sold, [{"sku": "TEE", "quantity": 1}])
        assert await world.heard() == {order, stock}
        shop.fulfil(sold)
        assert await world.heard() == {order}
        shop.count("TEE", 40)
        assert await world.heard() == {stock}
        shop.edit_product("TEE", title="Shirt")
        assert await world.heard() == {product}
        other = shop.sale([{"sku": "TEE", "quantity": 1}])
        shop.cancel(other)
        assert await world.heard() == {("order", number(other), ""), stock}
        shop.delete_order(other)
        assert await world.heard() == {("order", number(other), "")}
        with pytest.raises(Gone):
            await world.channel.sales.get(number(other))
        shop.delete_product("TEE")
        assert await world.heard() == {product}
        shop.uninstall()
        assert await world.heard() == {("channel", "", "")}

    play(story)


def test_privacy_topics_arrive_without_a_subscription() -> None:
    async def story(world: World) -> None:
        world.shop.seed([TEE])
        sold = world.shop.sale([{"sku": "TEE", "quantity": 1}], customer={"email": "ada@example.com"})
        customer = (await world.channel.sales.get(number(sold))).customer
        assert customer is not None
        for topic in ("customers/data_request", "customers/redact"):
            world.shop.compliance(topic, customer=f"gid://shopify/Customer/{customer.id}")
        await asyncio.sleep(60)
        topics = {one.topic: (one.kind, one.id, one.orders) for one in world.got}
        asked = ("privacy", customer.id, (number(sold),))
        assert topics == {"customers/data_request": asked, "customers/redact": asked}

    play(story)


def test_what_shopify_dropped_after_failures_is_made_again() -> None:
    async def story(world: World) -> None:
        await world.port.subscribe(world.port.topics, URL, "")
        world.shop.seed([TEE])
        await world.heard()
        world.status = 503
        world.shop.count("TEE", 5)
        await world.heard()
        lost = {topic for one in await world.port.subscriptions() for topic in one.topics} ^ set(world.port.topics)
        assert lost == {"inventory_levels/update"}
        world.status = 200
        again = await world.port.subscribe(world.port.topics, URL, "")
        assert {one.topics for one in again} == {(topic,) for topic in world.port.topics}
        world.shop.count("TEE", 6)
        assert {kind for kind, _, _ in await world.heard()} == {"stock"}

    play(story)


def test_a_missing_scope_is_named_and_the_rest_is_told() -> None:
    async def story(world: World) -> None:
        with pytest.raises(NeedsPerson) as caught:
            await world.port.subscribe(world.port.topics, URL, "")
        assert "read_inventory" in caught.value.next_step
        assert "inventory_levels/update" in caught.value.what
        assert "orders/create" not in caught.value.what
        there = {topic for one in await world.port.subscriptions() for topic in one.topics}
        assert there == {topic for topic in world.port.topics if not topic.startswith("inventory_levels/")}

    play(story, scopes=frozenset({"read_products", "read_orders"}))
