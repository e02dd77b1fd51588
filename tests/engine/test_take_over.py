"""Codes that shops had before us: taken over with exactly the uses that were made there."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from bridge.contract.loyalty import CouponsPort, CouponState
from bridge.domain.ledger import Counter
from bridge.domain.orders import Order
from bridge.engine.booking import book
from bridge.engine.take_over import Taken, take_over
from bridge.store import code_listings, ledger, orders
from tests.engine.bench import Bench, tell

MANY = [{"title": "Tee", "variants": [{"sku": "A", "barcode": "4006001", "price": "10.00", "stock": 99}]}]


def left(bench: Bench, code: str) -> int:
    counter = Counter("uses", code)
    return bench.world.database.read(lambda c: ledger.balances(c, [counter]))[counter]


async def took(bench: Bench, channel: str, *codes: str, channels: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    found: list[Taken] = await take_over(bench.world.context, bench.channel(channel), codes, channels)
    return [(one.code, one.kind) for one in found]


def dress(bench: Bench, name: str, wrap: Callable[[CouponsPort], Any]) -> CouponsPort:
    """Put something over a shop's codes; return what was there."""
    channel = bench.channel(name)
    port = channel.connector.coupons
    assert port is not None
    channel.connector = replace(channel.connector, coupons=wrap(port))
    return port


class Stacking:
    """A shop whose codes may all be used beside others, as WooCommerce's may."""

    def __init__(self, port: CouponsPort) -> None:
        self.port = port

    def __getattr__(self, name: str) -> Any:
        return getattr(self.port, name)

    async def find(self, codes: Sequence[str]) -> list[CouponState]:
        found = await self.port.find(codes)
        return [replace(one, terms=replace(one.terms, stacks=True)) for one in found if one.terms is not None]


def test_the_same_code_in_two_shops_is_one_code_and_its_uses_add_up() -> None:
    async def story(bench: Bench) -> None:
        for name, used in (("woocommerce", 2), ("shopify", 1)):
            bench.shop(name).add_coupon("SUMMER", percent=15, limit=9)
            for _ in range(used):
                bench.shop(name).sale([{"sku": "A", "quantity": 1}], codes=["SUMMER"])
        await bench.wait(60)
        await bench.sync()
        assert await took(bench, "woocommerce") == [("SUMMER", "taken")]
        (other,) = await take_over(bench.world.context, bench.channel("shopify"), ["SUMMER"])
        assert (other.kind, other.reason.partition(": ")[2]) == ("foreign", "stacks")
        dress(bench, "shopify", Stacking)
        assert await took(bench, "shopify", "SUMMER") == [("SUMMER", "joined")]
        assert await took(bench, "shopify", "SUMMER") == [("SUMMER", "known")]
        assert left(bench, "SUMMER") == 6
        await bench.sync()
        assert [bench.shop(name).coupons()["SUMMER"]["limit"] for name in ("woocommerce", "shopify")] == [2 + 6, 1 + 6]
        bench.shop("shopify").sale([{"sku": "A", "quantity": 1}], codes=["summer"])
        await bench.wait(60)
        await bench.sync()
        assert left(bench, "SUMMER") == 5
        assert bench.world.database.read(code_listings.work_counts) == {}

    tell(story, "woocommerce", "shopify", sound=False)


class Busy:
    """A shop in which somebody buys with a code: before it is read, after it was read, and in the same second."""

    def __init__(self, port: CouponsPort, buy: Callable[[], Any], before: int, after: int) -> None:
        self.port, self.buy, self.before, self.after = port, buy, before, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self.port, name)

    async def find(self, codes: Sequence[str]) -> Sequence[CouponState]:
        if self.before:
            self.before -= 1
            self.buy()
        found = await self.port.find(codes)
        if self.after:
            self.after -= 1
            self.buy()
        return found


async def until_the_next_second_begins(bench: Bench) -> None:
    await bench.wait(1.02 - bench.world.context.now().microsecond / 1e6)


@pytest.mark.parametrize(("before", "after"), [(0, 0), (1, 0), (0, 1), (1, 1), (2, 2)])
@pytest.mark.parametrize("name", ["woocommerce", "shopify"])
def test_what_is_bought_in_the_moment_of_taking_a_code_over_counts_once(name: str, before: int, after: int) -> None:
    """Stamps are whole seconds, and a count names no orders: no time says which of the newest orders are in it."""

    async def story(bench: Bench) -> None:
        def buy() -> None:
            bench.shop(name).sale([{"sku": "A", "quantity": 1}], codes=["SUMMER"])

        bench.shop(name).add_coupon("SUMMER", percent=15, limit=9)
        await bench.wait(300)
        buy()
        await bench.wait(300)
        await until_the_next_second_begins(bench)
        buy()
        dress(bench, name, lambda port: Busy(port, buy, before, after))
        assert await took(bench, name, "SUMMER") == [("SUMMER", "taken")]
        buy()
        await bench.wait(60)
        await bench.sync()
        assert left(bench, "SUMMER") == 9 - 3 - before - after

    tell(story, name, sound=False)


def test_of_two_codes_that_are_in_use_each_is_counted_by_its_own_reading() -> None:
    async def story(bench: Bench) -> None:
        def buy(*names: str) -> None:
            for name in names:
                bench.shop("woocommerce").sale([{"sku": "A", "quantity": 1}], codes=[name])

        bench.shop("woocommerce").add_coupon("SUMMER", percent=15, limit=9)
        bench.shop("woocommerce").add_coupon("WINTER", percent=15, limit=9)
        await bench.wait(60)
        await until_the_next_second_begins(bench)
        buy("SUMMER", "WINTER")
        # Looked up: both; both again, as they were in use; and WINTER, which was used once more.
        later = iter(((), ("WINTER",), ("SUMMER",)))
        dress(bench, "woocommerce", lambda port: Busy(port, lambda: buy(*next(later)), 0, 3))
        assert await took(bench, "woocommerce", "SUMMER", "WINTER") == [("SUMMER", "taken"), ("WINTER", "taken")]
        assert (next(later, None), left(bench, "SUMMER"), left(bench, "WINTER")) == (None, 9 - 2, 9 - 2)

    tell(story, "woocommerce", sound=False)


def test_what_the_daemon_books_while_a_code_is_taken_over_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(bench: Bench) -> None:
        context, channel = bench.world.context, bench.channel("woocommerce")
        bench.shop("woocommerce").add_coupon("SUMMER", percent=15, limit=9)
        await bench.wait(60)
        bench.shop("woocommerce").sale([{"sku": "A", "quantity": 1}], codes=["SUMMER"])
        await bench.sync()
        order, read = bench.newest("woocommerce"), iter((False, False, True))

        def placed_since(connection: Connection, name: str, since: datetime) -> list[Order]:
            if next(read):
                now = context.now()
                news = replace(order, id="7001", placed_at=now, updated_at=now)
                book(connection, context, channel, [news])
            return real(connection, name, since)

        real = orders.placed_since
        monkeypatch.setattr(orders, "placed_since", placed_since)
        assert await took(bench, "woocommerce", "SUMMER") == [("SUMMER", "taken")]
        assert left(bench, "SUMMER") == 9 - 2

    tell(story, "woocommerce", sound=False)


def test_a_code_that_is_used_again_and_again_while_it_is_read_is_left_for_later() -> None:
    async def story(bench: Bench) -> None:
        def buy() -> None:
            bench.shop("woocommerce").sale([{"sku": "A", "quantity": 1}], codes=["SUMMER"])

        bench.shop("woocommerce").add_coupon("SUMMER", percent=15, limit=30)
        await bench.wait(60)
        port = dress(bench, "woocommerce", lambda port: Busy(port, buy, 0, 9))
        (one,) = await take_over(bench.world.context, bench.channel("woocommerce"), ["SUMMER"])
        assert (one.kind, one.reason) == ("foreign", "it is being used right now: take it over once it is quiet")
        dress(bench, "woocommerce", lambda _: port)
        assert await took(bench, "woocommerce", "SUMMER") == [("SUMMER", "taken")]
        assert left(bench, "SUMMER") == 30 - 6

    tell(story, "woocommerce", goods={"woocommerce": MANY}, sound=False)


def test_what_used_a_code_of_ours_in_another_shop_before_it_joined_counts_once() -> None:
    async def story(bench: Bench) -> None:
        for name in ("woocommerce", "shopify"):
            bench.shop(name).add_coupon("SUMMER", percent=15, limit=9)
        await bench.wait(60)
        dress(bench, "shopify", Stacking)
        assert await took(bench, "woocommerce", "SUMMER") == [("SUMMER", "taken")]
        await bench.wait(600)
        bench.shop("shopify").sale([{"sku": "A", "quantity": 1}], codes=["SUMMER"])
        await bench.wait(600)
        assert await took(bench, "shopify", "SUMMER") == [("SUMMER", "joined")]
        await bench.sync()
        assert left(bench, "SUMMER") == 8

    tell(story, "woocommerce", "shopify", sound=False)


def test_a_code_of_other_terms_or_without_sense_stays_the_shops() -> None:
    async def story(bench: Bench) -> None:
        woo, shopify = bench.shop("woocommerce"), bench.shop("shopify")
        woo.add_coupon("SUMMER", percent=15)
        shopify.add_coupon("SUMMER", percent=20)
        woo.add_coupon("A B", percent=5)
        woo.add_coupon("SPENT", percent=5, limit=1)
        woo.sale([{"sku": "A", "quantity": 1}], codes=["SPENT"])
        await bench.wait(60)
        assert sorted(await took(bench, "woocommerce")) == [
            ("A B", "foreign"),
            ("SPENT", "foreign"),
            ("SUMMER", "taken"),
        ]
        assert await took(bench, "shopify", "summer", "NONE") == [("SUMMER", "foreign"), ("NONE", "foreign")]
        reasons = [one.reason for one in await take_over(bench.world.context, bench.channel("woocommerce"), ["spent"])]
        assert reasons == ["it is used up"]

    tell(story, "woocommerce", "shopify", sound=False)
