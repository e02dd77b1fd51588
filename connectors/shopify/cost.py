"""What a GraphQL document costs in points before it runs, worked out from its text.

The formula is not published; this one fits `requestedQueryCost` of recorded calls (development stores, 2025-01 and
2026-04): an object costs 1, a mutation field 10, money bags and page infos nothing, and a connection
2 + s(first) * (cost of one node), where s grows slower than `first`. The rate limiter only needs an estimate: every
reply corrects the bucket.
"""

from collections.abc import Mapping

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, IntValueNode, parse
from graphql.language import OperationDefinitionNode, OperationType, SelectionSetNode

__all__ = ["estimate"]

# s(first), read off recordings with that `first`; between two known sizes the larger one is taken.
_SIZES = ((1, 1), (2, 2), (5, 3), (10, 4), (20, 5), (50, 7), (100, 9), (250, 11))
_FREE = frozenset(
    {"nodes", "edges", "node", "pageInfo", "userErrors", "shopMoney", "presentmentMoney", "orderCancelUserErrors"}
)


def estimate(text: str) -> int:
    """Return the points asked for by the first operation in `text`; page sizes must be written as numbers."""
    document = parse(text)
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    operation = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    base = 9 if operation.operation is OperationType.MUTATION else 0
    fields = [node for node in operation.selection_set.selections if isinstance(node, FieldNode)]
    return sum(base + _field(node, fragments) for node in fields)


def _field(node: FieldNode, fragments: Mapping[str, FragmentDefinitionNode]) -> int:
    if node.selection_set is None:
        return 0
    inner = _selections(node.selection_set, fragments)
    if node.name.value.endswith("Set") or node.name.value in _FREE:
        return inner
    first = next((arg.value for arg in node.arguments or () if arg.name.value == "first"), None)
    if isinstance(first, IntValueNode) and _is_connection(node.selection_set):
        return 2 + _size(int(first.value)) * (1 + inner)
    return 1 + inner


def _is_connection(selected: SelectionSetNode) -> bool:
    return any(isinstance(node, FieldNode) and node.name.value in {"nodes", "edges"} for node in selected.selections)


def _selections(selected: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> int:
    total = 0
    # A record is of one type only: of the parts for each type the dearest counts (fits the recordings of discounts, 2026-04).
    dearest = 0
    for node in selected.selections:
        if isinstance(node, FieldNode):
            total += _field(node, fragments)
        elif isinstance(node, FragmentSpreadNode):
            total += _selections(fragments[node.name.value].selection_set, fragments)
        elif isinstance(node, InlineFragmentNode):
            dearest = max(dearest, _selections(node.selection_set, fragments))
    return total + dearest


def _size(first: int) -> int:
    return next((size for upto, size in _SIZES if first <= upto), _SIZES[-1][1])
