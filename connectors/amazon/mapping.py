"""Amazon's JSON as values: a listing as a product and the number it shows, an order as its snapshot. Pure.

A SKU is a listing, and a listing is a product of one variant: Amazon's variation parents cannot be bought and are left out.

Amazon takes the units off when an order is placed, pending or not ("the quantity available for the listing is subtracted",
Seller Central help 200200040). A cancellation for the buyer's wish restores them, one for want of inventory does not
(amazonsellersupportblog.com, 2011-03). What is refunded, and what came back, the Orders API does not say.
"""

from collections.abc import Sequence
from datetime import datetime

from bridge.contract.feed import Page
from bridge.domain.catalog import Level, Product, StockKey, Variant
from bridge.domain.money import Money
from bridge.domain.orders import Address, Contact, Order, OrderLine, OrderStatus, Tracking
from bridge.wire.amounts import total_of
from bridge.wire.feeds import page_of
from bridge.wire.payload import Payload, count, first, moment, must, names, part, rows, text, units
from connectors.amazon.limits import DEFAULT

__all__ = ["BARCODE", "FBA", "IMAGES", "is_parent", "numbers", "order", "product", "stored"]

# What lies in Amazon's warehouse has a stock id of its own kind, so that no write can ever be made for it by mistake.
FBA = "fba:"
IMAGES = ("main_product_image_locator", *(f"other_product_image_locator_{number}" for number in range(1, 9)))
BARCODE = "externally_assigned_product_identifier"

_STATUS: dict[str, OrderStatus] = {
    "PENDING_AVAILABILITY": "placed", "PENDING": "placed", "UNFULFILLABLE": "placed", "UNSHIPPED": "paid",
    "PARTIALLY_SHIPPED": "paid", "SHIPPED": "fulfilled", "CANCELLED": "cancelled",
}  # fmt: skip


def product(item: Payload, currency: str, *, fba: bool) -> Product:
    """Read a listing. One that is neither buyable nor to be found is a draft: being sold out is no status of ours."""
    sku, summary, attributes = must(item, "sku"), first(item, "summaries"), part(item, "attributes")
    status = summary.get("status") or []
    return Product(
        id=sku, title=text(summary, "itemName") or _value(attributes, "item_name"),
        description=_value(attributes, "product_description"), status="active" if status else "draft",
        images=tuple(filter(None, (text(first(attributes, name), "media_location") for name in IMAGES))),
        variants=(_variant(item, attributes, currency, fba=fba),), updated_at=moment(summary, "lastUpdatedDate"),
        extra={"asin": text(summary, "asin"), "product_type": text(summary, "productType")},
    )  # fmt: skip


def numbers(items: Sequence[Payload], at: datetime) -> Page[Level]:
    """Read the merchant's own numbers; there is none where Amazon fulfils the listing, or nobody can buy it."""

    def level(item: Payload) -> Level | None:
        own = [row for row in rows(item, "fulfillmentAvailability") if text(row, "fulfillmentChannelCode") == DEFAULT]
        if not own or _by_amazon(item):
            return None
        return Level(key=StockKey(must(item, "sku"), DEFAULT), quantity=units(own[0], "quantity"), as_of=at)

    return page_of(items, level, at, "sku")


def stored(payload: Payload, at: datetime, warehouse: str) -> Page[Level]:
    """Read the numbers in Amazon's warehouses that can be sold."""

    def level(row: Payload) -> Level:
        key = StockKey(f"{FBA}{must(row, 'sellerSku')}", warehouse)
        return Level(key=key, quantity=units(part(row, "inventoryDetails"), "fulfillableQuantity"), as_of=at)

    return page_of(rows(part(payload, "payload"), "inventorySummaries"), level, at, "sellerSku")


def is_parent(item: Payload) -> bool:
    """Tell whether a listing only gathers others."""
    return any(row.get("childSkus") and text(row, "type") == "VARIATION" for row in _related(item))


def _value(attributes: Payload, name: str) -> str:
    """Return the value of an attribute's first row, "" where it has none."""
    return text(first(attributes, name), "value")


def _variant(item: Payload, attributes: Payload, currency: str, *, fba: bool) -> Variant:
    sku, options = must(item, "sku"), _options(item, attributes)
    return Variant(
        id=sku, sku=sku, barcode=_value(attributes, BARCODE) or None, title=" / ".join(told for _, told in options),
        price=_price(item, attributes, currency), options=options,
        stock_id=sku if not _by_amazon(item) else f"{FBA}{sku}" if fba else None,
    )  # fmt: skip


def _by_amazon(item: Payload) -> bool:
    """Tell whether Amazon fulfils a listing: wherever a channel of its own is named."""
    codes = {text(row, "fulfillmentChannelCode") for row in rows(item, "fulfillmentAvailability")}
    return bool(codes - {"", DEFAULT})


def _price(item: Payload, attributes: Payload, currency: str) -> Money | None:
    """The offer's price to consumers; an offer that is not on yet has it in its attributes only."""
    for offer in rows(item, "offers"):
        if text(offer, "offerType") == "B2C":
            return Money.parse(must(part(offer, "price"), "amount"), must(part(offer, "price"), "currencyCode"))
    offer = first(attributes, "purchasable_offer")
    schedule = first(first(offer, "our_price"), "schedule")
    if schedule.get("value_with_tax") is None:
        return None
    return Money.parse(str(schedule["value_with_tax"]), text(offer, "currency") or currency)


def _options(item: Payload, attributes: Payload) -> tuple[tuple[str, str], ...]:
    """The attributes by which the listing differs from its siblings."""
    themes = [part(row, "variationTheme") for row in _related(item) if row.get("parentSkus")]
    found = ((name, _value(attributes, name)) for name in (names(themes[0], "attributes") if themes else ()))
    return tuple((name, told) for name, told in found if told)


def _related(item: Payload) -> list[Payload]:
    return [row for place in rows(item, "relationships") for row in rows(place, "relationships")]


def order(payload: Payload, currency: str, warehouse: str) -> Order:
    """Read an order; `currency` is the marketplace's, for one that shows no amounts yet, `warehouse` the location of Amazon's."""
    fulfilment, proceeds = part(payload, "fulfillment"), part(payload, "proceeds")
    total = _money(part(proceeds, "grandTotal"), currency)
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
    product, sku = part(item, "product"), text(part(item, "product"), "sellerSku") or None
    quantity, execution = count(item, "quantityOrdered"), part(part(item, "cancellation"), "cancellationExecution")
    back = quantity if cancelled or execution else 0
    restored = back if not _keeps_units(text(execution, "cancelReason")) else 0
    return OrderLine(
        id=must(item, "orderItemId"), variant_id=sku, sku=sku,
        title=text(product, "title"), quantity=quantity, held=quantity - restored, refunded=back,
        # Units that a cancellation left off the number are gone or are not: that is the channel's policy to say.
        restocked=restored if restored == back else None,
        fulfilled=units(part(item, "fulfillment"), "quantityFulfilled") or 0,
        unit_price=_money(part(part(product, "price"), "unitPrice"), currency),
        total=_money(part(part(item, "proceeds"), "proceedsTotal"), currency) - _shipping(item, currency),
        tax=_kind(item, "TAX", currency) - _detail(item, "TAX", currency), location=location,
    )  # fmt: skip


def _keeps_units(reason: str) -> bool:
    return "noinventory" in "".join(letter for letter in reason.lower() if letter.isalpha())


def _shipping(item: Payload, currency: str) -> Money:
    """What of a line is for its shipping: the fee, its tax, and what was taken off it."""
    return _kind(item, "SHIPPING", currency) + _detail(item, "TAX", currency) + _detail(item, "DISCOUNT", currency)


def _kind(item: Payload, kind: str, currency: str) -> Money:
    """Return what the breakdowns of a kind come to."""
    return total_of((_money(part(row, "subtotal"), currency) for row in _breakdowns(item, kind)), currency)


def _detail(item: Payload, kind: str, currency: str) -> Money:
    """Return what a breakdown of a kind says of shipping."""
    details = [detail for row in _breakdowns(item, kind) for detail in rows(row, "detailedBreakdowns")]
    found = (part(detail, "value") for detail in details if detail.get("subtype") == "SHIPPING")
    return total_of((_money(value, currency) for value in found), currency)


def _breakdowns(item: Payload, kind: str) -> list[Payload]:
    return [row for row in rows(part(item, "proceeds"), "breakdowns") if row.get("type") == kind]


def _money(payload: Payload, currency: str) -> Money:
    """Read a Money object; nothing of `currency` where it is empty."""
    if not payload:
        return Money(0, currency)
    return Money.rounded(must(payload, "amount"), must(payload, "currencyCode"))


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
