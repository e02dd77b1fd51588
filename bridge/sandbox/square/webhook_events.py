"""Events: what happened at the seller, told to whoever listens, and searchable for 28 days where that was switched on.

Nothing is made, kept or counted while nobody listens, so an account without webhooks is exactly the account it was.
Envelope and Events API: Connect API specification 2025-08-20; developer.squareup.com/docs/events-api/overview.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

import msgspec

from bridge.sandbox.square.errors import invalid
from bridge.sandbox.square.values import Clock, Json, cursor, moment, page_limit, position, stamp, strings, to_ms

__all__ = ["Event", "Events"]

KEPT_MS = 28 * 24 * 3_600_000
PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event. `body` is what subscribers get, byte for byte, however often it is sent."""

    id: str
    type: str
    created_ms: int
    location_id: str
    body: bytes


class Events:
    """Makes events, and keeps those that happen while searching is enabled ("All events are disabled by default")."""

    def __init__(self, clock: Clock, merchant_id: str) -> None:
        self.clock = clock
        self.merchant_id = merchant_id
        self.is_searchable = False
        self.kept: deque[Event] = deque()
        self.count = 0
        self.is_wanted: Callable[[str], bool] = lambda _: False
        self.on_event: Callable[[Event], None] = lambda _: None

    def happen(self, kind: str, data: Callable[[], Json], location_id: str = "") -> None:
        """Tell of an event of this type; `data` is only asked for if somebody wants to hear of it."""
        if not (self.is_searchable or self.is_wanted(kind)):
            return
        event = self.make(kind, data(), location_id)
        if self.is_searchable:
            self._keep(event)
        self.on_event(event)

    def make(self, kind: str, data: Json, location_id: str = "") -> Event:
        """Make an event as it is now; the objects in `data` may change afterwards."""
        now, event_id = self.clock.ms(), self.fresh_id()
        envelope = {"merchant_id": self.merchant_id, "type": kind, "event_id": event_id, "created_at": stamp(now)}
        body = msgspec.json.encode({**envelope, "data": data})
        return Event(id=event_id, type=kind, created_ms=now, location_id=location_id, body=body)

    def fresh_id(self) -> str:
        """Return an id of an event: scattered, never twice, and the same in every run."""
        self.count += 1
        # An odd multiplier permutes the counters.
        return str(UUID(int=self.count * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128)))

    def search(self, body: Json, version: str) -> Json:
        """SearchEvents: newest first unless told."""
        query = body.get("query") or {}
        matches = _test(query.get("filter") or {}, self.merchant_id)
        size = page_limit(body.get("limit"), PAGE, PAGE)
        behind = position(body["cursor"], 1)[0] if body.get("cursor") else None
        found: list[Event] = []
        for event in self._in_order((query.get("sort") or {}).get("order", "DESC")):
            if behind is not None:
                behind = None if event.id == behind else behind
            elif matches(event):
                if len(found) == size:
                    return _answer(found, version) | {"cursor": cursor(found[-1].id)}
                found.append(event)
        return _answer(found, version)

    def switch(self, *, on: bool) -> Json:
        """EnableEvents, DisableEvents: only what happens while enabled can ever be found."""
        self.is_searchable = on
        return {}

    def _keep(self, event: Event) -> None:
        while self.kept and self.kept[0].created_ms < event.created_ms - KEPT_MS:
            self.kept.popleft()
        self.kept.append(event)

    def _in_order(self, order: str) -> Iterator[Event]:
        if order not in ("ASC", "DESC"):
            raise invalid("INVALID_ENUM_VALUE", f"`{order}` is not a valid sort order.", "query.sort.order")
        oldest = self.clock.ms() - KEPT_MS
        events = self.kept if order == "ASC" else reversed(self.kept)
        return (event for event in events if event.created_ms >= oldest)


def _test(parts: Json, merchant_id: str) -> Callable[[Event], bool]:
    types, merchants, places = (
        set(strings(parts.get(name), f"query.filter.{name}"))
        for name in ("event_types", "merchant_ids", "location_ids")
    )
    span = parts.get("created_at") or {}
    begin = to_ms(moment(span["start_at"], "query.filter.created_at.start_at")) if span.get("start_at") else 0
    end = to_ms(moment(span["end_at"], "query.filter.created_at.end_at")) if span.get("end_at") else 1 << 62

    def test(event: Event) -> bool:
        if (types and event.type not in types) or (places and event.location_id not in places):
            return False
        return begin <= event.created_ms <= end and (not merchants or merchant_id in merchants)

    return test


def _answer(found: list[Event], version: str) -> Json:
    if not found:
        return {}
    events = []
    for event in found:
        shown = msgspec.json.decode(event.body)
        events.append({**shown, "location_id": event.location_id} if event.location_id else shown)
    return {"events": events, "metadata": [{"event_id": event.id, "api_version": version} for event in found]}
