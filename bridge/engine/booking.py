"""Booking: order snapshots in, movements and positions out (design, section 2, rule 1).

For each snapshot: load what is recorded for the order, compute the new effects, append the difference. A duplicate changes
nothing, an older one is dropped. One transaction for a whole page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from bridge.domain.catalog import StockKey
from bridge.domain.effects import Bindings, Effects, effects, waiting
from bridge.domain.ledger import Counter, Movement, difference, order_why
from bridge.domain.orders import Order, OrderLine, OrderStatus
from bridge.domain.position import known, ordered
from bridge.engine import codes, rewards
from bridge.engine.context import Channel, Context, Source
from bridge.engine.desk import Desk
from bridge.engine.noting import park
from bridge.store import channels, listings, notes, orders, stocktakes
from bridge.store import mirrors as mirror_store

__all__ = ["Booked", "book", "rebook"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """What a page of snapshots changed."""

    orders: int = 0
    movements: int = 0
    units: int = 0


def book(
    connection: Connection,
    context: Context,
    channel: Source,
    page: Sequence[Order],
    captured: Mapping[Counter, int] | None = None,
) -> Booked:
    """Book a page of snapshots, oldest first. `captured` are units that were held for these orders and no more are."""
    booking = _Booking(connection, context, channel, page, again=False)
    for counter, units in (captured or {}).items():
        booking.desk.reserve(counter, -units)
    return booking.run()


def rebook(connection: Connection, context: Context, channel: Channel) -> Booked:
    """Book again the orders that had lines we could not name: some may be linked by now."""
    waiting = orders.with_unlinked(connection, channel.name)
    return _Booking(connection, context, channel, waiting, again=True).run() if waiting else Booked()


class _Booking:
    def __init__(
        self, connection: Connection, context: Context, channel: Source, page: Sequence[Order], *, again: bool
    ) -> None:
        self.connection = connection
        self.context = context
        self.channel = channel
        self.again = again
        self.now = context.now()
        self.desk = Desk(connection, context, self.now)
        self.recorded = orders.load(connection, channel.name, [one.id for one in page])
        self.page = [_remembering(one, self.recorded.get(one.id)) for one in page]
        variants = {line.variant_id for one in self.page for line in one.lines if line.variant_id}
        loose = {line.sku for one in self.page for line in one.lines if line.sku and not line.variant_id}
        self.bindings: Bindings = replace(
            channel.bindings(connection, variants), loose=listings.loose(connection, channel.name, loose)
        )
        self.mirrored = mirror_store.adopt_orders(connection, channel.name, page, self.recorded)
        self.opened: dict[Counter, datetime] = {}
        self.effects: dict[str, Effects] = {}
        # Orders from before the first contact are history: whoever bought a product that is no more need not be reported.
        row = channels.get(connection, channel.name)
        self.adopted_at: datetime | None = row.adopted_at if row is not None else None
        self.known = row is not None
        self.since: datetime | None = row.since if row is not None else None
        self.clock = timedelta(seconds=row.clock if row is not None else 0)
        self.units = 0
        self.counted: dict[Counter, datetime] = {}
        self.inside: dict[Counter, int] = {}
        self.news: list[tuple[OrderStatus | None, Order]] = []

    def run(self) -> Booked:
        fresh = self._fresh()
        self._preload(fresh)
        saved = [self._one(order, body) for order, body in fresh]
        orders.save(self.connection, saved, self.now)
        used = rewards.book(self.connection, self.context, self.channel, self.desk, saved, self.clock)
        if self.context.events is not None:
            self.context.events.orders(self.connection, self.channel.name, self.news, self.now)
        movements = self.desk.close()
        codes.settle(self.connection, self.context, used)
        codes.tell_overuse(self.connection, self.context, used)
        return Booked(orders=len(saved), movements=movements, units=self.units)

    def _fresh(self) -> list[tuple[Order, bytes]]:
        """The page's orders that are news, each with what will be stored of it."""
        newest: dict[str, tuple[Order, bytes]] = {}
        for order in self.page:
            before = newest[order.id][0] if order.id in newest else None
            record = self.recorded.get(order.id)
            if before is None and record is not None:
                before = record.order
            body = orders.encoded(order)
            if before is not None and not self.again and (order.updated_at < before.updated_at or _same(record, body)):
                continue
            newest[order.id] = (order, body)
        return list(newest.values())

    def _preload(self, fresh: Sequence[tuple[Order, bytes]]) -> None:
        """One query for all positions and counters of the page, not one an order."""
        keys: set[StockKey] = set()
        counters: set[Counter] = set()
        for order, _ in fresh:
            done = effects(order, self._bindings(self.recorded.get(order.id)))
            self.effects[order.id] = done
            keys.update(done.numbers)
            counters.update(done.ledger, done.taken)
        self.desk.positions(self.channel.name, keys)
        self.opened = {one: self._starts(at) for one, at in self.desk.opened(counters).items() if at is not None}
        booked = {counter for order, _ in fresh for counter in self._booked(order)}
        self.counted = stocktakes.newest(self.connection, counters | booked)

    def _booked(self, order: Order) -> Mapping[Counter, int]:
        record = self.recorded.get(order.id)
        return record.effects if record is not None else {}

    def _bindings(self, record: orders.Recorded | None) -> Bindings:
        return self.bindings if record is None else replace(self.bindings, frozen=record.parts, terms=record.terms)

    def _one(self, order: Order, body: bytes) -> orders.Recorded:
        record = self.recorded.get(order.id)
        first = record is None
        if record is None:
            record = orders.Recorded(channel=self.channel.name, order=order)
        if order.id in self.mirrored:
            record.kind = "mirror"
        when = order.placed_at if first or self.again else order.updated_at
        if self._is_news(record, order, first=first):
            self.news.append((None if first else record.order.status, order))
        self._ledger(record, order, when, first=first)
        self._numbers(record, order, when, first=first)
        record.order, record.body = order, body
        record.revision += 1
        record.parts, record.terms = self.effects[order.id].parts, self.effects[order.id].terms
        record.unlinked = 0 if record.kind == "mirror" else self._report_unlinked(record)
        self.recorded[order.id] = record
        return record

    def _is_news(self, record: orders.Recorded, order: Order, *, first: bool) -> bool:
        """Whether others are told: not of copies that we made, and not of what was bought before the first contact."""
        if record.kind == "mirror" or (self.known and self.adopted_at is None):
            return False
        return not first or self.adopted_at is None or order.placed_at - self.clock > self.adopted_at

    def _ledger(self, record: orders.Recorded, order: Order, when: datetime, *, first: bool) -> None:
        taken = self.effects[order.id].taken
        net: dict[Counter, int] = {} if record.kind == "mirror" else self.effects[order.id].ledger
        before = dict(record.effects)
        for counter in net.keys() | taken.keys():
            if counter not in before and self._before_ledger(counter, when) and not self._may_be_late(counter, order):
                inside = self._before_ledger(counter, order.updated_at) or not first
                record.baseline[counter] = net.get(counter, 0) if inside else taken.get(counter, 0)
                before[counter] = record.baseline[counter]
        moved = difference(before, net)
        for counter, delta in moved.items():
            self._move(record, order, counter, delta, when)
        self.inside = {}
        if self.counted and record.kind != "mirror":
            self._within_stocktake(record, order, moved, when, first=first)
        record.effects = {counter: net.get(counter, 0) for counter in net.keys() | record.effects.keys()}

    def _within_stocktake(
        self, record: orders.Recorded, order: Order, moved: Mapping[Counter, int], when: datetime, *, first: bool
    ) -> None:
        """News from before a count of the shelf that comes after it: what had left the shelf by then was inside the count.

        What was sold and still lay there was counted with the rest, so it comes off now. The count's difference is recomputed.
        """
        seen = (when if self.channel.over_the_counter else order.updated_at) - self.clock
        bindings = self._bindings(record)
        for counter in self.effects[order.id].ledger.keys() | record.effects.keys() | moved.keys():
            if counter not in self.counted or seen > self.counted[counter]:
                continue
            was = 0 if first else waiting(record.order, bindings, counter)
            self.inside[counter] = -(moved.get(counter, 0) + waiting(order, bindings, counter) - was)
            if self.inside[counter]:
                at, delta = self.counted[counter], self.inside[counter]
                self._recount_by(record, order, counter, delta, f"{counter.key}@{counter.place}/stocktake", at)

    def _may_be_late(self, counter: Counter, order: Order) -> bool:
        """An offline till's sale from before the opening, uploaded after it: the platform takes the units only now.

        If it had them off already, the next read says so and the count is recomputed.
        """
        return self.channel.late_orders and not self._before_ledger(counter, order.updated_at)

    def _starts(self, opened_at: datetime) -> datetime:
        """By the channel's clock: until when what it sold is history for a counter that was opened at a moment of ours."""
        opened = opened_at + self.clock
        return opened if self.since is None else max(opened, self.since)

    def _before_ledger(self, counter: Counter, when: datetime) -> bool:
        opened = self.opened.get(counter)
        return opened is None or when <= opened

    def _move(self, record: orders.Recorded, order: Order, counter: Counter, delta: int, when: datetime) -> None:
        unique = f"{self.channel.name}/{order.id}/{record.revision}/{counter.key}@{counter.place}"
        note = f"order {order.number or order.id}"
        movement = Movement(
            counter=counter, delta=delta, why=order_why(order, delta), unique=unique, channel=self.channel.name,
            source=order.id, occurred_at=when, note=note,
        )  # fmt: skip
        self.desk.move(movement)
        self.units += abs(delta)

    def _numbers(self, record: orders.Recorded, order: Order, when: datetime, *, first: bool) -> None:
        numbers = self.effects[order.id].numbers
        taken = self.effects[order.id].taken_numbers if first else {}
        for key in numbers.keys() | record.numbers.keys() | taken.keys():
            net = numbers.get(key, 0) - record.numbers.get(key, 0)
            self._number(record, order, key, net, taken.get(key, 0), when)
        record.numbers = {key: numbers.get(key, 0) for key in numbers.keys() | record.numbers.keys()}

    def _number(
        self, record: orders.Recorded, order: Order, key: StockKey, net: int, taken: int, when: datetime
    ) -> None:
        position = self.desk.position(self.channel.name, key)
        if position is None:
            return
        late = known(position, when) and not known(position, order.updated_at)
        if late and self.channel.late_orders:
            self.desk.put(ordered(position, net, order.updated_at, uncertain=True))
        elif late:
            self.desk.put(ordered(position, net - taken, order.updated_at))
            self._recount(record, order, key, taken)
        elif known(position, when):
            self._recount(record, order, key, net)
        else:
            self.desk.put(ordered(position, net, when))

    def _recount(self, record: orders.Recorded, order: Order, key: StockKey, net: int) -> None:
        """A count that was taken after this order had it inside already: its difference is recomputed, nothing counts twice."""
        position = self.desk.position(self.channel.name, key)
        if position is None or position.base != "count" or not net or record.kind == "mirror":
            return
        counter = Counter("stock", position.sku, position.place)
        if counter in record.baseline:
            return
        at = position.base_at or self.now
        if counter in self.inside and at - self.clock <= self.counted[counter]:
            return  # the shelf was counted after that, and says more
        delta = -net - self.inside.get(counter, 0)
        if delta:
            self._recount_by(record, order, counter, delta, f"{key.stock_id}@{key.location}", at)

    def _recount_by(
        self, record: orders.Recorded, order: Order, counter: Counter, delta: int, what: str, at: datetime
    ) -> None:
        unique = f"recount/{self.channel.name}/{order.id}/{record.revision}/{what}"
        self.desk.move(
            Movement(
                counter=counter, delta=delta, why="count", unique=unique, channel=self.channel.name, source=order.id,
                occurred_at=at, note=f"order {order.number or order.id} was inside the count",
            )
        )  # fmt: skip

    def _report_unlinked(self, record: orders.Recorded) -> int:
        order = record.order
        lines = self.effects[order.id].unlinked
        linkable = sum(line.variant_id is not None for line in lines)
        if lines and self.adopted_at is not None:
            names = ", ".join(line.sku or line.title or line.id for line in lines)
            step = (
                "link them with `bridge link`"
                if linkable
                else "count them if they left the shelf: no product is left to link"
            )
            reason = f"order {order.number or order.id} has lines of unknown products: {names}; {step}"
            park(self.connection, self.context, "order", self.channel.name, order.id, reason)
        elif self.again:
            notes.unpark(self.connection, "order", self.channel.name, [order.id])
        # A line without a variant cannot be linked later: there is nothing to wait for.
        return linkable


def _remembering(order: Order, record: orders.Recorded | None) -> Order:
    """Name the variants of lines as they were when they were booked.

    Shopify forgets the variant of a line whose product was deleted, and with it what the line holds (`variant: null`).
    """
    if record is None or all(line.variant_id is not None for line in order.lines):
        return order
    known = {line.id: line for line in record.order.lines if line.variant_id is not None}
    lines = tuple(
        _as_before(line, known[line.id]) if line.variant_id is None and line.id in known else line
        for line in order.lines
    )
    return replace(order, lines=lines)


def _as_before(line: OrderLine, before: OrderLine) -> OrderLine:
    back = (line.restocked or 0) - (before.restocked or 0)
    held = None if before.held is None else before.held + line.quantity - before.quantity - back
    return replace(line, variant_id=before.variant_id, held=held, location=line.location or before.location)


def _same(record: orders.Recorded | None, body: bytes) -> bool:
    return record is not None and record.digest == orders.digest(body)
