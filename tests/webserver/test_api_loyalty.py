"""Points and codes over the API: what a till asks at the counter, and what it is told when it cannot be."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from bridge.domain.coupons import CouponTerms
from bridge.domain.money import Money
from tests.webserver.api_house import House, api_story
from tests.webserver.loyal_house import ADA, CODE, LOYALTY, balance, code, free, left, member

BOTH = ("woocommerce", "square")


def story(tale: Callable[[House], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Tell a story in a house whose merchant gives points; the till of the house is Square, which has no codes of its own."""

    def test() -> None:
        api_story(tale, *BOTH, loyalty=LOYALTY)

    return test


async def redeem(house: House, points: int = 500, **more: Any) -> dict[str, Any]:
    answer = await house.post(f"/customers/{ADA}/redemptions", {"points": points, **more})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def claim(house: House, name: str = CODE, **more: Any) -> dict[str, Any]:
    answer = await house.post(f"/coupons/{name}/claims", {"channel": "square", **more})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def online(house: House) -> dict[str, dict[str, Any]]:
    """The web shop's own view of its codes."""
    found: dict[str, dict[str, Any]] = house.bench.shop("woocommerce").coupons()
    return found


@story
async def test_somebody_is_found_by_a_contact_or_an_account_and_nothing_is_said_of_who_it_is(house: House) -> None:
    member(house.bench.world.context, 1200)
    told = []
    for asked in ("email=ADA@Example.com", "phone=%2B49%2030%20901820", "phone=030/901820", "phone=+4930901820",
                  "account=woocommerce:17"):  # fmt: skip
        answer = await house.get(f"/customers?{asked}")
        assert answer.status_code == 200, (asked, answer.text)
        told.append(answer.json())
        assert "example.com" not in answer.text
        assert "901820" not in answer.text
    assert all(one == told[0] for one in told)
    assert (told[0]["person"], told[0]["balance"], told[0]["spendable"], told[0]["tier"]) == (ADA, 1200, 1200, "bronze")
    assert told[0]["worth"] == "12.00 USD"
    assert (await house.get(f"/customers/{ADA}")).json() == {"points": told[0], "codes": []}
    assert house.pokes == 0


@story
async def test_points_earned_online_are_there_at_the_till_with_their_lot(house: House) -> None:
    customer = {"name": "Ben Dale", "email": "ben@example.com"}
    house.bench.shop("woocommerce").sale([{"sku": "A", "quantity": 3}], customer=customer)
    await house.bench.wait()
    await house.bench.sync()
    found = (await house.get("/customers?email=ben@example.com")).json()
    points = (await house.get(f"/customers/{found['person']}/points")).json()
    assert points["points"] == found
    (lot,), (move,) = points["lots"], points["movements"]
    assert found["balance"] == lot["earned"] == lot["left"] == move["change"] == move["balance"] == 30
    assert lot["because"].startswith("order ")
    assert (move["why"], move["channel"]) == ("earn", "woocommerce")


@pytest.mark.parametrize(
    ("asked", "status", "where"),
    [
        ("", 422, "query"),
        ("?email=ada@example.com&phone=030901820", 422, "query"),
        ("?email=ada", 422, "email"),
        ("?phone=ada", 422, "phone"),
        ("?account=17", 422, "account"),
        ("?name=ada", 422, "query"),
        ("?email=" + "a" * 400, 422, "query.email"),
        ("?email=eve@example.com", 404, None),
        ("?phone=%2B4930901821", 404, None),
        ("?account=woocommerce:18", 404, None),
        (f"?account={ADA}", 422, "account"),
        ("/cust_eve", 404, None),
        ("/cust_eve/points", 404, None),
        ("/ada@example.com", 404, None),
        (f"/{ADA}/points?limit=0", 422, "query.limit"),
    ],
)
def test_who_asks_for_nobody_is_told_what_to_do(asked: str, status: int, where: str | None) -> None:
    async def told(house: House) -> None:
        member(house.bench.world.context, 10)
        answer = await house.get(f"/customers{asked}")
        body = answer.json()
        assert answer.status_code == status, answer.text
        assert body["next"]
        assert where is None or body["where"].startswith(where)
        assert "@" not in body["detail"]
        assert not body["next"].startswith("for whoever runs")

    api_story(told, loyalty=LOYALTY)


@story
async def test_points_become_a_code_that_every_channel_takes_once(house: House) -> None:
    context = house.bench.world.context
    member(context, 1200)
    made = await redeem(house)
    assert (made["points"], made["discount"], made["channels"]) == (500, "5.00 USD off", ["woocommerce", "square"])
    assert made["ends_at"] == (context.now() + timedelta(hours=2)).isoformat().replace("+00:00", "Z")
    assert (made["balance"]["balance"], made["balance"]["held"], made["balance"]["spendable"]) == (1200, 500, 700)
    assert house.pokes == 1
    (mine,) = (await house.get(f"/customers/{ADA}")).json()["codes"]
    assert (mine["code"], mine["state"], mine["points"]) == (made["code"], "open", 500)
    await house.bench.sync()
    assert online(house)[made["code"]]["active"]
    promised = await claim(house, made["code"], customer=ADA)
    assert promised["discount"]["amount"] == 500
    assert promised["discount"]["currency"] == "USD"
    await house.bench.sync()
    assert not online(house)[made["code"]]["active"], "what is promised at the till is not to be had online"
    done = await house.post(f"/claims/{promised['id']}/capture")
    assert (done.status_code, done.json()["state"]) == (200, "used")
    assert balance(context).balance == 700
    assert free(context) == 700
    assert (await house.get(f"/coupons/{made['code']}")).json()["code"]["state"] == "used up"


@story
async def test_a_closed_code_gives_its_points_back_and_is_gone_online(house: House) -> None:
    member(house.bench.world.context, 500)
    made = await redeem(house)
    await house.bench.sync()
    closed = await house.post(f"/coupons/{made['code'].lower()}/close")
    assert (closed.status_code, closed.json()["state"]) == (200, "closed")
    assert free(house.bench.world.context) == 500
    await house.bench.sync()
    assert not online(house)[made["code"]]["active"]
    late = await house.post(f"/coupons/{made['code']}/claims", {"channel": "square"})
    assert late.status_code == 409
    assert "is closed" in late.json()["detail"]
    code(house.bench.world.context)
    refused = await house.post(f"/coupons/{CODE}/close")
    assert refused.status_code == 409, "a till closes no code of the merchant's"
    assert left(house.bench.world.context) == 1


@story
async def test_a_code_that_nobody_uses_in_time_gives_its_points_back(house: House) -> None:
    member(house.bench.world.context, 500)
    made = await redeem(house)
    await house.bench.wait(2 * 3600)
    late = await house.post(f"/coupons/{made['code']}/claims", {"channel": "square"})
    assert late.status_code == 409
    assert "ended at" in late.json()["detail"]
    again = await redeem(house)
    assert again["code"] != made["code"]


@story
async def test_points_that_are_not_free_become_no_code(house: House) -> None:
    member(house.bench.world.context, 500)
    await redeem(house, 300)
    answer = await house.post(f"/customers/{ADA}/redemptions", {"points": 300})
    assert answer.status_code == 409
    assert answer.json()["detail"] == "only 200 points can be spent, 300 were asked for"
    assert answer.json()["next"] == "300 are in open codes"
    for body, status in (
        ({"points": 0}, 422),
        ({"points": -5}, 422),
        ({"points": 1.5}, 422),
        ({"points": 5, "channel": "square"}, 422),
        ({}, 422),
        ({"points": 100, "channels": ["moon"]}, 409),
    ):
        refused = await house.post(f"/customers/{ADA}/redemptions", body)
        assert refused.status_code == status, refused.text
        assert refused.json()["next"]
    assert (await house.post("/customers/cust_eve/redemptions", {"points": 5})).status_code == 404
    assert free(house.bench.world.context) == 200
    assert house.pokes == 1


@story
async def test_the_same_redemption_with_the_same_key_is_made_once_also_after_a_restart(house: House) -> None:
    member(house.bench.world.context, 1000)
    path, body = f"/customers/{ADA}/redemptions", {"points": 500}
    first = await house.post(path, body, key="one")
    again = await house.post(path, body, key="one")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    third = await House(house.bench).post(path, body, key="one")
    assert third.content == first.content
    assert free(house.bench.world.context) == 500
    other = await house.post(path, {"points": 501}, key="one")
    assert (other.status_code, other.json()["where"]) == (422, "Idempotency-Key")


@story
async def test_a_code_is_found_as_people_type_it(house: House) -> None:
    code(house.bench.world.context)
    for typed in (CODE, CODE.lower(), f" {CODE} ", "autumn-ofir", "AUTUMN-OFLR", "AUTUMN-0FlR"):
        answer = await house.get(f"/coupons/{quote(typed)}")
        assert answer.status_code == 200, typed
        assert answer.json()["code"]["code"] == CODE
    promised = await claim(house, "autumn-ofir")
    assert promised["code"] == CODE
    unknown = await house.get("/coupons/AUTUMN-0F2R")
    assert unknown.status_code == 404
    # A till's program runs no commands: whose step that is, is said.
    assert unknown.json()["next"] == "for whoever runs the bridge: `bridge coupon list` shows the codes"
    assert (await house.post("/coupons/NONE/claims", {"channel": "square"})).status_code == 404
    assert (await house.post("/coupons/NONE/close")).status_code == 404


@story
async def test_one_use_is_promised_to_one_till(house: House) -> None:
    code(house.bench.world.context)
    first = await claim(house, expires_in=60)
    assert (first["state"], first["discount"]["says"]) == ("open", "5.00 USD off")
    status = (await house.get(f"/coupons/{CODE}")).json()
    assert [one["id"] for one in status["claims"]] == [first["id"]]
    assert {one["channel"]: one["state"] for one in status["channels"]}["square"] == "by claim"
    second = await house.post(f"/coupons/{CODE}/claims", {"channel": "square"}, token="other")
    assert second.status_code == 409
    assert "no use of AUTUMN-0F1R is free at square" in second.json()["detail"]
    assert second.json()["next"]
    released = await house.post(f"/claims/{first['id']}/release")
    assert (released.status_code, released.json()["state"]) == (200, "released")
    third = await claim(house)
    for path in (f"/claims/{first['id']}/release", f"/claims/{first['id']}/capture"):
        over = await house.post(path)
        assert over.status_code == 409
        assert over.json()["next"] == "claim the code anew"
    used = await house.post(f"/claims/{third['id']}/capture", {"order": "R-7"})
    assert (used.json()["state"], used.json()["order_id"]) == ("used", "R-7")
    again = await house.post(f"/claims/{third['id']}/capture")
    assert (again.status_code, again.json()["order_id"]) == (200, "R-7")
    assert left(house.bench.world.context) == 0
    (use,) = (await house.get(f"/coupons/{CODE}")).json()["uses"]
    assert (use["channel"], use["order_id"], use["count"]) == ("square", "R-7", 1)


@pytest.mark.parametrize("swept", [True, False])
@pytest.mark.parametrize("step", ["capture", "release"])
def test_a_promise_that_is_over_is_nobodys_whether_time_was_swept_or_not(step: str, swept: bool) -> None:
    async def told(house: House) -> None:
        code(house.bench.world.context)
        first = await claim(house, expires_in=60)
        await house.bench.wait(61)
        if swept:
            await house.bench.sync()
        assert (await house.get(f"/coupons/{CODE}")).json()["claims"] == []
        late = await house.post(f"/claims/{first['id']}/{step}")
        assert late.status_code == 409
        assert late.json()["next"] == "claim the code anew"
        await claim(house)

    api_story(told, *BOTH, loyalty=LOYALTY)


@story
async def test_a_code_is_refused_where_its_terms_do_not_hold(house: House) -> None:
    context = house.bench.world.context
    member(context, 10)
    terms = CouponTerms(kind="percent", percent=1500, minimum=Money(2000, "USD"), per_customer=1)
    code(context, "FIFTEEN", terms, uses=10)
    code(context, "ONLINE", channels=("woocommerce",))
    code(context, "OVER", CouponTerms(kind="percent", percent=1000, ends_at=context.now() + timedelta(seconds=5)))
    await house.bench.wait(10)
    first = await claim(house, "FIFTEEN", customer=ADA, spent=2000)
    assert (first["discount"]["percent"], first["discount"]["minimum"]) == (1500, 2000)
    await house.post(f"/claims/{first['id']}/capture")
    for name, body, status, said in (
        ("FIFTEEN", {"customer": ADA, "spent": 1999}, 409, "is good from 20.00 USD on"),
        ("FIFTEEN", {"customer": ADA, "spent": 5000}, 409, "this customer has used FIFTEEN already"),
        ("FIFTEEN", {"spent": 5000}, 409, "must be known who buys"),
        ("FIFTEEN", {"customer": "cust_eve"}, 404, "nobody"),
        ("FIFTEEN", {"contact": "eve"}, 404, "nobody"),
        ("FIFTEEN", {"contact": "Ada@example.com", "spent": 5000}, 409, "this customer has used FIFTEEN already"),
        ("FIFTEEN", {"customer": ADA, "contact": "ada@example.com"}, 409, "named once"),
        ("ONLINE", {}, 409, "is not good at square"),
        ("OVER", {}, 409, "ended at"),
        ("FIFTEEN", {"spent": -1}, 422, ""),
        ("FIFTEEN", {"expires_in": 0}, 422, ""),
        ("FIFTEEN", {"channel": ""}, 422, ""),
        ("FIFTEEN", {"expires_in": 90_000}, 422, ""),
    ):
        answer = await house.post(f"/coupons/{name}/claims", {"channel": "square", **body})
        assert answer.status_code == status, answer.text
        assert said in answer.json()["detail"]
        assert answer.json()["next"]
    assert (await claim(house, "FIFTEEN", contact="eve@example.com", spent=2000))["discount"]["percent"] == 1500
    assert (await house.post("/claims/none/capture")).status_code == 404
    assert (await house.post("/claims/none/release")).status_code == 404
    assert (await house.post(f"/claims/{first['id']}/capture", {"order": 7})).status_code == 422


@story
async def test_a_scope_of_its_own_opens_points_and_codes(house: House) -> None:
    member(house.bench.world.context, 500)
    for token in ("reader", "scraper"):
        for path in (
            f"/customers/{ADA}",
            f"/customers/{ADA}/points",
            "/customers?email=ada@example.com",
            f"/coupons/{CODE}",
        ):
            answer = await house.get(path, token)
            assert answer.status_code == 403
            assert "needs the scope loyalty" in answer.json()["detail"]
        assert (await house.post(f"/customers/{ADA}/redemptions", {"points": 5}, token=token)).status_code == 403


def test_without_a_programme_nothing_is_redeemed_and_codes_work_all_the_same() -> None:
    async def told(house: House) -> None:
        context = house.bench.world.context
        member(context, 500)
        code(context)
        answer = await house.post(f"/customers/{ADA}/redemptions", {"points": 5})
        assert (answer.status_code, answer.json()["detail"]) == (409, "no points are given")
        assert answer.json()["next"] == "for whoever runs the bridge: write a [points] table into the config"
        await claim(house)

    api_story(told, *BOTH)


@story
async def test_while_no_channel_is_at_work_no_code_is_made(house: House) -> None:
    member(house.bench.world.context, 500)
    house.app.live = None
    answer = await house.post(f"/customers/{ADA}/redemptions", {"points": 5})
    assert answer.status_code == 409
    assert "bridge run" in answer.json()["next"]
    assert free(house.bench.world.context) == 500


def test_a_till_without_a_connector_claims_for_itself() -> None:
    async def tale(house: House) -> None:
        code(house.bench.world.context, uses=2)
        code(house.bench.world.context, "ONLINE", channels=("woocommerce",))
        answer = await house.post(f"/coupons/{CODE}/claims", {"contact": "eve@example.com"})
        assert (answer.status_code, answer.json()["channel"]) == (201, "api:till")
        captured = await house.post(f"/claims/{answer.json()['id']}/capture", {"order": "S-1"})
        assert captured.json()["state"] == "used"
        seen = (await house.get(f"/coupons/{CODE}")).json()
        assert [(one["channel"], one["order_id"], one["count"]) for one in seen["uses"]] == [("api:till", "S-1", 1)]
        assert {one["channel"] for one in seen["channels"]} == {"woocommerce", "square", "api:till", "api:other"}
        other = await house.post(f"/coupons/{CODE}/claims", {"channel": "api:till"}, token="other")
        assert (other.status_code, other.json()["detail"]) == (409, "api:till is another till")
        elsewhere = await house.post("/coupons/ONLINE/claims", {})
        assert "is not good at api:till" in elsewhere.json()["detail"]

    api_story(tale, *BOTH, loyalty=replace(LOYALTY, tills=("api:till", "api:other")))
