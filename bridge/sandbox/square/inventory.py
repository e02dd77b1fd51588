"""Inventory: a change log per variation and location, and the counts worked out from it. No HTTP, no parsing.

Counts follow the log in the order of `occurred_at`, not of arrival: a sale rung up offline before a physical count and
uploaded after it leaves the count as it is (developer.squareup.com/docs/inventory-api/how-it-works).
"""

from bisect import bisect_right, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bridge.sandbox.square.values import Clock, Ids, Json, quantity, stamp

UNTRACKED = frozenset({"NONE", "SOLD", "UNLINKED_RETURN", "UNTRACKED"})
"""Quantities in these states are not kept (specification, `InventoryState`)."""

Key = tuple[str, str]


@dataclass(slots=True, kw_only=True)
class Change:
    """One entry of the log: a physical count (`from_state` empty) or an adjustment. Quantity in 1/100000."""

    id: str
    catalog_object_id: str
    location_id: str
    from_state: str
    to_state: str
    quantity: int
    occurred_ms: int
    created_ms: int
    seq: int
    source: Json
    extra: Json
    is_inferred: bool = False

    @property
    def is_count(self) -> bool:
        """Tell a physical count from an adjustment."""
        return not self.from_state


@dataclass(slots=True)
class Shelf:
    """One variation at one location: its log by time of occurrence, and what it adds up to per state."""

    log: list[Change] = field(default_factory=list)
    inferred: list[Change] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    touched: dict[str, int] = field(default_factory=dict)


def _when(change: Change) -> tuple[int, int]:
    return change.occurred_ms, change.seq


class Inventory:
    """The change log of all variations at all locations."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self.clock = clock
        self.ids = ids
        self.shelves: dict[Key, Shelf] = {}
        self.by_variation: dict[str, list[Key]] = {}
        self.journal: list[Change] = []
        self.by_id: dict[str, Change] = {}
        self.touches: list[tuple[int, Key, str]] = []
        self.on_stock: Callable[[str, str, int], None] = lambda *_: None
        self.on_count: Callable[[Key, list[str]], None] = lambda *_: None

    def adjust(
        self,
        key: Key,
        from_state: str,
        to_state: str,
        amount: int,
        source: Json,
        *,
        at: int | None = None,
        cause: Json | None = None,
    ) -> Change:
        """Move a quantity from one state to another; at `at` (ms) or now."""
        return self._record(key, from_state, to_state, amount, source, at, cause or {})

    def count(
        self, key: Key, state: str, amount: int, source: Json, *, at: int | None = None, cause: Json | None = None
    ) -> Change:
        """Say how many there are in a state, as of `at` (ms) or now; Square books the difference beside it.

        A shortage is booked as IN_STOCK to WASTE, a surplus as NONE to IN_STOCK
        (developer.squareup.com/docs/inventory-api/cookbook/reconcile-computed-quantity).
        """
        surplus = amount - self._expected(key, state, self.clock.ms() if at is None else at)
        counted = self._record(key, "", state, amount, source, at, cause or {})
        if surplus and state == "IN_STOCK":
            states = ("NONE", "IN_STOCK") if surplus > 0 else ("IN_STOCK", "WASTE")
            link = {"physical_count_id": counted.id, "reason_id": {"type": "RECOUNT"}}
            change = self._change(key, *states, abs(surplus), source, at, link, is_inferred=True)
            self.shelves[key].inferred.append(change)
        return counted

    def of(self, key: Key, state: str = "IN_STOCK") -> int | None:
        """Return the count in 1/100000, or None if nothing was ever recorded there."""
        shelf = self.shelves.get(key)
        return None if shelf is None else shelf.counts.get(state)

    def is_unchanged(self, key: Key, state: str, amount: int) -> bool:
        """Tell whether a count says what the last count said and nothing happened in between."""
        shelf = self.shelves.get(key)
        last = next((c for c in reversed(shelf.log) if c.is_count and c.to_state == state), None) if shelf else None
        return last is not None and last.quantity == amount and self.of(key, state) == amount

    def answers(self, key: Key, states: frozenset[str] | None = None) -> Iterator[Json]:
        """Return the `InventoryCount`s of one variation at one location."""
        shelf = self.shelves.get(key)
        for state in shelf.counts if shelf else ():
            if states is None or state in states:
                yield self.count_answer(key, state)

    def count_answer(self, key: Key, state: str) -> Json:
        """Return one `InventoryCount`."""
        shelf = self.shelves[key]
        return {
            "catalog_object_id": key[0],
            "catalog_object_type": "ITEM_VARIATION",
            "state": state,
            "location_id": key[1],
            "quantity": quantity(shelf.counts[state]),
            "calculated_at": stamp(self.touches[shelf.touched[state]][0]),
        }

    def since(self, ms: int) -> int:
        """Return the position in the journal behind everything received up to `ms`."""
        return bisect_right(self.journal, ms, key=lambda change: change.created_ms)

    def _expected(self, key: Key, state: str, at: int) -> int:
        """Return what the log up to a time adds up to."""
        shelf = self.shelves.get(key)
        if shelf is None:
            return 0
        if not shelf.log or shelf.log[-1].occurred_ms <= at:
            return shelf.counts.get(state, 0)
        counts: dict[str, int] = {}
        for change in shelf.log[: bisect_right(shelf.log, at, key=lambda change: change.occurred_ms)]:
            _add(counts, change)
        return counts.get(state, 0)

    def _record(
        self, key: Key, from_state: str, to_state: str, amount: int, source: Json, at: int | None, extra: Json
    ) -> Change:
        change = self._change(key, from_state, to_state, amount, source, at, extra)
        self._apply(key, change)
        return change

    def _change(
        self,
        key: Key,
        from_state: str,
        to_state: str,
        amount: int,
        source: Json,
        at: int | None,
        extra: Json,
        *,
        is_inferred: bool = False,
    ) -> Change:
        now = self.clock.ms()
        change = Change(
            id=self.ids.make(24),
            catalog_object_id=key[0],
            location_id=key[1],
            from_state=from_state,
            to_state=to_state,
            quantity=amount,
            occurred_ms=now if at is None else at,
            created_ms=now,
            seq=len(self.journal),
            source=source,
            extra={name: value for name, value in extra.items() if value is not None},
            is_inferred=is_inferred,
        )
        self.journal.append(change)
        self.by_id[change.id] = change
        return change

    def _apply(self, key: Key, change: Change) -> None:
        shelf = self.shelves.get(key)
        if shelf is None:
            shelf = self.shelves[key] = Shelf()
            self.by_variation.setdefault(key[0], []).append(key)
        before = shelf.counts.get("IN_STOCK")
        if shelf.log and _when(change) < _when(shelf.log[-1]):
            insort(shelf.log, change, key=_when)
            self._recount(shelf)
        else:
            shelf.log.append(change)
            _add(shelf.counts, change)
        moved = sorted({change.from_state, change.to_state} - UNTRACKED - {""})
        for state in moved:
            shelf.touched[state] = len(self.touches)
            self.touches.append((change.created_ms, key, state))
        after = shelf.counts.get("IN_STOCK")
        if after is not None and (before is None or (before > 0) != (after > 0)):
            self.on_stock(*key, after)
        self.on_count(key, moved)

    def _recount(self, shelf: Shelf) -> None:
        shelf.counts.clear()
        for change in shelf.log:
            _add(shelf.counts, change)


def _add(counts: dict[str, int], change: Change) -> None:
    if change.is_count:
        counts[change.to_state] = change.quantity
        return
    if change.from_state not in UNTRACKED:
        counts[change.from_state] = counts.get(change.from_state, 0) - change.quantity
    if change.to_state not in UNTRACKED:
        counts[change.to_state] = counts.get(change.to_state, 0) + change.quantity
