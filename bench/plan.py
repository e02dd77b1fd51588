"""How long `bridge plan --offline --json` takes over 100,000 SKUs on 3 channels, and the most memory it holds.

The command runs as a process of its own, start included, on a database written straight into the store: as on a usual day
(one SKU in a hundred sold), with every number of two channels to be written, and with every number of all three.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.machine import median
from bench.report import Figure, Result, command
from bench.shop import installed, write_shop
from bench.stocked import stocked
from bridge.store.database import Database

__all__ = ["measure"]

_SECONDS, _MB = 5, 400
# What happened -> to each how-manyth SKU, and on how many channels it is to be written.
_DAYS = {"1 SKU in 100 sold": (100, 2), "every SKU sold": (1, 2), "every SKU changed everywhere": (1, 3)}


def measure(options: argparse.Namespace) -> Result:
    """Measure `options.runs` times each."""
    figures = []
    for day, (every, channels) in _DAYS.items():
        runs, rows = _day(options, every, channels)
        what = f"plan, {options.skus:,} SKUs x 3 channels, {day}: {rows:,} writes"
        figures += [
            Figure(what=what, measured=median([one.seconds for one in runs]), unit="s", bar=_SECONDS),
            Figure(what="... the same in CPU seconds", measured=median([one.cpu for one in runs]), unit="s"),
            Figure(what="... the most memory it held", measured=median([one.mb for one in runs]), unit="MB", bar=_MB),
        ]
    note = (
        f"Medians of {options.runs} runs of the command with --json, its start and the printing of every row included."
        " On a busy machine the CPU seconds say more."
    )
    return Result(bench="plan", figures=figures, notes=[note])


@dataclass(frozen=True, slots=True)
class _Run:
    """What one run took: seconds on the wall and of CPU, and its peak memory in MB."""

    seconds: float
    cpu: float
    mb: float


def _day(options: argparse.Namespace, every: int, channels: int) -> tuple[list[_Run], int]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        config, platforms = write_shop(folder, guard=False)
        database = Database(str(folder / "bridge.db"))
        everywhere = channels == len(platforms)
        stocked(database, options.skus, platforms, now=datetime.now(UTC), off_every=every, everywhere=everywhere)
        database.close()
        line = [installed(), "plan", "--offline", "--json", "--config", str(config)]
        # The first command after an adoption settles every target once, as after a change of the rules.
        runs = [_run(line, folder / "plan.json") for _ in range(options.runs + 1)][1:]
        plan = json.loads((folder / "plan.json").read_text())
    return runs, _checked(plan, -(-options.skus // every), channels)


def _run(line: Sequence[str], out: Path) -> _Run:
    start = time.perf_counter()
    with out.open("wb") as told:
        process = subprocess.Popen(line, stdout=told)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{' '.join(line)} ended with {process.returncode}"
    peak = usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
    return _Run(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, peak)


def _checked(plan: dict[str, Any], changed: int, channels: int) -> int:
    """Return how many writes were planned, having looked that they are the right ones."""
    told = {one["channel"]: one for one in plan["channels"]}
    expected = dict(zip(told, (changed if channels == 3 else 0, changed, changed), strict=True))
    assert {name: len(one["rows"]) for name, one in told.items()} == expected, "the plan is not the one that is due"
    assert all(row["delta"] == -2 for one in told.values() for row in one["rows"])
    return sum(expected.values())


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--skus", type=int, default=100_000, help="how many SKUs (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="how often to measure (default: %(default)s)")


if __name__ == "__main__":
    sys.exit(command(measure, doc=__doc__, options=options))
