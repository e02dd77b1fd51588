"""Account: who we are there, and what we may not do, found out without writing."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from bridge.contract.errors import NeedsPerson
from bridge.sandbox.kit.loop import START
from tests.contract.bench import Bench, good, moved

pytestmark = pytest.mark.anyio


async def test_it_names_the_shop_and_its_currency(bench: Bench) -> None:
    identity = await bench.connector.account.check()
    assert identity.name
    assert identity.currency == "USD"
    assert identity.version
    assert identity.missing == ()


async def test_it_reads_another_currency(new_bench: Callable[..., Bench]) -> None:
    assert (await new_bench(currency="JPY").connector.account.check()).currency == "JPY"


async def test_the_places_are_those_where_numbers_live(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=4))
    identity = await bench.connector.account.check()
    places = {place.id for place in identity.locations if place.active}
    seen = {level.key.location async for page in bench.connector.stock.scan() for level in page.items}
    seen |= {level.key.location async for page in bench.connector.catalog.all() for level in page.levels}
    assert seen <= (places or {""})
    assert all(place.name for place in identity.locations)


async def test_now_is_the_platforms_clock_and_not_ours(bench: Bench) -> None:
    ours = bench.loop.now
    ahead = bench.loop.now().replace(year=2031)
    connector = bench.connect()
    around = replace(bench.around, now=lambda: ahead)
    bench.around = around
    skewed = bench.connect()
    assert (await connector.account.check()).now == (await skewed.account.check()).now
    assert abs(moved(ours(), (await skewed.account.check()).now)) < 2


async def test_the_platforms_clock_moves_on(bench: Bench) -> None:
    first = await bench.connector.account.check()
    await bench.wait(90)
    second = await bench.connector.account.check()
    assert moved(first.now, second.now) == 90
    assert moved(START, first.now) == 0


async def test_credentials_the_platform_does_not_know_need_a_person(bench: Bench) -> None:
    connector = bench.connect(**bench.facts.wrong)
    nobody = bench.facts.nobody
    calls: list[Callable[[], Awaitable[object]]] = [connector.account.check, lambda: connector.catalog.get([nobody])]
    if connector.orders is not None:
        calls.append(lambda: connector.sales.get(nobody))
    for call in calls:
        with pytest.raises(NeedsPerson) as caught:
            await call()
        assert caught.value.next_step
        assert caught.value.where == "the-channel"


async def test_wrong_credentials_are_tried_once(bench: Bench) -> None:
    connector = bench.connect(**bench.facts.wrong)
    with pytest.raises(NeedsPerson):
        await connector.catalog.get([bench.facts.nobody])
    assert len(bench.wire.all) == 1


async def test_a_missing_permission_is_named(new_bench: Callable[..., Bench]) -> None:
    bench, word = _lacking(new_bench)
    identity = await bench.opened[-1].account.check()
    assert word in identity.missing


async def test_what_the_permission_forbids_needs_a_person(new_bench: Callable[..., Bench]) -> None:
    bench, _ = _lacking(new_bench)
    connector = bench.connector
    await bench.seed(good("TEE", stock=5))
    key = await bench.key("TEE")
    restricted = bench.opened[1] if len(bench.opened) > 1 else connector
    prepared = connector.stock.prepare([_one_less(key)], "key-1")
    with pytest.raises(NeedsPerson) as caught:
        await restricted.stock.send(prepared)
    assert caught.value.next_step
    assert bench.number("TEE") == 5


async def test_the_check_writes_nothing(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=5))
    before = (bench.shop.stock(), bench.shop.orders(), await bench.catalogue())
    mark = len(bench.wire.calls)
    await bench.wait(5)
    await bench.connector.account.check()
    calls = bench.wire.calls[mark:]
    assert [call for call in calls if bench.facts.writes(call.method, call.path, call.body)] == []
    assert (bench.shop.stock(), bench.shop.orders(), await bench.catalogue()) == before


async def test_the_check_takes_few_calls(bench: Bench) -> None:
    await bench.connector.account.check()
    assert len(bench.wire.calls) <= 5


async def test_check_may_be_repeated(bench: Bench) -> None:
    first, second = await bench.connector.account.check(), await bench.connector.account.check()
    assert first == second


async def test_a_shop_that_is_not_there_is_not_ours_to_mend(bench: Bench) -> None:
    connector = bench.connect(url="https://nobody.example")
    with pytest.raises(Exception, match=r"nobody\.example") as caught:
        await connector.account.check()
    assert getattr(caught.value, "next_step", "")


def _lacking(new_bench: Callable[..., Bench]) -> tuple[Bench, str]:
    """Build a shop whose token may not write; its connector is the last opened."""
    probe = new_bench()
    options, settings, word = probe.facts.lacking
    bench = new_bench(**options)
    given = {name: bench.platform.credentials[source] for name, source in settings.items()}
    if given:
        bench.connect(**given)
    return bench, word


def _one_less(key: Any) -> Any:
    from bridge.contract.stock import StockChange

    return StockChange(key=key, delta=-1, shown=5)
