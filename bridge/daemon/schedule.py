"""The schedule of the daemon: APScheduler as an in-process timer. Late runs are coalesced, and no job runs twice at once."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bridge.app.results import JobLine
from bridge.contract.errors import BridgeError
from bridge.engine.live import Job
from bridge.store.errors import StoreError

__all__ = ["Schedule"]

_log = logging.getLogger("bridge.daemon")
# Seconds: how often the clock is compared, and what no correction by NTP makes.
CHECKED, JUMP = 5.0, 3.0


@dataclass(slots=True)
class Schedule:
    """Runs jobs until `stop`. A job that fails is logged and has its next turn all the same."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _timer: Any = field(default_factory=lambda: AsyncIOScheduler(timezone=UTC))
    _jobs: dict[str, Job] = field(default_factory=dict)
    _last: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    _stopped: bool = False
    _watching: "asyncio.Task[None] | None" = None

    def start(self, jobs: Iterable[Job]) -> None:
        """Begin with these jobs."""
        # APScheduler tells of every run at INFO, and of every turn that is left out because the last one still runs.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        for job in jobs:
            self._jobs[job.name] = job
            first = {"next_run_time": self.now() + timedelta(seconds=1)} if job.at_start else {}
            trigger = IntervalTrigger(seconds=job.every.total_seconds(), jitter=job.jitter.total_seconds() or None)
            self._timer.add_job(
                self._guarded(job),
                trigger,
                id=job.name,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
                **first,
            )
        self._timer.start()
        self._watching = asyncio.create_task(self._mind_the_clock())

    def stop(self) -> None:
        """Start nothing more, and break off what is under way: every job begins anew with what there is."""
        self._stopped = True
        if self._watching is not None:
            self._watching.cancel()
        self._timer.shutdown(wait=False)

    def turns(self) -> list[JobLine]:
        """Return every job with its next and its last turn."""
        return [self._turn(name, job) for name, job in sorted(self._jobs.items())]

    def _turn(self, name: str, job: Job) -> JobLine:
        planned = self._timer.get_job(name)
        last, error = self._last.get(name, (None, ""))
        next_at = None if planned is None else planned.next_run_time
        return JobLine(name=name, every=job.every.total_seconds(), next_at=next_at, last_at=last, error=error)

    async def _mind_the_clock(self) -> None:
        """The timer goes by this machine's clock: set back an hour, it would do nothing for an hour."""
        ahead = self._ahead()
        while True:
            await self.sleep(CHECKED)
            if abs(self._ahead() - ahead) > JUMP:
                _log.warning("this machine's clock was set by %+.0f s", self._ahead() - ahead)
                ahead = self._ahead()
                for name in self._jobs:
                    self._timer.modify_job(name, next_run_time=self.now())

    def _ahead(self) -> float:
        return self.now().timestamp() - self.monotonic()

    def _guarded(self, job: Job) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            error = ""
            try:
                await job.run()
            except asyncio.CancelledError:
                # The timer cancels what is under way when it is stopped, and would log each as a failure of its own.
                if not self._stopped:
                    raise
                return
            except Exception as failure:  # noqa: BLE001 - one job's failure must not end the daemon
                error = f"{type(failure).__name__}: {failure}"
                self._log_failure(job.name, failure, error)
            self._last[job.name] = (self.now(), error)

        return run

    def _log_failure(self, name: str, failure: Exception, error: str) -> None:
        """Say it once, not at every turn; with its origin only where it is a mistake of ours."""
        if self._last.get(name, (None, ""))[1] == error:
            return
        foreseen = isinstance(failure, BridgeError | StoreError)
        _log.error("the job %s failed: %s", name, error, exc_info=None if foreseen else failure)
