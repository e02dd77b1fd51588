"""Customers of the stand-in and the custom fields on them.

Words: recordings customer-create-parity, customer-email-normalization, customer-delete-blocked-by-orders (2025-01); metafieldsSet: 2026-10
schema text.
"""

from typing import Any

import pytest

from tests.sandbox.test_shopify.kit import Caller, Clock

pytestmark = pytest.mark.anyio

CREATE = """mutation M($input: CustomerInput!) { customerCreate(input: $input) {
  customer { id email displayName verifiedEmail state canDelete defaultEmailAddress { emailAddress marketingState }
    defaultPhoneNumber { phoneNumber } } userErrors { field message } } }"""
SET = """mutation M($rows: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $rows) {
  metafields { key value compareDigest } userErrors { field message code elementIndex } } }"""
READ = """query Q($id: ID!) { customer(id: $id) { metafield(namespace: "bridge", key: "points") { value compareDigest } } }"""


async def customer(caller: Caller, **given: Any) -> Any:
    return (await caller.data(CREATE, {"input": given}))["customerCreate"]


def points(owner: str, value: int, **more: Any) -> dict[str, Any]:
    return {
        "ownerId": owner,
        "namespace": "bridge",
        "key": "points",
        "type": "number_integer",
        "value": str(value),
        **more,
    }


async def test_an_address_is_kept_in_lower_case_and_once(caller: Caller) -> None:
    made = await customer(caller, email=" Ann@Example.com ", firstName="Ann", phone="+4912345678")
    assert made["customer"]["email"] == "ann@example.com"
    assert made["customer"]["defaultEmailAddress"] == {
        "emailAddress": "ann@example.com",
        "marketingState": "NOT_SUBSCRIBED",
    }
    assert made["customer"]["verifiedEmail"] is True
    again = await customer(caller, email="ANN@example.com")
    assert again["userErrors"] == [{"field": ["email"], "message": "Email has already been taken"}]
    nobody = await customer(caller)
    assert nobody["userErrors"] == [
        {"field": None, "message": "A name, phone number, or email address must be present"}
    ]


async def test_who_bought_cannot_be_deleted(caller: Caller) -> None:
    caller.shop.seed([{"title": "Mug", "variants": [{"sku": "MUG", "price": "20.00", "stock": 5}]}])
    caller.shop.sale([{"sku": "MUG", "quantity": 1}], customer={"name": "B", "email": "b@example.com"})
    (row,) = caller.shop.customers()
    text = (
        "mutation M($id: ID!) { customerDelete(input: { id: $id }) { deletedCustomerId userErrors { field message } } }"
    )
    answer = (await caller.data(text, {"id": row["id"]}))["customerDelete"]
    assert answer["deletedCustomerId"] is None
    assert answer["userErrors"][0]["message"] == "Customer can’t be deleted because they have associated orders"


async def test_customers_are_found_by_change_and_by_address(caller: Caller, clock: Clock) -> None:
    first = (await customer(caller, email="a@example.com"))["customer"]["id"]
    clock.forward(minutes=10)
    second = (await customer(caller, email="b@example.com", phone="+4912345678"))["customer"]["id"]
    since = "updated_at:>='2026-11-02T08:05:00Z'"
    text = "query Q($query: String) { customers(first: 5, query: $query, sortKey: UPDATED_AT) { nodes { id } } }"
    assert (await caller.data(text, {"query": since}))["customers"]["nodes"] == [{"id": second}]
    by = """query Q { a: customerByIdentifier(identifier: { emailAddress: "A@example.com" }) { id }
      b: customerByIdentifier(identifier: { phoneNumber: "+4912345678" }) { id }
      c: customerByIdentifier(identifier: { emailAddress: "c@example.com" }) { id } }"""
    assert await caller.data(by) == {"a": {"id": first}, "b": {"id": second}, "c": None}


async def test_a_field_is_written_only_over_what_was_read(caller: Caller) -> None:
    owner = (await customer(caller, email="a@example.com"))["customer"]["id"]
    first = (await caller.data(SET, {"rows": [points(owner, 5, compareDigest=None)]}))["metafieldsSet"]
    digest = first["metafields"][0]["compareDigest"]
    stale = (await caller.data(SET, {"rows": [points(owner, 6, compareDigest=None)]}))["metafieldsSet"]
    assert stale["userErrors"][0]["code"] == "STALE_OBJECT"
    good = (await caller.data(SET, {"rows": [points(owner, 7, compareDigest=digest)]}))["metafieldsSet"]
    assert good["userErrors"] == []
    forced = (await caller.data(SET, {"rows": [points(owner, 8)]}))["metafieldsSet"]
    assert forced["userErrors"] == []
    assert (await caller.data(READ, {"id": owner}))["customer"]["metafield"]["value"] == "8"
    assert caller.shop.customers()[0]["points"] == 8


async def test_all_fields_of_a_call_are_written_or_none(caller: Caller) -> None:
    one = (await customer(caller, email="a@example.com"))["customer"]["id"]
    two = (await customer(caller, email="b@example.com"))["customer"]["id"]
    rows = [points(one, 5, compareDigest=None), points(two, 5, compareDigest="not that")]
    answer = (await caller.data(SET, {"rows": rows}))["metafieldsSet"]
    assert [error["field"] for error in answer["userErrors"]] == [["metafields", "1"]]
    assert [row["points"] for row in caller.shop.customers()] == [None, None]
    many = (await caller.data(SET, {"rows": [points(one, 5)] * 26}))["metafieldsSet"]
    assert many["userErrors"][0]["code"] == "LESS_THAN_OR_EQUAL_TO"


@pytest.mark.parametrize("options", [{"personal_data": False}])
async def test_an_app_without_access_sees_nobody(caller: Caller) -> None:
    made = (await customer(caller, email="a@example.com", firstName="Ann"))["customer"]
    assert (made["email"], made["displayName"], made["defaultEmailAddress"]) == (None, "", None)
