"""The inbox: webhook deliveries are verified, stored durably, and only then acknowledged. Thinking comes later.

Deliveries that arrive while a commit is under way go into the next one together, so the disk's pace limits how soon an answer
goes out, not how many do.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from sqlalchemy.engine import Connection

from bridge.contract.errors import BridgeError, TryLater
from bridge.contract.webhooks import Delivery, HandshakePort, Verdict, WebhookPort
from bridge.store import deliveries, figures, hook_secrets
from bridge.store.database import Database
from bridge.store.deliveries import New
from bridge.store.errors import StoreError

__all__ = ["Inbox"]

T = TypeVar("T")
# What may wait in memory for a commit, in deliveries and in bytes; beyond it the sender is told to come again.
MOST = 20_000
MOST_BYTES = 64 * 1024 * 1024
# A delivery's share of memory beside its body: headers, address, and what Python makes of them.
_BESIDE = 2_048
# One commit takes no more than this, so that the next ones do not wait long.
_BATCH_BYTES = 8 * 1024 * 1024
# Secrets are read anew after so long, and at once for a forgery, unless that was done a moment ago: `bridge webhooks` may
# have agreed on another one meanwhile.
_FRESH = timedelta(seconds=5)
_MOMENT = timedelta(milliseconds=100)
# Forgeries are counted in the database this often at most: they must not cost the disk anything.
_COUNTED = timedelta(seconds=10)
# A platform that would not tell its keys is left alone for so long: anybody can name a key that we do not have.
_UNTOLD = timedelta(minutes=1)


@dataclass(slots=True, eq=False)
class _Waiting:
    """A delivery that is to be stored; `answer` is the HTTP status it gets."""

    new: New
    size: int
    answer: "asyncio.Future[int]"


@dataclass(frozen=True, slots=True)
class _Known:
    """A channel's secrets as they were read last."""

    secrets: tuple[str, ...]
    at: datetime

    def younger_than(self, age: timedelta, now: datetime) -> bool:
        """Whether they were read within that time; never after the clock was set back."""
        return timedelta(0) <= now - self.at < age


class Inbox:
    """Takes deliveries in. `ports` are those of the channels that have one; `stored` is told a channel's name after a commit.

    `threads`: commits run in a thread of their own, as they must where the loop serves others meanwhile; without, they run
    inline, as simulated time wants it (and a database in memory). `handshakes` are for platforms that try an address first, or
    sign with keys that are to be fetched.
    """

    def __init__(
        self,
        database: Database,
        ports: Mapping[str, WebhookPort],
        now: Callable[[], datetime],
        stored: Callable[[str], None],
        *,
        threads: bool = True,
        handshakes: Mapping[str, HandshakePort] | None = None,
    ) -> None:
        self._database = database
        self._ports = ports
        self._handshakes = handshakes or {}
        self._learning: dict[str, asyncio.Lock] = {name: asyncio.Lock() for name in self._handshakes}
        self._untold: dict[str, datetime] = {}
        self._now = now
        self._stored = stored
        self._known: dict[str, _Known] = {}
        self._reading: dict[str, asyncio.Task[tuple[str, ...]]] = {}
        self._writer = ThreadPoolExecutor(1, "inbox") if threads else None
        self._reader = ThreadPoolExecutor(1, "inbox-secrets") if threads else None
        self._waiting: list[_Waiting] = []
        self._held = self._held_bytes = 0
        self._forgeries: Counter[str] = Counter()
        self._counted_at: datetime | None = None
        self._committing: asyncio.Task[None] | None = None

    def knows(self, channel: str) -> bool:
        """Whether deliveries of this channel can be verified at all."""
        return channel in self._ports

    @property
    def committing(self) -> bool:
        """Whether a commit is under way."""
        return self._committing is not None

    async def receive(self, channel: str, delivery: Delivery) -> int:
        """Take one delivery in and return the HTTP status of the answer.

        200 stored durably, or a greeting; 401 forged; 404 no such channel, or one without webhooks; 503 not stored: the
        database could not, too many are waiting, or the platform's keys could not be fetched.
        """
        port = self._ports.get(channel)
        if port is None:
            return 404
        try:
            verdict = await self._verdict(channel, port, delivery)
            if verdict == "forged" and channel in self._handshakes:
                verdict = await self._learned(channel, port, delivery)
        except (StoreError, BridgeError):
            return 503
        if verdict == "forged":
            self._forged(channel)
            return 401
        return 200 if verdict == "greeting" else await self._store(channel, delivery)

    async def close(self) -> None:
        """Finish the commit that is under way, count what was not counted yet, and end the threads."""
        if self._committing is None and self._forgeries:
            self._commit_soon()
        if self._committing is not None:
            await asyncio.wait([self._committing])
        for pool in (self._writer, self._reader):
            if pool is not None:
                pool.shutdown(wait=False)

    # Who is calling?

    async def _verdict(self, channel: str, port: WebhookPort, delivery: Delivery) -> Verdict:
        known = await self._secrets(channel, _FRESH)
        verdict = port.verify(delivery, (*port.secrets, *known))
        if verdict != "forged":
            return verdict
        newer = await self._secrets(channel, _MOMENT)
        return verdict if newer == known else port.verify(delivery, (*port.secrets, *newer))

    async def _learned(self, channel: str, port: WebhookPort, delivery: Delivery) -> Verdict:
        """Have the key fetched that a delivery names, and verify once more. One at a time: a flood of strangers waits in line."""
        async with self._learning[channel]:
            verdict = await self._verdict(channel, port, delivery)
            if verdict != "forged":
                return verdict
            untold = self._untold.get(channel)
            if untold is not None and timedelta(0) <= self._now() - untold < _UNTOLD:
                raise TryLater(f"{channel} did not tell its keys a moment ago", where=channel)
            try:
                learned = await self._handshakes[channel].learn(delivery)
            except BridgeError:
                self._untold[channel] = self._now()
                raise
            self._untold.pop(channel, None)
        return await self._verdict(channel, port, delivery) if learned else verdict

    def answer(self, channel: str, query: Mapping[str, str], url: str) -> bytes | None:
        """Answer a platform that tries our address before it uses it; None where it is no such question."""
        handshake = self._handshakes.get(channel)
        return None if handshake is None else handshake.answer(query, url)

    async def _secrets(self, channel: str, age: timedelta) -> tuple[str, ...]:
        """Return a channel's secrets as they were at most that long ago. Of a thousand requests at once, one reads."""
        known = self._known.get(channel)
        if known is not None and known.younger_than(age, self._now()):
            return known.secrets
        reading = self._reading.get(channel)
        if reading is None:
            reading = self._reading[channel] = asyncio.get_running_loop().create_task(self._read(channel))
        return await asyncio.shield(reading)

    async def _read(self, channel: str) -> tuple[str, ...]:
        now = self._now()
        try:
            found = await _run(self._reader, partial(self._read_secrets, channel, now))
        finally:
            del self._reading[channel]
        self._known[channel] = _Known(found, now)
        return found

    def _read_secrets(self, channel: str, now: datetime) -> tuple[str, ...]:
        return self._database.read(lambda connection: hook_secrets.secrets(connection, channel, now))

    def _forged(self, channel: str) -> None:
        self._forgeries[channel] += 1
        at = self._counted_at
        if at is None or not timedelta(0) <= self._now() - at < _COUNTED:
            self._commit_soon()

    # Storing

    async def _store(self, channel: str, delivery: Delivery) -> int:
        size = len(delivery.body) + _BESIDE
        if self._held >= MOST or self._held_bytes + size > MOST_BYTES:
            return 503
        new = New(channel=channel, received_at=self._now(), delivery=delivery)
        one = _Waiting(new, size, asyncio.get_running_loop().create_future())
        self._waiting.append(one)
        self._held, self._held_bytes = self._held + 1, self._held_bytes + size
        self._commit_soon()
        return await one.answer

    def _commit_soon(self) -> None:
        if self._committing is None:
            self._committing = asyncio.get_running_loop().create_task(self._commit_all())

    async def _commit_all(self) -> None:
        """Commit what waits, and what comes meanwhile, until nothing does."""
        try:
            await self._commit(self._batch())
            while self._waiting:
                await self._commit(self._batch())
        except BaseException as error:
            # The process is ending: whoever waits must not believe that it is stored.
            self._fail(self._waiting, error)
            raise
        finally:
            self._committing = None

    def _batch(self) -> list[_Waiting]:
        size = taken = 0
        for one in self._waiting:
            if taken and size + one.size > _BATCH_BYTES:
                break
            size, taken = size + one.size, taken + 1
        batch, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return batch

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        forgeries, self._forgeries = self._forgeries, Counter()
        self._counted_at = now = self._now()
        rows = [one.new for one in batch]
        try:
            await _run(self._writer, partial(self._write, rows, forgeries, now))
        except StoreError:
            self._forgeries.update(forgeries)
            self._answer(batch, 503)
        except BaseException as error:
            self._fail(batch, error)
            if not isinstance(error, Exception):
                raise
        else:
            self._answer(batch, 200)
            for channel in dict.fromkeys(one.channel for one in rows):
                self._stored(channel)

    def _write(self, rows: Sequence[New], forgeries: Mapping[str, int], now: datetime) -> None:
        def unit(connection: Connection) -> None:
            deliveries.insert(connection, rows)
            for channel, count in Counter(one.channel for one in rows).items():
                figures.add(connection, now, channel, {"deliveries": count})
            for channel, count in forgeries.items():
                figures.add(connection, now, channel, {"forged": count})

        self._database.write(unit)

    def _answer(self, batch: Sequence[_Waiting], status: int) -> None:
        for one in batch:
            self._let_go(one)
            if not one.answer.done():
                one.answer.set_result(status)

    def _fail(self, batch: Sequence[_Waiting], error: BaseException) -> None:
        for one in batch:
            self._let_go(one)
            if isinstance(error, asyncio.CancelledError):
                one.answer.cancel()
            elif not one.answer.done():
                one.answer.set_exception(error)

    def _let_go(self, one: _Waiting) -> None:
        self._held, self._held_bytes = self._held - 1, self._held_bytes - one.size


async def _run(pool: ThreadPoolExecutor | None, work: Callable[[], T]) -> T:
    return work() if pool is None else await asyncio.get_running_loop().run_in_executor(pool, work)
