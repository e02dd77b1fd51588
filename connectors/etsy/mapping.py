"""Etsy's listings and receipts as domain values, and the names by which we know them. Pure; payload dicts end here.

Names last. Etsy's product ids are new after every inventory write, so a product is known by what it is. A variation is its listing and
its property values ("1234:513=5001"), by the values' ids, which one text of one property keeps. A number is its listing and the values
of those properties by which quantities differ: the others share it.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from bridge.domain.catalog import Level, Product, ProductStatus, StockKey, Variant
from bridge.domain.money import Money
from bridge.domain.orders import Address, Contact, Order, OrderLine, OrderStatus, Tracking
from bridge.wire.amounts import shares, total_of
from bridge.wire.payload import Odd, Payload, count, epoch, need, part, rows, text
from bridge.wire.tables import Carriers, table

__all__ = ["CARRIERS", "OTHER", "Record", "changed", "levels", "listing_of", "order", "product", "writable"]

OTHER = "other"
CARRIERS = Carriers(table(__package__, "carriers"), other=OTHER)
_PERSONALIZED = 54
_ON = ("price", "quantity", "sku", "readiness_state")
_VALUE = ("property_id", "value_ids", "scale_id", "property_name", "values")
_NAME = re.compile(r"([1-9][0-9]{0,18})(:.+)?")
_STATES: Mapping[str, ProductStatus] = {
    "active": "active", "sold_out": "active", "inactive": "archived", "expired": "archived", "draft": "draft",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A listing with its inventory, as read at `at`."""

    listing: Payload
    inventory: Payload
    at: datetime

    @property
    def identity(self) -> str:
        """The listing's id."""
        return str(count(self.listing, "listing_id"))

    @property
    def state(self) -> str:
        """The listing's state, in Etsy's words."""
        return text(self.listing, "state")

    @property
    def asleep(self) -> bool:
        """Whether it was sold out, by buyers or by a write, or closed: nobody can buy it, whatever its record says."""
        return self.state == "sold_out" or _is_closed(self.listing, self.inventory)

    @property
    def digital(self) -> bool:
        """Whether it is a download, which is not counted."""
        return text(self.listing, "listing_type") == "download"

    @property
    def expired(self) -> bool:
        """Whether the time that was paid for is over."""
        ends = self.listing.get("ending_timestamp")
        over = not isinstance(ends, int) or ends <= self.at.timestamp()
        return self.state == "expired" or (self.state == "inactive" and over)

    def names(self) -> list[str]:
        """Name the variation that each product is, in their order."""
        return [_name_of(self.identity, rows(one, "property_values")) for one in _products(self.inventory)]

    def numbers(self) -> list[str]:
        """Name the number that each product has, in their order."""
        return [number for number, _ in _numbered(self.identity, self.inventory)]


def product(listing: Payload) -> Product:
    """Read a listing with its inventory (`includes=Inventory,Images`)."""
    identity, inventory = str(count(listing, "listing_id")), part(listing, "inventory")
    variants = tuple(_variant(identity, one, inventory) for one in _products(inventory))
    if not variants:
        raise Odd("the listing has no inventory record: save its stock once on Etsy")
    return Product(
        id=identity,
        title=str(need(listing, "title")),
        description=text(listing, "description"),
        status=_status(listing, inventory),
        images=tuple(str(url) for image in rows(listing, "images") if (url := image.get("url_fullxfull"))),
        options=tuple(dict.fromkeys(name for own in variants for name, _ in own.options)),
        tags=tuple(str(tag) for tag in listing.get("tags") or ()),
        variants=variants,
        updated_at=changed(listing),
    )


def levels(record: Record) -> list[Level]:
    """Read a listing's numbers, one per group of products that share it: what can be bought, or could be if it were on sale.

    A sold-out listing offers nothing, whatever its record says (etsy/open-api issue 247), nor does one that was taken out with
    the one unit that Etsy wants left in it. A download is not counted.
    """
    asleep, found = record.asleep, dict[str, int | None]()
    for number, one in _numbered(record.identity, record.inventory):
        quantity = 0 if asleep else count(_offering(one), "quantity")
        found[number] = None if record.digital else quantity
    return [Level(key=StockKey(number), quantity=quantity, as_of=record.at) for number, quantity in found.items()]


def writable(record: Record, profile: int) -> dict[str, Any]:
    """Write an inventory as it was read, to be changed and put; `profile` where Etsy tells no processing profile.

    What an answer has and a request may not have (ids, `is_deleted`, `scale_name`, a price as an object) is left out: etsy/open-api
    issue 159, developers.etsy.com/documentation/tutorials/listings.
    """
    products = [_writable(one, profile) for one in _products(record.inventory)]
    return {"products": products, **{f"{name}_on_property": _on(record.inventory, name) for name in _ON}}


def order(receipt: Payload) -> Order:
    """Read a receipt.

    Etsy takes the units at the purchase and does not put them back when an order is cancelled or refunded (help.etsy.com
    115015587347 for a sold-out item): `held` stays, and what was given back is left to the channel's restock policy. Refunds are
    amounts without lines; "fully refunded" alone says nothing about goods. A line's share of coupons and taxes is computed, since
    Etsy tells both for the whole receipt.
    """
    total, currency = _money(receipt, "grandtotal"), str(_money(receipt, "grandtotal").currency)
    shipping = _money(receipt, "total_shipping_cost", currency) + _money(receipt, "gift_wrap_price", currency)
    tax = _money(receipt, "total_tax_cost", currency) + _money(receipt, "total_vat_cost", currency)
    lines = rows(receipt, "transactions")
    weights = [_money(one, "price").minor * count(one, "quantity") for one in lines]
    totals, taxes = shares((total - shipping).minor, weights), shares(tax.minor, weights)
    return Order(
        id=str(count(receipt, "receipt_id")),
        number=str(count(receipt, "receipt_id")),
        status=_order_status(receipt),
        placed_at=epoch(receipt, "created_timestamp", "create_timestamp"),
        updated_at=changed(receipt),
        currency=currency,
        lines=tuple(
            _line(one, receipt, Money(part, currency), Money(taxed, currency))
            for one, part, taxed in zip(lines, totals, taxes, strict=True)
        ),
        total=total,
        shipping=shipping,
        refunded=total_of((_money(one, "amount") for one in rows(receipt, "refunds")), currency),
        source="etsy",
        customer=_customer(receipt),
        ship_to=_address(receipt) if text(receipt, "first_line") or text(receipt, "zip") else None,
        tracking=tuple(_tracking(receipt)),
    )


def changed(record: Payload) -> datetime:
    """Return when a listing or a receipt was changed last; both have a second name for it."""
    return epoch(record, "updated_timestamp", "update_timestamp", "last_modified_timestamp")


def listing_of(name: str) -> str:
    """Return the listing that a name belongs to, "" where it is no name of ours."""
    match = _NAME.fullmatch(name)
    return match[1] if match else ""


def _status(listing: Payload, inventory: Payload) -> ProductStatus:
    state = text(listing, "state")
    if state not in _STATES:
        raise Odd(f"state {state!r} is unknown")
    return "active" if state == "inactive" and _is_closed(listing, inventory) else _STATES[state]


def _variant(identity: str, one: Payload, inventory: Payload) -> Variant:
    values = rows(one, "property_values")
    named = [(text(value, "property_name") or text(value, "property_id"), _words(value)) for value in values]
    options = tuple((name, ", ".join(words)) for name, words in named)
    return Variant(
        id=_name_of(identity, values),
        sku=text(one, "sku") or None,
        title=" / ".join(value for _, value in options),
        price=_money(_offering(one), "price"),
        options=options,
        stock_id=_name_of(identity, values, _on(inventory, "quantity")),
    )


def _writable(one: Payload, profile: int) -> dict[str, Any]:
    known = _offering(one)
    price = part(known, "price")
    offered = {
        "price": count(price, "amount") / (count(price, "divisor") or 1),
        "quantity": count(known, "quantity"),
        "is_enabled": bool(known.get("is_enabled")),
        "readiness_state_id": known.get("readiness_state_id") or profile or None,
    }
    values = [{name: value.get(name) for name in _VALUE} for value in rows(one, "property_values")]
    return {"sku": text(one, "sku"), "property_values": values, "offerings": [offered]}


def _name_of(listing: str, values: Sequence[Payload], properties: Collection[int] | None = None) -> str:
    """Name what a product is by its values of some properties (None: all); a listing without variations is its own."""
    told = {count(one, "property_id"): _value(one) for one in values}
    parts = [f"{one}={told[one]}" for one in sorted(told) if properties is None or one in properties]
    return f"{listing}:{';'.join(parts)}" if parts else listing


def _numbered(listing: str, inventory: Payload) -> list[tuple[str, Payload]]:
    """Return an inventory's products, each with the name of the number that it has."""
    properties = _on(inventory, "quantity")
    return [(_name_of(listing, rows(one, "property_values"), properties), one) for one in _products(inventory)]


def _products(inventory: Payload) -> list[Payload]:
    """Return the products that were not deleted."""
    return [one for one in rows(inventory, "products") if not one.get("is_deleted")]


def _offering(one: Payload) -> Payload:
    """Return the offering of a product: Etsy gives each one."""
    for found in rows(one, "offerings"):
        if not found.get("is_deleted"):
            return found
    raise Odd(f"product {one.get('product_id')} has no offering")


def _on(inventory: Payload, what: str) -> list[int]:
    """Return the properties by which prices, quantities, SKUs or processing profiles differ."""
    return [one for one in inventory.get(f"{what}_on_property") or () if isinstance(one, int)]


def _is_closed(listing: Payload, inventory: Payload) -> bool:
    """Tell whether a listing that is not on sale has no more than the unit in it that Etsy insists on."""
    if text(listing, "state") not in {"inactive", "draft"}:
        return False
    offered = {number: _offering(one) for number, one in _numbered("", inventory) if _offering(one).get("is_enabled")}
    return sum(count(one, "quantity") for one in offered.values()) <= 1


def _money(payload: Payload, name: str, currency: str = "") -> Money:
    """Read an Etsy Money ({amount, divisor, currency_code}); 0 of `currency` where it is absent and a currency is given."""
    if payload.get(name) is None and currency:
        return Money(0, currency)
    value = part(payload, name)
    divisor = count(value, "divisor") or 1
    return Money.parse(str(Decimal(count(value, "amount")) / divisor), str(need(value, "currency_code")))


def _words(value: Payload) -> list[str]:
    words = value.get("values") or []
    return list(map(str, words)) if isinstance(words, list) else []


def _value(value: Payload) -> str:
    ids = value.get("value_ids") or []
    if isinstance(ids, list) and ids and all(isinstance(one, int) for one in ids):
        return ".".join(map(str, ids))
    if not (words := _words(value)):
        raise Odd(f"property {value.get('property_id')} has no value")
    return ".".join(quote(one, safe="") for one in words)


def _order_status(receipt: Payload) -> OrderStatus:
    if text(receipt, "status").lower() in {"canceled", "cancelled"}:
        return "cancelled"
    if receipt.get("is_shipped"):
        return "fulfilled"
    return "paid" if receipt.get("is_paid") else "placed"


def _line(one: Payload, receipt: Payload, total: Money, tax: Money) -> OrderLine:
    quantity = count(one, "quantity")
    held = 0 if one.get("is_digital") else quantity
    back = held if _order_status(receipt) == "cancelled" else 0
    return OrderLine(
        id=str(count(one, "transaction_id")),
        variant_id=_bought(one),
        sku=text(one, "sku") or None,
        title=text(one, "title"),
        quantity=quantity,
        held=held,
        refunded=back,
        restocked=None if back else 0,
        fulfilled=quantity if receipt.get("is_shipped") else 0,
        unit_price=_money(one, "price"),
        total=total,
        tax=tax,
    )


def _bought(one: Payload) -> str | None:
    """Name what was bought as the catalogue does. Old receipts have no `product_data`, but tell the buyer's choices."""
    if one.get("listing_id") is None:
        return None
    identity = str(count(one, "listing_id"))
    if data := rows(one, "product_data"):
        return _name_of(identity, data)
    chosen = [
        {"property_id": need(choice, "property_id"), "value_ids": [choice["value_id"]]}
        for choice in rows(one, "variations")
        if choice.get("value_id") is not None and choice.get("property_id") != _PERSONALIZED
    ]
    return _name_of(identity, chosen)


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
