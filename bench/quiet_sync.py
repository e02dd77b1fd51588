"""How many API calls `bridge sync` makes when nothing has changed: at most 3 per channel, however large the catalogue.

The App that the command calls is adopted on the stand-ins and synced until quiet, then synced once more and counted.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.report import Figure, Result, command
from bench.worlds import app_of, calls, goods, grown_goods, simulated, world
from bridge.sandbox.kit.loop import SimulatedLoop

__all__ = ["measure"]

_MOST = 3
# Longer than Shopify's connector takes to trust its search index: for 20 minutes it reads the newest changes again each time.
_PAUSE = 1_500


def measure(options: argparse.Namespace) -> Result:
    """Measure at each of `options.sizes`."""
    figures = []
    for size in options.sizes:
        for name, count in _quiet(size).items():
            what = f"{name}: calls of a quiet sync, {size:,} SKUs"
            figures.append(Figure(what=what, measured=count, unit="calls", bar=_MOST))
    note = (
        "Half of the SKUs are simple products, half are variations, four to a product; nothing changed for 25 minutes."
    )
    return Result(bench="quiet_sync", figures=figures, notes=[note])


def _quiet(size: int) -> dict[str, int]:
    with TemporaryDirectory() as folder:
        return simulated(lambda loop: _story(loop, size, Path(folder)))


async def _story(loop: SimulatedLoop, size: int, folder: Path) -> dict[str, int]:
    made = world(loop, [*goods(size // 2), *grown_goods(size // 8, 4)])
    for platform in made.platforms.values():
        platform.shop.sale([{"sku": "GOOD-000001", "quantity": 1}])
    with app_of(made, folder) as app:
        await app.adopt(source="woocommerce")
        for _ in range(3):
            await asyncio.sleep(_PAUSE)
            await app.sync()
        before = calls(made)
        await asyncio.sleep(_PAUSE)
        run = await app.sync()
        assert run.exit_code == 0, run
        assert not any(one.written or one.orders for one in run.channels), "the last sync was not a quiet one"
    await made.close()
    return {name: count - before[name] for name, count in calls(made).items()}


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[100, 5_000], help="catalogue sizes (default: 100 5000)"
    )


if __name__ == "__main__":
    sys.exit(command(measure, doc=__doc__, options=options))
