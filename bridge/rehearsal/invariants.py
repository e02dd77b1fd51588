"""What must hold after every rehearsal, whatever went wrong in it (design, and the README's promise)."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.rehearsal.world import World
from bridge.store import ledger, positions
from bridge.store.tables import counters, counts, movements, order_effects

__all__ = ["broken", "undecided"]


def broken(world: World, truth: Mapping[str, int] | None = None) -> list[str]:
    """Return what does not hold, as sentences; an empty list is the goal. Call it when all is quiet.

    `truth` is what each SKU must come to, kept apart from the bridge by whoever moved the goods.
    """
    found = world.database.read(_ledger)
    found += world.database.read(_effects)
    for name in world.channels:
        found += _positions(world, name)
    if truth is not None:
        found += world.database.read(lambda connection: _truth(connection, truth))
    return found


def _ledger(connection: Connection) -> list[str]:
    return [
        f"{counter}: the balance is {balance}, its movements make {total}"
        for counter, balance, total in ledger.prove(connection)
    ]


def _effects(connection: Connection) -> list[str]:
    """Every order's movements make exactly the effects recorded for it: nothing lost, nothing counted twice."""
    moved = (
        sa.select(
            movements.c.channel,
            movements.c.source,
            movements.c.key,
            movements.c.place,
            sa.func.sum(movements.c.delta).label("total"),
        )
        .where(movements.c.why.in_(["sale", "refund", "cancel"]))
        .group_by(movements.c.channel, movements.c.source, movements.c.key, movements.c.place)
        .subquery()
    )
    same = sa.and_(
        moved.c.channel == order_effects.c.channel,
        moved.c.source == order_effects.c.order_id,
        moved.c.key == order_effects.c.key,
        moved.c.place == order_effects.c.place,
    )
    total = sa.func.coalesce(moved.c.total, 0)
    query = sa.select(order_effects, total.label("total")).select_from(order_effects.outerjoin(moved, same))
    rows = connection.execute(query.where(order_effects.c.net - order_effects.c.baseline != total))
    return [
        f"{row.channel} order {row.order_id}: {row.key} should have moved {row.net - row.baseline}, its movements make {row.total}"
        for row in rows
    ]


def _positions(world: World, name: str) -> list[str]:
    real = world.numbers(name)
    rows = world.database.read(lambda connection: list(positions.every(connection, name)))
    found = []
    for row in rows:
        if row.gone:
            continue
        own = real.get(row.sku, {}).get(row.key.location)
        if row.in_flight or row.suspect is not None:
            found.append(f"{name} {row.sku}: still in flight or in doubt ({row.in_flight}, {row.suspect})")
        if row.parked:
            found.append(f"{name} {row.sku}: parked: {row.parked}")
        if not row.shown == row.target == own:
            found.append(f"{name} {row.sku}: shown {row.shown}, target {row.target}, the platform's own number {own}")
    return found


def _truth(connection: Connection, truth: Mapping[str, int]) -> list[str]:
    balances = {
        row.key: row.balance for row in connection.execute(sa.select(counters).where(counters.c.kind == "stock"))
    }
    found = []
    for sku, real in truth.items():
        slack = undecided(connection, sku)
        if sku not in balances or not real - slack <= balances[sku] <= real:
            found.append(f"{sku}: the ledger has {balances.get(sku)}, {real} is right")
    return found


def undecided(connection: Connection, sku: str) -> int:
    """Units the ledger says itself it could not decide (a person's edit met a write whose answer was lost): never too high."""
    query = sa.select(counts.c.note).where(counts.c.sku == sku, counts.c.note.contains("undecided by "))
    return sum(int(note.rsplit("undecided by ", 1)[1]) for (note,) in connection.execute(query))
