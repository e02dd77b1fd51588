"""Sales and counts that a till without connector reports over the API."""

from typing import Any

import pytest

from tests.engine.bench import one_sku
from tests.webserver.api_house import House, api_story


def test_a_reported_sale_reaches_every_channel() -> None:
    async def story(house: House) -> None:
        answer = await house.sell("S-1", {"A": 3, "B": 1})
        assert answer.status_code == 201
        assert answer.json() == {
            "channel": "api:till", "id": "S-1", "revision": 1, "outcome": "booked",
            "effects": [{"sku": "A", "place": "main", "net": -3, "before": 0}, {"sku": "B", "place": "main", "net": -1, "before": 0}],
        }  # fmt: skip
        assert house.pokes == 1
        await house.bench.sync()
        assert house.bench.numbers("A") == [7, 7]
        assert house.bench.whys("A") == [("opening", 10), ("sale", -3)]
        story_of_a = house.app.why("A")
        assert (story_of_a.counters[0].movements[0].channel, story_of_a.counters[0].movements[0].note) == (
            "api:till",
            "order S-1",
        )

    api_story(story, "woocommerce", "square")


def test_a_sale_that_is_sent_again_counts_once() -> None:
    async def story(house: House) -> None:
        at = house.now
        first = await house.sell("S-1", {"A": 3}, at=at, key="one")
        assert (await house.sell("S-1", {"A": 3}, at=at, key="one")).content == first.content
        again = await house.sell("S-1", {"A": 3}, at=at, key="another")
        assert (again.status_code, again.json()["outcome"]) == (200, "known")
        other = await house.post("/sales", {"id": "S-1", "occurred_at": at, "lines": []}, token="other")
        assert (other.status_code, other.json()["channel"]) == (201, "api:other")
        assert house.bench.whys("A") == [("opening", 10), ("sale", -3)]

    api_story(story)


def test_lines_of_one_sku_add_up() -> None:
    async def story(house: House) -> None:
        lines = [{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": 1}, {"sku": "A", "quantity": 2}]
        await house.post("/sales", {"id": "S-1", "occurred_at": house.now, "lines": lines})
        assert (house.bench.balance("A"), house.bench.balance("B")) == (7, 5)

    api_story(story)


def test_a_newer_revision_books_the_difference() -> None:
    async def story(house: House) -> None:
        await house.sell("S-1", {"A": 3, "B": 1})
        assert (await house.sell("S-1", {"A": 2, "B": 2}, revision=2)).status_code == 200
        assert house.bench.whys("A")[1:] == [("sale", -3), ("refund", 1)]
        assert house.bench.whys("B")[1:] == [("sale", -1), ("sale", -1)]
        cancelled = await house.sell("S-1", {}, revision=3)
        assert [one["net"] for one in cancelled.json()["effects"]] == [0, 0]
        assert house.bench.whys("A")[-1] == ("cancel", 2)
        assert (house.bench.balance("A"), house.bench.balance("B")) == (10, 6)
        assert (await house.get("/orders/api:till/S-1")).json()["status"] == "cancelled"

    api_story(story)


def test_an_older_revision_that_comes_late_changes_nothing() -> None:
    async def story(house: House) -> None:
        at = house.now
        await house.sell("S-1", {"A": 2}, revision=2)
        late = await house.sell("S-1", {"A": 3}, at=at)
        assert (late.status_code, late.json()["outcome"], late.json()["revision"]) == (200, "older", 2)
        assert house.bench.balance("A") == 8

    api_story(story)


def test_a_revision_that_contradicts_the_booked_one_is_refused() -> None:
    async def story(house: House) -> None:
        before = house.now
        await house.bench.wait()
        await house.sell("S-1", {"A": 2})
        same = await house.sell("S-1", {"A": 3})
        assert (same.status_code, same.json()["next"]) == (409, "send what changed as revision 2")
        earlier = await house.sell("S-1", {"A": 3}, at=before, revision=2)
        assert earlier.status_code == 409
        assert house.bench.balance("A") == 8

    api_story(story)


@pytest.mark.parametrize(
    ("units", "more", "status", "word"),
    [
        ({"A": 1, "TEE": 1}, {}, 404, "TEE"),
        ({"A": 1, "b": 1}, {}, 404, "did you mean B"),
        ({"A": 1}, {"place": "moon"}, 409, "moon"),
        ({"A": 1}, {"at": "2026-11-02T09:30:00Z"}, 409, "still to come"),
        ({"A": 1}, {"at": "1999-12-31T00:00:00Z"}, 409, "clock"),
        ({"A": 1}, {"at": "0001-01-01T00:00:00+14:00"}, 409, "clock"),
        ({"A": 1}, {"at": "9999-12-31T23:59:59-14:00"}, 409, "clock"),
        ({"A": 1}, {"revision": 0}, 422, "revision"),
    ],
)
def test_a_sale_that_cannot_be_booked_whole_is_not_booked(
    units: dict[str, int], more: dict[str, Any], status: int, word: str
) -> None:
    async def story(house: House) -> None:
        answer = await house.sell("S-1", units, **more)
        assert answer.status_code == status
        assert word in answer.text
        assert house.bench.whys("A") == [("opening", 10)]
        assert (await house.get("/orders")).json()["items"] == []
        assert (await house.sell("S-1", {"A": 1})).status_code == 201

    api_story(story)


def test_a_kit_takes_its_parts_and_keeps_taking_them_when_the_config_changes() -> None:
    async def story(house: House) -> None:
        await house.sell("S-1", {"SET": 2})
        assert (house.bench.balance("A"), house.bench.balance("B")) == (6, 4)
        assert house.app.live is not None
        house.app.live.rules.kits["SET"]["A"] = 1  # type: ignore[index]
        await house.sell("S-1", {"SET": 1}, revision=2)
        assert (house.bench.balance("A"), house.bench.balance("B")) == (8, 5)
        house.app.live.rules.kits["SET"]["A"] = 2  # type: ignore[index]

    kit = {"title": "Set", "variants": [{"sku": "SET", "price": "20.00", "stock": 0}]}
    goods = {"woocommerce": [*one_sku("A", 10), *one_sku("B", 6), kit]}
    api_story(story, goods=goods, kits={"SET": {"A": 2, "B": 1}})


def test_a_sale_from_before_the_ledger_is_inside_its_opening() -> None:
    async def story(house: House) -> None:
        answer = await house.sell("S-1", {"A": 3}, at="2026-11-02T07:00:00Z")
        assert answer.json()["effects"] == [{"sku": "A", "place": "main", "net": -3, "before": -3}]
        assert house.bench.balance("A") == 10
        await house.sell("S-1", {"A": 2}, revision=2)
        assert house.bench.whys("A") == [("opening", 10), ("refund", 1)]

    api_story(story)


def test_a_count_moves_the_ledger_by_what_differs() -> None:
    async def story(house: House) -> None:
        await house.sell("S-1", {"A": 1})
        answer = await house.count("A", 7)
        assert answer.status_code == 201
        body = answer.json()
        assert (body["expected"], body["moved"], body["balance"], body["available"]) == (9, -2, 7, 7)
        assert house.pokes == 2
        same = (await house.count("A", 7)).json()
        assert (same["expected"], same["moved"]) == (7, 0)
        assert house.bench.whys("A") == [("opening", 10), ("sale", -1), ("count", -2)]
        await house.bench.sync()
        assert house.bench.numbers("A") == [7, 7]
        assert house.app.why("A").counts[-1].note == "7 counted, 9 expected"

    api_story(story, "woocommerce", "square")


def test_a_count_is_of_its_time() -> None:
    """What happened after it is not in it."""

    async def story(house: House) -> None:
        at = house.now
        await house.bench.wait()
        await house.sell("S-1", {"A": 2})
        body = (await house.count("A", 9, at=at)).json()
        assert (body["expected"], body["moved"], body["balance"]) == (10, -1, 7)

    api_story(story)


def test_a_sale_from_before_a_count_that_comes_after_it_does_not_count_twice() -> None:
    async def story(house: House) -> None:
        at = house.now
        await house.bench.wait()
        await house.count("A", 7)
        await house.bench.wait()
        await house.sell("offline", {"A": 3}, at=at)
        assert house.bench.balance("A") == 7
        assert house.bench.whys("A")[1:] == [("count", -3), ("sale", -3), ("count", 3)]
        await house.sell("offline", {"A": 1}, revision=2)
        assert house.bench.balance("A") == 9
        await house.sell("online", {"A": 1})
        assert house.bench.balance("A") == 8

    api_story(story)


def test_a_return_from_before_a_count_that_comes_after_it_does_not_count_twice() -> None:
    async def story(house: House) -> None:
        await house.sell("S-1", {"A": 3, "B": 1})
        at = house.now
        await house.bench.wait()
        await house.count("A", 10)
        await house.sell("S-1", {"B": 1}, revision=2, at=at)
        assert house.bench.balance("A") == 10
        assert house.bench.balance("B") == 5

    api_story(story)


def test_units_that_are_sold_and_not_yet_shipped_are_counted_with_the_rest() -> None:
    async def story(house: House) -> None:
        house.bench.shop("woocommerce").sale([{"sku": "A", "quantity": 3}])
        await house.bench.wait()
        await house.bench.sync()
        body = (await house.count("A", 10)).json()
        assert (body["expected"], body["moved"], body["balance"]) == (10, 0, 7)

    api_story(story)


def test_an_order_from_before_a_count_that_is_heard_of_after_it_still_comes_off() -> None:
    """Its units lay on the shelf when it was counted; once shipped before it, they did not."""

    async def story(house: House) -> None:
        shop = house.bench.shop("woocommerce")
        shop.sale([{"sku": "A", "quantity": 3}])
        shipped = shop.sale([{"sku": "B", "quantity": 2}])
        await house.bench.wait()
        shop.fulfil(shipped)
        await house.bench.wait()
        await house.count("A", 10)
        await house.count("B", 4)
        await house.bench.wait()
        await house.bench.sync()
        assert (house.bench.balance("A"), house.bench.balance("B")) == (7, 4)

    api_story(story)


def test_news_of_a_shipment_from_before_a_count_takes_the_units_out_of_what_was_expected() -> None:
    async def story(house: House) -> None:
        shop = house.bench.shop("woocommerce")
        order = shop.sale([{"sku": "A", "quantity": 3}])
        await house.bench.wait()
        await house.bench.sync()
        shop.fulfil(order)
        await house.bench.wait()
        body = (await house.count("A", 7)).json()
        assert (body["expected"], body["balance"]) == (10, 4)
        await house.bench.wait()
        await house.bench.sync()
        assert house.bench.balance("A") == 7

    api_story(story)


def test_a_count_that_a_newer_one_has_overtaken_moves_nothing() -> None:
    async def story(house: House) -> None:
        at = house.now
        await house.bench.wait()
        newer = (await house.count("A", 7)).json()
        older = (await house.count("A", 5, at=at)).json()
        assert (older["moved"], older["balance"]) == (0, 7)
        assert older["overtaken"] == newer["counted_at"]

    api_story(story)


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({"counted_at": "2026-11-02T09:00:00Z"}, 409, "still to come"),
        ({"counted_at": "2026-11-02T07:00:00Z"}, 409, "kept since"),
        ({"sku": "a"}, 404, "did you mean A"),
        ({"place": "moon"}, 409, "moon"),
        ({"sku": "SET"}, 409, "count its parts: A"),
    ],
)
def test_a_count_that_makes_no_sense_is_refused(body: dict[str, Any], status: int, word: str) -> None:
    async def story(house: House) -> None:
        answer = await house.post("/counts", {"sku": "A", "quantity": 3, "counted_at": house.now, **body})
        assert answer.status_code == status
        assert word in answer.text
        assert house.bench.whys("A") == [("opening", 10)]
        assert house.bench.counted == []

    kit = {"title": "Set", "variants": [{"sku": "SET", "price": "20.00", "stock": 0}]}
    api_story(story, goods={"woocommerce": [*one_sku("A", 10), kit]}, kits={"SET": {"A": 2}})


def test_the_clock_of_a_till_may_be_a_little_ahead() -> None:
    async def story(house: House) -> None:
        assert (await house.count("A", 3, at="2026-11-02T08:01:00Z")).status_code == 201
        assert house.bench.balance("A") == 3

    api_story(story)
