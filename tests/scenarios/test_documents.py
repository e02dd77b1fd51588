"""Documents over real connectors and stand-ins: what people edit on one channel, and what the others show afterwards."""

import asyncio
import copy
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from bridge.contract.ports import Making, ProductEdit, ProductResult, ProductsPort
from bridge.domain.catalog import Product
from bridge.domain.pricing import PriceRule
from bridge.engine.context import Documents
from bridge.rehearsal.world import World
from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.store import documents as store
from bridge.store.tables import bases, changed, conflicts, parked
from tests.scenarios.harness_documents import (
    CrashError,
    CrashingDatabase,
    catalog,
    counted,
    everything,
    fine,
    make,
    numbers,
    products,
    rows,
    simulated,
)  # fmt: skip

WOO, SHOPIFY, SQUARE = "woocommerce", "shopify", "square"
TEE: dict[str, Any] = {
    "title": "Tee", "description": "<p>Soft.</p>", "options": ["Size"],
    "variants": [
        {"sku": "TEE-S", "price": "20.00", "barcode": "4006381333931", "options": {"Size": "S"}, "stock": 5},
        {"sku": "TEE-M", "price": "21.00", "options": {"Size": "M"}, "stock": 6},
    ],
}  # fmt: skip
CAP: dict[str, Any] = {"title": "Cap", "variants": [{"sku": "CAP", "price": "9.00", "stock": 3}]}
MUG: dict[str, Any] = {"title": "Mug", "variants": [{"sku": "MUG", "price": "7.00", "stock": 4}]}
OWNED = ("title", "price")


def owned(*names: str, writers: Mapping[str, Sequence[str]] | None = None) -> Documents:
    allowed = {name: frozenset(some) for name, some in (writers or {}).items()}
    return Documents(owners=dict.fromkeys(names or OWNED, WOO), writers=allowed)


def edited(goods: list[dict[str, Any]], **fields: Any) -> list[dict[str, Any]]:
    """The same goods with other product fields, or another price of every variant."""
    mine = copy.deepcopy(goods)
    price = fields.pop("price", None)
    for product in mine:
        product.update(fields)
        for variant in product["variants"]:
            variant.update({"price": price} if price else {})
    return mine


async def met(loop: SimulatedLoop, goods: list[dict[str, Any]], there: list[dict[str, Any]], **more: Any) -> World:
    more.setdefault("documents", owned())
    world = make(loop, {WOO: goods, SQUARE: there}, **more)
    await world.adopt(WOO)
    await asyncio.sleep(5)
    return world


async def told(world: World, name: str) -> dict[str, tuple[str, str]]:
    """SKU -> (title, price) as a platform shows them."""
    return {
        sku: (product.title, str(variant.price)) for sku, (product, variant) in (await catalog(world, name)).items()
    }


def edits(calls: Mapping[str, int]) -> int:
    return sum(
        count for call, count in calls.items() if "batch-upsert" in call or call.startswith(("PUT", "POST /wp-json"))
    )


def test_at_first_contact_the_owners_values_count_and_then_nothing_is_called() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, [TEE, CAP], edited([TEE, CAP], title="Thing", price="1.00"))
        report, planned = await products(world)
        fine(report)
        assert report.of(SQUARE).fields == len(planned) == 5
        assert {write.reason for write in planned} == {"woocommerce owns it"}
        assert await told(world, SQUARE) == await told(world, WOO)
        assert not rows(world, conflicts)
        await asyncio.sleep(300)
        await products(world)
        await asyncio.sleep(300)
        with counted(world, SQUARE) as square, counted(world, WOO) as woo:
            report, planned = await products(world)
        fine(report)
        assert planned == []
        assert sum(square.values()) <= 3
        assert sum(woo.values()) <= 3
        assert not rows(world, changed)

    simulated(story)


def test_only_what_changed_is_written() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, [TEE, CAP, MUG], [TEE, CAP, MUG])
        await products(world)
        await asyncio.sleep(5)
        world.platforms[WOO].shop.edit_product("TEE-M", price="25.50")
        with counted(world, SQUARE) as calls:
            report, planned = await products(world)
        fine(report)
        assert [(write.channel, write.key, write.field, write.before, write.after) for write in planned] == [
            (SQUARE, "TEE-M", "price", "21.00 USD", "25.50 USD")
        ]
        assert edits(calls) == 1
        assert (await told(world, SQUARE))["TEE-M"] == ("Tee", "25.50 USD")

    simulated(story)


def test_a_writers_change_reaches_the_owner_and_is_no_conflict() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, [TEE, CAP], [TEE, CAP], documents=owned(writers={"price": [SQUARE]}))
        await products(world)
        await asyncio.sleep(5)
        world.platforms[SQUARE].shop.edit_product("CAP", price="11.00")
        report, planned = await products(world)
        fine(report)
        assert [(write.channel, write.field, write.after) for write in planned] == [(WOO, "price", "11.00 USD")]
        assert (await told(world, WOO))["CAP"] == ("Cap", "11.00 USD")
        await asyncio.sleep(5)
        _, planned = await products(world)
        assert planned == [], "our own write comes back as an echo and is nothing"
        assert not rows(world, conflicts)

    simulated(story)


def test_an_edit_by_one_who_may_not_is_put_back_and_listed_once() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, [TEE, CAP], [TEE, CAP])
        await products(world)
        await asyncio.sleep(5)
        world.platforms[SQUARE].shop.edit_product("CAP", title="Hat")
        world.platforms[SQUARE].faults.add(kind="cut_before", path="batch-upsert", times=None)
        report, _ = await products(world)
        assert report.of(SQUARE).error
        world.platforms[SQUARE].faults.clear()
        await asyncio.sleep(60)
        report, planned = await products(world)
        fine(report)
        assert [write.reason for write in planned] == ["square changed it, and woocommerce owns it"]
        assert (await told(world, SQUARE))["CAP"] == ("Cap", "9.00 USD")
        assert [
            (row.key, row.field, row.channel, row.ours, row.theirs, row.winner) for row in rows(world, conflicts)
        ] == [("CAP", "title", SQUARE, '"Cap"', '"Hat"', WOO)]

    simulated(story)


def test_both_sides_change_a_field_and_the_owner_wins() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, [CAP], [CAP], documents=owned(writers={"title": [SQUARE]}))
        await products(world)
        await asyncio.sleep(5)
        world.platforms[SQUARE].shop.edit_product("CAP", title="Hat")
        world.platforms[WOO].shop.edit_product("CAP", title="Bonnet")
        fine((await products(world))[0])
        assert (await told(world, SQUARE))["CAP"][0] == (await told(world, WOO))["CAP"][0] == "Bonnet"
        assert [(row.ours, row.theirs) for row in rows(world, conflicts)] == [('"Bonnet"', '"Hat"')]

    simulated(story)


def test_a_price_rule_is_kept_and_a_price_set_under_it_is_a_conflict() -> None:
    async def story(loop: SimulatedLoop) -> None:
        rule = PriceRule(factor=Decimal("1.1"), rounding="ending", step=99)
        world = await met(
            loop,
            [TEE, CAP],
            [TEE, CAP],
            documents=owned(writers={"price": [SQUARE]}),
            overrides={SQUARE: {"price": rule}},
        )
        await products(world)
        assert await told(world, SQUARE) == {
            "TEE-S": ("Tee", "22.99 USD"), "TEE-M": ("Tee", "23.99 USD"), "CAP": ("Cap", "9.99 USD"),
        }  # fmt: skip
        await asyncio.sleep(5)
        world.platforms[SQUARE].shop.edit_product("CAP", price="5.00")
        fine((await products(world))[0])
        assert (await told(world, SQUARE))["CAP"] == ("Cap", "9.99 USD")
        assert (await told(world, WOO))["CAP"] == ("Cap", "9.00 USD")
        assert [(row.field, row.theirs) for row in rows(world, conflicts)] == [("price", '"5.00 USD"')]

    simulated(story)


def test_a_price_in_another_currency_is_refused_once_and_the_rest_goes_on() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, [CAP], edited([CAP], title="Hat"), options={WOO: {"currency": "EUR"}})
        report, _ = await products(world)
        fine(report)
        assert report.of(SQUARE).parked == [
            "price of CAP: the price is in EUR and the channel sells in USD: no exchange rate is guessed"
        ]
        assert (await told(world, SQUARE))["CAP"] == ("Cap", "9.00 USD")
        await asyncio.sleep(5)
        report, _ = await products(world)
        assert report.of(SQUARE).parked == []
        assert [row.reason for row in rows(world, parked)] == [
            "price of CAP: the price is in EUR and the channel sells in USD: no exchange rate is guessed"
        ]

    simulated(story)


def test_what_a_platform_cannot_hold_is_parked_once_until_it_changes() -> None:
    async def story(loop: SimulatedLoop) -> None:
        goods = copy.deepcopy([TEE, CAP])
        goods[0]["variants"][0] |= {"compare_at": "30.00"}
        goods[1]["variants"][0] |= {"compare_at": "12.00"}
        world = await met(loop, goods, edited([TEE, CAP], title="Thing"), documents=owned("title", "compare_at"))
        report, _ = await products(world)
        fine(report)
        assert sorted(text.split(" was refused")[0] for text in report.of(SQUARE).parked) == [
            "compare_at of CAP", "compare_at of TEE-S",
        ]  # fmt: skip
        assert "Square has no compare-at price" in report.of(SQUARE).parked[0]
        assert {title for title, _ in (await told(world, SQUARE)).values()} == {"Tee", "Cap"}
        await asyncio.sleep(5)
        world.platforms[WOO].shop.edit_product("CAP", title="Hat")
        report, planned = await products(world)
        assert [write.field for write in planned] == ["title"]
        assert report.of(SQUARE).parked == []
        await asyncio.sleep(5)
        keys = [row.key for row in rows(world, parked)]
        world.database.write(lambda connection: store.retry(connection, SQUARE, keys))
        report, _ = await products(world)
        assert len(report.of(SQUARE).parked) == 2, "a person asked to try again"

    simulated(story)


def test_new_rules_are_applied_to_what_did_not_change() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, [TEE, CAP], edited([TEE, CAP], title="Thing", price="1.00"), documents=owned("price"))
        await products(world)
        assert {title for title, _ in (await told(world, SQUARE)).values()} == {"Thing"}
        await asyncio.sleep(5)
        world.rules = replace_documents(world, owned("price", "title"))
        _, dry = await products(world, dry_run=True)
        _, planned = await products(world)
        assert {write.field for write in planned} == {write.field for write in dry} == {"title"}
        assert await told(world, SQUARE) == await told(world, WOO)

    simulated(story)


def replace_documents(world: World, documents: Documents) -> Any:
    from dataclasses import replace

    return replace(world.rules, documents=documents)


def test_a_deletion_is_told_and_followed_nowhere() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, [TEE, CAP], [TEE, CAP], overrides={SQUARE: {"create": True}})
        await products(world)
        await asyncio.sleep(5)
        world.platforms[SQUARE].shop.delete_product("CAP")
        report, planned = await products(world)
        fine(report)
        assert planned == []
        assert set(await catalog(world, WOO)) == {"TEE-S", "TEE-M", "CAP"}
        assert set(await catalog(world, SQUARE)) == {"TEE-S", "TEE-M"}
        reasons = [row.reason for row in rows(world, parked) if row.subject == "product"]
        assert len(reasons) == 1
        assert reasons[0].startswith("CAP was deleted on square: nothing is deleted elsewhere")

    simulated(story)


@pytest.mark.parametrize(
    ("source", "target"),
    [(WOO, SQUARE), (SQUARE, WOO), (WOO, SHOPIFY), (SHOPIFY, WOO), (SHOPIFY, SQUARE), (SQUARE, SHOPIFY)],
)
@pytest.mark.parametrize("fault", [None, "cut_before", "cut_after"])
def test_a_missing_listing_is_created_once_and_its_stock_follows(source: str, target: str, fault: str | None) -> None:
    async def story(loop: SimulatedLoop) -> None:
        goods = {source: [TEE, CAP], target: [CAP]}
        rules = Documents(owners={"title": source, "price": source})
        world = make(loop, goods, documents=rules, overrides={target: {"create": True}})
        await world.adopt(source)
        await asyncio.sleep(5)
        if fault:
            writes = "batch-upsert|/products$|/variations/batch"
            world.platforms[target].faults.add(kind=fault, method="POST", path=writes, times=1)
        for _ in range(3):
            report = await everything(world)
            await asyncio.sleep(60)
        fine(report)
        there = await catalog(world, target)
        assert await told(world, target) == await told(world, source)
        assert there["TEE-S"][0].id == there["TEE-M"][0].id
        assert numbers(world, target) == numbers(world, source) == {"TEE-S": 5, "TEE-M": 6, "CAP": 3}
        assert not rows(world, parked)
        with counted(world, target) as calls:
            fine(await everything(world))
        assert edits(calls) == 0

    simulated(story)


def test_nothing_is_created_where_nobody_asked_for_it() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, [TEE, CAP], [CAP])
        fine((await products(world))[0])
        assert set(await catalog(world, SQUARE)) == {"CAP"}

    simulated(story)


def test_a_product_in_another_currency_is_not_created_and_that_is_said_once() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(
            loop, [TEE, CAP], [CAP], documents=owned("title"), options={WOO: {"currency": "EUR"}},
            overrides={SQUARE: {"create": True}},
        )  # fmt: skip
        report, _ = await products(world)
        assert "Tee cannot be created: TEE-" in report.of(SQUARE).parked[0]
        assert "no exchange rate is guessed" in report.of(SQUARE).parked[0]
        await asyncio.sleep(5)
        report, planned = await products(world)
        assert (report.of(SQUARE).parked, planned) == ([], [])
        assert set(await catalog(world, SQUARE)) == {"CAP"}

    simulated(story)


def test_every_field_travels_between_shops_and_stays() -> None:
    async def story(loop: SimulatedLoop) -> None:
        goods = copy.deepcopy([TEE, CAP])
        goods[0]["images"] = ["https://img.example/tee.jpg"]
        goods[0]["variants"][0] |= {"compare_at": "30.00", "weight_grams": 150}
        names = ("title", "description", "status", "images", "price", "compare_at", "barcode", "weight_grams")
        plain = edited([TEE, CAP], title="Thing", price="1.00", description="")
        world = make(loop, {WOO: goods, SHOPIFY: plain}, documents=owned(*names))
        await world.adopt(WOO)
        await asyncio.sleep(5)
        report, planned = await products(world)
        fine(report)
        assert {write.field for write in planned} >= {
            "title",
            "description",
            "images",
            "price",
            "compare_at",
            "weight_grams",
        }
        assert report.of(SHOPIFY).parked == []
        assert await told(world, SHOPIFY) == await told(world, WOO)
        product, variant = (await catalog(world, SHOPIFY))["TEE-S"]
        assert (len(product.images), str(variant.compare_at), variant.weight_grams) == (1, "30.00 USD", 150)
        assert "Soft." in product.description
        for _ in range(2):
            await asyncio.sleep(60)
            _, planned = await products(world)
            assert planned == [], "a picture's new address and a tidied description are no edits"
        world.platforms[WOO].shop.edit_product("TEE-S", weight_grams=175)
        _, planned = await products(world)
        assert [(write.channel, write.field, write.after) for write in planned] == [(SHOPIFY, "weight_grams", 175)]

    simulated(story)


@pytest.mark.parametrize("fault", ["cut_before", "cut_after"])
def test_a_lost_answer_costs_time_only(fault: str) -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, [TEE, CAP], edited([TEE, CAP], title="Thing"))
        world.platforms[SQUARE].faults.add(kind=fault, path="batch-upsert", times=1)
        for _ in range(2):
            await products(world)
            await asyncio.sleep(60)
        report, planned = await products(world)
        fine(report)
        assert planned == []
        assert await told(world, SQUARE) == await told(world, WOO)
        assert not rows(world, conflicts)

    simulated(story)


@pytest.mark.parametrize("after_commit", [False, True])
def test_a_crash_at_any_point_loses_nothing(after_commit: bool) -> None:
    async def story(loop: SimulatedLoop) -> None:
        for point in range(40):
            world = await met(
                loop, [TEE, CAP, MUG], edited([TEE, CAP], title="Thing"), documents=owned(writers={"price": [SQUARE]}),
                overrides={SQUARE: {"create": True}},
            )  # fmt: skip
            database = world.database
            assert isinstance(database, CrashingDatabase)
            if not await crashed(world, database, point, after_commit=after_commit):
                assert point > 8
                return
            await asyncio.sleep(5)
            report, _ = await products(world)
            fine(report)
            _, planned = await products(world)
            assert planned == [], f"after a crash at point {point}"
            assert await told(world, SQUARE) == await told(world, WOO), f"after a crash at point {point}"
            assert [(row.field, row.theirs) for row in rows(world, conflicts)] == [("title", '"Hat"')]
            assert not rows(world, changed)
            await world.close()
        raise AssertionError("it crashed at every point")

    simulated(story)


async def crashed(world: World, database: CrashingDatabase, point: int, *, after_commit: bool) -> bool:
    """Sync, edit on all sides, and sync with a crash at the n-th unit of work; tell whether it came to that."""
    await products(world)
    await asyncio.sleep(5)
    world.platforms[WOO].shop.edit_product("TEE-S", price="30.00")
    world.platforms[SQUARE].shop.edit_product("CAP", title="Hat")
    world.platforms[SQUARE].shop.edit_product("TEE-M", price="31.00")
    world.platforms[WOO].shop.seed([{"title": "Bag", "variants": [{"sku": "BAG", "price": "50.00", "stock": 1}]}])
    database.left, database.after_commit = point, after_commit
    try:
        await products(world)
    except CrashError:
        database.left = None
        world.restart()
        return True
    return False


class _Meddler:
    """Lets somebody edit the product on the platform between our plan and our write."""

    def __init__(self, port: ProductsPort, world: World) -> None:
        self.port = port
        self.world = world
        self.calls = 0

    async def edit(self, edits: Sequence[ProductEdit], key: str) -> Sequence[ProductResult]:
        self.calls += 1
        if self.calls == 1:
            self.world.platforms[SQUARE].shop.edit_product("CAP", price="3.00")
        return await self.port.edit(edits, key)

    async def create(self, product: Product, key: str) -> Product | Making:
        return await self.port.create(product, key)

    async def delete(self, product_id: str) -> None:
        await self.port.delete(product_id)


def test_a_stale_version_is_read_and_merged_again() -> None:
    async def story(loop: SimulatedLoop) -> None:
        from dataclasses import replace

        world = await met(loop, [CAP], [CAP], documents=owned(writers={"price": [SQUARE]}))
        await products(world)
        await asyncio.sleep(5)
        channel = world.channels[SQUARE]
        assert channel.connector.products is not None
        meddler = _Meddler(channel.connector.products, world)
        channel.connector = replace(channel.connector, products=meddler)
        world.platforms[WOO].shop.edit_product("CAP", title="Hat")
        fine((await products(world))[0])
        assert meddler.calls == 2
        assert await told(world, SQUARE) == await told(world, WOO) == {"CAP": ("Hat", "3.00 USD")}
        assert not rows(world, conflicts)

    simulated(story)


def test_products_that_are_cut_differently_keep_their_own_titles() -> None:
    async def story(loop: SimulatedLoop) -> None:
        apart = [
            {"title": f"Tee {one['options']['Size']}", "variants": [{**one, "options": {}, "price": "1.00"}]}
            for one in TEE["variants"]
        ]
        world = await met(loop, [TEE], apart)
        report, planned = await products(world)
        fine(report)
        assert {write.field for write in planned} == {"price"}
        assert await told(world, SQUARE) == {"TEE-S": ("Tee S", "20.00 USD"), "TEE-M": ("Tee M", "21.00 USD")}
        assert ["cut into products differently" in row.reason for row in rows(world, parked)] == [True, True]

    simulated(story)


def test_a_dry_run_says_everything_and_changes_nothing() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, [TEE, CAP], edited([CAP], title="Thing"), overrides={SQUARE: {"create": True}})
        before = await told(world, SQUARE)
        _, planned = await products(world, dry_run=True)
        assert [(write.key, write.field, write.after) for write in planned] == [
            ("CAP", "title", "Cap"), ("TEE-S", "product", "Tee"),
        ]  # fmt: skip
        assert await told(world, SQUARE) == before
        assert not rows(world, bases)
        _, again = await products(world)
        assert again == planned

    simulated(story)


def test_what_this_run_may_not_write_waits_for_the_next() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, [TEE, CAP], edited([TEE, CAP], price="1.00"))
        _, planned = await products(world, skus=["TEE-M"])
        assert [write.key for write in planned] == ["TEE-M"]
        _, planned = await products(world)
        assert sorted(write.key for write in planned) == ["CAP", "TEE-S"]
        assert await told(world, SQUARE) == await told(world, WOO)

    simulated(story)
