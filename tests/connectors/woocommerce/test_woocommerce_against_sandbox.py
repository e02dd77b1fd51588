"""The connector end to end against the stand-in shop, in this process and under simulated time."""

import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.contract.errors import Gone, NeedsPerson, Refused, TryLater
from bridge.contract.ports import Connector, LineRefund, NewLine, NewOrder, ProductEdit, VariantEdit
from bridge.contract.stock import Applied, Rejected, StockChange
from bridge.domain.catalog import Product, StockKey, Variant
from bridge.domain.money import Money
from bridge.domain.orders import Contact, Order, Tracking
from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from bridge.sandbox.kit.platform import Platform
from bridge.sandbox.kit.transport import InProcess
from bridge.sandbox.woocommerce import build
from bridge.wire.http import Surroundings
from connectors.woocommerce import Settings, connect
from tests.products import at_once

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
MUG = {"title": "Mug", "variants": [{"sku": "MUG", "price": "7.50", "weight_grams": 350, "stock": 20}]}
TEA = {"title": "Tea", "variants": [{"sku": "TEA", "price": "4.00", "stock": None}]}


@dataclass(frozen=True)
class World:
    """One shop, its connector and its clock."""

    loop: SimulatedLoop
    platform: Platform
    woo: Connector
    around: Surroundings
    settings: Settings
    made: dict[str, dict[str, str]]

    @property
    def shop(self) -> Any:
        return self.platform.shop

    @property
    def calls(self) -> int:
        return sum(self.platform.faults.calls.values())

    def key(self, sku: str) -> StockKey:
        row = self.made[sku]
        own = row["stock_id"] in {row["product"]}
        return StockKey(row["stock_id"] if own else f"{row['product']}/{row['stock_id']}")


Story = Callable[[World], Coroutine[Any, Any, None]]
Play = Callable[..., None]


@pytest.fixture
def play(request: pytest.FixtureRequest) -> Play:
    """Run a story in a shop that sells tees, caps (one number for both), mugs and tea that is not counted."""

    def run(
        story: Story, *, url: str = "https://shop.example", products: Any = (TEE, CAP, MUG, TEA), **options: Any
    ) -> None:
        loop = SimulatedLoop()
        rng = random.Random(3)

        async def sleep(seconds: float) -> None:
            import asyncio

            await asyncio.sleep(seconds)

        platform = build(now=loop.now, sleep=sleep, rng=rng, host=url, **options)
        rows = platform.shop.seed(list(products))
        settings = Settings(
            url=url,
            consumer_key=platform.credentials["consumer_key"],
            consumer_secret=platform.credentials["consumer_secret"],
        )
        around = Surroundings(
            now=loop.now,
            time=loop.time,
            sleep=sleep,
            rng=rng,
            transport=InProcess({"shop.example": platform.app}),
        )
        woo = connect(settings, around, where="web")
        world = World(loop, platform, woo, around, settings, {row["sku"]: row for row in rows})
        run_simulated(story(world), loop)

    return run


VERSIONS = pytest.mark.parametrize("version", ["11.0.1", "9.9.5"])


@VERSIONS
@pytest.mark.parametrize("url", ["https://shop.example", "http://shop.example"])
def test_check_knows_the_shop(play: Play, version: str, url: str) -> None:
    async def story(world: World) -> None:
        identity = await world.woo.account.check()
        assert (identity.currency, identity.version, identity.missing) == ("USD", version, ())
        assert identity.name
        assert any("plain http" in note for note in identity.notes) == url.startswith("http://")

    play(story, url=url, version=version)


def test_a_read_key_is_told_before_the_first_write(play: Play) -> None:
    async def story(world: World) -> None:
        credentials = world.platform.credentials
        settings = replace(
            world.settings,
            consumer_key=credentials["read_consumer_key"],
            consumer_secret=credentials["read_consumer_secret"],
        )
        identity = await connect(settings, world.around, where="web").account.check()
        assert identity.missing == ("write",)

    play(story)


def test_wrong_secret_and_plain_permalinks_need_a_person(play: Play) -> None:
    async def story(world: World) -> None:
        wrong = connect(replace(world.settings, consumer_secret="cs_wrong0000"), world.around, where="web")
        with pytest.raises(NeedsPerson, match="secret") as caught:
            await wrong.account.check()
        assert "consumer secret" in caught.value.next_step

    play(story)

    async def hidden(world: World) -> None:
        with pytest.raises(NeedsPerson) as caught:
            await world.woo.account.check()
        assert "Permalinks" in caught.value.next_step

    play(hidden, permalinks="plain")


@VERSIONS
def test_the_whole_catalogue_with_its_levels(play: Play, version: str) -> None:
    async def story(world: World) -> None:
        pages = [page async for page in world.woo.catalog.all()]
        products = {one.title: one for page in pages for one in page.items}
        assert set(products) == {"Tee", "Cap", "Mug", "Tea"}
        assert not [bad for page in pages for bad in page.bad]
        levels = {level.key: level.quantity for page in pages for level in page.levels}
        expected = {"TEE-S": 5, "TEE-M": 6, "CAP-R": 8, "MUG": 20, "TEA": None}
        assert levels == {world.key(sku): quantity for sku, quantity in expected.items()}
        assert {one.sku: one.options for one in products["Tee"].variants} == {
            "TEE-S": (("Size", "S"),),
            "TEE-M": (("Size", "M"),),
        }
        assert products["Mug"].variants[0].price == Money(750, "USD")
        scanned = {level.key: level.quantity async for page in world.woo.stock.scan() for level in page.items}
        assert scanned == levels

    play(story, version=version)


@VERSIONS
def test_a_quiet_pass_costs_three_calls_at_most(play: Play, version: str) -> None:
    async def story(world: World) -> None:
        order = world.shop.sale([{"sku": "MUG", "quantity": 2}])
        world.shop.refund(order, [{"sku": "MUG", "quantity": 1}])
        start = world.loop.now() - timedelta(days=1)
        orders, catalog = world.woo.sales.changes.begin(start), world.woo.catalog.changes.begin(start)
        for _ in range(3):
            await world.around.sleep(60)
            before = world.calls
            orders = [page async for page in world.woo.sales.changes.since(orders)][-1].cursor
            catalog = [page async for page in world.woo.catalog.changes.since(catalog)][-1].cursor
        assert world.calls - before <= 3

    play(story, version=version)


def test_a_new_process_asks_for_currency_and_weight_unit_once_a_day(play: Play) -> None:
    async def story(world: World) -> None:
        feed = world.woo.catalog.changes
        await world.around.sleep(60)
        world.shop.edit_product("MUG", price="8.00")
        cursor = [page async for page in feed.since(feed.begin(world.loop.now()))][-1].cursor
        for days, calls in ((0, 2), (1, 4)):
            await world.around.sleep(days * 86_400)
            world.shop.edit_product("MUG", price=f"9.0{days}")
            fresh = connect(world.settings, world.around, where="web").catalog.changes
            world.platform.faults.calls.clear()
            pages = [page async for page in fresh.since(cursor)]
            assert [variant.price for page in pages for one in page.items for variant in one.variants] == [
                Money(900 + days, "USD")
            ]
            assert world.calls == calls
            cursor = pages[-1].cursor

    play(story)


@VERSIONS
def test_every_change_is_seen_through_the_feed(play: Play, version: str) -> None:
    async def story(world: World) -> None:
        feed, cursor = world.woo.catalog.changes, world.woo.catalog.changes.begin(world.loop.now())
        rng = random.Random(11)
        seen: dict[StockKey, int | None] = {}
        for _ in range(25):
            sku, number = rng.choice(["TEE-S", "TEE-M", "CAP-R", "MUG"]), rng.randrange(50)
            world.shop.count(sku, number)
            if rng.random() < 0.5:
                await world.around.sleep(rng.choice([0.1, 0.6, 1.0, 20.0, 200.0]))
            async for page in feed.since(cursor):
                seen |= {level.key: level.quantity for level in page.levels}
                cursor = page.cursor
            assert seen[world.key(sku)] == number

    play(story, version=version)


def test_many_changes_in_one_second_are_all_seen(play: Play) -> None:
    many = [{"title": f"P{n}", "variants": [{"sku": f"P{n}", "price": "1.00", "stock": n}]} for n in range(250)]

    async def story(world: World) -> None:
        feed = world.woo.catalog.changes
        cursor = feed.begin(world.loop.now() - timedelta(hours=1))
        seen: set[str] = set()
        async for page in feed.since(cursor):
            seen |= {one.title for one in page.items}
            cursor = page.cursor
        assert len(seen) == 250
        await world.around.sleep(30)
        last = [page async for page in feed.since(cursor)][-1].cursor
        await world.around.sleep(30)
        assert [len(page.items) async for page in feed.since(last)] == [0]

    play(story, products=many)


@VERSIONS
def test_stock_moves_by_delta_and_says_the_new_number(play: Play, version: str) -> None:
    async def story(world: World) -> None:
        wanted = {"TEE-S": 2, "TEE-M": -1, "CAP-B": 3, "MUG": -4}
        shown = {"TEE-S": 5, "TEE-M": 6, "CAP-B": 8, "MUG": 20}
        rows = [StockChange(key=world.key(sku), delta=delta, shown=shown[sku]) for sku, delta in wanted.items()]
        rows.append(StockChange(key=world.key("TEA"), delta=9, shown=0, track=True))
        batches = world.woo.stock.batches(rows)
        assert len(batches) == 2
        world.shop.sale([{"sku": "MUG", "quantity": 1}])
        outcomes = [
            one
            for number, batch in enumerate(batches)
            for one in await world.woo.stock.send(world.woo.stock.prepare(batch, f"k{number}"))
        ]
        assert all(isinstance(one, Applied) for one in outcomes)
        told = {one.key: one.quantity for one in outcomes if isinstance(one, Applied)}
        assert told[world.key("MUG")] == 15
        stock = {sku: number[""] for sku, number in world.shop.stock().items()}
        assert stock == {"TEE-S": 7, "TEE-M": 5, "CAP-R": 11, "CAP-B": 11, "MUG": 15, "TEA": 9}
        levels = await world.woo.stock.read([row.key for row in rows])
        assert {level.key: level.quantity for level in levels} == told

    play(story, version=version)


@VERSIONS
def test_rows_that_cannot_take_effect_say_so_beside_the_others(play: Play, version: str) -> None:
    async def story(world: World) -> None:
        rows = [
            StockChange(key=world.key("MUG"), delta=1, shown=20),
            StockChange(key=StockKey("999999"), delta=1, shown=0),
            StockChange(key=world.key("TEA"), delta=1, shown=0),
        ]
        outcomes = await world.woo.stock.send(world.woo.stock.prepare(rows, "k"))
        assert [type(one) for one in outcomes] == [Applied, Rejected, Rejected]
        assert [one.kind for one in outcomes if isinstance(one, Rejected)] == ["gone", "invalid"]
        inherited = StockKey(f"{world.made['CAP-R']['product']}/{world.made['CAP-R']['variant']}")
        (refused,) = await world.woo.stock.send(
            world.woo.stock.prepare([StockChange(key=inherited, delta=1, shown=8)], "k2")
        )
        assert isinstance(refused, Rejected)
        assert "parent" in refused.reason
        keys = [inherited, StockKey("999999"), StockKey("999999/1"), world.key("TEE-S")]
        assert [level.key for level in await world.woo.stock.read(keys)] == [world.key("TEE-S")]

    play(story, version=version)


def test_a_lost_answer_to_a_stock_write_is_not_repeated(play: Play) -> None:
    async def story(world: World) -> None:
        world.platform.faults.add(kind="cut_after", method="POST", path="products/batch")
        prepared = world.woo.stock.prepare([StockChange(key=world.key("MUG"), delta=-4, shown=20)], "k")
        with pytest.raises(TryLater) as caught:
            await world.woo.stock.send(prepared)
        assert caught.value.maybe_applied
        assert world.shop.stock()["MUG"] == {"": 16}

    play(story)


def test_stock_that_moves_without_a_date_is_found_by_a_scan(play: Play) -> None:
    async def story(world: World) -> None:
        await world.around.sleep(600)
        cursor = world.woo.catalog.changes.begin(world.loop.now())
        world.shop.plugin_sets_stock("MUG", 3)
        feed = [level async for page in world.woo.catalog.changes.since(cursor) for level in page.levels]
        assert feed == []
        levels = {level.key: level.quantity async for page in world.woo.stock.scan() for level in page.items}
        assert levels[world.key("MUG")] == 3

    play(story)


@VERSIONS
def test_an_order_through_its_life(play: Play, version: str) -> None:
    async def story(world: World) -> None:
        order_id = world.shop.sale(
            [{"sku": "MUG", "quantity": 3}, {"sku": "TEE-S", "quantity": 1}],
            customer={"name": "Ada Lovelace", "email": "ada@example.test"},
            shipping="5.00",
        )
        feed, cursor = world.woo.sales.changes, world.woo.sales.changes.begin(world.loop.now())

        async def newest() -> Order:
            nonlocal cursor
            found = None
            async for page in feed.since(cursor):
                cursor = page.cursor
                assert not page.bad
                found = next((one for one in page.items if one.id == order_id), found)
            assert found is not None
            return found

        first = await newest()
        assert first.status == "paid"
        assert [(line.sku, line.quantity, line.held) for line in first.lines] == [("MUG", 3, 3), ("TEE-S", 1, 1)]
        assert first.lines[1].variant_id == world.made["TEE-S"]["variant"]
        assert sum(line.total.minor for line in first.lines) + first.shipping.minor == first.total.minor
        await world.around.sleep(40)
        world.shop.refund(order_id, [{"sku": "MUG", "quantity": 1}])
        mug = (await newest()).lines[0]
        assert (mug.held, mug.refunded, mug.restocked) == (2, 1, 1)
        await world.around.sleep(40)
        world.shop.refund(order_id, [{"sku": "MUG", "quantity": 1}], restock=False)
        mug = (await newest()).lines[0]
        assert (mug.held, mug.refunded, mug.restocked) == (2, 2, 1)
        await world.around.sleep(40)
        world.shop.cancel(order_id)
        last = await newest()
        assert (last.status, [line.held for line in last.lines]) == ("cancelled", [0, 0])

    play(story, version=version)


@VERSIONS
def test_a_basket_at_the_checkout_is_no_order(play: Play, version: str) -> None:
    async def story(world: World) -> None:
        draft = world.shop.sale([{"sku": "MUG", "quantity": 1}], stage="draft")
        cursor = world.woo.sales.changes.begin(world.loop.now())
        assert [len(page.items) + len(page.bad) async for page in world.woo.sales.changes.since(cursor)] == [0]
        with pytest.raises(Gone, match="basket"):
            await world.woo.sales.get(draft)

    play(story, version=version)


def new_order(world: World, **changes: Any) -> NewOrder:
    def line(sku: str, quantity: int, each: int, **more: Any) -> NewLine:
        variant = world.made[sku]["variant"] if sku in world.made else None
        price, total = Money(each, "USD"), Money(each * quantity, "USD")
        return NewLine(
            variant_id=variant,
            sku=sku,
            title=sku,
            quantity=quantity,
            unit_price=price,
            total=total,
            tax=Money(0, "USD"),
        )

    order = NewOrder(
        reference="bridge-till-0001",
        note="Till order 17",
        currency="USD",
        lines=(line("MUG", 2, 700), line("TEE-M", 1, 1850), line("GIFT", 1, 300)),
        shipping=Money(499, "USD"),
        total=Money(700 * 2 + 1850 + 300 + 499 - 50, "USD"),
        placed_at=datetime(2026, 11, 2, 7, 30, tzinfo=UTC),
        customer=Contact(name="Grace Hopper"),
    )
    return replace(order, **changes)


@VERSIONS
def test_a_mirror_costs_the_same_and_moves_stock_once(play: Play, version: str) -> None:
    async def story(world: World) -> None:
        writer = world.woo.order_writer
        assert writer is not None
        assert await writer.find("bridge-till-0001") is None
        made = await writer.mirror(new_order(world))
        assert (made.total, made.status, made.reference) == (Money(3999, "USD"), "paid", "bridge-till-0001")
        assert [(line.sku, line.held) for line in made.lines] == [("MUG", 2), ("TEE-M", 1)]
        assert {sku: number[""] for sku, number in world.shop.stock().items() if sku in {"MUG", "TEE-M"}} == {
            "MUG": 18,
            "TEE-M": 5,
        }
        found = await writer.find("bridge-till-0001")
        assert found is not None
        assert found.id == made.id
        assert await writer.find("bridge-till-000") is None

    play(story, version=version)


@VERSIONS
def test_fulfilment_tells_the_buyer_once(play: Play, version: str) -> None:
    async def story(world: World) -> None:
        writer = world.woo.order_writer
        assert writer is not None
        made = await writer.mirror(new_order(world))
        parcel = Tracking(number="Z1", carrier="dhl", url="https://t.example/Z1")
        for _ in range(2):
            done = await writer.fulfil(made, [parcel], "k1")
            assert (done.status, done.tracking) == ("fulfilled", (parcel,))

    play(story, version=version)


@VERSIONS
@pytest.mark.parametrize("restock", [True, False])
def test_cancelling_gives_units_back_or_not(play: Play, version: str, restock: bool) -> None:
    async def story(world: World) -> None:
        writer = world.woo.order_writer
        assert writer is not None
        made = await writer.mirror(new_order(world))
        for _ in range(2):
            gone = await writer.cancel(made, restock=restock, key="k")
            assert gone.status == "cancelled"
            assert [line.held for line in gone.lines] == ([0, 0] if restock else [2, 1])
        assert world.shop.stock()["MUG"] == {"": 20 if restock else 18}
        with pytest.raises(Refused):
            await writer.fulfil(made, [], "k2")

    play(story, version=version)


@VERSIONS
@pytest.mark.parametrize("restock", [True, False])
def test_a_refund_happens_once_even_after_a_lost_answer(play: Play, version: str, restock: bool) -> None:
    async def story(world: World) -> None:
        writer = world.woo.order_writer
        assert writer is not None
        made = await writer.mirror(new_order(world))
        lines = [LineRefund(line_id=made.lines[0].id, quantity=1, amount=Money(700, "USD"))]

        async def refund() -> Order:
            assert writer is not None
            amount = Money(700, "USD")
            return await writer.refund(made, lines, amount, restock=restock, reason="broken", key="r-1")

        world.platform.faults.add(kind="cut_after", method="POST", path="refunds")
        with pytest.raises(TryLater) as caught:
            await refund()
        assert caught.value.maybe_applied
        after = await refund()
        assert (after.refunded, after.lines[0].refunded) == (Money(700, "USD"), 1)
        assert after.lines[0].held == (1 if restock else 2)
        assert world.shop.stock()["MUG"] == {"": 19 if restock else 18}
        with pytest.raises(Refused):
            await writer.refund(made, [], Money(999900, "USD"), restock=False, reason="", key="r-2")

    play(story, version=version)


@VERSIONS
def test_edits_touch_only_what_they_name(play: Play, version: str) -> None:
    async def story(world: World) -> None:
        products = {one.title: one for page in [p async for p in world.woo.catalog.all()] for one in page.items}
        mug, tee = products["Mug"], products["Tee"]
        cheaper = VariantEdit(
            id=mug.variants[0].id,
            fields=frozenset({"price", "compare_at", "weight_grams"}),
            price=Money(600, "USD"),
            compare_at=Money(750, "USD"),
            weight_grams=400,
        )
        dearer = VariantEdit(id=tee.variants[0].id, fields=frozenset({"price"}), price=Money(2100, "USD"))
        taken = VariantEdit(id=products["Tea"].variants[0].id, fields=frozenset({"sku"}), sku="MUG")
        writer = world.woo.products
        assert writer is not None
        results = await writer.edit(
            [
                ProductEdit(current=mug, fields=frozenset({"title"}), title="Big mug", variants=(cheaper,)),
                ProductEdit(current=tee, fields=frozenset(), variants=(dearer,)),
                ProductEdit(current=products["Tea"], fields=frozenset(), variants=(taken,)),
            ],
            "k",
        )
        assert [result.id for result in results] == [mug.id, tee.id, products["Tea"].id]
        assert "SKU" in results[2].reason
        big, tees = results[0].product, results[1].product
        assert big is not None
        assert tees is not None
        assert (big.title, big.variants[0].price, big.variants[0].compare_at) == (
            "Big mug",
            Money(600, "USD"),
            Money(750, "USD"),
        )
        assert big.variants[0].weight_grams == 400
        assert [one.price for one in tees.variants] == [Money(2100, "USD"), Money(1900, "USD")]
        assert world.shop.stock()["MUG"] == {"": 20}

    play(story, version=version)


def sock(*skus: str) -> Product:
    variants = tuple(
        Variant(id="", sku=sku, price=Money(500, "USD"), options=(("Size", sku[-1]),) if len(skus) > 1 else ())
        for sku in skus
    )
    options = ("Size",) if len(skus) > 1 else ()
    return Product(id="", title="Sock", options=options, variants=variants, updated_at=datetime(2026, 1, 1, tzinfo=UTC))


@VERSIONS
@pytest.mark.parametrize("skus", [("SOCK",), ("SOCK-S", "SOCK-M")])
def test_creation_finds_its_own_earlier_attempt(play: Play, version: str, skus: tuple[str, ...]) -> None:
    async def story(world: World) -> None:
        writer = world.woo.products
        assert writer is not None
        world.platform.faults.add(kind="cut_after", method="POST", path="products$")
        with pytest.raises(TryLater):
            await writer.create(sock(*skus), "create-1")
        made = [at_once(await writer.create(sock(*skus), "create-1")) for _ in range(2)]
        assert made[0].id == made[1].id
        assert {one.sku for one in made[0].variants} == set(skus)
        titles = [one.title async for page in world.woo.catalog.all() for one in page.items]
        assert titles.count("Sock") == 1
        await writer.delete(made[0].id)
        await writer.delete(made[0].id)
        assert await world.woo.catalog.get([made[0].id]) == []
        with pytest.raises(Refused) as caught:
            await writer.create(sock("SOCK"), "create-2") if len(skus) == 1 else await writer.create(sock(), "create-2")
        assert caught.value.what

    play(story, version=version)


def test_five_thousand_products_are_pulled_ahead(play: Play) -> None:
    many = [{"title": f"P{n}", "variants": [{"sku": f"P{n}", "price": "1.00", "stock": 1}]} for n in range(5000)]

    async def story(world: World) -> None:
        world.platform.faults.add(kind="latency", seconds=0.05, times=None)
        before = world.loop.time()
        titles = {one.title async for page in world.woo.catalog.all() for one in page.items}
        took = world.loop.time() - before
        assert len(titles) == 5000
        one_after_the_other = 50 * 0.05
        assert took * 3 < one_after_the_other

    play(story, products=many)
