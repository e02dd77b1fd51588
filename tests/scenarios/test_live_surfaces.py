"""Channels that take whole numbers, and show them when they like: every change is written at once, whatever is still to be read."""

import asyncio
from typing import Any

import pytest

from bridge.sandbox.kit.loop import SimulatedLoop
from tests.scenarios.harness_documents import daemon, everything, fine, make, numbers, simulated, until

GOODS: list[dict[str, Any]] = [
    {"title": "Tee", "description": "Soft.", "variants": [{"sku": "TEE", "price": "9.00", "stock": 9}]}
]


@pytest.mark.parametrize("name", ["google", "meta", "etsy", "ebay"])
def test_a_change_does_not_wait_until_the_one_before_is_seen(name: str) -> None:
    """Google shows a number up to half an hour after it was written: the last units, sold within that, stayed in its windows."""

    async def story(loop: SimulatedLoop) -> None:
        world = make(loop, dict.fromkeys(("square", name), GOODS))
        await world.adopt("square")
        await asyncio.sleep(60)
        fine(await everything(world))
        async with daemon(world) as live:
            await asyncio.sleep(3600)
            for left in (6, 2, 0):
                sold = numbers(world, "square")["TEE"] - left
                world.platforms["square"].shop.sale([{"sku": "TEE", "quantity": sold}])
                live.lanes["square"].send("poll")
                assert await until(loop, lambda left=left: numbers(world, name)["TEE"] == left, 300) < 15

    simulated(story)
