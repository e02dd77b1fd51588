"""Receipts: what changed, one by id, and that they were shipped: nobody creates, cancels or refunds orders through Etsy's API."""

from collections.abc import Sequence

from bridge.contract.errors import Gone, Refused
from bridge.contract.feed import Feed
from bridge.domain.orders import Order, Tracking
from bridge.wire.feeds import expressed
from bridge.wire.http import Response
from bridge.wire.oldest_first import OldestFirst
from bridge.wire.order_writing import BuyersOnly
from bridge.wire.payload import Payload, rows, text
from connectors.etsy.client import Client
from connectors.etsy.limits import OVERLAP, PAGE
from connectors.etsy.mapping import CARRIERS, OTHER, changed, order

__all__ = ["OrderWriting", "Orders"]

# "The earliest unix timestamp" Etsy takes (specification).
_EPOCH = 946_684_800


class Orders:
    """The orders port."""

    def __init__(self, client: Client) -> None:
        self._client = client
        # Whether `min_last_modified` is inclusive is not said; the feed reads a second again in any case.
        self.changes: Feed[Order] = OldestFirst(
            self._changed, order, changed, name="receipt_id", size=PAGE, overlap=OVERLAP, earliest=_EPOCH
        )

    async def get(self, order_id: str) -> Order:
        """Read one receipt now; raises Gone, and Refused where it cannot be expressed."""
        if not order_id.isascii() or not order_id.isdigit():
            raise Gone(f"order {order_id!r} is no receipt of Etsy's", where=self._client.where)
        path = await self._client.of_shop(f"receipts/{order_id}")
        return self.read((await self._client.get(path, f"read order {order_id}"))[0])

    def read(self, payload: Payload) -> Order:
        """Read a receipt's payload."""
        name = f"order {text(payload, 'receipt_id')}"
        return expressed(order, payload, name, self._client.where, "look at the order on Etsy")

    async def _changed(self, least: int, offset: int) -> tuple[list[Payload], Response]:
        """Read a page of what changed, paid or not, cancelled or not."""
        query = (
            ("min_last_modified", str(least)), ("sort_on", "updated"), ("sort_order", "asc"),
            ("limit", str(PAGE)), ("offset", str(offset)),
        )  # fmt: skip
        payload, response = await self._client.get(await self._client.of_shop("receipts"), "read order changes", query)
        return rows(payload, "results"), response


class OrderWriting(BuyersOnly):
    """The order writer port."""

    def __init__(self, client: Client, orders: Orders) -> None:
        super().__init__(client.where, "Etsy", "do it in Etsy's shop manager")
        self._client = client
        self._orders = orders

    async def fulfil(self, order: Order, tracking: Sequence[Tracking], key: str) -> Order:
        """Mark it as shipped, a call for each parcel. Every call sends the buyer a mail, so it is read first what is there."""
        del key
        now = await self._orders.get(order.id)
        for one in self.to_ship(now, tracking):
            now = self._orders.read(await self._ship(order.id, one))
        return now if now.status == "fulfilled" else self._orders.read(await self._post(order.id, {}))

    async def _ship(self, order_id: str, one: Tracking) -> Payload:
        carrier = CARRIERS.code(one.carrier)
        try:
            return await self._post(order_id, {"tracking_code": one.number, "carrier_name": carrier})
        except Refused as error:
            if carrier == OTHER or "carrier" not in error.what.lower():
                raise
        return await self._post(order_id, {"tracking_code": one.number, "carrier_name": OTHER})

    async def _post(self, order_id: str, body: dict[str, str]) -> Payload:
        path = await self._client.of_shop(f"receipts/{order_id}/tracking")
        return (await self._client.write("POST", path, f"mark order {order_id} as shipped", body))[0]
