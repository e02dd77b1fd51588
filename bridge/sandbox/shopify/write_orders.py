"""Resolvers of the order mutations: input in, payload out; the rules are in `orders` and `aftersale`."""

from decimal import Decimal
from typing import Any

from bridge.sandbox.shopify import aftersale, catalog, orders
from bridge.sandbox.shopify.context import Context
from bridge.sandbox.shopify.errors import InvalidError, refuse, user_error, wrong_id
from bridge.sandbox.shopify.model import ZERO, FulfillmentOrder, FulfillmentOrderLine, Location, Order
from bridge.sandbox.shopify.money import decimal, moment
from bridge.sandbox.shopify.mutation import mutation
from bridge.sandbox.shopify.orders import BYPASS, Terms
from bridge.sandbox.shopify.state import State, split

Args = dict[str, Any]
SCOPE = "write_orders"
FULFIL_SCOPE = "write_merchant_managed_fulfillment_orders"
NO_ORDER = "Order does not exist"


def _order(context: Context, order_id: str, field: str = "id", message: str = NO_ORDER) -> Order:
    kind, number = split(order_id)
    order = context.state.orders.get(number) if kind == "Order" else None
    if order is None:
        raise refuse([field], message)
    return order


@mutation("orderCreate", SCOPE)
def _create(context: Context, args: Args) -> Args:
    given, options = args["order"], args.get("options") or {}
    _check(given)
    state = context.state
    fulfilment = given.get("fulfillment")
    location = _fulfilment_location(state, fulfilment)
    order = _draft(state, given)
    terms = Terms(behaviour=options.get("inventoryBehaviour") or BYPASS, location=location)
    orders.place(state, order, terms)
    if fulfilment or given.get("fulfillmentStatus") == "FULFILLED":
        _ship_all(state, order, fulfilment or {})
    return {"order": order}


def _check(given: Args) -> None:
    """Refuse what Shopify refuses before looking at stock (recorded: order-create-validation-matrix*)."""
    if not given.get("lineItems"):
        raise refuse(["order", "lineItems"], "Line items must have at least one line item", "INVALID")
    for index, row in enumerate(given["lineItems"]):
        if row["quantity"] < 1:
            raise refuse(["order", "lineItems", str(index), "quantity"], "Quantity must be greater than 0", "INVALID")
        if not row.get("variantId") and not row.get("title"):
            raise refuse(["order", "lineItems", str(index), "title"], "Title can't be blank", "INVALID")


def _fulfilment_location(state: State, fulfilment: Args | None) -> Location | None:
    if not fulfilment:
        return None
    location = catalog.find_location(state, fulfilment["locationId"])
    if location is None:
        raise refuse(["order", "fulfillment", "locationId"], "Location not found", "INVALID")
    return location


def _draft(state: State, given: Args) -> Order:
    """Build the order record from the input; nothing is placed yet."""
    now = state.now()
    stamps = state.stamps("Order")
    processed = moment(given["processedAt"]) if given.get("processedAt") else now
    order = Order(**stamps, processed_at=min(processed, now))
    order.name = given.get("name") or f"#{1001 + len(state.orders.rows)}"
    order.source_name = given.get("sourceName") or state.settings.app_name
    order.source_identifier = given.get("sourceIdentifier")
    order.app_name = state.settings.app_name
    order.email, order.phone, order.note = given.get("email"), given.get("phone"), given.get("note")
    order.po_number = given.get("poNumber")
    order.tags = catalog.tidy_tags(given.get("tags") or [])
    order.custom_attributes = [dict(row) for row in given.get("customAttributes") or []]
    order.shipping_address, order.billing_address = given.get("shippingAddress"), given.get("billingAddress")
    order.test, order.taxes_included = bool(given.get("test")), bool(given.get("taxesIncluded"))
    order.declared_status = given.get("financialStatus")
    order.closed_at = moment(given["closedAt"]) if given.get("closedAt") else None
    for index, row in enumerate(given["lineItems"]):
        _add_line(state, order, row, index)
    order.shipping_lines = [_shipping(state, row) for row in given.get("shippingLines") or []]
    order.customer = _customer(state, given)
    _discount(order, given.get("discountCode") or {})
    for row in given.get("transactions") or []:
        _payment(state, order, row)
    return order


def _add_line(state: State, order: Order, row: Args, index: int) -> None:
    variant = None
    if row.get("variantId"):
        kind, number = split(row["variantId"])
        variant = state.variants.get(number) if kind == "ProductVariant" else None
        if variant is None:
            raise refuse(["order", "lineItems", str(index), "variantId"], "Product variant does not exist", "INVALID")
    price = _shop_amount(row.get("priceSet")) if row.get("priceSet") else variant.price if variant else ZERO
    title = row.get("title") or (variant.product.title if variant else "")
    line = orders.add_line(state, order, title, row["quantity"], price, variant=variant, sku=row.get("sku"))
    line.variant_title = row.get("variantTitle") or line.variant_title
    line.vendor = row.get("vendor") or line.vendor
    line.requires_shipping = bool(row.get("requiresShipping"))
    line.taxable = row.get("taxable") is not False
    line.taxes = [_tax(tax) for tax in row.get("taxLines") or []]
    line.custom_attributes = [{"key": entry["name"], "value": entry["value"]} for entry in row.get("properties") or []]


def _shop_amount(bag: Args | None) -> Decimal:
    return decimal(bag["shopMoney"]["amount"]) if bag else ZERO


def _tax(row: Args) -> Args:
    return {"title": row["title"], "rate": float(row["rate"] or 0), "amount": _shop_amount(row.get("priceSet"))}


def _shipping(state: State, row: Args) -> Args:
    return {
        "id": f"gid://shopify/ShippingLine/{state.number('ShippingLine')}",
        "title": row["title"],
        "code": row.get("code"),
        "source": row.get("source"),
        "price": _shop_amount(row["priceSet"]),
        "taxes": [_tax(tax) for tax in row.get("taxLines") or []],
    }


def _customer(state: State, given: Args) -> Any:
    """Find or create the buyer: `customer` when given, else the order's e-mail (recorded: orderUpdate-input-validation)."""
    wanted = given.get("customer") or {}
    associate = wanted.get("toAssociate") or {}
    if associate.get("id"):
        return state.customers.get(split(associate["id"])[1])
    return orders.customer(state, wanted.get("toUpsert") or associate or {"email": given.get("email")})


def _discount(order: Order, given: Args) -> None:
    fixed, share, shipping = (
        given.get(name) for name in ("itemFixedDiscountCode", "itemPercentageDiscountCode", "freeShippingDiscountCode")
    )
    if fixed:
        order.discount_codes.append(fixed["code"])
        orders.spread_discount(order, _shop_amount(fixed.get("amountSet")), code=fixed["code"])
    elif share:
        order.discount_codes.append(share["code"])
        part = decimal(share.get("percentage") or 0) / 100
        amount = (orders.subtotal(order) * part).quantize(Decimal("0.01"))
        orders.spread_discount(order, amount, code=share["code"])
    elif shipping:
        order.discount_codes.append(shipping["code"])
        order.shipping_lines = [{**row, "price": ZERO} for row in order.shipping_lines]


def _payment(state: State, order: Order, row: Args) -> None:
    gateway = row.get("gateway") or "manual"
    payment = orders.pay(state, order, row.get("kind") or "SALE", _shop_amount(row["amountSet"]), gateway=gateway)
    payment.status = row.get("status") or "SUCCESS"
    payment.test = bool(row.get("test"))


def _ship_all(state: State, order: Order, given: Args) -> None:
    group = [(ticket, [(part, part.remaining) for part in ticket.lines]) for ticket in order.fulfillment_orders]
    tracking = {"number": given.get("trackingNumber"), "company": given.get("trackingCompany")}
    for entry in group:
        aftersale.fulfil(state, [entry], tracking if any(tracking.values()) else None)


@mutation("orderUpdate", SCOPE)
def _update(context: Context, args: Args) -> Args:
    given = args["input"]
    order = _order(context, given["id"])
    if set(given) == {"id"}:
        return {"order": order, "user_errors": [user_error(None, "No valid update parameters have been provided")]}
    for name, attribute in (("note", "note"), ("email", "email"), ("phone", "phone"), ("poNumber", "po_number")):
        if name in given:
            setattr(order, attribute, given[name])
    if given.get("tags") is not None:
        order.tags = catalog.tidy_tags(given["tags"])
    if given.get("customAttributes") is not None:
        order.custom_attributes = [dict(row) for row in given["customAttributes"]]
    if "shippingAddress" in given:
        order.shipping_address = given["shippingAddress"]
    context.state.orders.touch(order)
    return {"order": order}


@mutation("orderMarkAsPaid", SCOPE)
def _mark_paid(context: Context, args: Args) -> Args:
    order = _order(context, args["input"]["id"])
    due = orders.outstanding(order)
    if not due:
        return {"order": order, "user_errors": [user_error(["id"], "Order cannot be marked as paid.")]}
    orders.pay(context.state, order, "SALE", due)
    context.state.orders.touch(order)
    return {"order": order}


@mutation("orderCancel", SCOPE)
def _cancel(context: Context, args: Args) -> Args:
    try:
        order = _cancellable(context, args)
    except InvalidError as refusal:
        coded = [{**error, "code": error["code"] or "INVALID"} for error in refusal.errors]
        return {"order_cancel_user_errors": coded, "user_errors": refusal.errors}
    method = args.get("refundMethod") or {}
    refund_money = bool(args.get("refund") or method.get("originalPaymentMethodsRefund"))
    state = context.state

    def run() -> None:
        if order.cancelled_at is None:
            aftersale.cancel(state, order, reason=args["reason"], restock=args["restock"], refund_money=refund_money)

    job = state.later(run, state.job_id())
    return {"job": {"id": job.id, "done": False}, "order_cancel_user_errors": []}


def _cancellable(context: Context, args: Args) -> Order:
    if len(args.get("staffNote") or "") > 255:
        raise refuse(["staffNote"], "Staff note is too long. Maximum length is 255 characters.")
    if args.get("refund") is not None and args.get("refundMethod") is not None:
        raise refuse(["refund"], "Only one of the arguments `refund` or `refund_method` is allowed.")
    kind, number = split(args["orderId"])
    order = context.state.orders.get(number) if kind == "Order" else None
    if order is None:
        raise refuse(["orderId"], NO_ORDER, "NOT_FOUND")
    if order.cancelled_at is not None:
        raise refuse(["orderId"], "Cannot cancel an order that has already been canceled")
    if any(line.fulfilled > line.returned for line in order.lines):
        raise refuse(["orderId"], "Cannot cancel an order that has been fulfilled")
    return order


@mutation("refundCreate", SCOPE, idempotent=True)
def _refund(context: Context, args: Args) -> Args:
    given = args["input"]
    order = _order(context, given["orderId"], "orderId")
    shipping = given.get("shipping") or {}
    del shipping  # the money of a shipping refund is in `transactions`; nothing else follows from it here
    try:
        refund = aftersale.refund(context.state, order, given)
    except InvalidError as refusal:
        return {"order": order, "user_errors": refusal.errors}
    return {"order": order, "refund": refund}


@mutation("fulfillmentCreate", FULFIL_SCOPE)
def _fulfil(context: Context, args: Args) -> Args:
    given = args["fulfillment"]
    group = [_ticket_parts(context, row, index) for index, row in enumerate(given["lineItemsByFulfillmentOrder"])]
    places = sorted({ticket.location.number for ticket, _ in group})
    if len(places) > 1:
        message = (
            "All fulfillment orders must be assigned to a single location. "
            f"Multiple locations with ids {places} were found."
        )
        raise refuse(["fulfillment"], message)
    return {"fulfillment": aftersale.fulfil(context.state, group, given.get("trackingInfo"))}


def _ticket_parts(context: Context, row: Args, index: int) -> tuple[FulfillmentOrder, aftersale.Parts]:
    kind, number = split(row["fulfillmentOrderId"])
    if kind != "FulfillmentOrder" or number == 0:
        raise wrong_id("invalid id")
    ticket = context.state.fulfillment_orders.get(number)
    if ticket is None:
        raise refuse(["fulfillment"], "Fulfillment order does not exist.")
    if ticket.status not in ("OPEN", "IN_PROGRESS"):
        message = f"Fulfillment order {number} has an unfulfillable status= {ticket.status.lower()}."
        raise refuse(["fulfillment"], message)
    wanted = row.get("fulfillmentOrderLineItems")
    if not wanted:
        return ticket, [(part, part.remaining) for part in ticket.lines if part.remaining]
    parts = {part.id: part for part in ticket.lines}
    base = ["fulfillment", "lineItemsByFulfillmentOrder", str(index), "fulfillmentOrderLineItems"]
    return ticket, [_part(parts, entry, [*base, str(place)]) for place, entry in enumerate(wanted)]


def _part(parts: dict[str, FulfillmentOrderLine], entry: Args, path: list[str]) -> tuple[FulfillmentOrderLine, int]:
    part = parts.get(entry["id"])
    if entry["quantity"] < 1:
        raise refuse([*path, "quantity"], "Quantity must be greater than 0")
    if part is None or entry["quantity"] > part.remaining:
        raise refuse(["fulfillment"], "Invalid fulfillment order line item quantity requested.")
    return part, entry["quantity"]


@mutation("fulfillmentTrackingInfoUpdate", FULFIL_SCOPE)
def _track(context: Context, args: Args) -> Args:
    kind, number = split(args["fulfillmentId"])
    done = context.state.fulfillments.get(number) if kind == "Fulfillment" else None
    if done is None:
        raise refuse(["fulfillmentId"], "Fulfillment does not exist.")
    done.tracking = aftersale.tracking_rows(args["trackingInfoInput"])
    context.state.fulfillments.touch(done)
    context.state.orders.touch(done.order)
    return {"fulfillment": done}
