"""The /products routes of wc/v3, their lists and batches."""

from collections.abc import Iterable, Sequence
from typing import Any

from bridge.sandbox.woocommerce import errors, values
from bridge.sandbox.woocommerce.catalogue import TRASH, Catalogue, Product
from bridge.sandbox.woocommerce.errors import RestError
from bridge.sandbox.woocommerce.listing import DATES, ORDERING, PAGING, Reply, cursor, cut, totals, within
from bridge.sandbox.woocommerce.params import Call
from bridge.sandbox.woocommerce.product_body import product_body, variation_name
from bridge.sandbox.woocommerce.product_write import assign, stock_change
from bridge.sandbox.woocommerce.routing import NUMBER, Endpoint, Route, batch, editable
from bridge.sandbox.woocommerce.schema import Rule, Schema
from bridge.sandbox.woocommerce.shop import Woo

TYPES = ("simple", "grouped", "external", "variable")
STATUSES = ("draft", "pending", "private", "publish", "future", "auto-draft", "trash")
STOCK_STATUSES = ("instock", "outofstock", "onbackorder")
_ORDERBY = ("date", "id", "include", "title", "slug", "modified", "popularity", "rating", "post__in", "price", "sales")
# The enum of 11.0.1 names some values again and again; the error text shows it.
_ORDERBY_SPOKEN = (
    *_ORDERBY,
    *("menu_order", "random", "popularity", "rating", "menu_order", "price", "popularity", "rating"),
)

LIST: Schema = {
    **PAGING,
    **DATES,
    **ORDERING,
    "orderby": Rule("string", enum=_ORDERBY_SPOKEN, default="date"),
    "slug": Rule("string"),
    "status": Rule("string", enum=("any", "future", "trash", *STATUSES[:4]), default="any"),
    "include_types": Rule("list", enum=TYPES),
    "type": Rule("string", enum=(*TYPES, "variation")),
    "sku": Rule("string"),
    "search_sku": Rule("string"),
    "category": Rule("string"),
    "stock_status": Rule("string", enum=STOCK_STATUSES),
    "global_unique_id": Rule("string"),
}
_FILTERS = tuple(set(LIST) - {*("context", "page", "per_page", "offset", "order", "orderby", "dates_are_gmt")})
STOCK: Schema = {
    "manage_stock": Rule("boolean"),
    "stock_quantity": Rule("integer"),
    "stock_status": Rule("string", enum=STOCK_STATUSES),
    "backorders": Rule("string", enum=("no", "notify", "yes")),
}
_STRINGS = ("description", "sku", "global_unique_id", "regular_price", "sale_price", "weight", "tax_class")
SHARED: Schema = {
    **{name: Rule("string") for name in _STRINGS},
    **STOCK,
    **{name: Rule("boolean") for name in ("virtual", "downloadable")},
    "status": Rule("string", enum=STATUSES),
    "menu_order": Rule("integer"),
    "dimensions": Rule("object"),
    "attributes": Rule("array", item=Rule("object")),
    "meta_data": Rule("array", item=Rule("object")),
}
WRITE: Schema = {
    "name": Rule("string"),
    "slug": Rule("string"),
    "type": Rule("string", enum=TYPES),
    "short_description": Rule("string"),
    "featured": Rule("boolean"),
    "catalog_visibility": Rule("string", enum=("visible", "catalog", "search", "hidden")),
    **SHARED,
    "categories": Rule("array", item=Rule("object")),
    "tags": Rule("array", item=Rule("object")),
    "images": Rule("array", item=Rule("object")),
}
FORCE: Schema = {"force": Rule("boolean", default=False)}
# What a batch create starts from: the schema's defaults, set without any check.
BATCH_DEFAULTS: dict[str, Any] = {"type": "simple", "status": "publish"}


async def list_products(woo: Woo, call: Call) -> Reply:
    """GET /products."""
    shop = woo.catalogue
    found = select(shop, call, variations=False)
    fields = call.fields()
    edit = call.params["context"] == "edit"
    page = [product_body(shop, shop.items[key], fields, edit=edit, single=False) for key in cut(call, found)]
    return Reply(page, headers=totals(woo.site, call, "products", len(found)))


def select(shop: Catalogue, call: Call, *, variations: bool, parent: int | None = None) -> Sequence[int]:
    """Return the ids that a list request asks for, in its order."""
    params, listing = call.params, shop.visible(variations=variations)
    filtered = parent is not None or any(params.get(name) not in (None, "", "any", []) for name in _FILTERS)
    if not filtered and params["orderby"] in ("id", "date"):
        return listing if params["order"] == "asc" else listing[::-1]
    rows = [shop.items[key] for key in _candidates(shop, call, variations=variations, parent=parent)]
    found = [row for row in rows if _matches(shop, call, row, variations=variations)]
    return [row.id for row in _ordered(shop, call, found)]


def _candidates(shop: Catalogue, call: Call, *, variations: bool, parent: int | None) -> Iterable[int]:
    """Narrow the search by the best index there is; `_matches` checks the rest."""
    params = call.params
    if parent is not None:
        row = shop.product(parent)
        return row.children if row else []
    if any(params.get(name) for name in ("sku", "search_sku", "global_unique_id")):
        return _by_code(shop, params)
    if params.get("include"):
        return dict.fromkeys(key for key in params["include"] if key in shop.items)
    if params.get("modified_after"):
        recent = shop.variation_changes if variations else shop.product_changes
        return recent.after(cursor(shop.site, call, params["modified_after"]))
    if params.get("status") == TRASH:
        return [row.id for row in shop.items.values() if row.status == TRASH]
    return shop.visible(variations=variations)


def _by_code(shop: Catalogue, params: dict[str, Any]) -> list[int]:
    if params.get("sku"):
        names = (name.strip().lower() for name in params["sku"].split(","))
        return list(dict.fromkeys(key for name in names for key in shop.by_sku.get(name, ())))
    if params.get("search_sku"):
        part = params["search_sku"].lower()
        return [key for sku, keys in shop.by_sku.items() if part in sku for key in keys]
    return shop.by_gtin.get(params.get("global_unique_id") or "", [])


def _matches(shop: Catalogue, call: Call, row: Product, *, variations: bool) -> bool:
    params = call.params
    # Only a search by SKU finds variations in /products.
    by_sku = bool(params.get("sku") or params.get("search_sku"))
    if (row.is_variation and not variations and not by_sku) or (variations and not row.is_variation):
        return False
    status = params.get("status") or "any"
    if (row.status == TRASH) if status == "any" else (row.status != status):
        return False
    wanted = params.get("type")
    if (wanted and row.kind != wanted) or (params.get("include_types") and row.kind not in params["include_types"]):
        return False
    return _matches_more(shop, call, row) and within(shop.site, call, row.created, row.modified)


def _matches_more(shop: Catalogue, call: Call, row: Product) -> bool:
    params = call.params
    if params.get("stock_status") and shop.status_of(row) != params["stock_status"]:
        return False
    if params.get("include") and row.id not in params["include"]:
        return False
    if params.get("exclude") and row.id in params["exclude"]:
        return False
    if params.get("slug") and row.slug != params["slug"]:
        return False
    if params.get("category"):
        held = {str(category["id"]) for category in row.extra.get("categories", ())}
        if not held & set(params["category"].split(",")):
            return False
    text = (params.get("search") or "").lower()
    return not text or text in f"{row.name} {row.description} {row.short_description}".lower()


def _ordered(shop: Catalogue, call: Call, rows: list[Product]) -> list[Product]:
    by, down = call.params["orderby"], call.params["order"] == "desc"
    if by in ("include", "post__in") and call.params.get("include"):
        place = {key: number for number, key in enumerate(call.params["include"])}
        return sorted(rows, key=lambda row: place[row.id])
    keys = {
        "title": lambda row: (row.name.lower(), row.id),
        "slug": lambda row: (row.slug, row.id),
        "modified": lambda row: (row.modified, row.id),
        "price": lambda row: (values.decimal(shop.price(row)), row.id),
        "sales": lambda row: (row.total_sales, row.id),
        "popularity": lambda row: (row.total_sales, row.id),
        "menu_order": lambda row: (row.menu_order, variation_name(row), row.id),
    }
    return sorted(rows, key=keys.get(by, lambda row: row.id), reverse=down)


async def get_product(woo: Woo, call: Call) -> Reply:
    """GET /products/{id}, which also finds variations."""
    found = woo.catalogue.items.get(call.ids[-1])
    if found is None:
        raise errors.invalid_product()
    edit = call.params.get("context") == "edit"
    return Reply(product_body(woo.catalogue, found, call.fields(), edit=edit))


async def create_product(woo: Woo, call: Call) -> Reply:
    """POST /products."""
    if call.params.get("id"):
        raise RestError("woocommerce_rest_product_exists", "Cannot create existing product.", 400)
    shop, params = woo.catalogue, call.params
    product = Product(id=0, status=_known_status(params))
    prepare(woo, product, params)
    quantity = stock_change(product, params)
    product.stock = quantity if quantity is not None else product.stock
    product.id = woo.site.next_post()
    shop.add(product)
    return Reply(product_body(shop, product, call.fields(), edit=True), 201)


def prepare(woo: Woo, product: Product, params: dict[str, Any]) -> None:
    """Fill a new product or variation; one that fails only in the lookup table has used up an id (recorded, 072)."""
    try:
        assign(woo.catalogue, product, params, stored=False)
    except RestError as error:
        if error.code == "woocommerce_rest_product_not_created":
            woo.site.next_post()
        raise


def _known_status(params: dict[str, Any]) -> str:
    status = str(params.get("status") or "publish")
    return status if status in STATUSES else "draft"


async def update_product(woo: Woo, call: Call) -> Reply:
    """PUT, PATCH or POST /products/{id}."""
    shop, key = woo.catalogue, target(call)
    found = shop.items.get(key)
    if found is None:
        raise errors.invalid_product(400)
    if found.is_variation:
        raise errors.variation_through_products()
    await write(woo, call, found)
    return Reply(product_body(shop, found, call.fields(), edit=True))


def target(call: Call) -> int:
    """Return the id a write is for: in WP_REST_Request a JSON body's `id` comes before the path's."""
    return values.php_int(call.params.get("id") or call.ids[-1])


async def write(woo: Woo, call: Call, product: Product) -> None:
    """Update a stored product or variation: read, think, write, with the platform's window in between."""
    shop = woo.catalogue
    assign(shop, product, call.params, stored=True)
    quantity = stock_change(product, call.params)
    if quantity is not None:
        before = product.stock
        woo.site.writing.add(product.sku)
        try:
            await woo.site.window(woo.site.races.delta_race, 0.25 if call.batch else 1.0)
        finally:
            woo.site.writing.discard(product.sku)
        if product.stock != before:
            woo.site.lapses[product.sku] = woo.site.now()
        product.stock = quantity
    status = call.params.get("status")
    shop.save(product, status=_known_status(call.params) if status else None)


async def delete_product(woo: Woo, call: Call) -> Reply:
    """DELETE /products/{id}: to the trash, or for ever with force."""
    found = woo.catalogue.items.get(target(call))
    if found is None:
        raise errors.invalid_product()
    if found.is_variation:
        raise errors.variation_through_products()
    body = product_body(woo.catalogue, found, call.fields(), edit=True)
    drop(woo.catalogue, found, force=bool(call.params.get("force")))
    return Reply(body)


def drop(shop: Catalogue, product: Product, *, force: bool) -> None:
    """Trash or delete a product or variation."""
    if force:
        shop.delete(product)
        return
    if product.status == TRASH:
        raise errors.already_trashed("product_variation" if product.is_variation else "product")
    shop.trash(product)


def _exists(woo: Woo, call: Call) -> bool:
    return call.ids[-1] in woo.catalogue.items


_ITEM = ("products", NUMBER)
ROUTES = (
    Route(
        ("products",),
        {"GET": Endpoint(list_products, "list", LIST), "POST": Endpoint(create_product, "create", WRITE)},
    ),
    Route(
        _ITEM,
        {
            "GET": Endpoint(get_product, "view", {"context": PAGING["context"]}, _exists),
            **editable(Endpoint(update_product, "edit", WRITE, _exists)),
            "DELETE": Endpoint(delete_product, "delete", FORCE, _exists),
        },
    ),
    Route(
        ("products", "batch"),
        editable(Endpoint(batch(create_product, update_product, delete_product, BATCH_DEFAULTS), "batch")),
    ),
)
