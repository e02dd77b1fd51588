"""Shipping and refunding. Nobody but a buyer makes orders at eBay, and its public REST API cancels none."""

import re
from collections.abc import Sequence

from bridge.contract.errors import Refused
from bridge.contract.ports import LineRefund, NewOrder
from bridge.domain.money import Money
from bridge.domain.orders import Order, Tracking
from bridge.wire.http import Request
from connectors.ebay.client import Client, escaped
from connectors.ebay.order_mapping import is_cancelled
from connectors.ebay.orders import ORDER, Orders
from connectors.ebay.payload import Payload, rows, text

__all__ = ["OrderWriting", "carrier_code"]

# ShippingCarrierCodeType of the Trading API, to which `shippingCarrierCode` refers; names compared without spaces and case.
_CARRIERS = {
    "usps": "USPS", "ups": "UPS", "fedex": "FedEx", "dhl": "DHL", "dhlexpress": "DHL", "dhlpaket": "DHL", "dhlecommerce": "DHLGlobalMail",
    "deutschepost": "DeutschePost", "dpd": "DPD", "gls": "GLS", "hermes": "Hermes", "evri": "Hermes", "ontrac": "ONTRAC", "tnt": "TNT",
    "royalmail": "RoyalMail", "parcelforce": "ParcelForce", "yodel": "Yodel", "canadapost": "CanadaPost", "auspost": "AustraliaPost",
    "australiapost": "AustraliaPost", "chronopost": "Chronopost", "colissimo": "COLISSIMO", "laposte": "LaPoste", "postnl": "PostNL",
    "correos": "Correos", "seur": "SEUR", "posteitaliane": "PosteItaliane", "swisspost": "SwissPost",
}  # fmt: skip
_COMMENT = 100


def carrier_code(name: str) -> str:
    """Return eBay's code of a carrier; "Other" for one that it does not know."""
    return _CARRIERS.get(re.sub(r"[^a-z]", "", name.casefold()), "Other")


class OrderWriting:
    """The order_writer port."""

    def __init__(self, client: Client, orders: Orders) -> None:
        self._client = client
        self._orders = orders

    async def find(self, reference: str) -> Order | None:
        """Refuse: nothing at eBay carries our reference."""
        raise self._refused(
            f"order {reference} cannot be at eBay: only buyers make orders there", "choose another channel as home"
        )

    async def mirror(self, order: NewOrder) -> Order:
        """Refuse: only buyers make orders."""
        raise self._refused(
            f"order {order.reference}: only buyers make orders at eBay", "choose another channel as home"
        )

    async def fulfil(self, order: Order, tracking: Sequence[Tracking], key: str) -> Order:
        """Mark every open line as shipped, one call a parcel; parcels that eBay has already are not told again."""
        del key
        raw = await self._orders.raw(order.id)
        if is_cancelled(raw):
            raise self._refused(
                f"order {order.id} is cancelled, so it cannot be shipped", "put the goods back on the shelf"
            )
        lines = rows(raw, "lineItems")
        left = [line for line in lines if text(line, "lineItemFulfillmentStatus") != "FULFILLED"]
        known = (
            {text(one, "shipmentTrackingNumber") for one in await self._orders.parcels(raw)}
            if len(left) < len(lines)
            else set()
        )
        numbers = {_clean(one.number): carrier_code(one.carrier) for one in tracking if _clean(one.number)}
        for number in [one for one in numbers if one not in known] or ([""] if left else []):
            await self._ship(order.id, left or lines, number, numbers.get(number, ""))
        return await self._orders.get(order.id)

    async def cancel(self, order: Order, *, restock: bool, key: str) -> Order:
        """Refuse, unless it is cancelled: eBay's public REST API cannot cancel (Post-Order API, for approved programs)."""
        del restock, key
        fresh = await self._orders.get(order.id)
        if fresh.status == "cancelled":
            return fresh
        raise self._refused(
            f"order {order.id}: eBay's API cannot cancel it", "cancel it in Seller Hub (Orders > Cancel order)"
        )

    async def refund(
        self, order: Order, lines: Sequence[LineRefund], amount: Money, *, restock: bool, reason: str, key: str
    ) -> Order:
        """Give money back, by lines where they add up to it. eBay takes no key: what was refunded since `order` was read tells
        whether this was done already."""
        del key
        if restock:
            step = "refund without restock and write the units back as stock"
            raise self._refused(f"refund of order {order.id}: eBay's API cannot restock with a refund", step)
        fresh = await self._orders.get(order.id)
        if amount.currency != fresh.currency:
            raise self._refused(
                f"order {order.id} is in {fresh.currency}, not {amount.currency}", "give the amount in it"
            )
        if fresh.refunded >= order.refunded + amount:
            return fresh
        if fresh.refunded + amount > fresh.total:
            raise self._refused(f"order {order.id}: {amount} more than was paid", "look at its refunds in Seller Hub")
        path = f"{ORDER}/{escaped(order.id)}/issue_refund"
        request = Request(method="POST", path=path, op=f"refund order {order.id}").with_json(
            _refund(lines, amount, reason)
        )
        await self._client.ask(request)
        return await self._orders.get(order.id)

    async def _ship(self, order_id: str, lines: Sequence[Payload], number: str, carrier: str) -> None:
        body: dict[str, object] = {
            "lineItems": [{"lineItemId": text(line, "lineItemId"), "quantity": line.get("quantity")} for line in lines]
        }
        body |= {"trackingNumber": number, "shippingCarrierCode": carrier} if number else {}
        path = f"{ORDER}/{escaped(order_id)}/shipping_fulfillment"
        await self._client.ask(Request(method="POST", path=path, op=f"ship order {order_id}").with_json(body))

    def _refused(self, what: str, step: str) -> Refused:
        return Refused(what, where=self._client.where, next_step=step)


def _clean(number: str) -> str:
    """eBay takes letters and digits only in a tracking number."""
    return re.sub(r"[^A-Za-z0-9]", "", number)


def _refund(lines: Sequence[LineRefund], amount: Money, reason: str) -> dict[str, object]:
    body: dict[str, object] = {"reasonForRefund": "OTHER_ADJUSTMENT", "comment": reason[:_COMMENT]}
    paid = [line for line in lines if line.amount.minor > 0]
    if paid and sum(line.amount.minor for line in paid) == amount.minor:
        items = [{"lineItemId": line.line_id, "refundAmount": _amount(line.amount)} for line in paid]
        return {**body, "refundItems": items}
    return {**body, "orderLevelRefundAmount": _amount(amount)}


def _amount(money: Money) -> dict[str, str]:
    return {"value": money.decimal, "currency": money.currency}
