"""eBay's items, groups, offers and orders as domain values. Pure; payload dicts end here."""

from collections.abc import Sequence
from datetime import UTC, datetime

from bridge.domain.catalog import Level, Product, ProductStatus, StockKey, Variant
from bridge.domain.money import Money
from bridge.domain.orders import Address, Contact, Order, OrderLine, OrderStatus, Tracking
from bridge.wire.amounts import maybe_money, money, summed
from bridge.wire.payload import Odd, Payload, count, moment, names, need, part, rows, text, units
from bridge.wire.weights import grams

__all__ = ["CODES", "GROUP", "ITEM", "OFFER", "group_of", "is_cancelled", "level", "order", "products", "selling"]

ITEM, GROUP, OFFER = "item:", "group:", "offer:"
CODES = ("ean", "upc", "isbn")
# eBay does not say when an item was changed.
_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)
_OVER = {"ENDED", "EBAY_ENDED"}
_PAID = {"PAID", "PARTIALLY_REFUNDED", "FULLY_REFUNDED"}
_DELIVERY = ("shippingCost", "handlingCost", "importCharges", "shippingIntermediationFee")


def group_of(item: Payload) -> str:
    """Return the group that an item is a variation of; "" for none."""
    return next(iter([*names(item, "groupIds"), *names(item, "inventoryItemGroupKeys")]), "")


def level(item: Payload, as_of: datetime) -> Level:
    """Read an item's number; None where none was ever set."""
    place = part(part(item, "availability"), "shipToLocationAvailability")
    return Level(key=StockKey(str(need(item, "sku"))), quantity=units(place, "quantity"), as_of=as_of)


def selling(offers: Sequence[Payload], marketplace: str) -> Payload:
    """Return the fixed-price offer of our site, the one that our number and price are about; empty where there is none."""
    ours = (one for one in offers if text(one, "format") != "AUCTION" and text(one, "marketplaceId") == marketplace)
    return next(ours, {})


def products(family: Payload, marketplace: str) -> list[Product]:
    """Read what an item without a group, or a `group`, is: its `id` and its `items` in order, each with its `offers`.

    It is no product if all its listings have ended; further offers of a SKU (an auction, another site) are products of their own, so
    that a SKU listed twice is found to be so.
    """
    members = [(item, selling(rows(item, "offers"), marketplace)) for item in rows(family, "items")]
    alive = [(item, offer) for item, offer in members if not _is_over(offer)]
    others = [(item, one) for item, offer in members for one in rows(item, "offers") if one is not offer]
    main = [_main(family, alive)] if alive else []
    return main + [_further(item, one) for item, one in others if not _is_over(one)]


def is_cancelled(payload: Payload) -> bool:
    """Tell whether the cancellation is through; one that is asked for (IN_PROGRESS) may yet be refused."""
    return text(part(payload, "cancelStatus"), "cancelState") == "CANCELED"


def order(payload: Payload) -> Order:
    """Read an order with its parcels, `fulfillments`.

    Sites with another currency than the seller's give amounts in both; `convertedFrom...` is what the buyer paid.
    eBay takes the units off the listing when they are bought, paid or not. Whether it puts them back when the order is
    cancelled or refunded it does not say: `restocked` is None then, and the channel's restock rule decides.
    """
    pricing, total = part(payload, "pricingSummary"), money(part(payload, "pricingSummary"), "total")
    steps = [part(one, "shippingStep") for one in rows(payload, "fulfillmentStartInstructions")]
    contact = next((part(step, "shipTo") for step in steps if step), {})
    # A refund is carried out later, and may fail.
    refunds = [one for one in rows(part(payload, "paymentSummary"), "refunds") if text(one, "refundStatus") != "FAILED"]
    return Order(
        id=str(need(payload, "orderId")),
        number=text(payload, "salesRecordReference") or text(payload, "orderId"),
        status=_order_status(payload),
        placed_at=moment(payload, "creationDate"),
        updated_at=moment(payload, "lastModifiedDate"),
        currency=total.currency,
        lines=tuple(_line(line, payload, total.currency) for line in rows(payload, "lineItems")),
        total=total,
        # A discount is told as a negative amount (PricingSummary.deliveryDiscount).
        shipping=summed([pricing], total.currency, "deliveryCost", "deliveryDiscount"),
        refunded=summed(refunds, total.currency, "amount"),
        source="eBay",
        customer=_buyer(payload, contact),
        ship_to=_address(contact),
        tracking=tuple(_tracking(one) for one in rows(payload, "fulfillments") if text(one, "shipmentTrackingNumber")),
    )


def _is_over(offer: Payload) -> bool:
    """Tell whether the listing has ended, by eBay's doing or the merchant's: nobody can buy there any more."""
    return text(part(offer, "listing"), "listingStatus") in _OVER


def _main(family: Payload, members: Sequence[tuple[Payload, Payload]]) -> Product:
    (item, offer), group = members[0], part(family, "group")
    about = group or part(item, "product")
    varying = tuple(text(one, "name") for one in rows(part(group, "variesBy"), "specifications"))
    # An offer's own description is the listing's; without one it is the item's, a group's always its own.
    own = "" if group else text(offer, "listingDescription")
    return Product(
        id=text(family, "id"),
        title=text(about, "title"),
        description=own or text(about, "description"),
        status=_status([offer for _, offer in members]),
        images=tuple(names(about, "imageUrls")),
        options=varying,
        variants=tuple(_variant(item, offer, varying) for item, offer in members),
        updated_at=_UNKNOWN,
    )


def _further(item: Payload, offer: Payload) -> Product:
    identity, title = OFFER + str(need(offer, "offerId")), text(part(item, "product"), "title")
    pricing = part(offer, "pricingSummary")
    price = maybe_money(pricing, "price") or maybe_money(pricing, "auctionStartPrice")
    variant = Variant(id=identity, sku=text(item, "sku"), price=price)
    return Product(id=identity, title=title, status=_status([offer]), variants=(variant,), updated_at=_UNKNOWN)


def _status(offers: Sequence[Payload]) -> ProductStatus:
    """Live is active; taken back or on hold is archived; never offered is a draft."""
    known = [(text(one, "status"), text(part(one, "listing"), "listingStatus")) for one in offers if one]
    if any(status == "PUBLISHED" and listing != "INACTIVE" for status, listing in known):
        return "active"
    return "archived" if known else "draft"


def _variant(item: Payload, offer: Payload, varying: Sequence[str]) -> Variant:
    sku, details, pricing = str(need(item, "sku")), part(item, "product"), part(offer, "pricingSummary")
    options = tuple((name, ", ".join(names(part(details, "aspects"), name))) for name in varying)
    weight = part(part(item, "packageWeightAndSize"), "weight")
    codes = (code for kind in CODES for code in names(details, kind))
    return Variant(
        id=sku,
        sku=sku,
        # Where a category wants a code and there is none, words say so ("Does not apply", Product.ean of sell_inventory).
        barcode=next((code for code in codes if code[:1].isdigit()), None),
        title=", ".join(value for _, value in options),
        price=maybe_money(pricing, "price"),
        compare_at=maybe_money(pricing, "originalRetailPrice"),
        weight_grams=grams(need(weight, "value"), text(weight, "unit")) if weight else None,
        options=options,
        stock_id=sku,
    )


def _order_status(payload: Payload) -> OrderStatus:
    if is_cancelled(payload):
        return "cancelled"
    if text(payload, "orderFulfillmentStatus") == "FULFILLED":
        return "fulfilled"
    return "paid" if text(payload, "orderPaymentStatus") in _PAID else "placed"


def _line(line: Payload, payload: Payload, currency: str) -> OrderLine:
    quantity, delivery = count(line, "quantity"), part(line, "deliveryCost")
    if quantity < 1:
        raise Odd(f"quantity {quantity} of line {text(line, 'lineItemId')} is none")
    # What the buyer pays for the goods: the line's total less its delivery.
    paid = money(line, "total") - summed([delivery], currency, *_DELIVERY) + money(delivery, "discountAmount", currency)
    back = _came_back(line, payload, paid, quantity)
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
        unit_price=Money(money(line, "lineItemCost").minor // quantity, currency),
        total=paid,
        tax=summed(rows(line, "taxes"), currency, "amount"),
    )


def _came_back(line: Payload, payload: Payload, paid: Money, quantity: int) -> int:
    """Units given back. eBay's refunds have amounts and no units: only one of a whole line says how many, a part of it
    may as well be a kindness."""
    refunded = summed(rows(line, "refunds"), paid.currency, "amount")
    whole = refunded.minor > 0 and refunded >= paid
    everything = text(payload, "orderPaymentStatus") == "FULLY_REFUNDED"
    return quantity if is_cancelled(payload) or whole or everything else 0


def _address(contact: Payload) -> Address | None:
    place = part(contact, "contactAddress")
    if not place:
        return None
    return Address(
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
