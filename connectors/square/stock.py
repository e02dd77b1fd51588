"""Inventory: counts per variation and location, deltas in batches, and the change log."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import msgspec

from bridge.contract.errors import Gone, Refused
from bridge.contract.feed import Feed, Page
from bridge.contract.stock import Applied, Cause, Outcome, Prepared, Rejected, StockChange
from bridge.domain.catalog import Level, StockKey
from connectors.square.client import Client
from connectors.square.judge import problems_in
from connectors.square.limits import LIMITS, OVERLAP, PAGE, STALE_AFTER
from connectors.square.mapping import OURS, causes, level, touched
from connectors.square.outcomes import outcomes, refused_outcomes
from connectors.square.payload import Payload, moment, rows, sift, stamp, text

__all__ = ["Stock", "StockChanges"]

_COUNTS = "/v2/inventory/counts/batch-retrieve"
_LOG = "/v2/inventory/changes/batch-retrieve"
_MAX_KEY = 128


class Stock:
    """The stock port. A stock id is a variation's id; a number exists once it was counted at a location."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.changes: Feed[Level] | None = StockChanges(client)

    async def read(self, keys: Sequence[StockKey]) -> Sequence[Level]:
        """Read these numbers; None for a variation that exists but was never counted there."""
        # Square takes an empty filter for none at all, and would answer with everything.
        if not keys:
            return []
        body = {**_filter(keys), "states": ["IN_STOCK"], "limit": PAGE}
        found: dict[StockKey, Level] = {}
        async for payload, response, _ in self._client.pages(_COUNTS, "read stock", body):
            found |= {count.key: count for count in counts_page(payload, response.at).items}
            at = response.at
        missing = [key for key in keys if key not in found]
        alive = await self._alive({key.stock_id for key in missing})
        uncounted = {key: Level(key=key, quantity=None, as_of=at) for key in missing if key.stock_id in alive}
        return [{**found, **uncounted}[key] for key in keys if key in found or key in uncounted]

    async def scan(self) -> AsyncIterator[Page[Level]]:
        """Read every counted number of the seller, 1,000 a call."""
        body = {"states": ["IN_STOCK"], "limit": PAGE}
        async for payload, response, _ in self._client.pages(_COUNTS, "read all stock", body):
            yield counts_page(payload, response.at)

    def batches(self, changes: Sequence[StockChange]) -> Sequence[Sequence[StockChange]]:
        """Split rows into calls of 100, any variations and locations together."""
        size = LIMITS.stock_batch
        return [changes[start : start + size] for start in range(0, len(changes), size)]

    def prepare(self, changes: Sequence[StockChange], key: str) -> Prepared:
        """Write the exact call down, its time included; raises Refused naming the bad row.

        Units that leave go to SOLD, as Square asks of units sold elsewhere (developer.squareup.com/docs/app-marketplace/
        requirements/inventory-api): WASTE would show them as lost or damaged goods in the seller's reports. Units that
        come enter from NONE. Neither touches Square's sales figures, which are made from orders.
        """
        if not 1 <= len(key) <= _MAX_KEY:
            raise Refused(f"the idempotency key has {len(key)} characters, Square takes 1 to {_MAX_KEY}")
        if not 1 <= len(changes) <= LIMITS.stock_batch:
            raise Refused(f"a stock batch has 1 to {LIMITS.stock_batch} rows, not {len(changes)}")
        at = stamp(self._client.square_now())
        body = {"idempotency_key": key, "changes": [_change(change, key, at) for change in changes]}
        return Prepared(key=key, body=msgspec.json.encode(body).decode(), changes=tuple(changes))

    async def send(self, prepared: Prepared) -> Sequence[Outcome]:
        """Send it. Square refuses times older than 24 hours, so an older one is looked up in the change log instead."""
        if self._client.square_now() - _written(prepared) > STALE_AFTER:
            return await self._look_up(prepared)
        try:
            payload, response = await self._client.write_text(
                "/v2/inventory/changes/batch-create", "write stock", prepared.body
            )
        except (Refused, Gone) as error:
            return refused_outcomes(prepared.changes, error)
        levels = {count.key: count for count in counts_page(payload, response.at).items}
        return outcomes(prepared.changes, levels, problems_in(payload), response.at)

    async def causes(self, keys: Sequence[StockKey], since: datetime) -> Sequence[Cause]:
        """Read who moved these numbers since then, oldest first. Late entries (offline sales) may be older than `since`."""
        # Square leaves out what happened at `updated_after` itself.
        wanted, entries = set(keys), await self._log(keys, since - timedelta(milliseconds=1))
        found, _ = sift(entries, causes)
        return [entry for group in found for entry in group if entry.key in wanted]

    async def _look_up(self, prepared: Prepared) -> Sequence[Outcome]:
        """Tell from the change log which rows took effect; the others are to be planned again with a new key."""
        entries = await self._log([change.key for change in prepared.changes], _written(prepared) - OVERLAP)
        known, _ = sift(entries, touched)
        done = {key for reference, keys in known if reference == OURS + prepared.key for key in keys}
        old = "written down more than 23 hours ago, and Square's change log does not have it"
        at = _written(prepared)
        return [
            Applied(key=change.key, at=at) if change.key in done else Rejected(key=change.key, kind="retry", reason=old)
            for change in prepared.changes
        ]

    async def _log(self, keys: Sequence[StockKey], since: datetime) -> list[Payload]:
        if not keys:
            return []
        types = ["PHYSICAL_COUNT", "ADJUSTMENT"]
        body = {**_filter(keys), "types": types, "updated_after": stamp(since), "limit": PAGE}
        pages = self._client.pages(_LOG, "read the stock change log", body)
        return [entry async for payload, _, _ in pages for entry in rows(payload, "changes")]

    async def _alive(self, variations: set[str]) -> set[str]:
        if not variations:
            return set()
        payload, _ = await self._client.post(
            "/v2/catalog/batch-retrieve", "read variations", {"object_ids": sorted(variations)}
        )
        return {text(found, "id") for found in rows(payload, "objects") if not found.get("is_deleted")}


class StockChanges:
    """Counts that changed. Square answers newest first, so only the last page moves the cursor."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def begin(self, at: datetime) -> str:
        """Return the cursor for what changed since this moment."""
        return stamp(at - OVERLAP)

    async def since(self, cursor: str) -> AsyncIterator[Page[Level]]:
        """Read the numbers that changed, in state IN_STOCK, at all locations."""
        body = {"states": ["IN_STOCK"], "updated_after": cursor, "limit": PAGE}
        following = ""
        async for payload, response, last in self._client.pages(_COUNTS, "read stock changes", body):
            following = following or max(cursor, stamp(response.at - OVERLAP))
            yield counts_page(payload, response.at, following if last else cursor)


def counts_page(payload: Payload, at: datetime, cursor: str = "") -> Page[Level]:
    """Read an answer's IN_STOCK counts of variations."""
    counts = [
        count
        for count in rows(payload, "counts")
        if text(count, "state") == "IN_STOCK" and text(count, "catalog_object_type") in {"", "ITEM_VARIATION"}
    ]
    good, bad = sift(counts, lambda count: level(count, at), name="catalog_object_id")
    return Page(items=tuple(good), bad=tuple(bad), as_of=at, cursor=cursor)


def _filter(keys: Sequence[StockKey]) -> dict[str, list[str]]:
    """Name the variations and locations: Square answers with every pair of them, so the caller picks its own."""
    return {
        "catalog_object_ids": sorted({key.stock_id for key in keys}),
        "location_ids": sorted({key.location for key in keys}),
    }


def _change(change: StockChange, key: str, at: str) -> dict[str, object]:
    """Write one row. Tracking starts with a count: without one Square would add the delta to an assumed zero."""
    target, row = change.shown + change.delta, f"{change.key.stock_id} at {change.key.location or 'no location'}"
    if not change.key.stock_id or not change.key.location:
        raise Refused(f"{row}: Square keeps stock per variation and location", next_step="run `bridge link`")
    if not LIMITS.stock_min <= target <= LIMITS.stock_max:
        raise Refused(f"{row}: {target} units is beyond what is sent ({LIMITS.stock_max:,})")
    if not change.track and change.delta == 0:
        raise Refused(f"{row}: a change of 0 units is no change")
    place = change.key.location
    common = {"reference_id": OURS + key, "catalog_object_id": change.key.stock_id, "occurred_at": at}
    if change.track:
        counted = {**common, "location_id": place, "state": "IN_STOCK", "quantity": str(target)}
        return {"type": "PHYSICAL_COUNT", "physical_count": counted}
    source, aim = ("IN_STOCK", "SOLD") if change.delta < 0 else ("NONE", "IN_STOCK")
    states = {"from_state": source, "to_state": aim, "quantity": str(abs(change.delta))}
    # `location_id` is retired since 2026-07-15 (developer.squareup.com/docs/changelog/connect-logs/2026-07-15).
    places = {"from_location_id": place, "to_location_id": place}
    return {"type": "ADJUSTMENT", "adjustment": {**common, **states, **places}}


def _written(prepared: Prepared) -> datetime:
    changes = msgspec.json.decode(prepared.body)["changes"]
    body = changes[0].get("adjustment") or changes[0]["physical_count"] if changes else {}
    return moment(body, "occurred_at")
