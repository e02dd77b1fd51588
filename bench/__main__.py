"""All benchmarks, each in a process of its own, and a summary of bar against measured. The two replays run where their data is installed.

python -m bench [--json] [--quick]
"""

import argparse
import json
import subprocess
import sys
from typing import Any

from bench.machine import facts
from bench.report import Figure, Result, command

__all__ = ["run"]

# What `--quick` makes of each: the same work at a small size, to see that it runs.
BENCHES: dict[str, list[str]] = {
    "push_calls": ["--numbers", "200"],
    "quiet_sync": ["--sizes", "40"],
    "pull": ["--products", "300", "--latency", "5", "--runs", "1"],
    "ingest": ["--lines", "300", "--skus", "30", "--runs", "1"],
    "plan": ["--skus", "300", "--runs", "1"],
    "cold_start": ["--skus", "50", "--runs", "1"],
    "points": ["--histories", "10", "--customers", "300"],
    "codes": ["--codes", "1000"],
    "hooks": ["--seconds", "1", "--connections", "8"],
    "replay": ["--lines", "150"],
    "trade": ["--households", "2", "--near", "0", "--every", "48"],
}


def run(options: argparse.Namespace) -> Result:
    """Run them all; returns every figure that has a bar."""
    before, figures, notes = facts(), [], []
    for name, quick in BENCHES.items():
        print(f"{name} ...", file=sys.stderr)
        told = _run(name, quick if options.quick else [])
        if told is None:
            notes.append(f"{name}: not run, `python -m bench.{name}` says what it needs")
            continue
        figures += [_figure(name, one) for one in told["figures"] if one["bar"] is not None]
    return Result(bench="all", figures=figures, notes=notes, machine=before)


def _run(name: str, more: list[str]) -> dict[str, Any] | None:
    line = [sys.executable, "-m", f"bench.{name}", "--json", *more]
    done = subprocess.run(line, stdout=subprocess.PIPE, check=False)
    if done.returncode == 2:
        return None
    if not done.stdout:
        raise SystemExit(f"{name} ended with {done.returncode} and told nothing")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _figure(name: str, told: dict[str, Any]) -> Figure:
    what = f"{name}: {told['what']}"
    return Figure(what=what, measured=told["measured"], unit=told["unit"], bar=told["bar"], side=told["side"])


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--quick", action="store_true", help="at a small size, to see that they run; says nothing about speed"
    )


if __name__ == "__main__":
    sys.exit(command(run, doc=__doc__, options=options))
