"""Orders: versions, states, payment, refunds, search."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

Open = Any
Json = dict[str, Any]
PICKUP: Json = {"type": "PICKUP", "pickup_details": {"recipient": {"display_name": "Ada"}}}


def create(account: SimpleNamespace, quantity: str = "2", *, key: str | None = None, **more: Any) -> Json:
    """Create an order of red tees through the API."""
    order = {
        "location_id": account.main,
        "line_items": [{"catalog_object_id": account.red, "quantity": quantity}],
        **more,
    }
    answer = account.ask("POST", "/v2/orders", {"order": order, "idempotency_key": key}).json()
    return dict(answer.get("order") or answer["errors"][0])


def pay(account: SimpleNamespace, order: Json, *, key: str = "pay-1", **more: Any) -> Any:
    """Pay an order with money received outside of Square."""
    body = {
        "idempotency_key": key,
        "source_id": "EXTERNAL",
        "order_id": order["id"],
        "amount_money": order["total_money"],
    }
    details = {"type": "OTHER", "source": "Web shop"}
    return account.ask("POST", "/v2/payments", {**body, "external_details": details, **more})


def update(account: SimpleNamespace, order: Json, version: int | None, key: str | None = None, **fields: Any) -> Any:
    """Send a sparse update."""
    cleared = fields.pop("fields_to_clear", [])
    body = {"order": {"version": version, **fields}, "idempotency_key": key, "fields_to_clear": cleared}
    return account.ask("PUT", f"/v2/orders/{order['id']}", body)


def read(account: SimpleNamespace, order_id: str) -> Json:
    """Read an order."""
    return dict(account.ask("GET", f"/v2/orders/{order_id}").json()["order"])


def red(account: SimpleNamespace) -> int:
    """Return the number of red tees on the shelf."""
    return int(account.shop.stock()["TEE-RED"][account.main])


def code(answer: Any) -> str:
    """Return the code of a refusal."""
    return str(answer.json()["errors"][0]["code"])


def test_an_order_takes_its_words_and_price_from_the_catalog(account: SimpleNamespace) -> None:
    order = create(account, reference_id="ours-7")
    [line] = order["line_items"]
    assert (line["name"], line["variation_name"], line["base_price_money"]["amount"]) == ("Tee", "Red", 1999)
    assert (order["state"], order["version"], order["total_money"]["amount"]) == ("OPEN", 1, 3998)
    assert order["source"]["name"] == "Sandbox Application"
    assert red(account) == 10
    [row] = account.shop.orders()
    assert row == {
        "id": order["id"],
        "status": "OPEN",
        "lines": [{"sku": "TEE-RED", "quantity": 2}],
        "reference": "ours-7",
        "total": "39.98",
    }


def test_stock_falls_when_the_order_is_paid(account: SimpleNamespace) -> None:
    order = create(account)
    assert pay(account, order).json()["payment"]["status"] == "COMPLETED"
    done = read(account, order["id"])
    assert (done["state"], done["tenders"][0]["type"], red(account)) == ("COMPLETED", "OTHER", 8)
    assert done["version"] > order["version"]
    assert code(pay(account, order, key="pay-2")) == "BAD_REQUEST"


def test_a_payment_of_another_amount_is_refused(account: SimpleNamespace) -> None:
    answer = pay(account, create(account), amount_money={"amount": 1, "currency": "USD"})
    assert code(answer) == "PAYMENT_AMOUNT_MISMATCH"
    assert red(account) == 10


def test_a_paid_order_with_a_fulfilment_stays_open_until_that_ends(account: SimpleNamespace) -> None:
    order = create(account, fulfillments=[PICKUP])
    pay(account, order)
    paid = read(account, order["id"])
    assert (paid["state"], paid["fulfillments"][0]["state"], red(account)) == ("OPEN", "PROPOSED", 8)
    part = [{"uid": paid["fulfillments"][0]["uid"], "state": "COMPLETED"}]
    done = update(account, order, paid["version"], fulfillments=part).json()["order"]
    assert (done["state"], red(account)) == ("COMPLETED", 8)
    assert "closed_at" in done


def test_an_update_needs_the_present_version(account: SimpleNamespace) -> None:
    order = create(account)
    changed = update(account, order, 1, ticket_name="A").json()["order"]
    assert (changed["version"], changed["ticket_name"]) == (2, "A")
    answer = update(account, order, 1, ticket_name="B")
    assert answer.json()["errors"] == [
        {
            "category": "INVALID_REQUEST_ERROR",
            "code": "VERSION_MISMATCH",
            "detail": f"Supplied version 1 does not match the current version 2 of order {order['id']}.",
            "field": "order.version",
        }
    ]
    assert update(account, order, None).json()["errors"][0] == {
        "category": "INVALID_REQUEST_ERROR",
        "code": "BAD_REQUEST",
        "detail": "Missing required parameter.",
        "field": "order.version",
    }


def test_a_used_key_updates_nothing_and_answers_200(account: SimpleNamespace) -> None:
    order = create(account)
    update(account, order, 1, key="u", ticket_name="A")
    answer = update(account, order, 2, key="u", state="CANCELED")
    assert (answer.status_code, answer.json()["order"]["state"]) == (200, "OPEN")


def test_lines_are_matched_by_uid_and_cleared_by_path(account: SimpleNamespace) -> None:
    order = create(account)
    uid = order["line_items"][0]["uid"]
    answer = update(
        account, order, 1, line_items=[{"uid": uid, "quantity": "3"}, {"name": "Bag", "quantity": "1", **money(100)}]
    )
    changed = answer.json()["order"]
    assert [line["quantity"] for line in changed["line_items"]] == ["3", "1"]
    assert changed["total_money"]["amount"] == 3 * 1999 + 100
    left = update(account, order, 2, fields_to_clear=[f"line_items[{uid}]"]).json()["order"]
    assert [line["name"] for line in left["line_items"]] == ["Bag"]


def money(amount: int) -> Json:
    """Make the price of an ad hoc line."""
    return {"base_price_money": {"amount": amount, "currency": "USD"}}


def test_lines_of_a_paid_order_stand(account: SimpleNamespace) -> None:
    order = create(account, fulfillments=[PICKUP])
    pay(account, order)
    uid = order["line_items"][0]["uid"]
    answer = update(account, order, read(account, order["id"])["version"], line_items=[{"uid": uid, "quantity": "9"}])
    assert answer.json()["errors"][0]["detail"] == "LineItems cannot be modified for finalized tenders."


def test_an_unpaid_order_can_be_canceled_and_then_no_more_changed(account: SimpleNamespace) -> None:
    order = create(account, fulfillments=[PICKUP])
    gone = update(account, order, 1, state="CANCELED").json()["order"]
    assert (gone["state"], gone["fulfillments"][0]["state"], red(account)) == ("CANCELED", "CANCELED", 10)
    assert code(update(account, order, gone["version"], ticket_name="x")) == "BAD_REQUEST"


def test_a_paid_order_cannot_be_canceled(account: SimpleNamespace) -> None:
    order = create(account, fulfillments=[PICKUP])
    pay(account, order)
    before = read(account, order["id"])
    assert code(update(account, order, before["version"], state="CANCELED", ticket_name="x")) == "BAD_REQUEST"
    assert read(account, order["id"]) == before


def test_creating_again_with_the_key_answers_the_order_as_it_is_now(account: SimpleNamespace) -> None:
    first = create(account, key="c")
    pay(account, first)
    again = create(account, key="c")
    assert (again["id"], again["state"], len(account.shop.orders())) == (first["id"], "COMPLETED", 1)
    assert create(account, "5", key="c")["code"] == "IDEMPOTENCY_KEY_REUSED"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"line_items": [{"catalog_object_id": "NOPE", "quantity": "1"}]}, "NOT_FOUND"),
        ({"line_items": [{"name": "x", "quantity": "1.5", **money(1)}]}, "INVALID_VALUE"),
        ({"line_items": [{"name": "x", "quantity": 1, **money(1)}]}, "EXPECTED_STRING"),
        ({"location_id": "NOWHERE"}, "NOT_FOUND"),
        ({"reference_id": "x" * 41}, "VALUE_TOO_LONG"),
        ({"fulfillments": [PICKUP, PICKUP]}, "BAD_REQUEST"),
    ],
)
def test_orders_that_are_refused(account: SimpleNamespace, more: Json, expected: str) -> None:
    assert create(account, **more)["code"] == expected
    assert account.shop.orders() == []


def test_an_order_of_nothing_is_paid_with_no_payment(account: SimpleNamespace) -> None:
    order = create(account, line_items=[{"catalog_object_id": account.red, "quantity": "1", **money(0)}])
    paid = account.ask("POST", f"/v2/orders/{order['id']}/pay", {"idempotency_key": "p", "payment_ids": []}).json()[
        "order"
    ]
    assert (paid["state"], red(account)) == ("COMPLETED", 9)


def test_an_approved_payment_is_collected_with_pay_order(account: SimpleNamespace) -> None:
    order = create(account)
    payment = pay(account, order, autocomplete=False).json()["payment"]
    spare = pay(account, order, key="spare", autocomplete=False).json()["payment"]
    assert (payment["status"], read(account, order["id"])["state"]) == ("APPROVED", "OPEN")
    body = {"idempotency_key": "p", "payment_ids": [payment["id"]]}
    paid = account.ask("POST", f"/v2/orders/{order['id']}/pay", body).json()["order"]
    assert paid["state"] == "COMPLETED"
    assert account.ask("GET", f"/v2/payments/{spare['id']}").json()["payment"]["status"] == "CANCELED"


def test_cash_gives_change(account: SimpleNamespace) -> None:
    order = create(account)
    cash = {"buyer_supplied_money": {"amount": 5000, "currency": "USD"}}
    body = {"idempotency_key": "c", "source_id": "CASH", "order_id": order["id"], "amount_money": order["total_money"]}
    payment = account.ask("POST", "/v2/payments", {**body, "cash_details": cash}).json()["payment"]
    assert payment["cash_details"]["change_back_money"]["amount"] == 5000 - 3998
    assert code(account.ask("POST", "/v2/payments", {**body, "idempotency_key": "x" * 46})) == "VALUE_TOO_LONG"


def test_a_refund_by_amount_makes_a_return_order_and_moves_no_goods(account: SimpleNamespace) -> None:
    order = create(account)
    payment = pay(account, order).json()["payment"]
    body = {"idempotency_key": "r", "payment_id": payment["id"], "amount_money": {"amount": 1000, "currency": "USD"}}
    refund = account.ask("POST", "/v2/refunds", body).json()["refund"]
    assert account.ask("POST", "/v2/refunds", body).json()["refund"] == refund
    back = read(account, refund["order_id"])
    [entry] = back["returns"]
    assert entry["source_order_id"] == order["id"]
    assert [line["item_type"] for line in entry["return_line_items"]] == ["CUSTOM_AMOUNT"]
    assert back["net_amounts"]["total_money"]["amount"] == -1000
    assert back["refunds"][0]["tender_id"] == payment["id"]
    assert red(account) == 8
    assert account.ask("GET", f"/v2/payments/{payment['id']}").json()["payment"]["refunded_money"]["amount"] == 1000
    too_much = {**body, "idempotency_key": "r2", "amount_money": {"amount": 2999, "currency": "USD"}}
    assert code(account.ask("POST", "/v2/refunds", too_much)) == "REFUND_AMOUNT_INVALID"


def test_payments_and_refunds_are_listed_newest_first_in_pages(account: SimpleNamespace) -> None:
    for n in range(3):
        pay(account, create(account, "1"), key=f"k{n}")
        account.later(1)
    first = account.ask("GET", "/v2/payments", params={"limit": "2"}).json()
    second = account.ask("GET", "/v2/payments", params={"limit": "2", "cursor": first["cursor"]}).json()
    times = [row["created_at"] for row in (*first["payments"], *second["payments"])]
    assert (len(times), times) == (3, sorted(times, reverse=True))
    assert account.ask("GET", "/v2/refunds").json() == {}


def search(account: SimpleNamespace, field: str = "updated_at", start: str | None = None, **more: Any) -> Json:
    """Search orders of the main location, oldest first, by one of the three times."""
    span = {"start_at": start} if start else {}
    query = {
        "filter": {"date_time_filter": {field: span}} if start else {},
        "sort": {"sort_field": field.upper(), "sort_order": "ASC"},
    }
    return dict(
        account.ask("POST", "/v2/orders/search", {"location_ids": [account.main], "query": query, **more}).json()
    )


def test_an_offline_sale_is_old_by_creation_and_new_by_change(account: SimpleNamespace) -> None:
    account.later(7200)
    mark = account.now().isoformat()
    account.later(1)
    order = account.shop.sale([{"sku": "TEE-RED", "quantity": 1}], occurred_at=account.now() - timedelta(hours=1))
    assert search(account, "created_at", mark) == {}
    [found] = search(account, "updated_at", mark)["orders"]
    assert (found["id"], found["created_at"], found["closed_at"]) == (
        order,
        "2026-11-02T09:00:02.000Z",
        "2026-11-02T09:00:02.000Z",
    )
    assert found["tenders"][0]["created_at"] == "2026-11-02T09:00:02.000Z"
    assert found["source"]["name"] == "Square Point of Sale"


def test_a_till_order_has_no_version_and_cannot_be_updated(account: SimpleNamespace) -> None:
    order = read(account, account.shop.sale([{"sku": "TEE-RED", "quantity": 1}], paid=False))
    assert "version" not in order
    assert code(update(account, order, 1, ticket_name="x")) == "BAD_REQUEST"


def test_the_sort_field_must_match_the_filter(account: SimpleNamespace) -> None:
    body = {"query": {"filter": {"date_time_filter": {"updated_at": {"start_at": "2026-01-01T00:00:00Z"}}}}}
    answer = account.ask("POST", "/v2/orders/search", {"location_ids": [account.main], **body})
    assert code(answer) == "BAD_REQUEST"
    assert code(account.ask("POST", "/v2/orders/search", {})) == "BAD_REQUEST"


def test_pages_hold_still_while_orders_change_and_arrive(account: SimpleNamespace) -> None:
    orders = [create(account, "1") for _ in range(5)]
    start = "2026-11-01T00:00:00Z"
    first = search(account, start=start, limit=2)
    account.later(1)
    update(account, orders[3], 1, ticket_name="moved")
    create(account, "1")
    second = search(account, start=start, limit=2, cursor=first["cursor"])
    # The third page would begin behind the end of the first request: what moved or came later is for the next search.
    seen = [order["id"] for order in (*first["orders"], *second["orders"])]
    assert seen == [orders[n]["id"] for n in (0, 1, 2, 4)]
    assert "cursor" not in second
    wrong = search(account, "created_at", start, cursor=first["cursor"])
    assert wrong["errors"][0]["code"] == "INVALID_CURSOR"


def test_entries_filters_and_batch_retrieve(account: SimpleNamespace) -> None:
    api, till = create(account, "1"), account.shop.sale([{"sku": "TEE-RED", "quantity": 1}])
    entries = search(account, return_entries=True)["order_entries"]
    assert entries == [
        {"order_id": api["id"], "location_id": account.main, "version": 1},
        {"order_id": till, "location_id": account.main},
    ]
    query = {
        "filter": {
            "source_filter": {"source_names": ["Square Point of Sale"]},
            "state_filter": {"states": ["COMPLETED"]},
        }
    }
    found = account.ask("POST", "/v2/orders/search", {"location_ids": [account.main], "query": query}).json()["orders"]
    assert [order["id"] for order in found] == [till]
    body = {"order_ids": [till, "UNKNOWN", api["id"]]}
    rows = account.ask("POST", "/v2/orders/batch-retrieve", body).json()["orders"]
    assert [order["id"] for order in rows] == [till, api["id"]]
