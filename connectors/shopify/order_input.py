"""Orders on their way out: every value checked, then shaped as Shopify's inputs. No network here."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC
from decimal import Decimal
from typing import Any

from bridge.contract.errors import Refused
from bridge.contract.ports import LineRefund, NewLine, NewOrder
from bridge.domain.money import Money
from bridge.domain.orders import Address, Order, Tracking
from connectors.shopify.mapping import gid, short

__all__ = ["new_order", "refund_lines", "shipments"]

_OPEN = frozenset({"OPEN", "IN_PROGRESS"})
_MOST = 1_000_000


def new_order(order: NewOrder, shop_currency: str) -> dict[str, Any]:
    """Shape a mirror as OrderCreateOrderInput, paid; raises Refused naming the bad value.

    Shopify adds up lines and shipping itself. What they leave of the total becomes a line of its own (a tip, a fee), or a
    discount of the whole order.
    """
    _check(order, shop_currency)
    rest = order.total - order.shipping - sum((line.total for line in order.lines), start=Money(0, order.currency))
    extra = [_adjustment(rest)] if rest.minor > 0 else []
    less = {"code": "Adjustment", "amountSet": _bag(rest.times(-1))}
    paid = {"kind": "SALE", "status": "SUCCESS", "gateway": "commerce-bridge", "amountSet": _bag(order.total)}
    wanted = {
        "sourceIdentifier": order.reference,
        "currency": order.currency,
        "processedAt": order.placed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "taxesIncluded": True,
        "financialStatus": "PAID",
        "lineItems": [*(part for line in order.lines for part in _line(line)), *extra],
        "discountCode": {"itemFixedDiscountCode": less} if rest.minor < 0 else None,
        "note": order.note,
        "tags": ["bridge"],
        "transactions": [paid] if order.total.minor else None,
        "shippingLines": [{"title": "Shipping", "priceSet": _bag(order.shipping)}] if order.shipping.minor else None,
        "shippingAddress": _address(order.ship_to) if order.ship_to else None,
        "email": (order.customer.email or None) if order.customer else None,
        "phone": _phone(order.customer.phone) if order.customer else None,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def _check(order: NewOrder, shop_currency: str) -> None:
    if not order.reference or not order.lines:
        raise Refused("an order to mirror needs a reference and at least one line")
    if order.currency != shop_currency:
        raise Refused(
            f"order {order.reference} is in {order.currency}, the shop sells in {shop_currency}",
            next_step="mirror it to a shop of that currency, or leave this channel out of the mirror",
        )
    amounts = [order.total, order.shipping, *(amount for line in order.lines for amount in (line.total, line.tax))]
    if any(amount.minor < 0 or amount.currency != order.currency for amount in amounts):
        raise Refused(f"order {order.reference} has a negative amount or one in another currency")
    if order.total.minor < order.shipping.minor:
        raise Refused(
            f"order {order.reference}: its total of {order.total} is less than its shipping of {order.shipping}"
        )
    for line in order.lines:
        if not 0 < line.quantity <= _MOST:
            raise Refused(f"order {order.reference}: quantity {line.quantity} of {line.sku or line.title}")


def _line(line: NewLine) -> list[dict[str, Any]]:
    """Shape one line; two where its total is no multiple of a unit price, so that the sum stays exact to the cent."""
    unit, dearer = divmod(line.total.minor, line.quantity)
    split = [(line.quantity - dearer, unit), (dearer, unit + 1)]
    parts = [(quantity, Money(price, line.total.currency)) for quantity, price in split if quantity]
    first_tax = line.tax.minor * parts[0][0] // line.quantity if len(parts) > 1 else line.tax.minor
    taxes = (Money(first_tax, line.tax.currency), Money(line.tax.minor - first_tax, line.tax.currency))
    return [_part(line, quantity, price, tax) for (quantity, price), tax in zip(parts, taxes, strict=False)]


def _part(line: NewLine, quantity: int, price: Money, tax: Money) -> dict[str, Any]:
    sold = {"variantId": gid("ProductVariant", line.variant_id)} if line.variant_id else {"title": line.title or "Item"}
    part: dict[str, Any] = {**sold, "sku": line.sku, "quantity": quantity, "priceSet": _bag(price)}
    if tax.minor:
        part["taxLines"] = [{"title": "Tax", "rate": _rate(price.times(quantity), tax), "priceSet": _bag(tax)}]
    return part


def _adjustment(amount: Money) -> dict[str, Any]:
    return {
        "title": "Adjustment", "quantity": 1, "priceSet": _bag(amount), "requiresShipping": False, "taxable": False,
    }  # fmt: skip


def _rate(gross: Money, tax: Money) -> str:
    net = gross.minor - tax.minor
    return str(round(Decimal(tax.minor) / Decimal(net), 6)) if net > 0 else "0"


def _bag(amount: Money) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount.decimal, "currencyCode": amount.currency}}


def _phone(text: str) -> str | None:
    """Return a phone number Shopify takes (E.164), or nothing: a badly written one would fail the whole order."""
    digits = re.sub(r"[\s()./-]", "", text)
    return digits if re.fullmatch(r"\+[1-9]\d{6,14}", digits) else None


def _address(address: Address) -> dict[str, Any]:
    first, _, last = address.name.rpartition(" ")
    code = address.region if re.fullmatch(r"[A-Z0-9]{1,3}", address.region) else None
    country = address.country.upper()
    fields = {
        "firstName": first, "lastName": last, "company": address.company, "address1": address.line1,
        "address2": address.line2, "city": address.city, "zip": address.postcode, "phone": _phone(address.phone),
        "provinceCode": code, "province": None if code else address.region,
        "countryCode": country if re.fullmatch(r"[A-Z]{2}", country) else None,
    }  # fmt: skip
    return {name: value for name, value in fields.items() if value}


def shipments(node: Mapping[str, Any], tracking: Sequence[Tracking]) -> list[dict[str, Any]]:
    """Shape what is left to ship: one FulfillmentInput per place, for a fulfilment covers one place only.

    Raises Refused where nothing can be shipped because it is on hold or scheduled.
    """
    places: dict[str, list[dict[str, Any]]] = {}
    blocked = []
    for part in node["fulfillmentOrders"]["nodes"]:
        if part["status"] in _OPEN:
            place = (part["assignedLocation"].get("location") or {}).get("id", "")
            places.setdefault(place, []).append({"fulfillmentOrderId": part["id"]})
        elif part["status"] in {"ON_HOLD", "SCHEDULED"}:
            blocked.append(part["status"])
    if blocked and not places:
        raise Refused(
            f"order {short(node['id'])} cannot be marked as shipped: it is {blocked[0].lower().replace('_', ' ')}",
            next_step="release it in the shop's admin, then `bridge retry`",
        )
    info = _tracking(tracking)
    return [{"lineItemsByFulfillmentOrder": parts, "notifyCustomer": False, **info} for parts in places.values()]


def _tracking(tracking: Sequence[Tracking]) -> dict[str, Any]:
    if not tracking:
        return {}
    info: dict[str, Any] = {"numbers": [parcel.number for parcel in tracking if parcel.number]}
    info["urls"] = [parcel.url for parcel in tracking if re.match(r"https?://", parcel.url)]
    info["company"] = next((parcel.carrier for parcel in tracking if parcel.carrier), "")
    return {"trackingInfo": {name: value for name, value in info.items() if value}}


def refund_lines(
    order: Order, lines: Sequence[LineRefund], *, restock: bool, default_location: str
) -> list[dict[str, Any]]:
    """Shape refunded units: CANCEL puts back what was never shipped, RETURN what was; raises Refused."""
    known = {line.id: line for line in order.lines}
    parts: list[dict[str, Any]] = []
    for wanted in lines:
        line = known.get(wanted.line_id)
        if line is None or not 0 < wanted.quantity <= line.quantity - line.refunded:
            raise Refused(f"order {order.id} has no {wanted.quantity} units of line {wanted.line_id} left to refund")
        item = {"lineItemId": gid("LineItem", line.id)}
        if not restock:
            parts.append({**item, "quantity": wanted.quantity, "restockType": "NO_RESTOCK"})
            continue
        place = line.location or default_location
        if not place:
            raise Refused(
                f"order {order.id} does not say where line {line.id} came from",
                next_step="set `location` for this channel",
            )
        unshipped = min(wanted.quantity, max(0, line.quantity - line.refunded - line.fulfilled))
        for kind, quantity in (("CANCEL", unshipped), ("RETURN", wanted.quantity - unshipped)):
            if quantity:
                at = gid("Location", place)
                parts.append({**item, "quantity": quantity, "restockType": kind, "locationId": at})
    return parts
