"""Inventory: the change log in the order of occurrence, keys, limits and the sync reads."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

Json = dict[str, Any]
OLD = {"square-version": "2025-08-20"}


def at(account: SimpleNamespace, seconds: float = 0) -> str:
    """Print the shop's time, shifted."""
    return str((account.now() + timedelta(seconds=seconds)).isoformat())


def move(account: SimpleNamespace, amount: str, *, to: str = "SOLD", before: float = 0, **more: Any) -> Json:
    """Make an ADJUSTMENT out of (or into) the shelf of the red tee."""
    states = ("NONE", to) if to == "IN_STOCK" else ("IN_STOCK", to)
    part = {"from_state": states[0], "to_state": states[1], "catalog_object_id": account.red, "quantity": amount}
    part |= {"from_location_id": account.main, "to_location_id": account.main, "occurred_at": at(account, -before)}
    return {"type": "ADJUSTMENT", "adjustment": {**part, **more}}


def count(account: SimpleNamespace, amount: str, *, before: float = 0) -> Json:
    """Make a PHYSICAL_COUNT of the red tee."""
    part = {"state": "IN_STOCK", "catalog_object_id": account.red, "location_id": account.main, "quantity": amount}
    return {"type": "PHYSICAL_COUNT", "physical_count": {**part, "occurred_at": at(account, -before)}}


def change(account: SimpleNamespace, *changes: Json, key: str | None = None, **more: Any) -> Any:
    """Send changes under a new key."""
    account.keys = getattr(account, "keys", 0) + 1
    body = {"idempotency_key": key or f"key-{account.keys}", "changes": list(changes), **more}
    return account.ask("POST", "/v2/inventory/changes/batch-create", body)


def red(account: SimpleNamespace) -> int:
    """Return the number of red tees on the shelf."""
    return int(account.shop.stock()["TEE-RED"][account.main])


def test_an_adjustment_moves_and_answers_counts_and_changes(account: SimpleNamespace) -> None:
    answer = change(account, move(account, "3", reference_id="ours-1")).json()
    assert answer["counts"] == [
        {
            "catalog_object_id": account.red,
            "catalog_object_type": "ITEM_VARIATION",
            "state": "IN_STOCK",
            "location_id": account.main,
            "quantity": "7",
            "calculated_at": "2026-11-02T08:00:01.000Z",
        }
    ]
    [made] = answer["changes"]
    assert made["adjustment"]["reference_id"] == "ours-1"
    assert made["adjustment"]["source"]["product"] == "EXTERNAL_API"


def test_an_offline_sale_older_than_a_count_leaves_the_count(account: SimpleNamespace) -> None:
    """The worked example of developer.squareup.com/docs/inventory-api/how-it-works."""
    change(account, count(account, "100"))
    account.later(600)
    change(account, move(account, "3"))
    account.later(1200)
    change(account, count(account, "90"))
    account.later(300)
    offline = account.now() - timedelta(seconds=900)
    account.shop.sale([{"sku": "TEE-RED", "quantity": 2}], occurred_at=offline)
    assert red(account) == 90
    account.later(300)
    change(account, move(account, "2", to="WASTE"))
    assert red(account) == 88


def test_an_offline_sale_newer_than_the_count_lowers_it(account: SimpleNamespace) -> None:
    account.later(60)
    account.shop.count("TEE-RED", 8)
    account.later(60)
    account.shop.sale([{"sku": "TEE-RED", "quantity": 2}], occurred_at=account.now() - timedelta(seconds=30))
    assert red(account) == 6


def test_a_late_count_reorders_what_came_before(account: SimpleNamespace) -> None:
    account.later(100)
    account.shop.sale([{"sku": "TEE-RED", "quantity": 1}])
    account.later(10)
    change(account, count(account, "50", before=20))
    assert red(account) == 49


@pytest.mark.parametrize(
    ("seconds", "code"), [(86_399, None), (86_401, "INVALID_TIME"), (-1, "INVALID_TIME")], ids=["in", "old", "future"]
)
def test_occurred_at_lies_within_the_last_day(account: SimpleNamespace, seconds: int, code: str | None) -> None:
    errors = change(account, move(account, "1", before=seconds)).json().get("errors")
    assert (errors[0]["code"] if errors else None) == code


def test_a_key_used_again_changes_nothing(account: SimpleNamespace) -> None:
    sent = move(account, "3")
    first = change(account, sent, key="once")
    account.later(5)
    assert change(account, sent, key="once").json() == first.json()
    assert red(account) == 7
    assert change(account, move(account, "4"), key="once").json()["errors"][0]["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_one_bad_change_stops_them_all(account: SimpleNamespace) -> None:
    answer = change(account, move(account, "3"), move(account, "1", catalog_object_id="NOPE"))
    assert answer.json()["errors"][0]["field"] == "changes[1].adjustment.catalog_object_id"
    assert red(account) == 10


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ({"quantity": 3}, "EXPECTED_STRING"),
        ({"quantity": "1.000001"}, "INVALID_VALUE"),
        ({"quantity": "-1"}, "VALUE_TOO_LOW"),
        ({"from_state": "SOLD", "to_state": "IN_STOCK"}, "INVALID_VALUE"),
        ({"to_state": "GONE"}, "INVALID_ENUM_VALUE"),
        ({"occurred_at": "yesterday"}, "INVALID_TIME"),
        ({"from_location_id": None}, "MISSING_REQUIRED_PARAMETER"),
        ({"reference_id": "x" * 256}, "VALUE_TOO_LONG"),
    ],
)
def test_bad_adjustments(account: SimpleNamespace, broken: Json, code: str) -> None:
    assert change(account, move(account, "1", **broken)).json()["errors"][0]["code"] == code


def test_transfers_need_retail_plus(account: SimpleNamespace) -> None:
    answer = change(account, move(account, "1", to_location_id=account.places["Harbour"]))
    assert answer.status_code == 403
    assert change(account, {"type": "TRANSFER", "transfer": {}}).status_code == 403


def test_a_key_is_required_and_changes_are_at_most_a_hundred(account: SimpleNamespace) -> None:
    answer = account.ask("POST", "/v2/inventory/changes/batch-create", {"changes": [move(account, "1")]})
    assert answer.json()["errors"][0] | {"detail": ""} == {
        "category": "INVALID_REQUEST_ERROR",
        "code": "MISSING_REQUIRED_PARAMETER",
        "detail": "",
        "field": "idempotency_key",
    }
    assert change(account, *[move(account, "0.01")] * 101).json()["errors"][0]["code"] == "ARRAY_LENGTH_TOO_LONG"
    assert change(account, *[move(account, "0.01")] * 100).status_code == 200
    assert red(account) == 9


def test_an_unchanged_count_is_ignored_unless_told_otherwise(account: SimpleNamespace) -> None:
    assert change(account, count(account, "10")).json()["changes"] == []
    assert len(change(account, count(account, "10"), ignore_unchanged_counts=False).json()["changes"]) == 1
    change(account, move(account, "1"), move(account, "1", to="IN_STOCK"))
    assert change(account, count(account, "10")).json()["changes"] == []


def test_adjustments_name_their_place_as_the_version_does(account: SimpleNamespace) -> None:
    change(account, move(account, "1", reference_id="one"))
    body = {"types": ["ADJUSTMENT"], "states": ["SOLD"]}
    [new] = account.ask("POST", "/v2/inventory/changes/batch-retrieve", body).json()["changes"]
    [old] = account.ask("POST", "/v2/inventory/changes/batch-retrieve", body, headers=OLD).json()["changes"]
    assert new["adjustment"]["from_location_id"] == old["adjustment"]["location_id"] == account.main
    assert "location_id" not in new["adjustment"]


def counts(account: SimpleNamespace, **body: Any) -> list[tuple[str, str, str]]:
    """Read counts as (variation, state, quantity)."""
    answer = account.ask("POST", "/v2/inventory/counts/batch-retrieve", body).json()
    return [(one["catalog_object_id"], one["state"], one["quantity"]) for one in answer["counts"]]


def test_counts_changed_since_are_newest_first_and_exclusive(account: SimpleNamespace) -> None:
    blue = account.rows[1]["variant"]
    mark = at(account)
    account.shop.count("TEE-BLUE", 3)
    assert counts(account, updated_after=mark) == []
    account.later(1)
    account.shop.sale([{"sku": "TEE-BLUE", "quantity": 1}])
    account.later(1)
    account.shop.sale([{"sku": "TEE-RED", "quantity": 1}])
    assert counts(account, updated_after=mark) == [(account.red, "IN_STOCK", "9"), (blue, "IN_STOCK", "2")]
    assert counts(account, updated_after=mark, catalog_object_ids=[blue]) == [(blue, "IN_STOCK", "2")]
    assert counts(account, location_ids=[account.places["Harbour"]]) == []


def test_counts_are_paged(account: SimpleNamespace) -> None:
    account.shop.seed([{"title": "M", "variants": [{"sku": f"M{n}", "price": "1", "stock": n} for n in range(5)]}])
    seen: list[str] = []
    body: Json = {"limit": 3}
    while body.get("cursor") != "":
        page = account.ask("POST", "/v2/inventory/counts/batch-retrieve", body).json()
        seen += [one["catalog_object_id"] for one in page["counts"]]
        body["cursor"] = page.get("cursor", "")
    assert len(seen) == len(set(seen)) == 7


def test_the_change_log_names_the_cause(account: SimpleNamespace) -> None:
    order = account.shop.sale([{"sku": "TEE-RED", "quantity": 1}])
    account.shop.count("TEE-RED", 5)
    change(account, move(account, "1", reference_id="bridge"))
    body = {"catalog_object_ids": [account.red], "updated_after": "2026-11-02T08:00:00.500Z"}
    rows = account.ask("POST", "/v2/inventory/changes/batch-retrieve", body, headers=OLD).json()["changes"]
    parts = [row.get("adjustment") or row["physical_count"] for row in rows]
    assert [part["source"]["product"] for part in parts] == ["SQUARE_POS", "SQUARE_POS", "EXTERNAL_API"]
    assert parts[0]["transaction_id"] == order
    assert parts[1]["team_member_id"]
    assert parts[2]["reference_id"] == "bridge"
    kinds = {"types": ["PHYSICAL_COUNT"], "catalog_object_ids": [account.red]}
    rows = account.ask("POST", "/v2/inventory/changes/batch-retrieve", kinds).json()["changes"]
    assert {row["type"] for row in rows} == {"PHYSICAL_COUNT"}


def test_the_change_log_is_sorted_by_occurrence_and_paged(account: SimpleNamespace) -> None:
    account.later(1000)
    for before in (10, 500, 100):
        change(account, move(account, "1", before=before))
    body: Json = {"types": ["ADJUSTMENT"], "states": ["SOLD"], "limit": 2}
    first = account.ask("POST", "/v2/inventory/changes/batch-retrieve", body).json()
    second = account.ask("POST", "/v2/inventory/changes/batch-retrieve", body | {"cursor": first["cursor"]}).json()
    times = [row["adjustment"]["occurred_at"] for row in (*first["changes"], *second["changes"])]
    assert len(times) == 3
    assert times == sorted(times)
    assert "cursor" not in second


def test_one_variation_can_be_asked_for(account: SimpleNamespace) -> None:
    answer = account.ask("GET", f"/v2/inventory/{account.red}").json()
    assert [one["quantity"] for one in answer["counts"]] == ["10"]
    assert account.ask("GET", "/v2/inventory/NOPE").status_code == 404


@pytest.mark.parametrize(("kind", "left"), [("cut_before", 10), ("cut_after", 7)])
def test_a_cut_call_sent_again_with_its_key_counts_once(account: SimpleNamespace, kind: str, left: int) -> None:
    account.platform.faults.add(kind=kind, path="changes/batch-create")
    sent = move(account, "3")
    with pytest.raises(httpx.ReadError):
        change(account, sent, key="cut")
    assert red(account) == left
    assert change(account, sent, key="cut").json()["counts"][0]["quantity"] == "7"
    assert red(account) == 7


def test_a_count_books_its_difference_beside_it(account: SimpleNamespace) -> None:
    account.later(100)
    account.shop.sale([{"sku": "TEE-RED", "quantity": 1}])
    account.later(10)
    change(account, count(account, "8", before=50))
    body: Json = {"catalog_object_ids": [account.red], "updated_after": "2026-11-02T08:00:01Z"}
    rows = account.ask("POST", "/v2/inventory/changes/batch-retrieve", body).json()["changes"]
    counted, inferred, _ = (row.get("adjustment") or row["physical_count"] for row in rows)
    assert (inferred["from_state"], inferred["to_state"], inferred["quantity"]) == ("IN_STOCK", "WASTE", "2")
    assert (inferred["physical_count_id"], inferred["reason_id"]) == (counted["id"], {"type": "RECOUNT"})
    assert red(account) == 7
    old = account.ask("POST", "/v2/inventory/changes/batch-retrieve", body, headers=OLD).json()["changes"]
    assert [row["type"] for row in old] == ["PHYSICAL_COUNT", "ADJUSTMENT"]
    recounts = {**body, "reason_ids": [{"type": "RECOUNT"}], "types": ["ADJUSTMENT"]}
    [only] = account.ask("POST", "/v2/inventory/changes/batch-retrieve", recounts).json()["changes"]
    assert only["adjustment"]["id"] == inferred["id"]
    both = account.ask("POST", "/v2/inventory/changes/batch-retrieve", {**recounts, "states": ["SOLD"]})
    assert both.json()["errors"][0]["code"] == "CONFLICTING_PARAMETERS"


def test_the_sale_of_an_untracked_variation_is_logged_and_counts_nothing(account: SimpleNamespace) -> None:
    [row] = account.shop.seed([{"title": "Service", "variants": [{"sku": "SVC", "price": "5"}]}])
    account.shop.sale([{"sku": "SVC", "quantity": 1}])
    body = {"catalog_object_ids": [row["variant"]]}
    [only] = account.ask("POST", "/v2/inventory/changes/batch-retrieve", body).json()["changes"]
    assert (only["adjustment"]["from_state"], only["adjustment"]["to_state"]) == ("UNTRACKED", "SOLD")
    assert account.ask("POST", "/v2/inventory/changes/batch-retrieve", body, headers=OLD).json()["changes"] == []
    assert counts(account, **body) == []
