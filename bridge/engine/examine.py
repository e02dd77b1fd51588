"""Examining numbers read from a channel: agree, wait, or say what a difference is (design, section 3, "Edit or drift?").

The caller has drained the channel's orders after the read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from bridge.contract.stock import Cause
from bridge.domain.catalog import Level, StockKey
from bridge.domain.ledger import Counter, Movement, Why
from bridge.domain.position import Position, Verdict, adopted, judge, read, rebased, too_early, unverified
from bridge.engine.context import Channel, Context
from bridge.engine.desk import Desk
from bridge.engine.linking import freed
from bridge.engine.noting import drift
from bridge.store import channels, ledger, listings, mirrors, notes, orders, positions, writes
from bridge.store.commitments import open_commitments

__all__ = ["Examined", "examine"]

# A channel not heard of for so long is down: a count does not wait until it is back.
AWAY = timedelta(minutes=10)


@dataclass(slots=True, kw_only=True)
class Examined:
    """What an examination found; `waiting` are the keys to read again after the grace time."""

    agreed: int = 0
    edits: int = 0
    drifts: int = 0
    waiting: set[StockKey] = field(default_factory=set)


def examine(
    connection: Connection, context: Context, channel: Channel, levels: Sequence[Level], causes: Sequence[Cause] = ()
) -> Examined:
    """Compare numbers with what the channel should show, and act on what can be judged."""
    return _Examination(connection, context, channel, causes).run(levels)


class _Examination:
    def __init__(self, connection: Connection, context: Context, channel: Channel, causes: Sequence[Cause]) -> None:
        self.connection = connection
        self.context = context
        self.channel = channel
        self.desk = Desk(connection, context, context.now())
        self.busy = mirrors.promised_keys(connection, channel.name)
        self.result = Examined()
        self.causes: dict[StockKey, list[Cause]] = {}
        for cause in causes:
            self.causes.setdefault(cause.key, []).append(cause)

    def run(self, levels: Sequence[Level]) -> Examined:
        newest = {level.key: level for level in levels}
        found = self.desk.positions(self.channel.name, newest)
        for key, position in sorted(found.items(), key=lambda item: (item[0].stock_id, item[0].location)):
            if position.in_flight is None and not position.gone:
                self._level(position, newest[key])
        self.desk.close()
        return self.result

    def _level(self, position: Position, level: Level) -> None:
        if level.quantity is None:
            self._untracked(position, level.as_of)
            return
        if position.shown is None or position.base == "untracked":
            self._first(position, level.quantity, level.as_of)
            return
        if too_early(position, level.as_of, timedelta(seconds=self.channel.connector.limits.visible_after)):
            if unverified(position):
                self.result.waiting.add(position.key)
            return
        if position.key in self.busy and level.quantity != position.shown:
            return
        verdict = self._verdict(position, level)
        act = {
            "agrees": self._agrees, "wait": self._wait, "edit": self._edit, "drift": self._drift, "late": self._late,
        }  # fmt: skip
        act[verdict](position, level.quantity, level.as_of)

    def _untracked(self, position: Position, at: datetime) -> None:
        """The channel keeps no number here; `shown` is unknown until it does."""
        self.desk.put(replace(position, shown=None, base="untracked", suspect=None, suspect_at=None, verified_at=at))
        self.desk.touch(position.sku)
        listings.tell_untracked(self.connection, self.channel.name, position.key.stock_id, tracked=False, now=at)

    def _verdict(self, position: Position, level: Level) -> Verdict:
        assert level.quantity is not None
        if self.channel.keeps(position.key):
            verdict = judge(position, level.quantity, level.as_of, grace=self.context.rules.grace, believes=True)
            return "edit" if verdict == "drift" else verdict
        # The shelf has more on it than the channel shows: one that was counted says something even where the numbers agree.
        telling = position.shown != level.quantity or self.channel.counts == "shelf"
        if telling and self.channel.believed and self._explained(position, level.quantity):
            return "edit" if self._others_heard(position, level) else "wait"
        grace = self.context.rules.grace
        verdict = judge(position, level.quantity, level.as_of, grace=grace, believes=self.channel.believed)
        return "wait" if verdict == "edit" and not self._others_heard(position, level) else verdict

    def _others_heard(self, position: Position, level: Level) -> bool:
        """Whether what the other channels sold and shipped before a count of the shelf is known; one that is away is not waited for."""
        if self.channel.counts != "shelf":
            return True
        _, last = self._log(position)
        when = last.at if last is not None else position.suspect_at or level.as_of
        when -= channels.clock(self.connection, self.channel.name)
        heard = channels.drained(self.connection, "orders").items()
        since = self.context.now() - AWAY
        return not any(since < at <= when for name, at in heard if name != self.channel.name)

    def _explained(self, position: Position, quantity: int) -> bool:
        """The platform's own change log names who changed the number: believed at once."""
        log, last = self._log(position)
        if last is not None:
            return quantity == last.quantity + sum(c.quantity for c in log if c.kind != "count" and c.at > last.at)
        adjusted = sum(cause.quantity for cause in log if cause.kind == "adjust")
        return bool(adjusted) and quantity - (position.shown or 0) == adjusted

    def _log(self, position: Position) -> tuple[list[Cause], Cause | None]:
        """What the change log has since the number was last verified, and the last count in it."""
        since = position.verified_at or position.base_at
        log = [cause for cause in self.causes.get(position.key, ()) if since is None or cause.at > since]
        counted = [cause for cause in log if cause.kind == "count"]
        return log, max(counted, key=lambda cause: cause.at, default=None)

    def _first(self, position: Position, quantity: int, at: datetime) -> None:
        """The first number of a position: the channel's own, and the ledger's opening if the counter has none yet."""
        listings.tell_untracked(self.connection, self.channel.name, position.key.stock_id, tracked=True, now=at)
        self.desk.put(freed(self.connection, adopted(position, quantity, at)))
        counter = Counter("stock", position.sku, position.place)
        is_kit = position.sku in self.context.rules.kits
        if self._may_open(position) and not is_kit and counter not in ledger.opened(self.connection, [counter]):
            ahead = channels.clock(self.connection, self.channel.name)
            open_counter(self.desk, counter, quantity, at - timedelta(seconds=1), self.channel.name, ahead)
        self.desk.touch(position.sku)

    def _may_open(self, position: Position) -> bool:
        """A number that is not believed opens the ledger only where no other channel knows better; a surface's never does."""
        if notes.get_meta(self.connection, "opened") is None:
            return False
        if self.channel.believed or self.channel.keeps(position.key):
            return True
        return self.channel.sells and not self._elsewhere(position)

    def _elsewhere(self, position: Position) -> bool:
        return any(
            row.channel != self.channel.name and row.place == position.place and row.shown is not None and not row.gone
            for row in positions.by_skus(self.connection, [position.sku])
        )

    def _agrees(self, position: Position, quantity: int, at: datetime) -> None:
        self.result.agreed += 1
        self.desk.put(read(position, quantity, at))

    def _wait(self, position: Position, quantity: int, at: datetime) -> None:
        self.result.waiting.add(position.key)
        if quantity != position.shown:
            self.desk.put(read(position, quantity, at))

    def _edit(self, position: Position, quantity: int, at: datetime) -> None:
        self.result.edits += 1
        counter = Counter("stock", position.sku, position.place)
        note = f"{self.channel.name} shows {quantity}, expected {position.shown}"
        doubt = self._doubt(position, counter)
        if doubt:
            note += f", and a sale there met a write of ours, which may have lost it; undecided by {doubt}"
        number = notes.count(self.connection, position, quantity, at, note)
        delta = quantity - (position.shown or 0) + self._wiped(position) - doubt
        if self.channel.counts == "shelf" and not self.channel.keeps(position.key):
            delta = self._shelf(position, counter, quantity, at)
        # Goods that come into the platform's own warehouse are booked in there by nobody but the platform.
        why: Why = "receipt" if self.channel.keeps(position.key) and delta > 0 else "count"
        self._count(counter, delta, f"count/{number}", at, note, why)
        # Whoever set the number has seen to what kept ours from being written (tracking switched off and on, say).
        counted = rebased(position, quantity, "count", at)
        self.desk.put(freed(self.connection, counted) if position.parked else counted)

    def _doubt(self, position: Position, counter: Counter) -> int:
        """Units sold there while a write of ours was under way, where the platform reads, adds and writes: it may have lost the sale.

        Alone that is drift, and put right. Under somebody's edit the number cannot say it: such units are taken as gone.
        """
        limits, since = self.channel.connector.limits, position.verified_at or position.base_at
        if limits.stock_write != "delta" or not limits.serial_writes or since is None:
            return 0
        ahead = channels.clock(self.connection, self.channel.name)
        sold: dict[int, int] = {}
        # The answer of the very write that lost a sale verifies nothing; and orders have whole seconds.
        last_sure = since - ahead - timedelta(seconds=1)
        for begun, ended in writes.spans(self.connection, self.channel.name, position.key, last_sure):
            first, last = (begun + ahead).replace(microsecond=0), ended + ahead
            sold |= ledger.sold_between(self.connection, counter, self.channel.name, first, last)
        return sum(sold.values())

    def _wiped(self, position: Position) -> int:
        """Units our writes moved that a count wiped: written down after it, with an earlier time, so it cannot have seen them."""
        log, _ = self._log(position)
        counted = [(one.at, one.noted) for one in log if one.kind == "count" and one.noted is not None]
        ours = [(one.quantity, one.at, one.noted) for one in log if one.kind == "ours" and one.noted is not None]
        return sum(units for units, at, noted in ours if any(at <= when and noted > known for when, known in counted))

    def _shelf(self, position: Position, counter: Counter, quantity: int, at: datetime) -> int:
        """A shelf count has the units in it that are sold and not yet shipped: they come off, as of the moment it was made.

        Goods booked in or out in between are no count: they move the ledger by what they are.
        """
        log, last = self._log(position)
        explained = self._explained(position, quantity)
        if explained and last is None:
            return quantity - (position.shown or 0)
        units, when, adjusted = quantity, position.suspect_at or at, 0
        if explained and last is not None:
            units, when = last.quantity, last.at
            adjusted = sum(cause.quantity for cause in log if cause.kind == "adjust" and cause.at > when)
        balance = ledger.balances(self.connection, [counter]).get(counter, 0)
        then = balance - ledger.moved_after(self.connection, counter, when)
        return units - open_commitments(self.connection, counter, when) - then + adjusted

    def _late(self, position: Position, quantity: int, at: datetime) -> None:
        """Orders that came late were inside the number already: what they took off the ledger goes back as part of the count."""
        counter = Counter("stock", position.sku, position.place)
        note = (
            f"{self.channel.name} shows {quantity}: {position.late} units of late orders were inside the count already"
        )
        number = notes.count(self.connection, position, quantity, at, note)
        self._count(counter, position.late, f"count/{number}", at, note)
        self.desk.put(rebased(position, quantity, "count", at))

    def _drift(self, position: Position, quantity: int, at: datetime) -> None:
        """Somebody's update was lost or doubled there, or numbers set there do not count: the ledger's number is restored."""
        if self._same_second(position, quantity):
            self.desk.put(rebased(position, quantity, "write", at))
            return
        self.result.drifts += 1
        why = "after an order or a write of that moment" if self.channel.believed else "numbers set there do not count"
        drift(self.connection, self.context, position, quantity, at, why)
        self.desk.put(rebased(position, quantity, "drift", at))

    def _same_second(self, position: Position, quantity: int) -> bool:
        """Whether the difference is what was sold in the second of our absolute write: it counted as wiped, and was not."""
        if not self.channel.connector.limits.absolute or position.base != "write" or position.base_at is None:
            return False
        second = position.base_at.replace(microsecond=0)
        until = second + timedelta(seconds=1)
        just_before = second - timedelta(microseconds=1)
        moved = orders.moved_between(self.connection, self.channel.name, position.key, just_before, until)
        return bool(moved) and quantity == (position.shown or 0) + moved

    def _count(self, counter: Counter, delta: int, unique: str, at: datetime, note: str, why: Why = "count") -> None:
        self.desk.touch(counter.key)
        if delta:
            self.desk.move(
                Movement(
                    counter=counter, delta=delta, why=why, unique=unique, channel=self.channel.name, source=unique,
                    occurred_at=at, note=note,
                )
            )  # fmt: skip


def open_counter(desk: Desk, counter: Counter, quantity: int, at: datetime, channel: str, ahead: timedelta) -> None:
    """Open a counter with a channel's number: the first count. `at` is the channel's time, which is `ahead` of ours."""
    ledger.start(desk.connection, [(counter, at - ahead, channel)])
    unique = f"opening/{counter.kind}/{counter.key}@{counter.place}"
    desk.move(
        Movement(
            counter=counter, delta=quantity, why="opening", unique=unique, channel=channel, source=unique, occurred_at=at,
            note=f"opened with what {channel} showed",
        )
    )  # fmt: skip
