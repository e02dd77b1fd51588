"""Stock: read `available` per item and location, and change it by keyed, checked deltas of 250 rows a call."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from bridge.contract.errors import TryLater
from bridge.contract.feed import Bad, Feed, Page
from bridge.contract.stock import Cause, Outcome, Prepared, Rejected, StockChange
from bridge.domain.catalog import Level, StockKey
from bridge.wire.http import Request
from bridge.wire.paging import by_cursor
from connectors.shopify import feeds
from connectors.shopify.documents import LEVELS_CHANGED, LEVELS_CHANGED_AT, LEVELS_READ, LEVELS_SCAN
from connectors.shopify.limits import LIMITS
from connectors.shopify.mapping import gid, level, levels_of_item, moment, short
from connectors.shopify.shop import PATH, Answer, Shop, after
from connectors.shopify.stock_write import batches, cost, outcomes, prepare, sharpen

__all__ = ["Stock"]

_Found = tuple[list[tuple[str, dict[str, Any]]], datetime]


class Stock:
    """The stock port. `changes` is the port's feed, which is this object too."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.changes: Feed[Level] | None = self

    async def read(self, keys: Sequence[StockKey]) -> Sequence[Level]:
        """Read these numbers now: one call per location and 250 items."""
        places: dict[str, list[str]] = {}
        for key in keys:
            places.setdefault(key.location, []).append(key.stock_id)
        found: list[Level] = []
        for place, items in places.items():
            for start in range(0, len(items), LIMITS.read_batch):
                found += await self._read_at(place, items[start : start + LIMITS.read_batch])
        return found

    async def scan(self) -> AsyncIterator[Page[Level]]:
        """Read every number: 250 items with all their locations a call."""

        async def fetch(cursor: str | None) -> tuple[Page[Level], str | None]:
            answer = await self._shop.ask(LEVELS_SCAN, {"after": cursor})
            found = answer.data["inventoryItems"]
            await self._shop.complete("InventoryItem", found["nodes"])
            read = [levels_of_item(item, answer.at) for item in found["nodes"]]
            good, bad = [one for pair in read for one in pair[0]], [one for pair in read for one in pair[1]]
            return Page(items=tuple(good), bad=tuple(bad), as_of=answer.at), after(found)

        async for page in by_cursor(fetch):
            yield page

    def begin(self, at: datetime) -> str:
        """Return the cursor for everything changed since `at`."""
        return feeds.begin(at)

    async def since(self, cursor: str) -> AsyncIterator[Page[Level]]:
        """Read the levels that changed, by the level's own time: `InventoryItem.updatedAt` need not move with its numbers.

        Levels come in no order of time, so only the last page moves the cursor.
        """
        newest: datetime | None = None
        started: datetime | None = None
        waiting: Page[Level] | None = None
        async for found, at in self._changed(feeds.changed_since(cursor)):
            if waiting is not None:
                yield waiting
            started = started or at
            waiting = _page(found, at, cursor)
            seen = [moment(node["updatedAt"]) for _, node in found if node.get("updatedAt")]
            newest = max(filter(None, [newest, *seen]), default=None)
        if waiting is not None and started is not None:
            cursor = feeds.advance(cursor, newest, started, last=True)
            yield Page(items=waiting.items, bad=waiting.bad, as_of=waiting.as_of, cursor=cursor)

    def batches(self, changes: Sequence[StockChange]) -> Sequence[Sequence[StockChange]]:
        """Split rows into calls of 250; rows that switch tracking on go by themselves."""
        return batches(changes)

    def prepare(self, changes: Sequence[StockChange], key: str) -> Prepared:
        """Turn one batch into the exact call; raises Refused naming the bad row."""
        return prepare(changes, key)

    async def send(self, prepared: Prepared) -> Sequence[Outcome]:
        """Send it; its key makes a second time harmless for 24 hours."""
        request = Request(
            method="POST", path=PATH, op="change stock", body=prepared.body.encode(), repeatable=True,
            headers={"content-type": "application/json"}, cost=float(cost(prepared.changes)),
        )  # fmt: skip
        answer: Answer = await self._shop.post(request, write=True)
        return await self._told_apart(prepared.changes, outcomes(prepared.changes, answer.data, answer.at))

    async def causes(self, keys: Sequence[StockKey], since: datetime) -> Sequence[Cause]:  # noqa: ARG002
        """Return nothing: the Admin API has no stock change log to read."""
        return ()

    async def _told_apart(self, changes: Sequence[StockChange], found: list[Outcome]) -> list[Outcome]:
        """Find out which rows of a stale call were the stale ones, where Shopify names none: one read tells.

        No recording shows the path of a stale error; the schema does not promise one.
        """
        doubtful = [change.key for change, one in zip(changes, found, strict=True) if _is_stale(one)]
        if len(doubtful) < 2:
            return found
        try:
            numbers = {one.key: one.quantity for one in await self.read(doubtful)}
        except TryLater:
            return found  # Nothing was written, and "stale" for all of them only means that all are read again.
        return [sharpen(change, one, numbers) for change, one in zip(changes, found, strict=True)]

    async def _read_at(self, place: str, items: Sequence[str]) -> list[Level]:
        ids = [gid("InventoryItem", item) for item in items]
        variables = {"ids": ids, "location": gid("Location", place)}
        answer = await self._shop.ask(LEVELS_READ, variables, cost=1 + LEVELS_READ.cost * len(ids))
        present = [node for node in answer.data["nodes"] if node and node.get("inventoryLevel")]
        return [level(node, node["inventoryLevel"], answer.at, place) for node in present]

    async def _changed(self, query: str) -> AsyncIterator[_Found]:
        async def fetch(cursor: str | None) -> tuple[Answer, str | None]:
            answer = await self._shop.ask(LEVELS_CHANGED, {"query": query, "after": cursor})
            return answer, after(answer.data["locations"])

        async for answer in by_cursor(fetch):
            places = answer.data["locations"]["nodes"]
            yield [(short(at["id"]), node) for at in places for node in at["inventoryLevels"]["nodes"]], answer.at
            for at in places:
                async for page in self._more(at, query):
                    yield page

    async def _more(self, place: dict[str, Any], query: str) -> AsyncIterator[_Found]:
        first = after(place["inventoryLevels"])

        async def fetch(cursor: str | None) -> tuple[_Found, str | None]:
            variables = {"id": place["id"], "query": query, "after": cursor or first}
            answer = await self._shop.ask(LEVELS_CHANGED_AT, variables)
            found = (answer.data["node"] or {}).get("inventoryLevels")
            nodes = [(short(place["id"]), node) for node in found["nodes"]] if found else []
            return (nodes, answer.at), after(found) if found else None

        if first:
            async for page in by_cursor(fetch):
                yield page


def _is_stale(outcome: Outcome) -> bool:
    return isinstance(outcome, Rejected) and outcome.kind == "stale"


def _page(found: Sequence[tuple[str, dict[str, Any]]], at: datetime, cursor: str) -> Page[Level]:
    good, bad = [], []
    for place, node in found:
        try:
            good.append(level(node["item"], node, at, place))
        except (ValueError, TypeError, KeyError) as error:
            bad.append(Bad(id=str((node.get("item") or {}).get("id", "?")), reason=f"{type(error).__name__}: {error}"))
    return Page(items=tuple(good), bad=tuple(bad), as_of=at, cursor=cursor)
