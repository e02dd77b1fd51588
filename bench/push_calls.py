"""How many API calls it takes to write changed numbers: exactly the platform's floor, and none for unchanged numbers.

Every number of the catalogue is changed in the ledger, then the engine pushes; the stand-ins count the calls, and their
own numbers are compared afterwards. Simulated time, so the counts do not depend on the machine.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from bench.report import Figure, Result, command
from bench.worlds import calls, goods, grown_goods, receive, simulated, world
from bridge.engine.sync import Sync
from bridge.rehearsal.invariants import broken
from bridge.rehearsal.world import World
from bridge.sandbox.kit.loop import SimulatedLoop

__all__ = ["measure"]

# Rows per call: WooCommerce's batch endpoint, Shopify's inventoryAdjustQuantities, Square's batch-create.
_FLOOR = {"woocommerce": 100, "shopify": 250, "square": 100}
_VARIATIONS = 4


def measure(options: argparse.Namespace) -> Result:
    """Measure with `options.numbers` changed numbers."""
    numbers: int = options.numbers
    figures: list[Figure] = []
    simple = simulated(lambda loop: _story(loop, goods(numbers), ("woocommerce", "shopify", "square")))
    for name, (changed, unchanged) in simple.items():
        floor = -(-numbers // _FLOOR[name])
        figures.append(_figure(f"{name}: calls for {numbers:,} changed numbers", changed, floor))
        figures.append(_figure(f"{name}: calls for as many unchanged ones", unchanged, 0))
    parents = max(1, numbers // _VARIATIONS)
    grown = simulated(lambda loop: _story(loop, grown_goods(parents, _VARIATIONS), ("woocommerce",)))
    what = f"woocommerce: calls for {parents * _VARIATIONS:,} variations of {parents:,} products"
    figures.append(_figure(what, grown["woocommerce"][0], parents))
    note = "Counted by the stand-ins; afterwards every platform's own numbers equal the ledger's targets."
    return Result(bench="push_calls", figures=figures, notes=[note])


def _figure(what: str, measured: int, floor: int) -> Figure:
    return Figure(what=what, measured=measured, unit="calls", bar=floor, side="exactly")


async def _story(
    loop: SimulatedLoop, products: Sequence[dict[str, Any]], platforms: Sequence[str]
) -> dict[str, tuple[int, int]]:
    made = world(loop, products, platforms=platforms)
    await made.adopt(platforms[0])
    await made.sync()
    receive(made, 3)
    changed = await _push(made)
    unchanged = await _push(made)
    problems = broken(made)
    assert not problems, problems[:5]
    await made.close()
    return {name: (changed[name], unchanged[name]) for name in platforms}


async def _push(made: World) -> dict[str, int]:
    """Push what differs, and return the calls that took."""
    run = Sync(made.context, list(made.channels.values()))
    before = calls(made)
    await run.stock()
    errors = [f"{name}: {part.error}" for name, part in run.report.channels.items() if part.error]
    assert not errors, errors
    assert not run.report.open, f"{run.report.open} numbers were left unwritten"
    return {name: count - before[name] for name, count in calls(made).items()}


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--numbers", type=int, default=10_000, help="how many numbers change (default: %(default)s)")


if __name__ == "__main__":
    sys.exit(command(measure, doc=__doc__, options=options))
