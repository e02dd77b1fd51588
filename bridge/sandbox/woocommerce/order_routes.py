"""The /orders routes of wc/v3, their lists and batches."""

from collections.abc import Iterable
from typing import Any

from bridge.sandbox.woocommerce import errors
from bridge.sandbox.woocommerce.catalogue import TRASH
from bridge.sandbox.woocommerce.errors import RestError
from bridge.sandbox.woocommerce.listing import DATES, ORDERING, PAGING, Reply, cursor, cut, totals, within
from bridge.sandbox.woocommerce.order_body import order_body
from bridge.sandbox.woocommerce.order_write import create_order, update_order
from bridge.sandbox.woocommerce.orders import AUTO_DRAFT, STATUSES, Book, Glimpse, Order
from bridge.sandbox.woocommerce.params import Call
from bridge.sandbox.woocommerce.product_routes import FORCE, target
from bridge.sandbox.woocommerce.routing import NUMBER, Endpoint, Route, batch, editable
from bridge.sandbox.woocommerce.schema import Rule, Schema
from bridge.sandbox.woocommerce.shop import Woo

_NAMES = tuple(STATUSES)
LIST: Schema = {
    **PAGING,
    **DATES,
    **ORDERING,
    "orderby": Rule("string", enum=("date", "id", "include", "title", "slug", "modified"), default="date"),
    "status": Rule("list", enum=("any", TRASH, AUTO_DRAFT, *_NAMES)),
    "customer": Rule("integer"),
    "product": Rule("integer"),
    "dp": Rule("integer", default=2),
    "created_via": Rule("list"),
}
_LINE = Rule(
    "object",
    fields={
        "id": Rule("integer"),
        "name": Rule("mixed"),
        "product_id": Rule("mixed"),
        "variation_id": Rule("integer"),
        "quantity": Rule("integer"),
        "subtotal": Rule("string"),
        "total": Rule("string"),
    },
)
_ROWS = Rule("array", item=Rule("object", fields={"id": Rule("integer")}))
WRITE: Schema = {
    "status": Rule("string", enum=(AUTO_DRAFT, *_NAMES)),
    "currency": Rule("string"),
    "customer_id": Rule("integer"),
    "customer_note": Rule("string"),
    "created_via": Rule("string"),
    "billing": Rule("object", fields={"email": Rule("email")}),
    "shipping": Rule("object"),
    **{name: Rule("string") for name in ("payment_method", "payment_method_title", "transaction_id")},
    "set_paid": Rule("boolean"),
    "line_items": Rule("array", item=_LINE),
    **dict.fromkeys(("fee_lines", "shipping_lines", "coupon_lines"), _ROWS),
    "meta_data": Rule("array", item=Rule("object")),
}


async def list_orders(woo: Woo, call: Call) -> Reply:
    """GET /orders."""
    found = [order.id for order in select(woo.book, call)]
    fields = call.fields()
    page = [order_body(woo.book, woo.book.orders[key], fields, single=False) for key in cut(call, found)]
    # The links of this list repeat three defaults that nobody sent (recorded, orders 103).
    told = {**call.query, "status": call.params.get("status") or ["any"], "dp": call.params["dp"]}
    told["context"] = call.params["context"]
    return Reply(page, headers=totals(woo.site, call, "orders", len(found), told))


def select(book: Book, call: Call) -> list[Order]:
    """Return the orders that a list request asks for, in its order."""
    params = call.params
    rows = [order for order in _candidates(book, call) if _matches(book, call, order)]
    if params["orderby"] == "include" and params.get("include"):
        place = {key: number for number, key in enumerate(params["include"])}
        return sorted(rows, key=lambda order: place[order.id])
    down = params["order"] == "desc"
    if params["orderby"] == "modified":
        return sorted(rows, key=lambda order: (order.modified, order.id), reverse=down)
    if params["orderby"] == "date":
        return sorted(rows, key=lambda order: (order.created, order.id), reverse=down)
    return sorted(rows, key=lambda order: order.id, reverse=down)


def _candidates(book: Book, call: Call) -> Iterable[Order]:
    if call.params.get("include"):
        return (book.orders[key] for key in dict.fromkeys(call.params["include"]) if key in book.orders)
    if call.params.get("modified_after"):
        after = cursor(book.site, call, call.params["modified_after"])
        return (book.orders[key] for key in book.changes.after(after))
    return book.orders.values()


def _matches(book: Book, call: Call, order: Order) -> bool:
    params = call.params
    wanted = params.get("status") or ["any"]
    if order.status not in wanted and ("any" not in wanted or order.status in (TRASH, AUTO_DRAFT)):
        return False
    if params.get("created_via") and order.created_via not in params["created_via"]:
        return False
    if params.get("customer") is not None and order.customer_id != params["customer"]:
        return False
    if params.get("exclude") and order.id in params["exclude"]:
        return False
    if params.get("product") and not any(
        params["product"] in (line.product_id, line.variation_id) for line in order.lines
    ):
        return False
    text = params.get("search")
    return (not text or _found(order, text.lower())) and within(book.site, call, order.created, order.modified)


def _found(order: Order, text: str) -> bool:
    """Search as the orders table does: number, transaction id, addresses, names of the goods. Meta is not searched."""
    places = (*order.billing.values(), *order.shipping.values(), *(line.name for line in order.lines))
    return text in (str(order.id), order.transaction_id.lower()) or any(text in place.lower() for place in places)


def find(woo: Woo, key: int, status: int = 404, message: str = "Invalid ID.") -> Order:
    """Return an order or raise the platform's error."""
    order = woo.book.orders.get(key)
    if order is None:
        raise errors.invalid_order(status, message=message)
    return order


async def get_order(woo: Woo, call: Call) -> Reply:
    """GET /orders/{id}."""
    return Reply(order_body(woo.book, find(woo, call.ids[0]), call.fields()))


async def post_order(woo: Woo, call: Call) -> Reply:
    """POST /orders. No idempotency: two equal posts make two orders."""
    if call.params.get("id"):
        raise RestError("woocommerce_rest_shop_order_exists", "Cannot create existing shop_order.", 400)
    return Reply(order_body(woo.book, create_order(woo.book, call.params), call.fields()), 201)


async def put_order(woo: Woo, call: Call) -> Reply:
    """PUT, PATCH or POST /orders/{id}: read, think, write."""
    text = "ID is invalid." if woo.site.modern else "Invalid ID."
    order = find(woo, target(call), 400, text)
    seen = Glimpse.of(order)
    if call.params.get("status") or call.params.get("set_paid"):
        await woo.site.window(woo.site.races.order_race, 0.25 if call.batch else 1.0)
    update_order(woo.book, order, call.params, seen)
    return Reply(order_body(woo.book, order, call.fields()))


async def delete_order(woo: Woo, call: Call) -> Reply:
    """DELETE /orders/{id}: to the trash, or for ever with force. Stock stays as it is."""
    order = find(woo, target(call))
    body = order_body(woo.book, order, call.fields())
    if call.params.get("force"):
        woo.book.delete(order)
    elif order.status == TRASH:
        raise errors.already_trashed("shop_order")
    else:
        woo.book.trash(order)
    return Reply(body)


async def list_statuses(woo: Woo, call: Call) -> Reply:
    """GET /orders/statuses."""
    del woo, call
    return Reply([{"slug": slug, "name": name} for slug, name in STATUSES.items()])


def _exists(woo: Woo, call: Call) -> bool:
    return call.ids[0] in woo.book.orders


_DEFAULTS: dict[str, Any] = {}
ROUTES = (
    Route(("orders",), {"GET": Endpoint(list_orders, "list", LIST), "POST": Endpoint(post_order, "create", WRITE)}),
    Route(
        ("orders", NUMBER),
        {
            "GET": Endpoint(get_order, "view", exists=_exists),
            **editable(Endpoint(put_order, "edit", WRITE, _exists)),
            "DELETE": Endpoint(delete_order, "delete", FORCE, _exists),
        },
    ),
    Route(("orders", "batch"), editable(Endpoint(batch(post_order, put_order, delete_order, _DEFAULTS), "batch"))),
    Route(("orders", "statuses"), {"GET": Endpoint(list_statuses, "list", public=True)}),
)
