"""One transaction's work on counters and positions: load what is touched, change it in memory, write it once.

Whatever touches a counter also settles its positions here, in the same transaction, so a crash can never come between a
movement and the targets that follow from it.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy.engine import Connection

from bridge.domain import allotment
from bridge.domain.catalog import StockKey
from bridge.domain.ledger import Counter, Movement, stock
from bridge.domain.position import Aim, Position, aimed
from bridge.engine.context import Context
from bridge.engine.events import Events
from bridge.store import ledger, listings, positions

__all__ = ["Desk"]

_Slot = tuple[str, str, str]
_Number = Position | Aim


class Desk:
    """Use it inside one unit of work and `close` it at the end of the unit."""

    def __init__(self, connection: Connection, context: Context, now: datetime) -> None:
        self.connection = connection
        self.context = context
        self.now = now
        self._known: dict[_Slot, Position] = {}
        self._stored: dict[_Slot, Position] = {}
        self._movements: list[Movement] = []
        self._touched: set[str] = set()
        self._balances: dict[Counter, int] = {}
        self._aimed: list[tuple[str, str, str, int | None]] = []
        self._reserved: Tally[Counter] = Tally()

    def positions(self, channel: str, keys: Iterable[StockKey]) -> dict[StockKey, Position]:
        """Return the channel's positions with these keys, as they stand at this desk."""
        wanted = set(keys)
        missing = [key for key in wanted if (channel, *key) not in self._known]
        for position in positions.by_keys(self.connection, channel, missing).values():
            self._learn(position)
        return {key: self._known[channel, *key] for key in wanted if (channel, *key) in self._known}

    def position(self, channel: str, key: StockKey) -> Position | None:
        """Return one position."""
        return self._known.get((channel, *key)) or self.positions(channel, [key]).get(key)

    def opened(self, counters: Iterable[Counter]) -> dict[Counter, datetime | None]:
        """Return since when these counters are kept; their balances are remembered for the settling."""
        found = ledger.standing(self.connection, counters)
        self._balances.update((counter, balance) for counter, (_, balance) in found.items())
        return {counter: at for counter, (at, _) in found.items()}

    def put(self, position: Position) -> None:
        """Change a position."""
        self._known[_slot(position)] = position

    def move(self, movement: Movement) -> None:
        """Append a movement."""
        self._movements.append(movement)
        if movement.counter.kind == "stock":
            self._touched.add(movement.counter.key)

    def reserve(self, counter: Counter, units: int) -> None:
        """Note that a hold took these units out of what is free (negative: gave them back); the caller writes the hold."""
        if counter.kind == "stock":
            self._reserved[counter] += units
            self._touched.add(counter.key)

    def touch(self, sku: str) -> None:
        """Have the positions of this SKU settled although no movement came."""
        self._touched.add(sku)

    def close(self) -> int:
        """Write everything; return how many movements were appended."""
        for counter, total in ledger.append(self.connection, self._movements, self.now).items():
            if counter in self._balances:
                self._balances[counter] += total
        self._settle()
        pairs = ((self._stored.get(slot), one) for slot, one in self._known.items())
        positions.change_all(self.connection, ((before, one) for before, one in pairs if before is not one))
        positions.aim(self.connection, self._aimed)
        if self.context.events is not None:
            self._tell(self.context.events)
        return len(self._movements)

    def _tell(self, events: Events) -> None:
        """An opening is no news: nobody knew a number before it."""
        change = Tally({counter: -units for counter, units in self._reserved.items()})
        for movement in self._movements:
            if movement.counter.kind == "stock":
                change[movement.counter] += movement.delta
        opened = {movement.counter for movement in self._movements if movement.why == "opening"}
        moved = [counter for counter, units in change.items() if units and counter not in opened]
        free = ledger.available(self.connection, moved, self._balances) if moved else {}
        events.stock(self.connection, {one: (units - change[one], units) for one, units in free.items()}, self.now)

    def _learn(self, position: Position) -> None:
        slot = _slot(position)
        if slot not in self._known:
            self._known[slot] = position
            self._stored[slot] = position

    def _settle(self) -> None:
        if not self._touched:
            return
        skus = self._touched | _kits_with(self.context, self._touched)
        mine: list[_Number] = [one for one in self._known.values() if one.sku in skus]
        mine += (one for one in positions.aims(self.connection, skus) if one[:3] not in self._known)
        for one, target in settled(self.connection, self.context, mine, self._balances):
            slot = one[:3] if isinstance(one, Aim) else _slot(one)
            # A position that nothing else has changed is written by its target alone.
            if isinstance(one, Aim) or one is self._stored.get(slot):
                self._aimed.append((*slot, target))
            else:
                self._known[slot] = aimed(one, target)


def _kits_with(context: Context, skus: set[str]) -> set[str]:
    return {kit for kit, parts in context.rules.kits.items() if not skus.isdisjoint(parts)}


def _slot(position: Position) -> _Slot:
    return (position.channel, *position.key)


def settled(
    connection: Connection, context: Context, rows: Sequence[_Number], known: Mapping[Counter, int]
) -> list[tuple[_Number, int | None]]:
    """Return those of the rows whose target changes, and the new one of each: target = policy(available, channel)."""
    kits = context.rules.kits
    counters = {stock(sku, row.place) for row in rows for sku in kits.get(row.sku, (row.sku,))}
    free = ledger.available(connection, counters, known)
    rules = context.rules.allotment
    tags = listings.tags(connection, {row.sku for row in rows}) if any(rule.tag for rule in rules) else {}
    targets = ((row, _target(context, row, free, tags.get(row.sku, frozenset()))) for row in rows)
    return [(row, target) for row, target in targets if target != row.target]


def _target(context: Context, row: _Number, free: Mapping[Counter, int], tags: frozenset[str]) -> int | None:
    parts = context.rules.kits.get(row.sku)
    if parts:
        at_place = {sku: free.get(stock(sku, row.place), 0) for sku in parts}
        available: int | None = allotment.available_kits(tuple(parts.items()), at_place)
    else:
        available = free.get(stock(row.sku, row.place))
    if available is None:
        return None
    policy = allotment.choose(context.rules.allotment, row.sku, tags, row.channel)
    channel = context.channels.get(row.channel)
    if channel is not None and channel.keeps(row.key):
        return None
    target = allotment.target(policy, available)
    return min(target, channel.connector.limits.stock_max) if channel else target
