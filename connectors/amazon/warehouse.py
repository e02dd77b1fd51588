"""What lies in Amazon's warehouses, page by page. Where the merchant does not ask for it there is none."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial

from bridge.contract.feed import Page
from bridge.domain.catalog import Level, StockKey
from bridge.wire.api import Answer
from bridge.wire.paging import by_cursor, slices
from bridge.wire.payload import Payload, must, part, rows, sift, text, units
from connectors.amazon.client import Client
from connectors.amazon.mapping import FBA

__all__ = ["Warehouse"]

_SKUS = 50


class Warehouse:
    """FBA Inventory v1. Its location is the code that this marketplace's own fulfilment channel has."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def pages(self, skus: Sequence[str] = (), since: str = "") -> AsyncIterator[Page[Level]]:
        """Read the numbers that can be sold: all, those of some SKUs, or those that changed."""
        if not self._client.settings.fba:
            return
        for some in slices(skus, _SKUS) or [()]:
            async for payload, response in self._walk(some, since):
                found = rows(part(payload, "payload"), "inventorySummaries")
                good, bad = sift(found, partial(self._level, at=response.at), "sellerSku")
                yield Page(items=tuple(good), bad=tuple(bad), as_of=response.at)

    def _walk(self, skus: Sequence[str], since: str) -> AsyncIterator[Answer]:
        here = self._client.here(("details", "true"), ("granularityType", "Marketplace"))
        place = ("granularityId", self._client.market)

        async def fetch(token: str | None) -> tuple[Answer, str | None]:
            asked = {"sellerSkus": ",".join(skus), "startDateTime": since, "nextToken": token or ""}
            params = (*here, place, *((name, value) for name, value in asked.items() if value))
            answer = await self._client.call(
                "getInventorySummaries", "read the stock in Amazon's warehouses", params=params
            )
            return answer, text(part(answer[0], "pagination"), "nextToken") or None

        return by_cursor(fetch)

    def _level(self, row: Payload, at: datetime) -> Level:
        key = StockKey(f"{FBA}{must(row, 'sellerSku')}", self._client.warehouse)
        return Level(key=key, quantity=units(part(row, "inventoryDetails"), "fulfillableQuantity"), as_of=at)
