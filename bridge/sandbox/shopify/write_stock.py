"""Resolvers of the inventory mutations: input in, payload out; the rules are in `stock`."""

from typing import Any

from graphql import GraphQLError

from bridge.sandbox.shopify import catalog, stock
from bridge.sandbox.shopify.context import Context
from bridge.sandbox.shopify.errors import refuse
from bridge.sandbox.shopify.mutation import mutation
from bridge.sandbox.shopify.state import split
from bridge.sandbox.shopify.stock import Change

Args = dict[str, Any]
SCOPE = "write_inventory"
CHANGE_FROM_SINCE = "2026-04"


def _expected(context: Context, row: dict[str, Any], kind: str) -> int | None:
    """Return what the row compares with. From 2026-04 the key must be there, null for "do not compare" (recorded)."""
    if "changeFromQuantity" not in row and context.version >= CHANGE_FROM_SINCE:
        message = f"{kind} must include the following argument: changeFromQuantity."
        raise GraphQLError(message, extensions={"code": "INVALID_FIELD_ARGUMENTS"})
    value: int | None = row.get("changeFromQuantity")
    return value


def _changes(context: Context, rows: list[dict[str, Any]], path: str, kind: str, name: str) -> list[Change]:
    return [
        Change(
            path=["input", path, str(index)],
            item_id=row["inventoryItemId"],
            location_id=row["locationId"],
            name=name,
            amount=row["delta"] if "delta" in row else row["quantity"],
            expected=_expected(context, row, kind),
            ledger=row.get("ledgerDocumentUri"),
        )
        for index, row in enumerate(rows)
    ]


@mutation("inventorySetQuantities", SCOPE, idempotent=True)
def _set(context: Context, args: Args) -> Args:
    request = args["input"]
    changes = _changes(context, request["quantities"], "quantities", "InventoryQuantityInput", request["name"])
    return {"inventory_adjustment_group": stock.set_to(context.state, request, changes)}


@mutation("inventorySetOnHandQuantities", SCOPE, idempotent=True)
def _set_on_hand(context: Context, args: Args) -> Args:
    request = {**args["input"], "name": "on_hand"}
    changes = _changes(context, request["setQuantities"], "setQuantities", "InventorySetQuantityInput", "on_hand")
    return {"inventory_adjustment_group": stock.set_to(context.state, request, changes)}


@mutation("inventoryAdjustQuantities", SCOPE, idempotent=True)
def _adjust(context: Context, args: Args) -> Args:
    request = args["input"]
    changes = _changes(context, request["changes"], "changes", "InventoryChangeInput", request["name"])
    return {"inventory_adjustment_group": stock.adjust(context.state, request, changes)}


@mutation("inventoryMoveQuantities", SCOPE, idempotent=True)
def _move(context: Context, args: Args) -> Args:
    request = args["input"]
    pairs = []
    for index, row in enumerate(request["changes"]):
        source, target = (
            Change(
                path=["input", "changes", str(index), end],
                item_id=row["inventoryItemId"],
                location_id=row[end]["locationId"],
                name=row[end]["name"],
                amount=row["quantity"],
                expected=_expected(context, row[end], "InventoryMoveQuantityTerminalInput"),
                ledger=row[end].get("ledgerDocumentUri"),
            )
            for end in ("from", "to")
        )
        pairs.append((source, target))
    return {"inventory_adjustment_group": stock.transfer(context.state, request, pairs)}


@mutation("inventoryActivate", SCOPE, idempotent=True)
def _activate(context: Context, args: Args) -> Args:
    state = context.state
    item = state.items.get(split(args["inventoryItemId"])[1])
    location = catalog.find_location(state, args["locationId"])
    given = {"available": args.get("available"), "onHand": args.get("onHand")}
    level = state.level(item, location) if item and location else None
    if level is not None and level.is_active and sum(value is not None for value in given.values()) == 1:
        name = "onHand" if given["available"] is None else "available"
        said = "an on_hand" if name == "onHand" else "available"
        message = f"Not allowed to set {said} quantity when the item is already active at the location."
        # The payload still shows the level (recorded: inventory-activate-on-hand, alreadyActiveOnHand).
        return {"inventory_level": level, "user_errors": [{"field": [name], "message": message}]}
    return {"inventory_level": stock.activate(state, item, location, given)}


@mutation("inventoryDeactivate", SCOPE)
def _deactivate(context: Context, args: Args) -> Args:
    stock.deactivate(context.state, context.state.find_level(args["inventoryLevelId"]))
    return {}


@mutation("inventoryItemUpdate", SCOPE)
def _update_item(context: Context, args: Args) -> Args:
    item = context.state.items.get(split(args["id"])[1])
    if item is None:
        raise refuse(["id"], "The product couldn't be updated because it does not exist.")
    catalog.write_item(context.state, item, args["input"])
    return {"inventory_item": item}
