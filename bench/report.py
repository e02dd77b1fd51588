"""What a benchmark found, its bars, and how it is printed: a table for people, JSON for programs."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from bench.machine import facts

__all__ = ["Figure", "MissingError", "Result", "command", "show"]

Side = Literal["at most", "at least", "exactly"]


class MissingError(Exception):
    """Something the benchmark needs is not installed; the text says how to get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number; `bar` is what it must reach, None for a number that is only told."""

    what: str
    measured: float
    unit: str
    bar: float | None = None
    side: Side = "at most"

    @property
    def reached(self) -> bool:
        """Tell whether the bar is reached; a number without one always is."""
        if self.bar is None:
            return True
        if self.side == "exactly":
            return self.measured == self.bar
        return self.measured <= self.bar if self.side == "at most" else self.measured >= self.bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One benchmark's figures, how they were made, and what a reader must know to judge them."""

    bench: str
    figures: Sequence[Figure]
    notes: Sequence[str] = ()
    machine: dict[str, Any] = field(default_factory=facts)

    @property
    def reached(self) -> bool:
        """Tell whether every bar is reached."""
        return all(figure.reached for figure in self.figures)

    def plain(self) -> dict[str, Any]:
        """Return the result as JSON takes it."""
        figures = [{**asdict(figure), "reached": figure.reached} for figure in self.figures]
        return {
            "bench": self.bench,
            "reached": self.reached,
            "figures": figures,
            "notes": list(self.notes),
            "machine": self.machine,
        }


def show(result: Result) -> None:
    """Print a result as a table (Markdown, so that it can be carried into a document)."""
    print(f"\n{result.bench}\n")
    rows = [("what", "measured", "bar", "")]
    rows += [(one.what, f"{number(one.measured)} {one.unit}", _bar(one), _mark(one)) for one in result.figures]
    _table(rows)
    for note in result.notes:
        print(f"\n{note}")
    print("\n" + ", ".join(f"{name} {value}" for name, value in result.machine.items()))


def _table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for index, row in enumerate(rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
        if index == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def _bar(figure: Figure) -> str:
    return "" if figure.bar is None else f"{figure.side} {number(figure.bar)}"


def _mark(figure: Figure) -> str:
    if figure.bar is None:
        return ""
    return "reached" if figure.reached else "MISSED"


def number(value: float) -> str:
    """Write a number with as many digits as it carries meaning."""
    if float(value).is_integer() or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def command(
    measure: Callable[[argparse.Namespace], Result],
    *,
    doc: str | None,
    options: Callable[[argparse.ArgumentParser], None] = lambda _: None,
) -> int:
    """Run one benchmark from the command line; returns 0, 1 where a bar is missed, 2 where something is not installed."""
    parser = argparse.ArgumentParser(description=doc)
    options(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    try:
        result = measure(chosen)
    except MissingError as error:
        print(error, file=sys.stderr)
        return 2
    if chosen.json:
        json.dump(result.plain(), sys.stdout, indent=2)
        print()
    else:
        show(result)
    return 0 if result.reached else 1
