"""Codes of a campaign: one discount holds them, and they come and go 250 a call."""

from dataclasses import replace

import pytest

from bridge.contract.loyalty import CouponState, CouponWrite
from bridge.sandbox.kit.platform import RefusedError
from tests.connectors.shopify.loyal_world import TENTH, Loyal, Open, open_loyal

__all__ = ["open_loyal"]


@pytest.fixture
def world(open_loyal: Open) -> Loyal:
    return open_loyal()


def codes(count: int, *, limit: int | None = 1) -> list[CouponWrite]:
    return [CouponWrite(code=f"SUN{number:04}", terms=TENTH, limit=limit, group="SUMMER") for number in range(count)]


def test_one_discount_holds_them_and_250_take_one_call(world: Loyal) -> None:
    writes = codes(600)
    assert [len(batch) for batch in world.coupons.batches(writes)] == [250, 250, 100]
    results = world.write(*writes)
    assert [one.kind for one in results[:2]] == ["done", "later"]
    assert {one.group_id for one in results} == {results[0].group_id}
    assert world.sent.count("CodesAdd") == 3
    assert world.sent.count("DiscountWrite") == 1
    found = world.find(*(write.code for write in writes))
    assert len(found) == 600
    assert {(state.group_id, state.limit, state.terms) for state in found.values()} == {(results[0].group_id, 1, TENTH)}
    assert len({state.id for state in found.values()}) == 600
    assert world.shop.coupons()["SUN0599"]["id"].endswith(found["SUN0599"].id)


def test_finding_some_of_very_many_does_not_read_them_all(world: Loyal) -> None:
    world.write(*codes(1200))
    world.sent.clear()
    found = world.find("SUN0777", "SUN1100")
    assert set(found) == {"SUN0777", "SUN1100"}
    assert world.sent == ["CodesAt", "DiscountsById", "RedeemCodes"]
    world.sent.clear()
    assert len(world.find(*(f"SUN{number:04}" for number in range(250)))) == 250
    assert len(world.sent) <= 9


def test_each_code_works_once(world: Loyal) -> None:
    world.write(*codes(3))
    world.buy("SUN0000")
    world.buy("SUN0001")
    with pytest.raises(RefusedError, match="usage limit"):
        world.buy("SUN0001", email="b@example.com")


def test_were_the_limit_the_discounts_own_codes_would_fail_too_early_never_too_late(open_loyal: Open) -> None:
    world = open_loyal(limit_per_code=False)
    world.write(*codes(3))
    world.buy("SUN0000")
    with pytest.raises(RefusedError, match="usage limit"):
        world.buy("SUN0001", email="b@example.com")


def test_the_campaign_is_found_again_though_the_search_lags(open_loyal: Open) -> None:
    world = open_loyal(search_lag=120.0)
    first, *_ = world.write(*codes(2))
    assert [one.kind for one in world.write(*codes(2))] == ["done", "done"], "a second time nothing is made"
    later = world.write(*[replace(write, code=f"MORE{place}") for place, write in enumerate(codes(2))])
    assert {one.group_id for one in later} == {first.group_id}
    assert len(world.find("SUN0000", "SUN0001", "MORE0", "MORE1")) == 4


def test_a_code_is_taken_out_and_put_back(world: Loyal) -> None:
    world.write(*codes(3))
    state = world.find("SUN0001")["SUN0001"]
    off = CouponWrite(
        code="SUN0001", terms=TENTH, limit=1, group="SUMMER", group_id=state.group_id, id=state.id, active=False
    )
    (out,) = world.write(off)
    assert (out.kind, out.id, out.group_id) == ("done", "", state.group_id)
    assert set(world.find("SUN0000", "SUN0001", "SUN0002")) == {"SUN0000", "SUN0002"}
    with pytest.raises(RefusedError, match="valid"):
        world.buy("SUN0001")
    # Again, as after a lost answer: harmless.
    assert world.write(off)[0].kind == "gone"
    world.write(replace(off, id="", active=True))
    assert world.find("SUN0001")["SUN0001"].group_id == state.group_id


def test_codes_that_begin_switched_off_are_there_and_are_switched_on_one_by_one(world: Loyal) -> None:
    world.write(*codes(3, limit=0))
    found = world.find("SUN0000", "SUN0001", "SUN0002")
    assert [state.active for state in found.values()] == [False] * 3
    world.write(CouponWrite(code="OTHER", terms=TENTH, limit=1, group="SUMMER"))
    on = [replace(row, limit=1, id=found[row.code].id, group_id=found[row.code].group_id) for row in codes(3)]
    world.write(on[1])
    found = world.find("SUN0000", "SUN0001", "SUN0002", "OTHER")
    assert [state.active for state in found.values()] == [False, False, True, True]
    assert found["SUN0001"].group_id == found["OTHER"].group_id
    world.buy("SUN0001")
    with pytest.raises(RefusedError, match="expired"):
        world.buy("SUN0000", email="b@example.com")
    # All that are left in it: nothing has to move.
    results = world.write(on[0], on[2])
    assert [(one.kind, one.group_id) for one in results] == [("done", on[0].group_id)] * 2
    world.buy("SUN0000", email="b@example.com")


def test_a_code_that_moves_while_shopify_takes_its_time_is_later_and_not_taken(open_loyal: Open) -> None:
    world = open_loyal(job_seconds=30.0)
    world.write(*codes(2, limit=0))
    world.passes(31)
    state = world.find("SUN0001")["SUN0001"]
    row = replace(codes(2)[1], id=state.id, group_id=state.group_id)
    assert world.write(row)[0].kind == "later"
    world.passes(31)
    assert world.write(row)[0].kind == "gone"
    assert world.write(replace(row, id="", group_id=""))[0].kind == "done"
    assert world.find("SUN0001")["SUN0001"].active


def test_what_all_codes_of_a_discount_share_is_changed_where_all_are(world: Loyal) -> None:
    world.write(*codes(2))
    rows = [
        replace(row, limit=4, id=state.id, group_id=state.group_id)
        for row in codes(2)
        for state in [world.find(row.code)[row.code]]
    ]
    assert [one.kind for one in world.write(*rows)] == ["done", "done"]
    assert {state.limit for state in world.find("SUN0000", "SUN0001").values()} == {4}


def test_the_terms_of_all_are_changed_in_one_call(world: Loyal) -> None:
    world.write(*codes(5))
    found = world.find(*(write.code for write in codes(5)))
    fifth = replace(TENTH, percent=2000)
    rows = [replace(w, terms=fifth, id=found[w.code].id, group_id=found[w.code].group_id) for w in codes(5)]
    world.shop.delete_coupon("SUN0004")
    world.sent.clear()
    results = world.write(*rows)
    assert [one.kind for one in results] == ["done"] * 4 + ["gone"]
    assert world.sent == ["CampaignCodes", "DiscountWrite"]
    assert world.find("SUN0003")["SUN0003"].terms == fifth


def test_another_limit_is_another_discount_and_cannot_be_changed_for_one(world: Loyal) -> None:
    world.write(*codes(1))
    world.write(*(CouponWrite(code=code, terms=TENTH, limit=5, group="SUMMER") for code in ("FIVE1", "FIVE2")))
    found = world.find("SUN0000", "FIVE1", "FIVE2")
    assert found["SUN0000"].group_id != found["FIVE1"].group_id == found["FIVE2"].group_id
    one = found["FIVE1"]
    row = CouponWrite(code="FIVE1", terms=TENTH, limit=4, group="SUMMER", group_id=one.group_id, id=one.id)
    (refused,) = world.write(row)
    assert refused.kind == "refused"
    assert "share one limit, 5" in refused.reason
    assert world.find("FIVE2")["FIVE2"].limit == 5


def test_other_terms_of_a_campaign_never_fall_into_the_same_discount(world: Loyal) -> None:
    world.write(*codes(1))
    fifth = replace(TENTH, percent=2000)
    world.write(CouponWrite(code="FIFTH", terms=fifth, limit=1, group="SUMMER"))
    found = world.find("SUN0000", "FIFTH")
    assert (found["SUN0000"].terms, found["FIFTH"].terms) == (TENTH, fifth)


def test_codes_that_are_used_beside_others_stand_alone(world: Loyal) -> None:
    stacks = replace(TENTH, stacks=True)
    results = world.write(*(replace(row, terms=stacks) for row in codes(2)))
    assert [(one.kind, one.group_id) for one in results] == [("done", ""), ("done", "")]
    world.buy("SUN0000", "SUN0001")


def test_codes_that_are_taken_do_not_hold_up_the_campaign(world: Loyal) -> None:
    for code in ("SUN0000", "SUN0002"):
        world.shop.add_coupon(code, percent=5)
    results = world.write(*codes(4))
    assert [one.kind for one in results] == ["taken", "done", "taken", "later"]
    found = world.find(*(row.code for row in codes(4)))
    assert (found["SUN0001"].group_id, found["SUN0002"].group_id) == (results[1].group_id, "")


def test_a_code_that_is_taken_meanwhile_is_told_and_the_others_go_again(world: Loyal) -> None:
    world.meanwhile["DiscountWrite"] = lambda: world.shop.add_coupon("SUN0000", percent=5)
    assert [one.kind for one in world.write(*codes(3))] == ["taken", "retry", "retry"]
    assert [one.kind for one in world.write(*codes(3))] == ["taken", "done", "later"]


def test_a_job_that_takes_its_time_is_later_until_it_is_done(open_loyal: Open) -> None:
    world = open_loyal(job_seconds=30.0)
    first, second = world.write(*codes(2))
    assert set(world.find("SUN0000", "SUN0001")) == {"SUN0000"}
    world.passes(31)
    state = world.find("SUN0001")["SUN0001"]
    (off,) = world.write(replace(codes(2)[1], id=state.id, group_id=second.group_id, active=False))
    assert off.kind == "later"
    world.passes(31)
    assert set(world.find("SUN0000", "SUN0001")) == {"SUN0000"}
    assert first.group_id == second.group_id


def test_a_discount_with_several_codes_made_by_hand_is_read_and_never_changed_for_one(world: Loyal) -> None:
    world.write(*codes(2))

    async def read() -> list[CouponState]:
        return [state async for page in world.coupons.all() for state in page.items]

    states = world.run(read())
    assert [state.code for state in states] == ["SUN0000", "SUN0001"]
    theirs = CouponWrite(
        code="SUN0001", terms=replace(TENTH, percent=5000), limit=1, id=states[1].id, group_id=states[1].group_id
    )
    (one,) = world.write(theirs)
    assert one.kind == "refused"
    assert world.find("SUN0001")["SUN0001"].terms == TENTH


def test_all_reads_on_in_a_discount_with_many_codes(world: Loyal) -> None:
    world.write(*codes(300))

    async def read() -> list[CouponState]:
        return [state async for page in world.coupons.all() for state in page.items]

    assert len({state.id for state in world.run(read())}) == 300
