"""Listings made and changed: what keeps one from being made, and what eBay itself says."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from bridge.contract.errors import Refused, TryLater
from bridge.contract.ports import Connector, ProductEdit, VariantEdit
from bridge.domain.catalog import Product, Variant
from bridge.domain.listing_map import Category, ListingMap
from bridge.domain.money import Money
from bridge.sandbox.kit.loop import START
from tests.connectors.ebay.conftest import House, good
from tests.products import at_once

MAP = ListingMap(categories=(Category(tag="shirts", id="15687", fixed={"Brand": "Acme"}, options={"Size": "size"}),))
TEE = Product(
    id="", title="A tee", description="<p>Warm</p>", tags=("Shirts",), images=("https://shop.example/tee.jpg",),
    variants=(Variant(id="", sku="TEE", price=Money(1250, "USD"), barcode="012345678905", weight_grams=200),), updated_at=START,
)  # fmt: skip
SIZES = replace(
    TEE, options=("size",),
    variants=tuple(Variant(id="", sku=f"TEE-{size}", price=Money(900, "USD"), options=(("size", size),)) for size in "SML"),
)  # fmt: skip


def _create(house: House, product: Product, connector: Connector | None = None) -> Product:
    async def create() -> Product:
        products = (connector or house.open(listing_map=MAP)).products
        assert products is not None
        return at_once(await products.create(product, "k"))

    return house.run(create())


def _problems(house: House, product: Product, **settings: Any) -> list[str]:
    async def problems() -> list[str]:
        preview = house.open(**{"listing_map": MAP, **settings}).preview
        assert preview is not None
        return list(await preview.problems(product))

    return house.run(problems())


def test_a_listing_carries_category_aspects_policies_and_no_stock(house: House) -> None:
    made = _create(house, TEE)
    (offer,) = house.state.offers.values()
    item = house.state.items["TEE"]
    assert (made.id, made.status) == ("item:TEE", "active")
    assert (offer["categoryId"], offer["merchantLocationKey"]) == ("15687", "warehouse")
    assert offer["listingPolicies"]["returnPolicyId"] == "return-1"
    assert item["product"]["aspects"] == {"Brand": ["Acme"]}
    assert item["product"]["upc"] == ["012345678905"]
    assert house.shop.stock() == {"TEE": {"": 0}}
    assert "availableQuantity" not in offer, "the item's number is the listing's"


def test_sizes_become_one_listing_with_variations(house: House) -> None:
    made = _create(house, SIZES)
    assert [own.sku for own in made.variants] == ["TEE-S", "TEE-M", "TEE-L"]
    assert len({one["listing"]["listingId"] for one in house.state.offers.values()}) == 1
    assert house.state.items["TEE-M"]["product"]["aspects"] == {"Brand": ["Acme"], "Size": ["M"]}
    assert made.options == ("Size",), "our option has the name of eBay's aspect"


@pytest.mark.parametrize("path", ["/v1/offer$", "/publish$", "/inventory_item/TEE$"])
@pytest.mark.parametrize("kind", ["cut_after", "cut_before"])
def test_an_attempt_that_was_broken_off_anywhere_is_finished_by_the_next(house: House, path: str, kind: str) -> None:
    house.platform.faults.add(kind=kind, path=path, method="PUT" if "item" in path else "POST", times=5)
    with pytest.raises(TryLater):
        _create(house, TEE)
    house.platform.faults.clear()
    assert _create(house, TEE).status == "active"
    assert len(house.state.offers) == 1


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"tags": ("mugs",)}, "category: map.toml has none for the tags mugs"),
        ({"tags": ()}, "category: map.toml has none for the tags (none)"),
        ({"images": ()}, "images"),
        ({"images": ("http://shop.example/a.jpg",)}, "https"),
        ({"title": "x" * 81}, "title"),
        ({"variants": (replace(TEE.variants[0], price=Money(100, "EUR")),)}, "price: each variant needs one in USD"),
        ({"variants": (replace(TEE.variants[0], sku="x" * 51),)}, "sku"),
        ({"variants": (TEE.variants[0], TEE.variants[0])}, "same one"),
    ],
)
def test_what_is_missing_is_named_before_anything_is_made(house: House, change: dict[str, Any], word: str) -> None:
    product = replace(TEE, **change)
    with pytest.raises(Refused) as caught:
        _create(house, product)
    assert word in str(caught.value)
    assert any(word in one for one in _problems(house, product))
    assert house.state.items == {}


def test_a_product_without_fault_has_no_problems_and_none_is_made(house: House) -> None:
    assert _problems(house, TEE) == []
    assert house.state.items == {}


def test_without_a_map_nothing_is_listed(house: House) -> None:
    with pytest.raises(Refused, match="category"):
        _create(house, TEE, house.open())


def test_ebays_own_words_come_when_it_refuses_to_publish(house: House) -> None:
    wrong = ListingMap(categories=(Category(tag="", id=""),))
    with pytest.raises(Refused, match="category is missing") as caught:
        _create(house, TEE, house.open(listing_map=wrong))
    assert caught.value.code == "25005"


def test_a_seller_with_several_policies_chooses_one(house: House) -> None:
    two = {"returnPolicies": [{"returnPolicyId": "1"}, {"returnPolicyId": "2"}]}
    house.wire.instead = lambda request: httpx.Response(200, json=two) if "return_policy" in request.url.path else None
    (problem,) = _problems(house, TEE)
    assert "return_policy" in problem
    assert "(1, 2)" in problem
    assert _problems(house, TEE, return_policy="2") == []


def test_a_listing_that_is_out_of_stock_is_listed_already(house: House) -> None:
    house.shop.seed([good("TEE", stock=0)])
    assert _create(house, TEE).title == "Title of TEE"
    assert len(house.state.offers) == 1


def test_skus_of_two_listings_are_a_finding(house: House) -> None:
    house.shop.seed([good("TEE-S"), good("TEE-M")])
    with pytest.raises(Refused, match="several listings"):
        _create(house, SIZES)


def _edit(house: House, product: Product, **fields: Any) -> Any:
    async def edit() -> Any:
        products = house.ebay.products
        assert products is not None
        change = ProductEdit(current=product, fields=frozenset(fields) - {"variants"}, **fields)
        return (await products.edit([change], "k"))[0]

    return house.run(edit())


def test_a_price_is_written_without_touching_the_number(house: House) -> None:
    house.shop.seed([good("TEE")])
    (product,) = house.catalogue().values()
    before = len(house.wire.sent)
    own = VariantEdit(id="TEE", fields=frozenset({"price"}), price=Money(1999, "USD"))
    assert _edit(house, product, variants=(own,)).product.variants[0].price == Money(1999, "USD")
    assert {one.method for one in house.wire.sent[before:]} == {"GET", "POST"}


@pytest.mark.parametrize("status", [None, "400", 400])
def test_a_price_that_ebay_refuses_is_refused_whatever_it_says_of_it(house: House, status: Any) -> None:
    house.shop.seed([good("TEE")])
    (product,) = house.catalogue().values()
    row = {"sku": "TEE", "statusCode": status}
    house.wire.instead = lambda request: (
        httpx.Response(207, json={"responses": [row]}) if "bulk_update" in request.url.path else None
    )
    own = VariantEdit(id="TEE", fields=frozenset({"price"}), price=Money(1999, "USD"))
    assert _edit(house, product, variants=(own,)).reason == "price of TEE: eBay answers 400 and no reason"


def test_the_offers_own_text_is_what_shoppers_read(house: House) -> None:
    house.shop.seed([good("TEE")])
    (offer,) = house.state.offers.values()
    offer["listingDescription"] = "<p>Of the offer</p>"
    (product,) = house.catalogue().values()
    assert product.description == "<p>Of the offer</p>"
    result = _edit(house, product, description="<p>New</p>")
    assert result.product.description == "<p>New</p>"
    assert offer["offerId"] in house.state.offers


def test_an_edit_keeps_the_item_whole_and_its_language(house: House) -> None:
    house.shop.seed([good("TEE", weight_grams=300)])
    house.state.items["TEE"] |= {"conditionDescription": "boxed", "locale": "en_GB"}
    (product,) = house.catalogue().values()
    _edit(house, product, title="New")
    item = house.state.items["TEE"]
    assert (item["product"]["title"], item["conditionDescription"], item["locale"]) == ("New", "boxed", "en_GB")
    assert house.shop.stock() == {"TEE": {"": 10}}


def test_a_code_is_written_where_a_new_listing_has_it(house: House) -> None:
    house.shop.seed([good("TEE")])
    (product,) = house.catalogue().values()
    for code, kind in (("012345678905", "upc"), ("4006381333931", "ean")):
        own = VariantEdit(id="TEE", fields=frozenset({"barcode"}), barcode=code)
        assert _edit(house, product, variants=(own,)).product.variants[0].barcode == code
        details = house.state.items["TEE"]["product"]
        assert {name: details[name] for name in ("upc", "ean") if name in details} == {kind: [code]}


def test_a_weight_is_taken_off_and_the_rest_of_the_parcel_stays(house: House) -> None:
    house.shop.seed([good("TEE", weight_grams=300)])
    house.state.items["TEE"]["packageWeightAndSize"]["packageType"] = "LETTER"
    (product,) = house.catalogue().values()
    own = VariantEdit(id="TEE", fields=frozenset({"weight_grams"}))
    assert _edit(house, product, variants=(own,)).product.variants[0].weight_grams is None
    assert house.state.items["TEE"]["packageWeightAndSize"] == {"packageType": "LETTER"}


def test_a_listing_put_away_can_be_put_back(house: House) -> None:
    house.shop.seed([good("TEE")])
    for status in ("archived", "active"):
        (product,) = house.catalogue().values()
        assert _edit(house, product, status=status).product.status == status


def test_a_group_is_put_away_and_back_as_a_whole(build_house: Callable[..., House]) -> None:
    house = build_house()
    sizes = [{"sku": f"TEE-{size}", "price": "9.00", "stock": 1, "options": {"Size": size}} for size in "SML"]
    house.shop.seed([{"title": "Tee", "variants": sizes}])
    for status in ("archived", "active"):
        (product,) = house.catalogue().values()
        assert _edit(house, product, status=status).product.status == status
