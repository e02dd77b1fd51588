"""What happens to an order after it was placed: fulfilment, refund, cancellation, edits - and to its stock.

Sources: recordings fulfillment-create-*, refund-create-*, orderCancel-error-messages, order-edit-*; restock rules from
the 2026-10 schema's RefundLineItemRestockType and the documented quantity states.
"""

from decimal import Decimal
from typing import Any

from bridge.sandbox.shopify import orders, stock
from bridge.sandbox.shopify.errors import refuse
from bridge.sandbox.shopify.model import (
    ZERO,
    Edit,
    Fulfillment,
    FulfillmentOrder,
    FulfillmentOrderLine,
    LineItem,
    Location,
    Order,
    Refund,
    RefundLine,
    Transaction,
)
from bridge.sandbox.shopify.money import price as two_decimals
from bridge.sandbox.shopify.state import State

Parts = list[tuple[FulfillmentOrderLine, int]]


def fulfil(state: State, group: list[tuple[FulfillmentOrder, Parts]], tracking: dict[str, Any] | None) -> Fulfillment:
    """Ship parts of fulfilment orders of one location: committed falls, and with it on_hand."""
    order, location = group[0][0].order, group[0][0].location
    done = Fulfillment(**state.stamps("Fulfillment"), order=order, location=location)
    done.name = f"{order.name}.{len(order.fulfillments) + 1}"
    done.tracking = tracking_rows(tracking)
    for ticket, parts in group:
        for part, units in parts:
            _hand_over(state, part, units, ticket.location)
            done.lines.append((state.number("FulfillmentLineItem"), part.line, units))
        ticket.fulfillments.append(done)
        close_if_empty(state, ticket)
    order.fulfillments.append(state.fulfillments.add(done))
    state.orders.touch(order)
    whole = orders.fulfillment_status(order) == "FULFILLED"
    state.webhooks.tell("ORDERS_FULFILLED" if whole else "ORDERS_PARTIALLY_FULFILLED", order)
    return done


def _hand_over(state: State, part: FulfillmentOrderLine, units: int, location: Location) -> None:
    part.remaining -= units
    part.line.fulfilled += units
    release(state, part.line, units, restock=False, location=location)


def release(state: State, line: LineItem, units: int, *, restock: bool, location: Location | None = None) -> None:
    """Let go of claimed units, the ones at `location` first: committed falls; on restock available rises."""
    for level in sorted(line.claims, key=lambda level: level.location is not location):
        part = min(units, line.claims[level])
        if part:
            stock.move(state, level, "committed", -part)
            if restock:
                stock.move(state, level, "available", part)
            line.claims[level] -= part
            units -= part


def close_if_empty(state: State, ticket: FulfillmentOrder) -> None:
    """A fulfilment order with nothing left is closed."""
    if not any(part.remaining for part in ticket.lines):
        ticket.status = "CLOSED"
    state.fulfillment_orders.touch(ticket)


def tracking_rows(given: dict[str, Any] | None) -> list[dict[str, str | None]]:
    """Return one row per tracking number; `numbers`/`urls` win over the single ones."""
    if not given:
        return []
    numbers = given.get("numbers") or ([given["number"]] if given.get("number") else [])
    urls = given.get("urls") or ([given["url"]] if given.get("url") else [])
    count = max(len(numbers), len(urls), 1 if given.get("company") else 0)
    pad: list[None] = [None] * count
    return [
        {"number": number, "url": url, "company": given.get("company")}
        for number, url in list(zip([*numbers, *pad], [*urls, *pad], strict=False))[:count]
    ]


def refund(state: State, order: Order, given: dict[str, Any]) -> Refund:
    """Refund lines, shipping and money; all or nothing."""
    rows = [_refund_row(state, order, row, index) for index, row in enumerate(given.get("refundLineItems") or [])]
    payments = [_refund_payment(order, payment) for payment in given.get("transactions") or []]
    net = orders.received(order) - orders.refunded(order)
    amount = sum((payment["amount"] for payment in payments), ZERO)
    if amount > net:
        message = f"Refund amount ${two_decimals(amount)} is greater than net payment received ${two_decimals(net)}"
        raise refuse(None, message)
    made = Refund(**state.stamps("Refund"), order=order, note=given.get("note"))
    made.processed_at = made.created_at
    made.lines = [_take_back(state, *row) for row in rows]
    made.transactions = [orders.pay(state, order, "REFUND", **payment) for payment in payments]
    order.refunds.append(made)
    state.orders.touch(order)
    state.webhooks.tell("REFUNDS_CREATE", made)
    return made


def _refund_row(
    state: State, order: Order, row: dict[str, Any], index: int
) -> tuple[LineItem, int, str, Location | None]:
    line = next((line for line in order.lines if line.id == row["lineItemId"]), None)
    if line is None:
        raise refuse(["refundLineItems", str(index), "lineItemId"], "Line item does not exist")
    if row["quantity"] > refundable(line):
        message = "Quantity cannot refund more items than were purchased"
        raise refuse(["refundLineItems", str(index), "quantity"], message)
    location = state.find(row["locationId"]) if row.get("locationId") else None
    return line, row["quantity"], row.get("restockType") or "NO_RESTOCK", location


def refundable(line: LineItem) -> int:
    """Return the units that were not refunded or removed yet."""
    return line.current_quantity


def _refund_payment(order: Order, payment: dict[str, Any]) -> dict[str, Any]:
    kind = payment["kind"]
    if kind != "REFUND":
        raise refuse(None, f"Kind {kind.lower()} is not a valid transaction")
    parents = {entry.id: entry for entry in order.transactions}
    parent: Transaction | None = parents.get(payment.get("parentId") or "")
    if parent is None and order.transactions:
        raise refuse(["transactions"], "Transactions require a parent_id associated with the order")
    # The parent's gateway wins over the one given (recorded: refund-create-transactions-validation, mismatchedGateway).
    gateway = parent.gateway if parent else payment.get("gateway", "manual")
    return {"amount": Decimal(payment["amount"]), "parent": parent, "gateway": gateway}


def _take_back(state: State, line: LineItem, units: int, kind: str, location: Location | None) -> RefundLine:
    """Take units off a line. CANCEL frees unshipped units, RETURN puts shipped ones back, NO_RESTOCK loses them."""
    unshipped = min(units, line.unfulfilled_quantity) if kind != "RETURN" else 0
    shipped = min(units - unshipped, line.fulfilled - line.returned)
    # A RETURN of units that were never shipped is taken (recorded on an unfulfilled order): they leave the order too.
    unshipped = units - shipped
    where = location or _home(state, line)
    worth = orders.share_of(line, units)
    line.removed += units
    line.returned += shipped
    line.refunded += units
    release(state, line, unshipped, restock=kind in ("CANCEL", "RETURN", "LEGACY_RESTOCK"), location=where)
    if shipped and kind != "NO_RESTOCK" and line.variant is not None and line.variant.item.tracked:
        stock.move(state, state.stocked(line.variant.item, where), "available", shipped)
    shrink(state, line, unshipped)
    restocked = kind != "NO_RESTOCK"
    number = state.number("RefundLineItem")
    return RefundLine(number, line, units, kind, restocked, where if restocked else None, worth)


def _home(state: State, line: LineItem) -> Location:
    for ticket in line.order.fulfillment_orders:
        if any(part.line is line for part in ticket.lines):
            return ticket.location
    return next(state.open_locations())


def shrink(state: State, line: LineItem, units: int) -> None:
    """Take units that will not be shipped off the fulfilment orders."""
    for ticket in line.order.fulfillment_orders:
        for part in ticket.lines:
            if part.line is line and units and part.remaining:
                gone = min(units, part.remaining)
                part.remaining -= gone
                part.total -= gone
                units -= gone
                close_if_empty(state, ticket)


def cancel(state: State, order: Order, *, reason: str, restock: bool, refund_money: bool) -> None:
    """Cancel: unshipped units leave the order (back to available on restock), money goes back on request."""
    made = Refund(**state.stamps("Refund"), order=order)
    made.processed_at = made.created_at
    kind = "CANCEL" if restock else "NO_RESTOCK"
    made.lines = [
        _take_back(state, line, line.unfulfilled_quantity, kind, None)
        for line in order.lines
        if line.unfulfilled_quantity > 0
    ]
    net = orders.received(order) - orders.refunded(order)
    if refund_money and net > 0:
        parent = next((entry for entry in order.transactions if entry.transaction_kind in ("SALE", "CAPTURE")), None)
        made.transactions = [orders.pay(state, order, "REFUND", amount=net, parent=parent)]
    if made.lines or made.transactions:
        order.refunds.append(made)
        state.webhooks.tell("REFUNDS_CREATE", made)
    order.cancelled_at = state.now()
    order.cancel_reason = reason
    order.closed_at = order.cancelled_at
    for ticket in order.fulfillment_orders:
        ticket.status = "CLOSED"
        state.fulfillment_orders.touch(ticket)
    state.orders.touch(order)
    state.webhooks.tell("ORDERS_CANCELLED", order)


def set_quantity(state: State, line: LineItem, quantity: int) -> None:
    """Edit a line after the sale: more units are claimed, fewer go back to available."""
    change = quantity - line.current_quantity
    ticket = next(
        (ticket for ticket in line.order.fulfillment_orders if any(part.line is line for part in ticket.lines)), None
    )
    if change > 0:
        line.quantity += change
        where = ticket.location if ticket else next(state.open_locations())
        orders.claim(state, line, where, change)
        _grow(state, line, ticket, change)
    elif change < 0:
        line.removed -= change
        release(state, line, -change, restock=True)
        shrink(state, line, -change)
    line.order.edited = True
    state.orders.touch(line.order)
    state.webhooks.tell("ORDERS_EDITED", Edit(**state.stamps("OrderEdit"), line=line, change=change))


def _grow(state: State, line: LineItem, ticket: FulfillmentOrder | None, units: int) -> None:
    if ticket is None:
        return
    part = next(part for part in ticket.lines if part.line is line)
    part.total += units
    part.remaining += units
    if ticket.status == "CLOSED":
        ticket.status = "OPEN"
    state.fulfillment_orders.touch(ticket)
