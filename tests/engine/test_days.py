"""Limits of a day, and what goes first: sold out, back in stock, lower, higher."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bridge.contract.limits import Limits
from bridge.contract.stock import StockChange
from bridge.engine.purse import reserve, urgency
from tests.engine.fair import BAY, SHOP, Fair, visit

ONE_BY_ONE = Limits(stock_write="absolute", stock_batch=1, concurrency=1)


def goods(**stock: int) -> list[dict[str, Any]]:
    return [{"title": sku, "variants": [{"sku": sku, "price": "1.00", "stock": units}]} for sku, units in stock.items()]


def sent(fair: Fair) -> list[str]:
    """What was written on the marketplace, in its order."""
    return [f"{one.key.stock_id[2:]}={one.shown + one.delta}" for batch in fair.market("bay").sent for one in batch]


def sell(fair: Fair, **units: int) -> None:
    fair.market("shop").sale([{"sku": sku, "quantity": count} for sku, count in units.items()])


def test_the_most_urgent_change_is_the_one_that_stops_a_sale() -> None:
    ranks = [urgency(*change) for change in [(5, 0), (0, 5), (5, 4), (5, 6), (0, 0), (-2, 0)]]
    assert ranks == [0, 1, 2, 3, 0, 0]


def test_a_tenth_of_a_limit_is_kept_for_what_is_sold_out_and_at_least_one() -> None:
    assert [reserve(limit) for limit in (0, 1, 5, 10, 250)] == [0, 1, 1, 1, 25]


def test_what_is_sold_out_goes_first_and_what_rises_last() -> None:
    async def story(fair: Fair) -> None:
        fair.market("shop").count("BACK", 5)
        fair.market("shop").count("HIGHER", 90)
        sell(fair, LOWER=1, OUT=4)
        await fair.wait()
        fair.market("bay").faults.add(kind="status", times=None)
        await fair.sync()  # believes the counts, and cannot write
        fair.market("bay").faults.clear()
        await fair.well()
        assert sent(fair) == ["OUT=0", "BACK=5", "LOWER=8", "HIGHER=90"]

    stock = goods(BACK=0, HIGHER=9, LOWER=9, OUT=4)
    visit(story, shop=SHOP, bay=replace(BAY, limits=ONE_BY_ONE), goods={"shop": stock, "bay": stock})


def test_sold_out_numbers_go_first_and_alone_and_wait_for_no_reading_of_orders() -> None:
    async def story(fair: Fair) -> None:
        bay = fair.market("bay")

        def by_name(changes: Sequence[StockChange]) -> Sequence[Sequence[StockChange]]:
            return [sorted(changes, key=lambda one: one.key)[at : at + 2] for at in range(0, len(changes), 2)]

        object.__setattr__(fair.channels["bay"].connector.stock, "batches", by_name)
        sell(fair, A=1, B=1, C=1, OUT=4)
        await fair.wait()
        await fair.well()
        assert [[one.key.stock_id for one in call] for call in bay.sent[:2]] == [["s-OUT"], ["s-A", "s-B"]]

    stock = goods(A=9, B=9, C=9, OUT=4)
    visit(story, shop=SHOP, bay=replace(BAY, limits=ONE_BY_ONE), goods={"shop": stock, "bay": stock})


def test_a_days_calls_end_and_what_is_sold_out_has_its_own() -> None:
    """Ten calls a day, one of them kept: the tenth change waits, gathers what comes, and goes out when there is room again."""

    async def story(fair: Fair) -> None:
        for _ in range(9):
            sell(fair, A=1)
            await fair.wait()
            await fair.well()
        for _ in range(3):
            sell(fair, A=1)
            await fair.wait()
            report = await fair.well()
        assert len(fair.market("bay").sent) == 9
        assert (report.put_off, report.open, report.exit_code) == (1, 0, 0)
        until = fair.position("bay", "A").waits_until
        assert until is not None
        sell(fair, OUT=4)
        await fair.wait()
        fair.restart()
        await fair.well()
        assert sent(fair)[9:] == ["OUT=0"], "the last call of the day"
        sell(fair, LAST=4)
        await fair.wait()
        await fair.well()
        assert len(fair.market("bay").sent) == 10, "and there is none left for anybody"
        await fair.wait((until - fair.around.now()).total_seconds() - 3600)
        await fair.well()
        assert len(fair.market("bay").sent) == 10
        await fair.wait(2 * 3600)
        await fair.well()
        assert sent(fair)[10:] == ["LAST=0", "A=8"], "one write for all three"
        assert fair.position("bay", "A").waits_until is None

    stock = goods(A=20, OUT=4, LAST=4)
    limits = replace(ONE_BY_ONE, writes_per_day=10)
    visit(story, shop=SHOP, bay=replace(BAY, limits=limits), goods={"shop": stock, "bay": stock})


def test_a_listing_changed_too_often_waits_alone() -> None:
    async def story(fair: Fair) -> None:
        for _ in range(4):
            sell(fair, A=1)
            await fair.wait()
            await fair.well()
        sell(fair, A=1, B=1)
        await fair.wait()
        report = await fair.well()
        assert sent(fair)[4:] == ["B=19"]
        assert report.put_off == 1
        sell(fair, A=15)
        await fair.wait()
        await fair.well()
        assert sent(fair)[5:] == ["A=0"], "sold out, by the change that is kept for it"

    stock = goods(A=20, B=20)
    limits = replace(ONE_BY_ONE, changes_per_day=5)
    visit(story, shop=SHOP, bay=replace(BAY, limits=limits), goods={"shop": stock, "bay": stock})
