"""The frame every mutation runs in: scope, idempotency key, and refusals turned into `userErrors`."""

from collections.abc import Callable
from typing import Any

from graphql import GraphQLError, Node, VariableNode, get_directive_values

from bridge.sandbox.shopify.context import IDEMPOTENCY_SINCE, Context, Info
from bridge.sandbox.shopify.errors import InvalidError, access_denied, bad_request

Act = Callable[[Context, dict[str, Any]], dict[str, Any]]
MUTATIONS: dict[str, Callable[..., Any]] = {}
NO_KEY = "The @idempotent directive is required for this mutation but was not provided."


def mutation(name: str, scope: str | None, *, idempotent: bool = False) -> Callable[[Act], Act]:
    """Register a mutation; `act` returns the payload, `user_errors` only where there are any."""

    def keep(act: Act) -> Act:
        def resolve(_: None, info: Info, **args: Any) -> dict[str, Any]:
            context: Context = info.context
            if scope is not None and scope not in context.scopes:
                raise access_denied(name, scope)
            return {"user_errors": [], **_run(name, act, info, args, idempotent)}

        MUTATIONS[name] = resolve
        return act

    return keep


def _run(name: str, act: Act, info: Info, args: dict[str, Any], idempotent: bool) -> dict[str, Any]:
    context: Context = info.context
    key = _key(info) if idempotent else None
    if idempotent and key is None and context.version >= IDEMPOTENCY_SINCE:
        raise bad_request(NO_KEY)
    try:
        if key is None:
            return act(context, args)
        return context.keys.run(key, name, args, lambda: act(context, args))
    except InvalidError as refusal:
        return {"user_errors": refusal.errors}
    except GraphQLError as error:
        if key is not None:
            # A request that is wrong in itself is no attempt: the same key may be used for the corrected one.
            context.keys.attempts.pop(key, None)
        raise GraphQLError(error.message, _nodes(info), extensions=error.extensions) from error


def _nodes(info: Info) -> list[Node]:
    """Name the field and the variables it was given, as Shopify's `locations` do (recorded: missingSetChangeFromQuantity)."""
    field = info.field_nodes[0]
    used = {part.value.name.value for part in field.arguments or () if isinstance(part.value, VariableNode)}
    definitions = info.operation.variable_definitions or ()
    return [field, *(node for node in definitions if node.variable.name.value in used)]


def _key(info: Info) -> str | None:
    directive = info.schema.get_directive("idempotent")
    assert directive is not None
    values = get_directive_values(directive, info.field_nodes[0], info.variable_values)
    return None if values is None else str(values["key"])
