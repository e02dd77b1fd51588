"""Goods for which a channel keeps no number: a finding, and with `track` the bridge switches the keeping on."""

import asyncio

import pytest
import sqlalchemy as sa

from bridge.engine.context import Rules
from bridge.rehearsal.invariants import broken
from bridge.rehearsal.world import World, build
from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from bridge.store.database import Database
from bridge.store.tables import findings


def shop(rope: int | None, tee: int | None) -> list[dict[str, object]]:
    return [
        {"title": "Rope", "variants": [{"sku": "ROPE", "price": "1.00", "stock": rope}]},
        {"title": "Tee", "variants": [{"sku": "TEE", "price": "1.00", "stock": tee}]},
    ]


def untracked(world: World) -> set[str]:
    query = sa.select(findings.c.channel).where(findings.c.kind == "untracked")
    return set(world.database.read(lambda connection: connection.execute(query).scalars().all()))


@pytest.mark.parametrize("track", [False, True])
def test_an_untracked_number_is_told_and_kept_only_where_asked_for(track: bool) -> None:
    loop = SimulatedLoop()

    async def story() -> None:
        database = Database(":memory:")
        rules = Rules(track=track)
        world = build(["woocommerce", "shopify"], database=database, now=loop.now, time=loop.time, seed=1, rules=rules)
        world.platforms["woocommerce"].shop.seed(shop(None, 5))
        world.platforms["shopify"].shop.seed(shop(40, None))
        await world.adopt("woocommerce")
        assert untracked(world) == {"woocommerce", "shopify"}
        await asyncio.sleep(3)
        report = await world.sync()
        assert report.exit_code == 0, report
        shown = {name: {sku: sum(row.values()) for sku, row in world.numbers(name).items()} for name in world.channels}
        if track:
            assert shown == {"woocommerce": {"ROPE": 40, "TEE": 5}, "shopify": {"ROPE": 40, "TEE": 5}}
            assert untracked(world) == set()
            await asyncio.sleep(3)
            assert not any(part.written for part in (await world.sync()).channels.values())
            assert broken(world) == []
        else:
            assert shown == {"woocommerce": {"TEE": 5}, "shopify": {"ROPE": 40}}
            assert untracked(world) == {"woocommerce", "shopify"}
        await world.close()

    run_simulated(story(), loop)
