"""Whatever a payload holds, one odd item never takes its page along: it is read, or set aside with a reason."""

import copy
from datetime import UTC, datetime
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.square.mapping import causes, level, parent_of, product, tombstone, touched
from connectors.square.order_mapping import order
from connectors.square.payload import Payload, sift
from connectors.square.restocks import put_back

USD = {"amount": 100, "currency": "USD"}
VARIATION = {
    "id": "V",
    "item_variation_data": {
        "item_id": "I",
        "name": "Red",
        "sku": "S",
        "price_money": USD,
        "track_inventory": True,
        "location_overrides": [{"location_id": "L", "track_inventory": True}],
        "item_option_values": [{"item_option_id": "O", "item_option_value_id": "OV"}],
    },
}
DATA = {"name": "Tee", "image_ids": ["IMG"], "item_options": [{"item_option_id": "O"}], "variations": [VARIATION]}
ITEM = {
    "id": "I",
    "version": 3,
    "updated_at": "2026-11-22T10:00:00Z",
    "present_at_all_locations": False,
    "item_data": DATA,
}
OTHERS: dict[str, Payload] = {
    "IMG": {"id": "IMG", "image_data": {"url": "https://i.example/1"}},
    "O": {
        "id": "O",
        "item_option_data": {"name": "Colour", "values": [{"id": "OV", "item_option_value_data": {"name": "Red"}}]},
    },
}
LINE = {"uid": "A", "catalog_object_id": "V", "item_type": "ITEM", "quantity": "2", "total_money": USD}
DETAILS = {"tracking_number": "1Z", "recipient": {"display_name": "Ada", "address": {"country": "US"}}}
PART = {
    "uid": "F",
    "state": "COMPLETED",
    "entries": [{"line_item_uid": "A", "quantity": "1"}],
    "shipment_details": DETAILS,
}
ORDER = {
    "id": "O1",
    "location_id": "L",
    "state": "OPEN",
    "version": 2,
    "created_at": "2026-11-22T10:00:00Z",
    "updated_at": "2026-11-22T10:00:00Z",
    "total_money": USD,
    "net_amounts": {"total_money": USD},
    "line_items": [LINE],
    "fulfillments": [PART],
    "tenders": [{"id": "T", "amount_money": USD}],
    "refunds": [{"id": "R", "amount_money": USD, "status": "APPROVED"}],
    "service_charges": [{"total_money": USD, "calculation_phase": "TOTAL_PHASE"}],
    "returns": [{"source_order_id": "O0", "return_line_items": [LINE]}],
    "metadata": {"bridge_reference": "web-1"},
    "source": {"name": "Point of Sale"},
    "customer_id": "C",
}
MOVED = {
    "id": "X",
    "catalog_object_id": "V",
    "from_state": "SOLD",
    "to_state": "IN_STOCK",
    "to_location_id": "L",
    "quantity": "1",
    "occurred_at": "2026-11-22T10:00:00Z",
    "source": {"product": "SQUARE_POS", "name": "till"},
    "transaction_id": "O1",
}
COUNT = {"catalog_object_id": "V", "location_id": "L", "state": "IN_STOCK", "quantity": "4"}
odd = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.just([]), st.just({}), st.just([1])
)


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the place of every node of a payload."""
    found = [here] if here else []
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return found + [place for step, inner in steps for place in paths(inner, (*here, step))]


@st.composite
def damaged(draw: st.DrawFn, whole: dict[str, Any]) -> dict[str, Any]:
    """A payload with one or two nodes replaced by something odd, or taken out."""
    broken = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 2))):
        *way, last = draw(st.sampled_from(paths(broken) or [("id",)]))
        place: Any = broken
        for step in way:
            place = place[step]
        if draw(st.booleans()) and isinstance(place, dict):
            del place[last]
        else:
            place[last] = copy.deepcopy(draw(odd))
    return broken


def check(read: Any, payload: dict[str, Any]) -> None:
    good, bad = sift([payload], read)
    assert len(good) + len(bad) == 1
    assert all(entry.reason for entry in bad)


@settings(max_examples=300)
@given(damaged(ITEM))
def test_items(payload: dict[str, Any]) -> None:
    check(partial(product, others=OTHERS), payload)
    check(tombstone, payload)


@settings(max_examples=150)
@given(damaged(OTHERS))
def test_what_items_refer_to(others: dict[str, Any]) -> None:
    check(partial(product, others={name: found for name, found in others.items() if isinstance(found, dict)}), ITEM)


@settings(max_examples=100)
@given(damaged(VARIATION))
def test_changed_variations(payload: dict[str, Any]) -> None:
    check(parent_of, payload)


@settings(max_examples=400)
@given(damaged(ORDER))
def test_orders(payload: dict[str, Any]) -> None:
    check(partial(order, restocked={}), payload)
    put_back([payload], [MOVED])


@settings(max_examples=200)
@given(damaged(MOVED))
def test_movements(payload: dict[str, Any]) -> None:
    check(causes, {"type": "ADJUSTMENT", "adjustment": payload})
    check(touched, {"type": "ADJUSTMENT", "adjustment": payload})
    check(causes, {"type": "PHYSICAL_COUNT", "physical_count": payload})
    put_back([ORDER], [payload])


@settings(max_examples=100)
@given(damaged(COUNT))
def test_counts(payload: dict[str, Any]) -> None:
    check(partial(level, as_of=datetime(2026, 11, 22, tzinfo=UTC)), payload)


def test_whole_payloads_are_read() -> None:
    for read, payload in ((partial(product, others=OTHERS), ITEM), (partial(order, restocked={}), ORDER)):
        good, bad = sift([payload], read)
        assert (len(good), bad) == (1, [])
