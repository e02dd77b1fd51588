"""Reading listings: what counts as one, what has ended, what is listed twice, and what changed."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bridge.domain.money import Money
from tests.connectors.ebay.conftest import House, good


def test_a_sku_that_is_also_auctioned_is_found_twice(house: House) -> None:
    house.shop.seed([good("TEE"), good("CAP"), good("TEE", price="3.00")])
    found = house.catalogue()
    twice = [(one.id, own) for one in found.values() for own in one.variants if own.sku == "TEE"]
    assert len(twice) == 2
    main, other = (own for _, own in twice)
    assert (main.stock_id, other.stock_id) == ("TEE", None), "the auction's number is not ours to write"
    assert (main.price, other.price) == (Money(1250, "USD"), Money(300, "USD"))
    assert len({own.id for _, own in twice}) == 2


def test_an_offer_on_another_site_is_a_second_listing(house: House) -> None:
    house.shop.seed([good("TEE")])
    (offer,) = house.state.offers.values()
    house.state.offers["77"] = {**offer, "offerId": "77", "marketplaceId": "EBAY_CA"}
    assert sorted(house.catalogue()) == ["item:TEE", "offer:77"]


@pytest.mark.parametrize("how", ["EBAY_ENDED", "ENDED"])
def test_a_listing_that_has_ended_is_no_more(house: House, how: str) -> None:
    house.shop.seed([good("TEE"), good("CAP")])
    house.shop.end_listing("TEE", how)
    assert sorted(house.catalogue()) == ["item:CAP"]

    async def get() -> Any:
        return await house.ebay.catalog.get(["item:TEE", "item:CAP"])

    assert [one.id for one in house.run(get())] == ["item:CAP"]


def test_a_listing_that_ends_unseen_is_told_within_fifty_readings(house: House) -> None:
    house.shop.seed([good(f"SKU-{number}") for number in range(20)])
    feed = house.ebay.catalog.changes
    items, cursor = house.drain(feed, feed.begin(house.loop.now()))
    assert len(items) == 20
    house.shop.end_listing("SKU-7")
    house.shop.edit_product("SKU-9", price="99.00")
    told: dict[str, Any] = {}
    for _ in range(50):
        items, cursor = house.drain(feed, cursor)
        told |= {one.id: one for one in items}
    assert set(told) == {"item:SKU-7", "item:SKU-9"}
    assert told["item:SKU-7"].deleted
    assert told["item:SKU-9"].variants[0].price == Money(9900, "USD")


def test_a_deleted_item_is_told_at_the_next_reading(house: House) -> None:
    house.shop.seed([good("TEE"), good("CAP")])
    feed = house.ebay.catalog.changes
    _, cursor = house.drain(feed, feed.begin(house.loop.now()))
    house.shop.delete_product("TEE")
    items, cursor = house.drain(feed, cursor)
    assert [(one.id, one.deleted) for one in items] == [("item:TEE", True)]
    assert house.drain(feed, cursor)[0] == []


def test_a_sale_makes_no_new_product(house: House) -> None:
    house.shop.seed([good("TEE")])
    feed = house.ebay.catalog.changes
    _, cursor = house.drain(feed, feed.begin(house.loop.now()))
    house.shop.sale([{"sku": "TEE", "quantity": 1}])
    assert house.drain(feed, cursor)[0] == []


def test_a_cursor_that_is_not_the_last_readings_own_tells_everything(house: House) -> None:
    """What was read and not stored must come again."""
    house.shop.seed([good("TEE"), good("CAP")])
    feed = house.ebay.catalog.changes
    first = feed.begin(house.loop.now())
    _, cursor = house.drain(feed, first)
    assert len(house.drain(feed, first)[0]) == 2
    assert len(house.drain(feed, cursor)[0]) == 2, "the reading that issued it is no longer remembered"


@pytest.mark.parametrize("counts_pages", [True, False])
def test_whichever_way_offset_counts_nothing_is_lost(build_house: Callable[..., House], counts_pages: bool) -> None:
    house = build_house(offset_is_page=counts_pages)
    house.shop.seed([good(f"SKU-{number:04d}") for number in range(450)])

    async def scan() -> list[str]:
        return [level.key.stock_id async for page in house.ebay.stock.scan() for level in page.items]

    assert house.run(scan()) == [f"SKU-{number:04d}" for number in range(450)]
    assert len(house.wire.paths("/inventory_item")) == 3


def test_the_members_of_a_group_are_one_product_wherever_they_stand(house: House) -> None:
    sizes = [{"sku": f"TEE-{n:02d}", "price": "9.00", "stock": n, "options": {"Size": str(n)}} for n in range(30)]
    house.shop.seed([*(good(f"SKU-{n:03d}") for n in range(190)), {"title": "Tee", "variants": sizes}])
    found = house.catalogue()
    (group,) = [one for one in found.values() if one.id.startswith("group:")]
    assert [own.sku for own in group.variants] == [f"TEE-{n:02d}" for n in range(30)]
    assert group.options == ("Size",)
    assert len(found) == 191


def test_a_member_whose_listing_has_ended_is_left_out_of_its_group(house: House) -> None:
    sizes = [{"sku": f"TEE-{size}", "price": "9.00", "stock": 1, "options": {"Size": size}} for size in "SML"]
    house.shop.seed([{"title": "Tee", "variants": sizes}])
    house.shop.end_listing("TEE-M")
    (group,) = house.catalogue().values()
    assert [own.sku for own in group.variants] == ["TEE-S", "TEE-L"]


def test_an_item_without_an_offer_is_a_draft(house: House) -> None:
    house.shop.seed([good("TEE")])
    house.state.offers.clear()
    (product,) = house.catalogue().values()
    assert product.status == "draft"
    assert product.variants[0].price is None


def test_offers_that_cannot_be_understood_set_one_product_aside(house: House) -> None:
    house.shop.seed([good("TEE"), good("CAP")])
    house.wire.instead = lambda request: (
        httpx.Response(200, json={"offers": "?"}) if request.url.params.get("sku") == "CAP" else None
    )

    async def read() -> list[Any]:
        return [page async for page in house.ebay.catalog.all()]

    (page,) = house.run(read())
    assert [one.id for one in page.items] == ["item:TEE"]
    assert [one.id for one in page.bad] == ["item:CAP"]
    assert {level.key.stock_id for level in page.levels} == {"TEE", "CAP"}


def test_weights_in_pounds_are_grams(house: House) -> None:
    house.shop.seed([good("TEE")])
    house.state.items["TEE"]["packageWeightAndSize"] = {"weight": {"value": 2, "unit": "POUND"}}
    (product,) = house.catalogue().values()
    assert product.variants[0].weight_grams == 907


@pytest.mark.parametrize(
    ("codes", "barcode"),
    [({"ean": ["Does not apply"], "isbn": ["080442957X"]}, "080442957X"), ({"upc": ["Nicht zutreffend"]}, None)],
)
def test_words_that_stand_for_a_code_are_none(house: House, codes: dict[str, Any], barcode: str | None) -> None:
    """What a seller writes where a category wants a code that a product has not (Product.ean, sell_inventory 1.18.5)."""
    house.shop.seed([good("TEE")])
    house.state.items["TEE"]["product"] |= codes
    (product,) = house.catalogue().values()
    assert product.variants[0].barcode == barcode
