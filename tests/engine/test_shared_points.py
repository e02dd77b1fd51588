"""One account of points and several customers to whom it is shown; and persons who change while a call about their points is away."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bridge.app.loyal_looking import customer
from bridge.contract.loyalty import PointsPort, PointsResult, PointsShown, PointsWrite
from bridge.domain.earning import PointsRules
from bridge.domain.people import Customer
from bridge.domain.points import points
from bridge.engine import merging
from bridge.engine.context import Loyalty
from bridge.engine.points_open import open_points
from bridge.engine.points_push import push_points
from bridge.engine.report import ChannelReport
from bridge.store import ledger
from bridge.store import people as store
from bridge.store.people import CustomerRow
from bridge.store.tables_loyalty import lots
from tests.engine.bench import Bench, tell
from tests.engine.test_people_and_codes import ANN, account, apply, learned

RULES = PointsRules(currency="USD", pending_days=0.0)
LOYALTY = Loyalty(points=RULES, country="US")
BOB = {"name": "Bob", "email": "bob@example.com", "phone": "+14155550199"}
ADA, BEN = "cust_ada", "cust_ben"


def row(customer: str, person: str = ADA, **more: Any) -> CustomerRow:
    return CustomerRow(channel="square", customer_id=customer, person=person, **more)


def save(bench: Bench, *rows: CustomerRow) -> None:
    """Note customers at the till, and whoever they are."""
    now, names = bench.world.context.now(), sorted({one.person for one in rows})

    def unit(connection: Any) -> None:
        known = {name for name in names if store.person(connection, name) is not None}
        store.add_persons(connection, [name for name in names if name not in known], now)
        store.save_customers(connection, rows)

    bench.world.database.write(unit)


def shared(bench: Bench, *whose: str) -> list[CustomerRow]:
    """Customers S1, S2 and so on, all of whom are shown one account of 500 points."""
    now = bench.world.context.now()
    return [
        row(f"S{number}", person, points_id="L1", points_shown=500, points_at=now)
        for number, person in enumerate(whose, 1)
    ]


def balance(bench: Bench, person: str) -> int:
    return bench.world.database.read(lambda c: ledger.balances(c, [points(person)])).get(points(person), 0)


def unmerged(bench: Bench, kept: str) -> None:
    context = bench.world.context
    bench.world.database.write(lambda c: merging.unmerge(c, context, store.merge_rows(c, kept)[0]))


class Away:
    """Points of a channel to which something happens here while a call is under way."""

    def __init__(self, port: PointsPort, meanwhile: Callable[[], None]) -> None:
        self.port, self.meanwhile = port, meanwhile
        self.written: list[PointsWrite] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.port, name)

    async def read(self, writes: Sequence[PointsWrite]) -> Sequence[PointsShown]:
        found = await self.port.read(writes)
        self.meanwhile()
        return found

    async def show(self, writes: Sequence[PointsWrite]) -> Sequence[PointsResult]:
        self.written += writes
        return await self.port.show(writes)


def away(bench: Bench, meanwhile: Callable[[], None] = lambda: None) -> Away:
    channel = bench.channel("square")
    assert channel.connector.points is not None
    port = Away(channel.connector.points, meanwhile)
    channel.connector = replace(channel.connector, points=port)
    return port


@pytest.mark.parametrize("batches", [(("S1", "S2"),), (("S1",), ("S2",)), (("S2",), ("S1",))])
def test_what_an_account_had_before_us_is_taken_in_once_however_many_customers_are_shown_it(
    batches: Sequence[Sequence[str]],
) -> None:
    async def story(bench: Bench) -> None:
        apply(bench)
        save(bench, *shared(bench, ADA, ADA))
        context, square = bench.world.context, bench.channel("square")
        for ids in batches:
            bench.world.database.write(lambda c, ids=ids: open_points(c, context, square, ids))  # type: ignore[misc]
        had = {one.id: one.kept for one in bench.rows(lots)}
        assert sorted(had) == ["opening/square/S1", "opening/square/S2"]
        assert had[f"opening/square/{batches[0][0]}"] == sum(had.values()) == balance(bench, ADA) == 500

    tell(story, "square", loyalty=LOYALTY, sound=False)


def test_an_account_that_is_shown_to_two_customers_of_one_person_is_written_once() -> None:
    async def story(bench: Bench) -> None:
        apply(bench)
        square = bench.shop("square")
        first = square.add_customer(**ANN)
        square.give_points(customer=first, points=5)
        await bench.sync()
        second = square.add_customer(**ANN)
        port = away(bench)
        square.sale([{"sku": "A", "quantity": 2}], customer={"id": second})
        for _ in range(3):
            await bench.sync()
        rows = [account(bench, "square", one) for one in (first, second)]
        assert {(one.person, one.points_id, one.points_target, one.points_shown) for one in rows} == {
            (rows[0].person, rows[0].points_id, 25, 25)
        }
        assert rows[0].points_id
        assert [(one.shown, one.balance) for one in port.written] == [(5, 25)]

    tell(story, "square", loyalty=LOYALTY, sound=False)


def test_where_points_are_off_nothing_is_written_over_what_was_shown_before() -> None:
    async def story(bench: Bench) -> None:
        apply(bench)
        square = bench.shop("square")
        number = square.add_customer(**ANN)
        square.sale([{"sku": "A", "quantity": 2}], customer={"id": number})
        await bench.sync()
        assert account(bench, "square", number).points_shown == 20
        rules = replace(RULES, off=frozenset({"square"}))
        bench.world.rules = replace(
            bench.world.rules, loyalty=replace(LOYALTY, points=rules, hidden=frozenset({"square"}))
        )
        apply(bench)
        port = away(bench)
        # What somebody does there is their affair: it was put back to what it had been when points were switched off.
        square.give_points(customer=number, points=7)
        for _ in range(2):
            await bench.sync()
        row = account(bench, "square", number)
        assert (port.written, row.points_target) == ([], None)
        found = bench.world.database.read(lambda c: customer(c, bench.world.context, row.person))
        assert [one.note for one in found.accounts] == ["points are off here"]

    tell(story, "square", loyalty=LOYALTY, sound=False)


def test_what_is_earned_while_numbers_are_read_is_still_to_be_shown() -> None:
    async def story(bench: Bench) -> None:
        apply(bench)
        number = bench.shop("woocommerce").add_customer(**ANN)
        learned(bench, "woocommerce", Customer(id=number, email=ANN["email"]))
        before = replace(account(bench, "woocommerce", number), points_target=20, points_shown=None)

        def meanwhile() -> None:
            bench.world.database.write(lambda c: store.save_customers(c, [replace(before, points_target=30)]))

        channel = bench.channel("woocommerce")
        assert channel.connector.points is not None
        channel.connector = replace(channel.connector, points=Away(channel.connector.points, meanwhile))
        bench.world.database.write(lambda c: store.save_customers(c, [before]))
        await push_points(bench.world.context, channel, ChannelReport())
        assert account(bench, "woocommerce", number).points_target == 30

    tell(story, "woocommerce", loyalty=LOYALTY, sound=False)


def test_whose_an_account_is_does_not_change_back_after_a_call_and_it_is_read_anew() -> None:
    async def story(bench: Bench) -> None:
        apply(bench)
        number = bench.shop("woocommerce").add_customer(**ANN)
        learned(bench, "woocommerce", Customer(id=number, email=ANN["email"]))
        before = replace(account(bench, "woocommerce", number), points_target=20, points_shown=None)
        channel, seen = bench.channel("woocommerce"), list[int | None]()

        def meanwhile() -> None:
            if not seen:
                save(bench, replace(before, person=BEN, points_target=None))
            seen.append(account(bench, "woocommerce", number).points_shown)

        assert channel.connector.points is not None
        channel.connector = replace(channel.connector, points=Away(channel.connector.points, meanwhile))
        bench.world.database.write(lambda c: store.save_customers(c, [before]))
        await push_points(bench.world.context, channel, ChannelReport())
        after = account(bench, "woocommerce", number)
        assert (after.person, after.points_target, after.points_shown) == (BEN, None, None)

    tell(story, "woocommerce", loyalty=LOYALTY, sound=False)


def test_an_account_of_points_that_was_shown_to_two_who_are_two_again_is_sought_anew_for_each() -> None:
    async def story(bench: Bench) -> None:
        apply(bench)
        save(bench, *shared(bench, ADA, BEN), replace(row("S3"), points_id="L3", points_shown=7))
        context = bench.world.context
        bench.world.database.write(lambda c: merging.merge(c, context, ADA, BEN, "by hand"))
        one = [account(bench, "square", name) for name in ("S1", "S2")]
        assert {(found.person, found.points_id) for found in one} == {(ADA, "L1")}
        unmerged(bench, ADA)
        apart = [account(bench, "square", name) for name in ("S1", "S2", "S3")]
        assert [(found.person, found.points_id, found.points_shown) for found in apart] == [
            (ADA, "", None), (BEN, "", None), (ADA, "L3", 7),
        ]  # fmt: skip

    tell(story, "square", loyalty=LOYALTY, sound=False)


def test_an_account_that_came_while_two_were_one_goes_to_whom_its_record_names_with_its_points() -> None:
    async def story(bench: Bench) -> None:
        apply(bench)
        context, square, shop = bench.world.context, bench.shop("square"), bench.shop("woocommerce")
        for who in (ANN, BOB):
            shop.sale([{"sku": "B", "quantity": 1}], customer=who)
        await bench.sync()
        ann, bob = (bench.world.database.read(lambda c, who=who: whose(c, who)) for who in (ANN, BOB))  # type: ignore[misc]
        bench.world.database.write(lambda c: merging.merge(c, context, ann, bob, "by hand"))
        number = square.add_customer(**BOB)
        square.sale([{"sku": "A", "quantity": 1}], customer={"id": number})
        await bench.sync()
        square.give_points(customer=number, points=7)
        for _ in range(2):
            await bench.sync()
        assert (account(bench, "square", number).person, balance(bench, ann)) == (ann, 5 + 5 + 10 + 7)
        unmerged(bench, ann)
        for _ in range(3):
            await bench.sync()
        assert account(bench, "square", number).person == bob
        assert (balance(bench, ann), balance(bench, bob)) == (5, 5 + 10 + 7)
        assert account(bench, "square", number).points_shown == 22

    tell(story, "woocommerce", "square", loyalty=LOYALTY, sound=False)


def whose(connection: Any, who: dict[str, str]) -> str:
    return store.find_contacts(connection, "email", [who["email"]])[who["email"]].person
