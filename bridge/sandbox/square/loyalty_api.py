"""The Customers and Loyalty APIs: requests read, answers written, and the routes. Connect API specification 2025-08-20."""

from collections.abc import Callable
from typing import Any
from zlib import crc32

import msgspec

from bridge.sandbox.square.api import Call, Route, Routes
from bridge.sandbox.square.errors import SquareError, bad_request, invalid, missing, not_found
from bridge.sandbox.square.loyalty import API, POINT_COSTS, Event, Reward, seconds
from bridge.sandbox.square.phones import e164, valid_phone
from bridge.sandbox.square.state import State
from bridge.sandbox.square.values import Json, cursor, moment, page_limit, position, strings, to_ms

__all__ = ["PEOPLE"]

MOST_KEYS = 30
"""Most phone numbers or customers of one account search, and most events of a page."""
LONGEST_KEY = 128
LONGEST_REASON = 3500


def create_account(state: State, call: Call) -> Json:
    """CreateLoyaltyAccount: the phone number alone says whose it is."""

    def make() -> Json:
        given, loyalty = _object(call.body, "loyalty_account"), state.loyalty
        if not given.get("program_id"):
            raise missing("loyalty_account.program_id")
        loyalty.main(str(given["program_id"]))
        phone = (given.get("mapping") or {}).get("phone_number")
        if not phone:
            raise missing("loyalty_account.mapping.phone_number")
        if not str(phone).startswith("+") or not valid_phone(phone):
            detail = "The provided phone number is invalid."
            raise invalid("INVALID_PHONE_NUMBER", detail, "loyalty_account.mapping.phone_number")
        at = given.get("enrolled_at")
        enrolled = to_ms(moment(at, "loyalty_account.enrolled_at")) if at else None
        made = loyalty.enrol(e164(phone, state.options.country), enrolled)
        return {"loyalty_account": loyalty.answer(made)}

    return state.replays.once("loyalty account", call.body, LONGEST_KEY, make)


def search_accounts(state: State, call: Call) -> Json:
    """SearchLoyaltyAccounts: by phone numbers, by customers, or all; oldest first."""
    state.loyalty.main()
    query = call.body.get("query") or {}
    customers = strings(query.get("customer_ids"), "query.customer_ids")
    phones = [e164(one.get("phone_number"), state.options.country) for one in query.get("mappings") or ()]
    if customers and phones:
        raise invalid("CONFLICTING_PARAMETERS", "customer_ids cannot be combined with mappings.", "query")
    if max(len(customers), len(phones)) > MOST_KEYS:
        raise invalid("ARRAY_LENGTH_TOO_LONG", f"At most {MOST_KEYS} are allowed.", "query")
    found = [
        one for one in state.loyalty.accounts.values()
        if not (customers or phones) or one.customer_id in customers or one.phone in phones
    ]  # fmt: skip
    start, size = _start(call.body, query), page_limit(call.body.get("limit"), MOST_KEYS, 200)
    page = [state.loyalty.answer(one) for one in found[start : start + size]]
    more = {"cursor": cursor(_mark(query), start + size)} if start + size < len(found) else {}
    return {"loyalty_accounts": page, **more} if page else {}


def adjust(state: State, call: Call) -> Json:
    """AdjustLoyaltyPoints."""

    def book() -> Json:
        given = _object(call.body, "adjust_points")
        points, reason = _whole(given.get("points"), "adjust_points.points"), given.get("reason") or ""
        if len(reason) > LONGEST_REASON:
            raise invalid("VALUE_TOO_LONG", f"At most {LONGEST_REASON} characters are allowed.", "adjust_points.reason")
        state.loyalty.active()
        account = state.loyalty.account(call.part)
        below = call.body.get("allow_negative_balance") is True
        return {"event": state.loyalty.adjust(account, points, API, reason, below_zero=below).data}

    return state.replays.once("adjust " + call.part, call.body, LONGEST_KEY, book)


def accumulate(state: State, call: Call) -> Json:
    """AccumulateLoyaltyPoints: of an order, or a number of points."""

    def book() -> Json:
        given, place = _object(call.body, "accumulate_points"), _place(state, call.body)
        account, order_id = state.loyalty.account(call.part), given.get("order_id") or ""
        points = _of_order(state, order_id) if order_id else _whole(given.get("points"), "accumulate_points.points")
        if points < 1 and not order_id:
            raise invalid("VALUE_TOO_LOW", "The value must be at least 1.", "accumulate_points.points")
        if not points:
            return {}
        return {"events": [state.loyalty.accumulate(account, points, API, place, order_id).data]}

    return state.replays.once("accumulate " + call.part, call.body, LONGEST_KEY, book)


def search_events(state: State, call: Call) -> Json:
    """SearchLoyaltyEvents: newest first."""
    state.loyalty.main()
    query = call.body.get("query") or {}
    fits = _event_test(query.get("filter") or {})
    size = page_limit(call.body.get("limit"), MOST_KEYS, MOST_KEYS)
    ledger = state.loyalty.events
    start = _start(call.body, query, len(ledger))
    found: list[int] = []
    for at in range(start - 1, -1, -1):
        if fits(ledger[at]):
            if len(found) == size:
                return {"events": [ledger[one].data for one in found], "cursor": cursor(_mark(query), found[-1])}
            found.append(at)
    return {"events": [ledger[one].data for one in found]} if found else {}


def create_reward(state: State, call: Call) -> Json:
    """CreateLoyaltyReward."""

    def make() -> Json:
        given = _object(call.body, "reward")
        if given.get("order_id"):
            raise SquareError(501, "API_ERROR", "NOT_IMPLEMENTED", "This stand-in attaches no reward to an order.")
        account = state.loyalty.account(str(given.get("loyalty_account_id")))
        return {"reward": _reward(state.loyalty.lock(account, str(given.get("reward_tier_id")), API))}

    return state.replays.once("reward", call.body, LONGEST_KEY, make)


def redeem_reward(state: State, call: Call) -> Json:
    """RedeemLoyaltyReward."""

    def book() -> Json:
        place = _place(state, call.body)
        return {"event": state.loyalty.redeem(find_reward(state, call.part), API, place).data}

    return state.replays.once("redeem " + call.part, call.body, LONGEST_KEY, book)


def delete_reward(state: State, call: Call) -> Json:
    """DeleteLoyaltyReward."""
    state.loyalty.give_back(find_reward(state, call.part), API)
    return {}


def find_reward(state: State, reward_id: str) -> Reward:
    """Find a reward or raise 404."""
    if reward_id not in state.loyalty.rewards:
        raise not_found("Loyalty reward not found.", "reward_id")
    return state.loyalty.rewards[reward_id]


def create_customer(state: State, call: Call) -> Json:
    """CreateCustomer; the idempotency key is optional."""
    if call.body.get("idempotency_key") is None:
        return state.customers.create(call.body)
    return state.replays.once("customer", call.body, LONGEST_KEY, lambda: state.customers.create(call.body))


def list_customers(state: State, call: Call) -> Json:
    """ListCustomers: SearchCustomers without a filter, its words in the query string."""
    names = {"sort_field": "field", "sort_order": "order"}
    sort = {names[name]: value for name, value in call.query.items() if name in names}
    limit = call.query.get("limit", "")
    body = {"query": {"sort": sort}, "cursor": call.query.get("cursor"), "count": call.query.get("count") == "true"}
    return state.customers.search({**body, "limit": int(limit)} if limit.isdigit() else body)


def _place(state: State, body: Json) -> str:
    place = body.get("location_id")
    if not place:
        raise missing("location_id")
    if place not in state.loyalty.active()["location_ids"]:
        raise not_found(f"Location with ID `{place}` not found.", "location_id")
    return str(place)


def _object(body: Json, name: str) -> Json:
    found = body.get(name)
    if not isinstance(found, dict):
        raise missing(name)
    return found


def _whole(value: Any, field: str) -> int:
    if value is None:
        raise missing(field)
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid("EXPECTED_INTEGER", "Expected an integer value.", field)
    return value


def _mark(query: Json) -> int:
    return crc32(msgspec.json.encode(query))


def _start(body: Json, query: Json, first: int = 0) -> int:
    if not body.get("cursor"):
        return first
    mark, start = position(body["cursor"], 2)
    if mark != _mark(query):
        raise invalid("INVALID_CURSOR", "The cursor belongs to another query.", "cursor")
    return int(start)


def _of_order(state: State, order_id: str) -> int:
    order = state.orders.get(order_id)
    if not order.is_settled:
        raise bad_request("The order has not been paid.", "accumulate_points.order_id")
    return max(0, order.total - int(order.data["total_tax_money"]["amount"])) // POINT_COSTS


def _event_test(parts: Json) -> Callable[[Event], bool]:
    span = (parts.get("date_time_filter") or {}).get("created_at") or {}
    field = "query.filter.date_time_filter.created_at"
    start = to_ms(moment(span["start_at"], field)) if span.get("start_at") else 0
    end = to_ms(moment(span["end_at"], field)) if span.get("end_at") else 1 << 62
    account = (parts.get("loyalty_account_filter") or {}).get("loyalty_account_id")
    order = (parts.get("order_filter") or {}).get("order_id")
    kinds = set((parts.get("type_filter") or {}).get("types") or ())
    places = set((parts.get("location_filter") or {}).get("location_ids") or ())

    def test(event: Event) -> bool:
        data = event.data
        named = [part.get("order_id") for part in data.values() if isinstance(part, dict)]
        return (
            start <= event.ms < end
            and account in (None, data["loyalty_account_id"])
            and (order is None or order in named)
            and (not kinds or data["type"] in kinds)
            and (not places or data.get("location_id") in places)
        )

    return test


def _reward(reward: Reward) -> Json:
    shown = {
        "id": reward.id,
        "status": reward.status,
        "loyalty_account_id": reward.account.id,
        "reward_tier_id": reward.tier["id"],
        "points": reward.tier["points"],
        "created_at": seconds(reward.created_ms),
        "updated_at": seconds(reward.updated_ms),
    }
    return shown | ({} if reward.redeemed_ms is None else {"redeemed_at": seconds(reward.redeemed_ms)})


_read, _write = ("LOYALTY_READ",), ("LOYALTY_WRITE",)
_see, _keep = ("CUSTOMERS_READ",), ("CUSTOMERS_WRITE",)
_ACCOUNTS, _REWARDS = "/v2/loyalty/accounts/", "/v2/loyalty/rewards/"

PEOPLE = Routes(
    fixed={
        ("POST", "/v2/customers"): Route(create_customer, _keep),
        ("GET", "/v2/customers"): Route(list_customers, _see),
        ("POST", "/v2/customers/search"): Route(lambda s, c: s.customers.search(c.body), _see),
        ("POST", "/v2/customers/bulk-retrieve"): Route(lambda s, c: s.customers.bulk(c.body), _see),
        ("POST", "/v2/loyalty/accounts"): Route(create_account, _write),
        ("POST", "/v2/loyalty/accounts/search"): Route(search_accounts, _read),
        ("POST", "/v2/loyalty/events/search"): Route(search_events, _read),
        ("POST", "/v2/loyalty/rewards"): Route(create_reward, _write),
    },
    open={
        ("GET", "/v2/customers/", ""): Route(lambda s, c: {"customer": s.customers.get(c.part).data}, _see),
        ("PUT", "/v2/customers/", ""): Route(lambda s, c: s.customers.update(c.part, c.body), _keep),
        ("DELETE", "/v2/customers/", ""): Route(lambda s, c: s.customers.delete(c.part, c.query.get("version")), _keep),
        ("GET", "/v2/loyalty/programs/", ""): Route(lambda s, c: {"program": s.loyalty.main(c.part)}, _read),
        ("GET", _ACCOUNTS, ""): Route(
            lambda s, c: {"loyalty_account": s.loyalty.answer(s.loyalty.account(c.part))}, _read
        ),
        ("POST", _ACCOUNTS, "/adjust"): Route(adjust, _write),
        ("POST", _ACCOUNTS, "/accumulate"): Route(accumulate, _write),
        ("GET", _REWARDS, ""): Route(lambda s, c: {"reward": _reward(find_reward(s, c.part))}, _read),
        ("DELETE", _REWARDS, ""): Route(delete_reward, _write),
        ("POST", _REWARDS, "/redeem"): Route(redeem_reward, _write),
    },
)
