"""How soon a sale on one channel is to be seen on the others' own numbers, with `bridge run` as a process of its own.

The stand-ins answer on loopback sockets, each call after `--latency`, from this process (the last core); the daemon has core 0.
`hooks`: with webhooks. `polling`: every webhook lost, one poll in 30 s. `waiting`: orders that piled up while the daemon was down.
`idle`: a catalogue in which nothing happens.
"""

import argparse
import asyncio
import contextlib
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.machine import facts
from bench.report import Figure, Result, command
from bench.shop import installed
from bench.worlds import goods
from bridge.app.standins import StandIn, config_for, serving
from bridge.sandbox.kit.platform import Platform

__all__ = ["Daemon", "Scene", "at", "daemon_of", "measure", "scene", "subscribed"]

PLATFORMS = ("woocommerce", "shopify", "square")
# Seven orders a second are a shop on Shopify Plus: its bucket (shopify.dev/docs/api/usage/limits). The standard one, 100 points a
# second, carries about four: looking at an order takes 15 points, a write 14.
_PLUS = {"shopify": {"bucket": 20_000, "restore": 1_000}}
_TAIL = """
[daemon]
listen = "127.0.0.1:{port}"
public_url = "http://127.0.0.1:{port}"
poll = "{poll}"

[guard]
zero = 1000000
percent = 100
free = 1000000000
"""


@dataclass(slots=True)
class _Sale:
    """One unit sold: when, and what the number of its SKU must come to on the platforms that do not know of it yet."""

    sku: str
    at: float
    units: int
    missing: set[str]


@dataclass(slots=True)
class Scene:
    """The stand-ins, the daemon beside them, and the sales that are still to be seen somewhere."""

    folder: Path
    running: list[tuple[StandIn, Platform]]
    rng: random.Random
    open: dict[str, _Sale] = field(default_factory=dict)
    seen: list[float] = field(default_factory=list)

    def sell(self, skus: list[str]) -> None:
        """Sell one unit of a SKU that is not under way."""
        sku = self.rng.choice(skus)
        if sku in self.open:
            return
        _, where = self.rng.choice(self.running)
        where.shop.sale([{"sku": sku, "quantity": 1}])
        others = {platform.name for _, platform in self.running if platform is not where}
        self.open[sku] = _Sale(sku, time.perf_counter(), _units(where, sku), others)

    def look(self, platform: Platform) -> None:
        """Note which sales a platform shows now."""
        for sale in list(self.open.values()):
            if platform.name in sale.missing and _units(platform, sale.sku) == sale.units:
                sale.missing.discard(platform.name)
                self.seen.append(time.perf_counter() - sale.at)
                if not sale.missing:
                    del self.open[sale.sku]


def _units(platform: Platform, sku: str) -> int:
    """A platform's own number of one SKU, from its innards: `stock()` walks the whole catalogue, and this is asked all the time."""
    return _READ[platform.name](platform.shop, sku)


def _in_woocommerce(shop: Any, sku: str) -> int:
    catalogue = shop.woo.catalogue
    return int(catalogue.manager(catalogue.items[catalogue.by_sku[sku.lower()][0]]).stock)


def _in_shopify(shop: Any, sku: str) -> int:
    levels = shop.state.by_sku(sku)[0].item.levels.values()
    return sum(int(level.quantity("available")) for level in levels if level.is_active)


def _in_square(shop: Any, sku: str) -> int:
    inventory = shop.state.inventory
    keys = inventory.by_variation[shop.state.catalog.by_sku[sku.casefold()][0]]
    return sum((inventory.of(key) or 0) // 100_000 for key in keys)


_READ: dict[str, Callable[[Any, str], int]] = {
    "woocommerce": _in_woocommerce, "shopify": _in_shopify, "square": _in_square
}  # fmt: skip


@dataclass(slots=True)
class _Clock:
    """The platforms' clock. `behind` while the catalogue is made: one of this very minute would be read as news again and again."""

    behind: timedelta = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) - self.behind


@asynccontextmanager
async def scene(
    options: argparse.Namespace, poll: str, skus: int, *, platforms: Sequence[str] = PLATFORMS, stock: int = 100_000
) -> AsyncIterator[Scene]:
    """Stand-ins with a catalogue of yesterday, adopted by the bridge."""
    rng, clock = random.Random(1), _Clock()
    with TemporaryDirectory() as name:
        folder = Path(name)
        async with serving(platforms, rng=rng, now=clock.now, sleep=asyncio.sleep, options=_PLUS) as running:
            clock.behind = timedelta(days=1)
            for _, platform in running:
                platform.shop.seed(goods(skus, stock=stock))
            clock.behind = timedelta(0)
            text = config_for(tuple(stand_in for stand_in, _ in running))
            config = folder / "config.toml"
            config.write_text(
                text.partition("[daemon]")[0].rstrip() + _TAIL.format(port=_free_port(), poll=poll), encoding="utf-8"
            )
            config.chmod(0o600)
            await _bridge(folder, "adopt", "--open", running[0][0].channel, "--json")
            for _, platform in running:
                platform.faults.add(kind="latency", seconds=options.latency / 1000, times=None)
            yield Scene(folder, running, rng)


def _free_port() -> int:
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def _bridge(folder: Path, *words: str) -> None:
    process = await asyncio.create_subprocess_exec(
        installed(), *words, cwd=folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 0, said.decode()


@dataclass(slots=True)
class Daemon:
    process: asyncio.subprocess.Process

    @property
    def cpu(self) -> float:
        """CPU seconds so far."""
        text = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii")
        user, system = text.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    @property
    def megabytes(self) -> float:
        """Memory held now."""
        return self._status("VmRSS")

    @property
    def most_megabytes(self) -> float:
        """The most memory it ever held."""
        return self._status("VmHWM")

    def _status(self, name: str) -> float:
        lines = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


@asynccontextmanager
async def daemon_of(folder: Path) -> AsyncIterator[Daemon]:
    """`bridge run` on the first core, ready."""
    process = await asyncio.create_subprocess_exec(
        installed(), "run", "--log", "warning", cwd=folder, stdout=asyncio.subprocess.PIPE,
        preexec_fn=lambda: os.sched_setaffinity(0, {0}),
    )  # fmt: skip
    assert process.stdout is not None
    assert b"listening" in await process.stdout.readline()
    try:
        yield Daemon(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _until(done: Callable[[], bool], scene: Scene, *, within: float) -> None:
    ends = time.perf_counter() + within
    while not done() and time.perf_counter() < ends:
        await asyncio.sleep(0.01)
        for _, platform in scene.running:
            scene.look(platform)


async def _trade(scene: Scene, options: argparse.Namespace, skus: list[str]) -> None:
    """Sell at the given rate, and look at every platform's own numbers a hundred times a second."""
    began = time.perf_counter()
    for number in range(int(options.rate * options.seconds)):
        due = began + number / options.rate
        await _until(lambda due=due: time.perf_counter() >= due, scene, within=60)  # type: ignore[misc]
        scene.sell(skus)


async def _hooks(options: argparse.Namespace) -> list[Figure]:
    """Sales with webhooks on; polling is so rare that only they can have told."""
    skus = [f"GOOD-{number:06d}" for number in range(options.skus)]
    async with scene(options, "10m", options.skus) as made, daemon_of(made.folder) as daemon:
        await subscribed(made)
        cpu, began = daemon.cpu, time.perf_counter()
        await _trade(made, options, skus)
        await _until(lambda: not made.open, made, within=60)
        busy = (daemon.cpu - cpu) / (time.perf_counter() - began) * 100
        assert not made.open, f"{len(made.open)} sales were never seen elsewhere"
        times = sorted(made.seen)
        return [
            Figure(what=f"sale to the others' numbers, {options.rate:g} sales/s, p50", measured=at(times, 0.5), unit="ms", bar=250),
            Figure(what="p99", measured=at(times, 0.99), unit="ms", bar=1_000),
            Figure(what="slowest", measured=times[-1] * 1000, unit="ms"),
            Figure(what="numbers seen to change", measured=len(times), unit=""),
            Figure(what="the daemon's share of its core", measured=busy, unit="%"),
        ]  # fmt: skip


def at(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(len(times) * share))] * 1000


async def subscribed(scene: Scene) -> None:
    """Wait until a sale on every platform is told by a webhook: the daemon subscribes when it starts."""
    ends = time.perf_counter() + 60
    while time.perf_counter() < ends:
        for _, platform in scene.running:
            platform.shop.sale([{"sku": "GOOD-000000", "quantity": 1}])
        await asyncio.sleep(1)
        if all(platform.courier.brought > 0 for _, platform in scene.running):
            await asyncio.sleep(3)
            return
    raise AssertionError("a platform delivers no webhooks")


async def _polling(options: argparse.Namespace) -> list[Figure]:
    """Every webhook is lost; the last sale must be seen everywhere within a poll."""
    skus = [f"GOOD-{number:06d}" for number in range(options.skus)]
    async with scene(options, "30s", options.skus) as made, daemon_of(made.folder):
        for _, platform in made.running:
            platform.courier.mischief.lost = 1.0
        await asyncio.sleep(3)
        await _trade(made, options, skus)
        last = time.perf_counter()
        await _until(lambda: not made.open, made, within=120)
        agreed = time.perf_counter() - last
        return [
            Figure(what="every webhook lost, polling every 30 s: agreement after the last sale", measured=agreed, unit="s", bar=35),
            Figure(what="slowest sale", measured=max(made.seen, default=0.0), unit="s"),
            Figure(what="sales never seen elsewhere", measured=len(made.open), unit="", bar=0, side="exactly"),
        ]  # fmt: skip


async def _waiting(options: argparse.Namespace) -> list[Figure]:
    """Orders wait that came in while the daemon was down."""
    async with scene(options, "30s", options.skus) as made:
        for number in range(options.orders):
            _, platform = made.running[number % len(made.running)]
            platform.shop.sale([{"sku": f"GOOD-{made.rng.randrange(options.skus):06d}", "quantity": 1}])
            if number % 100 == 0:
                await asyncio.sleep(0)
        async with daemon_of(made.folder) as daemon:
            began, early = time.perf_counter(), 0.0
            while not _same(made) and time.perf_counter() - began < 900:
                await asyncio.sleep(1)
                early = early or daemon.megabytes
            taken = time.perf_counter() - began
            return [
                Figure(what=f"{options.orders:,} orders waiting: all numbers agree after", measured=taken, unit="s", bar=900),
                Figure(what="orders a second", measured=options.orders / taken, unit=""),
                Figure(what="memory at most", measured=daemon.most_megabytes, unit="MB"),
                Figure(what="memory at most / after the first second", measured=daemon.most_megabytes / early, unit="x", bar=1.5),
            ]  # fmt: skip


def _same(scene: Scene) -> bool:
    """Whether all platforms show the same numbers, their own names of places left out."""
    shown = [{sku: sum(row.values()) for sku, row in platform.shop.stock().items()} for _, platform in scene.running]
    return all(one == shown[0] for one in shown)


async def _idle(options: argparse.Namespace) -> list[Figure]:
    """Nothing happens: what the daemon takes all the same."""
    async with scene(options, "30s", options.idle_skus) as made, daemon_of(made.folder) as daemon:
        await asyncio.sleep(20)
        cpu, began = daemon.cpu, time.perf_counter()
        await asyncio.sleep(options.idle_seconds)
        share = (daemon.cpu - cpu) / (time.perf_counter() - began) * 100
        what = f"idle, 3 channels, {options.idle_skus:,} SKUs"
        return [
            Figure(what=f"{what}: CPU", measured=share, unit="%", bar=1),
            Figure(what="memory", measured=daemon.megabytes, unit="MB", bar=120),
        ]


PARTS = {"hooks": _hooks, "polling": _polling, "waiting": _waiting, "idle": _idle}


def measure(options: argparse.Namespace) -> Result:
    """Measure the chosen parts, one after the other."""
    before = facts()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    figures = [figure for name in options.part or PARTS for figure in asyncio.run(PARTS[name](options))]
    note = f"{options.skus:,} SKUs, {options.latency} ms a request, {options.seconds} s of trading; the stand-ins share one core."
    return Result(bench="live", figures=figures, notes=[note], machine=before)


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--part", action="append", choices=PARTS, help="only this one; repeatable")
    parser.add_argument("--skus", type=int, default=2_000, help="SKUs on each channel (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=20.0, help="sales a second (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=60.0, help="seconds of trading (default: %(default)s)")
    parser.add_argument("--latency", type=float, default=20.0, help="ms that a call takes (default: %(default)s)")
    parser.add_argument("--orders", type=int, default=20_000, help="orders that wait (default: %(default)s)")
    parser.add_argument("--idle-skus", type=int, default=10_000, help="SKUs of the idle shops (default: %(default)s)")
    parser.add_argument("--idle-seconds", type=float, default=120.0, help="seconds of idling (default: %(default)s)")


if __name__ == "__main__":
    sys.exit(command(measure, doc=__doc__, options=options))
