"""A database in which the process can die at a commit, and whose disk can be full."""

from collections.abc import Callable
from typing import NoReturn, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bridge.store.database import Database

__all__ = ["CrashError", "FusedDatabase"]

T = TypeVar("T")
_PLENTY = 1_000_000_000


class CrashError(BaseException):
    """The process dies here: nothing may catch it but whoever starts the next one."""


class FusedDatabase(Database):
    """SQLite with a fuse: `light(5)` ends the process at the fifth commit from now, just before or just after it.

    `died` is told at that moment: whichever task meets the end, all of them are over.
    """

    _left = 0
    _before = False
    died: Callable[[], None] = staticmethod(lambda: None)

    def light(self, commits: int, *, before: bool = False) -> None:
        """Die at that commit (0: no more)."""
        self._left, self._before = commits, before

    def write(self, unit: Callable[[Connection], T]) -> T:
        """Run a unit, unless the fuse has burnt down."""
        burnt = self._burns()
        if burnt and self._before:
            self._die()
        result = super().write(unit)
        if burnt:
            self._die()
        return result

    def _die(self) -> NoReturn:
        self.died()
        raise CrashError

    def fill_disk(self) -> None:
        """Let the file grow no further: SQLite itself says then that the disk is full."""
        used = self.read(lambda connection: connection.execute(sa.text("PRAGMA page_count")).scalar())
        self._cap(int(used or 1))

    def make_room(self) -> None:
        """Let it grow again."""
        self._cap(_PLENTY)

    def _cap(self, pages: int) -> None:
        with self.engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def _burns(self) -> bool:
        if self._left == 0:
            return False
        self._left -= 1
        return self._left == 0
