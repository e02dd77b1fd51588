"""Products that come, go, come back and change their names while people trade."""

import asyncio
import random
from typing import Any

from bridge.rehearsal.invariants import broken
from bridge.rehearsal.trade import Habits
from bridge.sandbox.woocommerce.seeding import edit_fields
from bridge.sandbox.woocommerce.storefront import find_product
from tests.scenarios.harness_adversary import Plot, Stage, perform, seeded

pytest_generate_tests = seeded
SKU = "GOOD-0001"


def product(sku: str, stock: int | None) -> dict[str, Any]:
    return {
        "title": f"New {sku}",
        "variants": [{"sku": sku, "barcode": f"5{abs(hash(sku)) % 10**11:011d}", "price": "9.50", "stock": stock}],
    }


def test_a_product_deleted_on_one_channel(seed: int) -> None:
    """Its old orders go on being shipped there, which moves nothing; its stock goes on elsewhere."""
    name = ["woocommerce", "square", "shopify"][seed % 3]

    async def twist(stage: Stage) -> None:
        await asyncio.sleep(100)
        # Shopify forgets at once what a deleted product's order lines were: one it sold unseen is nobody's.
        await stage.collected(name)
        stage.shop(name).delete_product(SKU)

    def check(stage: Stage) -> list[str]:
        return broken(stage.world, stage.trade.truth)

    perform(seed, Plot(habits=Habits(fulfil=6, refund=0, cancel=0), minutes=4, audit=True), twist, check=check)


def test_a_product_deleted_and_made_again(seed: int) -> None:
    """The new listing takes its number from the ledger, whatever it was made with."""
    name = ["woocommerce", "square", "shopify"][seed % 3]

    async def twist(stage: Stage) -> None:
        await asyncio.sleep(60)
        await stage.collected(name)
        stage.shop(name).delete_product(SKU)
        await asyncio.sleep(stage.rng.choice([0, 1, 30]))
        stage.shop(name).seed([product(SKU, stage.rng.choice([0, 7, 900]))])

    perform(seed, Plot(habits=Habits(fulfil=5, refund=0, cancel=0, count=0), minutes=4, audit=True), twist)


def test_a_product_made_in_mid_trade(seed: int) -> None:
    """First on one channel, whose number opens the ledger, then on the others."""
    first, *others = random.Random(seed).sample(["woocommerce", "shopify", "square"], 3)

    async def twist(stage: Stage) -> None:
        await asyncio.sleep(60)
        stage.shop(first).seed([product("NEW-1", 30)])
        stage.trade.truth["NEW-1"] = 30
        await stage.opened("NEW-1")
        for name in others:
            await asyncio.sleep(stage.rng.uniform(0, 60))
            stage.shop(name).seed([product("NEW-1", stage.rng.choice([0, 30, 99]))])

    perform(seed, Plot(habits=Habits(pause=2), minutes=4), twist)


def test_tracking_switched_off_and_on_again(seed: int) -> None:
    """What a channel sells without counting is not counted; back at counting it shows the ledger's number."""
    name = ["woocommerce", "square"][seed % 2]

    async def twist(stage: Stage) -> None:
        await asyncio.sleep(60)
        await stage.collected(name)
        stage.shop(name).edit_product(SKU, stock=None)
        await asyncio.sleep(stage.rng.uniform(1, 90))
        stage.shop(name).edit_product(SKU, stock=stage.rng.choice([0, 5, 40]))

    def check(stage: Stage) -> list[str]:
        return [text for text in broken(stage.world, stage.trade.truth) if SKU not in text or "shown" in text]

    perform(seed, Plot(minutes=4, audit=True), twist, check=check)


def test_a_sku_changed_by_hand(seed: int) -> None:
    """The listing stays what it was linked as."""
    name = ["woocommerce", "square"][seed % 2]

    async def twist(stage: Stage) -> None:
        await asyncio.sleep(100)
        if name == "square":
            stage.shop(name).edit_product(SKU, new_sku="OTHER-1")
        else:
            woo = stage.shop(name).woo
            edit_fields(woo, find_product(woo, {"sku": SKU}), {"sku": "OTHER-1"})

    def check(stage: Stage) -> list[str]:
        own = sum(stage.shop(name).stock()["OTHER-1"].values())
        texts = broken(stage.world, stage.trade.truth)
        fine = f"{name} {SKU}: shown {own}, target {own}, the platform's own number None"
        return [text for text in texts if text != fine]

    perform(seed, Plot(habits=Habits(cancel=0, refund=0), minutes=4), twist, check=check)
