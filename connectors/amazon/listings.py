"""Reading listings: by SKU, twenty a call, and all of them in pages."""

from collections.abc import AsyncIterator, Sequence

from bridge.contract.errors import Gone
from bridge.wire.api import Answer
from bridge.wire.http import Response
from bridge.wire.paging import by_search, slices
from bridge.wire.payload import Payload, moment, part, rows, text
from connectors.amazon.client import Client
from connectors.amazon.limits import FIRST, PAGE
from connectors.amazon.payload import first

__all__ = ["ALL_DATA", "NUMBERS", "Listings"]

ALL_DATA = "summaries,attributes,offers,fulfillmentAvailability,relationships"
NUMBERS = "summaries,fulfillmentAvailability"


class Listings:
    """The seller's listings in this marketplace."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def named(self, skus: Sequence[str], data: str) -> tuple[list[Payload], Response | None]:
        """Read these listings; what is no more is left out. The answer that came last tells the time."""
        wanted, found, response = list(dict.fromkeys(skus)), list[Payload](), None
        # Commas part the identifiers of a call, so a SKU that holds one is asked for alone.
        for some in slices([sku for sku in wanted if sku and "," not in sku], PAGE):
            payload, response = await self._search(data, ("identifiers", ",".join(some)), ("identifiersType", "SKU"))
            found += rows(payload, "items")
        for sku in (sku for sku in wanted if "," in sku):
            item, response = await self._one(sku, data, response)
            found += [item] if item else []
        return found, response

    def walk(self, data: str, changed: str = "") -> AsyncIterator[tuple[Sequence[Payload], Response]]:
        """Read all listings (or those changed since), oldest first, each page with its answer.

        The order is that of their making, which no edit disturbs. A search shows a thousand; the next begins where it ended.
        """

        async def fetch(after: str, token: str) -> tuple[list[Payload], Response, str]:
            given = {"lastUpdatedAfter": changed, "createdAfter": after, "pageToken": token}
            more = ((name, value) for name, value in given.items() if value)
            payload, response = await self._search(data, ("sortBy", "createdDate"), ("sortOrder", "ASC"), *more)
            return rows(payload, "items"), response, text(part(payload, "pagination"), "nextToken")

        return by_search(fetch, lambda item: moment(first(item, "summaries"), "createdDate"), FIRST)

    async def _search(self, data: str, *more: tuple[str, str]) -> Answer:
        params = self._client.here(("includedData", data), ("pageSize", str(PAGE)), *more)
        return await self._client.call("searchListingsItems", "read listings", params=params)

    async def _one(self, sku: str, data: str, last: Response | None) -> tuple[Payload | None, Response | None]:
        params = self._client.here(("includedData", data))
        try:
            return await self._client.call("getListingsItem", f"read listing {sku}", params=params, sku=sku)
        except Gone:
            return None, last
