"""Orders by their last change, month by month, and one by id; shipping and refunding. eBay's public REST API cancels no orders."""

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from bridge.contract.errors import Gone
from bridge.contract.feed import Feed, Page
from bridge.contract.ports import LineRefund
from bridge.domain.money import Money
from bridge.domain.orders import Order, Tracking
from bridge.wire.amounts import amount_of
from bridge.wire.api import escaped
from bridge.wire.feeds import ByWindow, expressed
from bridge.wire.order_writing import BuyersOnly
from bridge.wire.paging import by_offset
from bridge.wire.payload import Payload, rows, sift, stamp, text, units
from bridge.wire.tables import Carriers, table
from connectors.ebay.client import Client
from connectors.ebay.limits import PAGE
from connectors.ebay.mapping import is_cancelled, order

__all__ = ["CARRIERS", "OrderWriting", "Orders"]

CARRIERS = Carriers(table(__package__, "carriers"), other="Other")
_PATH = "/sell/fulfillment/v1/order"
# Pages overlap by ten orders: one that changes while they are read may move the others by a place.
_AGAIN = 10
# A backlog is read month by month, so that a reading that breaks off goes on near its end.
_WINDOW = timedelta(days=30)
# How late an order may show up in getOrders is documented nowhere.
_OVERLAP = timedelta(minutes=5)
# getOrders reaches back two years (its parameter `filter`).
_FARTHEST = timedelta(days=729)
_ID = re.compile(r"[A-Za-z0-9!-]{1,64}")
_COMMENT = 100


class Orders:
    """The orders port."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.changes: Feed[Order] = ByWindow(
            self._changed, now=client.now, window=_WINDOW, overlap=_OVERLAP, farthest=_FARTHEST
        )

    async def get(self, order_id: str) -> Order:
        """Read one order now; raises Gone, and Refused where it cannot be expressed."""
        step = "look at the order in Seller Hub"
        return expressed(order, await self.raw(order_id), f"order {order_id}", self._client.where, step)

    async def raw(self, order_id: str) -> Payload:
        """Read one order as eBay gives it, with its parcels."""
        if not _ID.fullmatch(order_id):
            raise Gone(f"{order_id!r} is no order of eBay's", where=self._client.where)
        return await self._whole(await self._client.read(f"{_PATH}/{escaped(order_id)}", f"read order {order_id}"))

    async def _whole(self, payload: Payload) -> Payload:
        """Add what was shipped of an order, where anything was."""
        if not payload.get("fulfillmentHrefs") and payload.get("orderFulfillmentStatus") in {None, "NOT_STARTED"}:
            return payload
        path = f"{_PATH}/{escaped(str(payload.get('orderId')))}/shipping_fulfillment"
        found = await self._client.read(path, "read the parcels of an order")
        return {**payload, "fulfillments": found.get("fulfillments")}

    async def _changed(self, start: datetime, end: datetime | None) -> Page[Order]:
        """Read the orders that changed within a time, oldest first. In which order eBay gives them it does not say."""
        period = f"lastmodifieddate:[{stamp(start)}..{stamp(end) if end else ''}]"

        async def fetch(offset: int) -> tuple[list[Payload], datetime, int | None]:
            params = (("filter", period), ("limit", str(PAGE)), ("offset", str(offset)))
            payload, response = await self._client.get(_PATH, "read order changes", params)
            return rows(payload, "orders"), response.at, units(payload, "total")

        pages = [page async for page in by_offset(fetch, lambda one: text(one, "orderId"), PAGE, _AGAIN)]
        payloads = await asyncio.gather(*(self._whole(one) for found, _ in pages for one in found))
        good, bad = sift(payloads, order, "orderId")
        good.sort(key=lambda one: one.updated_at)
        return Page(items=tuple(good), bad=tuple(bad), as_of=pages[0][1])


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
        named = [{"lineItemId": text(line, "lineItemId"), "quantity": line.get("quantity")} for line in left or lines]
        known = {text(one, "shipmentTrackingNumber") for one in rows(raw, "fulfillments")}
        carriers = {_clean(one.number): CARRIERS.code(one.carrier) for one in tracking if _clean(one.number)}
        for number in [one for one in carriers if one not in known] or ([""] if left else []):
            parcel = {"trackingNumber": number, "shippingCarrierCode": carriers[number]} if number else {}
            await self._write(
                order.id, "shipping_fulfillment", f"ship order {order.id}", {"lineItems": named, **parcel}
            )
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
        fresh = await self._orders.get(order.id)
        if not self.refund_due(order, fresh, amount, restock=restock):
            return fresh
        await self._write(order.id, "issue_refund", f"refund order {order.id}", _refund(lines, amount, reason))
        return await self._orders.get(order.id)

    async def _write(self, order_id: str, what: str, op: str, body: object) -> None:
        await self._client.write("POST", f"{_PATH}/{escaped(order_id)}/{what}", op, body)


def _clean(number: str) -> str:
    """eBay takes letters and digits only in a tracking number."""
    return re.sub(r"[^A-Za-z0-9]", "", number)


def _refund(lines: Sequence[LineRefund], amount: Money, reason: str) -> dict[str, object]:
    body: dict[str, object] = {"reasonForRefund": "OTHER_ADJUSTMENT", "comment": reason[:_COMMENT]}
    paid = [line for line in lines if line.amount.minor > 0]
    if paid and sum(line.amount.minor for line in paid) == amount.minor:
        items = [{"lineItemId": line.line_id, "refundAmount": amount_of(line.amount)} for line in paid]
        return {**body, "refundItems": items}
    return {**body, "orderLevelRefundAmount": amount_of(amount)}
