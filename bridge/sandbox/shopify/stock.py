"""Rules of stock: what may be written, and how one state moves another. All or nothing per call.

Sources: recordings inventory-quantity-contracts-2026-04, inventorySetQuantities-*, inventory-adjust-*,
inventory-activate-on-hand, inventory-linkage-parity, inventory-inactive-level-lifecycle-2026-04; the 2026-10 schema.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bridge.sandbox.shopify.errors import InvalidError, UserErrors, refuse, user_error
from bridge.sandbox.shopify.model import Item, Level, Location, gid
from bridge.sandbox.shopify.state import State, split

LIMIT = 1_000_000_000
REASONS = (
    "correction",
    "cycle_count_available",
    "damaged",
    "movement_canceled",
    "movement_created",
    "movement_received",
    "movement_updated",
    "other",
    "promotion",
    "quality_control",
    "received",
    "reservation_created",
    "reservation_deleted",
    "reservation_updated",
    "restock",
    "safety_stock",
    "shrinkage",
)
ADJUSTABLE = ("available", "damaged", "incoming", "quality_control", "reserved", "safety_stock")
STALE = "The changeFromQuantity argument no longer matches the persisted quantity."
TOO_HIGH = "The quantity can't be higher than 1,000,000,000."
TOO_LOW = "The quantity can't be lower than -1,000,000,000."


@dataclass(slots=True)
class Change:
    """One entry asked for: where, which state, by how much (`delta`) or to what (`target`), and the path of its input."""

    path: list[str]
    item_id: str
    location_id: str
    name: str
    amount: int
    expected: int | None
    ledger: str | None = None
    item: Item | None = None
    location: Location | None = None


def move(state: State, level: Level, name: str, delta: int) -> None:
    """Change one stored state of a level by `delta` units."""
    now = state.now()
    level.quantities[name] = level.quantities.get(name, 0) + delta
    level.touched[name] = now
    level.updated_at = now
    # Stock changes move inventory items' updated_at, not products' (BELIEFS.md, stock).
    state.items.touch(level.item)
    if name == "available":
        state.webhooks.tell("INVENTORY_LEVELS_UPDATE", level)


def adjust(state: State, request: dict[str, Any], changes: list[Change]) -> dict[str, Any] | None:
    """Apply deltas of one state; None where every delta was zero (recorded: inventory-adjust-zero-delta-noop)."""
    if request["name"] not in ADJUSTABLE:
        valid = ", ".join(ADJUSTABLE)
        message = f"The specified quantity name is invalid. Valid values are: {valid}."
        raise refuse(["input", "name"], message, "INVALID_QUANTITY_NAME")
    check_request(request)
    _check_documents(request["name"], changes)
    find(state, changes)
    check_current(state, changes)
    _check_totals(state, changes)
    applied = [(change, change.amount) for change in changes if change.amount]
    return _group(state, request, applied) if applied else None


def set_to(state: State, request: dict[str, Any], changes: list[Change]) -> dict[str, Any] | None:
    """Set `available` or `on_hand` to absolute numbers; None where nothing differed."""
    if request["name"] not in ("available", "on_hand"):
        raise refuse(["input", "name"], "The quantity name must be either 'available' or 'on_hand'.", "INVALID_NAME")
    check_request(request)
    _check_pairs(changes)
    errors = [error for change in changes for error in _bounds(change, request["name"])]
    if errors:
        raise InvalidError(errors)
    find(state, changes)
    check_current(state, changes)
    applied = [(change, change.amount - current(state, change)) for change in changes]
    applied = [(change, delta) for change, delta in applied if delta]
    return _group(state, request, applied) if applied else None


def transfer(state: State, request: dict[str, Any], pairs: list[tuple[Change, Change]]) -> dict[str, Any] | None:
    """Move units between two states at one location, e.g. from available to reserved."""
    ends = [end for pair in pairs for end in pair]
    errors = [
        user_error(
            [*end.path, "name"], f"The specified quantity name is invalid. Valid values are: {', '.join(ADJUSTABLE)}."
        )
        for end in ends
        if end.name not in ADJUSTABLE
    ]
    if errors:
        raise InvalidError(errors)
    check_request(request)
    find(state, ends)
    for source, target in pairs:
        if source.location is not target.location:
            message = "The quantities can't be moved between different locations."
            raise refuse(source.path[:-1], message, "DIFFERENT_LOCATIONS")
        if source.amount < 0:
            raise refuse(
                [*source.path[:-1], "quantity"], "The quantity can't be negative.", "INVALID_QUANTITY_NEGATIVE"
            )
    check_current(state, ends)
    applied = [
        (end, sign * end.amount) for pair in pairs for end, sign in zip(pair, (-1, 1), strict=True) if end.amount
    ]
    return _group(state, request, applied) if applied else None


def check_request(request: dict[str, Any]) -> None:
    """Check reason and reference, which all three writes share."""
    if request["reason"] not in REASONS:
        message = f"The specified reason is invalid. Valid values are: {', '.join(REASONS)}."
        raise refuse(["input", "reason"], message, "INVALID_REASON")
    reference = request.get("referenceDocumentUri")
    if reference is not None and ("://" not in reference or reference.startswith("gid://shopify/")):
        message = "The specified reference document is invalid."
        raise refuse(["input", "referenceDocumentUri"], message, "INVALID_REFERENCE_DOCUMENT")


def find(state: State, changes: list[Change]) -> None:
    """Look up item and location of each change and refuse the call when any is missing."""
    errors: UserErrors = []
    for change in changes:
        kind, number = split(change.item_id)
        change.item = state.items.get(number) if kind == "InventoryItem" else None
        kind, number = split(change.location_id)
        change.location = state.locations.get(number) if kind == "Location" else None
        base = change.path[:-1] if change.path[-1] in ("from", "to") else change.path
        item_path = [*base, "inventoryItemId"]
        if change.item is None and not any(error["field"] == item_path for error in errors):
            message = "The specified inventory item could not be found."
            errors.append(user_error(item_path, message, "INVALID_INVENTORY_ITEM"))
        if change.location is None:
            message = "The specified location could not be found."
            errors.append(user_error([*change.path, "locationId"], message, "INVALID_LOCATION"))
    if any(error["code"] == "INVALID_INVENTORY_ITEM" for error in errors) and changes[0].path[-1] in ("from", "to"):
        errors = [error for error in errors if error["code"] == "INVALID_INVENTORY_ITEM"]
    if errors:
        raise InvalidError(errors)


def current(state: State, change: Change) -> int:
    """Return the state's number now; a pair that is not stocked counts as 0."""
    assert change.item is not None
    assert change.location is not None
    level = state.level(change.item, change.location)
    return level.quantity(change.name) if level else 0


def check_current(state: State, changes: Iterable[Change]) -> None:
    """Compare-and-set. The entry has no field: Shopify does not say which row was stale (BELIEFS.md, stock)."""
    for change in changes:
        if change.expected is not None and change.expected != current(state, change):
            raise refuse(None, STALE, "CHANGE_FROM_QUANTITY_STALE")


def activate(state: State, item: Item | None, location: Location | None, given: dict[str, int | None]) -> Level | None:
    """Stock an item at a location. Without quantities an inactive level keeps its old ones (2026-04 and later)."""
    if location is None:
        raise refuse(["locationId"], "The product couldn't be stocked because the location wasn't found.")
    where = f"The product couldn't be stocked at {location.name} because"
    if item is None:
        raise refuse(["inventoryItemId"], f"{where} the product was deleted.")
    wanted = {name: units for name, units in given.items() if units is not None}
    if len(wanted) == 2:
        message = f"{where} not allowed to set available and on_hand quantities at the same time."
        raise InvalidError([user_error(["available"], message), user_error(["onHand"], message)])
    for name, units in wanted.items():
        if abs(units) > LIMIT:
            raise refuse([name], f"{where} the quantity needs to be between -1 billion and 1 billion.")
    level = state.level(item, location)
    if level is not None and level.is_active:
        for name in wanted:
            said = "an on_hand" if name == "onHand" else "available"
            raise refuse([name], f"Not allowed to set {said} quantity when the item is already active at the location.")
        return level
    level = state.stocked(item, location)
    level.is_active = True
    state.webhooks.tell("INVENTORY_LEVELS_CONNECT", level)
    for units in wanted.values():
        move(state, level, "available", units - level.quantity("available"))
    state.items.touch(item)
    return level


def deactivate(state: State, level: Level | None) -> None:
    """Stop stocking an item at a location; its numbers stay on the inactive level."""
    if level is None:
        raise refuse(None, "The product couldn't be unstocked because the product was deleted.")
    if sum(other.is_active for other in level.item.levels.values()) < 2:
        where = level.location.name
        message = f"The product couldn't be unstocked from {where} because products need to be stocked at a minimum of 1 location."
        raise refuse(None, message)
    level.is_active = False
    level.updated_at = state.now()
    state.items.touch(level.item)
    state.webhooks.tell("INVENTORY_LEVELS_DISCONNECT", level)


def count(state: State, item: Item, location: Location, units: int) -> None:
    """Say how many there are on the shelf: on_hand becomes `units`, available takes the difference."""
    level = state.stocked(item, location)
    move(state, level, "available", units - level.quantity("on_hand"))


def _check_documents(name: str, changes: list[Change]) -> None:
    errors: UserErrors = []
    for change in changes:
        field = [*change.path, "ledgerDocumentUri"]
        if name == "available" and change.ledger is not None:
            message = "A ledger document URI is not allowed when adjusting available."
            errors.append(user_error(field, message, "INVALID_AVAILABLE_DOCUMENT"))
        elif name != "available" and change.ledger is None:
            message = "A ledger document URI is required except when adjusting available."
            errors.append(user_error(field, message, "INVALID_QUANTITY_DOCUMENT"))
        elif change.ledger is not None and change.ledger.startswith("gid://shopify/"):
            message = "Internal (gid://shopify/) ledger documents are not allowed to be adjusted via API."
            errors.append(user_error(field, message, "INTERNAL_LEDGER_DOCUMENT"))
    if not errors and len({change.ledger for change in changes}) > 1:
        message = (
            "All changes must have the same ledger document URI or, in the case of adjusting available, "
            "no ledger document URI."
        )
        errors.append(user_error(["input", "changes"], message, "MAX_ONE_LEDGER_DOCUMENT"))
    if errors:
        raise InvalidError(errors)


def _check_pairs(changes: list[Change]) -> None:
    seen = Counter((change.item_id, change.location_id) for change in changes)
    message = "The combination of inventoryItemId and locationId must be unique."
    errors = [
        user_error([*change.path, "locationId"], message, "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR")
        for change in changes
        if seen[(change.item_id, change.location_id)] > 1
    ]
    if errors:
        raise InvalidError(errors)


def _bounds(change: Change, name: str) -> UserErrors:
    field = [*change.path, "quantity"]
    if change.amount > LIMIT:
        return [user_error(field, TOO_HIGH, "INVALID_QUANTITY_TOO_HIGH")]
    if name == "on_hand" and change.amount < 0:
        return [user_error(field, "The quantity can't be negative.", "INVALID_QUANTITY_NEGATIVE")]
    if change.amount < -LIMIT:
        return [user_error(field, TOO_LOW, "INVALID_QUANTITY_TOO_LOW")]
    return []


def _check_totals(state: State, changes: list[Change]) -> None:
    for change in changes:
        total = current(state, change) + change.amount
        if total > LIMIT:
            raise refuse([*change.path, "delta"], TOO_HIGH, "INVALID_QUANTITY_TOO_HIGH")
        if total < -LIMIT:
            raise refuse([*change.path, "delta"], TOO_LOW, "INVALID_QUANTITY_TOO_LOW")


def _group(state: State, request: dict[str, Any], applied: list[tuple[Change, int]]) -> dict[str, Any]:
    """Apply the changes and tell of them: the named state's row, then on_hand's where its sum moved."""
    rows: list[dict[str, Any]] = []
    shelf: dict[Level, int] = {}
    for change, delta in applied:
        assert change.item is not None
        assert change.location is not None
        level = state.stocked(change.item, change.location)
        level.is_active = True
        stored = "available" if change.name == "on_hand" else change.name
        move(state, level, stored, delta)
        rows.append(_row(level, stored, delta, change.ledger))
        if stored != "incoming":
            shelf[level] = shelf.get(level, 0) + delta
    rows += [_row(level, "on_hand", delta, None) for level, delta in shelf.items() if delta]
    return {
        "id": gid("InventoryAdjustmentGroup", state.number("InventoryAdjustmentGroup")),
        "created_at": state.now(),
        "reason": request["reason"],
        "reference_document_uri": request.get("referenceDocumentUri"),
        "changes": rows,
    }


def _row(level: Level, name: str, delta: int, ledger: str | None) -> dict[str, Any]:
    return {
        "name": name,
        "delta": delta,
        "quantity_after_change": None,  # recorded: always null on the writes' own answers
        "ledger_document_uri": ledger,
        "item": level.item,
        "location": level.location,
    }
