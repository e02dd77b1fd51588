"""A lane: one channel kept in step for ever. Ears turn hints into booked orders at once; hands read, push, doubt and audit.

Both use the functions of a sync, so whatever the ears miss the next poll finds. Nothing a lane remembers is needed after a crash.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from sqlalchemy.engine import Connection

from bridge.contract.errors import BridgeError, NeedsPerson, TryLater
from bridge.contract.limits import Limits
from bridge.domain.catalog import StockKey
from bridge.engine.collect import collect, read_again
from bridge.engine.context import Channel, Context
from bridge.engine.hearing import PAUSE, Heard, Memory, hear, look_at
from bridge.engine.loyalty import show_loyalty
from bridge.engine.noting import park
from bridge.engine.push import push
from bridge.engine.recover import recover
from bridge.engine.report import ChannelReport
from bridge.engine.sync import audit
from bridge.engine.tickets import look as look_at_tickets
from bridge.store import channels, deliveries, figures, notes, positions, writes
from bridge.store.deliveries import Stored
from bridge.store.errors import StoreError

__all__ = ["Errand", "Lane", "News", "Pace", "possible_age"]

_log = logging.getLogger("bridge.live")
Errand = Literal["poll", "audit", "catalog"]
# What reading again may take of a platform's limit: sales come first.
AUDIT_SHARE = 0.25
# Deliveries looked at together.
_AT_ONCE = 500
# Seconds between two looks for doubts that others left.
_LOOKS = 1.0
# The part of the promised age in which all numbers have their turn: a failed turn may be made up for in the rest.
_AUDITED_WITHIN = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often what is done.

    poll     how often every feed is read, hints or not
    least    feeds are not read more often than this, whatever the hints say
    max_age  no number goes unverified longer
    gather   deliveries are gathered for so long before anything is looked at: one sale is told several times at once
    feeds    hints at products are gathered for so long before the feeds are read
    levels   a number that was told waits so long for the order that may explain it
    first, longest  the pause after one failure, and after many
    rest     the pause of a channel that needs a person
    bug      the pause after something that no error foresees
    """

    poll: timedelta = timedelta(seconds=30)
    least: timedelta = timedelta(0)
    max_age: timedelta = timedelta(hours=1)
    gather: timedelta = timedelta(milliseconds=20)
    feeds: timedelta = timedelta(seconds=10)
    levels: timedelta = timedelta(seconds=1)
    first: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(minutes=2)
    rest: timedelta = timedelta(minutes=5)
    bug: timedelta = timedelta(minutes=1)

    @property
    def audits(self) -> timedelta:
        """How often a part of the numbers is read again."""
        return min(timedelta(minutes=1), self.max_age / 20)


def _time() -> float:
    """The loop's own time, which no clock that is set moves."""
    return asyncio.get_running_loop().time()


def possible_age(limits: Limits, numbers: int) -> timedelta:
    """Return the youngest `max_age` that a platform's limits allow for so many numbers, with room left for everything else."""
    most = limits.reads_per_second * AUDIT_SHARE
    return timedelta(seconds=numbers / most / _AUDITED_WITHIN) if most else timedelta(0)


class News(Protocol):
    """Whom a lane tells that something has changed."""

    def spread(self, channel: str, since: datetime, report: ChannelReport, products: set[str]) -> None:
        """The ledger or the catalogue moved because of this channel; `since` is when the news reached us."""

    def holding(self, channel: str) -> bool:
        """Whether nothing may be pushed there yet, because an order is about to be mirrored."""

    def bug(self, error: Exception) -> None:
        """Something happened that none of the four errors is."""

    def count(self, channel: str, counts: dict[str, int]) -> None:
        """So much happened."""


@dataclass(slots=True, eq=False)
class Lane:
    """One channel's work. While hands are at work it is the channel's turn.

    `heard_at`: when its feeds were last read to their end; `hinted_at`: the last delivery; `unhinted`: orders that polling found
    since then; `news_at`: since when changes wait to be shown here. `_unsure`: a write may have no known outcome.
    `_refuted`: what a number was believed to be when its write came back stale.
    """

    context: Context
    channel: Channel
    news: News
    pace: Pace
    state: Literal["starting", "ok", "failing", "resting"] = "starting"
    error: str = ""
    heard_at: datetime | None = None
    hinted_at: datetime | None = None
    unhinted: int = 0
    news_at: datetime | None = None
    stopping: bool = False
    _ears: asyncio.Event = field(default_factory=asyncio.Event)
    _hands: asyncio.Event = field(default_factory=asyncio.Event)
    _well_again: asyncio.Event = field(default_factory=asyncio.Event)
    _errands: set[Errand] = field(default_factory=lambda: set[Errand](("poll",)))
    _doubts: dict[StockKey, float] = field(default_factory=dict)
    _told: dict[StockKey, int] = field(default_factory=dict)
    _refuted: dict[StockKey, int | None] = field(default_factory=dict)
    _later: dict[str, float] = field(default_factory=dict)
    _memory: Memory = field(default_factory=Memory)
    _feeds_at: float | None = None
    _read_at: float = -math.inf
    _tickets_at: float | None = None
    _looks_at: float | None = None
    _looked_at: float = 0.0
    _unsure: bool = True
    _failures: int = 0
    _calls: int = 0

    @property
    def name(self) -> str:
        """The channel's name."""
        return self.channel.name

    def listen(self) -> None:
        """Deliveries are waiting."""
        self._ears.set()

    def wake(self) -> None:
        """Numbers may differ, or something may be due."""
        self._hands.set()

    def send(self, errand: Errand) -> None:
        """Have something done at the next opportunity."""
        self._errands.add(errand)
        self._hands.set()

    async def ears(self) -> None:
        """Turn deliveries into booked orders, until told to stop."""
        self._ears.set()
        while not self.stopping:
            await self._ears.wait()
            await self.context.sleep(self.pace.gather.total_seconds())
            pause = await self._trying(self._hear)
            if pause is not None:
                await self.context.sleep(pause)
                self._ears.set()

    async def hands(self) -> None:
        """Read, push, doubt and audit, until told to stop."""
        self._hands.set()
        while not self.stopping:
            await self._something_to_do()
            async with self.channel.turn:
                pause = await self._trying(self._work)
            if pause is None:
                self._well()
            elif not self.stopping:
                await self._rest(pause)
                self.send("poll")

    async def _rest(self, pause: float) -> None:
        """Pause after a failure; a delivery that could be looked at says that the channel is well again."""
        shortest = min(pause, self.pace.first.total_seconds())
        await self.context.sleep(shortest)
        self._well_again.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(pause - shortest):
                await self._well_again.wait()

    async def _hear(self) -> None:
        self._ears.set()
        while self._ears.is_set() and (stored := self._waiting()):
            self.hinted_at, self.unhinted = self.context.now(), 0
            report = ChannelReport()
            try:
                heard = await hear(self.context, self.channel, stored, self._memory, report)
            finally:
                self._note(report, stored[0].received_at)
            self._count({"hints": len(stored)})
            self._remember(heard)

    def _waiting(self) -> list[Stored]:
        """The deliveries to look at next; where that is all there are, nobody looks again until more have come."""
        self._ears.clear()
        stored = self.context.database.read(lambda connection: deliveries.waiting(connection, self.name, _AT_ONCE))
        if len(stored) == _AT_ONCE:
            self._ears.set()
        return stored

    def _remember(self, heard: Heard) -> None:
        now = _time()
        if heard.feeds and self._feeds_at is None:
            earliest = self._read_at + self.pace.least.total_seconds()
            self._feeds_at = max(now + self.pace.feeds.total_seconds(), earliest)
        self._later |= dict.fromkeys(heard.orders, now + PAUSE.total_seconds())
        self._well_again.set()
        for key, units in heard.levels.items():
            self._told[key] = units
            self._doubts.setdefault(key, now + self.pace.levels.total_seconds())
        self._hands.set()

    async def _something_to_do(self) -> None:
        if self._errands:
            return
        times = [*self._doubts.values(), *self._later.values()]
        times += filter(None, (self._feeds_at, self._looks_at, self._tickets_at))
        # Never less than a moment: a loop may fire a timer a hair before its time, and nothing would be due yet.
        wait = max(0.001, min(times) - _time()) if times else None
        # Not wait_for: in Python 3.11 it swallows a cancellation that comes together with what it waits for.
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._hands.wait()
        self._hands.clear()

    async def _recover(self, report: ChannelReport) -> None:
        """Settle lost answers; a number that sales go on moving cannot be decided yet, and is tried again."""
        await recover(self.context, self.channel, report)
        self._unsure = bool(self.context.database.read(lambda connection: writes.open_writes(connection, self.name)))

    async def _look_at_tickets(self, report: ChannelReport) -> None:
        self._tickets_at = None
        found = await look_at_tickets(self.context, self.channel, report)
        self._doubt(found.keys)
        if found.products:
            self.news.spread(self.name, self.context.now(), ChannelReport(), found.products)
        self._await_tickets()

    def _await_tickets(self) -> None:
        port = self.channel.connector
        if port.tickets is None and port.edit_tickets is None and port.creation_tickets is None:
            return
        due = self.context.database.read(lambda connection: writes.next_look(connection, self.name))
        wait = 0.0 if due is None else max(0.0, (due - self.context.now()).total_seconds())
        self._tickets_at = None if due is None else _time() + wait

    async def _work(self) -> None:
        """Read what is due, and push meanwhile: a sale elsewhere does not wait for a long reading.

        The first reading comes before any write: what was sold while nobody looked is known then.
        """
        if self._unsure:
            await self._step(self._recover)
        await self._step(self._look_at_tickets)
        if self.heard_at is None:
            await self._read_what_is_due()
        reading = asyncio.create_task(self._read_what_is_due(), name=f"eyes of {self.name}")
        try:
            await self._push_until(reading)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        self._look_now_or_soon()

    async def _push_until(self, reading: asyncio.Task[None]) -> None:
        """Push at once and whenever there is news, until a reading has ended, and once more after it; its failure is ours."""
        await asyncio.sleep(0)  # one that finds nothing due has ended by then
        while True:
            self._hands.clear()
            read = reading.done()
            if not self.news.holding(self.name):
                await self._step(self._push)
            if read:
                return reading.result()
            await self._woken_or(reading)

    async def _woken_or(self, reading: asyncio.Task[None]) -> None:
        woken = asyncio.create_task(self._hands.wait())
        try:
            await asyncio.wait([woken, reading], return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()

    async def _read_what_is_due(self) -> None:
        if "poll" in self._errands or (self._feeds_at is not None and self._feeds_at <= _time()):
            await self._step(self._read)
        await self._step(self._look_once_more)
        await self._step(self._settle_doubts)
        if "audit" in self._errands:
            self._errands.discard("audit")
            await self._step(self._audit)
        if "catalog" in self._errands:
            await self._step(self._audit_all)
            self._errands.discard("catalog")

    async def _step(self, step: Callable[[ChannelReport], Awaitable[None]]) -> None:
        """Do one thing, and tell what it changed even where it breaks off in the middle."""
        report, began = ChannelReport(), self.context.now()
        try:
            await step(report)
        finally:
            self._note(report, began)

    async def _read(self, report: ChannelReport) -> None:
        self._errands.discard("poll")
        self._feeds_at, self._read_at, before = None, _time(), self.heard_at
        found = await collect(self.context, self.channel, report)
        self.heard_at = self.context.now()
        # What was bought before the last delivery, or while nobody listened, says nothing against the deliveries of now.
        if before is not None and (self.hinted_at is None or self.hinted_at <= before):
            self.unhinted += report.orders
        self._doubt(found.waiting)
        if found.products:
            self.news.spread(self.name, self.context.now(), ChannelReport(), found.products)

    async def _push(self, report: ChannelReport) -> None:
        since, self.news_at = self.news_at, None
        try:
            pushed = await push(self.context, self.channel, report, refuted=self._refuted)
            self._refute(pushed.refuted)
            self._doubt(pushed.stale)
            await show_loyalty(self.context, self.channel, report)
        except BaseException:
            self.news_at = since
            raise
        if since is not None and report.written:
            delay = (self.context.now() - since).total_seconds()
            self._count({figures.delay_name(delay): 1})

    def _refute(self, stale: Collection[StockKey]) -> None:
        """Remember numbers that came back stale: sent again before anything new is known, they would always be on their way, and
        never be judged."""
        if stale:
            found = self.context.database.read(lambda connection: positions.by_keys(connection, self.name, stale))
            self._refuted |= {key: row.shown for key, row in found.items()}

    async def _look_once_more(self, report: ChannelReport) -> None:
        due = [one for one, at in self._later.items() if at <= _time()]
        for one in due:
            del self._later[one]
        if due:
            await look_at(self.context, self.channel, due, self._memory, report)

    async def _settle_doubts(self, report: ChannelReport) -> None:
        """Read again what was found different, once it has stood for the grace time; what was told and is so by now is settled."""
        due = {key: at for key, at in self._doubts.items() if at <= _time()}
        told = {key: self._told.pop(key) for key in due.keys() & self._told.keys()}
        self._doubts = {key: at for key, at in self._doubts.items() if key not in due}
        try:
            again = await self._read_doubtful(due.keys(), told, report)
        except BaseException:
            # Nobody else would look at a number again that is refuted, and until then it is not written.
            self._doubts = due | self._doubts
            raise
        self._doubt(again)
        for key in due:
            self._refuted.pop(key, None)

    async def _read_doubtful(
        self, keys: Collection[StockKey], told: Mapping[StockKey, int], report: ChannelReport
    ) -> set[StockKey]:
        settled: set[StockKey] = set()
        if told:
            known = self.context.database.read(lambda connection: positions.by_keys(connection, self.name, told))
            settled = {key for key, row in known.items() if row.shown == told[key] and row.suspect is None}
        due = sorted(set(keys) - settled)
        if not due:
            return set()
        again = await read_again(self.context, self.channel, due, report)
        self.wake()
        return again

    async def _audit(self, report: ChannelReport) -> None:
        """Read the numbers again that were not verified for longest, so many that all have had their turn within the age."""
        keys = self.context.database.read(self._oldest)
        if keys:
            self._doubt(await read_again(self.context, self.channel, keys, report))

    def _oldest(self, connection: Connection) -> Sequence[StockKey]:
        turns = max(1.0, _AUDITED_WITHIN * self.pace.max_age / self.pace.audits)
        share = -int(-positions.count(connection, self.name) // turns)
        if (most := self.channel.connector.limits.reads_per_second * AUDIT_SHARE) > 0:
            share = min(share, max(1, int(most * self.pace.audits.total_seconds())))
        before = self.context.now() + channels.clock(connection, self.name) - self.pace.max_age / 4
        return [row.key for row in positions.oldest(connection, self.name, before, share) if row.in_flight is None]

    async def _audit_all(self, report: ChannelReport) -> None:
        self._doubt(await audit(self.context, self.channel, report))

    def _doubt(self, keys: Collection[StockKey]) -> None:
        visible = timedelta(seconds=self.channel.connector.limits.visible_after)
        at = _time() + max(self.context.rules.grace, timedelta(seconds=2), visible).total_seconds()
        for key in keys:
            self._doubts.setdefault(key, at)

    def _look_now_or_soon(self) -> None:
        """While sales come in a lane works many times a second, and doubts wait for longer than that."""
        soon = self._looked_at + _LOOKS
        self._looks_at = soon if self._looked_at and _time() < soon else None
        if self._looks_at is None:
            self._looked_at = _time()
            self._look()

    def _look(self) -> None:
        """Take up the doubts that others left, in this process or in one that died."""
        rows = self.context.database.read(
            lambda connection: positions.suspects(connection, self.name) + positions.unverified(connection, self.name)
        )
        self._doubt({row.key for row in rows if row.in_flight is None})
        self._await_tickets()

    def _note(self, report: ChannelReport, since: datetime) -> None:
        calls, self._calls = self._calls, self.channel.connector.calls()
        self._count({
            "calls": self._calls - calls, "orders": report.orders, "movements": report.movements, "writes": report.writes,
            "written": report.written, "edits": report.edits, "drifts": report.drifts,
        })  # fmt: skip
        if report.orders or report.movements or report.edits or report.drifts or report.products:
            self.news.spread(self.name, since, report, set())

    def _count(self, counts: dict[str, int]) -> None:
        self.news.count(self.name, counts)

    async def _trying(self, work: Callable[[], Awaitable[None]]) -> float | None:
        """Do some work; return how many seconds to pause where it failed. The other lanes go on whatever happens."""
        try:
            await work()
        except NeedsPerson as error:
            return self._failed(error, "resting", self.pace.rest)
        except (BridgeError, StoreError) as error:
            return self._failed(error, "failing", self._patience(error))
        except Exception as error:  # noqa: BLE001 - a mistake of ours in one lane must not stop the others
            _log.exception("%s: this should not happen", self.name)
            self.news.bug(error)
            return self._failed(error, "failing", self.pace.bug)
        return None

    def _patience(self, error: Exception) -> timedelta:
        asked = error.after if isinstance(error, TryLater) and error.after else 0.0
        doubled = min(
            self.pace.longest.total_seconds(), self.pace.first.total_seconds() * 2.0 ** min(self._failures, 20)
        )
        return timedelta(seconds=max(asked, doubled * self.context.rng.uniform(0.5, 1.0)))

    def _failed(self, error: Exception, state: Literal["failing", "resting"], pause: timedelta) -> float:
        self._failures += 1
        self._unsure = True
        if (self.state, self.error) != (state, str(error)):
            _log.warning("%s is %s: %s", self.name, state, error)
        self.state, self.error = state, str(error)
        if state == "resting":
            self._tell(str(error))
        return pause.total_seconds()

    def _well(self) -> None:
        if self.state == "resting":
            self._tell("")
        if self.state != "ok":
            _log.info("%s is in step again" if self._failures else "%s is in step", self.name)
        self.state, self.error, self._failures = "ok", "", 0

    def _tell(self, reason: str) -> None:
        """Have a person know, or let them know that it is over."""

        def unit(connection: Connection) -> None:
            if reason:
                park(connection, self.context, "channel", self.name, self.name, reason)
            else:
                notes.unpark(connection, "channel", self.name, [self.name])
            channels.rest(connection, self.name, reason)

        with suppress(StoreError):
            self.context.database.write(unit)
