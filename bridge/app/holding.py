"""Holds as a person or a till asks for them: is the SKU known, are the units free, is the hold still open?"""

from datetime import datetime

from sqlalchemy.engine import Connection

from bridge.app.errors import AppError, Missing
from bridge.app.looking import hold_line, unknown_sku
from bridge.app.results import HoldLine
from bridge.domain.ledger import stock
from bridge.engine import holds
from bridge.engine.context import Context
from bridge.engine.reported import capture
from bridge.store import ledger, queries

__all__ = ["find", "give_back", "hand_over", "make"]


def make(
    connection: Connection, context: Context, sku: str, quantity: int, place: str, ends: datetime | None, note: str
) -> HoldLine:
    """Reserve units that are free; raises AppError where they are not."""
    if queries.title(connection, sku) is None:
        raise unknown_sku(connection, sku)
    holds.expire(connection, context)
    free = ledger.available(connection, [stock(sku, place)]).get(stock(sku, place))
    if free is None:
        raise AppError(f"{sku} has no ledger at {place}", next_step="see `bridge why` for its places")
    if quantity > free:
        raise AppError(
            f"only {max(free, 0)} of {sku} are free at {place}, {quantity} were asked for",
            next_step="ask for fewer, or wait until another hold ends",
        )
    return find(connection, holds.reserve(connection, context, stock(sku, place), quantity, ends, note))


def give_back(connection: Connection, context: Context, hold_id: str) -> HoldLine:
    """Give the units of an open hold back; raises AppError for one that is not open."""
    hold = _open(connection, context, hold_id)
    holds.release(connection, context, hold_id, stock(hold.sku, hold.place), hold.quantity)
    return find(connection, hold_id)


def hand_over(connection: Connection, context: Context, hold_id: str, source: str) -> HoldLine:
    """Turn an open hold into a sale of `source`; raises AppError for one that is not open."""
    hold = _open(connection, context, hold_id)
    capture(connection, context, source, hold_id, stock(hold.sku, hold.place), hold.quantity)
    return find(connection, hold_id)


def find(connection: Connection, hold_id: str) -> HoldLine:
    """Return a hold; raises AppError where there is none."""
    row = queries.hold(connection, hold_id)
    if row is None:
        raise Missing(f"there is no hold {hold_id}", next_step="`bridge hold list` shows them")
    return hold_line(row)


def _open(connection: Connection, context: Context, hold_id: str) -> HoldLine:
    hold = find(connection, hold_id)
    if hold.state == "open" and hold.expires_at is not None and hold.expires_at <= context.now():
        raise AppError(f"hold {hold_id} ended at {hold.expires_at:%Y-%m-%d %H:%M:%S} UTC", next_step="make a new hold")
    if hold.state != "open":
        raise AppError(f"hold {hold_id} is {hold.state} already", next_step="make a new hold")
    return hold
