"""What the shop tells its subscribers: which topics, which payloads, how often, and when it gives up."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from bridge.sandbox.kit.courier import Mischief
from bridge.sandbox.kit.platform import RefusedError
from bridge.sandbox.shopify.webhooks import TOPICS
from tests.sandbox.test_shopify.kit import PAYLOADS, tee
from tests.sandbox.test_shopify.webhook_kit import HOOK, World, play

ALL = [topic for topic in TOPICS if topic != "SHOP_UPDATE"]
CANCEL = """mutation M($id: ID!) { orderCancel(orderId: $id, reason: OTHER, restock: true) {
  job { id } orderCancelUserErrors { message } } }"""
ACTIVATE = """mutation M($item: ID!, $place: ID!) {
  inventoryActivate(inventoryItemId: $item, locationId: $place, available: 4) @idempotent(key: "k") {
    inventoryLevel { id } userErrors { message } } }"""
DEACTIVATE = "mutation M($id: ID!) { inventoryDeactivate(inventoryLevelId: $id) { userErrors { message } } }"
TRACK = """mutation M($id: ID!) { inventoryItemUpdate(id: $id, input: { tracked: false }) {
  inventoryItem { id } userErrors { message } } }"""
PLACES = "{ locations(first: 5) { nodes { id name } } }"


def sample(topic: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PAYLOADS / "webhooks" / f"{topic.replace('/', '_')}.json").read_text())
    return found


def lacking(shown: Any, ours: Any, where: str = "") -> list[str]:
    """Name the fields of Shopify's sample that a payload of ours does not have."""
    if isinstance(shown, dict) and isinstance(ours, dict):
        missing = [f"{where}.{name}" for name in shown if name not in ours]
        return missing + [
            line for name in shown if name in ours for line in lacking(shown[name], ours[name], f"{where}.{name}")
        ]
    if isinstance(shown, list) and isinstance(ours, list) and shown and ours:
        return lacking(shown[0], ours[0], f"{where}[]")
    return []


def test_every_action_is_told_once_to_those_who_asked() -> None:
    async def story(world: World) -> None:
        shop = world.shop
        await world.subscribe(*ALL)
        told: dict[str, set[str]] = {}

        async def note(what: str) -> None:
            arrived = await world.quiet()
            names = [one.topic for one in arrived]
            told[what] = set(names)
            levels = [one.body["inventory_item_id"] for one in arrived if one.topic == "inventory_levels/update"]
            assert len(levels) == len(set(levels)), what
            assert len(names) - len(levels) == len(set(names) - {"inventory_levels/update"}), (what, names)

        (row,) = shop.seed([tee(stock=9)])
        await note("seed")
        order = shop.sale([{"sku": "TEE", "quantity": 3}])
        await note("sale")
        shop.edit_order(order, "TEE", 2)
        await note("edit")
        shop.fulfil(order)
        await note("fulfil")
        shop.refund(order, [{"sku": "TEE", "quantity": 1}])
        await note("refund")
        shop.count("TEE", 20)
        await note("count")
        shop.edit_product("TEE", title="Shirt")
        await note("edit product")
        await world.data(TRACK, {"id": row["stock_id"]})
        await note("track")
        unpaid = shop.sale([{"sku": "TEE", "quantity": 1}], paid=False)
        await note("unpaid sale")
        shop.cancel(unpaid)
        await note("cancel")
        world.merchant.delete_order(unpaid)
        await note("delete order")
        shop.delete_product("TEE")
        await note("delete product")
        assert told == {
            "seed": {"products/create", "inventory_items/create", "inventory_levels/connect"},
            "sale": {"orders/create", "orders/paid", "inventory_levels/update"},
            "edit": {"orders/updated", "orders/edited", "inventory_levels/update"},
            "fulfil": {"orders/updated", "orders/fulfilled"},
            "refund": {"orders/updated", "refunds/create", "inventory_levels/update"},
            "count": {"inventory_levels/update"},
            "edit product": {"products/update"},
            "track": {"inventory_items/update"},
            "unpaid sale": {"orders/create"},
            "cancel": {"orders/updated", "orders/cancelled", "refunds/create"},
            "delete order": {"orders/delete"},
            "delete product": {"products/delete", "inventory_items/delete"},
        }

    play(story)


def test_stocking_a_location_and_leaving_it() -> None:
    async def story(world: World) -> None:
        (row,) = world.shop.seed([tee()])
        places = {place["name"]: place["id"] for place in (await world.data(PLACES))["locations"]["nodes"]}
        await world.subscribe("INVENTORY_LEVELS_CONNECT", "INVENTORY_LEVELS_DISCONNECT", "INVENTORY_LEVELS_UPDATE")
        made = await world.data(ACTIVATE, {"item": row["stock_id"], "place": places["Branch"]})
        (connected,) = await world.quiet()
        branch, item = int(places["Branch"].rsplit("/", 1)[1]), int(row["stock_id"].rsplit("/", 1)[1])
        assert connected.topic == "inventory_levels/connect"
        assert {**connected.body, "updated_at": None} == {
            "inventory_item_id": item,
            "location_id": branch,
            "available": 4,
            "updated_at": None,
            "admin_graphql_api_id": made["inventoryActivate"]["inventoryLevel"]["id"],
        }
        await world.data(DEACTIVATE, {"id": made["inventoryActivate"]["inventoryLevel"]["id"]})
        (left,) = await world.quiet()
        assert (left.topic, left.body) == (
            "inventory_levels/disconnect",
            {"inventory_item_id": item, "location_id": branch},
        )

    play(story)


def test_payloads_have_every_field_of_shopifys_samples() -> None:
    async def story(world: World) -> None:
        await world.subscribe(*ALL)
        buyer = {"name": "Ada Buyer", "email": "ada@example.com", "phone": "+15550100"}
        (row,) = world.shop.seed([tee(stock=9)])
        order = world.shop.sale([{"sku": "TEE", "quantity": 2}], customer=buyer, discount="1.00")
        world.shop.edit_order(order, "TEE", 3)
        world.shop.refund(order, [{"sku": "TEE", "quantity": 1}], restock=False)
        await world.data(TRACK, {"id": row["stock_id"]})
        world.shop.cancel(order)
        world.merchant.delete_order(order)
        world.shop.edit_product("TEE", price="11.00")
        world.shop.delete_product("TEE")
        newest = {one.topic: one.body for one in await world.quiet()}
        partial = {"app/uninstalled", "customers/data_request", "customers/redact", "shop/redact"}
        shown = {path.stem: path for path in (PAYLOADS / "webhooks").glob("*.json")}
        checked = 0
        for topic, (name, _) in TOPICS.items():
            if name.replace("/", "_") in shown and name not in partial and name in newest:
                extra = {".customer.default_address", ".billing_address", ".shipping_lines"}
                assert set(lacking(sample(name), newest[name])) - extra == set(), topic
                checked += 1
        assert checked == 9
        level, item = newest["inventory_levels/update"], row["stock_id"].rsplit("/", 1)[1]
        assert set(level) == set(sample("inventory_levels/update"))
        assert level["inventory_item_id"] == int(item)
        assert level["updated_at"].endswith("-05:00")

    play(story)


def test_an_order_tells_what_the_admin_api_tells() -> None:
    async def story(world: World) -> None:
        await world.subscribe("ORDERS_CREATE", "REFUNDS_CREATE", "ORDERS_EDITED")
        world.shop.seed([tee(stock=9)])
        order = world.shop.sale([{"sku": "TEE", "quantity": 2}], customer={"email": "ada@example.com"})
        world.shop.edit_order(order, "TEE", 5)
        world.shop.refund(order, [{"sku": "TEE", "quantity": 1}])
        made, edited, refunded = await world.quiet()
        read = await world.data(
            "query Q($id: ID!) { order(id: $id) { name lineItems(first: 1) { nodes { id } } } }", {"id": order}
        )
        body, number = made.body, int(order.rsplit("/", 1)[1])
        assert (body["id"], body["admin_graphql_api_id"], body["name"]) == (number, order, read["order"]["name"])
        assert (body["financial_status"], body["fulfillment_status"], body["total_price"]) == ("paid", None, "20.00")
        assert (body["email"], body["order_number"], body["number"]) == ("ada@example.com", 1001, 1)
        (line,) = body["line_items"]
        assert (line["admin_graphql_api_id"], line["sku"]) == (read["order"]["lineItems"]["nodes"][0]["id"], "TEE")
        assert (line["quantity"], line["current_quantity"], line["fulfillable_quantity"]) == (2, 2, 2)
        change = edited.body["order_edit"]
        assert change["order_id"] == number
        assert change["line_items"] == {"additions": [{"id": line["id"], "delta": 3}], "removals": []}
        assert (refunded.body["order_id"], refunded.body["restock"]) == (number, True)
        assert refunded.body["refund_line_items"][0]["restock_type"] == "cancel"

    play(story)


def test_headers_say_what_when_and_from_whom() -> None:
    async def story(world: World) -> None:
        await world.subscribe("ORDERS_CREATE", "ORDERS_PAID")
        await world.subscribe("ORDERS_CREATE", uri="https://other.example/hooks")
        world.shop.seed([tee()])
        world.shop.sale([{"sku": "TEE", "quantity": 1}])
        first, other, paid = await world.quiet()
        head = first.headers
        digest = hmac.digest(b"sandbox-secret", first.raw, hashlib.sha256)
        assert base64.b64decode(head["X-Shopify-Hmac-Sha256"]) == digest
        assert head["X-Shopify-Shop-Domain"] == "sandbox.myshopify.com"
        assert (head["X-Shopify-API-Version"], head["Content-Type"]) == ("2026-10", "application/json")
        assert "X-Shopify-Name" not in head
        assert datetime.fromisoformat(head["X-Shopify-Triggered-At"]) <= first.at
        assert (first.url, other.url, other.topic) == (HOOK, "https://other.example/hooks", "orders/create")
        ids = [one.headers["X-Shopify-Webhook-Id"] for one in (first, other, paid)]
        assert len(set(ids)) == 3
        assert len({one.headers["X-Shopify-Event-Id"] for one in (first, other, paid)}) == 1
        world.shop.sale([{"sku": "TEE", "quantity": 1}])
        assert (await world.quiet())[0].headers["X-Shopify-Event-Id"] != head["X-Shopify-Event-Id"]

    play(story)


def test_a_named_subscription_with_chosen_fields() -> None:
    async def story(world: World) -> None:
        await world.data(
            """mutation { webhookSubscriptionCreate(topic: ORDERS_CREATE, webhookSubscription: {
              uri: "https://bridge.example/h", name: "orders", includeFields: ["id", "name"] }) { userErrors { message } } }"""
        )
        world.shop.seed([tee()])
        world.shop.sale([{"sku": "TEE", "quantity": 1}])
        (came,) = await world.quiet()
        assert (set(came.body), came.headers["X-Shopify-Name"]) == ({"id", "name"}, "orders")

    play(story)


def test_a_failing_delivery_is_repeated_eight_times_in_four_hours_as_it_was() -> None:
    async def story(world: World) -> None:
        await world.subscribe("ORDERS_CREATE", "ORDERS_UPDATED")
        world.shop.seed([tee(stock=9)])
        world.post_box.status = lambda one: 503 if one.topic == "orders/create" else 200
        order = world.shop.sale([{"sku": "TEE", "quantity": 1}])
        world.shop.refund(order, [{"sku": "TEE", "quantity": 1}])
        tries = [one for one in await world.quiet() if one.topic == "orders/create"]
        assert len(tries) == 9
        assert len({one.raw for one in tries}) == 1
        assert tries[0].body["refunds"] == []
        assert len({one.headers["X-Shopify-Webhook-Id"] for one in tries}) == 1
        waits = [(after.at - before.at).total_seconds() for before, after in pairwise(tries)]
        assert all(after == pytest.approx(2 * before, abs=0.001) for before, after in pairwise(waits))
        assert tries[-1].at - tries[0].at == pytest.approx(timedelta(hours=4), abs=timedelta(seconds=1))
        assert await world.subscribed() == 1

    play(story)


def test_a_subscription_outlives_failures_among_which_one_delivery_arrived() -> None:
    async def story(world: World) -> None:
        await world.subscribe("ORDERS_CREATE")
        world.shop.seed([tee(stock=9)])
        bad = world.shop.sale([{"sku": "TEE", "quantity": 1}])
        world.post_box.status = lambda one: 500 if one.body["admin_graphql_api_id"] == bad else 200
        world.shop.sale([{"sku": "TEE", "quantity": 1}])
        assert len(await world.quiet()) == 10
        assert await world.subscribed() == 1

    play(story)


@pytest.mark.parametrize("status", [301, 404, 0])
def test_anything_but_a_2xx_is_a_failure_and_a_later_2xx_ends_it(status: int) -> None:
    async def story(world: World) -> None:
        await world.subscribe("ORDERS_CREATE")
        world.shop.seed([tee()])
        answers = iter([status, status, 202])
        world.post_box.status = lambda _: next(answers)
        world.shop.sale([{"sku": "TEE", "quantity": 1}])
        assert len(await world.quiet()) == 3

    play(story)


def test_repeats_go_to_the_address_of_the_moment_it_happened() -> None:
    async def story(world: World) -> None:
        await world.subscribe("ORDERS_CREATE")
        (row,) = (await world.data("{ webhookSubscriptions(first: 1) { nodes { id } } }"))["webhookSubscriptions"][
            "nodes"
        ]
        world.shop.seed([tee()])
        moved = """mutation M($id: ID!) { webhookSubscriptionUpdate(id: $id, webhookSubscription: {
          uri: "https://new.example/h" }) { userErrors { message } } }"""
        answers = iter([500, 200, 200])
        world.post_box.status = lambda _: next(answers)
        world.shop.sale([{"sku": "TEE", "quantity": 1}])
        await world.data(moved, {"id": row["id"]})
        world.shop.sale([{"sku": "TEE", "quantity": 1}])
        assert sorted(one.url for one in await world.quiet()) == [HOOK, HOOK, "https://new.example/h"]

    play(story)


def test_a_job_tells_what_it_did_though_nobody_looks() -> None:
    async def story(world: World) -> None:
        await world.subscribe("ORDERS_CANCELLED")
        world.shop.seed([tee()])
        order = world.shop.sale([{"sku": "TEE", "quantity": 1}])
        await world.data(CANCEL, {"id": order})
        await asyncio.sleep(29)
        assert world.post_box.got == []
        assert [one.body["admin_graphql_api_id"] for one in await world.quiet()] == [order]

    play(story, job_seconds=30)


def test_uninstalling_says_goodbye_and_shuts_the_door() -> None:
    async def story(world: World) -> None:
        await world.subscribe("APP_UNINSTALLED", "ORDERS_CREATE")
        world.merchant.uninstall()
        (last,) = await world.quiet()
        assert (last.topic, last.body["myshopify_domain"]) == ("app/uninstalled", "sandbox.myshopify.com")
        assert (await world.post("{ shop { name } }")).status_code == 401
        asked = {"client_id": "sandbox-client", "client_secret": "sandbox-secret", "grant_type": "client_credentials"}
        refused = await world.http.post("/admin/oauth/access_token", json=asked)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client")

    play(story)


def test_compliance_goes_to_the_address_of_the_apps_settings() -> None:
    async def story(world: World) -> None:
        world.shop.seed([tee(stock=9)])
        bought = world.shop.sale([{"sku": "TEE", "quantity": 1}], customer={"email": "ada@example.com"})
        world.shop.sale([{"sku": "TEE", "quantity": 1}], customer={"email": "bob@example.com"})
        who = (await world.data("query Q($id: ID!) { order(id: $id) { customer { id } } }", {"id": bought}))["order"]
        for topic in ("customers/data_request", "customers/redact", "shop/redact"):
            world.merchant.compliance(topic, customer=who["customer"]["id"])
        came = {one.topic: one for one in await world.quiet()}
        for topic, one in came.items():
            assert one.url == "https://bridge.example/hooks/web"
            assert set(one.body) == set(sample(topic))
        customer, order = (int(one.rsplit("/", 1)[1]) for one in (who["customer"]["id"], bought))
        assert came["customers/redact"].body["customer"]["id"] == customer
        assert came["customers/redact"].body["orders_to_redact"] == [order]
        assert came["customers/data_request"].body["orders_requested"] == [order]
        with pytest.raises(RefusedError, match="no compliance topic"):
            world.merchant.compliance("orders/redact")
        with pytest.raises(RefusedError, match="no customer"):
            world.merchant.compliance("customers/redact", customer="gid://shopify/Customer/1")

    play(story, compliance_url=HOOK)


def test_without_an_address_there_is_no_compliance() -> None:
    async def story(world: World) -> None:
        with pytest.raises(RefusedError, match="no address"):
            world.merchant.compliance("shop/redact")

    play(story)


def test_an_open_order_cannot_be_deleted() -> None:
    async def story(world: World) -> None:
        world.shop.seed([tee()])
        order = world.shop.sale([{"sku": "TEE", "quantity": 1}])
        with pytest.raises(RefusedError, match="cancelled or archived"):
            world.merchant.delete_order(order)

    play(story)


def test_mischief_loses_and_doubles() -> None:
    async def story(world: World) -> None:
        await world.subscribe("ORDERS_CREATE")
        world.shop.seed([tee(stock=99)])
        world.platform.courier.mischief = Mischief(doubled=1.0)
        world.shop.sale([{"sku": "TEE", "quantity": 1}])
        twice = await world.quiet()
        assert len(twice) == 2
        assert len({one.headers["X-Shopify-Webhook-Id"] for one in twice}) == 1
        world.platform.courier.mischief = Mischief(lost=1.0)
        world.shop.sale([{"sku": "TEE", "quantity": 1}])
        assert await world.quiet() == []
        assert await world.subscribed() == 1

    play(story)


def test_webhooks_cost_the_shop_no_luck() -> None:
    """A seeded run is the same run whether anybody listens or not."""
    drawn: list[str] = []

    def story(*topics: str) -> Any:
        async def run(world: World) -> None:
            if topics:
                await world.subscribe(*topics)
            world.shop.seed([tee(stock=9)])
            order = world.shop.sale([{"sku": "TEE", "quantity": 1}])
            drawn.append((await world.data(CANCEL, {"id": order}))["orderCancel"]["job"]["id"])

        return run

    play(story())
    play(story(*ALL))
    assert drawn[0] == drawn[1]
