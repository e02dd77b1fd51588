"""Ends a command at every point where it can end, each time from the same moment, and tells what was lost.

The moment is kept by forking: each child has the day as it stood, ends its command at one point, types the same command again
and looks. The points are counted in a clean run, in a child too.
"""

import gc
import json
import os
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tests.baddays.day import Day, Ending, Fuse, KilledError

__all__ = ["Outcome", "calls", "clean_points", "distinct", "end_at", "end_everywhere", "every", "in_a_child"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one child saw. `point` is where the command ended, `problems` is what did not hold in the end."""

    point: str
    code: int
    told: str
    problems: Sequence[str]


def in_a_child(work: Callable[[], Any]) -> Any:
    """Run `work` in a copy of this process and return what it returns (as JSON); raises AssertionError with its traceback."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # The child uses only its own thread; those of a test runner in the parent hold nothing it needs.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os.close(reading)
        gc.disable()
        try:
            answer: dict[str, Any] = {"result": work()}
        except BaseException:  # noqa: BLE001 - it is told in the parent
            answer = {"error": traceback.format_exc()}
        with os.fdopen(writing, "w") as out:
            json.dump(answer, out)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answers:
        text = answers.read()
    os.waitpid(child, 0)
    answer = json.loads(text) if text else {"error": "the child said nothing"}
    assert "error" not in answer, answer["error"]
    return answer["result"]


def every(points: Sequence[str]) -> list[int]:
    """Choose every point but the near side of a read: there a process dies in the state in which its last act left it."""
    return [n for n, point in enumerate(points) if not point.startswith("before a read")]


def calls(points: Sequence[str]) -> list[int]:
    """Choose the calls: there tasks wait, and Ctrl-C reaches them; around a write both sides of it."""
    return [
        n for n, point in enumerate(points) if point.startswith(("before a read", "before a write", "after a write"))
    ]


def distinct(points: Sequence[str]) -> list[int]:
    """Return one point for every state that the database and the platforms pass through.

    Only a commit and a write change what outlives a process: between two of them it dies in the same state everywhere.
    """
    return [
        n for n, point in enumerate(points) if n == 0 or point == "after a commit" or point.startswith("after a write")
    ]


def clean_points(day: Day, *words: str) -> list[str]:
    """Return the points that the command passes when nothing ends it."""

    def work() -> list[str]:
        day.fuse = Fuse()
        day.bridge(*words)
        return day.fuse.points

    with day.as_it_is("clean"):
        points: list[str] = in_a_child(work)
    return points


def end_at(
    day: Day,
    number: int,
    ending: Ending,
    words: Sequence[str],
    between: Callable[[Day], None],
    look: Callable[[Day], list[str]],
) -> Outcome:
    """End the command at a point, let `between` happen, and look, which types the command again."""

    def work() -> dict[str, Any]:
        day.fuse = fuse = Fuse(at=number, ending=ending)
        code, told = 137, "killed"
        with suppress(KilledError):
            said = day.bridge(*words)
            code, told = said.code, said.text.strip()
        day.fuse = Fuse()
        between(day)
        problems = look(day)
        point = fuse.points[number] if number < len(fuse.points) else "never"
        return {"point": point, "code": code, "told": told, "problems": problems}

    with day.as_it_is(f"{ending}-{number}"):
        return Outcome(**in_a_child(work))


def end_everywhere(
    day: Day,
    words: Sequence[str],
    *,
    between: Callable[[Day], None],
    look: Callable[[Day], list[str]],
    ending: Ending = "kill",
    points: Callable[[Sequence[str]], Sequence[int]] = distinct,
) -> list[Outcome]:
    """End the command at each of its points that `points` chooses, from the same moment each time."""
    passed = clean_points(day, *words)
    chosen = points(passed)
    assert len(chosen) > 5, passed
    return [end_at(day, number, ending, words, between, look) for number in chosen]
