"""The ledger: append movements and keep each balance beside them, in the same transaction."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.domain.ledger import Counter, Movement
from bridge.store.errors import LedgerError
from bridge.store.sql import add, among, chunks, insert, rows_of, upsert
from bridge.store.tables import counters, holds, movements

__all__ = [
    "append",
    "available",
    "balances",
    "chain",
    "every",
    "expire_holds",
    "held",
    "hold",
    "hold_states",
    "moved_after",
    "opened",
    "overdue",
    "overdue_of",
    "prove",
    "release_hold",
    "set_hold",
    "standing",
    "start",
]

_COUNTERS = sa.select(
    counters.c.kind, counters.c.key, counters.c.place, counters.c.opened_at, counters.c.opened_from, counters.c.balance
).where(counters.c.kind == sa.bindparam("of"), among(counters.c.key, "keys"))
_MOVEMENT = (
    "kind", "key", "place", "delta", "why", "unique_key", "channel", "source", "occurred_at", "recorded_at", "note"
)  # fmt: skip
_HELD = (
    sa.select(holds.c.kind, holds.c.key, holds.c.place, sa.func.sum(holds.c.quantity))
    .where(holds.c.state == "open")
    .group_by(holds.c.kind, holds.c.key, holds.c.place)
)


def start(connection: Connection, rows: Iterable[tuple[Counter, datetime, str]]) -> None:
    """Open counters at 0: from when on they are kept, and by which channel's numbers."""
    values = [
        {"kind": c.kind, "key": c.key, "place": c.place, "opened_at": at, "opened_from": source}
        for c, at, source in rows
    ]
    upsert(connection, counters, values)


def append(connection: Connection, rows: Sequence[Movement], now: datetime) -> dict[Counter, int]:
    """Append movements and move their balances; return by how much. Raises LedgerError if one is in the ledger already."""
    try:
        insert(connection, movements, [_row(movement, now) for movement in rows], _MOVEMENT)
    except sa.exc.IntegrityError as error:
        raise LedgerError(f"a movement would count twice: {error.orig}", "report this; nothing was changed") from error
    totals: dict[Counter, int] = defaultdict(int)
    for movement in rows:
        totals[movement.counter] += movement.delta
    values = [(*counter, total) for counter, total in totals.items()]
    add(connection, counters, values, ("kind", "key", "place", "balance"))
    return totals


def balances(connection: Connection, wanted: Iterable[Counter]) -> dict[Counter, int]:
    """Return the balances of these counters; one that was never opened is left out."""
    return {counter: balance for counter, (_, _, balance) in _rows(connection, wanted)}


def opened(connection: Connection, wanted: Iterable[Counter]) -> dict[Counter, tuple[datetime | None, str]]:
    """Return since when each of these counters is kept, and by whose numbers it was opened."""
    return {counter: (at, source) for counter, (at, source, _) in _rows(connection, wanted)}


def _rows(connection: Connection, wanted: Iterable[Counter]) -> Iterator[tuple[Counter, Sequence[Any]]]:
    """Yield (counter, (opened at, opened from, balance))."""
    names = set(wanted)
    keys: dict[str, set[str]] = {}
    for counter in names:
        keys.setdefault(counter.kind, set()).add(counter.key)
    # With the kind the primary key is used; without it, every counter there is would be looked at.
    asked = ({"of": kind, "keys": part} for kind, some in keys.items() for part in chunks(some))
    for one in asked:
        for kind, key, place, *values in rows_of(connection, _COUNTERS, one):
            counter = Counter(kind, key, place)
            if counter in names:
                yield counter, values


def standing(connection: Connection, wanted: Iterable[Counter]) -> dict[Counter, tuple[datetime | None, int]]:
    """Return since when each of these counters is kept, and its balance."""
    return {counter: (at, balance) for counter, (at, _, balance) in _rows(connection, wanted)}


def available(
    connection: Connection, wanted: Iterable[Counter], known: Mapping[Counter, int] | None = None
) -> dict[Counter, int]:
    """Balance minus open holds; balances that are `known` are not read again."""
    names, seen = set(wanted), known or {}
    result = balances(connection, names - seen.keys())
    result.update((counter, seen[counter]) for counter in names & seen.keys())
    for kind, key, place, quantity in connection.execute(_HELD):
        counter = Counter(kind, key, place)
        if counter in result:
            result[counter] -= int(quantity)
    return result


def hold(connection: Connection, hold_id: str, counter: Counter, quantity: int, **more: Any) -> None:
    """Reserve units of a counter; `more` are the columns expires_at, created_at, note."""
    where = {"kind": counter.kind, "key": counter.key, "place": counter.place}
    connection.execute(holds.insert().values(id=hold_id, **where, quantity=quantity, state="open", **more))


def release_hold(connection: Connection, hold_id: str, state: str = "released") -> None:
    """End an open hold: its units are free again, or "captured" and leave by a movement."""
    mine = sa.and_(holds.c.id == hold_id, holds.c.state == "open")
    connection.execute(holds.update().where(mine).values(state=state))


def overdue(connection: Connection, now: datetime) -> list[tuple[Counter, int]]:
    """Return the counters and units of the open holds of stock whose time is over."""
    over = sa.and_(holds.c.state == "open", holds.c.expires_at <= now, holds.c.kind == "stock")
    query = sa.select(holds.c.kind, holds.c.key, holds.c.place, holds.c.quantity).where(over)
    return [(Counter(kind, key, place), int(units)) for kind, key, place, units in connection.execute(query)]


def hold_states(connection: Connection, ids: Iterable[str]) -> dict[str, tuple[str, datetime | None]]:
    """Return the state of holds and when they end, by id."""
    query = sa.select(holds.c.id, holds.c.state, holds.c.expires_at).where(among(holds.c.id, "ids"))
    rows = (row for part in chunks(set(ids)) for row in rows_of(connection, query, {"ids": part}))
    return {row.id: (row.state, row.expires_at) for row in rows}


def overdue_of(connection: Connection, kind: str, now: datetime) -> list[str]:
    """Return the open holds of a kind of counter whose time is over."""
    over = sa.and_(holds.c.state == "open", holds.c.expires_at <= now, holds.c.kind == kind)
    return [row.id for row in connection.execute(sa.select(holds.c.id).where(over))]


def set_hold(connection: Connection, hold_id: str, state: str) -> None:
    """Give a hold another state: "open" again, where what had captured it was taken back."""
    connection.execute(holds.update().where(holds.c.id == hold_id).values(state=state))


def held(connection: Connection, wanted: Iterable[Counter]) -> dict[Counter, int]:
    """Return how much of these counters is held."""
    names = set(wanted)
    keys: dict[str, set[str]] = {}
    for counter in names:
        keys.setdefault(counter.kind, set()).add(counter.key)
    found: dict[Counter, int] = {}
    for kind, some in keys.items():
        query = _HELD.where(holds.c.kind == kind, among(holds.c.key, "keys"))
        for part in chunks(some):
            for of, key, place, quantity in rows_of(connection, query, {"keys": part}):
                found[Counter(of, key, place)] = int(quantity)
    return {counter: units for counter, units in found.items() if counter in names}


def expire_holds(connection: Connection, now: datetime) -> list[Counter]:
    """Free the holds of stock whose time is over; return the counters they were on."""
    over = sa.and_(holds.c.state == "open", holds.c.expires_at <= now, holds.c.kind == "stock")
    freed = [
        Counter(*row) for row in connection.execute(sa.select(holds.c.kind, holds.c.key, holds.c.place).where(over))
    ]
    if freed:
        connection.execute(holds.update().where(over).values(state="expired"))
    return freed


def moved_after(connection: Connection, counter: Counter, when: datetime) -> int:
    """Return what happened to a counter after a moment, by the platforms' times."""
    later = sa.and_(_is(movements, counter), movements.c.occurred_at > when)
    return int(connection.execute(sa.select(sa.func.sum(movements.c.delta)).where(later)).scalar() or 0)


def sold_between(
    connection: Connection, counter: Counter, channel: str, start: datetime, end: datetime
) -> dict[int, int]:
    """Return the units that a channel's orders took off a counter from one moment to another, by their platform's times, by movement."""
    there = sa.and_(movements.c.channel == channel, movements.c.why == "sale", movements.c.delta < 0)
    then = sa.and_(_is(movements, counter), there, movements.c.occurred_at.between(start, end))
    return {row.id: -row.delta for row in connection.execute(sa.select(movements.c.id, movements.c.delta).where(then))}


def chain(connection: Connection, counter: Counter, limit: int = 50) -> list[Any]:
    """Return the newest movements of a counter, newest first."""
    same = _is(movements, counter)
    return list(connection.execute(sa.select(movements).where(same).order_by(movements.c.id.desc()).limit(limit)))


def every(connection: Connection, kind: str) -> dict[str, int]:
    """Return the balances of all counters of a kind that has one counter a key (points, uses)."""
    query = sa.select(counters.c.key, counters.c.balance).where(counters.c.kind == kind)
    return {key: int(balance) for key, balance in rows_of(connection, query)}


def prove(connection: Connection) -> list[tuple[Counter, int, int]]:
    """Check every balance against the sum of its movements; return the ones that differ as (counter, balance, sum)."""
    same = sa.and_(
        movements.c.kind == counters.c.kind, movements.c.key == counters.c.key, movements.c.place == counters.c.place
    )
    total = sa.func.coalesce(sa.func.sum(movements.c.delta), 0)
    query = (
        sa.select(counters.c.kind, counters.c.key, counters.c.place, counters.c.balance, total)
        .select_from(counters.outerjoin(movements, same))
        .group_by(counters.c.kind, counters.c.key, counters.c.place, counters.c.balance)
        .having(counters.c.balance != total)
    )
    return [
        (Counter(kind, key, place), int(balance), int(sums))
        for kind, key, place, balance, sums in connection.execute(query)
    ]


def _row(movement: Movement, now: datetime) -> tuple[Any, ...]:
    counter, *facts, note = movement
    return (*counter, *facts, now, note)


def _is(table: sa.Table, counter: Counter) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.kind == counter.kind, table.c.key == counter.key, table.c.place == counter.place)
