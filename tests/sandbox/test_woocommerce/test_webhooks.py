"""Webhooks of the sandbox: what is sent, signed with what, and what the receiver's answers do."""

import random
from typing import Any

import pytest

from .bench import Bench, MakeBench, sized, variant
from .post_office import SECRET, URL, PostOffice, open_office


@pytest.fixture
def office(make_bench: MakeBench) -> PostOffice:
    """A shop that sells mugs (11) and shirts (12: 13, 14), and who listens to it."""
    made = open_office(make_bench)
    made.bench.shop.seed(
        [
            {"title": "Mug/Cup ü", "variants": [variant("MUG")]},
            {"title": "Shirt", "variants": sized("SHIRT", 5, "S", "M")},
        ]
    )
    return made


def status(office: PostOffice, key: int = 1) -> str:
    return str(office.bench.get(f"webhooks/{key}")["status"])


def fail(office: PostOffice, times: int, answer: int = 500) -> None:
    """Have this many deliveries answered badly."""
    office.answer = lambda _: answer
    for _ in range(times):
        office.bench.put("products/11")
        office.collect()


def test_a_delivery_is_signed_and_shows_what_the_api_shows(office: PostOffice) -> None:
    office.register("product.updated")
    office.bench.put("products/11", stock_quantity=4)
    (letter,) = office.collect()
    assert letter.signed_with(SECRET)
    assert b"Mug\\/Cup \\u00fc" in letter.body
    shown = office.bench.get("products/11")
    # The related products come in another order each time.
    assert {**letter.payload, "related_ids": []} == {**shown, "related_ids": []}
    names = ("source", "topic", "resource", "event", "id")
    assert [letter.headers[f"x-wc-webhook-{name}"] for name in names] == [
        *("https://shop.test/", "product.updated", "product", "updated", "1")
    ]
    assert (letter.url, letter.headers["content-type"]) == (URL, "application/json")
    assert letter.headers["user-agent"] == "WooCommerce/11.0.1 Hookshot (WordPress/7.0.4)"


def test_the_ping_is_a_form_without_signature(office: PostOffice) -> None:
    office.bench.post("webhooks", topic="order.created", delivery_url=URL)
    (ping,) = office.collect()
    assert ping.body == b"webhook_id=1"
    assert ping.headers["content-type"] == "application/x-www-form-urlencoded"
    assert not [name for name in ping.headers if name.startswith("x-wc-")]


@pytest.mark.parametrize("answer", [201, 204, 302, 500, 0])
def test_the_ping_comes_again_at_every_save_until_it_is_answered_200(office: PostOffice, answer: int) -> None:
    office.answer = lambda _: answer
    office.register("product.updated")
    office.bench.put("products/11")
    assert office.topics() == ["product.updated", "ping"]
    office.answer = lambda _: 200
    office.bench.put("webhooks/1", name="again")
    assert office.topics() == ["ping"]
    office.bench.put("products/11")
    assert office.topics() == ["product.updated"]


def test_another_address_is_pinged_and_a_paused_one_is_not(office: PostOffice) -> None:
    office.register("product.updated")
    office.bench.put("webhooks/1", delivery_url=f"{URL}?x=1")
    assert [letter.url for letter in office.collect()] == [f"{URL}?x=1"]
    office.bench.put("webhooks/1", delivery_url=URL, status="paused")
    assert office.topics() == []


def test_events_of_one_object_merge_while_one_waits(office: PostOffice) -> None:
    office.register("product.updated", "order.updated", "order.created")
    for quantity in (1, 2, 3):
        office.bench.put("products/11", stock_quantity=quantity)
    (letter,) = office.collect()
    assert letter.payload["stock_quantity"] == 3
    order = office.do(lambda: office.bench.shop.sale([{"sku": "MUG", "quantity": 1}]))
    office.do(lambda: office.bench.shop.cancel(order))
    told = {letter.topic: letter.payload for letter in office.collect()}
    assert (told["order.created"]["status"], told["product.updated"]["stock_quantity"]) == ("cancelled", 3)
    assert told["order.created"]["id"] == told["order.updated"]["id"] == int(order)


def test_what_is_gone_by_then_is_told_by_a_signed_error(office: PostOffice) -> None:
    office.register("product.updated", "order.created")
    office.bench.put("products/11")
    order = office.bench.post("orders", line_items=[{"product_id": 11}])
    office.bench.call("DELETE", "products/11", params={"force": "true"})
    office.bench.call("DELETE", f"orders/{order['id']}", params={"force": "true"})
    letters = office.collect()
    assert all(letter.signed_with(SECRET) for letter in letters)
    assert {letter.payload["code"] for letter in letters} == {
        *("woocommerce_rest_product_invalid_id", "woocommerce_rest_shop_order_invalid_id")
    }


def test_deliveries_of_one_second_share_their_id(office: PostOffice) -> None:
    office.register("product.updated")
    office.bench.post("products/12/variations/batch", update=[{"id": 13}, {"id": 14}])
    ids = {letter.headers["x-wc-webhook-delivery-id"] for letter in office.collect()}
    office.bench.forward(1)
    office.bench.put("products/11")
    later = {letter.headers["x-wc-webhook-delivery-id"] for letter in office.collect()}
    assert (len(ids), len(later), len(ids | later)) == (1, 1, 2)


def test_the_seventh_failure_disables_and_one_more_does_after_that(office: PostOffice) -> None:
    office.register("product.updated")
    fail(office, 6)
    assert status(office) == "active"
    fail(office, 1, answer=0)
    assert status(office) == "disabled"
    office.bench.put("products/11")
    assert office.topics() == []
    assert office.bench.put("webhooks/1", status="active")["status"] == "active"
    fail(office, 1)
    assert status(office) == "disabled"


@pytest.mark.parametrize("answer", [200, 204, 301, 302])
def test_only_a_success_resets_the_count(office: PostOffice, answer: int) -> None:
    office.register("product.updated")
    fail(office, 6)
    fail(office, 1, answer)
    fail(office, 6, answer=303)
    assert status(office) == "active"
    fail(office, 1)
    assert status(office) == "disabled"


def test_events_during_a_pause_are_lost_and_those_before_it_are_not(office: PostOffice) -> None:
    office.register("product.updated")
    office.bench.put("products/11", stock_quantity=1)
    office.bench.put("webhooks/1", status="paused")
    office.bench.put("products/12")
    office.bench.put("webhooks/1", status="active")
    assert [letter.payload["id"] for letter in office.collect()] == [11]


def test_two_equal_ones_are_both_told(office: PostOffice) -> None:
    office.register("product.updated", "product.updated")
    office.bench.put("products/11")
    assert [letter.headers["x-wc-webhook-id"] for letter in office.collect()] == ["1", "2"]


def test_a_secret_can_be_changed_and_is_never_shown(office: PostOffice) -> None:
    (made,) = office.register("product.updated", secret="")
    assert "secret" not in made
    office.bench.put("products/11")
    (unknown,) = office.collect()
    assert not unknown.signed_with("")
    office.bench.put("webhooks/1", secret="another")
    office.bench.put("products/11")
    assert office.collect()[0].signed_with("another")


def test_out_of_the_trash_again(office: PostOffice) -> None:
    office.register(*(f"{kind}.{event}" for kind in ("order", "product") for event in ("deleted", "restored")))
    order = office.do(lambda: office.bench.shop.sale([{"sku": "MUG", "quantity": 1}]))
    office.do(lambda: office.bench.shop.trash_order(order))
    office.do(lambda: office.bench.shop.delete_product("MUG"))
    assert office.topics() == ["order.deleted", "product.deleted"]
    office.do(lambda: office.bench.shop.restore_order(order))
    office.do(lambda: office.bench.shop.restore_product("11"))
    told = office.collect()
    assert [letter.topic for letter in told] == ["order.restored", "product.restored"]
    assert [letter.payload["status"] for letter in told] == ["processing", "publish"]
    assert office.bench.get("products/11")["slug"] == "mug-cup"


def test_a_deleted_one_hears_nothing_more(office: PostOffice) -> None:
    office.register("product.updated", "product.updated")
    assert office.bench.call("DELETE", "webhooks/1", params={"force": "true"}).status_code == 200
    office.bench.put("products/11")
    assert [letter.headers["x-wc-webhook-id"] for letter in office.collect()] == ["2"]
    invalid = "woocommerce_rest_shop_webhook_invalid_id"
    assert office.bench.refused("PUT", "webhooks/1", json={"status": "active"}) == (400, invalid)
    assert office.bench.refused("DELETE", "webhooks/1", params={"force": "true"}) == (404, invalid)


def test_many_are_listed_page_by_page(office: PostOffice) -> None:
    office.register(*["order.updated"] * 5)
    office.bench.put("webhooks/2", status="paused")
    office.collect()
    asked: dict[str, Any] = {"orderby": "id", "order": "asc", "per_page": 2, "_fields": "id,status"}
    answer = office.bench.call("GET", "webhooks", params={**asked, "page": 3})
    assert (answer.json(), answer.headers["x-wp-totalpages"]) == ([{"id": 5, "status": "active"}], "3")
    assert office.bench.get("webhooks", **asked, status="paused") == [{"id": 2, "status": "paused"}]
    assert [row["id"] for row in office.bench.get("webhooks")] == [1, 2, 3, 4, 5]


def test_batches_check_each_by_itself(office: PostOffice) -> None:
    office.register("order.updated", "order.deleted")
    made = [{"topic": "order.created", "delivery_url": URL}, {"topic": "order.created"}]
    changed = [{"id": 1, "status": "paused"}, {"id": 1, "status": "on"}, {"id": 9}]
    done = office.bench.post("webhooks/batch", create=made, update=changed, delete=[2])
    assert done["create"][0]["id"] == 3
    codes = [row["error"]["code"].rpartition("shop_webhook_")[2] for row in (done["create"][1], *done["update"][1:])]
    assert codes == ["invalid_delivery_url", "invalid_status", "invalid_id"]
    assert (status(office), office.bench.refused("GET", "webhooks/2")[0]) == ("paused", 404)


def test_a_stranger_and_a_customer_may_not(office: PostOffice) -> None:
    body = {"topic": "order.created", "delivery_url": URL}
    assert office.bench.refused("POST", "webhooks", json={"topic": "x"}, auth=None) == (
        400,
        "rest_missing_callback_param",
    )
    assert office.bench.refused("POST", "webhooks", json=body, auth=None)[0] == 401
    keys = office.bench.platform.credentials
    customer = (keys["customer_consumer_key"], keys["customer_consumer_secret"])
    assert office.bench.refused("POST", "webhooks", json=body, auth=customer) == (403, "woocommerce_rest_cannot_create")


def test_a_courier_that_was_stopped_forgets_and_later_events_are_told(office: PostOffice) -> None:
    office.register("product.updated")
    office.bench.put("products/11")
    office.bench.loop.run_until_complete(office.bench.platform.courier.stop())
    office.bench.put("products/11")
    assert office.topics() == ["product.updated"]


def test_a_lost_delivery_counts_as_arrived_and_hides_no_later_one(office: PostOffice) -> None:
    office.register("product.updated")
    courier = office.bench.platform.courier
    courier.mischief.lost = 1.0
    office.bench.put("products/11")
    assert (office.topics(), courier.lost) == ([], 1)
    courier.mischief.lost = 0.0
    office.bench.put("products/11")
    assert office.topics() == ["product.updated"]


def test_without_webhooks_nothing_is_sent_and_no_luck_is_drawn(make_bench: MakeBench) -> None:
    def trade(office: PostOffice) -> tuple[object, object]:
        office.bench.shop.seed([{"title": "Mug", "variants": [variant("MUG")]}])
        office.bench.put("products/11", stock_quantity=3)
        office.do(lambda: office.bench.shop.sale([{"sku": "MUG", "quantity": 1}]))
        assert office.topics() == []
        return office.bench.shop.woo.site.rng.getstate(), office.bench.platform.courier.rng.getstate()

    heard, alone = open_office(make_bench), open_office(make_bench)
    alone.bench.platform.courier.post = None
    fresh = random.Random(7).getstate()
    assert trade(heard) == trade(alone)
    assert heard.bench.platform.courier.rng.getstate() == fresh


def test_with_nobody_listening_nothing_is_queued(bench: Bench) -> None:
    bench.shop.seed([{"title": "Mug", "variants": [variant("MUG")]}])
    bench.post("webhooks", topic="product.updated", delivery_url=URL)
    bench.shop.count("MUG", 3)
    assert bench.platform.courier.under_way == 0
    assert bench.get("webhooks/1")["date_modified"] is None
