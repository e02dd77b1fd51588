"""An Amazon order as its snapshot.

Amazon takes the units off when the order is placed, pending or not ("the quantity available for the listing is subtracted",
Seller Central help 200200040). A cancellation for the buyer's wish restores them, one for want of inventory does not
(amazonsellersupportblog.com, 2011-03). What is refunded, and what came back, the Orders API does not say.
"""

from bridge.domain.money import Money
from bridge.domain.orders import Address, Contact, Order, OrderLine, OrderStatus, Tracking
from bridge.wire.amounts import total_of
from bridge.wire.payload import Payload, count, moment, must, part, rows, text
from connectors.amazon.limits import DEFAULT
from connectors.amazon.payload import money

__all__ = ["order"]

_STATUS: dict[str, OrderStatus] = {
    "PENDING_AVAILABILITY": "placed", "PENDING": "placed", "UNFULFILLABLE": "placed", "UNSHIPPED": "paid",
    "PARTIALLY_SHIPPED": "paid", "SHIPPED": "fulfilled", "CANCELLED": "cancelled",
}  # fmt: skip


def order(payload: Payload, currency: str, warehouse: str) -> Order:
    """Read an order; `currency` is the marketplace's, for one that shows no amounts yet, `warehouse` the location of Amazon's."""
    fulfilment, proceeds = part(payload, "fulfillment"), part(payload, "proceeds")
    total = money(part(proceeds, "grandTotal"), currency)
    status = _STATUS.get(text(fulfilment, "fulfillmentStatus"), "placed")
    location = warehouse if text(fulfilment, "fulfilledBy") == "AMAZON" else DEFAULT
    items = rows(payload, "orderItems")
    return Order(
        id=must(payload, "orderId"), number=must(payload, "orderId"), status=status,
        placed_at=moment(payload, "createdTime"), updated_at=moment(payload, "lastUpdatedTime"), currency=total.currency,
        lines=tuple(_line(item, total.currency, location, cancelled=status == "cancelled") for item in items),
        total=total, shipping=total_of((_shipping(item, total.currency) for item in items), total.currency),
        refunded=Money(0, total.currency), source=text(part(payload, "salesChannel"), "channelName"),
        customer=_customer(part(payload, "buyer")), ship_to=_address(part(part(payload, "recipient"), "deliveryAddress")),
        tracking=tuple(_parcel(parcel) for parcel in rows(payload, "packages") if text(parcel, "trackingNumber")),
    )  # fmt: skip


def _line(item: Payload, currency: str, location: str, *, cancelled: bool) -> OrderLine:
    product, fulfilment = part(item, "product"), part(item, "fulfillment")
    quantity, shipped = count(item, "quantityOrdered"), fulfilment.get("quantityFulfilled") or 0
    execution = part(part(item, "cancellation"), "cancellationExecution")
    back = quantity if cancelled or execution else 0
    restored = back if not _keeps_units(text(execution, "cancelReason")) else 0
    return OrderLine(
        id=must(item, "orderItemId"), variant_id=text(product, "sellerSku") or None, sku=text(product, "sellerSku") or None,
        title=text(product, "title"), quantity=quantity, held=quantity - restored, refunded=back,
        # Units that a cancellation left off the number are gone or are not: that is the channel's policy to say.
        restocked=restored if restored == back else None,
        fulfilled=int(shipped), unit_price=money(part(part(product, "price"), "unitPrice"), currency),
        total=money(part(part(item, "proceeds"), "proceedsTotal"), currency) - _shipping(item, currency),
        tax=_kind(item, "TAX", currency) - _detail(item, "TAX", currency), location=location,
    )  # fmt: skip


def _keeps_units(reason: str) -> bool:
    return "noinventory" in "".join(letter for letter in reason.lower() if letter.isalpha())


def _shipping(item: Payload, currency: str) -> Money:
    """What of a line is for its shipping: the fee, its tax, and what was taken off it."""
    return _kind(item, "SHIPPING", currency) + _detail(item, "TAX", currency) + _detail(item, "DISCOUNT", currency)


def _kind(item: Payload, kind: str, currency: str) -> Money:
    found = (
        money(part(row, "subtotal"), currency)
        for row in rows(part(item, "proceeds"), "breakdowns")
        if row.get("type") == kind
    )
    return total_of(found, currency)


def _detail(item: Payload, kind: str, currency: str) -> Money:
    """Return what a breakdown of a kind says of shipping."""
    within = (row for row in rows(part(item, "proceeds"), "breakdowns") if row.get("type") == kind)
    details = (
        detail for row in within for detail in rows(row, "detailedBreakdowns") if detail.get("subtype") == "SHIPPING"
    )
    return total_of((money(part(detail, "value"), currency) for detail in details), currency)


def _parcel(parcel: Payload) -> Tracking:
    return Tracking(number=text(parcel, "trackingNumber"), carrier=text(parcel, "carrier"))


def _customer(buyer: Payload) -> Contact | None:
    name, email = text(buyer, "buyerName"), text(buyer, "buyerEmail")
    return Contact(name=name, email=email) if name or email else None


def _address(address: Payload) -> Address | None:
    if not address:
        return None
    return Address(
        name=text(address, "name"), company=text(address, "companyName"), line1=text(address, "addressLine1"),
        line2=text(address, "addressLine2"), city=text(address, "city"), region=text(address, "stateOrRegion"),
        postcode=text(address, "postalCode"), country=text(address, "countryCode"), phone=text(address, "phone"),
    )  # fmt: skip
