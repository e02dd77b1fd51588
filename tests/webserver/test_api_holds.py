"""Holds over the API: units that a till or a shop reserves, captures and gives back."""

from typing import Any

import pytest

from tests.engine.bench import one_sku
from tests.webserver.api_house import House, api_story


async def _held(house: House, **more: Any) -> dict[str, Any]:
    answer = await house.post("/holds", {"sku": "A", "quantity": 4, "expires_in": 600, **more})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def _available(house: House) -> int:
    body = (await house.get("/skus/A")).json()
    return int(body["places"][0]["available"])


def test_a_hold_takes_units_out_of_what_every_channel_shows() -> None:
    async def story(house: House) -> None:
        hold = await _held(house, note="for Ms. B.")
        assert (hold["state"], hold["quantity"], hold["note"]) == ("open", 4, "for Ms. B.")
        assert (await house.get(f"/holds/{hold['id']}")).json() == hold
        assert house.pokes == 1
        await house.bench.sync()
        assert house.bench.numbers("A") == [6, 6]
        assert house.bench.balance("A") == 10

    api_story(story, "woocommerce", "square")


def test_a_captured_hold_is_a_sale() -> None:
    async def story(house: House) -> None:
        hold = await _held(house)
        answer = await house.post(f"/holds/{hold['id']}/capture")
        assert (answer.status_code, answer.json()["state"]) == (200, "captured")
        assert house.bench.whys("A") == [("opening", 10), ("sale", -4)]
        assert await _available(house) == 6
        order = (await house.get(f"/orders/api:till/hold-{hold['id']}")).json()
        assert order["effects"] == [{"sku": "A", "place": "main", "net": -4, "before": 0}]
        back = await house.sell(f"hold-{hold['id']}", {"A": 3}, revision=2)
        assert back.json()["outcome"] == "booked"
        assert house.bench.whys("A")[-1] == ("refund", 1)

    api_story(story)


def test_a_released_hold_gives_the_units_back() -> None:
    async def story(house: House) -> None:
        hold = await _held(house)
        answer = await house.post(f"/holds/{hold['id']}/release")
        assert (answer.status_code, answer.json()["state"]) == (200, "released")
        assert await _available(house) == 10
        for step in ("release", "capture"):
            again = await house.post(f"/holds/{hold['id']}/{step}")
            assert again.status_code == 409
            assert "released already" in again.json()["detail"]
        assert house.bench.whys("A") == [("opening", 10)]

    api_story(story)


def test_a_hold_ends_by_itself() -> None:
    async def story(house: House) -> None:
        hold = await _held(house, expires_in=60)
        await house.bench.sync()
        assert house.bench.numbers("A") == [6]
        await house.bench.wait(60)
        assert (await house.get(f"/holds/{hold['id']}")).json()["state"] == "expired"
        assert await _available(house) == 10
        await house.bench.sync()
        assert house.bench.numbers("A") == [10]
        assert (await house.get(f"/holds/{hold['id']}")).json()["state"] == "expired"

    api_story(story)


@pytest.mark.parametrize("swept", [True, False])
@pytest.mark.parametrize("step", ["capture", "release"])
def test_a_hold_that_is_over_can_be_neither_captured_nor_released(step: str, swept: bool) -> None:
    async def story(house: House) -> None:
        hold = await _held(house, expires_in=60)
        await house.bench.wait(61)
        if swept:
            await house.bench.sync()
        answer = await house.post(f"/holds/{hold['id']}/{step}")
        assert answer.status_code == 409
        assert answer.json()["next"] == "make a new hold"
        assert house.bench.whys("A") == [("opening", 10)]

    api_story(story)


def test_units_of_a_hold_that_is_over_can_be_held_again_at_once() -> None:
    async def story(house: House) -> None:
        await _held(house, quantity=10, expires_in=60)
        refused = await house.post("/holds", {"sku": "A", "quantity": 1, "expires_in": 60})
        assert refused.status_code == 409
        assert "only 0 of A are free" in refused.json()["detail"]
        await house.bench.wait(61)
        await _held(house, quantity=10, expires_in=60)

    api_story(story)


def test_a_hold_ends_at_the_moment_that_was_named() -> None:
    async def story(house: House) -> None:
        answer = await house.post("/holds", {"sku": "A", "quantity": 1, "expires_at": "2026-11-02T12:00:00+01:00"})
        assert answer.json()["expires_at"] == "2026-11-02T11:00:00Z"
        past = await house.post("/holds", {"sku": "A", "quantity": 1, "expires_at": "2026-11-02T07:00:00Z"})
        assert past.status_code == 409

    api_story(story)


@pytest.mark.parametrize("ends", [{}, {"expires_in": 60, "expires_at": "2026-11-03T12:00:00Z"}])
def test_a_hold_ends_once(ends: dict[str, Any]) -> None:
    async def story(house: House) -> None:
        answer = await house.post("/holds", {"sku": "A", "quantity": 1, **ends})
        assert answer.status_code == 409
        assert answer.json()["where"] == "expires_in, expires_at"

    api_story(story)


def test_nothing_is_held_of_what_is_not_there() -> None:
    async def story(house: House) -> None:
        more = {"quantity": 1, "expires_in": 60}
        assert (await house.post("/holds", {"sku": "a", **more})).json()["next"] == "did you mean A?"
        assert (await house.post("/holds", {"sku": "a", **more})).status_code == 404
        assert (await house.post("/holds", {"sku": "A", "place": "moon", **more})).status_code == 409
        assert (await house.get("/holds/none")).status_code == 404
        for step in ("capture", "release"):
            assert (await house.post(f"/holds/none/{step}")).status_code == 404
        assert house.pokes == 0

    api_story(story)


def test_the_same_call_with_the_same_key_holds_once_also_after_a_restart() -> None:
    async def story(house: House) -> None:
        body = {"sku": "A", "quantity": 4, "expires_in": 600}
        first = await house.post("/holds", body, key="one")
        again = await house.post("/holds", dict(reversed(body.items())), key="one")
        assert (again.status_code, again.content) == (201, first.content)
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "true"
        restarted = House(house.bench)
        third = await restarted.post("/holds", body, key="one")
        assert (third.status_code, third.content, restarted.pokes) == (201, first.content, 0)
        assert await _available(house) == 6
        other = await house.post("/holds", {**body, "quantity": 5}, key="one")
        assert other.status_code == 422
        assert other.json()["where"] == "Idempotency-Key"
        elsewhere = await house.post(f"/holds/{first.json()['id']}/release", key="one")
        assert elsewhere.status_code == 422
        somebody_else = await house.post("/holds", body, key="one", token="other")
        assert somebody_else.json()["id"] != first.json()["id"]
        assert await _available(house) == 2

    api_story(story)


def test_what_was_refused_may_be_tried_again_with_the_same_key() -> None:
    async def story(house: House) -> None:
        body = {"sku": "A", "quantity": 11, "expires_in": 600}
        assert (await house.post("/holds", body, key="one")).status_code == 409
        await house.count("A", 20)
        assert (await house.post("/holds", body, key="one")).status_code == 201

    api_story(story)


def test_a_kit_is_not_held() -> None:
    async def story(house: House) -> None:
        answer = await house.post("/holds", {"sku": "SET", "quantity": 1, "expires_in": 60})
        assert answer.status_code == 409

    kit = {"title": "Set", "variants": [{"sku": "SET", "price": "20.00", "stock": 0}]}
    api_story(story, goods={"woocommerce": [*one_sku("A", 10), kit]}, kits={"SET": {"A": 2}})
