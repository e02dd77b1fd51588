"""Variations that share their parent's number (WooCommerce `manage_stock: "parent"`): the parent's SKU is what is counted."""

import asyncio

from bridge.rehearsal.invariants import broken
from bridge.rehearsal.world import World, build
from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from bridge.store.database import Database

ROPE = {
    "title": "Rope", "sku": "ROPE", "options": ["Cut"], "stock_at": "parent",
    "variants": [
        {"sku": "ROPE-A", "price": "1.00", "options": {"Cut": "A"}, "stock": 50},
        {"sku": "ROPE-B", "price": "2.00", "options": {"Cut": "B"}},
    ],
}  # fmt: skip


def test_a_sale_of_either_variation_takes_from_the_number_they_share() -> None:
    loop = SimulatedLoop()
    run_simulated(_story(loop), loop)


async def _story(loop: SimulatedLoop) -> None:
    world = build(["woocommerce", "square"], database=Database(":memory:"), now=loop.now, time=loop.time, seed=1)
    world.platforms["woocommerce"].shop.seed([ROPE])
    world.platforms["square"].shop.seed(
        [{"title": "Rope", "variants": [{"sku": "ROPE", "price": "1.00", "stock": 40}]}]
    )
    await world.adopt("woocommerce")
    await asyncio.sleep(3)
    world.platforms["woocommerce"].shop.sale([{"sku": "ROPE-A", "quantity": 2}, {"sku": "ROPE-B", "quantity": 1}])
    world.platforms["square"].shop.sale([{"sku": "ROPE", "quantity": 4}])
    await asyncio.sleep(3)
    report = await world.sync()
    assert report.exit_code == 0, report
    _agree(world, 43)
    await world.close()


def _agree(world: World, units: int) -> None:
    woo, square = (world.numbers(name) for name in ("woocommerce", "square"))
    assert woo == {"ROPE-A": {"": units}, "ROPE-B": {"": units}}
    assert list(square["ROPE"].values()) == [units]
    parents = [text for text in broken(world) if "platform's own number None" not in text]
    assert parents == []
