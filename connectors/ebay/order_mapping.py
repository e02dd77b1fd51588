"""eBay's orders as domain values. Pure; payload dicts end here."""

from collections.abc import Sequence

from bridge.domain.money import Money
from bridge.domain.orders import Address, Contact, Order, OrderLine, OrderStatus, Tracking
from bridge.wire.amounts import total_of
from bridge.wire.payload import Odd, Payload, count, moment, need, part, rows, text
from connectors.ebay.payload import money

__all__ = ["is_cancelled", "order", "parcels_of"]

_PAID = {"PAID", "PARTIALLY_REFUNDED", "FULLY_REFUNDED"}


def order(payload: Payload, parcels: Sequence[Payload]) -> Order:
    """Read an order with its parcels.

    eBay takes the units off the listing when they are bought, paid or not. Whether it puts them back when the order is
    cancelled or refunded it does not say: `restocked` is None then, and the channel's restock rule decides.
    """
    total = money(part(payload, "pricingSummary"), "total")
    contact, address = _ship_to(payload)
    return Order(
        id=str(need(payload, "orderId")),
        number=text(payload, "salesRecordReference") or text(payload, "orderId"),
        status=_status(payload),
        placed_at=moment(payload, "creationDate"),
        updated_at=moment(payload, "lastModifiedDate"),
        currency=total.currency,
        lines=tuple(_line(line, payload, total.currency) for line in rows(payload, "lineItems")),
        total=total,
        shipping=_shipping(payload, total.currency),
        refunded=_sum(_given_back(payload), total.currency),
        source="eBay",
        customer=_buyer(payload, contact),
        ship_to=address,
        tracking=tuple(_tracking(parcel) for parcel in parcels if text(parcel, "shipmentTrackingNumber")),
    )


def is_cancelled(payload: Payload) -> bool:
    """Tell whether the cancellation is through; one that is asked for (IN_PROGRESS) may yet be refused."""
    return text(part(payload, "cancelStatus"), "cancelState") == "CANCELED"


def parcels_of(payload: Payload) -> bool:
    """Tell whether anything was shipped."""
    return bool(payload.get("fulfillmentHrefs"))


def _status(payload: Payload) -> OrderStatus:
    if is_cancelled(payload):
        return "cancelled"
    if text(payload, "orderFulfillmentStatus") == "FULFILLED":
        return "fulfilled"
    return "paid" if text(payload, "orderPaymentStatus") in _PAID else "placed"


def _line(line: Payload, payload: Payload, currency: str) -> OrderLine:
    quantity = count(line, "quantity")
    if quantity < 1:
        raise Odd(f"quantity {quantity} of line {text(line, 'lineItemId')} is none")
    cost, total, back = money(line, "lineItemCost"), _total(line, currency), _came_back(line, payload, quantity)
    return OrderLine(
        id=str(need(line, "lineItemId")),
        variant_id=text(line, "sku") or None,
        sku=text(line, "sku") or None,
        title=text(line, "title"),
        quantity=quantity,
        held=quantity,
        refunded=back,
        restocked=None if back else 0,
        fulfilled=quantity if text(line, "lineItemFulfillmentStatus") == "FULFILLED" else 0,
        unit_price=Money(cost.minor // quantity, currency),
        total=total,
        tax=_sum(rows(line, "taxes"), currency),
    )


def _total(line: Payload, currency: str) -> Money:
    """What the buyer pays for the goods: the line's total less its delivery."""
    delivery = part(line, "deliveryCost")
    parts = ("shippingCost", "handlingCost", "importCharges", "shippingIntermediationFee")
    paid = total_of((money(delivery, name, currency) for name in parts), currency)
    return money(line, "total") - paid + money(delivery, "discountAmount", currency)


def _came_back(line: Payload, payload: Payload, quantity: int) -> int:
    """Units given back. eBay's refunds have amounts and no units: only one of a whole line says how many, a part of it
    may as well be a kindness."""
    currency = money(line, "total").currency
    refunded = _sum(rows(line, "refunds"), currency)
    whole = refunded.minor > 0 and refunded >= _total(line, currency)
    everything = text(payload, "orderPaymentStatus") == "FULLY_REFUNDED"
    return quantity if is_cancelled(payload) or whole or everything else 0


def _given_back(payload: Payload) -> list[Payload]:
    """Refunds done or under way; a refund is carried out later, and may fail."""
    return [one for one in rows(part(payload, "paymentSummary"), "refunds") if text(one, "refundStatus") != "FAILED"]


def _shipping(payload: Payload, currency: str) -> Money:
    pricing = part(payload, "pricingSummary")
    # A discount is told as a negative amount (PricingSummary.deliveryDiscount).
    return money(pricing, "deliveryCost", currency) + money(pricing, "deliveryDiscount", currency)


def _sum(found: Sequence[Payload], currency: str) -> Money:
    return total_of((money(one, "amount", currency) for one in found), currency)


def _ship_to(payload: Payload) -> tuple[Payload, Address | None]:
    steps = [part(one, "shippingStep") for one in rows(payload, "fulfillmentStartInstructions")]
    contact = next((part(step, "shipTo") for step in steps if step), {})
    place = part(contact, "contactAddress")
    if not place:
        return contact, None
    return contact, Address(
        name=text(contact, "fullName"),
        company=text(contact, "companyName"),
        line1=text(place, "addressLine1"),
        line2=text(place, "addressLine2"),
        city=text(place, "city"),
        region=text(place, "stateOrProvince"),
        postcode=text(place, "postalCode"),
        country=text(place, "countryCode"),
        phone=text(part(contact, "primaryPhone"), "phoneNumber"),
    )


def _buyer(payload: Payload, contact: Payload) -> Contact:
    """eBay redacts the buyer: name and address for old orders, the user name for some programs."""
    buyer = part(payload, "buyer")
    person = part(buyer, "buyerRegistrationAddress")
    return Contact(
        id=text(buyer, "username"),
        name=text(contact, "fullName") or text(person, "fullName"),
        email=text(contact, "email") or text(person, "email"),
        phone=text(part(contact, "primaryPhone"), "phoneNumber"),
    )


def _tracking(parcel: Payload) -> Tracking:
    return Tracking(number=text(parcel, "shipmentTrackingNumber"), carrier=text(parcel, "shippingCarrierCode"))
