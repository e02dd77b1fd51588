"""Customers and loyalty of the stand-in, as its API shows them."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.sandbox.kit.platform import RefusedError

Json = dict[str, Any]
Open = Callable[..., SimpleNamespace]
ANN = {"name": "Ann Lee", "email": "Ann@example.com", "phone": "+14155550100"}


def search(account: SimpleNamespace, filters: Json, **more: Any) -> list[str]:
    answer = account.ask("POST", "/v2/customers/search", {"query": {"filter": filters}, **more})
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json().get("customers", [])]


def loyal(account: SimpleNamespace, **fields: Any) -> tuple[str, str]:
    """Add a customer with an account; return both ids."""
    customer = account.shop.add_customer(**{**ANN, **fields})
    account.shop.give_points(customer=customer, points=100)
    body = {"query": {"customer_ids": [customer]}}
    [found] = account.ask("POST", "/v2/loyalty/accounts/search", body).json()["loyalty_accounts"]
    return customer, found["id"]


def adjust(account: SimpleNamespace, loyalty: str, points: int, key: str = "k", **more: Any) -> Any:
    body = {"idempotency_key": key, "adjust_points": {"points": points, "reason": "x"}, **more}
    return account.ask("POST", f"/v2/loyalty/accounts/{loyalty}/adjust", body)


def balance(account: SimpleNamespace, loyalty: str) -> int:
    return int(account.ask("GET", f"/v2/loyalty/accounts/{loyalty}").json()["loyalty_account"]["balance"])


def events(account: SimpleNamespace, **filters: Any) -> list[Json]:
    body = {"query": {"filter": filters}}
    return list(account.ask("POST", "/v2/loyalty/events/search", body).json().get("events", []))


def test_exact_search_ignores_case_and_the_form_of_a_phone_number(account: SimpleNamespace) -> None:
    ann = account.shop.add_customer(**{**ANN, "phone": "(415) 555-0100"})
    account.shop.add_customer(name="Joann", email="joann@example.com", phone="+14155550101")
    assert search(account, {"email_address": {"exact": "aNN@example.com"}}) == [ann]
    assert search(account, {"phone_number": {"exact": "+1 (415) 555-0100"}}) == [ann]
    assert search(account, {"email_address": {"exact": "nn@example.com"}}) == []


def test_fuzzy_search_wants_every_token_somewhere(account: SimpleNamespace) -> None:
    """The specification's examples (`CustomerFilter`)."""
    numbers = ["+1-212-415-1234", "+1 (551) 234-1567", "+1-212-415-1200"]
    ids = [account.shop.add_customer(name=f"P{at}", phone=number) for at, number in enumerate(numbers)]
    assert search(account, {"phone_number": {"fuzzy": "415 123"}}) == ids[:2]
    steven = account.shop.add_customer(name="S", email="steven.johnson@gmail.com")
    bakery = account.shop.add_customer(name="T", email="mygmail@stevensbakery.com")
    assert search(account, {"email_address": {"fuzzy": "Steven gmail"}}) == [steven, bakery]


def test_pages_and_times_of_a_search(account: SimpleNamespace) -> None:
    ids = []
    for number in range(5):
        ids.append(account.shop.add_customer(name=f"N{9 - number}"))
        account.later(60)
    query = {"filter": {}, "sort": {"field": "CREATED_AT", "order": "DESC"}}
    first = account.ask("POST", "/v2/customers/search", {"query": query, "limit": 3, "count": True}).json()
    assert first["count"] == 5
    again = {"query": query, "limit": 3, "cursor": first["cursor"]}
    second = account.ask("POST", "/v2/customers/search", again).json()
    assert [one["id"] for one in first["customers"] + second["customers"]] == ids[::-1]
    since = account.now().isoformat()
    account.shop.edit_customer(ids[2], name="Changed")
    assert search(account, {"updated_at": {"start_at": since}}) == [ids[2]]
    refused = account.ask("POST", "/v2/customers/search", {"query": {}, "cursor": first["cursor"]})
    assert refused.json()["errors"][0]["code"] == "INVALID_CURSOR"


def test_an_update_is_sparse_and_knows_versions(account: SimpleNamespace) -> None:
    ann = account.shop.add_customer(**ANN)
    path = f"/v2/customers/{ann}"
    changed = account.ask("PUT", path, {"phone_number": None, "family_name": "Li", "version": 0}).json()["customer"]
    assert "phone_number" not in changed
    assert (changed["given_name"], changed["family_name"], changed["version"]) == ("Ann", "Li", 1)
    stale = account.ask("PUT", path, {"family_name": "Lo", "version": 0})
    assert (stale.status_code, stale.json()["errors"][0]["code"]) == (409, "CONFLICT")
    both = account.ask("POST", "/v2/customers/bulk-retrieve", {"customer_ids": [ann, "NOPE"]}).json()["responses"]
    assert both[ann]["customer"] == changed
    assert both["NOPE"]["errors"][0]["code"] == "NOT_FOUND"
    assert account.ask("DELETE", path).json() == {}
    assert account.ask("GET", path).status_code == 404


def test_an_adjustment_takes_effect_once_and_never_below_zero(account: SimpleNamespace) -> None:
    _, loyalty = loyal(account)
    first = adjust(account, loyalty, -30).json()
    assert adjust(account, loyalty, -30).json() == first
    assert balance(account, loyalty) == 70
    assert adjust(account, loyalty, -29).json()["errors"][0]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert adjust(account, loyalty, -71, "k2").json()["errors"][0]["code"] == "BAD_REQUEST"
    assert adjust(account, loyalty, -71, "k2", allow_negative_balance=True).status_code == 200
    assert balance(account, loyalty) == -1
    assert [one["source"] for one in events(account)] == ["LOYALTY_API", "LOYALTY_API", "SQUARE"]


def test_a_reward_locks_points_until_it_is_redeemed_or_given_back(account: SimpleNamespace) -> None:
    _, loyalty = loyal(account)
    program = account.ask("GET", "/v2/loyalty/programs/main").json()["program"]
    tier, place = program["reward_tiers"][1], program["location_ids"][0]
    made = []
    for key in "ab":
        body = {"idempotency_key": key, "reward": {"loyalty_account_id": loyalty, "reward_tier_id": tier["id"]}}
        made.append(account.ask("POST", "/v2/loyalty/rewards", body).json()["reward"]["id"])
    assert balance(account, loyalty) == 0
    body = {"idempotency_key": "c", "reward": {"loyalty_account_id": loyalty, "reward_tier_id": tier["id"]}}
    assert account.ask("POST", "/v2/loyalty/rewards", body).status_code == 400
    redeem = {"idempotency_key": "d", "location_id": place}
    assert account.ask("POST", f"/v2/loyalty/rewards/{made[0]}/redeem", redeem).status_code == 200
    assert account.ask("DELETE", f"/v2/loyalty/rewards/{made[0]}").status_code == 400
    assert account.ask("DELETE", f"/v2/loyalty/rewards/{made[1]}").json() == {}
    assert balance(account, loyalty) == 50
    kinds = [one["type"] for one in events(account)]
    assert kinds == ["DELETE_REWARD", "REDEEM_REWARD", "CREATE_REWARD", "CREATE_REWARD", "ADJUST_POINTS"]


def test_events_are_found_by_time_kind_and_account_in_pages(account: SimpleNamespace) -> None:
    _, loyalty = loyal(account)
    account.later(60)
    since = account.now().isoformat()
    for number in range(31):
        adjust(account, loyalty, 1, f"k{number}")
    kind = {"type_filter": {"types": ["ADJUST_POINTS"]}, "date_time_filter": {"created_at": {"start_at": since}}}
    body: Json = {"query": {"filter": kind}}
    first = account.ask("POST", "/v2/loyalty/events/search", body).json()
    second = account.ask("POST", "/v2/loyalty/events/search", {**body, "cursor": first["cursor"]}).json()
    assert (len(first["events"]), len(second["events"]), "cursor" in second) == (30, 1, False)
    assert events(account, loyalty_account_filter={"loyalty_account_id": "nobody"}) == []
    assert events(account, type_filter={"types": ["EXPIRE_POINTS"]}) == []
    assert account.ask("POST", "/v2/loyalty/events/search", {"limit": 31}).status_code == 400


def test_a_till_gives_points_and_takes_them_back_with_the_goods(open_account: Open) -> None:
    account = open_account(square_earns=True)
    account.shop.seed([{"title": "Tee", "variants": [{"sku": "TEE", "price": "12.00", "stock": 9}]}])
    ann = account.shop.add_customer(**ANN)
    account.shop.sale([{"sku": "TEE", "quantity": 1}], customer={"id": ann})
    assert events(account) == [], "who has no account earns nothing"
    account.shop.give_points(customer=ann, points=1)
    sale = account.shop.sale([{"sku": "TEE", "quantity": 2}], customer={"phone": "+1 415 555 0100"})
    [earned] = events(account, order_filter={"order_id": sale})
    assert (earned["type"], earned["source"], earned["accumulate_points"]["points"]) == (
        "ACCUMULATE_POINTS",
        "SQUARE",
        24,
    )
    account.shop.refund(sale, [{"sku": "TEE", "quantity": 1}])
    assert events(account)[0]["other_event"]["points"] == -12
    assert account.shop.customers()[0]["points"] == 13


def test_an_application_accumulates_the_points_of_its_order(account: SimpleNamespace) -> None:
    account.shop.seed([{"title": "Tee", "variants": [{"sku": "TEE", "price": "12.50", "stock": 9}]}])
    customer, loyalty = loyal(account)
    sale = account.shop.sale([{"sku": "TEE", "quantity": 1}], customer={"id": customer})
    place = account.ask("GET", f"/v2/orders/{sale}").json()["order"]["location_id"]
    body = {"idempotency_key": "a", "location_id": place, "accumulate_points": {"order_id": sale}}
    [event] = account.ask("POST", f"/v2/loyalty/accounts/{loyalty}/accumulate", body).json()["events"]
    assert event["accumulate_points"]["points"] == 12
    assert balance(account, loyalty) == 112


def test_an_account_belongs_to_whose_profile_has_the_phone_number(account: SimpleNamespace) -> None:
    """Whatever customer_id says (developer forum 7791); a number that nobody has makes a profile."""
    ann = account.shop.add_customer(**ANN)
    program = account.ask("GET", "/v2/loyalty/programs/main").json()["program"]["id"]

    def make(key: str, phone: str) -> Any:
        given = {"program_id": program, "mapping": {"phone_number": phone}, "customer_id": ann}
        return account.ask("POST", "/v2/loyalty/accounts", {"idempotency_key": key, "loyalty_account": given})

    assert make("a", "+14155550100").json()["loyalty_account"]["customer_id"] == ann
    assert make("b", "+14155550100").status_code == 400
    assert make("c", "+14155550199").json()["loyalty_account"]["customer_id"] != ann
    assert len(account.shop.customers()) == 2
    assert make("d", "555").json()["errors"][0]["code"] == "INVALID_PHONE_NUMBER"


def test_a_deleted_profile_takes_its_account_along(account: SimpleNamespace) -> None:
    customer, loyalty = loyal(account)
    account.shop.edit_customer(customer, phone="+14155550177")
    answer = account.ask("GET", f"/v2/loyalty/accounts/{loyalty}").json()["loyalty_account"]
    assert answer["mapping"]["phone_number"] == "+14155550177"
    account.shop.delete_customer(customer)
    assert account.ask("GET", f"/v2/loyalty/accounts/{loyalty}").status_code == 404
    with pytest.raises(RefusedError, match="no such customer"):
        account.shop.give_points(customer=customer, points=1)


def test_without_a_program_there_is_nothing(open_account: Open) -> None:
    account = open_account(loyalty=False)
    assert account.ask("GET", "/v2/loyalty/programs/main").status_code == 404
    assert account.ask("POST", "/v2/loyalty/accounts/search", {}).status_code == 404
    ann = account.shop.add_customer(**ANN)
    with pytest.raises(RefusedError):
        account.shop.give_points(customer=ann, points=1)
    assert account.shop.customers()[0]["points"] is None


def test_rewards_and_expiry_at_the_till_are_in_the_ledger(account: SimpleNamespace) -> None:
    customer, loyalty = loyal(account)
    account.shop.redeem(customer=customer, points=10)
    account.shop.expire_points(customer=customer, points=5)
    assert balance(account, loyalty) == 85
    assert [(one["type"], one["source"]) for one in events(account)[:3]] == [
        ("EXPIRE_POINTS", "SQUARE"),
        ("REDEEM_REWARD", "SQUARE"),
        ("CREATE_REWARD", "SQUARE"),
    ]
    assert "reward_id" not in events(account)[2]["create_reward"]
    with pytest.raises(RefusedError):
        account.shop.redeem(customer=customer, points=11)
