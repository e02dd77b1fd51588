"""The secrets that deliveries are signed with, where they were agreed with the platform and stand in no config."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.store.sql import upsert
from bridge.store.tables import hook_secrets

__all__ = ["keep", "retire", "retire_others", "secrets"]


def secrets(connection: Connection, channel: str, now: datetime) -> tuple[str, ...]:
    """Return a channel's secrets, the newest first; retired ones until their time has come."""
    alive = sa.or_(hook_secrets.c.until.is_(None), hook_secrets.c.until > now)
    query = sa.select(hook_secrets.c.secret).where(hook_secrets.c.channel == channel, alive)
    # A retired one is never the newest: a secret that is in force again after another was tried comes first.
    order = (hook_secrets.c.until.is_not(None), hook_secrets.c.since.desc(), hook_secrets.c.secret)
    return tuple(connection.execute(query.order_by(*order)).scalars())


def keep(connection: Connection, channel: str, secret: str, now: datetime) -> None:
    """Believe what is signed with this secret from now on. Retired ones whose time has come are dropped for good."""
    dead = sa.and_(hook_secrets.c.channel == channel, hook_secrets.c.until <= now)
    connection.execute(hook_secrets.delete().where(dead))
    upsert(connection, hook_secrets, [{"channel": channel, "secret": secret, "since": now, "until": None}])


def retire(connection: Connection, channel: str, secret: str, until: datetime) -> None:
    """Believe a secret only until then: deliveries signed with it may still be under way."""
    mine = sa.and_(hook_secrets.c.channel == channel, hook_secrets.c.secret == secret)
    connection.execute(hook_secrets.update().where(mine).values(until=until))


def retire_others(connection: Connection, channel: str, used: Collection[str], until: datetime) -> None:
    """Retire every secret of a channel but these; one that was retired before keeps its time."""
    mine = sa.and_(hook_secrets.c.channel == channel, hook_secrets.c.secret.not_in(used))
    connection.execute(hook_secrets.update().where(mine, hook_secrets.c.until.is_(None)).values(until=until))
