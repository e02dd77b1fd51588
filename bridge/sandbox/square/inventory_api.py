"""The Inventory API's own rules: which changes an application may send, and how counts and changes are read."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from bridge.sandbox.square.catalog import Catalog
from bridge.sandbox.square.errors import SquareError, invalid, missing, not_found
from bridge.sandbox.square.inventory import Change, Inventory, Key
from bridge.sandbox.square.values import (
    Json,
    cursor,
    moment,
    page_limit,
    position,
    quantity,
    stamp,
    strings,
    to_ms,
    units,
)

MAX_CHANGES = 100
"""Square's older client documentation: "Max size is 100 changes" (connect-python-sdk, BatchChangeInventoryRequest)."""

OLDEST = timedelta(hours=24)
TWO_PLACES = "2026-07-15"
"""Since this version an adjustment has `from_location_id` and `to_location_id` instead of `location_id`, and the log
shows what Square books by itself: the difference of a count, the sale of an untracked variation
(developer.squareup.com/docs/changelog/connect-logs/2026-07-15)."""

STATES = frozenset(
    "CUSTOM IN_STOCK SOLD RETURNED_BY_CUSTOMER RESERVED_FOR_SALE SOLD_ONLINE ORDERED_FROM_VENDOR RECEIVED_FROM_VENDOR "
    "IN_TRANSIT_TO NONE WASTE UNLINKED_RETURN COMPOSED DECOMPOSED SUPPORTED_BY_NEWER_VERSION IN_TRANSIT UNTRACKED".split()
)
COUNTABLE = frozenset({"IN_STOCK", "WASTE"})
MOVES = frozenset(
    {
        ("NONE", "IN_STOCK"),
        ("UNLINKED_RETURN", "IN_STOCK"),
        ("UNLINKED_RETURN", "WASTE"),
        ("IN_STOCK", "SOLD"),
        ("IN_STOCK", "WASTE"),
    }
)
"""All other states are read-only to the API (reference, InventoryState); the pairs are those integrations use."""

PAGE = 100
MAX_PAGE = 1_000


class InventoryApi:
    """Answers the calls of the Inventory API."""

    def __init__(self, inventory: Inventory, catalog: Catalog, locations: Iterable[str], source: Json) -> None:
        self.inventory = inventory
        self.catalog = catalog
        self.locations = frozenset(locations)
        self.source = source

    def change(self, body: Json, version: str) -> Json:
        """BatchChangeInventory: all changes are checked first and then take effect together."""
        changes = body.get("changes")
        if not isinstance(changes, list) or not changes:
            raise missing("changes")
        if len(changes) > MAX_CHANGES:
            raise invalid("ARRAY_LENGTH_TOO_LONG", f"At most {MAX_CHANGES} changes are allowed.", "changes")
        ready = [self._check(change, f"changes[{n}]", version) for n, change in enumerate(changes)]
        ignore = body.get("ignore_unchanged_counts") is not False
        made = [change for one in ready if (change := self._make(one, ignore)) is not None]
        keys = dict.fromkeys((one["key"]) for one in ready)
        counts = [answer for key in keys for answer in self.inventory.answers(key)]
        return {"counts": counts, "changes": [change_answer(change, version) for change in made]}

    def counts(self, body: Json) -> Json:
        """BatchRetrieveInventoryCounts: newest first; `updated_after` looks at `calculated_at` and is exclusive."""
        states = _states(body.get("states"))
        places = set(strings(body.get("location_ids"), "location_ids"))
        wanted = strings(body.get("catalog_object_ids"), "catalog_object_ids")
        oldest = _ms(body.get("updated_after"), "updated_after", -1)
        size = page_limit(body.get("limit"), PAGE, MAX_PAGE)
        end = position(body["cursor"], 1)[0] if body.get("cursor") else len(self.inventory.touches)
        stream = self._counted(set(wanted), end) if wanted else self._all_counted(end)
        found: list[tuple[int, Key, str]] = []
        for place, key, state in stream:
            if self.inventory.touches[place][0] <= oldest:
                break
            if (states is None or state in states) and (not places or key[1] in places):
                if len(found) == size:
                    return self._count_page(found) | {"cursor": cursor(found[-1][0])}
                found.append((place, key, state))
        return self._count_page(found)

    def counts_of(self, object_id: str, location_ids: str | None) -> Json:
        """RetrieveInventoryCount."""
        places = set(location_ids.split(",")) if location_ids else self.locations
        if object_id not in self.catalog.entries:
            raise not_found(f"Catalog object with ID `{object_id}` not found.")
        keys = [key for key in self.inventory.by_variation.get(object_id, ()) if key[1] in places]
        return {"counts": [answer for key in keys for answer in self.inventory.answers(key)]}

    def changes(self, body: Json, version: str) -> Json:
        """BatchRetrieveInventoryChanges: oldest `occurred_at` first; `states` narrows adjustments only."""
        kinds = set(strings(body.get("types"), "types")) or {"PHYSICAL_COUNT", "ADJUSTMENT"}
        states = _states(body.get("states"))
        places = set(strings(body.get("location_ids"), "location_ids"))
        wanted = set(strings(body.get("catalog_object_ids"), "catalog_object_ids"))
        reasons = _reasons(body.get("reason_ids"), states)
        oldest = _ms(body.get("updated_after"), "updated_after", -1)
        newest = _ms(body.get("updated_before"), "updated_before", 1 << 62)
        found = [
            change
            for change in self._received(oldest, wanted)
            if change.created_ms < newest
            and (not places or change.location_id in places)
            and ("PHYSICAL_COUNT" if change.is_count else "ADJUSTMENT") in kinds
            and (states is None or change.is_count or not states.isdisjoint((change.from_state, change.to_state)))
            and (reasons is None or change.is_count or change.extra.get("reason_id", {}).get("type") in reasons)
            and (version >= TWO_PLACES or not (change.is_inferred or change.from_state == "UNTRACKED"))
        ]
        return self._change_page(found, body, version)

    def one(self, change_id: str, version: str, *, count: bool) -> Json:
        """RetrieveInventoryAdjustment and RetrieveInventoryPhysicalCount."""
        change = self.inventory.by_id.get(change_id)
        if change is None or change.is_count != count:
            raise not_found(f"Inventory change with ID `{change_id}` not found.")
        answer = change_answer(change, version)
        return {"count": answer["physical_count"]} if count else {"adjustment": answer["adjustment"]}

    def _count_page(self, found: list[tuple[int, Key, str]]) -> Json:
        return {"counts": [self.inventory.count_answer(key, state) for _, key, state in found]}

    def _change_page(self, found: list[Change], body: Json, version: str) -> Json:
        sort = body.get("sort") or {}
        backwards = sort.get("order") == "DESC"
        found.sort(key=lambda change: (change.occurred_ms, change.seq), reverse=backwards)
        size = page_limit(body.get("limit"), PAGE, MAX_PAGE)
        if body.get("cursor"):
            behind = tuple(position(body["cursor"], 2))
            found = [
                c for c in found if ((c.occurred_ms, c.seq) < behind if backwards else (c.occurred_ms, c.seq) > behind)
            ]
        answer: Json = {"changes": [change_answer(change, version) for change in found[:size]]}
        if len(found) > size:
            answer["cursor"] = cursor(found[size - 1].occurred_ms, found[size - 1].seq)
        return answer

    def _received(self, oldest: int, wanted: set[str]) -> Iterable[Change]:
        if not wanted:
            return self.inventory.journal[self.inventory.since(oldest) :]
        keys = [key for one in wanted for key in self.inventory.by_variation.get(one, ())]
        shelves = [self.inventory.shelves[key] for key in keys]
        return [c for shelf in shelves for c in (*shelf.log, *shelf.inferred) if c.created_ms > oldest]

    def _counted(self, wanted: set[str], end: int) -> Iterator[tuple[int, Key, str]]:
        keys = [key for one in wanted for key in self.inventory.by_variation.get(one, ())]
        found = [(p, key, state) for key in keys for state, p in self.inventory.shelves[key].touched.items() if p < end]
        return iter(sorted(found, reverse=True))

    def _all_counted(self, end: int) -> Iterator[tuple[int, Key, str]]:
        touches, shelves = self.inventory.touches, self.inventory.shelves
        for place in range(end - 1, -1, -1):
            _, key, state = touches[place]
            if shelves[key].touched[state] == place:
                yield place, key, state

    def _check(self, change: Any, where: str, version: str) -> Json:
        kind = change.get("type") if isinstance(change, dict) else None
        if kind == "PHYSICAL_COUNT":
            part = _part(change, "physical_count", where)
            ready = self._common(part, f"{where}.physical_count", part.get("location_id"), "location_id")
            ready |= {"from_state": "", "to_state": _countable(part.get("state"), f"{where}.physical_count.state")}
        elif kind == "ADJUSTMENT":
            part = _part(change, "adjustment", where)
            place, name = _place(part, f"{where}.adjustment", version)
            ready = self._common(part, f"{where}.adjustment", place, name)
            ready |= _move(part, f"{where}.adjustment")
        elif kind == "TRANSFER":
            raise _retail_plus(where)
        else:
            raise invalid("INVALID_ENUM_VALUE", f"`{kind}` is not a valid inventory change type.", f"{where}.type")
        return ready

    def _common(self, part: Json, where: str, place: Any, place_name: str) -> Json:
        object_id = part.get("catalog_object_id")
        if object_id is None:
            raise missing(f"{where}.catalog_object_id")
        if self.catalog.live(object_id, "ITEM_VARIATION") is None:
            raise not_found(f"Item variation with ID `{object_id}` not found.", f"{where}.catalog_object_id")
        if place is None:
            raise missing(f"{where}.{place_name}")
        if place not in self.locations:
            raise not_found(f"Location with ID `{place}` not found.", f"{where}.{place_name}")
        amount = units(part.get("quantity"), f"{where}.quantity")
        if amount < 0:
            raise invalid("VALUE_TOO_LOW", "Quantity must not be negative.", f"{where}.quantity")
        extra = {
            name: part[name]
            for name in ("reference_id", "employee_id", "team_member_id", "reason_id")
            if part.get(name)
        }
        _check_length(extra.get("reference_id"), 255, f"{where}.reference_id")
        at = self._occurred(part.get("occurred_at"), f"{where}.occurred_at")
        return {"key": (object_id, place), "quantity": amount, "at": at, "extra": extra}

    def _occurred(self, text: Any, field: str) -> int:
        if text is None:
            raise missing(field)
        when, now = moment(text, field), self.inventory.clock.now()
        if when > now:
            raise invalid("INVALID_TIME", "occurred_at must not be in the future.", field)
        if when < now - OLDEST:
            raise invalid("INVALID_TIME", "occurred_at must not be older than 24 hours.", field)
        return to_ms(when)

    def _make(self, ready: Json, ignore: bool) -> Change | None:
        key, state, amount = ready["key"], ready["to_state"], ready["quantity"]
        if ready["from_state"]:
            return self.inventory.adjust(
                key, ready["from_state"], state, amount, self.source, at=ready["at"], cause=ready["extra"]
            )
        if ignore and self.inventory.is_unchanged(key, state, amount):
            return None
        return self.inventory.count(key, state, amount, self.source, at=ready["at"], cause=ready["extra"])


def change_answer(change: Change, version: str) -> Json:
    """Return the `InventoryChange` as the API version asked for shows it."""
    common = {
        "id": change.id,
        "catalog_object_id": change.catalog_object_id,
        "catalog_object_type": "ITEM_VARIATION",
        "quantity": quantity(change.quantity),
        "source": change.source,
        "occurred_at": stamp(change.occurred_ms),
        "created_at": stamp(change.created_ms),
        **change.extra,
    }
    if version < TWO_PLACES:
        common.pop("reason_id", None)
    if change.is_count:
        return {
            "type": "PHYSICAL_COUNT",
            "physical_count": {**common, "state": change.to_state, "location_id": change.location_id},
        }
    places = ("location_id",) if version < TWO_PLACES else ("from_location_id", "to_location_id")
    move = {"from_state": change.from_state, "to_state": change.to_state}
    return {"type": "ADJUSTMENT", "adjustment": {**common, **move, **dict.fromkeys(places, change.location_id)}}


def _place(part: Json, where: str, version: str) -> tuple[Any, str]:
    if version < TWO_PLACES:
        return part.get("location_id"), "location_id"
    place, other = part.get("from_location_id"), part.get("to_location_id")
    if place is not None and other is not None and place != other:
        raise _retail_plus(where)
    if place is not None and other is None:
        raise missing(f"{where}.to_location_id")
    return place, "from_location_id"


def _retail_plus(where: str) -> SquareError:
    detail = "Transferring inventory between locations requires an active Retail Plus subscription."
    return SquareError(403, "MERCHANT_SUBSCRIPTION_ERROR", "MERCHANT_SUBSCRIPTION_NOT_FOUND", detail, where)


def _part(change: Json, name: str, where: str) -> Json:
    part = change.get(name)
    if not isinstance(part, dict):
        raise missing(f"{where}.{name}")
    return part


def _move(part: Json, where: str) -> Json:
    move = (part.get("from_state"), part.get("to_state"))
    for name, state in zip(("from_state", "to_state"), move, strict=True):
        if state not in STATES:
            raise invalid("INVALID_ENUM_VALUE", f"`{state}` is not a valid inventory state.", f"{where}.{name}")
    if move not in MOVES:
        raise invalid("INVALID_VALUE", f"Inventory cannot be moved from {move[0]} to {move[1]}.", f"{where}.to_state")
    return {"from_state": move[0], "to_state": move[1]}


def _countable(state: Any, field: str) -> str:
    if state not in STATES:
        raise invalid("INVALID_ENUM_VALUE", f"`{state}` is not a valid inventory state.", field)
    if state not in COUNTABLE:
        raise invalid("INVALID_VALUE", f"A physical count cannot be taken of state {state}.", field)
    return str(state)


def _check_length(text: Any, longest: int, field: str) -> None:
    if text is not None and len(text) > longest:
        raise invalid("VALUE_TOO_LONG", f"Field must not be greater than {longest} in length", field)


def _states(value: Any) -> frozenset[str] | None:
    states = strings(value, "states")
    for state in states:
        if state not in STATES:
            raise invalid("INVALID_ENUM_VALUE", f"`{state}` is not a valid inventory state.", "states")
    return frozenset(states) if states else None


def _reasons(value: Any, states: frozenset[str] | None) -> set[str] | None:
    if not value:
        return None
    if states is not None:
        # "The request cannot include both `reason_ids` and `states`" (squareup 46, inventory client).
        raise invalid("CONFLICTING_PARAMETERS", "reason_ids and states cannot be combined.", "reason_ids")
    return {one.get("type") for one in value}


def _ms(text: Any, field: str, default: int) -> int:
    return default if text is None else to_ms(moment(text, field))
