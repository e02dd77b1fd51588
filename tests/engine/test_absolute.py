"""Platforms that take absolute numbers only: drain, set, verify soon. A sale before our last write was wiped by it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.contract.limits import Limits
from bridge.store import tables
from tests.engine.fair import BAY, SHOP, Fair, visit
from tests.engine.market import Market

LATE = timedelta(seconds=1)


def drifts(fair: Fair) -> int:
    return len(fair.database.read(lambda connection: list(connection.execute(tables.drifts.select()))))


def sell_while_sent(market: Market, units: int, *, after: bool) -> list[str]:
    """Sell right before, or right after, the next write arrives: in the same second, as stamps go."""
    sold: list[str] = []
    take_in = market.take_in

    def meddled(prepared: object) -> object:
        if not sold and not after:
            sold.append(market.sale([{"sku": "A", "quantity": units}]))
        answer = take_in(prepared)  # type: ignore[arg-type]
        if not sold:
            sold.append(market.sale([{"sku": "A", "quantity": units}]))
        return answer

    object.__setattr__(market, "take_in", meddled)
    return sold


def test_orders_are_drained_before_a_number_is_set() -> None:
    async def story(fair: Fair) -> None:
        fair.market("shop").sale([{"sku": "A", "quantity": 2}])
        fair.market("bay").sale([{"sku": "A", "quantity": 3}])
        await fair.wait()
        await fair.well()
        assert (fair.balance("A"), fair.number("shop", "A"), fair.number("bay", "A")) == (5, 5, 5)
        assert drifts(fair) == 0

    visit(story, shop=SHOP, bay=BAY)


@pytest.mark.parametrize("after", [False, True])
def test_a_sale_in_the_second_of_the_write_comes_right_either_way(after: bool) -> None:
    """Wiped or not: the whole-second stamp does not tell, and neither a unit nor a movement may be lost or invented."""

    async def story(fair: Fair) -> None:
        fair.market("shop").sale([{"sku": "A", "quantity": 2}])
        await fair.wait()
        sold = sell_while_sent(fair.market("bay"), 3, after=after)
        await fair.well()
        await fair.wait()
        await fair.well()
        assert sold
        assert (fair.balance("A"), fair.number("shop", "A"), fair.number("bay", "A")) == (5, 5, 5)
        assert drifts(fair) == 0, "the difference has a known reason"
        assert fair.position("bay", "A").suspect is None

    visit(story, shop=SHOP, bay=BAY)


def test_every_number_set_is_read_again_soon() -> None:
    async def story(fair: Fair) -> None:
        fair.market("shop").sale([{"sku": "A", "quantity": 2}])
        await fair.wait()
        before = fair.market("bay").reads
        await fair.well()
        row = fair.position("bay", "A")
        assert fair.market("bay").reads > before
        assert row.base == "write"
        assert row.verified_at is not None
        assert row.base_at is not None
        assert row.verified_at > row.base_at

    visit(story, shop=SHOP, bay=BAY)


def test_a_write_that_nobody_verified_before_the_crash_is_verified_by_the_next_run() -> None:
    async def story(fair: Fair) -> None:
        fair.market("shop").sale([{"sku": "A", "quantity": 2}])
        await fair.wait()
        task = asyncio.ensure_future(fair.sync())
        while fair.position("bay", "A").base != "write":  # noqa: ASYNC110 - simulated time
            await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        fair.restart()
        # Whatever the platform does with numbers in its own time: somebody else's old program sets it back.
        fair.market("bay").count("A", 10)
        await fair.wait()
        await fair.well()
        assert fair.number("bay", "A") == 8

    visit(story, shop=SHOP, bay=BAY)


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
@pytest.mark.parametrize("sale", [0, 3])
def test_a_lost_answer_is_settled_by_reading_back(kind: str, sale: int) -> None:
    async def story(fair: Fair) -> None:
        fair.market("shop").sale([{"sku": "A", "quantity": 2}])
        await fair.wait()
        market, send = fair.market("bay"), fair.channels["bay"].connector.stock.send

        async def lossy(prepared: object) -> object:
            market.faults.add(kind=kind)
            try:
                return await send(prepared)  # type: ignore[arg-type]
            finally:
                object.__setattr__(fair.channels["bay"].connector.stock, "send", send)
                if sale:
                    market.sale([{"sku": "A", "quantity": sale}])

        object.__setattr__(
            fair.channels["bay"].connector, "stock", _Meddled(fair.channels["bay"].connector.stock, lossy)
        )
        await fair.sync()
        await fair.wait()
        await fair.well()
        left = 8 - sale
        assert (fair.balance("A"), fair.number("shop", "A"), fair.number("bay", "A")) == (left, left, left)
        assert drifts(fair) == 0
        assert fair.position("bay", "A").in_flight is None

    visit(story, shop=SHOP, bay=BAY)


class _Meddled:
    """A stock port whose `send` is another."""

    def __init__(self, port: object, send: object) -> None:
        self._port = port
        self.send = send

    def __getattr__(self, name: str) -> object:
        return getattr(self._port, name)


def test_an_edit_on_a_marketplace_is_put_right_and_booked_nowhere() -> None:
    async def story(fair: Fair) -> None:
        fair.market("bay").count("A", 60)
        await audited(fair, "bay")
        assert (fair.balance("A"), fair.number("bay", "A")) == (10, 10)
        assert drifts(fair) == 1

    visit(story, shop=SHOP, bay=BAY)


def test_an_edit_on_a_marketplace_counts_where_the_merchant_says_so() -> None:
    async def story(fair: Fair) -> None:
        await fair.wait()
        fair.market("bay").count("A", 60)
        await audited(fair, "bay")
        assert (fair.balance("A"), fair.number("shop", "A")) == (60, 60)

    visit(story, shop=SHOP, bay=BAY, overrides={"bay": {"counts_from": True}})


def test_the_ledger_is_opened_with_a_shops_number_and_not_a_marketplaces() -> None:
    async def story(fair: Fair) -> None:
        assert (fair.balance("A"), fair.balance("ONLY")) == (10, 4)
        assert fair.number("bay", "A") == 10

    goods = [
        {"title": "Tee", "variants": [{"sku": "A", "price": "10.00", "stock": 99}]},
        {"title": "Rest", "variants": [{"sku": "ONLY", "price": "10.00", "stock": 4}]},
    ]
    # "aaa" comes first by name, and is not believed.
    visit(story, shop=SHOP, aaa=replace(BAY), bay=BAY, goods={"aaa": goods, "bay": goods})


def test_a_number_is_not_judged_by_a_read_from_before_it_can_be_seen() -> None:
    async def story(fair: Fair) -> None:
        fair.market("shop").sale([{"sku": "A", "quantity": 2}])
        await fair.wait()
        await fair.well()
        await audited(fair, "bay")
        assert fair.number("bay", "A") == 8
        assert drifts(fair) == 0
        assert len(fair.market("bay").sent) == 1, "it was not written again"
        await fair.wait(60)
        await fair.well()
        assert fair.position("bay", "A").verified_at is not None
        assert len(fair.market("bay").sent) == 1

    slow = Limits(stock_write="absolute", stock_batch=5, visible_after=45)
    visit(story, shop=SHOP, bay=replace(BAY, limits=slow, lag=40))


async def audited(fair: Fair, name: str) -> None:
    """Read every number of a channel, and settle what differs."""
    from bridge.engine.report import ChannelReport
    from bridge.engine.sync import audit

    await audit(fair.context, fair.channels[name], ChannelReport())
    await fair.well()
    await fair.wait()
    await fair.well()
