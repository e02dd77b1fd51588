"""Products and variations as the API shows them, field by field in the platform's order.

`edit` is the context of write answers (and of ?context=edit): raw texts and two more fields at the end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.sandbox.woocommerce import meta, values
from bridge.sandbox.woocommerce.catalogue import TRASH, Catalogue, Product

Body = dict[str, Any]
Fields = frozenset[str] | None
_ITEM_METHODS = {"targetHints": {"allow": ["GET", "POST", "PUT", "PATCH", "DELETE"]}}
_NO_SIZE = {"length": "", "width": "", "height": ""}


@dataclass(frozen=True, slots=True)
class View:
    """One product seen in one context."""

    shop: Catalogue
    product: Product
    edit: bool

    def local(self, seconds: int) -> str:
        """Write a time in the shop's own zone."""
        return values.iso(seconds + self.shop.site.offset)

    def text(self, raw: str) -> str:
        """Show a text raw for editing, in paragraphs for viewing."""
        return raw if self.edit else values.autop(raw)

    def other(self, name: str, default: Any) -> Any:
        """Return a stored field that has no rule of its own."""
        return self.product.extra.get(name, default)


def variation_name(product: Product) -> str:
    """Return the name a variation gets from its attributes."""
    return ", ".join(row["option"] for row in product.attributes)


def _permalink(v: View) -> str:
    product, host = v.product, v.shop.site.host
    if product.is_variation:
        pairs = (f"attribute_{row['slug']}={values.slugify(row['option'])}" for row in product.attributes)
        return f"{host}/product/{v.shop.items[product.parent_id].slug}/?{'&'.join(pairs)}"
    if product.status in ("publish", "private", "future"):
        return f"{host}/product/{product.slug}/"
    return f"{host}/?post_type=product&p={product.id}"


def _manage_stock(v: View) -> bool | str:
    if v.product.is_variation and not v.product.manage_stock and v.shop.manager(v.product):
        return "parent"
    return v.product.manage_stock


def _quantity(v: View) -> int | None:
    manager = v.shop.manager(v.product)
    return manager.stock if manager else None


def _backorders(v: View) -> str:
    return (v.shop.manager(v.product) or v.product).backorders


def _backordered(v: View) -> bool:
    quantity = _quantity(v)
    short = quantity is not None and quantity < 0 and _backorders(v) != "no"
    return short or v.shop.status_of(v.product) == "onbackorder"


def _price_html(v: View) -> str:
    price, symbol = v.shop.price(v.product), v.shop.site.settings.currency_symbol
    if not price:
        return ""
    entity = "".join(f"&#{ord(char)};" for char in symbol)
    sign = f'<span class="woocommerce-Price-currencySymbol" translate="no">{entity}</span>'
    return (
        f'<span class="woocommerce-Price-amount amount"><bdi>{sign}{values.money(values.decimal(price))}</bdi></span>'
    )


def _related(v: View) -> list[int]:
    # Drawn anew for every answer: the platform's order is random, so nobody may hash or compare whole bodies.
    others = v.shop.visible(variations=False)
    drawn = v.shop.site.rng.sample(others, min(len(others), 6)) if not v.product.is_variation else []
    return [key for key in drawn if key != v.product.id][:5]


def _slug(v: View) -> str:
    return "" if v.product.status == "draft" else v.product.slug


def _needs_shipping(v: View) -> bool:
    return not v.product.virtual


def _tax_class(v: View) -> str:
    return str(v.other("tax_class", "parent" if v.edit and v.product.is_variation else ""))


def _on_sale(v: View) -> bool:
    if v.product.kind == "variable":
        return any(row.sale_price for row in v.shop.published(v.product))
    return bool(v.product.sale_price)


Field = Callable[[View], Any]


def _const(value: Any) -> Field:
    return lambda _: value


def _kept(name: str, default: Any) -> Field:
    return lambda v: v.other(name, default)


_DATES: dict[str, Field] = {
    "date_created": lambda v: v.local(v.product.created),
    "date_created_gmt": lambda v: values.iso(v.product.created),
    "date_modified": lambda v: v.local(v.product.modified),
    "date_modified_gmt": lambda v: values.iso(v.product.modified),
}
_PRICES: dict[str, Field] = {
    "price": lambda v: v.shop.price(v.product),
    "regular_price": lambda v: v.product.regular_price,
    "sale_price": lambda v: v.product.sale_price,
    **{f"date_on_sale_{end}{zone}": _const(None) for end in ("from", "to") for zone in ("", "_gmt")},
    "on_sale": _on_sale,
}
_DOWNLOADS: dict[str, Field] = {
    "virtual": lambda v: v.product.virtual,
    "downloadable": lambda v: v.product.downloadable,
    "downloads": _const([]),
    "download_limit": _const(-1),
    "download_expiry": _const(-1),
}
_STOCK: dict[str, Field] = {"manage_stock": _manage_stock, "stock_quantity": _quantity}
_STOCK_STATUS: dict[str, Field] = {"stock_status": lambda v: v.shop.status_of(v.product)}
_BACKORDERS: dict[str, Field] = {
    "backorders": _backorders,
    "backorders_allowed": lambda v: _backorders(v) != "no",
    "backordered": _backordered,
    "low_stock_amount": lambda v: v.product.low_stock_amount,
}
_META: dict[str, Field] = {"meta_data": lambda v: meta.body(v.product.meta)}

PRODUCT_FIELDS: dict[str, Field] = {
    "id": lambda v: v.product.id,
    "name": lambda v: v.shop.title(v.product),
    "slug": _slug,
    "permalink": _permalink,
    **_DATES,
    "type": lambda v: v.product.kind,
    "status": lambda v: v.product.status,
    "featured": _kept("featured", False),
    "catalog_visibility": _kept("catalog_visibility", "visible"),
    "description": lambda v: v.text(v.product.description),
    "short_description": lambda v: v.text(v.product.short_description),
    "sku": lambda v: v.product.sku,
    **_PRICES,
    "purchasable": lambda v: v.shop.purchasable(v.product),
    "total_sales": lambda v: "0" if v.product.is_variation else v.product.total_sales,
    **_DOWNLOADS,
    "external_url": _kept("external_url", ""),
    "button_text": _kept("button_text", ""),
    "tax_status": _kept("tax_status", "taxable"),
    "tax_class": _tax_class,
    **_STOCK,
    **_BACKORDERS,
    "sold_individually": _kept("sold_individually", False),
    "weight": lambda v: v.product.weight,
    "dimensions": _kept("dimensions", _NO_SIZE),
    "shipping_required": _needs_shipping,
    "shipping_taxable": _needs_shipping,
    "shipping_class": _kept("shipping_class", ""),
    "shipping_class_id": _const(0),
    "reviews_allowed": lambda v: v.other("reviews_allowed", not v.product.is_variation),
    "average_rating": lambda v: "0" if v.edit else "0.00",
    "rating_count": _const(0),
    "upsell_ids": _kept("upsell_ids", []),
    "cross_sell_ids": _kept("cross_sell_ids", []),
    "parent_id": lambda v: v.product.parent_id,
    "purchase_note": _kept("purchase_note", ""),
    "categories": lambda v: [] if v.product.is_variation else v.other("categories", _uncategorized(v.shop)),
    "brands": _kept("brands", []),
    "tags": _kept("tags", []),
    "images": lambda v: v.product.images,
    "attributes": lambda v: v.product.attributes,
    "default_attributes": _kept("default_attributes", []),
    "variations": lambda v: [key for key in v.product.children if v.shop.items[key].status != TRASH],
    "grouped_products": _kept("grouped_products", []),
    "menu_order": lambda v: v.product.menu_order,
    "price_html": _price_html,
    "related_ids": _related,
    **_META,
    **_STOCK_STATUS,
    "has_options": lambda v: v.product.kind == "variable",
    "post_password": _const(""),
    "global_unique_id": lambda v: v.product.gtin,
}

VARIATION_FIELDS: dict[str, Field] = {
    "id": lambda v: v.product.id,
    "type": _const("variation"),
    **_DATES,
    "description": lambda v: v.text(v.product.description),
    "permalink": _permalink,
    "sku": lambda v: v.product.sku,
    "global_unique_id": lambda v: v.product.gtin,
    **_PRICES,
    "status": lambda v: v.product.status,
    "purchasable": lambda v: v.shop.purchasable(v.product),
    **_DOWNLOADS,
    "tax_status": _kept("tax_status", "taxable"),
    "tax_class": _tax_class,
    **_STOCK,
    **_STOCK_STATUS,
    **_BACKORDERS,
    "weight": lambda v: v.product.weight,
    "dimensions": _kept("dimensions", _NO_SIZE),
    "shipping_class": _kept("shipping_class", ""),
    "shipping_class_id": _const(0),
    "image": lambda v: v.product.images[0] if v.product.images else None,
    "gallery_image_ids": _const([]),
    "attributes": lambda v: v.product.attributes,
    "menu_order": lambda v: v.product.menu_order,
    **_META,
    "name": lambda v: variation_name(v.product),
    "parent_id": lambda v: v.product.parent_id,
}


def _uncategorized(shop: Catalogue) -> list[Body]:
    return [next(iter(shop.categories.values()))] if shop.categories else []


def product_body(shop: Catalogue, product: Product, fields: Fields, *, edit: bool = False, single: bool = True) -> Body:
    """Show a product, or a variation through /products. A single item always has `_links`."""
    view = View(shop, product, edit)
    body = {name: make(view) for name, make in PRODUCT_FIELDS.items() if fields is None or name in fields}
    if edit and fields is None and not product.is_variation:
        body["permalink_template"] = f"{shop.site.host}/product/%pagename%/"
        body["generated_slug"] = values.slugify(product.name)
    if single or fields is None or "_links" in fields:
        body["_links"] = _links(shop, f"products/{product.id}", "products", product.parent_id)
    return body


def variation_body(
    shop: Catalogue, product: Product, fields: Fields, *, edit: bool = False, single: bool = True
) -> Body:
    """Show a variation as its own routes do."""
    view = View(shop, product, edit)
    body = {name: make(view) for name, make in VARIATION_FIELDS.items() if fields is None or name in fields}
    if not shop.site.modern:
        body.pop("gallery_image_ids", None)
    if single or fields is None or "_links" in fields:
        base = f"products/{product.parent_id}/variations"
        body["_links"] = _links(shop, f"{base}/{product.id}", base, product.parent_id)
    return body


def _links(shop: Catalogue, item: str, collection: str, parent: int) -> Body:
    root = f"{shop.site.host}/wp-json/wc/v3"
    links: Body = {
        "self": [{"href": f"{root}/{item}", **_ITEM_METHODS}],
        "collection": [{"href": f"{root}/{collection}"}],
    }
    if parent:
        links["up"] = [{"href": f"{root}/products/{parent}"}]
    return links
