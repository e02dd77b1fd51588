"""Customers and points end to end against the stand-in shop, and what codes are on a shop of another zone or version."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.contract.errors import TryLater
from bridge.contract.loyalty import CouponsPort, CouponWrite, CustomersPort, PointsPort, PointsWrite
from bridge.domain.coupons import CouponTerms
from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from bridge.sandbox.kit.platform import Platform, RefusedError
from bridge.sandbox.kit.transport import InProcess
from bridge.sandbox.woocommerce import build
from bridge.wire.http import Surroundings
from connectors.woocommerce import Settings, connect

MUG = {"title": "Mug", "variants": [{"sku": "MUG", "price": "10.00", "stock": 20}]}
FIFTEEN = CouponTerms(kind="percent", percent=1500)
BATCH = {"method": "POST", "path": r"/customers/batch$"}


@dataclass(frozen=True)
class World:
    """One shop with a mug, and the three ports."""

    platform: Platform
    loop: SimulatedLoop
    customers: CustomersPort
    points: PointsPort
    coupons: CouponsPort

    @property
    def shop(self) -> Any:
        return self.platform.shop

    @property
    def calls(self) -> int:
        return sum(self.platform.faults.calls.values())

    def shown(self) -> dict[str, int | None]:
        """The points that each account shows."""
        return {row["id"]: row["points"] for row in self.shop.customers()}


Story = Callable[[World], Coroutine[Any, Any, None]]


def play(story: Story, **options: Any) -> None:
    loop, rng = SimulatedLoop(), random.Random(3)
    platform = build(now=loop.now, sleep=asyncio.sleep, rng=rng, host="https://shop.example", **options)
    platform.shop.seed([MUG])
    transport = InProcess({"shop.example": platform.app})
    around = Surroundings(now=loop.now, time=loop.time, sleep=asyncio.sleep, rng=rng, transport=transport)
    key, secret = (platform.credentials[name] for name in ("consumer_key", "consumer_secret"))
    woo = connect(Settings(url="https://shop.example", consumer_key=key, consumer_secret=secret), around, where="web")
    assert woo.customers
    assert woo.points
    assert woo.coupons
    run_simulated(story(World(platform, loop, woo.customers, woo.points, woo.coupons)), loop)


def balance(customer: str, points: int, shown: int | None = None) -> PointsWrite:
    return PointsWrite(customer=customer, balance=points, shown=shown, key=f"k-{customer}")


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_everybody_is_read_at_every_page_boundary(count: int) -> None:
    async def story(world: World) -> None:
        ids = [world.shop.add_customer(email=f"c{n}@example.test", name=f"C {n}", points=n) for n in range(count)]
        found = [one async for page in world.customers.all() for one in page.items]
        assert [(one.id, one.points) for one in found] == [(key, n) for n, key in enumerate(ids)]
        assert world.calls == max(1, -(-count // 100))
        mark = world.calls
        assert [one.id for one in await world.customers.get([*ids, "9999", "guest"])] == ids
        assert world.calls - mark == -(-(count + 1) // 100)

    play(story)


def test_staff_are_customers_too_and_guests_are_none() -> None:
    async def story(world: World) -> None:
        clerk = world.shop.add_customer(email="clerk@example.test", role="shop_manager")
        world.shop.sale([{"sku": "MUG", "quantity": 1}], customer={"name": "Gail", "email": "gail@example.test"})
        assert [one.id async for page in world.customers.all() for one in page.items] == [clerk]
        assert [one.id for one in await world.customers.find(email="Clerk@example.test")] == [clerk]
        assert await world.customers.find(email="gail@example.test") == []

    play(story)


@pytest.mark.parametrize("version", ["11.0.1", "9.9.5"])
def test_points_are_shown_read_back_and_gone_with_the_account(version: str) -> None:
    async def story(world: World) -> None:
        ada, ben = (world.shop.add_customer(email=f"{name}@example.test") for name in ("ada", "ben"))
        assert [one.balance for one in await world.points.read([balance(ada, 0), balance("9999", 0)])] == [None, None]
        results = await world.points.show([balance(ada, 40), balance(ben, 0), balance("9999", 5)])
        assert [(one.kind, one.balance) for one in results] == [("done", 40), ("done", 0), ("gone", None)]
        assert world.shown() == {ada: 40, ben: 0}
        world.shop.edit_customer(ada, points=7)
        assert [
            one.balance for one in await world.points.read([balance(ben, 0), balance(ada, 0), balance(ben, 0)])
        ] == [0, 7, 0]
        world.shop.delete_customer(ben)
        (result,) = await world.points.show([balance(ben, 1)])
        assert result.kind == "gone"

    play(story, version=version)


def test_a_hundred_balances_are_one_call() -> None:
    async def story(world: World) -> None:
        ids = [world.shop.add_customer(email=f"c{n}@example.test") for n in range(100)]
        results = await world.points.show([balance(key, n) for n, key in enumerate(ids)])
        assert {one.kind for one in results} == {"done"}
        assert world.calls == 1
        assert list(world.shown().values()) == list(range(100))

    play(story)


@pytest.mark.parametrize(
    ("kind", "there"), [("cut_before", 40), ("cut_after", 55), ("status", 40), ("invalid_json", 40)]
)
def test_after_a_lost_answer_reading_tells(kind: str, there: int) -> None:
    async def story(world: World) -> None:
        ada = world.shop.add_customer(email="ada@example.test", points=40)
        world.platform.faults.add(kind=kind, times=None, **BATCH)
        with pytest.raises(TryLater) as caught:
            await world.points.show([balance(ada, 55, shown=40)])
        assert caught.value.maybe_applied
        assert "ada@" not in str(caught.value)
        world.platform.faults.clear()
        assert [one.balance for one in await world.points.read([balance(ada, 55)])] == [there]
        (result,) = await world.points.show([balance(ada, 55, shown=there)])
        assert (result.kind, world.shown()) == ("done", {ada: 55})

    play(story)


@pytest.mark.parametrize("offset", [-5.0, 0.0, 5.5])
@pytest.mark.parametrize("version", ["11.0.1", "9.9.5"])
def test_an_end_is_that_moment_wherever_the_shop_is(version: str, offset: float) -> None:
    async def story(world: World) -> None:
        ends = datetime.fromtimestamp(world.loop.now().timestamp() // 1 + 3600, UTC)
        (result,) = await world.coupons.write([CouponWrite(code="AUTUMN", terms=replace(FIFTEEN, ends_at=ends))], "k")
        assert result.kind == "done", result.reason
        (state,) = await world.coupons.find(["AUTUMN"])
        assert state.terms == replace(FIFTEEN, ends_at=ends)
        await asyncio.sleep(3599)
        world.shop.sale([{"sku": "MUG", "quantity": 1}], codes=["autumn"])
        await asyncio.sleep(1)
        with pytest.raises(RefusedError, match="expired"):
            world.shop.sale([{"sku": "MUG", "quantity": 1}], codes=["autumn"])

    play(story, version=version, gmt_offset=offset)


@pytest.mark.parametrize("status", ["draft", "trash"])
def test_a_code_that_a_person_took_out_of_use_is_gone_and_can_be_made_anew(status: str) -> None:
    async def story(world: World) -> None:
        write = CouponWrite(code="AUTUMN", terms=FIFTEEN)
        (made,) = await world.coupons.write([write], "k")
        if status == "draft":
            world.shop.edit_coupon("AUTUMN", status="draft")
        else:
            world.shop.delete_coupon("AUTUMN")
        assert await world.coupons.find(["AUTUMN"]) == []
        (result,) = await world.coupons.write([replace(write, id=made.id, limit=2)], "k")
        (again,) = await world.coupons.write([write], "k")
        assert (made.kind, result.kind, again.kind) == ("done", "gone", "done")
        assert world.shop.coupons()["AUTUMN"]["id"] == again.id != made.id

    play(story)


def test_a_draft_whose_code_went_to_another_coupon_stays_one() -> None:
    async def story(world: World) -> None:
        write = CouponWrite(code="AUTUMN", terms=FIFTEEN)
        (result,) = await world.coupons.write([write], "k")
        world.shop.edit_coupon("AUTUMN", status="draft")
        theirs = world.shop.add_coupon("AUTUMN", percent=50)
        (again,) = await world.coupons.write([replace(write, id=result.id)], "k")
        assert again.kind == "taken"
        assert world.shop.coupons()["AUTUMN"]["id"] == theirs

    play(story)


def test_a_cancelled_order_gives_its_use_back_to_a_code_that_is_off() -> None:
    """Uses are given back by code, and a draft has none: one more reason to switch off by the end."""

    async def story(world: World) -> None:
        write = CouponWrite(code="AUTUMN", terms=FIFTEEN, limit=3)
        (result,) = await world.coupons.write([write], "k")
        order = world.shop.sale([{"sku": "MUG", "quantity": 1}], codes=["AUTUMN"])
        await world.coupons.write([replace(write, id=result.id, active=False)], "k")
        world.shop.cancel(order)
        (state,) = await world.coupons.find(["AUTUMN"])
        assert (state.used, state.limit, state.active) == (0, 3, False)

    play(story)


def test_a_list_of_codes_that_is_used_while_it_is_read_is_whole() -> None:
    async def story(world: World) -> None:
        codes = [f"CODE{n:03}" for n in range(150)]
        for code in codes:
            world.shop.add_coupon(code, percent=5)
        seen: set[str] = set()
        async for page in world.coupons.all():
            if not seen:
                world.shop.delete_coupon("CODE001")
            seen |= {one.code.upper() for one in page.items}
        assert seen == set(codes)

    play(story)


def test_a_code_that_ended_long_ago_still_says_when() -> None:
    async def story(world: World) -> None:
        ended = datetime.fromtimestamp(world.loop.now().timestamp() // 1, UTC) - timedelta(days=400)
        (result,) = await world.coupons.write([CouponWrite(code="OLD", terms=replace(FIFTEEN, ends_at=ended))], "k")
        assert result.kind == "done"
        (state,) = await world.coupons.find(["OLD"])
        assert state.terms is not None
        assert (state.active, state.terms.ends_at) == (True, ended)

    play(story)
