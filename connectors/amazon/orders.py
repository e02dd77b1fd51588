"""Orders, version 2026-01-01: one search in three minutes is all there is, so the queue tells first; and their shipping."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bridge.contract.feed import Feed, Page
from bridge.domain.orders import Order, OrderLine, Tracking
from bridge.wire.api import given
from bridge.wire.feeds import expressed, page_of
from bridge.wire.order_writing import BuyersOnly
from bridge.wire.payload import Payload, maybe_instant, part, rows, stamp, text
from bridge.wire.resumable import Resumable
from bridge.wire.tables import Carriers, table
from connectors.amazon.client import Client
from connectors.amazon.limits import DEFAULT, OVERLAP
from connectors.amazon.mapping import order

__all__ = ["OrderWriting", "Orders", "carrier"]

_DATA = "PROCEEDS,CANCELLATION,FULFILLMENT,PACKAGES"
_PERSONAL = "BUYER,RECIPIENT"
# A page's token is good for a day, and a page costs three minutes.
_GOOD = timedelta(hours=20)
_OTHER = "Other"
_CARRIERS = Carriers(table(__package__, "carriers"), other=_OTHER)


class Orders:
    """The orders port: those of this marketplace, whoever fulfils them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        # Who bought it is asked for only where the merchant wants that.
        self._data = f"{_DATA},{_PERSONAL}" if client.settings.personal_data else _DATA
        self.changes: Feed[Order] = Resumable(self._changed, now=client.now, overlap=OVERLAP, good=_GOOD)

    async def get(self, order_id: str) -> Order:
        """Read one order now; raises Gone, and Refused where it cannot be understood."""
        name, step = f"order {order_id}", "look at the order in Seller Central"
        params = given(includedData=self._data)
        payload, _ = await self._client.call("getOrder", f"read {name}", params=params, order=order_id)
        return expressed(self._read, part(payload, "order"), name, self._client.where, step)

    def _read(self, payload: Payload) -> Order:
        return order(payload, self._client.currency, self._client.warehouse)

    async def _changed(self, at: str, token: str) -> tuple[Page[Order], datetime | None, str]:
        """Read a page of the orders that changed since, oldest first; the answer says until when it has seen all changes."""
        asked = {"lastUpdatedAfter": at, "maxResultsPerPage": "100", "paginationToken": token}
        params = self._client.here(**asked, includedData=self._data)
        payload, response = await self._client.call("searchOrders", "search orders", params=params)
        page = page_of(rows(payload, "orders"), self._read, response.at, "orderId")
        oldest_first = replace(page, items=tuple(sorted(page.items, key=lambda one: one.updated_at)))
        return (
            oldest_first,
            maybe_instant(payload.get("lastUpdatedBefore")),
            text(part(payload, "pagination"), "nextToken"),
        )


class OrderWriting(BuyersOnly):
    """The order writer port. Only what the merchant ships can be confirmed; what Amazon ships it confirms itself."""

    def __init__(self, client: Client, orders: Orders) -> None:
        by_hand = "do it in Seller Central (Manage Orders); what it changes comes back by itself"
        super().__init__(client.where, "Amazon", by_hand)
        self._client = client
        self._orders = orders

    async def fulfil(self, order: Order, tracking: Sequence[Tracking], key: str) -> Order:
        """Confirm the shipment of everything left, in one parcel (further numbers have no place there)."""
        del key
        fresh = await self._orders.get(order.id)
        left = [line for line in fresh.lines if _left(line) and line.location == DEFAULT]
        if fresh.status == "fulfilled" or (fresh.status == "paid" and not left):
            return fresh
        if fresh.status != "paid":
            self.refuse(f"ship order {order.id}: it is {fresh.status}")
        parcel = tracking[0] if tracking else Tracking(number="")
        details = {
            # One of its own for every parcel: how many there are we do not see (one may have no tracking number), but what has left.
            "packageReferenceId": str(1 + sum(line.fulfilled for line in fresh.lines)), **carrier(parcel.carrier),
            "trackingNumber": parcel.number, "shipDate": stamp(self._client.now()),
            "orderItems": [{"orderItemId": line.id, "quantity": _left(line)} for line in left],
        }  # fmt: skip
        body = {"marketplaceId": self._client.market, "packageDetail": details}
        # Confirmed twice is refused, never done twice: a lost answer may be asked for again.
        await self._client.call("confirmShipment", f"ship order {order.id}", body=body, order=order.id)
        return await self._orders.get(order.id)


def carrier(name: str) -> dict[str, str]:
    """Return how a carrier is named to Amazon."""
    code = _CARRIERS.code(name)
    return {"carrierCode": code, "carrierName": name or _OTHER} if code == _OTHER else {"carrierCode": code}


def _left(line: OrderLine) -> int:
    return max(0, line.quantity - line.refunded - line.fulfilled)
