"""Reading listings: by SKU, twenty a call, and all of them in pages."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec

from bridge.contract.errors import Gone
from bridge.wire.api import Answer
from bridge.wire.http import Response
from bridge.wire.paging import by_cursor, slices
from bridge.wire.payload import Payload, moment, part, rows, stamp, text
from connectors.amazon.client import Client
from connectors.amazon.limits import FIRST, PAGE
from connectors.amazon.payload import first

__all__ = ["ALL_DATA", "NUMBERS", "Listings"]

ALL_DATA = "summaries,attributes,offers,fulfillmentAvailability,relationships"
NUMBERS = "summaries,fulfillmentAvailability"
_TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Position:
    """Where a walk goes on: the search it is in (listings made after a time), its page, and how many it has shown."""

    after: str = ""
    token: str = ""
    seen: int = 0


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

    async def walk(self, data: str, changed: str = "") -> AsyncIterator[tuple[list[Payload], Response]]:
        """Read all listings (or those changed since), oldest first, each page with its answer.

        The order is that of their making, which no edit disturbs. A search shows a thousand; the next begins where it ended.
        """
        more = (("lastUpdatedAfter", changed),) if changed else ()

        async def fetch(cursor: str | None) -> tuple[tuple[list[Payload], Response], str | None]:
            here = msgspec.json.decode(cursor, type=_Position) if cursor else _Position()
            place = {"createdAfter": here.after, "pageToken": here.token}
            given = ((name, value) for name, value in place.items() if value)
            payload, response = await self._search(data, ("sortBy", "createdDate"), ("sortOrder", "ASC"), *more, *given)
            items = rows(payload, "items")
            following = _next(here, items, text(part(payload, "pagination"), "nextToken"))
            return (items, response), msgspec.json.encode(following).decode() if following else None

        async for page in by_cursor(fetch):
            yield page

    async def _search(self, data: str, *more: tuple[str, str]) -> Answer:
        params = self._client.here(("includedData", data), ("pageSize", str(PAGE)), *more)
        return await self._client.call("searchListingsItems", "read listings", params=params)

    async def _one(self, sku: str, data: str, last: Response | None) -> tuple[Payload | None, Response | None]:
        params = self._client.here(("includedData", data))
        try:
            return await self._client.call("getListingsItem", f"read listing {sku}", params=params, sku=sku)
        except Gone:
            return None, last


def _next(here: _Position, items: list[Payload], token: str) -> _Position | None:
    seen = here.seen + len(items)
    if token:
        return replace(here, token=token, seen=seen)
    if seen < FIRST or not items:
        return None
    made = stamp(moment(first(items[-1], "summaries"), "createdDate"))
    # More than a thousand made in one millisecond cannot be told apart; the walk must go on all the same.
    return _Position(after=made if made > here.after else stamp(moment({"at": made}, "at") + _TICK))
