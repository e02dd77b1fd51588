"""The HTTP and GraphQL manners: tokens, versions, points, errors, searches and pages."""

import json
from typing import Any

import pytest

from bridge.sandbox.shopify.engine import prepare
from bridge.sandbox.shopify.http import served_version
from tests.sandbox.test_shopify.kit import PAYLOADS, Caller, Clock, tee

pytestmark = pytest.mark.anyio
COSTS = [json.loads(line) for line in (PAYLOADS / "recorded_costs.jsonl").read_text().splitlines()]
GRANT = {"client_id": "sandbox-client", "client_secret": "sandbox-secret", "grant_type": "client_credentials"}


async def test_a_wrong_token_an_unknown_path_and_an_unknown_version(caller: Caller) -> None:
    caller.headers["X-Shopify-Access-Token"] = "shpat_other"
    refused = await caller.post("{ shop { name } }")
    assert (refused.status_code, refused.json()["errors"][:25]) == (401, "[API] Invalid API key or ")
    page = await caller.http.get("/admin/nothing")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    unknown = await caller.post("{ shop { name } }", version="2031-01")
    assert unknown.status_code == 404


async def test_every_answer_has_a_date_and_says_which_version_answered(caller: Caller) -> None:
    answer = await caller.post("{ shop { name } }", version="2025-01")
    assert answer.headers["date"] == "Mon, 02 Nov 2026 08:00:00 GMT"
    assert answer.headers["x-shopify-api-version"] == "2026-01"


@pytest.mark.parametrize(
    ("month", "asked", "served"),
    [
        (11, "2026-10", "2026-10"),
        (11, "2027-01", "2027-01"),
        (11, "2027-04", None),
        (11, "2026-02", None),
        (9, "2025-07", "2025-10"),
        (1, "2025-01", "2025-04"),
    ],
)
async def test_a_version_lives_for_a_year(clock: Clock, month: int, asked: str, served: str | None) -> None:
    assert served_version(asked, clock().replace(month=month)) == served


async def test_client_credentials_give_a_token_for_a_day(caller: Caller, clock: Clock) -> None:
    made = (await caller.http.post("/admin/oauth/access_token", json=GRANT)).json()
    assert made["expires_in"] == 86399
    assert "write_inventory" in made["scope"].split(",")
    caller.headers["X-Shopify-Access-Token"] = made["access_token"]
    assert (await caller.post("{ shop { name } }")).status_code == 200
    clock.forward(seconds=86399)
    assert (await caller.post("{ shop { name } }")).status_code == 401
    wrong = await caller.http.post("/admin/oauth/access_token", json={**GRANT, "client_secret": "no"})
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_client")
    form = await caller.http.post("/admin/oauth/access_token", data=GRANT)
    assert form.status_code == 200


@pytest.mark.parametrize("options", [{"scopes": ["read_products"]}], ids=["products only"])
async def test_a_missing_scope_denies_the_field_and_leaves_the_rest(caller: Caller) -> None:
    answer = await caller.ask('{ shop { name } order(id: "gid://shopify/Order/1") { id } }')
    error = answer["errors"][0]
    assert error["message"] == "Access denied for order field. Required access: `read_orders` access scope."
    assert error["extensions"]["code"] == "ACCESS_DENIED"
    assert answer["data"] == {"shop": {"name": "Sandbox shop"}, "order": None}


def test_requested_costs_are_those_that_were_recorded() -> None:
    """Known to differ: refused inventory writes (Shopify reports 10 for the 13 asked) and two odd 2025-01 reads."""
    off = []
    for row in COSTS:
        coster = next(iter(prepare(row["document"]).costers.values()))
        if coster.requested(row["variables"]) != row["requested"]:
            off.append(row["source"])
    assert len(COSTS) > 90
    assert len(off) <= 0.05 * len(COSTS), off


def test_actual_costs_are_near_those_that_were_recorded() -> None:
    gaps = []
    for row in COSTS:
        coster = next(iter(prepare(row["document"]).costers.values()))
        gaps.append(abs(coster.actual(row["variables"], row["data"]) - row["actual"]))
    assert sum(gap == 0 for gap in gaps) >= 0.75 * len(gaps)
    assert sum(gap <= 1 for gap in gaps) >= 0.95 * len(gaps)


@pytest.mark.parametrize("options", [{"bucket": 40, "restore": 2}], ids=["small bucket"])
async def test_an_empty_bucket_throttles_and_refills(caller: Caller, clock: Clock) -> None:
    text = "{ products(first: 250) { nodes { id title } } }"
    costs = [(await caller.ask(text))["extensions"]["cost"] for _ in range(3)]
    assert [cost["throttleStatus"]["currentlyAvailable"] for cost in costs] == [27, 14, 1]
    answer = await caller.post(text)
    assert answer.status_code == 200
    assert "data" not in answer.json()
    assert answer.json()["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert answer.json()["extensions"]["cost"] == {
        "requestedQueryCost": 13,
        "actualQueryCost": None,
        "throttleStatus": {"maximumAvailable": 40, "currentlyAvailable": 1, "restoreRate": 2},
    }
    clock.forward(seconds=6)
    assert "data" in await caller.ask(text)


async def test_a_query_above_a_thousand_points_is_refused(caller: Caller) -> None:
    text = """{ products(first: 250) { nodes { variants(first: 100) { nodes { inventoryItem {
      inventoryLevels(first: 20) { nodes { location { id } } } } } } } } }"""
    answer = await caller.ask(text)
    assert answer["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert answer["errors"][0]["extensions"]["cost"] > 1000


async def test_faults_are_answered_as_shopify_does(caller: Caller) -> None:
    caller.platform.faults.add(kind="throttle", seconds=3)
    answer = await caller.post("{ shop { name } }")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3.0")


COMPLAINTS: list[tuple[str, dict[str, Any], str, str]] = [
    ("{ shop { nme } }", {}, "undefinedField", "Field 'nme' doesn't exist on type 'Shop'"),
    (
        "mutation M { productSet { product { id } } }",
        {},
        "missingRequiredArguments",
        "Field 'productSet' is missing required arguments: input",
    ),
    (
        "mutation M { productDelete(input: {}) { deletedProductId } }",
        {},
        "missingRequiredInputObjectAttribute",
        "Argument 'id' on InputObject 'ProductDeleteInput' is required. Expected type ID!",
    ),
    (
        "mutation M { productDelete(input: { id: null }) { deletedProductId } }",
        {},
        "argumentLiteralsIncompatible",
        "Argument 'id' on InputObject 'ProductDeleteInput' has an invalid value (null). Expected type 'ID!'.",
    ),
    (
        "mutation M { orderCreate(order: null) { order { id } } }",
        {},
        "argumentLiteralsIncompatible",
        "Argument 'order' on Field 'orderCreate' has an invalid value (null). Expected type 'OrderCreateOrderInput!'.",
    ),
    ("{ shop(x: 1) { name } }", {}, "argumentNotAccepted", "Field 'shop' doesn't accept argument 'x'"),
    ("query Q($a: ID) { shop { name } }", {}, "variableNotUsed", "Variable $a is declared by Q but not used"),
    (
        "query Q($id: ID!) { product(id: $id) { id } }",
        {},
        "INVALID_VARIABLE",
        "Variable $id of type ID! was provided invalid value",
    ),
    (
        "mutation M($p: ProductCreateInput!) { productCreate(product: $p) { product { id } } }",
        {"p": {"title": "x", "status": "ENABLED"}},
        "INVALID_VARIABLE",
        "Variable $p of type ProductCreateInput! was provided invalid value for status (Expected",
    ),
    ("{ products { nodes { id } } }", {}, "BAD_REQUEST", "you must provide one of first or last"),
    (
        "{ products(first: 1, last: 1) { nodes { id } } }",
        {},
        "BAD_REQUEST",
        "providing both first and last is not supported",
    ),
    ('{ product(id: "gid://shopify/Order/1") { id } }', {}, "RESOURCE_NOT_FOUND", "Invalid id: gid://shopify/Order/1"),
]


@pytest.mark.parametrize(
    ("text", "variables", "code", "message"), COMPLAINTS, ids=[entry[3][:40] for entry in COMPLAINTS]
)
async def test_complaints_are_worded_as_recorded(
    caller: Caller, text: str, variables: dict[str, Any], code: str, message: str
) -> None:
    error = (await caller.ask(text, variables))["errors"][0]
    assert error["message"].startswith(message)
    assert error["extensions"]["code"] == code


async def test_pages_by_change_keep_every_row_once_while_rows_change(caller: Caller, clock: Clock) -> None:
    for number in range(7):
        caller.shop.seed([tee(f"T{number}")])
        clock.forward(seconds=number % 2)
    text = """query P($after: String) { products(first: 3, after: $after, sortKey: UPDATED_AT) {
      nodes { title } pageInfo { hasNextPage endCursor } } }"""
    seen, after = [], None
    for turn in range(4):
        page = (await caller.data(text, {"after": after}))["products"]
        seen += [node["title"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if turn == 0:
            clock.forward(seconds=5)
            caller.shop.edit_product("T0", title="Tee T0 again")
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == [*(f"Tee T{number}" for number in range(7)), "Tee T0 again"]


async def test_backward_pages_and_reverse(caller: Caller) -> None:
    caller.shop.seed([tee(f"T{number}") for number in range(5)])
    text = "{ products(last: 2, reverse: %s) { edges { cursor node { title } } pageInfo { hasPreviousPage hasNextPage } } }"
    tail = (await caller.data(text % "false"))["products"]
    assert [edge["node"]["title"] for edge in tail["edges"]] == ["Tee T3", "Tee T4"]
    assert tail["pageInfo"] == {"hasPreviousPage": True, "hasNextPage": False}
    assert [edge["node"]["title"] for edge in (await caller.data(text % "true"))["products"]["edges"]] == [
        "Tee T1",
        "Tee T0",
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sku:TEE-RED", ["Tee TEE-RED", "Tee TEE-RED-M"]),
        ("sku:'tee-red-m'", ["Tee TEE-RED-M"]),
        ("sku:TEE* status:active", ["Tee TEE-RED", "Tee TEE-RED-M"]),
        ("-sku:RED", ["Tee CAP"]),
        ("sku:CAP OR sku:'TEE-RED-M'", ["Tee TEE-RED-M", "Tee CAP"]),
        ("status:draft", []),
        ("inventory_total:<5", ["Tee CAP"]),
        ("tee NOT cap", ["Tee TEE-RED", "Tee TEE-RED-M"]),
    ],
)
async def test_searches_are_by_word_and_without_case(caller: Caller, query: str, found: list[str]) -> None:
    caller.shop.seed([tee("TEE-RED"), tee("TEE-RED-M"), tee("CAP", 3)])
    answer = await caller.data(
        "query Q($query: String!) { products(first: 9, query: $query) { nodes { title } } }", {"query": query}
    )
    assert [node["title"] for node in answer["products"]["nodes"]] == found


async def test_an_unquoted_time_is_cut_at_its_colon_and_read_in_the_shop_s_zone(caller: Caller) -> None:
    """07:59Z means 07:00-05:00 = 12:00Z to Shopify, so a product of 08:00Z is missed, with nothing but a warning."""
    caller.shop.seed([tee()])
    text = "query Q($query: String!) { products(first: 9, query: $query) { nodes { id } } }"
    lost = await caller.ask(text, {"query": "updated_at:>2026-11-02T07:59:00Z"})
    assert lost["data"]["products"]["nodes"] == []
    search = lost["extensions"]["search"][0]
    assert search["parsed"]["and"][0] == {"field": "updated_at", "range_gte": "2026-11-02T07:00:00-05:00"}
    assert search["warnings"] == [
        {"field": "59", "message": "Invalid search field for this query.", "code": "invalid_field"}
    ]
    found = await caller.ask(text, {"query": "updated_at:>'2026-11-02T08:00:00Z'"})
    assert len(found["data"]["products"]["nodes"]) == 1
    assert "search" not in found["extensions"]


@pytest.mark.parametrize("options", [{"search_lag": 60}], ids=["a minute behind"])
async def test_the_search_index_may_lag_behind_the_records(caller: Caller, clock: Clock) -> None:
    caller.shop.seed([tee()])
    clock.forward(minutes=5)
    caller.shop.edit_product("TEE", title="New")
    text = """{ products(first: 9, query: "updated_at:>='2026-11-02T08:01:00Z'", sortKey: UPDATED_AT) {
      nodes { title updatedAt } } }"""
    assert (await caller.data(text))["products"]["nodes"] == []
    clock.forward(seconds=60)
    assert (await caller.data(text))["products"]["nodes"] == [{"title": "New", "updatedAt": "2026-11-02T08:05:00Z"}]


async def test_product_set_deletes_the_variants_it_is_not_given(caller: Caller) -> None:
    row = caller.shop.seed(
        [
            {
                "title": "Tee",
                "variants": [{"sku": f"TEE-{s}", "price": "9.00", "stock": 1, "options": {"Size": s}} for s in "SML"],
            }
        ]
    )[0]
    text = """mutation P($input: ProductSetInput!) { productSet(input: $input) {
      product { variants(first: 5) { nodes { sku price } } } userErrors { field message code } } }"""
    given = {
        "id": row["product"],
        "variants": [{"optionValues": [{"optionName": "Size", "name": "M"}], "price": "8.00"}],
    }
    made = (await caller.data(text, {"input": given}))["productSet"]
    assert made == {"product": {"variants": {"nodes": [{"sku": "TEE-M", "price": "8.00"}]}}, "userErrors": []}
    assert caller.shop.stock() == {"TEE-M": {"Shop location": 1}}


@pytest.mark.parametrize(("partial", "left"), [(True, ["7.00", "9.00"]), (False, ["9.00", "9.00"])])
async def test_bulk_update_is_all_or_nothing_unless_asked_otherwise(
    caller: Caller, partial: bool, left: list[str]
) -> None:
    rows = caller.shop.seed(
        [
            {
                "title": "Tee",
                "variants": [{"sku": f"TEE-{s}", "price": "9.00", "stock": 1, "options": {"Size": s}} for s in "SM"],
            }
        ]
    )
    text = """mutation B($id: ID!, $rows: [ProductVariantsBulkInput!]!, $partial: Boolean) {
      productVariantsBulkUpdate(productId: $id, variants: $rows, allowPartialUpdates: $partial) {
        product { variants(first: 5) { nodes { price } } } userErrors { field message code } } }"""
    given = [{"id": rows[0]["variant"], "price": "7.00"}, {"id": rows[1]["variant"], "price": "-1"}]
    made = (await caller.data(text, {"id": rows[0]["product"], "rows": given, "partial": partial}))[
        "productVariantsBulkUpdate"
    ]
    message = "Price must be greater than or equal to 0"
    assert made["userErrors"] == [
        {"field": ["variants", "1", "price"], "message": message, "code": "GREATER_THAN_OR_EQUAL_TO"}
    ]
    assert [node["price"] for node in made["product"]["variants"]["nodes"]] == left


async def test_nodes_answer_in_the_order_asked_with_null_for_the_unknown(caller: Caller) -> None:
    row = caller.shop.seed([tee()])[0]
    text = "query N($ids: [ID!]!) { nodes(ids: $ids) { id ... on InventoryItem { sku } ... on Product { title } } }"
    answer = await caller.data(text, {"ids": [row["stock_id"], "gid://shopify/Product/1", row["product"]]})
    assert answer["nodes"] == [{"id": row["stock_id"], "sku": "TEE"}, None, {"id": row["product"], "title": "Tee TEE"}]


async def test_ten_thousand_products_are_seeded_and_read(caller: Caller) -> None:
    caller.shop.seed([tee(f"SKU-{number}") for number in range(10_000)])
    text = "query Q($after: String) { products(first: 250, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }"
    seen: set[str] = set()
    after = None
    while True:
        page = (await caller.data(text, {"after": after}))["products"]
        seen |= {node["id"] for node in page["nodes"]}
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
        caller.clock.forward(seconds=1)
    assert len(seen) == 10_000
