"""How long `bridge --help` and `bridge status` take from a cold process: the median of several runs, and ratios to Python itself."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.machine import median
from bench.report import Figure, Result, command
from bench.shop import installed, write_shop
from bench.stocked import stocked
from bridge.store.database import Database

__all__ = ["measure"]

_HELP, _STATUS = 120, 400


def measure(options: argparse.Namespace) -> Result:
    """Measure `options.runs` times, turn about."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        config = _shop(folder, options.skus)
        commands = {
            "python": [sys.executable, "-c", "pass"],
            "help": [installed(), "--help"],
            "status": [installed(), "status", "--config", str(config)],
        }
        found: dict[str, list[float]] = {what: [] for what in commands}
        for _ in range(options.runs + 1):
            for what, line in commands.items():
                found[what].append(_timed(line))
    return _result(found, options)


def _result(found: dict[str, list[float]], options: argparse.Namespace) -> Result:
    # The first turn fills the system's file cache and, where there is none yet, Python's own: it does not count.
    taken = {what: median(times[1:]) for what, times in found.items()}
    figures = [
        Figure(what="bridge --help", measured=taken["help"], unit="ms", bar=_HELP),
        Figure(what="bridge status", measured=taken["status"], unit="ms", bar=_STATUS),
        Figure(what="python -c pass", measured=taken["python"], unit="ms"),
        Figure(what="bridge --help / python -c pass", measured=taken["help"] / taken["python"], unit="x"),
        Figure(what="bridge status / python -c pass", measured=taken["status"] / taken["python"], unit="x"),
    ]
    note = f"Medians of {options.runs} runs; status reads a database of {options.skus:,} SKUs on 3 channels."
    return Result(bench="cold_start", figures=figures, notes=[note])


def _shop(folder: Path, skus: int) -> Path:
    """Make a config and a database as they are after an adoption."""
    config, platforms = write_shop(folder)
    database = Database(str(folder / "bridge.db"))
    stocked(database, skus, platforms, now=datetime.now(UTC))
    database.close()
    return config


def _timed(line: Sequence[str]) -> float:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    start = time.perf_counter()
    done = subprocess.run(line, capture_output=True, check=False, env=environment)
    taken = time.perf_counter() - start
    assert done.returncode == 0, done.stderr.decode()
    return taken * 1000


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--runs", type=int, default=15, help="how often to measure (default: %(default)s)")
    parser.add_argument("--skus", type=int, default=1_000, help="SKUs in the database (default: %(default)s)")
    parser.add_argument(
        "--module", action="store_true", help="start `python -m bridge` instead of the installed command"
    )


if __name__ == "__main__":
    sys.exit(command(measure, doc=__doc__, options=options))
