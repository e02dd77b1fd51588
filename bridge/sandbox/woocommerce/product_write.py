"""Request bodies into products and variations: prepare_object_for_database of the two controllers."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from bridge.sandbox.woocommerce import meta, values
from bridge.sandbox.woocommerce.catalogue import Catalogue, Product
from bridge.sandbox.woocommerce.images import take_images

Params = dict[str, Any]

_TEXTS = ("name", "description", "short_description", "weight")
_FLAGS = ("virtual", "downloadable")
_EXTRA_TEXTS = ("tax_status", "tax_class", "shipping_class", "purchase_note", "external_url", "button_text")
_EXTRA_FLAGS = ("featured", "sold_individually", "reviews_allowed")
_EXTRA_LISTS = ("tags", "brands", "upsell_ids", "cross_sell_ids", "grouped_products", "default_attributes")


def assign(catalogue: Catalogue, product: Product, params: Params, *, stored: bool) -> None:
    """Take the fields of a request body over; unknown and read-only ones are ignored. Stock comes after, in `stock_change`.

    `stored`: the product is in the catalogue already, so its SKU is re-indexed."""
    sku, gtin = _checked_identity(catalogue, product, params)
    take_images(catalogue.site, product, params)
    if stored:
        catalogue.rename(product, sku=sku, gtin=gtin)
    else:
        product.sku, product.gtin = sku, gtin
    _describe(product, params)
    _price(product, params)
    if (attributes := params.get("attributes")) is not None:
        _attribute(catalogue, product, attributes)
    if (categories := params.get("categories")) is not None:
        product.extra["categories"] = _categories(catalogue, categories)
    meta.apply(product.meta, params.get("meta_data"), catalogue.site.next_meta)


def _checked_identity(catalogue: Catalogue, product: Product, params: Params) -> tuple[str, str]:
    """Return the SKU and GTIN to have, after the checks that can refuse the whole request."""
    sku = product.sku if params.get("sku") is None else str(params["sku"]).strip()
    gtin = product.gtin
    if params.get("global_unique_id") is not None:
        gtin = "".join(part for part in str(params["global_unique_id"]) if part.isdigit() or part == "-")
    if sku != product.sku:
        catalogue.check_sku(sku, product.id)
    if gtin != product.gtin:
        catalogue.check_gtin(gtin, product.id)
    return sku, gtin


def _describe(product: Product, params: Params) -> None:
    for name in _TEXTS:
        # A variation's name is made of its attributes and cannot be written.
        if params.get(name) is not None and not (product.is_variation and name in ("name", "short_description")):
            setattr(product, name, str(params[name]))
    for name in _FLAGS:
        if params.get(name) is not None:
            setattr(product, name, values.to_bool(params[name]))
    if params.get("slug"):
        product.slug = values.slugify(str(params["slug"]))
    if params.get("menu_order") is not None:
        product.menu_order = values.php_int(params["menu_order"])
    if params.get("type") and not product.is_variation:
        product.kind = str(params["type"])
    _describe_extra(product, params)


def _describe_extra(product: Product, params: Params) -> None:
    casts: tuple[tuple[tuple[str, ...], Callable[[Any], Any]], ...] = (
        (_EXTRA_TEXTS, str),
        (("catalog_visibility",), str),
        (_EXTRA_FLAGS, values.to_bool),
        (_EXTRA_LISTS, lambda value: value if isinstance(value, list) else []),
    )
    for names, cast in casts:
        for name in names:
            if params.get(name) is not None:
                product.extra[name] = cast(params[name])
    size = params.get("dimensions")
    if isinstance(size, dict):
        held = product.extra.get("dimensions") or {}
        product.extra["dimensions"] = {
            name: str(size.get(name, held.get(name, ""))) for name in ("length", "width", "height")
        }


def _price(product: Product, params: Params) -> None:
    if params.get("regular_price") is not None:
        product.regular_price = values.price_text(params["regular_price"])
    if params.get("sale_price") is not None:
        product.sale_price = values.price_text(params["sale_price"])
    if product.sale_price and _as_number(product.sale_price) >= _as_number(product.regular_price):
        product.sale_price = ""


def _as_number(price: str) -> Decimal:
    return values.decimal(price)


def _categories(catalogue: Catalogue, rows: Any) -> list[dict[str, Any]]:
    ids = [values.php_int(row.get("id")) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return [catalogue.categories[key] for key in ids if key in catalogue.categories]


def _attribute(catalogue: Catalogue, product: Product, rows: Any) -> None:
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    if product.is_variation:
        parent = catalogue.items[product.parent_id]
        options = (_option(catalogue, parent, row) for row in rows)
        product.attributes = [option for option in options if option is not None]
        return
    made = (_parent_attribute(catalogue, place, row) for place, row in enumerate(rows))
    product.attributes = [row for row in made if row is not None]


def _parent_attribute(catalogue: Catalogue, place: int, row: Params) -> Params | None:
    known = catalogue.attributes.get(values.php_int(row.get("id")))
    name = known["name"] if known else str(row.get("name") or "")
    options = row.get("options") or []
    options = [str(option) for option in options] if isinstance(options, list) else str(options).split("|")
    if not name or not options:
        return None
    return {
        "id": known["id"] if known else 0,
        "name": name,
        "slug": known["slug"] if known else name,
        "position": values.php_int(row.get("position", place)),
        "visible": values.to_bool(row.get("visible", False)),
        "variation": values.to_bool(row.get("variation", False)),
        "options": options,
    }


def _option(catalogue: Catalogue, parent: Product, row: Params) -> Params | None:
    # An attribute that the parent does not use for variations is dropped without a word.
    known = catalogue.attributes.get(values.php_int(row.get("id")))
    name = (known["name"] if known else str(row.get("name") or "")).lower()
    held = next((item for item in parent.attributes if item["variation"] and item["name"].lower() == name), None)
    if held is None or row.get("option") is None:
        return None
    slug = held["slug"] if held["id"] else values.slugify(held["name"])
    return {"id": held["id"], "name": held["name"], "slug": slug, "option": str(row["option"])}


def stock_change(product: Product, params: Params) -> int | None:
    """Take the stock settings over and return the quantity to write, None when there is nothing to write.

    The quantity is made from what was read *now*: with `inventory_delta` the caller writes it later, absolutely, and
    whatever was sold in between is lost."""
    if params.get("manage_stock") is not None and params["manage_stock"] != "parent":
        product.manage_stock = values.to_bool(params["manage_stock"])
    elif params.get("manage_stock") == "parent":
        product.manage_stock = False
    if params.get("backorders") is not None and product.manage_stock:
        product.backorders = str(params["backorders"])
    if "low_stock_amount" in params and product.manage_stock:
        amount = params["low_stock_amount"]
        product.low_stock_amount = None if amount in (None, "") else values.php_int(amount)
    if not product.manage_stock:
        if params.get("stock_status") is not None:
            product.stock_status = str(params["stock_status"])
        return None
    return _quantity(product, params)


def _quantity(product: Product, params: Params) -> int | None:
    if params.get("stock_quantity") is not None:
        wanted = values.php_int(params["stock_quantity"])
    elif params.get("inventory_delta") is not None:
        wanted = (product.stock or 0) + values.php_int(params["inventory_delta"])
    else:
        return None
    # WC_Data saves only what differs from the object it read.
    return None if wanted == product.stock else wanted
