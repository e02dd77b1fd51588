"""What a resolver gets to know about the request it serves, and the registry the resolvers put themselves into."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import GraphQLResolveInfo

from bridge.sandbox.shopify.idempotency import Keys
from bridge.sandbox.shopify.state import State

Resolver = Callable[..., Any]
Info: TypeAlias = "GraphQLResolveInfo[Any]"
RESOLVERS: dict[str, Resolver] = {}
IDEMPOTENCY_SINCE = "2026-04"


@dataclass(slots=True)
class Context:
    """One request: the shop, who asks, in which version; search warnings gather here."""

    state: State
    keys: Keys
    scopes: frozenset[str]
    version: str
    searches: list[dict[str, Any]] = field(default_factory=list)


def resolves(*names: str) -> Callable[[Resolver], Resolver]:
    """Register a resolver for fields named "Type.field"; it is called with (source, context, arguments)."""

    def keep(function: Resolver) -> Resolver:
        for name in names:
            RESOLVERS[name] = function
        return function

    return keep


def snake(name: str) -> str:
    """Turn a GraphQL field name into an attribute name."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def plain(name: str) -> Resolver:
    """Return the resolver of a field that is just an attribute or an entry of its source."""
    attribute = snake(name)

    def resolve(source: Any, _: Info, **__: Any) -> Any:
        if type(source) is dict:
            return source[attribute] if attribute in source else source.get(name)
        return getattr(source, attribute)

    return resolve


def adapt(function: Resolver) -> Resolver:
    """Fit a registered resolver to graphql-core's calling convention."""

    def resolve(source: Any, info: Info, **arguments: Any) -> Any:
        return function(source, info.context, arguments)

    return resolve
