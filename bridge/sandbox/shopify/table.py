"""Tables with the two orders the API sorts by, id and last change, and the search index that may lag behind."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, TypeVar

from bridge.sandbox.shopify.model import Record

R = TypeVar("R", bound=Record)
Now = Callable[[], datetime]
What = Literal["made", "changed", "gone"]


class Table(Generic[R]):
    """Records of one kind by number. `touch` tells the change log; a look-up by change date is a bisection in it.

    `tell` hears of every record made, changed or gone.
    """

    def __init__(self, now: Now, tell: Callable[[What, Any], None] = lambda *_: None) -> None:
        self.now = now
        self.tell = tell
        self.rows: dict[int, R] = {}
        self.numbers: list[int] = []
        self._log: list[tuple[datetime, int]] = []
        self._history: dict[int, list[datetime]] = {}

    def get(self, number: int) -> R | None:
        return self.rows.get(number)

    def add(self, row: R) -> R:
        """Take in a new record; numbers only grow."""
        self.rows[row.number] = row
        self.numbers.append(row.number)
        self._record(row.number, row.updated_at)
        self.tell("made", row)
        return row

    def touch(self, row: R) -> None:
        """Say that the record changed now. Two changes in one whole second leave one mark, as DateTime has no less."""
        row.updated_at = self.now().replace(microsecond=0)
        if row.number in self.rows and self._history[row.number][-1] != row.updated_at:
            self._record(row.number, row.updated_at)
        if row.number in self.rows:
            self.tell("changed", row)

    def remove(self, row: R) -> None:
        """Forget a record."""
        del self.rows[row.number]
        del self._history[row.number]
        self.numbers.pop(bisect_left(self.numbers, row.number))
        self.tell("gone", row)

    def indexed_at(self, number: int, lag: timedelta) -> datetime | None:
        """Return the `updated_at` the search index knows, None while it does not know the record at all."""
        marks = self._history[number]
        if not lag:
            return marks[-1]
        place = bisect_right(marks, self.now() - lag)
        return marks[place - 1] if place else None

    def by_change(self, since: datetime | None, lag: timedelta) -> Iterator[tuple[datetime, R]]:
        """Yield (indexed change, record), oldest change first, from `since` on."""
        self._compact()
        start = 0 if since is None else bisect_left(self._log, (since, -1))
        for changed, number in self._log[start:]:
            if number in self.rows and self.indexed_at(number, lag) == changed:
                yield changed, self.rows[number]

    def _record(self, number: int, changed: datetime) -> None:
        insort(self._log, (changed, number))
        self._history.setdefault(number, []).append(changed)

    def _compact(self) -> None:
        if len(self._log) < 2 * len(self.rows) + 1000:
            return
        cutoff = self.now() - timedelta(hours=1)
        for number, marks in self._history.items():
            keep = min(bisect_right(marks, cutoff), len(marks)) - 1
            if keep > 0:
                self._history[number] = marks[keep:]
        self._log = sorted((changed, number) for number, marks in self._history.items() for changed in marks)
