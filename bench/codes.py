"""A campaign's codes, made and written to a WooCommerce and a Shopify shop: in how many calls, how soon, and each once.

The stand-ins count the calls. Shopify makes codes after its answer, so each is looked up before (what an earlier run made is not made
again) and after. A second, smaller campaign is cut off in the middle: the answer of a call is lost with the bridge that sent it, and
another one goes on. Simulated time for the platforms, processor time for what the bridge itself takes.
"""

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bench.report import Figure, Result, command
from bench.worlds import calls, goods, simulated, world
from bridge.contract.errors import TryLater
from bridge.domain.coupons import CouponTerms
from bridge.engine import making
from bridge.engine.loyalty import show_loyalty
from bridge.engine.report import ChannelReport
from bridge.rehearsal.world import World
from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.store import code_listings, coupons
from bridge.store.coupons import Campaign

__all__ = ["measure"]

WOO, SHOPIFY = "woocommerce", "shopify"
SHOPS = (WOO, SHOPIFY)
# Codes of a call: WooCommerce's coupons/batch, Shopify's discountRedeemCodeBulkAdd and the look-ups in one document.
_ROWS = {WOO: 100, SHOPIFY: 250}
# For each call that adds codes: where they are before it, and afterwards which discount has each, and its id there; and as many again as
# are told to come again, for the looks spend more points than the shop's bucket gets back meanwhile.
_LOOKS = 4
# The shop's currency, or the discount: its look-up, by its title and by its terms, and its making.
_ONCE = {WOO: 2, SHOPIFY: 4}
_PAUSE, _TURNS = 60, 20
_ADDS = {WOO: {"path": "coupons/batch$"}, SHOPIFY: {"body": "discountRedeemCodeBulkAdd"}}


@dataclass(slots=True)
class _Told:
    """What it took. `sent` and `writes` are all calls, and those that write, by shop; `wrong` codes are missing or there twice."""

    made: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    waited: dict[str, float] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    writes: dict[str, int] = field(default_factory=dict)
    wrong: int = 0
    cut_off: int = 0


def measure(options: argparse.Namespace) -> Result:
    """Measure with `options.codes` codes."""
    count: int = options.codes
    told = simulated(lambda loop: _story(loop, count))
    figures = [Figure(what=f"making {count:,} codes in the database, CPU time", measured=told.made, unit="s")]
    for name in SHOPS:
        floor = -(-count // _ROWS[name])
        most = floor + _ONCE[name] + (_LOOKS * floor if name == SHOPIFY else 0)
        figures += [
            Figure(
                what=f"{name}: calls that write them",
                measured=told.writes[name],
                unit="calls",
                bar=floor,
                side="exactly",
            ),
            Figure(what=f"{name}: calls in all, look-ups too", measured=told.sent[name], unit="calls", bar=most),
            Figure(what=f"{name}: CPU time of the bridge and the stand-in", measured=told.seconds[name], unit="s"),
            Figure(
                what=f"{name}: until all are there, at the platform's pace", measured=told.waited[name] / 60, unit="min"
            ),
        ]
    figures.append(Figure(what="codes missing or twice", measured=told.wrong, unit="codes", bar=0, side="exactly"))
    what = "codes missing or twice where the bridge was killed in the middle"
    figures.append(Figure(what=what, measured=told.cut_off, unit="codes", bar=0, side="exactly"))
    note = "Shopify: the discount's own making carries the first code and is counted among the look-ups."
    return Result(bench="codes", figures=figures, notes=[note])


async def _story(loop: SimulatedLoop, count: int) -> _Told:
    made = world(loop, goods(2), platforms=SHOPS)
    await made.adopt(WOO)
    await made.sync()
    told = _Told()
    start = time.process_time()
    _make(made, "AUTUMN", count)
    told.made = time.process_time() - start
    for name in SHOPS:
        before, start, began = (calls(made)[name], _writes(made, name)), time.process_time(), loop.time()
        await _push(made, name)
        told.seconds[name], told.waited[name] = time.process_time() - start, loop.time() - began
        told.sent[name], told.writes[name] = calls(made)[name] - before[0], _writes(made, name) - before[1]
    told.wrong = _wrong(made)
    _make(made, "WINTER", max(600, count // 20))
    for name in SHOPS:
        await _killed(made, name)
        await _push(made, name)
    told.cut_off = _wrong(made)
    await made.close()
    return told


def _make(made: World, name: str, count: int) -> None:
    campaign = Campaign(
        name=name, terms=CouponTerms(kind="percent", percent=1_500), policy="shared", channels=SHOPS, uses=1, solo=False,
        created_at=made.context.now(),
    )  # fmt: skip
    *_, done = making.add_codes(made.context, campaign, count, name, 14)
    assert done == count


async def _push(made: World, name: str) -> None:
    """Show them until nothing is open; between two turns Shopify has time for its jobs."""
    for _ in range(_TURNS):
        await show_loyalty(made.context, made.channels[name], ChannelReport())
        if not made.database.read(lambda connection: code_listings.work_count(connection, name)):
            return
        await made.around.sleep(_PAUSE)
    raise AssertionError(f"{name}: codes are still open after {_TURNS} turns")


async def _killed(made: World, name: str) -> None:
    """The second call that adds codes is carried out, but the bridge does not live to hear of it."""
    platform = made.platforms[name]
    written: list[bool] = []

    def look(stage: str, channel: str, done: int, total: int | None) -> None:
        del channel, done, total
        if stage == "writing codes" and not written:
            written.append(True)
            platform.faults.add(kind="cut_after", times=1, **_ADDS[name])

    before, made.progress = made.progress, look
    try:
        await show_loyalty(made.context, made.channels[name], ChannelReport())
    except TryLater:
        made.restart()
    else:
        raise AssertionError(f"{name} was not cut off")
    finally:
        made.progress = before


def _shop(made: World, name: str) -> Any:
    """A stand-in with all its records: what is there twice is not told by the shop's own lists."""
    return made.platforms[name].shop


def _writes(made: World, name: str) -> int:
    if name == SHOPIFY:
        return len(_shop(made, name).state.imports)
    return sum(
        count
        for call, count in made.platforms[name].faults.calls.items()
        if call == "POST /wp-json/wc/v3/coupons/batch"
    )


def _wrong(made: World) -> int:
    """Count the codes that a shop lacks, has too many of, or has twice."""
    wanted = {
        coupon.code
        for name in ("AUTUMN", "WINTER")
        for coupon in made.database.read(lambda connection, name=name: list(coupons.codes_of(connection, name)))  # type: ignore[misc]
    }
    return sum(
        sum((Counter(wanted) - there).values()) + sum((there - Counter(wanted)).values()) for there in _there(made)
    )


def _there(made: World) -> list[Counter[str]]:
    woo, shopify = _shop(made, WOO), _shop(made, SHOPIFY)
    shopify.state.settle()
    codes = (code.code for discount in shopify.state.discounts.rows.values() for code in discount.codes.values())
    return [
        Counter(row.code.upper() for row in woo.woo.coupons.rows.values()),
        Counter(code.upper() for code in codes),
    ]


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--codes", type=int, default=100_000, help="how many codes (default: %(default)s)")


if __name__ == "__main__":
    sys.exit(command(measure, doc=__doc__, options=options))
