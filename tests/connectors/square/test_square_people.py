"""Customers and points of Square, beyond what the contract asks of everybody."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from bridge.contract.errors import NeedsPerson, Refused, TryLater
from bridge.contract.loyalty import PointsEvent, PointsResult, PointsWrite
from bridge.domain.people import Customer
from bridge.sandbox.kit.loop import START, SimulatedLoop
from connectors.square.hints import hints
from connectors.square.order_mapping import order
from connectors.square.payload import Odd
from connectors.square.people_mapping import Account, account, customer, entry, phone_of, reason, same_phone
from tests.contract.bench import Bench, make, pages

if TYPE_CHECKING:
    from tests.connectors.square.conftest import Stub

Open = Callable[..., Bench]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run on simulated time."""
    return "asyncio", {"loop_factory": SimulatedLoop}


@pytest.fixture
async def new_till(anyio_backend: object) -> AsyncIterator[Open]:
    """Make tills with options of the stand-in."""
    made: list[Bench] = []

    def build(**options: Any) -> Bench:
        made.append(make("square", **options))
        return made[-1]

    yield build
    for bench in made:
        for connector in bench.opened:
            assert connector.close is not None
            await connector.close()


def row(customer: str, balance: int, shown: int | None = None, **more: Any) -> PointsWrite:
    return PointsWrite(**{"customer": customer, "balance": balance, "shown": shown, "key": "row-1", **more})


async def show(till: Bench, write: PointsWrite) -> PointsResult:
    (result,) = await till.points.show([write])
    return result


async def ledger(till: Bench) -> list[PointsEvent]:
    assert till.points.events is not None
    found = await pages(till.points.events, till.points.events.begin(START))
    return [event for page in found for event in page.items]


@pytest.mark.anyio
async def test_without_a_phone_number_there_is_no_account_and_it_is_said_what_to_do(new_till: Open) -> None:
    till = new_till()
    ann = till.shop.add_customer(name="Ann")
    for phone in ("", "+14155550199"):
        result = await show(till, row(ann, 5, phones=(phone,) if phone else ()))
        assert (result.kind, result.points_id) == ("refused", "")
        assert "enrol the customer at the till" in result.reason
    assert till.shop.customers()[0]["points"] is None
    assert len(till.shop.customers()) == 1, "Square would have made a second profile for the number"


@pytest.mark.anyio
async def test_a_local_phone_number_of_a_profile_is_enough(new_till: Open) -> None:
    till = new_till()
    ann = till.shop.add_customer(name="Ann", phone="(415) 555-0142")
    result = await show(till, row(ann, 5, phones=("+14155550142",)))
    assert (result.kind, result.balance) == ("done", 5)
    (found,) = await till.people.find(phone="+14155550142")
    assert (found.phone, found.phone_verified, found.points) == ("+14155550142", True, 5)


@pytest.mark.anyio
async def test_of_several_numbers_of_a_person_the_one_in_the_profile_is_taken(new_till: Open) -> None:
    till = new_till()
    ann = till.shop.add_customer(name="Ann", phone="+14155550142")
    result = await show(till, row(ann, 5, phones=("+14155550101", "+14155550142")))
    assert (result.kind, result.balance) == ("done", 5)
    (found,) = await till.people.find(phone="+14155550142")
    assert found.points == 5


@pytest.mark.anyio
async def test_a_profile_with_somebody_elses_number_is_said_to_have_it(new_till: Open) -> None:
    till = new_till()
    ann = till.shop.add_customer(name="Ann", phone="+14155550142")
    for phones in ((), ("+14155550101",)):
        result = await show(till, row(ann, 5, phones=phones))
        assert result.kind == "refused"
        assert "the number in this profile is not known as this customer's" in result.reason
        assert "+1415" not in result.reason


@pytest.mark.anyio
async def test_the_account_of_a_phone_number_is_used_whoever_has_it(new_till: Open) -> None:
    """Two profiles of one person: the number is what the till asks for."""
    till = new_till()
    first = till.shop.add_customer(name="Ann", phone="+14155550142")
    second = till.shop.add_customer(name="Ann L", phone="+14155550142")
    till.shop.give_points(customer=first, points=3)
    result = await show(till, row(second, 10, phones=("+14155550142",)))
    assert (result.kind, result.balance, till.shows(first)) == ("done", 10, 10)
    assert [one.balance for one in await till.points.read([row(second, 10, phones=("+14155550142",))])] == [10]


@pytest.mark.anyio
async def test_someone_is_found_by_the_number_they_earn_points_with(new_till: Open) -> None:
    till = new_till()
    ann = till.shop.add_customer(name="Ann", phone="+14155550142")
    till.shop.give_points(customer=ann, points=3)
    till.platform.shop.state.customers.get(ann).data["phone_number"] = "+14155550777"  # type: ignore[attr-defined]
    assert [one.id for one in await till.people.find(phone="+14155550142")] == [ann]
    assert [one.phone for one in await till.people.find(phone="+14155550777")] == ["+14155550142"]


@pytest.mark.anyio
async def test_without_a_program_points_need_a_person_and_customers_do_not(new_till: Open) -> None:
    till = new_till(loyalty=False)
    ann = till.person(1)
    for write in (row(ann, 5, phones=("+14155550001",)), row(ann, 5, 2, points_id="known-before")):
        with pytest.raises(NeedsPerson, match="no Square Loyalty program") as caught:
            await till.points.show([write])
        assert "Square Dashboard" in caught.value.next_step
    with pytest.raises(NeedsPerson, match="no Square Loyalty program"):
        await till.points.read([row(ann, 5)])
    with pytest.raises(NeedsPerson, match="no Square Loyalty program"):
        await ledger(till)
    (found,) = await till.people.get([ann])
    assert (found.points, found.points_id, found.phone_verified) == (None, "", False)
    identity = await till.connector.account.check()
    assert [note for note in identity.notes if "no Square Loyalty program" in note]


@pytest.mark.anyio
async def test_that_there_is_no_program_is_asked_once_an_hour(new_till: Open) -> None:
    till = new_till(loyalty=False)
    for number in range(101):
        till.person(number)

    async def asked() -> int:
        till.wire.calls.clear()
        assert len([one async for page in till.people.all() for one in page.items]) == 101
        return sum(call.path.startswith("/v2/loyalty") for call in till.wire.calls)

    assert [await asked(), await asked()] == [1, 0]
    await till.wait(3601)
    assert await asked() == 1


@pytest.mark.anyio
async def test_a_program_that_is_off_refuses_and_is_noted(new_till: Open) -> None:
    till = new_till()
    ann = till.person(1)
    till.shop.give_points(customer=ann, points=3)
    till.platform.shop.state.loyalty.program["status"] = "INACTIVE"  # type: ignore[attr-defined]
    result = await show(till, row(ann, 5, 3))
    assert (result.kind, result.balance, "not active" in result.reason) == ("refused", 3, True)
    assert [note for note in (await till.connector.account.check()).notes if "not active" in note]


@pytest.mark.anyio
async def test_missing_permissions_are_noted_and_stop_nothing_else(new_till: Open) -> None:
    everything = "MERCHANT_PROFILE_READ ITEMS_READ INVENTORY_READ INVENTORY_WRITE ORDERS_READ CUSTOMERS_READ"
    till = new_till(scopes=tuple(everything.split()))
    till.person(1)
    identity = await till.connector.account.check()
    assert identity.missing == ()
    assert {
        word for word in ("LOYALTY_READ", "LOYALTY_WRITE", "CUSTOMERS_READ") if word in " ".join(identity.notes)
    } == {
        "LOYALTY_READ",
        "LOYALTY_WRITE",
    }
    assert [one.points async for page in till.people.all() for one in page.items] == [None]
    with pytest.raises(NeedsPerson, match="sufficient permissions"):
        await ledger(till)


@pytest.mark.anyio
async def test_rewards_expiry_and_refunds_are_told_with_their_signs(new_till: Open) -> None:
    till = new_till(square_earns=True)
    till.shop.seed([{"title": "Tee", "variants": [{"sku": "TEE", "price": "12.00", "stock": 9}]}])
    ann = till.person(1)
    till.shop.give_points(customer=ann, points=100)
    sale = till.shop.sale([{"sku": "TEE", "quantity": 2}], customer={"id": ann})
    till.shop.refund(sale, [{"sku": "TEE", "quantity": 1}])
    till.shop.redeem(customer=ann, points=10)
    till.shop.expire_points(customer=ann, points=5)
    told = [(event.kind, event.points, event.order) for event in await ledger(till)]
    assert told == [("adjust", 100, ""), ("earn", 24, sale), ("adjust", -12, ""), ("burn", -10, ""), ("expire", -5, "")]
    assert sum(points for _, points, _ in told) == till.shows(ann)


@pytest.mark.anyio
async def test_a_reward_that_is_given_back_is_released(new_till: Open) -> None:
    till = new_till()
    ann = till.person(1)
    till.shop.give_points(customer=ann, points=10)
    state = till.platform.shop.state  # type: ignore[attr-defined]
    reward = state.loyalty.lock(
        state.loyalty.of_customer(ann), state.loyalty.program["reward_tiers"][0]["id"], "LOYALTY_API"
    )
    state.loyalty.give_back(reward, "LOYALTY_API")
    assert [(event.kind, event.points) for event in await ledger(till)] == [
        ("adjust", 10),
        ("burn", -10),
        ("release", 10),
    ]


@pytest.mark.anyio
async def test_an_order_names_the_customer_that_its_points_are_of(new_till: Open) -> None:
    till = new_till(square_earns=True)
    till.shop.seed([{"title": "Tee", "variants": [{"sku": "TEE", "price": "12.00", "stock": 9}]}])
    ann = till.person(1)
    till.shop.give_points(customer=ann, points=1)
    sale = till.shop.sale([{"sku": "TEE", "quantity": 1}], customer={"phone": "+1 415 555 0001"}, discount="2.00")
    found = await till.sales.get(sale)
    (earned,) = [event for event in await ledger(till) if event.kind == "earn"]
    assert found.customer is not None
    assert (found.customer.id, earned.customer, earned.order, earned.points) == (ann, ann, found.id, 10)
    assert [line.discounted for line in found.lines] == [True]


@pytest.mark.anyio
async def test_a_return_names_the_line_that_comes_back(new_till: Open) -> None:
    till = new_till()
    rows = [{"sku": sku, "price": "12.00", "stock": 9, "options": {"Size": sku}} for sku in ("S", "M")]
    till.shop.seed([{"title": "Tee", "variants": rows}])
    sale = till.shop.sale([{"sku": "S", "quantity": 1}, {"sku": "M", "quantity": 2}])
    back = till.shop.refund(sale, [{"sku": "M", "quantity": 1}])
    bought, returned = await till.sales.get(sale), await till.sales.get(back)
    assert returned.returns == sale
    assert [line.returned for line in returned.lines] == [bought.lines[1].id]
    assert [line.returned for line in bought.lines] == ["", ""]
    assert not any(line.discounted or line.gift_card for line in (*bought.lines, *returned.lines))


@pytest.mark.anyio
async def test_a_call_shows_one_row(new_till: Open) -> None:
    till = new_till()
    with pytest.raises(Refused, match="1 row"):
        await till.points.show([row("A", 1), row("B", 1)])
    assert till.wire.calls == []


@pytest.mark.anyio
async def test_a_key_longer_than_squares_is_shortened_there_and_told_whole(new_till: Open) -> None:
    till = new_till()
    ann, key = till.person(1), "k" * 300
    result = await show(till, row(ann, 5, phones=("+14155550001",), key=key))
    assert result.kind == "done"
    assert [(event.kind, event.key) for event in await ledger(till)] == [("ours", key)]


@pytest.mark.anyio
async def test_the_same_key_with_another_difference_is_told_by_the_balance(new_till: Open) -> None:
    till = new_till()
    ann = till.person(1)
    assert (await show(till, row(ann, 40, phones=("+14155550001",)))).kind == "done"
    till.shop.give_points(customer=ann, points=5)
    again = await show(till, row(ann, 40))
    assert (again.kind, again.balance, till.shows(ann)) == ("stale", 45, 45)


@pytest.mark.anyio
async def test_an_account_that_is_no_more_is_forgotten_and_made_anew(new_till: Open) -> None:
    till = new_till()
    ann = till.person(1)
    first = await show(till, row(ann, 40, phones=("+14155550001",)))
    till.platform.shop.state.loyalty.accounts.clear()  # type: ignore[attr-defined]
    lost = await show(till, row(ann, 50, 40, points_id=first.points_id, phones=("+14155550001",), key="row-2"))
    assert (lost.kind, lost.balance, lost.points_id) == ("stale", None, "")
    anew = await show(till, row(ann, 50, points_id=first.points_id, phones=("+14155550001",), key="row-3"))
    assert (anew.kind, till.shows(ann), anew.points_id != first.points_id) == ("done", 50, True)


@pytest.mark.anyio
@pytest.mark.parametrize("shown", [40, None])
async def test_what_was_adjusted_but_could_not_be_read_back_may_have_worked(new_till: Open, shown: int | None) -> None:
    till = new_till()
    ann = till.person(1)
    first = await show(till, row(ann, 40, phones=("+14155550001",)))
    write = row(ann, 55, shown, points_id=first.points_id, key="row-2")
    # A throttled call by itself has changed nothing; the adjustment before it has.
    till.platform.faults.add(kind="throttle", method="GET", path=r"/loyalty/accounts/[^/]+$", times=None)
    with pytest.raises(TryLater) as caught:
        await till.points.show([write])
    assert caught.value.maybe_applied
    till.platform.faults.clear()
    again = await show(till, write)
    assert (again.kind, again.balance, till.shows(ann)) == ("done", 55, 55)


@pytest.mark.anyio
async def test_an_account_is_known_by_its_id_where_a_customer_has_two(new_till: Open) -> None:
    till = new_till()
    ann = till.person(1)
    till.shop.give_points(customer=ann, points=3)
    loyalty = till.platform.shop.state.loyalty  # type: ignore[attr-defined]
    other = loyalty.enrol("+14155550888")
    other.customer_id, other.balance = ann, 100
    assert [one.balance for one in await till.points.read([row(ann, 0), row(ann, 0, points_id=other.id)])] == [3, 100]
    result = await show(till, row(ann, 90, points_id=other.id))
    assert (result.balance, other.balance, till.shows(ann)) == (90, 90, 3)


@pytest.mark.anyio
async def test_an_account_that_had_to_be_made_shows_nothing_that_was_believed(new_till: Open) -> None:
    till = new_till()
    ann = till.person(1)
    result = await show(till, row(ann, 50, 40, phones=("+14155550001",)))
    assert (result.kind, result.balance, till.shows(ann)) == ("stale", 0, 0)


@pytest.mark.anyio
async def test_our_own_entries_cost_no_look_at_their_account(new_till: Open) -> None:
    till = new_till()
    ann = till.person(1)
    await show(till, row(ann, 40, phones=("+14155550001",)))
    till.wire.calls.clear()
    assert [event.kind for event in await ledger(till)] == ["ours"]
    assert len(till.wire.calls) == 1
    till.shop.give_points(customer=ann, points=1)
    till.shop.give_points(customer=ann, points=2)
    till.wire.calls.clear()
    assert {event.customer for event in await ledger(till)} == {ann}
    assert len(till.wire.calls) == 2


@pytest.mark.anyio
async def test_the_ledger_begins_a_little_earlier(new_till: Open) -> None:
    till = new_till()
    till.shop.give_points(customer=till.person(1), points=1)
    await till.wait(90)
    assert till.points.events is not None
    found = await pages(till.points.events, till.points.events.begin(till.loop.now()))
    assert len([event for page in found for event in page.items]) == 1


SEARCH = "/v2/customers/search"
ADA = {"id": "C1", "email_address": "Ada@example.com", "phone_number": "(415) 555-0142"}
OTHERS = [
    {"id": "C2", "email_address": "ada@example.co", "phone_number": "+44 415 555 0142"},
    {"id": "C3", "phone_number": "0142"},
    {"id": "C4"},
]


@pytest.mark.anyio
@pytest.mark.parametrize("contact", [{"email": "ada@example.com"}, {"phone": "+14155550142"}])
async def test_whoever_square_finds_loosely_is_sifted(square: "Stub", contact: dict[str, str]) -> None:
    square.answer(SEARCH, {"customers": [*OTHERS, ADA]})
    square.answer("/v2/loyalty/accounts/search", {})
    assert square.connector.customers is not None
    assert [one.id for one in await square.connector.customers.find(**contact)] == ["C1"]


@pytest.mark.anyio
async def test_customers_are_read_in_the_one_order_in_which_newcomers_come_last(square: "Stub") -> None:
    square.answer(SEARCH, {"customers": [ADA]})
    square.answer("/v2/loyalty/accounts/search", {})
    assert square.connector.customers is not None
    assert [page async for page in square.connector.customers.all()]
    assert square.bodies(SEARCH)[0]["query"]["sort"] == {"field": "CREATED_AT", "order": "ASC"}


EVENT = {"id": "E", "created_at": "2020-05-08T21:42:32Z", "loyalty_account_id": "A", "source": "LOYALTY_API"}


def event(kind: str, name: str, **told: Any) -> dict[str, Any]:
    return {**EVENT, "type": kind, name: {"loyalty_program_id": "P", **told}}


@pytest.mark.parametrize(
    ("payload", "kind", "points", "order_id"),
    [
        (event("ACCUMULATE_POINTS", "accumulate_points", points=5, order_id="O"), "earn", 5, "O"),
        (event("ACCUMULATE_PROMOTION_POINTS", "accumulate_promotion_points", points=5, order_id="O"), "earn", 5, "O"),
        (event("CREATE_REWARD", "create_reward", points=-10, reward_id="R"), "burn", -10, ""),
        (event("CREATE_REWARD", "create_reward", points=10), "burn", -10, ""),
        (event("DELETE_REWARD", "delete_reward", points=10), "release", 10, ""),
        (event("EXPIRE_POINTS", "expire_points", points=7), "expire", -7, ""),
        (event("EXPIRE_POINTS", "expire_points", points=-7), "expire", -7, ""),
        (event("OTHER", "other_event", points=-3), "adjust", -3, ""),
        (event("ADJUST_POINTS", "adjust_points", points=10, reason="Complimentary points"), "adjust", 10, ""),
    ],
)
def test_every_kind_of_entry(payload: dict[str, Any], kind: str, points: int, order_id: str) -> None:
    found = entry(payload)
    assert found is not None
    assert (found.kind, found.points, found.order, found.key) == (kind, points, order_id, "")
    assert found.at == datetime(2020, 5, 8, 21, 42, 32, tzinfo=UTC)


def test_a_redemption_moves_no_points() -> None:
    assert entry(event("REDEEM_REWARD", "redeem_reward", order_id="O")) is None


@pytest.mark.parametrize("key", ["k", "a b", "(x)", ")", "1:2 (3)"])
def test_our_words_carry_any_key(key: str) -> None:
    found = entry(event("ADJUST_POINTS", "adjust_points", points=-4, reason=reason(key)))
    assert found is not None
    assert (found.kind, found.key, found.points) == ("ours", key, -4)


@pytest.mark.parametrize("changes", [{"source": "SQUARE"}, {"adjust_points": {"points": 1, "reason": "bridge:k"}}])
def test_a_clerk_with_our_words_and_a_program_with_its_own_are_not_us(changes: dict[str, Any]) -> None:
    found = entry(event("ADJUST_POINTS", "adjust_points", points=1, reason=reason("k")) | changes)
    assert found is not None
    assert (found.kind, found.key) == ("adjust", "")


@pytest.mark.parametrize(
    "payload",
    [
        event("SOMETHING_NEW", "something_new", points=1),
        event("ADJUST_POINTS", "adjust_points"),
        event("ADJUST_POINTS", "adjust_points", points="1"),
        event("ADJUST_POINTS", "other", points=1),
        event("ADJUST_POINTS", "adjust_points", points=1) | {"created_at": None},
        event("ADJUST_POINTS", "adjust_points", points=1) | {"loyalty_account_id": None},
        event("ADJUST_POINTS", "adjust_points", points=1) | {"adjust_points": []},
    ],
)
def test_an_entry_that_cannot_be_understood_is_odd(payload: dict[str, Any]) -> None:
    with pytest.raises(Odd):
        entry(payload)


def test_a_profile_alone() -> None:
    found = customer({"id": "C", "company_name": "Ltd", "phone_number": "+1-212-555-4240"}, None)
    assert found == Customer(id="C", name="Ltd", phone="+12125554240")


def test_an_opt_out_is_a_no_and_nothing_is_a_yes() -> None:
    told = [customer({"id": "C", "preferences": {"email_unsubscribed": no}}, None).consent for no in (True, False)]
    assert told == [False, None]


def test_the_number_of_the_account_goes_before_the_profiles() -> None:
    loyal = Account(id="A", customer="C", balance=-2, phone="+14155551234")
    found = customer({"id": "C", "phone_number": "415 555 9999"}, loyal)
    assert (found.phone, found.phone_verified, found.points, found.points_id) == ("+14155551234", True, -2, "A")
    assert "415" not in repr(found) + repr(loyal)


@pytest.mark.parametrize(
    "payload", [{"id": "A"}, {"balance": 1}, {"id": "A", "balance": "1"}, {"id": "A", "balance": True}]
)
def test_an_account_that_cannot_be_understood_is_odd(payload: dict[str, Any]) -> None:
    with pytest.raises(Odd):
        account(payload)


@pytest.mark.parametrize(
    ("kept", "same"),
    [
        ("+1 (415) 555-0142", True), ("(415) 555-0142", True), ("0415 555 0142", True), ("+44 415 555 0142", False), ("0142", False),
        ("", False), ("5550142", True), ("415 555 0143", False),
    ],
)  # fmt: skip
def test_numbers_are_compared_whole(kept: str, same: bool) -> None:
    assert same_phone(phone_of({"phone_number": kept}), "+14155550142") == same


def test_a_tender_may_name_who_bought_and_a_gift_card_is_no_goods() -> None:
    usd = {"amount": 2500, "currency": "USD"}
    card = {
        "uid": "L",
        "name": "Gift Card",
        "quantity": "1",
        "item_type": "GIFT_CARD",
        "base_price_money": usd,
        "total_money": usd,
    }
    payload = {
        "id": "O", "location_id": "LA", "state": "COMPLETED", "created_at": "2026-11-22T11:00:00Z", "total_money": usd,
        "line_items": [card], "tenders": [{"id": "T", "customer_id": "C", "amount_money": usd}],
    }  # fmt: skip
    found = order(payload, {})
    assert found.customer is not None
    assert (found.customer.id, found.lines[0].gift_card, found.lines[0].variant_id) == ("C", True, None)


def told(topic: str, told: Any) -> list[tuple[str, tuple[str, ...]]]:
    body = {"type": topic, "created_at": "2022-11-09T21:23:25Z", "data": {"type": "x", "id": "X", "object": told}}
    return [(hint.kind, hint.customers) for hint in hints(json.dumps(body).encode())]


def test_people_are_told_by_id() -> None:
    merged = {"merge": {"from_customer_ids": ["C1", "C2"], "to_customer_id": "C3"}}
    assert told("customer.created", {"customer": {"id": "C3"}, "event_context": merged}) == [
        ("customer", ("C3", "C1", "C2"))
    ]
    assert told("customer.deleted", {"customer": {"id": "C1"}}) == [("customer", ("C1",))]
    assert told("loyalty.account.updated", {"loyalty_account": {"id": "A", "customer_id": "C1"}}) == [
        ("customer", ("C1",))
    ]
    assert told("loyalty.event.created", {"loyalty_event": EVENT}) == [("customer", ())]
    assert told("customer.updated", {"customer": {"id": "../x"}}) == [("customer", ())]
    assert told("customer.updated", []) == [("channel", ())]
