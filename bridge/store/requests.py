"""What was answered to calls of the API that carried a key: the same call again is answered with the same, and done once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.store.sql import inserting
from bridge.store.tables import requests

__all__ = ["KEPT", "Answered", "begin", "compact", "finish"]

# How long a key is good for: a till that was offline over a long weekend still sends its sales once.
KEPT = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What was answered; `digest` is the fingerprint of the call."""

    digest: str
    status: int
    answer: str


def begin(connection: Connection, token: str, key: str, digest: str, now: datetime) -> Answered | None:
    """Claim a key for this transaction, or return what was answered under it.

    Of two transactions at once the second waits here for the first: there is never a second effect.
    """
    row = {"token": token, "key": key, "digest": digest, "status": 0, "answer": "", "at": now}
    claim = inserting(connection.dialect.name, requests).values(row).on_conflict_do_nothing().returning(requests.c.key)
    if connection.execute(claim).first() is not None:
        return None
    found = connection.execute(sa.select(requests).where(_is(token, key))).one()
    return Answered(digest=found.digest, status=found.status, answer=found.answer)


def finish(connection: Connection, token: str, key: str, status: int, answer: str) -> None:
    """Keep the answer, in the transaction of what it tells of."""
    connection.execute(requests.update().where(_is(token, key)).values(status=status, answer=answer))


def compact(connection: Connection, before: datetime) -> int:
    """Forget keys from before that moment; return how many."""
    return connection.execute(requests.delete().where(requests.c.at < before)).rowcount


def _is(token: str, key: str) -> sa.ColumnElement[bool]:
    return sa.and_(requests.c.token == token, requests.c.key == key)
