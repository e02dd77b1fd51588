"""Rules of placing an order: lines, money, who holds which stock, and the statuses that follow from it.

Sources: recordings order-create-parity, order-create-math-matrix, orderCreate-state-derived-payment-and-count,
order-create-fulfillment-assigned-location, inventory-deactivate-validation-2026-04 (DECREMENT), orderMarkAsPaid-*.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from bridge.sandbox.shopify import people, stock
from bridge.sandbox.shopify.errors import refuse
from bridge.sandbox.shopify.model import (
    ZERO,
    Application,
    Customer,
    FulfillmentOrder,
    FulfillmentOrderLine,
    Item,
    Level,
    LineItem,
    Location,
    Order,
    Transaction,
)
from bridge.sandbox.shopify.state import State

BYPASS = "BYPASS"
IGNORING = "DECREMENT_IGNORING_POLICY"
OBEYING = "DECREMENT_OBEYING_POLICY"
CENT = Decimal("0.01")
CLAIM_FAILED = "Unable to reserve inventory."
Share = tuple[LineItem, Location, int]


@dataclass(slots=True)
class Terms:
    """How an order is placed: what it does to stock, from where, and whether the goods leave at once."""

    behaviour: str = IGNORING
    location: Location | None = None
    method: str = "SHIPPING"


def place(state: State, order: Order, terms: Terms) -> None:
    """Take the order in, claim its stock as asked and open its fulfilment orders; refuses before any change."""
    _check_rate(state)
    if terms.behaviour == OBEYING and not can_claim(state, order.lines, terms.location):
        raise refuse(["order"], CLAIM_FAILED, "INVENTORY_CLAIM_FAILED")
    state.orders.add(order)
    tell_if_paid(state, order, "SALE")
    for line in order.lines:
        state.lines[line.number] = line
    state.index_reference(order)
    if order.customer:
        order.customer.orders += 1
    shares = allot(state, order.lines, terms.location)
    if terms.behaviour != BYPASS:
        for line, location, units in shares:
            claim(state, line, location, units)
    _open_fulfillment_orders(state, order, shares, terms.method)


def can_claim(state: State, lines: list[LineItem], location: Location | None) -> bool:
    """Tell whether every DENY item has enough for sale for all lines of the order together."""
    wanted: dict[Item, int] = defaultdict(int)
    for line in lines:
        if line.variant and line.variant.item.tracked and line.variant.inventory_policy == "DENY":
            wanted[line.variant.item] += line.quantity
    return all(for_sale(state, item, location) >= units for item, units in wanted.items())


def for_sale(state: State, item: Item, location: Location | None) -> int:
    """Return the available units at one location, or over all that ship online orders."""
    places = [location] if location else list(state.open_locations())
    levels = (item.levels.get(place.number) for place in places)
    return sum(level.quantity("available") for level in levels if level and level.is_active)


def allot(state: State, lines: list[LineItem], location: Location | None) -> list[Share]:
    """Say which location ships which units: one that has them all, else several, else the first one (oversold)."""
    taken: dict[Level, int] = defaultdict(int)
    shares: list[Share] = []
    for line in lines:
        shares += _allot_line(state, line, location, taken)
    return shares


def _allot_line(state: State, line: LineItem, location: Location | None, taken: dict[Level, int]) -> list[Share]:
    if location is not None:
        return [(line, location, line.quantity)]
    levels = _sources(state, line)
    if not levels:
        return [(line, next(state.open_locations()), line.quantity)]
    free = {level: max(0, level.quantity("available") - taken[level]) for level in levels}
    whole = next((level for level in levels if free[level] >= line.quantity), None)
    if whole is not None:
        free = {whole: line.quantity}
    shares: list[Share] = []
    missing = line.quantity
    for level, units in free.items():
        part = min(units, missing)
        if part:
            shares.append((line, level.location, part))
            taken[level] += part
            missing -= part
    if missing:
        # CONTINUE variants and DECREMENT_IGNORING_POLICY go below zero at the first location (BELIEFS.md, orders).
        shares = _add(shares, (line, levels[0].location, missing))
        taken[levels[0]] += missing
    return shares


def _sources(state: State, line: LineItem) -> list[Level]:
    if line.variant is None or not line.variant.item.tracked:
        return []
    levels = (line.variant.item.levels.get(place.number) for place in state.open_locations())
    return [level for level in levels if level and level.is_active]


def _add(shares: list[Share], more: Share) -> list[Share]:
    for index, (line, location, units) in enumerate(shares):
        if location is more[1]:
            return [*shares[:index], (line, location, units + more[2]), *shares[index + 1 :]]
    return [*shares, more]


def claim(state: State, line: LineItem, location: Location, units: int) -> None:
    """Hold units for a line: available becomes committed. Untracked items are not counted."""
    if line.variant is None or not line.variant.item.tracked:
        return
    level = state.stocked(line.variant.item, location)
    stock.move(state, level, "available", -units)
    stock.move(state, level, "committed", units)
    line.claims[level] = line.claims.get(level, 0) + units


def _open_fulfillment_orders(state: State, order: Order, shares: list[Share], method: str) -> None:
    by_location: dict[Location, list[Share]] = defaultdict(list)
    for share in shares:
        by_location[share[1]].append(share)
    for location, group in by_location.items():
        ticket = FulfillmentOrder(**state.stamps("FulfillmentOrder"), order=order, location=location, method=method)
        for line, _, units in group:
            ticket.lines.append(FulfillmentOrderLine(state.number("FulfillmentOrderLineItem"), line, units, units))
        order.fulfillment_orders.append(state.fulfillment_orders.add(ticket))


def _check_rate(state: State) -> None:
    """Development and trial stores take 5 API orders a minute (2026-10 schema text of orderCreate)."""
    limit = state.settings.orders_per_minute
    if limit is None:
        return
    start = state.now_of() - timedelta(minutes=1)
    state.order_times = [when for when in state.order_times if when > start]
    if len(state.order_times) >= limit:
        raise refuse(None, "Too many attempts. Please try again later.", "INVALID")
    state.order_times.append(state.now_of())


def add_line(state: State, order: Order, title: str, quantity: int, price: Decimal, **more: Any) -> LineItem:
    """Put a line on an order that is not placed yet."""
    line = LineItem(state.number("LineItem"), order, title, quantity, price, **more)
    variant = line.variant
    if variant is not None:
        line.product = variant.product
        line.vendor = line.vendor or variant.product.vendor
        line.sku = line.sku if line.sku is not None else variant.sku
        default = variant.title == "Default Title"
        line.variant_title = line.variant_title or (None if default else variant.title)
    order.lines.append(line)
    return line


def spread_discount(
    order: Order, amount: Decimal, *, code: str = "", title: str = "", lines: list[LineItem] | None = None
) -> None:
    """Lay a discount over all lines (or these), as a code's or as one given by hand."""
    entitled = lines is not None
    application = Application(
        len(order.applications), code=code, title=title or "Discount", amount=amount, entitled=entitled
    )
    order.applications.append(application)
    allocate(order.lines if lines is None else lines, application, amount)


def allocate(lines: list[LineItem], application: Application, amount: Decimal) -> None:
    """Lay an amount over lines in proportion to what is left of their worth; the last ones that cost something take the odd cents."""
    worth = {line: line.price * line.quantity - line.discount for line in lines}
    whole = sum(worth.values(), ZERO)
    total = min(amount, whole)
    parts = {line: (total * worth[line] / whole).quantize(CENT, ROUND_DOWN) if whole else ZERO for line in lines}
    left = total - sum(parts.values(), ZERO)
    for line in reversed(lines):
        odd = min(left, worth[line] - parts[line])
        parts[line], left = parts[line] + odd, left - odd
    for line, part in parts.items():
        if part:
            line.allocations.append((application, part))


def pay(state: State, order: Order, kind: str, amount: Decimal, **more: Any) -> Transaction:
    """Record a payment."""
    payment = Transaction(**state.stamps("OrderTransaction"), order=order, transaction_kind=kind, amount=amount, **more)
    order.transactions.append(payment)
    if order.number in state.orders.rows:
        tell_if_paid(state, order, kind)
    return payment


def tell_if_paid(state: State, order: Order, kind: str) -> None:
    """Tell that an order is paid, with the payment that made it so."""
    if kind in ("SALE", "CAPTURE") and financial_status(order) == "PAID":
        state.webhooks.tell("ORDERS_PAID", order)


def customer(state: State, given: dict[str, Any]) -> Customer | None:
    """Find the customer by e-mail or create one; what is given updates the record."""
    email = (given.get("email") or "").casefold() or None
    if not any(given.get(name) for name in ("email", "phone", "firstName", "lastName")):
        return None
    found = state.customers_by_email.get(email) if email else None
    if found is None:
        found = state.customers.add(Customer(**state.stamps("Customer")))
    phone = given.get("phone") or found.phone
    # A number that is somebody else's stays theirs: it is written on the order only.
    free = phone if phone and people.find(state, phone=phone) in (None, found) else found.phone
    people.contact(state, found, email=email or found.email, phone=free)
    found.first_name = given.get("firstName") or found.first_name
    found.last_name = given.get("lastName") or found.last_name
    return found


def line_tax(line: LineItem) -> Decimal:
    return sum((tax["amount"] for tax in line.taxes), ZERO)


def shipping_total(order: Order) -> Decimal:
    return sum((row["price"] for row in order.shipping_lines), ZERO)


def tax_total(order: Order) -> Decimal:
    shipping = sum((tax["amount"] for row in order.shipping_lines for tax in row["taxes"]), ZERO)
    return sum((line_tax(line) for line in order.lines), ZERO) + shipping


def discount_total(order: Order) -> Decimal:
    return sum((line.discount for line in order.lines), ZERO)


def subtotal(order: Order) -> Decimal:
    """Return the worth of all lines as ordered, after discounts."""
    return sum((line.price * line.quantity - line.discount for line in order.lines), ZERO)


def total(order: Order) -> Decimal:
    """Return what was to be paid as ordered."""
    taxes = ZERO if order.taxes_included else tax_total(order)
    return subtotal(order) + shipping_total(order) + taxes


def current_subtotal(order: Order) -> Decimal:
    """Return the worth of the units still on the order."""
    return sum((share_of(line, line.current_quantity) for line in order.lines), ZERO)


def share_of(line: LineItem, units: int) -> Decimal:
    """Return what `units` of a line cost after discounts."""
    if not line.quantity:
        return ZERO
    return (line.price * line.quantity - line.discount) * units / line.quantity


def current_total(order: Order) -> Decimal:
    """Return the total without refunded and removed units (recorded: 45 less one unit of 10 = 35)."""
    gone = sum((line_tax(line) * line.removed / line.quantity for line in order.lines if line.quantity), ZERO)
    return total(order) - (subtotal(order) - current_subtotal(order)) - (ZERO if order.taxes_included else gone)


def received(order: Order) -> Decimal:
    """Return the money captured; an order imported as PAID without transactions counts as paid."""
    if not order.transactions and order.declared_status == "PAID":
        return total(order)
    return _sum(order, ("SALE", "CAPTURE"))


def refunded(order: Order) -> Decimal:
    return _sum(order, ("REFUND",))


def _sum(order: Order, kinds: tuple[str, ...]) -> Decimal:
    paid = (entry for entry in order.transactions if entry.status == "SUCCESS" and entry.transaction_kind in kinds)
    return sum((entry.amount for entry in paid), ZERO)


def outstanding(order: Order) -> Decimal:
    """Return what is still to be paid; an authorisation counts as covered."""
    covered = received(order) - refunded(order) + _sum(order, ("AUTHORIZATION",))
    return max(ZERO, current_total(order) - covered) if order.cancelled_at is None else ZERO


def financial_status(order: Order) -> str | None:
    """Derive displayFinancialStatus; null for an API order without any payment (recorded: orderMarkAsPaid-*)."""
    back, paid = refunded(order), received(order)
    if back:
        return "REFUNDED" if back >= paid else "PARTIALLY_REFUNDED"
    if paid:
        return "PAID" if paid >= current_total(order) else "PARTIALLY_PAID"
    if order.cancelled_at is not None and (order.declared_status or order.transactions):
        return "VOIDED"
    if _sum(order, ("AUTHORIZATION",)):
        return "AUTHORIZED"
    return order.declared_status


def fulfillment_status(order: Order) -> str:
    """Derive displayFulfillmentStatus."""
    if not any(line.fulfilled for line in order.lines):
        return "UNFULFILLED"
    if any(line.unfulfilled_quantity > 0 for line in order.lines):
        return "PARTIALLY_FULFILLED"
    return "FULFILLED"
