"""Progress bars on stderr, one for each stage of each channel."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

__all__ = ["Bars"]


class Bars:
    """Where long work says how far it is; shown only while it lasts."""

    def __init__(self) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._bars = Progress(*columns, console=Console(stderr=True), transient=True)
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bars.stop()

    def __call__(self, stage: str, channel: str, done: int, total: int | None) -> None:
        """Show how far a stage is."""
        slot = (stage, channel)
        if slot not in self._tasks:
            self._tasks[slot] = self._bars.add_task(f"{channel}: {stage}", total=total)
        self._bars.update(self._tasks[slot], completed=done, total=total)

    @property
    def console(self) -> Console:
        """Where to ask a person something while bars are shown."""
        return self._bars.console

    def stop(self) -> None:
        """Show no more bars."""
        self._bars.stop()
