"""Orders: who ships, who cancelled, whose data is asked for, and the carriers' names."""

from collections.abc import Callable

import pytest

from bridge.contract.errors import NeedsPerson
from bridge.domain.orders import Tracking
from connectors.amazon.mapping import order
from connectors.amazon.orders import carrier
from tests.contract.bench import Bench, good

pytestmark = pytest.mark.anyio
Shop = Callable[..., Bench]


async def test_what_amazon_ships_is_held_at_its_warehouse(shop: Shop) -> None:
    bench = shop(fba=True)
    await bench.seed(good("TEE", stock={"Fulfilled by Amazon": 7}))
    order = await bench.sales.get(bench.shop.sale([{"sku": "TEE", "quantity": 2}]))
    assert [(line.location, line.held) for line in order.lines] == [("AMAZON_NA", 2)]
    levels = [level async for page in bench.connector.stock.scan() for level in page.items]
    assert [(tuple(level.key), level.quantity) for level in levels] == [(("fba:TEE", "AMAZON_NA"), 5)]


async def test_without_the_setting_goods_at_amazon_have_no_number(shop: Shop) -> None:
    bench = shop()
    await bench.seed(good("TEE", stock={"Fulfilled by Amazon": 7}))
    _, variant = await bench.variant("TEE")
    assert variant.stock_id is None


@pytest.mark.parametrize(("restock", "held", "restocked"), [(True, 0, 2), (False, 2, None)])
async def test_a_cancellation_restores_units_unless_there_were_none(
    shop: Shop, restock: bool, held: int, restocked: int | None
) -> None:
    bench = shop()
    await bench.seed(good("TEE", stock=10))
    made = bench.shop.sale([{"sku": "TEE", "quantity": 2}])
    bench.shop.cancel(made, restock=restock)
    (line,) = (await bench.sales.get(made)).lines
    assert (line.held, line.refunded, line.restocked) == (held, 2, restocked)


async def test_a_marketplace_that_is_not_known_is_no_dollar_shop(shop: Shop) -> None:
    with pytest.raises(NeedsPerson, match="no marketplace 'ATVPDKIKX0DEX' is known") as caught:
        shop().connect(marketplace="ATVPDKIKX0DEX")
    assert "ARBP9OOSHTCHU" in caught.value.next_step


@pytest.mark.parametrize("asked", [False, True])
async def test_who_bought_is_asked_for_only_where_the_merchant_wants_it(shop: Shop, asked: bool) -> None:
    roles = ("Product Listing", "Inventory and Order Tracking", "Direct-to-Consumer Shipping")
    bench = shop(roles=roles)
    await bench.seed(good("TEE", stock=10))
    made = bench.shop.sale([{"sku": "TEE", "quantity": 1}], customer={"name": "Ada", "email": "a@example.org"})
    order = await bench.connect(personal_data=asked).sales.get(made)
    assert (order.customer is not None, order.ship_to is not None) == (asked, asked)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Royal Mail", {"carrierCode": "Royal Mail"}), ("fed-ex", {"carrierCode": "FedEx"}),
        ("Uncle Bob", {"carrierCode": "Other", "carrierName": "Uncle Bob"}), ("", {"carrierCode": "Other", "carrierName": "Other"}),
    ],
)  # fmt: skip
def test_carriers_have_amazons_names(name: str, told: dict[str, str]) -> None:
    assert carrier(name) == told


async def test_a_shipment_carries_the_parcel_back(shop: Shop) -> None:
    bench = shop()
    await bench.seed(good("TEE", stock=10))
    order = await bench.sales.get(bench.shop.sale([{"sku": "TEE", "quantity": 1}]))
    shipped = await bench.writer.fulfil(order, [Tracking(number="1Z999", carrier="UPS")], "key")
    assert (shipped.status, shipped.tracking) == ("fulfilled", (Tracking(number="1Z999", carrier="UPS"),))


async def test_every_parcel_of_an_order_has_a_number_of_its_own(shop: Shop) -> None:
    bench = shop()
    await bench.seed(good("TEE", stock=10))
    made = bench.shop.sale([{"sku": "TEE", "quantity": 2}])
    order = await bench.sales.get(made)
    parcel = {
        "packageReferenceId": "1", "carrierCode": "UPS", "trackingNumber": "", "shipDate": "2026-01-01T00:00:00Z",
        "orderItems": [{"orderItemId": order.lines[0].id, "quantity": 1}],
    }  # fmt: skip
    # Somebody has packed one unit in Seller Central, without a number to track it by.
    body = {"marketplaceId": "ATVPDKIKX0DER", "packageDetail": parcel}
    bench.shop.seller.orders.confirm_shipment(made, body)
    shipped = await bench.writer.fulfil(order, [Tracking(number="1Z999", carrier="UPS")], "key")
    assert shipped.status == "fulfilled"
    parcels = [one["packageReferenceId"] for one in bench.shop.seller.orders.all[made].packages]
    assert len(set(parcels)) == len(parcels) == 2


def test_an_amount_of_units_that_is_none_sets_that_order_aside() -> None:
    item = {"orderItemId": "1", "quantityOrdered": 1, "fulfillment": {"quantityFulfilled": {"much": 1}}}
    times = {"createdTime": "2026-01-01T00:00:00Z", "lastUpdatedTime": "2026-01-01T00:00:00Z"}
    with pytest.raises(ValueError, match="quantityFulfilled"):
        order({"orderId": "1", **times, "orderItems": [item]}, "USD", "AMAZON_NA")
