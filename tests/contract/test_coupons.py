"""Codes that buyers type in: written, changed, looked up; the fewest calls, and lost answers."""

import asyncio
from dataclasses import replace

import pytest

from bridge.contract.errors import TryLater
from bridge.contract.loyalty import CouponWrite
from bridge.domain.coupons import CouponTerms, normal_code
from bridge.domain.money import Money
from tests.contract.bench import Bench, tail
from tests.contract.codes import (
    ADA,
    ENDS_IN,
    FIFTEEN,
    FIVE,
    changed,
    done,
    looked_up,
    made,
    many,
    shelf,
    shown,
    writes_sent,
)

pytestmark = [pytest.mark.anyio, pytest.mark.offers("coupons")]


# Writing -----------------------------------------------------------------------------------------------------------------


async def test_a_new_code_is_there(bench: Bench) -> None:
    write = await made(bench)
    row = shown(bench)["AUTUMN15"]
    assert (row["percent"], row["limit"], row["active"], row["used"]) == (15, None, True, 0)
    assert row["id"] == write.id == (await looked_up(bench, "AUTUMN15")).id


@pytest.mark.parametrize(
    "terms", [FIFTEEN, replace(FIFTEEN, percent=1250), FIVE], ids=["percent", "odd percent", "fixed"]
)
async def test_what_is_written_is_read_back(bench: Bench, terms: CouponTerms) -> None:
    await made(bench, terms, limit=7)
    state = await looked_up(bench, "AUTUMN15")
    assert (state.terms, state.foreign) == (terms, "")
    assert (normal_code(state.code), state.limit, state.active) == ("AUTUMN15", 7, True)
    assert state.used in {0, None}


async def test_a_limit_is_raised_lowered_and_lifted(bench: Bench) -> None:
    write = await made(bench, limit=3)
    for limit in (8, 1, None):
        write = await changed(bench, write, limit=limit)
        assert shown(bench)["AUTUMN15"]["limit"] == limit
        assert (await looked_up(bench, "AUTUMN15")).limit == limit


async def test_terms_that_change_leave_nothing_of_the_old_ones(bench: Bench) -> None:
    await shelf(bench)
    ends = bench.around.now() + ENDS_IN
    write = await made(bench, replace(FIVE, minimum=Money(1000, "USD"), ends_at=ends), limit=2)
    await changed(bench, write, terms=replace(FIFTEEN, percent=2000), limit=None)
    state = await looked_up(bench, "AUTUMN15")
    assert (state.terms, state.limit) == (replace(FIFTEEN, percent=2000), None)


async def test_the_same_batch_twice_makes_one_of_each(bench: Bench) -> None:
    writes = many(3, limit=2)
    first = await done(bench, *writes)
    known = [replace(one, id=result.id, group_id=result.group_id) for one, result in zip(writes, first, strict=True)]
    assert [one.kind for one in await done(bench, *known, key="key-2")] == ["done"] * 3
    again = await done(
        bench, *(replace(one, group_id=result.group_id) for one, result in zip(writes, first, strict=True)), key="key-3"
    )
    assert {one.kind for one in again} <= {"taken", "done"}
    ids = {one.code: one.id for one in first}
    assert all(one.id in {"", ids[one.code]} for one in again)
    await bench.seen()
    assert {code: row["id"] for code, row in shown(bench).items()} == ids


async def test_a_code_that_somebody_else_made_is_taken(bench: Bench) -> None:
    theirs = tail(bench.shop.add_coupon("AUTUMN15", percent=50))
    await bench.seen()
    (result,) = await done(bench, CouponWrite(code="AUTUMN15", terms=FIFTEEN))
    assert result.kind == "taken"
    assert shown(bench)["AUTUMN15"]["percent"] == 50, "it was not touched"
    assert (await looked_up(bench, "AUTUMN15")).id == theirs


async def test_a_row_that_cannot_be_does_not_hold_up_the_others(bench: Bench) -> None:
    bench.shop.add_coupon("MINE", percent=50)
    await bench.seen()
    rows = [CouponWrite(code=code, terms=FIFTEEN, group="autumn") for code in ("BEFORE", "MINE", "BEHIND")]
    results = await done(bench, *rows)
    left = [row for row, result in zip(rows, results, strict=True) if result.kind == "retry"]
    if left:
        results = [one for one in results if one.kind != "retry"] + await done(bench, *left, key="key-2")
    assert {one.code: one.kind for one in results} == {"BEFORE": "done", "MINE": "taken", "BEHIND": "done"}


async def test_an_id_that_nothing_has_is_gone(bench: Bench) -> None:
    write = await made(bench)
    (result,) = await done(bench, replace(write, code="NEVER", id=bench.facts.nobody), key="key-2")
    assert result.kind == "gone"
    assert list(shown(bench)) == ["AUTUMN15"]


async def test_a_code_that_somebody_deleted_is_gone_and_stays_so(bench: Bench) -> None:
    write = await made(bench)
    bench.shop.delete_coupon("AUTUMN15")
    await bench.seen()
    (result,) = await done(bench, replace(write, limit=3), key="key-2")
    assert result.kind == "gone"
    assert shown(bench) == {}


# Looking up --------------------------------------------------------------------------------------------------------------


async def test_codes_are_found_in_whatever_case(bench: Bench) -> None:
    bench.shop.add_coupon("Spring5", amount="5.00")
    write = await made(bench)
    await bench.seen()
    found = await bench.coupons.find(["autumn15", "SPRING5", "Nobodys"])
    assert [normal_code(one.code) for one in found] == ["AUTUMN15", "SPRING5"]
    assert found[0].id == write.id
    assert list(await bench.coupons.find([])) == []


@pytest.mark.parametrize("count", [1, 30])
async def test_several_codes_are_found_by_exactly_their_names(bench: Bench, count: int) -> None:
    codes = [f"SAVE{number}" for number in range(count)]
    for code in (*codes, "SAVE", "XSAVE1", "SAVE1X"):
        bench.shop.add_coupon(code, percent=5)
    await bench.seen()
    found = await bench.coupons.find(codes)
    assert sorted(normal_code(one.code) for one in found) == sorted(codes)
    assert {normal_code(one.code): one.id for one in found} == {code: shown(bench)[code]["id"] for code in codes}


async def test_no_code_is_missed_at_a_page_boundary(bench: Bench) -> None:
    assert await _all(bench) == []
    codes = [f"CODE-{number:04}" for number in range(bench.facts.coupon_page)]
    for code in codes:
        bench.shop.add_coupon(code, percent=5)
    await bench.seen()
    assert sorted(await _all(bench)) == codes
    for extra in ("LAST-1", "LAST-2"):
        bench.shop.add_coupon(extra, amount="1.00")
    await bench.seen()
    assert sorted(await _all(bench)) == [*codes, "LAST-1", "LAST-2"]


async def _all(bench: Bench) -> list[str]:
    pages = [page async for page in bench.coupons.all()]
    assert not any(page.bad for page in pages)
    return [normal_code(one.code) for page in pages for one in page.items]


async def test_codes_by_hand_are_read_with_their_terms(bench: Bench) -> None:
    ends = bench.around.now().replace(microsecond=0) + ENDS_IN
    bench.shop.add_coupon("SPRING5", amount="5.00", limit=4)
    bench.shop.add_coupon("SPRING10", percent=10, ends_at=ends)
    await bench.seen()
    five, ten = await bench.coupons.find(["SPRING5", "SPRING10"])
    assert (five.limit, ten.limit) == (4, None)
    assert five.terms is not None
    assert ten.terms is not None
    assert (five.terms.kind, five.terms.amount, five.terms.ends_at) == ("fixed", Money(500, "USD"), None)
    assert (ten.terms.kind, ten.terms.percent) == ("percent", 1000)
    assert ten.terms.ends_at is not None
    assert 0 <= (ten.terms.ends_at - ends).total_seconds() <= 1


# Calls -------------------------------------------------------------------------------------------------------------------


async def test_a_batch_takes_the_fewest_calls(bench: Bench) -> None:
    size = bench.limits.coupon_batch
    first = await done(bench, *many(1))
    rows = [replace(one, group_id=first[0].group_id) for one in many(2 * size + 1)[1:]]
    batches = bench.coupons.batches(rows)
    assert [row for batch in batches for row in batch] == rows
    assert [len(batch) for batch in batches] == [size, size]
    mark = len(bench.wire.calls)
    results = [one for batch in batches for one in await done(bench, *batch)]
    assert {one.kind for one in results} == {"done"}
    assert writes_sent(bench, mark) == 2 * bench.facts.coupon_calls
    await bench.seen()
    assert len(shown(bench)) == 2 * size + 1


async def test_new_and_known_codes_are_written_side_by_side(bench: Bench) -> None:
    write = await made(bench)
    spring = CouponWrite(code="SPRING15", terms=FIFTEEN, limit=4, group="autumn", group_id=write.group_id)
    batches = bench.coupons.batches([replace(write, limit=4), spring])
    results = [one for batch in batches for one in await done(bench, *batch, key="key-2")]
    assert [one.kind for one in results] == ["done", "done"]
    await bench.seen()
    assert {code: row["limit"] for code, row in shown(bench).items()} == {"AUTUMN15": 4, "SPRING15": 4}


async def test_splitting_asks_nobody(bench: Bench) -> None:
    assert list(bench.coupons.batches([])) == []
    bench.coupons.batches(many(250))
    assert list(bench.coupons.objections(FIFTEEN)) == list(bench.coupons.objections(FIVE)) == []
    assert bench.wire.calls == []


# Lost answers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "there"), [("cut_before", False), ("cut_after", True), ("status", False)])
async def test_after_a_lost_answer_looking_up_tells(bench: Bench, kind: str, there: bool) -> None:
    write = await made(bench, code="FIRST")
    bench.fault(kind, "coupon", times=None)
    with pytest.raises(TryLater) as caught:
        await bench.coupons.write(
            [CouponWrite(code="AUTUMN15", terms=FIFTEEN, group="autumn", group_id=write.group_id)], "key-2"
        )
    assert caught.value.maybe_applied
    bench.platform.faults.clear()
    await bench.wait(bench.facts.code_wait)
    found = await bench.coupons.find(["AUTUMN15"])
    assert [normal_code(one.code) for one in found] == (["AUTUMN15"] if there else [])
    if not found:
        await made(bench)
    assert list(shown(bench)) == ["FIRST", "AUTUMN15"]


@pytest.mark.parametrize(("kind", "limit"), [("cut_before", 5), ("cut_after", 2)])
async def test_after_a_lost_change_looking_up_tells(bench: Bench, kind: str, limit: int) -> None:
    write = await made(bench, limit=5)
    bench.fault(kind, "coupon", times=None)
    with pytest.raises(TryLater) as caught:
        await bench.coupons.write([replace(write, limit=2)], "key-2")
    assert caught.value.maybe_applied
    bench.platform.faults.clear()
    await bench.wait(bench.facts.code_wait)
    assert (await looked_up(bench, "AUTUMN15")).limit == limit


async def test_a_write_that_never_left_did_not_work(bench: Bench) -> None:
    nobody = bench.connect(url="https://nobody.example").coupons
    assert nobody is not None
    with pytest.raises(TryLater) as caught:
        await nobody.write([CouponWrite(code="AUTUMN15", terms=FIFTEEN)], "key-1")
    assert not caught.value.maybe_applied


async def test_two_writers_of_one_code_make_one(bench: Bench) -> None:
    write = CouponWrite(code="AUTUMN15", terms=FIFTEEN, group="autumn")
    both = await asyncio.gather(*(bench.coupons.write([write], key) for key in ("key-1", "key-2")))
    assert sorted(one.kind for (one,) in both) in (
        ["done", "taken"],
        ["done", "done"],
        ["later", "later"],
        ["later", "taken"],
    )
    await bench.wait(bench.facts.code_wait)
    assert list(shown(bench)) == ["AUTUMN15"]


# What is not told --------------------------------------------------------------------------------------------------------


async def test_no_secret_and_nobodys_address_is_in_a_text(bench: Bench) -> None:
    secrets = [found for name in bench.facts.secrets if (found := bench.platform.credentials.get(name))]
    write = CouponWrite(
        code="AUTUMN15", terms=replace(FIFTEEN, emails=(ADA["email"],), first_order=True, per_customer=0)
    )
    (result,) = await bench.coupons.write([write], "key-1")
    bench.fault("status", "coupon", times=None)
    with pytest.raises(TryLater) as caught:
        await bench.coupons.write(many(1), "key-2")
    texts = (repr(write), repr(result), str(caught.value), repr(caught.value))
    assert secrets
    assert not [text for text in texts if any(told in text for told in (*secrets, ADA["email"]))]
