"""Resolvers that read orders, their lines, refunds, payments and fulfilment."""

from decimal import Decimal
from typing import Any

from bridge.sandbox.shopify import aftersale, orders, paging
from bridge.sandbox.shopify.context import Context, resolves, snake
from bridge.sandbox.shopify.model import (
    Customer,
    Fulfillment,
    FulfillmentOrder,
    FulfillmentOrderLine,
    LineItem,
    Order,
    Refund,
    RefundLine,
    Transaction,
    Variant,
    gid,
)
from bridge.sandbox.shopify.money import bag
from bridge.sandbox.shopify.read_stock import exactly

Args = dict[str, Any]
SUMS = {
    "totalPriceSet": orders.total,
    "currentTotalPriceSet": orders.current_total,
    "subtotalPriceSet": orders.subtotal,
    "currentSubtotalPriceSet": orders.current_subtotal,
    "totalDiscountsSet": orders.discount_total,
    "totalTaxSet": orders.tax_total,
    "totalShippingPriceSet": orders.shipping_total,
    "totalReceivedSet": orders.received,
    "totalRefundedSet": orders.refunded,
    "totalOutstandingSet": orders.outstanding,
    "netPaymentSet": lambda order: orders.received(order) - orders.refunded(order),
}
LINE_SUMS = {
    "originalUnitPriceSet": lambda line: line.price,
    "originalTotalSet": lambda line: line.price * line.quantity,
    "discountedTotalSet": lambda line: line.price * line.quantity - line.discount,
    "discountedUnitPriceSet": lambda line: orders.share_of(line, 1),
    "totalDiscountSet": lambda line: line.discount,
}


def _money(value: Decimal, context: Context) -> dict[str, Any]:
    return bag(value, context.state.settings.currency)


def _register_sums() -> None:
    for kind, sums in (("Order", SUMS), ("LineItem", LINE_SUMS)):
        for name, value in sums.items():
            resolves(f"{kind}.{name}")(lambda row, context, _, value=value: _money(value(row), context))


_register_sums()


@resolves("Order.currencyCode", "Order.presentmentCurrencyCode")
def _currency(_: Order, context: Context, __: Args) -> str:
    return context.state.settings.currency


@resolves("Order.displayFinancialStatus")
def _financial(order: Order, _: Context, __: Args) -> str | None:
    return orders.financial_status(order)


@resolves("Order.displayFulfillmentStatus")
def _fulfillment_status(order: Order, _: Context, __: Args) -> str:
    return orders.fulfillment_status(order)


@resolves("Order.closed")
def _closed(order: Order, _: Context, __: Args) -> bool:
    return order.closed_at is not None


@resolves("Order.confirmed")
def _confirmed(*_: Any) -> bool:
    return True


@resolves("Order.app")
def _app(order: Order, context: Context, _: Args) -> dict[str, Any] | None:
    names = {"web": "Online Store", "pos": "Point of Sale"}
    return {"id": None, "name": order.app_name or names.get(order.source_name, context.state.settings.app_name)}


@resolves("Order.customer")
def _customer(order: Order, _: Context, __: Args) -> Customer | None:
    return order.customer


def _personal(name: str) -> None:
    """Make a field null for apps without access to protected customer data."""

    def read(row: Any, context: Context, _: Args) -> Any:
        field = snake(name.split(".")[1])
        return getattr(row, field) if context.state.settings.personal_data else None

    resolves(name)(read)


for _name in ("email", "phone", "shippingAddress", "billingAddress"):
    _personal(f"Order.{_name}")


@resolves("MailingAddress.countryCodeV2")
def _country(address: dict[str, Any], _: Context, __: Args) -> str | None:
    return address.get("countryCode")


@resolves("MailingAddress.name")
def _full_name(address: dict[str, Any], _: Context, __: Args) -> str | None:
    return " ".join(part for part in (address.get("firstName"), address.get("lastName")) if part) or None


@resolves("Order.discountCode")
def _discount_code(order: Order, _: Context, __: Args) -> str | None:
    return order.discount_codes[0] if order.discount_codes else None


@resolves("Order.lineItems")
def _lines(order: Order, _: Context, args: Args) -> dict[str, Any]:
    return paging.of_list(order.lines, args)


@resolves("Order.shippingLines")
def _shipping_lines(order: Order, _: Context, args: Args) -> dict[str, Any]:
    return paging.of_list(order.shipping_lines, args)


@resolves("ShippingLine.originalPriceSet", "ShippingLine.discountedPriceSet")
def _shipping_price(row: dict[str, Any], context: Context, _: Args) -> dict[str, Any]:
    return _money(row["price"], context)


@resolves("ShippingLine.taxLines", "LineItem.taxLines")
def _taxes(row: Any, context: Context, _: Args) -> list[dict[str, Any]]:
    taxes = row["taxes"] if isinstance(row, dict) else row.taxes
    return [{"title": tax["title"], "rate": tax["rate"], "price_set": _money(tax["amount"], context)} for tax in taxes]


@resolves("Order.fulfillmentOrders")
def _tickets(order: Order, _: Context, args: Args) -> dict[str, Any]:
    return paging.of_list(order.fulfillment_orders, args)


def _register_lists() -> None:
    for name in ("fulfillments", "refunds", "transactions"):
        resolves(f"Order.{name}")(lambda order, _, args, name=name: getattr(order, name)[: args.get("first")])


_register_lists()


@resolves("Order.fulfillmentsCount")
def _fulfillments_count(order: Order, _: Context, __: Args) -> dict[str, Any]:
    return exactly(len(order.fulfillments))


@resolves("Order.subtotalLineItemsQuantity")
def _ordered(order: Order, _: Context, __: Args) -> int:
    return sum(line.quantity for line in order.lines)


@resolves("Order.currentSubtotalLineItemsQuantity")
def _current(order: Order, _: Context, __: Args) -> int:
    return sum(line.current_quantity for line in order.lines)


@resolves("Order.fullyPaid")
def _paid(order: Order, _: Context, __: Args) -> bool:
    return orders.financial_status(order) == "PAID"


@resolves("Order.unpaid")
def _unpaid(order: Order, _: Context, __: Args) -> bool:
    return not orders.received(order)


@resolves("Order.canMarkAsPaid")
def _can_mark(order: Order, _: Context, __: Args) -> bool:
    return order.cancelled_at is None and orders.outstanding(order) > 0


@resolves("Order.refundable")
def _refundable(order: Order, _: Context, __: Args) -> bool:
    return any(aftersale.refundable(line) for line in order.lines)


@resolves("Order.restockable", "Order.fulfillable")
def _open(order: Order, _: Context, __: Args) -> bool:
    return any(line.unfulfilled_quantity > 0 for line in order.lines)


@resolves("Order.requiresShipping")
def _ships(order: Order, _: Context, __: Args) -> bool:
    return any(line.requires_shipping for line in order.lines)


@resolves("Order.paymentGatewayNames")
def _gateways(order: Order, _: Context, __: Args) -> list[str]:
    return list(dict.fromkeys(payment.gateway for payment in order.transactions))


@resolves("Order.returnStatus")
def _return_status(*_: Any) -> str:
    return "NO_RETURN"


@resolves("Order.returns")
def _returns(_: Order, __: Context, args: Args) -> dict[str, Any]:
    """No verb of this sandbox makes a Return record; goods come back by refunds that restock."""
    return paging.of_list([], args)


@resolves("Refund.return")
def _no_return(*_: Any) -> None:
    return None


@resolves("LineItem.discountAllocations")
def _allocations(line: LineItem, context: Context, _: Args) -> list[dict[str, Any]]:
    return [
        {"allocated_amount_set": _money(amount, context), "discount_application": made}
        for made, amount in line.allocations
    ]


@resolves("Order.merchantEditable")
def _editable(order: Order, _: Context, __: Args) -> bool:
    return order.cancelled_at is None


@resolves("Order.statusPageUrl")
def _status_page(order: Order, context: Context, _: Args) -> str:
    return f"{context.state.settings.host}/orders/{order.number}/authenticate"


@resolves("LineItem.name")
def _line_name(line: LineItem, _: Context, __: Args) -> str:
    return f"{line.title} - {line.variant_title}" if line.variant_title else line.title


@resolves("LineItem.variant")
def _line_variant(line: LineItem, context: Context, _: Args) -> Variant | None:
    return context.state.variants.get(line.variant.number) if line.variant else None


@resolves("LineItem.product")
def _line_product(line: LineItem, context: Context, _: Args) -> Any:
    return context.state.products.get(line.product.number) if line.product else None


@resolves("LineItem.isGiftCard")
def _line_gift_card(line: LineItem, _: Context, __: Args) -> bool:
    return line.product is not None and line.product.is_gift_card


@resolves("LineItem.refundableQuantity")
def _line_refundable(line: LineItem, _: Context, __: Args) -> int:
    return aftersale.refundable(line)


@resolves("LineItem.fulfillableQuantity")
def _line_fulfillable(line: LineItem, _: Context, __: Args) -> int:
    return line.unfulfilled_quantity


@resolves("LineItem.nonFulfillableQuantity")
def _line_non_fulfillable(line: LineItem, _: Context, __: Args) -> int:
    return line.quantity - line.unfulfilled_quantity


@resolves("LineItem.restockable")
def _line_restockable(line: LineItem, _: Context, __: Args) -> bool:
    return line.variant is not None and line.current_quantity > 0


@resolves("Refund.refundLineItems")
def _refund_lines(refund: Refund, _: Context, args: Args) -> dict[str, Any]:
    return paging.of_list(refund.lines, args)


@resolves("Refund.transactions")
def _refund_payments(refund: Refund, _: Context, args: Args) -> dict[str, Any]:
    return paging.of_list(refund.transactions, args)


@resolves("Refund.totalRefundedSet")
def _refund_total(refund: Refund, context: Context, _: Args) -> dict[str, Any]:
    return _money(refund.total, context)


@resolves("RefundLineItem.lineItem")
def _refund_line(row: RefundLine, _: Context, __: Args) -> LineItem:
    return row.line


@resolves("RefundLineItem.priceSet")
def _refund_price(row: RefundLine, context: Context, _: Args) -> dict[str, Any]:
    return _money(orders.share_of(row.line, 1), context)


@resolves("RefundLineItem.subtotalSet")
def _refund_subtotal(row: RefundLine, context: Context, _: Args) -> dict[str, Any]:
    return _money(row.subtotal, context)


@resolves("RefundLineItem.totalTaxSet")
def _refund_tax(row: RefundLine, context: Context, _: Args) -> dict[str, Any]:
    quantity = row.line.quantity or 1
    return _money(orders.line_tax(row.line) * row.quantity / quantity, context)


@resolves("OrderTransaction.kind")
def _payment_kind(payment: Transaction, _: Context, __: Args) -> str:
    return payment.transaction_kind


@resolves("OrderTransaction.amountSet")
def _payment_amount(payment: Transaction, context: Context, _: Args) -> dict[str, Any]:
    return _money(payment.amount, context)


@resolves("OrderTransaction.processedAt")
def _payment_time(payment: Transaction, _: Context, __: Args) -> Any:
    return payment.created_at


@resolves("OrderTransaction.parentTransaction")
def _parent(payment: Transaction, _: Context, __: Args) -> Transaction | None:
    return payment.parent


@resolves("Fulfillment.totalQuantity")
def _shipped(done: Fulfillment, _: Context, __: Args) -> int:
    return sum(units for _, _, units in done.lines)


@resolves("Fulfillment.trackingInfo")
def _tracking(done: Fulfillment, _: Context, args: Args) -> list[dict[str, str | None]]:
    return done.tracking[: args.get("first")]


@resolves("Fulfillment.requiresShipping")
def _fulfillment_ships(done: Fulfillment, _: Context, __: Args) -> bool:
    return any(line.requires_shipping for _, line, _ in done.lines)


@resolves("Fulfillment.fulfillmentLineItems")
def _shipped_lines(done: Fulfillment, context: Context, args: Args) -> dict[str, Any]:
    rows = [
        {
            "id": gid("FulfillmentLineItem", number),
            "quantity": units,
            "line_item": line,
            "original_total_set": _money(line.price * units, context),
        }
        for number, line, units in done.lines
    ]
    return paging.of_list(rows, args)


@resolves("FulfillmentOrder.requestStatus")
def _request_status(*_: Any) -> str:
    return "UNSUBMITTED"


@resolves("FulfillmentOrder.assignedLocation")
def _assigned(ticket: FulfillmentOrder, _: Context, __: Args) -> dict[str, Any]:
    return {"name": ticket.location.name, "location": ticket.location, "country_code": "US"}


@resolves("FulfillmentOrder.orderId")
def _ticket_order_id(ticket: FulfillmentOrder, _: Context, __: Args) -> str:
    return ticket.order.id


@resolves("FulfillmentOrder.orderName")
def _ticket_order_name(ticket: FulfillmentOrder, _: Context, __: Args) -> str:
    return ticket.order.name


@resolves("FulfillmentOrder.orderProcessedAt", "FulfillmentOrder.fulfillAt")
def _ticket_processed(ticket: FulfillmentOrder, _: Context, __: Args) -> Any:
    return ticket.order.processed_at


@resolves("FulfillmentOrder.lineItems")
def _ticket_lines(ticket: FulfillmentOrder, _: Context, args: Args) -> dict[str, Any]:
    return paging.of_list(ticket.lines, args)


@resolves("FulfillmentOrder.fulfillments")
def _ticket_fulfillments(ticket: FulfillmentOrder, _: Context, args: Args) -> dict[str, Any]:
    return paging.of_list(ticket.fulfillments, args)


@resolves("FulfillmentOrder.deliveryMethod")
def _delivery(ticket: FulfillmentOrder, _: Context, __: Args) -> dict[str, Any]:
    return {"id": gid("DeliveryMethod", ticket.number), "method_type": ticket.method}


@resolves("FulfillmentOrder.supportedActions")
def _actions(ticket: FulfillmentOrder, _: Context, __: Args) -> list[dict[str, str]]:
    names = ("CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD", "SPLIT") if ticket.status == "OPEN" else ()
    return [{"action": name} for name in names]


@resolves("FulfillmentOrderLineItem.lineItem")
def _ticket_line(part: FulfillmentOrderLine, _: Context, __: Args) -> LineItem:
    return part.line


@resolves("FulfillmentOrderLineItem.totalQuantity")
def _ticket_total(part: FulfillmentOrderLine, _: Context, __: Args) -> int:
    return part.total


@resolves("FulfillmentOrderLineItem.remainingQuantity")
def _ticket_remaining(part: FulfillmentOrderLine, _: Context, __: Args) -> int:
    return part.remaining


@resolves("FulfillmentOrderLineItem.sku")
def _ticket_sku(part: FulfillmentOrderLine, _: Context, __: Args) -> str | None:
    return part.line.sku


@resolves("FulfillmentOrderLineItem.variant")
def _ticket_variant(part: FulfillmentOrderLine, context: Context, args: Args) -> Variant | None:
    del args
    line = part.line
    return context.state.variants.get(line.variant.number) if line.variant else None


@resolves("FulfillmentOrderLineItem.productTitle")
def _ticket_title(part: FulfillmentOrderLine, _: Context, __: Args) -> str:
    return part.line.title


@resolves("FulfillmentOrderLineItem.inventoryItemId")
def _ticket_item(part: FulfillmentOrderLine, _: Context, __: Args) -> str | None:
    return part.line.variant.item.id if part.line.variant else None


@resolves("FulfillmentOrderLineItem.requiresShipping")
def _ticket_ships(part: FulfillmentOrderLine, _: Context, __: Args) -> bool:
    return part.line.requires_shipping
