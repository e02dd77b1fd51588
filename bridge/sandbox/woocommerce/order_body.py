"""Orders, refunds and notes as the API shows them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from bridge.sandbox.woocommerce import meta, values
from bridge.sandbox.woocommerce.order_write import ADDRESS
from bridge.sandbox.woocommerce.orders import Book, Line, Order, Refund

Body = dict[str, Any]
Fields = frozenset[str] | None
_ITEM = {"targetHints": {"allow": ["GET", "POST", "PUT", "PATCH", "DELETE"]}}
_CHILD = {"targetHints": {"allow": ["GET", "DELETE"]}}


def _local(book: Book, seconds: int | None) -> str | None:
    return None if seconds is None else values.iso(seconds + book.site.offset)


def _gmt(seconds: int | None) -> str | None:
    return None if seconds is None else values.iso(seconds)


def _address(held: dict[str, str], *more: str) -> Body:
    return {name: held.get(name, "") for name in (*ADDRESS, *more)}


def _line_meta(line: Line) -> list[Body]:
    return [
        {"id": row.id, "key": row.key, "value": row.value, "display_key": _label(row.key), "display_value": row.value}
        for row in line.meta
    ]


def _label(key: str) -> str:
    return key.removeprefix("pa_").capitalize() if key.startswith("pa_") else key


def line_body(book: Book, line: Line) -> Body:
    """Show a line item, of an order or of a refund."""
    product, sold = book.product_of(line), line.variation_id > 0
    parent = book.catalogue.items.get(line.product_id) if sold else None
    each = line.total / line.quantity if line.quantity else Decimal(0)
    body = {
        "id": line.id,
        "name": line.name,
        "product_id": line.product_id,
        "variation_id": line.variation_id,
        "quantity": line.quantity,
        "tax_class": line.tax_class,
        "subtotal": values.money(line.subtotal),
        "subtotal_tax": "0.00",
        "total": values.money(line.total),
        "total_tax": "0.00",
        "taxes": [],
        "meta_data": _line_meta(line),
        "sku": product.sku if product else None,
        "global_unique_id": product.gtin if product else None,
        "price": values.plain_number(each),
        "image": {"id": "" if product and not sold else 0, "src": ""},
        "parent_name": parent.name if parent else None,
    }
    if not book.site.modern:
        del body["global_unique_id"]
    return body


def _refund_row(book: Book, refund: Refund) -> Body:
    row = {"id": refund.id, "reason": refund.reason, "total": values.money(-refund.amount)}
    return {**row, "total_tax": "0.00"} if book.site.modern else row


def _discount(order: Order) -> Decimal:
    return sum((line.subtotal - line.total for line in order.lines), Decimal(0)) if order.coupons else Decimal(0)


Field = Callable[[Book, Order], Any]


def _const(value: Any) -> Field:
    return lambda _, __: value


def _attr(name: str) -> Field:
    return lambda _, order: getattr(order, name)


ORDER_FIELDS: dict[str, Field] = {
    "id": _attr("id"),
    "parent_id": _const(0),
    "status": _attr("status"),
    "currency": _attr("currency"),
    "version": lambda book, _: book.site.settings.version,
    "prices_include_tax": _const(False),
    "date_created": lambda book, order: _local(book, order.created),
    "date_modified": lambda book, order: _local(book, order.modified),
    "discount_total": lambda _, order: values.money(_discount(order)),
    "discount_tax": _const("0.00"),
    "shipping_total": lambda _, order: values.money(sum((Decimal(row["total"]) for row in order.freight), Decimal(0))),
    "shipping_tax": _const("0.00"),
    "cart_tax": _const("0.00"),
    "total": lambda _, order: values.money(order.total()),
    "total_tax": _const("0.00"),
    "customer_id": _attr("customer_id"),
    "order_key": _attr("key"),
    "billing": lambda _, order: _address(order.billing, "email", "phone"),
    "shipping": lambda _, order: _address(order.shipping, "phone"),
    "payment_method": _attr("payment_method"),
    "payment_method_title": _attr("payment_method_title"),
    "transaction_id": _attr("transaction_id"),
    "customer_ip_address": lambda _, order: "127.0.0.1" if order.created_via != "rest-api" else "",
    "customer_user_agent": _const(""),
    "created_via": _attr("created_via"),
    "customer_note": _attr("customer_note"),
    "date_completed": lambda book, order: _local(book, order.completed),
    "date_paid": lambda book, order: _local(book, order.paid),
    "cart_hash": _const(""),
    "number": lambda _, order: str(order.id),
    "meta_data": lambda _, order: meta.body(order.meta),
    "line_items": lambda book, order: [line_body(book, line) for line in order.lines],
    "tax_lines": _const([]),
    "shipping_lines": _attr("freight"),
    "fee_lines": _attr("fees"),
    "coupon_lines": _attr("coupons"),
    "refunds": lambda book, order: [_refund_row(book, refund) for refund in reversed(order.refunds)],
    "payment_url": lambda book, order: (
        f"{book.site.host}/checkout/order-pay/{order.id}/?pay_for_order=true&key={order.key}"
    ),
    "is_editable": lambda _, order: order.status in ("pending", "on-hold", "auto-draft"),
    "needs_payment": lambda _, order: order.status in ("pending", "failed") and order.total() > 0,
    "needs_processing": lambda book, order: book.needs_processing(order),
    "date_created_gmt": lambda _, order: _gmt(order.created),
    "date_modified_gmt": lambda _, order: _gmt(order.modified),
    "date_completed_gmt": lambda _, order: _gmt(order.completed),
    "date_paid_gmt": lambda _, order: _gmt(order.paid),
    "currency_symbol": lambda book, _: book.site.settings.currency_symbol,
}


def order_body(book: Book, order: Order, fields: Fields, *, single: bool = True) -> Body:
    """Show an order; a single one always has `_links`."""
    body = {name: make(book, order) for name, make in ORDER_FIELDS.items() if fields is None or name in fields}
    if single or fields is None or "_links" in fields:
        body["_links"] = _order_links(book, order)
    return body


def _order_links(book: Book, order: Order) -> Body:
    root = f"{book.site.host}/wp-json/wc/v3"
    links: Body = {"self": [{"href": f"{root}/orders/{order.id}", **_ITEM}], "collection": [{"href": f"{root}/orders"}]}
    if order.customer_id:
        links["customer"] = [{"href": f"{root}/customers/{order.customer_id}"}]
    return links


def refund_body(book: Book, order: Order, refund: Refund, *, with_parent: bool = False) -> Body:
    """Show a refund; only the list over all orders names the order."""
    root = f"{book.site.host}/wp-json/wc/v3/orders/{order.id}"
    links = {"self": [{"href": f"{root}/refunds/{refund.id}", **_CHILD}], "collection": [{"href": f"{root}/refunds"}]}
    return {
        "id": refund.id,
        **({"parent_id": order.id} if with_parent else {}),
        "date_created": _local(book, refund.created),
        "date_created_gmt": values.iso(refund.created),
        "amount": values.money(refund.amount),
        "reason": refund.reason,
        "refunded_by": 1,
        "refunded_payment": refund.paid_back,
        "meta_data": meta.body(refund.meta),
        "line_items": [line_body(book, returned) for _, returned in refund.lines],
        "shipping_lines": [],
        "tax_lines": [],
        "fee_lines": [],
        "_links": {**links, "up": [{"href": root}]},
    }


def note_body(book: Book, order: Order, note: Body) -> Body:
    """Show an order note."""
    root = f"{book.site.host}/wp-json/wc/v3/orders/{order.id}"
    return {
        "id": note["id"],
        "author": note["author"],
        "date_created": _local(book, note["created"]),
        "date_created_gmt": values.iso(note["created"]),
        "note": note["note"],
        "customer_note": note["customer_note"],
        "_links": {
            "self": [{"href": f"{root}/notes/{note['id']}", **_CHILD}],
            "collection": [{"href": f"{root}/notes"}],
            "up": [{"href": root}],
        },
    }
