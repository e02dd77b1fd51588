"""What can be done to a receipt: mark it as shipped. Nobody creates, cancels or refunds orders through Etsy's API."""

from collections.abc import Sequence
from typing import NoReturn

from bridge.contract.errors import Refused
from bridge.contract.ports import LineRefund, NewOrder
from bridge.domain.money import Money
from bridge.domain.orders import Order, Tracking
from connectors.etsy.carriers import OTHER, etsys_name
from connectors.etsy.client import Client
from connectors.etsy.orders import Orders
from connectors.etsy.payload import Payload

__all__ = ["OrderWriting"]


class OrderWriting:
    """The order writer port."""

    def __init__(self, client: Client, orders: Orders) -> None:
        self._client = client
        self._orders = orders

    async def find(self, reference: str) -> Order | None:
        """Refuse: no receipt carries a key of ours."""
        self._refuse(f"look for the order of {reference}")

    async def mirror(self, order: NewOrder) -> Order:
        """Refuse: only buyers make orders on Etsy."""
        self._refuse(f"create {order.reference}")

    async def fulfil(self, order: Order, tracking: Sequence[Tracking], key: str) -> Order:
        """Mark it as shipped, a call for each parcel. Every call sends the buyer a mail, so it is read first what is there."""
        del key
        now = self._orders.read(await self._orders.raw(order.id))
        if now.status == "cancelled":
            what, step = f"order {order.id} was cancelled", "nothing is to be shipped"
            raise Refused(what, where=self._client.where, next_step=step)
        known = {one.number for one in now.tracking}
        for one in tracking:
            if one.number and one.number not in known:
                now = self._orders.read(await self._ship(order.id, one))
        if now.status != "fulfilled":
            now = self._orders.read(await self._post(order.id, {}))
        return now

    async def cancel(self, order: Order, *, restock: bool, key: str) -> Order:
        """Refuse: orders are cancelled in the shop manager."""
        del restock, key
        self._refuse(f"cancel order {order.id}")

    async def refund(
        self, order: Order, lines: Sequence[LineRefund], amount: Money, *, restock: bool, reason: str, key: str
    ) -> Order:
        """Refuse: refunds are issued in the shop manager."""
        del lines, amount, restock, reason, key
        self._refuse(f"refund order {order.id}")

    async def _ship(self, order_id: str, one: Tracking) -> Payload:
        carrier = etsys_name(one.carrier)
        try:
            return await self._post(order_id, {"tracking_code": one.number, "carrier_name": carrier})
        except Refused as error:
            if carrier == OTHER or "carrier" not in error.what.lower():
                raise
        return await self._post(order_id, {"tracking_code": one.number, "carrier_name": OTHER})

    async def _post(self, order_id: str, body: dict[str, str]) -> Payload:
        path = await self._client.of_shop(f"receipts/{order_id}/tracking")
        return (await self._client.send("POST", path, f"mark order {order_id} as shipped", body))[0]

    def _refuse(self, what: str) -> NoReturn:
        raise Refused(
            f"{what}: Etsy's API has no such call", where=self._client.where, next_step="do it in Etsy's shop manager"
        )
