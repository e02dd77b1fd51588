"""Reading listings: by SKU, twenty a call, and all of them in pages."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import quote

import msgspec

from bridge.contract.errors import Gone
from bridge.wire.http import Response
from bridge.wire.paging import by_cursor
from connectors.amazon.client import Client
from connectors.amazon.limits import FIRST, PAGE, Ops
from connectors.amazon.payload import Payload, first, moment, part, rows, stamp, text

__all__ = ["ALL_DATA", "NUMBERS", "Listings", "item_path"]

ALL_DATA = "summaries,attributes,offers,fulfillmentAvailability,relationships"
NUMBERS = "summaries,fulfillmentAvailability"
_ROOT = "listings/2021-08-01/items"
_TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Position:
    """Where a walk goes on: the search it is in (listings made after a time), its page, and how many it has shown."""

    after: str = ""
    token: str = ""
    seen: int = 0


def item_path(seller_id: str, sku: str) -> str:
    """Return the path of one listing; a SKU may hold anything."""
    return f"{_ROOT}/{quote(seller_id, safe='')}/{quote(sku, safe='')}"


class Listings:
    """The seller's listings in this marketplace."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def named(self, skus: Sequence[str], data: str) -> tuple[list[Payload], Response | None]:
        """Read these listings; what is no more is left out. The answer that came last tells the time."""
        wanted, found, response = list(dict.fromkeys(skus)), list[Payload](), None
        # Commas part the identifiers of a call, so a SKU that holds one is asked for alone.
        plain = [sku for sku in wanted if sku and "," not in sku]
        for start in range(0, len(plain), PAGE):
            names = ("identifiers", ",".join(plain[start : start + PAGE])), ("identifiersType", "SKU")
            payload, response = await self._search(data, *names)
            found += rows(payload, "items")
        for sku in (sku for sku in wanted if "," in sku):
            item, response = await self._one(sku, data, response)
            found += [item] if item else []
        return found, response

    async def walk(self, data: str, changed: str = "") -> AsyncIterator[tuple[list[Payload], Response, bool]]:
        """Read all listings (or those changed since), oldest first: each page with its answer, and whether it is the last.

        The order is that of their making, which no edit disturbs. A search shows a thousand; the next begins where it ended.
        """
        more = (("lastUpdatedAfter", changed),) if changed else ()

        async def fetch(cursor: str | None) -> tuple[tuple[list[Payload], Response, bool], str | None]:
            here = msgspec.json.decode(cursor, type=_Position) if cursor else _Position()
            place = (
                *((("createdAfter", here.after),) if here.after else ()),
                *((("pageToken", here.token),) if here.token else ()),
            )
            payload, response = await self._search(data, ("sortBy", "createdDate"), ("sortOrder", "ASC"), *more, *place)
            items = rows(payload, "items")
            following = _next(here, items, text(part(payload, "pagination"), "nextToken"))
            on = msgspec.json.encode(following).decode() if following else None
            return (items, response, on is None), on

        async for page in by_cursor(fetch):
            yield page

    async def _search(self, data: str, *more: tuple[str, str]) -> tuple[Payload, Response]:
        params = self._client.here(("includedData", data), ("pageSize", str(PAGE)), *more)
        path = f"{_ROOT}/{quote(self._client.settings.seller_id, safe='')}"
        return await self._client.call(Ops.SEARCH_LISTINGS, "GET", path, "read listings", params=params)

    async def _one(self, sku: str, data: str, last: Response | None) -> tuple[Payload | None, Response | None]:
        path = item_path(self._client.settings.seller_id, sku)
        params = self._client.here(("includedData", data))
        try:
            return await self._client.call(Ops.GET_LISTING, "GET", path, f"read listing {sku}", params=params)
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
