"""Stock: every row's number goes from what it was to what it should be, and the truth is told about each row."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from bridge.contract.errors import Refused
from bridge.contract.stock import Applied, Prepared, Rejected, StockChange
from bridge.domain.catalog import StockKey
from tests.contract.bench import Bench, good

pytestmark = pytest.mark.anyio


async def _change(bench: Bench, sku: str = "TEE", delta: int = -1, shown: int = 10) -> StockChange:
    return StockChange(key=await bench.key(sku), delta=delta, shown=shown)


async def _taken(bench: Bench, change: StockChange) -> bool:
    try:
        (outcome,) = await bench.write(change)
    except Refused:
        return False
    return isinstance(outcome, Applied)


@pytest.mark.parametrize("delta", [-1, -10, 1, 37, 900_000])
async def test_what_was_written_is_what_is_there(bench: Bench, delta: int) -> None:
    await bench.seed(good("TEE", stock=10))
    delta = min(delta, bench.limits.stock_max - 10)
    (outcome,) = await bench.write(await _change(bench, delta=delta))
    assert isinstance(outcome, Applied)
    assert bench.number("TEE") == 10 + delta
    assert await bench.level("TEE") == 10 + delta


@pytest.mark.where("below_zero")
async def test_a_number_may_be_written_below_zero_where_the_platform_takes_it(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=2))
    (outcome,) = await bench.write(await _change(bench, delta=-5, shown=2))
    assert isinstance(outcome, Applied)
    assert bench.number("TEE") == -3


async def test_a_variants_number_is_its_own(bench: Bench) -> None:
    sizes = [{"sku": f"TEE-{size}", "price": "9.00", "stock": 10, "options": {"Size": size}} for size in "SML"]
    await bench.seed({"title": "Tee", "options": ["Size"], "variants": sizes})
    await bench.write(await _change(bench, "TEE-M", delta=-4))
    assert [bench.number(f"TEE-{size}") for size in "SML"] == [10, 6, 10]


async def test_the_outcome_names_the_platforms_number_or_none(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10), good("CAP", stock=3))
    changes = [await _change(bench, "TEE", -4, 10), await _change(bench, "CAP", 2, 3)]
    outcomes = [out for batch in bench.connector.stock.batches(changes) for out in await bench.write(*batch)]
    assert [type(out) for out in outcomes] == [Applied, Applied]
    told = [out.quantity for out in outcomes if isinstance(out, Applied)]
    assert all(quantity in {None, actual} for quantity, actual in zip(told, [6, 5], strict=True))


async def test_the_outcome_carries_the_platforms_time(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    await bench.wait(50)
    change, before = await _change(bench), bench.loop.now()
    (outcome,) = await bench.write(change)
    assert isinstance(outcome, Applied)
    assert before <= outcome.at <= bench.loop.now()


async def test_outcomes_come_in_the_order_of_the_rows(bench: Bench) -> None:
    await bench.seed(*(good(f"SKU-{number}", stock=10) for number in range(9)))
    keys = await bench.keys([f"SKU-{number}" for number in (5, 1, 8, 0, 3)])
    outcomes = await bench.write(*(StockChange(key=key, delta=-2, shown=10) for key in keys))
    assert [out.key for out in outcomes] == keys


@pytest.mark.offers("orders")
@pytest.mark.where("compare_and_set")
async def test_an_unseen_sale_makes_the_row_stale(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    change = await _change(bench)
    bench.shop.sale([{"sku": "TEE", "quantity": 2}])
    (outcome,) = await bench.write(change)
    assert isinstance(outcome, Rejected)
    assert outcome.kind == "stale"
    assert bench.number("TEE") == 8


@pytest.mark.offers("orders")
@pytest.mark.where("compare_and_set")
async def test_a_stale_row_does_not_sink_the_others(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10), good("CAP", stock=10))
    changes = [await _change(bench, "TEE"), await _change(bench, "CAP")]
    bench.shop.sale([{"sku": "TEE", "quantity": 2}])
    stale, other = await bench.write(*changes)
    assert isinstance(stale, Rejected)
    assert stale.kind == "stale"
    assert isinstance(other, Applied) or (isinstance(other, Rejected) and other.kind == "retry")
    assert bench.number("CAP") == (9 if isinstance(other, Applied) else 10)


@pytest.mark.where("delta")
@pytest.mark.where("not compare_and_set")
async def test_a_delta_keeps_an_unseen_sale(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    change = await _change(bench, delta=5)
    bench.take("TEE", 2)
    (outcome,) = await bench.write(change)
    assert isinstance(outcome, Applied)
    assert bench.number("TEE") == 13


@pytest.mark.where("absolute")
@pytest.mark.parametrize(("taken", "delta"), [(2, 5), (2, -4), (7, 0)])
async def test_an_absolute_number_is_set_whatever_was_there(bench: Bench, taken: int, delta: int) -> None:
    await bench.seed(good("TEE", stock=10))
    change = await _change(bench, delta=delta)
    bench.take("TEE", taken)
    (outcome,) = await bench.write(change)
    assert isinstance(outcome, Applied)
    assert outcome.quantity in {None, 10 + delta}
    assert bench.number("TEE") == 10 + delta


@pytest.mark.where("absolute")
async def test_an_absolute_write_sent_twice_is_the_same_number(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    prepared = bench.connector.stock.prepare([await _change(bench, delta=-3)], "key-1")
    for connector in (bench.connector, bench.connect()):
        bench.connector = connector
        (outcome,) = await bench.send(prepared)
        assert isinstance(outcome, Applied)
        assert bench.number("TEE") == 7
        await bench.wait(600)


@pytest.mark.where("not below_zero")
async def test_a_number_below_zero_is_refused_by_us(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=3))
    change = await _change(bench, delta=-4, shown=3)
    bench.wire.calls.clear()
    with pytest.raises(Refused, match=change.key.stock_id):
        bench.connector.stock.prepare([change], "key-1")
    assert bench.wire.calls == []
    (outcome,) = await bench.write(replace(change, delta=-3))
    assert isinstance(outcome, Applied)
    assert bench.number("TEE") == 0


@pytest.mark.where("not below_zero")
async def test_what_was_sold_out_comes_back(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=3), good("CAP", stock=3))
    await bench.write(await _change(bench, delta=-3, shown=3))
    assert (bench.number("TEE"), await bench.level("TEE")) == (0, 0)
    (outcome,) = await bench.write(await _change(bench, delta=4, shown=0), key="key-2")
    assert isinstance(outcome, Applied)
    assert (bench.number("TEE"), await bench.level("TEE")) == (4, 4)


@pytest.mark.where("fixed_locations")
async def test_a_number_that_the_platform_alone_moves_is_read_and_never_written(
    new_bench: Callable[..., Bench],
) -> None:
    facts = new_bench().facts
    bench = new_bench(**facts.fixed)
    identity = await bench.connector.account.check()
    (place,) = [one for one in identity.locations if one.id in bench.limits.fixed_locations]
    await bench.seed(good("TEE", stock={place.name: 7}), good("CAP", stock=3))
    _, variant = await bench.variant("TEE")
    key = StockKey(variant.stock_id or "", place.id)
    (level,) = await bench.connector.stock.read([key])
    assert (level.key, level.quantity) == (key, 7)
    bench.wire.calls.clear()
    with pytest.raises(Refused) as caught:
        bench.connector.stock.prepare([StockChange(key=key, delta=-1, shown=7)], "key-1")
    assert place.id in str(caught.value)
    assert bench.wire.calls == []


@pytest.mark.where("not trash")
async def test_a_record_that_is_no_more_is_told(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10), good("CAP", stock=10))
    change = await _change(bench)
    bench.shop.delete_product("TEE")
    (outcome,) = await bench.write(change)
    assert isinstance(outcome, Rejected)
    assert outcome.kind in {"gone", "invalid"}
    assert outcome.reason


@pytest.mark.where("not counts_outlive")
async def test_a_record_that_is_no_more_is_left_out(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10), good("CAP", stock=10))
    tee, cap = await bench.keys(["TEE", "CAP"])
    bench.shop.delete_product("TEE")
    await bench.seen()
    assert [level.key for level in await bench.connector.stock.read([tee, cap])] == [cap]


async def test_a_deleted_product_takes_no_part_in_the_scan(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10), good("CAP", stock=10))
    bench.shop.delete_product("TEE")
    listed = {own.stock_id for one in (await bench.catalogue()).values() for own in one.variants}
    assert listed == {(await bench.key("CAP")).stock_id}


async def test_a_record_that_never_was_is_gone(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    key = (await bench.key("TEE"))._replace(stock_id=bench.facts.nobody)
    (outcome,) = await bench.write(StockChange(key=key, delta=-1, shown=10))
    assert isinstance(outcome, Rejected)
    assert outcome.kind == "gone"


async def test_one_bad_row_does_not_sink_the_others(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10), good("MUG", stock=10))
    bad = replace(await _change(bench), key=StockKey(bench.facts.nobody, bench.home))
    changes = [await _change(bench, "TEE"), bad, await _change(bench, "MUG")]
    outcomes = await bench.write(*changes)
    assert isinstance(outcomes[1], Rejected)
    assert outcomes[1].kind in {"gone", "invalid"}
    again = [
        one for one, out in zip(changes, outcomes, strict=True) if isinstance(out, Rejected) and out.kind == "retry"
    ]
    if again:
        assert {type(out) for out in await bench.write(*again, key="key-2")} == {Applied}
    assert (bench.number("TEE"), bench.number("MUG")) == (9, 9)


async def test_what_is_out_of_range_is_refused_by_us(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    change = await _change(bench)
    bench.wire.calls.clear()
    for target in (bench.limits.stock_max + 1, bench.limits.stock_min - 1):
        with pytest.raises(Refused) as caught:
            bench.connector.stock.prepare([replace(change, delta=target - change.shown)], "key-1")
        assert change.key.stock_id in str(caught.value), "the bad row is named"
    assert bench.wire.calls == []


async def test_the_edges_of_the_range_are_taken(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=0))
    for key, target in (("key-1", bench.limits.stock_max), ("key-2", 0), ("key-3", bench.limits.stock_min)):
        change = StockChange(key=await bench.key("TEE"), delta=target - bench.number("TEE"), shown=bench.number("TEE"))
        (outcome,) = await bench.write(change, key=key)
        assert isinstance(outcome, Applied)
        assert bench.number("TEE") == target


async def test_an_id_that_is_none_is_refused_or_gone(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    for odd in ("", "no such thing", "../orders/1"):
        assert not await _taken(bench, StockChange(key=StockKey(odd, bench.home), delta=-1, shown=10))
    assert bench.number("TEE") == 10


async def test_too_many_rows_are_refused(bench: Bench) -> None:
    rows = [
        StockChange(key=StockKey(str(1000 + number), "1"), delta=-1, shown=10)
        for number in range(bench.limits.stock_batch + 1)
    ]
    with pytest.raises(Refused):
        bench.connector.stock.prepare(rows, "key-1")


async def test_preparing_is_deterministic_and_silent(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    change = await _change(bench)
    bench.wire.calls.clear()
    first, second = (bench.connector.stock.prepare([change], "key-1") for _ in range(2))
    assert first == second
    assert (first.key, first.changes) == ("key-1", (change,))
    assert bench.wire.calls == []


async def test_the_key_is_in_the_body_where_there_is_one(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    change = await _change(bench)
    one, other = (bench.connector.stock.prepare([change], key) for key in ("key-1", "key-2"))
    assert ("key-1" in one.body) == bench.limits.keyed
    assert (one.body != other.body) == bench.limits.keyed


async def test_a_prepared_write_survives_being_stored(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10), good("CAP", stock=10))
    changes = [await _change(bench, "TEE"), await _change(bench, "CAP", 4)][: bench.limits.stock_batch]
    stored = msgspec.json.encode(bench.connector.stock.prepare(changes, "key-1"))
    prepared = msgspec.json.decode(stored, type=Prepared)
    assert prepared == bench.connector.stock.prepare(changes, "key-1")
    bench.connector = bench.connect()
    outcomes = await bench.send(prepared)
    assert {type(out) for out in outcomes} == {Applied}
    assert [bench.number(sku) for sku in ("TEE", "CAP")][: len(changes)] == [9, 14][: len(changes)]


@pytest.mark.where("keyed")
async def test_a_stored_write_sent_again_after_a_restart_takes_effect_once(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    stored = msgspec.json.encode(bench.connector.stock.prepare([await _change(bench)], "key-1"))
    await bench.connector.stock.send(msgspec.json.decode(stored, type=Prepared))
    await bench.wait((bench.limits.key_hours - 1) * 3600)
    (outcome,) = await bench.connect().stock.send(msgspec.json.decode(stored, type=Prepared))
    assert isinstance(outcome, Applied)
    assert bench.number("TEE") == 9


async def test_batches_are_at_the_floor_of_the_platform(bench: Bench) -> None:
    count = max(1000, 2 * bench.call_rows + 1)
    rows = [StockChange(key=StockKey(str(number), "1"), delta=1, shown=1) for number in range(count)]
    bench.wire.calls.clear()
    batches = bench.connector.stock.batches(rows)
    assert [row for batch in batches for row in batch] == rows
    assert max(map(len, batches)) == bench.call_rows
    assert len(batches) == -(-count // bench.call_rows)
    assert bench.wire.calls == []


async def test_batches_of_nothing_are_none(bench: Bench) -> None:
    assert [list(batch) for batch in bench.connector.stock.batches([])] == []


async def test_many_rows_go_out_in_the_fewest_calls(bench: Bench) -> None:
    """A thousand where a call carries many; some dozens where it carries one."""
    skus = [f"SKU-{number:04d}" for number in range(min(1000, 40 * bench.call_rows))]
    await bench.seed(*(good(sku, stock=10) for sku in skus))
    changes = [
        StockChange(key=key, delta=number % 7 - 3, shown=10) for number, key in enumerate(await bench.keys(skus))
    ]
    changes = [change for change in changes if change.delta]
    sent = 0
    outcomes: list[Applied | Rejected] = []
    for number, batch in enumerate(bench.connector.stock.batches(changes)):
        prepared, mark = bench.connector.stock.prepare(batch, f"key-{number}"), len(bench.wire.calls)
        taken = await bench.connector.stock.send(prepared)
        sent += bench.calls_since(mark)
        outcomes += await bench.results(prepared, taken)
    assert {type(out) for out in outcomes} == {Applied}
    assert sent <= -(-len(changes) // bench.call_rows) * bench.facts.write_calls
    now = bench.shop.stock()
    assert [sum(now[sku].values()) for sku in skus] == [10 + number % 7 - 3 for number in range(len(skus))]


async def test_as_many_numbers_as_it_says_are_read_at_once(bench: Bench) -> None:
    skus = [f"SKU-{number:04d}" for number in range(bench.limits.read_batch)]
    await bench.seed(*(good(sku, stock=number % 900) for number, sku in enumerate(skus)))
    keys = await bench.keys(skus)
    bench.wire.calls.clear()
    levels = await bench.connector.stock.read(keys)
    assert {level.key: level.quantity for level in levels} == {key: number % 900 for number, key in enumerate(keys)}
    assert len(bench.wire.calls) <= 2


@pytest.mark.where("not tracks_always")
async def test_tracking_is_switched_on_with_the_first_number(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=bench.facts.untracked), good("CAP", stock=1))
    assert await bench.level("TEE") is None
    (outcome,) = await bench.write(StockChange(key=await bench.key("TEE"), delta=7, shown=0, track=True))
    assert isinstance(outcome, Applied)
    assert bench.number("TEE") == 7
    assert await bench.level("TEE") == 7


async def test_writes_to_different_rows_at_once_all_take_effect(bench: Bench) -> None:
    skus = [f"SKU-{number}" for number in range(6)]
    await bench.seed(*(good(sku, stock=10) for sku in skus))
    keys = await bench.keys(skus)
    changes = [StockChange(key=key, delta=-1, shown=10) for key in keys]
    await asyncio.gather(*(bench.write(change, key=f"key-{number}") for number, change in enumerate(changes)))
    assert [bench.number(sku) for sku in skus] == [9] * 6


async def test_a_write_moves_nothing_but_its_rows(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10), good("CAP", stock=3))
    before = await bench.catalogue()
    await bench.write(await _change(bench, "CAP", 4, 3))
    after = await bench.catalogue()
    assert bench.number("TEE") == 10
    assert bench.shop.orders() == []
    assert [(one.title, one.variants) for one in before.values()] == [
        (one.title, one.variants) for one in after.values()
    ]


@pytest.mark.where("names_causes")
async def test_the_change_log_names_what_moved_a_number(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    await bench.wait(5)
    since = bench.loop.now()
    key = await bench.key("TEE")
    bench.shop.sale([{"sku": "TEE", "quantity": 2}])
    await bench.wait(5)
    await bench.write(StockChange(key=key, delta=-1, shown=8))
    await bench.wait(5)
    bench.shop.count("TEE", 4)
    causes = await bench.connector.stock.causes([key], since)
    assert [(cause.kind, cause.quantity) for cause in causes] == [("sale", -2), ("ours", -1), ("count", 4)]
    assert {cause.key for cause in causes} == {key}


@pytest.mark.where("not names_causes")
async def test_a_platform_without_a_change_log_names_no_cause(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    bench.shop.count("TEE", 4)
    bench.wire.calls.clear()
    assert list(await bench.connector.stock.causes([StockKey("1", "1")], bench.loop.now())) == []
    assert bench.wire.calls == []
