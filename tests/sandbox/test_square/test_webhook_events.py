"""The Events API: 28 days of what happened, for whoever missed it."""

from types import SimpleNamespace
from typing import Any

import pytest

DAY = 24 * 3600


def search(account: SimpleNamespace, **body: Any) -> dict[str, Any]:
    answer = account.ask("POST", "/v2/events", body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def kinds(answer: dict[str, Any]) -> list[str]:
    return [event["type"] for event in answer.get("events", ())]


def sell(account: SimpleNamespace, **how: Any) -> None:
    account.shop.sale([{"sku": "TEE-RED", "quantity": 1}], **how)
    account.later(1)


@pytest.fixture
def recorded(account: SimpleNamespace) -> SimpleNamespace:
    """An account whose events can be searched, with one sale."""
    assert account.ask("PUT", "/v2/events/enable").json() == {}
    sell(account)
    return account


def test_nothing_is_found_until_it_is_enabled(account: SimpleNamespace) -> None:
    sell(account)
    account.ask("PUT", "/v2/events/enable")
    assert search(account) == {}
    sell(account)
    assert kinds(search(account))
    account.ask("PUT", "/v2/events/disable")
    seen = len(kinds(search(account)))
    sell(account)
    assert len(kinds(search(account))) == seen


def test_newest_first_unless_told(recorded: SimpleNamespace) -> None:
    recorded.shop.count("TEE-RED", 3)
    newest = search(recorded)
    oldest = search(recorded, query={"sort": {"field": "DEFAULT", "order": "ASC"}})
    assert kinds(newest)[0] == "inventory.count.updated"
    assert newest["events"] == oldest["events"][::-1]
    assert [one["event_id"] for one in newest["events"]] == [one["event_id"] for one in newest["metadata"]]


def test_filters(recorded: SimpleNamespace) -> None:
    sell(recorded, location="Harbour")
    merchant, harbour = recorded.platform.credentials["merchant_id"], recorded.places["Harbour"]

    def found(**parts: Any) -> list[dict[str, Any]]:
        return list(search(recorded, query={"filter": parts}).get("events", []))

    assert {one["type"] for one in found(event_types=["payment.created"])} == {"payment.created"}
    assert {one["location_id"] for one in found(location_ids=[harbour])} == {harbour}
    assert found(merchant_ids=[merchant]) == found()
    assert found(merchant_ids=["OTHER"]) == []
    late = found(created_at={"start_at": "2026-11-02T08:00:02Z"})
    early = found(created_at={"end_at": "2026-11-02T08:00:01.999Z"})
    assert late + early == found()
    assert late
    assert early


def test_pages_miss_and_repeat_nothing(recorded: SimpleNamespace) -> None:
    for _ in range(4):
        sell(recorded)
    whole, pages, body = search(recorded)["events"], [], {"limit": 4}
    while True:
        page = search(recorded, **body)
        pages += page["events"]
        assert len(page["events"]) <= 4
        if "cursor" not in page:
            break
        body["cursor"] = page["cursor"]
    assert pages == whole


def test_after_28_days_it_is_forgotten(recorded: SimpleNamespace) -> None:
    recorded.later(28 * DAY - 60)
    assert kinds(search(recorded))
    recorded.later(120)
    assert search(recorded) == {}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"limit": 101}, "VALUE_TOO_HIGH"),
        ({"cursor": "%%"}, "INVALID_CURSOR"),
        ({"query": {"filter": {"event_types": "payment.created"}}}, "EXPECTED_ARRAY"),
        ({"query": {"filter": {"created_at": {"start_at": "yesterday"}}}}, "INVALID_TIME"),
        ({"query": {"sort": {"order": "UP"}}}, "INVALID_ENUM_VALUE"),
    ],
)
def test_what_is_refused(recorded: SimpleNamespace, body: dict[str, Any], code: str) -> None:
    answer = recorded.ask("POST", "/v2/events", body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == code
