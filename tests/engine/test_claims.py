"""A promise at a till that was kept: its use and its points belong to the till's order from then on, whatever the order tells later."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.engine import Connection

from bridge.app import loyal_acting as acting
from bridge.app import loyal_claims as claiming
from bridge.app.errors import AppError, Missing
from bridge.domain.coupons import CouponTerms
from bridge.domain.money import Money
from bridge.engine.making import lookup
from bridge.store import code_uses, coupons, people
from bridge.store.people import ContactRow
from tests.engine.bench import Bench, tell
from tests.webserver.loyal_house import ADA, CODE, LOYALTY, balance, code, free, left, member

BOTH = ("woocommerce", "square")
BEN = "cust_ben"
INVITED = CouponTerms(kind="percent", percent=1_000)


def captured(bench: Bench, name: str, order: str, person: str = "") -> None:
    """Claim a code at the till and say by which order it was used."""
    context = bench.world.context
    database = context.database
    one = database.write(
        lambda connection: claiming.claim(connection, context, name, "square", timedelta(minutes=5), person)
    )
    database.write(lambda connection: claiming.capture(connection, context, one.id, order))


def rung_up(bench: Bench) -> str:
    """A sale at the till, with 5.00 keyed in."""
    order: str = bench.shop("square").sale([{"sku": "A", "quantity": 2}], discount="5.00")
    return order


def ordered_with_points(bench: Bench) -> tuple[str, str]:
    """500 points turned into a code, and an order at the till that it took 5.00 off, not paid yet. Return the two."""
    context = bench.world.context
    member(context, 500)
    made = context.database.write(lambda connection: acting.redeem(connection, context, ADA, 500, []))
    order: str = bench.shop("square").sale([{"sku": "A", "quantity": 2}], discount="5.00", paid=False)
    return made.code, order


def uses(bench: Bench, name: str) -> list[tuple[str, str, int]]:
    rows = bench.world.database.read(lambda connection: code_uses.uses_of(connection, name))
    return [(row.channel, row.order_id, row.count) for row in rows]


def test_a_use_stays_with_an_order_that_names_no_code() -> None:
    async def story(bench: Bench) -> None:
        code(bench.world.context)
        order = rung_up(bench)
        captured(bench, CODE, order)
        await bench.wait()
        await bench.sync()
        bench.shop("square").refund(order, [{"sku": "A", "quantity": 1}])
        await bench.wait()
        await bench.sync()
        assert uses(bench, CODE) == [("square", order, 1)]
        assert left(bench.world.context) == 0
        assert not bench.shop("woocommerce").coupons().get(CODE, {}).get("active")

    tell(story, *BOTH, loyalty=LOYALTY)


def test_points_stay_spent_and_come_back_with_a_cancelled_order() -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        made, order = ordered_with_points(bench)
        await bench.wait()
        await bench.sync()
        captured(bench, made, order)
        await bench.sync()
        assert (balance(context).balance, balance(context).held) == (0, 0)
        bench.shop("square").cancel(order)
        await bench.wait()
        await bench.sync()
        assert uses(bench, made) == [("square", order, 0)]
        assert (left(context, made), balance(context).balance, free(context)) == (1, 500, 0)
        context.database.write(lambda connection: acting.close(connection, context, made))
        assert free(context) == 500

    tell(story, *BOTH, loyalty=LOYALTY)


def test_one_order_uses_a_code_once_however_often_it_was_claimed() -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        code(context, uses=2)
        captured(bench, CODE, "R-7")
        one = context.database.write(lambda connection: claiming.claim(connection, context, CODE, "square", None))
        with pytest.raises(AppError, match="order R-7 has used AUTUMN-0F1R already") as refused:
            context.database.write(lambda connection: claiming.capture(connection, context, one.id, "R-7"))
        assert "release this claim" in refused.value.next_step
        assert (uses(bench, CODE), left(context)) == ([("square", "R-7", 1)], 1)

    tell(story, *BOTH, loyalty=LOYALTY)


def test_a_claim_that_is_captured_takes_no_other_one_of_its_till() -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        database = context.database
        code(context, uses=3)
        ends = timedelta(minutes=5)
        first, second = (
            database.write(lambda connection: claiming.claim(connection, context, CODE, "square", ends))
            for _ in range(2)
        )
        database.write(lambda connection: claiming.capture(connection, context, second.id, "R-7"))
        states = {
            one.id: one.state for one in database.read(lambda connection: code_uses.claims_ever(connection, CODE, 9))
        }
        assert states == {first.id: "open", second.id: "used"}
        database.write(lambda connection: claiming.capture(connection, context, first.id))
        assert left(context) == 1

    tell(story, *BOTH, loyalty=LOYALTY)


def test_a_code_with_letters_that_look_like_digits_is_found_by_either() -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        for name in ("WELCOME10", "FRIEND-0A1B", "OFF10", "0FF10"):
            code(context, name)
        for typed, meant in (
            ("welc0me1o", "WELCOME10"),
            ("WE1COMEIO", "WELCOME10"),
            ("FR1END-OAIB", "FRIEND-0A1B"),
            ("FRLEND-OALB", "FRIEND-0A1B"),
            ("off10", "OFF10"),
            ("0ff10", "0FF10"),
            (" wel\u200bcome 10\ufeff", "WELCOME10"),
            ("\uff37\uff25\uff2c\uff23\uff2f\uff2d\uff25\uff11\uff10", "WELCOME10"),
        ):
            found = context.database.read(lambda connection, typed=typed: lookup(connection, typed))  # type: ignore[misc]
            assert found is not None, typed
            assert found.code == meant
        for typed in ("OFFIO", "0FFI0", "WELCOME20", "", "O" * 4000):
            assert context.database.read(lambda connection, typed=typed: lookup(connection, typed)) is None, typed  # type: ignore[misc]
        with pytest.raises(Missing, match="no code OFFIO, and it may be read as 0FF10 or OFF10"):
            captured(bench, "OFFIO", "R-7")
        made = context.database.write(lambda connection: acting.create(connection, context, "0FFIO", INVITED))
        assert made.alike == ("0FF10", "OFF10")

    tell(story, *BOTH, loyalty=LOYALTY)


def test_a_use_that_is_told_after_its_order_is_the_buyers() -> None:
    """The replay of real trade found it: a till that told of it after we had read the order left a use that nobody had made."""

    async def story(bench: Bench) -> None:
        context = bench.world.context
        member(context, 0)
        code(context, uses=2)
        person = {"name": "Ada", "email": "ada@example.com"}
        sale = {"lines": [{"sku": "A", "quantity": 2}], "discount": "5.00", "customer": person}
        early, late = (bench.shop("square").sale(**sale) for _ in range(2))
        captured(bench, CODE, early)
        await bench.wait()
        await bench.sync()
        captured(bench, CODE, late)
        found = context.database.read(lambda connection: code_uses.uses_of(connection, CODE))
        assert {row.order_id: (row.person, row.count) for row in found} == {early: (ADA, 1), late: (ADA, 1)}

    tell(story, *BOTH, loyalty=LOYALTY)


@pytest.mark.parametrize("read_first", [False, True])
def test_an_invitation_claimed_at_a_till_rewards_both_whenever_it_is_told(read_first: bool) -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        member(context, 0)
        member(context, 0, BEN, mail="ben@example.com", phone="+4930901821", accounts=())
        database = context.database
        code = database.write(lambda connection: acting.invite(connection, context, ADA, INVITED, BOTH)).code
        person = {"name": "Ben", "email": "ben@example.com"}
        order = bench.shop("square").sale([{"sku": "A", "quantity": 1}], discount="1.00", customer=person)
        if read_first:
            await bench.wait()
            await bench.sync()
        captured(bench, code, order, BEN)
        await bench.wait()
        await bench.sync()
        assert balance(context).balance == 300

    tell(story, *BOTH, loyalty=replace(LOYALTY, reward=300))


def test_a_use_told_after_its_order_was_cancelled_is_none() -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        made, order = ordered_with_points(bench)
        bench.shop("square").cancel(order)
        await bench.wait()
        await bench.sync()
        captured(bench, made, order)
        assert uses(bench, made) == [("square", order, 0)]
        assert (left(context, made), balance(context).balance, free(context)) == (1, 500, 0)

    tell(story, *BOTH, loyalty=LOYALTY)


def claimed(bench: Bench, name: str, person: str = "", channel: str = "square") -> str:
    context = bench.world.context
    return context.database.write(
        lambda connection: claiming.claim(connection, context, name, channel, timedelta(minutes=5), person)
    ).id


def refused(bench: Bench, name: str, person: str = "") -> str:
    """What a till is told that asks for a use that it must not have."""
    with pytest.raises(AppError) as told:
        claimed(bench, name, person)
    return str(told.value).split("\n")[0]


LIMITED = {
    "MAILONLY": replace(INVITED, emails=("ada@example.com",)),
    "NEWCOMER": replace(INVITED, first_order=True),
    "ONCEEACH": replace(INVITED, per_customer=1),
}


def test_a_code_that_is_not_for_everybody_is_promised_to_nobody_unknown() -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        member(context, 0)
        member(context, 0, BEN, mail="ben@example.com", phone="", accounts=())
        for name, terms in LIMITED.items():
            code(context, name, terms, uses=5, channels=["square"])
            assert refused(bench, name) == f"{name} is not for everybody: it must be known who buys"
            claimed(bench, name, ADA)
        assert refused(bench, "MAILONLY", BEN) == "MAILONLY is for somebody else"
        assert refused(bench, "ONCEEACH", ADA) == "this customer has used ONCEEACH already, or is about to"
        claimed(bench, "NEWCOMER", BEN)

    tell(story, *BOTH, loyalty=LOYALTY)


def test_a_code_for_a_first_order_is_refused_after_one_even_from_before_there_were_codes() -> None:
    async def story(bench: Bench) -> None:
        context, shop = bench.world.context, bench.shop("woocommerce")
        called_off = shop.sale([{"sku": "A", "quantity": 1}], customer={"email": "Ben@Example.com"})
        shop.cancel(called_off)
        shop.sale([{"sku": "A", "quantity": 1}], customer={"email": "Ada@Example.com"})
        await bench.wait()
        await bench.sync()
        member(context, 0)
        member(context, 0, BEN, mail="ben@example.com", phone="", accounts=())
        code(context, "NEWCOMER", LIMITED["NEWCOMER"], uses=5, channels=["square"])
        assert refused(bench, "NEWCOMER", ADA).startswith("NEWCOMER is for a first order, and this customer had order ")
        claimed(bench, "NEWCOMER", BEN)

    tell(story, *BOTH)


def test_whoever_buys_for_the_first_time_is_named_by_a_contact_that_nobody_has() -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        code(context, "NEWCOMER", LIMITED["NEWCOMER"], uses=5, channels=["square"])

        def name(text: str) -> str:
            return context.database.write(lambda connection: claiming.buyer(connection, context, "square", text))

        cleo = name("cleo@example.com")
        assert (name("Cleo@Example.com "), name(cleo)) == (cleo, cleo)
        claimed(bench, "NEWCOMER", cleo)
        order = bench.shop("square").sale([{"sku": "A", "quantity": 1}], customer={"email": "cleo@example.com"})
        await bench.wait()
        await bench.sync()
        assert refused(bench, "NEWCOMER", cleo).endswith(f"this customer had order {order} at square")
        with pytest.raises(Missing, match="nobody is known by this name"):
            name("cleo")

    tell(story, *BOTH, loyalty=LOYALTY)


def test_points_in_a_code_are_taken_by_whoever_has_it_but_nobody_elses_name() -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        member(context, 500)
        member(context, 0, BEN, mail="ben@example.com", phone="", accounts=())
        made = context.database.write(lambda connection: acting.redeem(connection, context, ADA, 500, []))
        assert refused(bench, made.code, BEN) == f"{made.code} is made of somebody else's points"
        claimed(bench, made.code)

    tell(story, *BOTH, loyalty=LOYALTY)


def test_a_code_made_of_points_works_with_whichever_address_a_shop_knows() -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        member(context, 500, mail="ada@work.example.com")
        other = ContactRow(kind="email", value="a@typed.example.com", person=ADA, verified=False)
        context.database.write(lambda connection: people.add_contacts(connection, [other], context.now()))
        bench.shop("shopify").add_customer(name="Ada", email=other.value)
        made = context.database.write(lambda connection: acting.redeem(connection, context, ADA, 500, []))
        terms = context.database.read(lambda connection: coupons.campaign(connection, made.code))
        assert terms is not None
        assert terms.terms.emails == ("ada@work.example.com", other.value)
        await bench.sync()
        for name, mail in (("shopify", other.value), ("woocommerce", "ada@work.example.com")):
            assert bench.shop(name).coupons()[made.code]["active"], mail
        bench.shop("shopify").sale([{"sku": "A", "quantity": 1}], customer={"email": other.value}, codes=[made.code])
        await bench.wait(60)
        await bench.sync()
        assert balance(context).balance == 5, "500 were spent, and the other 5.00 of the tee earned these"

    tell(story, "woocommerce", "shopify", loyalty=LOYALTY)


def test_nobody_invites_themselves() -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        member(context, 0)
        member(context, 0, BEN, mail="ben@example.com", phone="", accounts=())
        line = context.database.write(lambda connection: acting.invite(connection, context, ADA, INVITED, ["square"]))
        assert refused(bench, line.code, ADA) == "nobody can invite themselves"
        claimed(bench, line.code, BEN)

    tell(story, *BOTH, loyalty=LOYALTY)


def test_where_orders_name_their_codes_a_promise_is_captured_with_its_order() -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        code(context, uses=3, policy="claim")
        one = claimed(bench, CODE, channel="woocommerce")
        with pytest.raises(AppError, match="orders of woocommerce name their codes") as told:
            context.database.write(lambda connection: claiming.capture(connection, context, one))
        assert "name the order" in told.value.next_step
        await bench.wait()
        await bench.sync()
        order = bench.shop("woocommerce").sale([{"sku": "A", "quantity": 1}], codes=[CODE])
        context.database.write(lambda connection: claiming.capture(connection, context, one, str(order)))
        await bench.wait()
        await bench.sync()
        assert uses(bench, CODE) == [("woocommerce", str(order), 1)]
        assert left(context) == 2

    tell(story, *BOTH, loyalty=LOYALTY)


def test_uses_and_promises_go_with_a_person_who_becomes_another_and_come_back() -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        database = context.database
        member(context, 0)
        member(context, 0, BEN, mail="ben@example.com", phone="", accounts=())
        code(context, "ONCEEACH", replace(INVITED, per_customer=2), uses=5, channels=["square"])
        one, waiting = claimed(bench, "ONCEEACH", BEN), claimed(bench, "ONCEEACH", BEN)
        database.write(lambda connection: claiming.capture(connection, context, one))
        database.write(lambda connection: acting.merge(connection, context, ADA, BEN))
        assert whose(bench, "ONCEEACH", waiting) == (ADA, ADA)
        assert refused(bench, "ONCEEACH", ADA) == "this customer has used ONCEEACH already, or is about to"
        number = database.read(lambda connection: people.merge_rows(connection, ADA))[0].id
        database.write(lambda connection: acting.unmerge(connection, context, ADA, number))
        assert whose(bench, "ONCEEACH", waiting) == (BEN, BEN)
        claimed(bench, "ONCEEACH", ADA)

    tell(story, *BOTH, loyalty=LOYALTY)


def whose(bench: Bench, name: str, claim: str) -> tuple[str, str]:
    """Whose the use of a code is, and a promise."""

    def look(connection: Connection) -> tuple[str, str]:
        (use,) = code_uses.uses_of(connection, name)
        found = code_uses.claim(connection, claim)
        assert found is not None
        return use.person, found.person

    return bench.world.database.read(look)


def test_a_sum_in_a_currency_of_no_channel_is_no_code_and_one_of_another_channel_is_not_promised() -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        euros = CouponTerms(kind="fixed", amount=Money(500, "EUR"))
        least = CouponTerms(kind="percent", percent=1_000, minimum=Money(500, "EUR"))
        for terms in (euros, least):
            with pytest.raises(AppError, match="the sums are in EUR, and no channel sells in that: woocommerce in USD"):
                code(context, terms=terms)
        bench.channel("woocommerce").currency = "EUR"
        for number, terms in enumerate((euros, least)):
            code(context, f"EURO{number}", terms)
            with pytest.raises(AppError, match=f"EURO{number} is in EUR, square sells in USD"):
                captured(bench, f"EURO{number}", "R-7")

    tell(story, *BOTH, loyalty=LOYALTY, sound=False)
