"""Products: the named fields are written, nothing else is touched, and a repeat makes nothing twice."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bridge.contract.errors import Refused, TryLater
from bridge.contract.ports import ProductEdit, ProductResult, VariantEdit
from bridge.domain.catalog import Product, Variant
from bridge.domain.money import Money
from tests.contract.bench import Bench, another, good

pytestmark = [pytest.mark.anyio, pytest.mark.offers("products")]

FIELDS: dict[str, dict[str, Any]] = {
    "title": {"title": "A new title – ½ price & more"},
    "description": {"description": "<p>New words</p>"},
    "status": {"status": "archived"},
}
VARIANT_FIELDS: dict[str, dict[str, Any]] = {
    "price": {"price": Money(1999, "USD")},
    "compare_at": {"compare_at": Money(2500, "USD"), "price": Money(1250, "USD")},
    "barcode": {"barcode": "4006381333931"},
    "weight_grams": {"weight_grams": 750},
    "sku": {"sku": "TEE-2"},
}
# SKUs and barcodes are one thing's own.
OTHERS: dict[str, dict[str, Any]] = {"sku": {"sku": "NEW-M"}, "barcode": {"barcode": "9780201379624"}}


def _values(bench: Bench, field: str) -> dict[str, Any]:
    return {"description": bench.text("New words")} if field == "description" else FIELDS[field]


async def _edit(bench: Bench, sku: str, key: str = "key-1", **values: Any) -> ProductResult:
    product, _ = await bench.variant(sku)
    (result,) = await bench.edit([ProductEdit(current=product, fields=frozenset(values), **values)], key)
    return result


async def _edit_variant(bench: Bench, of: str, key: str = "key-1", **values: Any) -> ProductResult:
    product, variant = await bench.variant(of)
    own = VariantEdit(id=variant.id, fields=frozenset(values), **values)
    (result,) = await bench.edit([ProductEdit(current=product, fields=frozenset(), variants=(own,))], key)
    return result


def _view(product: Product, *without: str) -> dict[str, Any]:
    """Return the fields a merchant sees, less some."""
    names = {"title", "description", "status", "images", "options", "variants"} - set(without)
    return {name: getattr(product, name) for name in names}


@pytest.mark.parametrize("field", FIELDS)
async def test_a_field_is_written_and_read_back(bench: Bench, field: str) -> None:
    await bench.seed(good("TEE", description=bench.text("Old words")), good("CAP"))
    before, _ = await bench.variant("TEE")
    other, _ = await bench.variant("CAP")
    await bench.wait(2)
    result = await _edit(bench, "TEE", **_values(bench, field))
    after, _ = await bench.variant("TEE")
    assert _view((await bench.variant("CAP"))[0]) == _view(other)
    if field in bench.facts.inexpressible:
        assert field in result.reason
        assert _view(after) == _view(before)
        return
    assert (result.id, result.reason, result.stale) == (before.id, "", False)
    assert str(getattr(after, field)).strip() == _values(bench, field)[field]
    assert _view(after, field) == _view(before, field), "only the named field changes"
    assert result.product is not None
    assert _view(result.product) == _view(after), "what is returned is what is there"


@pytest.mark.parametrize("field", VARIANT_FIELDS)
async def test_a_field_of_a_variant_is_written_and_read_back(bench: Bench, field: str) -> None:
    sizes = [{"sku": f"TEE-{size}", "price": "12.50", "stock": 5, "options": {"Size": size}} for size in "SML"]
    await bench.seed({"title": "Tee", "options": ["Size"], "variants": sizes}, good("TEE"))
    for sku in ("TEE", "TEE-M"):
        before, own = await bench.variant(sku)
        values = VARIANT_FIELDS[field] | (OTHERS.get(field, {}) if sku == "TEE-M" else {})
        result = await _edit_variant(bench, sku, f"key-{sku}", **values)
        if field in bench.facts.inexpressible:
            assert field in result.reason
            assert _view((await bench.variant(sku))[0]) == _view(before)
            continue
        assert result.reason == ""
        await bench.seen()
        (after,) = await bench.connector.catalog.get([before.id])
        (now,) = [one for one in after.variants if one.id == own.id]
        assert {name: getattr(now, name) for name in values} == values
        assert [one for one in after.variants if one.id != own.id] == [
            one for one in before.variants if one.id != own.id
        ]
        same = replace(now, **{name: getattr(own, name) for name in values})
        assert same == own, "only the named fields change"


async def test_several_fields_go_together(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    product, variant = await bench.variant("TEE")
    own = VariantEdit(id=variant.id, fields=frozenset({"price"}), price=Money(1999, "USD"))
    edit = ProductEdit(current=product, fields=frozenset({"title"}), title="New", variants=(own,))
    (result,) = await bench.edit([edit], "key-1")
    after, now = await bench.variant("TEE")
    assert result.product is not None
    assert (after.title, now.price) == ("New", Money(1999, "USD"))


@pytest.mark.where("counts")
async def test_an_edit_leaves_stock_alone(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=7))
    product, variant = await bench.variant("TEE")
    bench.take("TEE", 2)
    own = VariantEdit(id=variant.id, fields=frozenset({"price"}), price=Money(1500, "USD"))
    (result,) = await bench.edit(
        [ProductEdit(current=product, fields=frozenset({"title"}), title="New", variants=(own,))], "key-1"
    )
    assert result.product is not None or result.stale
    assert bench.number("TEE") == 5


async def test_a_field_that_was_not_named_keeps_a_persons_edit(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    product, _ = await bench.variant("TEE")
    await bench.wait(2)
    bench.shop.edit_product("TEE", description=bench.text("By hand"))
    await bench.seen()
    (result,) = await bench.edit([ProductEdit(current=product, fields=frozenset({"title"}), title="New")], "k")
    after, _ = await bench.variant("TEE")
    assert after.description.strip() == bench.text("By hand")
    assert result.stale or after.title == "New"


async def test_an_edit_of_an_older_version_is_stale_where_there_are_versions(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    product, _ = await bench.variant("TEE")
    await bench.wait(2)
    bench.shop.edit_product("TEE", title="By hand")
    await bench.seen()
    (result,) = await bench.edit([ProductEdit(current=product, fields=frozenset({"title"}), title="Ours")], "k")
    after, _ = await bench.variant("TEE")
    assert result.stale == (product.version is not None)
    assert after.title == ("By hand" if result.stale else "Ours")


async def test_an_edit_may_be_sent_again(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    first = await _edit(bench, "TEE", title="New")
    second = await _edit(bench, "TEE", "key-2", title="New")
    assert first.product is not None
    assert second.product is not None
    assert _view(first.product) == _view(second.product)


async def test_an_edit_with_a_lost_answer_is_there_afterwards(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    bench.fault("cut_after", "edit")
    try:
        result = await _edit(bench, "TEE", title="New")
    except TryLater:
        result = await _edit(bench, "TEE", title="New")
    assert result.reason == ""
    assert (await bench.variant("TEE"))[0].title == "New"


async def test_as_many_edits_as_it_says_go_at_once(bench: Bench) -> None:
    count = bench.limits.product_batch
    await bench.seed(*(good(f"SKU-{number:03d}") for number in range(count)))
    current = sorted((await bench.catalogue()).values(), key=lambda one: one.variants[0].sku or "")
    edits = [
        ProductEdit(current=one, fields=frozenset({"title"}), title=f"New {number}")
        for number, one in enumerate(current)
    ]
    results = await bench.edit(edits, "key-1")
    assert [result.id for result in results] == [one.id for one in current]
    assert [result.product.title for result in results if result.product] == [f"New {n}" for n in range(count)]


async def test_one_refused_edit_does_not_sink_the_others(bench: Bench) -> None:
    await bench.seed(good("TEE"), good("CAP"), good("MUG"))
    ids = [(await bench.variant(sku))[0] for sku in ("TEE", "CAP", "MUG")]
    bench.shop.delete_product("CAP")
    edits = [ProductEdit(current=one, fields=frozenset({"title"}), title="New") for one in ids]
    size = bench.limits.product_batch
    batches = [edits[at : at + size] for at in range(0, len(edits), size)]
    results = [one for n, batch in enumerate(batches) for one in await bench.edit(batch, f"key-{n}")]
    assert [result.product.title if result.product else None for result in results][::2] == ["New", "New"]
    assert results[1].product is None
    assert results[1].reason


@pytest.mark.parametrize("price", [Money(-100, "USD"), Money(500, "EUR")])
async def test_a_price_that_cannot_be_is_refused_with_a_reason(bench: Bench, price: Money) -> None:
    await bench.seed(good("TEE"))
    result = await _edit_variant(bench, "TEE", price=price)
    assert "price" in result.reason
    assert (await bench.variant("TEE"))[1].price == Money(1250, "USD")


async def test_an_empty_title_is_refused_with_a_reason_or_written(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    result = await _edit(bench, "TEE", title="")
    assert (await bench.variant("TEE"))[0].title == ("Title of TEE" if result.reason else "")
    assert not result.reason or "title" in result.reason


async def test_what_the_platform_cannot_express_is_refused_by_name(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    bench.wire.calls.clear()
    for field in sorted(bench.facts.inexpressible & set(VARIANT_FIELDS)):
        result = await _edit_variant(bench, "TEE", **VARIANT_FIELDS[field])
        assert field in result.reason
    assert not [call for call in bench.wire.calls if bench.facts.writes(call.method, call.path, call.body)]


def _sized(like: Product) -> Product:
    variants = tuple(
        Variant(id="", sku=f"NEW-{size}", price=Money(900 + n, "USD"), options=(("Size", size),))
        for n, size in enumerate("SML")
    )
    return another(like, "NEW", options=("Size",), variants=variants)


@pytest.mark.where("counts")
@pytest.mark.where("creates")
async def test_a_missing_product_is_created_and_found(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    tee, _ = await bench.variant("TEE")
    made = await bench.create(another(tee, "CAP"), "key-1")
    found, variant = await bench.variant("CAP")
    assert (made.id, found.title, variant.price) == (found.id, "Title of CAP", Money(1250, "USD"))
    assert variant.stock_id is not None
    assert bench.number("TEE") == 10


@pytest.mark.where("not one_variant")
@pytest.mark.where("creates")
async def test_a_missing_product_is_created_with_all_its_variants(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    tee, _ = await bench.variant("TEE")
    made = await bench.create(_sized(tee), "key-1")
    (found,) = await bench.connector.catalog.get([made.id])
    assert [(own.sku, own.price) for own in found.variants] == [
        (f"NEW-{size}", Money(900 + n, "USD")) for n, size in enumerate("SML")
    ]
    assert [own.title for own in found.variants] == ["S", "M", "L"]
    assert [own.sku for own in made.variants] == [own.sku for own in found.variants]


@pytest.mark.where("creates")
async def test_a_created_product_starts_without_stock(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    tee, _ = await bench.variant("TEE")
    await bench.create(another(tee, "CAP"), "key-1")
    assert await bench.level("CAP") in {None, 0}


@pytest.mark.where("creates")
@pytest.mark.parametrize("key", ["key-1", "key-2"])
async def test_a_repeat_finds_the_one_already_made(bench: Bench, key: str) -> None:
    await bench.seed(good("TEE"))
    tee, _ = await bench.variant("TEE")
    several = [] if bench.facts.one_variant else [_sized(tee)]
    for what in (another(tee, "CAP"), *several):
        first = await bench.create(what, f"{what.title} key-1")
        await bench.wait(60)
        again = await bench.create(what, f"{what.title} {key}")
        assert again.id == first.id
    made = ["NEW-L", "NEW-M", "NEW-S"] if several else []
    assert sorted(one.sku or "" for one in _variants(await bench.catalogue())) == ["CAP", *made, "TEE"]


@pytest.mark.where("counts")
@pytest.mark.where("creates")
async def test_creating_what_the_shop_has_returns_what_it_has(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=7))
    tee, _ = await bench.variant("TEE")
    made = await bench.create(another(tee, "TEE", title="Another title"), "key-1")
    assert made.id == tee.id
    assert (await bench.variant("TEE"))[0].title == "Title of TEE"
    assert bench.number("TEE") == 7


@pytest.mark.where("creates")
async def test_two_creations_at_once_of_different_things_are_both_made(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    tee, _ = await bench.variant("TEE")
    await asyncio.gather(*(bench.create(another(tee, sku), f"key-{sku}") for sku in ("CAP", "MUG")))
    assert sorted(one.sku or "" for one in _variants(await bench.catalogue())) == ["CAP", "MUG", "TEE"]


@pytest.mark.where("creates")
async def test_a_product_without_variants_is_refused(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    tee, _ = await bench.variant("TEE")
    with pytest.raises(Refused):
        await bench.maker.create(another(tee, "CAP", variants=()), "key-1")
    assert len(await bench.catalogue()) == 1


@pytest.mark.where("deletes")
async def test_a_deleted_product_sells_no_more_and_twice_is_fine(bench: Bench) -> None:
    await bench.seed(good("TEE"), good("CAP"))
    tee, _ = await bench.variant("TEE")
    await bench.products.delete(tee.id)
    await bench.products.delete(tee.id)
    await bench.quiet()
    listed = await bench.catalogue()
    assert tee.id not in listed or listed[tee.id].status == "archived"
    assert (await bench.variant("CAP"))[0].status == "active"


@pytest.mark.where("deletes")
async def test_deleting_what_a_person_deleted_is_fine(bench: Bench) -> None:
    await bench.seed(good("TEE"), good("CAP"))
    tee, _ = await bench.variant("TEE")
    bench.shop.delete_product("TEE")
    await bench.products.delete(tee.id)
    assert (await bench.variant("CAP"))[0].status == "active"


@pytest.mark.where("needs_map")
async def test_without_a_map_a_creation_is_refused_and_says_what_is_missing(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    tee, _ = await bench.variant("TEE")
    bench.wire.calls.clear()
    with pytest.raises(Refused) as caught:
        await bench.products.create(another(tee, "CAP"), "key-1")
    assert "map" in f"{caught.value.what} {caught.value.next_step}"
    assert not [call for call in bench.wire.calls if bench.facts.writes(call.method, call.path, call.body)]
    assert len(await bench.catalogue()) == 1


@pytest.mark.where("not creates")
async def test_what_cannot_be_created_is_refused(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    tee, _ = await bench.variant("TEE")
    with pytest.raises(Refused):
        await bench.products.create(another(tee, "CAP"), "key-1")
    assert len(await bench.catalogue()) == 1


@pytest.mark.where("not deletes")
async def test_what_cannot_be_deleted_is_refused(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    tee, _ = await bench.variant("TEE")
    with pytest.raises(Refused):
        await bench.products.delete(tee.id)
    assert list(await bench.catalogue()) == [tee.id]


@pytest.mark.offers("preview")
async def test_a_preview_of_what_can_be_made_finds_nothing_and_makes_nothing(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    tee, _ = await bench.variant("TEE")
    preview = bench.connect(**(bench.facts.create_with or {})).preview
    assert preview is not None
    assert list(await preview.problems(another(tee, "CAP"))) == []
    assert len(await bench.catalogue()) == 1


@pytest.mark.offers("preview")
@pytest.mark.where("needs_map")
async def test_a_preview_names_what_the_map_lacks(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    tee, _ = await bench.variant("TEE")
    assert bench.connector.preview is not None
    problems = await bench.connector.preview.problems(another(tee, "CAP"))
    assert problems
    assert all(len(problem) > 15 for problem in problems)


def _variants(catalogue: dict[str, Product]) -> Sequence[Variant]:
    return [own for one in catalogue.values() for own in one.variants]
