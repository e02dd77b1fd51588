"""Request bodies into orders: prepare_object_for_database and set_item of WC_REST_Orders_Controller."""

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from typing import Any

from bridge.sandbox.woocommerce import meta, values
from bridge.sandbox.woocommerce.catalogue import Product
from bridge.sandbox.woocommerce.coupons import Coupon
from bridge.sandbox.woocommerce.errors import RestError
from bridge.sandbox.woocommerce.meta import Meta
from bridge.sandbox.woocommerce.orders import AUTO_DRAFT, STATUSES, Book, Glimpse, Line, Order

Params = dict[str, Any]
ADDRESS = ("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country")
_TEXTS = ("payment_method", "payment_method_title", "transaction_id", "customer_note", "currency")


def create_order(book: Book, params: Params) -> Order:
    """Make an order from a request body. Stock is not checked: it may go below zero."""
    _check_references(params.get("line_items"))
    _check_customer(book, params)
    order = book.new(created_via=str(params.get("created_via") or "rest-api"))
    _take_customer(book, order, params)
    _take_lines(book, order, params.get("line_items"))
    _take_fields(book, order, params)
    try:
        _take_coupons(book, order, params.get("coupon_lines"))
    except RestError:
        # 11.0.1 has saved the draft by the time it looks at the coupons, and leaves it there.
        if book.site.modern:
            order.status = AUTO_DRAFT
            book.store(order)
        raise
    book.store(order)
    book.count_uses(order)
    if params.get("status"):
        book.set_status(order, _status(params["status"]))
    if params.get("set_paid") is True:
        book.pay(order, str(params.get("transaction_id") or ""))
    # It is saved again after it was created, and says so (recorded, deliveries 022 and 023).
    book.site.emit("order.updated", order.id)
    return order


def update_order(book: Book, order: Order, params: Params, seen: Glimpse) -> None:
    """Change an order from a request body, acting on what was read of it before."""
    _check_customer(book, params)
    _take_lines(book, order, params.get("line_items"))
    _take_customer(book, order, params)
    _take_fields(book, order, params)
    if params.get("coupon_lines") is not None:
        _take_coupons(book, order, params["coupon_lines"])
        book.count_uses(order)
    if params.get("status"):
        wanted = _status(params["status"])
        book.set_status(order, wanted, seen)
        if wanted != seen.status:
            named = (STATUSES.get(seen.status, seen.status), STATUSES.get(wanted, wanted))
            book.note(order, f"Order status changed from {named[0]} to {named[1]}.")
    book.touch(order)
    if params.get("set_paid") is True and order.status in ("pending", "failed") and order.total() > 0:
        book.pay(order, str(params.get("transaction_id") or ""), seen)


def _status(value: Any) -> str:
    text = str(value)
    return text.removeprefix("wc-")


def _check_customer(book: Book, params: Params) -> None:
    key = values.php_int(params.get("customer_id") or 0)
    if key and key not in book.customers.rows:
        raise RestError("woocommerce_rest_invalid_customer_id", "Customer ID is invalid.", 400)


def _take_customer(book: Book, order: Order, params: Params) -> None:
    if params.get("customer_id") is None:
        return
    key = values.php_int(params["customer_id"])
    customer = book.customers.rows.get(key)
    order.customer_id = key
    if customer is not None and not order.billing.get("email"):
        order.billing["email"] = customer.email


def _take_fields(book: Book, order: Order, params: Params) -> None:
    for name in _TEXTS:
        if params.get(name) is not None:
            setattr(order, name, str(params[name]))
    for name, held in (("billing", order.billing), ("shipping", order.shipping)):
        given = params.get(name)
        if isinstance(given, dict):
            held.update({key: str(text) for key, text in given.items() if key in (*ADDRESS, "email", "phone")})
    _take_rows(book, order.fees, params.get("fee_lines"), _fee)
    _take_rows(book, order.freight, params.get("shipping_lines"), _freight)
    meta.apply(order.meta, params.get("meta_data"), book.site.next_meta)


Rows = list[dict[str, Any]]


def _take_rows(book: Book, held: Rows, given: Any, build: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    for row in given if isinstance(given, list) else []:
        if not isinstance(row, dict):
            continue
        key = values.php_int(row.get("id") or 0)
        old = next((item for item in held if item["id"] == key), None)
        if key and old is None:
            raise _unknown_item()
        if old is None:
            held.append({"id": book.site.next_item(), **build(row)})
        else:
            old.update(build({**old, **row}))


def _unknown_item() -> RestError:
    text = "Order item ID provided is not associated with order."
    return RestError("woocommerce_rest_invalid_item_id", text, 400)


def _fee(row: Params) -> Params:
    total = values.money(values.decimal(row.get("total")))
    named = {"name": str(row.get("name") or ""), "tax_class": str(row.get("tax_class") or "")}
    return {**named, "tax_status": str(row.get("tax_status") or "taxable"), "amount": "", "total": total} | _TAXLESS


def _freight(row: Params) -> Params:
    named = {name: str(row.get(name) or "") for name in ("method_title", "method_id", "instance_id")}
    return {**named, "total": values.money(values.decimal(row.get("total"))), "tax_status": "taxable"} | _TAXLESS


_TAXLESS: Params = {"total_tax": "0.00", "taxes": [], "meta_data": []}


# Line items --------------------------------------------------------------------------------------------------------


def _check_references(rows: Any) -> None:
    """Refuse a new line that names nothing, before anything is stored."""
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and not any(row.get(name) for name in ("id", "sku", "product_id", "variation_id")):
            text = "Product ID or SKU is required."
            raise RestError("woocommerce_rest_required_product_reference", text, 400)


def _take_lines(book: Book, order: Order, rows: Any) -> None:
    _check_references(rows)
    for row in rows if isinstance(rows, list) else []:
        if not isinstance(row, dict):
            continue
        key = values.php_int(row.get("id") or 0)
        line = order.line(key)
        if key and line is None:
            raise _unknown_item()
        if line is None:
            _add_line(book, order, row)
        else:
            _edit_line(book, order, line, row)


def _add_line(book: Book, order: Order, row: Params) -> None:
    line = Line(id=book.site.next_item())
    quantity = values.php_int(row["quantity"]) if row.get("quantity") is not None else 1
    product = _product(book, row)
    if product is not None:
        point_at(book, line, product)
        line.total = line.subtotal = values.decimal(book.catalogue.price(product)) * quantity
    line.quantity = quantity
    _take_line_fields(book, line, row)
    order.lines.append(line)
    if order.id in book.orders:
        book.adjust(order, line, line.quantity)


def _edit_line(book: Book, order: Order, line: Line, row: Params) -> None:
    nulled = row.get("product_id", 0) is None or row.get("name", "") is None
    if nulled or (row.get("quantity") is not None and values.php_int(row["quantity"]) == 0):
        remove_line(book, order, line)
        return
    product = _product(book, row)
    if product is not None and product.id != line.target:
        point_at(book, line, product)
    if row.get("quantity") is not None:
        line.quantity = values.php_int(row["quantity"])
    _take_line_fields(book, line, row)
    book.adjust(order, line, line.quantity)


def remove_line(book: Book, order: Order, line: Line) -> None:
    """Take a line out of an order; what it held of stock goes back."""
    book.adjust(order, line, 0)
    order.lines.remove(line)


def _product(book: Book, row: Params) -> Product | None:
    # The order of WC_REST_Orders_Controller::get_product_id: sku, then product, then variation. Unknown is no error.
    if row.get("sku"):
        return book.catalogue.find_sku(str(row["sku"]))
    key = row.get("variation_id") or row.get("product_id") or 0
    return book.catalogue.items.get(values.php_int(key))


def point_at(book: Book, line: Line, product: Product) -> None:
    """Make a line be of this product or variation."""
    line.sku = product.sku
    if not product.is_variation:
        line.name, line.product_id, line.variation_id = product.name, product.id, 0
        return
    line.name, line.product_id, line.variation_id = book.catalogue.title(product), product.parent_id, product.id
    for option in product.attributes:
        shown = values.slugify(option["option"]) if option["id"] else option["option"]
        line.meta.append(Meta(book.site.next_meta(), option["slug"], shown))


def _take_line_fields(book: Book, line: Line, row: Params) -> None:
    if row.get("name"):
        line.name = str(row["name"])
    if row.get("total") is not None:
        line.total = values.decimal(row["total"])
    if row.get("subtotal") is not None:
        line.subtotal = values.decimal(row["subtotal"])
    meta.apply(line.meta, row.get("meta_data"), book.site.next_meta)


# Coupons -----------------------------------------------------------------------------------------------------------


def _take_coupons(book: Book, order: Order, rows: Any) -> None:
    codes = [str(row.get("code") or "") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    held = {row["code"].lower() for row in order.coupons}
    if rows is not None and held == {code.lower() for code in codes}:
        return
    fresh = order.id not in book.orders
    draft, basket = order.id if fresh else 0, book.basket(order)
    coupons = [book.coupons.usable(code, basket, draft) for code in codes if code.lower() not in held]
    drop_coupons(book, order, keep={code.lower() for code in codes})
    for coupon in coupons:
        apply_coupon(book, order, coupon)


def drop_coupons(book: Book, order: Order, keep: set[str]) -> None:
    """Take coupons off an order; their uses are given back and the lines cost their full price again."""
    gone = [row for row in order.coupons if row["code"].lower() not in keep]
    for row in gone:
        order.coupons.remove(row)
        if order.uses_counted:
            # The account's id is taken off the list of users, a guest's address stays on it (observed).
            book.coupons.count(row["code"], -1, str(order.customer_id or ""))
    if gone:
        for line in order.lines:
            line.total = line.subtotal


def apply_coupon(book: Book, order: Order, coupon: Coupon) -> None:
    """Take a coupon off the lines that it is for, in proportion to what they cost, and count the use of a placed order."""
    lines = [line for line in order.lines if not coupon.by_line or coupon.suits(book.item(line))]
    base = sum((line.total for line in lines), Decimal(0))
    discount = _discount(coupon, lines, base)
    _take_off(lines, discount, base)
    order.coupons.append(_coupon_row(book, coupon, discount.quantize(values.CENT)))
    if order.uses_counted:
        book.coupons.count(coupon.code, 1, book.used_by(order))


def _take_off(lines: list[Line], discount: Decimal, base: Decimal) -> None:
    """Round each line's part down, and take the cents that are left off the first lines that cost something: never more than a line
    costs (apply_coupon_remainder of class-wc-discounts.php)."""
    left = discount.quantize(values.CENT)
    for line in lines if base else ():
        part = (discount * line.total / base).quantize(values.CENT, ROUND_DOWN)
        line.total, left = line.total - part, left - part
    for line in lines:
        part = min(left, line.total, line.quantity * values.CENT)
        line.total, left = line.total - part, left - part


def _discount(coupon: Coupon, lines: list[Line], base: Decimal) -> Decimal:
    if coupon.kind == "percent":
        # Of the full price, whatever another coupon took off already (woocommerce_calc_discounts_sequentially is off).
        return min(sum((line.subtotal for line in lines), Decimal(0)) * coupon.amount / 100, base)
    units = sum(line.quantity for line in lines) if coupon.kind == "fixed_product" else 1
    return min(coupon.amount * units, base)


def _coupon_row(book: Book, coupon: Coupon, discount: Decimal) -> Params:
    kind = "null" if coupon.kind == "fixed_cart" else f'"{coupon.kind}"'
    info = f'[{coupon.id},"{coupon.code}",{kind},{values.plain_number(coupon.amount)}]'
    row = {"id": book.site.next_meta(), "key": "coupon_info", "value": info, "display_key": "coupon_info"}
    shown = {"discount_type": coupon.kind, "nominal_amount": values.plain_number(coupon.amount)}
    shown["free_shipping"] = coupon.free_shipping
    told = {"code": coupon.code, "discount": f"{discount.normalize():f}", "discount_tax": "0"}
    return {"id": book.site.next_item(), **told, "meta_data": [{**row, "display_value": info}], **shown}
