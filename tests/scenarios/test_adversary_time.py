"""Clocks that differ, channels that come late, are away for an hour, or are audited in the middle of it all."""

import asyncio
from datetime import datetime, timedelta

from bridge.rehearsal.invariants import broken
from bridge.rehearsal.trade import Habits, Trade
from bridge.sandbox.kit.platform import Platform
from bridge.store import channels
from tests.scenarios.harness_adversary import PLATFORMS, Plot, Stage, audited, perform, seeded

pytest_generate_tests = seeded


def test_clocks_that_differ_by_minutes(seed: int) -> None:
    """Every channel's times are compared with its own times only."""
    minutes = [(3, -4, 0), (-5, 2, 1), (0, 6, -6)][seed % 3]
    clocks = {name: timedelta(minutes=ahead) for name, ahead in zip(PLATFORMS, minutes, strict=True)}
    perform(seed, Plot(clocks=clocks, habits=Habits(offline=0.5)))


def test_audits_in_mid_trade(seed: int) -> None:
    """What another program wrote past everything comes out in an audit, and only once."""

    async def twist(stage: Stage) -> None:
        for _ in range(3):
            await asyncio.sleep(stage.rng.uniform(20, 70))
            async with stage.alone:
                for platform in stage.world.platforms.values():
                    platform.faults.clear()
                await audited(stage.world)

    perform(seed, Plot(habits=Habits(plugin=0.5), audit=True), twist)


def test_a_platform_that_is_down_for_an_hour(seed: int) -> None:
    """The others go on; when it is back, what it sold and what it missed meet."""

    async def twist(stage: Stage) -> None:
        await asyncio.sleep(60)
        name = stage.rng.choice(PLATFORMS)
        stage.world.platforms[name].faults.add(kind="status", status=503, times=None)
        await asyncio.sleep(3600)
        stage.world.platforms[name].faults.clear()

    perform(seed, Plot(habits=Habits(pause=30, offline=0.5), minutes=70, gap=(60, 400)), twist)


class Newcomers(Trade):
    """Trade where what one platform does is only written down: what of it counts is known when its first contact is."""

    stranger: str
    deeds: list[tuple[datetime, str, int]]

    def _book(self, platform: Platform, before: dict[str, int], note: str) -> None:
        if platform.name != self.stranger:
            super()._book(platform, before, note)
            return
        after = {sku: sum(places.values()) for sku, places in platform.shop.stock().items()}
        self.deeds += [(self.now().replace(microsecond=0), sku, units - before[sku]) for sku, units in after.items()]
        self.acts.append(f"{self.now():%H:%M:%S} {platform.name} {note}")


def test_a_channel_adopted_later_than_the_others(seed: int) -> None:
    """What it sold before the bridge knew it moves nothing; from then on everything counts, also while it is adopted."""
    late = PLATFORMS[1:][seed % 2]

    async def twist(stage: Stage) -> None:
        assert isinstance(stage.trade, Newcomers)
        stage.trade.stranger, stage.trade.deeds = late, []
        await asyncio.sleep(stage.rng.uniform(40, 100))
        async with stage.alone:
            await stage.introduce(late)

    def check(stage: Stage) -> list[str]:
        assert isinstance(stage.trade, Newcomers)
        row = stage.world.database.read(lambda connection: channels.get(connection, late))
        truth = dict(stage.trade.truth)
        for at, sku, moved in stage.trade.deeds:
            truth[sku] += moved if row is not None and at > row.since else 0
        return broken(stage.world, truth)

    perform(seed, Plot(later=(late,), people=Newcomers, habits=Habits(pause=2)), twist, check=check)
