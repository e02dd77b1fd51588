"""The daemon's schedule: no job twice at once, failures told once, and a clock that is set does not stop it."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pytest

from bridge.contract.errors import TryLater
from bridge.daemon.schedule import Schedule
from bridge.engine.live import Job

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)


class Clock:
    """A machine's clock that somebody sets; the monotonic one goes on. `look` has the schedule compare them."""

    def __init__(self) -> None:
        self.off = timedelta(0)
        self.looks: asyncio.Queue[None] = asyncio.Queue()
        self.looked: asyncio.Queue[None] = asyncio.Queue()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.off

    async def sleep(self, _: float) -> None:
        self.looked.put_nowait(None)
        await self.looks.get()

    async def look(self) -> None:
        await self.looked.get()
        self.looks.put_nowait(None)
        await self.looked.get()


async def done() -> None:
    return None


async def test_every_job_is_shown_with_its_turn() -> None:
    clock = Clock()
    schedule = Schedule(clock.now, sleep=clock.sleep)
    schedule.start([Job(name="poll shop", every=HOUR, run=done), Job(name="beat", every=HOUR, run=done, at_start=True)])
    beat, poll = schedule.turns()
    schedule.stop()
    assert (beat.name, poll.name, poll.every) == ("beat", "poll shop", 3600.0)
    assert beat.next_at is not None
    assert poll.next_at is not None
    assert beat.next_at - clock.now() < timedelta(seconds=2)
    assert timedelta(minutes=59) < poll.next_at - clock.now() <= HOUR


async def test_a_clock_that_is_set_back_starts_every_job_anew(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    ran = asyncio.Event()

    async def run() -> None:
        ran.set()

    schedule = Schedule(clock.now, sleep=clock.sleep)
    schedule.start([Job(name="poll", every=2 * HOUR, run=run)])
    await asyncio.sleep(0)
    clock.off = -HOUR
    with caplog.at_level(logging.WARNING, logger="bridge.daemon"):
        await clock.look()
    await ran.wait()
    schedule.stop()
    assert "clock was set by -3600 s" in caplog.text


async def test_a_clock_that_goes_right_changes_nothing() -> None:
    clock = Clock()
    schedule = Schedule(clock.now, sleep=clock.sleep)
    schedule.start([Job(name="poll", every=HOUR, run=done)])
    await asyncio.sleep(0)
    (before,) = schedule.turns()
    clock.off = timedelta(seconds=1)
    await clock.look()
    (after,) = schedule.turns()
    schedule.stop()
    assert after.next_at == before.next_at


async def test_a_job_that_fails_is_told_once_and_shown(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    failed = asyncio.Queue[None]()

    async def run() -> None:
        failed.put_nowait(None)
        raise TryLater("the shop is away", where="shop")

    schedule = Schedule(clock.now, sleep=clock.sleep)
    schedule.start([Job(name="poll", every=timedelta(milliseconds=5), run=run)])
    with caplog.at_level(logging.ERROR, logger="bridge.daemon"):
        for _ in range(3):
            await failed.get()
    (turn,) = schedule.turns()
    schedule.stop()
    assert turn.error == "TryLater: shop: the shop is away"
    assert len([record for record in caplog.records if "poll failed" in record.getMessage()]) == 1


async def test_no_job_runs_twice_at_once() -> None:
    clock = Clock()
    going, most, turns = 0, 0, asyncio.Queue[None]()

    async def run() -> None:
        nonlocal going, most
        going += 1
        most = max(most, going)
        for _ in range(500):
            await asyncio.sleep(0)
        going -= 1
        turns.put_nowait(None)

    schedule = Schedule(clock.now, sleep=clock.sleep)
    schedule.start([Job(name="slow", every=timedelta(milliseconds=2), run=run)])
    for _ in range(3):
        await turns.get()
    schedule.stop()
    assert most == 1
