"""Rules of the catalogue: products, their options and variants, and the inventory items behind them.

Sources: recordings product-create-parity, product-update-parity, product-set-*, product-variants-bulk-*,
productVariantsBulkCreate-strategy-*; the 2026-10 schema.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from bridge.sandbox.shopify import stock
from bridge.sandbox.shopify.errors import UserErrors, refuse, user_error
from bridge.sandbox.shopify.model import Item, Location, Media, Option, Product, Variant
from bridge.sandbox.shopify.money import decimal
from bridge.sandbox.shopify.state import State, split

MAX_VARIANTS = 2048
MAX_OPTIONS = 3
TEXTS = {
    "title": "title",
    "descriptionHtml": "description_html",
    "vendor": "vendor",
    "productType": "product_type",
    "status": "status",
    "templateSuffix": "template_suffix",
    "giftCard": "is_gift_card",
}


def handleize(text: str) -> str:
    """Turn text into a handle: lower case, words joined by hyphens (recorded: product-create-parity)."""
    return re.sub(r"[^\w]+", "-", text.casefold().strip()).strip("-").replace("_", "-") or "product"


def free_handle(state: State, base: str) -> str:
    """Return `base`, or the first of base-1, base-2 ... that no product has."""
    if base not in state.handles:
        return base
    number = 1
    while f"{base}-{number}" in state.handles:
        number += 1
    return f"{base}-{number}"


def create(state: State, given: dict[str, Any]) -> Product:
    """Create a product with its one default variant (untracked, stocked nowhere but at the first location)."""
    product = blank(state, given)
    set_options(state, product, given.get("productOptions") or [])
    add_variant(state, product, {option.name: next(iter(option.values)) for option in product.options if option.values})
    return product


def blank(state: State, given: dict[str, Any]) -> Product:
    """Create a product without variants from the fields given."""
    title = given.get("title")
    if not title or not title.strip():
        raise refuse(["title"], "Title can't be blank")
    if len(title) > 255:
        raise refuse(["title"], "Title is too long (maximum is 255 characters)")
    wished = given.get("handle")
    handle = handleize(wished) if wished and wished.strip() else None
    if handle in state.handles:
        raise refuse(["input", "handle"], f"Handle '{handle}' already in use. Please provide a new handle.")
    product = Product(**state.stamps("Product"), handle=handle or free_handle(state, handleize(title)))
    product.vendor = state.settings.name
    write_fields(product, given)
    product.published_at = product.created_at if product.status == "ACTIVE" else None
    state.products.add(product)
    state.handles[product.handle] = product
    return product


def update(state: State, product: Product, given: dict[str, Any]) -> None:
    """Change the product's own fields; what is not given stays."""
    if "title" in given and not (given["title"] or "").strip():
        raise refuse(["title"], "Title can't be blank")
    if len(given.get("title") or "") > 255:
        raise refuse(["title"], "Title is too long (maximum is 255 characters)")
    wished = given.get("handle")
    if wished and wished.strip():
        handle = handleize(wished)
        if state.handles.get(handle, product) is not product:
            raise refuse(["input", "handle"], f"Handle '{handle}' already in use. Please provide a new handle.")
        del state.handles[product.handle]
        product.handle = handle
        state.handles[handle] = product
    write_fields(product, given)
    if product.status == "ACTIVE" and product.published_at is None:
        product.published_at = state.now()
    state.touch_product(product)


def write_fields(product: Product, given: dict[str, Any]) -> None:
    """Copy the plain fields; tags are trimmed, unique without regard to case, and sorted."""
    for name, attribute in TEXTS.items():
        if given.get(name) is not None:
            setattr(product, attribute, given[name])
    if given.get("tags") is not None:
        product.tags = tidy_tags(given["tags"])
    seo = given.get("seo") or {}
    product.seo_title = seo.get("title", product.seo_title)
    product.seo_description = seo.get("description", product.seo_description)


def tidy_tags(tags: list[str]) -> list[str]:
    """Return tags as Shopify keeps them (recorded: product-update-tag-normalization)."""
    first: dict[str, str] = {}
    for tag in tags:
        tidy = " ".join(tag.split())
        if tidy:
            first.setdefault(tidy.casefold(), tidy)
    return sorted(first.values())


def set_options(state: State, product: Product, wanted: list[dict[str, Any]]) -> None:
    """Replace the product's options; a value keeps its number while its name stays."""
    if len(wanted) > MAX_OPTIONS:
        raise refuse(["input", "productOptions"], "Can only specify a maximum of 3 options")
    before = {option.name: option for option in product.options}
    product.options = []
    for entry in wanted or [{"name": "Title", "values": [{"name": "Default Title"}]}]:
        old = before.get(entry["name"])
        option = old or Option(state.number("ProductOption"), entry["name"], {})
        names = [value["name"] for value in entry.get("values") or []]
        option.values = {name: option.values.get(name) or state.number("ProductOptionValue") for name in names}
        product.options.append(option)


def add_variant(state: State, product: Product, choices: dict[str, str], item: Item | None = None) -> Variant:
    """Create a variant and its inventory item, or one more variant of a shared item."""
    if len(product.variants) >= MAX_VARIANTS:
        raise refuse(["variants"], f"You can't have more than {MAX_VARIANTS} variants for each product.")
    if item is None:
        item = state.items.add(Item(**state.stamps("InventoryItem")))
        state.webhooks.tell("INVENTORY_ITEMS_CREATE", item)
        state.stocked(item, first_location(state))
    variant = Variant(**state.stamps("ProductVariant"), product=product, item=item, choices=choices)
    for option in product.options:
        value = choices.get(option.name)
        if value and value not in option.values:
            option.values[value] = state.number("ProductOptionValue")
    product.variants.append(variant)
    item.variants.append(variant)
    state.variants.add(variant)
    state.index_sku(variant, None, item.sku)
    return variant


def first_location(state: State) -> Location:
    """Return where new items are stocked (recorded: one level, at the shop location)."""
    return next(iter(state.locations.rows.values()))


def write_variant(state: State, variant: Variant, given: dict[str, Any], path: list[str]) -> UserErrors:
    """Change a variant and its item; on any error nothing is changed and the errors are returned."""
    errors = price_errors(given, path)
    if errors:
        return errors
    if given.get("price") is not None:
        variant.price = decimal(given["price"])
    if "compareAtPrice" in given:
        variant.compare_at_price = None if given["compareAtPrice"] is None else decimal(given["compareAtPrice"])
    if "barcode" in given:
        variant.barcode = given["barcode"]
    if given.get("taxable") is not None:
        variant.taxable = given["taxable"]
    if given.get("inventoryPolicy") is not None:
        variant.inventory_policy = given["inventoryPolicy"]
    fields = dict(given.get("inventoryItem") or {})
    if "sku" in given:
        fields["sku"] = given["sku"]
    write_item(state, variant.item, fields)
    state.variants.touch(variant)
    state.webhooks.tell("PRODUCTS_UPDATE", variant.product)
    return []


def price_errors(given: dict[str, Any], path: list[str]) -> UserErrors:
    """Check prices; compareAtPrice is named first (recorded: ...-allow-partial-and-error-order)."""
    errors: UserErrors = []
    for name in ("compareAtPrice", "price"):
        value = given.get(name)
        if value is None:
            continue
        if decimal(value) >= Decimal(10) ** 18:
            errors.append(user_error([*path, name], "must be less than 1000000000000000000", "INVALID_INPUT"))
        elif decimal(value) < 0:
            said = "Price" if name == "price" else "Compare at price"
            message = f"{said} must be greater than or equal to 0"
            errors.append(user_error([*path, name], message, "GREATER_THAN_OR_EQUAL_TO"))
    return errors


def write_item(state: State, item: Item, given: dict[str, Any]) -> None:
    """Change an inventory item; its SKU belongs to all its variants."""
    if "sku" in given:
        for variant in item.variants:
            state.index_sku(variant, item.sku, given["sku"])
        item.sku = given["sku"]
    if given.get("tracked") is not None:
        item.tracked = given["tracked"]
    if given.get("requiresShipping") is not None:
        item.requires_shipping = given["requiresShipping"]
    if "cost" in given:
        item.cost = None if given["cost"] is None else decimal(given["cost"])
    for name, attribute in (
        ("countryCodeOfOrigin", "country_code_of_origin"),
        ("provinceCodeOfOrigin", "province_code_of_origin"),
    ):
        if name in given:
            setattr(item, attribute, given[name])
    if "harmonizedSystemCode" in given:
        item.harmonized_system_code = (given["harmonizedSystemCode"] or "").replace(".", "") or None
    weight = (given.get("measurement") or {}).get("weight")
    if weight:
        item.weight, item.weight_unit = decimal(weight["value"]), weight["unit"]
    if given:
        state.items.touch(item)
        state.webhooks.tell("INVENTORY_ITEMS_UPDATE", item)


def check_levels(state: State, levels: list[dict[str, Any]], path: list[str]) -> UserErrors:
    """Check the locations of opening quantities before anything is written."""
    message = "The specified location could not be found."
    return [
        user_error([*path, "inventoryQuantities", str(index), "locationId"], message, "INVALID_INPUT")
        for index, row in enumerate(levels)
        if find_location(state, row["locationId"]) is None
    ]


def stock_new(state: State, variant: Variant, location_id: str, name: str, quantity: int) -> None:
    """Write one opening quantity of a new variant."""
    location = find_location(state, location_id)
    assert location is not None
    level = state.stocked(variant.item, location)
    stock.move(state, level, "available", quantity - level.quantity(name))


def find_location(state: State, global_id: str) -> Location | None:
    """Return the location with this global id."""
    kind, number = split(global_id)
    return state.locations.get(number) if kind == "Location" else None


def find_product(state: State, global_id: str | None) -> Product | None:
    """Return the product with this global id."""
    kind, number = split(global_id or "")
    return state.products.get(number) if kind == "Product" else None


def check_twins(choices: list[dict[str, str]], path: Callable[[int], list[str]]) -> UserErrors:
    """Name every variant whose option values another one before it has already."""
    seen: set[tuple[str, ...]] = set()
    errors: UserErrors = []
    for index, choice in enumerate(choices):
        key = tuple(choice.values())
        if key in seen:
            message = f"The variant '{' / '.join(key)}' already exists. Please change at least one option value."
            errors.append(user_error(path(index), message, "VARIANT_ALREADY_EXISTS"))
        seen.add(key)
    return errors


def remove_variant(state: State, variant: Variant) -> None:
    """Delete a variant, and its inventory item with the last variant of it."""
    variant.product.variants.remove(variant)
    variant.item.variants.remove(variant)
    state.index_sku(variant, variant.sku, None)
    state.variants.remove(variant)
    if not variant.item.variants:
        state.items.remove(variant.item)
        state.webhooks.tell("INVENTORY_ITEMS_DELETE", variant.item)


def delete(state: State, product: Product) -> None:
    """Delete a product with all its variants; orders keep their lines without it."""
    for variant in list(product.variants):
        remove_variant(state, variant)
    del state.handles[product.handle]
    state.products.remove(product)


def add_media(state: State, product: Product, url: str, alt: str | None) -> Media:
    """Attach an image; it is ready at once."""
    media = Media(**state.stamps("MediaImage"), url=url, alt=alt)
    product.media.append(media)
    return media
