"""Points that customers had before we came, on a channel with a points ledger of its own: they are taken in once, as a lot.

Without that, the first number we write there would take them away. What the channel's events say is booked by itself
(bridge/engine/points_push.py); an opening is what an account shows, less what its events since then explain.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.engine import Connection

from bridge.domain.ledger import Movement
from bridge.domain.points import points
from bridge.engine import accounts
from bridge.engine.context import Channel, Context
from bridge.engine.desk import Desk
from bridge.store import people
from bridge.store import points as store
from bridge.store.people import CustomerRow
from bridge.store.points import LotRow

__all__ = ["alike", "open_points", "opening", "unopened"]

# Events have whole seconds: one this close to a reading may be in the number or not.
_UNSURE = timedelta(seconds=2)


def opening(channel: str, customer_id: str) -> str:
    """The lot of what a customer's account had when we came."""
    return f"opening/{channel}/{customer_id}"


def alike(connection: Connection, rows: Sequence[CustomerRow]) -> list[CustomerRow]:
    """Return these rows of a channel, and a person's others to whom the same account is shown: they show what it shows."""
    accounts_ = {(row.person, row.points_id): row for row in rows if row.points_id}
    known = {row.customer_id for row in rows}
    shared = people.sharing(connection, rows[0].channel, {row.points_id for row in rows} - {""}) if accounts_ else []
    others = [one for one in shared if one.customer_id not in known and one.points_key is None]
    found = [(one, accounts_.get((one.person, one.points_id))) for one in others]
    return [
        *rows,
        *(replace(one, points_shown=of.points_shown, points_at=of.points_at) for one, of in found if of is not None),
    ]


def unopened(connection: Connection, channel: Channel, rows: Iterable[CustomerRow]) -> list[CustomerRow]:
    """Return those of these customers whose former points were not taken in yet; none where the channel keeps no ledger of points."""
    port = channel.connector.points
    if port is None or port.events is None:
        return []
    mine = {opening(channel.name, row.customer_id): row for row in rows}
    known = store.find_lots(connection, mine)
    return [row for name, row in mine.items() if name not in known]


def open_points(connection: Connection, context: Context, channel: Channel, ids: Sequence[str]) -> None:
    """Take in what these customers had; their numbers, and the events until then, were read a moment ago.

    One whose account has just moved is left for the next time: it may be in the number, or not.
    """
    desk = Desk(connection, context, context.now())
    rows = unopened(connection, channel, people.find_customers(connection, channel.name, ids).values())
    taken = _taken(connection, channel.name, rows)
    lots = []
    for row in rows:
        if (lot := _lot(connection, row, row.points_id in taken)) is not None:
            lots.append(lot)
            taken |= {row.points_id} - {""}
    for one in lots:
        if one.kept:
            desk.move(
                Movement(
                    counter=points(one.person), delta=one.kept, why="opening", unique=one.id, channel=channel.name, source=one.id,
                    occurred_at=one.earned_at, note=one.note,
                )
            )  # fmt: skip
    store.save_lots(connection, lots)
    accounts.settle(connection, context, desk, {one.person for one in lots})
    desk.close()


def _taken(connection: Connection, channel: str, rows: Sequence[CustomerRow]) -> set[str]:
    """The accounts of points whose former points came in with another customer to whom they are shown."""
    others = people.sharing(connection, channel, {row.points_id for row in rows} - {""})
    known = store.find_lots(connection, [opening(channel, one.customer_id) for one in others])
    return {one.points_id for one in others if opening(channel, one.customer_id) in known}


def _names(connection: Connection, row: CustomerRow) -> set[str]:
    """What events may name an account by: itself, or any customer to whom it is shown."""
    shared = people.sharing(connection, row.channel, {row.points_id} - {""})
    return {row.customer_id, row.points_id, *(one.customer_id for one in shared)}


def _lot(connection: Connection, row: CustomerRow, taken: bool) -> LotRow | None:
    if row.points_shown is None or row.points_at is None:
        return None
    since, newest = store.of_account(connection, row.channel, _names(connection, row))
    if newest is not None and newest + _UNSURE > row.points_at:
        return None
    had = 0 if taken else max(0, row.points_shown - since)
    return LotRow(
        id=opening(row.channel, row.customer_id), person=row.person, channel=row.channel, line_id=row.points_id, earned=had, kept=had,
        earned_at=row.points_at, spendable_at=row.points_at, note=f"had at {row.channel} before",
    )  # fmt: skip
