"""Points on a channel: what happened to them there comes in as movements, what they are goes out as what is shown.

The ledger is the truth; a channel's number is a copy. Only a channel with a points ledger of its own (Square) is a source as well: its
events say who made them, so our own writes are known by their key, never by their amount.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy.engine import Connection

from bridge.contract.errors import BridgeError, TryLater
from bridge.contract.feed import Page
from bridge.contract.loyalty import PointsEvent, PointsPort, PointsResult, PointsWrite
from bridge.domain import contacts
from bridge.domain.ledger import Movement, Why
from bridge.domain.points import points
from bridge.engine import accounts, people
from bridge.engine.context import Channel, Context
from bridge.engine.desk import Desk
from bridge.engine.following import begin_feed, follow
from bridge.engine.noting import park
from bridge.engine.people import Sighting
from bridge.engine.points_open import alike, open_points, unopened
from bridge.engine.report import ChannelReport
from bridge.store import channels, notes
from bridge.store import people as people_store
from bridge.store import points as store
from bridge.store.people import CustomerRow
from bridge.store.points import LotRow, SpendRow

__all__ = ["drain_points", "push_points", "recover_points", "take_events", "take_in_points"]

_AT_ONCE = 500
# What a platform that writes one by one reads in a call (Square).
_LOOK = 30
_OURS = "points_mark"
_STANDING = ("points_id", "points_shown", "points_at", "points_key", "points_sent", "points_note")
_SPENDS: Mapping[str, Why] = {"burn": "burn", "release": "cancel", "expire": "expire", "adjust": "correction"}


def take_events(
    connection: Connection, context: Context, channel: Channel, page: Page[PointsEvent], *, read: bool = False
) -> None:
    """Book what a channel's own ledger of points says: each event once, ours not at all.

    `read`: what the channel shows was read a moment ago, so an event from before is in that number, and a later one comes on top.
    """
    ours = _mark(connection)
    foreign = [
        one if one.kind != "ours" else replace(one, kind="adjust") for one in page.items if not _is_ours(one, ours)
    ]
    known = store.find_spends(connection, [_id(channel, one) for one in foreign])
    known |= set(store.find_lots(connection, [_id(channel, one) for one in foreign]))
    fresh = [one for one in foreign if _id(channel, one) not in known]
    if fresh:
        row = channels.get(connection, channel.name)
        clock = timedelta(seconds=row.clock if row is not None else 0)
        _Events(connection, context, channel, clock, read).run(fresh)


def _mark(connection: Connection) -> str:
    """What our keys begin with; "" where none was ever sent."""
    return notes.get_meta(connection, _OURS) or ""


def _is_ours(event: PointsEvent, mark: str) -> bool:
    """Another bridge's writes look like ours, but for their key."""
    return event.kind == "ours" and (not event.key or (bool(mark) and event.key.startswith(mark)))


def _id(channel: Channel, event: PointsEvent) -> str:
    return f"event/{channel.name}/{event.id}"


@dataclass(slots=True)
class _Events:
    connection: Connection
    context: Context
    channel: Channel
    clock: timedelta
    read: bool

    def run(self, events: Sequence[PointsEvent]) -> None:
        desk = Desk(self.connection, self.context, self.context.now())
        whose = self._whose(events)
        for event in {one.id: one for one in events}.values():
            self._one(desk, event, whose[event.id])
        accounts.settle(self.connection, self.context, desk, set(whose.values()))
        desk.close()

    def _whose(self, events: Sequence[PointsEvent]) -> dict[str, str]:
        """The customer whose account it is, else whoever has that phone."""
        name = self.channel.name
        accounts_ = people_store.by_points_id(self.connection, name, {one.points_id for one in events if one.points_id})
        customers = people_store.find_customers(self.connection, name, {one.customer for one in events if one.customer})
        known = {one.id: (accounts_.get(one.points_id) or customers.get(one.customer)) for one in events}
        found = {key: row.person for key, row in known.items() if row is not None}
        self._shown({one.id: one for one in events}, known)
        strangers = {one.id: self._sighting(one) for one in events if one.id not in found}
        return found | people.identify(self.connection, self.context, name, strangers)

    def _sighting(self, event: PointsEvent) -> Sighting:
        phone = contacts.phone(event.phone, self.context.rules.loyalty.country) if event.phone else None
        return Sighting(event.customer, (phone,) if phone else (), frozenset((phone,) if phone else ()))

    def _shown(self, events: Mapping[str, PointsEvent], rows: Mapping[str, CustomerRow | None]) -> None:
        """Somebody changed what the channel shows: it is read before anything is written there, or known from the reading on."""
        fresh: dict[str, CustomerRow] = {}
        for key, found in rows.items():
            if found is None:
                continue
            row, event = fresh.get(found.customer_id, found), events[key]
            shown = None
            if self.read and row.points_shown is not None and row.points_at is not None:
                later = event.at - self.clock > row.points_at
                shown = row.points_shown + (event.points if later else 0)
            fresh[row.customer_id] = replace(row, points_shown=shown, points_note="")
        people_store.save_customers(self.connection, alike(self.connection, list(fresh.values())))

    def _one(self, desk: Desk, event: PointsEvent, person: str) -> None:
        own = self.channel.name in self.context.rules.loyalty.own
        ignored = event.kind in {"earn", "expire"} and not own
        if ignored:
            self._twice(event)
        if event.points > 0 and event.kind in {"earn", "adjust"}:
            store.save_lots(self.connection, [self._lot(event, person, 0 if ignored else event.points)])
        else:
            store.save_spends(self.connection, [self._spend(event, person, 0 if ignored else -event.points)])
        if event.points and not ignored:
            self._move(desk, event, person)

    def _move(self, desk: Desk, event: PointsEvent, person: str) -> None:
        why: Why = "earn" if event.points > 0 and event.kind == "earn" else _SPENDS.get(event.kind, "correction")
        desk.move(
            Movement(
                counter=points(person), delta=event.points, why=why, unique=_id(self.channel, event), channel=self.channel.name,
                source=event.order or event.id, occurred_at=event.at - self.clock, note=f"{event.kind} at {self.channel.name}",
            )
        )  # fmt: skip

    def _lot(self, event: PointsEvent, person: str, kept: int) -> LotRow:
        return LotRow(
            id=_id(self.channel, event), person=person, channel=self.channel.name, line_id=event.customer or event.points_id,
            earned=event.points, kept=kept, earned_at=event.at - self.clock, spendable_at=event.at - self.clock,
            note=f"{event.kind} at {self.channel.name}",
        )  # fmt: skip

    def _spend(self, event: PointsEvent, person: str, taken: int) -> SpendRow:
        return SpendRow(
            id=_id(self.channel, event), person=person, points=taken, at=event.at - self.clock, why=_SPENDS.get(event.kind, "correction"),
            channel=self.channel.name, source=event.customer or event.points_id or event.id, note=event.kind,
        )  # fmt: skip

    def _twice(self, event: PointsEvent) -> None:
        """The channel's own programme gives points as well: they are not believed, and a person is told."""
        reason = (
            f"{self.channel.name} gives points for purchases by itself, and so does the bridge: switch its own programme's earning off, or"
            f' set points = "own" in [channels.{self.channel.name}]; its points are taken back meanwhile'
        )
        if event.kind == "earn":
            park(self.connection, self.context, "points", self.channel.name, "earns twice", reason)


async def drain_points(context: Context, channel: Channel, report: ChannelReport, *, read: bool = False) -> None:
    """Read the channel's own ledger of points to its end, and book what is new."""
    port = channel.connector.points
    if port is None or port.events is None:
        return

    def keep(connection: Connection, page: Page[PointsEvent]) -> None:
        take_events(connection, context, channel, page, read=read)

    begin_feed(context, channel, "points", port.events.begin)
    await follow(context, channel, "points", port.events.since, keep, report)


async def push_points(context: Context, channel: Channel, report: ChannelReport) -> None:
    """Show customers what they have. A number that nobody knows is read, and what explains it, before it is written."""
    port = channel.connector.points
    if port is None:
        return
    if closed := _closed(context, channel, _untold(context, channel)):
        await _open(context, channel, port, closed, report)
    if unknown := [row for row in _untold(context, channel) if row.points_shown is None]:
        await _read(context, channel, port, unknown, report)
    rows = _untold(context, channel)
    # Nothing is written over points that somebody had before us and that were not taken in yet.
    waiting = {row.customer_id for row in _closed(context, channel, rows)}
    rows = _one_each([row for row in rows if row.customer_id not in waiting])
    size = channel.connector.limits.points_batch
    for start in range(0, len(rows), size):
        await _show(
            context, channel, port, [row for row in rows[start : start + size] if row.points_shown is not None], report
        )


def _one_each(rows: Sequence[CustomerRow]) -> list[CustomerRow]:
    """One account of points is written once, however many customers it is shown to."""
    return list({row.points_id or f"of {row.customer_id}": row for row in rows}.values())


async def take_in_points(context: Context, channel: Channel, report: ChannelReport) -> None:
    """Take in what customers had on the channel before we came; they need not have bought anything since."""
    port = channel.connector.points
    if port is None or port.events is None:
        return
    rows = context.database.read(lambda connection: people_store.untaken(connection, channel.name, _AT_ONCE))
    if rows:
        await _open(context, channel, port, rows, report)


async def _open(
    context: Context, channel: Channel, port: PointsPort, rows: Sequence[CustomerRow], report: ChannelReport
) -> None:
    await _read(context, channel, port, rows, report)
    ids = [row.customer_id for row in rows]
    context.database.write(lambda connection: open_points(connection, context, channel, ids))


def _closed(context: Context, channel: Channel, rows: Sequence[CustomerRow]) -> list[CustomerRow]:
    return context.database.read(lambda connection: unopened(connection, channel, rows)) if rows else []


def _untold(context: Context, channel: Channel) -> list[CustomerRow]:
    return context.database.read(lambda connection: people_store.untold(connection, channel.name, _AT_ONCE))


def _write(connection: Connection, row: CustomerRow, key: str) -> PointsWrite:
    """What is written, or asked for, of a customer; the phones are found where an account is to be made: which of them it is kept
    under there, the channel knows."""
    mine = [] if row.points_id else people_store.contacts_of(connection, row.person)
    phones = tuple(one.value for one in mine if one.kind == "phone")
    return PointsWrite(
        customer=row.customer_id, balance=row.points_target or 0, shown=row.points_shown, key=f"{key}-{row.customer_id}"[:128],
        points_id=row.points_id, phones=phones,
    )  # fmt: skip


async def _read(
    context: Context, channel: Channel, port: PointsPort, rows: Sequence[CustomerRow], report: ChannelReport
) -> None:
    """Read numbers, then what happened until then: a redemption that nobody has told yet is no reason to give it back."""
    size = max(channel.connector.limits.points_batch, _LOOK)
    for start in range(0, len(rows), size):
        part, begun = rows[start : start + size], context.now()
        writes = context.database.read(lambda connection, part=part: [_write(connection, row, "") for row in part])  # type: ignore[misc]
        shown = await port.read(writes)
        read = [
            replace(row, points_shown=one.balance or 0, points_at=begun, points_id=one.points_id or row.points_id)
            for row, one in zip(part, shown, strict=True)
        ]
        _save(context, read)
    await drain_points(context, channel, report, read=True)


async def _show(
    context: Context, channel: Channel, port: PointsPort, rows: Sequence[CustomerRow], report: ChannelReport
) -> None:
    if not rows:
        return
    key = context.database.write(lambda connection: _new_key(connection, context))
    writes = context.database.read(lambda connection: [_write(connection, row, key) for row in rows])
    _save(context, [replace(row, points_key=key, points_sent=row.points_target) for row in rows])
    try:
        results = await port.show(writes)
    except BridgeError as error:
        if not (isinstance(error, TryLater) and error.maybe_applied):
            _save(context, [replace(row, points_key=None, points_sent=None) for row in rows])
        raise
    report.points += sum(one.kind == "done" for one in results)
    context.database.write(lambda connection: _record(connection, context, channel, key, rows, results))


def _new_key(connection: Connection, context: Context) -> str:
    mark = _mark(connection)
    if not mark:
        mark = context.new_key()[:8]
        notes.set_meta(connection, _OURS, mark)
    return f"{mark}-{context.new_key()}"


def _save(context: Context, rows: Sequence[CustomerRow]) -> None:
    """Note where the points of these customers stand; whose they are and what they have may be other than when they were read."""

    def unit(connection: Connection) -> None:
        now = people_store.find_customers(connection, rows[0].channel, [row.customer_id for row in rows])
        there = [_onto(now[row.customer_id], row) for row in rows if row.customer_id in now]
        people_store.save_customers(connection, alike(connection, there))

    if rows:
        context.database.write(unit)


def _onto(now: CustomerRow, row: CustomerRow) -> CustomerRow:
    if now.person != row.person:
        return replace(now, points_key=row.points_key, points_sent=row.points_sent, points_shown=None)
    return replace(now, **{name: getattr(row, name) for name in _STANDING})


def _record(
    connection: Connection,
    context: Context,
    channel: Channel,
    key: str,
    rows: Sequence[CustomerRow],
    results: Sequence[PointsResult],
) -> None:
    now = people_store.find_customers(connection, channel.name, [row.customer_id for row in rows])
    changed = []
    for before, result in zip(rows, results, strict=True):
        row = now.get(before.customer_id)
        if row is None or row.points_key != key:
            continue
        changed.append(_after(context, row, before, result))
        if changed[-1].points_note:
            park(connection, context, "points", channel.name, row.customer_id, changed[-1].points_note)
    people_store.save_customers(connection, alike(connection, changed))
    notes.unpark(connection, "points", channel.name, [row.customer_id for row in changed if not row.points_note])


def _after(context: Context, row: CustomerRow, sent: CustomerRow, result: PointsResult) -> CustomerRow:
    known = replace(row, points_key=None, points_sent=None, points_id=result.points_id or row.points_id)
    if result.kind == "done":
        shown = result.balance if result.balance is not None else sent.points_target
        # Another number than ours would have made: somebody was there meanwhile, which has to come in before it is put right.
        alike = shown == sent.points_target
        return replace(known, points_shown=shown if alike else None, points_at=context.now())
    if result.kind == "stale":
        return replace(known, points_shown=result.balance, points_at=context.now())
    if result.kind == "gone":
        return replace(known, gone_at=context.now(), points_target=None, points_shown=None)
    if result.kind == "retry":
        return known
    return replace(known, points_note=result.reason or f"{row.channel} did not take it")


async def recover_points(context: Context, channel: Channel, report: ChannelReport) -> None:
    """After a lost answer: a write with a key is sent again and counts once; elsewhere it is read what is shown now."""
    port = channel.connector.points
    rows = (
        context.database.read(lambda connection: people_store.points_in_flight(connection, channel.name))
        if port
        else []
    )
    if port is None or not rows:
        return
    if not channel.connector.limits.points_keyed:
        lost = [replace(row, points_key=None, points_sent=None, points_shown=None) for row in rows]
        _save(context, lost)
        return
    for key, part in _batches(rows, channel.connector.limits.points_batch):
        await _send_again(context, channel, port, key, part, report)


async def _send_again(
    context: Context, channel: Channel, port: PointsPort, key: str, rows: Sequence[CustomerRow], report: ChannelReport
) -> None:
    sent = [replace(row, points_target=row.points_sent) for row in rows]
    results = await port.show(context.database.read(lambda connection: [_write(connection, row, key) for row in sent]))
    report.points += sum(one.kind == "done" for one in results)
    context.database.write(lambda connection: _record(connection, context, channel, key, sent, results))


def _batches(rows: Sequence[CustomerRow], size: int) -> list[tuple[str, list[CustomerRow]]]:
    """Rows of one write stay together."""
    found: dict[str, list[CustomerRow]] = {}
    for row in rows:
        found.setdefault(row.points_key or "", []).append(row)
    return [(key, part[start : start + size]) for key, part in found.items() for start in range(0, len(part), size)]
