"""The stock port: relative changes in batches, absolute numbers only to switch tracking on.

`inventory_delta` is not in the documentation, works in batches since 8.9 at least (recorded: products 045, 046, 064),
and keeps a sale that arrives between our reading and our writing, where `stock_quantity` would wipe it out.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from bridge.contract.errors import Gone, Refused, TryLater
from bridge.contract.feed import Bad, Feed, Page
from bridge.contract.stock import Applied, Cause, Outcome, Prepared, Rejected, StockChange
from bridge.domain.catalog import Level, StockKey
from connectors.woocommerce import mapping
from connectors.woocommerce.limits import LIMITS
from connectors.woocommerce.listing import LEVEL_FIELDS, Fields, Group, Listing
from connectors.woocommerce.mapping import Unreadable, identifier, whole
from connectors.woocommerce.rest import Rest, Row

__all__ = ["Stock"]

_OWN_NUMBER = Fields("id,type,manage_stock,stock_quantity", LEVEL_FIELDS.variation)


class Stock:
    """The numbers of one shop. A stock id is "7" (a product) or "7/9" (a variation with a number of its own)."""

    changes: Feed[Level] | None = None

    def __init__(self, rest: Rest, listing: Listing) -> None:
        self._rest = rest
        self._listing = listing

    async def read(self, keys: Sequence[StockKey]) -> Sequence[Level]:
        """Read these numbers now; a record that is no more, or has no number of its own any more, is left out."""
        ids = list(dict.fromkeys(key.stock_id for key in keys))
        found: dict[str, Level] = {}
        async for group in self._listing.these([one for one in ids if "/" not in one], _OWN_NUMBER):
            found |= {identifier(row["id"]): mapping.level(identifier(row["id"]), row, group.at) for row in group.rows}
        found |= await self._variations([one for one in ids if "/" in one])
        return [found[one] for one in ids if one in found]

    async def _variations(self, ids: Sequence[str]) -> dict[str, Level]:
        if not ids:
            return {}
        some = await self._listing.some_variations([_record(one) for one in ids], LEVEL_FIELDS)
        if some is not None:
            return _own_levels({_path_of(row): row for row in some.rows}, ids, some.at)
        parents = list(dict.fromkeys(_parent(one) for one in ids))
        pages = await asyncio.gather(*(self._listing.of_parent(parent, LEVEL_FIELDS) for parent in parents))
        found: dict[str, Level] = {}
        for parent, page in zip(parents, pages, strict=True):
            rows = {f"{parent}/{identifier(row.get('id'))}": row for row in page.rows}
            found |= _own_levels(rows, ids, page.at)
        return found

    async def scan(self) -> AsyncIterator[Page[Level]]:
        """Read every number: the only way to see stock that another plugin moved without touching `date_modified`."""
        async for group in self._listing.full(LEVEL_FIELDS):
            yield _levels_page(group)

    def batches(self, changes: Sequence[StockChange]) -> Sequence[Sequence[StockChange]]:
        """Split by parent (a batch of variations belongs to one product), at most 100 rows each."""
        groups: dict[str, list[StockChange]] = defaultdict(list)
        for change in changes:
            groups[_parent(change.key.stock_id)].append(change)
        size = LIMITS.stock_batch
        return [group[at : at + size] for group in groups.values() for at in range(0, len(group), size)]

    def prepare(self, changes: Sequence[StockChange], key: str) -> Prepared:
        """Write the exact call. The batch endpoint checks nothing ("x" becomes 0), so every value is checked here."""
        with self._rest.named():
            body = _body(changes)
        return Prepared(key=key, body=body.decode(), changes=tuple(changes))

    async def send(self, prepared: Prepared) -> Sequence[Outcome]:
        """Send it once; nothing but the answer tells what became of it, as the shop takes no idempotency key."""
        parent = _parent(prepared.changes[0].key.stock_id)
        path = f"products/{parent}/variations/batch" if parent else "products/batch"
        try:
            answer = await self._rest.write("change stock", "POST", path, prepared.body.encode())
        except Gone as error:
            return [Rejected(key=one.key, kind="gone", reason=error.what, code=error.code) for one in prepared.changes]
        rows = answer.payload.get("update") if isinstance(answer.payload, Mapping) else None
        if not isinstance(rows, list) or len(rows) != len(prepared.changes):
            raise TryLater(
                f"change stock: {len(prepared.changes)} rows sent, the shop's answer does not name them all",
                where=self._rest.http.where,
                maybe_applied=True,
            )
        return [_outcome(change, row, answer.at) for change, row in zip(prepared.changes, rows, strict=True)]

    async def causes(self, keys: Sequence[StockKey], since: datetime) -> Sequence[Cause]:  # noqa: ARG002 the port names them
        """Nothing: WooCommerce keeps no log of who moved a number."""
        return ()


def _body(changes: Sequence[StockChange]) -> bytes:
    if not 1 <= len(changes) <= LIMITS.stock_batch:
        raise Refused(f"a stock batch has 1 to {LIMITS.stock_batch} rows, not {len(changes)}")
    if len({_parent(change.key.stock_id) for change in changes}) > 1:
        raise Refused("a stock batch must keep to one product's variations; use batches()")
    return msgspec.json.encode({"update": [_row(change) for change in changes]})


def _parent(stock_id: str) -> str:
    return stock_id.partition("/")[0] if "/" in stock_id else ""


def _record(stock_id: str) -> str:
    return stock_id.rpartition("/")[2]


def _path_of(row: Row) -> str:
    return f"{identifier(row.get('parent_id'))}/{identifier(row.get('id'))}"


def _own_levels(rows: Mapping[str, Row], ids: Sequence[str], at: datetime) -> dict[str, Level]:
    """Keep those asked for; a variation that now shows its parent's number has none of its own."""
    asked = [one for one in ids if one in rows and rows[one].get("manage_stock") != "parent"]
    return {one: mapping.level(one, rows[one], at) for one in asked}


def _levels_page(group: Group) -> Page[Level]:
    items: list[Level] = []
    bad: list[Bad] = []
    for row in group.rows:
        try:
            items.extend(mapping.levels(row, group.variations.get(identifier(row.get("id")), []), group.at))
        except Unreadable as error:
            bad.append(Bad(id=identifier(row.get("id")), reason=str(error)))
    return Page(items=tuple(items), as_of=group.at, bad=tuple(bad), total=group.total)


def _row(change: StockChange) -> dict[str, int | bool]:
    record, wanted = _record(change.key.stock_id), change.shown + change.delta
    what = f"stock of {change.key.stock_id!r}"
    if change.key.location:
        raise Refused(f"{what}: WooCommerce has no locations, but {change.key.location!r} was named")
    if not record.isdecimal() or not (_parent(change.key.stock_id) or "0").isdecimal():
        raise Refused(f"{what}: that is no product or variation of WooCommerce", next_step="run `bridge link`")
    if not all(type(number) is int for number in (change.delta, change.shown)):
        raise Refused(f"{what}: {change.delta!r} on {change.shown!r} are not whole numbers")
    if not LIMITS.stock_min <= wanted <= LIMITS.stock_max:
        raise Refused(f"{what}: {wanted} is outside {LIMITS.stock_min} to {LIMITS.stock_max}")
    if change.track:
        # While tracking is off a delta is silently ignored (recorded: products 056), so it starts from a number.
        return {"id": int(record), "manage_stock": True, "stock_quantity": wanted}
    return {"id": int(record), "inventory_delta": change.delta}


def _outcome(change: StockChange, row: Any, at: datetime) -> Outcome:
    row = row if isinstance(row, Mapping) else {}
    error = row.get("error")
    if isinstance(error, Mapping):
        code = str(error.get("code", ""))
        gone = code.endswith("_invalid_id")
        reason = str(error.get("message", ""))
        return Rejected(key=change.key, kind="gone" if gone else "invalid", reason=reason, code=code)
    if row.get("manage_stock") is not True:
        reason = "the shop does not track stock for it"
        if row.get("manage_stock") == "parent":
            reason = "its number is now its parent's, so the shop ignored the change"
        return Rejected(key=change.key, kind="invalid", reason=f"{reason}; run `bridge link`", code="not_tracked")
    try:
        quantity = whole(row.get("stock_quantity"), "stock_quantity")
    except Unreadable:
        quantity = None
    return Applied(key=change.key, at=at, quantity=quantity)
