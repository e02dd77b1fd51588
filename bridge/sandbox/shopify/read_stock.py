"""Resolvers that read locations, inventory items and levels, and products."""

from typing import Any

from bridge.sandbox.shopify import paging
from bridge.sandbox.shopify.context import Context, resolves
from bridge.sandbox.shopify.model import QUANTITY_NAMES, Item, Level, Location, Media, Option, Product, Variant, gid
from bridge.sandbox.shopify.money import money
from bridge.sandbox.shopify.search import LevelSearch
from bridge.sandbox.shopify.state import split

Args = dict[str, Any]
COMPRISES = {
    "on_hand": ["available", "committed", "damaged", "quality_control", "reserved", "safety_stock"],
}


@resolves("Location.shipsInventory")
def _ships(location: Location, context: Context, _: Args) -> bool:
    return location is next(context.state.open_locations(), None)


@resolves("Location.isPrimary")
def _primary(location: Location, context: Context, _: Args) -> bool:
    return location is next(iter(context.state.locations.rows.values()))


@resolves("Location.isFulfillmentService", "ProductVariant.requiresComponents")
def _never(*_: Any) -> bool:
    return False


@resolves("Location.activatable")
def _activatable(location: Location, _: Context, __: Args) -> bool:
    return not location.is_active


@resolves("Location.deactivatable", "Location.deletable")
def _deactivatable(location: Location, context: Context, __: Args) -> bool:
    return len(context.state.locations.rows) > 1 and not _has_stock(location, context, {})


@resolves("Location.hasActiveInventory")
def _has_stock(location: Location, context: Context, _: Args) -> bool:
    levels = (item.levels.get(location.number) for item in context.state.items.rows.values())
    return any(level is not None and level.is_active for level in levels)


@resolves("Location.address")
def _address(location: Location, _: Context, __: Args) -> dict[str, None]:
    del location
    return {"address1": None, "city": None, "country": None, "country_code": None, "zip": None}


@resolves("Location.inventoryLevel")
def _level_here(location: Location, context: Context, args: Args) -> Level | None:
    item = context.state.items.get(split(args["inventoryItemId"])[1])
    return _shown(item.levels.get(location.number) if item else None, args)


@resolves("Location.inventoryLevels")
def _levels_here(location: Location, context: Context, args: Args) -> dict[str, Any]:
    started = LevelSearch(context.state, args.get("query"))
    levels = (_shown(item.levels.get(location.number), args) for item in started.items())
    return paging.of_levels([level for level in levels if level and started.matches(level)], args)


@resolves("InventoryItem.inventoryLevel")
def _level_of(item: Item, _: Context, args: Args) -> Level | None:
    return _shown(item.levels.get(split(args["locationId"])[1]), args)


@resolves("InventoryItem.inventoryLevels")
def _levels_of(item: Item, context: Context, args: Args) -> dict[str, Any]:
    started = LevelSearch(context.state, args.get("query"))
    levels = (level for level in item.levels.values() if _shown(level, args) and started.matches(level))
    return paging.of_levels(list(levels), args)


def _shown(level: Level | None, args: Args) -> Level | None:
    return level if level is not None and (level.is_active or args.get("includeInactive")) else None


@resolves("InventoryItem.locationsCount")
def _locations_count(item: Item, _: Context, __: Args) -> dict[str, Any]:
    return exactly(sum(level.is_active for level in item.levels.values()))


@resolves("InventoryItem.duplicateSkuCount")
def _duplicates(item: Item, context: Context, _: Args) -> int:
    others = {variant.item.number for variant in context.state.by_sku(item.sku)} if item.sku else set()
    return max(0, len(others) - 1)


@resolves("InventoryItem.variant")
def _first_variant(item: Item, _: Context, __: Args) -> Variant:
    return item.variants[0]


@resolves("InventoryItem.variants")
def _variants_of_item(item: Item, _: Context, args: Args) -> dict[str, Any]:
    return paging.of_list(item.variants, args)


@resolves("InventoryItem.unitCost")
def _unit_cost(item: Item, context: Context, _: Args) -> dict[str, str] | None:
    return None if item.cost is None else money(item.cost, context.state.settings.currency)


@resolves("InventoryItem.measurement")
def _measurement(item: Item, _: Context, __: Args) -> dict[str, Any]:
    weight = {"unit": item.weight_unit, "value": float(item.weight)}
    return {"id": gid("InventoryItemMeasurement", item.number), "weight": weight}


@resolves("InventoryLevel.canDeactivate")
def _can_deactivate(level: Level, _: Context, __: Args) -> bool:
    return level.is_active and sum(other.is_active for other in level.item.levels.values()) > 1


@resolves("InventoryLevel.deactivationAlert")
def _no_alert(*_: Any) -> None:
    return None


@resolves("InventoryLevel.quantities")
def _quantities(level: Level, _: Context, args: Args) -> list[dict[str, Any]]:
    """Only stored states have a time; on_hand's is always null (recorded: inventory-adjust-name-allowlist)."""
    names = [name for name in args["names"] if name in QUANTITY_NAMES]
    base = f"gid://shopify/InventoryQuantity/{level.number}?inventory_item_id={level.item.number}&name="
    return [
        {"id": base + name, "name": name, "quantity": level.quantity(name), "updated_at": level.touched.get(name)}
        for name in names
    ]


@resolves("InventoryProperties.quantityNames")
def _quantity_names(*_: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "display_name": name.replace("_", " ").capitalize(),
            "is_in_use": True,
            "belongs_to": ["on_hand"] if name in COMPRISES["on_hand"] else [],
            "comprises": COMPRISES.get(name, []),
        }
        for name in QUANTITY_NAMES
    ]


@resolves("Product.totalInventory")
def _total_inventory(product: Product, _: Context, __: Args) -> int:
    return sum(item.sellable() for item in {variant.item for variant in product.variants} if item.tracked)


@resolves("Product.tracksInventory")
def _tracks(product: Product, _: Context, __: Args) -> bool:
    return any(variant.item.tracked for variant in product.variants)


@resolves("Product.hasOnlyDefaultVariant")
def _only_default(product: Product, _: Context, __: Args) -> bool:
    return len(product.variants) == 1 and product.variants[0].title == "Default Title"


@resolves("Product.hasOutOfStockVariants")
def _sold_out(product: Product, _: Context, __: Args) -> bool:
    return any(variant.item.tracked and variant.item.sellable() <= 0 for variant in product.variants)


@resolves("Product.seo")
def _seo(product: Product, _: Context, __: Args) -> dict[str, str | None]:
    return {"title": product.seo_title, "description": product.seo_description}


@resolves("Product.onlineStoreUrl")
def _store_url(product: Product, context: Context, _: Args) -> str | None:
    return f"{context.state.settings.host}/products/{product.handle}" if product.status == "ACTIVE" else None


@resolves("Product.priceRangeV2")
def _price_range(product: Product, context: Context, _: Args) -> dict[str, Any]:
    prices = [variant.price for variant in product.variants]
    currency = context.state.settings.currency
    return {"min_variant_price": money(min(prices), currency), "max_variant_price": money(max(prices), currency)}


@resolves("Product.options")
def _options(product: Product, _: Context, args: Args) -> list[dict[str, Any]]:
    rows = [_option(product, option, place) for place, option in enumerate(product.options, 1)]
    return rows[: args["first"]] if args.get("first") is not None else rows


def _option(product: Product, option: Option, place: int) -> dict[str, Any]:
    used = {variant.choices.get(option.name) for variant in product.variants}
    values = [
        {"id": gid("ProductOptionValue", number), "name": name, "has_variants": name in used}
        for name, number in option.values.items()
    ]
    names = [value["name"] for value in values if value["has_variants"]]
    return {"id": option.id, "name": option.name, "position": place, "values": names, "option_values": values}


@resolves("Product.variants")
def _variants(product: Product, _: Context, args: Args) -> dict[str, Any]:
    return paging.of_list(product.variants, args)


@resolves("Product.variantsCount")
def _variants_count(product: Product, _: Context, __: Args) -> dict[str, Any]:
    return exactly(len(product.variants))


@resolves("Product.media")
def _media(product: Product, _: Context, args: Args) -> dict[str, Any]:
    return paging.of_list(product.media, args)


@resolves("Product.mediaCount")
def _media_count(product: Product, _: Context, __: Args) -> dict[str, Any]:
    return exactly(len(product.media))


@resolves("MediaImage.mediaContentType")
def _content_type(*_: Any) -> str:
    return "IMAGE"


@resolves("MediaImage.status")
def _ready(*_: Any) -> str:
    return "READY"


@resolves("MediaImage.preview")
def _preview(media: Media, _: Context, __: Args) -> dict[str, Any]:
    return {"status": "READY", "image": _image(media, _, __)}


@resolves("MediaImage.image")
def _image(media: Media, _: Context, __: Args) -> dict[str, Any]:
    image_id = gid("ImageSource", media.number)
    return {"id": image_id, "url": media.url, "alt_text": media.alt, "width": None, "height": None}


@resolves("ProductVariant.displayName")
def _display_name(variant: Variant, _: Context, __: Args) -> str:
    return f"{variant.product.title} - {variant.title}"


@resolves("ProductVariant.position")
def _position(variant: Variant, _: Context, __: Args) -> int:
    return variant.product.variants.index(variant) + 1


@resolves("ProductVariant.inventoryItem")
def _item(variant: Variant, _: Context, __: Args) -> Item:
    return variant.item


@resolves("ProductVariant.inventoryQuantity", "ProductVariant.sellableOnlineQuantity")
def _inventory_quantity(variant: Variant, _: Context, __: Args) -> int:
    return variant.item.sellable()


@resolves("ProductVariant.availableForSale")
def _for_sale(variant: Variant, _: Context, __: Args) -> bool:
    free = not variant.item.tracked or variant.inventory_policy == "CONTINUE"
    return variant.product.status == "ACTIVE" and (free or variant.item.sellable() > 0)


@resolves("ProductVariant.selectedOptions")
def _selected(variant: Variant, _: Context, __: Args) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in variant.choices.items()]


def exactly(count: int) -> dict[str, Any]:
    """Build an exact Count."""
    return {"count": count, "precision": "EXACT"}
