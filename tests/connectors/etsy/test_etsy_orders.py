"""Receipts: their money, what they say of goods, the feed's pages, and parcels in Etsy's words."""

from datetime import timedelta
from typing import Any

import pytest

from bridge.contract.errors import Refused
from bridge.domain.money import Money
from bridge.domain.orders import Tracking
from bridge.sandbox.kit.loop import START
from connectors.etsy.mapping import CARRIERS
from connectors.etsy.mapping import order as read
from tests.connectors.etsy.conftest import Open
from tests.contract.bench import Bench, good, pages

pytestmark = pytest.mark.anyio


async def test_a_receipts_money_is_divided_to_the_cent(shop: Bench) -> None:
    await shop.seed(good("TEE", stock=9, price="3.33"), good("CAP", stock=9, price="10.00"))
    rows = [{"sku": "TEE", "quantity": 3}, {"sku": "CAP", "quantity": 1}]
    made = shop.shop.sale(rows, discount="1.00", tax="0.77", shipping="4.90")
    order = await shop.sales.get(made)
    assert order.total == Money(999 + 1000 - 100 + 77 + 490, "USD")
    assert sum(line.total.minor for line in order.lines) + order.shipping.minor == order.total.minor
    assert sum(line.tax.minor for line in order.lines) == 77
    assert order.shipping == Money(490, "USD")


async def test_without_cents_it_is_exact_too(new_shop: Open) -> None:
    shop = new_shop(currency="JPY")
    await shop.seed(good("TEE", stock=9, price="1200"))
    order = await shop.sales.get(shop.shop.sale([{"sku": "TEE", "quantity": 2}], discount="101"))
    assert (order.total, order.lines[0].unit_price) == (Money(2299, "JPY"), Money(1200, "JPY"))


async def test_a_refund_is_money_and_moves_no_goods(shop: Bench) -> None:
    await shop.seed(good("TEE", stock=9))
    made = shop.shop.sale([{"sku": "TEE", "quantity": 2}])
    shop.shop.refund(made, [{"sku": "TEE", "quantity": 1}])
    order = await shop.sales.get(made)
    assert (order.refunded, order.status) == (Money(1250, "USD"), "paid")
    assert [(line.held, line.refunded, line.restocked) for line in order.lines] == [(2, 0, 0)]
    assert shop.number("TEE") == 7


async def test_a_cancellation_keeps_the_units_and_leaves_the_goods_to_the_policy(shop: Bench) -> None:
    await shop.seed(good("TEE", stock=2))
    made = shop.shop.sale([{"sku": "TEE", "quantity": 2}])
    shop.shop.cancel(made)
    order = await shop.sales.get(made)
    assert (order.status, order.refunded) == ("cancelled", Money(2500, "USD"))
    assert [(line.held, line.refunded, line.restocked) for line in order.lines] == [(2, 2, None)]
    assert (shop.number("TEE"), shop.shop.state_of("TEE")) == (0, "sold_out")


async def test_many_receipts_of_one_second_are_all_read(shop: Bench) -> None:
    await shop.seed(good("TEE", stock=900))
    made = [shop.shop.sale([{"sku": "TEE", "quantity": 1}]) for _ in range(230)]
    await shop.wait(1)
    made += [shop.shop.sale([{"sku": "TEE", "quantity": 1}]) for _ in range(5)]
    found = await pages(shop.sales.changes, shop.sales.changes.begin(START - timedelta(days=1)))
    ids = [one.id for page in found for one in page.items]
    assert sorted(ids) == sorted(made)
    assert len(found) <= 5


async def test_a_receipt_that_changes_while_it_is_read_is_not_lost(shop: Bench) -> None:
    await shop.seed(good("TEE", stock=900))
    made = []
    for _ in range(150):
        await shop.wait(1)
        made.append(shop.shop.sale([{"sku": "TEE", "quantity": 1}]))
    seen: dict[str, str] = {}
    async for page in shop.sales.changes.since(shop.sales.changes.begin(START - timedelta(days=1))):
        if not seen:
            for order in made[5:40]:
                shop.shop.fulfil(order)
        seen |= {one.id: one.status for one in page.items}
    assert sorted(seen) == sorted(made)
    assert {seen[order] for order in made[5:40]} == {"fulfilled"}


async def test_a_parcel_is_told_once_however_often_it_is_asked(shop: Bench) -> None:
    await shop.seed(good("TEE", stock=9))
    order = await shop.sales.get(shop.shop.sale([{"sku": "TEE", "quantity": 2}]))
    parcels = [Tracking(number="A1", carrier="DHL Paket"), Tracking(number="A2", carrier="Pigeon Express")]
    for key in ("k-1", "k-2"):
        shipped = await shop.writer.fulfil(order, parcels, key)
        assert [(one.number, one.carrier) for one in shipped.tracking] == [("A1", "DHL Germany"), ("A2", "other")]
    assert (await shop.writer.fulfil(order, [], "k-3")).status == "fulfilled"
    assert sum(call.path.endswith("/tracking") for call in shop.wire.calls) == 2


async def test_a_parcel_that_is_named_twice_is_told_once(shop: Bench) -> None:
    await shop.seed(good("TEE", stock=9))
    order = await shop.sales.get(shop.shop.sale([{"sku": "TEE", "quantity": 2}]))
    await shop.writer.fulfil(order, [Tracking(number="A1", carrier="UPS")] * 2, "k")
    assert sum(call.path.endswith("/tracking") for call in shop.wire.calls) == 1


async def test_a_receipt_with_an_odd_time_is_set_aside_and_the_others_are_told(shop: Bench) -> None:
    await shop.seed(good("TEE", stock=9))
    odd, made = (shop.shop.sale([{"sku": "TEE", "quantity": 1}]) for _ in "12")
    shop.shop.state.receipts.all[int(odd)].updated = 10**17
    found = await pages(shop.sales.changes, shop.sales.changes.begin(START - timedelta(days=1)))
    assert [one.id for page in found for one in page.items] == [made]
    assert [one.id for page in found for one in page.bad] == [odd]


async def test_a_carrier_that_etsy_does_not_take_after_all_is_sent_as_other(
    shop: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.sandbox.etsy.receipts.CARRIERS", frozenset({"other"}))
    await shop.seed(good("TEE", stock=9))
    order = await shop.sales.get(shop.shop.sale([{"sku": "TEE", "quantity": 2}]))
    shipped = await shop.writer.fulfil(order, [Tracking(number="A1", carrier="UPS")], "k")
    assert [(one.number, one.carrier) for one in shipped.tracking] == [("A1", "other")]


async def test_what_was_cancelled_is_not_shipped(shop: Bench) -> None:
    await shop.seed(good("TEE", stock=9))
    made = shop.shop.sale([{"sku": "TEE", "quantity": 2}])
    order = await shop.sales.get(made)
    shop.shop.cancel(made)
    with pytest.raises(Refused, match="cancelled"):
        await shop.writer.fulfil(order, [], "k")


@pytest.mark.parametrize(
    ("ours", "etsys"),
    [("UPS", "ups"), ("United States Postal Service", "usps"), ("royal mail", "royal-mail"), ("Evri", "hermes"),
     ("DHL", "dhl"), ("", "other"), ("Somebody", "other")],
)  # fmt: skip
def test_carriers_in_etsys_words(ours: str, etsys: str) -> None:
    assert CARRIERS.code(ours) == etsys
    assert CARRIERS.code(CARRIERS.name(etsys)) == etsys


def _cash(amount: int) -> dict[str, Any]:
    return {"amount": amount, "divisor": 100, "currency_code": "USD"}


def test_an_old_receipt_tells_the_variation_by_the_buyers_choices() -> None:
    """Fields as in the specification (ShopReceipt, TransactionVariations); property 54 is personalisation."""
    choices = [
        {"property_id": 513, "value_id": 77, "formatted_name": "Size", "formatted_value": "M"},
        {"property_id": 54, "value_id": None, "formatted_name": "Personalization", "formatted_value": "Ada"},
    ]
    transaction = {
        "transaction_id": 5, "listing_id": 9, "quantity": 1, "price": _cash(1000), "variations": choices, "sku": None,
    }  # fmt: skip
    receipt = {
        "receipt_id": 1, "status": "Completed", "is_paid": True, "is_shipped": True, "create_timestamp": 1_700_000_000,
        "update_timestamp": 1_700_000_100, "grandtotal": _cash(1000), "transactions": [transaction],
    }  # fmt: skip
    order = read(receipt)
    assert (order.status, order.lines[0].variant_id, order.lines[0].sku) == ("fulfilled", "9:513=77", None)
    assert order.updated_at - order.placed_at == timedelta(seconds=100)
