"""What subscribers are sent: which act makes which event, signed how, and how often again."""

import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from square.utils.webhooks_helper import verify_signature

PATH = "/v2/webhooks/subscriptions"
URL = "https://bridge.example/hooks/till"
DAY = 24 * 3600


class Mailbox:
    """Subscribes to everything and keeps what comes; answers `status`."""

    def __init__(self, account: SimpleNamespace, *kinds: str) -> None:
        self.account = account
        self.status = 200
        self.got: list[tuple[float, Mapping[str, str], bytes]] = []
        account.platform.courier.post = self.post
        wanted = list(kinds) or account.ask("GET", "/v2/webhooks/event-types").json()["event_types"]
        given = {"event_types": wanted, "notification_url": URL}
        self.subscription = account.ask("POST", PATH, {"subscription": given}).json()["subscription"]
        self.path = f"{PATH}/{self.subscription['id']}"

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        assert url == URL
        self.got.append((self.account.now().timestamp(), headers, body))
        return self.status

    def after(self, act: Callable[[], Any], seconds: float = 1.0) -> Any:
        """Let somebody act, and wait."""

        async def acting() -> Any:
            return act()

        result = self.account.run(acting())
        self.account.later(seconds)
        return result

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.got]

    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events()]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event["data"] for event in self.events() if event["type"] == kind]


@pytest.fixture
def mail(account: SimpleNamespace) -> Mailbox:
    return Mailbox(account)


def sell(mail: Mailbox, quantity: int = 2, **how: Any) -> str:
    return str(mail.after(lambda: mail.account.shop.sale([{"sku": "TEE-RED", "quantity": quantity}], **how)))


def test_the_envelope_and_its_headers(mail: Mailbox) -> None:
    sell(mail)
    event = mail.events()[0]
    assert event["merchant_id"] == mail.account.platform.credentials["merchant_id"]
    assert event["created_at"] == "2026-11-02T08:00:01.000Z"
    assert set(event) == {"merchant_id", "type", "event_id", "created_at", "data"}
    assert len({one["event_id"] for one in mail.events()}) == len(mail.got)
    _, headers, _ = mail.got[0]
    assert headers["content-type"] == "application/json"
    assert headers["square-environment"] == "Sandbox"
    assert headers["square-initial-delivery-timestamp"] == "2026-11-02T08:00:01.020Z"
    assert "square-retry-number" not in headers


def test_the_official_sdk_accepts_the_signature(mail: Mailbox) -> None:
    sell(mail)
    _, headers, body = mail.got[0]
    asked = {
        "request_body": body.decode(),
        "signature_header": headers["x-square-hmacsha256-signature"],
        "signature_key": mail.subscription["signature_key"],
        "notification_url": URL,
    }
    assert verify_signature(**asked)
    assert not verify_signature(**{**asked, "signature_key": "another"})
    assert not verify_signature(**{**asked, "notification_url": URL + "/"})


def test_a_till_tells_of_the_payment_and_the_count_and_not_of_the_order(mail: Mailbox) -> None:
    order = sell(mail)
    assert sorted(mail.kinds()) == ["inventory.count.updated", "payment.created", "payment.updated"]
    [data] = mail.of("payment.updated")
    assert data["object"]["payment"]["order_id"] == order
    assert data["object"]["payment"]["status"] == "COMPLETED"
    assert data["id"] == data["object"]["payment"]["id"]
    [count] = mail.of("inventory.count.updated")[0]["object"]["inventory_counts"]
    assert (count["catalog_object_id"], count["location_id"]) == (mail.account.red, mail.account.main)
    assert (count["state"], count["quantity"]) == ("IN_STOCK", "8")


def test_an_event_shows_what_was_then(mail: Mailbox) -> None:
    sell(mail)
    assert mail.of("payment.created")[0]["object"]["payment"]["status"] == "APPROVED"


def test_an_open_ticket_at_the_till_is_not_told(mail: Mailbox) -> None:
    order = sell(mail, paid=False)
    assert mail.got == []
    mail.after(lambda: mail.account.shop.pay(order))
    assert mail.of("payment.updated")[0]["object"]["payment"]["order_id"] == order


def test_an_order_over_the_api_is_told_from_its_beginning(mail: Mailbox) -> None:
    line = {"catalog_object_id": mail.account.red, "quantity": "1"}
    body = {"order": {"location_id": mail.account.main, "line_items": [line]}}
    order = mail.account.ask("POST", "/v2/orders", body).json()["order"]
    sparse = {"order": {"version": 1, "ticket_name": "A"}}
    mail.account.ask("PUT", f"/v2/orders/{order['id']}", sparse)
    mail.account.later(1)
    assert mail.kinds() == ["order.created", "order.updated"]
    created, updated = (event["data"] for event in mail.events())
    assert created["id"] == updated["id"] == order["id"]
    told = {"order_id": order["id"], "location_id": mail.account.main, "state": "OPEN"}
    assert created["object"] == {"order_created": {**told, "version": 1, "created_at": order["created_at"]}}
    assert updated["object"]["order_updated"]["version"] == 2
    assert created["type"] == "order_created"


def test_a_shipped_web_order_tells_of_order_and_fulfilment(mail: Mailbox) -> None:
    order = sell(mail, fulfilment="SHIPMENT")
    assert mail.of("order.created")[0]["id"] == order
    mail.got.clear()
    mail.after(lambda: mail.account.shop.fulfil(order))
    assert sorted(mail.kinds()) == ["order.fulfillment.updated", "order.updated"]
    [update] = mail.of("order.fulfillment.updated")[0]["object"]["order_fulfillment_updated"]["fulfillment_update"]
    assert (update["old_state"], update["new_state"]) == ("PROPOSED", "COMPLETED")


def test_a_return_tells_of_the_refund_with_its_return_order(mail: Mailbox) -> None:
    order = sell(mail)
    mail.got.clear()
    back = mail.after(lambda: mail.account.shop.refund(order, [{"sku": "TEE-RED", "quantity": 1}]))
    assert mail.of("refund.created")[0]["object"]["refund"]["order_id"] == back != order
    assert mail.of("payment.updated")[0]["object"]["payment"]["order_id"] == order
    states = [
        [(one["state"], one["quantity"]) for one in data["object"]["inventory_counts"]]
        for data in mail.of("inventory.count.updated")
    ]
    assert states == [[("RETURNED_BY_CUSTOMER", "1")], [("IN_STOCK", "9"), ("RETURNED_BY_CUSTOMER", "0")]]


def test_a_card_refund_is_told_again_when_it_has_gone_through(mail: Mailbox) -> None:
    money = {"amount": 500, "currency": "USD"}
    card = {"idempotency_key": "1", "source_id": "cnon:card-nonce-ok", "amount_money": money}
    payment = mail.account.ask("POST", "/v2/payments", card).json()["payment"]
    body = {"idempotency_key": "2", "payment_id": payment["id"], "amount_money": money}
    refund = mail.account.ask("POST", "/v2/refunds", body).json()["refund"]
    mail.account.ask("GET", f"/v2/refunds/{refund['id']}")
    mail.account.later(1)
    assert mail.of("refund.created")[0]["object"]["refund"]["status"] == "PENDING"
    assert [data["object"]["refund"]["status"] for data in mail.of("refund.updated")] == ["COMPLETED"]


def test_a_bulk_change_is_told_in_hundreds(mail: Mailbox) -> None:
    skus = [f"SKU-{number}" for number in range(110)]
    products = [{"title": sku, "variants": [{"sku": sku, "price": "1", "stock": 5}]} for sku in skus]
    rows = mail.after(lambda: mail.account.shop.seed(products))
    mail.got.clear()
    part = {"location_id": mail.account.main, "state": "IN_STOCK", "quantity": "7"}
    part["occurred_at"] = mail.account.now().isoformat()
    counts = [{**part, "catalog_object_id": row["variant"]} for row in rows]
    for number, some in enumerate((counts[:100], counts[100:])):
        changes = [{"type": "PHYSICAL_COUNT", "physical_count": count} for count in some]
        body = {"idempotency_key": str(number), "changes": changes}
        answer = mail.account.ask("POST", "/v2/inventory/changes/batch-create", body)
        assert answer.status_code == 200, answer.text
    mail.account.later(1)
    sizes = [len(data["object"]["inventory_counts"]) for data in mail.of("inventory.count.updated")]
    assert sizes == [100, 10]
    assert set(mail.kinds()) == {"inventory.count.updated"}


def test_a_refused_bulk_change_tells_nothing(mail: Mailbox) -> None:
    body = {"idempotency_key": "1", "changes": [{"type": "TRANSFER"}]}
    assert mail.account.ask("POST", "/v2/inventory/changes/batch-create", body).status_code == 403
    mail.account.later(1)
    assert mail.got == []
    mail.after(lambda: mail.account.shop.count("TEE-RED", 3))
    assert mail.kinds() == ["inventory.count.updated"]


def test_one_write_to_the_catalog_is_one_event(mail: Mailbox) -> None:
    mail.after(lambda: mail.account.shop.edit_product("TEE-RED", title="Shirt", price="20.00"))
    assert mail.kinds() == ["catalog.version.updated"]
    shown = mail.account.ask("GET", f"/v2/catalog/object/{mail.account.rows[0]['product']}").json()["object"]
    assert mail.of("catalog.version.updated")[0]["object"] == {"catalog_version": {"updated_at": shown["updated_at"]}}


def test_only_what_was_asked_for_is_sent(account: SimpleNamespace) -> None:
    mail = Mailbox(account, "payment.updated")
    sell(mail)
    assert mail.kinds() == ["payment.updated"]


def test_a_disabled_or_deleted_subscription_is_sent_nothing(mail: Mailbox) -> None:
    mail.account.ask("PUT", mail.path, {"subscription": {"enabled": False}})
    sell(mail)
    mail.account.ask("PUT", mail.path, {"subscription": {"enabled": True}})
    mail.account.ask("DELETE", mail.path)
    sell(mail)
    assert mail.got == []


def test_what_is_not_taken_comes_again_on_the_documented_schedule(account: SimpleNamespace) -> None:
    mail = Mailbox(account, "payment.updated")
    mail.status = 503
    sell(mail)
    account.later(2 * DAY)
    began = mail.got[0][0]
    minutes = [round((at - began) / 60) for at, _, _ in mail.got]
    assert minutes == [0, 1, 3, 7, 15, 31, 63, 123, 243, 483, 963, 1443]
    assert {body for _, _, body in mail.got} == {mail.got[0][2]}
    assert {headers["square-initial-delivery-timestamp"] for _, headers, _ in mail.got} == {"2026-11-02T08:00:01.020Z"}
    numbers = [headers["square-retry-number"] for _, headers, _ in mail.got[1:]]
    assert numbers == [str(number) for number in range(1, 12)]
    assert {headers["square-retry-reason"] for _, headers, _ in mail.got[1:]} == {"http_error"}


def test_no_answer_is_called_a_timeout(account: SimpleNamespace) -> None:
    mail = Mailbox(account, "payment.updated")
    mail.status = 0
    sell(mail)
    account.later(61)
    assert mail.got[1][1]["square-retry-reason"] == "http_timeout"


def test_a_repeat_is_signed_with_the_key_of_its_own_moment(account: SimpleNamespace) -> None:
    mail = Mailbox(account, "payment.updated")
    mail.status = 500
    sell(mail)
    key = account.ask("POST", f"{mail.path}/signature-key", {}).json()["signature_key"]
    account.later(61)
    for (_, headers, body), signed in zip(mail.got, (mail.subscription["signature_key"], key), strict=True):
        signature = headers["x-square-hmacsha256-signature"]
        assert verify_signature(
            request_body=body.decode(), signature_header=signature, signature_key=signed, notification_url=URL
        )


def test_three_weeks_without_a_success_disable_it(account: SimpleNamespace) -> None:
    mail = Mailbox(account, "payment.updated")
    mail.status = 500
    for _ in range(20):
        sell(mail, 1)
        account.later(DAY)
    assert account.ask("GET", mail.path).json()["subscription"]["enabled"] is True
    sell(mail, 1)
    account.later(2 * DAY)
    assert account.ask("GET", mail.path).json()["subscription"]["enabled"] is False
    account.ask("PUT", mail.path, {"subscription": {"enabled": True}})
    sell(mail, 1)
    assert account.ask("GET", mail.path).json()["subscription"]["enabled"] is True


def test_one_success_starts_the_three_weeks_again(account: SimpleNamespace) -> None:
    mail = Mailbox(account, "payment.updated")
    for day in range(30):
        mail.status = 200 if day == 15 else 500
        sell(mail, 1)
        account.later(DAY)
    assert account.ask("GET", mail.path).json()["subscription"]["enabled"] is True


def test_a_test_event_is_sent_at_once_and_its_answer_told(mail: Mailbox) -> None:
    mail.status = 418
    result = mail.account.ask("POST", f"{mail.path}/test", {"event_type": "order.updated"}).json()
    told = result["subscription_test_result"]
    [(_, _, body)] = mail.got
    assert told["status_code"] == 418
    assert told["payload"] == body.decode()
    assert json.loads(body)["type"] == "order.updated"
    refused = mail.account.ask("POST", f"{mail.path}/test", {"event_type": "invoice.created"})
    assert refused.json()["errors"][0]["field"] == "event_type"


def test_nobody_listening_changes_nothing(account: SimpleNamespace) -> None:
    platform = account.platform
    before = platform.courier.rng.getstate()
    order = account.shop.sale([{"sku": "TEE-RED", "quantity": 1}])
    account.shop.refund(order, [{"sku": "TEE-RED", "quantity": 1}])
    account.shop.count("TEE-RED", 4)
    assert (platform.courier.brought, platform.courier.under_way) == (0, 0)
    assert platform.courier.rng.getstate() == before
    assert platform.shop.state.events.count == 0


def test_a_subscription_draws_no_id_of_the_shop(open_account: Callable[..., SimpleNamespace]) -> None:
    quiet, loud = open_account(), open_account()
    Mailbox(loud)
    ids = []
    for account in (quiet, loud):
        account.platform.courier.post = None
        account.shop.seed([{"title": "Tee", "variants": [{"sku": "TEE", "price": "1", "stock": 5}]}])
        ids.append(account.shop.sale([{"sku": "TEE", "quantity": 1}]))
    assert ids[0] == ids[1]
