"""What can be wrong with a config file."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["ConfigError", "Problem", "did_you_mean"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and the line it is on (0: no line of its own)."""

    line: int
    text: str


class ConfigError(Exception):
    """The config cannot be used. `where` is the file, with the line of the first problem."""

    def __init__(self, file: str, problems: Iterable[Problem], next_step: str = "") -> None:
        self.file = file
        self.problems = tuple(sorted(problems, key=lambda one: one.line))
        self.next_step = next_step
        super().__init__(self.what)

    @property
    def where(self) -> str:
        """File and line of the first problem."""
        line = self.problems[0].line if self.problems else 0
        return f"{self.file}, line {line}" if line else self.file

    @property
    def what(self) -> str:
        """All problems, each with its line."""
        if len(self.problems) == 1:
            return self.problems[0].text
        return "; ".join(f"line {one.line}: {one.text}" if one.line else one.text for one in self.problems)

    def __str__(self) -> str:
        lines = [
            f"{self.file}, line {one.line}: {one.text}" if one.line else f"{self.file}: {one.text}"
            for one in self.problems
        ]
        return "\n".join([*lines, *([f"  next: {self.next_step}"] if self.next_step else [])])


def did_you_mean(word: str, allowed: Iterable[str]) -> str:
    """Return ' (did you mean X? ...)' where something close is allowed, and always what is."""
    names = sorted(allowed)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    guess = f"did you mean {close[0]}? " if close else ""
    return f"{guess}allowed: {', '.join(names) or 'nothing'}"
