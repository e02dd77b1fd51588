"""Shopify's orders as domain values, and what an order did to Shopify's own numbers.

`LineItem.quantity` never falls: refunds and edits lower `currentQuantity` only (recorded, 2026-04 order edits). For a line
of `ordered` units, with the states available/committed of shopify.dev "manage-quantities-states":

| what happened                                   | seen as                                     | held            |
|-------------------------------------------------|---------------------------------------------|-----------------|
| placed, stock reserved                          | nothing else                                | ordered         |
| placed, reservation still pending               | `confirmed: false`                          | 0               |
| custom item without a SKU                       | `variant: null`, no `sku`                   | 0               |
| its variant was deleted, or custom with a SKU   | `variant: null`, `sku` stays                | ordered         |
| fulfilled                                       | committed and on hand fall, available stays | ordered         |
| refund, CANCEL (unfulfilled) or RETURN          | refund line, `restocked: true`              | - its units     |
| refund, NO_RESTOCK                              | refund line, `restocked: false`             | unchanged       |
| refund whose restock did not happen             | CANCEL/RETURN with `restocked: false`       | unchanged       |
| return processed, goods disposed RESTOCKED      | disposition of the return                   | - its units     |
| return processed, disposed otherwise            | disposition of the return                   | unchanged       |
| cancelled, restocked                            | refund lines CANCEL with `restocked: true`  | - its units     |
| cancelled, not restocked                        | `cancelledAt`, no restocking refund line    | unchanged       |
| edit adds units                                 | `quantity` itself rises                     | ordered         |
| edit removes units                              | `currentQuantity` falls, no refund line     | - removed units |

The last row is an assumption: whether an edit restocked is asked of the clerk but not told by the API. Restocking is what
the admin proposes; where it was declined, the level feed shows the lower number and the audit judges it.
A SKU without a variant counts as sold: it left the shelf, whatever record it was sold from. Its number is nowhere any more.
Orders that another app imported with `inventoryBehaviour: BYPASS` took nothing, and nothing in the order says so.
"""

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.contract.feed import Bad
from bridge.domain.money import Money
from bridge.domain.orders import Address, Contact, Order, OrderLine, OrderStatus, Tracking
from connectors.shopify.mapping import moment, need, short, whole

__all__ = ["RETURN_FLOW", "order", "orders"]

# Order.returnStatus values under which goods may have come back through a return instead of a plain refund.
RETURN_FLOW = frozenset({"IN_PROGRESS", "INSPECTION_COMPLETE", "RETURNED", "RETURN_FAILED"})
_PAID = frozenset({"PAID", "PARTIALLY_REFUNDED", "REFUNDED"})
_NO_SHIPMENT = frozenset({"CANCELLED", "ERROR", "FAILURE"})
_OURS = "bridge:"
_NOBODY = Contact()


@dataclass(frozen=True, slots=True)
class _Units:
    """What happened to the units of an order, by line id."""

    refunded: Mapping[str, int]
    restocked: Mapping[str, int]
    fulfilled: Mapping[str, int]
    places: Mapping[str, str]


def orders(nodes: Sequence[Mapping[str, Any]]) -> tuple[tuple[Order, ...], tuple[Bad, ...]]:
    """Read many orders; one that cannot be understood is set aside with the reason."""
    good, bad = [], []
    for node in nodes:
        try:
            good.append(order(node))
        except (ValueError, TypeError, KeyError) as error:
            bad.append(Bad(id=str(node.get("id", "?")), reason=f"{type(error).__name__}: {error}"))
    return tuple(good), tuple(bad)


def order(node: Mapping[str, Any]) -> Order:
    """Read one order. `node["returns"]`, if there, holds the returns that were read for it separately."""
    units = _units(node)
    currency = str(need(node, "currencyCode"))
    reference = node.get("sourceIdentifier") or ""
    return Order(
        id=short(need(node, "id")),
        number=str(node.get("name") or ""),
        status=_status(node),
        # The moment Shopify took the units; processedAt may lie in the past for an imported order.
        placed_at=moment(need(node, "createdAt")),
        updated_at=moment(need(node, "updatedAt")),
        currency=currency,
        lines=tuple(_line(item, node, units, currency) for item in need(node, "lineItems")["nodes"]),
        total=_money(node, "totalPriceSet", currency),
        shipping=_money(node, "totalShippingPriceSet", currency),
        refunded=_money(node, "totalRefundedSet", currency),
        source=str(node.get("sourceName") or ""),
        reference=reference if reference.startswith(_OURS) else None,
        customer=_contact(node),
        ship_to=_address(node.get("shippingAddress")),
        codes=tuple(node.get("discountCodes") or ()),
        tracking=_tracking(node),
        test=bool(node.get("test")),
    )


def _status(node: Mapping[str, Any]) -> OrderStatus:
    if node.get("cancelledAt"):
        return "cancelled"
    if node.get("displayFulfillmentStatus") == "FULFILLED":
        return "fulfilled"
    return "paid" if node.get("displayFinancialStatus") in _PAID else "placed"


def _units(node: Mapping[str, Any]) -> _Units:
    # Nothing has come back of most orders.
    some = need(node, "refunds") or node.get("returns")
    refunded, restocked = _come_back(node) if some else ({}, {})
    return _Units(refunded, restocked, _fulfilled(node), _places(node))


def _come_back(node: Mapping[str, Any]) -> tuple[Mapping[str, int], Mapping[str, int]]:
    plain: dict[str, Tally[str]] = {"refunded": Tally(), "restocked": Tally()}
    through_return: dict[str, Tally[str]] = {"refunded": Tally(), "restocked": Tally()}
    for refund in node["refunds"]:
        into = through_return if refund.get("return") else plain
        for item in refund["refundLineItems"]["nodes"]:
            line, quantity = short(item["lineItem"]["id"]), whole(item["quantity"], "a refunded quantity")
            into["refunded"][line] += quantity
            into["restocked"][line] += quantity if need(item, "restocked") else 0
    back, shelved = _disposed(node)
    # A return's refund and its disposition speak of the same units, in either order: count them once.
    refunded = plain["refunded"] + (through_return["refunded"] | back)
    return refunded, plain["restocked"] + (through_return["restocked"] | shelved)


def _fulfilled(node: Mapping[str, Any]) -> Mapping[str, int]:
    fulfilled: dict[str, int] = {}
    for shipment in need(node, "fulfillments"):
        if shipment.get("status") not in _NO_SHIPMENT:
            for item in shipment["fulfillmentLineItems"]["nodes"]:
                line = short(item["lineItem"]["id"])
                fulfilled[line] = fulfilled.get(line, 0) + whole(item["quantity"], "a fulfilled quantity")
    return fulfilled


def _disposed(node: Mapping[str, Any]) -> tuple[Tally[str], Tally[str]]:
    back: Tally[str] = Tally()
    shelved: Tally[str] = Tally()
    for returned in node.get("returns") or ():
        for logistics in returned["reverseFulfillmentOrders"]["nodes"]:
            for item in logistics["lineItems"]["nodes"]:
                line: Any = (item.get("fulfillmentLineItem") or {}).get("lineItem")
                for disposition in item["dispositions"] if line else ():
                    quantity = whole(disposition["quantity"], "a returned quantity")
                    back[short(line["id"])] += quantity
                    shelved[short(line["id"])] += quantity if disposition["type"] == "RESTOCKED" else 0
    return back, shelved


def _places(node: Mapping[str, Any]) -> dict[str, str]:
    """Say where each line's units come from: the place with most of them, where an order is split."""
    most: dict[str, tuple[bool, int, str]] = {}
    for part in need(node, "fulfillmentOrders")["nodes"]:
        assigned: Any = (part.get("assignedLocation") or {}).get("location")
        for item in part["lineItems"]["nodes"] if assigned else ():
            line = short(item["lineItem"]["id"])
            seen = (part.get("status") != "CANCELLED", int(item["totalQuantity"]), short(assigned["id"]))
            most[line] = max(most.get(line, seen), seen)
    return {line: place for line, (_, _, place) in most.items()}


def _line(item: Mapping[str, Any], node: Mapping[str, Any], units: _Units, currency: str) -> OrderLine:
    line = short(need(item, "id"))
    ordered = whole(need(item, "quantity"), f"the quantity of line {line}")
    current = whole(need(item, "currentQuantity"), f"the current quantity of line {line}")
    refunded, restocked = units.refunded.get(line, 0), units.restocked.get(line, 0)
    # Cancelling takes `currentQuantity` to 0 as well (recorded, 2026-04), so without an edit nothing was removed by one.
    whole_order = node.get("cancelledAt") and not node.get("edited")
    removed = 0 if whole_order else max(0, ordered - current - refunded)
    variant = item.get("variant")
    # A product that was sold and then deleted leaves nothing but its SKU, and so looks a custom item that was given one.
    takes = (variant is not None or bool(item.get("sku"))) and node.get("confirmed") is not False
    retail = node.get("retailLocation")
    total, tax = _amounts(item, currency, taxes_included=bool(need(node, "taxesIncluded")))
    left = ordered - removed
    return OrderLine(
        id=line,
        variant_id=short(variant["id"]) if variant else None,
        sku=item.get("sku") or None,
        title=str(item.get("title") or ""),
        quantity=left,
        held=ordered - restocked - removed if takes else 0,
        refunded=refunded,
        restocked=restocked,
        fulfilled=units.fulfilled.get(line, 0),
        unit_price=_share(total, 1, ordered),
        total=_share(total, left, ordered),
        tax=_share(tax, left, ordered),
        location=units.places.get(line) or (short(retail["id"]) if retail else ""),
        discounted=_discounted(item, currency),
        gift_card=bool(item.get("isGiftCard")),
    )


def _amounts(item: Mapping[str, Any], currency: str, *, taxes_included: bool) -> tuple[Money, Money]:
    """Return what the buyer pays for all units ordered, tax included, and the tax in it."""
    total = _money(item, "originalUnitPriceSet", currency).times(item["quantity"])
    for allocation in item.get("discountAllocations") or ():
        total -= _money(allocation, "allocatedAmountSet", currency)
    tax = Money(0, currency)
    for entry in item.get("taxLines") or ():
        tax += _money(entry, "priceSet", currency)
    return (total if taxes_included else total + tax), tax


def _discounted(item: Mapping[str, Any], currency: str) -> bool:
    parts = item.get("discountAllocations") or ()
    return any(_money(part, "allocatedAmountSet", currency).minor > 0 for part in parts)


def _share(amount: Money, part: int, of: int) -> Money:
    if of in {0, part}:
        return amount
    return Money((2 * amount.minor * part + of) // (2 * of), amount.currency)


def _money(node: Mapping[str, Any], name: str, currency: str) -> Money:
    amount = need(need(node, name), "shopMoney")
    return Money.rounded(str(need(amount, "amount")), currency)


def _contact(node: Mapping[str, Any]) -> Contact | None:
    """Read who bought; any of it is null for an app without access to protected customer data."""
    customer = node.get("customer")
    address = node.get("shippingAddress") or {}
    contact = Contact(
        id=short(customer["id"]) if customer else "",
        name=address.get("name") or "",
        email=node.get("email") or "",
        phone=node.get("phone") or "",
    )
    return contact if contact != _NOBODY else None


def _address(node: Mapping[str, Any] | None) -> Address | None:
    if not node:
        return None
    return Address(
        name=node.get("name") or "",
        company=node.get("company") or "",
        line1=node.get("address1") or "",
        line2=node.get("address2") or "",
        city=node.get("city") or "",
        region=node.get("provinceCode") or node.get("province") or "",
        postcode=node.get("zip") or "",
        country=node.get("countryCodeV2") or "",
        phone=node.get("phone") or "",
    )


def _tracking(node: Mapping[str, Any]) -> tuple[Tracking, ...]:
    return tuple(
        Tracking(number=info.get("number") or "", carrier=info.get("company") or "", url=info.get("url") or "")
        for shipment in node["fulfillments"]
        if shipment.get("status") not in _NO_SHIPMENT
        for info in shipment.get("trackingInfo") or ()
        if info.get("number") or info.get("url")
    )
