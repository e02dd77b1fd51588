"""Numbers: read in batches of listings, written a listing at a time."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Literal

import msgspec

from bridge.contract.errors import BridgeError, Gone, Refused
from bridge.contract.feed import Feed, Page
from bridge.contract.stock import Applied, Cause, Outcome, Prepared, Rejected, StockChange
from bridge.domain.catalog import Level, StockKey
from connectors.etsy.catalog import STATES, page
from connectors.etsy.client import Client
from connectors.etsy.identity import listing_of
from connectors.etsy.inventory import Inventories
from connectors.etsy.limits import LIMITS, PAGE
from connectors.etsy.mapping import is_digital, levels
from connectors.etsy.payload import part, text

__all__ = ["Stock"]


class Stock:
    """The stock port. A stock id names a listing, and the property values by which its quantities differ."""

    def __init__(self, client: Client, inventories: Inventories) -> None:
        self._client = client
        self._inventories = inventories
        self.changes: Feed[Level] | None = None

    async def read(self, keys: Sequence[StockKey]) -> Sequence[Level]:
        """Read these numbers, a hundred listings a call; None for a download."""
        wanted = {key.stock_id: key for key in keys}
        ids = [one for one in dict.fromkeys(listing_of(key.stock_id) for key in keys) if one]
        found: dict[str, Level] = {}
        for start in range(0, len(ids), PAGE):
            some = ids[start : start + PAGE]
            for listing, response in await self._client.batch("listings/batch/inventory", "read stock", some):
                told = levels(listing, part(listing, "inventory"), response.at)
                found |= {level.key.stock_id: level for level in told if level.key.stock_id in wanted}
        return [found[key.stock_id] for key in keys if key.stock_id in found and not key.location]

    async def scan(self) -> AsyncIterator[Page[Level]]:
        """Read every number of the shop."""
        seen: set[str] = set()
        for state in STATES:
            async for found, response in self._client.listings(state, (("includes", "Inventory"),)):
                fresh = [one for one in found if text(one, "listing_id") not in seen]
                seen.update(text(one, "listing_id") for one in fresh)
                told = page(fresh, response)
                yield Page(items=told.levels, bad=told.bad, as_of=told.as_of)

    def batches(self, changes: Sequence[StockChange]) -> Sequence[Sequence[StockChange]]:
        """Put all rows of a listing into one call, in the order in which the listings come first."""
        order = list(dict.fromkeys(listing_of(change.key.stock_id) for change in changes))
        place = {listing: at for at, listing in enumerate(order)}
        rows = sorted(changes, key=lambda change: place[listing_of(change.key.stock_id)])
        grouped = [list(some) for _, some in groupby(rows, key=lambda change: listing_of(change.key.stock_id))]
        size = LIMITS.stock_batch
        return [some[start : start + size] for some in grouped for start in range(0, len(some), size)]

    def prepare(self, changes: Sequence[StockChange], key: str) -> Prepared:
        """Write the numbers down; the rest of the record is read when it is sent. Raises Refused naming the bad row."""
        if not 1 <= len(changes) <= LIMITS.stock_batch:
            raise Refused(f"a stock batch has 1 to {LIMITS.stock_batch} rows, not {len(changes)}")
        wanted = {change.key.stock_id: _target(change) for change in changes}
        return Prepared(key=key, body=msgspec.json.encode(wanted).decode(), changes=tuple(changes))

    async def send(self, prepared: Prepared) -> Sequence[Outcome]:
        """Read each listing, put its inventory back with these numbers, and tell what Etsy answered."""
        wanted: dict[str, int] = msgspec.json.decode(prepared.body, type=dict[str, int])
        outcomes: dict[StockKey, Outcome] = {}
        written = False
        for listing in dict.fromkeys(listing_of(one) for one in wanted):
            changes = [change for change in prepared.changes if listing_of(change.key.stock_id) == listing]
            try:
                done = await self._listing(listing, changes, wanted)
            except (Refused, Gone) as error:
                kind: Literal["gone", "invalid"] = "gone" if isinstance(error, Gone) else "invalid"
                done = [Rejected(key=one.key, kind=kind, reason=error.what, code=error.code) for one in changes]
            except BridgeError as error:
                error.maybe_applied = error.maybe_applied or written
                raise
            written = True
            outcomes |= {one.key: one for one in done}
        return [outcomes[change.key] for change in prepared.changes]

    async def causes(self, keys: Sequence[StockKey], since: datetime) -> Sequence[Cause]:
        """Name none: Etsy has no change log of quantities."""
        del keys, since
        return []

    async def _listing(self, listing: str, changes: Sequence[StockChange], wanted: dict[str, int]) -> list[Outcome]:
        async with self._inventories.turns[listing]:
            record = await self._inventories.read(listing)
            if is_digital(record.listing):
                raise Refused(f"listing {listing} is a download: Etsy does not count it", next_step="unlink it")
            there = record.groups()
            meant = {one.key.stock_id: wanted[one.key.stock_id] for one in changes if one.key.stock_id in there}
            done = await self._inventories.set_units(record, meant) if meant else record
        told = {level.key: level.quantity for level in levels(done.listing, done.inventory, done.at)}
        gone = f"listing {listing} has no such variation any more"
        return [
            Applied(key=one.key, at=done.at, quantity=told.get(one.key))
            if one.key.stock_id in meant
            else Rejected(key=one.key, kind="gone", reason=gone)
            for one in changes
        ]


def _target(change: StockChange) -> int:
    target, row = change.shown + change.delta, change.key.stock_id
    if not listing_of(row) or change.key.location:
        raise Refused(f"{row or 'no id'}: Etsy keeps stock per listing and variation", next_step="run `bridge link`")
    if not LIMITS.stock_min <= target <= LIMITS.stock_max:
        raise Refused(
            f"{row}: {target} units, and Etsy takes {LIMITS.stock_min} to {LIMITS.stock_max}",
            next_step="set a cap for this channel ([[policy]])",
        )
    return target
