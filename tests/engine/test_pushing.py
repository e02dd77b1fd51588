"""Writing what differs: the guard, stale compares, lost answers, and rows a platform will not take."""

import asyncio
from typing import Any

import pytest

from bridge.domain.guard import GuardRule
from bridge.store import notes
from bridge.store.tables import counts, positions, writes
from tests.engine.bench import Bench, tell, written

TRIO = ("woocommerce", "shopify", "square")
# How each platform is told a number.
DOORS = {
    "woocommerce": {"method": "POST", "path": r"/products/batch|/products/\d+|/variations/batch|/inventory"},
    "shopify": {"body": "inventorySetQuantities|inventoryAdjustQuantities"},
    "square": {"path": "/v2/inventory/changes/batch-create"},
}


def approve(bench: Bench, name: str) -> None:
    """What `bridge approve` does."""

    def unit(connection: Any) -> None:
        mine = positions.c.channel == name
        connection.execute(
            positions.update().where(mine, positions.c.parked.like("guard:%")).values(parked="", approved=True)
        )
        notes.unpark(connection, "plan", name, [name])

    bench.world.database.write(unit)


def test_the_guard_parks_a_plan_that_zeroes_too_much_until_somebody_approves() -> None:
    async def story(bench: Bench) -> None:
        bench.shop("woocommerce").sale([{"sku": "A", "quantity": 10}, {"sku": "B", "quantity": 6}])
        await bench.wait()
        report = await bench.sync()
        assert report.exit_code in {0, 3}
        assert ("plan", "square") in bench.parked
        assert (bench.number("square", "A"), bench.number("square", "B")) == (10, 6)
        assert bench.balance("A") == 0, "the ledger is right all the same"
        assert written(await bench.sync()) == 0
        approve(bench, "square")
        await bench.sync()
        assert (bench.number("square", "A"), bench.number("square", "B")) == (0, 0)
        assert not bench.position("square", "A").approved, "an approval is for one plan"

    tell(story, "woocommerce", "square", guard=GuardRule(zero=1, percent=1e9))


def test_the_guard_leaves_the_rest_of_the_plan_alone() -> None:
    async def story(bench: Bench) -> None:
        bench.shop("woocommerce").sale([{"sku": "A", "quantity": 10}, {"sku": "B", "quantity": 1}])
        await bench.wait()
        await bench.sync()
        assert (bench.number("square", "A"), bench.number("square", "B")) == (10, 5)

    tell(story, "woocommerce", "square", guard=GuardRule(zero=0, percent=1e9), sound=False)


@pytest.mark.parametrize("name", ["shopify", "square"])
def test_a_sale_that_comes_between_plan_and_write_is_not_overwritten(name: str) -> None:
    """The number is no longer what we believed: a compare-and-set comes back stale, a delta stays right."""

    async def story(bench: Bench) -> None:
        bench.shop("woocommerce").sale([{"sku": "A", "quantity": 2}])
        await bench.wait()
        shop = bench.shop(name)
        before = bench.channel(name).connector.stock.send
        sold: list[str] = []

        async def send(prepared: Any) -> Any:
            if not sold:
                sold.append(shop.sale([{"sku": "A", "quantity": 3}]))
            return await before(prepared)

        object.__setattr__(bench.channel(name).connector, "stock", Meddled(bench.channel(name).connector.stock, send))
        await bench.sync()
        await bench.sync()
        assert len(sold) == 1
        assert bench.whys("A") == [("opening", 10), ("sale", -2), ("sale", -3)]
        assert bench.numbers("A") == [5, 5]
        assert bench.drifted == []

    tell(story, "woocommerce", name)


class Meddled:
    """A stock port whose `send` is another."""

    def __init__(self, port: Any, send: Any) -> None:
        self._port = port
        self.send = send

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
@pytest.mark.parametrize("name", TRIO)
def test_a_lost_answer_is_settled_whether_or_not_the_write_arrived(name: str, kind: str) -> None:
    async def story(bench: Bench) -> None:
        other = next(one for one in TRIO if one != name)
        bench.shop(other).sale([{"sku": "A", "quantity": 2}])
        await bench.wait()
        bench.faults(name).add(kind=kind, times=1, **DOORS[name])
        await bench.sync()
        await bench.sync()
        assert bench.faults(name).listing() == [], "the fault struck"
        assert bench.whys("A") == [("opening", 10), ("sale", -2)]
        assert bench.numbers("A") == [8, 8, 8]
        assert {row.state for row in bench.rows(writes)} <= {"done", "read back", "failed"}

    tell(story, *TRIO)


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_a_lost_answer_with_a_sale_meanwhile_counts_both_once(kind: str) -> None:
    async def story(bench: Bench) -> None:
        bench.shop("square").sale([{"sku": "A", "quantity": 2}])
        await bench.wait()
        bench.faults("woocommerce").add(kind=kind, times=1, **DOORS["woocommerce"])
        task = asyncio.ensure_future(bench.world.sync())
        await bench.wait(1)
        bench.shop("woocommerce").sale([{"sku": "A", "quantity": 1}])
        await task
        await bench.sync()
        assert sorted(bench.whys("A")) == [("opening", 10), ("sale", -2), ("sale", -1)]
        assert bench.numbers("A") == [7, 7]

    tell(story, "woocommerce", "square")


def test_a_number_that_somebody_sets_while_our_write_is_lost_is_never_taken_for_a_lost_update() -> None:
    """It is nearer to what we wrote than the write is large: of the two that it may have met, the lower is safe, and that is said."""

    async def story(bench: Bench) -> None:
        bench.shop("square").count("A", 60)
        await bench.wait()
        bench.faults("woocommerce").add(kind="cut_before", times=1, **DOORS["woocommerce"])
        task = asyncio.ensure_future(bench.world.sync())
        while bench.faults("woocommerce").listing():
            await bench.wait(0.1)
        bench.shop("woocommerce").count("A", 55)
        await task
        await bench.sync()
        assert bench.whys("A") == [("opening", 10), ("count", 50), ("count", -5)]
        assert bench.numbers("A") == [55, 55]
        assert [row.note for row in bench.rows(counts) if "undecided by 50" in row.note]
        assert bench.drifted == []

    tell(story, "woocommerce", "square")


@pytest.mark.parametrize("name", TRIO)
@pytest.mark.parametrize("arrived", [True, False])
def test_a_write_on_its_way_when_the_process_dies_is_settled_by_the_next(name: str, arrived: bool) -> None:
    async def story(bench: Bench) -> None:
        other = next(one for one in TRIO if one != name)
        bench.shop(other).sale([{"sku": "A", "quantity": 2}])
        await bench.wait()
        port = bench.channel(name).connector.stock
        dead = asyncio.Event()

        async def send(prepared: Any) -> Any:
            if arrived:
                await port.send(prepared)
            dead.set()
            await asyncio.Event().wait()

        object.__setattr__(bench.channel(name).connector, "stock", Meddled(port, send))
        task = asyncio.ensure_future(bench.world.sync())
        await dead.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        bench.world.restart()
        await bench.wait()
        await bench.sync()
        await bench.sync()
        assert bench.numbers("A") == [8, 8, 8]
        assert bench.whys("A") == [("opening", 10), ("sale", -2)]

    tell(story, *TRIO)


def test_ten_sales_are_one_write() -> None:
    async def story(bench: Bench) -> None:
        for _ in range(5):
            bench.shop("square").sale([{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": 1}])
        await bench.wait()
        report = await bench.sync()
        assert report.of("woocommerce").written == 2
        assert report.of("square").written == 0
        assert bench.numbers("A") == [5, 5]

    tell(story, "woocommerce", "square")


def test_a_channel_that_is_down_does_not_stop_the_others() -> None:
    async def story(bench: Bench) -> None:
        bench.faults("woocommerce").add(kind="status", status=503, times=None)
        bench.shop("square").sale([{"sku": "A", "quantity": 2}])
        await bench.wait()
        report = await bench.world.sync()
        assert report.of("woocommerce").error
        assert not report.of("shopify").error
        assert report.exit_code == 1
        assert bench.numbers("A") == [10, 8, 8]
        bench.faults("woocommerce").clear()
        await bench.wait()
        await bench.sync()
        assert bench.numbers("A") == [8, 8, 8]

    tell(story, *TRIO)
