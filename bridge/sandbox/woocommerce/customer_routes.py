"""The /customers routes of wc/v3, their list and batch. There is no modified_after here: it is ignored without a word."""

from hashlib import sha256
from typing import Any

from bridge.sandbox.woocommerce import meta, values
from bridge.sandbox.woocommerce.customers import ROLES, Customer
from bridge.sandbox.woocommerce.errors import RestError
from bridge.sandbox.woocommerce.listing import ORDERING, PAGING, Reply, cut, totals
from bridge.sandbox.woocommerce.params import Call
from bridge.sandbox.woocommerce.product_routes import FORCE, target
from bridge.sandbox.woocommerce.routing import NUMBER, Endpoint, Route, batch, editable
from bridge.sandbox.woocommerce.schema import Rule, Schema
from bridge.sandbox.woocommerce.shop import Woo

Row = dict[str, Any]
_PLACE = ("first_name", "last_name", "company", "address_1", "address_2", "city", "postcode", "country", "state")
_PHONE = (*_PLACE, "phone")
_CONTACT = (*_PLACE, "email", "phone")
_ITEM = {"targetHints": {"allow": ["GET", "POST", "PUT", "PATCH", "DELETE"]}}
LIST: Schema = {
    **PAGING,
    **ORDERING,
    "order": Rule("string", enum=("asc", "desc"), default="asc"),
    "orderby": Rule("string", enum=("id", "include", "name", "registered_date"), default="name"),
    "email": Rule("email"),
    "role": Rule("string", enum=("all", *ROLES), default="customer"),
}
UPDATE: Schema = {
    **{name: Rule("string") for name in ("email", "first_name", "last_name", "username", "password")},
    **{name: Rule("object") for name in ("billing", "shipping")},
    "meta_data": Rule("array", item=Rule("object")),
}
CREATE: Schema = {**UPDATE, "email": Rule("string", required=True)}


def customer_body(woo: Woo, customer: Customer, fields: frozenset[str] | None = None, *, single: bool = True) -> Row:
    """Show an account; a single one always has `_links`."""
    body = _shown(woo, customer)
    shown = {name: value for name, value in body.items() if fields is None or name in fields}
    if single or fields is None or "_links" in fields:
        root = f"{woo.site.host}/wp-json/wc/v3/customers"
        shown["_links"] = {"self": [{"href": f"{root}/{customer.id}", **_ITEM}], "collection": [{"href": root}]}
    return shown


def _shown(woo: Woo, customer: Customer) -> Row:
    offset, modified = woo.site.offset, customer.modified
    face = sha256(customer.email.lower().encode()).hexdigest()
    return {
        "id": customer.id,
        "date_created": values.iso(customer.created + offset),
        "date_created_gmt": values.iso(customer.created),
        "date_modified": None if modified is None else values.iso(modified + offset),
        "date_modified_gmt": None if modified is None else values.iso(modified),
        "email": customer.email,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "role": customer.role,
        "username": customer.username,
        "billing": {name: customer.billing.get(name, "") for name in _CONTACT},
        "shipping": {name: customer.shipping.get(name, "") for name in _PHONE},
        "is_paying_customer": customer.paying,
        "avatar_url": f"https://secure.gravatar.com/avatar/{face}?s=96&d=mm&r=g",
        "meta_data": meta.body(customer.meta),
    }


async def list_customers(woo: Woo, call: Call) -> Reply:
    """GET /customers, by name; only the role `customer` unless told otherwise."""
    found = [customer.id for customer in _select(woo, call)]
    page = [customer_body(woo, woo.customers.rows[key], call.fields(), single=False) for key in cut(call, found)]
    return Reply(page, headers=totals(woo.site, call, "customers", len(found)))


def _select(woo: Woo, call: Call) -> list[Customer]:
    params = call.params
    rows = [row for row in woo.customers.of_role(params["role"]) if _matches(params, row)]
    if params["orderby"] == "include" and params.get("include"):
        place = {key: number for number, key in enumerate(params["include"])}
        return sorted(rows, key=lambda row: place[row.id])
    keys: Row = {"id": lambda row: row.id, "registered_date": lambda row: (row.created, row.id)}
    key = keys.get(params["orderby"], lambda row: (row.name.lower(), row.id))
    return sorted(rows, key=key, reverse=params["order"] == "desc")


def _matches(params: Row, customer: Customer) -> bool:
    if params.get("include") and customer.id not in params["include"]:
        return False
    if params.get("exclude") and customer.id in params["exclude"]:
        return False
    if params.get("email"):
        return customer.email.lower() == str(params["email"]).lower()
    text = (params.get("search") or "").lower()
    # Phone numbers and billing addresses are user meta, which is not searched.
    return not text or any(text in one.lower() for one in (customer.username, customer.email, customer.name))


def find_customer(woo: Woo, key: int, status: int = 404) -> Customer:
    """Return an account or raise the platform's error, which was another one before 10."""
    found = woo.customers.rows.get(key)
    if found is not None:
        return found
    if woo.site.modern:
        raise RestError("wc_user_invalid_id", "Invalid user ID.", 404)
    raise RestError("woocommerce_rest_invalid_id", "Invalid resource ID.", status)


async def get_customer(woo: Woo, call: Call) -> Reply:
    """GET /customers/{id}."""
    return Reply(customer_body(woo, find_customer(woo, call.ids[0]), call.fields()))


async def post_customer(woo: Woo, call: Call) -> Reply:
    """POST /customers; a password is made up for the customer, who is told to change it."""
    params = call.params
    if params.get("id"):
        raise RestError("woocommerce_rest_customer_exists", "Cannot create existing resource.", 400)
    made = woo.customers.add(str(params.get("email") or ""), username=str(params.get("username") or ""))
    if not params.get("password"):
        woo.customers.plugin_sets(made, "default_password_nag", "1")
    take(woo, made, params)
    woo.customers.announce(made)
    location = f"{woo.site.host}/wp-json/wc/v3/customers/{made.id}"
    return Reply(customer_body(woo, made, call.fields()), 201, {"Location": location})


def take(woo: Woo, customer: Customer, params: Row) -> None:
    """Take the fields of a body into an account."""
    for name in ("first_name", "last_name"):
        if params.get(name) is not None:
            setattr(customer, name, str(params[name]))
    for given, held, names in (
        (params.get("billing"), customer.billing, _CONTACT),
        (params.get("shipping"), customer.shipping, _PHONE),
    ):
        if isinstance(given, dict):
            held.update({key: str(text) for key, text in given.items() if key in names})
    meta.apply(customer.meta, params.get("meta_data"), woo.site.next_meta)


async def put_customer(woo: Woo, call: Call) -> Reply:
    """PUT, PATCH or POST /customers/{id}. Meta is written whole, whatever was there (20 parallel additions lost 13)."""
    params, customer = call.params, find_customer(woo, target(call), 400)
    _check_email(woo, customer, params.get("email"))
    if params.get("username") and params["username"] != customer.username:
        raise RestError("woocommerce_rest_customer_invalid_argument", "Username isn't editable.", 400)
    if params.get("email"):
        customer.email = str(params["email"])
    take(woo, customer, params)
    woo.customers.save(customer)
    return Reply(customer_body(woo, customer, call.fields()))


def _check_email(woo: Woo, customer: Customer, email: Any) -> None:
    if not email:
        return
    owner = woo.customers.by_email(str(email))
    if owner not in (None, customer):
        raise RestError("woocommerce_rest_customer_invalid_email", "Email address is invalid.", 400)
    woo.customers.check_email(str(email))


async def delete_customer(woo: Woo, call: Call) -> Reply:
    """DELETE /customers/{id}: only for ever, and only with force."""
    customer = find_customer(woo, target(call))
    if not call.params.get("force"):
        raise RestError("woocommerce_rest_trash_not_supported", "Customers do not support trashing.", 501)
    body = customer_body(woo, customer, call.fields())
    woo.customers.delete(customer)
    return Reply(body)


def _there(woo: Woo, call: Call) -> bool:
    return call.ids[0] in woo.customers.rows


def _deletable(woo: Woo, call: Call) -> bool:
    """Only customers and subscribers are deleted through this route (recorded, the Allow header of customers 189)."""
    customer = woo.customers.rows.get(call.ids[0])
    return customer is not None and customer.role in ("customer", "subscriber")


_DEFAULTS: Row = {}
_BATCH = batch(post_customer, put_customer, delete_customer, _DEFAULTS)
ROUTES = (
    Route(
        ("customers",),
        {"GET": Endpoint(list_customers, "list", LIST), "POST": Endpoint(post_customer, "create", CREATE)},
    ),
    Route(
        ("customers", NUMBER),
        {
            "GET": Endpoint(get_customer, "view", {"context": PAGING["context"]}, _there, allowed=_there),
            **editable(Endpoint(put_customer, "edit", UPDATE, _there, allowed=_there)),
            "DELETE": Endpoint(delete_customer, "delete", FORCE, _there, allowed=_deletable),
        },
    ),
    Route(("customers", "batch"), editable(Endpoint(_BATCH, "batch"))),
)
