"""The stock port: read numbers, and change them in batches whose outcome is known per row."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from bridge.contract.feed import Feed, Page
from bridge.domain.catalog import Level, StockKey

__all__ = ["Accepted", "Applied", "Cause", "Outcome", "Prepared", "Rejected", "StockChange", "StockPort", "TicketPort"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StockChange:
    """One row of a stock write: the number at `key` goes from `shown` (what we believe) by `delta`.

    Where only an absolute number can serve, the connector sends `shown + delta`. `reason` is for the platform's own
    history. `track` asks to switch tracking on first (the level was read as None), starting from `shown + delta`.
    """

    key: StockKey
    delta: int
    shown: int
    reason: str = "correction"
    track: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A stock write ready to send: its key and its exact body, stored before it goes out so it can go out again unchanged."""

    key: str
    body: str
    changes: tuple[StockChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The row took effect. `quantity` is the number the platform returned after it (None if it returns none)."""

    key: StockKey
    at: datetime
    quantity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The row did not take effect.

    `stale`: the number was not what we believed, so there is a sale we have not seen. `gone`: the record is no more.
    `retry`: the row itself is fine, but its call failed as a whole for another row; send it again with a new key.
    """

    key: StockKey
    kind: Literal["stale", "gone", "invalid", "retry"]
    reason: str
    code: str = ""
    actual: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The platform took the row in and carries it out later: TicketPort says what became of it. `at` is when it was taken in.

    All rows of one call that were accepted have the same ticket.
    """

    key: StockKey
    at: datetime
    ticket: str


Outcome = Applied | Accepted | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One entry of the platform's own stock change log.

    `kind`: "count" (a person said how many there are: `quantity` is that number), "adjust" (a person or another program
    changed it by `quantity`), "sale"/"return" (an order did), "ours" (this bridge's own write, by its key). `at` is when it took
    place, `noted` when the platform wrote it down (None where it does not say).
    """

    key: StockKey
    kind: Literal["count", "adjust", "sale", "return", "ours"]
    quantity: int
    at: datetime
    id: str
    by: str = ""
    noted: datetime | None = None


class StockPort(Protocol):
    """Numbers of a channel. `changes` is None where the catalog pages carry them (Limits.stock_in_catalog)."""

    changes: Feed[Level] | None

    async def read(self, keys: Sequence[StockKey]) -> Sequence[Level]:
        """Read these numbers now, at most Limits.read_batch of them; a record that is no more is left out of the answer."""

    def scan(self) -> AsyncIterator[Page[Level]]:
        """Read every number of the channel in the fewest calls."""

    def batches(self, changes: Sequence[StockChange]) -> Sequence[Sequence[StockChange]]:
        """Split rows into calls: pure, at the floor of the platform (used by plan as well)."""

    def prepare(self, changes: Sequence[StockChange], key: str) -> Prepared:
        """Turn one batch into the exact call, checking every value ourselves; raises Refused naming the bad row. Pure."""

    async def send(self, prepared: Prepared) -> Sequence[Outcome]:
        """Send it once; one outcome per row, in the same order. Raises TryLater(maybe_applied=True) if the answer was lost."""

    async def causes(self, keys: Sequence[StockKey], since: datetime) -> Sequence[Cause]:
        """Ask the platform's change log; empty where Limits.names_causes is False."""


class TicketPort(Protocol):
    """What became of writes that were accepted to be carried out later. Only for platforms that answer `Accepted`."""

    async def look(self, ticket: str, prepared: Prepared) -> Sequence[Applied | Rejected] | None:
        """Ask for the results of an accepted write: one per row of `prepared`, in order; None while the platform is at work.

        Raises Gone where the platform does not know the ticket any more: the numbers themselves have to tell.
        """
