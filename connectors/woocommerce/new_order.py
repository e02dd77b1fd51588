"""An order of another channel as a WooCommerce order: the same total to the cent, and stock moved once per unit."""

from collections.abc import Iterable
from typing import Any

from bridge.contract.errors import Refused
from bridge.contract.ports import NewLine, NewOrder
from bridge.domain.money import Money
from bridge.domain.orders import Address, Contact
from connectors.woocommerce.mapping import MOST
from connectors.woocommerce.order_mapping import CREATED_VIA

__all__ = ["new_order"]


def new_order(order: NewOrder, *, status_paid: str) -> dict[str, Any]:
    """Return the body that creates it; raises Refused naming what cannot be expressed.

    Lines carry what the buyer paid, tax included, and the order is marked exempt: the channel that sold it accounts for
    the tax, and WooCommerce would otherwise put its own on top. What lines and shipping leave of the total (a tip, a
    discount of the whole order) becomes a fee line. A line that the shop does not list becomes a fee line too, as an item
    needs a product (golden orders/141).
    """
    for line in order.lines:
        _check(line, order)
    body: dict[str, Any] = {
        "created_via": CREATED_VIA,
        "transaction_id": order.reference,
        "currency": order.currency,
        "payment_method": CREATED_VIA,
        "payment_method_title": order.note or "Paid on another channel",
        "customer_note": order.note,
        "line_items": [_item(line) for line in order.lines if line.variant_id],
        "fee_lines": list(_fees(order)),
        "meta_data": [
            {"key": "is_vat_exempt", "value": "yes"},
            {"key": "_commerce_bridge_placed_at", "value": order.placed_at.isoformat()},
        ],
        **_people(order.customer, order.ship_to),
    }
    if order.shipping.minor:
        shipping = {"method_id": CREATED_VIA, "method_title": "Shipping", "total": order.shipping.decimal}
        body["shipping_lines"] = [shipping]
    # set_paid makes "processing" with a date of payment; the other statuses take the stock off when they are set.
    return body | ({"set_paid": True} if status_paid == "processing" else {"status": status_paid})


def _fees(order: NewOrder) -> Iterable[dict[str, Any]]:
    """Lines that the shop does not list, and what is left of the total."""
    rest = order.total - order.shipping
    for line in order.lines:
        rest = rest - line.total
        if not line.variant_id:
            yield _fee(_title(line), line.total)
    if rest.minor:
        yield _fee("Adjustment", rest)


def _check(line: NewLine, order: NewOrder) -> None:
    what = f"mirror {order.reference}: line {line.sku or line.title!r}"
    if type(line.quantity) is not int or not 1 <= line.quantity <= MOST:
        raise Refused(f"{what} has the quantity {line.quantity!r}; 1 to {MOST:,} whole units can be mirrored")
    if line.total.currency != order.currency:
        raise Refused(f"{what} is in {line.total.currency}, the order in {order.currency}")
    if line.variant_id is not None and not line.variant_id.isdecimal():
        raise Refused(f"{what}: {line.variant_id!r} is no product of WooCommerce", next_step="run `bridge link`")


def _item(line: NewLine) -> dict[str, Any]:
    # A variation's id is taken as product_id: the shop finds its parent itself (observed on 8.9 to 11.0).
    return {
        "product_id": int(line.variant_id or 0),
        "quantity": line.quantity,
        "subtotal": line.total.decimal,
        "total": line.total.decimal,
    }


def _fee(name: str, total: Money) -> dict[str, Any]:
    return {"name": name, "total": total.decimal, "tax_status": "none"}


def _title(line: NewLine) -> str:
    sku = f" ({line.sku})" if line.sku else ""
    return f"{line.quantity} x {line.title or 'Item'}{sku}"


def _people(customer: Contact | None, address: Address | None) -> dict[str, Any]:
    contact, place = customer or Contact(), address or Address()
    first, _, last = (place.name or contact.name).rpartition(" ")
    where = {
        "first_name": first or last,
        "last_name": last if first else "",
        "company": place.company,
        "address_1": place.line1,
        "address_2": place.line2,
        "city": place.city,
        "state": place.region,
        "postcode": place.postcode,
        "country": place.country,
        "phone": place.phone or contact.phone,
    }
    shipping = {name: text for name, text in where.items() if text}
    # An empty e-mail address is refused, a missing one is not.
    billing = shipping | ({"email": contact.email} if contact.email else {})
    return {name: part for name, part in (("billing", billing), ("shipping", shipping)) if part}
