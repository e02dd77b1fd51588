"""Orders: what changed, and single ones."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from bridge.contract.errors import Gone, Refused
from bridge.contract.feed import Feed, Page
from bridge.domain.orders import Order
from bridge.wire.paging import by_cursor
from connectors.shopify import feeds
from connectors.shopify.documents import ORDER, ORDER_RETURNS, ORDERS
from connectors.shopify.mapping import gid, short
from connectors.shopify.order_mapping import RETURN_FLOW, orders
from connectors.shopify.shop import Shop, after

__all__ = ["Orders"]


class Orders:
    """The orders port. `changes` is the port's feed, which is this object too."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.changes: Feed[Order] = self

    def begin(self, at: datetime) -> str:
        """Return the cursor for everything changed since `at`."""
        return feeds.begin(at)

    async def since(self, cursor: str) -> AsyncIterator[Page[Order]]:
        """Read what changed, oldest first: open, closed and cancelled orders alike."""
        query = feeds.changed_since(cursor)

        async def fetch(position: str | None) -> tuple[tuple[Page[Order], bool], str | None]:
            answer = await self._shop.ask(ORDERS, {"query": query, "after": position})
            found = answer.data["orders"]
            await self._complete(found["nodes"])
            good, bad = orders(found["nodes"])
            following = after(found)
            return (Page(items=good, bad=bad, as_of=answer.at), not following), following

        async for page, last in by_cursor(fetch):
            newest = max((item.updated_at for item in page.items), default=None)
            cursor = feeds.advance(cursor, newest, page.as_of, last=last)
            yield Page(items=page.items, bad=page.bad, as_of=page.as_of, cursor=cursor)

    async def get(self, order_id: str) -> Order:
        """Read one order now; raises Gone, or Refused when it cannot be understood."""
        return await self.read(await self.raw(order_id))

    async def raw(self, order_id: str) -> dict[str, Any]:
        """Read one order as Shopify tells it; raises Gone."""
        node: dict[str, Any] | None = (await self._shop.ask(ORDER, {"id": gid("Order", order_id)})).data["order"]
        if node is None:
            raise Gone(f"order {order_id} is no more, or older than the app may read", where=self._shop.http.where)
        return node

    async def read(self, node: dict[str, Any]) -> Order:
        """Turn a node of a reply into an order; raises Refused when it cannot be understood."""
        await self._complete([node])
        good, bad = orders([node])
        if bad:
            raise Refused(
                f"order {bad[0].id} cannot be understood: {bad[0].reason}",
                where=self._shop.http.where,
                next_step="open it in the shop's admin; report it if it looks right there",
            )
        return good[0]

    async def _complete(self, nodes: Sequence[dict[str, Any]]) -> None:
        await self._shop.complete("Order", nodes)
        for node in nodes:
            if node.get("returnStatus") in RETURN_FLOW:
                node["returns"] = await self._returns(short(node["id"]))

    async def _returns(self, order_id: str) -> list[dict[str, Any]]:
        """Read what became of returned goods: units put back on the shelf are told nowhere else."""

        async def fetch(cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
            answer = await self._shop.ask(ORDER_RETURNS, {"id": gid("Order", order_id), "after": cursor})
            found = answer.data["node"]["returns"]
            return found["nodes"], after(found)

        return [returned async for page in by_cursor(fetch) for returned in page]
