"""Invitations: both sides are rewarded once for a person who was invited, wherever and however often they use the code.

The last step of booking what orders earn (bridge/engine/rewards.py), across channels: for the reward an order of another shop may
stand in front of this one, or behind it.
"""

from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy.engine import Connection

from bridge.domain.ledger import Movement
from bridge.domain.points import points
from bridge.engine.desk import Desk
from bridge.store import code_uses
from bridge.store import points as store
from bridge.store.code_uses import CodeUse
from bridge.store.points import LotRow

__all__ = ["pay"]


def pay(connection: Connection, desk: Desk, code: str, person: str, reward: int, cause: str) -> set[str]:
    """Reward both sides for the first order of a person with a code that stands, and for no other one.

    `cause` names the news that this follows from. Returns whose points changed.
    """
    mine = [one for one in code_uses.uses_by(connection, person) if one.code == code]
    rows = store.find_lots(connection, [lot for one in mine for lot in _lots(one.channel, one.order_id, code)])
    stands = (one for one in _standing(connection, mine) if any(lot in rows for lot in _lots(*one, code)))
    first = next(stands, None)
    paid = _lots(*first, code) if first is not None else ()
    wanted = [(row, reward if row.id in paid else 0) for row in rows.values()]
    changed = [(row, kept) for row, kept in wanted if kept != row.kept]
    for row, kept in changed:
        _move(desk, row, kept - row.kept, cause)
    store.save_lots(connection, [replace(row, kept=kept, earned=max(row.earned, kept)) for row, kept in changed])
    return {row.person for row, _ in changed}


def _lots(channel: str, order_id: str, code: str) -> tuple[str, str]:
    """Name the lots of a use: of who invited, and of who was."""
    return f"{channel}/{order_id}/invited/{code}", f"{channel}/{order_id}/welcome/{code}"


def _standing(connection: Connection, uses: list[CodeUse]) -> Iterator[tuple[str, str]]:
    """Yield the orders, oldest first, of which goods were paid for and kept."""
    counted = [(one.at, one.channel, one.order_id, one.person) for one in uses if one.count and one.at is not None]
    for _, channel, order_id, person in sorted(counted):
        order = store.of_orders(connection, channel, [order_id]).get(order_id)
        if order is not None and order.person == person and order.spend > 0:
            yield channel, order_id


def _move(desk: Desk, row: LotRow, delta: int, cause: str) -> None:
    desk.move(
        Movement(
            counter=points(row.person), delta=delta, why="earn" if delta > 0 else "claw-back", unique=f"{cause}/reward/{row.id}",
            channel=row.channel, source=row.order_id, occurred_at=desk.now if row.earned else row.earned_at, note=row.note,
        )
    )  # fmt: skip
