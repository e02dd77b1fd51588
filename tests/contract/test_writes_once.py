"""A write whose answer is lost: one effect, and the truth about what is not known."""

import asyncio
from collections.abc import Awaitable

import pytest

from bridge.contract.errors import TryLater
from bridge.contract.stock import Applied, StockChange
from tests.contract.bench import Bench, another, good

pytestmark = pytest.mark.anyio


async def _one_less(bench: Bench) -> StockChange:
    await bench.seed(good("TEE", stock=10))
    return StockChange(key=await bench.key("TEE"), delta=-1, shown=10)


async def _trouble(call: Awaitable[object]) -> TryLater | None:
    try:
        await call
    except TryLater as error:
        return error
    return None


def _sent(bench: Bench) -> int:
    return sum(bench.facts.writes(call.method, call.path, call.body) for call in bench.wire.calls)


@pytest.mark.where("keyed")
@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "status"])
async def test_a_keyed_stock_write_is_repeated_and_takes_effect_once(bench: Bench, kind: str) -> None:
    change = await _one_less(bench)
    bench.fault(kind, "stock", times=2)
    (outcome,) = await bench.write(change)
    assert isinstance(outcome, Applied)
    assert bench.number("TEE") == 9
    assert _sent(bench) == 3


@pytest.mark.where("keyed")
async def test_the_same_prepared_write_may_be_sent_again(bench: Bench) -> None:
    change = await _one_less(bench)
    prepared = bench.connector.stock.prepare([change], "key-1")
    first = await bench.connector.stock.send(prepared)
    await bench.wait(600)
    second = await bench.connector.stock.send(prepared)
    assert bench.number("TEE") == 9
    assert [type(one) for one in (*first, *second)] == [Applied, Applied]


@pytest.mark.where("keyed")
async def test_another_key_is_another_write(bench: Bench) -> None:
    change = await _one_less(bench)
    await bench.write(change, key="key-1")
    await bench.write(StockChange(key=change.key, delta=-1, shown=9), key="key-2")
    assert bench.number("TEE") == 8


@pytest.mark.where("keyed")
async def test_two_senders_of_one_prepared_write_have_one_effect(bench: Bench) -> None:
    change = await _one_less(bench)
    prepared = bench.connector.stock.prepare([change], "key-1")
    bench.fault("latency", "stock", seconds=3, times=2)
    await asyncio.gather(*(bench.connector.stock.send(prepared) for _ in range(2)))
    assert bench.number("TEE") == 9


@pytest.mark.where("counts")
@pytest.mark.where("not keyed")
@pytest.mark.parametrize(("kind", "left"), [("cut_before", 10), ("cut_after", 9), ("status", 10)])
async def test_a_bare_stock_write_is_never_repeated(bench: Bench, kind: str, left: int) -> None:
    change = await _one_less(bench)
    bench.fault(kind, "stock")
    with pytest.raises(TryLater) as caught:
        await bench.write(change)
    assert caught.value.maybe_applied
    assert _sent(bench) == 1
    await bench.quiet()
    assert bench.number("TEE") == left


@pytest.mark.where("counts")
@pytest.mark.where("absolute")
@pytest.mark.parametrize(("kind", "left"), [("cut_before", 10), ("cut_after", 6)])
async def test_a_lost_answer_of_an_absolute_write_is_found_by_reading_back(bench: Bench, kind: str, left: int) -> None:
    await bench.seed(good("TEE", stock=10))
    change = StockChange(key=await bench.key("TEE"), delta=-4, shown=10)
    bench.fault(kind, "stock", times=None)
    with pytest.raises(TryLater) as caught:
        await bench.write(change)
    assert caught.value.maybe_applied
    bench.platform.faults.clear()
    await bench.quiet()
    assert await bench.level("TEE") == left
    (outcome,) = await bench.write(change, key="key-2")
    assert isinstance(outcome, Applied)
    assert await bench.level("TEE") == 6


@pytest.mark.where("counts")
@pytest.mark.parametrize("kind", ["status", "cut_before", "cut_after", "html", "invalid_json"])
async def test_a_stock_write_that_ended_in_trouble_may_have_worked(bench: Bench, kind: str) -> None:
    change = await _one_less(bench)
    bench.fault(kind, "stock", times=None)
    with pytest.raises(TryLater) as caught:
        await bench.write(change)
    assert caught.value.maybe_applied, "a lost answer hides whether a write arrived, key or no key"
    await bench.quiet()
    assert bench.number("TEE") == (9 if kind == "cut_after" else 10)


@pytest.mark.where("counts")
async def test_a_stock_write_that_timed_out_may_have_worked(bench: Bench) -> None:
    change = await _one_less(bench)
    bench.fault("latency", "stock", seconds=3600, times=None)
    with pytest.raises(TryLater) as caught:
        await bench.write(change)
    assert caught.value.maybe_applied


@pytest.mark.where("counts")
async def test_a_stock_write_that_never_left_did_not_work(bench: Bench) -> None:
    change = await _one_less(bench)
    prepared = bench.connector.stock.prepare([change], "key-1")
    nobody = bench.connect(url="https://nobody.example")
    with pytest.raises(TryLater) as caught:
        await nobody.stock.send(prepared)
    assert not caught.value.maybe_applied


@pytest.mark.where("counts")
async def test_a_throttled_stock_write_is_repeated_and_takes_effect_once(bench: Bench) -> None:
    change = await _one_less(bench)
    bench.fault("throttle", "stock", seconds=3)
    lost = await _trouble(bench.write(change))
    # Where nothing promises that a throttled call was left undone, it is not repeated: then nothing happened here.
    assert bench.number("TEE") == (9 if lost is None else 10)


@pytest.mark.offers("order_writer")
@pytest.mark.where("can_mirror")
@pytest.mark.parametrize(("kind", "made"), [("cut_after", 1), ("cut_before", 0)])
async def test_a_mirror_with_a_lost_answer_exists_at_most_once(bench: Bench, kind: str, made: int) -> None:
    await bench.seed(good("TEE", stock=10))
    order = bench.foreign_order("bridge:m-17", await bench.line("TEE", 2, 2500))
    bench.fault(kind, "mirror")
    lost = await _trouble(bench.writer.mirror(order))
    if lost is not None:
        assert lost.maybe_applied
        assert len(bench.shop.orders()) == made
        if await bench.writer.find("bridge:m-17") is None:
            await bench.writer.mirror(order)
    found = await bench.writer.find("bridge:m-17")
    assert found is not None
    assert len(bench.shop.orders()) == 1
    assert bench.number("TEE") == (8 if bench.limits.mirror_takes_stock else 10)


@pytest.mark.offers("products")
@pytest.mark.where("creates")
async def test_a_creation_with_a_lost_answer_is_found_by_its_repeat(bench: Bench) -> None:
    await bench.seed(good("TEE"))
    (tee, _) = await bench.variant("TEE")
    maker = bench.maker
    bench.fault("cut_after", "create")
    lost = await _trouble(maker.create(another(tee, "CAP"), "key-1"))
    if lost is not None:
        assert lost.maybe_applied
        await bench.wait(1)
        await maker.create(another(tee, "CAP"), "key-1")
    await bench.quiet()
    _, cap = await bench.variant("CAP")
    assert cap.sku == "CAP"
