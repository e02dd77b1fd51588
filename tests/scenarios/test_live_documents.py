"""While products are written, sales go on: what sold out is first, whatever else there is to write."""

import asyncio
from typing import Any

from bridge.engine.context import Documents, Mirroring
from bridge.rehearsal.world import World
from bridge.sandbox.kit.loop import SimulatedLoop
from tests.scenarios.harness_documents import catalog, daemon, everything, fine, make, numbers, simulated, until

WOO, SHOPIFY, SQUARE, ETSY = "woocommerce", "shopify", "square", "etsy"
SKUS = [f"TEE-{number:02}" for number in range(60)]


def goods() -> list[dict[str, Any]]:
    return [
        {"title": sku, "description": "Soft.", "variants": [{"sku": sku, "price": "9.00", "stock": 3}]} for sku in SKUS
    ]


async def met(loop: SimulatedLoop, **rules: Any) -> World:
    world = make(loop, dict.fromkeys((WOO, SQUARE, ETSY), goods()), documents=Documents(owners={"price": WOO}), **rules)
    await world.adopt(WOO)
    await asyncio.sleep(120)
    fine(await everything(world))
    await asyncio.sleep(120)
    return world


def test_a_sale_does_not_wait_for_the_prices_that_are_being_written() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop)
        async with daemon(world) as live:
            await asyncio.sleep(60)
            for sku in SKUS:
                world.platforms[WOO].shop.edit_product(sku, price="7.00")
            live.lanes[WOO].send("poll")
            await asyncio.sleep(5)
            written = [str(variant.price) for _, variant in (await catalog(world, ETSY)).values()]
            assert 0 < written.count("7.00 USD") < len(SKUS), "in the middle of it"
            world.platforms[SQUARE].shop.sale([{"sku": "TEE-59", "quantity": 3}])
            live.lanes[SQUARE].send("poll")
            assert await until(loop, lambda: numbers(world, WOO)["TEE-59"] == 0, 60) < 5
            assert await until(loop, lambda: numbers(world, ETSY)["TEE-59"] == 0, 60) < 5
            await asyncio.sleep(300)
            there = await catalog(world, ETSY)
            assert {str(variant.price) for _, variant in there.values()} == {"7.00 USD"}

    simulated(story)


def test_a_sale_does_not_wait_for_the_orders_that_are_being_copied() -> None:
    async def story(loop: SimulatedLoop) -> None:
        mirroring = Mirroring(home=WOO, sources=frozenset({SHOPIFY}))
        world = make(loop, dict.fromkeys((WOO, SHOPIFY, ETSY), goods()), mirroring=mirroring)
        await world.adopt(WOO)
        await asyncio.sleep(60)
        fine(await everything(world))
        async with daemon(world) as live:
            await asyncio.sleep(60)
            world.platforms[WOO].faults.add(kind="latency", seconds=2.0, method="POST", path="/orders$", times=None)
            for sku in SKUS[:30]:
                world.platforms[SHOPIFY].shop.sale([{"sku": sku, "quantity": 1}])
            live.lanes[SHOPIFY].send("poll")
            await asyncio.sleep(10)
            copied = len(world.platforms[WOO].shop.orders())
            assert 0 < copied < 30, "in the middle of it"
            world.platforms[ETSY].shop.sale([{"sku": "TEE-59", "quantity": 3}])
            live.lanes[ETSY].send("poll")
            assert await until(loop, lambda: numbers(world, WOO)["TEE-59"] == 0, 60) < 5
            assert len(world.platforms[WOO].shop.orders()) < 30, "it did not wait for them"
            await asyncio.sleep(300)
            assert len(world.platforms[WOO].shop.orders()) == 30
            wanted = dict.fromkeys(SKUS[:30], 2) | dict.fromkeys(SKUS[30:59], 3) | {"TEE-59": 0}
            for name in (WOO, SHOPIFY, ETSY):
                assert numbers(world, name) == wanted, name

    simulated(story)


def test_a_sync_by_hand_writes_what_sold_out_before_products_and_copies_at_home_too() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, mirroring=Mirroring(home=WOO, sources=frozenset({ETSY})))
        woo, etsy = world.platforms[WOO], world.platforms[ETSY]
        for sku in SKUS:
            woo.shop.edit_product(sku, price="7.00")
        for sku in SKUS[:30]:
            etsy.shop.sale([{"sku": sku, "quantity": 1}])
        world.platforms[SQUARE].shop.sale([{"sku": "TEE-59", "quantity": 3}])
        await asyncio.sleep(5)
        woo.faults.add(kind="latency", seconds=2.0, method="POST", path="/orders$", times=None)
        run = asyncio.ensure_future(everything(world))
        assert await until(loop, lambda: numbers(world, WOO)["TEE-59"] == 0, 120) < 5
        assert len(woo.shop.orders()) < 30, "it did not wait for the copies"
        fine(await run)
        assert len(woo.shop.orders()) == 30
        wanted = dict.fromkeys(SKUS[:30], 2) | dict.fromkeys(SKUS[30:59], 3) | {"TEE-59": 0}
        for name in (WOO, SQUARE, ETSY):
            assert numbers(world, name) == wanted, name

    simulated(story)
