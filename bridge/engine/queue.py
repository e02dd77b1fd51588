"""The queue: where a platform pushes into a queue of the merchant's, its messages become stored deliveries like any webhook's.

A message is stored, then the queue forgets it, then the lane hears of it. Killed in between, it comes again: looking twice at what it
names changes nothing.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.engine import Connection

from bridge.contract.errors import BridgeError, NeedsPerson, TryLater
from bridge.contract.webhooks import Queued, QueuePort
from bridge.engine.context import Context
from bridge.engine.lane import Lane
from bridge.engine.noting import park
from bridge.store import deliveries, figures, notes
from bridge.store.errors import StoreError

__all__ = ["Listener"]

_log = logging.getLogger("bridge.live")
# A queue that does not wait for the first message is not asked more often.
_LEAST = timedelta(seconds=1)


@dataclass(slots=True, eq=False)
class Listener:
    """Listens to one channel's queue. `error` is why it could not be read ("" = it could)."""

    context: Context
    lane: Lane
    port: QueuePort
    error: str = ""
    _failures: int = 0
    _begun: bool = False

    async def run(self) -> None:
        """Take messages in until told to stop."""
        while not self.lane.stopping:
            began = self.context.now()
            try:
                taken = await self.once()
            except (BridgeError, StoreError) as error:
                await self.context.sleep(self._failed(error).total_seconds())
                continue
            except Exception as error:  # noqa: BLE001 - a mistake of ours here must not stop the lanes
                self.lane.news.bug(error)
                await self.context.sleep(self.lane.pace.bug.total_seconds())
                continue
            self._well()
            if not taken and self.context.now() - began < _LEAST:
                await self.context.sleep(_LEAST.total_seconds())

    async def once(self) -> int:
        """Take in what is there; return how much that was."""
        messages = await self.port.receive()
        if messages:
            self.context.database.write(lambda connection: self._store(connection, messages))
            self.lane.listen()
            await self.port.delete([one.receipt for one in messages])
        return len(messages)

    def _store(self, connection: Connection, messages: Sequence[Queued]) -> None:
        now, name = self.context.now(), self.lane.name
        rows = [deliveries.New(channel=name, received_at=now, delivery=one.delivery) for one in messages]
        deliveries.insert(connection, rows)
        figures.add(connection, now, name, {"deliveries": len(rows)})

    def _failed(self, error: Exception) -> timedelta:
        """Say so once; return how long to leave the queue alone."""
        self._failures += 1
        if str(error) != self.error:
            _log.warning("%s: its queue could not be read: %s", self.lane.name, error)
        self.error = str(error)
        pace = self.lane.pace
        if isinstance(error, NeedsPerson):
            self._tell(self.error)
            return pace.rest
        asked = timedelta(seconds=error.after or 0) if isinstance(error, TryLater) else timedelta(0)
        doubled = min(pace.longest, pace.first * (1 << min(self._failures, 10)))
        return max(asked, doubled * self.context.rng.uniform(0.5, 1.0))

    def _well(self) -> None:
        if self.error:
            _log.info("%s: its queue is read again", self.lane.name)
        if self.error or not self._begun:
            self._tell("")  # also what a process told that is no more
        self.error, self._failures, self._begun = "", 0, True

    def _tell(self, reason: str) -> None:
        name = self.lane.name

        def unit(connection: Connection) -> None:
            if reason:
                park(
                    connection,
                    self.context,
                    "queue",
                    name,
                    name,
                    f"its queue cannot be read, polling goes on: {reason}",
                )
            else:
                notes.unpark(connection, "queue", name, [name])

        try:
            self.context.database.write(unit)
        except StoreError as error:
            _log.warning("%s: %s", name, error)
