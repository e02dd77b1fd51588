"""Checks the variables of a request as Shopify does and words the complaint its way (INVALID_VARIABLE).

Sources: recordings order-create-missing-order, order-update-missing-id, product-status-enum-validation,
inventory-quantity-contracts-2026-04 (legacySetShape), discount-value-bounds, customer-by-identifier (oneOf).
"""

from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    type_from_ast,
)

from bridge.sandbox.shopify.money import decimal, moment

Problems = list[dict[str, Any]]
Path = list[str | int]
NOT_NULL = "Expected value to not be null"
INT_RANGE = range(-(2**31), 2**31)
MAX_ARRAY = 250


def check(schema: GraphQLSchema, operation: OperationDefinitionNode, given: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the errors of all variables, empty when they fit."""
    errors = []
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        kind = type_from_ast(schema, definition.type)
        if name not in given and (definition.default_value is not None or not isinstance(kind, GraphQLNonNull)):
            continue
        value = given.get(name)
        problems = problems_of(kind, value, [])
        if problems:
            location = definition.loc
            assert location is not None
            start = {"line": location.start_token.line, "column": location.start_token.column}
            errors.append(_error(name, str(kind), value, problems, start))
    return errors


def _error(name: str, kind: str, value: Any, problems: Problems, start: dict[str, int]) -> dict[str, Any]:
    named = ", ".join(
        f"{'.'.join(str(step) for step in problem['path'])} ({problem['explanation']})"
        for problem in problems
        if problem["path"]
    )
    message = f"Variable ${name} of type {kind} was provided invalid value" + (f" for {named}" if named else "")
    extensions = {"code": "INVALID_VARIABLE", "value": value, "problems": problems}
    return {"message": message, "locations": [start], "extensions": extensions}


def problems_of(kind: Any, value: Any, path: Path) -> Problems:
    """Return what is wrong with a value, with the path to it."""
    if value is None:
        return [_problem(path, NOT_NULL)] if isinstance(kind, GraphQLNonNull) else []
    kind = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(kind, GraphQLList):
        rows = value if isinstance(value, list) else [value]
        return [problem for index, row in enumerate(rows) for problem in problems_of(kind.of_type, row, [*path, index])]
    if isinstance(kind, GraphQLInputObjectType):
        return _object_problems(kind, value, path)
    if isinstance(kind, GraphQLEnumType):
        text = f'Expected "{value}" to be one of: {", ".join(kind.values)}'
        return [] if isinstance(value, str) and value in kind.values else [_problem(path, text)]
    return _scalar_problems(kind, value, path)


def _object_problems(kind: GraphQLInputObjectType, value: Any, path: Path) -> Problems:
    if not isinstance(value, dict):
        return [_problem(path, f"Expected {value!r} to be a key-value object.")]
    found = []
    for name, entry in kind.fields.items():
        if name in value or (
            isinstance(entry.type, GraphQLNonNull) and entry.ast_node and not entry.ast_node.default_value
        ):
            found += problems_of(entry.type, value.get(name), [*path, name])
    found += [
        _problem([*path, name], f"Field is not defined on {kind.name}") for name in value if name not in kind.fields
    ]
    if getattr(kind, "is_one_of", False) and len(value) != 1:
        text = f"'{kind.name}' requires exactly one argument, but {len(value)} were provided."
        found.append(_problem(path, text))
    return found


def _scalar_problems(kind: GraphQLInputType, value: Any, path: Path) -> Problems:
    name = str(kind)
    text = f"Could not coerce value {_shown(value)} to {name}"
    if name == "Int":
        fits = isinstance(value, int) and not isinstance(value, bool) and value in INT_RANGE
    elif name == "Float":
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    elif name == "Boolean":
        fits = isinstance(value, bool)
    elif name == "ID":
        if isinstance(value, str) and not value.startswith("gid://"):
            return [_problem(path, f"Invalid global id '{value}'")]
        fits = isinstance(value, str)
    elif name in ("Money", "Decimal"):
        return _parsed(decimal, value, path)
    elif name == "DateTime":
        text = f"'{value}' is not a valid DateTime"
        fits = isinstance(value, str) and not _parsed(moment, value, path)
    else:
        fits = isinstance(value, str)
    return [] if fits else [_problem(path, text)]


def _parsed(read: Any, value: Any, path: Path) -> Problems:
    try:
        read(value)
    except (ValueError, TypeError) as error:
        return [_problem(path, str(error))]
    return []


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _problem(path: Path, explanation: str) -> dict[str, Any]:
    return {"path": path, "explanation": explanation}


def too_long(value: Any, path: list[str]) -> tuple[list[str], int] | None:
    """Find the first list of more than 250 entries in a field's arguments (api/usage/limits)."""
    if isinstance(value, dict):
        for name, entry in value.items():
            found = too_long(entry, [*path, name])
            if found:
                return found
    elif isinstance(value, list):
        if len(value) > MAX_ARRAY:
            return path, len(value)
        for entry in value:
            found = too_long(entry, path)
            if found:
                return found
    return None
