"""Refunds and notes of orders, and /refunds over all orders."""

from decimal import Decimal
from typing import Any

from bridge.sandbox.woocommerce import errors, values
from bridge.sandbox.woocommerce.errors import RestError
from bridge.sandbox.woocommerce.listing import DATES, ORDERING, PAGING, Reply, cut, totals
from bridge.sandbox.woocommerce.meta import Meta
from bridge.sandbox.woocommerce.order_body import note_body, refund_body
from bridge.sandbox.woocommerce.order_routes import find
from bridge.sandbox.woocommerce.orders import Book, Glimpse, Line, Order, Refund
from bridge.sandbox.woocommerce.params import Call
from bridge.sandbox.woocommerce.product_routes import FORCE
from bridge.sandbox.woocommerce.routing import NUMBER, Endpoint, Route
from bridge.sandbox.woocommerce.schema import Rule, Schema
from bridge.sandbox.woocommerce.shop import Woo

LIST: Schema = {**PAGING, **DATES, **ORDERING}
_LINE = Rule("object", fields={"quantity": Rule("integer"), "refund_total": Rule("number")})
WRITE: Schema = {
    "amount": Rule("string"),
    "reason": Rule("string"),
    "line_items": Rule("array", item=_LINE),
    "meta_data": Rule("array", item=Rule("object")),
    "api_refund": Rule("boolean", default=True),
    "api_restock": Rule("boolean", default=True),
}
NOTE: Schema = {"note": Rule("string"), "customer_note": Rule("boolean"), "added_by_user": Rule("boolean")}


def _order(woo: Woo, call: Call) -> Order:
    order = woo.book.orders.get(call.ids[0])
    if order is None:
        raise RestError("woocommerce_rest_order_invalid_id", "Invalid order ID.", 404)
    return order


async def list_refunds(woo: Woo, call: Call) -> Reply:
    """GET /orders/{id}/refunds."""
    order = _order(woo, call)
    found = {refund.id: refund for refund in reversed(order.refunds)}
    page = [refund_body(woo.book, order, found[key]) for key in cut(call, list(found))]
    return Reply(page, headers=totals(woo.site, call, f"orders/{order.id}/refunds", len(found)))


async def list_all_refunds(woo: Woo, call: Call) -> Reply:
    """GET /refunds: over all orders, newest first."""
    rows = {refund.id: order for order in woo.book.orders.values() for refund in order.refunds}
    found = sorted(rows, reverse=True)
    page = []
    for key in cut(call, found):
        refund = next(refund for refund in rows[key].refunds if refund.id == key)
        page.append(refund_body(woo.book, rows[key], refund, with_parent=True))
    return Reply(page, headers=totals(woo.site, call, "refunds", len(found)))


async def post_refund(woo: Woo, call: Call) -> Reply:
    """POST /orders/{id}/refunds: restocks its lines unless told not to; two equal posts at once both count."""
    order = find(woo, call.ids[0])
    seen = Glimpse.of(order)
    await woo.site.window(woo.site.races.order_race)
    lines = _lines(woo.book, order, call.params.get("line_items"))
    amount = _amount(call.params, lines)
    if amount < 0 or seen.refunded + amount > order.total():
        raise errors.refund_failed("Invalid refund amount.")
    if call.params["api_refund"]:
        # No payment gateway of the sandbox can pay back; the real shop says this for an unknown method, and has by then
        # stored and deleted the refund, whose id is gone (recorded, orders 127 and 130).
        woo.site.next_post()
        raise errors.refund_failed("The payment gateway for this order does not exist.")
    refund = Refund(id=woo.site.next_post(), created=woo.site.clock(), amount=amount, lines=lines)
    refund.reason = str(call.params.get("reason") or "")
    woo.book.refund(order, refund, seen, restock=call.params["api_restock"])
    return Reply(refund_body(woo.book, order, refund), 201)


def _amount(params: dict[str, Any], lines: list[tuple[Line, Line]]) -> Decimal:
    if params.get("amount"):
        return values.decimal(params["amount"])
    return sum((-returned.total for _, returned in lines), Decimal(0))


def _lines(book: Book, order: Order, rows: Any) -> list[tuple[Line, Line]]:
    found = []
    for row in rows if isinstance(rows, list) else []:
        line = order.line(values.php_int(row.get("id") or 0))
        if line is not None:
            total = values.decimal(row.get("refund_total"))
            found.append((line, returned_line(book, line, values.php_int(row.get("quantity") or 0), total)))
    return [(line, returned) for line, returned in found if returned.quantity or returned.total]


def returned_line(book: Book, line: Line, quantity: int, total: Decimal) -> Line:
    """Make the refund's own line: negative, and pointing back by `_refunded_item_id`."""
    returned = Line(id=book.site.next_item(), quantity=-quantity, subtotal=-total, total=-total)
    returned.name, returned.sku = line.name, line.sku
    returned.product_id, returned.variation_id = line.product_id, line.variation_id
    returned.meta.append(Meta(book.site.next_meta(), "_refunded_item_id", str(line.id)))
    return returned


def _refund(woo: Woo, call: Call) -> tuple[Order, Refund]:
    order = _order(woo, call)
    refund = next((refund for refund in order.refunds if refund.id == call.ids[1]), None)
    if refund is None:
        raise RestError("woocommerce_rest_shop_order_refund_invalid_id", "Invalid ID.", 404)
    return order, refund


async def get_refund(woo: Woo, call: Call) -> Reply:
    """GET /orders/{id}/refunds/{id}."""
    return Reply(refund_body(woo.book, *_refund(woo, call)))


async def delete_refund(woo: Woo, call: Call) -> Reply:
    """DELETE a refund, only with force; stock that it gave back stays on the shelf."""
    order, refund = _refund(woo, call)
    if not call.params["force"]:
        text = "The shop_order_refund does not support trashing."
        raise RestError("woocommerce_rest_trash_not_supported", text, 501)
    body = refund_body(woo.book, order, refund)
    order.refunds.remove(refund)
    return Reply(body)


async def list_notes(woo: Woo, call: Call) -> Reply:
    """GET /orders/{id}/notes; without paging headers."""
    order = _order(woo, call)
    return Reply([note_body(woo.book, order, note) for note in order.notes])


async def post_note(woo: Woo, call: Call) -> Reply:
    """POST /orders/{id}/notes; the order's date stays."""
    order, params = _order(woo, call), call.params
    told = {"to_customer": bool(params.get("customer_note")), "by_user": bool(params.get("added_by_user"))}
    note = woo.book.note(order, str(params.get("note") or ""), **told)
    return Reply(note_body(woo.book, order, note), 201)


_BASE = ("orders", NUMBER)
ROUTES = (
    Route(
        (*_BASE, "refunds"),
        {"GET": Endpoint(list_refunds, "list", LIST), "POST": Endpoint(post_refund, "create", WRITE)},
    ),
    Route(
        (*_BASE, "refunds", NUMBER),
        {"GET": Endpoint(get_refund, "view"), "DELETE": Endpoint(delete_refund, "delete", FORCE)},
    ),
    Route(("refunds",), {"GET": Endpoint(list_all_refunds, "list", LIST)}),
    Route((*_BASE, "notes"), {"GET": Endpoint(list_notes, "list"), "POST": Endpoint(post_note, "create", NOTE)}),
)
