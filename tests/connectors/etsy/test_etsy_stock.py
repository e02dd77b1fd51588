"""Inventories are whole records, an empty one is a special case, and no fee is paid unasked."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from bridge.contract.errors import TryLater
from bridge.contract.stock import Applied, Rejected, StockChange
from bridge.wire.api import Answer
from connectors.etsy.client import Client
from connectors.etsy.inventory import Inventories
from connectors.etsy.settings import Settings
from tests.connectors.etsy.conftest import Open
from tests.contract.bench import Bench, good

pytestmark = pytest.mark.anyio

# What is not known of Etsy, each answer of it a case: see the connector's README.
BELIEFS: list[dict[str, Any]] = [
    {"zero_refused": True},
    {"zero_refused": False},
    {"zero_refused": False, "put_renews": True},
]


def _sizes(**more: Any) -> dict[str, Any]:
    variants = [
        {"sku": f"TEE-{size}", "price": f"{9 + n}.00", "stock": 4, "options": {"Size": size}}
        for n, size in enumerate("SML")
    ]
    return {"title": "Tee", "options": ["Size"], "variants": variants, **more}


async def _set(bench: Bench, sku: str, units: int, key: str = "key-1") -> Applied | Rejected:
    shown = await bench.level(sku) or 0
    change = StockChange(key=await bench.key(sku), delta=units - shown, shown=shown)
    (outcome,) = await bench.write(change, key=key)
    return outcome


def _puts(bench: Bench) -> list[Any]:
    return [json.loads(call.body) for call in bench.wire.calls if call.method == "PUT"]


@pytest.mark.parametrize("belief", BELIEFS)
async def test_sold_out_elsewhere_and_back_costs_no_fee(new_shop: Open, belief: dict[str, Any]) -> None:
    shop = new_shop(**belief)
    await shop.seed(good("TEE", stock=3))
    out = await _set(shop, "TEE", 0)
    assert isinstance(out, Applied)
    assert (out.quantity, shop.number("TEE"), await shop.level("TEE")) == (0, 0, 0)
    back = await _set(shop, "TEE", 5, "key-2")
    if belief["zero_refused"]:
        assert isinstance(back, Applied)
        assert (back.quantity, shop.shop.state_of("TEE"), await shop.level("TEE")) == (5, "active", 5)
    else:
        assert isinstance(back, Rejected)
        assert (back.kind, back.code) == ("invalid", "renewal")
        assert "renew = true" in back.reason
        assert shop.shop.state_of("TEE") == "sold_out"
    assert shop.shop.fees == []


@pytest.mark.parametrize("belief", BELIEFS)
async def test_what_buyers_bought_up_comes_back_only_where_the_merchant_allows_the_fee(
    new_shop: Open, belief: dict[str, Any]
) -> None:
    shop = new_shop(**belief)
    await shop.seed(good("TEE", stock=2), _sizes())
    shop.shop.sale([{"sku": "TEE", "quantity": 2}])
    for size in "SML":
        shop.shop.sale([{"sku": f"TEE-{size}", "quantity": 4}])
    for sku in ("TEE", "TEE-M"):
        assert isinstance(await _set(shop, sku, 5), Rejected)
    assert (shop.shop.fees, _puts(shop)) == ([], [])
    shop.connector = shop.connect(renew=True)
    for number, sku in enumerate(("TEE", "TEE-M")):
        outcome = await _set(shop, sku, 5, f"key-{number}")
        assert isinstance(outcome, Applied)
        assert outcome.quantity == 5
    assert [why for _, why in shop.shop.fees] == ["renew", "renew"]
    assert shop.shop.stock() == {"TEE": {"": 5}, "TEE-S": {"": 0}, "TEE-M": {"": 5}, "TEE-L": {"": 0}}


async def test_a_listing_that_expired_while_it_was_closed_is_not_renewed_unasked(shop: Bench) -> None:
    await shop.seed(good("TEE", stock=3))
    await _set(shop, "TEE", 0)
    shop.shop.expire("TEE")
    shop.shop.state.listings.all[1500000001].state = "inactive"
    assert isinstance(await _set(shop, "TEE", 5, "key-2"), Rejected)
    assert shop.shop.fees == []
    shop.connector = shop.connect(renew=True)
    assert isinstance(await _set(shop, "TEE", 5, "key-3"), Applied)
    assert len(shop.shop.fees) == 1


async def test_a_listing_that_the_seller_took_out_stays_out(shop: Bench) -> None:
    await shop.seed(good("TEE", stock=3, status="archived"))
    outcome = await _set(shop, "TEE", 7)
    assert isinstance(outcome, Applied)
    assert (outcome.quantity, shop.shop.state_of("TEE"), await shop.level("TEE")) == (7, "inactive", 7)
    none = await _set(shop, "TEE", 0, "key-2")
    assert isinstance(none, Rejected)
    assert (none.kind, await shop.level("TEE")) == ("invalid", 7)
    assert "inactive" in none.reason


async def test_the_unit_that_is_left_for_closing_may_be_bought_before_it_is_closed(shop: Bench) -> None:
    """A listing that is sold out cannot be closed (etsy/open-api issue 538): it is out of sale already."""
    await shop.seed(good("TEE", stock=3))
    update = Inventories.update

    async def bought_first(self: Inventories, listing: str, form: Mapping[str, str]) -> Answer:
        if form == {"state": "inactive"}:
            shop.shop.sale([{"sku": "TEE", "quantity": 1}])
        return await update(self, listing, form)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Inventories, "update", bought_first)
        outcome = await _set(shop, "TEE", 0)
    assert isinstance(outcome, Applied)
    assert (outcome.quantity, shop.shop.state_of("TEE"), await shop.level("TEE")) == (0, "sold_out", 0)
    assert shop.shop.fees == []


@pytest.mark.parametrize("put_renews", [False, True])
async def test_the_unit_with_which_a_listing_comes_back_may_be_bought_before_the_rest_is_put(
    new_shop: Open, put_renews: bool
) -> None:
    shop = new_shop(put_renews=put_renews)
    await shop.seed(good("TEE", stock=3))
    assert isinstance(await _set(shop, "TEE", 0), Applied)
    update = Inventories.update

    async def bought_at_once(self: Inventories, listing: str, form: Mapping[str, str]) -> Answer:
        answer = await update(self, listing, form)
        shop.shop.sale([{"sku": "TEE", "quantity": 1}])
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Inventories, "update", bought_at_once)
        outcome = await _set(shop, "TEE", 5, "key-2")
    assert isinstance(outcome, Applied)
    assert (outcome.quantity, shop.number("TEE"), await shop.level("TEE")) == (0, 0, 0)
    assert (shop.shop.state_of("TEE"), shop.shop.fees) == ("sold_out", [])
    again = await _set(shop, "TEE", 5, "key-3")
    assert isinstance(again, Rejected)
    assert "renew = true" in again.reason


async def test_a_listing_that_cannot_be_closed_for_another_reason_says_so(shop: Bench) -> None:
    await shop.seed(good("TEE", stock=3))
    shop.platform.faults.add(kind="status", status=400, method="PATCH", times=None)
    outcome = await _set(shop, "TEE", 0)
    assert isinstance(outcome, Rejected)
    assert (outcome.kind, await shop.level("TEE")) == ("invalid", 1)


async def test_closing_keeps_one_unit_that_nobody_can_buy(shop: Bench) -> None:
    await shop.seed(_sizes())
    changes = [StockChange(key=await shop.key(f"TEE-{size}"), delta=-4, shown=4) for size in "SML"]
    shop.wire.calls.clear()
    outcomes = await shop.write(*changes)
    assert [out.quantity for out in outcomes if isinstance(out, Applied)] == [0, 0, 0]
    refused, kept = _puts(shop)
    assert [one["offerings"][0]["quantity"] for one in refused["products"]] == [0, 0, 0]
    assert [one["offerings"][0]["quantity"] for one in kept["products"]] == [1, 0, 0]
    assert shop.shop.state_of("TEE-S") == "inactive"
    (product,) = (await shop.catalogue()).values()
    assert product.status == "active", "closed by us is sold out, not archived"
    assert isinstance(await _set(shop, "TEE-L", 2, "key-2"), Applied)
    assert shop.shop.stock() == {"TEE-S": {"": 0}, "TEE-M": {"": 0}, "TEE-L": {"": 2}}


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
@pytest.mark.parametrize("call", [{"method": "PUT", "body": '"quantity":1'}, {"method": "PATCH"}])
async def test_closing_that_was_cut_in_the_middle_is_found_and_finished(
    shop: Bench, kind: str, call: dict[str, str]
) -> None:
    await shop.seed(good("TEE", stock=3))
    change = StockChange(key=await shop.key("TEE"), delta=-3, shown=3)
    shop.platform.faults.add(kind=kind, times=None, **call)
    with pytest.raises(TryLater) as caught:
        await shop.write(change)
    assert caught.value.maybe_applied
    shop.platform.faults.clear()
    outcome = await _set(shop, "TEE", 0, "key-2")
    assert isinstance(outcome, Applied)
    assert (shop.shop.state_of("TEE"), shop.number("TEE"), await shop.level("TEE")) == ("inactive", 0, 0)


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
@pytest.mark.parametrize(
    "call", [{"method": "PUT", "body": '"quantity":1'}, {"method": "PATCH"}, {"method": "PUT", "body": '"quantity":4'}]
)
async def test_reopening_that_was_cut_in_the_middle_is_found_and_finished(
    shop: Bench, kind: str, call: dict[str, str]
) -> None:
    await shop.seed(_sizes())
    changes = [StockChange(key=key, delta=-4, shown=4) for key in await shop.keys([f"TEE-{size}" for size in "SML"])]
    await shop.write(*changes)
    shop.platform.faults.add(kind=kind, times=1, **call)
    with pytest.raises(TryLater) as caught:
        await _set(shop, "TEE-L", 4, "key-2")
    assert caught.value.maybe_applied
    assert shop.number("TEE-S") == 0, "what there is none of is never for sale"
    assert isinstance(await _set(shop, "TEE-L", 4, "key-3"), Applied)
    assert (shop.shop.state_of("TEE-L"), shop.shop.fees) == ("active", [])
    assert shop.shop.stock() == {"TEE-S": {"": 0}, "TEE-M": {"": 0}, "TEE-L": {"": 4}}


async def test_all_rows_of_a_listing_are_one_read_and_one_put(shop: Bench) -> None:
    await shop.seed(_sizes(), good("CAP", stock=2))
    skus = ("TEE-S", "CAP", "TEE-L", "TEE-M")
    rows = [StockChange(key=key, delta=1, shown=2) for key in await shop.keys(skus)]
    batches = shop.connector.stock.batches(rows)
    assert [[row.key.stock_id.partition(":")[0] for row in batch] for batch in batches] == [
        ["1500000001"] * 3,
        ["1500000002"],
    ]
    shop.wire.calls.clear()
    await shop.write(*rows)
    assert [call.method for call in shop.wire.calls] == ["GET", "PUT", "GET", "PUT"]


async def test_everything_that_is_not_meant_goes_back_as_it_was(shop: Bench) -> None:
    await shop.seed(_sizes())
    shop.shop.hide("TEE-L")
    before, _ = await _inventory(shop)
    await _set(shop, "TEE-M", 9)
    after, _ = await _inventory(shop)
    for old, new in zip(before["products"], after["products"], strict=True):
        assert (old["sku"], old["property_values"]) == (new["sku"], new["property_values"])
        for name in ("price", "is_enabled", "readiness_state_id"):
            assert old["offerings"][0][name] == new["offerings"][0][name]
        assert old["product_id"] != new["product_id"]
    assert [one["offerings"][0]["quantity"] for one in after["products"]] == [4, 9, 4]
    assert {name: before[name] for name in before if name.endswith("_on_property")} == {
        name: after[name] for name in after if name.endswith("_on_property")
    }


async def test_ids_outlive_the_writes_that_change_etsys_own(shop: Bench) -> None:
    await shop.seed(_sizes())
    before = {own.sku: own.id for one in (await shop.catalogue()).values() for own in one.variants}
    sold = shop.shop.sale([{"sku": "TEE-M", "quantity": 1}])
    await _set(shop, "TEE-M", 9)
    assert {own.sku: own.id for one in (await shop.catalogue()).values() for own in one.variants} == before
    (line,) = (await shop.sales.get(sold)).lines
    assert line.variant_id == before["TEE-M"]


async def test_variations_that_share_a_number_have_one(shop: Bench) -> None:
    await shop.seed(_sizes(stock_at="parent"))
    (product,) = (await shop.catalogue()).values()
    assert {own.stock_id for own in product.variants} == {product.id}
    assert len({own.id for own in product.variants}) == 3
    outcome = await _set(shop, "TEE-M", 7)
    assert isinstance(outcome, Applied)
    assert shop.shop.stock() == {f"TEE-{size}": {"": 7} for size in "SML"}
    shop.shop.sale([{"sku": "TEE-S", "quantity": 2}])
    assert await shop.level("TEE-L") == 5
    assert isinstance(await _set(shop, "TEE-L", 0, "key-2"), Applied)
    assert await shop.level("TEE-S") == 0
    assert shop.shop.state_of("TEE-S") == "inactive"


async def test_a_variation_that_is_no_more_is_gone_and_the_others_are_written(shop: Bench) -> None:
    await shop.seed(_sizes())
    keys = await shop.keys(["TEE-S", "TEE-L"])
    lost = keys[1]._replace(stock_id=keys[1].stock_id + "9")
    kept, gone = await shop.write(*(StockChange(key=key, delta=1, shown=4) for key in (keys[0], lost)))
    assert isinstance(kept, Applied)
    assert isinstance(gone, Rejected)
    assert (gone.kind, shop.number("TEE-S")) == ("gone", 5)


async def test_a_download_is_not_counted_and_not_written(shop: Bench) -> None:
    await shop.seed(good("PDF", stock=None))
    assert await shop.level("PDF") is None
    outcome = await _set(shop, "PDF", 5)
    assert isinstance(outcome, Rejected)
    assert "download" in outcome.reason


async def test_one_deleted_among_many_is_found_by_halves(shop: Bench) -> None:
    skus = [f"SKU-{number:02d}" for number in range(40)]
    await shop.seed(*(good(sku, stock=number) for number, sku in enumerate(skus)))
    keys = await shop.keys(skus)
    shop.shop.delete_product("SKU-17")
    shop.wire.calls.clear()
    levels = await shop.connector.stock.read(keys)
    assert [level.quantity for level in levels] == [number for number in range(40) if number != 17]
    assert len(shop.wire.calls) <= 2 * 6 + 1


async def test_a_processing_profile_that_etsy_does_not_tell_is_the_merchants(new_shop: Open) -> None:
    shop = new_shop(settings={"processing_profile": 700_002})
    await shop.seed(good("TEE", stock=3, status="archived"))
    shop.wire.calls.clear()
    await _set(shop, "TEE", 7)
    (body,) = _puts(shop)
    assert body["products"][0]["offerings"][0]["readiness_state_id"] == 700_002


async def _inventory(bench: Bench) -> tuple[Any, Any]:
    known = bench.platform.credentials
    settings = Settings(
        keystring=known["keystring"], shared_secret=known["shared_secret"], refresh_token=known["refresh_token"],
        url=known["url"],
    )  # fmt: skip
    client = Client(settings, bench.around, where="the-channel")
    try:
        return await client.get("listings/1500000001/inventory", "look")
    finally:
        await client.close()
