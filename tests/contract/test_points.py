"""Points: what a customer is shown goes from what it was to what it should be, once, and who else moved it is told."""

from collections.abc import Callable, Sequence

import pytest

from bridge.contract.errors import TryLater
from bridge.contract.feed import Feed
from bridge.contract.loyalty import PointsEvent, PointsPort, PointsResult, PointsWrite
from bridge.sandbox.kit.loop import START
from tests.contract.bench import Bench, good, pages, tail

pytestmark = [pytest.mark.anyio, pytest.mark.offers("points"), pytest.mark.offers("customers")]

HOUR = 3600


def _row(
    number: int, customer: str, balance: int, shown: int | None = None, key: str = "row-1", points_id: str = ""
) -> PointsWrite:
    phones = (f"+1415555{number:04d}",)
    return PointsWrite(customer=customer, balance=balance, shown=shown, key=key, points_id=points_id, phones=phones)


async def shown(bench: Bench, *rows: PointsWrite) -> list[int | None]:
    """Read the numbers of these rows."""
    return [one.balance for one in await bench.points.read(rows)]


async def _show(bench: Bench, *rows: PointsWrite, port: PointsPort | None = None) -> Sequence[PointsResult]:
    results = await (port or bench.points).show(rows)
    await bench.seen()
    return results


async def _shown(bench: Bench, *balances: int) -> tuple[str, str]:
    """Make a customer who is shown these balances one after the other; return their id and what the points are kept under."""
    customer, shown, points_id = bench.person(1), None, ""
    for number, balance in enumerate(balances):
        (result,) = await _show(bench, _row(1, customer, balance, shown, f"first-{number}", points_id))
        assert result.kind == "done"
        shown, points_id = balance, result.points_id
    return customer, points_id


def _ledger(bench: Bench) -> Feed[PointsEvent]:
    assert bench.points.events is not None
    return bench.points.events


async def _events(bench: Bench, cursor: str = "") -> list[PointsEvent]:
    """Read the ledger to its end, each entry once, in the order in which it was told."""
    await bench.seen()
    found = await pages(_ledger(bench), cursor or _ledger(bench).begin(START))
    assert not [bad for page in found for bad in page.bad]
    return list({event.id: event for page in found for event in page.items}.values())


async def test_nothing_is_shown_at_first(bench: Bench) -> None:
    customer = bench.person(1)
    await bench.seen()
    assert await shown(bench, _row(1, customer, 5)) == [None]
    assert list(await bench.points.read([])) == []


async def test_points_are_shown_where_nothing_was(bench: Bench) -> None:
    customer = bench.person(1)
    (result,) = await _show(bench, _row(1, customer, 40))
    assert (result.customer, result.kind, result.balance) == (customer, "done", 40)
    assert bench.shows(customer) == 40


@pytest.mark.parametrize(("before", "after"), [(40, 55), (40, 12), (40, 0), (0, 7), (40, 40), (1, 1_000_000)])
async def test_what_was_written_is_what_is_there(bench: Bench, before: int, after: int) -> None:
    customer, points_id = await _shown(bench, before)
    (result,) = await _show(bench, _row(1, customer, after, before, points_id=points_id))
    assert (result.kind, result.balance) == ("done", after)
    assert bench.shows(customer) == after
    (there,) = await bench.points.read([_row(1, customer, after, after, points_id=points_id)])
    assert (there.balance, there.points_id) == (after, points_id)


async def test_the_points_are_found_without_what_they_are_kept_under(bench: Bench) -> None:
    customer, _ = await _shown(bench, 40)
    (result,) = await _show(bench, _row(1, customer, 60, 40))
    assert (result.kind, bench.shows(customer)) == ("done", 60)
    assert await shown(bench, _row(1, customer, 60)) == [60]


async def test_what_was_never_read_is_read_first(bench: Bench) -> None:
    customer, _ = await _shown(bench, 40)
    (result,) = await _show(bench, _row(1, customer, 15))
    assert (result.kind, bench.shows(customer)) == ("done", 15)


async def test_a_customer_is_read_with_their_points(bench: Bench) -> None:
    customer, points_id = await _shown(bench, 40)
    other = bench.person(2)
    await bench.seen()
    found = {one.id: one for one in await bench.people.get([customer, other])}
    assert (found[customer].points, found[other].points) == (40, None)
    assert found[customer].points_id == points_id


async def test_a_full_batch_is_shown_and_read_in_order(bench: Bench) -> None:
    size = bench.limits.points_batch
    ids = [bench.person(number) for number in range(size)]
    rows = [_row(number, one, number + 1, key=f"row-{number}") for number, one in enumerate(ids)]
    results = await _show(bench, *rows)
    assert [(one.customer, one.kind, one.balance) for one in results] == [
        (one, "done", at + 1) for at, one in enumerate(ids)
    ]
    assert await shown(bench, *rows) == [at + 1 for at in range(size)]


async def test_many_are_read_in_their_order(bench: Bench) -> None:
    ids = [bench.person(number) for number in range(65)]
    for number in (0, 31, 64):
        await _show(bench, _row(number, ids[number], number + 1, key=f"row-{number}"))
    order = [*range(64, -1, -1)]
    found = await shown(bench, *(_row(number, ids[number], 0) for number in order))
    assert list(found) == [number + 1 if number in (0, 31, 64) else None for number in order]


async def test_nothing_to_write_is_no_call(bench: Bench) -> None:
    assert list(await bench.points.show([])) == []
    assert bench.wire.calls == []


async def test_the_same_rows_twice_count_once(bench: Bench) -> None:
    customer, points_id = await _shown(bench, 40)
    row = _row(1, customer, 55, 40, points_id=points_id)
    await _show(bench, row)
    (again,) = await _show(bench, row)
    assert (again.kind, again.balance) in (
        [("done", 55)] if bench.limits.points_keyed else [("done", 55), ("stale", 55), ("stale", None)]
    )
    assert bench.shows(customer) == 55


async def test_nothing_shown_is_as_good_as_0(bench: Bench) -> None:
    customer = bench.person(1)
    (result,) = await _show(bench, _row(1, customer, 40, 0))
    assert (result.kind, result.balance, bench.shows(customer)) == ("done", 40, 40)


async def test_the_same_rows_twice_count_once_where_nothing_was_shown(bench: Bench) -> None:
    customer = bench.person(1)
    for _ in range(2):
        (result,) = await _show(bench, _row(1, customer, 40))
        assert (result.kind, result.balance) == ("done", 40)
    assert bench.shows(customer) == 40


@pytest.mark.where("points_keyed")
async def test_another_key_is_another_write(bench: Bench) -> None:
    customer, points_id = await _shown(bench, 40, 55, 40, 55)
    (result,) = await _show(bench, _row(1, customer, 70, 55, "row-9", points_id))
    assert (result.kind, bench.shows(customer)) == ("done", 70)


@pytest.mark.where("points_delta")
async def test_a_difference_keeps_what_somebody_did_meanwhile(bench: Bench) -> None:
    customer, points_id = await _shown(bench, 40)
    bench.shop.give_points(customer=customer, points=5, reason="Sorry for the wait")
    (result,) = await _show(bench, _row(1, customer, 50, 40, points_id=points_id))
    assert (result.kind, result.balance) == ("done", 55)
    assert bench.shows(customer) == 55


@pytest.mark.where("points_delta")
async def test_a_difference_that_would_fall_below_zero_is_stale(bench: Bench) -> None:
    customer, points_id = await _shown(bench, 40)
    bench.shop.give_points(customer=customer, points=-30, reason="Taken at the till")
    (result,) = await _show(bench, _row(1, customer, 5, 40, points_id=points_id))
    assert (result.kind, result.balance) == ("stale", 10)
    assert bench.shows(customer) == 10


@pytest.mark.where("not points_delta")
@pytest.mark.where("points_stale")
async def test_what_was_changed_meanwhile_makes_the_row_stale(bench: Bench) -> None:
    customer, points_id = await _shown(bench, 40)
    await _show(bench, _row(1, customer, 45, 40, "other", points_id), port=bench.connect().points)
    (result,) = await _show(bench, _row(1, customer, 50, 40, points_id=points_id))
    assert result.kind == "stale"
    assert result.balance in {45, None}
    assert bench.shows(customer) == 45


async def test_a_stale_row_can_be_planned_again(bench: Bench) -> None:
    customer, points_id = await _shown(bench, 40, 45)
    (first,) = await _show(bench, _row(1, customer, 0, 44, points_id=points_id))
    (there,) = await shown(bench, _row(1, customer, 0, points_id=points_id))
    assert there == bench.shows(customer)
    (second,) = await _show(bench, _row(1, customer, 50, there, "row-2", first.points_id or points_id))
    assert (second.kind, second.balance, bench.shows(customer)) == ("done", 50, 50)


async def test_a_balance_below_zero_is_not_shown(bench: Bench) -> None:
    customer, points_id = await _shown(bench, 40)
    (result,) = await _show(bench, _row(1, customer, -1, 40, points_id=points_id))
    assert (result.kind, bool(result.reason)) == ("refused", True)
    assert bench.shows(customer) == 40


@pytest.mark.parametrize("known", [True, False])
async def test_a_customer_that_is_no_more_is_told(bench: Bench, known: bool) -> None:
    customer, points_id = await _shown(bench, 40)
    bench.shop.delete_customer(customer)
    await bench.seen()
    (result,) = await _show(bench, _row(1, customer, 50, 40 if known else None, points_id=points_id if known else ""))
    assert result.kind == "gone"
    assert await shown(bench, _row(1, customer, 50, points_id=points_id)) == [None]


@pytest.mark.where("points_keyed")
@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "status"])
async def test_a_keyed_write_is_repeated_and_takes_effect_once(bench: Bench, kind: str) -> None:
    customer, points_id = await _shown(bench, 40)
    bench.fault(kind, "points", times=2)
    (result,) = await _show(bench, _row(1, customer, 55, 40, points_id=points_id))
    assert (result.kind, result.balance, bench.shows(customer)) == ("done", 55, 55)


@pytest.mark.where("points_keyed")
@pytest.mark.parametrize(("kind", "left"), [("cut_before", 40), ("cut_after", 55), ("status", 40)])
@pytest.mark.parametrize("read", [True, False])
async def test_rows_whose_answer_was_lost_may_be_sent_again(bench: Bench, kind: str, left: int, read: bool) -> None:
    """Whether it was known what is shown or not."""
    customer, points_id = await _shown(bench, 40)
    row = _row(1, customer, 55, 40 if read else None, points_id=points_id)
    bench.fault(kind, "points", times=None)
    with pytest.raises(TryLater) as caught:
        await bench.points.show([row])
    assert caught.value.maybe_applied
    assert bench.shows(customer) == left
    bench.platform.faults.clear()
    await bench.wait(HOUR)
    (result,) = await _show(bench, row)
    assert (result.kind, result.balance, bench.shows(customer)) == ("done", 55, 55)


@pytest.mark.where("not points_keyed")
@pytest.mark.parametrize(("kind", "left"), [("cut_before", 40), ("cut_after", 55)])
async def test_a_lost_answer_is_told_by_reading(bench: Bench, kind: str, left: int) -> None:
    customer, points_id = await _shown(bench, 40)
    row = _row(1, customer, 55, 40, points_id=points_id)
    bench.fault(kind, "points", times=None)
    with pytest.raises(TryLater) as caught:
        await bench.points.show([row])
    assert caught.value.maybe_applied
    bench.platform.faults.clear()
    await bench.seen()
    assert await shown(bench, row) == [left] == [bench.shows(customer)]
    (result,) = await _show(bench, _row(1, customer, 55, left, "row-2", points_id))
    assert (result.kind, bench.shows(customer)) == ("done", 55)


async def test_personal_data_is_in_no_text(bench: Bench) -> None:
    customer, points_id = await _shown(bench, 40)
    row = _row(1, customer, 55, 40, points_id=points_id)
    events = await _events(bench) if bench.points.events is not None else []
    shown = repr(row) + repr(await _show(bench, row)) + repr(events)
    assert customer in shown
    assert "5550001" not in shown


async def test_only_a_platform_with_a_ledger_of_its_own_has_events(bench: Bench) -> None:
    assert (bench.points.events is not None) == bench.limits.earns_itself


@pytest.mark.where("earns_itself")
async def test_a_clerks_adjustments_are_told_once_with_their_sign(bench: Bench) -> None:
    customer, points_id = await _shown(bench, 40)
    for points in (15, -20):
        await bench.wait(30)
        bench.shop.give_points(customer=customer, points=points, reason="Points of all channels")
    found = [event for event in await _events(bench) if event.kind != "ours"]
    assert [(one.kind, one.points, one.points_id) for one in found] == [
        ("adjust", 15, points_id),
        ("adjust", -20, points_id),
    ]
    assert {one.customer for one in found} <= {customer, ""}
    assert [one.key for one in found] == ["", ""]


@pytest.mark.where("earns_itself")
async def test_our_own_writes_are_known_by_their_key_whatever_their_amount(bench: Bench) -> None:
    customer, points_id = await _shown(bench, 40)
    await bench.wait(30)
    bench.shop.give_points(customer=customer, points=15, reason="A clerk, with the same amount")
    await bench.wait(30)
    await _show(bench, _row(1, customer, 70, 55, "row-7 (of (many))", points_id))
    told = [(one.kind, one.points, one.key) for one in await _events(bench)]
    assert told == [("ours", 40, "first-0"), ("adjust", 15, ""), ("ours", 15, "row-7 (of (many))")]


@pytest.mark.where("earns_itself")
async def test_what_a_write_moved_and_the_ledger_tells_is_what_is_shown(bench: Bench) -> None:
    customer, _ = await _shown(bench, 40, 12, 90)
    bench.shop.give_points(customer=customer, points=-7, reason="A mistake")
    assert sum(event.points for event in await _events(bench)) == bench.shows(customer) == 83


@pytest.mark.where("earns_itself")
async def test_the_ledger_comes_oldest_first_and_not_again_and_again(bench: Bench) -> None:
    customer = bench.person(1)
    for number in range(65):
        await bench.wait(7)
        bench.shop.give_points(customer=customer, points=number + 1, reason="")
    cursor, told = _ledger(bench).begin(START), []
    for _ in range(3):
        await bench.wait(HOUR)
        found = await pages(_ledger(bench), cursor)
        told.append([event.points for page in found for event in page.items])
        cursor = found[-1].cursor
    assert told == [[*range(1, 66)], [], []]


@pytest.mark.where("earns_itself")
async def test_a_broken_off_reading_of_the_ledger_goes_on_from_the_last_page(bench: Bench) -> None:
    customer = bench.person(1)
    for number in range(65):
        await bench.wait(200)
        bench.shop.give_points(customer=customer, points=number + 1, reason="")
    cursor, seen = _ledger(bench).begin(START), set[int]()
    async for page in _ledger(bench).since(cursor):
        seen |= {event.points for event in page.items}
        cursor = page.cursor
        break
    rest = {event.points for event in await _events(bench, cursor)}
    assert seen | rest == set(range(1, 66))
    assert len(rest) < 65


@pytest.mark.where("earns_itself")
async def test_an_entry_in_the_very_second_of_the_cursor_is_not_lost(bench: Bench) -> None:
    customer = bench.person(1)
    bench.shop.give_points(customer=customer, points=1, reason="")
    cursor = (await pages(_ledger(bench), _ledger(bench).begin(START)))[-1].cursor
    bench.shop.give_points(customer=customer, points=2, reason="")
    assert 2 in {event.points for event in await _events(bench, cursor)}


@pytest.mark.where("earning")
async def test_what_a_purchase_earned_names_its_order(new_bench: Callable[..., Bench]) -> None:
    shop = new_bench(**new_bench().facts.earning)
    await shop.seed(good("TEE", price="12.00"))
    customer, points_id = await _shown(shop, 40)
    order = tail(shop.shop.sale([{"sku": "TEE", "quantity": 2}], customer={"id": customer}))
    await shop.wait(2)
    earned = [event for event in await _events(shop) if event.kind == "earn"]
    assert [(event.order, event.points_id) for event in earned] == [(order, points_id)]
    assert earned[0].points == (shop.shows(customer) or 0) - 40 > 0
