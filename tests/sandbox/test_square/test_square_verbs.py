"""The clerk and the merchant: what their acts leave behind."""

from types import SimpleNamespace
from typing import Any

import pytest

from bridge.sandbox.kit.platform import RefusedError

Json = dict[str, Any]


def shelf(account: SimpleNamespace, sku: str = "TEE-RED", place: str | None = None) -> int:
    """Return the count of a SKU at a location."""
    return int(account.shop.stock()[sku][place or account.main])


def test_the_till_never_refuses_for_want_of_stock(account: SimpleNamespace) -> None:
    account.shop.sale([{"sku": "TEE-BLUE", "quantity": 6}])
    assert shelf(account, "TEE-BLUE") == -2


def test_a_sale_at_another_location_takes_from_its_shelf(account: SimpleNamespace) -> None:
    harbour = account.places["Harbour"]
    account.shop.count("TEE-RED", 3, location="Harbour")
    account.shop.sale([{"sku": "TEE-RED", "quantity": 1}], location="Harbour")
    assert account.shop.stock()["TEE-RED"] == {account.main: 10, harbour: 2}


def test_a_sale_with_price_discount_and_customer(account: SimpleNamespace) -> None:
    lines = [{"sku": "TEE-RED", "quantity": 2, "price": "10.00"}]
    person = {"name": "Ada Lovelace", "email": "ada@example.com"}
    order_id = account.shop.sale(lines, discount="5.00", customer=person)
    assert account.shop.orders()[0]["total"] == "15.00"
    order = account.ask("GET", f"/v2/orders/{order_id}").json()["order"]
    customer = account.ask("GET", f"/v2/customers/{order['customer_id']}").json()["customer"]
    assert (customer["given_name"], customer["email_address"]) == ("Ada", "ada@example.com")
    account.shop.sale(lines, customer=person)
    assert len(account.ask("GET", "/v2/customers").json()["customers"]) == 1


def test_an_unpaid_ticket_takes_nothing_and_can_be_changed_and_canceled(account: SimpleNamespace) -> None:
    ticket = account.shop.sale([{"sku": "TEE-RED", "quantity": 1}], paid=False)
    account.shop.edit_order(ticket, "TEE-RED", 4)
    assert account.shop.orders()[0]["total"] == "79.96"
    account.shop.cancel(ticket)
    assert (account.shop.orders()[0]["status"], shelf(account)) == ("CANCELED", 10)
    with pytest.raises(RefusedError):
        account.shop.cancel(ticket)


@pytest.mark.parametrize(("restock", "left"), [(True, 9), (False, 8)])
def test_an_itemised_return_names_the_lines_and_restocks_if_told(
    account: SimpleNamespace, restock: bool, left: int
) -> None:
    sale = account.shop.sale([{"sku": "TEE-RED", "quantity": 2}])
    back = account.shop.refund(sale, [{"sku": "TEE-RED", "quantity": 1}], restock=restock)
    assert shelf(account) == left
    order = account.ask("GET", f"/v2/orders/{back}").json()["order"]
    [entry] = order["returns"]
    [line] = entry["return_line_items"]
    assert entry["source_order_id"] == sale
    assert (line["item_type"], line["catalog_object_id"], line["quantity"]) == ("ITEM", account.red, "1")
    assert order["return_amounts"]["total_money"]["amount"] == 1999
    refund = account.ask("GET", f"/v2/refunds/{order['refunds'][0]['id']}").json()["refund"]
    assert (refund["order_id"], refund["amount_money"]["amount"]) == (back, 1999)
    body = {"catalog_object_ids": [account.red], "states": ["RETURNED_BY_CUSTOMER"], "types": ["ADJUSTMENT"]}
    rows = account.ask("POST", "/v2/inventory/changes/batch-retrieve", body).json()["changes"]
    moves = [(row["adjustment"]["from_state"], row["adjustment"]["to_state"]) for row in rows]
    assert moves == [("SOLD", "RETURNED_BY_CUSTOMER"), ("RETURNED_BY_CUSTOMER", "IN_STOCK")][: 1 + restock]
    assert {row["adjustment"]["refund_id"] for row in rows} == {refund["id"]}


def test_no_more_comes_back_than_was_sold(account: SimpleNamespace) -> None:
    sale = account.shop.sale([{"sku": "TEE-RED", "quantity": 2}])
    account.shop.refund(sale, [{"sku": "TEE-RED", "quantity": 2}])
    with pytest.raises(RefusedError):
        account.shop.refund(sale, [{"sku": "TEE-RED", "quantity": 1}])
    assert shelf(account) == 10
    assert account.shop.orders()[1]["returns"] == [{"sku": "TEE-RED", "quantity": 2}]


def test_an_online_pickup_is_paid_open_and_then_handed_over(account: SimpleNamespace) -> None:
    order = account.shop.sale([{"sku": "TEE-RED", "quantity": 1}], fulfilment="PICKUP")
    assert (account.shop.orders()[0]["status"], shelf(account)) == ("OPEN", 9)
    account.shop.fulfil(order)
    assert account.shop.orders()[0]["status"] == "COMPLETED"
    with pytest.raises(RefusedError):
        account.shop.fulfil(order)


def test_tracking_is_kept_with_a_shipment(account: SimpleNamespace) -> None:
    order = account.shop.sale([{"sku": "TEE-RED", "quantity": 1}], fulfilment="SHIPMENT")
    account.shop.fulfil(order, tracking={"number": "1Z", "carrier": "UPS"})
    [part] = account.ask("GET", f"/v2/orders/{order}").json()["order"]["fulfillments"]
    assert (part["state"], part["shipment_details"]["tracking_number"]) == ("COMPLETED", "1Z")


@pytest.mark.parametrize(("restock", "left"), [(True, 10), (False, 9)])
def test_canceling_a_paid_pickup_gives_the_money_back(account: SimpleNamespace, restock: bool, left: int) -> None:
    order = account.shop.sale([{"sku": "TEE-RED", "quantity": 1}], fulfilment="PICKUP")
    account.shop.cancel(order, restock=restock)
    sale, back = account.shop.orders()
    assert (sale["status"], back["returns"], shelf(account)) == ("COMPLETED", [{"sku": "TEE-RED", "quantity": 1}], left)


def test_products_are_edited_and_a_sku_twice_is_told_apart(account: SimpleNamespace) -> None:
    account.shop.edit_product("TEE-RED", title="Shirt", price="30.00", barcode="9", stock=7, status="archived")
    tee = account.ask("GET", f"/v2/catalog/object/{account.rows[0]['product']}").json()["object"]["item_data"]
    red = tee["variations"][0]["item_variation_data"]
    assert (tee["name"], tee["is_archived"], red["price_money"]["amount"], red["upc"]) == ("Shirt", True, 3000, "9")
    account.shop.seed([{"title": "Copy", "variants": [{"sku": "TEE-RED", "price": "1", "stock": 1}]}])
    stock = account.shop.stock()
    assert (stock["TEE-RED"][account.main], stock["TEE-RED#2"][account.main]) == (7, 1)
    with pytest.raises(RefusedError):
        account.shop.sale([{"sku": "TEE-RED", "quantity": 1}])
    account.shop.sale([{"id": account.red, "quantity": 1}])
    assert shelf(account) == 6
    account.shop.edit_product("TEE-BLUE", new_sku="TEE-NAVY")
    assert "TEE-NAVY" in account.shop.stock()


def test_untracked_variations_have_no_stock_and_sell(account: SimpleNamespace) -> None:
    account.shop.seed([{"title": "Service", "variants": [{"sku": "SVC", "price": "5"}]}])
    account.shop.sale([{"sku": "SVC", "quantity": 1}])
    assert "SVC" not in account.shop.stock()


def test_the_door_reaches_the_verbs_over_http(account: SimpleNamespace) -> None:
    made = account.ask("POST", "/__sandbox/sale", {"lines": [{"sku": "TEE-RED", "quantity": 1}]}).json()
    assert account.ask("GET", f"/v2/orders/{made['result']}").status_code == 200
    assert account.ask("GET", "/__sandbox/stock").json()["TEE-RED"] == {account.main: 9}
    refused = account.ask("POST", "/__sandbox/sale", {"lines": [{"sku": "NONE", "quantity": 1}]})
    assert refused.status_code == 409


def test_the_same_acts_leave_the_same_answers(open_account: Any) -> None:
    def run() -> list[Json]:
        account = open_account()
        account.shop.seed([{"title": "P", "images": ["/p.png"], "variants": [{"sku": "S", "price": "1", "stock": 3}]}])
        sale = account.shop.sale([{"sku": "S", "quantity": 2}])
        account.shop.refund(sale, [{"sku": "S", "quantity": 1}])
        paths = ("/v2/catalog/list", "/v2/payments", "/v2/refunds", f"/v2/orders/{sale}")
        return [account.ask("GET", path).json() for path in paths]

    assert run() == run()
