"""End to end against the stand-in, in process: every port, over HTTP as the real thing speaks it."""

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bridge.contract.errors import NeedsPerson, Refused
from bridge.contract.ports import (
    LineRefund,
    NewLine,
    NewOrder,
    OrderWriter,
    ProductEdit,
    ProductsPort,
    VariantEdit,
)
from bridge.contract.stock import Applied, Rejected, StockChange
from bridge.domain.catalog import Level, Product, StockKey, Variant
from bridge.domain.money import Money
from bridge.domain.orders import Address, Order, Tracking
from bridge.sandbox.kit.platform import Platform
from bridge.sandbox.kit.transport import InProcess
from bridge.sandbox.square import build
from bridge.wire.http import Surroundings
from connectors.square import Settings, connect
from tests.products import at_once

HOST = "connect.squareup.com"


def surroundings(clock: list[datetime], platform: Platform, calls: list[str]) -> Surroundings:
    class Counting(InProcess):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            calls.append(request.url.path)
            return await super().handle_async_request(request)

    async def sleep(seconds: float) -> None:
        clock[0] += timedelta(seconds=seconds)

    return Surroundings(
        now=lambda: clock[0],
        time=lambda: clock[0].timestamp(),  # noqa: PLW0108 - the time moves
        sleep=sleep,
        rng=random.Random(7),
        transport=Counting({HOST: platform.app}),
    )


class Till:
    """The fixture's value: a seller with two products, and the calls made so far."""

    def __init__(self, **options: Any) -> None:
        self.clock = [datetime(2026, 11, 22, 12, tzinfo=UTC)]
        self.calls: list[str] = []

        async def sleep(seconds: float) -> None:
            self.clock[0] += timedelta(seconds=seconds)

        self.platform = build(now=lambda: self.clock[0], sleep=sleep, rng=random.Random(3), host=HOST, **options)
        self.platform.shop.seed(
            [
                {
                    "title": "Tee",
                    "description": "<p>Soft</p>",
                    "images": ["https://img.example/tee.jpg"],
                    "variants": [
                        {"sku": "TEE-S", "price": "20.00", "barcode": "036000291452", "stock": {"Main Street": 10}},
                        {"sku": "TEE-M", "price": "21.50", "stock": {"Main Street": 4, "Harbour": 2}},
                    ],
                },
                {"title": "Mug", "variants": [{"sku": "MUG", "price": "9.99", "stock": None}]},
            ]
        )
        around = surroundings(self.clock, self.platform, self.calls)
        self.around = around
        self.connector = connect(Settings(access_token=self.platform.credentials["access_token"]), around, where="till")

    def later(self, **span: float) -> None:
        self.clock[0] += timedelta(**span)

    @property
    def now(self) -> datetime:
        return self.clock[0]

    @property
    def products(self) -> ProductsPort:
        assert self.connector.products is not None
        return self.connector.products

    @property
    def writer(self) -> OrderWriter:
        assert self.connector.order_writer is not None
        return self.connector.order_writer

    def shelf(self, sku: str) -> int:
        """Square's own number, over all locations."""
        return sum(self.platform.shop.stock()[sku].values())

    async def orders(self, cursor: str) -> tuple[list[Order], str]:
        pages = [page async for page in self.connector.sales.changes.since(cursor)]
        assert not [bad for page in pages for bad in page.bad]
        return [order for page in pages for order in page.items], pages[-1].cursor

    async def changed(self, cursor: str) -> tuple[list[Product], str]:
        pages = [page async for page in self.connector.catalog.changes.since(cursor)]
        assert not [bad for page in pages for bad in page.bad]
        return [item for page in pages for item in page.items], pages[-1].cursor

    async def levels(self, cursor: str) -> tuple[list[Level], str]:
        feed = self.connector.stock.changes
        assert feed is not None
        pages = [page async for page in feed.since(cursor)]
        return [level for page in pages for level in page.items], pages[-1].cursor

    async def item(self, sku: str) -> Product:
        items = [item async for page in self.connector.catalog.all() for item in page.items]
        return next(item for item in items if any(variant.sku == sku for variant in item.variants))

    async def variant(self, sku: str) -> Variant:
        return next(variant for variant in (await self.item(sku)).variants if variant.sku == sku)

    async def key(self, sku: str, place: str = "Main Street") -> StockKey:
        places = {found.name: found.id for found in (await self.connector.account.check()).locations}
        return StockKey((await self.variant(sku)).id, places[place])


@pytest.fixture
async def till(anyio_backend: str) -> AsyncIterator[Till]:
    found = Till()
    yield found
    assert found.connector.close is not None
    await found.connector.close()


pytestmark = pytest.mark.anyio


async def test_the_account_is_checked(till: Till) -> None:
    found = await till.connector.account.check()
    assert (found.currency, found.missing) == ("USD", ())
    assert [place.name for place in found.locations] == ["Harbour", "Main Street"]
    wrong = connect(Settings(access_token="EAAAnonsense"), till.around, where="till")
    with pytest.raises(NeedsPerson, match="till"):
        await wrong.account.check()


async def test_the_catalog_is_read_whole(till: Till) -> None:
    tee, mug = await till.item("TEE-S"), await till.item("MUG")
    assert (tee.title, tee.description, tee.status) == ("Tee", "<p>Soft</p>", "active")
    assert len(tee.images) == 1
    assert [(variant.sku, variant.price, variant.barcode) for variant in tee.variants] == [
        ("TEE-S", Money(2000, "USD"), "036000291452"),
        ("TEE-M", Money(2150, "USD"), None),
    ]
    assert all(variant.stock_id == variant.id for variant in tee.variants)
    assert mug.variants[0].stock_id is None
    assert list(await till.connector.catalog.get([tee.id, "NOSUCHITEM"])) == [tee]


async def test_edits_of_variations_and_deletions_are_seen(till: Till) -> None:
    tee, mug = await till.item("TEE-S"), await till.item("MUG")
    till.later(hours=1)
    cursor = till.connector.catalog.changes.begin(till.now)
    assert (await till.changed(cursor))[0] == []
    till.platform.shop.edit_product("TEE-M", price="25.00")
    till.platform.shop.delete_product("MUG")
    till.later(minutes=1)
    found, cursor = await till.changed(cursor)
    edited = next(item for item in found if item.id == tee.id)
    assert {variant.sku: variant.price for variant in edited.variants}["TEE-M"] == Money(2500, "USD")
    assert [item.id for item in found if item.deleted] == [mug.id]
    till.later(minutes=10)
    assert (await till.changed((await till.changed(cursor))[1]))[0] == []


async def test_stock_is_read_written_and_explained(till: Till) -> None:
    stock, small, medium = till.connector.stock, await till.key("TEE-S"), await till.key("TEE-M")
    till.later(hours=1)
    assert stock.changes is not None
    cursor, start = stock.changes.begin(till.now), till.now
    assert [level.quantity for level in await stock.read([small, medium])] == [10, 4]
    rows = [StockChange(key=small, delta=-3, shown=10), StockChange(key=medium, delta=5, shown=4)]
    prepared = stock.prepare(rows, "k-1")
    outcomes = await stock.send(prepared)
    assert [outcome.quantity for outcome in outcomes if isinstance(outcome, Applied)] == [7, 9]
    assert [outcome.quantity for outcome in await stock.send(prepared) if isinstance(outcome, Applied)] == [7, 9]
    assert till.shelf("TEE-S") == 7
    till.later(minutes=1)
    till.platform.shop.count("TEE-S", 6, location="Main Street")
    till.platform.shop.sale([{"sku": "TEE-M", "quantity": 1}], location="Main Street")
    till.later(minutes=1)
    causes = await stock.causes([small, medium], start)
    assert sorted((cause.kind, cause.quantity) for cause in causes) == [
        ("count", 6),
        ("ours", -3),
        ("ours", 5),
        ("sale", -1),
    ]
    levels, _ = await till.levels(cursor)
    assert {level.key: level.quantity for level in levels} == {small: 6, medium: 8}


async def test_a_lost_answer_applies_once(till: Till) -> None:
    till.platform.faults.add(kind="cut_after", path="/v2/inventory/changes/batch-create", times=1)
    rows = [StockChange(key=await till.key("TEE-S"), delta=-3, shown=10)]
    (outcome,) = await till.connector.stock.send(till.connector.stock.prepare(rows, "k-1"))
    assert isinstance(outcome, Applied)
    assert outcome.quantity == 7
    assert till.shelf("TEE-S") == 7


async def test_an_old_write_is_never_doubled(till: Till) -> None:
    stock, small = till.connector.stock, await till.key("TEE-S")
    sent = stock.prepare([StockChange(key=small, delta=-3, shown=10)], "k-1")
    unsent = stock.prepare([StockChange(key=small, delta=-1, shown=7)], "k-2")
    await stock.send(sent)
    till.later(hours=30)
    (first,), (second,) = await stock.send(sent), await stock.send(unsent)
    assert isinstance(first, Applied)
    assert isinstance(second, Rejected)
    assert till.shelf("TEE-S") == 7


async def test_one_bad_row_does_not_take_the_others_along(till: Till) -> None:
    stock, small = till.connector.stock, await till.key("TEE-S")
    gone = StockKey("NOSUCHVARIATION", small.location)
    rows = [StockChange(key=small, delta=-1, shown=10), StockChange(key=gone, delta=1, shown=0)]
    outcomes = await stock.send(stock.prepare(rows, "k-1"))
    assert [outcome.kind for outcome in outcomes if isinstance(outcome, Rejected)] == ["retry", "gone"]
    assert till.shelf("TEE-S") == 10


async def test_tracking_is_switched_on_by_a_count(till: Till) -> None:
    stock, tee = till.connector.stock, await till.key("TEE-S", "Harbour")
    assert [level.quantity for level in await stock.read([tee])] == [None]
    rows = [StockChange(key=tee, delta=5, shown=0, track=True)]
    assert isinstance((await stock.send(stock.prepare(rows, "k-1")))[0], Applied)
    assert [level.quantity for level in await stock.read([tee])] == [5]


async def test_sales_come_in_and_hold_units(till: Till) -> None:
    till.later(hours=1)
    cursor = till.connector.sales.changes.begin(till.now)
    assert (await till.orders(cursor))[0] == []
    sale = till.platform.shop.sale([{"sku": "TEE-S", "quantity": 2}], location="Main Street")
    late = till.platform.shop.sale(
        [{"sku": "TEE-M", "quantity": 1}], location="Harbour", occurred_at=till.now - timedelta(hours=40)
    )
    till.later(minutes=1)
    found, cursor = await till.orders(cursor)
    orders = {order.id: order for order in found}
    assert set(orders) == {sale, late}
    (line,) = orders[sale].lines
    assert (line.quantity, line.held, line.total) == (2, 2, Money(4000, "USD"))
    assert line.variant_id == (await till.variant("TEE-S")).id
    assert orders[sale].total == Money(4000, "USD")
    assert orders[late].placed_at == till.now - timedelta(hours=40, minutes=1)
    assert orders[late].updated_at > orders[late].placed_at
    assert await till.connector.sales.get(sale) == orders[sale]
    till.later(minutes=10)
    assert (await till.orders((await till.orders(cursor))[1]))[0] == []


@pytest.mark.parametrize("restock", [True, False])
async def test_a_return_is_an_order_of_its_own(till: Till, restock: bool) -> None:
    sale = till.platform.shop.sale([{"sku": "TEE-S", "quantity": 3}], location="Main Street")
    till.later(minutes=5)
    cursor = till.connector.sales.changes.begin(till.now)
    till.platform.shop.refund(sale, [{"sku": "TEE-S", "quantity": 2}], restock=restock)
    found, _ = await till.orders(cursor)
    back = next(order for order in found if order.returns)
    (line,) = back.lines
    assert back.returns == sale
    assert line.quantity == -2
    assert (line.held, line.restocked) == ((-2, 2) if restock else (0, 0))
    assert line.total == Money(-4000, "USD")


async def test_nothing_changed_costs_three_calls(till: Till) -> None:
    till.later(hours=1)
    begin = till.connector.sales.changes.begin(till.now)
    _, orders = await till.orders(begin)
    catalog = till.connector.catalog.changes.begin(till.now)
    assert till.connector.stock.changes is not None
    stock = till.connector.stock.changes.begin(till.now)
    till.calls.clear()
    await till.orders(orders)
    await till.changed(catalog)
    await till.levels(stock)
    assert len(till.calls) == 3


async def test_products_are_edited_with_compare_and_set(till: Till) -> None:
    tee = await till.item("TEE-S")
    price = VariantEdit(id=tee.variants[0].id, fields=frozenset({"price"}), price=Money(1999, "USD"))
    edit = ProductEdit(current=tee, fields=frozenset({"title"}), title="Better Tee", variants=(price,))
    (done,) = await till.products.edit([edit], "e-1")
    assert done.product is not None
    assert (done.product.title, done.product.images) == ("Better Tee", tee.images)
    assert done.product.variants[0].price == Money(1999, "USD")
    assert done.product.variants[1] == tee.variants[1]
    assert done.product.description == tee.description
    (again,) = await till.products.edit([replace(edit, title="Worse Tee")], "e-2")
    assert again.stale
    assert (await till.item("TEE-S")).title == "Better Tee"


async def test_one_stale_edit_leaves_the_others(till: Till) -> None:
    tee, mug = await till.item("TEE-S"), await till.item("MUG")
    till.later(minutes=1)
    till.platform.shop.edit_product("MUG", title="Cup")
    edits = [ProductEdit(current=item, fields=frozenset({"title"}), title=item.title + "!") for item in (tee, mug)]
    first, second = await till.products.edit(edits, "e-1")
    assert first.product is not None
    assert first.product.title == "Tee!"
    assert second.stale


async def test_products_are_created_once_and_archived(till: Till) -> None:
    hat = Product(
        id="",
        title="Hat",
        updated_at=till.now,
        variants=(Variant(id="", sku="HAT", price=Money(1500, "USD"), barcode="4006381333931"),),
    )
    made = at_once(await till.products.create(hat, "c-1"))
    assert (made.title, made.variants[0].sku, made.variants[0].price) == ("Hat", "HAT", Money(1500, "USD"))
    assert at_once(await till.products.create(hat, "c-2")).id == made.id
    await till.products.delete(made.id)
    await till.products.delete(made.id)
    assert (await till.item("HAT")).status == "archived"


def new_order(lines: tuple[NewLine, ...], total: int, shipping: int = 0, reference: str = "web-1001") -> NewOrder:
    return NewOrder(
        reference=reference,
        note="leave at the door",
        currency="USD",
        lines=lines,
        shipping=Money(shipping, "USD"),
        total=Money(total, "USD"),
        placed_at=datetime(2026, 11, 22, 11, tzinfo=UTC),
        ship_to=Address(name="Ada", line1="1 Main St", city="Springfield", postcode="12345", country="US"),
    )


async def tee_line(till: Till, quantity: int = 3, total: int = 5000) -> NewLine:
    variant, zero = (await till.variant("TEE-S")).id, Money(0, "USD")
    price = Money(2000, "USD")
    return NewLine(
        variant_id=variant,
        sku="TEE-S",
        title="Tee",
        quantity=quantity,
        unit_price=price,
        total=Money(total, "USD"),
        tax=zero,
    )


async def test_an_order_is_mirrored_found_and_shipped(till: Till) -> None:
    place = (await till.key("TEE-S")).location
    order = replace(new_order((await tee_line(till),), 5000), location=place)
    made = await till.writer.mirror(order)
    assert (made.total, made.reference, made.status) == (Money(5000, "USD"), "web-1001", "paid")
    assert [line.held for line in made.lines] == [3]
    assert till.shelf("TEE-S") == 7
    assert (await till.writer.mirror(order)).id == made.id
    found = await till.writer.find("web-1001")
    assert found is not None
    assert found.id == made.id
    assert await till.writer.find("web-1002") is None
    shipped = await till.writer.fulfil(made, [Tracking(number="1Z9", carrier="UPS")], "f-1")
    assert shipped.status == "fulfilled"
    assert shipped.tracking == (Tracking(number="1Z9", carrier="UPS"),)
    assert [line.fulfilled for line in shipped.lines] == [3]
    assert (await till.writer.fulfil(shipped, [], "f-2")).status == "fulfilled"


async def test_a_half_made_mirror_is_finished_by_find(till: Till) -> None:
    place = (await till.key("TEE-S")).location
    order = replace(new_order((await tee_line(till),), 5000), location=place)
    till.platform.faults.add(kind="status", status=400, path="/v2/payments", times=1)
    with pytest.raises(Refused):
        await till.writer.mirror(order)
    found = await till.writer.find("web-1001")
    assert found is not None
    assert found.status == "paid"
    assert till.shelf("TEE-S") == 7


async def test_refunds_and_cancellations(till: Till) -> None:
    place = (await till.key("TEE-S")).location
    made = await till.writer.mirror(replace(new_order((await tee_line(till),), 5000), location=place))
    with pytest.raises(Refused, match="paid"):
        await till.writer.cancel(made, restock=True, key="c-1")
    back = [LineRefund(line_id=made.lines[0].id, quantity=1, amount=Money(1500, "USD"))]
    with pytest.raises(Refused, match="restock"):
        await till.writer.refund(made, back, Money(1500, "USD"), restock=True, reason="broken", key="r-1")
    await till.writer.refund(made, back, Money(1500, "USD"), restock=False, reason="broken", key="r-1")
    await till.writer.refund(made, back, Money(1500, "USD"), restock=False, reason="broken", key="r-1")
    assert till.shelf("TEE-S") == 7
    found, _ = await till.orders(till.connector.sales.changes.begin(till.now - timedelta(hours=1)))
    assert sum(order.refunded.minor for order in found) in {1500, 3000}
    unpaid = till.platform.shop.sale([{"sku": "TEE-M", "quantity": 1}], location="Harbour", paid=False)
    order = await till.connector.sales.get(unpaid)
    assert [line.held for line in order.lines] == [0]
