"""Etsy's receipts as domain values. Pure; payload dicts end here."""

from collections.abc import Iterable
from datetime import datetime

from bridge.domain.money import Money
from bridge.domain.orders import Address, Contact, Order, OrderLine, OrderStatus, Tracking
from bridge.wire.amounts import shares, total_of
from bridge.wire.payload import Payload, count, need, rows, text
from bridge.wire.tables import Carriers, table
from connectors.etsy.identity import name_of
from connectors.etsy.payload import moment, money

__all__ = ["CARRIERS", "OTHER", "changed", "order"]

OTHER = "other"
CARRIERS = Carriers(table(__package__, "carriers"), other=OTHER)
_PERSONALIZED = 54


def order(receipt: Payload) -> Order:
    """Read a receipt.

    Etsy takes the units at the purchase and does not put them back when an order is cancelled or refunded (help.etsy.com
    115015587347 for a sold-out item): `held` stays, and what was given back is left to the channel's restock policy. Refunds are
    amounts without lines; "fully refunded" alone says nothing about goods. A line's share of coupons and taxes is computed, since
    Etsy tells both for the whole receipt.
    """
    total, currency = money(receipt, "grandtotal"), str(money(receipt, "grandtotal").currency)
    shipping = money(receipt, "total_shipping_cost", currency) + money(receipt, "gift_wrap_price", currency)
    tax = money(receipt, "total_tax_cost", currency) + money(receipt, "total_vat_cost", currency)
    lines = rows(receipt, "transactions")
    weights = [money(one, "price").minor * count(one, "quantity") for one in lines]
    totals, taxes = shares((total - shipping).minor, weights), shares(tax.minor, weights)
    return Order(
        id=str(count(receipt, "receipt_id")),
        number=str(count(receipt, "receipt_id")),
        status=_status(receipt),
        placed_at=moment(receipt, "created_timestamp", "create_timestamp"),
        updated_at=changed(receipt),
        currency=currency,
        lines=tuple(
            _line(one, receipt, Money(part, currency), Money(taxed, currency))
            for one, part, taxed in zip(lines, totals, taxes, strict=True)
        ),
        total=total,
        shipping=shipping,
        refunded=total_of((money(one, "amount") for one in rows(receipt, "refunds")), currency),
        source="etsy",
        customer=_customer(receipt),
        ship_to=_address(receipt) if text(receipt, "first_line") or text(receipt, "zip") else None,
        tracking=tuple(_tracking(receipt)),
    )


def changed(receipt: Payload) -> datetime:
    """Return when a receipt was changed last."""
    return moment(receipt, "updated_timestamp", "update_timestamp")


def _status(receipt: Payload) -> OrderStatus:
    if text(receipt, "status").lower() in {"canceled", "cancelled"}:
        return "cancelled"
    if receipt.get("is_shipped"):
        return "fulfilled"
    return "paid" if receipt.get("is_paid") else "placed"


def _line(one: Payload, receipt: Payload, total: Money, tax: Money) -> OrderLine:
    quantity, digital = count(one, "quantity"), bool(one.get("is_digital"))
    back = quantity if _status(receipt) == "cancelled" else 0
    return OrderLine(
        id=str(count(one, "transaction_id")),
        variant_id=_variant(one),
        sku=text(one, "sku") or None,
        title=text(one, "title"),
        quantity=quantity,
        held=0 if digital else quantity,
        refunded=0 if digital else back,
        restocked=None if back and not digital else 0,
        fulfilled=quantity if receipt.get("is_shipped") else 0,
        unit_price=money(one, "price"),
        total=total,
        tax=tax,
    )


def _variant(one: Payload) -> str | None:
    """Name what was bought as the catalogue does. Old receipts have no `product_data`, but tell the buyer's choices."""
    if one.get("listing_id") is None:
        return None
    identity = str(count(one, "listing_id"))
    if data := rows(one, "product_data"):
        return name_of(identity, data)
    chosen = [
        {"property_id": need(choice, "property_id"), "value_ids": [choice["value_id"]]}
        for choice in rows(one, "variations")
        if choice.get("value_id") is not None and choice.get("property_id") != _PERSONALIZED
    ]
    return name_of(identity, chosen)


def _customer(receipt: Payload) -> Contact | None:
    contact = Contact(id=text(receipt, "buyer_user_id"), name=text(receipt, "name"), email=text(receipt, "buyer_email"))
    return contact if contact != Contact() else None


def _address(receipt: Payload) -> Address:
    return Address(
        name=text(receipt, "name"),
        line1=text(receipt, "first_line"),
        line2=text(receipt, "second_line"),
        city=text(receipt, "city"),
        region=text(receipt, "state"),
        postcode=text(receipt, "zip"),
        country=text(receipt, "country_iso"),
    )


def _tracking(receipt: Payload) -> Iterable[Tracking]:
    for one in rows(receipt, "shipments"):
        if code := text(one, "tracking_code"):
            yield Tracking(number=code, carrier=CARRIERS.name(text(one, "carrier_name")))
