"""Accounts: lists, points in their meta, and the verbs of the people around them, as far as no recording shows it."""

import pytest

from bridge.sandbox.kit.platform import RefusedError

from .bench import Bench, MakeBench


def test_a_list_shows_customers_unless_told_otherwise(bench: Bench) -> None:
    for number in range(12):
        bench.shop.add_customer(email=f"c{number}@example.test", name=f"C{number:02} Example")
    staff = bench.shop.add_customer(email="clerk@example.test", role="shop_manager")
    answer = bench.call("GET", "customers", params={"role": "all", "orderby": "id", "per_page": 5, "page": 3})
    assert [row["id"] for row in answer.json()][-1] == int(staff)
    assert (answer.headers["x-wp-total"], answer.headers["x-wp-totalpages"]) == ("13", "3")
    assert bench.call("GET", "customers").headers["x-wp-total"] == "12"
    assert [row["email"] for row in bench.get("customers", email="C7@example.test")] == ["c7@example.test"]
    assert len(bench.get("customers", search="c1")) == 3
    assert bench.get("customers", email="7@example.test") == []


def test_phone_numbers_are_not_searched(bench: Bench) -> None:
    bench.shop.add_customer(email="ada@example.test", phone="+15550100")
    assert bench.get("customers", search="+15550100") == []


def test_points_are_text_in_meta_and_a_plugins_write_is_silent(bench: Bench) -> None:
    key = bench.shop.add_customer(email="ada@example.test")
    shown = bench.put(f"customers/{key}", meta_data=[{"key": "loyalty_points", "value": 270}])
    assert [row["value"] for row in shown["meta_data"]] == ["270"]
    heard: list[str] = []
    bench.shop.watch(lambda topic, _: heard.append(topic))
    bench.forward(60)
    bench.shop.edit_customer(key, points=5)
    after = bench.get(f"customers/{key}")
    assert (after["meta_data"][0]["value"], after["date_modified"], heard) == ("5", shown["date_modified"], [])
    assert bench.shop.customers() == [{"id": key, "name": "ada", "email": "ada@example.test", "phone": "", "points": 5}]


def test_an_account_is_saved_when_it_pays_for_the_first_time(stocked: Bench) -> None:
    key = stocked.shop.add_customer(email="ada@example.test", name="Ada Lane")
    heard: list[str] = []
    stocked.shop.watch(lambda topic, _: heard.append(topic))
    for _ in range(2):
        stocked.post("orders", set_paid=True, customer_id=int(key), line_items=[{"sku": "MUG"}])
    assert heard.count("customer.updated") == 1
    assert stocked.get(f"customers/{key}")["is_paying_customer"] is True


def test_the_verbs_of_accounts(bench: Bench) -> None:
    ada = bench.shop.add_customer(email="ada@example.test", name="Ada Lane", phone="+15550100", points=40, consent=True)
    ben = bench.shop.add_customer(email="ben@example.test")
    for double in (
        lambda: bench.shop.add_customer(email="ADA@example.test"),
        lambda: bench.shop.edit_customer(ben, email="Ada@example.test"),
    ):
        with pytest.raises(RefusedError):
            double()
    bench.shop.edit_customer(ada, name="Ada Byron", email="ada@example.com")
    bench.shop.delete_customer(ben)
    shown = {"id": ada, "name": "Ada Byron", "email": "ada@example.com", "phone": "+15550100", "points": 40}
    assert bench.shop.customers() == [shown]
    with pytest.raises(RefusedError, match="no account"):
        bench.shop.delete_customer(ben)


def test_an_address_of_another_account_is_refused(bench: Bench) -> None:
    bench.shop.add_customer(email="ada@example.test")
    ben = bench.shop.add_customer(email="ben@example.test")
    taken = bench.refused("PUT", f"customers/{ben}", json={"email": "ada@example.test"})
    assert taken == (400, "woocommerce_rest_customer_invalid_email")


def test_who_is_not_there_is_said_otherwise_on_9_9_5(make_bench: MakeBench) -> None:
    bench = make_bench(version="9.9.5")
    assert bench.refused("GET", "customers/77") == (404, "woocommerce_rest_invalid_id")
    (row,) = bench.post("customers/batch", update=[{"id": 77}])["update"]
    assert row["error"] == {
        "code": "woocommerce_rest_invalid_id",
        "message": "Invalid resource ID.",
        "data": {"status": 400},
    }


def test_strangers_and_customers_keys_see_nobody(bench: Bench) -> None:
    keys = bench.platform.credentials
    auth = (keys["customer_consumer_key"], keys["customer_consumer_secret"])
    assert bench.refused("GET", "customers", auth=auth) == (403, "woocommerce_rest_cannot_view")
    assert bench.refused("GET", "customers", auth=None) == (401, "woocommerce_rest_cannot_view")
