"""Numbers: read in batches of listings, written a listing at a time."""

from collections.abc import AsyncIterator, Sequence
from functools import partial

import msgspec

from bridge.contract.errors import Refused
from bridge.contract.feed import Feed, Page
from bridge.contract.stock import Applied, Outcome, Prepared, Rejected, StockChange
from bridge.domain.catalog import Level, StockKey
from bridge.wire.paging import slices
from bridge.wire.payload import part
from bridge.wire.stock_rows import NamesNoCauses, check, found, prepared, record_by_record, target, together
from connectors.etsy.catalog import Catalog, page
from connectors.etsy.client import Client
from connectors.etsy.inventory import Inventories
from connectors.etsy.limits import LIMITS, PAGE
from connectors.etsy.mapping import Record, levels, listing_of

__all__ = ["Stock"]


class Stock(NamesNoCauses):
    """The stock port. A stock id names a listing, and the property values by which its quantities differ."""

    changes: Feed[Level] | None = None

    def __init__(self, client: Client, catalog: Catalog, inventories: Inventories) -> None:
        self._client = client
        self._catalog = catalog
        self._inventories = inventories

    async def read(self, keys: Sequence[StockKey]) -> Sequence[Level]:
        """Read these numbers, a hundred listings a call; None for a download."""
        ids = [one for one in dict.fromkeys(listing_of(key.stock_id) for key in keys) if one]
        told: list[Level] = []
        for some in slices(ids, PAGE):
            for listing, response in await self._client.batch("listings/batch/inventory", "read stock", some):
                told += levels(Record(listing=listing, inventory=part(listing, "inventory"), at=response.at))
        return found(keys, told)

    async def scan(self) -> AsyncIterator[Page[Level]]:
        """Read every number of the shop."""
        async for listings, response in self._catalog.walk((("includes", "Inventory"),)):
            told = page(listings, response)
            yield Page(items=told.levels, bad=told.bad, as_of=told.as_of)

    def batches(self, changes: Sequence[StockChange]) -> Sequence[Sequence[StockChange]]:
        """Put all rows of a listing into one call, in the order in which the listings come first."""
        return together(changes, _listing, LIMITS.stock_batch)

    def prepare(self, changes: Sequence[StockChange], key: str) -> Prepared:
        """Write the numbers down; the rest of the record is read when it is sent. Raises Refused naming the bad row."""
        check(changes, LIMITS.stock_batch)
        return prepared({change.key.stock_id: _target(change) for change in changes}, changes, key)

    async def send(self, prepared: Prepared) -> Sequence[Outcome]:
        """Read each listing, put its inventory back with these numbers, and tell what Etsy answered."""
        wanted: dict[str, int] = msgspec.json.decode(prepared.body, type=dict[str, int])
        return await record_by_record(prepared.changes, _listing, partial(self._write, wanted))

    async def _write(self, wanted: dict[str, int], listing: str, changes: Sequence[StockChange]) -> list[Outcome]:
        async with self._inventories.turns[listing]:
            record = await self._inventories.read(listing)
            if record.digital:
                raise Refused(f"listing {listing} is a download: Etsy does not count it", next_step="unlink it")
            there = set(record.numbers())
            meant = {one.key.stock_id: wanted[one.key.stock_id] for one in changes if one.key.stock_id in there}
            done = await self._inventories.set_units(record, meant) if meant else record
        told = {level.key: level.quantity for level in levels(done)}
        gone = f"listing {listing} has no such variation any more"
        return [
            Applied(key=one.key, at=done.at, quantity=told.get(one.key))
            if one.key.stock_id in meant
            else Rejected(key=one.key, kind="gone", reason=gone)
            for one in changes
        ]


def _listing(change: StockChange) -> str:
    return listing_of(change.key.stock_id)


def _target(change: StockChange) -> int:
    row = change.key.stock_id
    if not _listing(change) or change.key.location:
        raise Refused(f"{row or 'no id'}: Etsy keeps stock per listing and variation", next_step="run `bridge link`")
    return target(change, LIMITS)
