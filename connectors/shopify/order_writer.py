"""Orders of other channels, made here; and what happens to an order afterwards."""

from collections.abc import Sequence
from typing import Any

from bridge.contract.errors import Refused
from bridge.contract.ports import LineRefund, NewOrder
from bridge.domain.money import Money
from bridge.domain.orders import Order, Tracking
from connectors.shopify.documents import FULFIL, ORDER_BY_REFERENCE, ORDER_CANCEL, ORDER_CREATE, REFUND
from connectors.shopify.mapping import gid, short
from connectors.shopify.order_input import new_order, refund_lines, shipments
from connectors.shopify.orders import Orders
from connectors.shopify.settings import Settings
from connectors.shopify.shop import Shop, refuse

__all__ = ["Writer"]

# Units come off `available` even where that makes it negative: the goods are sold, elsewhere, in any case.
_OPTIONS = {"inventoryBehaviour": "DECREMENT_IGNORING_POLICY", "sendReceipt": False, "sendFulfillmentReceipt": False}


class Writer:
    """The order-writing port."""

    def __init__(self, shop: Shop, orders: Orders, settings: Settings) -> None:
        self._shop = shop
        self._orders = orders
        self._settings = settings

    async def find(self, reference: str) -> Order | None:
        """Look up the order that carries our reference, compared exactly.

        The search index lags, so the newest 50 orders are read beside it: a retry minutes later still finds its order.
        """
        quoted = reference.replace("\\", "\\\\").replace("'", "\\'")
        data = (await self._shop.ask(ORDER_BY_REFERENCE, {"query": f"source_identifier:'{quoted}'"})).data
        nodes = [*data["found"]["nodes"], *data["newest"]["nodes"]]
        match = next((node for node in nodes if node["sourceIdentifier"] == reference), None)
        return await self._orders.get(short(match["id"])) if match else None

    async def mirror(self, order: NewOrder) -> Order:
        """Create it, paid. `location` cannot be chosen: Shopify assigns it by its own routing rules."""
        variables = {"order": new_order(order, await self._shop.currency()), "options": _OPTIONS}
        payload = (await self._shop.ask(ORDER_CREATE, variables)).data["orderCreate"]
        self._refuse(f"create order {order.reference}", payload["userErrors"])
        return await self._orders.read(payload["order"])

    async def fulfil(self, order: Order, tracking: Sequence[Tracking], key: str) -> Order:  # noqa: ARG002
        """Mark everything left on it as shipped. What is shipped already is read first, so a repeat does nothing."""
        node = await self._orders.raw(order.id)
        await self._shop.complete("Order", [node])
        parcels = shipments(node, tracking)
        for parcel in parcels:
            payload = (await self._shop.ask(FULFIL, {"fulfillment": parcel})).data["fulfillmentCreate"]
            self._refuse(f"ship order {order.id}", payload["userErrors"])
        return await self._orders.get(order.id) if parcels else await self._orders.read(node)

    async def cancel(self, order: Order, *, restock: bool, key: str) -> Order:  # noqa: ARG002
        """Cancel it without moving money. Shopify does it in the background: the answer may still show it open."""
        node = await self._orders.raw(order.id)
        if node["cancelledAt"]:
            return await self._orders.read(node)
        variables = {"id": gid("Order", order.id), "restock": restock}
        payload = (await self._shop.ask(ORDER_CANCEL, variables)).data["orderCancel"]
        self._refuse(f"cancel order {order.id}", payload["orderCancelUserErrors"])
        return await self._orders.get(order.id)

    async def refund(
        self, order: Order, lines: Sequence[LineRefund], amount: Money, *, restock: bool, reason: str, key: str
    ) -> Order:
        """Record a refund of these lines without a transaction; `key` makes it happen once, for 24 hours."""
        if amount.currency != order.currency:
            raise Refused(f"a refund of {amount} for an order in {order.currency}", where=self._shop.http.where)
        parts = refund_lines(order, lines, restock=restock, default_location=self._settings.location)
        wanted: dict[str, Any] = {
            "orderId": gid("Order", order.id), "note": reason, "notify": False, "refundLineItems": parts,
        }  # fmt: skip
        payload = (await self._shop.ask(REFUND, {"input": wanted, "key": key})).data["refundCreate"]
        self._refuse(f"refund order {order.id}", payload["userErrors"])
        return await self._orders.read(payload["order"])

    def _refuse(self, op: str, errors: Sequence[dict[str, Any]]) -> None:
        refuse(op, errors, where=self._shop.http.where)
