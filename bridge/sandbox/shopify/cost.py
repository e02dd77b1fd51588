"""What a query costs, before and after it ran, and the leaky bucket it is paid from.

Fitted to recordings: an object costs 1, a scalar, money and pageInfo 0, a count at the root 10, a connection
2 + (cost of a node) x max(1, floor(2 ln first)), a mutation 10 with the objects right in its payload free. Shopify
publishes the first three only (apps/build/apis/graphql-admin/rate-limits).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    value_from_ast_untyped,
)

MUTATION = 10
ROOT_COUNT = 10
SPECIAL = {"fulfillmentTrackingInfoUpdate": 50, "refundCreate": 20}
FREE = frozenset(
    {"ApiVersion", "InventoryItemMeasurement", "MoneyBag", "MoneyV2", "PageInfo", "SEO", "WebhookSubscriptionEndpoint"}
)
SINGLE_QUERY_LIMIT = 1000


def rows_weight(count: int) -> int:
    """Return how many nodes a page of `count` is charged as."""
    return max(1, math.floor(2 * math.log(count))) if count > 0 else 0


class Coster:
    """Walks one operation twice: by its arguments for the requested cost, by its result for the actual one."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self.schema = schema
        self.operation = operation
        self.fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self.is_mutation = operation.operation.value == "mutation"
        root = schema.mutation_type if self.is_mutation else schema.query_type
        assert root is not None
        self.root = root

    def requested(self, variables: dict[str, Any]) -> int:
        """Return the cost as far as the arguments tell it."""
        return self._selection(self.root, self.operation.selection_set, variables)

    def actual(self, variables: dict[str, Any], data: Any) -> int:
        """Return the cost of what came back."""
        return self._result(self.root, self.operation.selection_set, variables, data)

    def fields(self, parent: Any, selection: SelectionSetNode | None) -> Iterator[tuple[Any, FieldNode]]:
        """Yield (type, field) of a selection, fragments laid open."""
        for node in selection.selections if selection else ():
            if isinstance(node, FieldNode):
                yield parent, node
                continue
            fragment: Any = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            condition = fragment.type_condition
            inner = self.schema.get_type(condition.name.value) if condition else parent
            yield from self.fields(inner, fragment.selection_set)

    def _selection(self, parent: Any, selection: SelectionSetNode | None, variables: dict[str, Any]) -> int:
        plain = 0
        by_type: dict[str, int] = {}
        for owner, node in self.fields(parent, selection):
            charge = self._field(owner, node, variables)
            if is_abstract_type(parent) and owner is not parent:
                by_type[owner.name] = by_type.get(owner.name, 0) + charge
            else:
                plain += charge
        return plain + max(by_type.values(), default=0)

    def _field(self, owner: Any, node: FieldNode, variables: dict[str, Any]) -> int:
        named, base = self._base(owner, node)
        if named is None:
            return base
        if owner is self.root and self.is_mutation:
            return base + self._selection(named, node.selection_set, variables)
        if named.name.endswith("Connection"):
            each = sum(1 + self._selection(*part, variables) for part in self._nodes(named, node))
            return 2 + each * rows_weight(_size(node, variables))
        return base + self._selection(named, node.selection_set, variables)

    def _base(self, owner: Any, node: FieldNode) -> tuple[Any, int]:
        """Return the field's object type (None when nothing inside is charged) and its own cost."""
        name = node.name.value
        if name.startswith("__"):
            return None, 0
        named = get_named_type(owner.fields[name].type)
        if is_leaf_type(named) or named.name in FREE:
            return None, 0
        if named.name == "Count":
            return None, ROOT_COUNT if owner is self.root else 1
        if owner is self.root and self.is_mutation:
            return named, SPECIAL.get(name, MUTATION)
        return named, 0 if owner.name.endswith("Payload") else 1

    def _nodes(self, connection: Any, node: FieldNode) -> list[tuple[Any, SelectionSetNode | None]]:
        """Return type and selection of a connection's nodes; asked for both as edges and as nodes they count twice."""
        row_type = get_named_type(connection.fields["nodes"].type)
        edge = get_named_type(connection.fields["edges"].type)
        found: list[tuple[Any, SelectionSetNode | None]] = []
        for _, child in self.fields(connection, node.selection_set):
            if child.name.value == "nodes":
                found.append((row_type, child.selection_set))
            elif child.name.value == "edges":
                inner = self.fields(edge, child.selection_set)
                found += [(row_type, part.selection_set) for _, part in inner if part.name.value == "node"]
        return found

    def _result(self, parent: Any, selection: SelectionSetNode | None, variables: dict[str, Any], data: Any) -> int:
        if not isinstance(data, dict):
            return 0
        total = 0
        for owner, node in self.fields(parent, selection):
            if owner is not parent and isinstance(owner, GraphQLObjectType) and not _is(data, owner):
                continue
            key = node.alias.value if node.alias else node.name.value
            total += self._result_field(owner, node, variables, data.get(key))
        return total

    def _result_field(self, owner: Any, node: FieldNode, variables: dict[str, Any], value: Any) -> int:
        named, base = self._base(owner, node)
        if named is None or value is None:
            return base
        if named.name.endswith("Connection"):
            return self._result_page(named, node, variables, value)
        if isinstance(value, list):
            return base + max((self._result(named, node.selection_set, variables, row) for row in value), default=0)
        return base + self._result(named, node.selection_set, variables, value)

    def _result_page(self, named: Any, node: FieldNode, variables: dict[str, Any], value: dict[str, Any]) -> int:
        """A page that is not full is charged in proportion; an empty one as if full of bare objects (recorded)."""
        size = _size(node, variables)
        rows = _rows(value)
        if not rows:
            return 2 + rows_weight(size)
        parts = self._nodes(named, node)
        charge = sum(1 + self._result(*part, variables, row) for part in parts for row in rows)
        return 2 + math.ceil(charge * rows_weight(size) / max(size, len(rows)))


def _is(data: dict[str, Any], kind: GraphQLObjectType) -> bool:
    name = data.get("__typename") or (str(data["id"]).split("/")[3] if "id" in data else kind.name)
    return bool(name == kind.name)


def _rows(value: dict[str, Any]) -> list[Any]:
    for content in value.values():
        if isinstance(content, list):
            return [row.get("node", row) if isinstance(row, dict) else row for row in content]
    return []


def _size(node: FieldNode, variables: dict[str, Any]) -> int:
    arguments = {argument.name.value: argument.value for argument in node.arguments or ()}
    for name in ("first", "last"):
        if name in arguments:
            value = value_from_ast_untyped(arguments[name], variables)
            return value if isinstance(value, int) else 0
    return 0


def is_list(kind: Any) -> bool:
    """Tell whether a type is a list, non-null or not."""
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)


@dataclass(slots=True)
class Bucket:
    """The points an app has in a shop; they come back at `restore` a second, never above `size`."""

    now: Callable[[], datetime]
    size: float = 2000.0
    restore: float = 100.0
    level: float = field(init=False)
    filled_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.level = self.size
        self.filled_at = self.now()

    def available(self) -> float:
        """Return the points there are now."""
        now = self.now()
        self.level = min(self.size, self.level + (now - self.filled_at).total_seconds() * self.restore)
        self.filled_at = now
        return self.level

    def take(self, points: float) -> None:
        """Pay for a query; what was asked and not used was never taken."""
        self.level = max(0.0, self.available() - points)

    def status(self) -> dict[str, float]:
        """Build `throttleStatus`."""
        return {
            "maximumAvailable": _whole(self.size),
            "currentlyAvailable": math.floor(self.available()),
            "restoreRate": _whole(self.restore),
        }


def _whole(value: float) -> float:
    """Write 2000, not 2000.0 (recorded since 2026)."""
    return int(value) if value == int(value) else value
