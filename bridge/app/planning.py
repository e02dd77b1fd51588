"""Plan: every stock write that `sync` would make now, with its reason and the number of calls. Writes nothing anywhere."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection

from bridge.app.results import ChannelPlan, Plan, PlannedField, PlannedOrder, PlannedWrite
from bridge.app.working import Working, recorded, working
from bridge.contract.errors import BridgeError
from bridge.domain.guard import guard
from bridge.domain.position import Position
from bridge.engine.collect import collect
from bridge.engine.context import Channel, Context
from bridge.engine.documents import sync_products
from bridge.engine.documents_fields import FieldWrite
from bridge.engine.mirror import PlannedOrder as Todo
from bridge.engine.mirror import mirror
from bridge.engine.push import change_of
from bridge.engine.report import ChannelReport, Report
from bridge.store import positions, queries

if TYPE_CHECKING:
    from bridge.app.app import App

__all__ = ["plan"]


async def plan(app: "App", *, only: Sequence[str], skus: Sequence[str], offline: bool, limit: int | None) -> Plan:
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
        ]
        fields = await sync_products(work.context, chosen, news.products, Report(), skus=skus, dry_run=True)
        todo = await mirror(work.context, chosen, Report(), dry_run=True)
        names = {channel.name for channel in chosen}
        return Plan(
            channels=tuple(found),
            fields=tuple(_field(one) for one in fields),
            orders=tuple(_order(one) for one in todo if one.channel in names),
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


def _channel(
    connection: Connection, reasons: "Reasons", channel: Channel, skus: Sequence[str], limit: int | None
) -> ChannelPlan:
    rows = [row for row in positions.work(connection, channel.name, skus) if row.delta]
    halt = guard(rows, positions.units_shown(connection, channel.name), reasons.context.rules.guard)
    halted = {row.key for row in halt.rows} if halt else set()
    allowed = [row for row in rows if row.key not in halted]
    before = positions.by_keys(connection, channel.name, queries.guarded(connection, channel.name, skus)).values()
    held = [*before, *(row for row in rows if row.key in halted)]
    reason = halt.reason if halt else next((row.parked.removeprefix("guard: ") for row in before), "")
    told = [*allowed, *held][:limit]
    reasons.learn(connection, told)
    held_keys = {row.key for row in held}
    return ChannelPlan(
        channel=channel.name,
        writes=len(allowed),
        units=sum(abs(row.delta) for row in allowed),
        calls=len(channel.connector.stock.batches([change_of(row) for row in allowed])),
        halted=reason,
        held=len(held),
        rows=tuple(_write(row, reasons.of(row), held=row.key in held_keys) for row in told),
    )


def _write(row: Position, reason: str, *, held: bool) -> PlannedWrite:
    return PlannedWrite(
        sku=row.sku,
        place=row.place,
        stock_id=row.key.stock_id,
        location=row.key.location,
        shown=row.shown or 0,
        target=row.target or 0,
        delta=row.delta,
        held=held,
        reason=reason,
    )


class Reasons:
    """Says why a number is to be written: what moved its counter last, and what else is taken off."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._latest: dict[tuple[str, str], Any] = {}
        self._reserved: dict[tuple[str, str], int] = {}
        self._learned: set[str] = set()

    def learn(self, connection: Connection, rows: Sequence[Position]) -> None:
        """Load what is needed for these rows, each SKU once for all channels."""
        fresh = {row.sku for row in rows} - self._learned
        self._latest |= queries.latest_movements(connection, fresh)
        self._reserved = queries.units_held(connection)
        self._learned |= fresh

    def of(self, row: Position) -> str:
        """Return the reason in a few words."""
        slot = (row.sku, row.place)
        newest, reserved = self._latest.get(slot), self._reserved.get(slot, 0)
        aside = f", {reserved} held" if reserved else ""
        if row.base == "drift":
            return f"an update was lost or not wanted there: the ledger's number is restored{aside}"
        if row.sku in self.context.rules.kits:
            return "its components changed"
        if newest is None:
            return f"the rules changed{aside}"
        where = "here" if newest.channel == row.channel else f"on {newest.channel}"
        return f"{newest.why} {newest.delta:+d} {where} ({newest.note}){aside}"
