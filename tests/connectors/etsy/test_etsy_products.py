"""Listings: drafts from the map, states that cost a fee, and lists that are walked while they change."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.contract.errors import Refused
from bridge.contract.ports import ProductEdit, ProductResult, VariantEdit
from bridge.domain.catalog import Product, Variant
from bridge.domain.listing_map import Category, ListingMap
from bridge.domain.money import Money
from bridge.sandbox.kit.loop import START
from tests.connectors.etsy.conftest import Open
from tests.contract.bench import Bench, good, pages
from tests.contract.facts.etsy import FACTS
from tests.products import at_once

pytestmark = pytest.mark.anyio

MAP: dict[str, Any] = dict(FACTS.create_with or {})


def _tee(bench: Bench, colour: str = "Colour") -> Product:
    variants = tuple(
        Variant(id="", sku=f"TEE-{name}", price=Money(1900 + n, "USD"), options=((colour, name),))
        for n, name in enumerate(("Red", "Mauve"))
    )
    words = "<p>Warm &amp; soft</p><ul><li>wool</li></ul>"
    return Product(
        id="", title="Tee", description=words, options=(colour,), variants=variants, updated_at=bench.loop.now()
    )


async def _status(bench: Bench, sku: str, status: str) -> ProductResult:
    product, _ = await bench.variant(sku)
    (result,) = await bench.products.edit(
        [ProductEdit(current=product, fields=frozenset({"status"}), status=status)], "k"
    )
    return result


async def test_a_draft_has_its_variations_with_the_categorys_own_values(new_shop: Open) -> None:
    place = replace(MAP["listing_map"].categories[0], options={"Primary color": "colour"})
    shop = new_shop(settings={"listing_map": ListingMap(categories=(place,))})
    made = at_once(await shop.products.create(_tee(shop), "k"))
    assert (made.status, made.description) == ("draft", "Warm & soft\nwool")
    assert [own.sku for own in made.variants] == ["TEE-Red", "TEE-Mauve"]
    red = shop.shop.state.inventory.value_id(200, "Red")
    assert made.variants[0].id == f"{made.id}:200={red}"
    assert [await shop.level(f"TEE-{name}") for name in ("Red", "Mauve")] == [0, 0], "nobody can buy a draft"
    assert shop.shop.fees == []


async def test_a_creation_that_broke_off_is_finished_and_not_begun_anew(new_shop: Open) -> None:
    shop = new_shop(settings=MAP)
    shop.platform.faults.add(kind="status", status=500, method="PUT", times=1)
    with pytest.raises(Exception, match="inventory"):
        await shop.products.create(_tee(shop), "k")
    made = at_once(await shop.products.create(_tee(shop), "k"))
    assert list(await shop.catalogue()) == [made.id]


async def test_a_draft_whose_title_was_cut_is_finished_too(new_shop: Open) -> None:
    shop, product = new_shop(settings=MAP), replace(_tee(new_shop()), title="Tee " * 50)
    shop.platform.faults.add(kind="status", status=500, method="PUT", times=1)
    with pytest.raises(Exception, match="inventory"):
        await shop.products.create(product, "k")
    made = at_once(await shop.products.create(product, "k"))
    assert list(await shop.catalogue()) == [made.id]


async def test_another_product_of_the_same_title_is_another_listing(new_shop: Open) -> None:
    shop = new_shop(settings=MAP)
    shop.platform.faults.add(kind="status", status=500, method="PUT", times=1)
    with pytest.raises(Exception, match="inventory"):
        await shop.products.create(_tee(shop), "k")
    first = at_once(await shop.products.create(_tee(shop), "k"))
    cap = replace(
        _tee(shop), variants=(Variant(id="", sku="TEE-XL", price=Money(1900, "USD"), options=(("Colour", "Red"),)),)
    )
    second = at_once(await shop.products.create(cap, "k-2"))
    assert second.id != first.id
    assert [own.sku for own in (await shop.catalogue())[first.id].variants] == ["TEE-Red", "TEE-Mauve"]


@pytest.mark.parametrize("name", ["who_made", "when_made", "shipping_profile_id", "readiness_state_id"])
async def test_what_the_map_lacks_is_named_before_anything_is_sent(new_shop: Open, name: str) -> None:
    place = MAP["listing_map"].categories[0]
    fixed = {one: value for one, value in place.fixed.items() if one != name}
    shop = new_shop(settings={"listing_map": ListingMap(categories=(replace(place, fixed=fixed),))})
    with pytest.raises(Refused, match=name):
        await shop.products.create(_tee(shop), "k")
    assert shop.connector.preview is not None
    (problem,) = await shop.connector.preview.problems(_tee(shop))
    assert name in problem
    assert await shop.catalogue() == {}


async def test_a_property_that_the_category_has_not_is_refused(new_shop: Open) -> None:
    place = Category(tag="", id="1429", fixed=MAP["listing_map"].categories[0].fixed, options={"Flavour": "colour"})
    shop = new_shop(settings={"listing_map": ListingMap(categories=(place,))})
    with pytest.raises(Refused, match="Flavour"):
        await shop.products.create(_tee(shop), "k")
    assert await shop.catalogue() == {}


async def test_publishing_is_for_the_merchant_to_allow(new_shop: Open) -> None:
    shop = new_shop()
    await shop.seed(good("TEE", status="draft", stock=3, images=["https://i.example/1.jpg"]))
    assert "publish = true" in (await _status(shop, "TEE", "active")).reason
    assert (shop.shop.state_of("TEE"), shop.shop.fees) == ("draft", [])
    shop.connector = shop.connect(publish=True)
    assert (await _status(shop, "TEE", "active")).reason == ""
    assert (shop.shop.state_of("TEE"), len(shop.shop.fees)) == ("active", 1)


async def test_activating_is_free_until_the_listing_expires(shop: Bench) -> None:
    await shop.seed(good("TEE", stock=3))
    for status in ("archived", "active"):
        assert (await _status(shop, "TEE", status)).reason == ""
    assert (shop.shop.state_of("TEE"), shop.shop.fees) == ("active", [])
    shop.shop.expire("TEE")
    assert "renew = true" in (await _status(shop, "TEE", "active")).reason
    assert shop.shop.fees == []


async def test_no_price_is_written_beside_a_status_that_would_cost_a_fee(shop: Bench) -> None:
    await shop.seed(good("TEE", stock=3, price="9.00"))
    shop.shop.expire("TEE")
    product, variant = await shop.variant("TEE")
    own = VariantEdit(id=variant.id, fields=frozenset({"price"}), price=Money(700, "USD"))
    edit = ProductEdit(current=product, fields=frozenset({"status"}), status="active", variants=(own,))
    (result,) = await shop.products.edit([edit], "k")
    assert "renew = true" in result.reason
    assert ((await shop.variant("TEE"))[1].price, shop.shop.fees) == (Money(900, "USD"), [])
    shop.connector = shop.connect(renew=True)
    (result,) = await shop.products.edit([edit], "k-2")
    assert result.reason == ""
    assert ((await shop.variant("TEE"))[1].price, len(shop.shop.fees)) == (Money(700, "USD"), 1)


async def test_sold_out_is_still_listed(shop: Bench) -> None:
    await shop.seed(good("TEE", stock=1))
    shop.shop.sale([{"sku": "TEE", "quantity": 1}])
    product, _ = await shop.variant("TEE")
    assert (product.status, await shop.level("TEE")) == ("active", 0)


@pytest.mark.parametrize("gone", [3, 25])
async def test_deletions_while_paging_lose_nothing_else(shop: Bench, gone: int) -> None:
    await shop.seed(*(good(f"SKU-{number:03d}", stock=1) for number in range(320)))
    left, seen = {f"SKU-{number:03d}" for number in range(320 - gone)}, set[str]()
    async for page in shop.connector.catalog.all():
        if not seen:
            for number in range(320 - gone, 320):
                shop.shop.delete_product(f"SKU-{number:03d}")
        skus = [own.sku or "" for one in page.items for own in one.variants]
        assert not seen & set(skus), "none comes twice"
        seen |= set(skus)
    assert seen >= left


@pytest.mark.parametrize("time", [10**12, 10**17], ids=["milliseconds", "nonsense"])
async def test_a_listing_with_an_odd_time_is_set_aside_and_the_others_are_told(shop: Bench, time: int) -> None:
    await shop.seed(good("ODD", stock=1), good("TEE", stock=1))
    odd, _ = await shop.variant("ODD")
    shop.shop.state.listings.all[int(odd.id)].updated = time
    changes = shop.connector.catalog.changes
    for found in (await pages(changes, changes.begin(START)), [page async for page in shop.connector.catalog.all()]):
        assert [own.sku for page in found for one in page.items for own in one.variants] == ["TEE"]
        assert [(one.id, one.reason) for page in found for one in page.bad] == [
            (odd.id, f"updated_timestamp {time} is no time")
        ]


async def test_a_listing_with_an_odd_number_is_set_aside_and_the_others_are_told(shop: Bench) -> None:
    await shop.seed(good("ODD", stock=777), good("TEE", stock=1))
    shop.wire.spoils.append((r'"quantity":\s*777\b', '"quantity":"many"'))
    found = [page async for page in shop.connector.catalog.all()]
    assert [own.sku for page in found for one in page.items for own in one.variants] == ["TEE"]
    assert [level.quantity for page in found for level in page.levels] == [1]
    assert ["quantity" in one.reason for page in found for one in page.bad] == [True]
