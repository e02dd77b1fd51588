"""Coupons at the checkout, how their uses are counted, and what the API does that no recording shows."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.sandbox.kit.platform import RefusedError

from .bench import Bench, MakeBench

ADA: dict[str, Any] = {"name": "Ada Lane", "email": "ada@example.test"}
BEN: dict[str, Any] = {"name": "Ben Dale", "email": "ben@example.test"}


def buy(bench: Bench, *codes: str, sku: str = "MUG", quantity: int = 1, **how: Any) -> dict[str, Any]:
    """Buy as a shopper and return the order."""
    order = bench.shop.sale([{"sku": sku, "quantity": quantity}], codes=list(codes), **how)
    made: dict[str, Any] = bench.get(f"orders/{order}")
    return made


def code(bench: Bench, **terms: Any) -> dict[str, Any]:
    made: dict[str, Any] = bench.post(
        "coupons", **{"code": "AUTUMN", "discount_type": "percent", "amount": "10", **terms}
    )
    return made


def used(bench: Bench) -> int:
    return int(bench.shop.coupons()["AUTUMN"]["used"])


def test_a_code_takes_its_percent_off_in_whatever_case(stocked: Bench) -> None:
    code(stocked)
    order = buy(stocked, "aUtUmN")
    assert (order["total"], order["coupon_lines"][0]["code"]) == ("9.00", "autumn")
    assert [line["total"] for line in order["line_items"]] == ["9.00"]


def test_9_9_5_keeps_the_case_and_takes_any(make_bench: MakeBench) -> None:
    bench = make_bench(version="9.9.5")
    bench.shop.seed([{"title": "Mug", "variants": [{"sku": "MUG", "price": "10", "stock": 10}]}])
    assert code(bench)["code"] == "AUTUMN"
    assert buy(bench, "autumn")["total"] == "9.00"
    assert bench.refused("POST", "coupons", json={"code": "autumn"})[1] == "woocommerce_rest_coupon_code_already_exists"


@pytest.mark.parametrize(
    "terms",
    [
        {"date_expires": "2020-01-01T00:00:00"},
        {"status": "draft"},
        {"minimum_amount": "10.01"},
        {"maximum_amount": "9.99"},
        {"product_ids": [12]},
        {"excluded_product_ids": [11]},
        {"excluded_product_ids": [11], "discount_type": "fixed_cart"},
        {"email_restrictions": ["ben@example.test"]},
    ],
    ids=str,
)
def test_what_the_checkout_does_not_take(stocked: Bench, terms: dict[str, Any]) -> None:
    code(stocked, **terms)
    with pytest.raises(RefusedError):
        buy(stocked, "AUTUMN", customer=ADA)
    assert stocked.get("orders") == []
    assert used(stocked) == 0
    body = {"line_items": [{"sku": "MUG"}], "coupon_lines": [{"code": "autumn"}], "billing": {"email": ADA["email"]}}
    assert stocked.refused("POST", "orders", json=body) == (400, "woocommerce_rest_invalid_coupon")


def test_the_last_second_of_a_code(stocked: Bench) -> None:
    ends = datetime.fromtimestamp(stocked.time[0] + 60, UTC)
    code(stocked, date_expires=f"{ends:%Y-%m-%dT%H:%M:%S}")
    stocked.forward(60)
    buy(stocked, "AUTUMN")
    stocked.forward(1)
    with pytest.raises(RefusedError, match="expired"):
        buy(stocked, "AUTUMN")


@pytest.mark.parametrize("emails", [["ADA@example.test"], ["*@example.test"]])
def test_a_restricted_code_takes_their_address(stocked: Bench, emails: list[str]) -> None:
    code(stocked, email_restrictions=emails)
    assert buy(stocked, "AUTUMN", customer=ADA)["discount_total"] == "1.00"


def test_the_limit_counts_pending_orders_and_a_cancellation_gives_back(stocked: Bench) -> None:
    code(stocked, usage_limit=1)
    order = buy(stocked, "AUTUMN", paid=False)
    assert (order["status"], used(stocked)) == ("pending", 1)
    with pytest.raises(RefusedError, match="Usage limit"):
        buy(stocked, "AUTUMN")
    stocked.put(f"orders/{order['id']}", status="cancelled")
    assert used(stocked) == 0
    stocked.put(f"orders/{order['id']}", status="processing")
    assert used(stocked) == 1


def test_the_limit_per_customer_knows_accounts_and_guests(stocked: Bench) -> None:
    code(stocked, usage_limit_per_user=1)
    account = stocked.shop.add_customer(**BEN)
    assert buy(stocked, "AUTUMN", customer=ADA)["customer_id"] == 0
    assert buy(stocked, "AUTUMN", customer=BEN)["customer_id"] == int(account)
    for who in (ADA, BEN):
        with pytest.raises(RefusedError, match="Usage limit"):
            buy(stocked, "AUTUMN", customer=who)
    assert stocked.get("coupons")[0]["used_by"] == ["ada@example.test", account]


def test_a_use_moves_no_date_and_tells_nobody(stocked: Bench) -> None:
    before = code(stocked)
    heard: list[str] = []
    stocked.shop.watch(lambda topic, _: heard.append(topic))
    stocked.forward(60)
    buy(stocked, "AUTUMN")
    after = stocked.get(f"coupons/{before['id']}")
    assert (after["usage_count"], after["date_modified_gmt"]) == (1, before["date_modified_gmt"])
    assert not [topic for topic in heard if topic.startswith("coupon")]


def test_taking_a_code_off_an_order_keeps_a_guests_address(stocked: Bench) -> None:
    code(stocked)
    order = buy(stocked, "AUTUMN", customer=ADA)
    stocked.put(f"orders/{order['id']}", coupon_lines=[])
    (shown,) = stocked.get("coupons")
    assert (shown["usage_count"], shown["used_by"]) == (0, ["ada@example.test"])


def test_a_code_that_stands_alone_takes_others_off_and_lets_none_in(stocked: Bench) -> None:
    code(stocked, individual_use=True)
    code(stocked, code="FIVE", discount_type="fixed_cart", amount="5")
    assert [row["code"] for row in buy(stocked, "FIVE", "AUTUMN")["coupon_lines"]] == ["autumn"]
    with pytest.raises(RefusedError, match="conjunction"):
        buy(stocked, "AUTUMN", "FIVE")
    stocked.shop.edit_coupon("AUTUMN", stacks=True)
    assert buy(stocked, "FIVE", "AUTUMN")["total"] == "4.00"


@pytest.mark.parametrize(
    ("kind", "goods", "totals"), [("percent", [13], ["9.00", "20.00"]), ("fixed_product", [12], ["5.00", "20.00"])]
)
def test_only_its_goods_cost_less(stocked: Bench, kind: str, goods: list[int], totals: list[str]) -> None:
    code(stocked, discount_type=kind, amount="10" if kind == "percent" else "5", product_ids=goods)
    lines = [{"sku": "SHIRT-S", "quantity": 1}, {"sku": "MUG", "quantity": 2}]
    order = stocked.get(f"orders/{stocked.shop.sale(lines, codes=['AUTUMN'])}")
    assert [line["total"] for line in order["line_items"]] == totals


def test_a_draft_is_in_no_list_and_its_code_is_free(stocked: Bench) -> None:
    first = code(stocked, status="draft")
    assert stocked.get("coupons", code="autumn") == stocked.get("coupons", include=first["id"]) == []
    assert stocked.get(f"coupons/{first['id']}")["status"] == "draft"
    second = code(stocked)
    (row,) = stocked.post("coupons/batch", update=[{"id": first["id"], "code": "AUTUMN", "status": "publish"}])[
        "update"
    ]
    assert row["error"]["code"] == "woocommerce_rest_coupon_code_already_exists"
    assert [row["id"] for row in stocked.get("coupons", code="AUTUMN")] == [second["id"]]


def test_a_batch_says_what_became_of_each(stocked: Bench) -> None:
    made = code(stocked)
    rows = [{"id": made["id"], "usage_limit": 7}, {"id": 9999, "amount": "1"}]
    done = stocked.post("coupons/batch", create=[{"code": "NEW"}, {"amount": "3"}], update=rows, delete=[9998])
    assert [row.get("usage_limit") or row["error"]["code"] for row in done["update"]] == [
        7,
        "woocommerce_rest_shop_coupon_invalid_id",
    ]
    assert done["create"][1]["error"]["code"] == "woocommerce_rest_empty_coupon_code"
    assert done["delete"][0]["error"]["data"] == {"status": 404}
    many = [{"code": f"C{number}"} for number in range(101)]
    assert stocked.refused("POST", "coupons/batch", json={"create": many})[0] == 413


def test_dates_are_the_shops_unless_they_have_a_zone(make_bench: MakeBench) -> None:
    bench = make_bench(gmt_offset=-5)
    ends = [code(bench, code=f"C{text}", date_expires=text) for text in ("2027-01-31T00:00:00", "2027-01-31T00:00:00Z")]
    assert [row["date_expires_gmt"] for row in ends] == ["2027-01-31T05:00:00", "2027-01-31T00:00:00"]
    assert bench.put(f"coupons/{ends[0]['id']}", date_expires="")["date_expires"] is None


def test_the_trash_frees_the_code_and_a_second_trash_is_gone(stocked: Bench) -> None:
    path = f"coupons/{code(stocked)['id']}"
    assert stocked.call("DELETE", path).status_code == 200
    assert stocked.refused("DELETE", path) == (410, "woocommerce_rest_already_trashed")
    assert stocked.shop.coupons() == {}
    code(stocked)


def test_the_verbs_of_codes(stocked: Bench) -> None:
    ends = datetime.fromtimestamp(stocked.time[0] + 60, UTC)
    made = stocked.shop.add_coupon("Save5", amount="5.00", limit=2, ends_at=ends)
    assert stocked.shop.coupons() == {"SAVE5": {"id": made, "used": 0, "limit": 2, "active": True, "amount": "5.00"}}
    with pytest.raises(RefusedError, match="exists"):
        stocked.shop.add_coupon("SAVE5", percent=15)
    stocked.shop.edit_coupon("save5", percent=15, limit=None)
    stocked.forward(61)
    assert stocked.shop.coupons()["SAVE5"] == {"id": made, "used": 0, "limit": None, "active": False, "percent": 15.0}
    stocked.shop.delete_coupon("SAVE5")
    with pytest.raises(RefusedError, match="no coupon"):
        stocked.shop.edit_coupon("SAVE5", limit=1)


def test_the_cents_that_rounding_leaves_come_off_a_line_that_costs_something(stocked: Bench) -> None:
    """The last line is a present: two others rounded up made it cost a cent, rounded down it was a negative line."""
    code(stocked, discount_type="fixed_cart", amount="0.03")
    lines = [
        {"sku": "SHIRT-S", "quantity": 1, "price": "1.00"},
        {"sku": "MUG", "quantity": 1, "price": "1.00"},
        {"sku": "SHIRT-S", "quantity": 1, "price": "1.00", "discount": "1.00"},
    ]
    order = stocked.get(f"orders/{stocked.shop.sale(lines, codes=['AUTUMN'])}")
    assert [line["total"] for line in order["line_items"]] == ["0.98", "0.99", "0.00"]
    assert order["total"] == "1.97"
