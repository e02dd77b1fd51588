"""Each lane has its own pace, nothing hurries it beyond the platform's limits, and silence is judged by what its polls can know."""

import asyncio
import statistics
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from bridge.contract.limits import Limits
from bridge.engine.collect import collect, read_again
from bridge.engine.hearing import Heard
from bridge.engine.lane import Pace
from bridge.engine.live import Live
from bridge.engine.push import push
from bridge.engine.report import ChannelReport
from bridge.store import positions
from tests.engine.fair import BAY, SHOP, Fair, visit

SLOW = replace(BAY, limits=Limits(stock_write="absolute", stock_batch=5, poll_every=120))
SELDOM = replace(BAY, limits=Limits(stock_write="absolute", stock_batch=5, orders_every=180, poll_every=180))


def counted(fair: Fair, name: str) -> list[float]:
    """Note when the orders of a channel are read."""
    feed: Any = fair.channels[name].connector.sales.changes
    since, times = feed.since, list[float]()

    def noting(cursor: str) -> Any:
        times.append(asyncio.get_running_loop().time())
        return since(cursor)

    object.__setattr__(feed, "since", noting)
    return times


async def lived(fair: Fair, live: Live, seconds: float) -> None:
    """Have the daemon's engine at work for a while, with its schedule."""
    stop = asyncio.Event()
    jobs = [asyncio.ensure_future(_again(job.run, job.every.total_seconds())) for job in live.jobs()]
    task = asyncio.ensure_future(live.run(stop))
    await asyncio.sleep(seconds)
    stop.set()
    for one in jobs:
        one.cancel()
    await task
    assert live.bugs == []


async def _again(run: Any, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        await run()


def test_every_channel_is_polled_at_its_own_pace() -> None:
    async def story(fair: Fair) -> None:
        fair.channels["bay"].poll = timedelta(seconds=70)
        live = Live(fair.context, Pace())
        paces = {name: lane.pace.poll.total_seconds() for name, lane in live.lanes.items()}
        assert paces == {"shop": 30, "zon": 120, "bay": 70}
        times = {name: counted(fair, name) for name in paces}
        await lived(fair, live, 1_300)
        # The audit reads the orders too, now and then.
        pauses = {name: statistics.median(b - a for a, b in pairwise(row)) for name, row in times.items()}
        assert pauses == pytest.approx(paces, abs=1)

    visit(story, shop=SHOP, zon=SLOW, bay=BAY)


def test_what_another_process_changed_is_taken_up_at_a_slow_channel_no_later_than_elsewhere() -> None:
    async def story(fair: Fair) -> None:
        fair.channels["zon"].poll = timedelta(hours=1)
        live = Live(fair.context, Pace(max_age=timedelta(days=1)))
        work = asyncio.ensure_future(lived(fair, live, 200))
        await asyncio.sleep(90)
        row = fair.position("zon", "A")
        fair.database.write(lambda connection: positions.save(connection, [replace(row, target=6)]))
        await asyncio.sleep(40)
        assert fair.number("zon", "A") == 6
        await work

    visit(story, shop=SHOP, zon=BAY)


def test_hints_hurry_no_reading_beyond_the_limits_of_the_platform() -> None:
    async def story(fair: Fair) -> None:
        live = Live(fair.context, Pace())
        times = {name: counted(fair, name) for name in live.lanes}
        work = asyncio.ensure_future(lived(fair, live, 900))
        for _ in range(80):
            await asyncio.sleep(10)
            for lane in live.lanes.values():
                lane._remember(Heard(feeds=True))
        await work
        slowest = [later - sooner for sooner, later in pairwise(times["zon"])]
        assert min(slowest) >= 179
        assert len(times["shop"]) > 40

    visit(story, shop=SHOP, zon=SELDOM)


def test_a_look_that_finds_all_as_it_should_be_asks_for_no_orders_where_they_are_scarce() -> None:
    async def story(fair: Fair) -> None:
        zon = fair.channels["zon"]
        await fair.wait(300)
        times, key = counted(fair, "zon"), fair.position("zon", "A").key
        for _ in range(3):
            await read_again(fair.context, zon, [key], ChannelReport())
            await fair.wait(20)
        assert len(times) == 1, "the first look reads them, which it had not for long"
        fair.market("zon").sale([{"sku": "A", "quantity": 2}])
        await fair.wait(5)
        assert await read_again(fair.context, zon, [key], ChannelReport()) == set()
        assert (len(times), fair.balance("A")) == (2, 8), "a difference is worth one, and explained by it"

    visit(story, shop=SHOP, zon=SELDOM)


@pytest.mark.parametrize(("burst", "expected"), [(1, 1), (4, 2), (20, 10)])
def test_what_a_limit_has_saved_up_is_spent_on_looking_before_a_write(burst: int, expected: int) -> None:
    async def story(fair: Fair) -> None:
        await fair.wait(3_600)
        times, shop = counted(fair, "zon"), fair.market("shop")
        for _ in range(10):
            shop.sale([{"sku": "A", "quantity": 1}])
            await collect(fair.context, fair.channels["shop"], ChannelReport())
            await push(fair.context, fair.channels["zon"], ChannelReport())
            await fair.wait(5)
        assert len(times) == expected
        assert fair.number("zon", "A") == 30

    saved = replace(SELDOM, limits=replace(SELDOM.limits, orders_burst=burst))
    goods = [{"title": "Tee", "variants": [{"sku": "A", "price": "10.00", "stock": 40}]}]
    visit(story, shop=SHOP, zon=saved, goods={"shop": goods, "zon": goods})


def test_orders_from_before_the_last_delivery_do_not_make_webhooks_silent() -> None:
    async def story(fair: Fair) -> None:
        lane = Live(fair.context, Pace(poll=timedelta(hours=2))).lanes["zon"]
        zon = fair.market("zon")
        zon.sale([{"sku": "A", "quantity": 1}])
        await lane._step(lane._read)
        assert lane.unhinted == 0, "it was bought while nobody listened"
        await fair.wait(600)
        zon.sale([{"sku": "A", "quantity": 1}])
        await fair.wait(600)
        lane.hinted_at = fair.context.now()
        await fair.wait(6_000)
        await lane._step(lane._read)
        assert lane.unhinted == 0, "a delivery came after it"
        zon.sale([{"sku": "A", "quantity": 1}])
        await fair.wait(7_200)
        await lane._step(lane._read)
        assert lane.unhinted == 1

    visit(story, shop=SHOP, zon=BAY)
