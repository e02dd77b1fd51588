"""How many order lines a second the bridge takes in: map, effects, ledger, targets, in SQLite with synchronous=FULL, on one core.

A stand-in sells; the pages its API answers with are recorded. A process of its own then drains the orders feed from the
recording, with the real connector, HTTP client and engine, into the database of a shop adopted on three channels. So the
stand-in's own work is not measured, and everything the bridge does, from the bytes of a page to the commit, is.
"""

import argparse
import asyncio
import random
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from bench.drain import Job, Taken, drain
from bench.machine import median
from bench.playback import Recorder
from bench.report import Figure, Result, command
from bench.worlds import PLATFORMS, connector_of, goods, settings_of, simulated, world
from bridge.rehearsal.world import HOSTS, World
from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.sandbox.kit.transport import InProcess
from bridge.store import channels

__all__ = ["measure"]

_LINES_A_SECOND = 5_000
_FLAT = 1.25
_STOCK = 10_000
_LINES = (1, 2, 3, 4, 5)
_EARLY = 10_000


def measure(options: argparse.Namespace) -> Result:
    """Measure each of `options.channels`, the first with `options.lines` order lines, the others with a fifth of them."""
    figures = []
    for index, name in enumerate(options.channels):
        lines = options.lines if index == 0 else options.lines // 5
        with TemporaryDirectory() as folder:
            job = _recorded(Path(folder), name, lines, options.skus)
            runs = [_run(job) for _ in range(options.runs)]
        problems = [problem for run in runs for problem in run.problems]
        assert not problems, problems[:5]
        figures += _figures(job, runs)
    note = (
        f"Medians of {options.runs} runs. Orders of 1 to 5 lines (3 on average) over {options.skus:,} SKUs on three channels, so"
        " each line moves a counter, its channel's number and three targets. Afterwards every counter of the ledger and"
        " every target are compared with what was sold. CPU seconds are those of the process; on a busy machine they say more."
    )
    return Result(bench="ingest", figures=figures, notes=[note])


def _figures(job: Job, runs: list[Taken]) -> list[Figure]:
    name, lines = job.channel, job.lines
    seconds, cpu = median([one.seconds for one in runs]), median([one.cpu for one in runs])
    early, late = median([one.early_mb for one in runs]), median([one.late_mb for one in runs])
    size = job.orders / max(1, runs[0].pages)
    return [
        Figure(what=f"{name}: {lines:,} order lines, {size:.0f} orders a call", measured=lines / seconds, unit="lines/s",
               bar=_LINES_A_SECOND, side="at least"),
        Figure(what=f"{name}: the same per CPU second", measured=lines / cpu, unit="lines/s"),
        Figure(what=f"{name}: memory after {job.early:,} lines", measured=early, unit="MB"),
        Figure(what=f"{name}: memory after {lines:,} lines", measured=late, unit="MB"),
        Figure(what=f"{name}: memory at the end / early", measured=late / early, unit="x", bar=_FLAT),
    ]  # fmt: skip


def _run(job: Job) -> Taken:
    """Drain into a fresh copy of the adopted database."""
    for tail in ("", "-wal", "-shm"):
        Path(f"{job.database}{tail}").unlink(missing_ok=True)
    copyfile(job.folder / "adopted.db", job.database)
    return drain(job)


def _recorded(folder: Path, name: str, lines: int, skus: int) -> Job:
    job = simulated(lambda loop: _record(loop, folder, name, lines, skus))
    Path(job.database).rename(folder / "adopted.db")
    return job


async def _record(loop: SimulatedLoop, folder: Path, name: str, lines: int, skus: int) -> Job:
    made = world(loop, goods(skus, stock=_STOCK), database=str(folder / "bridge.db"))
    await made.adopt(name)
    settings = {one: settings_of(made, one) for one in PLATFORMS}
    job = Job(
        folder=folder, channel=name, settings=settings, now=loop.now(), orders=0, lines=0, early=min(_EARLY, lines // 10),
        stock=_STOCK, sold={},
    )  # fmt: skip
    sold = await _trade(made, name, lines, skus, job)
    job = replace(sold, now=loop.now())
    transport = Recorder(InProcess({HOSTS[name]: made.platforms[name].app}), folder)
    connector = connector_of(name, settings[name], replace(made.around, transport=transport))
    cursor = made.database.read(lambda connection: channels.cursor(connection, name, "orders"))
    found = {order.id async for page in connector.sales.changes.since(cursor or "") for order in page.items}
    assert len(found) == job.orders, f"{len(found)} of {job.orders} orders were recorded"
    await made.close()
    return job


async def _trade(made: World, name: str, lines: int, skus: int, job: Job) -> Job:
    """Sell `lines` order lines, an order every two seconds."""
    rng = random.Random(1)
    sold: Counter[str] = Counter()
    orders = done = 0
    while done < lines:
        picked = rng.sample(range(skus), min(rng.choice(_LINES), lines - done))
        wanted = {f"GOOD-{number:06d}": rng.choice((1, 1, 2)) for number in picked}
        made.platforms[name].shop.sale([{"sku": sku, "quantity": units} for sku, units in wanted.items()])
        sold.update(wanted)
        orders, done = orders + 1, done + len(wanted)
        await asyncio.sleep(2)
    return replace(job, orders=orders, lines=done, sold=sold)


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--lines", type=int, default=100_000, help="order lines (default: %(default)s)")
    parser.add_argument("--skus", type=int, default=2_000, help="SKUs on the channels (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="how often to measure (default: %(default)s)")
    parser.add_argument(
        "--channels", nargs="+", choices=PLATFORMS, default=list(PLATFORMS), help="which orders (default: all)"
    )


if __name__ == "__main__":
    sys.exit(command(measure, doc=__doc__, options=options))
