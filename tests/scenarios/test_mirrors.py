"""Mirrored orders over real connectors and stand-ins: made once, counted once, and what happens on either side travels once."""

import asyncio
import copy
from typing import Any

import msgspec
import pytest

from bridge.domain.ledger import stock
from bridge.domain.orders import Order
from bridge.engine.context import Mirroring
from bridge.engine.mirror import mirror
from bridge.engine.report import Report
from bridge.rehearsal.world import World
from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.store import ledger, mirrors
from bridge.store.tables import mirrors as mirror_table
from bridge.store.tables import orders as order_table
from bridge.store.tables import parked
from tests.scenarios.harness_documents import (
    CrashError,
    CrashingDatabase,
    everything,
    fine,
    make,
    numbers,
    orders,
    rows,
    simulated,
)  # fmt: skip

WOO, SHOPIFY, SQUARE = "woocommerce", "shopify", "square"
PAIRS = [(WOO, SQUARE), (WOO, SHOPIFY), (SHOPIFY, WOO), (SHOPIFY, SQUARE), (SQUARE, WOO), (SQUARE, SHOPIFY)]
TEE: dict[str, Any] = {
    "title": "Tee", "options": ["Size"],
    "variants": [
        {"sku": "TEE-S", "price": "20.00", "options": {"Size": "S"}, "stock": 50},
        {"sku": "TEE-M", "price": "21.00", "options": {"Size": "M"}, "stock": 60},
    ],
}  # fmt: skip
CAP: dict[str, Any] = {"title": "Cap", "variants": [{"sku": "CAP", "price": "9.99", "stock": 30}]}
START = {"TEE-S": 50, "TEE-M": 60, "CAP": 30}


async def met(loop: SimulatedLoop, source: str, home: str, **more: Any) -> World:
    goods = more.pop("goods", {source: [TEE, CAP], home: [TEE, CAP]})
    world = make(loop, copy.deepcopy(goods), mirroring=Mirroring(home=home, sources=frozenset({source})), **more)
    await world.adopt(source)
    await asyncio.sleep(10)
    return world


def sell(world: World, source: str, *lines: tuple[str, int], **how: Any) -> str:
    """Sell something that has to be shipped."""
    how |= {"fulfilment": "SHIPMENT"} if source == SQUARE else {}
    wanted = [{"sku": sku, "quantity": quantity} for sku, quantity in lines]
    return str(world.platforms[source].shop.sale(wanted, **how))


def made(world: World, home: str) -> list[dict[str, Any]]:
    """The orders that we made on the home channel."""
    return [
        order for order in world.platforms[home].shop.orders() if str(order["reference"] or "").startswith("bridge:")
    ]


async def settled(world: World, times: int = 4) -> list[Report]:
    """Run `bridge sync` some times, well apart."""
    reports = []
    for _ in range(times):
        await asyncio.sleep(30)
        reports.append(await everything(world))
    fine(reports[-1])
    return reports


def agree(world: World, **sold: int) -> None:
    """Every channel and the ledger show what is left after these sales (keys with _ for -)."""
    left = {sku: units - sold.get(sku.replace("-", "_"), 0) for sku, units in START.items()}
    for name in world.platforms:
        assert {sku: numbers(world, name).get(sku, units) for sku, units in left.items()} == left, name
    counters = {stock(sku, "main"): units for sku, units in left.items()}
    assert world.database.read(lambda connection: ledger.balances(connection, counters)) == counters


def actions(reports: list[Report]) -> int:
    return sum(part.passed_on for report in reports for part in report.channels.values())


def told(world: World) -> list[str]:
    return [row.reason for row in rows(world, parked)]


def home_order(world: World) -> str:
    """How a clerk calls the mirror on the home channel."""
    (row,) = rows(world, mirror_table)
    (order,) = made(world, row.home)
    return str(order["id"])


def source_order(world: World, source: str) -> str:
    """What the platform calls the order in its interface."""
    (order_id,) = [row.order_id for row in rows(world, order_table) if row.channel == source]
    return str(order_id)


@pytest.mark.parametrize(("source", "home"), PAIRS)
def test_an_order_is_mirrored_once_and_its_units_leave_once(source: str, home: str) -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, source, home)
        sell(world, source, ("TEE-S", 2), ("CAP", 3), customer={"name": "Ann Lee", "email": "ann@example.com"})
        reports = await settled(world)
        assert [part.mirrored for part in (report.of(home) for report in reports)] == [1, 0, 0, 0]
        assert sum(report.of(home).written for report in reports) == 0, "no push chases what home took off by itself"
        (order,) = made(world, home)
        assert sorted((line["sku"], line["quantity"]) for line in order["lines"]) == [("CAP", 3), ("TEE-S", 2)]
        assert order["total"] == world.platforms[source].shop.orders()[0]["total"]
        agree(world, TEE_S=2, CAP=3)
        assert told(world) == []

    simulated(story)


@pytest.mark.parametrize(("source", "home"), PAIRS)
def test_shipped_at_home_is_shipped_at_the_source_with_tracking(source: str, home: str) -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, source, home)
        sell(world, source, ("TEE-S", 2))
        await settled(world, 1)
        # The shipment tracking plugins of WooCommerce have names of their own for the same two things.
        number, carrier = ("tracking_number", "tracking_provider") if home == WOO else ("number", "carrier")
        world.platforms[home].shop.fulfil(home_order(world), tracking={number: "1Z999", carrier: "UPS"})
        reports = await settled(world)
        agree(world, TEE_S=2)
        if source == SQUARE:
            assert [("mark it as shipped by hand in square" in text) for text in told(world)] == [True]
            assert sum(len(part.parked) for report in reports for part in report.channels.values()) == 1, "said once"
            return
        assert actions(reports) == 1
        (row,) = [row for row in rows(world, order_table) if row.channel == source]
        assert row.status == "fulfilled"
        assert "1Z999" in row.snapshot
        assert told(world) == []

    simulated(story)


@pytest.mark.parametrize("restock", [True, False])
@pytest.mark.parametrize(("source", "home"), PAIRS)
def test_a_refund_at_the_source_is_booked_at_home_once(source: str, home: str, restock: bool) -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, source, home, overrides={SQUARE: {"restock": "never"}})
        order = sell(world, source, ("TEE-S", 3), ("CAP", 1))
        await settled(world, 1)
        world.platforms[source].shop.refund(order, [{"sku": "TEE-S", "quantity": 1}], restock=restock)
        assert actions(await settled(world)) == 1
        agree(world, TEE_S=2 if restock else 3, CAP=1)
        world.platforms[source].shop.refund(order, [{"sku": "TEE-S", "quantity": 2}], restock=restock)
        assert actions(await settled(world)) == 1
        agree(world, TEE_S=0 if restock else 3, CAP=1)
        assert told(world) == []

    simulated(story)


@pytest.mark.parametrize("restock", [True, False])
@pytest.mark.parametrize(("source", "home"), PAIRS)
def test_a_refund_at_home_is_booked_at_the_source_once(source: str, home: str, restock: bool) -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, source, home, overrides={SQUARE: {"restock": "never"}})
        sell(world, source, ("TEE-S", 3), ("CAP", 1))
        await settled(world, 1)
        world.platforms[home].shop.refund(home_order(world), [{"sku": "TEE-S", "quantity": 2}], restock=restock)
        assert actions(await settled(world)) == 1
        agree(world, TEE_S=1 if restock else 3, CAP=1)
        assert told(world) == []

    simulated(story)


@pytest.mark.parametrize(("source", "home"), [pair for pair in PAIRS if pair[0] != SQUARE])
def test_cancelled_at_the_source_is_cancelled_at_home(source: str, home: str) -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, source, home)
        order = sell(world, source, ("TEE-S", 3), ("CAP", 1))
        await settled(world, 1)
        world.platforms[source].shop.cancel(order, restock=True)
        assert actions(await settled(world)) == 1
        agree(world)
        (row,) = rows(world, mirror_table)
        assert row.state == "ended"
        assert len(told(world)) == (1 if home == SQUARE else 0), (
            "a paid order cannot be cancelled on Square: it is refunded"
        )

    simulated(story)


@pytest.mark.parametrize(("source", "home"), [pair for pair in PAIRS if pair[1] != SQUARE])
def test_cancelled_at_home_is_cancelled_at_the_source(source: str, home: str) -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, source, home, overrides={SQUARE: {"restock": "never"}})
        sell(world, source, ("TEE-S", 3), ("CAP", 1))
        await settled(world, 1)
        world.platforms[home].shop.cancel(home_order(world), restock=True)
        assert actions(await settled(world)) == 1
        agree(world)

    simulated(story)


def test_what_was_shipped_already_is_left_to_a_person() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, WOO, SHOPIFY)
        order = sell(world, WOO, ("TEE-S", 3))
        await settled(world, 1)
        world.platforms[SHOPIFY].shop.fulfil(home_order(world))
        world.platforms[WOO].shop.cancel(order)
        reports = await settled(world)
        assert actions(reports) == 0
        assert [text for report in reports for text in report.of(WOO).parked] == told(world)
        assert "cancel it by hand in shopify" in told(world)[0]

    simulated(story)


def test_what_was_shipped_where_it_was_sold_is_not_packed_again() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, WOO, SHOPIFY)
        order = sell(world, WOO, ("TEE-S", 3))
        await settled(world, 1)
        world.platforms[WOO].shop.fulfil(order)
        reports = await settled(world)
        assert actions(reports) == 0
        assert ["mark it as shipped by hand in shopify" in text for text in told(world)] == [True]

    simulated(story)


def test_an_edit_after_mirroring_is_told_once() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, SHOPIFY, WOO)
        order = sell(world, SHOPIFY, ("TEE-S", 3), ("CAP", 1))
        await settled(world, 1)
        world.platforms[SHOPIFY].shop.edit_order(order, "TEE-S", 1)
        reports = await settled(world)
        assert [len(report.of(SHOPIFY).parked) for report in reports] == [1, 0, 0, 0]
        assert "change it by hand in woocommerce" in told(world)[0]
        left = world.database.read(lambda connection: ledger.balances(connection, [stock("TEE-S", "main")]))
        assert left == {stock("TEE-S", "main"): 49}, "only the source moves the ledger"

    simulated(story)


def test_what_needs_no_packing_is_not_mirrored() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = make(
            loop, {WOO: [TEE, CAP], SQUARE: copy.deepcopy([TEE, CAP])},
            mirroring=Mirroring(home=WOO, sources=frozenset({SQUARE})),
        )  # fmt: skip
        sell(world, SQUARE, ("TEE-S", 1))
        await asyncio.sleep(10)
        await world.adopt(SQUARE)
        await asyncio.sleep(10)
        world.platforms[SQUARE].shop.sale([{"sku": "CAP", "quantity": 1}])
        sell(world, WOO, ("TEE-M", 1))
        await settled(world)
        assert made(world, WOO) == []
        assert rows(world, mirror_table) == []

    simulated(story)


def test_an_unpaid_order_is_mirrored_when_it_is_paid() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, SHOPIFY, WOO)
        sell(world, SHOPIFY, ("TEE-S", 1), paid=False)
        await settled(world, 2)
        assert made(world, WOO) == []
        agree(world, TEE_S=1)

    simulated(story)


@pytest.mark.parametrize("home", [SHOPIFY, SQUARE])
def test_a_line_that_home_does_not_list_keeps_its_name_only(home: str) -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, WOO, home, goods={WOO: [TEE, CAP], home: [TEE]})
        sell(world, WOO, ("TEE-S", 1), ("CAP", 2))
        await settled(world)
        (order,) = made(world, home)
        assert order["total"] == world.platforms[WOO].shop.orders()[0]["total"]
        (row,) = rows(world, mirror_table)
        assert row.promised.count("[") == 2, "only what home lists is promised"
        agree(world, TEE_S=1, CAP=2)

    simulated(story)


def test_another_currency_is_refused_in_words_and_promises_nothing() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, WOO, SQUARE, options={WOO: {"currency": "EUR"}})
        sell(world, WOO, ("TEE-S", 1))
        await settled(world)
        assert made(world, SQUARE) == []
        assert "it is in EUR and square sells in USD, so it cannot be mirrored there" in told(world)[0]
        agree(world, TEE_S=1)

    simulated(story)


def test_a_refused_mirror_gives_its_promise_back_and_a_retry_makes_it() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, SHOPIFY, WOO)
        world.platforms[WOO].faults.add(kind="status", status=400, method="POST", path="/orders$", times=None)
        sell(world, SHOPIFY, ("TEE-S", 2))
        await settled(world)
        assert made(world, WOO) == []
        assert len(told(world)) == 1
        assert "cannot be mirrored to woocommerce" in told(world)[0]
        agree(world, TEE_S=2)
        world.platforms[WOO].faults.clear()
        order_id = source_order(world, SHOPIFY)
        world.database.write(lambda connection: mirrors.retry(connection, SHOPIFY, [order_id]))
        await settled(world)
        assert len(made(world, WOO)) == 1
        agree(world, TEE_S=2)

    simulated(story)


@pytest.mark.parametrize("fault", ["cut_before", "cut_after"])
@pytest.mark.parametrize(("source", "home"), PAIRS)
def test_a_lost_answer_makes_no_second_order(source: str, home: str, fault: str) -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, source, home)
        sell(world, source, ("TEE-S", 2), ("CAP", 1))
        body = "orderCreate" if home == SHOPIFY else ""
        world.platforms[home].faults.add(kind=fault, method="POST", path="orders$|graphql", body=body, times=1)
        await settled(world)
        assert len(made(world, home)) == 1
        agree(world, TEE_S=2, CAP=1)

    simulated(story)


def refunds(world: World, home: str) -> int:
    """Count the refunds of the mirror: Square books each as an order, the others in the order itself."""
    if home == SQUARE:
        return sum("returns" in order for order in world.platforms[SQUARE].shop.orders())
    (row,) = [row for row in rows(world, order_table) if row.channel == home]
    return sum(line.refunded for line in msgspec.json.decode(row.snapshot, type=Order).lines)


@pytest.mark.parametrize("fault", ["cut_before", "cut_after"])
@pytest.mark.parametrize(("source", "home"), PAIRS)
def test_a_lost_answer_refunds_nothing_twice(source: str, home: str, fault: str) -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, source, home, overrides={SQUARE: {"restock": "never"}})
        order = sell(world, source, ("TEE-S", 3))
        await settled(world, 1)
        world.platforms[source].shop.refund(order, [{"sku": "TEE-S", "quantity": 1}])
        body = "refundCreate" if home == SHOPIFY else ""
        world.platforms[home].faults.add(kind=fault, method="POST", path="refunds$|graphql", body=body, times=1)
        await settled(world)
        agree(world, TEE_S=2)
        assert refunds(world, home) == 1

    simulated(story)


def test_an_intent_ends_when_the_source_is_cancelled_before_it_was_made() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, SHOPIFY, WOO)
        order = sell(world, SHOPIFY, ("TEE-S", 2))
        world.platforms[WOO].faults.add(kind="cut_before", method="POST", path="/orders$", times=None)
        await orders(world)
        world.platforms[WOO].faults.clear()
        world.platforms[SHOPIFY].shop.cancel(order)
        await settled(world)
        assert made(world, WOO) == []
        (row,) = rows(world, mirror_table)
        assert (row.state, row.promised) == ("ended", "[]")
        agree(world)

    simulated(story)


def test_a_dry_run_says_what_it_would_do() -> None:
    async def story(loop: SimulatedLoop) -> None:
        world = await met(loop, WOO, SQUARE)
        order = sell(world, WOO, ("TEE-S", 2))
        await asyncio.sleep(10)
        await world.sync()
        planned = await mirror(world.context, list(world.channels.values()), Report(), dry_run=True)
        assert [(one.channel, one.source, one.order_id, one.action) for one in planned] == [
            (SQUARE, WOO, order, "mirror")
        ]
        assert made(world, SQUARE) == []
        assert rows(world, mirror_table) == []

    simulated(story)


@pytest.mark.parametrize(
    ("source", "home", "after_commit"), [(WOO, SQUARE, False), (SHOPIFY, WOO, True), (SQUARE, SHOPIFY, False)]
)
def test_a_crash_at_any_point_neither_doubles_nor_loses(source: str, home: str, after_commit: bool) -> None:
    async def story(loop: SimulatedLoop) -> None:
        for point in range(60):
            world = await met(loop, source, home, overrides={SQUARE: {"restock": "never"}})
            database = world.database
            assert isinstance(database, CrashingDatabase)
            died = await crashed(world, database, source, home, point, after_commit=after_commit)
            await settled(world)
            assert len(made(world, home)) == 2, f"after a crash at point {point}"
            agree(world, TEE_S=1, CAP=2, TEE_M=1)
            assert len(told(world)) == (source == SQUARE), "an order of a till is shipped there by hand"
            await world.close()
            if not died:
                assert point > 15
                return
        raise AssertionError("it crashed at every point")

    simulated(story)


async def crashed(
    world: World, database: CrashingDatabase, source: str, home: str, point: int, *, after_commit: bool
) -> bool:
    """Have an order refunded and shipped and another one new, and die at the n-th unit of work; tell whether it came to that."""
    order = sell(world, source, ("TEE-S", 2), ("CAP", 2))
    await settled(world, 1)
    world.platforms[source].shop.refund(order, [{"sku": "TEE-S", "quantity": 1}])
    world.platforms[home].shop.fulfil(home_order(world))
    sell(world, source, ("TEE-M", 1))
    await asyncio.sleep(10)
    database.left, database.after_commit = point, after_commit
    try:
        await everything(world)
    except CrashError:
        world.restart()
        return True
    finally:
        database.left = None
    return False
