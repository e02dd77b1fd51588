"""Manners on the wire: waiting as told, repeating what may be repeated, giving up in time, trusting no stranger."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from bridge.contract.errors import BridgeError, NeedsPerson, TryLater
from tests.contract.bench import Bench, good, tail

pytestmark = pytest.mark.anyio

Read = Callable[[], Awaitable[str]]
# What the text of an error may call that which was read.
NAMES = ("order", "receipt", "product", "listing", "item", "catalog")
ATTEMPTS = 5


@pytest.fixture
async def read(bench: Bench) -> Read:
    """A read that takes one call when all is well: of an order, or of a product where nobody can buy. Returns what was asked for."""
    await bench.seed(good("TEE"))
    one = _an_order(bench) if bench.connector.orders is not None else await _a_product(bench)
    mark = len(bench.wire.calls)
    assert await one()
    assert bench.calls_since(mark) == 1
    bench.wire.calls.clear()
    bench.wire.all.clear()
    return one


def _an_order(bench: Bench) -> Read:
    made = tail(bench.shop.sale([{"sku": "TEE", "quantity": 1}]))

    async def read() -> str:
        return (await bench.sales.get(made)).id

    return read


async def _a_product(bench: Bench) -> Read:
    made = (await bench.variant("TEE"))[0].id

    async def read() -> str:
        (found,) = await bench.connector.catalog.get([made])
        return found.id

    return read


def _gap(bench: Bench) -> float:
    first, second = bench.wire.calls
    return second.at - first.at


@pytest.mark.where("names_wait")
async def test_it_waits_as_long_as_it_was_told(bench: Bench, read: Read) -> None:
    bench.fault("throttle", seconds=7)
    assert await read()
    assert 7 <= _gap(bench) <= 7.25


@pytest.mark.where("names_wait")
async def test_all_others_wait_too_once_it_was_told(bench: Bench, read: Read) -> None:
    bench.fault("throttle", seconds=20)
    started = bench.loop.time()
    first = asyncio.ensure_future(read())
    await bench.wait(1)
    await asyncio.gather(first, *(read() for _ in range(3)))
    early = [call.at - started for call in bench.wire.calls[1:] if call.at - started < 20]
    assert early == []


async def test_a_throttle_is_survived_even_without_a_time_named(bench: Bench, read: Read) -> None:
    bench.fault("status", status=429)
    assert await read()
    assert 0 < _gap(bench) <= 1


async def test_the_platforms_own_throttle_is_survived(bench: Bench, read: Read) -> None:
    bench.fault("throttle", times=2)
    assert await read()
    assert len(bench.wire.calls) == 3


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_server_in_trouble_is_asked_again(bench: Bench, read: Read, status: int) -> None:
    bench.fault("status", status=status, times=2)
    assert await read()
    assert len(bench.wire.calls) == 3


async def test_the_waits_grow(bench: Bench, read: Read) -> None:
    bench.fault("status", status=503, times=4)
    await read()
    at = [call.at for call in bench.wire.calls]
    gaps = [later - earlier for earlier, later in pairwise(at)]
    assert len(gaps) == 4
    assert all(gap > 0 for gap in gaps)
    assert gaps[3] > 2 * gaps[0]


@pytest.mark.parametrize("kind", ["status", "cut_before", "throttle"])
async def test_it_gives_up_and_says_try_later(bench: Bench, read: Read, kind: str) -> None:
    bench.fault(kind, times=None)
    with pytest.raises(TryLater) as caught:
        await read()
    assert len(bench.wire.calls) == ATTEMPTS
    assert caught.value.where == "the-channel"
    assert any(name in caught.value.what.lower() for name in NAMES), "the text names the operation"


async def test_it_works_again_once_the_trouble_is_over(bench: Bench, read: Read) -> None:
    bench.fault("status", times=None)
    with pytest.raises(TryLater):
        await read()
    bench.platform.faults.clear()
    assert await read()


async def test_a_call_without_an_answer_is_given_up_and_repeated(bench: Bench, read: Read) -> None:
    bench.fault("latency", seconds=3600)
    assert await read()
    assert 30 <= _gap(bench) <= 31


async def test_a_slow_answer_in_time_is_taken(bench: Bench, read: Read) -> None:
    bench.fault("latency", seconds=25)
    assert await read()
    assert len(bench.wire.calls) == 1


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
async def test_a_cut_connection_is_tried_again(bench: Bench, read: Read, kind: str) -> None:
    bench.fault(kind)
    assert await read()
    assert len(bench.wire.calls) == 2


@pytest.mark.parametrize("kind", ["html", "invalid_json"])
async def test_an_answer_that_is_none_is_reported_as_such(bench: Bench, read: Read, kind: str) -> None:
    bench.fault(kind, times=None)
    with pytest.raises(TryLater) as caught:
        await read()
    assert caught.value.next_step
    assert caught.value.where == "the-channel"
    assert ("Back soon" if kind == "html" else "truncated") in caught.value.what, "the text shows what came instead"


async def test_a_redirect_is_not_followed(bench: Bench, read: Read) -> None:
    bench.wire.redirect = "https://elsewhere.example/login"
    with pytest.raises(NeedsPerson, match=r"elsewhere\.example") as caught:
        await read()
    assert {call.host for call in bench.wire.all} == {bench.facts.host}
    assert len(bench.wire.all) == 1
    assert caught.value.next_step


async def test_only_the_configured_host_is_ever_called(bench: Bench, read: Read) -> None:
    await bench.connector.account.check()
    await bench.catalogue()
    if bench.connector.orders is not None:
        await bench.orders()
    assert {call.host for call in bench.wire.all} <= {bench.facts.host, *bench.facts.hosts}


async def test_every_call_says_who_calls(bench: Bench, read: Read) -> None:
    await bench.connector.account.check()
    await bench.catalogue()
    (agent,) = {call.headers["user-agent"] for call in bench.wire.all}
    assert agent.startswith("commerce-bridge"), (
        "a platform may want more behind the name (Amazon: version and language)"
    )


async def test_a_refusal_is_not_repeated(bench: Bench, read: Read) -> None:
    bench.fault("status", status=400, times=None)
    with pytest.raises(BridgeError) as caught:
        await read()
    assert not isinstance(caught.value, TryLater)
    assert len(bench.wire.calls) == 1


async def test_no_more_calls_are_in_flight_than_its_limits_say(bench: Bench, read: Read) -> None:
    bench.fault("latency", seconds=1, times=None)
    await asyncio.gather(*(read() for _ in range(40)))
    assert min(2, bench.limits.concurrency) <= bench.wire.most_in_flight <= bench.limits.concurrency


async def test_it_keeps_its_rate(bench: Bench, read: Read) -> None:
    limits = bench.limits
    await asyncio.gather(*(read() for _ in range(60)))
    elapsed = bench.wire.calls[-1].at - bench.wire.calls[0].at
    if limits.per_second:
        assert len(bench.wire.calls) <= limits.burst + limits.per_second * elapsed + 1
    assert len(bench.wire.calls) == 60


async def test_a_tight_allowance_of_the_platform_slows_it_and_loses_nothing(new_bench: Callable[..., Bench]) -> None:
    bench = new_bench()
    bench = new_bench(**bench.facts.tight)
    await bench.seed(*(good(f"TEE-{number}") for number in range(12)))
    ids = list(await bench.catalogue())
    found = [await bench.connector.catalog.get([one]) for one in ids]
    assert [one.id for (one,) in found] == ids


async def test_a_read_that_fails_changes_nothing_later(bench: Bench, read: Read) -> None:
    before = (bench.number("TEE"), len(bench.shop.orders()))
    bench.fault("cut_after", times=None)
    with pytest.raises(TryLater):
        await read()
    bench.platform.faults.clear()
    assert (bench.number("TEE"), len(bench.shop.orders())) == before
