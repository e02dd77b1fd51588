"""Orders as Square takes them: a mirror whose total is exact, its payment, fulfilment and cancellation. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

from bridge.contract.errors import Refused
from bridge.contract.ports import NewLine, NewOrder
from bridge.domain.money import Money
from bridge.domain.orders import Tracking
from connectors.square.order_mapping import MARK
from connectors.square.payload import Payload, rows, text

__all__ = ["SOURCE", "cancelled", "fulfilled", "mirror_body", "payment_body", "refund_shares"]

# The name our mirrors carry as their origin: SearchOrders can filter by it, which it cannot by reference_id.
SOURCE = "Commerce Bridge"
_REFERENCE, _NAME, _NOTE, _PHONE, _TRACKING, _CARRIER, _URL = 40, 512, 500, 17, 100, 50, 2000
_OVER = {"COMPLETED", "CANCELED", "FAILED"}
_MOST = 1_000_000


def mirror_body(order: NewOrder, location: str) -> dict[str, Any]:
    """Build the order. Prices include their tax, and no tax line is made: Square's tax lines are percentages only,
    and the channel that sold it keeps the tax record. Discounts and charges make the total exact."""
    if not 1 <= len(order.reference) <= _REFERENCE:
        raise Refused(
            f"the reference {order.reference!r} has {len(order.reference)} characters, Square takes {_REFERENCE}"
        )
    money = [order.total, order.shipping, *(part for line in order.lines for part in (line.unit_price, line.total))]
    if odd := sorted({found.currency for found in money} - {order.currency}):
        raise Refused(f"an order in {order.currency} has amounts in {', '.join(odd)}")
    rest = order.total - order.shipping - sum((line.total for line in order.lines), start=Money(0, order.currency))
    lines = [_line(at, line) for at, line in enumerate(order.lines)]
    charges = [_charge("Shipping", order.shipping), _charge("Adjustment", rest)]
    discounts = [_line_discount(at, line) for at, line in enumerate(order.lines)]
    discounts.append({"uid": "adjustment", "name": "Adjustment", "scope": "ORDER", **_fixed(rest.times(-1))})
    body = {
        "location_id": location,
        "reference_id": order.reference,
        "metadata": {MARK: order.reference},
        "source": {"name": SOURCE},
        "line_items": lines,
        "discounts": [entry for entry in discounts if entry["amount_money"]["amount"] > 0],
        "service_charges": [entry for entry in charges if entry["amount_money"]["amount"] > 0],
        "fulfillments": [_shipment(order)],
    }
    return {key: value for key, value in body.items() if value}


def payment_body(order: Payload, reference: str) -> dict[str, Any]:
    """Build the record of a payment that was taken elsewhere."""
    return {
        "source_id": "EXTERNAL",
        "idempotency_key": f"pay-{reference}",
        "amount_money": order["total_money"],
        "order_id": text(order, "id"),
        "location_id": text(order, "location_id"),
        "reference_id": reference,
        "external_details": {"type": "EXTERNAL", "source": SOURCE, "source_id": reference},
    }


def fulfilled(order: Payload, tracking: Sequence[Tracking], *, paid: bool) -> dict[str, Any]:
    """Build the sparse update that ships everything left. A fulfilment has one tracking number: several are joined."""
    details = {
        "tracking_number": ", ".join(parcel.number for parcel in tracking)[:_TRACKING],
        "carrier": next((parcel.carrier for parcel in tracking if parcel.carrier), "")[:_CARRIER],
        "tracking_url": next((parcel.url for parcel in tracking if parcel.url), "")[:_URL],
    }
    filled = {name: value for name, value in details.items() if value}
    parts = []
    for part in _open_parts(order):
        shipment = {"shipment_details": filled} if filled and text(part, "type") == "SHIPMENT" else {}
        parts.append({"uid": text(part, "uid"), "state": "COMPLETED", **shipment})
    return _update(order, parts, "COMPLETED" if paid else "")


def cancelled(order: Payload) -> dict[str, Any]:
    """Build the sparse update that cancels an open, unpaid order and its fulfilments."""
    parts = [{"uid": text(part, "uid"), "state": "CANCELED"} for part in _open_parts(order)]
    return _update(order, parts, "CANCELED")


def refund_shares(order: Payload, amount: Money) -> list[tuple[str, Money]]:
    """Spread an amount over the order's payments, in order; raises Refused where they do not cover it."""
    shares: list[tuple[str, Money]] = []
    left = amount.minor
    for tender in rows(order, "tenders"):
        share = min(left, int((tender.get("amount_money") or {}).get("amount") or 0))
        if share > 0:
            shares.append((text(tender, "payment_id") or text(tender, "id"), Money(share, amount.currency)))
            left -= share
    if left:
        raise Refused(f"the payments of order {text(order, 'id')} do not cover a refund of {amount}")
    return shares


def _update(order: Payload, parts: list[dict[str, Any]], state: str) -> dict[str, Any]:
    if not order.get("version"):
        raise Refused(f"order {text(order, 'id')} was made at the till: Square lets only the till change it")
    sparse: dict[str, Any] = {"location_id": text(order, "location_id"), "version": order["version"]}
    return sparse | ({"fulfillments": parts} if parts else {}) | ({"state": state} if state else {})


def _open_parts(order: Payload) -> Iterable[Payload]:
    return (part for part in rows(order, "fulfillments") if text(part, "state") not in _OVER)


def _line(at: int, line: NewLine) -> dict[str, Any]:
    if not 1 <= line.quantity <= _MOST or line.total.minor < 0:
        raise Refused(f"line {line.sku or line.title!r}: {line.quantity} for {line.total} cannot be an order line")
    body: dict[str, Any] = {
        "uid": f"line-{at}",
        "quantity": str(line.quantity),
        "base_price_money": _amount(_base(line)),
    }
    # A catalog line takes its name from the catalog; its price here overrides the catalog's.
    body |= {"catalog_object_id": line.variant_id} if line.variant_id else {"name": (line.title or line.sku)[:_NAME]}
    if _over(line).minor > 0:
        body["applied_discounts"] = [{"discount_uid": f"discount-{at}"}]
    return body


def _base(line: NewLine) -> Money:
    """Return the unit price, or the lowest whole one that covers the line's total (tax on top, uneven division)."""
    least = -(-line.total.minor // line.quantity)
    return Money(max(least, line.unit_price.minor), line.total.currency)


def _over(line: NewLine) -> Money:
    return _base(line).times(line.quantity) - line.total


def _line_discount(at: int, line: NewLine) -> dict[str, Any]:
    return {"uid": f"discount-{at}", "name": "Discount", "scope": "LINE_ITEM", **_fixed(_over(line))}


def _fixed(amount: Money) -> dict[str, Any]:
    return {"type": "FIXED_AMOUNT", "amount_money": _amount(amount)}


def _charge(name: str, amount: Money) -> dict[str, Any]:
    return {"uid": name.lower(), "name": name, "amount_money": _amount(amount), "calculation_phase": "TOTAL_PHASE"}


def _amount(amount: Money) -> dict[str, Any]:
    return {"amount": amount.minor, "currency": amount.currency}


def _shipment(order: NewOrder) -> dict[str, Any]:
    to, who = order.ship_to, order.customer
    recipient: dict[str, Any] = {"display_name": (to and to.name) or (who and who.name) or order.reference}
    if phone := (to and to.phone) or (who and who.phone) or "":
        recipient |= {"phone_number": phone} if len(phone) <= _PHONE else {}
    if who and who.email:
        recipient["email_address"] = who.email[:255]
    if to:
        address = {
            "address_line_1": to.line1,
            "address_line_2": ", ".join(filter(None, (to.line2, to.company))),
            "locality": to.city,
            "administrative_district_level_1": to.region,
            "postal_code": to.postcode,
            "country": to.country,
        }
        recipient["address"] = {name: value for name, value in address.items() if value}
    note = {"shipping_note": order.note[:_NOTE]} if order.note else {}
    return {"type": "SHIPMENT", "state": "PROPOSED", "shipment_details": {"recipient": recipient, **note}}
