"""Codes that are drawn by chance, where hardly any are left to draw."""

from functools import partial

import pytest

from bridge.app import loyal_acting as acting
from bridge.app.errors import AppError
from bridge.domain.coupons import CouponTerms
from bridge.engine.making import ALPHABET, add_codes
from bridge.store import coupons
from bridge.store.coupons import Campaign
from tests.engine.bench import Bench, tell
from tests.webserver.loyal_house import ADA, LOYALTY, free, member

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
