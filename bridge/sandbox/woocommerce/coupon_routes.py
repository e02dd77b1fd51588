"""The /coupons routes, as far as orders need them: list by code, read, create."""

from typing import Any

from bridge.sandbox.woocommerce import values
from bridge.sandbox.woocommerce.coupons import Coupon
from bridge.sandbox.woocommerce.errors import RestError
from bridge.sandbox.woocommerce.listing import ORDERING, PAGING, Reply, cut, totals
from bridge.sandbox.woocommerce.params import Call
from bridge.sandbox.woocommerce.routing import NUMBER, Endpoint, Route
from bridge.sandbox.woocommerce.schema import Rule, Schema
from bridge.sandbox.woocommerce.shop import Woo

_KINDS = ("percent", "fixed_cart", "fixed_product")
LIST: Schema = {**PAGING, **ORDERING, "code": Rule("string")}
WRITE: Schema = {
    "code": Rule("string"),
    "discount_type": Rule("string", enum=_KINDS),
    "amount": Rule("string"),
    "usage_limit": Rule("integer"),
}


def coupon_body(woo: Woo, coupon: Coupon) -> dict[str, Any]:
    """Show a coupon, without the restrictions that the sandbox does not know."""
    root = f"{woo.site.host}/wp-json/wc/v3/coupons"
    return {
        "id": coupon.id,
        "code": coupon.code,
        "amount": values.money(coupon.amount),
        "status": coupon.status,
        "discount_type": coupon.kind,
        "description": "",
        "date_expires": None,
        "date_expires_gmt": None,
        "usage_count": coupon.used,
        "usage_limit": coupon.limit or None,
        "_links": {"self": [{"href": f"{root}/{coupon.id}"}], "collection": [{"href": root}]},
    }


async def list_coupons(woo: Woo, call: Call) -> Reply:
    """GET /coupons, newest first."""
    code = (call.params.get("code") or "").lower()
    rows = {row.id: row for key, row in woo.coupons.by_code.items() if code in ("", key)}
    found = sorted(rows, reverse=call.params["order"] == "desc")
    page = [coupon_body(woo, rows[key]) for key in cut(call, found)]
    return Reply(page, headers=totals(woo.site, call, "coupons", len(found)))


def find_coupon(woo: Woo, key: int) -> Coupon:
    """Return a coupon or raise the platform's error."""
    found = next((row for row in woo.coupons.by_code.values() if row.id == key), None)
    if found is None:
        raise RestError("woocommerce_rest_shop_coupon_invalid_id", "Invalid ID.", 404)
    return found


async def get_coupon(woo: Woo, call: Call) -> Reply:
    """GET /coupons/{id}."""
    return Reply(coupon_body(woo, find_coupon(woo, call.ids[0])))


async def create_coupon(woo: Woo, call: Call) -> Reply:
    """POST /coupons; a code that exists is refused."""
    params, code = call.params, str(call.params.get("code") or "")
    if not code:
        raise RestError("woocommerce_rest_empty_coupon_code", "The coupon code cannot be empty.", 400)
    if code.lower() in woo.coupons.by_code:
        raise RestError("woocommerce_rest_coupon_code_already_exists", "The coupon code already exists", 400)
    kind, limit = str(params.get("discount_type") or "fixed_cart"), int(params.get("usage_limit") or 0)
    amount = str(values.decimal(params.get("amount")))
    made = woo.coupons.add(code, kind=kind, amount=amount, limit=limit)
    woo.site.emit("coupon.created", made.id)
    return Reply(coupon_body(woo, made), 201)


ROUTES = (
    Route(
        ("coupons",), {"GET": Endpoint(list_coupons, "list", LIST), "POST": Endpoint(create_coupon, "create", WRITE)}
    ),
    Route(("coupons", NUMBER), {"GET": Endpoint(get_coupon, "view")}),
)
