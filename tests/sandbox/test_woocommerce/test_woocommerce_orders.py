"""Orders: status and stock, refunds, edits, finding one again, and the verbs of shopper and merchant."""

from typing import Any

import pytest

from bridge.sandbox.kit.platform import RefusedError

from .bench import Bench, MakeBench


def stock(bench: Bench, sku: str = "MUG") -> int:
    return bench.shop.stock()[sku][""]


def paid(bench: Bench, quantity: int = 4, **more: Any) -> dict[str, Any]:
    order: dict[str, Any] = bench.post(
        "orders", set_paid=True, line_items=[{"sku": "MUG", "quantity": quantity}], **more
    )
    return order


def held(order: dict[str, Any]) -> dict[str, str]:
    return {row["key"]: row["value"] for row in order["line_items"][0]["meta_data"]}


@pytest.mark.parametrize(
    ("status", "left"),
    [("pending", 10), ("failed", 10), ("cancelled", 10), ("on-hold", 8), ("processing", 8), ("completed", 8)],
)
def test_what_a_status_takes(stocked: Bench, status: str, left: int) -> None:
    stocked.post("orders", status=status, line_items=[{"product_id": 11, "quantity": 2}])
    assert stock(stocked) == left


@pytest.mark.parametrize(("version", "left"), [("11.0.1", 10), ("9.9.5", 8)])
def test_failed_gives_back_only_since_11(make_bench: MakeBench, version: str, left: int) -> None:
    bench = make_bench(version=version)
    bench.shop.seed([{"title": "Mug", "variants": [{"sku": "MUG", "price": "10", "stock": 10}]}])
    bench.put(f"orders/{paid(bench, 2)['id']}", status="failed")
    assert stock(bench) == left


def test_cod_is_completed_by_set_paid_and_any_other_method_is_taken(stocked: Bench) -> None:
    assert paid(stocked, payment_method="cod")["status"] == "completed"
    assert paid(stocked, payment_method="till 7")["status"] == "processing"


@pytest.mark.parametrize("force", ["true", "false"])
def test_deleting_a_paid_order_gives_nothing_back(stocked: Bench, force: str) -> None:
    order = paid(stocked)
    stocked.call("DELETE", f"orders/{order['id']}", params={"force": force})
    assert stock(stocked) == 6


def test_status_refunded_refunds_the_money_only(stocked: Bench) -> None:
    order = stocked.put(f"orders/{paid(stocked)['id']}", status="refunded")
    assert [row["total"] for row in order["refunds"]] == ["-40.00"]
    assert stock(stocked) == 6


def test_a_refund_restocks_unless_told_and_a_later_cancel_gives_the_rest(stocked: Bench) -> None:
    order = paid(stocked)
    line = order["line_items"][0]["id"]
    path = f"orders/{order['id']}/refunds"
    stocked.post(path, api_refund=False, line_items=[{"id": line, "quantity": 1, "refund_total": "10.00"}])
    rows = [{"id": line, "quantity": 1, "refund_total": "10.00"}]
    stocked.post(path, api_refund=False, api_restock=False, line_items=rows)
    assert stock(stocked) == 7
    shown = stocked.get(f"orders/{order['id']}")
    assert held(shown) == {"_reduced_stock": "3", "_restock_refunded_items": "1"}
    stocked.put(f"orders/{order['id']}", status="cancelled")
    assert stock(stocked) == 10


def test_a_full_refund_sets_the_status_and_deleting_it_takes_nothing_back(stocked: Bench) -> None:
    order = paid(stocked)
    rows = [{"id": order["line_items"][0]["id"], "quantity": 4, "refund_total": "40.00"}]
    refund = stocked.post(f"orders/{order['id']}/refunds", api_refund=False, line_items=rows)
    assert stocked.get(f"orders/{order['id']}")["status"] == "refunded"
    path = f"orders/{order['id']}/refunds/{refund['id']}"
    assert stocked.refused("DELETE", path) == (501, "woocommerce_rest_trash_not_supported")
    assert stocked.call("DELETE", path, params={"force": "true"}).status_code == 200
    assert stock(stocked) == 10


@pytest.mark.parametrize(("quantity", "left"), [(2, 8), (0, 10), (6, 4), (-1, 11)])
def test_editing_a_line_of_a_paid_order_moves_stock(stocked: Bench, quantity: int, left: int) -> None:
    order = paid(stocked)
    changed = stocked.put(
        f"orders/{order['id']}", line_items=[{"id": order["line_items"][0]["id"], "quantity": quantity}]
    )
    assert stock(stocked) == left
    assert [line["quantity"] for line in changed["line_items"]] == ([quantity] if quantity else [])


def test_a_line_added_to_a_paid_order_is_taken_off_stock(stocked: Bench) -> None:
    stocked.put(f"orders/{paid(stocked)['id']}", line_items=[{"product_id": 11, "quantity": 1}])
    assert stock(stocked) == 5


def test_our_own_order_is_found_by_transaction_or_origin_but_not_by_meta(stocked: Bench) -> None:
    meta = [{"key": "_bridge", "value": "ref-1"}]
    mine = paid(stocked, transaction_id="ref-17", created_via="pos-bridge", meta_data=meta)["id"]
    stocked.shop.sale([{"sku": "MUG", "quantity": 1}])
    found = {"_fields": "id"}
    assert stocked.get("orders", search="ref-17", **found) == [{"id": mine}]
    assert stocked.get("orders", created_via="pos-bridge", **found) == [{"id": mine}]
    assert stocked.get("orders", search="ref-1", **found) == []
    assert len(stocked.get("orders", meta_key="_bridge", **found)) == 2
    assert [row["reference"] for row in stocked.shop.orders()] == ["ref-17", ""]


def test_orders_changed_since(stocked: Bench) -> None:
    first = paid(stocked, 1)["id"]
    stocked.forward(10)
    second = paid(stocked, 1)
    since = {"dates_are_gmt": "true", "orderby": "modified", "order": "asc", "_fields": "id"}
    rows = stocked.get("orders", modified_after="2026-11-02T08:00:59", **since)
    assert rows == [{"id": first}, {"id": second["id"]}]
    assert stocked.get("orders", modified_after=second["date_modified_gmt"], **since) == []


def test_a_note_moves_no_date_and_an_empty_put_does(stocked: Bench) -> None:
    order = paid(stocked)
    stocked.forward(5)
    stocked.post(f"orders/{order['id']}/notes", note="packed")
    assert stocked.get(f"orders/{order['id']}")["date_modified"] == order["date_modified"]
    assert stocked.put(f"orders/{order['id']}")["date_modified"] > order["date_modified"]


def test_an_empty_address_field_is_fine_but_an_empty_email_is_not(stocked: Bench) -> None:
    answer = stocked.call("POST", "orders", json={"billing": {"city": "", "email": ""}})
    assert answer.status_code == 400
    assert answer.json()["data"]["details"]["billing"]["code"] == "rest_invalid_email"


def test_the_storefront_reduces_at_once_and_unpaid_orders_do_not(stocked: Bench) -> None:
    order = stocked.get(f"orders/{stocked.shop.sale([{'sku': 'MUG', 'quantity': 2}])}")
    assert (order["created_via"], order["status"], order["date_paid"]) == ("store-api", "processing", None)
    stocked.shop.sale([{"sku": "MUG", "quantity": 2}], paid=False)
    assert stock(stocked) == 8


def test_an_opened_checkout_is_a_draft_until_it_is_placed(stocked: Bench) -> None:
    key = stocked.shop.sale([{"sku": "MUG", "quantity": 2}], stage="draft")
    assert stocked.get("orders", status="checkout-draft", _fields="id") == [{"id": int(key)}]
    assert (stock(stocked), stocked.shop.orders()) == (10, [])
    assert stocked.shop.sale([], order=key) == key
    assert stock(stocked) == 8


def test_verbs_of_the_merchant(stocked: Bench) -> None:
    shop = stocked.shop
    order = shop.sale([{"sku": "MUG", "quantity": 4}, {"sku": "SHIRT-S", "quantity": 1}], discount="5.00")
    shop.refund(order, [{"sku": "MUG", "quantity": 1}])
    shop.edit_order(order, "SHIRT-S", 2)
    shop.fulfil(order, tracking={"tracking_number": "1Z"})
    row = shop.orders()[0]
    assert [(line["sku"], line["held"], line["restocked"]) for line in row["lines"]] == [
        ("MUG", 3, 1),
        ("SHIRT-S", 2, 0),
    ]
    assert (row["status"], row["meta"]["_wc_shipment_tracking_items"]) == ("completed", [{"tracking_number": "1Z"}])
    assert (stock(stocked), stock(stocked, "SHIRT-S")) == (7, 3)
    shop.cancel(order)
    assert (stock(stocked), stock(stocked, "SHIRT-S")) == (10, 5)


def test_what_the_merchant_may_not_do(stocked: Bench) -> None:
    order = stocked.shop.sale([{"sku": "MUG", "quantity": 1}])
    with pytest.raises(RefusedError, match="always puts the stock"):
        stocked.shop.cancel(order, restock=False)
    with pytest.raises(RefusedError, match="only 1 of Mug"):
        stocked.shop.refund(order, [{"sku": "MUG", "quantity": 2}])
    stocked.shop.cancel(order)
    with pytest.raises(RefusedError, match="cancelled already"):
        stocked.shop.cancel(order)


def test_a_product_deleted_by_the_merchant_is_in_the_trash_with_its_variations(stocked: Bench) -> None:
    stocked.shop.delete_product("SHIRT-M")
    assert stocked.get("products/12/variations/13")["status"] == "trash"
    assert stocked.get("products", sku="SHIRT-S") == []
    answer = stocked.refused("POST", "products", json={"sku": "shirt-s"})
    assert answer == (400, "woocommerce_rest_product_not_created")


def test_an_edit_by_the_merchant(stocked: Bench) -> None:
    stocked.shop.edit_product("SHIRT-S", title="Tee", price="8.00", compare_at="10.00", weight_grams=250)
    row = stocked.get("products/12/variations/13")
    assert (row["regular_price"], row["sale_price"], row["price"], row["weight"]) == ("10.00", "8.00", "8.00", "0.25")
    assert stocked.get("products/12")["name"] == "Tee"
