"""The order writer port: a shipment can be confirmed; nobody makes, cancels or refunds an Amazon order from here."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from bridge.contract.errors import Refused
from bridge.contract.ports import LineRefund, NewOrder
from bridge.domain.money import Money
from bridge.domain.orders import Order, OrderLine, Tracking
from connectors.amazon.client import Client
from connectors.amazon.limits import DEFAULT, Ops
from connectors.amazon.orders import Orders
from connectors.amazon.payload import stamp

__all__ = ["OrderWriting", "carrier"]

# Names that shops use -> Amazon's carrier codes (docs/carrier-codes; what is not among them goes as "Other" with its name).
_CARRIERS: Mapping[str, str] = {
    "ups": "UPS", "unitedparcelservice": "UPS", "usps": "USPS", "unitedstatespostalservice": "USPS", "fedex": "FedEx",
    "dhl": "DHL", "dhlexpress": "DHL", "dhlecommerce": "DHL eCommerce", "dhlpaket": "DHL", "ontrac": "OnTrac",
    "lasership": "Lasership", "royalmail": "Royal Mail", "parcelforce": "Parcelforce", "hermes": "Hermes", "evri": "Evri",
    "dpd": "DPD", "gls": "GLS", "yodel": "Yodel", "deutschepost": "Deutsche Post", "colissimo": "Colissimo",
    "laposte": "La Poste", "chronopost": "Chronopost", "correos": "Correos", "posteitaliane": "Poste Italiane", "brt": "BRT",
    "postnl": "PostNL", "canadapost": "Canada Post", "purolator": "Purolator", "australiapost": "Australia Post",
    "yamato": "YAMATO", "sagawa": "SAGAWA", "japanpost": "JAPAN_POST", "bluedart": "BlueDart", "amazonshipping": "Amazon Shipping",
}  # fmt: skip
_HOW = "do it in Seller Central (Manage Orders); what it changes comes back by itself"


class OrderWriting:
    """Only what the merchant ships can be confirmed; what Amazon ships it confirms itself."""

    def __init__(self, client: Client, orders: Orders) -> None:
        self._client = client
        self._orders = orders

    async def find(self, reference: str) -> Order | None:
        """Refused: no order at Amazon carries a reference of ours."""
        raise self._refused(f"look for order {reference}", "orders are not made at Amazon")

    async def mirror(self, order: NewOrder) -> Order:
        """Refused: orders are made by Amazon's customers."""
        raise self._refused(f"make order {order.reference}", "orders are not made at Amazon")

    async def fulfil(self, order: Order, tracking: Sequence[Tracking], key: str) -> Order:
        """Confirm the shipment of everything left, in one parcel (further numbers have no place there)."""
        del key
        fresh = await self._orders.get(order.id)
        left = [line for line in fresh.lines if _left(line) and line.location == DEFAULT]
        if fresh.status == "fulfilled" or (fresh.status == "paid" and not left):
            return fresh
        if fresh.status != "paid":
            raise self._refused(f"ship order {order.id}", f"it is {fresh.status}")
        path = f"orders/v0/orders/{quote(order.id, safe='')}/shipmentConfirmation"
        body = {"marketplaceId": self._client.market, "packageDetail": self._parcel(fresh, left, tracking)}
        # Confirmed twice is refused, never done twice: a lost answer may be asked for again.
        await self._client.call(Ops.CONFIRM, "POST", path, f"ship order {order.id}", body=body)
        return await self._orders.get(order.id)

    async def cancel(self, order: Order, *, restock: bool, key: str) -> Order:
        """Refused."""
        del restock, key
        raise self._refused(f"cancel order {order.id}", "the API has no call for it")

    async def refund(
        self, order: Order, lines: Sequence[LineRefund], amount: Money, *, restock: bool, reason: str, key: str
    ) -> Order:
        """Refused."""
        del lines, amount, restock, reason, key
        raise self._refused(f"refund order {order.id}", "the API has no call for it")

    def _parcel(self, order: Order, left: Sequence[OrderLine], tracking: Sequence[Tracking]) -> dict[str, object]:
        parcel = tracking[0] if tracking else Tracking(number="")
        return {
            "packageReferenceId": str(len(order.tracking) + 1), **carrier(parcel.carrier), "trackingNumber": parcel.number,
            "shipDate": stamp(self._client.now()),
            "orderItems": [{"orderItemId": line.id, "quantity": _left(line)} for line in left],
        }  # fmt: skip

    def _refused(self, op: str, why: str) -> Refused:
        return Refused(f"{op}: {why}", where=self._client.where, next_step=_HOW)


def carrier(name: str) -> dict[str, str]:
    """Return how a carrier is named to Amazon."""
    known = _CARRIERS.get("".join(letter for letter in name.lower() if letter.isalnum()))
    return {"carrierCode": known} if known else {"carrierCode": "Other", "carrierName": name or "Other"}


def _left(line: OrderLine) -> int:
    return max(0, line.quantity - line.refunded - line.fulfilled)
