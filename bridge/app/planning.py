"""Plan: every stock write that `sync` would make now, with its reason and the number of calls. Writes nothing anywhere."""

import asyncio
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain, islice, repeat
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection

from bridge.app.loyal_looking import says
from bridge.app.results import ChannelPlan, LoyalPlan, Plan, PlannedCode, PlannedField, PlannedOrder, PlannedWrite
from bridge.app.working import Working, recorded, working
from bridge.contract.errors import BridgeError
from bridge.domain.guard import guard
from bridge.domain.position import Due
from bridge.engine.code_push import plan_codes
from bridge.engine.collect import collect
from bridge.engine.context import Channel, Context
from bridge.engine.documents import sync_products
from bridge.engine.documents_fields import FieldWrite
from bridge.engine.mirror import PlannedOrder as Todo
from bridge.engine.mirror import mirror
from bridge.engine.purse import urgency
from bridge.engine.push import change_of
from bridge.engine.report import ChannelReport, Report
from bridge.store import code_listings, people, positions, queries

if TYPE_CHECKING:
    from bridge.app.app import App
    from bridge.app.syncing import What

__all__ = ["plan"]

_AT_ONCE = 2_000


async def plan(
    app: "App", what: "What", *, only: Sequence[str], skus: Sequence[str], offline: bool, limit: int | None
) -> Plan:
    """Plan for the adopted channels; reads their news first unless `offline`. At most `limit` rows a channel are told."""
    for name in only:
        app.must_have(name)
    for sku in skus:
        app.must_know(sku)
    async with working(app) as work:
        news = _News() if offline else await _read(app, work)
        chosen = [channel for channel in work.channels if not only or channel.name in only]
        reasons = Reasons(work.context)
        found = [
            app.database.read(partial(_channel, reasons=reasons, channel=channel, skus=skus, limit=limit))
            for channel in chosen
            if what in {"all", "stock"}
        ]
        fields: Sequence[FieldWrite] = ()
        if what in {"all", "products"}:
            fields = await sync_products(work.context, chosen, news.products, Report(), skus=skus, dry_run=True)
        todo: Sequence[Todo] = ()
        if what in {"all", "orders"}:
            todo = await mirror(work.context, chosen, Report(), dry_run=True)
        names = {channel.name for channel in chosen}
        loyal = [
            app.database.read(partial(_loyal, channel=channel, limit=limit))
            for channel in chosen
            if what in {"all", "stock"} and not skus
        ]
        return Plan(
            channels=tuple(found),
            fields=tuple(_field(one) for one in fields),
            orders=tuple(_order(one) for one in todo if one.channel in names),
            codes=tuple(row for rows, _ in loyal for row in rows),
            loyalty=tuple(one for _, one in loyal if one.codes or one.refused or one.points),
            left_out=tuple(name for name in work.left_out if not only or name in only),
            errors=news.errors,
        )


@dataclass(slots=True)
class _News:
    """Which products changed, and which channels could not be read."""

    products: dict[str, set[str]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


async def _read(app: "App", work: Working) -> _News:
    """Read what changed, without recovering lost writes: that would send something."""
    with recorded(app, "plan"):
        reading = (collect(work.context, channel, ChannelReport()) for channel in work.channels)
        ended = await asyncio.gather(*reading, return_exceptions=True)
    news = _News()
    for channel, outcome in zip(work.channels, ended, strict=True):
        if isinstance(outcome, BridgeError):
            news.errors[channel.name] = str(outcome)
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            news.products[channel.name] = outcome.products
    return news


def _field(one: FieldWrite) -> PlannedField:
    before, after = (None if value is None else str(value) for value in (one.before, one.after))
    return PlannedField(
        channel=one.channel, key=one.key, field=one.field, before=before, after=after, reason=one.reason
    )


def _order(one: Todo) -> PlannedOrder:
    return PlannedOrder(
        channel=one.channel, source=one.source, order_id=one.order_id, action=one.action, reason=one.reason
    )


def _loyal(connection: Connection, channel: Channel, limit: int | None) -> tuple[list[PlannedCode], LoyalPlan]:
    """What codes a channel gets, and which it cannot have; at most `limit` of each are told."""
    rows = [
        PlannedCode(
            channel=channel.name, code=write.code, action="write" if write.active else "switch off", says=says(write.terms),
            limit=write.limit,
        )
        for _, write in plan_codes(connection, channel)
    ]  # fmt: skip
    refused = [
        PlannedCode(channel=channel.name, code=one.code, action="refused", says="", reason=one.reason)
        for one in code_listings.refused(connection, channel.name, _AT_ONCE if limit is None else limit)
    ]
    return [*rows[:limit], *refused], LoyalPlan(
        channel=channel.name, codes=code_listings.work_count(connection, channel.name),
        refused=code_listings.refused_count(connection, channel.name), points=people.untold_counts(connection).get(channel.name, 0),
    )  # fmt: skip


def _channel(
    connection: Connection, reasons: "Reasons", channel: Channel, skus: Sequence[str], limit: int | None
) -> ChannelPlan:
    rows = _timely(positions.due(connection, channel.name, skus), reasons.context.now())
    halt = guard(
        rows,
        positions.units_shown(connection, channel.name, channel.connector.limits.fixed_locations),
        reasons.context.rules.guard,
    )
    halted = halt.rows if halt else ()
    allowed = _without(rows, halted)
    before = positions.guarded(connection, channel.name, skus)
    held = [*before, *halted]
    reason = halt.reason if halt else next((row.parked.removeprefix("guard: ") for row in before), "")
    told = list(islice(chain(zip(allowed, repeat(False)), zip(held, repeat(True))), limit))
    reasons.learn(connection, {row.sku for row, _ in told})
    return ChannelPlan(
        channel=channel.name,
        writes=len(allowed),
        units=sum(abs(row.delta) for row in allowed),
        calls=len(channel.connector.stock.batches([change_of(row) for row in allowed])),
        halted=reason,
        held=len(held),
        rows=tuple(_write(row, reasons.of(row, channel.name), held=waits) for row, waits in told),
    )


def _timely(rows: list[Due], now: datetime) -> list[Due]:
    """Say until when only of those that wait still, and order the rows as they will be written."""
    over = [row._replace(waits_until=None) if row.waits_until and row.waits_until <= now else row for row in rows]
    return sorted(over, key=lambda row: urgency(row.shown, row.target))


def _without(rows: list[Due], halted: Sequence[Due]) -> list[Due]:
    out = set(halted)
    return [row for row in rows if row not in out] if out else rows


def _write(row: Due, reason: str, *, held: bool) -> PlannedWrite:
    return PlannedWrite(
        sku=row.sku,
        place=row.place,
        stock_id=row.stock_id,
        location=row.location,
        shown=row.shown,
        target=row.target,
        delta=row.delta,
        held=held,
        reason=reason,
        waits_until=row.waits_until,
    )


class Reasons:
    """Says why a number is to be written: what moved its counter last, and what else is taken off."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._latest: dict[tuple[str, str], Any] = {}
        self._elsewhere: dict[tuple[str, str], str] = {}
        self._reserved: dict[tuple[str, str], int] = {}
        self._learned: set[str] = set()

    def learn(self, connection: Connection, skus: Set[str]) -> None:
        """Load what is needed for these SKUs, each once for all channels."""
        fresh = skus - self._learned
        self._latest |= queries.latest_movements(connection, fresh)
        self._reserved = queries.units_held(connection)
        self._learned |= fresh

    def of(self, row: Due, channel: str) -> str:
        """Return the reason for a number of a channel in a few words."""
        slot = (row.sku, row.place)
        newest, reserved = self._latest.get(slot), self._reserved.get(slot, 0)
        aside = f", {reserved} held" if reserved else ""
        if row.base == "drift":
            return f"an update was lost or not wanted there: the ledger's number is restored{aside}"
        if row.sku in self.context.rules.kits:
            return "its components changed"
        if newest is None:
            return f"the rules changed{aside}"
        _, _, delta, why, moved_on, note = newest
        if moved_on == channel:
            return f"{why} {delta:+d} here ({note}){aside}"
        told = self._elsewhere.get(slot)
        if told is None:
            # Written once for all the other channels.
            told = self._elsewhere[slot] = f"{why} {delta:+d} on {moved_on} ({note}){aside}"
        return told
