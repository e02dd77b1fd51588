"""The purse: what may still be spent of a platform's limits of a day, and what waits until there is more.

A part of each limit is kept for numbers that go to 0: a thing that is sold out must disappear whatever was spent before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.engine import Connection

from bridge.contract.limits import Limits
from bridge.contract.stock import StockChange
from bridge.domain.catalog import StockKey
from bridge.domain.position import Due, Position
from bridge.engine.context import Channel
from bridge.store import listings, positions, spendings

__all__ = ["Purse", "first", "opened", "postpone", "reserve", "urgency"]


def urgency(shown: int, target: int) -> int:
    """Rank a change, the most urgent lowest: sold out, back in stock, lower, higher."""
    if target <= 0:
        return 0
    if shown <= 0:
        return 1
    return 2 if target < shown else 3


def _rank(change: StockChange) -> int:
    return urgency(change.shown, change.shown + change.delta)


def first(rows: Sequence[Position]) -> list[Position]:
    """Return the rows with the most urgent ones first."""
    return sorted(rows, key=lambda row: urgency(row.shown or 0, row.target or 0))


def reserve(limit: int) -> int:
    """Return the part of a day's limit that only sold-out numbers may use."""
    return max(1, limit // 10) if limit else 0


@dataclass(slots=True)
class Purse:
    """One push's purse. `calls` and `changes` are what was spent within a day; `listing` says whose changes a number's are."""

    limits: Limits
    calls: int = 0
    changes: dict[str, int] = field(default_factory=dict)
    listing: Mapping[str, str] = field(default_factory=dict)

    def affords(self, change: StockChange) -> bool:
        """Whether this listing may be changed once more today."""
        most = self._most(self.limits.changes_per_day, sold_out=_rank(change) == 0)
        return most is None or self.changes.get(self._listing(change.key), 0) < most

    def take(self, batch: Sequence[StockChange]) -> bool:
        """Take a call out for these rows; False where none is left for them."""
        most = self._most(self.limits.writes_per_day, sold_out=any(_rank(one) == 0 for one in batch))
        if most is not None and self.calls >= most:
            return False
        self.calls += 1
        for name, units in self.price(batch).items():
            if name != spendings.CALLS:
                self.changes[name] = self.changes.get(name, 0) + units
        return True

    def price(self, batch: Sequence[StockChange]) -> dict[str, int]:
        """Return what a call for these rows costs, as the store keeps it."""
        cost: dict[str, int] = {spendings.CALLS: 1} if self.limits.writes_per_day else {}
        for one in batch if self.limits.changes_per_day else ():
            cost[self._listing(one.key)] = cost.get(self._listing(one.key), 0) + 1
        return cost

    def _listing(self, key: StockKey) -> str:
        return self.listing.get(key.stock_id, key.stock_id)

    @staticmethod
    def _most(limit: int, *, sold_out: bool) -> int | None:
        return None if not limit else limit if sold_out else limit - reserve(limit)


def opened(connection: Connection, channel: Channel, rows: Sequence[Position | Due], now: datetime) -> Purse:
    """Open the purse for these rows."""
    limits = channel.connector.limits
    if not (limits.writes_per_day or limits.changes_per_day):
        return Purse(limits)
    owners: Mapping[str, str] = {}
    if limits.changes_per_day:
        owners = listings.products_of(connection, channel.name, {row.key.stock_id for row in rows})
    names = {spendings.CALLS, *(owners.get(row.key.stock_id, row.key.stock_id) for row in rows)}
    changes = spendings.spent(connection, channel.name, names, now)
    return Purse(limits, changes.pop(spendings.CALLS, 0), changes, owners)


def postpone(
    connection: Connection, channel: Channel, purse: Purse, waiting: Sequence[StockChange], now: datetime
) -> None:
    """Note until when rows wait that the purse has nothing for, and that the others do not wait any more."""
    limits = purse.limits
    until = {}
    for one in waiting:
        name, limit = purse._listing(one.key), limits.changes_per_day
        if purse.affords(one):
            name, limit = spendings.CALLS, limits.writes_per_day
        most = limit if _rank(one) == 0 else limit - reserve(limit)
        until[one.key] = spendings.freed_at(connection, channel.name, name, most, now)
    found = positions.by_keys(connection, channel.name, until)
    changed = [replace(row, waits_until=until[key]) for key, row in found.items() if row.waits_until != until[key]]
    positions.save(connection, changed)
