"""Numbers: read 25 or 200 a call, written 25 a call, each row with a status of its own."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from bridge.contract.errors import Gone, Refused
from bridge.contract.feed import Feed, Page
from bridge.contract.stock import Applied, Cause, Outcome, Prepared, Rejected, StockChange
from bridge.domain.catalog import Level, StockKey
from bridge.wire.http import Request
from connectors.ebay.catalog import Catalog
from connectors.ebay.client import INVENTORY, Client
from connectors.ebay.judge import problem, verdict
from connectors.ebay.limits import BATCH, LIMITS, MAX_SKU
from connectors.ebay.mapping import level
from connectors.ebay.payload import Payload, rows, sift, text

__all__ = ["Stock"]

Kind = Literal["gone", "invalid", "retry"]


class Stock:
    """The stock port. A stock id is a SKU: eBay's total for all its offers."""

    changes: Feed[Level] | None = None

    def __init__(self, client: Client, catalog: Catalog, size: int) -> None:
        if not 1 <= size <= BATCH:
            what = f"skus_per_call is {size}"
            raise Refused(what, where=client.where, next_step=f"set `skus_per_call` to 1 to {BATCH}")
        self._client = client
        self._catalog = catalog
        self._size = size
        # eBay's documents contradict each other on how many SKUs go into one call: where it refuses several, they go alone.
        self._alone = False

    async def read(self, keys: Sequence[StockKey]) -> Sequence[Level]:
        """Read these numbers; None for an item whose number was never set."""
        if not keys:
            return []
        body = {"requests": [{"sku": key.stock_id} for key in keys]}
        payload, response = await self._client.post(f"{INVENTORY}/bulk_get_inventory_item", "read stock", body)
        found = {text(one, "sku"): one.get("inventoryItem") for one in rows(payload, "responses")}
        items = {sku: {**item, "sku": sku} for sku, item in found.items() if item}
        return [level(items[key.stock_id], response.at) for key in keys if key.stock_id in items]

    async def scan(self) -> AsyncIterator[Page[Level]]:
        """Read every number, 200 a call."""
        async for items, at in self._catalog.items():
            good, bad = sift(items, lambda item, at=at: level(item, at), lambda item: str(item.get("sku")))  # type: ignore[misc]
            yield Page(items=tuple(good), bad=tuple(bad), as_of=at)

    def batches(self, changes: Sequence[StockChange]) -> Sequence[Sequence[StockChange]]:
        """Split rows into calls of 25, in their order; a SKU comes once in a call."""
        size = 1 if self._alone else self._size
        return [changes[start : start + size] for start in range(0, len(changes), size)]

    def prepare(self, changes: Sequence[StockChange], key: str) -> Prepared:
        """Write the exact call down; raises Refused naming the bad row. Only the total is written: an offer that has a
        number of its own below it keeps that one."""
        if not 1 <= len(changes) <= BATCH:
            raise Refused(f"a stock batch has 1 to {BATCH} rows, not {len(changes)}")
        if len({change.key for change in changes}) < len(changes):
            raise Refused("a stock batch names each SKU once")
        body = {"requests": [_row(change) for change in changes]}
        return Prepared(key=key, body=msgspec.json.encode(body).decode(), changes=tuple(changes))

    async def send(self, prepared: Prepared) -> Sequence[Outcome]:
        """Send it once; eBay answers each row with its own status."""
        headers = {"content-type": "application/json"}
        path = f"{INVENTORY}/bulk_update_price_quantity"
        request = Request(method="POST", path=path, op="write stock", body=prepared.body.encode(), headers=headers)
        try:
            payload, response = await self._client.ask(request)
        except (Refused, Gone) as error:
            return self._refused(prepared.changes, error)
        answers = {text(row, "sku"): row for row in _worst_first(rows(payload, "responses"))}
        outcomes = [_outcome(change.key, answers.get(change.key.stock_id), response.at) for change in prepared.changes]
        self._alone = self._alone or (len(outcomes) > 1 and len(answers) < len(outcomes))
        return outcomes

    async def causes(self, keys: Sequence[StockKey], since: datetime) -> Sequence[Cause]:
        """Return nothing: eBay keeps no change log of numbers that can be asked."""
        del keys, since
        return []

    def _refused(self, changes: Sequence[StockChange], error: Refused | Gone) -> Sequence[Outcome]:
        """A call of several that is refused as a whole says nothing of each: they go out again, one a call. A row that is
        refused alone was the reason, so that the others may go together again."""
        self._alone = len(changes) > 1
        if len(changes) > 1:
            reason = f"eBay refused the call as a whole: {error.what}"
            return [Rejected(key=change.key, kind="retry", reason=reason, code=error.code) for change in changes]
        kind: Kind = "gone" if isinstance(error, Gone) else "invalid"
        return [Rejected(key=changes[0].key, kind=kind, reason=error.what, code=error.code)]


def _row(change: StockChange) -> dict[str, object]:
    sku, target = change.key.stock_id, change.shown + change.delta
    if not 1 <= len(sku) <= MAX_SKU:
        raise Refused(f"{sku!r} is no SKU of eBay's (1 to {MAX_SKU} characters)", next_step="run `bridge link`")
    if not LIMITS.stock_min <= target <= LIMITS.stock_max:
        raise Refused(f"{sku}: eBay takes {LIMITS.stock_min} to {LIMITS.stock_max:,} units, not {target}")
    return {"sku": sku, "shipToLocationAvailability": {"quantity": target}}


def _worst_first(answers: list[Payload]) -> list[Payload]:
    """A SKU may be answered once for itself and once an offer: the last one counts, so the worst goes last."""
    return sorted(answers, key=lambda row: row.get("statusCode") or 0)


def _outcome(key: StockKey, row: Mapping[str, object] | None, at: datetime) -> Outcome:
    if row is None:
        return Rejected(key=key, kind="retry", reason="eBay's answer does not mention it")
    status = row.get("statusCode")
    if isinstance(status, int) and 200 <= status < 300:
        return Applied(key=key, at=at)
    code, told = problem(row)
    meaning = verdict(code, status if isinstance(status, int) else 400)
    kinds: dict[str, Kind] = {"gone": "gone", "later": "retry"}
    return Rejected(key=key, kind=kinds.get(meaning, "invalid"), reason=told or f"eBay answered {status}", code=code)
