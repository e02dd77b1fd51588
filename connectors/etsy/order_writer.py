"""What can be done to a receipt: mark it as shipped. Nobody creates, cancels or refunds orders through Etsy's API."""

from collections.abc import Sequence

from bridge.contract.errors import Refused
from bridge.domain.orders import Order, Tracking
from bridge.wire.order_writing import BuyersOnly
from bridge.wire.payload import Payload
from connectors.etsy.client import Client
from connectors.etsy.order_mapping import CARRIERS, OTHER
from connectors.etsy.orders import Orders

__all__ = ["OrderWriting"]


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
        if now.status == "cancelled":
            self.refuse(f"order {order.id} was cancelled", "nothing is to be shipped")
        known = {one.number for one in now.tracking}
        for one in tracking:
            if one.number and one.number not in known:
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
