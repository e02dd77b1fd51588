"""Codes that stand alone: one discount each, made, changed and switched off as the terms say."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.contract.errors import Refused, TryLater
from bridge.contract.loyalty import CouponState, CouponWrite
from bridge.domain.coupons import CouponTerms
from bridge.domain.money import Money
from bridge.sandbox.kit.platform import RefusedError
from tests.connectors.shopify.loyal_world import TENTH, Loyal, Open, open_loyal

__all__ = ["open_loyal"]

FULL = CouponTerms(
    kind="fixed", amount=Money(500, "USD"), minimum=Money(3000, "USD"), per_customer=1, stacks=True,
    starts_at=datetime(2026, 1, 1, tzinfo=UTC), ends_at=datetime(2030, 1, 1, tzinfo=UTC),
)  # fmt: skip


@pytest.fixture
def world(open_loyal: Open) -> Loyal:
    return open_loyal()


def goods(world: Loyal, *skus: str) -> tuple[tuple[str, str], ...]:
    async def read() -> list[Any]:
        return [product async for page in world.channel.catalog.all() for product in page.items]

    found = {variant.sku: (product.id, variant.id) for product in world.run(read()) for variant in product.variants}
    return tuple(found[sku] for sku in skus)


@pytest.mark.parametrize(
    "terms",
    [
        TENTH, FULL, CouponTerms(kind="percent", percent=1250), CouponTerms(kind="percent", percent=10_000),
        CouponTerms(kind="free_shipping", minimum=Money(5000, "USD")), CouponTerms(kind="free_shipping", stacks=True),
    ],
)  # fmt: skip
def test_terms_come_back_as_they_were_written(world: Loyal, terms: CouponTerms) -> None:
    (made,) = world.write(CouponWrite(code="TERMS", terms=terms, limit=7))
    assert made.kind == "done"
    state = world.find("terms")["TERMS"]
    assert (state.id, state.group_id, state.limit, state.active) == (made.id, "", 7, True)
    assert (state.terms, state.foreign) == (terms, "")
    # Changed to others, and back again.
    for other in (replace(TENTH, percent=2000), terms):
        assert world.write(CouponWrite(code="TERMS", terms=other, id=made.id))[0].kind == "done"
        assert world.find("TERMS")["TERMS"].terms == other


def test_the_checkout_follows_the_terms(world: Loyal) -> None:
    world.write(CouponWrite(code="FULL", terms=FULL, limit=2))
    with pytest.raises(RefusedError, match="minimum"):
        world.buy("FULL")
    world.buy("FULL", quantity=2)
    with pytest.raises(RefusedError, match="already used"):
        world.buy("FULL", quantity=2)
    world.buy("FULL", quantity=2, email="b@example.com")
    with pytest.raises(RefusedError, match="usage limit"):
        world.buy("FULL", quantity=2, email="c@example.com")
    assert world.find("FULL")["FULL"].used == 2


def test_twenty_codes_take_one_call(world: Loyal) -> None:
    writes = [CouponWrite(code=f"CODE{number}", terms=TENTH) for number in range(45)]
    assert [len(batch) for batch in world.coupons.batches(writes)] == [20, 20, 5]
    assert {one.kind for one in world.write(*writes)} == {"done"}
    assert world.sent.count("DiscountWrite") == 3
    assert set(world.sent) == {"Who", "DiscountWrite"}


def test_a_code_is_switched_off_and_on_again(world: Loyal) -> None:
    (made,) = world.write(CouponWrite(code="SWITCH", terms=FULL))
    on = CouponWrite(code="SWITCH", terms=FULL, id=made.id)
    for off in (replace(on, active=False), replace(on, limit=0)):
        assert world.write(off)[0].kind == "done"
        state = world.find("SWITCH")["SWITCH"]
        assert (state.active, state.terms) == (False, FULL)
        with pytest.raises(RefusedError, match="expired"):
            world.buy("SWITCH", quantity=2)
        world.write(on)
        assert world.find("SWITCH")["SWITCH"].terms == FULL
    world.buy("SWITCH", quantity=2)


def test_a_code_can_be_made_that_does_not_work_yet(world: Loyal) -> None:
    (made,) = world.write(CouponWrite(code="LATER", terms=TENTH, limit=0))
    state = world.find("LATER")["LATER"]
    assert (made.kind, state.active, state.terms) == ("done", False, TENTH)
    with pytest.raises(RefusedError, match="expired"):
        world.buy("LATER")
    world.write(CouponWrite(code="LATER", terms=TENTH, limit=1, id=made.id))
    world.buy("LATER")


def test_goods_are_limited_and_the_limit_is_changed(world: Loyal) -> None:
    terms = replace(TENTH, skus=("CAP",))
    (made,) = world.write(CouponWrite(code="CAPS", terms=terms, only=goods(world, "CAP")))
    assert world.find("CAPS")["CAPS"].terms == terms
    with pytest.raises(RefusedError, match="items"):
        world.buy("CAPS")
    for skus in (("CAP", "MUG"), ("MUG",), ("MUG",)):
        wanted = replace(TENTH, skus=skus)
        assert (
            world.write(CouponWrite(code="CAPS", terms=wanted, only=goods(world, *skus), id=made.id))[0].kind == "done"
        )
        assert world.find("CAPS")["CAPS"].terms == wanted
    world.write(CouponWrite(code="CAPS", terms=TENTH, id=made.id))
    assert world.find("CAPS")["CAPS"].terms == TENTH


def test_goods_that_are_not_listed_never_make_it_a_code_for_all(world: Loyal) -> None:
    for terms in (replace(TENTH, skus=("NOWHERE",)), replace(TENTH, tags=("summer",))):
        (one,) = world.write(CouponWrite(code="NOWHERE", terms=terms))
        assert one.kind == "refused"
        assert "bridge link" in one.reason
    assert world.shop.coupons() == {}


def test_a_code_for_certain_people(world: Loyal) -> None:
    world.shop.add_customer(name="Ann", email="ann@example.com")
    world.shop.add_customer(name="Bob", email="bob@example.com")
    terms = replace(TENTH, emails=("ann@example.com",))
    made, unknown = world.write(
        CouponWrite(code="ANN", terms=terms),
        CouponWrite(code="EVE", terms=replace(TENTH, emails=("eve@example.com", "ann@example.com"))),
    )
    assert (made.kind, unknown.kind) == ("done", "refused")
    assert "1 of the 2" in unknown.reason
    # A code of points is parked nowhere, so there would be nothing to retry.
    assert "then `bridge coupon push` with the code" in unknown.reason
    assert "eve@" not in unknown.reason
    assert world.find("ANN")["ANN"].terms == terms
    with pytest.raises(RefusedError, match="customer"):
        world.buy("ANN", email="bob@example.com")
    world.write(CouponWrite(code="ANN", terms=replace(TENTH, emails=("bob@example.com",)), id=made.id))
    with pytest.raises(RefusedError, match="customer"):
        world.buy("ANN", email="ann@example.com")
    world.buy("ANN", email="bob@example.com")


def test_a_code_for_one_person_is_for_those_of_their_addresses_that_are_customers(world: Loyal) -> None:
    world.shop.add_customer(name="Ann", email="ann@example.com")
    one = CouponWrite(
        code="ANN", terms=replace(TENTH, emails=("ann@old.example.com", "ann@example.com")), one_person=True
    )
    (made,) = world.write(one)
    assert (made.kind, world.find("ANN")["ANN"].terms) == ("done", replace(TENTH, emails=("ann@example.com",)))
    (stranger,) = world.write(replace(one, code="EVE", terms=replace(TENTH, emails=("eve@example.com",))))
    assert (stranger.kind, "EVE" in world.shop.coupons()) == ("refused", False)


def test_one_bad_row_does_not_hold_up_the_others(world: Loyal) -> None:
    world.shop.add_coupon("THEIRS", percent=5)
    results = world.write(
        CouponWrite(code="GOOD", terms=TENTH), CouponWrite(code="THEIRS", terms=TENTH),
        CouponWrite(code="GONE", terms=TENTH, id="99"), CouponWrite(code="OFF", terms=TENTH, id="99", active=False),
        CouponWrite(code="FRANCS", terms=replace(FULL, amount=Money(500, "CHF"))),
    )  # fmt: skip
    assert [one.kind for one in results] == ["done", "taken", "gone", "gone", "refused"]
    assert world.find("THEIRS")["THEIRS"].terms is not None


@pytest.mark.parametrize(
    ("terms", "word"),
    [
        (replace(TENTH, per_customer=2), "2 uses a customer"),
        (replace(TENTH, first_order=True), "first orders"),
        (replace(TENTH, excluded=("MUG",)), "never works for"),
        (CouponTerms(kind="free_shipping", skus=("MUG",)), "free shipping for certain goods"),
        (replace(TENTH, percent=0), "percent"),
        (CouponTerms(kind="fixed"), "fixed sum"),
        (replace(TENTH, emails=tuple(f"{number}@example.com" for number in range(251))), "addresses"),
        (replace(FULL, ends_at=FULL.starts_at), "end"),
    ],
)
def test_what_cannot_be_said_is_named_and_not_written(world: Loyal, terms: CouponTerms, word: str) -> None:
    (objection,) = world.coupons.objections(terms)
    assert word in objection
    (one,) = world.write(CouponWrite(code="NOT", terms=terms))
    assert one.kind == "refused"
    assert word in one.reason
    assert world.shop.coupons() == {}
    assert world.coupons.objections(TENTH) == world.coupons.objections(FULL) == []


def test_a_lost_answer_is_told_and_looked_up(world: Loyal) -> None:
    world.faults.add(body="mutation DiscountWrite", kind="cut_after", times=1)
    with pytest.raises(TryLater) as raised:
        world.write(CouponWrite(code="LOST", terms=TENTH))
    assert raised.value.maybe_applied
    assert world.sent.count("DiscountWrite") == 1
    assert world.find("LOST")["LOST"].terms == TENTH


def test_all_reads_every_code_and_says_what_is_foreign(world: Loyal) -> None:
    world.shop.add_coupon("PLAIN", percent=5, limit=3)
    world.shop.add_coupon("FINE", percent=12.345)
    for number in range(60):
        world.shop.add_coupon(f"MANY{number}", percent=5)

    async def read() -> list[CouponState]:
        return [state async for page in world.coupons.all() for state in page.items]

    found = {state.code: state for state in world.run(read())}
    assert len(found) == 62
    assert found["PLAIN"].limit == 3
    assert found["FINE"].terms is None
    assert "12.345 percent" in found["FINE"].foreign
    assert world.sent.count("Discounts") == 2


def test_the_count_lags_and_a_code_deleted_by_hand_is_not_found(open_loyal: Open) -> None:
    world = open_loyal(usage_lag=60.0)
    world.write(CouponWrite(code="LAG", terms=TENTH))
    world.buy("LAG")
    assert world.find("LAG")["LAG"].used == 0
    world.passes(61)
    assert world.find("lag")["LAG"].used == 1
    world.shop.delete_coupon("LAG")
    assert world.find("LAG") == {}


def test_rows_that_are_no_batch_are_refused(world: Loyal) -> None:
    mixed = [CouponWrite(code="ONE", terms=TENTH), CouponWrite(code="TWO", terms=TENTH, group="SUMMER")]
    for rows in ([], mixed, [CouponWrite(code=f"C{n}", terms=TENTH) for n in range(21)]):
        with pytest.raises(Refused):
            world.run(world.coupons.write(rows, "key"))
