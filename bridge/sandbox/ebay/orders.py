"""Orders as eBay keeps them: bought, paid, shipped, cancelled, refunded. Shapes: sell_fulfillment specification 1.20.6."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from bridge.sandbox.ebay.inventory import quantity
from bridge.sandbox.ebay.listings import available, follow_item, live
from bridge.sandbox.ebay.state import Json, State, digits, stamp

__all__ = ["buy", "cancel", "minor", "move", "pay", "refund", "ship", "shown", "total_of", "touch"]

_HOME = {
    "addressLine1": "1 Main Street", "city": "Springfield", "stateOrProvince": "IL", "postalCode": "12345", "countryCode": "US",
}  # fmt: skip


def minor(text: str | float | Decimal, currency: str) -> int:
    """Turn a decimal amount into minor units."""
    return int(Decimal(str(text)).scaleb(digits(currency)).to_integral_value())


def total_of(state: State, amount: Json) -> int:
    """Turn an Amount into minor units."""
    return minor(amount["value"], state.options.currency)


def sellable(state: State, sku: str) -> tuple[Json | None, int]:
    """Return the offer that sells a SKU and what it has left; (None, 0) where nothing is listed."""
    offer = next((one for one in state.offers_of(sku) if live(one) and one["format"] == "FIXED_PRICE"), None)
    return (offer, available(state, offer)) if offer else (None, 0)


def move(state: State, sku: str, units: int) -> None:
    """Change the number of an item, and of an offer that has one of its own: both fall by what is sold."""
    item = state.items.get(sku)
    if item is None:
        return
    place = item.setdefault("availability", {}).setdefault("shipToLocationAvailability", {})
    place["quantity"] = (quantity(item) or 0) + units
    for offer in state.offers_of(sku):
        if "availableQuantity" in offer:
            offer["availableQuantity"] += units
    follow_item(state, sku)


def buy(state: State, wanted: Sequence[tuple[str, int, int | None]], how: Json) -> Json:
    """Make an order of (sku, units, price each or None); eBay takes the units at once, paid or not."""
    number = state.number()
    lines = [_line(state, *one) for one in wanted]
    for (sku, units, _), line in zip(wanted, lines, strict=True):
        move(state, sku, -units)
        line["_offer"]["listing"]["soldQuantity"] += units
    placed = stamp(how.get("at") or state.now())
    order: Json = {
        "orderId": f"{number % 90 + 10:02d}-{number:05d}-{(number * 7919) % 90000 + 10000}",
        "creationDate": placed,
        "lastModifiedDate": stamp(state.now()),
        "orderFulfillmentStatus": "NOT_STARTED",
        "orderPaymentStatus": "PENDING",
        "sellerId": state.options.seller,
        "buyer": _buyer(how.get("customer") or {}),
        "cancelStatus": {"cancelState": "NONE_REQUESTED", "cancelRequests": []},
        "lineItems": lines,
        "fulfillmentStartInstructions": [_instruction(how.get("customer") or {})],
        "paymentSummary": {"payments": [], "refunds": []},
        "_discount": how.get("discount", 0),
        "_shipping": how.get("shipping", 0),
    }
    _price(state, order)
    state.orders[order["orderId"]] = order
    return order


def _line(state: State, sku: str, units: int, price: int | None) -> Json:
    offer, _ = sellable(state, sku)
    assert offer is not None
    each = total_of(state, offer["pricingSummary"]["price"]) if price is None else price
    return {
        "lineItemId": f"1000{state.number():09d}",
        "legacyItemId": offer["listing"]["listingId"],
        "sku": sku,
        "title": state.items[sku].get("product", {}).get("title", ""),
        "quantity": units,
        "soldFormat": "FIXED_PRICE",
        "listingMarketplaceId": state.site,
        "purchaseMarketplaceId": state.site,
        "lineItemFulfillmentStatus": "NOT_STARTED",
        "appliedPromotions": [],
        "taxes": [],
        "refunds": [],
        "properties": {"buyerProtection": True},
        "lineItemFulfillmentInstructions": _delivery(state),
        "_each": each,
        "_offer": offer,
    }


def _price(state: State, order: Json) -> None:
    """Share discount and shipping out over the lines, so that they add up to the unit."""
    lines = order["lineItems"]
    gross = [line["_each"] * line["quantity"] for line in lines]
    discount = min(order["_discount"], sum(gross))
    for line, cost, off, ship in zip(
        lines, gross, _shares(discount, gross), _shares(order["_shipping"], gross), strict=True
    ):
        line["lineItemCost"] = state.money(cost)
        if off:
            line["discountedLineItemCost"] = state.money(cost - off)
            line["appliedPromotions"] = [{"promotionId": "5001", "discountAmount": state.money(off)}]
        line["deliveryCost"] = {"shippingCost": state.money(ship)}
        line["total"] = state.money(cost - off + ship)
    total = sum(gross) - discount + order["_shipping"]
    order["pricingSummary"] = {
        "priceSubtotal": state.money(sum(gross)),
        **({"priceDiscount": state.money(-discount)} if discount else {}),
        "deliveryCost": state.money(order["_shipping"]),
        "total": state.money(total),
    }
    order["paymentSummary"]["totalDueSeller"] = state.money(total)
    order["totalFeeBasisAmount"] = state.money(total)
    if not order["paymentSummary"]["payments"]:
        order["paymentSummary"]["payments"] = [
            {"paymentMethod": "EBAY", "amount": state.money(total), "paymentStatus": "PENDING"}
        ]


def _shares(amount: int, weights: list[int]) -> list[int]:
    """Share an amount out in proportion; what is left over goes to the first ones."""
    whole = sum(weights)
    shares = [amount * weight // whole if whole else 0 for weight in weights]
    for at in range(amount - sum(shares)):
        shares[at % len(shares)] += 1
    return shares


def pay(state: State, order: Json) -> None:
    """The buyer's payment clears; ORDER_CONFIRMATION goes out once a line (its AsyncAPI document)."""
    order["orderPaymentStatus"] = "PAID"
    for payment in order["paymentSummary"]["payments"]:
        payment |= {"paymentStatus": "PAID", "paymentDate": stamp(state.now())}
    touch(state, order)
    for line in order["lineItems"]:
        state.tell("ORDER_CONFIRMATION", _event(state, order, line))


def _event(state: State, order: Json, line: Json) -> Json:
    rows = [{"orderLineItemId": line["lineItemId"], "listingId": line["legacyItemId"], "quantity": line["quantity"]}]
    user = {"userId": "seller-id", "username": state.options.seller}
    return {"user": user, "order": {"orderId": order["orderId"], "orderLineItems": rows}}


def ship(state: State, order: Json, lines: Sequence[Json], tracking: Json) -> str:
    """Put lines into a parcel; any unit of a line makes all of it FULFILLED (OrderFulfillmentStatus)."""
    parcels = state.parcels.setdefault(order["orderId"], [])
    parcel = {
        "fulfillmentId": tracking.get("number") or f"999{state.number():013d}",
        "lineItems": [{"lineItemId": line["lineItemId"], "quantity": line["quantity"]} for line in lines],
        "shippedDate": stamp(state.now()),
    }
    if tracking.get("number"):
        parcel |= {"shipmentTrackingNumber": tracking["number"], "shippingCarrierCode": tracking["carrier"]}
    parcels.append(parcel)
    for line in lines:
        line["lineItemFulfillmentStatus"] = "FULFILLED"
        state.tell("ITEM_MARKED_SHIPPED", _event(state, order, line))
    done = all(line["lineItemFulfillmentStatus"] == "FULFILLED" for line in order["lineItems"])
    order["orderFulfillmentStatus"] = "FULFILLED" if done else "IN_PROGRESS"
    touch(state, order)
    return str(parcel["fulfillmentId"])


def cancel(state: State, order: Json) -> None:
    """Cancel it: money goes back; the units do not, unless the option says so."""
    at = stamp(state.now())
    request = {
        "cancelInitiator": "Seller",
        "cancelReason": "OUT_OF_STOCK_OR_CANNOT_FULFILL",
        "cancelRequestState": "COMPLETED",
    }
    order["cancelStatus"] = {"cancelState": "CANCELED", "cancelledDate": at, "cancelRequests": [request]}
    if state.options.cancel_restocks:
        for line in order["lineItems"]:
            move(state, line["sku"], line["quantity"])
    if order["orderPaymentStatus"] in {"PAID", "PARTIALLY_REFUNDED"}:
        left = total_of(state, order["pricingSummary"]["total"]) - refunded(state, order)
        if left:
            refund(state, order, {}, left)
    touch(state, order)


def refunded(state: State, order: Json) -> int:
    """Return what was given back, or is on its way."""
    return sum(total_of(state, one["amount"]) for one in order["paymentSummary"]["refunds"])


def refund(state: State, order: Json, shares: dict[str, int], whole: int) -> str:
    """Start a refund: of lines (`shares` by line id), or of the order; it is PENDING for as long as the option says."""
    refund_id = str(5_000_000_000 + state.number())
    at = stamp(state.now())
    for line in order["lineItems"]:
        if share := shares.get(line["lineItemId"]):
            line["refunds"].append({"refundId": refund_id, "refundDate": at, "amount": state.money(share)})
    entry: Json = {"refundId": refund_id, "refundDate": at, "amount": state.money(whole)}
    entry["_done"] = state.now() + timedelta(seconds=state.options.refund_seconds)
    order["paymentSummary"]["refunds"].append(entry)
    full = refunded(state, order) >= total_of(state, order["pricingSummary"]["total"])
    order["orderPaymentStatus"] = "FULLY_REFUNDED" if full else "PARTIALLY_REFUNDED"
    touch(state, order)
    return refund_id


def touch(state: State, order: Json) -> None:
    """Note that it changed now."""
    order["lastModifiedDate"] = stamp(state.now())


def shown(state: State, order: Json, *, single: bool) -> Json:
    """Return the order as it is answered; a list leaves the cancel requests out (getOrders, its note)."""
    refunds = [_refund(state, one) for one in order["paymentSummary"]["refunds"]]
    status = order["cancelStatus"] if single else {**order["cancelStatus"], "cancelRequests": []}
    parcels = state.parcels.get(order["orderId"], ())
    path = f"/sell/fulfillment/v1/order/{order['orderId']}/shipping_fulfillment"
    visible = {name: value for name, value in order.items() if not name.startswith("_")}
    return {
        **visible,
        "cancelStatus": status,
        "paymentSummary": {**order["paymentSummary"], "refunds": refunds},
        "lineItems": [{k: v for k, v in line.items() if not k.startswith("_")} for line in order["lineItems"]],
        "fulfillmentHrefs": [f"{path}/{one['fulfillmentId']}" for one in parcels],
    }


def _refund(state: State, entry: Json) -> Json:
    done = entry["_done"] <= state.now()
    return {**{k: v for k, v in entry.items() if k != "_done"}, "refundStatus": "REFUNDED" if done else "PENDING"}


def _buyer(person: Json) -> Json:
    contact: Json = {"fullName": person.get("name") or "Bo Buyer", "contactAddress": dict(_HOME)}
    if person.get("email"):
        contact["email"] = person["email"]
    address = {"city": "Springfield", "postalCode": "12345", "countryCode": "US"}
    return {"username": person.get("id") or "buyer_1", "buyerRegistrationAddress": contact, "taxAddress": address}


def _delivery(state: State) -> Json:
    days = (stamp(state.later(86_400 * days)) for days in (3, 6, 2))
    names = ("minEstimatedDeliveryDate", "maxEstimatedDeliveryDate", "shipByDate")
    return {**dict(zip(names, days, strict=True)), "guaranteedDelivery": False}


def _instruction(person: Json) -> Json:
    contact: Json = {"fullName": person.get("name") or "Bo Buyer", "contactAddress": dict(_HOME)}
    contact |= {"email": person["email"]} if person.get("email") else {}
    contact |= {"primaryPhone": {"phoneNumber": person["phone"]}} if person.get("phone") else {}
    step = {"shippingCarrierCode": "USPS", "shippingServiceCode": "USPSPriority", "shipTo": contact}
    return {"fulfillmentInstructionsType": "SHIP_TO", "shippingStep": step}
