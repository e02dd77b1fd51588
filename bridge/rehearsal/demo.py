"""The demo: stand-ins on loopback, the real program between them, and a few minutes of faulty trading, fast-forwarded."""

import asyncio
import random
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bridge.app import App
from bridge.app.results import Adoption, FindingLine, SyncRun
from bridge.app.standins import StandIn, config_for, serving
from bridge.app.wiring import channel_of
from bridge.config import load
from bridge.domain.ledger import stock
from bridge.rehearsal.goods import stock_shop
from bridge.rehearsal.trade import Habits, Trade
from bridge.sandbox import FIRST, STAND_INS
from bridge.sandbox.kit.platform import Platform
from bridge.store import ledger, positions
from bridge.store.errors import StoreError
from bridge.wire.http import Surroundings

__all__ = ["Agreement", "DemoError", "Moment", "Summary", "run"]

MARK = ".bridge-demo"
# How many more syncs the numbers have to come together, some seconds of shop time apart.
_LOOKS = 20


class DemoError(Exception):
    """The demo cannot run: what, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """How things stand while the demo runs. `numbers`: SKU -> (ledger, {channel: own number})."""

    stage: str
    shop_time: float
    sold: int
    acts: int
    calls: dict[str, int]
    differing: dict[str, int]
    numbers: dict[str, tuple[int, dict[str, int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One channel at the end: how many of its numbers equal the ledger's."""

    channel: str
    platform: str
    numbers: int
    agree: int
    units: int
    calls: int
    written: int
    drifts: int
    edits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What came out. `wrong`: SKUs whose ledger is not what the shoppers and clerks left behind (the goal is none).

    Seconds are of shop time, which runs `speed` times as fast as the clock on the wall.
    """

    seed: int
    folder: str
    config: str
    skus: int
    findings: list[FindingLine]
    differences: int
    sold: int
    refused: int
    acts: int
    oversold: int
    orders: int
    faults: int
    syncs: int
    channels: list[Agreement]
    wrong: list[str]
    seconds_traded: float
    seconds_to_agreement: float | None
    wall_seconds: float
    speed: float
    next_commands: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Every number agrees and nothing is missing."""
        return not self.wrong and self.seconds_to_agreement is not None


@dataclass(slots=True)
class _FastClock:
    """Shop time: so many times as fast as the wall's."""

    speed: float
    start: datetime = field(default_factory=lambda: datetime.now(UTC))
    began: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.time())

    def time(self) -> float:
        return (time.monotonic() - self.began) * self.speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)


async def run(
    *,
    seed: int,
    folder: Path,
    minutes: float,
    speed: float,
    show: Callable[[Moment], None],
    ask: Callable[[str], None],
    platforms: Sequence[str] = FIRST,
) -> Summary:
    """Run the whole demo in `folder`; `show` is told how things stand, `ask` what is being done. The first platform that sells
    opens the ledger."""
    _clear(folder)
    clock = _FastClock(speed)
    async with serving(platforms, rng=random.Random(seed), now=clock.now, sleep=clock.sleep) as running:
        for _, platform in running:
            stock_shop(platform, seed=seed)
        config = folder / "config.toml"
        text = config_for([stand_in for stand_in, _ in running]) + '\n[stock]\ngrace = "2s"\n'
        config.write_text(text, encoding="utf-8")
        config.chmod(0o600)
        around = Surroundings(now=clock.now, time=clock.time, sleep=clock.sleep, rng=random.Random(seed + 1))
        with App.open(load(config), surroundings=around) as app:
            return await _Demo(seed, folder, config, clock, running, app, show, ask).play(minutes)


def _clear(folder: Path) -> None:
    """Start afresh in a folder that an earlier demo made; leave anything else alone."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise DemoError(f"{folder} is not empty and no demo made it: name another folder with --keep")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("made by `bridge demo`; may be deleted\n", encoding="utf-8")


class _Demo:
    def __init__(
        self,
        seed: int,
        folder: Path,
        config: Path,
        clock: _FastClock,
        running: Sequence[tuple[StandIn, Platform]],
        app: App,
        show: Callable[[Moment], None],
        ask: Callable[[str], None],
    ) -> None:
        self.seed, self.folder, self.config, self.clock = seed, folder, config, clock
        self.app, self.show, self.ask = app, show, ask
        self.platforms = {stand_in.channel: platform for stand_in, platform in running}
        habits = Habits(pause=0.8, offline=0.3, count=0.05)
        self.opens = next(name for name, one in self.platforms.items() if STAND_INS[one.name].sells)
        self.believed: set[str] = set()
        self.trade = Trade(list(self.platforms.values()), random.Random(seed + 2), clock.now, habits)
        self.trade.believes = lambda platform: platform.name in self.believed
        self.stage = "starting"
        self.runs: list[SyncRun] = []

    async def play(self, minutes: float) -> Summary:
        began = time.monotonic()
        self.say(f"reading {len(self.platforms)} channels for the first time; nothing is written yet")
        await self._ask_whom_to_believe()
        adoption = await self.app.adopt()
        self.say(f"{len(adoption.differences)} SKUs differ; the numbers of {self.opens} open the ledger")
        await self.app.open_ledger(adoption, self.opens)
        self._open_account()
        await self._sync()
        watching = asyncio.ensure_future(self._watch())
        try:
            traded = await self._trade(minutes)
            agreed = await self._agree()
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
        return self._summary(adoption, traded, agreed, time.monotonic() - began)

    def say(self, stage: str) -> None:
        self.stage = stage
        self.ask(stage)

    async def _ask_whom_to_believe(self) -> None:
        """Find out on which platforms people's numbers count; nobody counts on the others."""
        assert self.app.surroundings is not None
        for name, platform in self.platforms.items():
            channel, _ = channel_of(self.app.loaded, name, self.app.surroundings)
            if channel.believed:
                self.believed.add(platform.name)
            if channel.connector.close is not None:
                await channel.connector.close()

    def _open_account(self) -> None:
        """Shoppers and clerks keep their own account, from what the channel showed that opens the ledger."""
        linked = self.app.database.read(lambda connection: {row.sku for row in positions.every(connection)})
        self.trade.open(self.platforms[self.opens])
        self.trade.truth = {sku: units for sku, units in self.trade.truth.items() if sku in linked}

    async def _trade(self, minutes: float) -> float:
        self.say("selling, refunding, cancelling and counting everywhere, with lost answers and throttling")
        start = self.clock.now()
        for platform in self.platforms.values():
            for kind, chance in (("cut_after", 0.03), ("cut_before", 0.02), ("throttle", 0.02), ("status", 0.01)):
                platform.faults.add(kind=kind, chance=chance, times=None, status=502, seconds=1.0)
            platform.faults.add(kind="latency", seconds=0.05, times=None)
        syncing = asyncio.ensure_future(self._sync_for_ever())
        try:
            await self.trade.run(start + timedelta(minutes=minutes), self.clock.sleep)
        finally:
            syncing.cancel()
            with suppress(asyncio.CancelledError):
                await syncing
        return (self.clock.now() - start).total_seconds()

    async def _sync_for_ever(self) -> None:
        while True:
            with suppress(StoreError):
                await self._sync()
            await self.clock.sleep(3)

    async def _sync(self) -> SyncRun:
        result = await self.app.sync("stock")
        self.runs.append(result)
        return result

    async def _agree(self) -> float | None:
        """The shops close, the network is well again: how long until every number agrees?"""
        self.say("the shops are closed; the numbers come together")
        for platform in self.platforms.values():
            platform.faults.clear()
        start = self.clock.now()
        for _ in range(_LOOKS):
            result = await self._sync()
            # Numbers that wait for another look only (a surface shows late what it took in) are right at the platform already.
            if not result.open and not self._wrong() and not any(self._differing().values()):
                return (self.clock.now() - start).total_seconds()
            await self.clock.sleep(3)
        return None

    async def _watch(self) -> None:
        while True:
            self.show(self._moment())
            await asyncio.sleep(0.25)

    def _moment(self) -> Moment:
        sample = sorted(self.trade.truth)[:: max(1, len(self.trade.truth) // 10)][:10]
        own = {name: platform.shop.stock() for name, platform in self.platforms.items()}
        numbers = {
            sku: (self._balance(sku), {name: sum(row.get(sku, {}).values()) for name, row in own.items()})
            for sku in sample
        }
        return Moment(
            stage=self.stage,
            shop_time=self.clock.time(),
            sold=self.trade.sold,
            acts=len(self.trade.acts),
            calls={name: sum(platform.faults.calls.values()) for name, platform in self.platforms.items()},
            differing=self._differing(),
            numbers=numbers,
        )

    def _balance(self, sku: str) -> int:
        counter = stock(sku, "main")
        return self.app.database.read(lambda connection: ledger.balances(connection, [counter])).get(counter, 0)

    def _differing(self) -> dict[str, int]:
        """Per channel: how many of its own numbers are not what they should be."""
        found = {}
        for name, platform in self.platforms.items():
            own = platform.shop.stock()
            rows = self.app.database.read(lambda connection, name=name: list(positions.every(connection, name)))  # type: ignore[misc]
            found[name] = sum(1 for row in rows if not row.gone and sum(own.get(row.sku, {}).values()) != row.target)
        return found

    def _wrong(self) -> list[str]:
        return [
            f"{sku}: the ledger has {self._balance(sku)}, shoppers and clerks left {units}"
            for sku, units in self.trade.truth.items()
            if self._balance(sku) != units
        ]

    def _summary(self, adoption: Adoption, traded: float, agreed: float | None, wall: float) -> Summary:
        place = f" --config {self.config}"
        busiest = max(self.trade.truth, key=lambda sku: sum(sku in act for act in self.trade.acts))
        return Summary(
            seed=self.seed, folder=str(self.folder), config=str(self.config), skus=len(self.trade.truth),
            findings=list(self.app.links().findings), differences=len(adoption.differences), sold=self.trade.sold,
            refused=self.trade.refused, acts=len(self.trade.acts), oversold=-sum(self.trade.worst.values()),
            orders=sum(part.orders for run in self.runs for part in run.channels),
            faults=sum(platform.faults.struck for platform in self.platforms.values()), syncs=len(self.runs),
            channels=[self._agreement(name) for name in self.platforms], wrong=self._wrong(), seconds_traded=round(traded, 1),
            seconds_to_agreement=None if agreed is None else round(agreed, 1), wall_seconds=round(wall, 1), speed=self.clock.speed,
            next_commands=[f"bridge why {busiest}{place}", f"bridge link{place}", f"bridge history --limit 20{place}"],
        )  # fmt: skip

    def _agreement(self, name: str) -> Agreement:
        rows = [
            row
            for row in self.app.database.read(lambda connection: list(positions.every(connection, name)))
            if not row.gone
        ]
        own = self.platforms[name].shop.stock()
        mine = [part for run in self.runs for part in run.channels if part.channel == name]
        return Agreement(
            channel=name, platform=self.platforms[name].name, numbers=len(rows),
            agree=sum(1 for row in rows if sum(own.get(row.sku, {}).values()) == row.target == row.shown),
            units=sum(max(0, row.shown or 0) for row in rows), calls=sum(self.platforms[name].faults.calls.values()),
            written=sum(part.written for part in mine), drifts=sum(part.drifts for part in mine), edits=sum(part.edits for part in mine),
        )  # fmt: skip
