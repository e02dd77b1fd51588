"""The /coupons routes of wc/v3, their list and batch."""

from dataclasses import replace
from typing import Any

from bridge.sandbox.woocommerce import errors
from bridge.sandbox.woocommerce.catalogue import TRASH
from bridge.sandbox.woocommerce.coupon_write import coupon_body, fill
from bridge.sandbox.woocommerce.coupons import KINDS, Coupon
from bridge.sandbox.woocommerce.errors import RestError
from bridge.sandbox.woocommerce.listing import DATES, ORDERING, PAGING, Reply, cut, totals, within
from bridge.sandbox.woocommerce.params import Call
from bridge.sandbox.woocommerce.product_routes import FORCE, target
from bridge.sandbox.woocommerce.routing import NUMBER, Endpoint, Route, batch, editable
from bridge.sandbox.woocommerce.schema import Rule, Schema
from bridge.sandbox.woocommerce.shop import Woo

LIST: Schema = {
    **PAGING,
    **DATES,
    **ORDERING,
    "orderby": Rule("string", enum=("date", "id", "include", "title", "slug", "modified"), default="date"),
    "code": Rule("string"),
}
_NUMBERS = Rule("array", item=Rule("integer"))
UPDATE: Schema = {
    **{
        name: Rule("string") for name in ("code", "amount", "status", "description", "minimum_amount", "maximum_amount")
    },
    "discount_type": Rule("string", enum=KINDS),
    "date_expires": Rule("mixed"),
    **{name: Rule("boolean") for name in ("individual_use", "free_shipping", "exclude_sale_items")},
    **dict.fromkeys(
        ("product_ids", "excluded_product_ids", "product_categories", "excluded_product_categories"), _NUMBERS
    ),
    **{name: Rule("integer") for name in ("usage_limit", "usage_limit_per_user", "limit_usage_to_x_items")},
    "email_restrictions": Rule("array", item=Rule("string")),
    "meta_data": Rule("array", item=Rule("object")),
}
CREATE: Schema = {**UPDATE, "code": Rule("string", required=True)}


async def list_coupons(woo: Woo, call: Call) -> Reply:
    """GET /coupons, newest first."""
    found = [coupon.id for coupon in _select(woo, call)]
    page = [coupon_body(woo.coupons, woo.coupons.rows[key], call.fields(), single=False) for key in cut(call, found)]
    return Reply(page, headers=totals(woo.site, call, "coupons", len(found)))


def _select(woo: Woo, call: Call) -> list[Coupon]:
    params = call.params
    named = woo.coupons.by_code(params["code"]) if params.get("code") else None
    some = woo.coupons.listed() if not params.get("code") else [named] if named else []
    rows = [coupon for coupon in some if _matches(woo, call, coupon)]
    if params["orderby"] == "include" and params.get("include"):
        place = {key: number for number, key in enumerate(params["include"])}
        return sorted(rows, key=lambda row: place[row.id])
    down = params["order"] == "desc"
    if params["orderby"] == "modified":
        return sorted(rows, key=lambda row: (row.modified, row.id), reverse=down)
    if params["orderby"] == "date":
        return sorted(rows, key=lambda row: (row.created, row.id), reverse=down)
    return sorted(rows, key=lambda row: row.id, reverse=down)


def _matches(woo: Woo, call: Call, coupon: Coupon) -> bool:
    params = call.params
    if params.get("include") and coupon.id not in params["include"]:
        return False
    if params.get("exclude") and coupon.id in params["exclude"]:
        return False
    text = (params.get("search") or "").lower()
    found = not text or any(text in place.lower() for place in (coupon.code, coupon.description))
    return found and within(woo.site, call, coupon.created, coupon.modified)


def find_coupon(woo: Woo, key: int, status: int = 404) -> Coupon:
    """Return a coupon, in the trash too, or raise the platform's error."""
    found = woo.coupons.rows.get(key)
    if found is None:
        raise RestError("woocommerce_rest_shop_coupon_invalid_id", "Invalid ID.", status)
    return found


async def get_coupon(woo: Woo, call: Call) -> Reply:
    """GET /coupons/{id}."""
    return Reply(coupon_body(woo.coupons, find_coupon(woo, call.ids[0]), call.fields()))


async def post_coupon(woo: Woo, call: Call) -> Reply:
    """POST /coupons; a code that is in use is refused."""
    if call.params.get("id"):
        raise RestError("woocommerce_rest_shop_coupon_exists", "Cannot create existing shop_coupon.", 400)
    if not call.params.get("code"):
        raise RestError("woocommerce_rest_empty_coupon_code", "The coupon code cannot be empty.", 400)
    coupons = woo.coupons
    # Looked at before it has an id: what is refused uses none up.
    fill(coupons, Coupon(id=0, code=""), {**call.params, "meta_data": None})
    made = coupons.new(str(call.params["code"]))
    fill(coupons, made, call.params)
    coupons.store(made)
    location = f"{woo.site.host}/wp-json/wc/v3/coupons/{made.id}"
    return Reply(coupon_body(coupons, made, call.fields()), 201, {"Location": location})


async def put_coupon(woo: Woo, call: Call) -> Reply:
    """PUT, PATCH or POST /coupons/{id}; all of it or, where it is refused, nothing."""
    coupon = find_coupon(woo, target(call), 400)
    fill(woo.coupons, replace(coupon, meta=[]), {**call.params, "meta_data": None})
    woo.coupons.save(coupon, moved=fill(woo.coupons, coupon, call.params))
    return Reply(coupon_body(woo.coupons, coupon, call.fields()))


async def delete_coupon(woo: Woo, call: Call) -> Reply:
    """DELETE /coupons/{id}: to the trash, or for ever with force."""
    coupon = find_coupon(woo, target(call))
    body = coupon_body(woo.coupons, coupon, call.fields())
    if call.params.get("force"):
        woo.coupons.delete(coupon)
    elif coupon.status == TRASH:
        raise errors.already_trashed("shop_coupon")
    else:
        woo.coupons.trash(coupon)
    return Reply(body)


_DEFAULTS: dict[str, Any] = {}
ROUTES = (
    Route(("coupons",), {"GET": Endpoint(list_coupons, "list", LIST), "POST": Endpoint(post_coupon, "create", CREATE)}),
    Route(
        ("coupons", NUMBER),
        {
            "GET": Endpoint(get_coupon, "view", {"context": PAGING["context"]}),
            **editable(Endpoint(put_coupon, "edit", UPDATE)),
            "DELETE": Endpoint(delete_coupon, "delete", FORCE),
        },
    ),
    Route(("coupons", "batch"), editable(Endpoint(batch(post_coupon, put_coupon, delete_coupon, _DEFAULTS), "batch"))),
)
