"""The catalogue, and products and orders on their way out."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bridge.contract.errors import Refused
from bridge.contract.ports import Connector, ProductEdit, VariantEdit
from bridge.domain.catalog import Product, Variant
from bridge.domain.money import Money
from connectors.shopify.mapping import grams, product, products
from connectors.shopify.product_input import handle, new_product, same_image
from tests.products import at_once

Make = Callable[..., dict[str, Any]]
WHEN = datetime(2026, 11, 22, tzinfo=UTC)
WHO = {
    "data": {
        "shop": {"name": "My", "currencyCode": "CAD", "myshopifyDomain": "my-shop.myshopify.com"},
        "currentAppInstallation": {"accessScopes": []},
    }
}
MUG = Product(
    id="", title="Mug", updated_at=WHEN, options=("Size",),
    variants=(
        Variant(id="a", sku="MUG-S", price=Money(1250, "CAD"), options=(("Size", "S"),), weight_grams=300),
        Variant(id="b", sku="MUG-L", price=Money(1450, "CAD"), options=(("Size", "L"),), barcode="4006381333931"),
    ),
)  # fmt: skip


def test_a_product_without_options(make_product: Make) -> None:
    read = product(make_product(), "CAD")
    assert (read.id, read.title, read.status, read.options) == ("1", "Mug", "active", ())
    assert read.variants == (
        Variant(id="10", sku="SKU-1", price=Money(1250, "CAD"), weight_grams=1500, stock_id="100"),
    )


def test_pictures_keep_the_id_that_removes_them(make_product: Make, page: Make) -> None:
    ready = {"id": "gid://shopify/MediaImage/5", "image": {"url": "https://cdn.example/a.jpg"}}
    waiting = {"id": "gid://shopify/MediaImage/6", "image": None}
    read = product(make_product(media=page(ready, waiting)), "CAD")
    assert read.images == ("https://cdn.example/a.jpg",)
    assert read.extra["media https://cdn.example/a.jpg"] == "5"


@pytest.mark.parametrize(
    ("changed", "named"),
    [({"status": "NEW"}, "NEW"), ({"updatedAt": None}, "updatedAt"), ({"variants": None}, "variants")],
)
def test_a_bad_product_is_set_aside(changed: dict[str, Any], named: str, make_product: Make) -> None:
    good, bad = products([make_product(**changed), make_product(2)], "CAD")
    assert [one.id for one in good] == ["2"]
    assert named in bad[0].reason


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [(0, "KILOGRAMS", None), (0.3, "KILOGRAMS", 300), (250.0, "GRAMS", 250), (1, "POUNDS", 454), (8, "OUNCES", 227)],
)
def test_weights(value: float, unit: str, expected: int | None) -> None:
    assert grams({"value": value, "unit": unit}) == expected


@pytest.mark.anyio
async def test_many_variants_are_read_to_their_end(stage: Any, shop: Connector, make_product: Make, page: Make) -> None:
    node = make_product()
    first = node["variants"]["nodes"][0]
    node["variants"] = page(first, end="cut")
    node["options"] = [{"name": "Size"}]
    stage.say("Products", {"data": {"shop": {"currencyCode": "CAD"}, "products": page(node)}})
    more = [page({**first, "id": f"gid://shopify/ProductVariant/{n}"}, end="x" if n < 13 else None) for n in (12, 13)]
    stage.say("ProductVariants", *({"data": {"node": {"variants": part}}} for part in more))
    (read,) = [one async for one in shop.catalog.changes.since("2026-11-22T09:00:00Z")]
    assert [variant.id for variant in read.items[0].variants] == ["10", "12", "13"]
    assert [call["variables"].get("after") for call in stage.asked] == [None, "cut", "x"]
    assert stage.asked[0]["variables"]["query"].startswith("updated_at:>='2026-11-22T09:00:00Z' status:")


@pytest.mark.anyio
async def test_products_that_are_no_more_are_left_out(stage: Any, shop: Connector, make_product: Make) -> None:
    stage.say("ProductsById", {"data": {"shop": {"currencyCode": "CAD"}, "nodes": [make_product(), None]}})
    assert [one.id for one in await shop.catalog.get(["1", "2"])] == ["1"]


def edit(current: Product, *fields: str, variants: tuple[VariantEdit, ...] = (), **changed: Any) -> ProductEdit:
    return ProductEdit(current=current, fields=frozenset(fields), variants=variants, **changed)


@pytest.mark.anyio
async def test_several_edits_are_one_call_and_one_may_fail(stage: Any, shop: Connector, make_product: Make) -> None:
    assert shop.products is not None
    price = VariantEdit(id="10", fields=frozenset({"price", "sku", "compare_at"}), price=Money(990, "CAD"), sku="NEW")
    foreign = VariantEdit(id="40", fields=frozenset({"price"}), price=Money(990, "EUR"))
    one, two, three, four = (product(make_product(number), "CAD") for number in (1, 2, 3, 4))
    stage.say("Who", WHO)
    stage.say("ProductEdit", {"data": {
        "variants0_0": {"product": {"id": "x"}, "userErrors": []},
        "product0": {"product": make_product(title="Cup"), "userErrors": []},
        "variants1_0": {"product": make_product(2), "userErrors": []},
        "product2": {"product": None, "userErrors": [{"field": ["title"], "message": "too long"}]},
    }})  # fmt: skip
    results = await shop.products.edit(
        [
            edit(one, "title", title="Cup", variants=(price,)), edit(two, variants=(replace(price, id="20"),)),
            edit(three, "status", status="draft"), edit(four, variants=(foreign,)),
        ],
        "key",
    )  # fmt: skip
    assert [(result.id, result.product is not None) for result in results] == [
        ("1", True), ("2", True), ("3", False), ("4", False),
    ]  # fmt: skip
    assert results[0].product is not None
    assert results[0].product.title == "Cup"
    assert "too long" in results[2].reason
    assert "EUR" in results[3].reason
    sent = stage.asked[1]["variables"]
    assert sent["product0"] == {"id": "gid://shopify/Product/1", "title": "Cup"}
    assert sent["variants0_0"] == [{
        "id": "gid://shopify/ProductVariant/10", "price": "9.90", "compareAtPrice": None,
        "inventoryItem": {"sku": "NEW"},
    }]  # fmt: skip
    assert sent["product2"]["status"] == "DRAFT"
    assert stage.names() == ["Who", "ProductEdit"]


@pytest.mark.anyio
async def test_pictures_are_compared_with_what_is_there_now(
    stage: Any, shop: Connector, make_product: Make, page: Make
) -> None:
    assert shop.products is not None
    media = [
        {"id": f"gid://shopify/MediaImage/{n}", "image": {"url": f"https://cdn.shopify.com/f/{name}.jpg?v=1"}}
        for n, name in ((5, "front_1b2c"), (6, "old"))
    ]
    node = make_product(media=page(*media))
    stage.say("Who", WHO)
    stage.say("ProductsById", {"data": {"shop": {"currencyCode": "CAD"}, "nodes": [node]}})
    stage.say("ProductEdit", {"data": {
        "gone0": {"mediaUserErrors": []}, "product0": {"product": node, "userErrors": []},
    }})  # fmt: skip
    wanted = ("https://shop.example/front.jpg", "https://shop.example/back.jpg")
    await shop.products.edit([edit(product(make_product(), "CAD"), "images", images=wanted)], "key")
    sent = stage.asked[-1]["variables"]
    assert sent["media0"] == [{"mediaContentType": "IMAGE", "originalSource": "https://shop.example/back.jpg"}]
    assert sent["gone0"] == ["gid://shopify/MediaImage/6"]


def test_an_unlisted_product_stays_unlisted(make_product: Make) -> None:
    from connectors.shopify.product_input import plan

    hidden = product(make_product(status="UNLISTED"), "CAD")
    assert hidden.status == "active"
    assert plan(edit(hidden, "status", status="active"), hidden, "CAD").product is None
    assert plan(edit(hidden, "status", status="draft"), hidden, "CAD").product == {"status": "DRAFT"}


@pytest.mark.anyio
async def test_creating_looks_for_the_exact_sku_first(
    stage: Any, shop: Connector, make_product: Make, page: Make
) -> None:
    assert shop.products is not None
    near = {"sku": "mug-s", "product": {"id": "gid://shopify/Product/3"}}
    stage.say("ProductSearch", {"data": {"productVariants": page(near), "productByIdentifier": None}})
    stage.say("Who", WHO)
    stage.say("ProductSet", {"data": {"productSet": {"product": make_product(9), "userErrors": []}}})
    assert at_once(await shop.products.create(MUG, "key")).id == "9"
    assert stage.asked[0]["variables"] == {"query": "sku:'MUG-S' OR sku:'MUG-L'", "handle": "mug-mug-s"}
    exact = {"sku": "SKU-1", "product": {"id": "gid://shopify/Product/1"}}
    stage.say("ProductSearch", {"data": {"productVariants": page(exact), "productByIdentifier": None}})
    stage.say("ProductsById", {"data": {"shop": {"currencyCode": "CAD"}, "nodes": [make_product(1)]}})
    there = replace(MUG, variants=(replace(MUG.variants[0], sku="SKU-1"),))
    assert at_once(await shop.products.create(there, "key")).id == "1"
    assert stage.names().count("ProductSet") == 1


def test_a_new_product_carries_no_stock() -> None:
    made = new_product(MUG, "CAD")
    assert made["productOptions"] == [{"name": "Size", "position": 1, "values": [{"name": "S"}, {"name": "L"}]}]
    assert made["variants"][0] == {
        "optionValues": [{"optionName": "Size", "name": "S"}], "price": "12.50", "sku": "MUG-S",
        "inventoryItem": {"tracked": True, "measurement": {"weight": {"value": 300, "unit": "GRAMS"}}},
    }  # fmt: skip
    assert "inventoryQuantities" not in str(made)


@pytest.mark.parametrize(
    "changed",
    [
        {"title": ""}, {"variants": ()}, {"options": ("A", "B", "C", "D")}, {"images": ("ftp://x/y.jpg",)},
        {"variants": (MUG.variants[0], replace(MUG.variants[1], options=(("Size", "S"),)))},
        {"variants": (replace(MUG.variants[0], options=()), MUG.variants[1])},
        {"variants": (replace(MUG.variants[0], price=Money(-1, "CAD")),)},
        {"variants": (replace(MUG.variants[0], price=None),)},
    ],
)  # fmt: skip
def test_what_shopify_cannot_take_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        new_product(replace(MUG, **changed), "CAD")


@pytest.mark.anyio
async def test_deleting_archives_and_is_fine_when_done(stage: Any, shop: Connector) -> None:
    assert shop.products is not None
    missing = {"field": ["id"], "message": "Product does not exist"}
    other = {"field": ["id"], "message": "Product is suspended"}
    stage.say("ProductArchive", *({"data": {"productUpdate": {"userErrors": [error]}}} for error in (missing, other)))
    await shop.products.delete("1")
    with pytest.raises(Refused, match="suspended"):
        await shop.products.delete("1")


@given(some.text(max_size=300))
def test_a_handle_is_always_an_address(title: str) -> None:
    made = handle(replace(MUG, title=title, variants=()))
    assert 0 < len(made) <= 255
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_pictures_are_the_same_by_name() -> None:
    assert same_image("https://a/img/front.JPG", "https://cdn/front.jpg?v=2")
    assert same_image("https://a/front.jpg", "https://cdn/front_12ab.jpg")
    assert not same_image("https://a/front.jpg", "https://cdn/back.jpg")
