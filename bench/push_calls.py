"""How many API calls it takes to write changed numbers: exactly the platform's floor, and none for unchanged numbers.

Every number of the catalogue is changed in the ledger, then the engine pushes; the stand-ins count the calls, and their
own numbers are compared afterwards. Simulated time, so the counts do not depend on the machine.

Where a platform takes whole numbers or answers with a ticket, the calls that write are counted apart from those that look what became
of them.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class _Floor:
    """The least a platform takes: so many `rows` in a call, which is one that matches `writes`; `most`: numbers measured with, where a
    day's budget of the platform lets no more be written; `units` are taken off each of ten (all of them: sold out)."""

    rows: int
    writes: str
    most: int = 1_000_000
    units: int = 10


# eBay's bulk_update_price_quantity takes 25 SKUs; Amazon's feed all of them; Etsy's inventory is one listing's; Meta's items_batch takes
# 5,000 (3,000 are advised); Pinterest's items/batch 1,000; Google's HTTP batch carries 100 products.
_FLOORS = {
    "ebay": _Floor(25, r"^POST .*/bulk_update_price_quantity$"),
    "amazon": _Floor(10_000, r"^POST /feeds/2021-06-30/feeds$"),
    # A listing that is sold out takes a call more: Etsy refuses an inventory of nothing, so it is closed.
    "etsy": _Floor(1, r"^PUT .*/inventory$", 1_000, units=3),
    "meta": _Floor(3_000, r"^POST .*/items_batch$"),
    "pinterest": _Floor(1_000, r"^POST .*/catalogs/items/batch$"),
    "google": _Floor(100, r"^POST .*/batch"),
}
# As long as a platform may take to carry out and show what it took in.
_PAUSE, _TURNS = 1_800, 6


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
    for name in options.also:
        figures += _later(name, min(numbers, _FLOORS[name].most))
    note = "Counted by the stand-ins; afterwards every platform's own numbers equal the ledger's targets."
    return Result(bench="push_calls", figures=figures, notes=[note])


def _later(name: str, numbers: int) -> list[Figure]:
    """Measure a platform that takes whole numbers, or carries out later."""
    floor = _FLOORS[name]
    made, looked, again = simulated(lambda loop: _absolute(loop, name, numbers))
    return [
        _figure(f"{name}: writing calls for {numbers:,} changed numbers", made, -(-numbers // floor.rows)),
        Figure(what=f"{name}: further calls, to see what became of them", measured=looked, unit="calls"),
        _figure(f"{name}: writing calls for as many unchanged ones", again, 0),
    ]


async def _absolute(loop: SimulatedLoop, name: str, numbers: int) -> tuple[int, int, int]:
    made = world(loop, goods(numbers), platforms=("woocommerce", name))
    await made.adopt("woocommerce")
    await _settled(made, name)
    receive(made, -_FLOORS[name].units)
    writes, others = await _settled(made, name)
    again, _ = await _settled(made, name)
    problems = broken(made)
    assert not problems, problems[:5]
    await made.close()
    return writes, others, again


async def _settled(made: World, name: str) -> tuple[int, int]:
    """Sync until nothing is open and everything was seen; return the calls that wrote, and the others."""
    before = dict(made.platforms[name].faults.calls)
    for _ in range(_TURNS):
        await made.sync()
        await made.around.sleep(_PAUSE)
    after = made.platforms[name].faults.calls
    found = {call: count - before.get(call, 0) for call, count in after.items()}
    writes = sum(count for call, count in found.items() if re.search(_FLOORS[name].writes, call))
    return writes, sum(found.values()) - writes


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
    more = "also measure these, which take whole numbers or carry out later (default: none, they take minutes)"
    parser.add_argument("--also", nargs="*", default=[], choices=list(_FLOORS), metavar="PLATFORM", help=more)


if __name__ == "__main__":
    sys.exit(command(measure, doc=__doc__, options=options))
