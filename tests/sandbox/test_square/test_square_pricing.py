"""What orders add up to, against Square's own worked example and the rounding it documents."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

Open = Any
Json = dict[str, Any]
EXAMPLE = json.loads((Path(__file__).parents[1] / "payloads/square/create_order.json").read_text(encoding="utf-8"))


def post(account: SimpleNamespace, **order: Any) -> Json:
    """Create an order and return it."""
    body = {"order": {"location_id": account.main, **order}}
    return dict(account.ask("POST", "/v2/orders", body).json()["order"])


def line(amount: int, quantity: str = "1", currency: str = "USD", **more: Any) -> Json:
    """Make an ad hoc line."""
    return {"name": "Thing", "quantity": quantity, "base_price_money": {"amount": amount, "currency": currency}, **more}


def amounts(part: Json) -> Json:
    """Keep the amounts of a part of an order, and those of what was applied to it."""
    kept = {
        name: value["amount"] for name, value in part.items() if name.endswith("_money") and name != "base_price_money"
    }
    for name in ("applied_discounts", "applied_taxes"):
        kept[name] = [one["applied_money"]["amount"] for one in part.get(name, [])]
    return kept


def test_the_worked_example_of_the_specification(open_account: Open) -> None:
    """Two lines, three discounts of different kinds, one tax; the modifier of the example is put into the price."""
    account = open_account()
    membership = {"type": "DISCOUNT", "id": "#m", "discount_data": {"name": "Membership Discount", "percentage": "0.5"}}
    body = {"idempotency_key": "d", "object": membership}
    discount_id = account.ask("POST", "/v2/catalog/object", body).json()["catalog_object"]["id"]
    asked = EXAMPLE["request"]["order"]
    asked["discounts"][1]["catalog_object_id"] = discount_id
    asked["line_items"][1] = line(2250, "2", applied_discounts=[{"discount_uid": "one-dollar-off"}])
    order = post(account, **{name: asked[name] for name in ("line_items", "discounts", "taxes")})
    expected = EXAMPLE["response"]["order"]
    for made, wanted in zip(order["line_items"], expected["line_items"], strict=True):
        wanted["variation_total_price_money"] = wanted["gross_sales_money"]  # the modifier
        # The example lists a line's discounts with the membership first; ours keep the order of the request.
        given, listed = amounts(made), amounts(wanted)
        assert sorted(given.pop("applied_discounts")) == sorted(listed.pop("applied_discounts"))
        assert given == listed
    for name in ("total_money", "total_tax_money", "total_discount_money", "net_amounts"):
        assert order[name] == expected[name]
    applied = {part["uid"]: part["applied_money"]["amount"] for part in (*order["discounts"], *order["taxes"])}
    wanted = {part["uid"]: part["applied_money"]["amount"] for part in (*expected["discounts"], *expected["taxes"])}
    assert applied == wanted


@pytest.mark.parametrize(("price", "tax"), [(50, 2), (150, 8), (250, 12), (350, 18)])
def test_halves_round_to_the_even_cent(open_account: Open, price: int, tax: int) -> None:
    """5 % of 0.50, 1.50, 2.50 and 3.50."""
    taxes = [{"name": "Tax", "percentage": "5"}]
    assert post(open_account(), line_items=[line(price)], taxes=taxes)["total_tax_money"]["amount"] == tax


@pytest.mark.parametrize(("country", "currency", "gross"), [("US", "USD", 1000), ("GB", "GBP", 1200)])
def test_inclusive_tax_lies_inside_the_price(open_account: Open, country: str, currency: str, gross: int) -> None:
    account = open_account(country=country, currency=currency)
    taxes = [{"name": "VAT", "percentage": "20", "type": "INCLUSIVE"}]
    order = post(account, line_items=[line(1200, currency=currency)], taxes=taxes)
    assert (order["total_money"]["amount"], order["total_tax_money"]["amount"]) == (1200, 200)
    assert order["line_items"][0]["gross_sales_money"]["amount"] == gross


def test_an_amount_off_the_order_is_shared_out_to_the_cent(open_account: Open) -> None:
    off = [{"name": "Off", "amount_money": {"amount": 100, "currency": "USD"}}]
    order = post(open_account(), line_items=[line(333), line(333), line(334)], discounts=off)
    parts = [one["total_discount_money"]["amount"] for one in order["line_items"]]
    assert (sorted(parts), sum(parts), order["total_money"]["amount"]) == ([33, 33, 34], 100, 900)


def test_a_discount_never_takes_more_than_there_is(open_account: Open) -> None:
    off = [{"name": "Off", "amount_money": {"amount": 9999, "currency": "USD"}}]
    assert post(open_account(), line_items=[line(100)], discounts=off)["total_money"]["amount"] == 0


def test_calculating_keeps_nothing(account: SimpleNamespace) -> None:
    body = {"order": {"location_id": account.main, "line_items": [line(100, "3")]}}
    assert account.ask("POST", "/v2/orders/calculate", body).json()["order"]["total_money"]["amount"] == 300
    assert account.shop.orders() == []


def test_the_till_applies_the_taxes_of_the_item(open_account: Open) -> None:
    account = open_account(tax={"name": "VAT", "percentage": "20", "inclusive": True}, country="GB", currency="GBP")
    account.shop.seed([{"title": "P", "variants": [{"sku": "S", "price": "12.00", "stock": 1}]}])
    order_id = account.shop.sale([{"sku": "S", "quantity": 1}])
    order = account.ask("GET", f"/v2/orders/{order_id}").json()["order"]
    assert (order["total_money"]["amount"], order["total_tax_money"]["amount"]) == (1200, 200)
    assert order["taxes"][0]["auto_applied"]
