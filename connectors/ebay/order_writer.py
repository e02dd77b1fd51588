"""Shipping and refunding. eBay's public REST API cancels no orders."""

import re
from collections.abc import Sequence

from bridge.contract.ports import LineRefund
from bridge.domain.money import Money
from bridge.domain.orders import Order, Tracking
from bridge.wire.order_writing import BuyersOnly
from bridge.wire.payload import Payload, rows, text
from bridge.wire.tables import Carriers, table
from connectors.ebay.client import Client, escaped
from connectors.ebay.order_mapping import is_cancelled
from connectors.ebay.orders import ORDER, Orders

__all__ = ["CARRIERS", "OrderWriting"]

CARRIERS = Carriers(table(__package__, "carriers"), other="Other")
_COMMENT = 100


class OrderWriting(BuyersOnly):
    """The order_writer port."""

    def __init__(self, client: Client, orders: Orders) -> None:
        super().__init__(client.where, "eBay", "do it in Seller Hub (Orders)")
        self._client = client
        self._orders = orders

    async def fulfil(self, order: Order, tracking: Sequence[Tracking], key: str) -> Order:
        """Mark every open line as shipped, one call a parcel; parcels that eBay has already are not told again."""
        del key
        raw = await self._orders.raw(order.id)
        if is_cancelled(raw):
            self.refuse(f"order {order.id} is cancelled, so it cannot be shipped", "put the goods back on the shelf")
        lines = rows(raw, "lineItems")
        left = [line for line in lines if text(line, "lineItemFulfillmentStatus") != "FULFILLED"]
        parcels = await self._orders.parcels(raw) if len(left) < len(lines) else []
        known = {text(one, "shipmentTrackingNumber") for one in parcels}
        carriers = {_clean(one.number): CARRIERS.code(one.carrier) for one in tracking if _clean(one.number)}
        for number in [one for one in carriers if one not in known] or ([""] if left else []):
            await self._ship(order.id, left or lines, number, carriers.get(number, ""))
        return await self._orders.get(order.id)

    async def cancel(self, order: Order, *, restock: bool, key: str) -> Order:
        """Refuse, unless it is cancelled: eBay's public REST API cannot cancel (Post-Order API, for approved programs)."""
        fresh = await self._orders.get(order.id)
        return fresh if fresh.status == "cancelled" else await super().cancel(order, restock=restock, key=key)

    async def refund(
        self, order: Order, lines: Sequence[LineRefund], amount: Money, *, restock: bool, reason: str, key: str
    ) -> Order:
        """Give money back, by lines where they add up to it. eBay takes no key: what was refunded since `order` was read tells
        whether this was done already."""
        del key
        if restock:
            step = "refund without restock and write the units back as stock"
            self.refuse(f"refund of order {order.id}: eBay's API cannot restock with a refund", step)
        fresh = await self._orders.get(order.id)
        if not self.refund_due(order, fresh, amount):
            return fresh
        path, body = f"{ORDER}/{escaped(order.id)}/issue_refund", _refund(lines, amount, reason)
        await self._client.write("POST", path, f"refund order {order.id}", body)
        return await self._orders.get(order.id)

    async def _ship(self, order_id: str, lines: Sequence[Payload], number: str, carrier: str) -> None:
        body: dict[str, object] = {
            "lineItems": [{"lineItemId": text(line, "lineItemId"), "quantity": line.get("quantity")} for line in lines]
        }
        body |= {"trackingNumber": number, "shippingCarrierCode": carrier} if number else {}
        path = f"{ORDER}/{escaped(order_id)}/shipping_fulfillment"
        await self._client.write("POST", path, f"ship order {order_id}", body)


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
