"""The order writer port: a shipment can be confirmed; nobody makes, cancels or refunds an Amazon order from here."""

from collections.abc import Sequence

from bridge.domain.orders import Order, OrderLine, Tracking
from bridge.wire.order_writing import BuyersOnly
from bridge.wire.payload import stamp
from bridge.wire.tables import Carriers, table
from connectors.amazon.client import Client
from connectors.amazon.limits import DEFAULT
from connectors.amazon.orders import Orders

__all__ = ["OrderWriting", "carrier"]

_OTHER = "Other"
_CARRIERS = Carriers(table(__package__, "carriers"), other=_OTHER)


class OrderWriting(BuyersOnly):
    """Only what the merchant ships can be confirmed; what Amazon ships it confirms itself."""

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
            "packageReferenceId": str(len(fresh.tracking) + 1), **carrier(parcel.carrier), "trackingNumber": parcel.number,
            "shipDate": stamp(self._client.now()),
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
