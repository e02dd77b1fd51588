"""Numbers: items_batch takes them in under a handle, and says later what became of each."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from bridge.contract.errors import Gone, Refused, TryLater
from bridge.contract.feed import Feed, Page
from bridge.contract.stock import Accepted, Applied, Outcome, Prepared, Rejected, StockChange
from bridge.domain.catalog import Level, StockKey
from bridge.wire.paging import slices
from bridge.wire.payload import Payload, names, rows, text
from bridge.wire.stock_rows import NamesNoCauses, check, found, target
from connectors.meta.catalog import Catalog
from connectors.meta.client import Client
from connectors.meta.limits import LIMITS
from connectors.meta.mapping import stock_fields, update

__all__ = ["Batches", "Stock", "told_at_once"]

_BUSY = {"scheduled", "dispatched", "started", "in_progress"}


class Batches:
    """Sending batches of requests and asking for their results; the tickets port."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def body(self, requests: Sequence[Mapping[str, Any]], *, upsert: bool) -> str:
        """Write a batch down. Without `upsert` an item that is no more is not made anew from a number."""
        whole = {"item_type": "PRODUCT_ITEM", "allow_upsert": upsert, "requests": requests}
        return msgspec.json.encode(whole).decode()

    async def send(self, body: str, op: str) -> tuple[str, dict[str, str], datetime]:
        """Send it; returns the handle ("" if nothing was taken in), what is wrong with which item, and when it was taken in."""
        payload, response = await self._client.send_text("/items_batch", op, body)
        handles, wrong = names(payload, "handles"), told_at_once(payload)
        if not handles and not wrong:
            raise TryLater(f"{op}: the answer names no handle", where=self._client.where, maybe_applied=True)
        return (handles[0] if handles else ""), wrong, response.at

    async def problems(self, handle: str) -> tuple[dict[str, str], datetime] | None:
        """Return what is wrong with which item once a batch has ended; None while Meta is at work. Raises Gone."""
        params = (
            ("handle", handle),
            ("load_ids_of_invalid_requests", "true"),
            ("fields", "handle,status,errors,errors_total_count,ids_of_invalid_requests"),
        )
        try:
            payload, response = await self._client.get(
                "/check_batch_request_status", "ask for a batch's results", params
            )
        except Refused as error:
            raise Gone(error.what, where=error.where, code=error.code) from error
        found = rows(payload, "data")
        status = text(found[0], "status").lower() if found else ""
        if status in _BUSY:
            return None
        if status != "finished":
            # "Some of the requests might not have finished": only the items themselves can tell.
            raise Gone(f"the batch ended as {status or 'unknown'}", where=self._client.where, code=status)
        return _problems(found[0]), response.at

    async def look(self, ticket: str, prepared: Prepared) -> Sequence[Applied | Rejected] | None:
        """Say what became of each row once the batch has ended."""
        ended = await self.problems(ticket)
        return None if ended is None else [_outcome(change.key, *ended) for change in prepared.changes]


class Stock(NamesNoCauses):
    """The stock port. A stock id is an item's retailer_id, by convention our SKU."""

    changes: Feed[Level] | None = None

    def __init__(self, client: Client, catalog: Catalog, batches: Batches) -> None:
        self._catalog = catalog
        self._batches = batches
        self._where = client.where

    async def read(self, keys: Sequence[StockKey]) -> Sequence[Level]:
        """Read these numbers; None where an item has none, left out where it is no more."""
        return found(keys, await self._catalog.levels([key.stock_id for key in keys]))

    async def scan(self) -> AsyncIterator[Page[Level]]:
        """Read every number with the catalogue's pages."""
        async for page in self._catalog.item_pages():
            yield Page(items=tuple(page.levels), bad=tuple(page.bad), as_of=page.at)

    def batches(self, changes: Sequence[StockChange]) -> Sequence[Sequence[StockChange]]:
        """Split rows into calls, in their order: sold out stays first."""
        return slices(changes, LIMITS.stock_batch)

    def prepare(self, changes: Sequence[StockChange], key: str) -> Prepared:
        """Write the exact call down; raises Refused naming the bad row."""
        check(changes, LIMITS.stock_batch)
        body = self._batches.body([_request(change) for change in changes], upsert=False)
        return Prepared(key=key, body=body, changes=tuple(changes))

    async def send(self, prepared: Prepared) -> Sequence[Outcome]:
        """Send it once; what Meta refuses at once is said at once, the rest has the handle for a ticket."""
        handle, wrong, at = await self._batches.send(prepared.body, "write stock")
        return [
            _rejected(change.key, wrong[change.key.stock_id])
            if change.key.stock_id in wrong or not handle
            else Accepted(key=change.key, at=at, ticket=handle)
            for change in prepared.changes
        ]


def told_at_once(payload: Payload) -> dict[str, str]:
    """Read what was refused before anything was carried out: item -> reasons. A warning alone refuses nothing."""
    told = {
        text(row, "retailer_id"): [text(one, "message") for one in rows(row, "errors")]
        for row in rows(payload, "validation_status")
    }
    return {sku: "; ".join(reasons) or "refused" for sku, reasons in told.items() if reasons}


def _problems(status: Payload) -> dict[str, str]:
    """`errors` are samples; `ids_of_invalid_requests` is everything, without reasons."""
    named = {text(error, "id"): text(error, "message") for error in rows(status, "errors")}
    return {**dict.fromkeys(names(status, "ids_of_invalid_requests"), "Meta names the item and no reason"), **named}


def _outcome(key: StockKey, problems: Mapping[str, str], at: datetime) -> Applied | Rejected:
    reason = problems.get(key.stock_id)
    return Applied(key=key, at=at) if reason is None else _rejected(key, reason)


def _rejected(key: StockKey, reason: str) -> Rejected:
    gone = any(word in reason.lower() for word in ("does not exist", "not found"))
    return Rejected(key=key, kind="gone" if gone else "invalid", reason=reason)


def _request(change: StockChange) -> dict[str, Any]:
    sku = change.key.stock_id
    if not sku.strip() or change.key.location:
        raise Refused(
            f"{sku or 'a row without an id'}: a catalogue keeps one number an item", next_step="run `bridge link`"
        )
    return update(sku, stock_fields(target(change, LIMITS)))
