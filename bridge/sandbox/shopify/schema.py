"""The executable schema: the subset SDL with resolvers and scalars put in. Built once per process."""

from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from graphql import GraphQLObjectType, GraphQLScalarType, GraphQLSchema, build_schema

from bridge.sandbox.shopify import (
    paging,
    read_discounts,
    read_orders,
    read_people,
    read_root,
    read_stock,
    webhook_api,
    write_discounts,
    write_orders,
    write_people,
    write_products,
    write_stock,
)
from bridge.sandbox.shopify.context import RESOLVERS, adapt, plain
from bridge.sandbox.shopify.money import price, stamp
from bridge.sandbox.shopify.mutation import MUTATIONS

# Importing these modules is what registers their resolvers.
REGISTERED = (
    read_discounts, read_orders, read_people, read_root, read_stock,
    webhook_api, write_discounts, write_orders, write_people, write_products, write_stock,
)  # fmt: skip


@cache
def schema() -> GraphQLSchema:
    """Return the one schema of the process."""
    text = files(__package__).joinpath("schema.graphql").read_text()
    built = build_schema(text, assume_valid=True)
    for kind in built.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            _resolve(kind)
        elif isinstance(kind, GraphQLScalarType) and kind.name in SERIALIZERS:
            _serialize(kind)
    return built


def _resolve(kind: GraphQLObjectType) -> None:
    for name, field in kind.fields.items():
        if kind.name == "Mutation":
            field.resolve = MUTATIONS[name]
        elif kind.name.endswith("Connection") and name == "edges":
            field.resolve = lambda source, _: paging.edges(source)
        elif kind.name.endswith("Connection") and name == "pageInfo":
            field.resolve = lambda source, _: paging.page_info(source)
        else:
            known = RESOLVERS.get(f"{kind.name}.{name}")
            field.resolve = adapt(known) if known else plain(name)


def _time(value: Any) -> str | None:
    return stamp(value) if isinstance(value, datetime) else str(value)


SERIALIZERS: dict[str, Any] = {"DateTime": _time, "Money": price, "UnsignedInt64": str, "URL": str, "HTML": str}


def _serialize(kind: GraphQLScalarType) -> None:
    write = SERIALIZERS[kind.name]
    for name in ("serialize", "coerce_output_value"):
        if hasattr(kind, name):
            setattr(kind, name, write)


def type_of(value: Any, *_: Any) -> str:
    """Name the object type behind an interface."""
    if isinstance(value, dict):
        return str(value.get("__typename", "ProductSetOperation"))
    return str(value.kind)
