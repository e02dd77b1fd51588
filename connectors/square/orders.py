"""Orders of all locations: what changed, and one by id."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import msgspec

from bridge.contract.errors import Gone, NeedsPerson, Refused
from bridge.contract.feed import Feed, Page
from bridge.domain.orders import Order
from connectors.square.account import Account
from connectors.square.client import Client
from connectors.square.limits import ORDER_LOCATIONS, OVERLAP, PAGE
from connectors.square.order_mapping import order, return_lines
from connectors.square.payload import Odd, Payload, moment, part, rows, sift, stamp, text
from connectors.square.restocks import WINDOW, put_back

__all__ = ["SEARCH", "STATES", "Orders", "OrdersChanges", "restocked_units"]

SEARCH = "/v2/orders/search"
# DRAFT is left out: checkout drafts are no sales.
STATES = ["OPEN", "COMPLETED", "CANCELED"]
_LOCATIONS_AGE = timedelta(days=1)


class Orders:
    """The orders port."""

    def __init__(self, client: Client, account: Account) -> None:
        self._client = client
        self.changes: Feed[Order] = OrdersChanges(client, account)

    async def get(self, order_id: str) -> Order:
        """Read one order now; raises Gone, and Refused where it cannot be expressed."""
        payload = await self.raw(order_id)
        if text(payload, "state") == "DRAFT":
            raise Gone(f"order {order_id} is a checkout draft", where=self._client.where)
        return await self.read(payload)

    async def raw(self, order_id: str) -> Payload:
        """Read one order as Square gives it."""
        payload, _ = await self._client.get(f"/v2/orders/{order_id}", f"read order {order_id}")
        return dict(part(payload, "order"))

    async def read(self, payload: Payload) -> Order:
        """Read an order's payload, asking the stock log what a return put back."""
        try:
            return order(payload, await restocked_units(self._client, [payload]))
        except Odd as error:
            what = f"order {text(payload, 'id')}: {error}"
            raise Refused(
                what, where=self._client.where, next_step="look at the order in the Square Dashboard"
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cursor:
    """Where the feed goes on, and the locations it covers: they cost a call, so they are asked for once a day."""

    at: str
    locations: tuple[str, ...] = ()
    asked_at: str = ""

    def text(self) -> str:
        return msgspec.json.encode(self).decode()


class OrdersChanges:
    """Orders by `updated_at`: an offline sale arrives up to 72 hours late with its old `created_at`, but a new `updated_at`."""

    def __init__(self, client: Client, account: Account) -> None:
        self._client = client
        self._account = account

    def begin(self, at: datetime) -> str:
        """Return the cursor for what changed since this moment."""
        return _Cursor(at=stamp(at - OVERLAP)).text()

    async def since(self, cursor: str) -> AsyncIterator[Page[Order]]:
        """Read what changed, oldest first within every ten locations.

        With more than ten locations Square wants several searches, so only the last page of all moves the cursor.
        """
        here = await self._located(msgspec.json.decode(cursor, type=_Cursor))
        groups = [here.locations[at : at + ORDER_LOCATIONS] for at in range(0, len(here.locations), ORDER_LOCATIONS)]
        following = ""
        for group in groups:
            async for payload, response, last in self._client.pages(
                SEARCH, "read order changes", _query(group, here.at)
            ):
                following = following or max(here.at, stamp(response.at - OVERLAP))
                reached = _reached(payload, here.at, following) if len(groups) == 1 else here.at
                at = following if last and group == groups[-1] else reached
                page = await self._page(payload, response.at)
                yield replace(page, cursor=replace(here, at=at).text())

    async def _page(self, payload: Payload, at: datetime) -> Page[Order]:
        found = [entry for entry in rows(payload, "orders") if text(entry, "state") != "DRAFT"]
        restocked = await restocked_units(self._client, found)
        good, bad = sift(found, lambda entry: order(entry, restocked))
        return Page(items=tuple(good), bad=tuple(bad), as_of=at)

    async def _located(self, cursor: _Cursor) -> _Cursor:
        now = self._client.now()
        if cursor.locations and now - datetime.fromisoformat(cursor.asked_at) < _LOCATIONS_AGE:
            return cursor
        ids = tuple(sorted(text(place, "id") for place in await self._account.locations()))
        if not ids:
            raise NeedsPerson(
                "the seller has no location",
                where=self._client.where,
                next_step="finish setting up the business in the Square Dashboard",
            )
        return replace(cursor, locations=ids, asked_at=stamp(now))


async def restocked_units(client: Client, payloads: Iterable[Payload]) -> dict[str, int]:
    """Ask the stock log what returns put back, by return line uid: one search for all of them, none without returns."""
    returns, _ = sift((payload for payload in payloads if payload.get("returns")), _return)
    variations = {variation for entry in returns for variation in entry.variations}
    if not variations:
        return {}
    body = {
        "catalog_object_ids": sorted(variations),
        "types": ["ADJUSTMENT"],
        "updated_after": stamp(min(entry.at for entry in returns) - WINDOW),
        "limit": PAGE,
    }
    pages = client.pages("/v2/inventory/changes/batch-retrieve", "read what returns put back", body)
    log = [part(entry, "adjustment") async for page, _, _ in pages for entry in rows(page, "changes")]
    return put_back((entry.payload for entry in returns), log)


@dataclass(frozen=True, slots=True)
class _Return:
    payload: Payload
    at: datetime
    variations: frozenset[str]


def _return(payload: Payload) -> _Return:
    ids = frozenset(text(line, "catalog_object_id") for line in return_lines(payload))
    return _Return(payload, moment(payload, "created_at"), ids - {""})


def _query(locations: tuple[str, ...], start: str) -> dict[str, object]:
    """Filter and sort must name the same field (SearchOrdersFilter.date_time_filter)."""
    period = {"updated_at": {"start_at": start}}
    return {
        "location_ids": list(locations),
        "limit": PAGE,
        "query": {
            "filter": {"date_time_filter": period, "state_filter": {"states": STATES}},
            "sort": {"sort_field": "UPDATED_AT", "sort_order": "ASC"},
        },
    }


def _reached(payload: Payload, start: str, end: str) -> str:
    """Return where to go on after a page that is not the last: just before its newest order."""
    times, _ = sift(rows(payload, "orders"), partial(moment, name="updated_at"))
    return min(end, max(start, stamp(max(times) - OVERLAP))) if times else start
