"""Webhooks end to end: the connector subscribes at the stand-in shop, which delivers to whoever verifies and parses."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from bridge.contract.errors import NeedsPerson, TryLater
from bridge.contract.webhooks import Delivery, Hint, Subscription, Verdict, WebhookPort
from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from bridge.sandbox.kit.platform import Platform
from bridge.sandbox.kit.transport import InProcess
from bridge.sandbox.woocommerce import build
from bridge.wire.http import Surroundings
from connectors.woocommerce import Settings, connect

HOOK = "https://bridge.example/hooks/web"
SECRET = "a-secret-of-ours"
MUG = {"title": "Mug", "variants": [{"sku": "MUG", "price": "7.50", "stock": 20}]}
TEE = {
    "title": "Tee",
    "variants": [
        {"sku": "TEE-S", "price": "19.00", "options": {"Size": "S"}, "stock": 5},
        {"sku": "TEE-M", "price": "19.00", "options": {"Size": "M"}, "stock": 6},
    ],
}
CAP = {
    "title": "Cap",
    "stock_at": "parent",
    "variants": [
        {"sku": "CAP-R", "price": "9.00", "options": {"Colour": "Red"}, "stock": 8},
        {"sku": "CAP-B", "price": "9.00", "options": {"Colour": "Blue"}, "stock": 8},
    ],
}


@dataclass(slots=True)
class World:
    """A shop, the webhooks port of its connector, and the receiver of its deliveries, which believes `secrets`."""

    platform: Platform
    port: WebhookPort
    credentials: Callable[..., WebhookPort]
    made: dict[str, dict[str, str]]
    secrets: tuple[str, ...] = (SECRET,)
    down: bool = False
    verdicts: list[Verdict] = field(default_factory=list)
    hints: list[Hint] = field(default_factory=list)

    @property
    def shop(self) -> Any:
        return self.platform.shop

    async def receive(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        if self.down:
            return 503
        delivery = Delivery(body=body, headers=headers, url=url)
        verdict = self.port.verify(delivery, self.secrets)
        self.verdicts.append(verdict)
        if verdict == "genuine":
            self.hints.extend(self.port.parse(delivery))
        return 401 if verdict == "forged" else 200

    async def told(self) -> set[tuple[str, str]]:
        """Wait until everything is delivered, and return what was hinted at."""
        while self.platform.courier.under_way:  # noqa: ASYNC110 - the time is simulated
            await asyncio.sleep(1)
        found = {one for hint in self.hints for one in named(hint)}
        self.hints.clear()
        return found

    async def subscribed(self) -> list[Subscription]:
        made = list(await self.port.subscribe(self.port.topics, HOOK, SECRET))
        assert await self.told() == set()
        return made


def named(hint: Hint) -> list[tuple[str, str]]:
    """What a hint names: an object of a feed, or else accounts and codes."""
    beside = [*(("customer", one) for one in hint.customers), *(("coupon", one) for one in hint.coupons)]
    return beside or [(hint.kind, hint.id)]


Story = Callable[[World], Coroutine[Any, Any, None]]


def play(story: Story, *, url: str = "https://shop.example", version: str = "11.0.1") -> None:
    loop, rng = SimulatedLoop(), random.Random(3)

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds)

    platform = build(now=loop.now, sleep=sleep, rng=rng, host=url, version=version)
    rows = platform.shop.seed([MUG, TEE, CAP])
    transport = InProcess({"shop.example": platform.app})
    around = Surroundings(now=loop.now, time=loop.time, sleep=sleep, rng=rng, transport=transport)

    def port(kind: str = "") -> WebhookPort:
        key, secret = (platform.credentials[f"{kind}consumer_{name}"] for name in ("key", "secret"))
        found = connect(Settings(url=url, consumer_key=key, consumer_secret=secret), around, where="web").webhooks
        assert found is not None
        return found

    world = World(platform, port(), port, {row["sku"]: row for row in rows})
    platform.courier.post = world.receive
    run_simulated(story(world), loop)


VERSIONS = pytest.mark.parametrize("version", ["11.0.1", "9.9.5"])


@VERSIONS
@pytest.mark.parametrize("url", ["https://shop.example", "http://shop.example"])
def test_subscribe_list_and_take_back(version: str, url: str) -> None:
    async def story(world: World) -> None:
        made = await world.subscribed()
        assert world.verdicts == ["greeting"] * len(world.port.topics)
        assert [one.topics[0] for one in made] == list(world.port.topics)
        assert sorted(await world.port.subscriptions(), key=lambda one: int(one.id)) == made
        assert {(one.url, one.active) for one in made} == {(HOOK, True)}
        for one in [*made, made[0]]:
            await world.port.unsubscribe(one.id)
        assert await world.port.subscriptions() == []

    play(story, url=url, version=version)


@VERSIONS
def test_what_people_do_is_hinted_at(version: str) -> None:
    async def story(world: World) -> None:
        await world.subscribed()
        mug, tee, cap = (("product", world.made[sku]["product"]) for sku in ("MUG", "TEE-S", "CAP-R"))
        lines = [{"sku": sku, "quantity": 1} for sku in ("MUG", "TEE-S", "CAP-R")]
        number = world.shop.sale(lines)
        order = ("order", number)
        assert await world.told() == {order, mug, tee, cap}
        world.shop.refund(number, [{"sku": "TEE-S", "quantity": 1}])
        assert await world.told() == {order, tee}
        world.shop.cancel(number)
        assert await world.told() == {order, mug, cap}
        world.shop.trash_order(number)
        assert await world.told() == {order}
        world.shop.restore_order(number)
        assert await world.told() == {order}
        world.shop.count("TEE-M", 9)
        assert await world.told() == {tee}
        world.shop.edit_product("MUG", title="Cup", price="8.00")
        assert await world.told() == {mug}
        # The trash of a product comes as a coupon's, too (mended in 11.2).
        crossed = ("coupon", mug[1])
        world.shop.delete_product("MUG")
        assert await world.told() == {mug, crossed}
        world.shop.restore_product(mug[1])
        assert await world.told() == {mug, ("nothing", "")}, "there is no such coupon to be shown"
        assert set(world.verdicts) == {"greeting", "genuine"}

    play(story, version=version)


@VERSIONS
def test_accounts_and_codes_are_named_beside(version: str) -> None:
    async def story(world: World) -> None:
        await world.subscribed()
        ada = ("customer", world.shop.add_customer(email="ada@example.test"))
        assert await world.told() == {ada}
        code = ("coupon", world.shop.add_coupon("AUTUMN", percent=15))
        assert await world.told() == {code}
        world.shop.edit_coupon("AUTUMN", limit=3)
        assert await world.told() == {code}
        number = world.shop.sale(
            [{"sku": "MUG", "quantity": 1}], codes=["autumn"], customer={"email": "ada@example.test"}, paid=False
        )
        assert ("order", number) in await world.told(), "and nothing of the code"
        world.shop.delete_coupon("AUTUMN")
        assert await world.told() == {code, ("product", code[1])}
        world.shop.delete_customer(ada[1])
        assert await world.told() == {ada}

    play(story, version=version)


@VERSIONS
def test_what_no_webhook_tells(version: str) -> None:
    async def story(world: World) -> None:
        await world.subscribed()
        world.shop.plugin_sets_stock("MUG", 3)
        assert await world.told() == set()

    play(story, version=version)


def test_an_opened_checkout_is_nothing_until_it_is_an_order() -> None:
    async def story(world: World) -> None:
        await world.subscribed()
        number = world.shop.sale([{"sku": "MUG", "quantity": 1}], stage="draft")
        assert await world.told() == {("nothing", "")}
        world.shop.sale([], order=number)
        assert await world.told() == {("order", number), ("product", world.made["MUG"]["product"])}

    play(story, version="9.9.5")


def test_what_is_deleted_before_the_delivery_hints_at_the_channel() -> None:
    async def story(world: World) -> None:
        await world.subscribed()
        world.shop.edit_product("MUG", price="8.00")
        world.shop.woo.catalogue.delete(world.shop.woo.catalogue.items[int(world.made["MUG"]["product"])])
        assert await world.told() == {("channel", "")}

    play(story)


def test_switched_off_after_seven_failures_and_on_again() -> None:
    async def story(world: World) -> None:
        await world.subscribed()
        mug = ("product", world.made["MUG"]["product"])
        # A new product's changes come as product.created, too.
        await asyncio.sleep(60)
        world.down = True
        for quantity in range(7):
            assert [one.active for one in await world.port.subscriptions()] == [True] * len(world.port.topics)
            world.shop.count("MUG", quantity)
            assert await world.told() == set()
        world.down = False
        (off,) = (one for one in await world.port.subscriptions() if not one.active)
        assert off.topics == ("product.updated",)
        world.shop.count("MUG", 10)
        assert await world.told() == set()
        mended = await world.port.mend(off, SECRET)
        assert (mended.id, mended.active) == (off.id, True)
        world.shop.count("MUG", 11)
        assert await world.told() == {mug}

    play(story)


@pytest.mark.parametrize("topics", [("order.created",), ("order.created", "order.updated", "product.updated")])
def test_a_repeat_after_a_lost_answer_makes_no_second_one(topics: tuple[str, ...]) -> None:
    async def story(world: World) -> None:
        world.platform.faults.add(kind="cut_after", method="POST", path="/webhooks$", times=1)
        with pytest.raises(TryLater) as caught:
            await world.port.subscribe(topics, HOOK, SECRET)
        assert caught.value.maybe_applied
        again = await world.port.subscribe(topics, HOOK, SECRET)
        assert sorted(one.id for one in again) == [str(number + 1) for number in range(len(topics))]
        assert len(await world.port.subscriptions()) == len(topics)

    play(story)


def test_a_subscription_of_somebody_else_is_left_alone() -> None:
    async def story(world: World) -> None:
        (theirs,) = await world.port.subscribe(("order.created",), "https://other.example/hook", "theirs")
        ours = await world.subscribed()
        assert theirs.id not in {one.id for one in ours}
        assert theirs in await world.port.subscriptions()

    play(story)


def test_during_a_rotation_both_secrets_are_believed() -> None:
    async def story(world: World) -> None:
        made = {one.topics[0]: one for one in await world.subscribed()}
        world.secrets = ("newer", SECRET)
        await world.port.mend(made["order.created"], "newer")
        world.verdicts.clear()
        number = world.shop.sale([{"sku": "MUG", "quantity": 1}])
        assert await world.told() == {("order", number), ("product", world.made["MUG"]["product"])}
        assert world.verdicts == ["genuine"] * 3
        world.secrets = ("newer",)
        world.verdicts.clear()
        world.shop.sale([{"sku": "MUG", "quantity": 1}])
        await world.told()
        assert sorted(world.verdicts) == ["forged", "forged", "genuine"]

    play(story)


def test_more_than_a_page_of_subscriptions_is_read_whole() -> None:
    async def story(world: World) -> None:
        world.platform.courier.post = None
        for _ in range(101):
            world.shop.woo.webhooks.add(name="x", topic="order.created", delivery_url="https://x.example", secret="x")
        assert len({one.id for one in await world.port.subscriptions()}) == 101

    play(story)


def test_a_key_that_may_only_read_says_so() -> None:
    async def story(world: World) -> None:
        reader = world.credentials("read_")
        assert await reader.subscriptions() == []
        with pytest.raises(NeedsPerson, match="write permission"):
            await reader.subscribe(("order.created",), HOOK, SECRET)

    play(story)


def test_an_address_without_https_in_front_is_for_a_person() -> None:
    async def story(world: World) -> None:
        with pytest.raises(NeedsPerson, match="valid URL") as caught:
            await world.port.subscribe(("order.created",), "bridge.example/hooks/web", SECRET)
        assert "public_url" in caught.value.next_step

    play(story)
