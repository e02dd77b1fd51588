"""Numbers: read 25 or 200 a call, written 25 a call, each row with a status of its own."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from bridge.contract.errors import Gone, Refused
from bridge.contract.feed import Feed, Page
from bridge.contract.stock import Applied, Outcome, Prepared, Rejected, StockChange
from bridge.domain.catalog import Level, StockKey
from bridge.wire.paging import slices
from bridge.wire.payload import Payload, rows, text
from bridge.wire.stock_rows import NamesNoCauses, check, found, prepared, rejection, target
from connectors.ebay.catalog import Catalog
from connectors.ebay.client import INVENTORY, Client, refusal
from connectors.ebay.limits import BATCH, LIMITS, MAX_SKU

__all__ = ["Stock"]


class Stock(NamesNoCauses):
    """The stock port. A stock id is a SKU: eBay's total for all its offers."""

    changes: Feed[Level] | None = None

    def __init__(self, client: Client, catalog: Catalog, size: int) -> None:
        if not 1 <= size <= BATCH:
            client.refuse(f"skus_per_call is {size}", f"set `skus_per_call` to 1 to {BATCH}")
        self._client = client
        self._catalog = catalog
        self._size = size
        # eBay's documents contradict each other on how many SKUs go into one call: where it refuses several, they go alone.
        self._alone = False

    async def read(self, keys: Sequence[StockKey]) -> Sequence[Level]:
        """Read these numbers; None for an item whose number was never set."""
        if not keys:
            return []
        items, at = await self._catalog.together([key.stock_id for key in keys])
        return found(keys, self._catalog.numbers(items, at).items)

    async def scan(self) -> AsyncIterator[Page[Level]]:
        """Read every number, 200 a call."""
        async for items, at in self._catalog.items():
            yield self._catalog.numbers(items, at)

    def batches(self, changes: Sequence[StockChange]) -> Sequence[Sequence[StockChange]]:
        """Split rows into calls of 25, in their order; a SKU comes once in a call."""
        return slices(changes, 1 if self._alone else self._size)

    def prepare(self, changes: Sequence[StockChange], key: str) -> Prepared:
        """Write the exact call down; raises Refused naming the bad row. Only the total is written: an offer that has a
        number of its own below it keeps that one."""
        check(changes, BATCH)
        return prepared({"requests": [_row(change) for change in changes]}, changes, key)

    async def send(self, prepared: Prepared) -> Sequence[Outcome]:
        """Send it once; eBay answers each row with its own status."""
        try:
            path = f"{INVENTORY}/bulk_update_price_quantity"
            payload, response = await self._client.send_text(path, "write stock", prepared.body)
        except (Refused, Gone) as error:
            return self._refused(prepared.changes, error)
        # A SKU may be answered once for itself and once an offer: the last one counts, so the worst goes last.
        worst_last = sorted(rows(payload, "responses"), key=lambda row: row.get("statusCode") or 0)
        answers = {text(row, "sku"): row for row in worst_last}
        outcomes = [_outcome(change.key, answers.get(change.key.stock_id), response.at) for change in prepared.changes]
        self._alone = self._alone or (len(outcomes) > 1 and len(answers) < len(outcomes))
        return outcomes

    def _refused(self, changes: Sequence[StockChange], error: Refused | Gone) -> Sequence[Outcome]:
        """A call of several that is refused as a whole says nothing of each: they go out again, one a call. A row that is
        refused alone was the reason, so that the others may go together again."""
        self._alone = len(changes) > 1
        if not self._alone:
            return [rejection(changes[0].key, error)]
        reason = f"eBay refused the call as a whole: {error.what}"
        return [Rejected(key=change.key, kind="retry", reason=reason, code=error.code) for change in changes]


def _row(change: StockChange) -> dict[str, object]:
    sku = change.key.stock_id
    if not 1 <= len(sku) <= MAX_SKU:
        raise Refused(f"{sku!r} is no SKU of eBay's (1 to {MAX_SKU} characters)", next_step="run `bridge link`")
    return {"sku": sku, "shipToLocationAvailability": {"quantity": target(change, LIMITS)}}


def _outcome(key: StockKey, row: Payload | None, at: datetime) -> Outcome:
    if row is None:
        return Rejected(key=key, kind="retry", reason="eBay's answer does not mention it")
    error = refusal(row)
    return Applied(key=key, at=at) if error is None else rejection(key, error)
