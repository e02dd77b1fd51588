"""What happens at the shop window: checkout with its stock check, reservations, payment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bridge.sandbox.kit.platform import RefusedError
from bridge.sandbox.woocommerce import values
from bridge.sandbox.woocommerce.catalogue import TRASH, Product
from bridge.sandbox.woocommerce.errors import RestError
from bridge.sandbox.woocommerce.meta import Meta
from bridge.sandbox.woocommerce.order_write import ADDRESS, apply_coupon, drop_coupons, point_at
from bridge.sandbox.woocommerce.orders import Glimpse, Line, Order
from bridge.sandbox.woocommerce.shop import Woo

_TITLES = {"cod": "Cash on delivery", "bacs": "Bank transfer", "stripe": "Credit card"}


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing in the cart. `off` is what a pricing plugin takes off all its units: the shop itself knows no discount of a line, so the
    line's subtotal is lower by it, too (the plugins set the price of the cart's item: WC_Product::set_price)."""

    product: Product
    quantity: int
    price: Decimal
    off: Decimal = Decimal(0)


def find_product(woo: Woo, row: dict[str, Any]) -> Product:
    """Return what a line {"sku" or "id"} names; raise RefusedError for what the shop does not sell."""
    sku = row.get("sku")
    found = woo.catalogue.find_sku(str(sku)) if sku else woo.catalogue.items.get(int(row["id"]))
    if found is None or found.status == TRASH:
        raise RefusedError(f"the shop does not sell {row.get('sku') or row.get('id')}")
    return found


def wishes(woo: Woo, lines: Iterable[dict[str, Any]]) -> list[Wish]:
    """Read the lines of a sale."""
    found = []
    for row in lines:
        product = find_product(woo, row)
        price = row.get("price")
        each = values.decimal(woo.catalogue.price(product) if price is None else price)
        found.append(Wish(product, int(row["quantity"]), each, values.decimal(row.get("discount") or 0)))
    return found


def check_stock(woo: Woo, cart: list[Wish], apart_from: int = 0) -> None:
    """Refuse a checkout of more than is there, less what unpaid checkouts hold."""
    wanted: dict[int, int] = {}
    for wish in cart:
        manager = woo.catalogue.manager(wish.product)
        if manager is None:
            if wish.product.stock_status == "outofstock":
                raise RefusedError(f"{wish.product.sku} is out of stock")
        elif manager.backorders == "no":
            wanted[manager.id] = wanted.get(manager.id, 0) + wish.quantity
    for key, quantity in wanted.items():
        manager = woo.catalogue.items[key]
        free = (manager.stock or 0) - woo.book.reserved(manager, apart_from)
        if quantity > free:
            raise RefusedError(f"not enough of {manager.sku or key} in stock: {quantity} wanted, {max(free, 0)} left")


def draft(woo: Woo, cart: list[Wish], customer: dict[str, Any] | None) -> Order:
    """Open the checkout page: an order with the status checkout-draft, which holds nothing and is not stored yet."""
    order = woo.book.new(created_via="store-api")
    for wish in cart:
        line = Line(id=woo.site.next_item(), quantity=wish.quantity)
        point_at(woo.book, line, wish.product)
        line.total = line.subtotal = wish.price * wish.quantity - wish.off
        order.lines.append(line)
    if customer:
        first, _, last = str(customer.get("name") or "").partition(" ")
        named = {"first_name": first, "last_name": last}
        order.customer_id = _account(woo, customer)
        order.shipping = named | {name: str(customer[name]) for name in (*ADDRESS, "phone") if customer.get(name)}
        order.billing = order.shipping | {"email": str(customer.get("email") or "")}
    order.meta.append(Meta(woo.site.next_meta(), "is_vat_exempt", "no"))
    order.status = "checkout-draft"
    return order


def _account(woo: Woo, customer: dict[str, Any]) -> int:
    """Return the id of the account that a shopper is logged in with: the one named, or the one of their address."""
    named = woo.customers.rows.get(values.php_int(customer.get("id") or 0))
    found = named or woo.customers.by_email(str(customer.get("email") or ""))
    return found.id if found else 0


def discount(woo: Woo, order: Order, amount: str) -> None:
    """Take an amount off by a coupon of its own, the only way a storefront has."""
    made = woo.coupons.new(f"off-{order.id}")
    made.amount, made.limit = values.decimal(amount), 1
    woo.coupons.store(made)
    use_coupon(woo, order, made.code)


def use_coupon(woo: Woo, order: Order, code: str) -> None:
    """Enter a coupon code at checkout. One that stands alone takes the others off, and lets no other in: WC_Cart::apply_coupon."""
    try:
        coupon = woo.coupons.usable(code, woo.book.basket(order))
    except RestError as error:
        raise RefusedError(error.message) from error
    held = [found for row in order.coupons if (found := woo.coupons.by_code(row["code"]))]
    first = next((one for one in held if one.alone), None)
    if first is not None and first is not coupon:
        text = f"coupon {first.code} has already been applied and cannot be used in conjunction with other coupons"
        raise RefusedError(text)
    if coupon.alone:
        drop_coupons(woo.book, order, keep=set())
    if coupon not in held:
        apply_coupon(woo.book, order, coupon)


def add_shipping(woo: Woo, order: Order, amount: str) -> None:
    """Add the shipping rate the shopper chose."""
    named = {"method_title": "Flat rate", "method_id": "flat_rate", "instance_id": "1"}
    tail = {"total": amount, "total_tax": "0.00", "taxes": [], "tax_status": "taxable", "meta_data": []}
    order.freight.append({"id": woo.site.next_item(), **named, **tail})


def place(woo: Woo, order: Order, method: str) -> None:
    """Press the button: cash on delivery and bank transfer reduce at once, a card when it is paid."""
    order.payment_method, order.payment_method_title = method, _TITLES.get(method, method)
    order.created = woo.site.clock()
    book = woo.book
    woo.site.emit("order.created", order.id)
    if method in ("cod", "bacs"):
        book.set_status(order, "processing" if method == "cod" else "on-hold")
    else:
        book.set_status(order, "pending")
        book.hold(order)
    book.touch(order)


def pay(woo: Woo, order: Order) -> None:
    """Let the card gateway report the payment."""
    woo.book.pay(order, f"ch_{order.id:08d}", Glimpse.of(order))
    woo.book.touch(order)


def backdate(order: Order, moment: datetime | str) -> None:
    """Set the order date as wp-admin lets a merchant do; the change date stays now."""
    when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    order.created = int(when.timestamp())
    order.created_via = "admin"
