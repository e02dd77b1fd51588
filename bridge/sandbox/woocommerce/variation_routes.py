"""The variations of one product, and /variations over all products (11.0.1 only)."""

from bridge.sandbox.woocommerce import errors
from bridge.sandbox.woocommerce.catalogue import Product
from bridge.sandbox.woocommerce.errors import RestError
from bridge.sandbox.woocommerce.listing import PAGING, Reply, cut, totals
from bridge.sandbox.woocommerce.params import Call
from bridge.sandbox.woocommerce.product_body import variation_body
from bridge.sandbox.woocommerce.product_routes import FORCE, LIST, SHARED, drop, prepare, select, target, write
from bridge.sandbox.woocommerce.product_write import stock_change
from bridge.sandbox.woocommerce.routing import NUMBER, Endpoint, Route, batch, editable
from bridge.sandbox.woocommerce.schema import Rule, Schema
from bridge.sandbox.woocommerce.shop import Woo

WRITE: Schema = {**SHARED, "image": Rule("mixed")}
# 11.0.1 takes back the "parent" that it shows; 9.9.5 refuses it.
WRITE_MODERN: Schema = {**WRITE, "manage_stock": Rule("boolean", enum=("parent",))}


async def list_variations(woo: Woo, call: Call) -> Reply:
    """GET /products/{id}/variations; a missing or simple parent has none."""
    shop, parent = woo.catalogue, call.ids[0]
    found = select(shop, call, variations=True, parent=parent)
    fields = call.fields()
    page = [variation_body(shop, shop.items[key], fields, single=False) for key in cut(call, found)]
    return Reply(page, headers=totals(woo.site, call, f"products/{parent}/variations", len(found)))


async def list_all(woo: Woo, call: Call) -> Reply:
    """GET /variations: over all products. Its links carry cleaned values, and lead nowhere useful."""
    shop, root = woo.catalogue, f"{woo.site.host}/wp-json/wc/v3"
    found = select(shop, call, variations=True)
    fields, rows = call.fields(), []
    for key in cut(call, found):
        row = variation_body(shop, shop.items[key], fields, single=False)
        if "_links" in row:
            row["_links"] = {
                "self": [{"href": f"{root}/variations/{key}"}],
                "collection": [{"href": f"{root}/variations"}],
            }
            row["_links"]["up"] = [{"href": f"{root}/products/0"}]
        rows.append(row)
    told = {name: call.params.get(name, text) for name, text in call.query.items()}
    told = {name: call.query[name] if isinstance(value, list) else value for name, value in told.items()}
    return Reply(rows, headers=totals(woo.site, call, "variations", len(found), told))


def _find(woo: Woo, call: Call, key: int) -> Product:
    # Unlike a product, a missing variation is a 404 for writes as well (recorded, variations 096).
    found = woo.catalogue.variation(call.ids[0], key)
    if found is None:
        raise errors.invalid_variation()
    return found


async def get_variation(woo: Woo, call: Call) -> Reply:
    """GET /products/{id}/variations/{id}."""
    edit = call.params.get("context") == "edit"
    return Reply(variation_body(woo.catalogue, _find(woo, call, call.ids[-1]), call.fields(), edit=edit))


async def create_variation(woo: Woo, call: Call) -> Reply:
    """POST /products/{id}/variations. A second variation with equal attributes is accepted."""
    shop, params = woo.catalogue, call.params
    parent = shop.product(call.ids[0])
    if parent is None:
        text = "Cannot set attributes due to invalid parent product."
        raise RestError("woocommerce_rest_product_variation_invalid_parent", text, 404)
    made = Product(id=0, kind="variation", parent_id=parent.id, status=str(params.get("status") or "publish"))
    prepare(woo, made, params)
    quantity = stock_change(made, params)
    made.stock = quantity if quantity is not None else made.stock
    made.id = woo.site.next_post()
    shop.add(made)
    return Reply(variation_body(shop, made, call.fields(), edit=True), 201)


async def update_variation(woo: Woo, call: Call) -> Reply:
    """PUT, PATCH or POST on a variation. stock_quantity is ignored while the parent manages the stock."""
    found = _find(woo, call, target(call))
    await write(woo, call, found)
    return Reply(variation_body(woo.catalogue, found, call.fields(), edit=True))


async def delete_variation(woo: Woo, call: Call) -> Reply:
    """DELETE a variation: to the trash, or for ever with force."""
    found = _find(woo, call, target(call))
    body = variation_body(woo.catalogue, found, call.fields(), edit=True)
    drop(woo.catalogue, found, force=bool(call.params.get("force")))
    return Reply(body)


def _exists(woo: Woo, call: Call) -> bool:
    return woo.catalogue.variation(call.ids[0], call.ids[1]) is not None


def routes(*, modern: bool) -> tuple[Route, ...]:
    """Return the routes of this version."""
    schema = WRITE_MODERN if modern else WRITE
    base = ("products", NUMBER, "variations")
    item = {
        "GET": Endpoint(get_variation, "view", {"context": PAGING["context"]}, _exists),
        **editable(Endpoint(update_variation, "edit", schema, _exists)),
        "DELETE": Endpoint(delete_variation, "delete", FORCE, _exists),
    }
    many = batch(create_variation, update_variation, delete_variation, {"status": "publish"})
    listed = {"GET": Endpoint(list_variations, "list", LIST), "POST": Endpoint(create_variation, "create", schema)}
    found = (
        Route(base, listed),
        Route((*base, NUMBER), item),
        Route((*base, "batch"), editable(Endpoint(many, "batch"))),
    )
    return (*found, Route(("variations",), {"GET": Endpoint(list_all, "list", LIST)})) if modern else found
