"""Accepted writes: in flight until the platform says what became of them, and never for ever."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from bridge.contract.limits import Limits
from bridge.engine.lane import Pace
from bridge.engine.live import Live
from bridge.store import tables
from tests.engine.fair import BAY, SHOP, Fair, visit

ZON = replace(BAY, limits=Limits(stock_write="absolute", stock_batch=1, ticket_hours=1), ticket=(5.0, 10.0))


def parked(fair: Fair) -> list[str]:
    rows = fair.database.read(lambda connection: list(connection.execute(tables.parked.select())))
    return [row.reason for row in rows]


def states(fair: Fair) -> list[str]:
    rows = fair.database.read(lambda connection: list(connection.execute(tables.writes.select())))
    return [row.state for row in rows if row.channel == "zon"]


def test_sync_waits_within_reason_for_what_was_accepted() -> None:
    async def story(fair: Fair) -> None:
        fair.market("shop").sale([{"sku": "A", "quantity": 2}])
        await fair.wait()
        report = await fair.well()
        assert (fair.number("zon", "A"), states(fair)) == (8, ["done"])
        assert (report.accepted, report.exit_code) == (0, 0)
        assert fair.position("zon", "A").in_flight is None

    visit(story, shop=SHOP, zon=ZON)


def test_a_slow_ticket_is_no_failure_and_is_taken_up_by_the_next_run() -> None:
    async def story(fair: Fair) -> None:
        fair.market("shop").sale([{"sku": "A", "quantity": 2}])
        await fair.wait()
        report = await fair.well()
        assert (report.accepted, report.open, report.exit_code) == (1, 0, 0)
        fair.restart()
        await fair.wait(900)
        report = await fair.well()
        assert (report.accepted, fair.number("zon", "A"), states(fair)) == (0, 8, ["done"])

    visit(story, shop=SHOP, zon=replace(ZON, ticket=(600.0, 601.0)))


def test_a_newer_number_waits_for_the_ticket_of_the_same_sku_and_no_other_does() -> None:
    async def story(fair: Fair) -> None:
        shop, zon = fair.market("shop"), fair.market("zon")
        shop.sale([{"sku": "A", "quantity": 2}])
        await fair.wait()
        await fair.well()
        shop.sale([{"sku": "A", "quantity": 8}, {"sku": "B", "quantity": 6}])
        await fair.wait()
        await fair.well()
        assert [[one.key.stock_id for one in batch] for batch in zon.sent] == [["s-A"], ["s-B"]]
        await fair.wait(650)
        await fair.well()
        assert [one.shown + one.delta for one in zon.sent[-1]] == [0]
        await fair.wait(650)
        await fair.well()
        assert (fair.number("zon", "A"), fair.number("zon", "B")) == (0, 0)

    visit(story, shop=SHOP, zon=replace(ZON, ticket=(600.0, 601.0)))


def test_what_was_sold_before_an_accepted_write_was_carried_out_was_wiped_and_what_came_after_was_not() -> None:
    async def story(fair: Fair) -> None:
        fair.market("shop").sale([{"sku": "A", "quantity": 2}])
        await fair.wait()
        await fair.well()  # accepted, carried out 100 s later
        fair.market("zon").sale([{"sku": "A", "quantity": 1}])
        await fair.wait(200)
        fair.market("zon").sale([{"sku": "A", "quantity": 3}])
        await fair.wait()
        await fair.well()
        await fair.wait(120)
        await fair.well()
        assert (fair.balance("A"), fair.number("shop", "A"), fair.number("zon", "A")) == (4, 4, 4)
        drifts = fair.database.read(lambda connection: list(connection.execute(tables.drifts.select())))
        assert drifts == []

    visit(story, shop=SHOP, zon=replace(ZON, ticket=(100.0, 100.5)))


def test_a_row_that_failed_is_sent_again_and_the_others_are_done() -> None:
    async def story(fair: Fair) -> None:
        zon = fair.market("zon")
        fair.market("shop").sale([{"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 1}])
        await fair.wait()
        results: Callable[..., Any] = zon.results
        luck = [True]

        def half(ticket: str) -> object:
            job = zon.jobs[ticket]
            if luck and len(job.rows) == 2 and len(job.done) == 2:
                luck.clear()
                key = job.rows[1][0].key
                job.done[key] = None
                zon.count("B", 6)
            return results(ticket)

        object.__setattr__(zon, "results", half)
        await fair.well()
        await fair.wait()
        await fair.well()
        assert not luck
        assert (fair.number("zon", "A"), fair.number("zon", "B")) == (8, 5)

    two = Limits(stock_write="absolute", stock_batch=2, ticket_hours=1)
    visit(story, shop=SHOP, zon=replace(ZON, limits=two))


def test_a_ticket_that_never_ends_is_reported_and_the_number_read_back() -> None:
    async def story(fair: Fair) -> None:
        fair.market("shop").sale([{"sku": "A", "quantity": 2}])
        await fair.wait()
        await fair.well()
        assert fair.position("zon", "A").in_flight is not None
        object.__setattr__(fair.market("zon"), "manners", replace(fair.market("zon").manners, never=0.0))
        fair.restart()
        await fair.wait(3700)
        await fair.well()
        assert states(fair) == ["read back", "done"]
        assert fair.number("zon", "A") == 8
        assert fair.position("zon", "A").in_flight is None
        assert parked(fair) == [], "a later ticket that ended takes the report back"

    visit(story, shop=SHOP, zon=replace(ZON, never=1.0))


def test_a_platform_whose_tickets_never_end_stays_reported() -> None:
    async def story(fair: Fair) -> None:
        fair.market("shop").sale([{"sku": "A", "quantity": 2}])
        await fair.wait()
        await fair.well()
        await fair.wait(3700)
        await fair.well()
        assert len(parked(fair)) == 1
        assert "has not said within 1 h what became of 1 numbers (ticket t1)" in parked(fair)[0]

    visit(story, shop=SHOP, zon=replace(ZON, never=1.0))


def test_a_forgotten_ticket_is_settled_by_the_numbers() -> None:
    async def story(fair: Fair) -> None:
        fair.market("shop").sale([{"sku": "A", "quantity": 2}])
        await fair.wait()
        await fair.well()
        assert (fair.number("zon", "A"), states(fair)) == (8, ["read back"])
        assert parked(fair) == []
        assert len(fair.market("zon").sent) == 1

    visit(story, shop=SHOP, zon=replace(ZON, forgets=1.0))


def test_the_daemon_asks_for_tickets_by_itself_and_takes_up_those_of_one_that_died() -> None:
    async def story(fair: Fair) -> None:
        fair.market("shop").sale([{"sku": "A", "quantity": 2}])
        await living(fair, 40)
        assert states(fair) == ["accepted"]
        fair.restart()
        await living(fair, 500)
        assert (states(fair), fair.number("zon", "A")) == (["done"], 8)
        asked = fair.database.read(lambda connection: list(connection.execute(tables.writes.select())))
        assert max(row.looks for row in asked) <= 12, "with growing pauses"

    visit(story, shop=SHOP, zon=replace(ZON, ticket=(200.0, 201.0)))


def test_a_ticket_that_is_due_is_asked_for_at_once_and_not_waited_for_by_trying_all_the_time() -> None:
    async def story(fair: Fair) -> None:
        fair.market("shop").sale([{"sku": "A", "quantity": 2}])
        asked, read = 0, fair.database.read

        def counting(unit: Callable[[Connection], Any]) -> Any:
            nonlocal asked
            asked += 1
            return read(unit)

        fair.database.read = counting  # type: ignore[method-assign]
        await living(fair, 300)
        assert (states(fair), fair.number("zon", "A")) == (["done"], 8)
        assert asked < 1_000, "a lane that spins asks many thousand times"

    visit(story, shop=SHOP, zon=replace(ZON, ticket=(200.0, 201.0)))


async def living(fair: Fair, seconds: float) -> None:
    """Have the daemon's engine at work for a while, polling every 30 s."""
    stop = asyncio.Event()
    live = Live(fair.context, Pace())
    task = asyncio.ensure_future(live.run(stop))
    for _ in range(int(seconds / 30) + 1):
        await asyncio.sleep(min(30, seconds))
        for lane in live.lanes.values():
            lane.send("poll")
    stop.set()
    await task
    assert live.bugs == []
