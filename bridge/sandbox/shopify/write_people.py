"""Resolvers of the customer mutations and of `metafieldsSet`."""

from typing import Any

from bridge.sandbox.shopify import people
from bridge.sandbox.shopify.context import Context
from bridge.sandbox.shopify.errors import refuse
from bridge.sandbox.shopify.model import Customer
from bridge.sandbox.shopify.mutation import mutation
from bridge.sandbox.shopify.read_root import shop
from bridge.sandbox.shopify.state import split

Args = dict[str, Any]
SCOPE = "write_customers"


def _customer(context: Context, global_id: str | None) -> Customer:
    kind, number = split(global_id or "")
    found = context.state.customers.get(number) if kind == "Customer" else None
    if found is None:
        raise refuse(["id"], "Customer does not exist")
    return found


@mutation("customerCreate", SCOPE)
def _create(context: Context, args: Args) -> Args:
    return {"customer": people.create(context.state, args["input"])}


@mutation("customerUpdate", SCOPE)
def _update(context: Context, args: Args) -> Args:
    row = _customer(context, args["input"].get("id"))
    people.update(context.state, row, args["input"])
    return {"customer": row}


@mutation("customerDelete", SCOPE)
def _delete(context: Context, args: Args) -> Args:
    row = _customer(context, args["input"]["id"])
    people.delete(context.state, row)
    return {"deleted_customer_id": row.id, "shop": shop(context, {})}


@mutation("metafieldsSet", SCOPE)
def _set_fields(context: Context, args: Args) -> Args:
    return {"metafields": people.set_fields(context.state, args["metafields"])}
