"""Orders: what eBay says and leaves unsaid, shipping, and money that goes back later."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bridge.contract.errors import Refused, TryLater
from bridge.contract.ports import LineRefund
from bridge.domain.money import Money
from bridge.domain.orders import Order, Tracking
from bridge.sandbox.ebay.orders import shown
from bridge.sandbox.kit.loop import START
from connectors.ebay.mapping import order as read_order
from connectors.ebay.orders import CARRIERS
from tests.connectors.ebay.conftest import House, good


async def _get(house: House, order: str) -> Order:
    return await house.ebay.sales.get(order)


def _sold(house: House, quantity: int = 3, **how: Any) -> str:
    house.shop.seed([good("TEE"), good("CAP")])
    return str(house.shop.sale([{"sku": "TEE", "quantity": quantity}], **how))


def test_a_cancelled_order_leaves_it_to_the_channels_rule_whether_units_are_back(house: House) -> None:
    made = _sold(house)
    house.shop.cancel(made)
    order = house.run(_get(house, made))
    (line,) = order.lines
    assert (order.status, line.held, line.refunded, line.restocked) == ("cancelled", 3, 3, None)


def test_a_refund_of_a_whole_line_says_how_many_units_a_part_of_it_does_not(house: House) -> None:
    made = _sold(house)
    house.shop.refund(made, [{"sku": "TEE", "quantity": 1}])
    order = house.run(_get(house, made))
    assert (order.lines[0].refunded, order.refunded) == (0, Money(1250, "USD"))
    house.shop.refund(made, [{"sku": "TEE", "quantity": 2}])
    order = house.run(_get(house, made))
    assert (order.lines[0].refunded, order.lines[0].restocked, order.refunded) == (3, None, Money(3750, "USD"))


def test_a_refund_that_failed_gave_nothing_back(house: House) -> None:
    made = _sold(house)
    house.shop.refund(made, [{"sku": "TEE", "quantity": 1}])

    payload = shown(house.state, house.state.orders[made], single=True)
    payload["paymentSummary"]["refunds"][0]["refundStatus"] = "FAILED"
    assert read_order(payload).refunded == Money(0, "USD")


def test_a_buyer_whom_ebay_redacts_leaves_an_order_that_is_read(house: House) -> None:
    made = _sold(house)
    payload = shown(house.state, house.state.orders[made], single=True)
    payload["buyer"] = {}
    payload["fulfillmentStartInstructions"] = []
    order = read_order(payload)
    assert order.ship_to is None
    assert order.customer is not None
    assert (order.customer.id, order.customer.name) == ("", "")


def test_a_cancellation_that_is_only_asked_for_changes_nothing(house: House) -> None:
    made = _sold(house)
    house.state.orders[made]["cancelStatus"] = {"cancelState": "IN_PROGRESS", "cancelRequests": []}
    assert house.run(_get(house, made)).status == "paid"


def test_lines_shipping_and_discount_make_the_total(house: House) -> None:
    house.shop.seed([good("TEE", price="19.99"), good("CAP", price="0.07")])
    made = house.shop.sale(
        [{"sku": "TEE", "quantity": 3}, {"sku": "CAP", "quantity": 1}], discount="5.00", shipping="4.91"
    )
    order = house.run(_get(house, made))
    assert order.total.minor == 3 * 1999 + 7 - 500 + 491
    assert sum(line.total.minor for line in order.lines) + order.shipping.minor == order.total.minor


def test_many_orders_are_all_read_although_one_changes_meanwhile(house: House) -> None:
    house.shop.seed([good("TEE", stock=1000)])
    made = [house.shop.sale([{"sku": "TEE", "quantity": 1}]) for _ in range(450)]
    feed = house.ebay.sales.changes

    def meddle(request: httpx.Request) -> None:
        if request.url.params.get("offset") == "190":
            house.shop.sale([{"sku": "TEE", "quantity": 1}])

    house.wire.instead = meddle
    items, _ = house.drain(feed, feed.begin(START))
    assert set(made) <= {one.id for one in items}
    assert len(house.wire.paths("/order")) == 3


def test_a_backlog_is_read_month_by_month_oldest_first(house: House) -> None:
    house.shop.seed([good("TEE", stock=100)])
    for _ in range(4):
        house.shop.sale([{"sku": "TEE", "quantity": 1}])
        house.wait(20 * 86_400)
    feed = house.ebay.sales.changes

    async def pages() -> list[Any]:
        return [page async for page in feed.since(feed.begin(START))]

    found = house.run(pages())
    assert [len(page.items) for page in found] == [2, 1, 1]
    assert [page.cursor for page in found] == sorted(page.cursor for page in found)
    assert house.drain(feed, found[0].cursor)[0][0].placed_at == START + timedelta(days=40)


def test_more_than_two_years_are_never_asked_for(house: House) -> None:
    _sold(house)
    feed = house.ebay.sales.changes
    items, _ = house.drain(feed, feed.begin(START - timedelta(days=3000)))
    assert len(items) == 1


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Royal Mail", "RoyalMail"), ("DHL Express", "DHL"), ("dhl", "DHL"), ("UPS®", "UPS"), ("Evri", "Hermes"),
        ("Bob", "Other"), ("", "Other"),
    ],
)  # fmt: skip
def test_carriers_have_ebays_names(name: str, code: str) -> None:
    assert CARRIERS.code(name) == code


def _fulfil(house: House, order: Order, *parcels: Tracking) -> Order:
    async def ship() -> Order:
        assert house.ebay.order_writer is not None
        return await house.ebay.order_writer.fulfil(order, parcels, "key")

    return house.run(ship())


def test_two_parcels_are_two_calls_and_a_repeat_none(house: House) -> None:
    order = house.run(_get(house, _sold(house)))
    parcels = (Tracking(number="JD 00-01", carrier="Royal Mail"), Tracking(number="1Z9", carrier="UPS"))
    shipped = _fulfil(house, order, *parcels)
    assert [(one.number, one.carrier) for one in shipped.tracking] == [("JD0001", "RoyalMail"), ("1Z9", "UPS")]
    assert shipped.status == "fulfilled"
    before = len(house.wire.sent)
    assert _fulfil(house, order, *parcels).tracking == shipped.tracking
    assert {one.method for one in house.wire.sent[before:]} == {"GET"}


def test_a_lost_answer_of_shipping_is_finished_by_the_repeat(house: House) -> None:
    order = house.run(_get(house, _sold(house)))
    parcels = (Tracking(number="A1", carrier="UPS"), Tracking(number="B2", carrier="UPS"))
    house.platform.faults.add(kind="cut_after", method="POST", path="shipping_fulfillment$")
    with pytest.raises(TryLater):
        _fulfil(house, order, *parcels)
    assert [one.number for one in _fulfil(house, order, *parcels).tracking] == ["A1", "B2"]


def test_without_a_number_it_is_shipped_all_the_same(house: House) -> None:
    order = house.run(_get(house, _sold(house)))
    shipped = _fulfil(house, order, Tracking(number=" - ", carrier="UPS"))
    assert (shipped.status, shipped.tracking) == ("fulfilled", ())


def _refund(house: House, order: Order, minor: int, *, lines: bool = True, currency: str = "USD") -> Order:
    amount = Money(minor, currency)
    rows = [LineRefund(line_id=order.lines[0].id, quantity=1, amount=amount)] if lines else []

    async def give_back() -> Order:
        assert house.ebay.order_writer is not None
        return await house.ebay.order_writer.refund(order, rows, amount, restock=False, reason="x" * 300, key="k")

    return house.run(give_back())


def test_a_refund_is_given_once_whatever_the_number_of_tries(house: House) -> None:
    order = house.run(_get(house, _sold(house)))
    house.platform.faults.add(kind="cut_after", path="issue_refund$")
    with pytest.raises(TryLater) as caught:
        _refund(house, order, 1250)
    assert caught.value.maybe_applied
    for _ in range(2):
        assert _refund(house, order, 1250).refunded == Money(1250, "USD")
    assert len(house.wire.paths("issue_refund")) == 1


def test_while_a_refund_is_under_way_another_one_waits(build_house: Callable[..., House]) -> None:
    house = build_house(refund_seconds=3600)
    order = house.run(_get(house, _sold(house)))
    first = _refund(house, order, 1250)
    assert first.refunded == Money(1250, "USD"), "money that is on its way is gone"
    with pytest.raises(TryLater) as caught:
        _refund(house, first, 500)
    assert caught.value.code == "34922"
    house.wait(3600)
    assert _refund(house, first, 500, lines=False).refunded == Money(1750, "USD")


@pytest.mark.parametrize(("minor", "currency"), [(9_999_99, "USD"), (100, "EUR")])
def test_what_cannot_be_refunded_is_refused_before_anything_is_sent(house: House, minor: int, currency: str) -> None:
    order = house.run(_get(house, _sold(house)))
    with pytest.raises(Refused):
        _refund(house, order, minor, currency=currency)
    assert house.wire.paths("issue_refund") == []


def test_ebays_own_word_comes_with_a_refusal(house: House) -> None:
    order = house.run(_get(house, _sold(house, paid=False)))
    with pytest.raises(Refused, match="type of order") as caught:
        _refund(house, order, 1250)
    assert caught.value.code == "34923"


def test_cancelling_says_where_it_can_be_done(house: House) -> None:
    made = _sold(house)
    order = house.run(_get(house, made))

    async def cancel() -> Order:
        assert house.ebay.order_writer is not None
        return await house.ebay.order_writer.cancel(order, restock=True, key="k")

    with pytest.raises(Refused) as caught:
        house.run(cancel())
    assert "Seller Hub" in caught.value.next_step
    house.shop.cancel(made)
    assert house.run(cancel()).status == "cancelled"
