"""Upkeep: what a daemon sees to beside its work. Webhooks that are there and not silent, credentials, and old things put away."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from bridge.contract.errors import BridgeError, NeedsPerson, Refused
from bridge.engine.context import Channel, Context
from bridge.engine.hooks import HookReport, heal
from bridge.engine.lane import Lane
from bridge.engine.live import Job
from bridge.engine.noting import park
from bridge.store import deliveries, events, figures, notes, requests, spendings

__all__ = ["Keeping", "Upkeep"]

_log = logging.getLogger("bridge.live")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How the house is kept.

    public_url  how the platforms reach us ("" = not at all: no webhooks)
    silence     sales found by polling alone for so long are reported as silent webhooks
    deliveries, events, figures  how long each is kept
    """

    public_url: str = ""
    silence: timedelta = timedelta(hours=1)
    deliveries: timedelta = timedelta(days=30)
    events: timedelta = timedelta(days=30)
    figures: timedelta = timedelta(days=400)


@dataclass(slots=True, eq=False)
class Upkeep:
    """The jobs of the house, one set a daemon. Nothing here is needed for the numbers to be right."""

    context: Context
    lanes: Callable[[], dict[str, Lane]]
    keeping: Keeping
    since: datetime
    _silent: set[str] = field(default_factory=set)

    def jobs(self) -> list[Job]:
        """What is to be done again and again."""
        channels = self.context.channels.values()
        hooked = [one for one in channels if self._told(one)]
        return [
            *(self._healing(channel) for channel in hooked),
            *(self._credentials(channel) for channel in channels),
            Job(name="silence", every=timedelta(minutes=1), run=self._listen_for_silence),
            Job(name="housekeeping", every=timedelta(hours=1), run=self._put_away, jitter=timedelta(minutes=5)),
        ]

    def _told(self, channel: Channel) -> bool:
        """Whether the platform can tell us anything: at our address, or through a queue."""
        port = channel.connector
        return port.webhooks is not None and bool(self.keeping.public_url or port.queue is not None)

    def _healing(self, channel: Channel) -> Job:
        async def run() -> None:
            await self._heal(channel)

        quarter = timedelta(minutes=15)
        return Job(name=f"webhooks {channel.name}", every=quarter, run=run, jitter=quarter / 10, at_start=True)

    async def _heal(self, channel: Channel) -> None:
        """Have the platform tell us what we want to hear; what it will not do is a person's business, polling goes on."""
        try:
            report = await heal(self.context, channel, self.keeping.public_url)
        except (NeedsPerson, Refused) as error:
            self._tell("webhooks", channel.name, [str(error)])
        except BridgeError:
            return
        else:
            _log_healing(report)
            self._tell("webhooks", channel.name, list(report.findings))

    def _credentials(self, channel: Channel) -> Job:
        async def run() -> None:
            await self._check(channel)

        return Job(name=f"credentials {channel.name}", every=timedelta(hours=1), run=run, jitter=timedelta(minutes=6))

    async def _check(self, channel: Channel) -> None:
        try:
            identity = await channel.connector.account.check()
        except BridgeError:
            return  # the lane meets the same error and tells it
        self._tell(
            "scopes", channel.name, [f"the scope {one} is missing: see `bridge check`" for one in identity.missing]
        )

    def _tell(self, subject: str, channel: str, reasons: list[str]) -> None:
        def unit(connection: Connection) -> None:
            if reasons:
                park(connection, self.context, subject, channel, channel, "; ".join(reasons))
            else:
                notes.unpark(connection, subject, channel, [channel])

        self.context.database.write(unit)

    async def _listen_for_silence(self) -> None:
        """Sales that polling found, and not one delivery for as long: the webhooks are broken, whatever the platform says."""
        for name, lane in self.lanes().items():
            if not self._told(lane.channel):
                continue
            last = lane.hinted_at or self.since
            silent = lane.unhinted > 0 and self.context.now() - last > self.keeping.silence
            if silent != (name in self._silent):
                self._silence(name, last, silent=silent)

    def _silence(self, channel: str, last: datetime, *, silent: bool) -> None:
        text = f"no webhook since {last:%Y-%m-%d %H:%M} UTC, although orders came in (polling finds them): run `bridge webhooks {channel}`"
        if silent:
            self._silent.add(channel)
            self.context.database.write(lambda connection: self._alarm(connection, channel, last))
        else:
            self._silent.discard(channel)
        self._tell("silence", channel, [text] if silent else [])

    def _alarm(self, connection: Connection, channel: str, last: datetime) -> None:
        if self.context.events is not None:
            self.context.events.silent(connection, channel, last, self.context.now())

    async def _put_away(self) -> None:
        """Drop what nobody will ask for any more; the ledger is kept for ever."""
        now, keeping, database = self.context.now(), self.keeping, self.context.database
        while database.write(lambda connection: deliveries.compact(connection, now - keeping.deliveries)):
            await self.context.sleep(0)
        database.write(lambda connection: events.compact(connection, now - keeping.events))
        database.write(lambda connection: spendings.compact(connection, now))
        database.write(lambda connection: requests.compact(connection, now - requests.KEPT))
        database.write(lambda connection: figures.forget(connection, now - keeping.figures))


def _log_healing(report: HookReport) -> None:
    for what in ("created", "mended", "removed"):
        topics = getattr(report, what)
        if topics:
            _log.info("%s: webhooks %s: %s", report.channel, what, ", ".join(topics))
