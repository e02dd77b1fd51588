"""Coupon codes on three platforms: how often one is used in all, however they are shared."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.app.errors import AppError
from bridge.sandbox.kit.platform import RefusedError
from tests.scenarios.harness_loyalty import ANNA, BEN, PERCENT, Street, told

SHOPS = ("woocommerce", "shopify", "square")
BOTH = ("woocommerce", "shopify")


@pytest.mark.parametrize("shop", BOTH)
def test_a_shared_use_is_gone_everywhere_once_it_was_made(shop: str) -> None:
    async def play(street: Street) -> None:
        street.coupon("AUTUMN15")
        await street.sync()
        assert street.limits("AUTUMN15") == dict.fromkeys(BOTH, (1, True))
        street.buys(ANNA, shop, codes=["Autumn15"])
        await street.sync()
        assert not any(active for _, active in street.limits("AUTUMN15").values())
        for name in BOTH:
            with pytest.raises(RefusedError):
                street.buys(BEN, name, codes=["AUTUMN15"])
        with pytest.raises(AppError, match="no use"):
            street.claim("AUTUMN15")
        assert (street.left("AUTUMN15"), street.uses("AUTUMN15")) == (0, [(shop, 1)])
        street.holds()

    told(play, points=None)


def test_a_shared_use_that_two_shops_took_at_once_is_told_with_both_orders() -> None:
    async def play(street: Street) -> None:
        street.coupon("AUTUMN15")
        await street.sync()
        orders = [street.buys(ANNA, name, codes=["AUTUMN15"]) for name in BOTH]
        await street.sync()
        assert street.left("AUTUMN15") == -1
        (told_,) = [reason for subject, _, reason in street.parked() if subject == "coupon"]
        assert "used 2 times, 1 allowed" in told_
        assert all(order.rsplit("/", 1)[-1] in told_ for order in orders)
        street.holds()

    told(play, points=None)


@pytest.mark.parametrize("policy", ["split", "claim"])
def test_a_use_that_is_not_shared_is_made_once(policy: str) -> None:
    async def play(street: Street) -> None:
        street.coupon("ONCE", policy=policy)
        await street.sync()
        made = 0
        for name in BOTH:
            try:
                street.buys(ANNA, name, codes=["ONCE"])
                made += 1
            except RefusedError:
                pass
        try:
            street.capture(street.claim("ONCE"))
            made += 1
        except AppError:
            pass
        assert made == 1
        await street.sync()
        assert street.left("ONCE") == 0
        assert not any(active for _, active in street.limits("ONCE").values())
        street.holds()

    told(play, points=None)


def test_a_claim_opens_the_code_in_the_shop_it_is_for() -> None:
    async def play(street: Street) -> None:
        street.coupon("ASKFIRST", policy="claim")
        await street.sync()
        with pytest.raises(RefusedError):
            street.buys(ANNA, "shopify", codes=["ASKFIRST"])
        street.claim("ASKFIRST", "shopify")
        await street.sync()
        with pytest.raises(RefusedError):
            street.buys(ANNA, "woocommerce", codes=["ASKFIRST"])
        with pytest.raises(AppError, match="no use"):
            street.claim("ASKFIRST")
        street.buys(ANNA, "shopify", codes=["ASKFIRST"])
        await street.sync()
        assert (street.left("ASKFIRST"), street.uses("ASKFIRST")) == (0, [("shopify", 1)])
        street.holds()

    told(play, points=None)


def test_split_uses_move_to_where_they_are_wanted() -> None:
    async def play(street: Street) -> None:
        street.coupon("NINE", policy="split", uses=9)
        await street.sync()
        made = 0
        for _ in range(30):
            try:
                street.buys(ANNA, "shopify", codes=["NINE"])
                made += 1
            except RefusedError:
                await street.passes(timedelta(minutes=2))
            await street.sync()
        # A share of a use or two stays with those who never need it.
        assert made >= 7
        assert street.left("NINE") == 9 - made
        street.holds()

    told(play, points=None)


def test_a_released_or_forgotten_claim_is_free_again() -> None:
    async def play(street: Street) -> None:
        street.coupon("AUTUMN15")
        await street.sync()
        first = street.claim("AUTUMN15")
        await street.sync()
        assert not any(active for _, active in street.limits("AUTUMN15").values()), "what is promised is free nowhere"
        street.release(first)
        await street.sync()
        assert street.limits("AUTUMN15") == dict.fromkeys(BOTH, (1, True))
        second = street.claim("AUTUMN15")
        await street.passes(timedelta(minutes=16))
        await street.sync()
        assert street.limits("AUTUMN15") == dict.fromkeys(BOTH, (1, True))
        with pytest.raises(AppError, match="expired"):
            street.capture(second)
        street.holds()

    told(play, points=None)


@pytest.mark.parametrize("shop", BOTH)
@pytest.mark.parametrize("restore", [True, False])
def test_a_cancelled_order_gives_its_use_back_where_the_merchant_says_so(shop: str, restore: bool) -> None:
    async def play(street: Street) -> None:
        street.coupon("AUTUMN15", restore=restore)
        await street.sync()
        order = street.buys(ANNA, shop, codes=["AUTUMN15"])
        await street.sync()
        street.shop(shop).cancel(order)
        await street.sync()
        assert street.left("AUTUMN15") == int(restore)
        made = 0
        for name in BOTH:
            try:
                street.buys(BEN, name, codes=["AUTUMN15"])
            except RefusedError:
                continue
            made += 1
            await street.sync()
        assert made == int(restore)
        street.holds()

    told(play, points=None)


@pytest.mark.parametrize("shop", BOTH)
def test_a_code_that_somebody_deletes_stays_deleted_there_and_works_elsewhere(shop: str) -> None:
    async def play(street: Street) -> None:
        street.coupon("AUTUMN15", uses=3)
        await street.sync()
        street.shop(shop).delete_coupon("AUTUMN15")
        await street.audit()
        await street.sync()
        (other,) = set(BOTH) - {shop}
        assert set(street.limits("AUTUMN15")) == {other}
        assert any("deleted by hand" in reason for _, _, reason in street.parked())
        street.buys(ANNA, other, codes=["AUTUMN15"])
        await street.sync()
        street.push_again("AUTUMN15")
        await street.sync()
        street.buys(ANNA, shop, codes=["AUTUMN15"])
        await street.sync()
        assert street.left("AUTUMN15") == 1
        assert not [reason for subject, _, reason in street.parked() if subject == "coupon"]
        street.holds()

    told(play, points=None)


@pytest.mark.parametrize("shop", BOTH)
def test_what_somebody_loosens_by_hand_is_tightened_again(shop: str) -> None:
    async def play(street: Street) -> None:
        street.coupon("AUTUMN15")
        await street.sync()
        street.shop(shop).edit_coupon("AUTUMN15", limit=50)
        await street.audit()
        await street.sync()
        assert street.limits("AUTUMN15") == dict.fromkeys(BOTH, (1, True))

    told(play, points=None)


def test_a_shop_that_counts_more_uses_than_its_orders_show_accepts_no_more_for_it() -> None:
    """WooCommerce's REST counts a use twice: its limit is counted from its own count, or nobody could use what is left."""

    async def play(street: Street) -> None:
        street.coupon("AUTUMN15", uses=3)
        await street.sync()
        street.buys(ANNA, "woocommerce", codes=["AUTUMN15"])
        woo = street.world.platforms["woocommerce"].shop.woo  # type: ignore[attr-defined]
        woo.coupons.count("AUTUMN15", 1, "somebody")
        await street.sync()
        await street.audit()
        await street.sync()
        assert street.left("AUTUMN15") == 2
        for name in ("woocommerce", "shopify"):
            street.buys(BEN, name, codes=["AUTUMN15"])
            await street.sync()
        assert street.left("AUTUMN15") == 0
        assert not any(active for _, active in street.limits("AUTUMN15").values())
        street.holds()

    told(play, points=None)


def test_a_code_ends_everywhere_at_its_moment() -> None:
    async def play(street: Street) -> None:
        ends = (street.world.around.now() + timedelta(days=2)).replace(microsecond=0)
        street.coupon("TWODAYS", replace(PERCENT, ends_at=ends), uses=5)
        await street.sync()
        street.buys(ANNA, "shopify", codes=["TWODAYS"])
        await street.passes(timedelta(days=2))
        for name in BOTH:
            with pytest.raises(RefusedError):
                street.buys(ANNA, name, codes=["TWODAYS"])
        await street.sync()
        assert not any(active for _, active in street.limits("TWODAYS").values())
        with pytest.raises(AppError, match="ended"):
            street.claim("TWODAYS")

    told(play, points=None)


def test_a_code_that_a_shop_has_already_is_left_to_it_and_told() -> None:
    async def play(street: Street) -> None:
        street.shop("shopify").add_coupon("AUTUMN15", percent=50)
        street.coupon("AUTUMN15")
        await street.sync()
        assert street.shop("shopify").coupons()["AUTUMN15"]["percent"] == 50
        assert street.shop("woocommerce").coupons()["AUTUMN15"]["percent"] == 10
        assert any("another coupon" in reason or "unique" in reason for _, _, reason in street.parked())
        street.holds()

    told(play, points=None)
