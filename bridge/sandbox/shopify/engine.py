"""Runs one GraphQL request: parse, check, charge, execute, answer - in the order in which Shopify refuses.

Source of the order: recordings (a request that does not validate has no cost) and apps/build/apis/graphql-admin/rate-limits
(the requested cost is checked before anything runs).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    execute_sync,
    parse,
    validate,
    value_from_ast_untyped,
)

from bridge.sandbox.shopify import errors, variables
from bridge.sandbox.shopify.complaints import complaints
from bridge.sandbox.shopify.context import Context
from bridge.sandbox.shopify.cost import SINGLE_QUERY_LIMIT, Bucket, Coster
from bridge.sandbox.shopify.schema import schema, type_of

Answer = dict[str, Any]
# Lists that Shopify takes beyond the general 250: a product has up to 2048 variants (2026-10 schema).
LONG_LISTS = ("variants",)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that was read once: its parts, or what is wrong with it."""

    document: DocumentNode | None
    complaints: list[Answer]
    costers: dict[str, Coster]


@lru_cache(maxsize=2000)
def prepare(text: str) -> Prepared:
    """Parse and validate a document; the same text is never read twice."""
    try:
        document = parse(text)
    except GraphQLSyntaxError as error:
        places = [{"line": place.line, "column": place.column} for place in error.locations or []]
        return Prepared(None, [{"message": error.message, "locations": places}], {})
    found = validate(schema(), document)
    wrong = complaints(schema(), document, found)
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    costers = {}
    if not wrong:
        costers = {node.name.value if node.name else "": Coster(schema(), document, node) for node in operations}
    return Prepared(document, wrong, costers)


def run(context: Context, bucket: Bucket, request: Answer) -> Answer:
    """Answer one request body."""
    text, given = request.get("query"), request.get("variables") or {}
    if not isinstance(text, str) or not text.strip():
        return {"errors": [{"message": "No query string was present"}]}
    prepared = prepare(text)
    if prepared.complaints or prepared.document is None:
        return {"errors": prepared.complaints}
    coster = _operation(prepared, request.get("operationName"))
    if coster is None:
        return {"errors": [{"message": "An operation name is required"}]}
    wrong = variables.check(schema(), coster.operation, given)
    if wrong:
        return {"errors": wrong}
    values = _with_defaults(coster.operation, given)
    requested = coster.requested(values)
    return _charged(context, bucket, prepared.document, coster, values, requested, request.get("operationName"))


def _charged(
    context: Context,
    bucket: Bucket,
    document: DocumentNode,
    coster: Coster,
    values: Answer,
    requested: int,
    name: str | None,
) -> Answer:
    if requested > SINGLE_QUERY_LIMIT:
        return {"errors": [errors.too_expensive(requested, SINGLE_QUERY_LIMIT)]}
    if requested > bucket.available():
        return {"errors": [errors.throttled()], "extensions": {"cost": _cost(requested, None, bucket)}}
    too_long = _too_long(coster, values)
    if too_long:
        return {"errors": [too_long], "extensions": {"cost": _cost(requested, None, bucket)}}
    context.state.settle()
    result = execute_sync(
        schema(), document, None, context, variable_values=values, operation_name=name, type_resolver=type_of
    )
    actual = coster.actual(values, result.data)
    bucket.take(actual)
    answer: Answer = {"errors": [_error(error) for error in result.errors]} if result.errors else {}
    extensions: Answer = {"cost": _cost(requested, actual, bucket)}
    if context.searches:
        extensions["search"] = context.searches
    return {**answer, "data": result.data, "extensions": extensions}


def _operation(prepared: Prepared, name: str | None) -> Coster | None:
    if name:
        return prepared.costers.get(name)
    return next(iter(prepared.costers.values())) if len(prepared.costers) == 1 else None


def _with_defaults(operation: OperationDefinitionNode, given: Answer) -> Answer:
    defaults = {
        node.variable.name.value: value_from_ast_untyped(node.default_value)
        for node in operation.variable_definitions or ()
        if node.default_value is not None and node.variable.name.value not in given
    }
    return {**given, **defaults} if defaults else given


def _cost(requested: int, actual: int | None, bucket: Bucket) -> Answer:
    return {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": bucket.status()}


def _too_long(coster: Coster, values: Answer) -> Answer | None:
    """Refuse a list of more than 250 entries anywhere in a root field's arguments (recorded: MAX_INPUT_SIZE_EXCEEDED)."""
    for _, node in coster.fields(coster.root, coster.operation.selection_set):
        arguments = {
            argument.name.value: values.get(argument.value.name.value)  # type: ignore[attr-defined]
            for argument in node.arguments or ()
            if argument.value.kind == "variable" and argument.name.value not in LONG_LISTS
        }
        arguments = {name: _without_long(value) for name, value in arguments.items()}
        found = variables.too_long(arguments, [])
        if found:
            path, size = found
            message = f"The input array size of {size} is greater than the maximum allowed of {variables.MAX_ARRAY}."
            assert node.loc is not None
            place = {"line": node.loc.start_token.line, "column": node.loc.start_token.column}
            key = (node.alias or node.name).value
            extensions = {"code": "MAX_INPUT_SIZE_EXCEEDED"}
            return {"message": message, "locations": [place], "path": [key, *path], "extensions": extensions}
    return None


def _without_long(value: Any) -> Any:
    return (
        {name: entry for name, entry in value.items() if name not in LONG_LISTS} if isinstance(value, dict) else value
    )


def _error(error: GraphQLError) -> Answer:
    """Write an execution error with its parts in Shopify's order."""
    if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
        # A defect of this program, not an answer of Shopify's: it must come out.
        raise error.original_error
    answer: Answer = {"message": error.message}
    if error.locations:
        answer["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.extensions:
        answer["extensions"] = dict(error.extensions)
    if error.path:
        answer["path"] = error.path
    return answer
