"""Customers and the points shown to them."""

from datetime import timedelta

import pytest

from bridge.contract.errors import Refused, TryLater
from bridge.contract.loyalty import PointsResult, PointsWrite
from bridge.domain.people import Customer
from tests.connectors.shopify.loyal_world import Loyal, Open, open_loyal

__all__ = ["open_loyal"]


@pytest.fixture
def world(open_loyal: Open) -> Loyal:
    return open_loyal()


def made(world: Loyal, name: str, **more: object) -> str:
    return str(world.shop.add_customer(name=name, email=f"{name.lower()}@example.com", **more)).rpartition("/")[2]


def everybody(world: Loyal) -> list[Customer]:
    async def read() -> list[Customer]:
        return [one async for page in world.customers.all() for one in page.items]

    found: list[Customer] = world.run(read())
    return found


def changed(world: Loyal, cursor: str) -> tuple[list[Customer], str]:
    feed = world.customers.changes
    assert feed is not None

    async def read() -> tuple[list[Customer], str]:
        found: list[Customer] = []
        at = cursor
        async for page in feed.since(cursor):
            found += page.items
            at = page.cursor
        return found, at

    result: tuple[list[Customer], str] = world.run(read())
    return result


def show(world: Loyal, *writes: PointsWrite) -> list[PointsResult]:
    return list(world.run(world.points.show(writes)))


def wanted(customer: str, balance: int, shown: int | None) -> PointsWrite:
    return PointsWrite(customer=customer, balance=balance, shown=shown, key=f"{customer}-{balance}")


def test_a_customer_is_read_whole(world: Loyal) -> None:
    made(world, "Ann", phone="+4912345678", consent=True)
    made(world, "Bob", consent=False)
    ann, bob = everybody(world)
    assert (ann.name, ann.email, ann.phone) == ("Ann", "ann@example.com", "+4912345678")
    assert (ann.email_verified, ann.phone_verified, ann.consent, ann.points) == (True, False, True, None)
    assert bob.consent is False
    assert "ann@" not in repr(ann)


def test_contacts_that_are_withheld_leave_the_id(open_loyal: Open) -> None:
    world = open_loyal(personal_data=False)
    one = made(world, "Ann")
    (ann,) = everybody(world)
    assert (ann.id, ann.name, ann.email, ann.email_verified, ann.consent) == (one, "", "", False, None)
    assert [found.id for found in world.run(world.customers.find(email="ann@example.com"))] == [one]


def test_the_feed_tells_who_changed(world: Loyal) -> None:
    feed = world.customers.changes
    assert feed is not None
    first = made(world, "Ann")
    world.passes(3600)
    cursor = feed.begin(world.now() - timedelta(minutes=1))
    assert changed(world, cursor)[0] == []
    made(world, "Bob")
    seen, cursor = changed(world, cursor)
    assert [one.name for one in seen] == ["Bob"]
    world.passes(3600)
    show(world, wanted(first, 30, None))
    seen, _ = changed(world, cursor)
    assert [(one.name, one.points) for one in seen][-1] == ("Ann", 30)


def test_a_change_that_the_index_learns_late_is_not_missed(open_loyal: Open) -> None:
    world = open_loyal(search_lag=60.0)
    feed = world.customers.changes
    assert feed is not None
    cursor = feed.begin(world.now())
    made(world, "Ann")
    world.passes(30)
    _, cursor = changed(world, cursor)
    made(world, "Bob")
    world.passes(40)
    seen, cursor = changed(world, cursor)
    assert "Ann" in {one.name for one in seen}
    world.passes(60)
    seen, _ = changed(world, cursor)
    assert "Bob" in {one.name for one in seen}


def test_pages_are_followed(world: Loyal) -> None:
    for number in range(260):
        made(world, f"P{number}")
    assert len(everybody(world)) == 260
    assert world.sent.count("AllCustomers") == 2


def test_single_customers_are_found_exactly(world: Loyal) -> None:
    ann, bob = made(world, "Ann", phone="+4912345678"), made(world, "Bob")
    by_mail = world.run(world.customers.find(email="ANN@example.com"))
    by_phone = world.run(world.customers.find(phone="+4912345678"))
    assert [one.id for one in by_mail] == [one.id for one in by_phone] == [ann]
    assert world.run(world.customers.find(email="ann@example.co")) == []
    assert world.run(world.customers.find()) == []
    world.shop.delete_customer(bob)
    assert [one.id for one in world.run(world.customers.get([ann, bob, "5"]))] == [ann]


def test_25_balances_take_a_read_and_a_write(world: Loyal) -> None:
    people = [made(world, f"P{number}") for number in range(25)]
    results = show(world, *(wanted(one, place, None) for place, one in enumerate(people)))
    assert [(one.kind, one.balance) for one in results] == [("done", place) for place in range(25)]
    assert world.sent == ["PointsRead", "PointsShow"]
    assert [row["points"] for row in world.shop.customers()] == list(range(25))
    assert [one.balance for one in world.run(world.points.read([wanted(one, 0, 0) for one in people]))] == list(
        range(25)
    )
    with pytest.raises(Refused):
        show(world, *(wanted(one, 1, None) for one in [*people, "1"]))


def test_what_somebody_else_wrote_is_stale_and_stays(world: Loyal) -> None:
    ann, bob, eve = (made(world, name) for name in ("Ann", "Bob", "Eve"))
    show(world, wanted(ann, 10, None), wanted(bob, 10, None))
    world.shop.edit_customer(ann, points=99)
    world.shop.edit_customer(eve, points=5)
    results = show(world, wanted(ann, 20, 10), wanted(bob, 20, 10), wanted(eve, 20, 0))
    assert [(one.kind, one.balance) for one in results] == [("stale", 99), ("done", 20), ("stale", 5)]
    assert [row["points"] for row in world.shop.customers()] == [99, 20, 5]
    # What was never read is read by the write itself.
    assert show(world, wanted(eve, 20, None))[0].kind == "done"


def test_a_field_that_is_made_meanwhile_is_not_written_over(world: Loyal) -> None:
    ann = made(world, "Ann")
    world.meanwhile["PointsShow"] = lambda: world.shop.edit_customer(ann, points=11)
    assert show(world, wanted(ann, 20, None))[0].kind == "stale"
    assert [row["points"] for row in world.shop.customers()] == [11]


def test_what_changes_between_the_read_and_the_write_is_stale_too(world: Loyal) -> None:
    ann, bob = made(world, "Ann"), made(world, "Bob")
    show(world, wanted(ann, 10, None))
    world.meanwhile["PointsShow"] = lambda: world.shop.edit_customer(ann, points=11)
    results = show(world, wanted(ann, 20, 10), wanted(bob, 20, None))
    assert [one.kind for one in results] == ["stale", "retry"]
    assert [row["points"] for row in world.shop.customers()] == [11, None]


def test_rows_that_cannot_be_are_told_apart(world: Loyal) -> None:
    ann, bob = made(world, "Ann"), made(world, "Bob")
    world.shop.delete_customer(bob)
    results = show(world, wanted(ann, 5, None), wanted(bob, 5, None), wanted(ann, 6, None), wanted("7", -1, None))
    assert [one.kind for one in results] == ["done", "gone", "retry", "gone"]
    assert show(world, wanted(ann, -1, 5))[0].kind == "refused"
    world.sent.clear()
    assert show(world, wanted(ann, 5, 5))[0].kind == "done"
    assert world.sent == ["PointsRead"]


def test_a_lost_answer_is_told_and_read(world: Loyal) -> None:
    ann = made(world, "Ann")
    world.faults.add(body="mutation PointsShow", kind="cut_after", times=1)
    with pytest.raises(TryLater) as raised:
        show(world, wanted(ann, 5, None))
    assert raised.value.maybe_applied
    assert [one.balance for one in world.run(world.points.read([wanted(ann, 5, None)]))] == [5]


def test_an_order_says_what_was_discounted_and_what_is_a_gift_card(world: Loyal) -> None:
    world.shop.add_coupon("CAPS", percent=10, skus=["CAP"])
    lines = [{"sku": sku, "quantity": 1} for sku in ("MUG", "CAP", "GIFT")]
    buyer = {"name": "Ann", "email": "ann@example.com", "phone": "+4912345678"}
    number = world.shop.sale(lines, codes=["caps"], customer=buyer).rpartition("/")[2]
    order = world.run(world.channel.sales.get(number))
    assert [(line.sku, line.discounted, line.gift_card) for line in order.lines] == [
        ("MUG", False, False), ("CAP", True, False), ("GIFT", False, True),
    ]  # fmt: skip
    assert order.codes == ("CAPS",)
    (ann,) = everybody(world)
    assert order.customer is not None
    assert (order.customer.id, order.customer.email, order.customer.phone) == (ann.id, "ann@example.com", "+4912345678")
