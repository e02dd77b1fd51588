"""The orders port, version 2026-01-01: one search in three minutes is all there is, so the queue tells first."""

from datetime import datetime, timedelta

from bridge.contract.feed import Feed, Page
from bridge.domain.orders import Order
from bridge.wire.feeds import expressed
from bridge.wire.payload import Payload, moment, part, rows, sift, text
from bridge.wire.resumable import Resumable
from connectors.amazon.client import Client
from connectors.amazon.limits import OVERLAP
from connectors.amazon.order_mapping import order

__all__ = ["Orders"]

_DATA = "PROCEEDS,CANCELLATION,FULFILLMENT,PACKAGES"
_PERSONAL = "BUYER,RECIPIENT"
# A page's token is good for a day, and a page costs three minutes.
_GOOD = timedelta(hours=20)


class Orders:
    """Orders of this marketplace, whoever fulfils them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        # Who bought it is asked for only where the merchant wants that.
        self._data = f"{_DATA},{_PERSONAL}" if client.settings.personal_data else _DATA
        self.changes: Feed[Order] = Resumable(self._changed, now=client.now, overlap=OVERLAP, good=_GOOD)

    async def get(self, order_id: str) -> Order:
        """Read one order now; raises Gone, and Refused where it cannot be understood."""
        params = (("includedData", self._data),)
        payload, _ = await self._client.call("getOrder", f"read order {order_id}", params=params, order=order_id)
        name, step = f"order {order_id}", "look at the order in Seller Central"
        return expressed(self.read, part(payload, "order"), name, self._client.where, step)

    def read(self, payload: Payload) -> Order:
        """Read an order's payload."""
        return order(payload, self._client.currency, self._client.warehouse)

    async def _changed(self, at: str, token: str) -> tuple[Page[Order], datetime | None, str]:
        """Read a page of the orders that changed since, oldest first; the answer says until when it has seen all changes."""
        asked = {
            "lastUpdatedAfter": at,
            "maxResultsPerPage": "100",
            "includedData": self._data,
            "paginationToken": token,
        }
        params = self._client.here(*((name, value) for name, value in asked.items() if value))
        payload, response = await self._client.call("searchOrders", "search orders", params=params)
        good, bad = sift(rows(payload, "orders"), self.read, "orderId")
        oldest_first = sorted(good, key=lambda one: one.updated_at)
        seen_until = moment(payload, "lastUpdatedBefore") if payload.get("lastUpdatedBefore") else None
        page = Page(items=tuple(oldest_first), bad=tuple(bad), as_of=response.at)
        return page, seen_until, text(part(payload, "pagination"), "nextToken")
