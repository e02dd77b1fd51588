"""Receipts: what changed, and one by id."""

from collections.abc import AsyncIterator
from datetime import datetime

from bridge.contract.errors import Gone
from bridge.contract.feed import Feed, Page
from bridge.domain.orders import Order
from bridge.wire.feeds import expressed
from bridge.wire.http import Response
from bridge.wire.paging import by_time
from bridge.wire.payload import Odd, Payload, rows, sift, text
from connectors.etsy.client import Client
from connectors.etsy.limits import OVERLAP, PAGE
from connectors.etsy.order_mapping import changed, order

__all__ = ["Orders", "OrdersChanges"]

# "The earliest unix timestamp" Etsy takes (specification).
_EPOCH = 946_684_800


class Orders:
    """The orders port."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.changes: Feed[Order] = OrdersChanges(client)

    async def get(self, order_id: str) -> Order:
        """Read one receipt now; raises Gone, and Refused where it cannot be expressed."""
        return self.read(await self.raw(order_id))

    async def raw(self, order_id: str) -> Payload:
        """Read one receipt as Etsy gives it."""
        if not order_id.isascii() or not order_id.isdigit():
            raise Gone(f"order {order_id!r} is no receipt of Etsy's", where=self._client.where)
        path = await self._client.of_shop(f"receipts/{order_id}")
        return (await self._client.get(path, f"read order {order_id}"))[0]

    def read(self, payload: Payload) -> Order:
        """Read a receipt's payload."""
        name = f"order {text(payload, 'receipt_id')}"
        return expressed(order, payload, name, self._client.where, "look at the order on Etsy")


class OrdersChanges:
    """Receipts by `updated_timestamp`, paid or not, cancelled or not, oldest change first.

    Whether `min_last_modified` is inclusive is not said; a second is read again in any case.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def begin(self, at: datetime) -> str:
        """Return the cursor for what changed since this moment."""
        return str(max(_EPOCH, int((at - OVERLAP).timestamp())))

    async def since(self, cursor: str) -> AsyncIterator[Page[Order]]:
        """Read what changed."""
        following, seen = "", set[tuple[str, str]]()
        async for (found, response), reached, last in by_time(self._fetch, int(cursor), PAGE):
            following = following or str(max(int(cursor), int((response.at - OVERLAP).timestamp())))
            fresh = [one for one in found if _version(one) not in seen]
            seen.update(map(_version, fresh))
            good, bad = sift(fresh, order, "receipt_id")
            at = following if last else str(max(int(cursor), min(int(following), reached)))
            yield Page(items=tuple(good), bad=tuple(bad), as_of=response.at, cursor=at)

    async def _fetch(self, least: int, offset: int) -> tuple[tuple[list[Payload], Response], int, int]:
        query = (
            ("min_last_modified", str(least)), ("sort_on", "updated"), ("sort_order", "asc"),
            ("limit", str(PAGE)), ("offset", str(offset)),
        )  # fmt: skip
        payload, response = await self._client.get(await self._client.of_shop("receipts"), "read order changes", query)
        found = rows(payload, "results")
        return (found, response), len(found), _newest(found)


def _version(receipt: Payload) -> tuple[str, str]:
    return str(receipt.get("receipt_id")), str(receipt.get("updated_timestamp"))


def _newest(found: list[Payload]) -> int:
    times = [0]
    for one in found:
        try:
            times.append(int(changed(one).timestamp()))
        except Odd:
            continue
    return max(times)
