"""Orders by their last change, month by month, and one by id."""

import asyncio
import re
from datetime import datetime, timedelta

from bridge.contract.errors import Gone
from bridge.contract.feed import Bad, Feed, Page
from bridge.domain.orders import Order
from bridge.wire.feeds import ByWindow
from bridge.wire.http import Response
from bridge.wire.paging import by_number
from bridge.wire.payload import Payload, rows, stamp, text
from connectors.ebay.client import Client, escaped
from connectors.ebay.limits import ORDERS, OVERLAP, STEP, WINDOW
from connectors.ebay.order_mapping import order, parcels_of

__all__ = ["ORDER", "Orders"]

ORDER = "/sell/fulfillment/v1/order"
# getOrders reaches back two years (its parameter `filter`).
_FARTHEST = timedelta(days=729)
_ID = re.compile(r"[A-Za-z0-9!-]{1,64}")


class Orders:
    """The orders port."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.changes: Feed[Order] = ByWindow(
            self._changed, now=client.now, window=WINDOW, overlap=OVERLAP, farthest=_FARTHEST
        )

    async def get(self, order_id: str) -> Order:
        """Read one order now; raises Gone, and Refused where it cannot be expressed."""
        found = await self.tried(await self.raw(order_id))
        if isinstance(found, Bad):
            self._client.refuse(f"order {order_id}: {found.reason}", "look at the order in Seller Hub")
        return found

    async def raw(self, order_id: str) -> Payload:
        """Read one order as eBay gives it."""
        if not _ID.fullmatch(order_id):
            raise Gone(f"{order_id!r} is no order of eBay's", where=self._client.where)
        payload, _ = await self._client.get(f"{ORDER}/{escaped(order_id)}", f"read order {order_id}")
        return payload

    async def read(self, payload: Payload) -> Order:
        """Read an order's payload, and its parcels where it has any."""
        return order(payload, await self.parcels(payload) if parcels_of(payload) else [])

    async def parcels(self, payload: Payload) -> list[Payload]:
        """Read what was shipped of an order."""
        path = f"{ORDER}/{escaped(text(payload, 'orderId'))}/shipping_fulfillment"
        found, _ = await self._client.get(path, "read the parcels of an order")
        return rows(found, "fulfillments")

    async def tried(self, payload: Payload) -> Order | Bad:
        """Read an order's payload; one that cannot be understood is set aside."""
        try:
            return await self.read(payload)
        except ValueError as error:
            return Bad(id=str(payload.get("orderId") or ""), reason=str(error))

    async def _changed(self, start: datetime, end: datetime | None) -> Page[Order]:
        """Read the orders that changed within a time, oldest first. In which order eBay gives them it does not say."""
        payloads, at = await self._window(start, end)
        read = await asyncio.gather(*map(self.tried, payloads))
        good = sorted((one for one in read if isinstance(one, Order)), key=lambda one: one.updated_at)
        return Page(items=tuple(good), bad=tuple(one for one in read if isinstance(one, Bad)), as_of=at)

    async def _window(self, start: datetime, end: datetime | None) -> tuple[list[Payload], datetime]:
        period = f"lastmodifieddate:[{stamp(start)}..{stamp(end) if end else ''}]"

        async def fetch(number: int) -> tuple[tuple[list[Payload], Response], int]:
            params = (("filter", period), ("limit", str(ORDERS)), ("offset", str((number - 1) * STEP)))
            payload, response = await self._client.get(ORDER, "read order changes", params)
            total = payload.get("total")
            return (rows(payload, "orders"), response), -(-(total if isinstance(total, int) else 0) // STEP)

        found: dict[str, Payload] = {}
        moments: list[datetime] = []
        async for page, response in by_number(fetch, ahead=4):
            moments.append(response.at)
            for one in page:
                found.setdefault(text(one, "orderId"), one)
        return list(found.values()), moments[0]
