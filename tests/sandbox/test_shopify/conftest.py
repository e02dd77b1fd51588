"""Every test gets a shop in this process; `options` says how it is set up."""

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.sandbox.shopify import build
from tests.sandbox.test_shopify.kit import HOST, Caller, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def options() -> dict[str, Any]:
    """Options of the shop; a test class or parametrisation overrides this fixture."""
    return {}


@pytest.fixture
async def caller(clock: Clock, options: dict[str, Any]) -> AsyncIterator[Caller]:
    settings = {"locations": ("Shop location", "My Custom Location"), **options}
    platform = build(now=clock, sleep=clock.sleep, rng=random.Random(7), host=HOST, **settings)
    made = Caller(platform, clock)
    async with made.http:
        yield made
