"""Torture: the whole system in one process under a simulated clock, and everything that can go wrong goes wrong, by a seed.

Who buys what where; webhooks lost, doubled, late by minutes or by a day; answers lost before or after the write took effect;
tokens refused, a platform down for an hour, a full disk; the daemon dying at any await or commit. Then the dust settles.
"""

import asyncio
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from multiprocessing import get_context
from typing import Any
from urllib.parse import urlsplit

from bridge.contract.webhooks import Delivery
from bridge.domain.guard import GuardRule
from bridge.engine.collect import audit_customers
from bridge.engine.context import Loyalty, Rules
from bridge.engine.lane import Pace
from bridge.rehearsal.fuse import CrashError, FusedDatabase
from bridge.rehearsal.invariants import broken, undecided
from bridge.rehearsal.lapses import lapses, traced
from bridge.rehearsal.loyal_invariants import disloyal, gains, restless
from bridge.rehearsal.scoring import Score
from bridge.rehearsal.shoppers import Shoppers
from bridge.rehearsal.shoppers import loyalty as loyal_rules
from bridge.rehearsal.trade import Habits, Trade, catalogue
from bridge.rehearsal.watch import Watch
from bridge.rehearsal.world import World, build
from bridge.sandbox import FIRST, STAND_INS
from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from bridge.sandbox.kit.platform import Platform
from bridge.store import positions

__all__ = ["torture", "tortured"]

PUBLIC_URL = "https://bridge.example"
LATENCY = 0.05
# What news need at the very least: the delivery, a look at the order, a write.
NETWORK = timedelta(seconds=4 * LATENCY)
# Seconds between two looks at whether everything agrees.
LOOK = 5
NO_GUARD = GuardRule(zero=10_000, percent=1e9, free=10**9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What a seed has in store."""

    stock: int
    minutes: float
    pause: float
    lost: float
    doubled: float
    late: float
    late_by: float
    outage: float
    refused: float
    disk_full: float
    deaths: float
    races: float
    poll: float

    @classmethod
    def of(cls, rng: random.Random) -> "Fate":
        """Draw it: most stories are short and busy, one in twelve is long and slow, with webhooks a day late."""
        long = rng.random() < 1 / 12
        return cls(
            stock=rng.choice([3, 8, 40]),
            minutes=90 if long else rng.uniform(2, 5),
            pause=60 if long else rng.choice([1.0, 2.0, 4.0]),
            lost=rng.choice([0, 0, 0.1, 0.5, 1.0]),
            doubled=rng.choice([0, 0.2]),
            late=rng.choice([0, 0.3]),
            late_by=86_400 if long else rng.choice([5, 60, 300]),
            outage=3_600 if long else rng.choice([0, 0, 20, 90]),
            refused=rng.choice([0, 0, 30]),
            disk_full=rng.choice([0, 0, 0, 20]),
            deaths=1_200 if long else rng.choice([0, 15, 45, 120]),
            races=rng.choice([0, 0.06]),
            poll=120 if long else rng.choice([10, 30]),
        )


@dataclass(slots=True)
class _Stage:
    """One run: the world, who trades in it, the daemon, and what is in store for them."""

    loop: SimulatedLoop
    seed: int
    fate: Fate
    world: World
    database: FusedDatabase
    trade: Trade
    watch: Watch
    rng: random.Random
    shoppers: Shoppers | None = None
    deaths: int = 0
    granted: int = 0
    nuisances: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def platforms(self) -> Sequence[Platform]:
        """The stand-ins."""
        return list(self.world.platforms.values())


def torture(seed: int, platforms: Sequence[str] = FIRST, *, loyalty: bool = False) -> Score:
    """Play one seed on a loop of its own and return its score; an unforeseen error is one of its problems.

    `loyalty`: some shoppers are customers, earn points, turn them into codes and use codes; else the seed tells another story.
    """
    loop = SimulatedLoop()
    asyncio.set_event_loop(loop)
    try:
        return run_simulated(_play(loop, seed, platforms, loyalty), loop)
    finally:
        asyncio.set_event_loop(None)


async def _play(loop: SimulatedLoop, seed: int, platforms: Sequence[str], loyalty: bool) -> Score:
    stage = await _staged(loop, seed, platforms, loyalty)
    start = dict(stage.trade.truth)
    stage.nuisances = [asyncio.ensure_future(work) for work in _nuisances(stage)]
    stage.watch.start()
    await stage.trade.run(loop.now() + timedelta(minutes=stage.fate.minutes))
    ended = loop.now()
    await _calm(stage)
    agreement = await _agreement(stage)
    # Judged before the daemon stops: what falls due in its last moment (points that can be spent from now on), or comes in then, is for
    # its next start.
    settled = None if agreement is None else (agreement - ended).total_seconds()
    score = _score(stage, start, _wrong(stage), settled)
    await stage.watch.stop()
    score = replace(score, problems=(*score.problems, *map(repr, stage.watch.bugs)))
    for platform in stage.platforms:
        await platform.courier.stop()
    await stage.world.close()
    return score


async def _staged(loop: SimulatedLoop, seed: int, platforms: Sequence[str], loyalty: bool) -> _Stage:
    rng = random.Random(f"torture {seed}")
    fate = Fate.of(rng)
    database = FusedDatabase(":memory:")
    world = build(
        platforms,
        database=database,
        now=loop.now,
        time=loop.time,
        seed=seed,
        rules=Rules(guard=NO_GUARD, loyalty=loyal_rules(_luck(seed, "rules")) if loyalty else Loyalty()),
        options=_options(fate, platforms),
        overrides={name: {"restock": "never"} for name in platforms},
    )
    goods = catalogue(8, stock=fate.stock, rng=rng)
    for platform in world.platforms.values():
        platform.shop.seed(goods)
        platform.faults.add(kind="latency", seconds=LATENCY, times=None)
    watch = Watch(world, Pace(poll=timedelta(seconds=fate.poll)), PUBLIC_URL)
    trade = Trade(list(world.platforms.values()), random.Random(rng.random()), loop.now, _habits(world, fate))
    shoppers = Shoppers(world, trade, _luck(seed, "shoppers"), watch.poke) if loyalty else None
    if shoppers is not None:
        shoppers.prepare(goods)
    await world.adopt(platforms[0])
    if shoppers is not None:
        await _acquaint(world)
        shoppers.issue()
    trade = shoppers or trade
    trade.believes = lambda platform: world.channels[platform.name].believed
    trade.counting = partial(_can_be_counted, world)
    trade.open(world.platforms[platforms[0]])
    stage = _Stage(loop, seed, fate, world, database, trade, watch, rng, shoppers)
    database.died = watch.fell
    loop.set_exception_handler(_unless_it_died)
    for platform in stage.platforms:
        _listen(stage, platform)
    await asyncio.sleep(3)
    return stage


def _can_be_counted(world: World, platform: Platform, sku: str) -> bool:
    """Where a platform has just lost an update by itself, nobody adds to its number until the bridge has read it again: by how much it
    was wrong, the new number cannot say. Nor does anybody count within the milliseconds in which it would lose the count itself: nothing
    ever tells of that one."""
    if sku in platform.writing:
        return False
    at = platform.lapses.get(sku)
    if at is None:
        return True
    # The answer of the very write that wiped another verifies nothing.
    sure = at + timedelta(seconds=1)
    rows = world.database.read(lambda connection: list(positions.every(connection, platform.name)))
    return all(row.verified_at and row.verified_at > sure for row in rows if row.sku == sku)


def _luck(seed: int, of: str) -> random.Random:
    """What points and codes bring is drawn apart, so that a seed without them tells the story that it always told."""
    return random.Random(f"torture {seed} {of}")


async def _acquaint(world: World) -> None:
    """Whoever has an account already is read once, as an audit does."""
    for channel in world.channels.values():
        await audit_customers(world.context, channel)


def _habits(world: World, fate: Fate) -> Habits:
    """Tills sell offline too; where people's numbers are not believed, somebody changes one all the same."""
    till = any(STAND_INS[name].till for name in world.platforms)
    meddled = any(not channel.believed for channel in world.channels.values())
    return Habits(offline=0.5 if till else 0, meddle=0.3 if meddled else 0, pause=fate.pause)


def _unless_it_died(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A process that is dead reports nothing."""
    if not isinstance(context.get("exception"), CrashError):
        loop.default_exception_handler(context)


def _options(fate: Fate, platforms: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    return {"woocommerce": {"race_window": fate.races, "order_race": 0.0}} if "woocommerce" in platforms else {}


def _listen(stage: _Stage, platform: Platform) -> None:
    """Bring a platform's webhooks to the daemon that runs just then, and have misfortune befall them."""

    async def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
        await stage.world.around.sleep(LATENCY / 2)
        inbox = stage.watch.inbox
        if inbox is None:
            return 0
        lower = {name.lower(): value for name, value in headers.items()}
        channel = urlsplit(url).path.rpartition("/")[2]
        taken = asyncio.ensure_future(inbox.receive(channel, Delivery(body=body, headers=lower, url=url)))
        died = asyncio.ensure_future(stage.watch.died.wait())
        await asyncio.wait([taken, died], return_when=asyncio.FIRST_COMPLETED)
        died.cancel()
        if taken.done() and taken.exception() is None:
            return taken.result()
        taken.cancel()
        return 0

    fate, mischief = stage.fate, platform.courier.mischief
    mischief.lost, mischief.doubled, mischief.late, mischief.late_by = fate.lost, fate.doubled, fate.late, fate.late_by
    platform.courier.post = post


def _nuisances(stage: _Stage) -> list[Any]:
    works = [_spoil(stage)]
    if stage.fate.outage:
        works.append(_outage(stage))
    if stage.fate.refused:
        works.append(_refuse(stage))
    if stage.fate.disk_full:
        works.append(_fill_disk(stage))
    works.append(_mortality(stage))
    return works


async def _spoil(stage: _Stage) -> None:
    """Answers that never come, errors, throttling, maintenance pages."""
    for platform in stage.platforms:
        for kind in ("cut_before", "cut_after", "status", "throttle", "html"):
            if stage.rng.random() < 0.4:
                chance, status = stage.rng.choice([0.02, 0.05, 0.15]), stage.rng.choice([500, 502, 503])
                platform.faults.add(kind=kind, chance=chance, times=None, status=status, seconds=2.0)


async def _outage(stage: _Stage) -> None:
    await asyncio.sleep(stage.rng.uniform(0, 60))
    platform = stage.rng.choice(stage.platforms)
    kind = stage.rng.choice(["html", "status", "cut_before"])
    down = platform.faults.add(kind=kind, status=503, times=None)
    await asyncio.sleep(stage.fate.outage)
    down.times = 0


async def _refuse(stage: _Stage) -> None:
    """A token is revoked, and given back."""
    await asyncio.sleep(stage.rng.uniform(10, 90))
    refusal = stage.rng.choice(stage.platforms).faults.add(kind="status", status=401, times=None)
    await asyncio.sleep(stage.fate.refused)
    refusal.times = 0


async def _fill_disk(stage: _Stage) -> None:
    await asyncio.sleep(stage.rng.uniform(10, 90))
    stage.database.fill_disk()
    await asyncio.sleep(stage.fate.disk_full)
    stage.database.make_room()


async def _mortality(stage: _Stage) -> None:
    """Kill the daemon at some await, or burn a fuse that ends it at some commit; then somebody starts it again."""
    while True:
        if not stage.fate.deaths:
            await stage.watch.died.wait()
        elif stage.rng.random() < 0.5:
            stage.database.light(stage.rng.randrange(1, 60), before=stage.rng.random() < 0.5)
            await stage.watch.died.wait()
        else:
            await asyncio.sleep(stage.rng.expovariate(1 / stage.fate.deaths))
        stage.deaths += 1
        await stage.watch.kill()
        await asyncio.sleep(stage.rng.uniform(0, 20))
        stage.watch.start()
        if stage.fate.deaths:
            await asyncio.sleep(stage.rng.expovariate(1 / stage.fate.deaths))


async def _calm(stage: _Stage) -> None:
    """The platforms are well again, there is room on the disk, and the daemon runs; what was lost stays lost."""
    for task in stage.nuisances:
        task.cancel()
    await asyncio.gather(*stage.nuisances, return_exceptions=True)
    for platform in stage.platforms:
        platform.faults.clear()
        platform.faults.add(kind="latency", seconds=LATENCY, times=None)
    stage.database.make_room()
    stage.database.light(0)
    if stage.watch.died.is_set() or stage.watch.inbox is None:
        await stage.watch.kill()
        stage.watch.start()


async def _agreement(stage: _Stage) -> datetime | None:
    """Wait until nothing is wrong any more, see that it stays so, and return since when; webhooks a day late may come long after.

    A good look alone proves little: of the last act nothing may have been heard yet. So it has to stay good for as long as the slowest
    channel takes to read its news once more.
    """
    since: datetime | None = None
    for _ in range(0, _longest(stage), LOOK):
        await _give_access(stage)
        now = stage.loop.now()
        since = (since or now) if _good(stage) else None
        if since and (now - since).total_seconds() > _slowest_poll(stage):
            return since
        await asyncio.sleep(LOOK)
    return None


async def _give_access(stage: _Stage) -> None:
    """Do what the daemon asks of a person where the answer to a token's renewal was lost, and the platform had ended the old one with
    it: give the app access again, enter the new token, and start the daemon anew."""
    lanes = stage.watch.live.lanes if stage.watch.live is not None else {}
    locked_out = [one for one in stage.platforms if one.name in lanes and "[invalid_grant]" in lanes[one.name].error]
    granting = [one.grant for one in locked_out if one.grant is not None]
    for grant in granting:
        grant()
        stage.granted += 1
    if granting:
        await stage.watch.kill()
        stage.watch.start()


def _longest(stage: _Stage) -> int:
    late = max(one.connector.limits.visible_after for one in stage.world.channels.values())
    return int(1_800 + 4 * _slowest_poll(stage) + 4 * late)


def _good(stage: _Stage) -> bool:
    settled = stage.shoppers is None or stage.shoppers.settle()
    return settled and not _restless(stage) and not _wrong(stage)


def _slowest_poll(stage: _Stage) -> float:
    lanes = stage.watch.live.lanes.values() if stage.watch.live is not None else ()
    return max((lane.pace.poll.total_seconds() for lane in lanes), default=stage.fate.poll)


def _wrong(stage: _Stage) -> list[str]:
    found = broken(stage.world, stage.trade.truth)
    return found if stage.shoppers is None else found + disloyal(stage.world, stage.shoppers)


def _restless(stage: _Stage) -> bool:
    return stage.shoppers is not None and restless(stage.world)


def _score(stage: _Stage, start: Mapping[str, int], problems: Sequence[str], agreement: float | None) -> Score:
    found = lapses(stage.trade.log, start, NETWORK)
    gaps = _gaps(stage)
    unsure = _undecided(stage, gaps)
    return Score(
        seed=stage.seed,
        acts=len(stage.trade.acts),
        sold=stage.trade.sold,
        lapses=tuple(stage.database.read(lambda connection: [traced(connection, one) for one in found])),
        lost=sum(gap for gap in gaps.values() if gap > 0),
        invented=-sum(gap for gap in gaps.values() if gap < 0) - unsure,
        undecided=unsure,
        deliveries=sum(platform.courier.brought for platform in stage.platforms),
        lost_deliveries=sum(platform.courier.lost for platform in stage.platforms),
        deaths=stage.deaths,
        granted=stage.granted,
        faults=sum(platform.faults.struck for platform in stage.platforms),
        agreement=agreement,
        problems=tuple(problems),
        acted=tuple(stage.trade.acts),
        gains=None if stage.shoppers is None else gains(stage.world, stage.shoppers),
    )


def _gaps(stage: _Stage) -> dict[str, int]:
    """By how much the ledger's account of each SKU is off."""
    balances = stage.world.balances()
    return {sku: balances.get(sku, 0) - units for sku, units in stage.trade.truth.items()}


def _undecided(stage: _Stage, gaps: Mapping[str, int]) -> int:
    """Units that the ledger says itself it could not decide, and took as gone to be safe."""
    low = {sku: -gap for sku, gap in gaps.items() if gap < 0}
    slack = stage.database.read(lambda connection: {sku: undecided(connection, sku) for sku in low})
    return sum(min(units, slack[sku]) for sku, units in low.items())


def tortured(
    seeds: Sequence[int], platforms: Sequence[str], processes: int, *, loyalty: bool = False
) -> Iterator[Score]:
    """Play many seeds, several at once, and yield the scores as they come in."""
    if processes <= 1 or len(seeds) <= 1:
        yield from (torture(seed, platforms, loyalty=loyalty) for seed in seeds)
        return
    # Spawned, not forked: a child must not inherit locks that some thread of ours holds just then.
    with get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(partial(torture, platforms=platforms, loyalty=loyalty), seeds)
