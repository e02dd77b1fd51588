"""Codes that are drawn by chance, where hardly any are left to draw."""

from bridge.domain.coupons import CouponTerms
from bridge.engine.making import ALPHABET, add_codes
from bridge.store import coupons
from bridge.store.coupons import Campaign
from tests.engine.bench import Bench, tell

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
