"""A code with few uses on WooCommerce, Shopify and Square, wanted everywhere at once, over many seeds.

`split` and `claim` never let it be used more often than it may be; with `shared` that happens only before the others can know of a
use, and is always told. All 1,000 seeds: `python -m tests.scenarios.test_code_seeds 1000`.
"""

import asyncio
import sys

import pytest

from bridge.sandbox.kit.loop import SimulatedLoop, run_simulated
from tests.scenarios.harness_codes import Codes


def play(seed: int) -> str:
    """Play one seed; return what was wrong, as text."""
    loop = SimulatedLoop()
    asyncio.set_event_loop(loop)
    story = Codes(loop, seed)

    async def told() -> None:
        try:
            await story.run()
        except AssertionError as error:
            story.wrong.append(str(error))
        finally:
            await story.world.close()

    try:
        run_simulated(told(), loop)
    finally:
        asyncio.set_event_loop(None)
    if not story.wrong:
        return ""
    how = f"{story.policy}, {story.limit} uses, restore {story.restore}, live {story.live}"
    lines = [f"seed {seed} ({how}); replay with: pytest tests/scenarios/test_code_seeds.py --seed {seed}"]
    return "\n".join([*lines, *story.wrong, *story.acts])


def seeds(config: pytest.Config) -> list[int]:
    one = config.getoption("--seed")
    return [one] if one is not None else list(range(max(6, config.getoption("--seeds") // 8)))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", seeds(metafunc.config))


def test_no_use_is_lost_or_given_twice(seed: int) -> None:
    if wrong := play(seed):
        pytest.fail(wrong)


def main(count: int, first: int = 0) -> int:
    """Play many; print what failed, and return how many did."""
    failed = 0
    for seed in range(first, first + count):
        if wrong := play(seed):
            failed += 1
            print(wrong, flush=True)
        if seed % 50 == 49:
            print(f"{seed + 1 - first} played", flush=True)
    print(f"{count} seeds, {failed} failed")
    return failed


if __name__ == "__main__":
    sys.exit(bool(main(*map(int, sys.argv[1:]))))
