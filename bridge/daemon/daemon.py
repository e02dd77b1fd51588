"""`bridge run`: opens everything, keeps it running, and takes it down in order. One turn lasts until a stop or a new config."""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import uvicorn

from bridge.app import App
from bridge.app.errors import AppError
from bridge.app.heartbeat import Beat, BeatChannel, beaten, rest
from bridge.app.wiring import outside
from bridge.app.working import Working, recorded, working
from bridge.config import ConfigError, load
from bridge.contract.errors import BridgeError
from bridge.daemon.schedule import Schedule
from bridge.engine.inbox import Inbox
from bridge.engine.lane import Lane, Pace
from bridge.engine.live import Job, Live
from bridge.engine.sending import Sender
from bridge.engine.upkeep import Keeping, Upkeep
from bridge.webserver.server import build
from bridge.webserver.web import ChannelHealth, ChannelState, Health, Web

__all__ = ["Daemon", "bound"]

_log = logging.getLogger("bridge.daemon")
_RESTS = 10  # polls that a channel which needs a person is left alone for
BEAT = timedelta(seconds=5)  # at the longest between two signs of life


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the daemon decides what a signal means."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bound(listen: str) -> socket.socket:
    """Take the address, "HOST:PORT"; raises AppError where it is wrong or somebody has it."""
    host, _, port = listen.rpartition(":")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host.strip("[]") or "127.0.0.1", int(port)))
    except (OSError, ValueError, OverflowError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is written HOST:PORT, such as 127.0.0.1:8470"
        raise AppError(f"cannot listen on {listen}: {said}", next_step="change `listen` in [daemon]") from error
    sock.listen(1024)
    return sock


@dataclass(slots=True, eq=False)
class Daemon:
    """One `bridge run`. `stop` ends it; `reload` has it read its config again; `ready` is told the address it listens on."""

    app: App
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    reload: asyncio.Event = field(default_factory=asyncio.Event)
    ready: Callable[[str, tuple[str, ...]], None] = lambda *_: None
    _since: datetime | None = None

    async def run(self) -> None:
        """Work until stopped. Raises BusyError, AppError, ConfigError where it cannot begin."""
        with recorded(self.app, "run"):
            self._since = self.app.now()
            sock = bound(self.app.loaded.config.daemon.listen)
            try:
                while not self.stop.is_set():
                    await self._turn(sock)
                    sock = await self._again(sock)
            finally:
                sock.close()

    async def _turn(self, sock: socket.socket) -> None:
        async with working(self.app) as work:
            for name in work.left_out:
                _log.warning("%s is not adopted, so it is left alone: stop, `bridge adopt`, and start again", name)
            self.app.live = work.context
            try:
                await _House(self, work, sock).run()
            finally:
                self.app.live = None

    async def _again(self, sock: socket.socket) -> socket.socket:
        """Read the config anew; one that cannot be worked with, or another database, leaves the old one in force."""
        self.reload.clear()
        if self.stop.is_set():
            return sock
        old, opened = self.app.loaded, sock
        try:
            fresh = load(old.file)
            if fresh.database != old.database:
                raise AppError("the config names another database", next_step="stop `bridge run` and start it again")
            if fresh.config.daemon.listen != old.config.daemon.listen:
                opened = bound(fresh.config.daemon.listen)
            self.app.loaded = fresh
            await self._try_out()
        except (ConfigError, AppError, BridgeError) as error:
            self.app.loaded = old
            _close_other(opened, sock)
            _log.error("the config stays as it was: %s", error)
            return sock
        _close_other(sock, opened)
        _log.info("the new config is in force")
        return opened

    async def _try_out(self) -> None:
        """Connect as a turn does: what is wrong with a channel's own settings shows only there."""
        async with working(self.app):
            pass


def _close_other(one: socket.socket, kept: socket.socket) -> None:
    if one is not kept:
        one.close()


class _House:
    """One turn of the daemon: everything that is opened for one config."""

    def __init__(self, daemon: Daemon, work: Working, sock: socket.socket) -> None:
        self.daemon, self.app, self.work, self.sock = daemon, daemon.app, work, sock
        self.config = self.app.loaded.config
        poll, max_age = self.config.daemon.poll, self.config.audit.max_age
        self.live = Live(work.context, Pace(poll=poll, max_age=max_age, rest=_RESTS * poll))
        # What a platform puts into a queue is fetched there: whoever delivers it here is somebody else.
        called = [one for one in work.channels if one.connector.queue is None]
        ports = {one.name: one.connector.webhooks for one in called if one.connector.webhooks is not None}
        handshakes = {one.name: one.connector.handshake for one in called if one.connector.handshake is not None}
        self.inbox = Inbox(self.app.database, ports, self.app.now, self._heard, handshakes=handshakes)
        self.schedule = Schedule(self.app.now)
        self.sender = _sender(self.app, work)
        self.beats = min(BEAT, poll)
        self.since = daemon._since or self.app.now()

    async def run(self) -> None:
        """Work until the daemon is to stop or to read its config again, then come to an orderly end."""
        ending = asyncio.Event()
        async with self._serving():
            living = asyncio.create_task(self.live.run(ending))
            self.schedule.start(self._jobs())
            asked = [asyncio.create_task(event.wait()) for event in (self.daemon.stop, self.daemon.reload)]
            try:
                await self._beat()
                self.daemon.ready(self._address(), tuple(self.live.lanes))
                await asyncio.wait([living, *asked], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in asked:
                    task.cancel()
                self.schedule.stop()
                ending.set()
                await living
        await self.inbox.close()
        if self.sender is not None:
            await self.sender.close()
        self.app.database.write(rest)

    def _heard(self, channel: str) -> None:
        if channel in self.live.lanes:
            self.live.lanes[channel].listen()

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        web = Web(app=self.app, inbox=self.inbox, health=self.health, poke=self.live.poke)
        config = uvicorn.Config(
            build(web), log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=3, server_header=False,
            proxy_headers=False,
        )  # fmt: skip
        server = _Server(config)
        # A copy: uvicorn closes what it is given, and the next turn listens on the same address without a gap.
        task = asyncio.create_task(server.serve(sockets=[self.sock.dup()]))
        try:
            yield
        finally:
            server.should_exit = True
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _address(self) -> str:
        host, port = self.sock.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def health(self) -> Health:
        """How each channel is, for the page and the probes."""
        return Health(channels=tuple(self._channel_health(lane) for lane in self.live.lanes.values()))

    def _channel_health(self, lane: Lane) -> ChannelHealth:
        state: ChannelState = "ok" if lane.state == "starting" else lane.state
        late = 3 * lane.pace.poll + timedelta(minutes=1)
        if state == "ok" and self.app.now() - (lane.heard_at or self.since) > late:
            state = "late"
        poll = lane.pace.poll.total_seconds()
        return ChannelHealth(channel=lane.name, state=state, heard_at=lane.heard_at, error=lane.error, poll=poll)

    def _jobs(self) -> list[Job]:
        keeping = Keeping(
            public_url=self.config.daemon.public_url,
            silence=self.config.daemon.silence,
            deliveries=self.config.daemon.keep_deliveries,
            events=self.config.daemon.keep_events,
        )
        upkeep = Upkeep(self.work.context, lambda: self.live.lanes, keeping, self.since)
        beat = Job(name="heartbeat", every=self.beats, run=self._beat)
        telling = [Job(name="events", every=timedelta(seconds=1), run=self._tell)] if self.sender else []
        return [*self.live.jobs(), *upkeep.jobs(), *telling, beat]

    async def _tell(self) -> None:
        """Send the events that are due; what is new is found within a second."""
        if self.sender is not None:
            await self.sender.run_once()

    async def _beat(self) -> None:
        """Leave a sign of life, with the schedule, for `bridge status` in another process."""
        beat = Beat(
            at=self.app.now(),
            since=self.since,
            process=os.getpid(),
            address=self._address(),
            every=self.beats.total_seconds(),
            channels=tuple(_as_told(one) for one in self.health().channels),
            jobs=tuple(self.schedule.turns()),
        )
        self.app.database.write(lambda connection: beaten(connection, beat))


def _sender(app: App, work: Working) -> Sender | None:
    events = work.context.events
    if events is None:
        return None
    return Sender(work.context, events.targets, app.surroundings or outside(), app.loaded.config.daemon.public_url)


def _as_told(one: ChannelHealth) -> BeatChannel:
    return BeatChannel(channel=one.channel, state=one.state, heard_at=one.heard_at, error=one.error, poll=one.poll)
