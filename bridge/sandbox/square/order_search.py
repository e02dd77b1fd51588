"""SearchOrders: by time of creation, change or closing, in pages that hold still while orders change."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from typing import Any
from zlib import crc32

import msgspec

from bridge.sandbox.square.errors import bad_request, invalid, not_found
from bridge.sandbox.square.orders import Order, Orders
from bridge.sandbox.square.values import Json, cursor, moment, page_limit, position, strings, to_ms

FIELDS = ("created_at", "updated_at", "closed_at")
MAX_LOCATIONS = 10
PAGE = 500
MAX_PAGE = 1_000

Place = tuple[int, int]


def _time(order: Order, field: str) -> int | None:
    return {"created_at": order.created_ms, "updated_at": order.updated_ms, "closed_at": order.closed_ms}[field]


class OrderSearch:
    """Orders sorted by each of their three times; an order that moves leaves a stale place behind, which is skipped."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.by_seq: list[Order] = []
        self.places: dict[str, list[Place]] = {field: [] for field in FIELDS}
        orders.on_change = self.note

    def note(self, order: Order) -> None:
        """Put an order where its times now belong."""
        if order.seq == len(self.by_seq):
            self.by_seq.append(order)
        for field in FIELDS:
            time = _time(order, field)
            if time is not None:
                self._place(self.places[field], (time, order.seq))

    def search(self, body: Json) -> Json:
        """SearchOrders."""
        locations = self._locations(body)
        query = body.get("query") or {}
        parts, sort = query.get("filter") or {}, query.get("sort") or {}
        field, span = _sorting(parts.get("date_time_filter") or {}, sort)
        backwards = sort.get("sort_order", "DESC") != "ASC"
        mark = crc32(msgspec.json.encode([query, sorted(locations)]))
        end, behind = self._start(body, span, mark)
        matches = _test(parts, locations)
        size = page_limit(body.get("limit"), PAGE, MAX_PAGE)
        found: list[tuple[Place, Order]] = []
        for place, order in self._scan(field, _start_of(span), end, behind, backwards):
            if matches(order):
                if len(found) == size:
                    return self._answer(body, found) | {"cursor": cursor(mark, end, *found[-1][0])}
                found.append((place, order))
        return self._answer(body, found)

    def _start(self, body: Json, span: Json, mark: int) -> tuple[int, Place | None]:
        if not body.get("cursor"):
            # "If the end time is absent, it defaults to the time of the first request for the cursor" (specification).
            stop = span.get("end_at")
            return self.orders.clock.ms() if stop is None else to_ms(moment(stop, "end_at")), None
        kept, end, time, seq = position(body["cursor"], 4)
        if kept != mark:
            raise invalid("INVALID_CURSOR", "The cursor belongs to another query.", "cursor")
        return end, (time, seq)

    def _scan(
        self, field: str, start: int, end: int, behind: Place | None, backwards: bool
    ) -> Iterator[tuple[Place, Order]]:
        places = self.places[field]
        first, last = bisect_left(places, (start, -1)), bisect_right(places, (end, 1 << 62))
        if behind is not None and backwards:
            last = bisect_left(places, behind)
        elif behind is not None:
            first = bisect_right(places, behind)
        for i in range(last - 1, first - 1, -1) if backwards else range(first, last):
            order = self.by_seq[places[i][1]]
            if _time(order, field) == places[i][0]:
                yield places[i], order

    def _locations(self, body: Json) -> frozenset[str]:
        locations = strings(body.get("location_ids"), "location_ids")
        if not locations:
            raise bad_request("At least one location ID must be given.", "location_ids")
        if len(locations) > MAX_LOCATIONS:
            raise invalid("ARRAY_LENGTH_TOO_LONG", "At most 10 location IDs are allowed.", "location_ids")
        for location in locations:
            if location not in self.orders.seller.locations:
                raise not_found(f"Location with ID `{location}` not found.", "location_ids")
        return frozenset(locations)

    def _answer(self, body: Json, found: list[tuple[Place, Order]]) -> Json:
        if not body.get("return_entries"):
            return {"orders": [self.orders.answer(order) for _, order in found]} if found else {}
        entries = [{"order_id": order.id, "location_id": order.data["location_id"]} for _, order in found]
        for entry, (_, order) in zip(entries, found, strict=True):
            if order.version is not None:
                entry["version"] = order.version
        return {"order_entries": entries} if entries else {}

    @staticmethod
    def _place(places: list[Place], place: Place) -> None:
        if not places or place > places[-1]:
            places.append(place)
        elif places[bisect_left(places, place) % len(places)] != place:
            insort(places, place)


def _sorting(times: Json, sort: Json) -> tuple[str, Json]:
    """Choose the time to sort by; a time filter must be on that same time (specification, `SearchOrdersSort`)."""
    name = str(sort.get("sort_field", "CREATED_AT"))
    if name.lower() not in FIELDS:
        raise invalid("INVALID_ENUM_VALUE", f"`{name}` is not a valid sort field.", "query.sort.sort_field")
    if sort.get("sort_order", "DESC") not in ("ASC", "DESC"):
        raise invalid("INVALID_SORT_ORDER", "sort_order must be ASC or DESC.", "query.sort.sort_order")
    given = [field for field in FIELDS if times.get(field)]
    if len(given) > 1:
        raise bad_request("Only one time range can be filtered by.", "query.filter.date_time_filter")
    if given and given[0] != name.lower():
        raise bad_request("sort_field must match the field of date_time_filter.", "query.sort.sort_field")
    return name.lower(), times[given[0]] if given else {}


def _start_of(span: Json) -> int:
    return to_ms(moment(span["start_at"], "start_at")) if span.get("start_at") else 0


def _test(parts: Json, locations: frozenset[str]) -> Callable[[Order], bool]:
    states = set((parts.get("state_filter") or {}).get("states") or ())
    sources = set((parts.get("source_filter") or {}).get("source_names") or ())
    customers = set((parts.get("customer_filter") or {}).get("customer_ids") or ())
    fulfillment = parts.get("fulfillment_filter") or {}
    kinds = set(fulfillment.get("fulfillment_types") or ())
    stages = set(fulfillment.get("fulfillment_states") or ())

    def matches(order: Order) -> bool:
        data = order.data
        return (
            data["location_id"] in locations
            and (not states or data["state"] in states)
            and (not sources or data["source"].get("name") in sources)
            and (not customers or data.get("customer_id") in customers)
            and (not (kinds or stages) or any(_fits(f, kinds, stages) for f in data.get("fulfillments") or ()))
        )

    return matches


def _fits(fulfillment: Json, kinds: set[Any], stages: set[Any]) -> bool:
    return (not kinds or fulfillment["type"] in kinds) and (not stages or fulfillment["state"] in stages)
