"""Webhooks: what each channel's platform has subscribed us to, and making that what it should be."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bridge.app.errors import AppError
from bridge.app.working import Working, working
from bridge.contract.errors import BridgeError, NeedsPerson
from bridge.engine.context import Channel, Context
from bridge.engine.hooks import HookReport, heal, rotate, survey
from bridge.store import deliveries

if TYPE_CHECKING:
    from bridge.app.app import App

__all__ = ["ChannelHooks", "Webhooks", "webhooks"]

_Flow = Callable[[Context, Channel, str], Awaitable[HookReport]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelHooks:
    """One channel's webhooks. `report` is None where the platform has none, or where it could not be asked: `error` says why.

    `received_at`: when the last genuine delivery came; `waiting`: how many nobody has looked at yet.
    """

    channel: str
    platform: str
    report: HookReport | None = None
    received_at: datetime | None = None
    waiting: int = 0
    error: str = ""
    next: str = ""
    needs_person: bool = False

    @property
    def ok(self) -> bool:
        """Whether the platform tells us all that we want to hear."""
        return not self.error and (self.report is None or self.report.ok)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """All channels' webhooks; `repaired`: what could be mended was. `left_out` are not adopted, so nothing is changed there."""

    channels: tuple[ChannelHooks, ...]
    repaired: bool = False
    left_out: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 all is well, 1 something is missing or failed, 3 a person must act."""
        bad = [one for one in self.channels if not one.ok]
        if self.left_out or any(one.needs_person or (self.repaired and not one.error) for one in bad):
            return 3
        return 1 if bad else 0


async def webhooks(app: "App", names: Sequence[str], *, repair: bool, fresh_secret: bool) -> Webhooks:
    """Look at the channels' subscriptions; mend them, or have them signed with a new secret. Raises AppError."""
    public_url = app.loaded.config.daemon.public_url
    if not (repair or fresh_secret):
        async with working(app, only=names, adopted=False, attempts=2) as work:
            _must_be_reached(app, work)
            return Webhooks(channels=await _each(app, work, survey, public_url))
    with app.database.alone("bridge webhooks"):
        async with working(app, only=names) as work:
            _must_be_reached(app, work)
            found = await _each(app, work, rotate if fresh_secret else heal, public_url)
            return Webhooks(channels=found, repaired=True, left_out=work.left_out)


def _must_be_reached(app: "App", work: Working) -> None:
    """Raise AppError where the platforms cannot tell us anything; a queue needs no address of ours."""
    by_address = any(one.connector.webhooks is not None and one.connector.queue is None for one in work.channels)
    if app.loaded.config.daemon.public_url or not by_address:
        return
    step = 'put public_url = "https://bridge.example" under [daemon]: the address at which your proxy answers'
    raise AppError("daemon.public_url is not set, so no platform can reach the bridge: it only polls",
                   where=str(app.loaded.file), next_step=step, exit_code=3)  # fmt: skip


async def _each(app: "App", work: Working, flow: _Flow, public_url: str) -> tuple[ChannelHooks, ...]:
    found = await asyncio.gather(*(_one(app, work.context, channel, flow, public_url) for channel in work.channels))
    return tuple(found)


async def _one(app: "App", context: Context, channel: Channel, flow: _Flow, public_url: str) -> ChannelHooks:
    report, error = None, None
    try:
        if channel.connector.webhooks is not None:
            report = await flow(context, channel, public_url)
    except BridgeError as caught:
        error = caught
    return ChannelHooks(
        channel=channel.name,
        platform=channel.connector.platform,
        report=report,
        received_at=app.database.read(deliveries.last_received).get(channel.name),
        waiting=app.database.read(deliveries.count_waiting).get(channel.name, 0),
        error=error.what if error else "",
        next=error.next_step if error else "",
        needs_person=isinstance(error, NeedsPerson),
    )
