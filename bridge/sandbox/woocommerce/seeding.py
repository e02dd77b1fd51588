"""Products described in the kit's neutral words, made and edited as a merchant would."""

from decimal import Decimal
from typing import Any

from bridge.sandbox.woocommerce import values
from bridge.sandbox.woocommerce.catalogue import Product
from bridge.sandbox.woocommerce.images import take_images
from bridge.sandbox.woocommerce.shop import Woo

Row = dict[str, Any]
_STATUS = {"active": "publish", "archived": "private"}
_PER_UNIT = {"kg": Decimal(1000), "g": Decimal(1), "lbs": Decimal("453.59237"), "oz": Decimal("28.349523125")}


def seed_product(woo: Woo, row: Row) -> list[Row]:
    """Create one product; several variants, or options, make it a variable one."""
    variants: list[Row] = row["variants"]
    variable = len(variants) > 1 or any(variant.get("options") for variant in variants)
    product = Product(id=woo.site.next_post(), kind="variable" if variable else "simple", name=str(row["title"]))
    _describe(woo, product, row)
    if not variable:
        _fill(woo, product, variants[0])
        woo.catalogue.add(product, announce=False)
        return [_told(product, product, product)]
    by_parent = row.get("stock_at") == "parent"
    product.attributes = _attributes(variants)
    if by_parent:
        product.sku = str(row.get("sku") or "")
        _stock(product, variants[0].get("stock"))
    woo.catalogue.add(product, announce=False)
    return [_seed_variation(woo, product, variant, by_parent=by_parent) for variant in variants]


def _seed_variation(woo: Woo, parent: Product, variant: Row, *, by_parent: bool) -> Row:
    made = Product(id=woo.site.next_post(), kind="variation", parent_id=parent.id, name=parent.name)
    _fill(woo, made, {**variant, "stock": None} if by_parent else variant)
    for name, value in (variant.get("options") or {}).items():
        made.attributes.append({"id": 0, "name": name, "slug": values.slugify(name), "option": str(value)})
    woo.catalogue.add(made, announce=False)
    return _told(parent, made, parent if by_parent else made)


def _told(product: Product, variant: Product, stocked: Product) -> Row:
    return {"sku": variant.sku, "product": str(product.id), "variant": str(variant.id), "stock_id": str(stocked.id)}


def _attributes(variants: list[Row]) -> list[Row]:
    options: dict[str, list[str]] = {}
    for variant in variants:
        for name, value in (variant.get("options") or {}).items():
            held = options.setdefault(name, [])
            if str(value) not in held:
                held.append(str(value))
    shape = {"visible": True, "variation": True}
    return [
        {"id": 0, "name": name, "slug": name, "position": place, **shape, "options": held}
        for place, (name, held) in enumerate(options.items())
    ]


def _describe(woo: Woo, product: Product, row: Row) -> None:
    if "title" in row:
        product.name = str(row["title"])
    if row.get("description") is not None:
        product.description = str(row["description"])
    if row.get("status"):
        product.status = _STATUS.get(str(row["status"]), str(row["status"]))
    if row.get("images") is not None:
        rows = [image if isinstance(image, dict) else {"src": image} for image in row["images"]]
        take_images(woo.site, product, {"images": rows})


def _fill(woo: Woo, product: Product, variant: Row) -> None:
    product.sku = str(variant.get("sku") or "")
    product.gtin = str(variant.get("barcode") or "")
    _price(product, variant)
    _weigh(woo, product, variant)
    _stock(product, variant.get("stock"))


def _price(product: Product, row: Row) -> None:
    # A price with a higher one to compare is WooCommerce's sale price.
    price = str(row.get("price", product.sale_price or product.regular_price))
    compare: Any = row.get("compare_at", product.regular_price if product.sale_price else None)
    product.regular_price, product.sale_price = (str(compare), price) if compare is not None else (price, "")


def _weigh(woo: Woo, product: Product, row: Row) -> None:
    if row.get("weight_grams") is not None:
        weight = Decimal(str(row["weight_grams"])) / _PER_UNIT[woo.site.settings.weight_unit]
        product.weight = f"{weight.quantize(Decimal('0.0001')).normalize():f}"


def _stock(product: Product, stock: int | dict[str, int] | None) -> None:
    product.manage_stock = stock is not None
    product.stock = sum(stock.values()) if isinstance(stock, dict) else stock


def edit_fields(woo: Woo, product: Product, fields: Row) -> None:
    """Edit in wp-admin: texts, pictures and status belong to the product, price, codes and weight to the variation."""
    whole = woo.catalogue.items.get(product.parent_id) or product
    _describe_saved(woo, whole, fields)
    if {"price", "compare_at"} & set(fields):
        _price(product, fields)
    _weigh(woo, product, fields)
    sku, gtin = fields.get("sku"), fields.get("barcode")
    woo.catalogue.rename(product, sku=sku, gtin=gtin)
    if "stock" in fields:
        _stock(product, fields["stock"])
    woo.catalogue.save(product)
    if whole is not product:
        woo.catalogue.save(whole)


def _describe_saved(woo: Woo, product: Product, fields: Row) -> None:
    status = fields.get("status")
    _describe(woo, product, {name: value for name, value in fields.items() if name != "status"})
    if status:
        woo.catalogue.save(product, status=_STATUS.get(str(status), str(status)))
