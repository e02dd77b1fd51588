"""The machine the figures come from, and what a process takes of it."""

import os
import platform
import resource
import sqlite3
import statistics
import sys
from collections.abc import Sequence
from typing import Any

__all__ = ["facts", "median", "peak_mb", "resident_mb"]


def facts() -> dict[str, Any]:
    """Return what a reader needs to compare figures; the load says how busy the machine was with other work."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cores": cores,
        "load": round(os.getloadavg()[0], 1),
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.machine()}",
    }


def peak_mb() -> float:
    """Return the most memory this process has held so far, in MB.

    Linux: VmHWM, because ru_maxrss begins with what the parent held when it forked.
    """
    told = _status("VmHWM")
    if told is not None:
        return told / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def resident_mb() -> float:
    """Return the memory this process holds now, in MB; where the system does not tell, the most it has held."""
    told = _status("VmRSS")
    return peak_mb() if told is None else told / 1024


def _status(name: str) -> int | None:
    try:
        with open("/proc/self/status", encoding="ascii") as lines:  # noqa: PTH123 - not a file of ours
            return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
    except OSError:
        return None


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)
