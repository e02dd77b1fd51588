"""New listings where the platform can be asked beforehand, and product edits under a day's limit: prices before texts."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bridge.contract.ports import Making, ProductEdit, ProductResult, ProductsPort
from bridge.domain.catalog import Product
from bridge.engine.context import Documents
from bridge.rehearsal.world import World
from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.store import documents as store
from bridge.store.tables import parked
from tests.scenarios.harness_documents import catalog, make, products, rows, simulated

SHOP, TILL = "woocommerce", "square"
TEE: dict[str, Any] = {"title": "Tee", "variants": [{"sku": "TEE", "price": "20.00", "stock": 5}]}
CAP: dict[str, Any] = {"title": "Cap", "variants": [{"sku": "CAP", "price": "9.00", "stock": 3}]}
OWNED = Documents(owners=dict.fromkeys(("title", "price"), SHOP))


@dataclass(slots=True)
class Preview:
    """A platform that says what it would object to."""

    objections: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def problems(self, product: Product) -> Sequence[str]:
        self.asked.append(product.title)
        return tuple(self.objections)


async def met(
    loop: SimulatedLoop, ours: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]], **how: Any
) -> World:
    world = make(loop, {SHOP: list(ours), TILL: list(theirs)}, documents=OWNED, **how)
    await world.adopt(SHOP)
    await asyncio.sleep(5)
    return world


def previewed(world: World, *objections: str) -> Preview:
    preview = Preview(list(objections))
    world.channels[TILL].connector = replace(world.channels[TILL].connector, preview=preview)
    return preview


def test_a_listing_that_the_platform_would_not_take_is_shown_by_the_plan_and_never_sent() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, [TEE, CAP], [CAP], overrides={TILL: {"create": True}})
        preview = previewed(world, "no category for the tag shirts: add it to map.toml", "the aspect Brand is missing")
        _, planned = await products(world, dry_run=True)
        wanted = "cannot be created: no category for the tag shirts: add it to map.toml; the aspect Brand is missing"
        assert [one.reason for one in planned if one.kind == "creation"] == [wanted]
        assert rows(world, parked) == [], "a plan sets nothing aside"
        report, _ = await products(world)
        assert report.of(TILL).created == 0
        assert "the aspect Brand is missing" in report.of(TILL).parked[0]
        assert set(await catalog(world, TILL)) == {"CAP"}
        asked = len(preview.asked)
        await products(world)
        assert len(preview.asked) == asked, "not asked again until something changes"
        preview.objections.clear()
        world.database.write(lambda connection: store.retry(connection, TILL, ["new TEE"]))
        report, _ = await products(world)
        assert report.of(TILL).created == 1
        assert set(await catalog(world, TILL)) == {"CAP", "TEE"}
        assert rows(world, parked) == []

    simulated(story)


def test_a_plan_says_that_a_preview_could_not_be_had() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, [TEE, CAP], [CAP], overrides={TILL: {"create": True}})
        previewed(world)
        world.channels[TILL].connector = replace(world.channels[TILL].connector, preview=_Down())
        _, planned = await products(world, dry_run=True)
        assert "could not be previewed" in next(one.reason for one in planned if one.kind == "creation")

    simulated(story)


class _Down:
    async def problems(self, product: Product) -> Sequence[str]:
        from bridge.contract.errors import TryLater

        raise TryLater(f"HTTP 503 for {product.title}")


@dataclass(slots=True)
class Watched:
    """A products port that remembers which products were edited, in order."""

    port: ProductsPort
    edited: list[str] = field(default_factory=list)

    async def edit(self, edits: Sequence[ProductEdit], key: str) -> Sequence[ProductResult]:
        self.edited += [one.current.title for one in edits]
        return await self.port.edit(edits, key)

    async def create(self, product: Product, key: str) -> Product | Making:
        return await self.port.create(product, key)

    async def delete(self, product_id: str) -> None:
        await self.port.delete(product_id)


def watched(world: World, **limits: Any) -> Watched:
    connector = world.channels[TILL].connector
    assert connector.products is not None
    port = Watched(connector.products)
    less = replace(connector.limits, product_batch=1, **limits)
    world.channels[TILL].connector = replace(connector, products=port, limits=less)
    return port


def test_prices_go_before_texts() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, [CAP, TEE], [CAP, TEE])
        port = watched(world)
        world.platforms[SHOP].shop.edit_product("CAP", title="A cap")
        world.platforms[SHOP].shop.edit_product("TEE", price="22.00")
        await asyncio.sleep(5)
        await products(world)
        assert port.edited == ["Tee", "Cap"]
        world = await met(loop, [CAP, TEE], [CAP, TEE])
        port = watched(world)
        world.platforms[SHOP].shop.edit_product("TEE", title="A tee")
        world.platforms[SHOP].shop.edit_product("CAP", price="8.00")
        await asyncio.sleep(5)
        await products(world)
        assert port.edited == ["Cap", "Tee"]

    simulated(story)


def test_edits_leave_the_part_of_a_listings_day_alone_that_is_kept_for_sold_out_numbers() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, [TEE], [TEE])
        port = watched(world, changes_per_day=3)
        for price in ("21.00", "22.00", "23.00"):
            world.platforms[SHOP].shop.edit_product("TEE", price=price)
            await asyncio.sleep(5)
            await products(world)
        assert len(port.edited) == 2, "the third of three is kept"
        assert str((await catalog(world, TILL))["TEE"][1].price).startswith("22.00")
        await asyncio.sleep(26 * 3600)
        await products(world)
        assert str((await catalog(world, TILL))["TEE"][1].price).startswith("23.00"), "when there is room again"

    simulated(story)
