"""A stock write as data: rows to calls, calls to JSON, answers to one outcome per row. No network here.

Deltas go out as `inventoryAdjustQuantities` with the number they change from, so a sale we have not seen makes them
stale. An absolute number is written only where tracking is switched on, for there is no number before that.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from bridge.contract.errors import Refused, TryLater
from bridge.contract.stock import Applied, Outcome, Prepared, Rejected, StockChange
from bridge.domain.catalog import StockKey
from connectors.shopify.documents import STOCK_ADJUST, Operation, track_stock
from connectors.shopify.limits import LIMITS, TRACK_BATCH
from connectors.shopify.mapping import gid, moment

__all__ = ["batches", "cost", "outcomes", "prepare", "sharpen"]

# The reasons Shopify knows; anything else is INVALID_REASON and fails the whole call.
_REASONS = frozenset({
    "correction", "cycle_count_available", "damaged", "movement_created", "movement_updated", "movement_received",
    "movement_canceled", "other", "promotion", "quality_control", "received", "reservation_created",
    "reservation_deleted", "reservation_updated", "restock", "safety_stock", "shrinkage",
})  # fmt: skip
_STALE = frozenset({"CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"})
_LATER = frozenset({"IDEMPOTENCY_CONCURRENT_REQUEST", "SERVICE_UNAVAILABLE"})
# The call as a whole failed, the rows are fine: they go out again under a new key.
_AGAIN = frozenset({"IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", "ADJUST_QUANTITIES_FAILED"})


def batches(changes: Sequence[StockChange]) -> list[list[StockChange]]:
    """Split rows into the fewest calls."""
    plain = [change for change in changes if not change.track]
    tracking = [change for change in changes if change.track]
    return [*_chunks(plain, LIMITS.stock_batch), *_chunks(tracking, TRACK_BATCH)]


def _chunks(rows: list[StockChange], size: int) -> list[list[StockChange]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def prepare(changes: Sequence[StockChange], key: str) -> Prepared:
    """Turn one batch into the exact call; raises Refused naming the bad row."""
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        raise Refused(f"{key!r} cannot be an idempotency key: 1 to 255 visible characters")
    _check_batch(changes)
    operation = _operation(changes)
    rows = [_set_row(change) if change.track else _adjust_row(change) for change in changes]
    variables: dict[str, Any] = {
        "key": key,
        "input": {
            "name": "available",
            "reason": _reason(changes),
            # Shown in the merchant's inventory history as what caused the change.
            "referenceDocumentUri": f"gid://commerce-bridge/StockWrite/{key}",
            "quantities" if changes[0].track else "changes": rows,
        },
    }
    if changes[0].track:
        variables |= {f"item{index}": row["inventoryItemId"] for index, row in enumerate(rows)}
    body = {"query": operation.text, "operationName": operation.name, "variables": variables}
    return Prepared(key=key, body=msgspec.json.encode(body).decode(), changes=tuple(changes))


def cost(changes: Sequence[StockChange]) -> int:
    """Return the points the call asks for."""
    return _operation(changes).cost


def outcomes(changes: Sequence[StockChange], data: Mapping[str, Any], at: datetime) -> list[Outcome]:
    """Read the answer as one outcome per row; raises TryLater when the call is still under way at the platform."""
    field = "inventorySetQuantities" if changes[0].track else "inventoryAdjustQuantities"
    payload = data[field]
    if payload["userErrors"]:
        return _failed(changes, payload["userErrors"])
    group = payload.get("inventoryAdjustmentGroup") or {}
    # A repeated key is answered from the records of the first time: this is when the rows took effect.
    when = moment(group["createdAt"]) if group.get("createdAt") else at
    numbers = {
        (change["item"]["id"], change["location"]["id"]): change.get("quantityAfterChange")
        for change in group.get("changes") or ()
        if change["name"] == "available" and change.get("item") and change.get("location")
    }
    return [_outcome(change, index, data, numbers, when) for index, change in enumerate(changes)]


def _outcome(
    change: StockChange, index: int, data: Mapping[str, Any], numbers: Mapping[tuple[str, str], Any], when: datetime
) -> Outcome:
    errors = (data.get(f"track{index}") or {}).get("userErrors") if change.track else None
    if errors:
        return Rejected(key=change.key, kind="invalid", reason=f"tracking was not switched on: {errors[0]['message']}")
    after = numbers.get((gid("InventoryItem", change.key.stock_id), gid("Location", change.key.location)))
    # quantityAfterChange is null in recorded answers (2026-04); the compare-and-set proves the number all the same.
    return Applied(key=change.key, at=when, quantity=change.shown + change.delta if after is None else after)


def sharpen(change: StockChange, outcome: Outcome, numbers: Mapping[StockKey, int | None]) -> Outcome:
    """Settle a row of a stale call by its number now: unchanged, it only goes out again."""
    if not isinstance(outcome, Rejected) or outcome.kind != "stale" or change.key not in numbers:
        return outcome
    actual = numbers[change.key]
    if actual == change.shown:
        return Rejected(key=change.key, kind="retry", reason="another row of the same call was stale")
    return Rejected(key=change.key, kind="stale", reason=outcome.reason, code=outcome.code, actual=actual)


def _failed(changes: Sequence[StockChange], errors: Sequence[Mapping[str, Any]]) -> list[Outcome]:
    later = next((error for error in errors if error.get("code") in _LATER), None)
    if later:
        raise TryLater(f"change stock: {later['message']}", code=str(later["code"]), maybe_applied=True)
    named: dict[int, Mapping[str, Any]] = {}
    common: Mapping[str, Any] | None = None
    for error in errors:
        row = _row(error, len(changes))
        if row is None:
            common = common or error
        else:
            named.setdefault(row, error)
    return [
        _rejected(change, named.get(index, common), alone=len(changes) == 1) for index, change in enumerate(changes)
    ]


def _row(error: Mapping[str, Any], rows: int) -> int | None:
    """Return which row an error speaks of: its path is like ["input", "changes", "3", "delta"]."""
    index = next((int(part) for part in error.get("field") or () if str(part).isdigit()), None)
    if index is None:
        return 0 if rows == 1 else None
    return index if index < rows else None


def _rejected(change: StockChange, error: Mapping[str, Any] | None, *, alone: bool) -> Rejected:
    if error is None:
        return Rejected(key=change.key, kind="retry", reason="another row of the same call failed")
    code, text = str(error.get("code") or ""), str(error["message"])
    if code in _STALE:
        return Rejected(key=change.key, kind="stale", reason=text, code=code)
    if code == "INVALID_INVENTORY_ITEM":
        return Rejected(key=change.key, kind="gone", reason=text, code=code)
    if code in _AGAIN and not (alone and code == "ADJUST_QUANTITIES_FAILED"):
        return Rejected(key=change.key, kind="retry", reason=text, code=code)
    return Rejected(key=change.key, kind="invalid", reason=text, code=code)


def _operation(changes: Sequence[StockChange]) -> Operation:
    return track_stock(len(changes)) if changes[0].track else STOCK_ADJUST


def _reason(changes: Sequence[StockChange]) -> str:
    reasons = {change.reason for change in changes}
    only = reasons.pop() if len(reasons) == 1 else ""
    return only if only in _REASONS else "correction"


def _adjust_row(change: StockChange) -> dict[str, Any]:
    return {**_place(change), "delta": change.delta, "changeFromQuantity": change.shown}


def _set_row(change: StockChange) -> dict[str, Any]:
    # An explicit null means "no check"; leaving the field out is an error since 2026-04 (recorded).
    return {**_place(change), "quantity": change.shown + change.delta, "changeFromQuantity": None}


def _place(change: StockChange) -> dict[str, Any]:
    return {
        "inventoryItemId": gid("InventoryItem", change.key.stock_id),
        "locationId": gid("Location", change.key.location),
    }


def _check_batch(changes: Sequence[StockChange]) -> None:
    most = TRACK_BATCH if changes and changes[0].track else LIMITS.stock_batch
    if not 1 <= len(changes) <= most or len({change.track for change in changes}) != 1:
        raise Refused(f"{len(changes)} rows are no batch: 1 to {most}, tracked and newly tracked ones apart")
    seen = set()
    for change in changes:
        after = change.shown + change.delta
        if not LIMITS.stock_min <= after <= LIMITS.stock_max:
            raise Refused(f"{change.key}: {after} is outside what Shopify takes", code="INVALID_QUANTITY")
        # Pairs must be unique in a call (InventorySetQuantitiesUserErrorCode NO_DUPLICATE_...).
        if change.key in seen:
            raise Refused(f"{change.key} occurs twice in one stock write", code="DUPLICATE")
        seen.add(change.key)
