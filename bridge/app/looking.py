"""What people look at without any call: status, why, history, and the lists. Database only."""

import difflib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection

from bridge.app.errors import Missing
from bridge.app.heartbeat import daemon_status
from bridge.app.results import (
    ChannelStatus,
    ConflictLine,
    CounterLine,
    CountLine,
    DriftLine,
    EditLine,
    FindingLine,
    HoldLine,
    MovementLine,
    ParkedLine,
    PositionLine,
    RunLine,
    Status,
    Why,
)
from bridge.domain.ledger import stock
from bridge.domain.position import Position
from bridge.store import channels, code_listings, coupons, documents, edits, ledger, notes, people, positions, queries
from bridge.store.documents import Value
from bridge.store.queries import age

if TYPE_CHECKING:
    from bridge.app.app import App

__all__ = [
    "conflict_lines", "drift_line", "finding_lines", "history", "hold_line", "movement_line", "parked_line", "status", "unknown_sku",
    "why",
]  # fmt: skip

_RUNS = ("sync", "adopt", "audit")


def status(connection: Connection, app: "App") -> Status:
    """Say how things stand, channel by channel."""
    totals, met = queries.channel_totals(connection), {row.channel: row for row in channels.all_channels(connection)}
    run = queries.last_run(connection, _RUNS)
    accepted, put_off = queries.accepted(connection), queries.put_off(connection, app.now())
    on_their_way = edits.counts(connection)
    codes, untold = code_listings.work_counts(connection), people.untold_counts(connection)
    return Status(
        database=app.database.where,
        opened_from=notes.get_meta(connection, "opened"),
        channels=tuple(
            replace(
                _channel(app, name, table.platform, met.get(name), totals.get(name)),
                accepted=accepted.get(name, 0),
                edits_accepted=on_their_way.get(name, 0),
                put_off=put_off[name].rows if name in put_off else 0,
                put_off_until=put_off[name].until if name in put_off else None,
                codes_open=codes.get(name, 0),
                points_open=untold.get(name, 0),
            )
            for name, table in app.loaded.config.channels.items()
        ),
        daemon=daemon_status(connection, app.now()),
        last_run=None if run is None else _run(run),
        skus=queries.size(connection, "skus"),
        findings=queries.size(connection, "findings"),
        parked=queries.size(connection, "parked"),
        conflicts=queries.size(connection, "conflicts"),
        codes=coupons.open_count(connection),
        persons=queries.size(connection, "persons"),
    )


def _channel(app: "App", name: str, platform: str, met: Any, total: Any) -> ChannelStatus:
    adopted_at = None if met is None else met.adopted_at
    if total is None:
        return ChannelStatus(channel=name, platform=platform, adopted_at=adopted_at)
    return ChannelStatus(
        channel=name,
        platform=platform,
        adopted_at=adopted_at,
        positions=total.positions,
        open=total.open,
        in_flight=total.in_flight,
        suspects=total.suspects,
        parked=total.parked,
        gone=total.gone,
        oldest_verified_at=total.oldest,
        oldest_age=age(app.now(), total.oldest),
    )


def _run(row: Any) -> RunLine:
    outcome = json.loads(row.summary).get("outcome", "") if row.ended_at else "not ended: under way, or killed"
    return RunLine(command=row.command, started_at=row.started_at, ended_at=row.ended_at, outcome=outcome)


def why(connection: Connection, app: "App", sku: str, limit: int) -> Why:
    """Tell the whole story of a SKU; raises AppError for one that nobody knows."""
    title = queries.title(connection, sku)
    if title is None:
        raise unknown_sku(connection, sku)
    held = queries.hold_rows(connection, sku)
    shown = sorted(
        positions.by_skus(connection, [sku]), key=lambda one: (one.channel, one.key.location, one.key.stock_id)
    )
    accepted = queries.accepted_keys(connection, {one.in_flight for one in shown if one.in_flight})
    return Why(
        sku=sku,
        title=title,
        parts=queries.parts(connection, sku),
        counters=tuple(_counter(connection, row, limit) for row in queries.counter_rows(connection, sku)),
        channels=tuple(_position(app, one, accepted) for one in shown),
        holds=tuple(hold_line(row) for row in held),
        counts=tuple(
            CountLine(channel=r.channel, place=r.place, quantity=r.quantity, expected=r.expected, at=r.at, note=r.note)
            for r in queries.count_rows(connection, sku, limit)
        ),
        drifts=tuple(drift_line(row) for row in queries.drift_rows(connection, sku, limit)),
        edits=tuple(_edit(app, *one) for one in documents.on_their_way(connection, sku)),
    )


def unknown_sku(connection: Connection, sku: str) -> Missing:
    """Return the error for a SKU that nobody knows, with what may have been meant."""
    names = queries.sku_names(connection)
    folded = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(sku.casefold(), folded, n=3, cutoff=0.6)
    guess = (
        f"did you mean {' or '.join(folded[one] for one in close)}?" if close else "`bridge status` shows what is known"
    )
    return Missing(f"there is no SKU {sku}", next_step=guess)


def _counter(connection: Connection, row: Any, limit: int) -> CounterLine:
    counter = stock(row.key, row.place)
    chain = [movement_line(move) for move in queries.move_rows(connection, row.key, row.place, limit)]
    return CounterLine(
        place=row.place,
        balance=row.balance,
        available=ledger.available(connection, [counter])[counter],
        opened_at=row.opened_at,
        opened_from=row.opened_from,
        movements=tuple(_with_balances(chain, row.balance)),
    )


def _with_balances(newest_first: list[MovementLine], balance: int) -> list[MovementLine]:
    """Put the balance after each movement beside it, counted back from today's."""
    from dataclasses import replace

    result = []
    for move in newest_first:
        result.append(replace(move, balance=balance))
        balance -= move.delta
    return result


def movement_line(row: Any) -> MovementLine:
    """Read one movement."""
    return MovementLine(
        id=row.id,
        sku=row.key,
        place=row.place,
        delta=row.delta,
        why=row.why,
        channel=row.channel,
        source=row.source,
        note=row.note,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
    )


def _position(app: "App", one: Position, accepted: set[str]) -> PositionLine:
    table = app.loaded.config.channels.get(one.channel)
    waits = one.waits_until is not None and one.waits_until > app.now() and bool(one.delta) and one.in_flight is None
    return PositionLine(
        channel=one.channel,
        stock_id=one.key.stock_id,
        location=one.key.location,
        place=one.place,
        shown=one.shown,
        target=one.target,
        verified_at=one.verified_at,
        age=age(app.now(), one.verified_at),
        in_flight=one.in_flight is not None,
        suspect=one.suspect,
        parked=one.parked,
        gone=one.gone,
        waiting_for=(table.platform if table else one.channel) if one.in_flight in accepted else "",
        waits_until=one.waits_until if waits else None,
    )


def _edit(app: "App", channel: str, field: str, value: Value) -> EditLine:
    table = app.loaded.config.channels.get(channel)
    told = ", ".join(value) if isinstance(value, list) else "" if value is None else str(value)
    return EditLine(channel=channel, field=field, value=told, waiting_for=table.platform if table else channel)


def history(connection: Connection, sku: str | None, limit: int) -> list[MovementLine]:
    """Return the newest movements, newest first; raises AppError for a SKU that nobody knows."""
    if sku is not None and queries.title(connection, sku) is None:
        raise unknown_sku(connection, sku)
    return [movement_line(row) for row in queries.move_rows(connection, sku, None, limit)]


def conflict_lines(connection: Connection, limit: int) -> list[ConflictLine]:
    """Return the newest conflicts."""
    return [
        ConflictLine(
            id=row.id, kind=row.kind, key=row.key, field=row.field, channel=row.channel, ours=row.ours, theirs=row.theirs,
            winner=row.winner, at=row.at,
        )
        for row in queries.conflict_rows(connection, limit)
    ]  # fmt: skip


def parked_line(row: Any) -> ParkedLine:
    """Read one parked item."""
    return ParkedLine(
        id=row.id, subject=row.subject, channel=row.channel, key=row.key, reason=row.reason, since=row.since, attempts=row.attempts
    )  # fmt: skip


def drift_line(row: Any) -> DriftLine:
    """Read one drift."""
    return DriftLine(channel=row.channel, place=row.place, shown=row.shown, found=row.found, at=row.at, note=row.note)


def finding_lines(connection: Connection) -> tuple[FindingLine, ...]:
    """Return all findings."""
    rows = queries.finding_rows(connection)
    return tuple(FindingLine(kind=row.kind, channel=row.channel, key=row.key, text=row.text) for row in rows)


def hold_line(row: Any) -> HoldLine:
    """Read one hold."""
    return HoldLine(
        id=row.id, sku=row.key, place=row.place, quantity=row.quantity, state=row.state, created_at=row.created_at,
        expires_at=row.expires_at, note=row.note,
    )  # fmt: skip
