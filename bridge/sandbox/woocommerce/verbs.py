"""The people around the shop: shoppers, and a merchant in wp-admin. Verbs are atomic; the API's requests are not."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bridge.sandbox.kit.platform import RefusedError
from bridge.sandbox.woocommerce import meta, storefront, values
from bridge.sandbox.woocommerce.catalogue import TRASH, Product
from bridge.sandbox.woocommerce.loyal import Loyal
from bridge.sandbox.woocommerce.order_write import remove_line
from bridge.sandbox.woocommerce.orders import AUTO_DRAFT, REDUCED, RESTOCKED, Glimpse, Line, Order, Refund
from bridge.sandbox.woocommerce.refund_routes import returned_line
from bridge.sandbox.woocommerce.seeding import edit_fields, seed_product

Row = dict[str, Any]
ANYWHERE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a shopper buys. `stage="draft"` only opens the checkout; `order` places such a draft.

    Unpaid, the order is pending and its goods are held for an hour, which the API does not show."""

    location: str | None = None
    paid: bool = True
    customer: Row | None = None
    occurred_at: datetime | str | None = None
    discount: str | None = None
    codes: tuple[str, ...] | list[str] = ()
    shipping: str | None = None
    payment_method: str | None = None
    stage: str = "placed"
    order: str | None = None


class WooShop(Loyal):
    """The verbs of `LoyalShop` for WooCommerce. There is one place, named ""."""

    def seed(self, products: list[Row]) -> list[Row]:
        """Create products as an import does: SKUs are not checked and nothing is announced."""
        return [row for product in products for row in seed_product(self.woo, product)]

    def sale(self, lines: list[Row], **how: Any) -> str:
        """Check out at the storefront; `how` are the fields of `How`. Raises RefusedError for what is not in stock, and for a
        code that is not taken: then nothing was ordered."""
        woo, wanted = self.woo, How(**how)
        cart = storefront.wishes(woo, lines) if wanted.order is None else self._cart(self._order(wanted.order))
        storefront.check_stock(woo, cart)
        made = storefront.draft(woo, cart, wanted.customer) if wanted.order is None else self._order(wanted.order)
        self._adorn(made, wanted)
        if wanted.order is None:
            woo.book.store(made)
        if wanted.stage == "draft":
            return str(made.id)
        storefront.place(woo, made, wanted.payment_method or ("cod" if wanted.paid else "stripe"))
        if wanted.occurred_at is not None:
            storefront.backdate(made, wanted.occurred_at)
        if wanted.paid and made.status == "pending":
            storefront.pay(woo, made)
        return str(made.id)

    def _adorn(self, order: Order, wanted: How) -> None:
        if wanted.shipping is not None:
            storefront.add_shipping(self.woo, order, wanted.shipping)
        for code in wanted.codes:
            storefront.use_coupon(self.woo, order, code)
        if wanted.discount is not None:
            storefront.discount(self.woo, order, wanted.discount)

    def _cart(self, order: Order) -> list[storefront.Wish]:
        if order.status != "checkout-draft":
            raise RefusedError(f"order {order.id} is placed already")
        pairs = ((self.woo.book.product_of(line), line.quantity) for line in order.lines)
        return [storefront.Wish(product, quantity, Decimal(0)) for product, quantity in pairs if product is not None]

    def pay(self, order: str) -> None:
        """Pay an unpaid order."""
        storefront.pay(self.woo, self._order(order))

    def refund(self, order: str, lines: list[Row], *, restock: bool = True) -> str:
        """Refund units by hand in wp-admin."""
        found, book = self._order(order), self.woo.book
        seen, pairs = Glimpse.of(found), []
        for row in lines:
            line, quantity = self._line(found, row), int(row["quantity"])
            gone = sum(-back.quantity for refund in found.refunds for of, back in refund.lines if of is line)
            if quantity > line.quantity - gone:
                raise RefusedError(f"only {line.quantity - gone} of {line.name} are left to refund")
            total = (line.total * quantity / line.quantity).quantize(values.CENT)
            pairs.append((line, returned_line(book, line, quantity, total)))
        amount = min(-sum((back.total for _, back in pairs), Decimal(0)), found.total() - seen.refunded)
        made = Refund(id=self.woo.site.next_post(), created=self.woo.site.clock(), amount=amount, lines=pairs)
        book.refund(found, made, seen, restock=restock)
        return str(made.id)

    def cancel(self, order: str, *, restock: bool = True) -> None:
        """Set the order to cancelled, which always puts its stock back."""
        found = self._order(order)
        if not restock:
            raise RefusedError("WooCommerce always puts the stock of a cancelled order back")
        if found.status in ("cancelled", "refunded", TRASH):
            raise RefusedError(f"order {order} is {found.status} already")
        self._set_status(found, "cancelled")

    def fulfil(self, order: str, *, tracking: dict[str, str] | None = None) -> None:
        """Set the order to completed; tracking is kept as the shipment tracking plugin keeps it."""
        found = self._order(order)
        if found.status not in ("processing", "on-hold"):
            raise RefusedError(f"order {order} is {found.status} and cannot be shipped")
        if tracking is not None:
            site = self.woo.site
            meta.put(found.meta, "_wc_shipment_tracking_items", [tracking], site.next_meta)
        self._set_status(found, "completed")

    def _set_status(self, order: Order, status: str) -> None:
        self.woo.book.set_status(order, status)
        self.woo.book.touch(order)

    def edit_order(self, order: str, sku: str, quantity: int) -> None:
        """Edit a line in wp-admin: its total follows the quantity, and stock follows at once; 0 removes the line."""
        found = self._order(order)
        line = self._line(found, {"sku": sku})
        if quantity == 0:
            remove_line(self.woo.book, found, line)
        else:
            each = line.subtotal / line.quantity if line.quantity else Decimal(0)
            off = line.total / line.subtotal if line.subtotal else Decimal(1)
            line.quantity, line.subtotal = quantity, each * quantity
            line.total = (line.subtotal * off).quantize(values.CENT)
            self.woo.book.adjust(found, line, quantity)
        self.woo.book.touch(found)

    def count(self, sku: str, quantity: int, *, location: str | None = None, how: str = "admin") -> None:
        """Type a quantity into wp-admin, or (`how="direct"`) let another plugin write it past everything."""
        del location
        product = self._product(sku)
        manager = self.woo.catalogue.manager(product) or product
        if how == "direct":
            manager.stock = quantity
            return
        manager.manage_stock, manager.stock = True, quantity
        self.woo.catalogue.save(manager)
        self._saved_by_hand(manager)

    def plugin_sets_stock(self, sku: str, quantity: int) -> None:
        """Let another plugin write _stock directly: shown at once, no date moves, no status changes, no webhook."""
        self.count(sku, quantity, how="direct")

    def edit_product(self, sku: str, **fields: Any) -> None:
        """Edit in wp-admin (keys as in `seed`); `stock_direct` is another plugin's write."""
        direct = fields.pop("stock_direct", None)
        if direct is not None:
            self.plugin_sets_stock(sku, int(direct))
        if fields:
            product = self._product(sku)
            edit_fields(self.woo, product, fields)
            self._saved_by_hand(product)

    def _saved_by_hand(self, product: Product) -> None:
        # A form of wp-admin saved within 10 s of the product's making tells of it as made (recorded, deliveries 009, 010).
        whole = self.woo.catalogue.items.get(product.parent_id) or product
        if self.woo.site.clock() - whole.created <= 10:
            self.woo.site.emit("product.created", whole.id)

    def delete_product(self, sku: str) -> None:
        """Move the product to the trash, with all its variations."""
        product = self._product(sku)
        parent = self.woo.catalogue.items.get(product.parent_id)
        self.woo.catalogue.trash(parent or product)

    def restore_product(self, product: str) -> None:
        """Take a product (by its id) out of the trash."""
        found = self.woo.catalogue.items.get(int(product))
        if found is None or found.status != TRASH:
            raise RefusedError(f"product {product} is not in the trash")
        self.woo.catalogue.untrash(found)

    def trash_order(self, order: str) -> None:
        """Move an order to the trash; its stock stays taken."""
        found = self._order(order)
        if found.status == TRASH:
            raise RefusedError(f"order {order} is in the trash already")
        self.woo.book.trash(found)

    def restore_order(self, order: str) -> None:
        """Take an order out of the trash."""
        found = self._order(order)
        if found.status != TRASH:
            raise RefusedError(f"order {order} is not in the trash")
        self.woo.book.untrash(found)

    def stock(self) -> dict[str, dict[str, int]]:
        """Return the numbers of all managed things on sale; variations under one parent's stock all show it."""
        found: dict[str, dict[str, int]] = {}
        catalogue = self.woo.catalogue
        for product in catalogue.items.values():
            manager = catalogue.manager(product)
            if manager is None or product.kind == "variable" or product.status == TRASH:
                continue
            found[_free_name(product.sku or f"id {product.id}", found)] = {ANYWHERE: manager.stock or 0}
        return found

    def orders(self) -> list[Row]:
        """Return the orders, oldest first; `held` and `restocked` are the platform's own line counters."""
        drafts = ("checkout-draft", AUTO_DRAFT)
        return [_truth(order) for order in self.woo.book.orders.values() if order.status not in drafts]

    def watch(self, listener: Callable[[str, int], None]) -> None:
        """Hear of every change ("order.updated", id) as webhooks would."""
        self.woo.site.listeners.append(listener)

    def _order(self, key: str) -> Order:
        found = self.woo.book.orders.get(int(key))
        if found is None:
            raise RefusedError(f"there is no order {key}")
        return found

    def _product(self, sku: str) -> Product:
        return storefront.find_product(self.woo, {"sku": sku})

    def _line(self, order: Order, row: Row) -> Line:
        for line in order.lines:
            if (row.get("sku") and line.sku == row["sku"]) or str(row.get("id") or "") in (
                str(line.id),
                str(line.target),
            ):
                return line
        raise RefusedError(f"order {order.id} has no line {row.get('sku') or row.get('id')}")


def _free_name(name: str, taken: dict[str, Any]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}#{number}"
    return free


def _truth(order: Order) -> Row:
    rows = [
        {"sku": line.sku, "quantity": line.quantity, "held": line.count(REDUCED), "restocked": line.count(RESTOCKED)}
        for line in order.lines
    ]
    told = {"id": str(order.id), "status": order.status, "lines": rows, "reference": order.transaction_id}
    marks = {row.key: row.value for row in order.meta}
    return {**told, "total": values.money(order.total()), "created_via": order.created_via, "meta": marks}
