"""What `check` says of a channel: how often it is polled (the merchant's word, else what suits it), and whether it earns points."""

import asyncio
import importlib
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.app import App
from bridge.app.configfile import config_text
from bridge.config import ConfigError, parse
from bridge.contract.limits import Limits
from bridge.engine.polling import POLL_SHARE, polling, possible_poll
from bridge.sandbox import STAND_INS, hosts
from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.sandbox.kit.transport import InProcess
from bridge.wire.http import Surroundings
from connectors import PLATFORMS, amazon, ebay, etsy, pinterest
from connectors.pinterest.limits import limits_of

DAY = 86_400
HALF_A_MINUTE = timedelta(seconds=30)
FREE = Limits(stock_write="delta")
TIGHT = Limits(stock_write="absolute", poll_every=60, calls_per_day=10_000, poll_calls=2, poll_products=100)


def every(limits: Limits, wished: timedelta | None = None, products: int = 10) -> timedelta:
    return polling(limits, usual=HALF_A_MINUTE, wished=wished, products=products).every


def test_a_platform_without_limits_is_polled_as_all_are_or_as_the_merchant_says() -> None:
    assert every(FREE) == HALF_A_MINUTE
    assert every(FREE, timedelta(seconds=5)) == timedelta(seconds=5)
    assert possible_poll(FREE, 1_000_000) == timedelta(0)


def test_a_platform_has_a_pause_of_its_own_unless_all_are_polled_more_seldom() -> None:
    assert every(TIGHT) == timedelta(minutes=1)
    assert polling(TIGHT, usual=timedelta(hours=1), wished=None, products=10).every == timedelta(hours=1)


def test_the_merchant_may_ask_for_less_and_for_no_more_than_is_possible() -> None:
    assert every(TIGHT, timedelta(minutes=10)) == timedelta(minutes=10)
    assert every(TIGHT, timedelta(seconds=45)) == timedelta(seconds=45)
    assert every(TIGHT, timedelta(seconds=1)) == possible_poll(TIGHT, 10)


@pytest.mark.parametrize("products", [0, 1, 100, 1_000, 50_000])
def test_polls_as_fast_as_possible_keep_to_their_share_of_the_day(products: int) -> None:
    polls = DAY / possible_poll(TIGHT, products).total_seconds()
    assert polls * (2 + products / 100) == pytest.approx(POLL_SHARE * TIGHT.calls_per_day)


def test_orders_are_not_asked_for_more_often_than_the_platform_answers() -> None:
    assert every(amazon.LIMITS, timedelta(seconds=10)) >= timedelta(seconds=1 / 0.0056)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_a_connector_suggests_is_possible_for_a_small_shop(platform: str) -> None:
    limits = importlib.import_module(PLATFORMS[platform]).LIMITS
    found = polling(limits, usual=HALF_A_MINUTE, wished=None, products=50)
    assert found.least <= found.every <= timedelta(minutes=5)


def test_the_suggestions_leave_the_day_to_the_writes() -> None:
    polls = DAY / every(etsy.LIMITS, products=50).total_seconds()
    writes = 2 * etsy.LIMITS.writes_per_day
    assert 2 * polls + 6 * DAY / (15 * 60) + writes <= etsy.LIMITS.calls_per_day
    assert DAY / every(ebay.LIMITS, products=5_000).total_seconds() * (25 + 100) <= ebay.LIMITS.calls_per_day / 2
    assert every(pinterest.LIMITS) < every(limits_of("trial"), products=100) < timedelta(minutes=10)


# The config, and what `bridge check` says of it.


@pytest.fixture
def etsy_shop(tmp_path: Path) -> Iterator[Any]:
    loop = SimulatedLoop()
    package: Any = importlib.import_module("bridge.sandbox.etsy")
    host = STAND_INS["etsy"].host
    platform = package.build(now=loop.now, sleep=asyncio.sleep, rng=random.Random(1), host=f"https://{host}")
    transport = InProcess(dict.fromkeys(hosts("etsy"), platform.app))
    around = Surroundings(
        now=loop.now, time=loop.time, sleep=asyncio.sleep, rng=random.Random(2), transport=transport, attempts=1
    )
    known = importlib.import_module("connectors.etsy").Settings.__dataclass_fields__
    values = {name: value for name, value in platform.credentials.items() if name in known}
    table = {"platform": "etsy", "url": f"https://{host}", **values}

    def notes(poll: str = "", more: str = "", **own: str) -> str:
        rows = {**table, **({"poll": poll} if poll else {}), **own}
        text = config_text({"etsy": rows}, str(tmp_path / "bridge.db")) + more
        with App.open(parse(text, file=tmp_path / "config.toml", environment={}), surroundings=around) as app:
            (checked,) = loop.run_until_complete(app.check()).channels
        assert checked.ok, checked.problem
        return " ".join(checked.notes)

    yield notes
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def test_check_says_what_is_possible_where_the_merchant_asks_for_too_much(etsy_shop: Any) -> None:
    assert "channels.etsy.poll cannot be kept: 0 products can be polled every 35 s" in etsy_shop("10s")


@pytest.mark.parametrize("poll", ["", "40s", "2m"])
def test_check_is_content_with_what_is_possible(etsy_shop: Any, poll: str) -> None:
    assert "poll" not in etsy_shop(poll)


@pytest.mark.parametrize("table", ["channels.shop", "daemon"])
def test_no_pause_at_all_is_no_pause(tmp_path: Path, table: str) -> None:
    shop = '[channels.shop]\nplatform = "woocommerce"\nurl = "https://x.example"\n'
    text = shop + 'poll = "0s"\n' if table == "channels.shop" else f'{shop}[daemon]\npoll = "0s"\n'
    with pytest.raises(ConfigError, match=f'{table}.poll cannot be .*at least "1s"'):
        parse(text, file=tmp_path / "config.toml", environment={})


POINTS = """
[points]
currency = "{}"
earn = 1
value = 0.01
"""


def test_check_says_where_purchases_earn_no_points_for_their_currency(etsy_shop: Any) -> None:
    told = "purchases here earn no points: they are in USD, [points] is in EUR"
    assert told in etsy_shop(more=POINTS.format("EUR"))
    assert "points" not in etsy_shop(more=POINTS.format("EUR"), points="off")
    assert "points" not in etsy_shop(more=POINTS.format("USD"))
    assert "points" not in etsy_shop()
