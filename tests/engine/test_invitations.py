"""Invitations over several shops: each knows its own orders alone, and lets one buyer use the code in each."""

from dataclasses import replace

import msgspec
from sqlalchemy.engine import Connection

from bridge.app import loyal_acting as acting
from bridge.domain.coupons import CouponTerms
from bridge.engine import making
from bridge.engine.events import Events
from bridge.store import coupons, tables
from bridge.store.tables_loyalty import merges
from tests.engine.bench import Bench, tell
from tests.engine.outbox import MAIL
from tests.webserver.loyal_house import ADA, LOYALTY, balance, member

BEN = "cust_ben"
BUYER = {"name": "Ben", "email": "ben@example.com"}
SHOPS = ("woocommerce", "shopify")
REWARDED = replace(LOYALTY, reward=300)


def invited(bench: Bench) -> str:
    """Ada's code, known to both shops, and Ben who has none yet."""
    context = bench.world.context
    member(context, 0)
    member(context, 0, BEN, mail=BUYER["email"], phone="+4930901821", accounts=())
    terms = CouponTerms(kind="percent", percent=1_000)
    return context.database.write(lambda connection: acting.invite(connection, context, ADA, terms, SHOPS)).code


async def bought(bench: Bench, shop: str, code: str) -> str:
    order: str = bench.shop(shop).sale([{"sku": "A", "quantity": 1}], customer=BUYER, codes=[code])
    await heard(bench)
    return order


async def heard(bench: Bench) -> None:
    await bench.wait()
    await bench.sync()


def test_an_invitation_is_rewarded_once_a_person_for_the_first_order_that_stands() -> None:
    async def story(bench: Bench) -> None:
        code = invited(bench)
        await heard(bench)
        first = await bought(bench, "woocommerce", code)
        assert balance(bench.world.context).balance == 300
        second = await bought(bench, "shopify", code)
        assert balance(bench.world.context).balance == 300
        bench.shop("woocommerce").cancel(first)
        await heard(bench)
        assert balance(bench.world.context).balance == 300
        bench.shop("shopify").cancel(second)
        await heard(bench)
        assert balance(bench.world.context).balance == 0

    tell(story, *SHOPS, loyalty=REWARDED, sound=False)


def test_two_who_were_invited_and_turn_out_to_be_one_are_rewarded_once_and_twice_again_when_that_is_taken_back() -> (
    None
):
    async def story(bench: Bench) -> None:
        context, database = bench.world.context, bench.world.database
        code = invited(bench)
        member(context, 0, "cust_cy", mail="cy@example.com", phone="+4930901822", accounts=())
        await heard(bench)
        await bought(bench, "woocommerce", code)
        bench.shop("shopify").sale([{"sku": "A", "quantity": 1}], customer={"email": "cy@example.com"}, codes=[code])
        await heard(bench)
        assert balance(context).balance == 600
        database.write(lambda connection: acting.merge(connection, context, BEN, "cust_cy"))
        assert balance(context).balance == 300
        (number,) = [row.id for row in bench.rows(merges)]
        database.write(lambda connection: acting.unmerge(connection, context, BEN, number))
        assert balance(context).balance == 600

    tell(story, *SHOPS, loyalty=REWARDED, sound=False)


def test_somebody_who_used_a_code_in_two_shops_though_it_is_good_once_a_customer_is_told_of() -> None:
    async def story(bench: Bench) -> None:
        code = invited(bench)
        await heard(bench)
        orders = [await bought(bench, shop, code) for shop in SHOPS]
        bench.shop("shopify").sale([{"sku": "A", "quantity": 1}], customer={"email": "cy@example.com"}, codes=[code])
        await heard(bench)
        (row,) = (one for one in bench.rows(tables.parked) if one.subject == "coupon")
        assert row.reason.startswith(f"{BEN} used {code} 2 times, good once a customer: ")
        assert all(f"order {order.rpartition('/')[2]} on" in row.reason for order in orders)
        assert row.attempts == 1

    tell(story, *SHOPS, loyalty=REWARDED, sound=False)


def test_a_use_too_many_of_one_customer_is_an_event() -> None:
    async def story(bench: Bench) -> None:
        context, database = bench.world.context, bench.world.database
        context.events = Events((MAIL,))
        code = invited(bench)

        def use(connection: Connection) -> None:
            coupon = coupons.find(connection, [code])[code]
            one = making.claim(connection, context, coupon, "woocommerce", context.now(), BEN)
            making.capture(connection, context, one, "")

        for _ in range(2):
            database.write(use)
        (told,) = (one for one in bench.rows(tables.events) if one.type == "coupon.overused")
        data = msgspec.json.decode(told.data)
        assert (data["person"], data["uses"], data["allowed"]) == (BEN, 2, 1)

    tell(story, *SHOPS, loyalty=REWARDED, sound=False)
