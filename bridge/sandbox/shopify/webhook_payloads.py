"""What each topic's payload is: products, inventory, the shop and the compliance topics here, orders in `webhook_orders`.

Samples: the 2026-07 webhook reference. Ids are numbers, times in the shop's own zone.
"""

from collections.abc import Callable
from typing import Any

from bridge.sandbox.shopify.discount_model import Discount
from bridge.sandbox.shopify.model import Customer, Item, Level, Media, Order, Product, Record, Variant
from bridge.sandbox.shopify.money import price
from bridge.sandbox.shopify.state import State
from bridge.sandbox.shopify.webhook_orders import customer_body, edit_body, order_body, refund_body
from bridge.sandbox.shopify.webhook_parts import Body, local
from bridge.sandbox.shopify.webhooks import Write

SHOP_ID = 92891250994
UNITS = {"GRAMS": "g", "KILOGRAMS": "kg", "OUNCES": "oz", "POUNDS": "lb"}
# Full variants for the first 100 only; `variant_gids` names them all (texts of products/create and products/update).
FULL_VARIANTS = 100


def writer(state: State) -> Write:
    """Return what writes the payload of a topic and a record."""

    def write(topic: str, record: Any) -> Body:
        family = next(name for name in (topic, *FAMILIES) if name in WRITERS and topic.startswith(name))
        return WRITERS[family](state, record)

    return write


def _level(state: State, level: Level) -> Body:
    return {
        **_unstocked(state, level),
        "available": level.quantity("available") if level.item.tracked else None,
        "updated_at": local(state, level.updated_at),
        "admin_graphql_api_id": level.id,
    }


def _unstocked(_: State, level: Level) -> Body:
    return {"inventory_item_id": level.item.number, "location_id": level.location.number}


def _item(state: State, item: Item) -> Body:
    return {
        **_lost_item(state, item),
        "sku": item.sku,
        "created_at": local(state, item.created_at),
        "updated_at": local(state, item.updated_at),
        "requires_shipping": item.requires_shipping,
        "cost": price(item.cost),
        "tracked": item.tracked,
        "weight_value": float(item.weight),
        "weight_unit": UNITS[item.weight_unit],
    }


def _lost_item(_: State, item: Item) -> Body:
    return {
        "id": item.number,
        "country_code_of_origin": item.country_code_of_origin,
        "province_code_of_origin": item.province_code_of_origin,
        "harmonized_system_code": item.harmonized_system_code,
        "country_harmonized_system_codes": [],
        "admin_graphql_api_id": item.id,
    }


def _product(state: State, product: Product) -> Body:
    images = [_image(state, product, media) for media in product.media]
    newest = sorted(product.variants, key=lambda row: row.updated_at, reverse=True)
    return {
        "admin_graphql_api_id": product.id,
        "body_html": product.description_html,
        "created_at": local(state, product.created_at),
        "handle": product.handle,
        "id": product.number,
        "product_type": product.product_type,
        "published_at": local(state, product.published_at),
        "template_suffix": product.template_suffix,
        "title": product.title,
        "updated_at": local(state, product.updated_at),
        "vendor": product.vendor,
        "status": product.status.lower(),
        "published_scope": "web",
        "tags": ", ".join(product.tags),
        "variants": [_variant(state, row) for row in product.variants[:FULL_VARIANTS]],
        "options": [_option(product, place) for place in range(len(product.options))],
        "images": images,
        "image": images[0] if images else None,
        "media": [],
        "variant_gids": [
            {"admin_graphql_api_id": row.id, "updated_at": row.updated_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")}
            for row in newest
        ],
        "has_variants_that_requires_components": False,
        "category": None,
    }


def _option(product: Product, place: int) -> Body:
    option = product.options[place]
    return {
        "name": option.name,
        "id": option.number,
        "product_id": product.number,
        "position": place + 1,
        "values": list(option.values),
    }


def _image(state: State, product: Product, media: Media) -> Body:
    return {
        "id": media.number,
        "alt": media.alt,
        "position": product.media.index(media) + 1,
        "product_id": product.number,
        "created_at": local(state, media.created_at),
        "updated_at": local(state, media.updated_at),
        "admin_graphql_api_id": media.id,
        "width": None,
        "height": None,
        "src": media.url,
        "variant_ids": [],
    }


def _variant(state: State, variant: Variant) -> Body:
    values = [*variant.choices.values(), None, None, None]
    units = variant.item.sellable()
    return {
        "admin_graphql_api_id": variant.id,
        "barcode": variant.barcode,
        "compare_at_price": price(variant.compare_at_price),
        "created_at": local(state, variant.created_at),
        "id": variant.number,
        "inventory_policy": variant.inventory_policy.lower(),
        "position": variant.product.variants.index(variant) + 1,
        "price": price(variant.price),
        "product_id": variant.product.number,
        "sku": variant.sku,
        "taxable": variant.taxable,
        "title": variant.title,
        "updated_at": local(state, variant.updated_at),
        "option1": values[0],
        "option2": values[1],
        "option3": values[2],
        "image_id": None,
        "inventory_item_id": variant.item.number,
        "inventory_quantity": units,
        "old_inventory_quantity": units,
    }


def _shop(state: State, _: Any) -> Body:
    """Return the shop as app/uninstalled tells of it: the fields this shop has."""
    settings = state.settings
    return {
        "id": SHOP_ID,
        "name": settings.name,
        "email": f"owner@{settings.domain}",
        "domain": settings.domain,
        "myshopify_domain": settings.domain,
        "currency": settings.currency,
        "weight_unit": "kg",
        "taxes_included": False,
        "plan_name": "basic",
        "plan_display_name": "Basic",
        "primary_location_id": next(iter(state.locations.rows)),
        "multi_location_enabled": len(state.locations.rows) > 1,
        "enabled_presentment_currencies": [settings.currency],
    }


def _discount(state: State, discount: Discount) -> Body:
    """Return a discount as its topics tell of it: no code and no value."""
    return {
        "admin_graphql_api_id": discount.id,
        "title": discount.title,
        "status": discount.status(state.now_of()),
        "created_at": local(state, discount.created_at),
        "updated_at": local(state, discount.updated_at),
    }


def _lost_discount(state: State, discount: Discount) -> Body:
    return {"admin_graphql_api_id": discount.id, "deleted_at": local(state, state.now())}


def _buyer(state: State, buyer: Customer) -> Body:
    return {**customer_body(state, buyer), "addresses": []}


def _lost_buyer(_: State, buyer: Customer) -> Body:
    return {"id": buyer.number, "tax_exemptions": [], "admin_graphql_api_id": buyer.id}


def _number(_: State, record: Record) -> Body:
    return {"id": record.number}


WRITERS: dict[str, Callable[[State, Any], Body]] = {
    "APP": _shop,
    "CUSTOMERS": _buyer,
    "CUSTOMERS_DELETE": _lost_buyer,
    "DISCOUNTS": _discount,
    "DISCOUNTS_DELETE": _lost_discount,
    "INVENTORY_ITEMS": _item,
    "INVENTORY_ITEMS_DELETE": _lost_item,
    "INVENTORY_LEVELS": _level,
    "INVENTORY_LEVELS_DISCONNECT": _unstocked,
    "ORDERS": order_body,
    "ORDERS_DELETE": _number,
    "ORDERS_EDITED": edit_body,
    "PRODUCTS": _product,
    "PRODUCTS_DELETE": _number,
    "REFUNDS": refund_body,
}
FAMILIES = ("APP", "CUSTOMERS", "DISCOUNTS", "INVENTORY_ITEMS", "INVENTORY_LEVELS", "ORDERS", "PRODUCTS", "REFUNDS")


def compliance_body(state: State, topic: str, buyer: Customer | None, orders: list[Order], request: int) -> Body:
    """Return the payload of one of the three compliance topics."""
    body: Body = {"shop_id": SHOP_ID, "shop_domain": state.settings.domain}
    if topic == "shop/redact":
        return body
    assert buyer is not None
    body["customer"] = {"id": buyer.number, "email": buyer.email, "phone": buyer.phone}
    numbers = [order.number for order in orders]
    if topic == "customers/redact":
        return {**body, "orders_to_redact": numbers}
    return {**body, "orders_requested": numbers, "data_request": {"id": request}}
