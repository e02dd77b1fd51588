"""What the checkout makes of a code: its terms, its limit, its end, and what an order says of it."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.contract.loyalty import CouponWrite
from bridge.domain.coupons import CouponTerms, normal_code
from bridge.domain.money import Money
from bridge.sandbox.kit.platform import RefusedError
from tests.contract.bench import Bench
from tests.contract.codes import (
    ADA,
    BEN,
    ENDS_IN,
    FIFTEEN,
    FIVE,
    buys,
    changed,
    done,
    looked_up,
    made,
    refused,
    shelf,
    shown,
    writes_sent,
)

pytestmark = [pytest.mark.anyio, pytest.mark.offers("coupons"), pytest.mark.offers("orders")]

# Each asks for one thing that a platform may or may not be able to express.
ASKED: dict[str, dict[str, Any]] = {
    "minimum": {"minimum": Money(3000, "USD")},
    "per customer": {"per_customer": 1},
    "emails": {"emails": (ADA["email"],)},
    "first order": {"first_order": True},
    "stacks": {"stacks": True},
    "goods": {"skus": ("TEE",)},
    "excluded": {"excluded": ("CAP",)},
}


# Terms that a platform may not know --------------------------------------------------------------------------------------


def goods(found: dict[str, tuple[str, str]], terms: CouponTerms) -> dict[str, Any]:
    return {"only": tuple(found[sku] for sku in terms.skus), "excluded": tuple(found[sku] for sku in terms.excluded)}


async def listed(bench: Bench) -> dict[str, tuple[str, str]]:
    """The product and variant ids of both goods, as the engine makes them from SKUs."""
    found = {}
    for sku in ("TEE", "CAP"):
        product, variant = await bench.variant(sku)
        found[sku] = (product.id, variant.id)
    return found


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("kind", ["percent", "fixed"])
async def test_terms_are_said_or_refused_and_never_loosened(bench: Bench, kind: str, asked: str) -> None:
    await shelf(bench)
    terms = replace(FIFTEEN if kind == "percent" else FIVE, **ASKED[asked])
    objections = bench.coupons.objections(terms)
    if bench.facts.people_first and terms.emails:
        bench.shop.add_customer(**ADA)
        await bench.seen()
    mark = len(bench.wire.calls)
    (result,) = await done(
        bench, CouponWrite(code="AUTUMN15", terms=terms, group="autumn", **goods(await listed(bench), terms))
    )
    if objections:
        assert (result.kind, bool(result.reason)) == ("refused", True)
        assert writes_sent(bench, mark) == 0
        assert shown(bench) == {}
        return
    assert result.kind == "done", result.reason
    await bench.seen()
    state = await looked_up(bench, "AUTUMN15")
    assert state.terms == terms or (state.terms is None and state.foreign), (
        "what is not understood is said to be foreign"
    )
    await _holds(bench, asked)


async def _holds(bench: Bench, asked: str) -> None:
    """See at the checkout that a term means what it says."""
    if asked == "minimum":
        await refused(bench, "AUTUMN15")
        await buys(bench, "AUTUMN15", lines=(("TEE", 2),))
    elif asked == "per customer":
        await buys(bench, "AUTUMN15", customer=ADA)
        await refused(bench, "AUTUMN15", customer=ADA)
        await buys(bench, "AUTUMN15", customer=BEN)
    elif asked == "emails":
        await refused(bench, "AUTUMN15", customer=BEN)
        await buys(bench, "AUTUMN15", customer=ADA)
    elif asked == "first order":
        await buys(bench, "AUTUMN15", customer=ADA)
        await refused(bench, "AUTUMN15", customer=ADA)
    elif asked in {"goods", "excluded"}:
        order = await buys(bench, "AUTUMN15", lines=(("TEE", 1), ("CAP", 1)))
        lines = {line.sku: line for line in order.lines}
        assert (lines["TEE"].discounted, lines["CAP"].discounted) == (True, False)


async def test_codes_that_stand_alone_are_never_on_one_order(bench: Bench) -> None:
    await shelf(bench)
    for code in ("AUTUMN15", "SECOND15"):
        await made(bench, FIFTEEN, code)
    assert await _taken(bench) < 2


async def test_codes_that_stack_are(bench: Bench) -> None:
    await shelf(bench)
    terms = replace(FIFTEEN, stacks=True)
    expressible = not bench.coupons.objections(terms)
    rows = [CouponWrite(code=code, terms=terms, group="autumn") for code in ("AUTUMN15", "SECOND15")]
    results = [await done(bench, row) for row in rows]
    assert {one.kind for (one,) in results} == ({"done"} if expressible else {"refused"})
    await bench.seen()
    assert await _taken(bench) == (2 if expressible else 0)


async def _taken(bench: Bench) -> int:
    """Count how many of two codes an order gets."""
    try:
        return len((await buys(bench, "AUTUMN15", "SECOND15")).codes)
    except RefusedError:
        return 0


async def test_goods_that_are_not_listed_here_do_not_become_all_goods(bench: Bench) -> None:
    await shelf(bench)
    (result,) = await done(
        bench, CouponWrite(code="AUTUMN15", terms=replace(FIFTEEN, skus=("ELSEWHERE",)), group="autumn")
    )
    assert result.kind == "refused"
    assert shown(bench) == {}


async def test_a_code_works_until_its_end_and_not_at_it(bench: Bench) -> None:
    await shelf(bench)
    ends = bench.around.now().replace(microsecond=0) + ENDS_IN
    await made(bench, replace(FIFTEEN, ends_at=ends))
    state = await looked_up(bench, "AUTUMN15")
    assert state.terms is not None
    assert state.terms.ends_at == ends
    await bench.wait((ends - bench.around.now()).total_seconds() - 1)
    await buys(bench, "AUTUMN15")
    await bench.wait(1)
    await refused(bench, "AUTUMN15")


async def test_a_percentage_and_a_sum_are_taken_off(bench: Bench) -> None:
    await shelf(bench)
    await made(bench, FIFTEEN)
    await made(bench, FIVE, "AUTUMN5")
    both = (("TEE", 1), ("CAP", 1))
    for code, total in (("AUTUMN15", 3400), ("AUTUMN5", 3500)):
        order = await buys(bench, code, lines=both)
        assert sum(line.total.minor for line in order.lines) == total


# At the checkout ---------------------------------------------------------------------------------------------------------


async def test_a_use_is_in_the_order_and_in_the_count(bench: Bench) -> None:
    await shelf(bench)
    await made(bench)
    snapshot = await buys(bench, "autumn15", customer=ADA)
    assert [normal_code(code) for code in snapshot.codes] == ["AUTUMN15"]
    assert [line.discounted for line in snapshot.lines] == [True]
    plain = await buys(bench)
    assert (plain.codes, [line.discounted for line in plain.lines]) == ((), [False])
    assert shown(bench)["AUTUMN15"]["used"] == 1
    assert (await looked_up(bench, "AUTUMN15")).used in {1, None}


async def test_the_checkout_keeps_the_limit(bench: Bench) -> None:
    await shelf(bench)
    write = await made(bench, limit=2)
    for who in (ADA, BEN):
        await buys(bench, "AUTUMN15", customer=who)
    await refused(bench, "AUTUMN15")
    await changed(bench, write, limit=3)
    await buys(bench, "AUTUMN15")
    await refused(bench, "AUTUMN15")


@pytest.mark.parametrize("off", [{"active": False}, {"active": False, "limit": 9}, {"limit": 0}], ids=str)
async def test_a_code_that_is_switched_off_is_taken_no_more_and_can_come_back(
    bench: Bench, off: dict[str, Any]
) -> None:
    await shelf(bench)
    ends = bench.around.now().replace(microsecond=0) + ENDS_IN
    write = await made(bench, replace(FIFTEEN, ends_at=ends), limit=5)
    write = await changed(bench, write, **off)
    await refused(bench, "AUTUMN15")
    state = await looked_up(bench, "AUTUMN15")
    assert not state.active or state.limit == 0
    assert state.id == write.id, "it can still be looked up"
    assert state.terms == write.terms, "and its terms are still those"
    await changed(bench, write, active=True, limit=5)
    await buys(bench, "AUTUMN15")


@pytest.mark.parametrize("off", [{"active": False}, {"limit": 0}], ids=str)
async def test_a_code_may_begin_switched_off_and_is_there_all_the_same(bench: Bench, off: dict[str, Any]) -> None:
    await shelf(bench)
    write = await made(bench, **off)
    await refused(bench, "AUTUMN15")
    assert (await looked_up(bench, "AUTUMN15")).id == write.id


async def test_what_a_person_changes_is_seen(bench: Bench) -> None:
    await shelf(bench)
    write = await made(bench, limit=5)
    bench.shop.edit_coupon("AUTUMN15", percent=40, limit=1)
    await bench.seen()
    state = await looked_up(bench, "AUTUMN15")
    assert (state.id, state.limit) == (write.id, 1)
    assert state.terms is not None
    assert state.terms.percent == 4000
    bench.shop.delete_coupon("AUTUMN15")
    await bench.seen()
    assert list(await bench.coupons.find(["AUTUMN15"])) == []
