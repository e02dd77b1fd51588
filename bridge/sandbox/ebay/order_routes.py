"""The Fulfillment API. Rules and error numbers: sell_fulfillment specification 1.20.6."""

import re
from datetime import datetime

from bridge.sandbox.ebay.api import Answer, Call
from bridge.sandbox.ebay.errors import EbayError
from bridge.sandbox.ebay.orders import refund, refunded, ship, shown, total_of
from bridge.sandbox.ebay.state import Json, State

__all__ = ["get_order", "issue_refund", "list_orders", "list_parcels", "ship_order"]

_PERIOD = re.compile(r"\[(?P<since>[^\].]+(?:\.\d+)?Z)\.\.(?P<until>[^\]]*)\]\Z")
_REASONS = {
    "BUYER_CANCEL", "SELLER_CANCEL", "ITEM_NOT_RECEIVED", "BUYER_RETURN", "ITEM_NOT_AS_DESCRIBED", "OTHER_ADJUSTMENT",
    "SHIPPING_DISCOUNT",
}  # fmt: skip


def list_orders(state: State, call: Call) -> Answer:
    """getOrders: by ids, or by a period of change or creation; newest first (belief), `offset` counts orders."""
    limit, offset = int(call.query.get("limit", 50)), int(call.query.get("offset", 0))
    if not 1 <= limit <= 200:
        raise _refusal(31100, f"Invalid limit: {limit}")
    if offset < 0:
        raise _refusal(31000, f"Invalid offset: {offset}")
    found = [shown(state, one, single=False) for one in _matching(state, call)]
    rows, path = found[offset : offset + limit], "/sell/fulfillment/v1/order"
    answer: Json = {
        "href": f"{path}?limit={limit}&offset={offset}",
        "total": len(found),
        "limit": limit,
        "offset": offset,
    }
    answer["orders"] = rows
    if offset + limit < len(found):
        answer["next"] = f"{path}?limit={limit}&offset={offset + limit}"
    return Answer(answer)


def _matching(state: State, call: Call) -> list[Json]:
    newest = list(reversed(state.orders.values()))
    if call.query.get("orderIds"):
        ids = call.query["orderIds"].split(",")
        if len(ids) > 50:
            raise _refusal(30900, "Exceeded maximum number of order IDs (the current limit is 50)")
        return [one for one in newest if one["orderId"] in ids]
    for name, date in (("creationdate", "creationDate"), ("lastmodifieddate", "lastModifiedDate")):
        _, found, rest = call.query.get("filter", "").partition(f"{name}:")
        if found:
            since, until = _period(state, rest)
            return [one for one in newest if since <= _time(one[date]) and (until is None or _time(one[date]) <= until)]
    return newest


def _period(state: State, text: str) -> tuple[datetime, datetime | None]:
    match = _PERIOD.match(text)
    if match is None:
        raise _refusal(30810, "Invalid date format")
    since, until = _time(match["since"]), _time(match["until"]) if match["until"] else None
    if since > state.now() or (until is not None and until > state.now()):
        raise _refusal(30850, "Start and end dates can't be in the future")
    if until is not None and since > until:
        raise _refusal(30840, "Start date should be before end date")
    if (state.now() - since).days > 2 * 366:
        raise _refusal(30830, "Time range between start date and end date must be within '2' years.")
    return since, until


def get_order(state: State, call: Call) -> Answer:
    """getOrder."""
    return Answer(shown(state, _order(state, call.parts[0]), single=True))


def list_parcels(state: State, call: Call) -> Answer:
    """getShippingFulfillments."""
    parcels = state.parcels.get(_order(state, call.parts[0])["orderId"], [])
    return Answer({"fulfillments": parcels, "total": len(parcels), "warnings": []})


def ship_order(state: State, call: Call) -> Answer:
    """createShippingFulfillment: a tracking number needs a carrier, and has letters and digits only."""
    order = _order(state, call.parts[0])
    by_id = {line["lineItemId"]: line for line in order["lineItems"]}
    ids = [row.get("lineItemId") for row in call.body.get("lineItems") or ()] or list(by_id)
    if unknown := [one for one in ids if one not in by_id]:
        raise _refusal(32200, f"Invalid line item id: {unknown[0]}")
    number, carrier = call.body.get("trackingNumber"), call.body.get("shippingCarrierCode")
    if bool(number) != bool(carrier) or (number and not re.fullmatch(r"[A-Za-z0-9]+", number)):
        raise _refusal(32300, "Invalid shipment tracking number or carrier")
    if order["cancelStatus"]["cancelState"] == "CANCELED":
        raise _refusal(32600, "Invalid input data")
    made = ship(state, order, [by_id[str(one)] for one in ids], {"number": number, "carrier": carrier})
    return Answer({}, 201, f"/sell/fulfillment/v1/order/{order['orderId']}/shipping_fulfillment/{made}")


def issue_refund(state: State, call: Call) -> Answer:
    """issueRefund: of lines or of the whole; done later, and one at a time."""
    order = _order(state, call.parts[0])
    if call.body.get("reasonForRefund") not in _REASONS:
        raise _refusal(34903, "The refund reason must be specified.")
    shares = {
        row.get("lineItemId"): _amount(state, row.get("refundAmount")) for row in call.body.get("refundItems") or ()
    }
    if unknown := set(shares) - {line["lineItemId"] for line in order["lineItems"]}:
        raise _refusal(34914, f"Can't find the item in the order. {min(map(str, unknown))}")
    whole = sum(shares.values()) if shares else _amount(state, call.body.get("orderLevelRefundAmount"))
    if any(entry["_done"] > state.now() for entry in order["paymentSummary"]["refunds"]):
        raise _refusal(34922, "Refund cannot be issued while previous refund is processing.")
    if order["orderPaymentStatus"] in {"PENDING", "FAILED"}:
        raise _refusal(34923, "Refund cannot be issued for this type of order.")
    if refunded(state, order) + whole > total_of(state, order["pricingSummary"]["total"]):
        raise _refusal(34915, "The refund amount exceeds order amount.")
    return Answer({"refundId": refund(state, order, shares, whole), "refundStatus": "PENDING"})


def _amount(state: State, given: Json | None) -> int:
    if not given:
        raise _refusal(34905, "Either orderLevelRefundAmount or refundItems must be specified.")
    if given.get("currency") != state.options.currency:
        raise _refusal(34909, "The amount currency isn't correct.")
    units = total_of(state, given)
    if units <= 0:
        raise _refusal(34907, "The amount value must be positive and within two decimals.")
    return units


def _order(state: State, order_id: str) -> Json:
    if order_id not in state.orders:
        raise _refusal(32100, f"Invalid Order Id: {order_id}")
    return state.orders[order_id]


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise _refusal(30810, "Invalid date format") from error


def _refusal(number: int, message: str) -> EbayError:
    return EbayError(400, number, message, domain="API_FULFILLMENT")
