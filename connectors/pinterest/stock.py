"""Sold out or not: items/batch takes it in under a batch id, and says later what became of each item."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from bridge.contract.errors import Refused, TryLater
from bridge.contract.feed import Feed, Page
from bridge.contract.stock import Accepted, Applied, Outcome, Prepared, Rejected, StockChange
from bridge.domain.catalog import Level, StockKey
from bridge.wire.paging import slices
from bridge.wire.payload import Payload, rows, text
from bridge.wire.stock_rows import NamesNoCauses, check, found, target
from connectors.pinterest.catalog import Catalog
from connectors.pinterest.client import Client
from connectors.pinterest.limits import LIMITS
from connectors.pinterest.mapping import availability

__all__ = ["Batches", "Stock", "update"]

_PATH = "/catalogs/items/batch"
# The events of an id that is not in the catalogue: their codes are not published, so the text has to tell.
_GONE = ("does not exist", "not found", "could not find")


class Batches:
    """Sending batches of operations and asking for their results; the tickets port."""

    def __init__(self, client: Client, catalog: Catalog) -> None:
        self._client = client
        self._catalog = catalog

    def body(self, operations: Sequence[Mapping[str, Any]]) -> str:
        """Write a batch down."""
        return msgspec.json.encode(self._catalog.batch(operations)).decode()

    async def send(self, body: str, op: str) -> tuple[str, datetime]:
        """Send it; returns the batch id ("" where it was skipped as the same again), and when it was taken in."""
        payload, response = await self._client.send_text(_PATH, op, body)
        ticket = text(payload, "batch_id")
        if not ticket:
            raise TryLater(f"{op}: the answer names no batch", where=self._client.where, maybe_applied=True)
        # "If null, batch creation was skipped due to a recent duplicate ingestion" (API description 5.23.0).
        return ("" if payload.get("created_time", "") is None else ticket), response.at

    async def problems(self, ticket: str) -> tuple[dict[str, str], datetime] | None:
        """Return what is wrong with which item once a batch has ended; None while Pinterest is at work. Raises Gone."""
        payload, response = await self._client.get(f"{_PATH}/{ticket}", "ask for a batch's results")
        records = rows(payload, "items")
        if text(payload, "status") == "PROCESSING" or any(text(one, "status") == "PROCESSING" for one in records):
            return None
        failed = text(payload, "status") == "FAILED"
        wrong = {text(one, "item_id"): _why(one) for one in records if text(one, "status") == "FAILURE"}
        return ({**dict.fromkeys(_ids(records), "the batch failed"), **wrong} if failed else wrong), response.at

    async def look(self, ticket: str, prepared: Prepared) -> Sequence[Applied | Rejected] | None:
        """Say what became of each row once the batch has ended."""
        ended = await self.problems(ticket)
        return None if ended is None else [_outcome(change.key, *ended) for change in prepared.changes]


class Stock(NamesNoCauses):
    """The stock port. A stock id is an item's id, by convention our SKU; its number is 1 or 0."""

    changes: Feed[Level] | None = None

    def __init__(self, client: Client, catalog: Catalog, batches: Batches) -> None:
        self._client = client
        self._catalog = catalog
        self._batches = batches

    async def read(self, keys: Sequence[StockKey]) -> Sequence[Level]:
        """Read these now; an item that is no more is left out."""
        return found(keys, await self._catalog.levels([key.stock_id for key in keys]))

    async def scan(self) -> AsyncIterator[Page[Level]]:
        """Read all of them with the catalogue's pages."""
        async for page in self._catalog.item_pages():
            yield Page(items=tuple(page.levels), bad=tuple(page.bad), as_of=page.at)

    def batches(self, changes: Sequence[StockChange]) -> Sequence[Sequence[StockChange]]:
        """Split rows into calls, in their order: sold out stays first."""
        return slices(changes, LIMITS.stock_batch)

    def prepare(self, changes: Sequence[StockChange], key: str) -> Prepared:
        """Write the exact call down, its time included; raises Refused naming the bad row.

        The time makes each batch one of its own: Pinterest skips one that equals a batch it took in a short while ago, and an
        item that went out of stock, came back and went out again would stay on show.
        """
        check(changes, LIMITS.stock_batch)
        at = int(self._client.now().timestamp() * 1000)
        body = self._batches.body([update(_id(change), _fields(change, at)) for change in changes])
        return Prepared(key=key, body=body, changes=tuple(changes))

    async def send(self, prepared: Prepared) -> Sequence[Outcome]:
        """Send it once; all rows have the batch id for a ticket."""
        ticket, at = await self._batches.send(prepared.body, "write stock")
        if not ticket:
            reason = "Pinterest skipped the batch as one that it had a short while ago"
            return [Rejected(key=change.key, kind="retry", reason=reason) for change in prepared.changes]
        return [Accepted(key=change.key, at=at, ticket=ticket) for change in prepared.changes]


def update(sku: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """Write one update; an attribute that is None is named in the mask and left out of the body, which takes it off."""
    given = {name: value for name, value in attributes.items() if value is not None}
    return {"operation": "UPDATE", "item_id": sku, "attributes": given, "update_mask": sorted(attributes)}


def _fields(change: StockChange, at: int) -> dict[str, Any]:
    # Pinterest knows in stock (1) and sold out (0).
    return {**availability(target(change, LIMITS)), "last_updated_time": at}


def _id(change: StockChange) -> str:
    if not change.key.stock_id.strip() or change.key.location:
        what = f"{change.key.stock_id or 'a row without an id'}: a catalogue keeps one state an item"
        raise Refused(what, next_step="run `bridge link`")
    return change.key.stock_id


def _why(record: Payload) -> str:
    told = [f"{text(error, 'attribute')}: {text(error, 'message')}" for error in rows(record, "errors")]
    return "; ".join(told) or "Pinterest names no reason"


def _ids(records: Sequence[Payload]) -> list[str]:
    return [text(one, "item_id") for one in records]


def _outcome(key: StockKey, problems: Mapping[str, str], at: datetime) -> Applied | Rejected:
    reason = problems.get(key.stock_id)
    if reason is None:
        return Applied(key=key, at=at)
    gone = any(words in reason.lower() for words in _GONE)
    return Rejected(key=key, kind="gone" if gone else "invalid", reason=reason)
