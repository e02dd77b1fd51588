"""Who is who when news come late, and who is forgotten."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.app import loyal_acting as acting
from bridge.app.loyal_looking import liability
from bridge.contract.feed import Page
from bridge.contract.webhooks import Delivery, Hint
from bridge.domain.contacts import Contact
from bridge.domain.earning import PointsRules, Tier
from bridge.domain.orders import Order
from bridge.domain.people import Customer
from bridge.domain.points import points
from bridge.engine import merging, people
from bridge.engine.acquaintance import meet_customers
from bridge.engine.context import Loyalty
from bridge.engine.loyalty import settle_loyalty
from bridge.engine.privacy import heed
from bridge.engine.rules import apply_rules, in_force
from bridge.sandbox.kit.platform import RefusedError
from bridge.store import coupons, deliveries, ledger, tables
from bridge.store import people as store
from bridge.store.points import LotRow, save_lots
from bridge.store.tables_loyalty import contacts, lots, order_people, persons
from tests.engine.bench import Bench, tell
from tests.webserver.loyal_house import ADA, TERMS, balance, code, free, member

POINTS = Loyalty(points=PointsRules(currency="USD", pending_days=0.0), country="US")
ANN = {"name": "Ann", "email": "ann@example.com", "phone": "+14155550123"}


def learned(bench: Bench, channel: str, *found: Customer) -> None:
    context = bench.world.context
    page = Page(items=found, as_of=context.now())
    bench.world.database.write(lambda c: meet_customers(c, context, bench.channel(channel), page))


def account(bench: Bench, channel: str, customer_id: str) -> store.CustomerRow:
    return bench.world.database.read(lambda c: store.find_customers(c, channel, [customer_id]))[customer_id]


def apply(bench: Bench) -> None:
    bench.world.database.write(lambda c: apply_rules(c, bench.world.context))


def test_an_account_that_is_new_is_shown_what_was_earned_elsewhere() -> None:
    async def story(bench: Bench) -> None:
        apply(bench)
        bench.shop("woocommerce").sale([{"sku": "A", "quantity": 2}], customer=ANN)
        await bench.sync()
        learned(bench, "square", Customer(id="S1", email="Ann@Example.com", points=0))
        assert account(bench, "square", "S1").points_target == 20

    tell(story, "woocommerce", "square", loyalty=POINTS)


def test_who_was_known_by_an_accounts_number_alone_turns_out_to_be_its_owner() -> None:
    async def story(bench: Bench) -> None:
        apply(bench)
        context, square = bench.world.context, bench.channel("square")
        bench.shop("woocommerce").sale([{"sku": "A", "quantity": 1}], customer=ANN)
        await bench.sync()
        seen = {"o": people.Sighting("S1", ())}
        nameless = bench.world.database.write(lambda c: people.identify(c, context, "square", seen))["o"]
        learned(bench, square.name, Customer(id="S1", email=ANN["email"]))
        assert account(bench, "square", "S1").person != nameless
        row = bench.world.database.read(lambda c: store.person(c, nameless))
        assert row is not None
        assert row.merged_into == account(bench, "square", "S1").person
        # A person who has a contact of their own is never taken for another.
        seen = {"o": people.Sighting("S2", (Contact("email", "bob@example.com"),))}
        bob = bench.world.database.write(lambda c: people.identify(c, context, "square", seen))["o"]
        learned(bench, square.name, Customer(id="S2", email=ANN["email"]))
        assert account(bench, "square", "S2").person == bob

    tell(story, "woocommerce", "square", loyalty=POINTS, sound=False)


def test_who_was_a_number_before_a_record_is_whoever_has_any_contact_of_it() -> None:
    """Between an order and the record a guest may come with the same phone; the address is new, and the record is not."""

    async def story(bench: Bench) -> None:
        apply(bench)
        context = bench.world.context
        seen = {"o": people.Sighting("S1", (), typed=True)}
        number = bench.world.database.write(lambda c: people.identify(c, context, "square", seen))["o"]
        guest = {"g": people.Sighting("", (Contact("phone", ANN["phone"]),), typed=True)}
        ann = bench.world.database.write(lambda c: people.identify(c, context, "woocommerce", guest))["g"]
        assert ann != number
        learned(bench, "square", Customer(id="S1", email=ANN["email"], phone=ANN["phone"]))
        mine = bench.world.database.read(lambda c: store.contacts_of(c, ann))
        assert account(bench, "square", "S1").person == ann
        assert [one.value for one in mine] == [ANN["email"], ANN["phone"]]
        assert bench.parked == []

    tell(story, "woocommerce", "square", loyalty=POINTS, sound=False)


def test_a_strangers_account_does_not_come_into_anybodys_points_by_what_it_types_in_at_the_checkout() -> None:
    async def story(bench: Bench) -> None:
        apply(bench)
        context = bench.world.context
        bench.shop("woocommerce").sale([{"sku": "A", "quantity": 2}], customer=ANN)
        await bench.sync()
        ann = bench.world.database.read(lambda c: store.find_contacts(c, "email", [ANN["email"]]))[ANN["email"]].person
        order = bench.newest("woocommerce")
        assert order.customer is not None
        bench.book("woocommerce", replace(order, id="7001", customer=replace(order.customer, id="99")))
        stranger = account(bench, "woocommerce", "99")
        assert stranger.person != ann
        learned(bench, "woocommerce", Customer(id="99", email="mallory@example.com"))
        assert account(bench, "woocommerce", "99").person == stranger.person
        parked = [row.reason for row in bench.rows(tables.parked) if row.subject == "customer"]
        assert [f"bridge customer merge {ann} {stranger.person}" in reason for reason in parked].count(True) == 1
        # A guest earns for whoever the address belongs to, and an account whose own address it is has what was earned.
        bench.book("woocommerce", replace(order, id="7002", customer=replace(order.customer, id="")))
        learned(bench, "woocommerce", Customer(id="100", email=ANN["email"]))
        assert account(bench, "woocommerce", "100").person == ann
        assert account(bench, "woocommerce", "100").points_target == 40
        guest = people.seen(context, replace(order, customer=replace(order.customer, id="")))
        assert guest is not None
        assert guest.proof == guest.contacts

    tell(story, "woocommerce", loyalty=POINTS, sound=False)


def test_another_billing_address_keeps_nobody_apart_whom_their_records_call_one() -> None:
    async def story(bench: Bench) -> None:
        apply(bench)
        shop, square = bench.shop("woocommerce"), bench.shop("square")
        square.sale([{"sku": "A", "quantity": 1}], customer={"id": square.add_customer(**ANN)})
        await bench.sync()
        number = shop.add_customer(**ANN)
        other = {"email": "ann@work.example.com", "phone": "+14155550177"}
        shop.sale([{"sku": "A", "quantity": 2}], customer={**ANN, **other, "id": number})
        await bench.sync()
        found = bench.world.database.read(lambda c: store.find_contacts(c, "email", [ANN["email"], other["email"]]))
        assert list(found) == [ANN["email"]]
        row = account(bench, "woocommerce", number)
        assert (row.person, row.points_shown, bench.parked) == (found[ANN["email"]].person, 30, [])

    tell(story, "woocommerce", "square", loyalty=POINTS)


def test_what_is_typed_in_for_an_account_is_all_that_a_channel_without_records_tells() -> None:
    async def story(bench: Bench) -> None:
        apply(bench)
        channel = bench.channel("woocommerce")
        channel.connector = replace(channel.connector, customers=None)
        shop, bill = bench.shop("woocommerce"), {**ANN, "email": "ann@work.example.com"}
        number = shop.add_customer(**ANN)
        shop.sale([{"sku": "A", "quantity": 1}], customer={**bill, "id": number})
        await bench.sync()
        found = bench.world.database.read(lambda c: store.find_contacts(c, "email", [bill["email"]]))
        assert found[bill["email"]].person == account(bench, "woocommerce", number).person

    tell(story, "woocommerce", loyalty=POINTS, sound=False)


def test_an_account_that_is_first_seen_on_an_order_is_asked_whose_it_is() -> None:
    """WooCommerce tells of no new customer by itself, and the notice of one may be lost."""

    async def story(bench: Bench) -> None:
        apply(bench)
        shop = bench.shop("woocommerce")
        bench.shop("square").sale([{"sku": "A", "quantity": 1}], customer=ANN)
        await bench.sync()
        number = shop.add_customer(**ANN)
        shop.sale([{"sku": "A", "quantity": 2}], customer={**ANN, "id": number})
        await bench.sync()
        ann = bench.world.database.read(lambda c: store.find_contacts(c, "email", [ANN["email"]]))[ANN["email"]].person
        row = account(bench, "woocommerce", number)
        assert (row.person, row.points_target, row.points_shown) == (ann, 30, 30)
        assert row.updated_at is not None
        calls = bench.channel("woocommerce").connector.calls()
        await bench.sync()
        assert bench.channel("woocommerce").connector.calls() - calls < 10

    tell(story, "woocommerce", "square", loyalty=POINTS)


def test_an_account_that_is_no_more_keeps_what_its_order_earned() -> None:
    async def story(bench: Bench) -> None:
        apply(bench)
        bench.shop("woocommerce").sale([{"sku": "A", "quantity": 2}], customer=ANN)
        await bench.sync()
        order = bench.newest("woocommerce")
        assert order.customer is not None
        bench.book("woocommerce", replace(order, id="7001", customer=replace(order.customer, id="99")))
        await bench.sync()
        row = account(bench, "woocommerce", "99")
        assert row.gone_at is not None
        assert bench.world.database.read(lambda c: ledger.balances(c, [points(row.person)])) == {points(row.person): 20}

    tell(story, "woocommerce", loyalty=POINTS, sound=False)


def everything(connection: Connection) -> str:
    orders = [msgspec.json.decode(row.snapshot, type=Order) for row in connection.execute(sa.select(tables.orders))]
    rows = [tuple(row) for row in connection.execute(sa.select(contacts))]
    return f"{rows} {[(one.customer and one.customer.email, one.ship_to) for one in orders]}"


def test_a_platform_that_has_a_person_forgotten_has_them_forgotten_here_on_all_channels() -> None:
    async def story(bench: Bench) -> None:
        apply(bench)
        shop, square = bench.shop("woocommerce"), bench.shop("square")
        bench.shop("woocommerce").sale([{"sku": "A", "quantity": 1}], customer=ANN)
        square.sale([{"sku": "A", "quantity": 1}], customer={"id": square.add_customer(**ANN)})
        shop.sale([{"sku": "B", "quantity": 1}], customer={"name": "Bob", "email": "bob@example.com"})
        await bench.sync()
        order = next(row.order_id for row in bench.rows(tables.orders) if "ann@example.com" in row.snapshot)
        hint = Hint(kind="privacy", topic="customers/redact", orders=(order,))
        bench.world.database.write(lambda c: heed(c, bench.world.context, "woocommerce", hint))
        left = bench.world.database.read(everything)
        assert "ann@" not in left
        assert "bob@example.com" in left
        assert (
            bench.world.database.read(
                lambda c: store.customers_of(c, [r.person for r in c.execute(sa.select(persons))])
            )
            == []
        )
        hint = Hint(kind="privacy", topic="shop/redact")
        bench.world.database.write(lambda c: heed(c, bench.world.context, "woocommerce", hint))
        assert "bob@" not in bench.world.database.read(everything)

    tell(story, "woocommerce", "square", loyalty=POINTS, sound=False)


def delivered(bench: Bench, channel: str, body: str) -> None:
    """A notice of a channel that was looked at before anybody asked for anything."""
    context = bench.world.context
    delivery = Delivery(body=body.encode(), headers={}, url="")
    new = deliveries.New(channel=channel, received_at=context.now() - timedelta(minutes=1), delivery=delivery)

    def unit(connection: Connection) -> None:
        deliveries.insert(connection, [new])
        ids = [one.id for one in deliveries.waiting(connection, channel)]
        deliveries.finish(connection, ids, "done", "", context.now())

    bench.world.database.write(unit)


def test_who_is_forgotten_is_in_no_notice_of_a_channel_that_has_their_account_or_a_code_for_them() -> None:
    async def story(bench: Bench) -> None:
        apply(bench)
        context = bench.world.context
        learned(bench, "square", Customer(id="S1", email=ANN["email"]))
        learned(bench, "square", Customer(id="S2", email="joann@example.com"))
        code(context, "ANNS", replace(TERMS, emails=("Ann@example.com",)), channels=["woocommerce"])
        for channel in ("woocommerce", "square", "shopify"):
            delivered(bench, channel, f"ann@example.com at {channel}")
        ann = account(bench, "square", "S1").person
        bench.world.database.write(lambda c: merging.forget(c, context, ann))
        assert [row.channel for row in bench.rows(tables.deliveries)] == ["shopify"]

    tell(story, "woocommerce", "square", "shopify", loyalty=POINTS, sound=False)


def test_a_code_for_somebody_who_is_forgotten_is_over_unless_it_is_for_others_as_well() -> None:
    async def story(bench: Bench) -> None:
        apply(bench)
        context, shop = bench.world.context, bench.shop("woocommerce")
        learned(bench, "square", Customer(id="S1", email=ANN["email"]))
        for name, mails in {"ANNS": ("ann@example.com",), "BOTHS": ("ann@example.com", "joann@example.com")}.items():
            code(context, name, replace(TERMS, emails=mails), uses=3, channels=["woocommerce"])
        code(context, "JOANNS", replace(TERMS, emails=("joann@example.com",)), channels=["woocommerce"])
        await bench.sync()
        ann = account(bench, "square", "S1").person
        bench.world.database.write(lambda c: merging.forget(c, context, ann))
        await bench.sync()
        found = bench.world.database.read(coupons.campaigns_of)
        assert {name: one.terms.emails for name, one in found.items()} == {
            "ANNS": (), "BOTHS": ("joann@example.com",), "JOANNS": ("joann@example.com",),
        }  # fmt: skip
        assert {name: one["active"] for name, one in shop.coupons().items()} == {
            "ANNS": False, "BOTHS": True, "JOANNS": True,
        }  # fmt: skip
        with pytest.raises(RefusedError):
            shop.sale([{"sku": "A", "quantity": 1}], codes=["ANNS"], customer=ANN)
        with pytest.raises(RefusedError):
            shop.sale([{"sku": "A", "quantity": 1}], codes=["BOTHS"], customer=ANN)

    tell(story, "woocommerce", "square", loyalty=POINTS, sound=False)


def test_points_in_a_code_of_somebody_who_is_forgotten_are_held_no_longer_and_it_works_for_nobody() -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        member(context, 500)
        made = context.database.write(lambda c: acting.redeem(c, context, ADA, 500, []))
        context.database.write(lambda c: merging.forget(c, context, ADA))
        (row,) = bench.world.database.read(lambda c: coupons.find(c, [made.code])).values()
        assert row.closed_at is not None
        assert free(context) == 500

    tell(story, "woocommerce", loyalty=POINTS, sound=False)


def test_what_is_owed_leaves_out_who_is_forgotten_and_what_has_expired_before_that_is_booked() -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        member(context, 500)
        member(context, 70, "cust_ben", mail="ben@example.com", phone="", accounts=())
        ends = context.now() + timedelta(seconds=5)
        context.database.write(
            lambda c: c.execute(lots.update().where(lots.c.person == "cust_ben").values(expires_at=ends, kept=70))
        )

        def owed() -> tuple[int, int, int]:
            found = context.database.read(lambda c: liability(c, context, context.now()))
            return found.points, found.persons, found.forgotten

        assert owed() == (570, 2, 0)
        await bench.wait(6)
        assert owed() == (500, 1, 0)
        context.database.write(lambda c: settle_loyalty(c, context))
        assert owed() == (500, 1, 0)
        context.database.write(lambda c: merging.forget(c, context, ADA))
        assert owed() == (0, 0, 500)

    tell(story, "woocommerce", loyalty=POINTS, sound=False)


def test_what_expires_next_is_all_of_its_day() -> None:
    async def story(bench: Bench) -> None:
        context = bench.world.context
        member(context, 5)
        start = context.now().replace(hour=1, minute=0) + timedelta(days=2)
        rows = [
            LotRow(id=f"l{hours}", person=ADA, earned=1, kept=1, earned_at=context.now(), spendable_at=context.now(),
                   expires_at=start + timedelta(hours=hours))
            for hours in (0, 7, 22, 23)
        ]  # fmt: skip
        context.database.write(lambda c: save_lots(c, rows))
        found = balance(context)
        assert (found.next_expiry, found.next_expiring) == (start, 3)

    tell(story, "woocommerce", loyalty=POINTS, sound=False, adopt=False)


def test_who_asks_for_their_data_is_answered_with_an_export() -> None:
    async def story(bench: Bench) -> None:
        hint = Hint(kind="privacy", topic="customers/data_request", id="17", orders=("5",))
        bench.world.database.write(lambda c: heed(c, bench.world.context, "woocommerce", hint))
        (row,) = bench.rows(tables.parked)
        assert "`bridge customer export woocommerce:17`" in row.reason

    tell(story, "woocommerce")


def test_rules_of_earning_that_were_changed_are_not_in_force_yet() -> None:
    async def story(bench: Bench) -> None:
        database, context = bench.world.database, bench.world.context
        apply(bench)
        assert database.read(lambda c: in_force(c, context))
        double = replace(POINTS, points=PointsRules(currency="USD", earn="2"))
        changed = replace(context, rules=replace(context.rules, loyalty=double))
        assert not database.read(lambda c: in_force(c, changed))
        database.write(lambda c: apply_rules(c, changed))
        assert database.read(lambda c: in_force(c, changed))

    tell(story, "woocommerce", loyalty=POINTS)


def test_an_order_of_the_moment_in_which_points_begin_earns_whatever_its_stamp_is_cut_to() -> None:
    async def story(bench: Bench) -> None:
        await bench.wait(1.9 - bench.world.context.now().microsecond / 1e6)
        bench.world.rules = replace(bench.world.rules, loyalty=POINTS)
        apply(bench)
        bench.shop("woocommerce").sale([{"sku": "A", "quantity": 2}], customer=ANN)
        await bench.sync()
        assert [row.kept for row in bench.rows(lots)] == [20]

    tell(story, "woocommerce")


def test_a_tier_counts_no_test_and_nothing_in_another_currency() -> None:
    gold = (Tier(name="gold", spend=2_000, times="2"),)
    rules = Loyalty(points=PointsRules(currency="USD", pending_days=0.0, tiers=gold), country="US")

    async def story(bench: Bench) -> None:
        apply(bench)
        bench.shop("woocommerce").sale([{"sku": "A", "quantity": 1}], customer=ANN)
        await bench.sync()
        order = bench.newest("woocommerce")
        bench.book("woocommerce", replace(order, id="7001", currency="JPY"), replace(order, id="7002", test=True))
        spent = {row.order_id: row.spend for row in bench.rows(order_people)}
        assert spent == {order.id: 1_000, "7001": 0, "7002": 0}

    tell(story, "woocommerce", loyalty=rules, sound=False)
