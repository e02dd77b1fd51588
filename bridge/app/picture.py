"""What the page shows, gathered in one place: each function is one look into the database, and calls no channel."""

import difflib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy.engine import Connection

from bridge.app import looking
from bridge.app.errors import AppError
from bridge.app.shown import (
    ChannelPicture,
    Delay,
    Effect,
    EventTarget,
    Found,
    Held,
    HooksPicture,
    Hour,
    OrderLines,
    OrderPage,
    OrderPicture,
    Outbox,
    Overview,
    ParkedPicture,
    Trouble,
)
from bridge.domain.orders import Order
from bridge.store import channels, figures, notes, queries, queries_pages
from bridge.store.figures import DELAYS, Figure
from bridge.store.queries import age
from bridge.store.queries_pages import Point

if TYPE_CHECKING:
    from bridge.app.app import App

__all__ = [
    "CALLS",
    "PAGE",
    "WRITTEN",
    "delay",
    "find",
    "hooks",
    "hours",
    "order",
    "orders",
    "outbox",
    "overview",
    "parked",
    "trouble",
]

CALLS, WRITTEN = "calls", "written"  # names of hourly figures: calls to the platform, and numbers written there
_DAY = timedelta(hours=24)
_MANY = 100
PAGE = 50


def overview(app: "App") -> Overview:
    """Say how every channel stands against the ledger."""
    return app.database.read(lambda connection: _overview(connection, app))


def _overview(connection: Connection, app: "App") -> Overview:
    now = app.now()
    counted = figures.since(connection, now - _DAY)
    return Overview(
        at=now,
        opened_from=notes.get_meta(connection, "opened"),
        skus=queries.size(connection, "skus"),
        findings=queries.size(connection, "findings"),
        parked=queries.size(connection, "parked"),
        conflicts=queries.size(connection, "conflicts"),
        drifts=queries_pages.drifts_since(connection, now - _DAY),
        delay=_delay_of_all(counted),
        channels=tuple(_channels(connection, app, now, counted)),
    )


def _channels(connection: Connection, app: "App", now: datetime, counted: Sequence[Figure]) -> list[ChannelPicture]:
    met = {row.channel: row for row in channels.all_channels(connection)}
    totals = {row.channel: row._mapping for row in queries_pages.agreement(connection)}
    asked = queries_pages.last_asked(connection)
    names = list(app.loaded.config.channels)
    heard = {row.channel: row.last for row in queries_pages.delivery_totals(connection, names, now)}
    result = []
    for name in names:
        oldest = queries_pages.oldest_number(connection, name)
        mine = [one for one in counted if one.channel == name]
        row = met.get(name)
        picture = ChannelPicture(
            channel=name,
            platform=app.loaded.config.channels[name].platform,
            adopted_at=None if row is None else row.adopted_at,
            resting="" if row is None else row.resting,
            **{key: value for key, value in totals.get(name, {}).items() if key != "channel"},
            asked_age=age(now, asked.get(name)),
            heard_age=age(now, heard.get(name)),
            oldest_sku=None if oldest is None else oldest.sku,
            oldest_age=None if oldest is None else age(now, oldest.verified_at),
            written=hours(mine, WRITTEN, now),
            calls=hours(mine, CALLS, now),
            delay=delay(mine),
        )
        result.append(picture)
    return result


def hours(counted: Sequence[Figure], name: str, now: datetime) -> tuple[Hour, ...]:
    """Return a figure hour by hour for the last 24 hours, the running one last; hours without any are 0."""
    values: dict[datetime, int] = {}
    for one in counted:
        if one.name == name:
            values[one.hour] = values.get(one.hour, 0) + one.value
    running = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    begins = [running - timedelta(hours=back) for back in range(23, -1, -1)]
    return tuple(Hour(begin=begin, value=values.get(begin, 0)) for begin in begins)


def delay(counted: Sequence[Figure]) -> Delay:
    """Return how long half and 99 % of the news took at most, from the counted classes of delays."""
    classes = [sum(one.value for one in counted if one.name == f"delay.le.{bound}") for bound in DELAYS]
    total = sum(classes) + sum(one.value for one in counted if one.name == "delay.more")
    return Delay(count=total, half=_bound(classes, total, 50), most=_bound(classes, total, 99))


def _bound(classes: Sequence[int], total: int, percent: int) -> int | None:
    done = 0
    for bound, number in zip(DELAYS, classes, strict=True):
        done += number
        if total and done * 100 >= total * percent:
            return bound
    return None


def _delay_of_all(counted: Sequence[Figure]) -> Delay:
    """Figures of all channels together where they are counted so; else the channels' own, added up."""
    together = [one for one in counted if not one.channel]
    found = delay(together)
    return found if found.count else delay(counted)


def find(app: "App", text: str) -> Found:
    """Find SKUs: one that is called exactly so or has this barcode, else all whose name or title contains the text."""
    return app.database.read(lambda connection: _find(connection, text))


def _find(connection: Connection, text: str) -> Found:
    if queries.title(connection, text) is not None:
        return Found(exact=text)
    by_barcode = queries_pages.sku_by_barcode(connection, text)
    if len(by_barcode) == 1:
        return Found(exact=by_barcode[0])
    rows = queries_pages.skus_named(connection, by_barcode) if by_barcode else []
    rows = rows or queries_pages.skus_like(connection, text[:200], _MANY + 1)
    hits = tuple((row.sku, row.title) for row in rows)
    if hits:
        return Found(hits=hits[:_MANY], more=len(hits) > _MANY)
    names = {name.casefold(): name for name in queries.sku_names(connection)}
    close = [names[one] for one in difflib.get_close_matches(text[:100].casefold(), names, n=5, cutoff=0.6)]
    return Found(near=tuple((row.sku, row.title) for row in queries_pages.skus_named(connection, close)))


def orders(app: "App", *, text: str = "", channel: str = "", before: str = "") -> OrderPage:
    """Return a page of orders, the one with the newest change first; `before` is an earlier page's `older`."""
    point = _point(before)
    return app.database.read(lambda connection: _orders(connection, channel, text[:200], point))


def _orders(connection: Connection, channel: str, text: str, before: Point | None) -> OrderPage:
    known = queries_pages.order_channels(connection)
    names = [one for one in known if channel in {"", one}]
    rows = queries_pages.order_rows(connection, names, text, before, PAGE + 1)
    effects = queries_pages.effects_of(connection, [(row.channel, row.order_id) for row in rows[:PAGE]])
    shown = tuple(_order(row, effects) for row in rows[:PAGE])
    last = shown[-1] if len(rows) > PAGE else None
    older = None if last is None else msgspec.json.encode((last.updated_at, last.channel, last.order_id)).decode()
    return OrderPage(orders=shown, channels=tuple(known), older=older)


def _point(text: str) -> Point | None:
    if not text:
        return None
    try:
        point: Point = msgspec.json.decode(text, type=Point)
    except msgspec.DecodeError as error:
        raise AppError("there is no such page of orders", next_step="start from the newest", exit_code=2) from error
    return point


def _order(row: Any, effects: Mapping[tuple[str, str], Sequence[Any]]) -> OrderPicture:
    mine = effects.get((row.channel, row.order_id), ())
    return OrderPicture(
        channel=row.channel,
        order_id=row.order_id,
        number=row.number or row.order_id,
        status=row.status,
        placed_at=row.placed_at,
        updated_at=row.updated_at,
        kind=row.kind,
        unlinked=row.unlinked,
        effects=tuple(
            Effect(sku=e.key, place=e.place, net=e.net, before=e.baseline) for e in mine if e.kind == "stock"
        ),
    )


def order(app: "App", channel: str, order_id: str) -> OrderLines:
    """Return one order with its lines and movements; raises AppError for one that was never read."""
    return app.database.read(lambda connection: _order_lines(connection, channel, order_id))


def _order_lines(connection: Connection, channel: str, order_id: str) -> OrderLines:
    row = queries_pages.order_row(connection, channel, order_id)
    if row is None:
        step = "look for its number among the orders; it is read by the next poll if it is new"
        raise AppError(f"there is no order {order_id[:100]} of {channel[:100]}", next_step=step)
    picture = _order(row, queries_pages.effects_of(connection, [(channel, order_id)]))
    skus = [one.sku for one in picture.effects]
    moves = queries_pages.moved_by(connection, channel, order_id, skus, _MANY)
    mirror = queries_pages.mirror_of(connection, channel, order_id)
    return OrderLines(
        order=picture,
        snapshot=msgspec.json.decode(row.snapshot, type=Order),
        movements=tuple(looking.movement_line(move) for move in moves),
        mirror=None if mirror is None else _other_side(mirror, channel),
    )


def _other_side(mirror: Any, channel: str) -> tuple[str, str, str | None, str]:
    if mirror.channel == channel:
        return mirror.state, mirror.home, mirror.home_order_id, mirror.reason
    return mirror.state, mirror.channel, mirror.order_id, mirror.reason


def trouble(app: "App") -> Trouble:
    """Return drifts, conflicts, and what the catalogue needs a person for."""
    return app.database.read(_trouble)


def _trouble(connection: Connection) -> Trouble:
    drifts = queries_pages.drift_rows(connection, PAGE)
    findings = looking.finding_lines(connection)
    return Trouble(
        drifts=tuple((row.sku, looking.drift_line(row)) for row in drifts),
        conflicts=tuple(looking.conflict_lines(connection, PAGE)),
        findings=findings[:_MANY],
        findings_total=len(findings),
    )


def parked(app: "App") -> ParkedPicture:
    """Return what waits for a person, with what an approval would let through."""
    return app.database.read(_parked)


def _parked(connection: Connection) -> ParkedPicture:
    lines = [looking.parked_line(row) for row in queries.parked_rows(connection)]
    items = [one for one in lines if one.subject != "plan"]
    plans = [one for one in lines if one.subject == "plan"]
    return ParkedPicture(
        plans=tuple((one, _held(connection, one.channel)) for one in plans), items=tuple(items[:_MANY]), total=len(items)
    )  # fmt: skip


def _held(connection: Connection, channel: str) -> Held:
    total, rows = queries_pages.held_rows(connection, channel, PAGE)
    return Held(total=total, rows=tuple((row.sku, row.place, row.shown, row.target) for row in rows))


def hooks(app: "App") -> tuple[tuple[HooksPicture, ...], tuple[Any, ...]]:
    """Return each channel's webhooks, and the newest deliveries that could not be used (id, channel, received_at, note)."""
    return app.database.read(lambda connection: _hooks(connection, app))


def _hooks(connection: Connection, app: "App") -> tuple[tuple[HooksPicture, ...], tuple[Any, ...]]:
    now = app.now()
    kept = queries_pages.secrets_since(connection)
    totals = queries_pages.delivery_totals(connection, list(app.loaded.config.channels), now - _DAY)
    lines = tuple(
        HooksPicture(
            channel=row.channel, last_age=age(now, row.last), waiting=row.waiting, received=row.received, failed=row.failed,
            secrets=tuple((one.since, one.until) for one in kept.get(row.channel, ())),
        )
        for row in totals
    )  # fmt: skip
    return lines, tuple(queries_pages.delivery_failures(connection, PAGE))


def outbox(app: "App") -> Outbox:
    """Return where the outgoing events stand, target by target; targets no longer in the config too, while they have events."""
    return app.database.read(lambda connection: _outbox(connection, app))


def _outbox(connection: Connection, app: "App") -> Outbox:
    now = app.now()
    states: dict[str, dict[str, tuple[int, float | None]]] = {}
    for row in queries_pages.event_totals(connection):
        states.setdefault(row.target, {})[row.state] = (row.number, age(now, row.oldest))
    configured = app.loaded.config.events
    targets = [
        EventTarget(name=one.name, url=one.url, types=tuple(one.types), states=states.pop(one.name, {}))
        for one in configured
    ]
    targets += [EventTarget(name=name, url="", types=(), states=left) for name, left in states.items()]
    return Outbox(targets=tuple(targets), failures=tuple(queries_pages.event_failures(connection, PAGE)))
