"""Points: a custom field of the customer (`bridge.points`, a whole number), changed only from what it was read as.

Shopify has no loyalty program of its own (2026-10 schema), so there is no ledger to read: `events` is None. The field is compared by a
digest that only a read gives, so a batch of 25 takes two calls.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.contract.errors import Refused
from bridge.contract.feed import Feed
from bridge.contract.loyalty import PointsEvent, PointsResult, PointsShown, PointsWrite
from connectors.shopify.limits import LIMITS
from connectors.shopify.loyalty_documents import POINTS_READ, POINTS_SHOW
from connectors.shopify.mapping import gid
from connectors.shopify.shop import Shop

__all__ = ["Points", "number"]

_NODES = LIMITS.read_batch
_GONE = frozenset({"ownerId"})


def number(field: Mapping[str, Any] | None) -> int | None:
    """Read the field as whole points; None where there is none, or something that is no number."""
    value = str((field or {}).get("value") or "")
    return int(value) if re.fullmatch(r"-?[0-9]{1,16}", value) else None


class Points:
    """The points port."""

    events: Feed[PointsEvent] | None = None

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def read(self, writes: Sequence[PointsWrite]) -> Sequence[PointsShown]:
        """Read what is shown now, 250 customers a call."""
        found = await self._fields(writes)
        return [PointsShown(balance=number((found.get(write.customer) or {}).get("points"))) for write in writes]

    async def show(self, writes: Sequence[PointsWrite]) -> Sequence[PointsResult]:
        """Write up to 25 rows, all in one call: what is not as believed is left out of it."""
        if len(writes) > LIMITS.points_batch:
            raise Refused(f"{len(writes)} rows are no batch: {LIMITS.points_batch} at most")
        found = await self._fields(writes)
        results: dict[int, PointsResult] = {}
        rows: dict[int, dict[str, Any]] = {}
        for place, write in enumerate(writes):
            settled = _before(write, found.get(write.customer), {row["ownerId"] for row in rows.values()})
            if settled:
                results[place] = settled
            else:
                rows[place] = _row(write, found[write.customer].get("points"))
        if rows:
            results |= await self._send(writes, rows)
        return [results[place] for place in range(len(writes))]

    async def _fields(self, writes: Sequence[PointsWrite]) -> dict[str, Mapping[str, Any]]:
        ids = list(dict.fromkeys(write.customer for write in writes))
        found: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(ids), _NODES):
            part = ids[start : start + _NODES]
            variables = {"ids": [gid("Customer", one) for one in part]}
            nodes = (await self._shop.ask(POINTS_READ, variables, cost=POINTS_READ.cost * len(part))).data["nodes"]
            found |= {one: node for one, node in zip(part, nodes, strict=True) if node}
        return found

    async def _send(self, writes: Sequence[PointsWrite], rows: Mapping[int, dict[str, Any]]) -> dict[int, PointsResult]:
        payload = (await self._shop.ask(POINTS_SHOW, {"rows": list(rows.values())})).data["metafieldsSet"]
        if not payload["userErrors"]:
            return {place: _result(writes[place], "done", balance=writes[place].balance) for place in rows}
        named = {_index(error): error for error in reversed(payload["userErrors"])}
        return {place: _failed(writes[place], named.get(index), named.get(None)) for index, place in enumerate(rows)}


def _before(write: PointsWrite, node: Mapping[str, Any] | None, taken: set[str]) -> PointsResult | None:
    """Say what is settled without a write: gone, not as believed, or as wanted already."""
    if node is None:
        return _result(write, "gone", reason="the customer is no more")
    if write.balance < 0:
        return _result(write, "refused", reason=f"{write.balance} points cannot be shown: 0 at least")
    if gid("Customer", write.customer) in taken:
        return _result(write, "retry", reason="this customer is in the same call already")
    shown = number(node.get("points"))
    if node.get("points") and shown is None:
        step = "delete the metafield bridge.points of this customer in the shop's admin"
        return _result(write, "refused", reason=f"the field holds something that is no number: {step}")
    # Never read until now: what was just read is what it goes from, and the digest guards it from here on.
    # A field that is not there shows nothing, which is 0: the engine believes no less.
    if write.shown is not None and (shown or 0) != write.shown:
        return _result(write, "stale", balance=shown, reason=f"it shows {shown}, not {write.shown}")
    return _result(write, "done", balance=shown) if shown == write.balance else None


def _row(write: PointsWrite, field: Mapping[str, Any] | None) -> dict[str, Any]:
    # An explicit null says "must not exist yet"; left out, nothing would be compared (2026-10 schema, metafieldsSet).
    return {
        "ownerId": gid("Customer", write.customer), "namespace": "bridge", "key": "points", "type": "number_integer",
        "value": str(write.balance), "compareDigest": field["compareDigest"] if field else None,
    }  # fmt: skip


def _index(error: Mapping[str, Any]) -> int | None:
    """Return which row an error speaks of: its path is like ["metafields", "3", "value"]."""
    if isinstance(error.get("elementIndex"), int):
        return int(error["elementIndex"])
    return next((int(part) for part in error.get("field") or () if str(part).isdigit()), None)


def _failed(write: PointsWrite, own: Mapping[str, Any] | None, common: Mapping[str, Any] | None) -> PointsResult:
    if own is None:
        # Nothing was written. A stale row that is not named is found by the read that the next try begins with.
        stale = common is None or common.get("code") in {"STALE_OBJECT", "INTERNAL_ERROR"}
        text = str(common["message"]) if common else "another row of the same call failed"
        return _result(write, "retry" if stale else "refused", reason=text)
    text = str(own["message"])
    if own.get("code") == "STALE_OBJECT":
        return _result(write, "stale", reason=text)
    if own.get("code") == "INTERNAL_ERROR":
        return _result(write, "retry", reason=text)
    return _result(write, "refused" if _GONE.isdisjoint(own.get("field") or ()) else "gone", reason=text)


def _result(write: PointsWrite, kind: Any, *, balance: int | None = None, reason: str = "") -> PointsResult:
    return PointsResult(customer=write.customer, kind=kind, balance=balance, points_id=write.points_id, reason=reason)
