"""Codes that are drawn by chance, where hardly any are left to draw."""

from dataclasses import replace
from functools import partial

import pytest

from bridge.app import loyal_acting as acting
from bridge.app import loyal_claims as claiming
from bridge.app.errors import AppError
from bridge.domain.coupons import CouponPolicy, CouponTerms
from bridge.engine.making import ALPHABET, add_codes
from bridge.store import coupons
from bridge.store.coupons import Campaign
from tests.engine.bench import Bench, tell
from tests.webserver.loyal_house import ADA, CODE, LOYALTY, code, free, member

SHOPS = ("woocommerce", "shopify")
CAMPAIGN = Campaign(
    name="FAIR", terms=CouponTerms(kind="percent", percent=500), policy="shared", channels=(), solo=False
)


def test_codes_that_run_out_end_the_drawing() -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        assert max(add_codes(context, CAMPAIGN, 40, "FAIR", 5)) == len(ALPHABET)
        assert max(add_codes(context, CAMPAIGN, 40, "FAIR", 3)) == len(ALPHABET) + 1
        found = context.database.read(lambda connection: [one.code for one in coupons.codes_of(connection, "FAIR")])
        assert found == ["FAIR", *(f"FAIR{one}" for one in ALPHABET)]

    tell(story, "woocommerce")


@pytest.mark.parametrize("prefix", ["a b", "ab&<c", "A" * 43, "\u200bAB"])
def test_points_are_turned_into_no_code_that_some_shop_could_not_have(prefix: str) -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        member(context, 500)
        with pytest.raises(AppError, match="cannot begin a code everywhere") as refused:
            context.database.write(lambda connection: acting.redeem(connection, context, ADA, 100, [], prefix))
        assert refused.value.exit_code == 2
        assert free(context) == 500

    tell(story, "woocommerce", loyalty=LOYALTY)


def test_an_invitation_is_checked_as_any_code_is() -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        member(context, 500)
        for terms, told in (
            (CouponTerms(kind="percent", percent=12_000), "120 % cannot be taken off"),
            (CouponTerms(kind="percent", percent=500, ends_at=context.now()), "the code would be over already"),
        ):
            with pytest.raises(AppError, match=told):
                context.database.write(partial(acting.invite, context=context, person=ADA, terms=terms, channels=[]))

    tell(story, "woocommerce", loyalty=LOYALTY)


def limits(bench: Bench, name: str) -> dict[str, int | None]:
    """What the shops accept of a code in all, where they have it."""
    found = {shop: bench.shop(shop).coupons().get(name) for shop in SHOPS}
    return {shop: row["limit"] for shop, row in found.items() if row is not None}


@pytest.mark.parametrize(
    ("policy", "there"), [("shared", {"woocommerce": 6, "shopify": 6}), ("split", {"woocommerce": 3, "shopify": 3})]
)
def test_a_code_becomes_good_at_a_channel_that_came_after_it(policy: CouponPolicy, there: dict[str, int]) -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        code(context, "ONE", policy="split", channels=["woocommerce"])
        with pytest.raises(AppError, match="ONE has no use to give up"):
            context.database.write(lambda connection: acting.extend(connection, context, "ONE", "shopify"))
        code(context, policy=policy, uses=6, channels=["woocommerce"])
        await bench.sync()
        assert limits(bench, CODE) == {"woocommerce": 6}
        context.database.write(lambda connection: acting.extend(connection, context, CODE, "shopify"))
        for _ in range(4):
            await bench.wait(90)
            await bench.sync()
        assert limits(bench, CODE) == there

    tell(story, *SHOPS, loyalty=LOYALTY)


def test_a_campaign_becomes_good_at_a_till_as_a_whole() -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        campaign = replace(CAMPAIGN, channels=("woocommerce",))
        assert list(add_codes(context, campaign, 2, "FAIR", 12)) == [2]
        first, _ = context.database.read(lambda connection: [one.code for one in coupons.codes_of(connection, "FAIR")])
        for name, channel, told in (
            (first, "square", "is good where all codes of FAIR are"),
            ("fair", "woocommerce", "FAIR is good at woocommerce already"),
            ("fair", "kiosk", "nobody can buy at kiosk"),
        ):
            with pytest.raises(AppError, match=told):
                context.database.write(partial(acting.extend, context=context, text=name, channel=channel))
        code(context, "ONE", policy="split", channels=["woocommerce"])
        with pytest.raises(AppError, match="the uses of ONE are divided"):
            context.database.write(lambda connection: acting.extend(connection, context, "ONE", "square"))
        context.database.write(lambda connection: acting.extend(connection, context, "fair", "square"))
        one = context.database.write(lambda connection: claiming.claim(connection, context, first, "square", None))
        assert one.state == "open"

    tell(story, "woocommerce", "square", loyalty=LOYALTY)
