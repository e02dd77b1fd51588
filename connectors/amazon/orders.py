"""The orders port, version 2026-01-01: one search in three minutes is all there is, so the queue tells first."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from bridge.contract.feed import Feed, Page
from bridge.domain.orders import Order
from bridge.wire.api import Answer
from bridge.wire.feeds import expressed
from bridge.wire.http import Response
from bridge.wire.paging import by_cursor
from bridge.wire.payload import Payload, moment, part, rows, sift, stamp, text
from connectors.amazon.client import Client
from connectors.amazon.limits import OVERLAP
from connectors.amazon.order_mapping import order

__all__ = ["Orders", "OrdersChanges"]

_DATA = "PROCEEDS,CANCELLATION,FULFILLMENT,PACKAGES"
_PERSONAL = "BUYER,RECIPIENT"


class Orders:
    """Orders of this marketplace, whoever fulfils them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.changes: Feed[Order] = OrdersChanges(client, self)

    @property
    def data(self) -> str:
        """What is asked for of an order: who bought it only where the merchant wants that."""
        return f"{_DATA},{_PERSONAL}" if self._client.settings.personal_data else _DATA

    async def get(self, order_id: str) -> Order:
        """Read one order now; raises Gone, and Refused where it cannot be understood."""
        params = (("includedData", self.data),)
        payload, _ = await self._client.call("getOrder", f"read order {order_id}", params=params, order=order_id)
        name, step = f"order {order_id}", "look at the order in Seller Central"
        return expressed(self.read, part(payload, "order"), name, self._client.where, step)

    def read(self, payload: Payload) -> Order:
        """Read an order's payload."""
        return order(payload, self._client.currency, self._client.warehouse)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cursor:
    """What is asked for (changed since `at`), the page reached, and from where the search after this one goes on.

    A page's token is good for a day, and a page costs three minutes: a reading that was broken off goes on there.
    """

    at: str
    token: str = ""
    token_at: str = ""
    following: str = ""

    def text(self) -> str:
        return msgspec.json.encode(self).decode()


class OrdersChanges:
    """Orders by `lastUpdatedAfter`; the answer says until when it has seen all changes, and there the next search begins."""

    def __init__(self, client: Client, orders: Orders) -> None:
        self._client = client
        self._orders = orders

    def begin(self, at: datetime) -> str:
        """Return the cursor for what changed since this moment."""
        return _Cursor(at=stamp(at - OVERLAP)).text()

    async def since(self, cursor: str) -> AsyncIterator[Page[Order]]:
        """Read what changed."""
        start = self._usable(msgspec.json.decode(cursor, type=_Cursor))

        async def fetch(at: str | None) -> tuple[tuple[Payload, Response, _Cursor], str | None]:
            here = msgspec.json.decode(at, type=_Cursor) if at else start
            payload, response = await self._page(here)
            there = _moved(here, payload, response)
            return (payload, response, there), there.text() if there.token else None

        async for payload, response, there in by_cursor(fetch):
            good, bad = sift(rows(payload, "orders"), self._orders.read, "orderId")
            oldest_first = sorted(good, key=lambda one: one.updated_at)
            yield Page(items=tuple(oldest_first), bad=tuple(bad), as_of=response.at, cursor=there.text())

    async def _page(self, here: _Cursor) -> Answer:
        params = self._client.here(
            ("lastUpdatedAfter", here.at), ("maxResultsPerPage", "100"), ("includedData", self._orders.data),
            *((("paginationToken", here.token),) if here.token else ()),
        )  # fmt: skip
        return await self._client.call("searchOrders", "search orders", params=params)

    def _usable(self, cursor: _Cursor) -> _Cursor:
        """Forget a page whose token is about to be too old."""
        if not cursor.token:
            return cursor
        age = self._client.now() - datetime.fromisoformat(cursor.token_at)
        return cursor if 0 <= age.total_seconds() < 20 * 3600 else _Cursor(at=cursor.at)


def _moved(here: _Cursor, payload: Payload, response: Response) -> _Cursor:
    seen_until = moment(payload, "lastUpdatedBefore") if payload.get("lastUpdatedBefore") else response.at - OVERLAP
    following = here.following or max(here.at, stamp(seen_until))
    token = text(part(payload, "pagination"), "nextToken")
    if token:
        return replace(here, token=token, token_at=stamp(response.at), following=following)
    return _Cursor(at=following)
