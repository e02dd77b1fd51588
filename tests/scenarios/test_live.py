"""The live engine without any webhook: polling alone finds everything, whatever is lost, and however often the daemon dies."""

import asyncio
import random
from datetime import timedelta

import pytest
from sqlalchemy.engine import Connection

from bridge.domain.position import Position
from bridge.rehearsal.invariants import broken
from bridge.rehearsal.trade import Habits, Trade
from bridge.rehearsal.watch import Watch
from bridge.rehearsal.world import World
from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from bridge.store import positions
from tests.scenarios.test_trading import make, spoil


async def settled(world: World) -> None:
    """Let the daemon work on until nothing differs and nothing is in doubt."""
    for platform in world.platforms.values():
        platform.faults.clear()
    for _ in range(40):
        await asyncio.sleep(30)
        if not world.database.read(lambda connection: open_rows(connection, world)):
            break
    # Two whole polls more: what nobody has heard of yet comes in.
    await asyncio.sleep(75)


def open_rows(connection: Connection, world: World) -> list[Position]:
    kinds = (positions.work, positions.in_flight, positions.suspects)
    return [row for name in world.channels for rows in kinds for row in rows(connection, name)]


async def killed_now_and_then(watch: Watch, rng: random.Random) -> None:
    while True:
        await asyncio.sleep(rng.uniform(20, 120))
        await watch.kill()
        await asyncio.sleep(rng.uniform(0, 40))
        watch.start()


async def story(loop: SimulatedLoop, seed: int) -> None:
    rng = random.Random(seed)
    world = make(loop, seed)
    await world.adopt("woocommerce")
    trade = Trade(list(world.platforms.values()), random.Random(rng.random()), loop.now, Habits(offline=0.5))
    trade.open(world.platforms["woocommerce"])
    await asyncio.sleep(3)
    spoil(world, rng)
    watch = Watch(world)
    watch.start()
    killing = asyncio.ensure_future(killed_now_and_then(watch, rng))
    await trade.run(loop.now() + timedelta(minutes=4))
    killing.cancel()
    await asyncio.gather(killing, return_exceptions=True)
    await watch.kill()
    watch.start()
    await settled(world)
    await watch.stop()
    problems = broken(world, trade.truth)
    await world.close()
    assert not watch.bugs, watch.bugs
    assert not problems, "\n".join([*problems, *trade.acts])


def seeds(config: pytest.Config) -> list[int]:
    one = config.getoption("--seed")
    return [one] if one is not None else list(range(max(1, config.getoption("--seeds") // 50)))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", seeds(metafunc.config))


def test_a_daemon_that_only_polls(seed: int) -> None:
    loop = SimulatedLoop()
    asyncio.set_event_loop(loop)
    try:
        run_simulated(story(loop, seed), loop)
    except AssertionError as error:
        pytest.fail(f"seed {seed}; replay with: pytest tests/scenarios/test_live.py --seed {seed}\n{error}")
    finally:
        asyncio.set_event_loop(None)
