"""The order writer: mirrors that are found again, and what happens to them, each once."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from bridge.contract.errors import Gone, Refused, TryLater
from bridge.contract.ports import LineRefund, OrderWriter
from bridge.domain.money import Money
from bridge.domain.orders import Address, Contact, Order, Tracking
from tests.contract.bench import Bench, good, tail

pytestmark = [pytest.mark.anyio, pytest.mark.offers("order_writer")]

PARCEL = Tracking(number="JD0001", carrier="DHL", url="https://track.example/JD0001")
REFERENCE = "bridge:m-17"


async def _mirror(bench: Bench, quantity: int = 2, **changes: Any) -> Order:
    await bench.seed(good("TEE", stock=10), good("CAP", stock=10))
    order = bench.foreign_order(REFERENCE, await bench.line("TEE", quantity, 1250 * quantity))
    return await bench.writer.mirror(replace(order, **changes))


async def _order(bench: Bench, quantity: int = 2) -> Order:
    """Return an order to work on: a mirror where there can be any, else one that a shopper made there."""
    if "mirror" in bench.limits.order_actions:
        return await _mirror(bench, quantity)
    await bench.seed(good("TEE", stock=10), good("CAP", stock=10))
    made = bench.shop.sale([{"sku": "TEE", "quantity": quantity}], **bench.facts.ship)
    return await bench.sales.get(tail(made))


def _rows(order: Order, quantity: int, amount: int) -> list[LineRefund]:
    return [LineRefund(line_id=order.lines[0].id, quantity=quantity, amount=Money(amount, "USD"))]


@pytest.mark.where("can_mirror")
async def test_what_was_never_made_is_not_found(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    bench.shop.sale([{"sku": "TEE", "quantity": 1}])
    assert await bench.writer.find("bridge:never") is None


@pytest.mark.where("can_mirror")
async def test_a_mirror_is_found_by_its_reference(bench: Bench) -> None:
    made = await _mirror(bench)
    found = await bench.writer.find(REFERENCE)
    assert found is not None
    assert (found.id, found.reference, made.reference) == (made.id, REFERENCE, REFERENCE)
    assert len(bench.shop.orders()) == 1


@pytest.mark.where("can_mirror")
@pytest.mark.parametrize("near", ["bridge:m-1", "bridge:m-170", "bridge:M-17", "m-17", "bridge", "17"])
async def test_only_the_exact_reference_is_found(bench: Bench, near: str) -> None:
    await _mirror(bench)
    assert await bench.writer.find(near) is None


@pytest.mark.where("can_mirror")
async def test_a_mirror_is_found_after_many_others_and_a_restart(bench: Bench) -> None:
    made = await _mirror(bench)
    for number in range(8):
        await bench.wait(3600)
        await bench.writer.mirror(bench.foreign_order(f"bridge:other-{number}", await bench.line("CAP")))
    found = await _writer_of(bench).find(REFERENCE)
    assert found is not None
    assert found.id == made.id


def _writer_of(bench: Bench) -> OrderWriter:
    writer = bench.connect().order_writer
    assert writer is not None
    return writer


@pytest.mark.where("can_mirror")
async def test_a_mirror_appears_in_the_feed_with_its_reference(bench: Bench) -> None:
    made = await _mirror(bench)
    assert {one.id: one.reference for one in (await bench.orders()).values()} == {made.id: REFERENCE}


async def test_a_sale_of_the_shop_has_no_reference(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    made = bench.shop.sale([{"sku": "TEE", "quantity": 1}])
    assert (await bench.sales.get(tail(made))).reference is None


@pytest.mark.where("can_mirror")
async def test_a_mirror_takes_units_if_and_only_if_its_limits_say_so(bench: Bench) -> None:
    made = await _mirror(bench, 3)
    assert bench.number("TEE") == (7 if bench.limits.mirror_takes_stock else 10)
    assert [line.held for line in made.lines] == [10 - bench.number("TEE")]


@pytest.mark.where("can_mirror")
async def test_a_mirror_takes_units_even_where_there_are_none(bench: Bench) -> None:
    """It is sold, elsewhere, in any case."""
    await _mirror(bench, 12)
    assert bench.number("TEE") == (-2 if bench.limits.mirror_takes_stock else 10)


@pytest.mark.where("can_mirror")
async def test_a_mirror_is_paid(bench: Bench) -> None:
    assert (await _mirror(bench)).status in {"paid", "fulfilled"}


@pytest.mark.where("can_mirror")
@pytest.mark.parametrize(
    ("lines", "shipping", "total"),
    [
        ([(1, 1250)], 0, None),
        ([(3, 1000)], 0, None),
        ([(3, 1000), (2, 999)], 490, None),
        ([(1, 1250)], 490, 1500),
        ([(2, 2500)], 0, 2777),
        ([(7, 1)], 0, None),
        ([(1, 0)], 0, None),
    ],
)
async def test_totals_are_exact(bench: Bench, lines: list[tuple[int, int]], shipping: int, total: int | None) -> None:
    await bench.seed(good("TEE", stock=10), good("CAP", stock=10))
    rows = [await bench.line(sku, *line, 0) for sku, line in zip(("TEE", "CAP"), lines, strict=False)]
    wanted = bench.foreign_order(REFERENCE, *rows, shipping=shipping, total=total)
    made = await bench.writer.mirror(wanted)
    assert made.total == wanted.total
    (row,) = bench.shop.orders()
    assert Money.parse(str(row["total"]), "USD") == wanted.total


@pytest.mark.where("can_mirror")
async def test_tax_in_the_price_is_not_added_again(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    made = await bench.writer.mirror(bench.foreign_order(REFERENCE, await bench.line("TEE", 2, 2380, tax=380)))
    assert made.total == Money(2380, "USD")


@pytest.mark.where("can_mirror")
async def test_units_and_variants_are_mirrored_exactly(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10), good("CAP", stock=10))
    rows = [await bench.line("TEE", 2, 2500), await bench.line("CAP", 3, 3000), await bench.line("TEE", 1, 1250)]
    made = await bench.writer.mirror(bench.foreign_order(REFERENCE, *rows))
    tally: dict[str | None, int] = {}
    for line in made.lines:
        tally[line.variant_id] = tally.get(line.variant_id, 0) + line.quantity
    assert tally == {rows[0].variant_id: 3, rows[1].variant_id: 3}


@pytest.mark.where("can_mirror")
async def test_a_line_that_the_shop_does_not_list_is_mirrored_by_name(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    listed = await bench.line("TEE")
    unlisted = replace(listed, variant_id=None, sku="ELSEWHERE-1", title="Sold elsewhere only")
    made = await bench.writer.mirror(bench.foreign_order(REFERENCE, listed, unlisted))
    assert made.total == Money(2500, "USD")
    assert bench.number("TEE") == (9 if bench.limits.mirror_takes_stock else 10)


@pytest.mark.where("can_mirror")
async def test_the_buyer_and_the_address_come_along(bench: Bench) -> None:
    home = Address(name="Ada Lovelace", line1="12 St James's Square", city="London", postcode="SW1Y 4JH", country="GB")
    made = await _mirror(bench, customer=Contact(name="Ada Lovelace", email="ada@example.com"), ship_to=home)
    found = await bench.sales.get(made.id)
    assert found.ship_to is not None
    assert (found.ship_to.name, found.ship_to.line1, found.ship_to.city) == ("Ada Lovelace", home.line1, "London")
    assert (found.ship_to.postcode, found.ship_to.country) == ("SW1Y 4JH", "GB")


@pytest.mark.where("can_mirror")
async def test_a_line_of_no_units_is_refused(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    for quantity in (0, -1):
        line = replace(await bench.line("TEE"), quantity=quantity)
        with pytest.raises(Refused):
            await bench.writer.mirror(bench.foreign_order(REFERENCE, line))
    assert bench.shop.orders() == []


@pytest.mark.where("can_mirror")
async def test_a_variant_that_is_no_more_is_refused_or_kept_by_name(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10), good("CAP", stock=10))
    line = await bench.line("TEE")
    bench.shop.delete_product("TEE")
    made = None
    with contextlib.suppress(Refused, Gone):
        made = await bench.writer.mirror(bench.foreign_order(REFERENCE, line))
    assert made is None or made.total == Money(1250, "USD")
    assert len(bench.shop.orders()) == (0 if made is None else 1)
    assert bench.number("CAP") == 10


@pytest.mark.where("can_fulfil")
async def test_shipping_marks_everything_and_carries_the_parcel(bench: Bench) -> None:
    made = await _order(bench)
    shipped = await bench.writer.fulfil(made, [PARCEL], "key-1")
    assert shipped.status == "fulfilled"
    assert [line.fulfilled for line in shipped.lines] == [2]
    assert [(one.number, one.carrier) for one in shipped.tracking] == [("JD0001", "DHL")]
    assert (await bench.sales.get(made.id)).status == "fulfilled"


@pytest.mark.where("can_fulfil")
async def test_shipping_moves_no_number(bench: Bench) -> None:
    made = await _order(bench)
    before = bench.number("TEE")
    await bench.writer.fulfil(made, [PARCEL], "key-1")
    assert bench.number("TEE") == before


@pytest.mark.where("can_fulfil")
@pytest.mark.parametrize("key", ["key-1", "key-2"])
async def test_shipping_twice_is_harmless(bench: Bench, key: str) -> None:
    made = await _order(bench)
    first = await bench.writer.fulfil(made, [PARCEL], "key-1")
    await bench.wait(60)
    second = await bench.writer.fulfil(made, [PARCEL], key)
    assert second.status == "fulfilled"
    assert (second.lines, second.tracking) == (first.lines, first.tracking)


@pytest.mark.where("can_fulfil")
async def test_shipping_without_a_parcel_number_is_fine(bench: Bench) -> None:
    made = await _order(bench)
    shipped = await bench.writer.fulfil(made, [], "key-1")
    assert (shipped.status, shipped.tracking) == ("fulfilled", ())


@pytest.mark.where("cancels")
@pytest.mark.where("can_fulfil")
async def test_what_is_cancelled_cannot_be_shipped(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    how = {"paid": False} if bench.facts.unpaid else bench.facts.ship
    made = bench.shop.sale([{"sku": "TEE", "quantity": 1}], **how)
    bench.shop.cancel(made)
    order = await bench.sales.get(tail(made))
    number = bench.number("TEE")
    with contextlib.suppress(Refused):
        await bench.writer.fulfil(order, [PARCEL], "key-1")
    assert (await bench.sales.get(order.id)).status == "cancelled"
    assert bench.number("TEE") == number


@pytest.mark.where("cancel_as_told")
@pytest.mark.where("can_cancel")
@pytest.mark.where("cancels_paid")
@pytest.mark.parametrize("restock", [True, False])
async def test_a_cancelled_order_gives_its_units_back_as_told(bench: Bench, restock: bool) -> None:
    made = await _order(bench)
    taken = 10 - bench.number("TEE")
    cancelled = await bench.writer.cancel(made, restock=restock, key="key-1")
    await bench.wait(60)
    assert (await bench.sales.get(made.id)).status == "cancelled"
    assert cancelled.id == made.id
    assert bench.number("TEE") == (10 if restock else 10 - taken)


@pytest.mark.where("can_cancel")
@pytest.mark.where("cancels_paid")
@pytest.mark.where("not cancel_as_told")
@pytest.mark.parametrize("restock", [True, False])
async def test_a_cancelled_order_moves_units_as_the_platform_does(bench: Bench, restock: bool) -> None:
    made = await _order(bench)
    taken = 10 - bench.number("TEE")
    await bench.writer.cancel(made, restock=restock, key="key-1")
    await bench.wait(60)
    after = await bench.sales.get(made.id)
    assert after.status == "cancelled"
    assert bench.number("TEE") == (10 if bench.facts.cancel_puts_back else 10 - taken)
    assert [line.held for line in after.lines] in ([10 - bench.number("TEE")], [None])


@pytest.mark.where("can_cancel")
@pytest.mark.where("cancels_paid")
async def test_cancelling_twice_gives_units_back_once(bench: Bench) -> None:
    made = await _order(bench)
    for key in ("key-1", "key-1", "key-2"):
        await bench.writer.cancel(made, restock=True, key=key)
        await bench.wait(60)
    assert bench.number("TEE") == (10 if bench.facts.cancel_as_told or bench.facts.cancel_puts_back else 8)


@pytest.mark.where("can_cancel")
@pytest.mark.where("not cancels_paid")
async def test_what_cannot_be_cancelled_is_refused_with_the_way_out(bench: Bench) -> None:
    made = await _order(bench)
    number = bench.number("TEE")
    with pytest.raises(Refused) as caught:
        await bench.writer.cancel(made, restock=True, key="key-1")
    assert caught.value.next_step
    assert bench.number("TEE") == number


@pytest.mark.where("unpaid")
@pytest.mark.where("can_cancel")
@pytest.mark.where("cancels_paid")
async def test_an_unpaid_order_can_be_cancelled(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    made = bench.shop.sale([{"sku": "TEE", "quantity": 1}], paid=False, **bench.facts.ship)
    order = await bench.sales.get(tail(made))
    for key in ("key-1", "key-2"):
        await bench.writer.cancel(order, restock=True, key=key)
        await bench.wait(60)
    assert (await bench.sales.get(order.id)).status == "cancelled"
    assert bench.number("TEE") == 10


async def _refund(bench: Bench, order: Order, key: str, *, units: int = 1, restock: bool = False) -> Order:
    amount = Money(1250 * units, "USD")
    return await bench.writer.refund(
        order, _rows(order, units, amount.minor), amount, restock=restock, reason="came back", key=key
    )


async def _units_back(bench: Bench) -> int:
    """Say how many units (of 12.50 each) were refunded: by line, or by amount where the platform has no lines for it."""
    orders = (await bench.orders()).values()
    money = sum(one.refunded.minor for one in orders) // 1250
    return max(money, sum(line.refunded for one in orders for line in one.lines))


@pytest.mark.where("can_refund")
async def test_a_refund_under_one_key_happens_once(bench: Bench) -> None:
    made = await _order(bench)
    number = bench.number("TEE")
    for _ in range(3):
        await _refund(bench, made, "key-1")
        await bench.wait(60)
    assert await _units_back(bench) == 1
    assert bench.number("TEE") == number


@pytest.mark.where("can_refund")
async def test_refunds_under_two_keys_are_two(bench: Bench) -> None:
    made = await _order(bench)
    await _refund(bench, made, "key-1")
    await _refund(bench, await bench.sales.get(made.id), "key-2")
    assert await _units_back(bench) == 2


@pytest.mark.where("can_refund")
async def test_a_refund_with_a_lost_answer_happens_once(bench: Bench) -> None:
    made = await _order(bench)
    bench.fault("cut_after", "refund")
    try:
        await _refund(bench, made, "key-1")
    except TryLater:
        await _refund(bench, made, "key-1")
    assert await _units_back(bench) == 1


@pytest.mark.where("can_refund")
@pytest.mark.where("refund_restocks")
async def test_a_refund_puts_units_back_once_where_asked(bench: Bench) -> None:
    made = await _order(bench)
    number = bench.number("TEE")
    for _ in range(2):
        after = await _refund(bench, made, "key-1", restock=True)
    taken = bench.limits.mirror_takes_stock or "mirror" not in bench.limits.order_actions
    assert bench.number("TEE") == number + (1 if taken else 0)
    assert [(line.refunded, line.restocked) for line in after.lines] == [(1, 1)]


@pytest.mark.where("can_refund")
@pytest.mark.where("not refund_restocks")
async def test_a_restock_that_cannot_be_is_refused_before_money_moves(bench: Bench) -> None:
    made = await _order(bench)
    with pytest.raises(Refused) as caught:
        await _refund(bench, made, "key-1", restock=True)
    assert caught.value.next_step
    assert await _units_back(bench) == 0


@pytest.mark.where("can_refund")
async def test_more_than_there_is_cannot_be_refunded(bench: Bench) -> None:
    made = await _order(bench)
    with pytest.raises(Refused):
        await _refund(bench, made, "key-1", units=9)
    assert await _units_back(bench) == 0


@pytest.mark.where("can_refund")
async def test_a_refund_in_another_currency_is_refused(bench: Bench) -> None:
    made = await _order(bench)
    rows = [LineRefund(line_id=made.lines[0].id, quantity=1, amount=Money(1250, "EUR"))]
    with pytest.raises(Refused):
        await bench.writer.refund(made, rows, Money(1250, "EUR"), restock=False, reason="", key="key-1")
    assert await _units_back(bench) == 0


@pytest.mark.where("can_mirror")
async def test_mirrors_at_once_are_all_made(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    line = await bench.line("TEE")
    orders = [bench.foreign_order(f"bridge:m-{number}", line) for number in range(4)]
    await asyncio.gather(*(bench.writer.mirror(order) for order in orders))
    assert len(bench.shop.orders()) == 4
    assert bench.number("TEE") == (6 if bench.limits.mirror_takes_stock else 10)


async def test_what_its_limits_do_not_list_is_refused(bench: Bench) -> None:
    made = await _order(bench)
    actions: dict[str, Callable[[], Awaitable[object]]] = {
        "mirror": lambda: bench.writer.mirror(bench.foreign_order("bridge:m-18")),
        "find": lambda: bench.writer.find("bridge:m-18"),
        "fulfil": lambda: bench.writer.fulfil(made, [], "key-1"),
        "cancel": lambda: bench.writer.cancel(made, restock=True, key="key-1"),
        "refund": lambda: _refund(bench, made, "key-1"),
    }
    here = bench.limits.order_actions | ({"find"} if "mirror" in bench.limits.order_actions else set())
    before = (bench.shop.orders(), bench.shop.stock())
    for name in sorted(set(actions) - here):
        with pytest.raises(Refused):
            await actions[name]()
    assert set(actions) >= here
    assert (bench.shop.orders(), bench.shop.stock()) == before
