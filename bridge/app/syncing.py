"""Sync and audit: the engine's passes over the adopted channels, noted as a run."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from sqlalchemy.engine import Connection

from bridge.app.results import AuditedChannel, Audits, ChannelRun, SyncRun
from bridge.app.working import Working, recorded, working
from bridge.contract.errors import BridgeError
from bridge.engine.collect import read_again
from bridge.engine.context import Channel, Context
from bridge.engine.report import ChannelReport
from bridge.engine.sync import MAX_ROUNDS, Sync
from bridge.engine.sync import audit as audit_channel
from bridge.store import positions, queries

if TYPE_CHECKING:
    from bridge.app.app import App

__all__ = ["What", "audit", "sync"]

What = Literal["all", "stock", "orders", "products"]


async def sync(app: "App", what: What, *, only: Sequence[str], skus: Sequence[str]) -> SyncRun:
    """Read every adopted channel and write what differs; `only` and `skus` limit the writing, never the reading."""
    for name in only:
        app.must_have(name)
    for sku in skus:
        app.must_know(sku)
    started = app.now()
    with recorded(app, "sync") as run:
        before = {row.id for row in app.database.read(queries.parked_rows)}
        async with working(app) as work:
            flow = Sync(work.context, work.channels, only=frozenset(only), skus=skus)
            await flow.read()
            do = {
                "all": flow.everything,
                "stock": flow.stock,
                "orders": flow.copy_orders,
                "products": flow.write_products,
            }
            await do[what]()
        _tell_parked(app, flow, before)
        result = _result(app, flow, work, (app.now() - started).total_seconds())
        run.summary = {"exit_code": result.exit_code, "written": sum(one.written for one in result.channels)}
        run.outcome = {0: "done", 3: "done, needs a person"}.get(result.exit_code, "not finished")
        return result


def _tell_parked(app: "App", flow: Sync, before: set[int]) -> None:
    """Put what this run set aside into its report, whoever set it aside; the guard's halts are told by themselves."""
    for row in app.database.read(queries.parked_rows):
        told = flow.report.of(row.channel).parked
        if row.id not in before and row.subject != "plan" and not any(text.endswith(row.reason) for text in told):
            told.append(row.reason)


def _result(app: "App", flow: Sync, work: Working, seconds: float) -> SyncRun:
    report = flow.report
    halted = app.database.read(queries.halts)
    if flow.only or flow.skus:
        # What was left alone on purpose is not unfinished.
        report.open = app.database.read(lambda connection: _still_open(connection, flow))
    return SyncRun(
        channels=tuple(_channel(name, part) for name, part in report.channels.items()),
        left_out=work.left_out,
        halted=halted,
        open=report.open,
        waiting=report.waiting,
        parked=sum(row.subject != "plan" for row in app.database.read(queries.parked_rows)),
        rounds=report.rounds,
        accepted=report.accepted,
        edits_accepted=report.edits_accepted,
        put_off=report.put_off,
        seconds=round(seconds, 3),
        exit_code=3 if work.left_out or halted else report.exit_code,
    )


def _still_open(connection: Connection, flow: Sync) -> int:
    names = flow.only or {channel.name for channel in flow.channels}
    return sum(len(positions.work(connection, name, flow.skus)) for name in names)


def _channel(name: str, part: ChannelReport) -> ChannelRun:
    return ChannelRun(
        channel=name,
        products=part.products,
        orders=part.orders,
        movements=part.movements,
        calls=part.writes,
        written=part.written,
        edits=part.edits,
        drifts=part.drifts,
        fields=part.fields,
        mirrored=part.mirrored,
        parked=tuple(part.parked),
        error=part.error,
        needs_person=part.needs_person,
        codes=part.codes,
        points=part.points,
    )


async def audit(app: "App", only: Sequence[str]) -> Audits:
    """Re-read every number of the channels and settle what differs in the ledger; `sync` writes what follows from it."""
    with recorded(app, "audit"):
        async with working(app, only=only) as work:
            found = await asyncio.gather(*(_audited(work.context, channel) for channel in work.channels))
            return Audits(channels=tuple(found), left_out=work.left_out)


async def _audited(context: Context, channel: Channel) -> AuditedChannel:
    report, waiting = ChannelReport(), 0
    try:
        waiting = await _settled(context, channel, report)
    except BridgeError as error:
        report.fail(error)
    total = context.database.read(queries.channel_totals).get(channel.name)
    return AuditedChannel(
        channel=channel.name,
        numbers=total.positions if total else 0,
        edits=report.edits,
        drifts=report.drifts,
        waiting=waiting,
        error=report.error,
        needs_person=report.needs_person,
    )


async def _settled(context: Context, channel: Channel, report: ChannelReport) -> int:
    """Read everything once, and the doubtful numbers again until each is judged; return how many are not."""
    waiting = await audit_channel(context, channel, report)
    for _ in range(MAX_ROUNDS):
        if not waiting:
            break
        await context.sleep(max(context.rules.grace, timedelta(seconds=2)).total_seconds())
        keys = sorted(waiting, key=lambda key: (key.stock_id, key.location))
        waiting = await read_again(context, channel, keys, report)
    return len(waiting)
