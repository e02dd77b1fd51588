"""How long `bridge plan --offline --json` takes over 100,000 SKUs on 3 channels, and the most memory it holds.

The command runs as a process of its own, start included, on a database written straight into the store: once as on a usual
day (one SKU in a hundred sold), once with every number of two channels to be written.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
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
_DAYS = {"1 SKU in 100 sold": 100, "every SKU sold": 1}


def measure(options: argparse.Namespace) -> Result:
    """Measure `options.runs` times each."""
    figures = []
    for day, every in _DAYS.items():
        seconds, peak, rows = _day(options, every)
        what = f"plan, {options.skus:,} SKUs x 3 channels, {day}: {rows:,} writes"
        figures.append(Figure(what=what, measured=seconds, unit="s", bar=_SECONDS))
        figures.append(Figure(what="... the most memory it held", measured=peak, unit="MB", bar=_MB))
    note = (
        f"Medians of {options.runs} runs of the command with --json, its start and the printing of every row included."
    )
    return Result(bench="plan", figures=figures, notes=[note])


def _day(options: argparse.Namespace, every: int) -> tuple[float, float, int]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        config, platforms = write_shop(folder, guard=False)
        database = Database(str(folder / "bridge.db"))
        stocked(database, options.skus, platforms, now=datetime.now(UTC), off_every=every)
        database.close()
        line = [installed(), "plan", "--offline", "--json", "--config", str(config)]
        # The first command after an adoption settles every target once, as after a change of the rules.
        runs = [_run(line, folder / "plan.json") for _ in range(options.runs + 1)][1:]
        plan = json.loads((folder / "plan.json").read_text())
    rows = _checked(plan, options.skus, every)
    return median([one[0] for one in runs]), median([one[1] for one in runs]), rows


def _run(line: Sequence[str], out: Path) -> tuple[float, float]:
    """Run a command; return its seconds and its peak memory in MB."""
    start = time.perf_counter()
    with out.open("wb") as told:
        process = subprocess.Popen(line, stdout=told)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{' '.join(line)} ended with {process.returncode}"
    return time.perf_counter() - start, usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _checked(plan: dict[str, Any], skus: int, every: int) -> int:
    """Return how many writes were planned, having looked that they are the right ones."""
    sold = -(-skus // every)
    told = {one["channel"]: one for one in plan["channels"]}
    expected = dict(zip(told, (0, sold, sold), strict=True))
    assert {name: len(one["rows"]) for name, one in told.items()} == expected, "the plan is not the one that is due"
    assert all(row["delta"] == -2 for one in told.values() for row in one["rows"])
    return sum(expected.values())


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--skus", type=int, default=100_000, help="how many SKUs (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="how often to measure (default: %(default)s)")


if __name__ == "__main__":
    sys.exit(command(measure, doc=__doc__, options=options))
