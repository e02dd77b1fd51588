"""Request bodies into coupons, and coupons as the API shows them: WC_REST_Coupons_V2_Controller."""

from collections.abc import Callable
from typing import Any

from bridge.sandbox.woocommerce import meta, values
from bridge.sandbox.woocommerce.coupons import Coupon, Coupons
from bridge.sandbox.woocommerce.errors import RestError

Params = dict[str, Any]
Body = dict[str, Any]


def _ids(value: Any) -> list[int]:
    return (
        list(dict.fromkeys(number for one in value if (number := values.php_int(one))))
        if isinstance(value, list)
        else []
    )


# The body's name, the coupon's own, and how the setter reads it. An absent or null one is left alone.
_SETTERS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("amount", "amount", values.decimal),
    ("status", "status", str),
    ("discount_type", "kind", str),
    ("description", "description", str),
    ("individual_use", "alone", values.to_bool),
    ("product_ids", "products", _ids),
    ("excluded_product_ids", "excluded", _ids),
    ("usage_limit", "limit", lambda value: abs(values.php_int(value))),
    ("usage_limit_per_user", "per_user", lambda value: abs(values.php_int(value))),
    ("limit_usage_to_x_items", "x_items", lambda value: abs(values.php_int(value))),
    ("free_shipping", "free_shipping", values.to_bool),
    ("product_categories", "categories", _ids),
    ("excluded_product_categories", "excluded_categories", _ids),
    ("exclude_sale_items", "no_sale_items", values.to_bool),
    ("minimum_amount", "minimum", values.decimal),
    ("maximum_amount", "maximum", values.decimal),
)
_ITEM = {"targetHints": {"allow": ["GET", "POST", "PUT", "PATCH", "DELETE"]}}


def fill(coupons: Coupons, coupon: Coupon, params: Params) -> bool:
    """Take the fields of a body into a coupon; return whether its date moves with them. `usage_count` is read-only."""
    before = (coupon.code, coupon.description, coupon.status)
    _take_code(coupons, coupon, params.get("code"))
    found = {own: read(params[name]) for name, own, read in _SETTERS if params.get(name) is not None}
    _check_amount(coupons, coupon, found)
    for own, value in found.items():
        setattr(coupon, own, value)
    # `date_expires_gmt` is ignored (recorded, coupons 160).
    if params.get("date_expires") is not None:
        coupon.expires = _moment(coupons, params["date_expires"])
    _take_emails(coupon, params.get("email_restrictions"))
    meta.apply(coupon.meta, params.get("meta_data"), coupons.site.next_meta)
    return before != (coupon.code, coupon.description, coupon.status)


def _take_code(coupons: Coupons, coupon: Coupon, code: Any) -> None:
    if code is None:
        return
    if coupons.by_code(str(code), apart_from=coupon.id):
        raise RestError("woocommerce_rest_coupon_code_already_exists", "The coupon code already exists", 400)
    coupon.code = coupons.shown(str(code))


def _check_amount(coupons: Coupons, coupon: Coupon, found: Params) -> None:
    amount, kind = found.get("amount", coupon.amount), found.get("kind", coupon.kind)
    if amount >= 0 and (kind != "percent" or amount <= 100):
        return
    if coupons.site.modern:
        raise RestError("coupon_invalid_amount", "Invalid discount amount.", 400)
    # 9.9.5 takes it, and takes nothing off (recorded, coupons 164).
    found["amount"] = values.decimal("0")


def _moment(coupons: Coupons, value: Any) -> int | None:
    """Read a date as set_date_prop does: a number is epoch seconds, a text without a zone is the shop's own time."""
    if isinstance(value, int):
        return value or None
    local = values.parse_date(str(value), coupons.site.offset) if value else None
    return None if local is None else local - coupons.site.offset


def _take_emails(coupon: Coupon, given: Any) -> None:
    if isinstance(given, list):
        texts = [str(one).strip().lower() for one in given]
        if any("@" not in text for text in texts):
            raise RestError("coupon_invalid_email_address", "Invalid email address restriction", 400)
        coupon.emails = texts


def coupon_body(coupons: Coupons, coupon: Coupon, fields: frozenset[str] | None = None, *, single: bool = True) -> Body:
    """Show a coupon; a single one always has `_links`."""
    body = _shown(coupons, coupon)
    shown = {name: value for name, value in body.items() if fields is None or name in fields}
    if single or fields is None or "_links" in fields:
        root = f"{coupons.site.host}/wp-json/wc/v3/coupons"
        shown["_links"] = {"self": [{"href": f"{root}/{coupon.id}", **_ITEM}], "collection": [{"href": root}]}
    return shown


def _shown(coupons: Coupons, coupon: Coupon) -> Body:
    offset = coupons.site.offset
    return {
        "id": coupon.id,
        "code": coupon.code,
        "amount": values.money(coupon.amount),
        "status": coupon.status,
        "date_created": values.iso(coupon.created + offset),
        "date_created_gmt": values.iso(coupon.created),
        "date_modified": values.iso(coupon.modified + offset),
        "date_modified_gmt": values.iso(coupon.modified),
        "discount_type": coupon.kind,
        "description": coupon.description,
        "date_expires": None if coupon.expires is None else values.iso(coupon.expires + offset),
        "date_expires_gmt": None if coupon.expires is None else values.iso(coupon.expires),
        "usage_count": coupon.used,
        "individual_use": coupon.alone,
        "product_ids": coupon.products,
        "excluded_product_ids": coupon.excluded,
        "usage_limit": coupon.limit or None,
        "usage_limit_per_user": coupon.per_user or None,
        "limit_usage_to_x_items": coupon.x_items or None,
        "free_shipping": coupon.free_shipping,
        "product_categories": coupon.categories,
        "excluded_product_categories": coupon.excluded_categories,
        "exclude_sale_items": coupon.no_sale_items,
        "minimum_amount": values.money(coupon.minimum),
        "maximum_amount": values.money(coupon.maximum),
        "email_restrictions": coupon.emails,
        "used_by": coupon.used_by,
        "meta_data": meta.body(coupon.meta),
    }
