"""Codes on their way: what a platform makes after its answer is waited for, and what was lost is made once."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.contract.errors import TryLater
from bridge.domain.coupons import CouponTerms
from bridge.engine import making
from bridge.engine.loyalty import show_loyalty
from bridge.engine.report import ChannelReport
from bridge.store import code_listings
from bridge.store import coupons as store
from bridge.store.coupons import Campaign
from tests.engine.bench import Bench, tell

CODES = 600


def made(bench: Bench, name: str, **more: Any) -> None:
    context = bench.world.context
    campaign = Campaign(
        name="AUTUMN", terms=CouponTerms(kind="percent", percent=1_500), policy="shared", channels=(name,), uses=1, solo=False,
        created_at=context.now(),
    )  # fmt: skip
    assert list(making.add_codes(context, replace(campaign, **more), CODES, "AUTUMN", 14))[-1] == CODES


async def show(bench: Bench, name: str) -> None:
    await show_loyalty(bench.world.context, bench.channel(name), ChannelReport())


def left(bench: Bench, name: str) -> int:
    return bench.world.database.read(lambda connection: code_listings.work_count(connection, name))


def adds(bench: Bench) -> int:
    return len(bench.shop("shopify").state.imports)


def test_codes_that_shopify_still_makes_are_not_sent_again() -> None:
    async def story(bench: Bench) -> None:
        state = bench.shop("shopify").state
        state.settings = replace(state.settings, job_seconds=180.0)
        made(bench, "shopify")
        await show(bench, "shopify")
        sent = adds(bench)
        assert sent == 3
        for _ in range(2):
            await bench.wait(30)
            await show(bench, "shopify")
            assert (adds(bench), left(bench, "shopify")) == (sent, CODES - 1)
        await bench.wait(180)
        await show(bench, "shopify")
        assert (adds(bench), left(bench, "shopify")) == (sent, 0)
        assert len(bench.shop("shopify").coupons()) == CODES

    tell(story, "shopify")


def test_codes_that_shopify_never_made_are_sent_again() -> None:
    async def story(bench: Bench) -> None:
        state = bench.shop("shopify").state
        state.settings = replace(state.settings, job_seconds=180.0)
        made(bench, "shopify")
        await show(bench, "shopify")
        state.pending.clear()
        await bench.wait(660)
        await show(bench, "shopify")
        assert adds(bench) == 6
        await bench.wait(240)
        await show(bench, "shopify")
        assert (left(bench, "shopify"), len(bench.shop("shopify").coupons())) == (0, CODES)

    tell(story, "shopify")


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
@pytest.mark.parametrize(
    ("name", "where"), [("woocommerce", {"path": "coupons/batch$"}), ("shopify", {"body": "discountRedeemCodeBulkAdd"})]
)
def test_a_lost_answer_makes_no_code_twice_and_loses_none(name: str, where: dict[str, str], kind: str) -> None:
    async def story(bench: Bench) -> None:
        made(bench, name)
        bench.faults(name).add(kind=kind, times=1, **where)
        with pytest.raises(TryLater):
            await show(bench, name)
        bench.world.restart()
        for _ in range(3):
            await bench.wait(60)
            await show(bench, name)
        assert left(bench, name) == 0
        assert len(bench.shop(name).coupons()) == CODES

    tell(story, name)


def test_a_code_that_was_refused_while_it_works_there_is_switched_off_once_it_is_written_again() -> None:
    async def story(bench: Bench) -> None:
        made(bench, "woocommerce")
        await show(bench, "woocommerce")
        database, context = bench.world.database, bench.world.context
        code = next(iter(bench.shop("woocommerce").coupons()))
        (coupon,) = database.read(lambda connection: store.find(connection, [code])).values()
        (row,) = database.read(lambda connection: code_listings.find_listings(connection, [code]))[code].values()
        database.write(lambda connection: code_listings.save_listings(connection, [replace(row, reason="not today")]))
        database.write(lambda connection: making.close(connection, context, coupon))
        database.write(lambda connection: making.reopen(connection, context, coupon))
        await show(bench, "woocommerce")
        (row,) = database.read(lambda connection: code_listings.find_listings(connection, [code]))[code].values()
        assert (row.shown_most, row.reason, left(bench, "woocommerce")) == (0, "", 0)

    tell(story, "woocommerce")
