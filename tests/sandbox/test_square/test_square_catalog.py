"""The item library: versions, batches, temporary ids, paging and what changed since."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

Open = Any
Json = dict[str, Any]


def item(item_id: str, name: str, sku: str, **more: Any) -> Json:
    """Make an item with one variation."""
    variation = {"sku": sku, "name": "Regular", "price_money": {"amount": 500, "currency": "USD"}}
    nested = {"type": "ITEM_VARIATION", "id": f"{item_id}-v", "item_variation_data": variation}
    return {"type": "ITEM", "id": item_id, "item_data": {"name": name, "variations": [nested], **more}}


def upsert(account: SimpleNamespace, *batches: list[Json], key: str = "k1") -> Any:
    """Send a batch upsert."""
    body = {"idempotency_key": key, "batches": [{"objects": objects} for objects in batches]}
    return account.ask("POST", "/v2/catalog/batch-upsert", body)


def names(answer: Any) -> list[str]:
    """Return the names of the items of an answer."""
    return [one["item_data"]["name"] for one in answer.json().get("objects", [])]


def found(account: SimpleNamespace, **body: Any) -> Json:
    """Search the catalog."""
    return dict(account.ask("POST", "/v2/catalog/search", body).json())


def test_an_upsert_gives_permanent_ids_and_one_version(open_account: Open) -> None:
    account = open_account()
    category = {"type": "CATEGORY", "id": "#drinks", "category_data": {"name": "Drinks"}}
    answer = upsert(account, [category, item("#tea", "Tea", "T-1", category_id="#drinks")]).json()
    mapped = {one["client_object_id"]: one["object_id"] for one in answer["id_mappings"]}
    assert list(mapped) == ["#drinks", "#tea", "#tea-v"]
    tea = answer["objects"][1]
    assert tea["item_data"]["category_id"] == mapped["#drinks"]
    [variation] = tea["item_data"]["variations"]
    assert variation["id"] == mapped["#tea-v"]
    assert variation["item_variation_data"]["item_id"] == mapped["#tea"]
    # 2026-11-02T08:00:00Z in milliseconds: a version is the millisecond of the change.
    assert {one["version"] for one in (*answer["objects"], variation)} == {1793606400000}
    assert tea["updated_at"] == answer["updated_at"] == "2026-11-02T08:00:00.000Z"


def test_a_batch_is_all_or_nothing_and_others_stand(open_account: Open) -> None:
    account = open_account()
    bad = item("#b", "Bad", "B-1")
    bad["item_data"]["variations"] = []
    answer = upsert(account, [item("#a", "A", "A-1"), bad], [item("#c", "C", "C-1")]).json()
    assert [one["code"] for one in answer["errors"]] == ["INVALID_VALUE"]
    assert [one["client_object_id"] for one in answer["id_mappings"]] == ["#c", "#c-v"]
    assert names(account.ask("GET", "/v2/catalog/list?types=ITEM")) == ["C"]


def test_a_request_with_no_good_batch_is_400(open_account: Open) -> None:
    account = open_account()
    answer = upsert(account, [item("NOSUCHOBJECT", "A", "A-1")])
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "INVALID_VALUE")


@pytest.mark.parametrize("version", [None, 1])
def test_an_old_or_missing_version_is_refused(account: SimpleNamespace, version: int | None) -> None:
    known = account.ask("GET", f"/v2/catalog/object/{account.red}").json()["object"]
    change = {**known, "version": version}
    answer = account.ask("POST", "/v2/catalog/object", {"idempotency_key": "v", "object": change})
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {
            "category": "INVALID_REQUEST_ERROR",
            "code": "VERSION_MISMATCH",
            "detail": "Object version does not match latest database version.",
            "field": "version",
        }
    ]


def test_an_update_replaces_the_whole_object(account: SimpleNamespace) -> None:
    tee = account.ask("GET", "/v2/catalog/list?types=ITEM").json()["objects"][0]
    red, _ = tee["item_data"]["variations"]
    del red["item_variation_data"]["upc"]
    tee["item_data"] = {"name": "Tee 2", "variations": [red]}
    answer = account.ask("POST", "/v2/catalog/object", {"idempotency_key": "r", "object": tee}).json()["catalog_object"]
    [left] = answer["item_data"]["variations"]
    assert answer["item_data"]["name"] == "Tee 2"
    assert "upc" not in left["item_variation_data"]
    assert account.ask("GET", f"/v2/catalog/object/{account.rows[1]['variant']}").status_code == 404


def test_a_price_in_another_currency_is_refused(account: SimpleNamespace) -> None:
    tea = item("#t", "Tea", "T")
    tea["item_data"]["variations"][0]["item_variation_data"]["price_money"]["currency"] = "EUR"
    assert upsert(account, [tea]).json()["errors"][0]["field"].endswith("price_money.currency")


def test_a_key_used_again_answers_again_and_refuses_another_request(account: SimpleNamespace) -> None:
    first = upsert(account, [item("#t", "Tea", "T")])
    account.later(60)
    assert upsert(account, [item("#t", "Tea", "T")]).json() == first.json()
    assert names(account.ask("GET", "/v2/catalog/list?types=ITEM")) == ["Tee", "Tea"]
    assert upsert(account, [item("#u", "Other", "U")]).json()["errors"][0]["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_a_refused_call_does_not_use_its_key_up(account: SimpleNamespace) -> None:
    assert upsert(account, [item("#t", "", "T")]).status_code == 400
    assert upsert(account, [item("#t", "Tea", "T")]).status_code == 200


def test_lists_page_by_a_hundred_and_leave_deleted_objects_out(open_account: Open) -> None:
    account = open_account()
    account.shop.seed([{"title": f"P{n}", "variants": [{"sku": f"S{n}", "price": "1"}]} for n in range(201)])
    account.shop.delete_product("S5")
    seen, page = [], account.ask("GET", "/v2/catalog/list?types=item").json()
    sizes = [len(page["objects"])]
    seen += page["objects"]
    while "cursor" in page:
        page = account.ask("GET", "/v2/catalog/list", params={"types": "item", "cursor": page["cursor"]}).json()
        sizes.append(len(page["objects"]))
        seen += page["objects"]
    assert sizes == [100, 100]
    assert [one["item_data"]["name"] for one in seen] == [f"P{n}" for n in range(201) if n != 5]


def test_a_search_by_time_is_exclusive_and_shows_deletions_only_if_asked(account: SimpleNamespace) -> None:
    account.later(10)
    before = found(account, object_types=["ITEM"])["latest_time"]
    assert "objects" not in found(account, object_types=["ITEM", "ITEM_VARIATION"], begin_time=before)
    account.shop.edit_product("TEE-RED", price="25.00")
    changed = found(account, object_types=["ITEM_VARIATION"], begin_time=before)
    assert [one["item_variation_data"]["price_money"]["amount"] for one in changed["objects"]] == [2500]
    account.shop.delete_product("TEE-RED")
    assert "objects" not in found(account, object_types=["ITEM"], begin_time=before)
    gone = found(account, object_types=["ITEM"], begin_time=before, include_deleted_objects=True)
    assert [one["is_deleted"] for one in gone["objects"]] == [True]


def test_an_object_that_changes_while_pages_are_read_is_seen_again(open_account: Open) -> None:
    account = open_account()
    account.shop.seed([{"title": f"P{n}", "variants": [{"sku": f"S{n}", "price": "1"}]} for n in range(4)])
    query: Json = {"object_types": ["ITEM"], "begin_time": "2026-01-01T00:00:00Z", "limit": 3}
    first = found(account, **query)
    account.later(1)
    account.shop.edit_product("S0", title="P0 new")
    second = found(account, **query, cursor=first["cursor"])
    assert [one["item_data"]["name"] for one in second["objects"]] == ["P3", "P0 new"]


def test_whether_a_variation_takes_its_item_along_can_be_chosen(open_account: Open) -> None:
    for touches, expected in ((False, 0), (True, 1)):
        account = open_account(variation_touches_item=touches)
        account.shop.seed([{"title": "P", "variants": [{"sku": "S", "price": "1"}]}])
        before = found(account)["latest_time"]
        account.later(1)
        account.shop.edit_product("S", price="2")
        assert len(found(account, object_types=["ITEM"], begin_time=before).get("objects", [])) == expected


def test_search_by_sku_finds_and_brings_related_objects(account: SimpleNamespace) -> None:
    query = {"exact_query": {"attribute_name": "sku", "attribute_value": "tee-red"}}
    answer = found(account, object_types=["ITEM_VARIATION"], query=query, include_related_objects=True)
    assert [one["id"] for one in answer["objects"]] == [account.red]
    assert {one["type"] for one in answer["related_objects"]} == {"ITEM", "ITEM_OPTION", "ITEM_OPTION_VAL"}
    several = {"set_query": {"attribute_name": "sku", "attribute_values": ["TEE-BLUE", "TEE-RED", "NONE"]}}
    assert len(found(account, object_types=["ITEM_VARIATION"], query=several)["objects"]) == 2


def test_deleting_takes_the_variations_along(account: SimpleNamespace) -> None:
    item_id = account.rows[0]["product"]
    answer = account.ask("DELETE", f"/v2/catalog/object/{item_id}").json()
    assert set(answer["deleted_object_ids"]) == {item_id, *(row["variant"] for row in account.rows)}
    body = {"object_ids": [item_id, account.red, "UNKNOWN"]}
    assert account.ask("POST", "/v2/catalog/batch-retrieve", body).json()["objects"] == []


def test_one_catalog_write_keeps_the_other_out(open_account: Open) -> None:
    account = open_account(catalog_write_seconds=2.0)

    async def both() -> list[int]:
        bodies = [{"idempotency_key": k, "batches": [{"objects": [item(f"#{k}", k, k)]}]} for k in ("a", "b")]
        sent = [account.send("POST", "/v2/catalog/batch-upsert", body) for body in bodies]
        return [answer.status_code for answer in await asyncio.gather(*sent)]

    assert account.run(both()) == [200, 429]
    assert names(account.ask("GET", "/v2/catalog/list?types=ITEM")) == ["a"]


def test_a_variation_is_marked_sold_out_where_its_count_reaches_zero(account: SimpleNamespace) -> None:
    account.shop.sale([{"sku": "TEE-BLUE", "quantity": 4}])
    path = f"/v2/catalog/object/{account.rows[1]['variant']}"
    data = account.ask("GET", path).json()["object"]["item_variation_data"]
    assert data["location_overrides"] == [{"location_id": account.main, "sold_out": True}]
    account.shop.count("TEE-BLUE", 2)
    data = account.ask("GET", path).json()["object"]["item_variation_data"]
    assert data["location_overrides"] == [{"location_id": account.main, "sold_out": False}]


def test_items_are_found_by_words_of_their_variations(account: SimpleNamespace) -> None:
    path = "/v2/catalog/search-catalog-items"
    answer = account.ask("POST", path, {"text_filter": "blue"}).json()
    assert [one["item_data"]["name"] for one in answer["items"]] == ["Tee"]
    assert answer["matched_variation_ids"] == [account.rows[1]["variant"]]
    account.shop.edit_product("TEE-RED", status="archived")
    assert account.ask("POST", path, {"text_filter": "tee"}).json() == {}
    assert account.ask("POST", path, {"archived_state": "ARCHIVED_STATE_ALL"}).json()["items"]


def test_price_and_tracking_can_differ_by_location(account: SimpleNamespace) -> None:
    harbour = account.places["Harbour"]
    known = account.ask("GET", f"/v2/catalog/object/{account.red}").json()["object"]
    override = {"location_id": harbour, "price_money": {"amount": 1500, "currency": "USD"}, "track_inventory": False}
    known["item_variation_data"]["location_overrides"] = [override]
    account.ask("POST", "/v2/catalog/object", {"idempotency_key": "o", "object": known})
    for place in (account.main, harbour):
        account.shop.sale([{"sku": "TEE-RED", "quantity": 1}], location=place)
    assert [order["total"] for order in account.shop.orders()] == ["19.99", "15.00"]
    assert account.shop.stock()["TEE-RED"] == {account.main: 9}
