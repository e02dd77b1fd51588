"""Orders by their last change, month by month, and one by id."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from bridge.contract.errors import Gone
from bridge.contract.feed import Bad, Feed, Page
from bridge.domain.orders import Order
from bridge.wire.http import Response
from bridge.wire.paging import by_cursor, by_number
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
        self.changes: Feed[Order] = OrdersChanges(client, self)

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


class OrdersChanges:
    """Orders by `lastmodifieddate`. In which order eBay gives them it does not say: a window is read whole, then sorted.

    The last window has no end: an order that changes while it is read stays in it.
    """

    def __init__(self, client: Client, orders: Orders) -> None:
        self._client = client
        self._orders = orders

    def begin(self, at: datetime) -> str:
        """Return the cursor for what changed since this moment."""
        return stamp(at - OVERLAP)

    async def since(self, cursor: str) -> AsyncIterator[Page[Order]]:
        """Read what changed, oldest first, one page a window."""
        first = max(datetime.fromisoformat(cursor), self._client.now() - _FARTHEST)

        async def fetch(at: str | None) -> tuple[Page[Order], str | None]:
            page, is_last = await self._page(datetime.fromisoformat(at) if at else first)
            return page, None if is_last else page.cursor

        async for page in by_cursor(fetch):
            yield page

    async def _page(self, start: datetime) -> tuple[Page[Order], bool]:
        # Our clock only chooses how much is read at once; the cursor is moved by eBay's.
        end = start + WINDOW if self._client.now() - start > WINDOW + OVERLAP else None
        payloads, at = await self._window(start, end)
        read = await asyncio.gather(*map(self._orders.tried, payloads))
        good = sorted((one for one in read if isinstance(one, Order)), key=lambda one: one.updated_at)
        bad = tuple(one for one in read if isinstance(one, Bad))
        following = stamp(end or max(start, at - OVERLAP))
        return Page(items=tuple(good), bad=bad, as_of=at, cursor=following), end is None

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
