"""How soon what is sold out is gone everywhere: the last unit of a SKU is sold at the web shop, and eight other channels show it.

On platforms that apply a write at once, gone means their own number is 0; on those that answer by ticket, that the write was taken in.
`bridge run` is a process of its own, webhooks are on, and each call takes `--latency`.
"""

import argparse
import asyncio
import json
import os
import sqlite3
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.live import Daemon, Scene, at, daemon_of, scene, subscribed
from bench.machine import facts
from bench.report import Figure, Result, command
from bridge.sandbox import STAND_INS
from bridge.sandbox.kit.platform import Platform

__all__ = ["measure"]

# By the connectors' own words: these answer "accepted" (README, what each channel carries).
TICKETS = ("meta", "amazon", "pinterest")
_ONE = "GOOD-{:06d}"


@dataclass(slots=True)
class _Watch:
    """Which sold-out SKUs are still on sale where, and how long the others took to go."""

    made: Scene
    database: Path
    sold: dict[str, float] = field(default_factory=dict)
    open: dict[str, set[str]] = field(default_factory=dict)
    took: dict[str, list[float]] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)

    def sell(self, shop: Platform, sku: str) -> None:
        """Sell the last unit at the shop."""
        shop.shop.sale([{"sku": sku, "quantity": 1}])
        self.sold[sku] = time.perf_counter()
        self.open[sku] = {one.name for _, one in self.made.running if one is not shop}

    def look(self) -> None:
        """Note what has gone since the last look."""
        for _, platform in self.made.running:
            if platform.name not in TICKETS and any(platform.name in where for where in self.open.values()):
                shown = {sku: sum(row.values()) for sku, row in platform.shop.stock().items()}
                for sku in [one for one in self.open if shown.get(one, 0) <= 0]:
                    self._gone(platform.name, sku)
        for channel, sku in self._accepted():
            self._gone(channel, sku)

    def _gone(self, platform: str, sku: str) -> None:
        if platform in self.open.get(sku, ()):
            self.open[sku].discard(platform)
            self.took.setdefault(platform, []).append(time.perf_counter() - self.sold[sku])
            if not self.open[sku]:
                del self.open[sku]

    def _accepted(self) -> list[tuple[str, str]]:
        """The SKUs of writes that a ticket platform has taken in, by what the daemon has on record."""
        names = {
            stand_in.channel: stand_in.platform for stand_in, _ in self.made.running if stand_in.platform in TICKETS
        }
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as database:
            rows = database.execute(
                "select key, channel, rows from writes where kind = 'stock' and ticket is not null"
            ).fetchall()
            skus = dict(database.execute("select channel || ' ' || stock_id, sku from positions").fetchall())
        fresh = [row for row in rows if row[0] not in self._known and row[1] in names]
        self._known.update(row[0] for row in fresh)
        return [
            (names[channel], skus[f"{channel} {change['key'][0]}"])
            for _, channel, changes in fresh
            for change in json.loads(changes)
        ]


async def _measure(options: argparse.Namespace) -> list[Figure]:
    platforms = tuple(STAND_INS)
    skus = [_ONE.format(number) for number in range(1, options.skus)]
    async with (
        scene(options, "10m", options.skus, platforms=platforms, stock=1) as made,
        daemon_of(made.folder) as daemon,
    ):
        shop = next(platform for _, platform in made.running if platform.name == "woocommerce")
        await _told(made, shop, daemon)
        watch = _Watch(made, made.folder / "bridge.db")
        began = time.perf_counter()
        for number, sku in enumerate(skus):
            await _until(watch, began + number / options.rate)
            watch.sell(shop, sku)
        ends = time.perf_counter() + 60
        while watch.open and time.perf_counter() < ends:
            await _until(watch, time.perf_counter() + 0.1)
        return [
            figure
            for name in platforms
            if name != shop.name
            for figure in _figures(name, sorted(watch.took.get(name, [])), len(skus))
        ]


async def _told(made: Scene, shop: Platform, daemon: Daemon) -> None:
    """Wait until the shop's webhooks arrive: one SKU is given up for it."""
    del daemon
    shop.shop.count(_ONE.format(0), 1_000)
    await subscribed(Scene(made.folder, [one for one in made.running if one[1] is shop], made.rng))


async def _until(watch: _Watch, moment: float) -> None:
    while time.perf_counter() < moment:
        watch.look()
        await asyncio.sleep(0.03)


def _figures(name: str, times: list[float], wanted: int) -> list[Figure]:
    what, bar = ("submitted", 1_000) if name in TICKETS else ("gone", 2_000)
    if not times:
        return [
            Figure(
                what=f"{name}: sold-out SKUs that were never {what}", measured=wanted, unit="", bar=0, side="exactly"
            )
        ]
    return [
        Figure(what=f"{name}: {what} after, p50", measured=at(times, 0.5), unit="ms"),
        Figure(what=f"{name}: p99", measured=at(times, 0.99), unit="ms", bar=bar),
        Figure(what=f"{name}: never {what}", measured=wanted - len(times), unit="", bar=0, side="exactly"),
    ]


def measure(options: argparse.Namespace) -> Result:
    """Sell everything, and see how soon it is gone."""
    before = facts()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    figures = asyncio.run(_measure(options))
    note = f"{options.skus - 1} SKUs of one unit, {options.rate:g} sold out a second at the web shop, {options.latency:g} ms a request."
    return Result(bench="soldout", figures=figures, notes=[note], machine=before)


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--skus", type=int, default=121, help="SKUs, each with one unit (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=2.0, help="sold out a second (default: %(default)s)")
    parser.add_argument("--latency", type=float, default=20.0, help="ms that a call takes (default: %(default)s)")


if __name__ == "__main__":
    sys.exit(command(measure, doc=__doc__, options=options))
