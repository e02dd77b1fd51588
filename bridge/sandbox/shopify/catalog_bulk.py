"""Writing many variants of a product: the bulk mutations and the upsert `productSet`.

Sources: recordings productVariantsBulkCreate-strategy-*, product-variants-bulk-*, product-set-*; the 2026-10 schema.
"""

from typing import Any

from bridge.sandbox.shopify import catalog, stock
from bridge.sandbox.shopify.errors import InvalidError, UserErrors, refuse, user_error
from bridge.sandbox.shopify.model import Product, Variant
from bridge.sandbox.shopify.state import State, split

Rows = list[dict[str, Any]]


def create(state: State, product: Product, rows: Rows, strategy: str) -> list[Variant]:
    """Create variants, all or none; strategy DEFAULT lets a lone "Default Title" variant give way to them."""
    lone = product.variants[0] if len(product.variants) == 1 else None
    default = lone is not None and lone.title == "Default Title"
    gives_way = strategy == "REMOVE_STANDALONE_VARIANT" or (default and strategy == "DEFAULT")
    errors = [error for index, row in enumerate(rows) for error in _row_errors(state, row, ["variants", str(index)])]
    names = dict.fromkeys(entry.get("optionName") for row in rows for entry in row.get("optionValues") or [])
    known = [option.name for option in product.options]
    if default and gives_way and names and list(names) != ["Title"]:
        known = [name for name in names if name]
    choices = [_choices(product, known, row.get("optionValues")) for row in rows]
    keep = [] if gives_way and lone is not None else [variant.choices for variant in product.variants]
    errors += catalog.check_twins(keep + choices, lambda index: ["variants", str(index - len(keep))])
    if errors:
        raise InvalidError(errors)
    if lone is not None and gives_way:
        catalog.remove_variant(state, lone)
        catalog.set_options(state, product, [{"name": name, "values": []} for name in known])
    created = [_create_row(state, product, row, choice) for row, choice in zip(rows, choices, strict=True)]
    state.touch_product(product)
    return created


def update(state: State, product: Product, rows: Rows, partial: bool) -> tuple[list[Variant], UserErrors]:
    """Update variants, all or none unless `partial`; return the variants named and the errors."""
    found: list[Variant | None] = []
    errors: list[UserErrors] = []
    for index, row in enumerate(rows):
        path = ["variants", str(index)]
        variant = _variant(state, row.get("id"))
        wrong = _update_errors(product, variant, row, path)
        found.append(variant)
        errors.append(wrong or catalog.price_errors(row, path))
    flat = [error for wrong in errors for error in wrong]
    if not flat or partial:
        for variant, row, wrong in zip(found, rows, errors, strict=True):
            if variant is not None and not wrong:
                _update_row(state, variant, row)
        if len(flat) < len(rows):
            state.touch_product(product)
    return [variant for variant in found if variant is not None], flat


def delete(state: State, product: Product, ids: list[str]) -> None:
    """Delete variants of one product, never the last one."""
    found = [_variant(state, variant_id) for variant_id in ids]
    for index, variant in enumerate(found):
        if variant is None or variant.product is not product:
            message = "At least one variant does not belong to the product"
            code = "AT_LEAST_ONE_VARIANT_DOES_NOT_BELONG_TO_THE_PRODUCT"
            raise refuse(["variantsIds", str(index)], message, code)
    if len(set(ids)) >= len(product.variants):
        raise refuse(["variantsIds"], "Cannot delete the last variant of a product", "CANNOT_DELETE_LAST_VARIANT")
    for variant in dict.fromkeys(found):
        assert variant is not None
        catalog.remove_variant(state, variant)
    state.touch_product(product)


def upsert(state: State, product: Product | None, given: dict[str, Any]) -> Product:
    """Create or update by `productSet`. A list that is given replaces the old one: variants left out are deleted."""
    rows = given.get("variants")
    options = given.get("productOptions")
    if options and rows is None:
        message = "Variants input is required when updating product options"
        raise refuse(["input", "variants"], message, "VARIANTS_INPUT_MISSING")
    _check_set(state, product, rows or [], options)
    if product is None:
        product = catalog.blank(state, given)
        catalog.set_options(state, product, options or [])
        if not rows:
            catalog.add_variant(state, product, {option.name: next(iter(option.values)) for option in product.options})
    else:
        catalog.update(state, product, given)
        if options:
            catalog.set_options(state, product, options)
    if rows is not None:
        _set_rows(state, product, rows)
    if given.get("files") is not None:
        product.media = []
        for file in given["files"]:
            catalog.add_media(state, product, file["originalSource"], file.get("alt"))
    state.touch_product(product)
    return product


def _check_set(state: State, product: Product | None, rows: Rows, options: Rows | None) -> None:
    names = [option["name"] for option in options] if options else [o.name for o in product.options] if product else []
    choices = [_choices(product, names, row.get("optionValues")) for row in rows]
    path = ["input", "variants"]
    errors = catalog.check_twins(choices, lambda index: [*path, str(index)])
    for index, row in enumerate(rows):
        errors += _row_errors(state, row, [*path, str(index)])
        variant = _variant(state, row["id"]) if row.get("id") else None
        if row.get("id") and (variant is None or variant.product is not product):
            errors.append(
                user_error([*path, str(index)], "Product variant does not exist", "PRODUCT_VARIANT_DOES_NOT_EXIST")
            )
    if errors:
        raise InvalidError(errors)


def _set_rows(state: State, product: Product, rows: Rows) -> None:
    """Match rows to variants by id, else by option values; write them in the order given; delete the rest."""
    names = [option.name for option in product.options]
    before = {tuple(variant.choices.values()): variant for variant in product.variants}
    kept: list[Variant] = []
    for row in rows:
        choice = _choices(product, names, row.get("optionValues"))
        variant = _variant(state, row["id"]) if row.get("id") else before.get(tuple(choice.values()))
        is_new = variant is None
        if variant is None:
            variant = catalog.add_variant(state, product, choice)
        variant.choices = choice
        catalog.write_variant(state, variant, row, [])
        for level in row.get("inventoryQuantities") or []:
            _set_level(state, variant, level, is_new)
        kept.append(variant)
    for variant in [variant for variant in product.variants if variant not in kept]:
        catalog.remove_variant(state, variant)
    product.variants.sort(key=kept.index)


def _set_level(state: State, variant: Variant, level: dict[str, Any], is_new: bool) -> None:
    """Write a quantity of productSet: no compare, no delta, and for an old variant only where it is stocked already."""
    location = catalog.find_location(state, level["locationId"])
    assert location is not None
    if is_new or location.number in variant.item.levels:
        catalog.stock_new(state, variant, level["locationId"], level["name"], level["quantity"])


def _row_errors(state: State, row: dict[str, Any], path: list[str]) -> UserErrors:
    return catalog.price_errors(row, path) + catalog.check_levels(state, row.get("inventoryQuantities") or [], path)


def _create_row(state: State, product: Product, row: dict[str, Any], choice: dict[str, str]) -> Variant:
    variant = catalog.add_variant(state, product, choice)
    catalog.write_variant(state, variant, row, [])
    for level in row.get("inventoryQuantities") or []:
        catalog.stock_new(state, variant, level["locationId"], "available", level["availableQuantity"])
    return variant


def _update_errors(product: Product, variant: Variant | None, row: dict[str, Any], path: list[str]) -> UserErrors:
    if row.get("id") is None:
        return [user_error([*path, "id"], "Product variant is missing ID attribute", "PRODUCT_VARIANT_ID_MISSING")]
    if variant is None or variant.product is not product:
        return [user_error([*path, "id"], "Product variant does not exist", "PRODUCT_VARIANT_DOES_NOT_EXIST")]
    if row.get("inventoryQuantities"):
        message = "Inventory quantities can only be provided during create. Use inventoryAdjustQuantities for existing variants."
        return [user_error([*path, "inventoryQuantities"], message, "NO_INVENTORY_QUANTITIES_ON_VARIANTS_UPDATE")]
    return []


def _update_row(state: State, variant: Variant, row: dict[str, Any]) -> None:
    if row.get("optionValues"):
        names = [option.name for option in variant.product.options]
        variant.choices = {**variant.choices, **_choices(variant.product, names, row["optionValues"])}
    catalog.write_variant(state, variant, row, [])
    for change in row.get("quantityAdjustments") or []:
        location = catalog.find_location(state, change["locationId"])
        if location is not None and change.get("adjustment"):
            stock.move(state, state.stocked(variant.item, location), "available", change["adjustment"])


def _variant(state: State, global_id: str | None) -> Variant | None:
    kind, number = split(global_id or "")
    return state.variants.get(number) if kind == "ProductVariant" else None


def _choices(product: Product | None, names: list[str], given: Rows | None) -> dict[str, str]:
    by_id = {option.id: option.name for option in product.options} if product else {}
    named = {entry.get("optionName") or by_id.get(entry.get("optionId") or ""): entry["name"] for entry in given or []}
    return {name: named[name] for name in names if name in named}
