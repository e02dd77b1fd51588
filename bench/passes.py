"""The bridge's passes in an order of chance: what the daemon does, but left out, overtaken, repeated, and cut off by a crash in between."""

import asyncio
import random
from collections import Counter as Tally
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bridge.domain.orders import Order
from bridge.engine.booking import book
from bridge.engine.code_push import verify_codes
from bridge.engine.collect import audit_customers, collect_loyalty, collect_people, drain_orders
from bridge.engine.context import Channel
from bridge.engine.loyalty import settle_loyalty, show_loyalty
from bridge.engine.report import ChannelReport, Report
from bridge.rehearsal.world import World
from bridge.store import channels

__all__ = ["Passes"]

Step = Callable[[Channel], Awaitable[None]]
# How often each is left out, and how often something unusual is done to a channel in a turn.
_LEFT_OUT, _UNUSUAL, _CRASHES, _WHOLE = 0.15, 0.04, 0.02, 0.1


@dataclass(slots=True)
class Passes:
    """`kept` are pages that were read and are booked later, when newer ones have overtaken them."""

    made: World
    rng: random.Random
    tally: Tally[str] = field(default_factory=Tally)
    kept: list[tuple[str, tuple[Order, ...]]] = field(default_factory=list)

    async def all(self) -> Report:
        """Everything that is done once a day, and a whole sync."""
        for channel in list(self.made.channels.values()):
            await audit_customers(self.made.context, channel)
            await verify_codes(self.made.context, channel, ChannelReport())
        return await self._sync()

    async def quiet(self) -> bool:
        """A whole sync; say whether there was anything to do."""
        report = await self.all()
        return bool(
            report.open
            or report.waiting
            or any(one.orders or one.points or one.codes for one in report.channels.values())
        )

    async def some(self) -> None:
        """One turn: each channel's passes in an order of chance, all channels at once."""
        if self.rng.random() < _CRASHES:
            self.tally["crashes"] += 1
            self.made.restart()
        if self.rng.random() < _WHOLE:
            await self._sync()
            return
        plans = [(channel, self._plan()) for channel in self.made.channels.values()]
        await asyncio.gather(*(self._run(channel, steps) for channel, steps in plans))
        self.made.database.write(lambda connection: settle_loyalty(connection, self.made.context))

    async def _sync(self) -> Report:
        report = await self.made.sync()
        errors = [f"{name}: {part.error}" for name, part in report.channels.items() if part.error]
        assert not errors, errors
        self.tally["syncs"] += 1
        self.tally["order snapshots booked"] += sum(one.orders for one in report.channels.values())
        return report

    def _plan(self) -> Sequence[Step]:
        usual: list[Step] = [self._drain, self._people, self._loyalty, self._show]
        steps = [step for step in usual if self.rng.random() >= _LEFT_OUT]
        steps += [step for step in (self._again, self._keep, self._late, self._verify) if self.rng.random() < _UNUSUAL]
        self.rng.shuffle(steps)
        return steps

    async def _run(self, channel: Channel, steps: Sequence[Step]) -> None:
        for step in steps:
            self.tally["passes"] += 1
            await step(channel)

    async def _drain(self, channel: Channel) -> None:
        report = ChannelReport()
        await drain_orders(self.made.context, channel, report)
        self.tally["order snapshots booked"] += report.orders

    async def _people(self, channel: Channel) -> None:
        await collect_people(self.made.context, channel, ChannelReport())

    async def _loyalty(self, channel: Channel) -> None:
        await collect_loyalty(self.made.context, channel, ChannelReport())

    async def _show(self, channel: Channel) -> None:
        await show_loyalty(self.made.context, channel, ChannelReport())

    async def _verify(self, channel: Channel) -> None:
        await audit_customers(self.made.context, channel)
        await verify_codes(self.made.context, channel, ChannelReport())

    async def _again(self, channel: Channel) -> None:
        """Read the orders of some days again."""
        self.tally["days of orders read again"] += (days := self.rng.randint(1, 15))
        begin = self._begin(channel, days)
        now = self.made.around.now()
        self.made.database.write(lambda connection: channels.set_cursor(connection, channel.name, "orders", begin, now))
        await self._drain(channel)

    async def _keep(self, channel: Channel) -> None:
        """A pass reads, and is held up with what it has in its hands."""
        assert channel.connector.orders is not None
        feed = channel.connector.orders.changes
        async for page in feed.since(self._begin(channel, self.rng.randint(1, 5))):
            self.kept.append((channel.name, tuple(page.items)))

    async def _late(self, channel: Channel) -> None:
        """What a pass had in its hands is booked at last, the newest page first."""
        mine = [page for name, page in self.kept if name == channel.name]
        self.kept = [one for one in self.kept if one[0] != channel.name]
        for page in reversed(mine):
            self.tally["snapshots booked late"] += len(page)
            self.made.database.write(
                lambda connection, page=page: book(connection, self.made.context, channel, page)  # type: ignore[misc]
            )

    def _begin(self, channel: Channel, days: int) -> str:
        assert channel.connector.orders is not None
        return channel.connector.orders.changes.begin(self.made.around.now() - timedelta(days=days))
