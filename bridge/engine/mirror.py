"""Mirroring: orders of the source channels are created on the home channel, so that everything is packed in one place.

First each new order becomes an intent with a promise (mirror_intend), then the intents are created, then whatever happened on
either side since travels to the other (mirror_travel). A mirror moves only what the home channel shows: the source's own
order is what moves the ledger.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy.engine import Connection

from bridge.contract.errors import BridgeError, Gone, NeedsPerson, Refused, TryLater
from bridge.contract.ports import OrderWriter
from bridge.domain.orders import Order
from bridge.engine.booking import book
from bridge.engine.context import Channel, Context
from bridge.engine.mirror_decide import decide
from bridge.engine.mirror_intend import fail, intend, new_order
from bridge.engine.mirror_travel import Travel, views
from bridge.engine.report import Report
from bridge.store import channels as channel_store
from bridge.store import mirrors, orders
from bridge.store.mirrors import Mirror

__all__ = ["PlannedOrder", "mirror", "nobody"]

# An order that was created a moment ago may not be found yet: a search that finds nothing is believed only after this.
PATIENCE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedOrder:
    """Something to do on `channel` because of an order of `source`: "mirror", "fulfil", "cancel" or "refund"."""

    channel: str
    source: str
    order_id: str
    action: str
    reason: str


async def nobody() -> None:
    """Nobody waits for the intents."""


async def mirror(
    context: Context,
    channels: Sequence[Channel],
    report: Report,
    *,
    dry_run: bool = False,
    intended: Callable[[], Awaitable[None]] = nobody,
) -> Sequence[PlannedOrder]:
    """Mirror new orders to the home channel and pass on what has happened since; return what was (or would be) done.

    Writes only to `channels`. A channel that fails is noted in the report, the others go on. `intended` is called once, before the first
    copy is made: the home channel's numbers count on every one by then, and may be written.
    """
    home = context.channels.get(context.rules.mirroring.home)
    if home is None or not context.rules.mirroring.sources:
        await intended()
        return []
    run = _Run(context, report, home, frozenset(channel.name for channel in channels))
    planned = context.database.read(run.plan)
    if dry_run or not context.database.read(run.may_create):
        await intended()
        return planned
    writer = home.connector.order_writer
    if writer is None or "mirror" not in home.connector.limits.order_actions:
        await intended()
        what = f"orders cannot be mirrored to {home.connector.platform}"
        report.of(home.name).fail(
            NeedsPerson(what, where=home.name, next_step="name another home channel under [orders]")
        )
        return []
    older, fresh = run.intend() if run.usable(home.name) else ([], [])
    await intended()
    await run.create(writer, older, fresh)
    await run.travel()
    return planned


@dataclass(slots=True)
class _Run:
    context: Context
    report: Report
    home: Channel
    names: frozenset[str]

    def usable(self, name: str) -> bool:
        """Whether a channel may be written to now."""
        return name in self.names and not self.report.of(name).error

    def may_create(self, connection: Connection) -> bool:
        """Nothing is created on a channel that the merchant has not adopted yet."""
        row = channel_store.get(connection, self.home.name)
        return row is not None and row.adopted_at is not None

    def plan(self, connection: Connection) -> list[PlannedOrder]:
        """Say what there is to do as far as is known now."""
        found = [self._planned(self.home.name, name, order.id, "mirror", "a paid order of " + name)
                 for name, order in self._fresh(connection)]  # fmt: skip
        for one in mirrors.in_state(connection, "intended"):
            found.append(self._planned(one.home, one.channel, one.order_id, "mirror", "not known to be created yet"))
        for one, _ in mirrors.restless(connection):
            source, home = views(connection, self.context, one)
            step = decide(one.sent, source, home)
            if step is not None:
                target, cause = (one.home, one.channel) if step.side == "home" else (one.channel, one.home)
                found.append(self._planned(target, one.channel, one.order_id, step.action, f"it happened on {cause}"))
        return found

    @staticmethod
    def _planned(channel: str, source: str, order_id: str, action: str, reason: str) -> PlannedOrder:
        return PlannedOrder(channel=channel, source=source, order_id=order_id, action=action, reason=reason)

    def _fresh(self, connection: Connection) -> list[tuple[str, Order]]:
        """Orders to mirror: what a till has handed over already needs no packing, and a return has nothing to pack."""
        sources = sorted(self.context.rules.mirroring.sources - {self.home.name})
        rows = [(name, order) for name in sources for order in mirrors.unmirrored(connection, name)]
        return [(name, order) for name, order in rows if not order.test and order.returns is None]

    def intend(self) -> tuple[list[Mirror], list[Mirror]]:
        """Promise what is new; return the intents of earlier runs, and those of this one."""
        older = self.context.database.read(lambda connection: mirrors.in_state(connection, "intended"))
        fresh = self.context.database.write(self._intend)
        self._tell(fresh)
        mine = [one for one in older if one.home == self.home.name]
        return mine, [one for one in fresh if one.state == "intended"]

    def _intend(self, connection: Connection) -> list[Mirror]:
        return [intend(connection, self.context, self.home, name, order) for name, order in self._fresh(connection)]

    async def create(self, writer: OrderWriter, older: Sequence[Mirror], fresh: Sequence[Mirror]) -> None:
        """Create what is intended, one order a turn: an intent of an earlier run may have been created already and is looked up
        first."""
        try:
            for one in older:
                await self._be_patient(one)
                async with self.home.turn:
                    await self._again(writer, one)
            for one in fresh:
                async with self.home.turn:
                    await self._make(writer, one)
        except BridgeError as error:
            self.report.of(self.home.name).fail(error)

    def _tell(self, rows: Sequence[Mirror]) -> None:
        for one in rows:
            if one.state == "failed":
                self.report.of(one.channel).parked.append(one.reason)

    async def _be_patient(self, one: Mirror) -> None:
        since = self.context.now() - one.updated_at
        if since < PATIENCE:
            await self.context.sleep((PATIENCE - since).total_seconds())

    async def _again(self, writer: OrderWriter, one: Mirror) -> None:
        found = await writer.find(one.reference)
        if found is not None:
            self._created(one, found)
            return

        def renew(connection: Connection) -> Mirror:
            order = orders.snapshot(connection, one.channel, one.order_id)
            assert order is not None, "an order is recorded before it is mirrored"
            return intend(connection, self.context, self.home, one.channel, order, before=one)

        renewed = self.context.database.write(renew)
        self._tell([renewed])
        if renewed.state == "intended":
            await self._make(writer, renewed)

    async def _make(self, writer: OrderWriter, one: Mirror) -> None:
        order = self.context.database.read(lambda connection: orders.snapshot(connection, one.channel, one.order_id))
        assert order is not None, "an order is recorded before it is mirrored"
        try:
            made = await writer.mirror(new_order(one, order, self.home))
        except (Refused, Gone) as error:
            reason = f"order {order.number or order.id} cannot be mirrored to {self.home.name}: {error}"
            self.context.database.write(lambda connection: fail(connection, self.context, one, reason))
            self.report.of(one.channel).parked.append(reason)
        except TryLater as error:
            if error.maybe_applied:
                one.updated_at = self.context.now()
                self.context.database.write(lambda connection: mirrors.save(connection, [one]))
            raise
        else:
            self._created(one, made)

    def _created(self, one: Mirror, made: Order) -> None:
        """Book it at once: what was promised for it is now what it did."""

        def unit(connection: Connection) -> None:
            book(connection, self.context, self.home, [replace(made, reference=one.reference)])
            row = mirrors.get(connection, one.reference)
            row.state, row.home_order_id, row.updated_at = "created", made.id, self.context.now()
            mirrors.save(connection, [row])

        self.context.database.write(unit)
        self.report.of(self.home.name).mirrored += 1

    async def travel(self) -> None:
        """Bring the two sides of every mirror together where one of them has changed."""
        names = frozenset(name for name in self.names if self.usable(name))
        for one, _ in self.context.database.read(mirrors.restless):
            await Travel(self.context, self.report, names, one.reference).run()
