"""Tickets: a write that was only accepted comes to an end, each of its rows with an outcome of its own, and is never repeated."""

from collections.abc import Sequence

import pytest

from bridge.contract.errors import Gone
from bridge.contract.stock import Accepted, Applied, Prepared, Rejected, StockChange
from bridge.domain.catalog import StockKey
from tests.contract.bench import Bench, good

pytestmark = [pytest.mark.anyio, pytest.mark.offers("tickets")]


async def _prepared(bench: Bench, *, good_every: int = 1) -> Prepared:
    """Prepare so many rows that the platform takes them in to carry them out later; only each n-th names a listing that exists."""
    count = next(n for n in (6, 60, 600, 6000) if _together(bench, n))
    skus = [f"SKU-{number:04d}" for number in range(count)]
    await bench.seed(*(good(sku, stock=10) for sku in skus))
    keys = [
        key if number % good_every == 0 else StockKey(f"{bench.facts.nobody}{number:04d}", key.location)
        for number, key in enumerate(await bench.keys(skus))
    ]
    rows = [StockChange(key=key, delta=-1 - number % 3, shown=10) for number, key in enumerate(keys)]
    return bench.connector.stock.prepare(rows, "key-1")


def _together(bench: Bench, count: int) -> bool:
    rows = [StockChange(key=StockKey(str(number), "1"), delta=1, shown=1) for number in range(count)]
    (first, *_) = bench.connector.stock.batches(rows)
    return len(first) == count


async def _accepted(bench: Bench, prepared: Prepared) -> str:
    outcomes = await bench.connector.stock.send(prepared)
    tickets = {out.ticket for out in outcomes if isinstance(out, Accepted)}
    assert [out.key for out in outcomes] == [change.key for change in prepared.changes]
    assert len(tickets) == 1
    return tickets.pop()


def _writes(bench: Bench) -> int:
    return sum(bench.facts.writes(call.method, call.path, call.body) for call in bench.wire.all)


def _numbers(bench: Bench, rows: int) -> Sequence[int]:
    now = bench.shop.stock()
    return [sum(now[f"SKU-{number:04d}"].values()) for number in range(rows)]


async def test_a_ticket_has_no_result_while_the_platform_is_at_work(bench: Bench) -> None:
    prepared = await _prepared(bench)
    ticket = await _accepted(bench, prepared)
    assert ticket
    assert await bench.tickets.look(ticket, prepared) is None


async def test_every_row_of_a_ticket_has_its_result_in_order(bench: Bench) -> None:
    prepared = await _prepared(bench)
    before = bench.loop.now()
    found = await bench.ended(await _accepted(bench, prepared), prepared)
    assert [out.key for out in found] == [change.key for change in prepared.changes]
    assert {type(out) for out in found} == {Applied}
    assert all(before <= out.at <= bench.loop.now() for out in found if isinstance(out, Applied))
    assert _numbers(bench, len(found)) == [10 + change.delta for change in prepared.changes]


async def test_a_ticket_half_of_which_was_rejected_says_which_half(bench: Bench) -> None:
    prepared = await _prepared(bench, good_every=2)
    found = await bench.results(prepared, await bench.connector.stock.send(prepared))
    assert [isinstance(out, Applied) for out in found] == [number % 2 == 0 for number in range(len(found))]
    refused = [out for out in found if isinstance(out, Rejected)]
    assert {out.kind for out in refused} <= {"gone", "invalid"}
    assert all(out.reason for out in refused)
    expected = [9 - number % 3 if number % 2 == 0 else 10 for number in range(len(found))]
    assert _numbers(bench, len(found)) == expected


async def test_looking_repeats_no_write(bench: Bench) -> None:
    prepared = await _prepared(bench)
    ticket = await _accepted(bench, prepared)
    sent = _writes(bench)
    await bench.ended(ticket, prepared)
    await bench.tickets.look(ticket, prepared)
    assert _writes(bench) == sent


async def test_a_result_can_be_asked_for_again_and_by_another(bench: Bench) -> None:
    prepared = await _prepared(bench)
    ticket = await _accepted(bench, prepared)
    first = await bench.ended(ticket, prepared)
    restarted = bench.connect().tickets
    assert restarted is not None
    assert await restarted.look(ticket, prepared) == await bench.tickets.look(ticket, prepared) == first


async def test_a_ticket_that_the_platform_does_not_know_is_gone(bench: Bench) -> None:
    prepared = await _prepared(bench)
    ticket = await _accepted(bench, prepared)
    turned = str.maketrans("0123456789", "1234567890")
    with pytest.raises(Gone):
        await bench.tickets.look(ticket.translate(turned), prepared)


async def test_a_write_with_one_row_ends_too(bench: Bench) -> None:
    await bench.seed(good("TEE", stock=10))
    (outcome,) = await bench.write(StockChange(key=await bench.key("TEE"), delta=-10, shown=10))
    assert isinstance(outcome, Applied)
    assert (bench.number("TEE"), await bench.level("TEE")) == (0, 0)
