"""Units oversold, one by one, each with the delay that caused it: how far the news of an earlier sale had come by then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.rehearsal.trade import Act
from bridge.sandbox import STAND_INS
from bridge.store.tables import movements, positions, writes

__all__ = ["CAUSES", "Lapse", "lapses", "traced"]

CAUSES: Mapping[str, str] = {
    "counter": "a till sells what lies on the counter, whatever number it shows",
    "network": "the news would have been too late at the speed of the network itself",
    "unheard": "the sale elsewhere had not been heard of yet",
    "unwritten": "it was known, and the lower number had not been sent yet",
    "under way": "the lower number had been sent, and the platform had not carried it out yet",
    "again": "a write of the lower number had come to nothing (it was stale, or its answer was lost) and was to be made again",
    "own": "its own number was too high: a whole number of ours had wiped a sale there, or the platform lost an update itself",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapse:
    """One sale below nothing. `elsewhere` is the platform whose earlier sale it should have known of, `seconds` before."""

    at: datetime
    platform: str
    sku: str
    units: int
    cause: str
    elsewhere: str = ""
    seconds: float = 0.0

    @property
    def unavoidable(self) -> bool:
        """Whether a bridge as fast as the network would have sold them as well."""
        return self.cause in {"counter", "network"}

    def __str__(self) -> str:
        since = f", {self.seconds:.1f} s after the one on {self.elsewhere}" if self.elsewhere else ""
        sold = f"{self.at:%H:%M:%S} {self.platform} sold {self.units} of {self.sku} that were gone{since}"
        return f"{sold}: {CAUSES[self.cause]}"


def lapses(log: Sequence[Act], start: Mapping[str, int], delay: timedelta) -> list[Lapse]:
    """Find the units sold below nothing. Those that a bridge with that delay would have sold as well say so.

    Such a bridge shows on each platform all that happened there at once, and what happened elsewhere `delay` later.
    """
    by_sku: dict[str, list[Act]] = {}
    for act in log:
        by_sku.setdefault(act.sku, []).append(act)
    found = [one for sku, acts in by_sku.items() for one in _of(acts, start.get(sku, 0), delay)]
    return sorted(found, key=lambda one: (one.at, one.sku))


def _of(acts: Sequence[Act], start: int, delay: timedelta) -> list[Lapse]:
    found, units = [], start
    for number, act in enumerate(acts):
        units += act.moved
        if act.sale and units < 0 and act.moved < 0:
            found.append(_lapse(act, acts[:number], start, min(-units, -act.moved), delay))
    return found


def _lapse(act: Act, before: Sequence[Act], start: int, units: int, delay: timedelta) -> Lapse:
    plain = Lapse(at=act.at, platform=act.platform, sku=act.sku, units=units, cause="own")
    if STAND_INS[act.platform].till:
        return replace(plain, cause="counter")
    news = _missed(act, before, start)
    told = plain if news is None else replace(
        plain, cause="unheard", elsewhere=news.platform, seconds=(act.at - news.at).total_seconds()
    )  # fmt: skip
    return replace(told, cause="network") if _shown(start, before, act, act.at - delay) >= -act.moved else told


def _missed(act: Act, before: Sequence[Act], start: int) -> Act | None:
    """Return the act elsewhere that left too little for this sale: had it been known, the platform would have refused."""
    shown, missed = start + sum(one.moved for one in before if one.platform == act.platform), None
    for one in (one for one in before if one.platform != act.platform):
        enough = shown >= -act.moved
        shown += one.moved
        if enough and shown < -act.moved:
            missed = one
    return missed


def _shown(start: int, before: Sequence[Act], act: Act, news_until: datetime) -> int:
    """What the platform would have shown just before this act."""
    return start + sum(one.moved for one in before if one.platform == act.platform or one.at <= news_until)


def traced(connection: Connection, lapse: Lapse) -> Lapse:
    """Say how far the news had come: look up when the sale elsewhere was booked, and when the lower number was sent."""
    if lapse.unavoidable or not lapse.elsewhere:
        return lapse
    heard = _heard(connection, lapse)
    if heard is None or heard > lapse.at:
        return replace(lapse, cause="unheard")
    sent = _sent(connection, lapse, heard)
    if sent is None or sent[0] > lapse.at:
        return replace(lapse, cause="unwritten")
    return replace(lapse, cause="under way" if sent[1] is None or sent[1] > lapse.at else "again")


def _heard(connection: Connection, lapse: Lapse) -> datetime | None:
    since = lapse.at - timedelta(seconds=lapse.seconds)
    mine = sa.and_(
        movements.c.channel == lapse.elsewhere, movements.c.key == lapse.sku, movements.c.recorded_at >= since
    )
    found: datetime | None = connection.scalar(sa.select(sa.func.min(movements.c.recorded_at)).where(mine))
    return found


def _sent(connection: Connection, lapse: Lapse, heard: datetime) -> tuple[datetime, datetime | None] | None:
    """Return when the next write of this number was stored to be sent, and when it had ended."""
    of = sa.and_(positions.c.channel == lapse.platform, positions.c.sku == lapse.sku)
    record = connection.scalar(sa.select(positions.c.stock_id).where(of))
    mine = sa.and_(writes.c.channel == lapse.platform, writes.c.created_at >= heard, writes.c.kind == "stock")
    after = sa.select(writes.c.created_at, writes.c.done_at, writes.c.rows).where(mine).order_by(writes.c.created_at)
    rows = (row for row in connection.execute(after) if f'"{record}"' in row.rows)
    return next(((row.created_at, row.done_at) for row in rows), None)
