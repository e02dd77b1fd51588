"""What travels between an order and its mirror: shipment, cancellation, refunds. One step at a time, each on fresh news."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from bridge.contract.errors import BridgeError, Gone, Refused
from bridge.contract.ports import OrderWriter
from bridge.domain.effects import Bindings
from bridge.domain.ledger import Counter, Movement, stock
from bridge.domain.orders import Order
from bridge.engine.booking import book
from bridge.engine.context import Channel, Context
from bridge.engine.desk import Desk
from bridge.engine.mirror_decide import Side, Step, View, decide, everything
from bridge.engine.mirror_intend import key_of
from bridge.engine.noting import park
from bridge.engine.report import Report
from bridge.store import mirrors, orders
from bridge.store.mirrors import Mirror, Sent

__all__ = ["Travel", "views"]

STEPS = 12


def views(connection: Connection, context: Context, mirror: Mirror) -> tuple[View, View]:
    """Return both sides of a mirror as last seen."""
    assert mirror.home_order_id is not None, "a created mirror knows its order"
    source = orders.snapshot(connection, mirror.channel, mirror.order_id)
    home = orders.snapshot(connection, mirror.home, mirror.home_order_id)
    assert source is not None, "an order is recorded before it is mirrored"
    assert home is not None, "a mirror is created when its order is booked"
    return (
        _view(source, context.channels[mirror.channel], mirror.sent, "source"),
        _view(home, context.channels[mirror.home], mirror.sent, "home"),
    )


def _view(order: Order, channel: Channel, sent: Sent, side: Side) -> View:
    returned = sent.returned(side, if_silent=channel.restock == "always")
    return View(order=order, returned=returned, restock=channel.restock)


@dataclass(slots=True)
class Travel:
    """Brings one mirror and its source together. `names` are the channels that may be written to in this run."""

    context: Context
    report: Report
    names: frozenset[str]
    reference: str

    async def run(self) -> None:
        """Take steps until both sides agree; what a channel cannot do now is left for the next run."""
        for _ in range(STEPS):
            mirror, step = self.context.database.read(self._next)
            if step is None:
                self.context.database.write(self._settle)
                return
            name = self._target(mirror, step)
            if step.hand:
                self._by_hand(mirror, step, step.hand)
            elif name not in self.names or self.report.of(name).error:
                return
            else:
                channel = self.context.channels[name]
                async with channel.turn:
                    await self._step(mirror, step, channel)

    def _next(self, connection: Connection) -> tuple[Mirror, Step | None]:
        mirror = mirrors.get(connection, self.reference)
        source, home = views(connection, self.context, mirror)
        return mirror, decide(mirror.sent, source, home)

    @staticmethod
    def _target(mirror: Mirror, step: Step) -> str:
        return mirror.home if step.side == "home" else mirror.channel

    async def _step(self, mirror: Mirror, step: Step, channel: Channel) -> None:
        """Read the order first: a call whose answer was lost may have been made already."""
        order_id = mirror.home_order_id if step.side == "home" else mirror.order_id
        writer, orders = channel.connector.order_writer, channel.connector.orders
        if writer is None or orders is None or step.action not in channel.connector.limits.order_actions:
            self._by_hand(mirror, step, f"{channel.connector.platform} cannot do that through its interface")
            return
        try:
            fresh = await orders.get(order_id or "")
            self.context.database.write(lambda connection: book(connection, self.context, channel, [fresh]))
            mirror, again = self.context.database.read(self._next)
            if again == step:
                await self._act(mirror, step, channel, writer, fresh)
        except (Refused, Gone) as error:
            self._by_hand(mirror, step, error.what)
        except BridgeError as error:
            self.report.of(channel.name).fail(error)

    async def _act(self, mirror: Mirror, step: Step, channel: Channel, writer: OrderWriter, order: Order) -> None:
        put_back = False
        if step.action == "fulfil":
            other = self.context.database.read(lambda connection: views(connection, self.context, mirror))
            after = await writer.fulfil(order, other[1].order.tracking, key_of(self.reference, "fulfil"))
        elif step.action == "refund":
            after, put_back = await self._refund(mirror, step, writer, order)
        else:
            after, step, put_back = await self._cancel(mirror, step, channel, writer, order)

        def record(connection: Connection) -> None:
            self._record(connection, step, channel, after, put_back=put_back)

        self.context.database.write(record)
        self.report.of(channel.name).passed_on += 1

    async def _refund(self, mirror: Mirror, step: Step, writer: OrderWriter, order: Order) -> tuple[Order, bool]:
        """Refund; where the platform cannot put units back with it (Square), the number follows as a stock write of its own."""
        key = key_of(self.reference, step.name, "restock" if step.restock else "keep")
        reason = f"refunded: {mirror.channel} order {mirror.order_id}"
        amount = step.amount(order.currency)
        try:
            after = await writer.refund(order, step.lines, amount, restock=step.restock, reason=reason, key=key)
        except Refused:
            if not step.restock:
                raise
            after = await writer.refund(order, step.lines, amount, restock=False, reason=reason, key=f"{key[:-1]}x")
            return after, True
        return after, False

    async def _cancel(
        self, mirror: Mirror, step: Step, channel: Channel, writer: OrderWriter, order: Order
    ) -> tuple[Order, Step, bool]:
        """Cancel; where a paid order cannot be cancelled (Square), refund all that is left of it."""
        try:
            after = await writer.cancel(order, restock=step.restock, key=key_of(self.reference, "cancel", step.side))
        except Refused:
            rest = everything(step.side, mirror.sent, _view(order, channel, mirror.sent, step.side))
            if "refund" not in channel.connector.limits.order_actions or not rest.lines:
                raise
            key = key_of(self.reference, "cancel by refund", step.side)
            amount = order.total - order.refunded
            reason = f"cancelled: {mirror.channel} order {mirror.order_id}"
            after = await writer.refund(order, rest.lines, amount, restock=False, reason=reason, key=key)
            self._tell(
                mirror, f"{channel.name} cannot cancel it and has refunded it: take it off the packing list there"
            )
            return after, Step(side=step.side, action="cancel", lines=rest.lines), step.restock
        return after, step, False

    def _record(self, connection: Connection, step: Step, channel: Channel, after: Order, *, put_back: bool) -> None:
        """Book the order as it is now, and note what was sent, in one transaction."""
        before = orders.load(connection, channel.name, [after.id])[after.id].effects
        book(connection, self.context, channel, [after])
        if put_back and step.side == "source":
            self._put_back(connection, step, channel, after, before)
        mirror = mirrors.get(connection, self.reference)
        sent = mirror.sent
        if step.action == "fulfil":
            sent.fulfilled = True
        elif step.action == "cancel":
            sent.cancelled = True
        else:
            done = sent.home if step.side == "home" else sent.source
            done.update({key: (units, back) for key, units, back in step.units})
        mirror.updated_at = self.context.now()
        mirrors.save(connection, [mirror])

    def _put_back(
        self, connection: Connection, step: Step, channel: Channel, after: Order, before: Mapping[Counter, int]
    ) -> None:
        """Units came back at home and the source cannot book it with a refund: the ledger does, and pushes the number there.

        Only what the refund itself has not put back already.
        """
        wanted = _units(
            after, step, channel.bindings(connection, {line.variant_id for line in after.lines if line.variant_id})
        )
        now = orders.load(connection, channel.name, [after.id])[after.id].effects
        desk = Desk(connection, self.context, self.context.now())
        for counter, units in sorted(wanted.items()):
            missing = units - (now.get(counter, 0) - before.get(counter, 0))
            if missing > 0:
                unique = f"{self.reference}/{step.name}/{counter.key}@{counter.place}"
                desk.move(
                    Movement(
                        counter=counter, delta=missing, why="refund", unique=unique, channel=channel.name, source=after.id,
                        occurred_at=self.context.now(), note=f"came back with the mirror of order {after.number or after.id}",
                    )
                )  # fmt: skip
        desk.close()

    def _settle(self, connection: Connection) -> None:
        """Both sides agree: remember the revisions that were looked at, and end what cannot change any more."""
        mirror = mirrors.get(connection, self.reference)
        source, home = views(connection, self.context, mirror)
        mirror.sent.seen = mirrors.revisions(connection, mirror)
        horizon = self.context.now() - self.context.rules.history
        old = max(source.order.updated_at, home.order.updated_at) < horizon
        both = source.is_cancelled and home.is_cancelled
        if mirror.sent.cancelled or both or (old and home.order.status == source.order.status == "fulfilled"):
            mirror.state = "ended"
        mirrors.save(connection, [mirror])

    def _by_hand(self, mirror: Mirror, step: Step, why: str) -> None:
        words = {"fulfil": "mark it as shipped", "cancel": "cancel it", "refund": "refund it", "edit": "change it"}
        name = self._target(mirror, step)
        order_id = mirror.home_order_id if step.side == "home" else mirror.order_id
        self._tell(mirror, f"{words[step.action]} by hand in {name} (order {order_id}): {why}", step.name)

    def _tell(self, mirror: Mirror, text: str, step: str = "") -> None:
        reason = f"order {mirror.order_id} of {mirror.channel}: {text}"

        def unit(connection: Connection) -> None:
            park(connection, self.context, "order", mirror.channel, mirror.order_id, reason)
            row = mirrors.get(connection, self.reference)
            row.sent.by_hand += [step] if step else []
            mirrors.save(connection, [row])

        self.context.database.write(unit)
        self.report.of(mirror.channel).parked.append(reason)


def _units(order: Order, step: Step, bindings: Bindings) -> dict[Counter, int]:
    """What the units of a step are on the shelf."""
    quantities = {line.line_id: line.quantity for line in step.lines}
    total: dict[Counter, int] = {}
    for line in order.lines:
        bound, place = bindings.variants.get(line.variant_id or ""), bindings.places.get(bindings.location(line))
        if line.id in quantities and bound is not None and place is not None:
            for sku, each in bound.parts:
                total[stock(sku, place)] = total.get(stock(sku, place), 0) + quantities[line.id] * each
    return total
