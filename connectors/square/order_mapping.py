"""Square's order payloads as domain values. Pure; payload dicts end here."""

from collections.abc import Iterable, Mapping

from bridge.domain.money import Money
from bridge.domain.orders import Address, Contact, Order, OrderLine, OrderStatus, Tracking
from connectors.square.payload import Odd, Payload, moment, money, need, part, rows, text, units

__all__ = ["MARK", "is_paid", "order", "return_lines"]

# Where a mirrored order carries our key (metadata and reference_id); other programs use reference_id too.
MARK = "bridge_reference"
_NOBODY = Contact()
_OVER = {"COMPLETED", "CANCELED", "FAILED"}
_NOT_GIVEN_BACK = {"REJECTED", "FAILED"}
_IN_LINES = {"APPORTIONED_PERCENTAGE_PHASE", "APPORTIONED_AMOUNT_PHASE"}


def order(payload: Payload, restocked: Mapping[str, int]) -> Order:
    """Read an order.

    Square books a return as an order of its own: its returned goods become lines of negative quantity, held as
    `restocked` (units put back, by return line uid) says and None where it is silent; money given back without goods
    (CUSTOM_AMOUNT) is `refunded`. An order with a fraction of a unit in it cannot be expressed.
    """
    currency = _currency(payload)
    returned = list(return_lines(payload))
    goods = tuple(_returned(line, payload, currency, restocked) for line in returned if _is_goods(line))
    recipient = _recipient(payload)
    paid = text(payload, "state") != "CANCELED" and is_paid(payload)
    sources = [text(entry, "source_order_id") for entry in rows(payload, "returns")]
    return Order(
        id=str(need(payload, "id")),
        number=text(payload, "ticket_name"),
        status=_status(payload, paid=paid),
        placed_at=moment(payload, "created_at"),
        updated_at=moment(payload, "updated_at" if payload.get("updated_at") else "created_at"),
        currency=currency,
        lines=(*(_line(line, payload, currency, paid=paid) for line in rows(payload, "line_items")), *goods),
        total=sum((line.total for line in goods), start=money(payload, "total_money", currency)),
        shipping=_charges(payload, currency),
        refunded=_refunded(payload, returned, currency),
        source=text(part(payload, "source"), "name"),
        reference=text(part(payload, "metadata"), MARK) or None,
        returns=next(filter(None, sources), None),
        customer=_customer(payload, recipient),
        ship_to=_address(recipient) if recipient.get("address") else None,
        tracking=tuple(_tracking(payload)),
        version=text(payload, "version") or None,
    )


def return_lines(payload: Payload) -> Iterable[Payload]:
    """Walk the lines that an order takes back."""
    for entry in rows(payload, "returns"):
        yield from rows(entry, "return_line_items")


def is_paid(payload: Payload) -> bool:
    """Tell whether all of it is paid: from then on Square has taken the units off its number.

    Sources: developer.squareup.com/docs/app-marketplace/requirements/inventory-api ("when an order is fully paid for");
    an order with a fulfilment stays OPEN after that until it is fulfilled.
    """
    if text(payload, "state") == "COMPLETED":
        return True
    if not rows(payload, "tenders"):
        return False
    if payload.get("net_amount_due_money"):
        return money(payload, "net_amount_due_money").minor <= 0
    paid = sum(money(tender, "amount_money").minor for tender in rows(payload, "tenders"))
    return paid >= money(payload, "total_money").minor


def _status(payload: Payload, *, paid: bool) -> OrderStatus:
    state = str(need(payload, "state"))
    if state == "CANCELED":
        return "cancelled"
    parts = rows(payload, "fulfillments")
    sent = bool(parts) and all(text(found, "state") in _OVER for found in parts)
    if state == "COMPLETED" or (sent and paid):
        return "fulfilled"
    return "paid" if paid else "placed"


def _currency(payload: Payload) -> str:
    amounts = (part(payload, "net_amounts"), part(payload, "return_amounts"))
    for found in (payload.get("total_money"), *(entry.get("total_money") for entry in amounts)):
        if isinstance(found, Mapping) and found.get("currency"):
            return str(found["currency"])
    raise Odd("total_money is missing, so the order has no currency")


def _line(line: Payload, payload: Payload, currency: str, *, paid: bool) -> OrderLine:
    quantity = units(line)
    if quantity < 0:
        raise Odd(f"quantity {quantity} of line {text(line, 'uid')} is negative")
    uid, variant = str(need(line, "uid")), _variant_id(line)
    return OrderLine(
        id=uid,
        variant_id=variant,
        title=_title(line),
        quantity=quantity,
        held=_held(payload, quantity, paid=paid) if variant else 0,
        fulfilled=_fulfilled(payload, uid, quantity),
        unit_price=money(line, "base_price_money", currency),
        total=money(line, "total_money", currency),
        tax=money(line, "total_tax_money", currency),
        location=str(need(payload, "location_id")),
        discounted=_discounted(line, currency),
        gift_card=_gift_card(line),
    )


def _held(payload: Payload, quantity: int, *, paid: bool) -> int | None:
    """Return the units Square took; a cancelled order that had been paid says nothing about them."""
    if text(payload, "state") == "CANCELED":
        return None if rows(payload, "tenders") else 0
    return quantity if paid else 0


def _returned(line: Payload, payload: Payload, currency: str, restocked: Mapping[str, int]) -> OrderLine:
    quantity, uid = units(line), text(line, "uid")
    if quantity < 0:
        raise Odd(f"quantity {quantity} of return line {uid} is negative")
    back = restocked.get(uid) if _variant_id(line) else 0
    return OrderLine(
        id=uid,
        variant_id=_variant_id(line),
        title=_title(line),
        quantity=-quantity,
        held=None if back is None else -back,
        restocked=back,
        unit_price=money(line, "base_price_money", currency),
        total=money(line, "total_money", currency).times(-1),
        tax=money(line, "total_tax_money", currency).times(-1),
        location=str(need(payload, "location_id")),
        returned=text(line, "source_line_item_uid"),
        discounted=_discounted(line, currency),
        gift_card=_gift_card(line),
    )


def _discounted(line: Payload, currency: str) -> bool:
    return money(line, "total_discount_money", currency).minor > 0


def _gift_card(line: Payload) -> bool:
    return text(line, "item_type") == "GIFT_CARD"


def _is_goods(line: Payload) -> bool:
    return text(line, "item_type") != "CUSTOM_AMOUNT"


def _variant_id(line: Payload) -> str | None:
    return text(line, "catalog_object_id") or None if text(line, "item_type") in {"", "ITEM"} else None


def _title(line: Payload) -> str:
    return " ".join(filter(None, (text(line, "name"), text(line, "variation_name"))))


def _fulfilled(payload: Payload, uid: str, quantity: int) -> int:
    parts = rows(payload, "fulfillments")
    if not parts:
        return quantity if text(payload, "state") == "COMPLETED" else 0
    done = 0
    for shipped in (found for found in parts if text(found, "state") == "COMPLETED"):
        entries = rows(shipped, "entries")
        done += sum(units(entry) for entry in entries if text(entry, "line_item_uid") == uid) if entries else quantity
    return min(done, quantity)


def _charges(payload: Payload, currency: str) -> Money:
    """Sum the service charges that stand beside the lines; Square has no field for shipping, it is one of them."""
    return sum(
        (
            money(charge, "total_money", currency)
            for charge in rows(payload, "service_charges")
            if text(charge, "calculation_phase") not in _IN_LINES and text(charge, "type") != "AUTO_GRATUITY"
        ),
        start=Money(0, currency),
    )


def _refunded(payload: Payload, returned: list[Payload], currency: str) -> Money:
    """Sum money given back without goods; a return's own lines already carry the rest."""
    if returned:
        amounts = [money(line, "total_money", currency) for line in returned if not _is_goods(line)]
    else:
        given = [entry for entry in rows(payload, "refunds") if text(entry, "status") not in _NOT_GIVEN_BACK]
        amounts = [money(entry, "amount_money", currency) for entry in given]
    return sum(amounts, start=Money(0, currency))


def _recipient(payload: Payload) -> Payload:
    for entry in rows(payload, "fulfillments"):
        for kind in ("shipment_details", "delivery_details", "pickup_details"):
            if found := part(part(entry, kind), "recipient"):
                return found
    return {}


def _customer(payload: Payload, recipient: Payload) -> Contact | None:
    """Read who bought. A clerk may attach the buyer to the payment only (specification, `Tender.customer_id`)."""
    payers = (text(tender, "customer_id") for tender in rows(payload, "tenders"))
    contact = Contact(
        id=text(payload, "customer_id") or text(recipient, "customer_id") or next(filter(None, payers), ""),
        name=text(recipient, "display_name"),
        email=text(recipient, "email_address"),
        phone=text(recipient, "phone_number"),
    )
    return contact if contact != _NOBODY else None


def _address(recipient: Payload) -> Address:
    found = part(recipient, "address")
    return Address(
        name=text(recipient, "display_name"),
        line1=text(found, "address_line_1"),
        line2=text(found, "address_line_2"),
        city=text(found, "locality"),
        region=text(found, "administrative_district_level_1"),
        postcode=text(found, "postal_code"),
        country=text(found, "country"),
        phone=text(recipient, "phone_number"),
    )


def _tracking(payload: Payload) -> Iterable[Tracking]:
    for entry in rows(payload, "fulfillments"):
        details = part(entry, "shipment_details")
        if number := text(details, "tracking_number"):
            yield Tracking(number=number, carrier=text(details, "carrier"), url=text(details, "tracking_url"))
