"""Every document we send, against Shopify's own schema and its list of access scopes (2026-10)."""

import json
from pathlib import Path

import pytest
from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    get_named_type,
    parse,
    validate,
    visit,
)

from connectors.shopify import documents, loyalty_documents
from connectors.shopify.documents import Operation
from connectors.shopify.hints import TOPICS
from connectors.shopify.limits import (
    CODES_A_CALL,
    DISCOUNTS_A_CALL,
    LOYALTY_SCOPES,
    MAX_COST,
    OPTIONAL_SCOPES,
    REQUIRED_SCOPES,
    WRITER_SCOPES,
)

pytestmark = pytest.mark.conformance

_BASIC = "basicCodeDiscount", "DiscountCodeBasicInput"
_SHIPPING = "freeShippingCodeDiscount", "DiscountCodeFreeShippingInput"
LOYAL = (
    *loyalty_documents.ALL,
    loyalty_documents.customers_by_email(CODES_A_CALL),
    loyalty_documents.codes_at(CODES_A_CALL),
    loyalty_documents.campaign(CODES_A_CALL),
    loyalty_documents.campaign_codes(CODES_A_CALL),
    loyalty_documents.redeem_codes(40),
    loyalty_documents.write_discounts([("discountCodeBasicCreate", *_BASIC)] * DISCOUNTS_A_CALL),
    loyalty_documents.write_discounts([
        ("discountCodeBasicUpdate", *_BASIC), ("discountCodeFreeShippingCreate", *_SHIPPING),
        ("discountCodeFreeShippingUpdate", *_SHIPPING), ("discountCodeDeactivate", "", ""),
    ]),
)  # fmt: skip
BUILT = (
    documents.track_stock(1),
    documents.track_stock(50),
    documents.edit_products(((True, True, 1), (False, False, 2), (True, False, 0))),
    documents.edit_products(((True, True, 1),) * 8),
    *LOYAL,
)


@pytest.fixture(scope="session")
def schema(specs: Path) -> GraphQLSchema:
    text = (specs / "shopify" / "shopify-admin-2026-10.graphql").read_text(encoding="utf-8")
    return build_schema(text, assume_valid=True)


@pytest.mark.parametrize("operation", [*documents.ALL, *BUILT], ids=lambda operation: operation.name)
def test_documents_are_valid(operation: Operation, schema: GraphQLSchema) -> None:
    assert [error.message for error in validate(schema, parse(operation.text))] == []


@pytest.mark.parametrize("operation", [*documents.ALL, *BUILT], ids=lambda operation: operation.name)
def test_no_document_asks_for_more_points_than_a_single_query_may(operation: Operation) -> None:
    assert 0 < operation.cost <= MAX_COST


def test_every_topic_is_one_of_shopifys(schema: GraphQLSchema) -> None:
    kinds = schema.type_map["WebhookSubscriptionTopic"]
    assert isinstance(kinds, GraphQLEnumType)
    assert {topic.replace("/", "_").upper() for topic in TOPICS} <= set(kinds.values)


class _Touched(Visitor):
    """Collects the object types and mutation fields a document touches, as the list of scopes names them."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self.types = types
        self.found: set[tuple[str, str | None]] = set()

    def enter_field(self, node: FieldNode, *_: object) -> None:
        parent, result = self.types.get_parent_type(), get_named_type(self.types.get_type())
        if parent is not None:
            self.found.add((parent.name, node.name.value))
        if result is not None and node.selection_set is not None:
            self.found.add((result.name, None))


@pytest.fixture(scope="session")
def access(specs: Path) -> dict[tuple[str, str | None], set[str]]:
    """Which scopes open a type or a field; any one of them will do."""
    items = json.loads((specs / "shopify" / "shopify-offline-scopes-2026-10.json").read_text(encoding="utf-8"))["items"]
    return {(item["typeName"], item.get("fieldName")): set(item["offlineScopes"]) for item in items}


def _granted(*scopes: str) -> set[str]:
    return {*scopes, *(f"read_{scope.removeprefix('write_')}" for scope in scopes if scope.startswith("write_"))}


@pytest.mark.parametrize("operation", [*documents.ALL, *BUILT], ids=lambda operation: operation.name)
def test_the_scopes_we_ask_for_open_every_field(
    operation: Operation, schema: GraphQLSchema, access: dict[tuple[str, str | None], set[str]]
) -> None:
    types = TypeInfo(schema)
    touched = _Touched(types)
    visit(parse(operation.text), TypeInfoVisitor(types, touched))
    wanted_for = LOYALTY_SCOPES if operation in LOYAL else WRITER_SCOPES if operation.write else ()
    asked = _granted(*REQUIRED_SCOPES, *OPTIONAL_SCOPES, *wanted_for)
    closed = {name: wanted for name in touched.found if (wanted := access.get(name)) and not wanted & asked}
    assert closed == {}
    assert touched.found


def test_every_scope_is_needed_by_some_document(
    schema: GraphQLSchema, access: dict[tuple[str, str | None], set[str]]
) -> None:
    wanted: set[str] = set()
    for operation in (*documents.ALL, *BUILT):
        types = TypeInfo(schema)
        touched = _Touched(types)
        visit(parse(operation.text), TypeInfoVisitor(types, touched))
        for name in touched.found:
            wanted |= access.get(name, set())
    # metafieldsSet takes the write scope of whatever record owns the field, which this list does not know.
    assert {*REQUIRED_SCOPES, *WRITER_SCOPES, *LOYALTY_SCOPES, "read_customers"} - wanted == {"write_customers"}
