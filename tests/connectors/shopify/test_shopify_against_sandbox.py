"""The connector against the stand-in shop, end to end in one process under a simulated clock."""

import asyncio
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.contract.errors import NeedsPerson, TryLater
from bridge.contract.ports import LineRefund, NewLine, NewOrder, ProductEdit, VariantEdit
from bridge.contract.stock import Applied, Outcome, StockChange
from bridge.domain.catalog import Product, StockKey, Variant
from bridge.domain.money import Money
from bridge.domain.orders import Order, Tracking
from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.sandbox.kit.transport import InProcess
from bridge.sandbox.shopify import build
from bridge.wire.http import Surroundings
from connectors.shopify import Settings, connect
from connectors.shopify.limits import OPTIONAL_SCOPES, REQUIRED_SCOPES, WRITER_SCOPES

Open = Callable[..., SimpleNamespace]
SCOPES = frozenset({*REQUIRED_SCOPES, *WRITER_SCOPES, *OPTIONAL_SCOPES})


@pytest.fixture
def open_shop() -> Iterator[Open]:
    """Open shops with options; `run` runs a coroutine on its simulated clock."""
    loops: list[SimulatedLoop] = []

    def open_one(settings: dict[str, str] | None = None, **options: Any) -> SimpleNamespace:
        loop = SimulatedLoop()
        loops.append(loop)
        rng = random.Random(7)
        asked = {"scopes": SCOPES, **options}
        platform = build(now=loop.now, sleep=asyncio.sleep, rng=rng, host="http://shop.test", **asked)
        around = Surroundings(
            now=loop.now, time=loop.time, sleep=asyncio.sleep, rng=rng,
            transport=InProcess({"shop.test": platform.app}),
        )  # fmt: skip
        given = settings or {"access_token": platform.credentials["access_token"]}
        channel = connect(Settings(url="http://shop.test", **given), around, where="web")
        return SimpleNamespace(
            shop=platform.shop, faults=platform.faults, channel=channel, now=loop.now, run=loop.run_until_complete,
            credentials=platform.credentials,
        )  # fmt: skip

    yield open_one
    for loop in loops:
        loop.close()


@pytest.fixture
def world(open_shop: Open) -> SimpleNamespace:
    """A shop with two locations, a product of two variants, and one untracked product."""
    world = open_shop(locations=("Main", "Branch"))
    tee = {
        "title": "Tee", "options": ["Colour"],
        "variants": [
            {"sku": "RED", "price": "20.00", "options": {"Colour": "Red"}, "stock": {"Main": 10, "Branch": 3}},
            {"sku": "BLUE", "price": "21.00", "options": {"Colour": "Blue"}, "stock": {"Main": 5}},
        ],
    }  # fmt: skip
    world.shop.seed([tee, {"title": "Card", "variants": [{"sku": "CARD", "price": "5.00", "stock": None}]}])
    world.places = {place.name: place.id for place in world.run(world.channel.account.check()).locations}
    world.products = {
        variant.sku: (product, variant)
        for page in world.run(collect(world.channel.catalog.all()))
        for product in page.items
        for variant in product.variants
    }
    return world


async def collect(pages: Any) -> list[Any]:
    return [page async for page in pages]


def changed(world: SimpleNamespace, feed: Any, cursor: str) -> tuple[list[Any], str]:
    pages = world.run(collect(feed.since(cursor)))
    assert all(not page.bad for page in pages)
    return [item for page in pages for item in page.items], pages[-1].cursor


def key(world: SimpleNamespace, sku: str, place: str = "Main") -> StockKey:
    return StockKey(world.products[sku][1].stock_id, world.places[place])


def write(world: SimpleNamespace, *changes: StockChange, name: str = "k1") -> list[Outcome]:
    stock = world.channel.stock
    return [
        outcome
        for number, batch in enumerate(stock.batches(changes))
        for outcome in world.run(stock.send(stock.prepare(batch, f"{name}-{number}")))
    ]


def read_order(world: SimpleNamespace, order_id: str) -> Order:
    found: Order = world.run(world.channel.orders.get(order_id.rsplit("/", 1)[-1]))
    return found


def test_account_and_catalogue(world: SimpleNamespace) -> None:
    identity = world.run(world.channel.account.check())
    assert identity.missing == ()
    assert set(world.places) == {"Main", "Branch"}
    product, red = world.products["RED"]
    assert (product.title, red.options, red.price.decimal) == ("Tee", (("Colour", "Red"),), "20.00")
    assert world.products["CARD"][0].options == ()


def test_missing_scopes_are_named(open_shop: Open) -> None:
    world = open_shop(scopes=frozenset({"read_products", "read_locations", "write_inventory"}))
    assert "read_orders" in world.run(world.channel.account.check()).missing
    with pytest.raises(NeedsPerson, match="orders"):
        changed(world, world.channel.orders.changes, world.channel.orders.changes.begin(world.now()))


def test_a_wrong_token_needs_a_person(open_shop: Open) -> None:
    world = open_shop({"access_token": "shpat_wrong_wrong"})
    with pytest.raises(NeedsPerson):
        world.run(world.channel.account.check())


def test_an_apps_credentials_work_too(open_shop: Open) -> None:
    app = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
    world = open_shop(app)
    assert world.run(world.channel.account.check()).missing == ()


def test_numbers_are_read_scanned_and_adjusted(world: SimpleNamespace) -> None:
    keys = [key(world, "RED"), key(world, "RED", "Branch"), key(world, "BLUE"), key(world, "CARD")]
    levels = {level.key: level.quantity for level in world.run(world.channel.stock.read(keys))}
    assert [levels.get(one) for one in keys] == [10, 3, 5, None]
    scanned = {one.key: one.quantity for page in world.run(collect(world.channel.stock.scan())) for one in page.items}
    assert [scanned.get(one) for one in keys] == [10, 3, 5, None]
    done = write(world, StockChange(key=keys[0], delta=-2, shown=10), StockChange(key=keys[1], delta=4, shown=3))
    assert [outcome.quantity for outcome in done if isinstance(outcome, Applied)] == [8, 7]
    assert world.shop.stock()["RED"] == {"Main": 8, "Branch": 7}


def test_an_unseen_sale_makes_its_row_stale_and_the_others_go_again(world: SimpleNamespace) -> None:
    world.shop.sale([{"sku": "RED", "quantity": 1}])
    changes = [
        StockChange(key=key(world, "RED"), delta=1, shown=10),
        StockChange(key=key(world, "BLUE"), delta=1, shown=5),
    ]
    assert [getattr(outcome, "kind", "applied") for outcome in write(world, *changes)] == ["stale", "retry"]
    assert world.shop.stock()["BLUE"]["Main"] == 5


def test_the_same_write_twice_takes_effect_once(world: SimpleNamespace) -> None:
    change = StockChange(key=key(world, "RED"), delta=-2, shown=10)
    assert write(world, change) == write(world, change)
    assert world.shop.stock()["RED"]["Main"] == 8


def test_an_answer_lost_on_the_way_back_is_asked_again_with_the_key(world: SimpleNamespace) -> None:
    world.faults.add(kind="cut_after", times=1)
    assert isinstance(write(world, StockChange(key=key(world, "RED"), delta=-2, shown=10))[0], Applied)
    assert world.shop.stock()["RED"]["Main"] == 8


def test_tracking_is_switched_on(world: SimpleNamespace) -> None:
    (outcome,) = write(world, StockChange(key=key(world, "CARD"), delta=7, shown=0, track=True))
    assert isinstance(outcome, Applied)
    assert world.shop.stock()["CARD"]["Main"] == 7


def test_feeds_tell_a_sale_and_then_are_quiet(world: SimpleNamespace) -> None:
    channel = world.channel
    feeds = (channel.orders.changes, channel.catalog.changes, channel.stock.changes)
    world.run(asyncio.sleep(3600))
    cursors = [feed.begin(world.now()) for feed in feeds]
    assert [changed(world, feed, cursor)[0] for feed, cursor in zip(feeds, cursors, strict=True)] == [[], [], []]
    world.shop.sale([{"sku": "RED", "quantity": 4}])
    seen = [changed(world, feed, cursor) for feed, cursor in zip(feeds, cursors, strict=True)]
    (sold,), (level,) = seen[0][0], [one for one in seen[2][0] if one.key == key(world, "RED")]
    assert [(line.sku, line.quantity, line.held, line.location) for line in sold.lines] == [
        ("RED", 4, 4, world.places["Main"])
    ]
    assert level.quantity == 6
    world.run(asyncio.sleep(7200))
    settled = [changed(world, feed, cursor)[1] for feed, (_, cursor) in zip(feeds, seen, strict=True)]
    world.shop.sale([{"sku": "BLUE", "quantity": 1}])
    again = [changed(world, feed, cursor)[0] for feed, cursor in zip(feeds, settled, strict=True)]
    assert again[0][-1].lines[0].sku == "BLUE"
    assert key(world, "BLUE") in {one.key for one in again[2]}


def test_a_quiet_sync_is_three_calls(world: SimpleNamespace) -> None:
    channel, before = world.channel, sum(world.faults.calls.values())
    for feed in (channel.orders.changes, channel.catalog.changes, channel.stock.changes):
        assert len(world.run(collect(feed.since(feed.begin(world.now()))))) == 1
    assert sum(world.faults.calls.values()) - before == 3


def test_a_lagging_index_loses_nothing(open_shop: Open) -> None:
    world = open_shop(search_lag=120.0)
    world.shop.seed([{"title": "Tee", "variants": [{"sku": "RED", "price": "20.00", "stock": 50}]}])
    world.run(asyncio.sleep(3600))
    feed = world.channel.orders.changes
    cursor, seen, sold = feed.begin(world.now()), set(), set()
    for _ in range(12):
        sold.add(world.shop.sale([{"sku": "RED", "quantity": 1}]).rsplit("/", 1)[-1])
        orders, cursor = changed(world, feed, cursor)
        seen |= {order.id for order in orders}
        world.run(asyncio.sleep(45))
    world.run(asyncio.sleep(300))
    seen |= {order.id for order in changed(world, feed, cursor)[0]}
    assert seen == sold


Act = Callable[[SimpleNamespace, str], None]


@pytest.mark.parametrize(
    ("act", "held"),
    [
        (lambda world, sale: None, 4),
        (lambda world, sale: world.shop.fulfil(sale), 4),
        (lambda world, sale: world.shop.refund(sale, [{"sku": "RED", "quantity": 1}], restock=True), 3),
        (lambda world, sale: world.shop.refund(sale, [{"sku": "RED", "quantity": 1}], restock=False), 4),
        (lambda world, sale: world.shop.cancel(sale, restock=True), 0),
        (lambda world, sale: world.shop.cancel(sale, restock=False), 4),
        (lambda world, sale: world.shop.edit_order(sale, "RED", 6), 6),
        (lambda world, sale: world.shop.edit_order(sale, "RED", 1), 1),
    ],
    ids=["sale", "fulfil", "refund+restock", "refund", "cancel+restock", "cancel", "edit up", "edit down"],
)
def test_held_is_what_the_shops_own_number_lost(world: SimpleNamespace, act: Act, held: int) -> None:
    sale = world.shop.sale([{"sku": "RED", "quantity": 4}])
    act(world, sale)
    order = read_order(world, sale)
    assert sum(line.held or 0 for line in order.lines) == held
    assert world.shop.stock()["RED"]["Main"] == 10 - held


def test_shipped_goods_that_come_back(world: SimpleNamespace) -> None:
    sale = world.shop.sale([{"sku": "RED", "quantity": 4}])
    world.shop.fulfil(sale, tracking={"number": "RR1", "carrier": "Post"})
    world.shop.refund(sale, [{"sku": "RED", "quantity": 3}], restock=True)
    line = read_order(world, sale).lines[0]
    assert (line.held, line.refunded, line.restocked, line.fulfilled) == (1, 3, 3, 4)
    assert world.shop.stock()["RED"]["Main"] == 9


def test_a_till_sale_names_its_shop(world: SimpleNamespace) -> None:
    sale = world.shop.sale([{"sku": "RED", "quantity": 2}], channel="pos", location="Branch")
    order = read_order(world, sale)
    assert (order.source, order.lines[0].location, order.lines[0].held) == ("pos", world.places["Branch"], 2)


def test_an_order_without_personal_data(open_shop: Open) -> None:
    world = open_shop(personal_data=False)
    world.shop.seed([{"title": "Tee", "variants": [{"sku": "RED", "price": "20.00", "stock": 5}]}])
    buyer = {"name": "Ada", "email": "ada@example.com"}
    sale = world.shop.sale([{"sku": "RED", "quantity": 1}], customer=buyer)
    order = read_order(world, sale)
    assert order.lines[0].held == 1
    assert order.customer is None or not order.customer.email


def mirror(world: SimpleNamespace, reference: str = "bridge:woo:17") -> Order:
    variant = world.products["RED"][1]
    money = Money(1000, "USD")
    currency = world.run(world.channel.account.check()).currency
    money = Money(1000, currency)
    line = NewLine(
        variant_id=variant.id, sku="RED", title="Tee", quantity=3, unit_price=Money(333, currency), total=money,
        tax=Money(0, currency),
    )  # fmt: skip
    order = NewOrder(
        reference=reference, note="Order 17", currency=currency, lines=(line,), shipping=Money(0, currency),
        total=money, placed_at=world.now(),
    )  # fmt: skip
    made: Order = world.run(world.channel.order_writer.mirror(order))
    return made


def test_a_mirror_is_found_shipped_and_refunded(world: SimpleNamespace) -> None:
    writer = world.channel.order_writer
    assert world.run(writer.find("bridge:woo:17")) is None
    made = mirror(world)
    assert (made.reference, made.total.minor, made.status) == ("bridge:woo:17", 1000, "paid")
    assert world.shop.stock()["RED"]["Main"] == 7
    found = world.run(writer.find("bridge:woo:17"))
    assert found is not None
    assert found.id == made.id
    assert world.run(writer.find("bridge:woo:1")) is None
    for _ in range(2):
        shipped = world.run(writer.fulfil(found, [Tracking(number="RR1", carrier="Post")], "k"))
    assert (shipped.status, [parcel.number for parcel in shipped.tracking]) == ("fulfilled", ["RR1"])
    line = shipped.lines[0]
    back = [LineRefund(line_id=line.id, quantity=1, amount=line.unit_price)]
    for _ in range(2):
        after = world.run(writer.refund(shipped, back, line.unit_price, restock=True, reason="wrong", key="r1"))
    assert sum(one.refunded for one in after.lines) == 1
    assert world.shop.stock()["RED"]["Main"] == 8


def test_a_mirror_whose_answer_is_lost_is_found_before_any_repeat(open_shop: Open) -> None:
    world = open_shop(search_lag=600.0)
    world.shop.seed([{"title": "Tee", "variants": [{"sku": "RED", "price": "20.00", "stock": 50}]}])
    world.run(asyncio.sleep(3600))
    world.products = {
        variant.sku: (product, variant)
        for page in world.run(collect(world.channel.catalog.all()))
        for product in page.items
        for variant in product.variants
    }
    world.run(
        world.channel.products.edit(
            [ProductEdit(current=world.products["RED"][0], fields=frozenset({"title"}), title="T")], "k"
        )
    )
    world.faults.add(kind="cut_after", times=1, body="OrderCreate")
    with pytest.raises(TryLater) as raised:
        mirror(world)
    assert raised.value.maybe_applied
    assert world.run(world.channel.order_writer.find("bridge:woo:17")) is not None
    assert len(world.shop.orders()) == 1


def test_cancelling_puts_units_back(world: SimpleNamespace) -> None:
    writer = world.channel.order_writer
    made = mirror(world)
    for _ in range(2):
        after = world.run(writer.cancel(made, restock=True, key="c1"))
    assert after.status == "cancelled"
    assert world.shop.stock()["RED"]["Main"] == 10


def test_products_are_edited_created_and_archived(world: SimpleNamespace) -> None:
    ports = world.channel
    product, red = world.products["RED"]
    card = world.products["CARD"][0]
    dearer = VariantEdit(
        id=red.id, fields=frozenset({"price", "barcode", "weight_grams"}),
        price=Money(2500, red.price.currency), barcode="4006381333931", weight_grams=250,
    )  # fmt: skip
    edits = [
        ProductEdit(current=product, fields=frozenset({"title"}), title="T-shirt", variants=(dearer,)),
        ProductEdit(current=card, fields=frozenset({"status"}), status="draft"),
    ]
    first, second = world.run(ports.products.edit(edits, "k"))
    assert first.product is not None
    assert second.product is not None
    assert (first.product.title, second.product.status) == ("T-shirt", "draft")
    changed_red = next(variant for variant in first.product.variants if variant.sku == "RED")
    assert (changed_red.price.decimal, changed_red.barcode, changed_red.weight_grams) == ("25.00", "4006381333931", 250)
    new = Product(
        id="", title="Cup", updated_at=world.now(),
        variants=(Variant(id="", sku="CUP", price=Money(700, red.price.currency)),),
    )  # fmt: skip
    made = [world.run(ports.products.create(new, "k")) for _ in range(2)]
    assert made[0].id == made[1].id
    assert made[0].variants[0].sku == "CUP"
    world.run(ports.products.delete(made[0].id))
    (archived,) = world.run(ports.catalog.get([made[0].id]))
    assert archived.status == "archived"
    assert world.shop.stock()["RED"]["Main"] == 10


def test_a_small_bucket_slows_down_but_loses_nothing(open_shop: Open) -> None:
    world = open_shop(bucket=1000, restore=50)
    world.shop.seed(
        [{"title": f"P{n}", "variants": [{"sku": f"S{n}", "price": "1.00", "stock": 1}]} for n in range(520)]
    )
    started = world.now()
    pages = world.run(collect(world.channel.catalog.all()))
    assert sum(len(page.items) for page in pages) == 520
    scanned = world.run(collect(world.channel.stock.scan()))
    assert sum(len(page.items) for page in scanned) == 520
    assert len(pages) == len(scanned) == 3
    assert world.now() - started < timedelta(minutes=5)


def test_a_write_of_many_rows_takes_the_fewest_calls(open_shop: Open) -> None:
    world = open_shop()
    world.shop.seed(
        [{"title": f"P{n}", "variants": [{"sku": f"S{n}", "price": "1.00", "stock": 1}]} for n in range(260)]
    )
    levels = [one for page in world.run(collect(world.channel.stock.scan())) for one in page.items]
    changes = [StockChange(key=one.key, delta=2, shown=1) for one in levels]
    assert len(world.channel.stock.batches(changes)) == 2
    assert all(isinstance(outcome, Applied) for outcome in write(world, *changes))
    assert {units for rows in world.shop.stock().values() for units in rows.values()} == {3}
