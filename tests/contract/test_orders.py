"""Orders: what people buy and give back, as snapshots that say what the platform did to its own numbers."""

from datetime import timedelta
from typing import Any

import pytest

from bridge.contract.errors import Gone
from bridge.domain.effects import number_effects
from bridge.domain.money import Money
from bridge.domain.orders import Order
from bridge.sandbox.kit.platform import RefusedError
from tests.contract.bench import Bench, good, tail

pytestmark = [pytest.mark.anyio, pytest.mark.offers("orders")]


async def _explains(bench: Bench, sku: str, opening: int = 10) -> None:
    """Check that all orders together say exactly what the platform's own number says."""
    bindings, key = await bench.bindings(), await bench.key(sku)
    moved = sum(number_effects(order, bindings).get(key, 0) for order in (await bench.orders()).values())
    assert moved == bench.number(sku) - opening


async def _sale(bench: Bench, quantity: int = 3, **how: object) -> tuple[str, Order]:
    await bench.seed(good("TEE", stock=10), good("CAP", stock=10, price="7.00"))
    made = bench.shop.sale([{"sku": "TEE", "quantity": quantity}], **how)
    return made, await bench.sales.get(tail(made))


async def test_a_sale_appears_once_with_what_was_bought(bench: Bench) -> None:
    made, order = await _sale(bench)
    (line,) = order.lines
    _, variant = await bench.variant("TEE")
    assert (line.variant_id, line.quantity, line.held) == (variant.id, 3, 3)
    assert (line.unit_price, line.total, order.total) == (Money(1250, "USD"), Money(3750, "USD"), Money(3750, "USD"))
    assert (order.id, order.currency, order.refunded.minor) == (tail(made), "USD", 0)
    assert line.location in {"", bench.home}
    assert list(await bench.orders()) == [tail(made)]


async def test_a_sale_is_paid_or_handed_over(bench: Bench) -> None:
    _, order = await _sale(bench)
    assert order.status in {"paid", "fulfilled"}
    assert order.reference is None
    assert order.placed_at <= order.updated_at <= bench.loop.now()


async def test_the_feed_and_a_single_read_say_the_same(bench: Bench) -> None:
    made, _ = await _sale(bench, **bench.facts.ship)
    bench.shop.fulfil(made)
    assert (await bench.orders())[tail(made)] == await bench.sales.get(tail(made))


async def test_reading_changes_nothing(bench: Bench) -> None:
    _, order = await _sale(bench)
    await bench.wait(60)
    assert await bench.sales.get(order.id) == order
    assert bench.number("TEE") == 7


@pytest.mark.parametrize("way", range(5))
async def test_every_way_of_buying_explains_the_number(bench: Bench, way: int) -> None:
    ways = bench.facts.ways
    how = ways[way % len(ways)]
    _, order = await _sale(bench, **how)
    await _explains(bench, "TEE")
    assert order.lines[0].held is not None, "a plain sale leaves no doubt"


@pytest.mark.where("unpaid")
async def test_an_unpaid_order_is_placed_and_explained(bench: Bench) -> None:
    _, order = await _sale(bench, paid=False)
    assert order.status == "placed"
    await _explains(bench, "TEE")


@pytest.mark.where("refunds")
@pytest.mark.where("refund_puts_back")
@pytest.mark.parametrize("units", [1, 3])
async def test_a_refund_that_puts_units_back_is_explained(bench: Bench, units: int) -> None:
    made, _ = await _sale(bench)
    bench.shop.refund(made, [{"sku": "TEE", "quantity": units}], restock=True)
    assert bench.number("TEE") == 7 + units
    await _explains(bench, "TEE")


@pytest.mark.where("refunds")
@pytest.mark.where("refund_puts_back")
@pytest.mark.where("not refund_is_order")
async def test_a_refund_is_seen_on_its_line(bench: Bench) -> None:
    made, _ = await _sale(bench)
    bench.shop.refund(made, [{"sku": "TEE", "quantity": 1}], restock=True)
    bench.shop.refund(made, [{"sku": "TEE", "quantity": 1}], restock=False)
    order = await bench.sales.get(tail(made))
    (line,) = order.lines
    assert (line.quantity, line.refunded, line.restocked, line.held) == (3, 2, 1, 2)
    assert order.refunded == Money(2500, "USD")


@pytest.mark.where("refunds")
@pytest.mark.where("refund_puts_back")
@pytest.mark.where("refund_is_order")
async def test_a_refund_of_its_own_names_the_order_it_takes_back(bench: Bench) -> None:
    made, _ = await _sale(bench)
    bench.shop.refund(made, [{"sku": "TEE", "quantity": 1}], restock=True)
    orders = await bench.orders()
    (back,) = [one for one in orders.values() if one.id != tail(made)]
    assert back.returns == tail(made)
    assert [(line.quantity, line.held, line.restocked) for line in back.lines] == [(-1, -1, 1)]
    assert back.total == Money(-1250, "USD")


@pytest.mark.where("refunds")
async def test_a_refund_that_keeps_units_is_explained(bench: Bench) -> None:
    made, _ = await _sale(bench)
    bench.shop.refund(made, [{"sku": "TEE", "quantity": 2}], restock=False)
    assert bench.number("TEE") == 7
    await _explains(bench, "TEE")


@pytest.mark.where("refunds")
@pytest.mark.where("refund_puts_back")
async def test_refunds_one_after_another_add_up(bench: Bench) -> None:
    made, _ = await _sale(bench)
    for _ in range(3):
        await bench.wait(5)
        bench.shop.refund(made, [{"sku": "TEE", "quantity": 1}], restock=True)
    assert bench.number("TEE") == 10
    await _explains(bench, "TEE")
    refunded = [line.refunded for one in (await bench.orders()).values() for line in one.lines]
    given_back = sum(refunded) - sum(
        min(0, line.quantity) for one in (await bench.orders()).values() for line in one.lines
    )
    assert given_back == 3


@pytest.mark.where("cancels")
async def test_a_cancellation_is_explained(bench: Bench) -> None:
    made, _ = await _sale(bench, **bench.facts.ship)
    bench.shop.cancel(made)
    assert bench.number("TEE") == (10 if bench.facts.cancel_puts_back else 7)
    await _explains(bench, "TEE")


@pytest.mark.where("cancels")
@pytest.mark.where("cancel_keeps")
async def test_a_cancellation_that_keeps_units_is_explained(bench: Bench) -> None:
    made, _ = await _sale(bench, **bench.facts.ship)
    bench.shop.cancel(made, restock=False)
    assert bench.number("TEE") == 7
    await _explains(bench, "TEE")


@pytest.mark.where("cancels")
@pytest.mark.where("not refund_is_order")
async def test_a_cancelled_order_says_so(bench: Bench) -> None:
    made, _ = await _sale(bench)
    bench.shop.cancel(made)
    order = await bench.sales.get(tail(made))
    assert (order.status, [line.held for line in order.lines]) == ("cancelled", [10 - bench.number("TEE")])


@pytest.mark.where("cancels")
@pytest.mark.where("unpaid")
async def test_a_cancelled_unpaid_order_holds_what_the_platform_holds(bench: Bench) -> None:
    made, _ = await _sale(bench, paid=False)
    bench.shop.cancel(made)
    order = await bench.sales.get(tail(made))
    assert order.status == "cancelled"
    assert bench.number("TEE") == (10 if bench.facts.cancel_puts_back else 7)
    await _explains(bench, "TEE")


@pytest.mark.where("cancels")
@pytest.mark.where("refunds")
@pytest.mark.where("refund_puts_back")
async def test_a_cancellation_after_a_partial_refund_is_explained(bench: Bench) -> None:
    made, _ = await _sale(bench, **bench.facts.ship)
    bench.shop.refund(made, [{"sku": "TEE", "quantity": 1}], restock=True)
    bench.shop.cancel(made)
    assert bench.number("TEE") == (10 if bench.facts.cancel_puts_back else 8)
    await _explains(bench, "TEE")


@pytest.mark.where("edits")
@pytest.mark.parametrize("quantity", [1, 2, 5])
async def test_an_edit_is_explained(bench: Bench, quantity: int) -> None:
    made, _ = await _sale(bench, paid=bench.facts.edits_paid)
    bench.shop.edit_order(made, "TEE", quantity)
    order = await bench.sales.get(tail(made))
    assert sum(line.quantity for line in order.lines) == quantity
    assert sum(line.total.minor for line in order.lines) == 1250 * quantity
    await _explains(bench, "TEE")


@pytest.mark.where("edits")
async def test_an_edit_below_what_came_back_is_explained(bench: Bench) -> None:
    made, _ = await _sale(bench, paid=bench.facts.edits_paid)
    if bench.facts.edits_paid:
        bench.shop.refund(made, [{"sku": "TEE", "quantity": 2}], restock=True)
    bench.shop.edit_order(made, "TEE", 1)
    await _explains(bench, "TEE")


@pytest.mark.where("edits")
async def test_a_line_edited_away_is_explained(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10), good("CAP", stock=10))
    rows = [{"sku": "TEE", "quantity": 2}, {"sku": "CAP", "quantity": 1}]
    made = bench.shop.sale(rows, paid=bench.facts.edits_paid)
    bench.shop.edit_order(made, "TEE", 0)
    order = await bench.sales.get(tail(made))
    assert sum(line.quantity for line in order.lines) == 1
    await _explains(bench, "TEE")
    await _explains(bench, "CAP")


async def test_shipping_changes_no_number_and_is_seen(bench: Bench) -> None:
    made, _ = await _sale(bench, **bench.facts.ship)
    bench.shop.fulfil(made)
    order = await bench.sales.get(tail(made))
    assert order.status == "fulfilled"
    assert [line.fulfilled for line in order.lines] == [3]
    assert bench.number("TEE") == 7
    await _explains(bench, "TEE")


@pytest.mark.where("refunds")
@pytest.mark.where("refund_puts_back")
async def test_goods_that_come_back_after_shipping_are_explained(bench: Bench) -> None:
    made, _ = await _sale(bench, **bench.facts.ship)
    bench.shop.fulfil(made)
    bench.shop.refund(made, [{"sku": "TEE", "quantity": 2}], restock=True)
    assert bench.number("TEE") == 9
    await _explains(bench, "TEE")


async def test_several_lines_of_one_sku_all_count(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    other: dict[str, Any] = {"price": "9.99"} if bench.facts.line_prices else {}
    made = bench.shop.sale([{"sku": "TEE", "quantity": 2}, {"sku": "TEE", "quantity": 1, **other}])
    order = await bench.sales.get(tail(made))
    assert sum(line.quantity for line in order.lines) == 3
    assert order.total.minor == 2 * 1250 + (999 if other else 1250)
    assert bench.number("TEE") == 7
    await _explains(bench, "TEE")
    if bench.facts.refunds:
        bench.shop.refund(made, [{"sku": "TEE", "quantity": 1}], restock=bench.facts.refund_puts_back)
        await _explains(bench, "TEE")


async def test_many_lines_are_all_read(bench: Bench) -> None:
    skus = [f"SKU-{number:03d}" for number in range(60)]
    await bench.seed(*(good(sku, stock=10) for sku in skus))
    made = bench.shop.sale([{"sku": sku, "quantity": 1 + n % 3} for n, sku in enumerate(skus)])
    order = await bench.sales.get(tail(made))
    assert [line.quantity for line in order.lines] == [1 + n % 3 for n in range(60)]
    bindings = await bench.bindings()
    assert sum(number_effects(order, bindings).values()) == sum(map(bench.number, skus)) - 600


async def test_a_line_whose_product_was_deleted_is_still_a_line(bench: Bench) -> None:
    made, before = await _sale(bench)
    bench.shop.delete_product("TEE")
    order = await bench.sales.get(tail(made))
    assert [line.quantity for line in order.lines] == [3]
    assert order.lines[0].variant_id in {None, before.lines[0].variant_id}
    assert order.total == before.total
    assert tail(made) in await bench.orders()


async def test_the_total_is_what_the_platform_says(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=30, price="19.99"), good("CAP", stock=30, price="0.35"))
    ways = bench.facts.ways
    for way in ways:
        bench.shop.sale([{"sku": "TEE", "quantity": 3}, {"sku": "CAP", "quantity": 7}], **way)
    orders = await bench.orders()
    for row in bench.shop.orders():
        assert orders[tail(str(row["id"]))].total == Money.parse(str(row["total"]), "USD")
    assert len(orders) == len(ways)


async def test_lines_and_shipping_make_the_total(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=30, price="19.99"), good("CAP", stock=30, price="0.35"))
    for way in bench.facts.ways:
        bench.shop.sale([{"sku": "TEE", "quantity": 3}, {"sku": "CAP", "quantity": 7}], **way)
    for order in (await bench.orders()).values():
        assert sum(line.total.minor for line in order.lines) + order.shipping.minor == order.total.minor


@pytest.mark.where("discounts")
async def test_a_discount_lowers_the_lines_by_exactly_itself(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=30, price="10.00"), good("CAP", stock=30, price="3.33"))
    made = bench.shop.sale([{"sku": "TEE", "quantity": 3}, {"sku": "CAP", "quantity": 1}], discount="5.00")
    order = await bench.sales.get(tail(made))
    assert order.total.minor == 3000 + 333 - 500
    assert sum(line.total.minor for line in order.lines) == order.total.minor


@pytest.mark.where("line_discounts")
async def test_a_discount_of_a_line_lowers_that_line_alone(bench: Bench) -> None:
    """Three for 10.00 at the price of the loyalty card: the line's total is no multiple of a price in whole cents."""
    await bench.seed(good("TEE", stock=30, price="4.00"), good("CAP", stock=30, price="3.33"))
    lines: list[dict[str, Any]] = [{"sku": "TEE", "quantity": 3, "discount": "2.00"}, {"sku": "CAP", "quantity": 1}]
    order = await bench.sales.get(tail(bench.shop.sale(lines)))
    assert sorted(line.total.minor for line in order.lines) == [333, 1000]
    assert order.total.minor == 1333


async def test_the_buyer_is_read_and_not_shown(bench: Bench) -> None:
    person = {"name": "Ada Lovelace", "email": "ada@example.com", "phone": "+441234567890"}
    _, order = await _sale(bench, customer=person)
    if order.customer is not None:
        assert order.customer.email in {"", "ada@example.com"}
        assert order.customer.id or order.customer.email
    assert "ada@example.com" not in repr(order)
    assert "Lovelace" not in repr(order)


@pytest.mark.where("moves_time")
async def test_each_change_moves_its_time(bench: Bench) -> None:
    made, order = await _sale(bench, **bench.facts.ship)
    await bench.wait(30)
    bench.shop.fulfil(made)
    later = await bench.sales.get(tail(made))
    assert later.updated_at - order.updated_at == timedelta(seconds=30)
    assert later.placed_at == order.placed_at


async def test_what_the_platform_refuses_leaves_no_order(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=1))
    try:
        bench.shop.sale([{"sku": "TEE", "quantity": 5}])
    except RefusedError:
        assert await bench.orders() == {}
    await _explains(bench, "TEE", opening=1)


async def test_two_orders_of_the_same_goods_are_two(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    made = [tail(bench.shop.sale([{"sku": "TEE", "quantity": 1}])) for _ in range(2)]
    assert sorted(await bench.orders()) == sorted(made)
    await _explains(bench, "TEE")


async def test_an_order_number_of_another_kind_is_gone(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    product, _ = await bench.variant("TEE")
    with pytest.raises(Gone):
        await bench.sales.get(product.id)


async def test_a_late_order_tells_when_it_was_placed(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    cursor = bench.sales.changes.begin(bench.loop.now())
    await bench.wait(5 * 3600)
    late = bench.loop.now() - timedelta(hours=3)
    made = tail(bench.shop.sale([{"sku": "TEE", "quantity": 1}], occurred_at=late.isoformat()))
    found = [one for page in [page async for page in bench.sales.changes.since(cursor)] for one in page.items]
    (order,) = [one for one in found if one.id == made]
    if bench.limits.late_orders:
        assert order.placed_at == late
    assert order.updated_at == bench.loop.now()
    await _explains(bench, "TEE")
