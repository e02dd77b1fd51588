"""The Webhook Subscriptions API: create, list, change, rotate, delete; and who may."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

PATH = "/v2/webhooks/subscriptions"
URL = "https://bridge.example/hooks/till"


def create(account: SimpleNamespace, key: str | None = None, **fields: Any) -> Any:
    """Ask for a subscription; keywords replace fields of a good one, None leaves one out."""
    given = {"name": "ours", "event_types": ["payment.created"], "notification_url": URL} | fields
    body = {"subscription": {name: value for name, value in given.items() if value is not None}}
    return account.ask("POST", PATH, body if key is None else {**body, "idempotency_key": key})


def made(account: SimpleNamespace, **fields: Any) -> dict[str, Any]:
    answer = create(account, **fields)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["subscription"])


def refused(answer: Any) -> tuple[int, str, str]:
    assert answer.status_code >= 400, answer.text
    [error] = answer.json()["errors"]
    return answer.status_code, error["code"], error.get("field", "")


def test_create_shows_the_key_and_what_square_filled_in(account: SimpleNamespace) -> None:
    shown = made(account)
    assert shown["enabled"] is True
    assert shown["api_version"] == "2026-09-16"
    assert shown["id"].startswith("wbhk_")
    assert len(shown["signature_key"]) == 22
    assert shown["created_at"] == shown["updated_at"] == "2026-11-02 08:00:01 +0000 UTC"


def test_only_create_and_retrieve_show_the_key(account: SimpleNamespace) -> None:
    one = made(account)
    assert account.ask("GET", f"{PATH}/{one['id']}").json()["subscription"] == one
    [listed] = account.ask("GET", PATH).json()["subscriptions"]
    changed = account.ask("PUT", f"{PATH}/{one['id']}", {"subscription": {"name": "new"}}).json()["subscription"]
    assert "signature_key" not in listed
    assert "signature_key" not in changed
    assert changed == {**listed, "name": "new"}


def test_a_lost_create_sent_again_makes_no_second(account: SimpleNamespace) -> None:
    first, again = create(account, "key-1").json(), create(account, "key-1").json()
    assert again == first
    assert refused(create(account, "key-1", name="another")) == (400, "IDEMPOTENCY_KEY_REUSED", "idempotency_key")
    assert len(account.ask("GET", PATH).json()["subscriptions"]) == 1


def test_a_change_leaves_out_what_it_does_not_name(account: SimpleNamespace) -> None:
    one = made(account)
    account.later(60)
    answer = account.ask(
        "PUT", f"{PATH}/{one['id']}", {"subscription": {"enabled": False, "id": "x", "created_at": "y"}}
    )
    kept = {name: value for name, value in one.items() if name not in ("enabled", "updated_at", "signature_key")}
    assert answer.json()["subscription"] == {**kept, "enabled": False, "updated_at": "2026-11-02 08:01:01 +0000 UTC"}


def test_the_disabled_are_listed_only_on_request(account: SimpleNamespace) -> None:
    one = made(account)
    account.ask("PUT", f"{PATH}/{one['id']}", {"subscription": {"enabled": False}})
    assert account.ask("GET", PATH).json() == {}
    [listed] = account.ask("GET", PATH, params={"include_disabled": "true"}).json()["subscriptions"]
    assert listed["enabled"] is False


def test_the_list_comes_in_pages_in_the_order_asked_for(account: SimpleNamespace) -> None:
    ids = [made(account, name=str(number))["id"] for number in range(5)]
    for order, wanted in (("ASC", ids), ("DESC", ids[::-1])):
        seen, query = [], {"limit": "2", "sort_order": order}
        while True:
            page = account.ask("GET", PATH, params=query).json()
            seen += [one["id"] for one in page["subscriptions"]]
            if "cursor" not in page:
                break
            query["cursor"] = page["cursor"]
        assert seen == wanted


def test_deleted_is_gone_for_every_verb(account: SimpleNamespace) -> None:
    path = f"{PATH}/{made(account)['id']}"
    assert account.ask("DELETE", path).json() == {}
    for method, below in (("DELETE", ""), ("GET", ""), ("PUT", ""), ("POST", "/test"), ("POST", "/signature-key")):
        answer = account.ask(method, path + below, {"subscription": {}})
        assert refused(answer)[:2] == (404, "NOT_FOUND"), f"{method} {below}"


def test_rotation_gives_a_new_key_once_a_request(account: SimpleNamespace) -> None:
    one = made(account)
    path = f"{PATH}/{one['id']}"
    key = account.ask("POST", f"{path}/signature-key", {"idempotency_key": "k"}).json()["signature_key"]
    assert account.ask("POST", f"{path}/signature-key", {"idempotency_key": "k"}).json() == {"signature_key": key}
    assert key != one["signature_key"]
    assert account.ask("GET", path).json()["subscription"]["signature_key"] == key
    assert account.ask("POST", f"{path}/signature-key", {}).json()["signature_key"] != key


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"event_types": None}, "MISSING_REQUIRED_PARAMETER", "subscription.event_types"),
        ({"event_types": []}, "MISSING_REQUIRED_PARAMETER", "subscription.event_types"),
        ({"event_types": "payment.created"}, "EXPECTED_ARRAY", "subscription.event_types"),
        ({"event_types": ["payment.invented"]}, "INVALID_VALUE", "subscription.event_types"),
        ({"notification_url": None}, "MISSING_REQUIRED_PARAMETER", "subscription.notification_url"),
        ({"notification_url": "http://bridge.example/"}, "INVALID_VALUE", "subscription.notification_url"),
        ({"notification_url": "bridge"}, "INVALID_VALUE", "subscription.notification_url"),
        ({"notification_url": 7}, "INVALID_VALUE", "subscription.notification_url"),
        ({"name": "x" * 65}, "VALUE_TOO_LONG", "subscription.name"),
        ({"enabled": "yes"}, "EXPECTED_BOOLEAN", "subscription.enabled"),
    ],
)
def test_what_is_refused(account: SimpleNamespace, fields: dict[str, Any], code: str, field: str) -> None:
    assert refused(create(account, **fields)) == (400, code, field)
    assert account.ask("GET", PATH).json() == {}


def test_a_body_without_a_subscription_is_refused(account: SimpleNamespace) -> None:
    assert refused(account.ask("POST", PATH, {}))[1:] == ("MISSING_REQUIRED_PARAMETER", "subscription")
    assert refused(create(account, "k" * 46))[1:] == ("VALUE_TOO_LONG", "idempotency_key")


def test_this_machine_itself_may_be_called_without_a_certificate(account: SimpleNamespace) -> None:
    assert made(account, notification_url="http://127.0.0.1:8080/hooks/till")["enabled"] is True


def test_every_listed_type_can_be_subscribed_to(account: SimpleNamespace) -> None:
    answer = account.ask("GET", "/v2/webhooks/event-types").json()
    assert [row["event_type"] for row in answer["metadata"]] == answer["event_types"]
    assert made(account, event_types=answer["event_types"])["event_types"] == answer["event_types"]
    assert account.ask("GET", "/v2/events/types").json() == answer


def test_a_sellers_token_may_not(open_account: Callable[..., SimpleNamespace]) -> None:
    account = open_account(personal=False)
    for method, path in (("GET", PATH), ("POST", PATH), ("GET", "/v2/webhooks/event-types"), ("POST", "/v2/events")):
        assert refused(account.ask(method, path, {}))[:2] == (403, "INSUFFICIENT_SCOPES"), path
    assert account.ask("GET", "/v2/locations").status_code == 200
