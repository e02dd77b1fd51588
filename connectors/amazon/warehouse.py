"""What lies in Amazon's warehouses, page by page. Where the merchant does not ask for it there is none."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from bridge.contract.feed import Page
from bridge.domain.catalog import Level, StockKey
from bridge.wire.http import Response
from bridge.wire.paging import by_cursor
from connectors.amazon.client import Client
from connectors.amazon.limits import MARKETPLACES, Ops
from connectors.amazon.mapping import FBA
from connectors.amazon.payload import Payload, need, part, rows, sift, text, units

__all__ = ["Warehouse"]

_PATH = "fba/inventory/v1/summaries"
_SKUS = 50


class Warehouse:
    """FBA Inventory v1. `location` is the code that this marketplace's own fulfilment channel has."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.location = MARKETPLACES.get(client.market, ("", "AMAZON_NA"))[1]

    async def pages(self, skus: Sequence[str] = (), since: str = "") -> AsyncIterator[Page[Level]]:
        """Read the numbers that can be sold: all, those of some SKUs, or those that changed."""
        if not self._client.settings.fba:
            return
        groups = [skus[start : start + _SKUS] for start in range(0, len(skus), _SKUS)] or [()]
        for group in groups:
            async for payload, response in self._walk(group, since):
                found = rows(part(payload, "payload"), "inventorySummaries")
                good, bad = sift(found, lambda row, at=response.at: self._level(row, at), "sellerSku")  # type: ignore[misc]
                yield Page(items=tuple(good), bad=tuple(bad), as_of=response.at, cursor=since)

    async def _walk(self, skus: Sequence[str], since: str) -> AsyncIterator[tuple[Payload, Response]]:
        market = self._client.market
        params = self._client.here(("details", "true"), ("granularityType", "Marketplace"), ("granularityId", market))
        params += (("sellerSkus", ",".join(skus)),) if skus else ()
        params += (("startDateTime", since),) if since else ()

        async def fetch(token: str | None) -> tuple[tuple[Payload, Response], str | None]:
            more = (("nextToken", token),) if token else ()
            answer = await self._client.call(
                Ops.SUMMARIES, "GET", _PATH, "read the stock in Amazon's warehouses", params=(*params, *more)
            )
            return answer, text(part(answer[0], "pagination"), "nextToken") or None

        async for page in by_cursor(fetch):
            yield page

    def _level(self, row: Payload, at: datetime) -> Level:
        key = StockKey(f"{FBA}{need(row, 'sellerSku')}", self.location)
        return Level(key=key, quantity=units(part(row, "inventoryDetails"), "fulfillableQuantity"), as_of=at)
