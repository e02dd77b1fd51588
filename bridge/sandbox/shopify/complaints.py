"""Words the validator's complaints the way Shopify's GraphQL server does: message, `path` and `extensions.code`.

Sources: recordings fulfillment-cancel-inline-*, order-update-inline-missing-id, order-refund-fulfillment-usererror-no-code,
inventory-transfer-*, product-delete-parity.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLSchema,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    get_named_type,
    print_ast,
)

Form = tuple[str, dict[str, Any]]


def _undefined_field(name: str, kind: str) -> Form:
    return (
        f"Field '{name}' doesn't exist on type '{kind}'",
        {"code": "undefinedField", "typeName": kind, "fieldName": name},
    )


def _missing_argument(field: str, argument: str) -> Form:
    extensions = {"code": "missingRequiredArguments", "className": "Field", "name": field, "arguments": argument}
    return f"Field '{field}' is missing required arguments: {argument}", extensions


def _unknown_argument(argument: str, field: str) -> Form:
    extensions = {"code": "argumentNotAccepted", "name": field, "typeName": "Field", "argumentName": argument}
    return f"Field '{field}' doesn't accept argument '{argument}'", extensions


def _missing_attribute(kind: str, name: str, wanted: str) -> Form:
    extensions = {
        "code": "missingRequiredInputObjectAttribute",
        "argumentName": name,
        "argumentType": wanted,
        "inputObjectType": kind,
    }
    return f"Argument '{name}' on InputObject '{kind}' is required. Expected type {wanted}", extensions


def _unknown_attribute(name: str, kind: str) -> Form:
    extensions = {"code": "argumentNotAccepted", "name": kind, "typeName": "InputObject", "argumentName": name}
    return f"InputObject '{kind}' doesn't accept argument '{name}'", extensions


def _unused_variable(name: str, operation: str) -> Form:
    extensions = {"code": "variableNotUsed", "variableName": name}
    return f"Variable ${name} is declared by {operation} but not used", extensions


def _undefined_variable(name: str, operation: str) -> Form:
    extensions = {"code": "variableNotDefined", "variableName": name}
    return f"Variable ${name} is used by {operation} but not declared", extensions


def _no_selection(field: str, kind: str) -> Form:
    named = kind.strip("[]!")
    message = f"Field must have selections (field '{field}' returns {named} but has no selections. Did you mean '{field} {{ ... }}'?)"
    return message, {"code": "selectionMismatch", "nodeName": f"field '{field}'", "typeName": named}


PATTERNS: list[tuple[re.Pattern[str], Callable[..., Form]]] = [
    (re.compile(r"Cannot query field '(\w+)' on type '(\w+)'"), _undefined_field),
    (re.compile(r"[Ff]ield '(?:\w+\.)?(\w+)' argument '(\w+)' of type"), _missing_argument),
    (re.compile(r"Argument '(?:\w+\.)?(\w+)\((\w+):\)' of type '.*' is required"), _missing_argument),
    (re.compile(r"Unknown argument '(\w+)' on field '(?:\w+\.)?(\w+)'"), _unknown_argument),
    (re.compile(r"Field '(\w+)\.(\w+)' of required type '([^']+)' was not provided"), _missing_attribute),
    (re.compile(r"Field '(\w+)' is not defined by type '(\w+)'"), _unknown_attribute),
    (re.compile(r"Variable '\$(\w+)' is never used in operation '(\w+)'"), _unused_variable),
    (re.compile(r"Variable '\$(\w+)' is not defined by operation '(\w+)'"), _undefined_variable),
    (re.compile(r"Field '(\w+)' of type '([^']+)' must have a selection"), _no_selection),
]
WRONG_OBJECT = re.compile(
    r"Expected value of type '(\w+)' (?:to include required|not to include unknown) field '(\w+)'"
)
LITERALS = ("int_value", "float_value", "string_value", "boolean_value", "null_value", "enum_value")


def complaints(schema: GraphQLSchema, document: DocumentNode, errors: list[GraphQLError]) -> list[dict[str, Any]]:
    """Word all complaints of the validator; the missing arguments of one field are one complaint."""
    found: list[dict[str, Any]] = []
    for error in errors:
        entry = translate(schema, error, document)
        last = found[-1] if found else entry
        same = last["path"] == entry["path"] and last["extensions"].get("code") == "missingRequiredArguments"
        if found and same and entry["extensions"].get("code") == "missingRequiredArguments":
            names = f"{last['extensions']['arguments']}, {entry['extensions']['arguments']}"
            message, extensions = _missing_argument(entry["extensions"]["name"], names)
            found[-1] = {**last, "message": message, "extensions": extensions}
        else:
            found.append(entry)
    return found


def translate(schema: GraphQLSchema, error: GraphQLError, document: DocumentNode) -> dict[str, Any]:
    """Word one complaint."""
    node = error.nodes[0] if error.nodes else None
    trail = _trail(document, node) if node else []
    locations = [{"line": place.line, "column": place.column} for place in (error.locations or [])[:1]]
    if node is not None and node.kind in LITERALS and len(trail) > 1:
        owner = _owner(document, node)
        message, extensions = _wrong_literal(schema, node, trail)
        places = [_place(owner)] if owner else locations
        return {"message": message, "locations": places, "path": trail, "extensions": extensions}
    message, extensions, steps = _form(schema, error)
    return {"message": message, "locations": locations, "path": [*trail, *steps], "extensions": extensions}


def _form(schema: GraphQLSchema, error: GraphQLError) -> tuple[str, dict[str, Any], list[str]]:
    for pattern, build in PATTERNS:
        match = pattern.search(error.message)
        if match:
            message, extensions = build(*match.groups())
            return message, extensions, [match.group(2)] if build is _missing_attribute else []
    match = WRONG_OBJECT.search(error.message)
    if match:
        kind, name = match.groups()
        wanted = schema.get_type(kind)
        entry = wanted.fields.get(name) if isinstance(wanted, GraphQLInputObjectType) else None
        message, extensions = (
            _missing_attribute(kind, name, str(entry.type)) if entry else _unknown_attribute(name, kind)
        )
        return message, extensions, [name]
    return error.message, {}, []


def _wrong_literal(schema: GraphQLSchema, node: Node, trail: list[str]) -> Form:
    """Word a literal of the wrong type (recorded: order-create-inline-null-order, product-delete-parity)."""
    owner_kind, owner, wanted = _expected(schema, trail)
    message = f"Argument '{trail[-1]}' on {owner_kind} '{owner}' has an invalid value ({print_ast(node)}). Expected type '{wanted}'."
    return message, {"code": "argumentLiteralsIncompatible", "typeName": owner_kind, "argumentName": trail[-1]}


def _expected(schema: GraphQLSchema, trail: list[str]) -> tuple[str, str, str]:
    """Follow a path through the schema: whose argument its last step is, and of which type.

    A step may name an argument or a field inside (orderCreate has both called `order`), so both readings are tried.
    """
    root = schema.mutation_type if trail[0].startswith("mutation") else schema.query_type
    return _follow(root, {}, ("Field", ""), trail[1:]) or ("Field", trail[-2], "")


def _follow(
    place: Any, arguments: dict[str, Any], owner: tuple[str, str], steps: list[str]
) -> tuple[str, str, str] | None:
    name, rest = steps[0], steps[1:]
    if name in arguments:
        wanted = arguments[name].type
        if not rest:
            return (*owner, str(wanted))
        inner = get_named_type(wanted)
        found = _follow(None, getattr(inner, "fields", {}), ("InputObject", inner.name), rest)
        if found:
            return found
    field = getattr(place, "fields", {}).get(name)
    return _follow(get_named_type(field.type), field.args, ("Field", name), rest) if field and rest else None


def _trail(document: DocumentNode, wanted: Node) -> list[str]:
    """Return Shopify's path to a node: "query Name", then response keys and argument names."""
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            kind = definition.operation.value
            head = f"{kind} {definition.name.value}" if definition.name else kind
        elif isinstance(definition, FragmentDefinitionNode):
            head = f"fragment {definition.name.value}"
        else:
            continue
        for trail, node in _walk(definition, [head]):
            if node is wanted:
                return trail
    return []


def _walk(node: Node, trail: list[str]) -> Iterator[tuple[list[str], Node]]:
    yield trail, node
    for key in node.keys:
        value = getattr(node, key, None)
        for child in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(child, Node):
                yield from _walk(child, [*trail, *_step(child)])


def _step(node: Node) -> list[str]:
    if isinstance(node, FieldNode):
        return [(node.alias or node.name).value]
    if type(node).__name__ in ("ArgumentNode", "ObjectFieldNode"):
        return [node.name.value]  # type: ignore[attr-defined]
    return []


def _owner(document: DocumentNode, wanted: Node | None) -> Node | None:
    """Return the field (or input object) whose argument a literal is."""
    found: Node | None = None

    def search(node: Node, owner: Node | None) -> None:
        nonlocal found
        if node is wanted:
            found = owner
        inner = node if isinstance(node, (FieldNode, ObjectValueNode)) else owner
        for key in node.keys:
            value = getattr(node, key, None)
            for child in value if isinstance(value, (list, tuple)) else [value]:
                if isinstance(child, Node):
                    search(child, inner)

    search(document, None)
    return found


def _place(node: Node) -> dict[str, int]:
    assert node.loc is not None
    return {"line": node.loc.start_token.line, "column": node.loc.start_token.column}
