"""Who may call, and what every answer carries."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

Open = Any


def error(answer: Any) -> dict[str, Any]:
    """Return the one error of an answer."""
    [only] = answer.json()["errors"]
    return dict(only)


def test_every_answer_carries_the_time_of_the_shop_and_the_version_asked_for(account: SimpleNamespace) -> None:
    answer = account.ask("GET", "/v2/locations", headers={"square-version": "2025-08-20"})
    assert answer.headers["date"] == "Mon, 02 Nov 2026 08:00:01 GMT"
    assert answer.headers["square-version"] == "2025-08-20"
    assert account.ask("GET", "/v2/locations").headers["square-version"] == "2026-09-16"
    assert account.ask("GET", "/v2/orders/none").headers["date"] == "Mon, 02 Nov 2026 08:00:01 GMT"


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Basic abc"])
def test_a_wrong_token_is_401(account: SimpleNamespace, header: str) -> None:
    answer = account.ask("GET", "/v2/locations", headers={"authorization": header})
    assert answer.status_code == 401
    assert error(answer) == {
        "category": "AUTHENTICATION_ERROR",
        "code": "UNAUTHORIZED",
        "detail": "This request could not be authorized.",
    }


def test_a_token_ends(open_account: Open) -> None:
    account = open_account(token_expires_at=datetime(2026, 11, 2, 8, 0, 10, tzinfo=UTC))
    assert account.ask("POST", "/oauth2/token/status").json()["expires_at"] == "2026-11-02T08:00:10.000Z"
    account.later(10)
    answer = account.ask("GET", "/v2/locations")
    assert (answer.status_code, error(answer)["code"]) == (401, "ACCESS_TOKEN_EXPIRED")


def test_a_missing_scope_is_403_and_seen_in_the_token_status(open_account: Open) -> None:
    account = open_account(scopes=("MERCHANT_PROFILE_READ", "ITEMS_READ"))
    answer = account.ask("POST", "/v2/inventory/changes/batch-create", {"idempotency_key": "a", "changes": []})
    assert (answer.status_code, error(answer)["code"]) == (403, "INSUFFICIENT_SCOPES")
    assert account.ask("POST", "/oauth2/token/status").json()["scopes"] == ["ITEMS_READ", "MERCHANT_PROFILE_READ"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v2/nothing", 404, "NOT_FOUND"),
        ("GET", "/v2/orders/search/deeper", 404, "NOT_FOUND"),
        ("DELETE", "/v2/locations", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/v2/merchants/someone", 403, "FORBIDDEN"),
        ("GET", "/v2/locations/nowhere", 404, "NOT_FOUND"),
    ],
)
def test_paths_that_do_not_answer(account: SimpleNamespace, method: str, path: str, status: int, code: str) -> None:
    answer = account.ask(method, path)
    assert (answer.status_code, error(answer)["code"]) == (status, code)


def test_a_body_that_is_no_object_is_refused(account: SimpleNamespace) -> None:
    assert error(account.ask("POST", "/v2/catalog/search", [1]))["code"] == "EXPECTED_JSON_BODY"


def test_the_merchant_and_its_main_location(account: SimpleNamespace) -> None:
    merchant = account.ask("GET", "/v2/merchants/me").json()["merchant"]
    assert (merchant["currency"], merchant["main_location_id"]) == ("USD", account.main)
    assert account.ask("GET", "/v2/locations/main").json()["location"]["name"] == "Main Street"


def test_a_throttle_fault_answers_as_square_does_and_takes_no_effect(account: SimpleNamespace) -> None:
    account.platform.faults.add(kind="throttle", path="/v2/orders", times=1)
    answer = account.ask("POST", "/v2/orders", {"order": {"location_id": account.main}})
    assert (answer.status_code, error(answer)["code"]) == (429, "RATE_LIMITED")
    assert "retry-after" not in answer.headers
    assert account.shop.orders() == []


def test_the_rate_limit_counts_calls_of_one_second(open_account: Open) -> None:
    account = open_account(calls_per_second=3)
    statuses = [account.ask("GET", "/v2/locations").status_code for _ in range(4)]
    assert statuses == [200, 200, 429, 429]  # the fixture's own call was the first
    account.later(1)
    assert account.ask("GET", "/v2/locations").status_code == 200
