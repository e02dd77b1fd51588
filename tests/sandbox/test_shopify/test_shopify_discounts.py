"""Code discounts of the stand-in: what the checkout enforces, and what the API shows of it.

Shapes and words: recordings discount-redeem-code-bulk, discount-redeem-code-bulk-add-validation, discount-update-edge-cases,
discount-activate-deactivate-edge-cases, discount-validation-branches (2026-04).
"""

from datetime import timedelta
from typing import Any

import pytest

from bridge.sandbox.kit.platform import RefusedError
from tests.sandbox.test_shopify.kit import Caller, Clock

pytestmark = pytest.mark.anyio

CREATE = """mutation M($input: DiscountCodeBasicInput!) { discountCodeBasicCreate(basicCodeDiscount: $input) {
  codeDiscountNode { id codeDiscount { __typename ... on DiscountCodeBasic { status endsAt codes(first: 2) { nodes { id code } } } } }
  userErrors { field message code extraInfo } } }"""
UPDATE = """mutation M($id: ID!, $input: DiscountCodeBasicInput!) { discountCodeBasicUpdate(id: $id, basicCodeDiscount: $input) {
  codeDiscountNode { id } userErrors { field message code } } }"""
ADD = """mutation M($id: ID!, $codes: [DiscountRedeemCodeInput!]!) { discountRedeemCodeBulkAdd(discountId: $id, codes: $codes) {
  bulkCreation { id done codesCount importedCount failedCount } userErrors { field message code } } }"""
IMPORT = """query Q($id: ID!) { discountRedeemCodeBulkCreation(id: $id) { done importedCount failedCount
  codes(first: 10) { nodes { code errors { field message code } discountRedeemCode { id code } } } } }"""
READ = """query Q($code: String!) { codeDiscountNodeByCode(code: $code) { id codeDiscount { ... on DiscountCodeBasic {
  status usageLimit asyncUsageCount codesCount { count } codes(first: 10) { nodes { id code asyncUsageCount } } } } } }"""


def basic(code: str, **changed: Any) -> dict[str, Any]:
    """The terms of the recordings: a tenth off everything."""
    given = {
        "title": code, "code": code, "startsAt": "2026-01-01T00:00:00Z", "context": {"all": "ALL"},
        "customerGets": {"value": {"percentage": 0.1}, "items": {"all": True}},
    }  # fmt: skip
    return {**given, **changed}


async def made(caller: Caller, code: str, **changed: Any) -> str:
    answer = (await caller.data(CREATE, {"input": basic(code, **changed)}))["discountCodeBasicCreate"]
    assert answer["userErrors"] == []
    return str(answer["codeDiscountNode"]["id"])


async def read(caller: Caller, code: str) -> Any:
    node = (await caller.data(READ, {"code": code}))["codeDiscountNodeByCode"]
    return node["codeDiscount"] if node else None


def stocked(caller: Caller) -> None:
    caller.shop.seed([
        {"title": "Mug", "variants": [{"sku": "MUG", "price": "20.00", "stock": 50}]},
        {"title": "Cap", "variants": [{"sku": "CAP", "price": "10.00", "stock": 50}]},
        {"title": "Gift", "gift_card": True, "variants": [{"sku": "GIFT", "price": "25.00", "stock": None}]},
    ])  # fmt: skip


def bought(caller: Caller, *codes: str, sku: str = "MUG", quantity: int = 1, email: str = "a@example.com") -> str:
    return str(
        caller.shop.sale(
            [{"sku": sku, "quantity": quantity}], codes=list(codes), customer={"name": "A", "email": email}
        )
    )


class TestCheckout:
    async def test_a_limit_is_reached(self, caller: Caller) -> None:
        stocked(caller)
        caller.shop.add_coupon("ONCE", percent=15, limit=1)
        bought(caller, "once")
        with pytest.raises(RefusedError, match="usage limit"):
            bought(caller, "ONCE", email="b@example.com")
        assert caller.shop.coupons()["ONCE"]["used"] == 1

    async def test_a_customer_uses_it_once(self, caller: Caller) -> None:
        stocked(caller)
        caller.shop.add_coupon("EACH", amount="5.00", once=True)
        bought(caller, "EACH")
        with pytest.raises(RefusedError, match="already used"):
            bought(caller, "EACH")
        bought(caller, "EACH", email="b@example.com")

    async def test_it_works_in_its_time_only(self, caller: Caller, clock: Clock) -> None:
        stocked(caller)
        start = clock() + timedelta(hours=1)
        caller.shop.add_coupon("TIMED", percent=10, starts_at=start, ends_at=start + timedelta(hours=1))
        with pytest.raises(RefusedError, match="scheduled"):
            bought(caller, "TIMED")
        clock.forward(hours=1.5)
        bought(caller, "TIMED")
        clock.forward(hours=1)
        with pytest.raises(RefusedError, match="expired"):
            bought(caller, "TIMED")

    async def test_minimum_customer_and_items_count(self, caller: Caller) -> None:
        stocked(caller)
        who = caller.shop.add_customer(name="Vip", email="vip@example.com")
        caller.shop.add_coupon("MIN", percent=10, minimum="30.00")
        caller.shop.add_coupon("VIP", percent=10, customers=[who])
        caller.shop.add_coupon("CAPS", percent=10, skus=["CAP"])
        for code, why in (("MIN", "minimum"), ("VIP", "not for this customer"), ("CAPS", "not for these items")):
            with pytest.raises(RefusedError, match=why):
                bought(caller, code)
        bought(caller, "MIN", quantity=2)
        bought(caller, "VIP", email="VIP@example.com")
        bought(caller, "CAPS", sku="CAP")

    async def test_codes_are_combined_only_where_both_allow_it(self, caller: Caller) -> None:
        stocked(caller)
        for code, stacks in (("ALONE", False), ("WITH1", True), ("WITH2", True)):
            caller.shop.add_coupon(code, percent=10, stacks=stacks)
        with pytest.raises(RefusedError, match="combined"):
            bought(caller, "WITH1", "ALONE")
        bought(caller, "WITH1", "WITH2")
        assert caller.shop.orders()[-1]["total"] == "16.20"

    async def test_a_gift_card_is_never_discounted(self, caller: Caller) -> None:
        stocked(caller)
        caller.shop.add_coupon("TENTH", percent=10)
        with pytest.raises(RefusedError, match="items"):
            bought(caller, "TENTH", sku="GIFT")

    @pytest.mark.parametrize(("amount", "left"), [("0.03", [9, 8, 0]), ("0.07", [7, 6, 0])])
    async def test_odd_cents_come_off_goods_that_cost_something(
        self, caller: Caller, amount: str, left: list[int]
    ) -> None:
        stocked(caller)
        caller.shop.add_coupon("ODD", amount=amount)
        lines = [
            {"sku": "MUG", "quantity": 1, "price": "0.10"},
            {"sku": "CAP", "quantity": 1, "price": "0.10"},
            {"sku": "MUG", "quantity": 1, "price": "0.10", "discount": "0.10"},
        ]
        order = caller.shop.sale(lines, codes=["odd"])
        found = caller.shop.state.orders.get(int(order.rpartition("/")[2]))
        assert [(one.price * one.quantity - one.discount) * 100 for one in found.lines] == left

    async def test_the_order_says_what_was_taken_off_and_by_which_code(self, caller: Caller) -> None:
        stocked(caller)
        caller.shop.add_coupon("SAVE5", amount="5.00")
        order = caller.shop.sale([{"sku": "MUG", "quantity": 1}, {"sku": "CAP", "quantity": 1}], codes=["save5"])
        text = """query Q($id: ID!) { order(id: $id) { discountCodes
          discountApplications(first: 5) { nodes { __typename index targetType ... on DiscountCodeApplication { code }
            value { ... on MoneyV2 { amount } ... on PricingPercentageValue { percentage } } } }
          lineItems(first: 5) { nodes { sku isGiftCard discountAllocations {
            allocatedAmountSet { shopMoney { amount } } discountApplication { index } } } } } }"""
        found = (await caller.data(text, {"id": order}))["order"]
        assert found["discountCodes"] == ["SAVE5"]
        (application,) = found["discountApplications"]["nodes"]
        assert application["code"] == "SAVE5"
        assert application["value"] == {"amount": "5.0"}
        parts = [
            line["discountAllocations"][0]["allocatedAmountSet"]["shopMoney"]["amount"]
            for line in found["lineItems"]["nodes"]
        ]
        assert parts == ["3.33", "1.67"]


class TestLimitsOfManyCodes:
    async def test_the_limit_is_each_codes_own(self, caller: Caller) -> None:
        stocked(caller)
        discount = await made(caller, "FIRST", usageLimit=1)
        await caller.data(ADD, {"id": discount, "codes": [{"code": "SECOND"}]})
        bought(caller, "FIRST")
        bought(caller, "SECOND")
        with pytest.raises(RefusedError, match="usage limit"):
            bought(caller, "SECOND", email="b@example.com")

    @pytest.mark.parametrize("options", [{"limit_per_code": False}])
    async def test_or_the_discounts_if_that_is_how_it_is(self, caller: Caller) -> None:
        stocked(caller)
        discount = await made(caller, "FIRST", usageLimit=1)
        await caller.data(ADD, {"id": discount, "codes": [{"code": "SECOND"}]})
        bought(caller, "FIRST")
        with pytest.raises(RefusedError, match="usage limit"):
            bought(caller, "SECOND", email="b@example.com")


class TestCodes:
    async def test_a_code_is_found_in_any_case_and_taken_in_any(self, caller: Caller) -> None:
        await made(caller, "Summer")
        assert (await read(caller, "SUMMER"))["codes"]["nodes"][0]["code"] == "Summer"
        answer = (await caller.data(CREATE, {"input": basic("SUMMER")}))["discountCodeBasicCreate"]
        assert answer["userErrors"] == [{
            "field": ["basicCodeDiscount", "code"], "message": "Code must be unique. Please try a different code.",
            "code": "TAKEN", "extraInfo": None,
        }]  # fmt: skip

    async def test_a_bulk_creation_answers_before_it_is_done(self, caller: Caller) -> None:
        discount = await made(caller, "BASE")
        await made(caller, "CROSS")
        codes = [{"code": code} for code in ("BASE", "CROSS", "FRESH")]
        answer = (await caller.data(ADD, {"id": discount, "codes": codes}))["discountRedeemCodeBulkAdd"]["bulkCreation"]
        assert (answer["done"], answer["codesCount"], answer["importedCount"]) == (False, 3, 0)
        found = (await caller.data(IMPORT, {"id": answer["id"]}))["discountRedeemCodeBulkCreation"]
        assert (found["done"], found["importedCount"], found["failedCount"]) == (True, 1, 2)
        assert found["codes"]["nodes"][0]["errors"] == [
            {"field": ["code"], "message": "must be unique. Please try a different code.", "code": None}
        ]
        assert [node["code"] for node in (await read(caller, "fresh"))["codes"]["nodes"]] == ["BASE", "FRESH"]

    @pytest.mark.parametrize("options", [{"job_seconds": 30.0}])
    async def test_a_bulk_creation_takes_its_time(self, caller: Caller, clock: Clock) -> None:
        discount = await made(caller, "BASE")
        await caller.data(ADD, {"id": discount, "codes": [{"code": "LATER"}]})
        assert await read(caller, "LATER") is None
        clock.forward(seconds=31)
        assert await read(caller, "LATER") is not None

    async def test_codes_are_taken_off_by_id(self, caller: Caller) -> None:
        discount = await made(caller, "BASE")
        await caller.data(ADD, {"id": discount, "codes": [{"code": "OUT"}]})
        gone = next(node["id"] for node in (await read(caller, "OUT"))["codes"]["nodes"] if node["code"] == "OUT")
        text = """mutation M($id: ID!, $ids: [ID!]) { discountCodeRedeemCodeBulkDelete(discountId: $id, ids: $ids) {
          job { id done } userErrors { field message code } } }"""
        answer = (await caller.data(text, {"id": discount, "ids": [gone]}))["discountCodeRedeemCodeBulkDelete"]
        assert answer["job"]["done"] is True
        assert await read(caller, "OUT") is None
        assert (await read(caller, "BASE"))["codesCount"]["count"] == 1

    async def test_a_bulk_discounts_code_cannot_be_updated(self, caller: Caller) -> None:
        discount = await made(caller, "BASE")
        await caller.data(ADD, {"id": discount, "codes": [{"code": "MORE"}]})
        answer = (await caller.data(UPDATE, {"id": discount, "input": {"code": "OTHER"}}))["discountCodeBasicUpdate"]
        assert [error["message"] for error in answer["userErrors"]] == ["Cannot update the code of a bulk discount."]
        answer = (await caller.data(UPDATE, {"id": discount, "input": {"usageLimit": 3}}))["discountCodeBasicUpdate"]
        assert answer["userErrors"] == []
        assert (await read(caller, "MORE"))["usageLimit"] == 3

    async def test_switching_off_ends_it_now_and_on_lets_it_never_end(self, caller: Caller) -> None:
        discount = await made(caller, "EDGE", startsAt="2030-01-01T00:00:00Z")
        text = """mutation M($id: ID!) { %s(id: $id) { codeDiscountNode { codeDiscount { ... on DiscountCodeBasic {
          startsAt endsAt status } } } userErrors { message } } }"""
        off = await caller.data(text % "discountCodeDeactivate", {"id": discount})
        now = "2026-11-02T08:00:00Z"
        assert off["discountCodeDeactivate"]["codeDiscountNode"]["codeDiscount"] == {
            "startsAt": now, "endsAt": now, "status": "EXPIRED",
        }  # fmt: skip
        on = await caller.data(text % "discountCodeActivate", {"id": discount})
        assert on["discountCodeActivate"]["codeDiscountNode"]["codeDiscount"] == {
            "startsAt": now, "endsAt": None, "status": "ACTIVE",
        }  # fmt: skip

    @pytest.mark.parametrize("options", [{"usage_lag": 60.0}])
    async def test_its_own_count_lags(self, caller: Caller, clock: Clock) -> None:
        stocked(caller)
        caller.shop.add_coupon("LAG", percent=10)
        bought(caller, "LAG")
        assert (await read(caller, "LAG"))["asyncUsageCount"] == 0
        clock.forward(seconds=61)
        assert (await read(caller, "LAG"))["asyncUsageCount"] == 1
        assert (await read(caller, "LAG"))["codes"]["nodes"][0]["asyncUsageCount"] == 1

    async def test_points_are_those_recorded(self, caller: Caller) -> None:
        answer = await caller.ask(CREATE, {"input": basic("COST")})
        assert answer["extensions"]["cost"]["requestedQueryCost"] == 14
