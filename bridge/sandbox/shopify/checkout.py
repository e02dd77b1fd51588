"""What codes do at the checkout: which are taken, what they take off, and that a use is counted.

Sources: help.shopify.com manual/discounts (limits, combining, minimum); community.shopify.dev/t/12269 (a limit is each code's own).
"""

from dataclasses import dataclass
from decimal import Decimal

from bridge.sandbox.shopify import discounts
from bridge.sandbox.shopify.discount_model import SHIPPING, Discount, RedeemCode, Use
from bridge.sandbox.shopify.model import ZERO, Application, LineItem, Order
from bridge.sandbox.shopify.orders import CENT, allocate
from bridge.sandbox.shopify.state import State

CLASSES = {"ORDER": "orderDiscounts", "PRODUCT": "productDiscounts", "SHIPPING": "shippingDiscounts"}


class UntakenError(Exception):
    """The checkout does not take a code; the text says why."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A code that the checkout took."""

    discount: Discount
    code: RedeemCode
    buyer: str


def apply(state: State, order: Order, codes: list[str]) -> list[Taken]:
    """Take the codes off an order that is not placed yet; raises UntakenError."""
    taken = [_take(state, order, code) for code in dict.fromkeys(code.strip() for code in codes)]
    _demand_combinable([one.discount for one in taken])
    for one in taken:
        _take_off(order, one)
    return taken


def count(state: State, taken: list[Taken]) -> None:
    """Count the uses once the order is placed."""
    for one in taken:
        one.discount.uses.append(Use(state.now_of(), one.code, one.buyer))


def _take(state: State, order: Order, code: str) -> Taken:
    found = discounts.find(state, code)
    if found is None:
        raise UntakenError(f"{code}: enter a valid discount code")
    discount, redeem = found
    status = discount.status(state.now_of())
    if status != "ACTIVE":
        raise UntakenError(f"{code}: {status.lower()}")
    buyer = _buyer(order)
    counted = redeem if state.settings.limit_per_code else None
    if discount.usage_limit is not None and discount.used(counted) >= discount.usage_limit:
        raise UntakenError(f"{code}: its usage limit is reached")
    if discount.once and buyer and discount.used(counted, buyer=buyer):
        raise UntakenError(f"{code}: already used by this customer")
    _demand_fit(discount, order, code)
    return Taken(discount, redeem, buyer)


def _buyer(order: Order) -> str:
    """Say who buys, as uses per customer are told apart: by e-mail, else by phone, else by the record."""
    email = order.email or (order.customer.email if order.customer else None)
    return (email or order.phone or (order.customer.id if order.customer else "")).casefold()


def _demand_fit(discount: Discount, order: Order, code: str) -> None:
    number = order.customer.number if order.customer else 0
    if discount.customers is not None and number not in discount.customers:
        raise UntakenError(f"{code}: not for this customer")
    lines = entitled(discount, order)
    if not lines:
        raise UntakenError(f"{code}: not for these items")
    worth = sum((line.price * line.quantity for line in lines), ZERO)
    units = sum(line.quantity for line in lines)
    if worth < (discount.minimum_subtotal or ZERO) or units < (discount.minimum_quantity or 0):
        raise UntakenError(f"{code}: the minimum is not reached")


def _demand_combinable(taken: list[Discount]) -> None:
    if len(set(taken)) < len(taken):
        raise UntakenError("two codes of one discount cannot be combined")
    for one in taken:
        for other in taken:
            if one is not other and not one.combines.get(CLASSES[other.discount_class]):
                raise UntakenError(f"{one.title} cannot be combined with {other.title}")


def entitled(discount: Discount, order: Order) -> list[LineItem]:
    """Return the lines a discount is for; gift cards are never discounted (help.shopify.com manual/products/gift-card-products)."""
    lines = [line for line in order.lines if not (line.product and line.product.is_gift_card)]
    if not discount.limited:
        return lines
    return [
        line
        for line in lines
        if (line.product and line.product.number in discount.products)
        or (line.variant and line.variant.number in discount.variants)
    ]


def _take_off(order: Order, one: Taken) -> None:
    discount = one.discount
    order.discount_codes.append(one.code.code)
    made = Application(
        len(order.applications), code=one.code.code, percent=(discount.percentage or ZERO) * 100,
        amount=discount.amount or ZERO, entitled=discount.limited,
    )  # fmt: skip
    order.applications.append(made)
    if discount.form == SHIPPING:
        made.target, made.percent = "SHIPPING_LINE", Decimal(100)
        order.shipping_lines = [{**row, "price": ZERO} for row in order.shipping_lines]
        return
    lines = entitled(discount, order)
    if discount.percentage is None:
        units = sum(line.quantity for line in lines) if discount.each else 1
        allocate(lines, made, made.amount * units)
        return
    for line in lines:
        part = ((line.price * line.quantity - line.discount) * discount.percentage).quantize(CENT)
        if part:
            line.allocations.append((made, part))
