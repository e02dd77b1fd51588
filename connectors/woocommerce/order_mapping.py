"""Order payloads as domain values.

What WooCommerce took off its own number stands on each line: `_reduced_stock` is what it took and has not put back,
`_restock_refunded_items` what refunds put back (recorded on 11.0.1: orders 108, 110, 111, 128).
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from bridge.domain.orders import Address, Contact, Order, OrderLine, OrderStatus, Tracking
from connectors.woocommerce.mapping import (
    MOST,
    Row,
    Unreadable,
    amount,
    identifier,
    meta,
    moment,
    money,
    need,
    text_of,
    whole,
)

__all__ = ["CREATED_VIA", "TRACKING", "is_draft", "needs_refunds", "order"]

CREATED_VIA = "commerce-bridge"
TRACKING = "_commerce_bridge_tracking"
# Where the shipment tracking plugins keep theirs.
_PLUGIN_TRACKING = "_wc_shipment_tracking_items"
_NONE, _NOBODY = Decimal(0), Contact()
_STATUS: dict[str, OrderStatus] = {
    "pending": "placed",
    "on-hold": "placed",
    "processing": "paid",
    "completed": "fulfilled",
    "cancelled": "cancelled",
    "failed": "cancelled",
    "trash": "cancelled",
}


def is_draft(row: Row) -> bool:
    """Say whether this is a basket at the checkout page, not an order (9.9 and older list them)."""
    return row.get("status") in {"checkout-draft", "auto-draft"}


def needs_refunds(row: Row) -> bool:
    """Say whether the order's refunds must be read to know which lines were refunded; "refunded" says all of them."""
    return bool(row.get("refunds")) and row.get("status") != "refunded"


def order(row: Row, refunds: Sequence[Row] = ()) -> Order:
    """Read an order with its refunds; raises Unreadable."""
    currency = text_of(row, "currency")
    updated, placed = moment(need(row, "date_modified_gmt")), moment(need(row, "date_created_gmt"))
    if not currency or updated is None or placed is None:
        raise Unreadable("currency, date_created_gmt or date_modified_gmt is empty")
    refunded = sum((abs(amount(one.get("total"), "a refund's total")) for one in row.get("refunds") or ()), _NONE)
    shipping = amount(row.get("shipping_total"), "shipping_total") + amount(row.get("shipping_tax"), "shipping_tax")
    ours, status = row.get("created_via") == CREATED_VIA, _status(row)
    return Order(
        id=identifier(need(row, "id")),
        number=str(row.get("number") or row["id"]),
        status=status,
        placed_at=placed,
        updated_at=updated,
        currency=currency,
        lines=tuple(_line(line, row, refunds, currency, status) for line in need(row, "line_items")),
        total=money(amount(need(row, "total"), "total"), currency),
        shipping=money(shipping, currency),
        refunded=money(refunded, currency),
        source=text_of(row, "created_via"),
        reference=(text_of(row, "transaction_id") or None) if ours else None,
        customer=_customer(row),
        ship_to=_address(row),
        codes=tuple(text_of(one, "code") for one in row.get("coupon_lines") or ()),
        tracking=_tracking(meta(row)),
    )


def _status(row: Row) -> OrderStatus:
    status = text_of(row, "status")
    if status == "refunded":
        return "fulfilled" if row.get("date_completed_gmt") else "cancelled"
    # A status of a plugin ("packed", "shipped-partly"): the date of payment is what the shop itself still knows.
    return _STATUS.get(status) or ("paid" if row.get("date_paid_gmt") else "placed")


def _line(line: Row, row: Row, refunds: Sequence[Row], currency: str, status: OrderStatus) -> OrderLine:
    line_id = identifier(need(line, "id"))
    quantity = _units(need(line, "quantity"), f"the quantity of line {line_id}")
    tax = amount(line.get("total_tax"), f"total_tax of line {line_id}")
    net, full = (
        amount(need(line, "total"), f"total of line {line_id}"),
        amount(line.get("subtotal"), f"subtotal of line {line_id}"),
    )
    total = net + tax
    notes, paid = meta(line), money(total, currency)
    return OrderLine(
        id=line_id,
        variant_id=identifier(line.get("variation_id")) or identifier(line.get("product_id")) or None,
        sku=text_of(line, "sku") or None,
        title=text_of(line, "name"),
        quantity=quantity,
        # Below zero where a line was edited to fewer units than its refunds had put back: the shop put more on than it took.
        held=_units(notes.get("_reduced_stock") or 0, f"_reduced_stock of line {line_id}", least=-MOST),
        refunded=quantity if row.get("status") == "refunded" else _refunded(line_id, refunds),
        restocked=_units(notes.get("_restock_refunded_items") or 0, f"_restock_refunded_items of line {line_id}"),
        fulfilled=quantity if status == "fulfilled" else 0,
        unit_price=paid if quantity == 1 else money(total / (quantity or 1), currency),
        total=paid,
        tax=money(tax, currency),
        # What a coupon took off; a price that somebody typed in moves both. Gift cards come from plugins, which do not say so.
        discounted=full > net,
    )


def _units(value: object, what: str, least: int = 0) -> int:
    units = whole(value, what)
    if units is None or not least <= units <= MOST:
        raise Unreadable(f"{what} is {value!r}; between {least:,} and {MOST:,} is what the bridge can keep count of")
    return units


def _refunded(line_id: str, refunds: Sequence[Row]) -> int:
    units = 0
    for refund in refunds:
        for line in refund.get("line_items") or ():
            if str(meta(line).get("_refunded_item_id")) == line_id:
                units += abs(whole(line.get("quantity"), f"the refunded quantity of line {line_id}") or 0)
    return units


def _customer(row: Row) -> Contact | None:
    billing = row.get("billing") or {}
    contact = Contact(
        id=identifier(row.get("customer_id")),
        name=_name(billing),
        email=text_of(billing, "email"),
        phone=text_of(billing, "phone"),
    )
    return contact if contact != _NOBODY else None


def _address(row: Row) -> Address | None:
    """Where it goes: the shipping address, the billing address where that is empty."""
    places = [place for place in (row.get("shipping"), row.get("billing")) if isinstance(place, dict)]
    place = next((one for one in places if any(text_of(one, part) for part in ("address_1", "city", "postcode"))), None)
    if place is None:
        return None
    return Address(
        name=_name(place),
        company=text_of(place, "company"),
        line1=text_of(place, "address_1"),
        line2=text_of(place, "address_2"),
        city=text_of(place, "city"),
        region=text_of(place, "state"),
        postcode=text_of(place, "postcode"),
        country=text_of(place, "country"),
        phone=text_of(place, "phone"),
    )


def _name(place: Row) -> str:
    return " ".join(part for part in (text_of(place, "first_name"), text_of(place, "last_name")) if part)


def _tracking(notes: Row) -> tuple[Tracking, ...]:
    found = [one for key in (TRACKING, _PLUGIN_TRACKING) for one in _entries(notes.get(key))]
    parcels = {
        text_of(one, "tracking_number"): Tracking(
            number=text_of(one, "tracking_number"),
            carrier=text_of(one, "tracking_provider") or text_of(one, "custom_tracking_provider"),
            url=text_of(one, "custom_tracking_link"),
        )
        for one in found
        if text_of(one, "tracking_number")
    }
    return tuple(parcels.values())


def _entries(value: object) -> list[Row]:
    entries = value.values() if isinstance(value, Mapping) else value
    return [one for one in entries if isinstance(one, Mapping)] if isinstance(entries, list | type({}.values())) else []
