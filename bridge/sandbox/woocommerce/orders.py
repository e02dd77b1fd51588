"""Orders and what they do to stock: WooCommerce's status hooks, line edits and refunds. No HTTP.

The platform reads an order, thinks, and writes it without a lock. `Glimpse` is what one request read; acting on a
glimpse that is out of date doubles reductions and restocks just as the real shop does."""

import hashlib
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bridge.sandbox.woocommerce import meta, values
from bridge.sandbox.woocommerce.catalogue import TRASH, Catalogue, Product
from bridge.sandbox.woocommerce.coupons import Basket, Coupons, Item
from bridge.sandbox.woocommerce.customers import Customers
from bridge.sandbox.woocommerce.meta import Meta
from bridge.sandbox.woocommerce.site import Recency, Site

STATUSES = {
    "pending": "Pending payment",
    "processing": "Processing",
    "on-hold": "On hold",
    "completed": "Completed",
    "cancelled": "Cancelled",
    "refunded": "Refunded",
    "failed": "Failed",
    "checkout-draft": "Draft",
}
REDUCING = ("processing", "completed", "on-hold")
REDUCED = "_reduced_stock"
RESTOCKED = "_restock_refunded_items"
AUTO_DRAFT = "auto-draft"


@dataclass(slots=True, kw_only=True)
class Line:
    """A line item. `sku` is kept for the truth only; the API shows the SKU that the product has now."""

    id: int
    name: str = ""
    product_id: int = 0
    variation_id: int = 0
    quantity: int = 1
    subtotal: Decimal = Decimal(0)
    total: Decimal = Decimal(0)
    tax_class: str = ""
    sku: str = ""
    meta: list[Meta] = field(default_factory=list)

    @property
    def target(self) -> int:
        """Return the id of the variation or product sold."""
        return self.variation_id or self.product_id

    def count(self, key: str) -> int:
        """Return one of the platform's own counters in the line's meta, 0 when it is absent."""
        return values.php_int(meta.get(self.meta, key) or 0)


@dataclass(slots=True, kw_only=True)
class Refund:
    """A refund of an order; its lines carry negative quantities and totals."""

    id: int
    created: int
    amount: Decimal
    reason: str = ""
    paid_back: bool = False
    lines: list[tuple[Line, Line]] = field(default_factory=list)
    meta: list[Meta] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Order:
    """An order. `stock_reduced` is Woo's own flag that the status hooks go by."""

    id: int
    status: str = "pending"
    created: int = 0
    modified: int = 0
    paid: int | None = None
    completed: int | None = None
    created_via: str = "rest-api"
    payment_method: str = ""
    payment_method_title: str = ""
    transaction_id: str = ""
    customer_id: int = 0
    customer_note: str = ""
    currency: str = ""
    billing: dict[str, str] = field(default_factory=dict)
    shipping: dict[str, str] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    fees: list[dict[str, Any]] = field(default_factory=list)
    freight: list[dict[str, Any]] = field(default_factory=list)
    coupons: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    meta: list[Meta] = field(default_factory=list)
    stock_reduced: bool = False
    uses_counted: bool = False
    held_until: int = 0
    trashed_from: str = ""

    @property
    def key(self) -> str:
        """Return the order key, which WooCommerce draws at random and which must be stable here."""
        return "wc_order_" + hashlib.sha256(f"order {self.id}".encode()).hexdigest()[:13]

    def total(self) -> Decimal:
        """Return what the order costs: lines, fees and shipping, after discounts, refunds not taken off."""
        rest = (values.decimal(row["total"]) for row in (*self.fees, *self.freight))
        return sum((line.total for line in self.lines), Decimal(0)) + sum(rest, Decimal(0))

    def refunded(self) -> Decimal:
        """Return what has been refunded so far."""
        return sum((refund.amount for refund in self.refunds), Decimal(0))

    def line(self, key: int) -> Line | None:
        """Return the line with this id."""
        return next((line for line in self.lines if line.id == key), None)


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What a request read of an order before it acted."""

    status: str
    stock_reduced: bool
    reduced: dict[int, int]
    restocked: dict[int, int]
    refunded: Decimal

    @classmethod
    def of(cls, order: Order) -> "Glimpse":
        """Read an order now."""
        reduced = {line.id: line.count(REDUCED) for line in order.lines}
        restocked = {line.id: line.count(RESTOCKED) for line in order.lines}
        return cls(order.status, order.stock_reduced, reduced, restocked, order.refunded())


@dataclass(slots=True)
class Book:
    """All orders of the shop."""

    site: Site
    catalogue: Catalogue
    coupons: Coupons
    customers: Customers
    orders: dict[int, Order] = field(default_factory=dict)
    changes: Recency = field(default_factory=Recency)
    holds: dict[int, Order] = field(default_factory=dict)
    notes: int = 0

    def new(self, **fields: Any) -> Order:
        """Make an order and give it an id; it is stored by `store`."""
        now = self.site.clock()
        return Order(
            id=self.site.next_post(), created=now, modified=now, currency=self.site.settings.currency, **fields
        )

    def store(self, order: Order) -> None:
        """Put a new order into the shop. A draft of the checkout counts as a change of an order (recorded on 9.9.5, deliveries 021)."""
        self.orders[order.id] = order
        self.changes.touch(order.id, order.modified)
        if order.status != AUTO_DRAFT:
            self.site.emit("order.updated" if order.status == "checkout-draft" else "order.created", order.id)

    def touch(self, order: Order) -> None:
        """Move the change date, as every save does."""
        order.modified = self.site.clock()
        self.changes.touch(order.id, order.modified)
        self.site.emit("order.updated", order.id)

    def note(self, order: Order, text: str, *, to_customer: bool = False, by_user: bool = False) -> dict[str, Any]:
        """Add a note; notes do not move the order's date."""
        self.notes += 1
        row = {"id": self.notes, "author": "bridge" if by_user else "WooCommerce", "created": self.site.clock()}
        row |= {"note": text, "customer_note": to_customer}
        order.notes.append(row)
        return row

    # Status --------------------------------------------------------------------------------------------------------

    def set_status(self, order: Order, status: str, seen: Glimpse | None = None) -> None:
        """Change the status and run its hooks on what was read; a status that is already set does nothing."""
        seen = seen or Glimpse.of(order)
        if seen.status == status:
            return
        order.status = status
        self._date(order, status)
        self.hooks(order, seen)

    def _date(self, order: Order, status: str) -> None:
        now = self.site.clock()
        # Cash on delivery counts as paid only when completed (recorded: a cod order in processing has no date_paid).
        paid = ("completed",) if order.payment_method == "cod" else ("processing", "completed")
        if order.paid is None and status in paid:
            order.paid = now
        if status == "completed":
            order.completed = now
            self.customers.paid(order.customer_id)

    def hooks(self, order: Order, seen: Glimpse) -> None:
        """Run what WooCommerce hangs on a status: stock, coupon uses, the automatic full refund."""
        giving_back = ("cancelled", "pending", "failed") if self.site.modern else ("cancelled", "pending")
        if order.status in REDUCING:
            self.reduce(order, seen)
        elif order.status in giving_back:
            self.restore(order, seen)
        elif order.status == "refunded":
            self._refund_rest(order, seen)
        self.count_uses(order)
        if order.status not in ("pending", "checkout-draft"):
            self.release(order)

    def count_uses(self, order: Order) -> None:
        """Count the order's coupons as used, already while it is pending, or take the uses back."""
        counts = order.status not in ("cancelled", "failed", AUTO_DRAFT, "checkout-draft", TRASH)
        if counts != order.uses_counted:
            for row in order.coupons:
                self.coupons.count(row["code"], 1 if counts else -1, self.used_by(order))
            order.uses_counted = counts

    def used_by(self, order: Order) -> str:
        """Return whom a coupon notes as its user: the account's id, else the e-mail address (recorded, coupons 158)."""
        return str(order.customer_id or order.billing.get("email") or "")

    def basket(self, order: Order) -> Basket:
        """Return an order as coupons look at it."""
        owner = self.customers.rows.get(order.customer_id)
        emails = [order.billing.get("email") or "", owner.email if owner else ""]
        items = tuple(self.item(line) for line in order.lines)
        return Basket(items=items, customer=order.customer_id, emails=tuple(email for email in emails if email))

    def item(self, line: Line) -> Item:
        """Return a line as coupons look at it."""
        product, ids = self.product_of(line), frozenset({line.product_id, line.variation_id} - {0})
        return Item(ids=ids, name=line.name, subtotal=line.subtotal, on_sale=bool(product and product.sale_price))

    def pay(self, order: Order, transaction_id: str = "", seen: Glimpse | None = None) -> None:
        """Run payment_complete: paid now, and processing, or completed where nothing needs to be sent."""
        seen = seen or Glimpse.of(order)
        if seen.status not in ("pending", "on-hold", "failed", "cancelled"):
            return
        order.transaction_id = transaction_id or order.transaction_id
        order.paid = order.paid or self.site.clock()
        self.customers.paid(order.customer_id)
        done = order.payment_method == "cod" or not self.needs_processing(order)
        self.note(order, "Payment complete.")
        self.set_status(order, "completed" if done else "processing", seen)

    def needs_processing(self, order: Order) -> bool:
        """Tell whether any line is of a product that somebody has to send."""
        targets = (self.catalogue.items.get(line.target) for line in order.lines)
        return any(not (product.virtual and product.downloadable) for product in targets if product is not None)

    # Stock ---------------------------------------------------------------------------------------------------------

    def product_of(self, line: Line) -> Product | None:
        """Return the product of a line if it still exists."""
        return self.catalogue.items.get(line.target) if line.target else None

    def reduce(self, order: Order, seen: Glimpse) -> None:
        """Take every line off stock once, by what was read of it; each line remembers in `_reduced_stock`."""
        if seen.stock_reduced:
            return
        moved = []
        for line in order.lines:
            product = self.product_of(line)
            if product is None or seen.reduced.get(line.id):
                continue
            change = self.catalogue.move(product, -line.quantity)
            if change is not None:
                meta.put(line.meta, REDUCED, str(line.quantity), self.site.next_meta)
                moved.append(f"{line.name} ({change[0]}&rarr;{change[1]})")
        self._count_sales(order, 1)
        order.stock_reduced = True
        if moved:
            self.note(order, f"Stock levels reduced: {', '.join(moved)}")

    def _count_sales(self, order: Order, sign: int) -> None:
        # Counted by plain SQL on the parent product: no date moves.
        for line in order.lines:
            product = self.catalogue.items.get(line.product_id)
            if product is not None:
                product.total_sales += sign * line.quantity

    def restore(self, order: Order, seen: Glimpse) -> None:
        """Give back what the lines still hold."""
        if not seen.stock_reduced:
            return
        for line in order.lines:
            product, held = self.product_of(line), seen.reduced.get(line.id, 0)
            if product is not None and held and self.catalogue.move(product, held) is not None:
                meta.put(line.meta, REDUCED, None, self.site.next_meta)
        self._count_sales(order, -1)
        order.stock_reduced = False

    def adjust(self, order: Order, line: Line, quantity: int) -> None:
        """Move stock after a line of a placed order was edited: wc_maybe_adjust_line_item_product_stock."""
        product = self.product_of(line)
        # The status counts for an edited line; a removed one is given back in any (wc_save_order_items).
        if product is None or (quantity and order.status not in REDUCING):
            return
        wanted = quantity - line.count(RESTOCKED)
        # A removed line gives back what it still holds; units that a refund put back are not put back again.
        change = wanted - line.count(REDUCED) if quantity else -line.count(REDUCED)
        if change and self.catalogue.move(product, -change) is not None:
            meta.put(line.meta, REDUCED, str(wanted), self.site.next_meta)
            self.note(order, f"Adjusted stock: {line.name}")

    def hold(self, order: Order) -> None:
        """Reserve stock for an unpaid checkout; the API shows nothing of it."""
        order.held_until = self.site.clock() + self.site.settings.hold_stock_minutes * 60
        self.holds[order.id] = order

    def release(self, order: Order) -> None:
        """End a reservation."""
        self.holds.pop(order.id, None)

    def reserved(self, manager: Product, apart_from: int = 0) -> int:
        """Return how many units unpaid checkouts hold of one stock number."""
        now, held = self.site.clock(), 0
        for order in list(self.holds.values()):
            if order.held_until <= now:
                self.release(order)
            elif order.id != apart_from:
                held += sum(line.quantity for line in order.lines if self._managed_by(line, manager))
        return held

    def _managed_by(self, line: Line, manager: Product) -> bool:
        product = self.product_of(line)
        return product is not None and self.catalogue.manager(product) is manager

    # Refunds -------------------------------------------------------------------------------------------------------

    def refund(self, order: Order, refund: Refund, seen: Glimpse, *, restock: bool) -> None:
        """File a refund; whole units of its lines go back on stock if `restock`; a full one sets the status."""
        order.refunds.append(refund)
        if restock:
            for line, returned in refund.lines:
                self._restock(line, -returned.quantity, seen)
        full = seen.refunded + refund.amount >= order.total() and order.total() > 0
        kind = "full" if full else "partial"
        refund.meta.append(Meta(self.site.next_meta(), "_refund_type", kind))
        if full and order.status != "refunded":
            order.status = "refunded"
            self.count_uses(order)
        self.touch(order)

    def _restock(self, line: Line, quantity: int, seen: Glimpse) -> None:
        product, held = self.product_of(line), seen.reduced.get(line.id, 0)
        if product is None or not held or not quantity or self.catalogue.move(product, quantity) is None:
            return
        meta.put(line.meta, REDUCED, str(held - quantity), self.site.next_meta)
        meta.put(line.meta, RESTOCKED, str(seen.restocked.get(line.id, 0) + quantity), self.site.next_meta)

    def _refund_rest(self, order: Order, seen: Glimpse) -> None:
        # wc_order_fully_refunded: the money only, no lines, so nothing goes back on stock.
        rest = order.total() - seen.refunded
        if rest > 0:
            refund = Refund(id=self.site.next_post(), created=self.site.clock(), amount=rest)
            refund.reason = "Order fully refunded."
            self.refund(order, refund, seen, restock=False)

    # Trash ---------------------------------------------------------------------------------------------------------

    def trash(self, order: Order) -> None:
        """Move to the trash; stock that was taken stays taken."""
        order.trashed_from, order.status = order.status, TRASH
        trail = {"_wp_trash_meta_status": f"wc-{order.trashed_from}", "_wp_trash_meta_time": str(self.site.clock())}
        order.meta.extend(Meta(self.site.next_meta(), key, value) for key, value in trail.items())
        self.release(order)
        order.modified = self.site.clock()
        self.changes.touch(order.id, order.modified)
        self.site.emit("order.deleted", order.id)

    def untrash(self, order: Order) -> None:
        """Take out of the trash again, to the status it had."""
        order.status = order.trashed_from
        order.meta = [row for row in order.meta if not row.key.startswith("_wp_trash_meta_")]
        self.touch(order)
        self.site.emit("order.restored", order.id)

    def delete(self, order: Order) -> None:
        """Delete for ever: no stock goes back and nothing is announced."""
        del self.orders[order.id]
        self.changes.forget(order.id)
        self.release(order)
