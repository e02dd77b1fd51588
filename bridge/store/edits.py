"""Edits and creations of products that a platform has accepted to carry out later. They are kept among the writes; what `jobs` says is
the engine's."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.store.tables import writes
from bridge.store.writes import in_state

__all__ = ["AcceptedEdits", "accept", "accepted", "counts"]

Kind = Literal["product", "creation"]
_KINDS: tuple[Kind, ...] = ("product", "creation")


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedEdits:
    """What one call asked for: `jobs` is a JSON list of edits or creations, `ticket` the platform's promise, `looks` how often it was
    asked for."""

    key: str
    jobs: str
    created_at: datetime
    ticket: str
    look_at: datetime | None
    looks: int


def accept(
    connection: Connection,
    channel: str,
    key: str,
    ticket: str,
    jobs: str,
    *,
    now: datetime,
    look_at: datetime,
    kind: Kind = "product",
) -> None:
    """Keep what was accepted; it is asked for at `look_at`. `writes.look_again` and `writes.finish` go on from here."""
    values: dict[str, Any] = {"key": key, "channel": channel, "kind": kind, "body": "", "rows": jobs}
    connection.execute(
        writes.insert().values(**values, state="accepted", created_at=now, ticket=ticket, look_at=look_at)
    )


def accepted(connection: Connection, channel: str, kind: Kind = "product") -> Sequence[AcceptedEdits]:
    """Return what of this kind a platform has promised to carry out, oldest first."""
    return [
        AcceptedEdits(
            key=row.key, jobs=row.rows, created_at=row.created_at, ticket=row.ticket or "", look_at=row.look_at, looks=row.looks
        )
        for row in in_state(connection, channel, kind, "accepted")
    ]  # fmt: skip


def counts(connection: Connection) -> dict[str, int]:
    """Return how many edits and creations of products each channel's platform has taken in and not carried out yet."""
    found = Counter[str]()
    mine = sa.and_(writes.c.kind.in_(_KINDS), writes.c.state == "accepted")
    for row in connection.execute(sa.select(writes.c.channel, writes.c.rows).where(mine)):
        found[row.channel] += len(msgspec.json.decode(row.rows))
    return dict(found)
