"""Accounts of points: what a person's lots and spends come to now, booked into the ledger as far as it differs.

Earning, spending and returning are effects of orders (bridge/engine/rewards.py); expiry follows from the whole account, and is the
difference between what it says now and what is booked. So late news, wherever they come in, change nothing twice.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy.engine import Connection

from bridge.domain.ledger import Movement
from bridge.domain.points import Account, LotState, account, points
from bridge.engine.context import Context
from bridge.engine.desk import Desk
from bridge.store import ledger, notes, people
from bridge.store import points as store
from bridge.store.points import LotRow

__all__ = ["aim", "look", "mature", "prove", "settle", "show", "unsettled"]


def look(connection: Connection, person: str, now: datetime) -> Account:
    """Return a person's account as it is."""
    lots, spends = store.lots_of(connection, [person]), store.spends_of(connection, [person])
    return account(
        [row.lot for row in lots.get(person, ())], [row.spend for row in spends.get(person, ())], now
    )  # fmt: skip


def settle(connection: Connection, context: Context, desk: Desk, persons: Iterable[str]) -> None:
    """Book what has expired, and say what the channels should show; lots and spends are on record already."""
    names = {one for one in persons if one}
    if not names:
        return
    lots, spends = store.lots_of(connection, names), store.spends_of(connection, names)
    found: dict[str, Account] = {}
    for name in sorted(names):
        mine = {row.id: row for row in lots.get(name, ())}
        found[name] = account(
            [row.lot for row in mine.values()], [row.spend for row in spends.get(name, ())], desk.now
        )  # fmt: skip
        _expire(connection, desk, name, mine, found[name].lots)
        _tell_debt(connection, context, name, found[name].debt)
    aim(connection, context, found)


def _expire(
    connection: Connection, desk: Desk, person: str, rows: dict[str, LotRow], states: Iterable[LotState]
) -> None:
    changed = []
    for state in states:
        row = rows[state.lot.id]
        if state.expired == row.expired:
            continue
        delta, turn = row.expired - state.expired, row.turn + 1
        desk.move(
            Movement(
                counter=points(person), delta=delta, why="expire", unique=f"expire/{row.id}/{turn}", channel=row.channel,
                source=row.order_id, occurred_at=row.expires_at or desk.now, note=_expiry(row, delta),
            )
        )  # fmt: skip
        changed.append(replace(row, expired=state.expired, turn=turn))
    store.save_lots(connection, changed)


def _expiry(row: LotRow, delta: int) -> str:
    whose = f"order {row.order_id}" if row.order_id else row.note or "a gift"
    return f"points of {whose} expired" if delta < 0 else f"points of {whose} had not expired after all"


def _tell_debt(connection: Connection, context: Context, person: str, debt: int) -> None:
    """Tell a debt once; one that was made good and comes back is a new one."""
    if context.events is None:
        return
    before = notes.get_meta(connection, f"debt/{person}") or "0"
    if before != str(debt):
        if debt:
            context.events.loyalty(connection, "points.debt", person, {"person": person, "points": debt}, context.now())
        notes.set_meta(connection, f"debt/{person}", str(debt))


def aim(connection: Connection, context: Context, found: dict[str, Account]) -> None:
    """Say what the channels should show of accounts: what can be spent, holds left aside."""
    held = ledger.held(connection, [points(name) for name in found])
    rows = []
    for row in people.customers_of(connection, found):
        channel = context.channels.get(row.channel)
        if channel is None or channel.connector.points is None or row.channel in context.rules.loyalty.hidden:
            continue
        target = max(0, found[row.person].spendable - held.get(points(row.person), 0))
        known = row.points_target is not None or bool(found[row.person].lots)
        if known and target != row.points_target:
            rows.append(replace(row, points_target=target, points_note=""))
    people.save_customers(connection, rows)


def prove(connection: Connection, now: datetime) -> list[tuple[str, int, int]]:
    """Replay every account, and return the ones that the ledger has otherwise as (person, balance, what the replay says)."""
    balances = ledger.every(connection, "points")
    found = []
    for person, lots, spends in store.accounts(connection):
        there, right = balances.pop(person, 0), account(lots, spends, now).balance
        if there != right:
            found.append((person, there, right))
    return found + [(person, balance, 0) for person, balance in balances.items() if balance]


def show(connection: Connection, context: Context, persons: Iterable[str]) -> None:
    """Say what the channels should show of persons whose records there are new; nothing that they have has changed."""
    names, now = {one for one in persons if one}, context.now()
    lots, spends = store.lots_of(connection, names), store.spends_of(connection, names)
    found = {
        name: account([row.lot for row in rows], [row.spend for row in spends.get(name, ())], now)
        for name, rows in lots.items()
    }
    if found:
        aim(connection, context, found)


_MATURED = "points_matured"
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


def unsettled(connection: Connection, at: datetime) -> dict[str, int]:
    """Return the points of persons that have expired by then and are not booked yet (below 0: had not expired after all)."""
    names = store.due(connection, _matured(connection), at)
    balances = ledger.balances(connection, [points(name) for name in names])
    late = {name: balances.get(points(name), 0) - look(connection, name, at).balance for name in names}
    return {name: units for name, units in late.items() if units}


def _matured(connection: Connection) -> datetime:
    last = notes.get_meta(connection, _MATURED)
    # The first time, whatever was booked before has not been looked at.
    return datetime.fromisoformat(last) if last else _BEGINNING


def mature(connection: Connection, context: Context) -> int:
    """Settle the accounts that time alone has changed since the last time; return how many."""
    now = context.now()
    names = store.due(connection, _matured(connection), now)
    if names:
        desk = Desk(connection, context, now)
        settle(connection, context, desk, names)
        desk.close()
    notes.set_meta(connection, _MATURED, now.isoformat())
    return len(names)
