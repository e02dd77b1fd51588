"""The sandbox's schema is a true subset of Shopify's own (Admin API 2026-10): same names, types, defaults and deprecations."""

from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    print_ast,
)

from bridge.sandbox.shopify.schema import schema as sandbox_schema

pytestmark = pytest.mark.conformance


@pytest.fixture(scope="module")
def official(specs: Path) -> GraphQLSchema:
    return build_schema((specs / "shopify" / "shopify-admin-2026-10.graphql").read_text(), assume_valid=True)


def _default(entry: Any) -> str | None:
    node = entry.ast_node.default_value if entry.ast_node else None
    return print_ast(node) if node else None


def _entry(where: str, ours: Any, theirs: Any) -> list[str]:
    if theirs is None:
        return [f"{where} does not exist"]
    found = []
    if str(ours.type) != str(theirs.type):
        found.append(f"{where}: {ours.type} is {theirs.type}")
    if bool(ours.deprecation_reason) != bool(theirs.deprecation_reason):
        found.append(f"{where}: deprecation differs")
    return found


def _arguments(where: str, ours: Any, theirs: Any) -> list[str]:
    found = []
    for name, argument in ours.args.items():
        there = theirs.args.get(name)
        found += _entry(f"{where}({name}:)", argument, there)
        if there is not None and _default(argument) != _default(there):
            found.append(f"{where}({name}:): default {_default(argument)} is {_default(there)}")
    required = [
        name
        for name, argument in theirs.args.items()
        if str(argument.type).endswith("!") and _default(argument) is None
    ]
    return found + [f"{where}: required argument {name} is missing" for name in required if name not in ours.args]


def _type(ours: GraphQLNamedType, theirs: GraphQLNamedType | None) -> list[str]:
    if theirs is None or type(theirs) is not type(ours):
        return [f"{ours.name}: no such type"]
    if isinstance(ours, GraphQLEnumType) and isinstance(theirs, GraphQLEnumType):
        return [f"{ours.name}.{value} does not exist" for value in ours.values if value not in theirs.values]
    found = []
    if isinstance(ours, GraphQLObjectType | GraphQLInterfaceType) and isinstance(
        theirs, GraphQLObjectType | GraphQLInterfaceType
    ):
        kinds = {kind.name for kind in theirs.interfaces}
        found += [f"{ours.name} does not implement {kind.name}" for kind in ours.interfaces if kind.name not in kinds]
        for name, field in ours.fields.items():
            there = theirs.fields.get(name)
            found += _entry(f"{ours.name}.{name}", field, there)
            found += _arguments(f"{ours.name}.{name}", field, there) if there else []
    elif isinstance(ours, GraphQLInputObjectType) and isinstance(theirs, GraphQLInputObjectType):
        for name, entry in ours.fields.items():
            found += _entry(f"{ours.name}.{name}", entry, theirs.fields.get(name))
            if name in theirs.fields and _default(entry) != _default(theirs.fields[name]):
                found.append(f"{ours.name}.{name}: default differs")
        needed = (
            name for name, entry in theirs.fields.items() if str(entry.type).endswith("!") and _default(entry) is None
        )
        found += [f"{ours.name}: required {name} is missing" for name in needed if name not in ours.fields]
    return found


def test_every_member_exists_with_the_same_type(official: GraphQLSchema) -> None:
    kinds = [kind for name, kind in sandbox_schema().type_map.items() if not name.startswith("__")]
    assert len(kinds) > 200
    assert [line for kind in kinds for line in _type(kind, official.get_type(kind.name))] == []


def test_the_idempotent_directive_is_theirs(official: GraphQLSchema) -> None:
    ours, theirs = sandbox_schema().get_directive("idempotent"), official.get_directive("idempotent")
    assert ours is not None
    assert theirs is not None
    assert {name: str(argument.type) for name, argument in ours.args.items()} == {
        name: str(argument.type) for name, argument in theirs.args.items()
    }
    assert ours.locations == theirs.locations
