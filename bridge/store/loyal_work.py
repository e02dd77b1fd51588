"""Whether a channel has anything to be told of codes and points: asked after every sale, and mostly it has not."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.store.code_listings import code_work
from bridge.store.people import points_work, unread_customers
from bridge.store.tables import parked
from bridge.store.tables_loyalty import code_listings, customers

__all__ = ["loyal_work"]

_ON: sa.BindParameter[str] = sa.bindparam("on")


def _told(subject: str) -> sa.ColumnElement[bool]:
    """A channel that would not take any is told to a person; that ends with the next time it does."""
    one = sa.and_(parked.c.subject == subject, parked.c.channel == _ON, parked.c.key == _ON)
    return sa.exists().where(one)


_WORK = sa.select(
    sa.or_(
        sa.exists().where(code_listings.c.channel == _ON, code_work),
        sa.exists().where(code_listings.c.channel == _ON, code_listings.c.key.is_not(None)),
        _told("coupons"),
    ).label("coupons"),
    sa.or_(
        sa.exists().where(customers.c.channel == _ON, points_work),
        sa.exists().where(customers.c.channel == _ON, customers.c.points_key.is_not(None)),
        _told("points"),
    ).label("points"),
    sa.exists().where(customers.c.channel == _ON, unread_customers).label("people"),
)


def loyal_work(connection: Connection, channel: str) -> frozenset[str]:
    """Return which of "coupons" and "points" are to be written there, may be under way, or are set aside as a whole; and "people",
    where there are accounts whose own record is still to be read."""
    row = connection.execute(_WORK, {"on": channel}).one()
    return frozenset(name for name in ("coupons", "points", "people") if getattr(row, name))
