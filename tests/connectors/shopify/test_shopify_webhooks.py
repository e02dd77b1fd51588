"""Shopify's webhooks: its own sample payloads as hints, its signature, and subscriptions against a scripted shop."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.contract.errors import NeedsPerson, Refused
from bridge.contract.webhooks import Delivery, Hint, Subscription, WebhookPort
from connectors.shopify import Settings, connect
from connectors.shopify.hints import TOPICS, hint, moment_of
from tests.connectors.shopify.conftest import Stage, connection

pytestmark = pytest.mark.anyio
SAMPLES = Path(__file__).parents[2] / "sandbox" / "payloads" / "shopify" / "webhooks"
URL = "https://bridge.example/hooks/web"
AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRET = "shpss_0123456789abcdef"
BODY = b'{"id":820982911946154508}'
# printf '%s' BODY | openssl dgst -sha256 -hmac SECRET -binary | base64
SIGNATURE = "WgzR7rq62vUNCmcicvvYrYZJZaD2hIzKWpcvIVtnpEg="


def sample(topic: str) -> bytes:
    return (SAMPLES / f"{topic.replace('/', '_')}.json").read_bytes()


def read(topic: str, body: bytes | dict[str, Any], domain: str = "") -> Hint:
    return hint(topic, body if isinstance(body, bytes) else json.dumps(body).encode(), AT, domain)


def opened(stage: Stage, **settings: str) -> WebhookPort:
    given = {"shop": "my-shop", "access_token": "shpat_0123456789abcdef", "webhook_secret": SECRET, **settings}
    port = connect(Settings(**given), stage.around(), where="web").webhooks
    assert port is not None
    return port


def signed(body: bytes = BODY, signature: str = SIGNATURE) -> Delivery:
    return Delivery(body=body, headers={"x-shopify-hmac-sha256": signature}, url=URL)


# What it makes of what it hears


@pytest.mark.parametrize(
    ("topic", "kind", "number", "place"),
    [
        ("orders/updated", "order", "820982911946154508", ""),
        ("orders/edited", "order", "820982911946154500", ""),
        ("orders/delete", "order", "820982911946154500", ""),
        ("refunds/create", "order", "820982911946154500", ""),
        ("inventory_levels/update", "stock", "271878346596884015", "24826418"),
        ("inventory_levels/disconnect", "stock", "271878346596884000", "24826418"),
        ("inventory_items/update", "stock", "271878346596884015", ""),
        ("products/update", "product", "788032119674292922", ""),
        ("products/delete", "product", "788032119674292900", ""),
        ("app/uninstalled", "channel", "", ""),
    ],
)
def test_shopifys_own_samples(topic: str, kind: Any, number: str, place: str) -> None:
    told = 10 if topic == "inventory_levels/update" else None
    assert read(topic, sample(topic)) == Hint(kind=kind, id=number, location=place, topic=topic, at=AT, quantity=told)


@pytest.mark.parametrize(("told", "read_as"), [(-3, -3), (None, None), (True, None), ("7", None), (7.0, None)])
def test_the_number_that_is_told_is_a_whole_one_or_none(told: Any, read_as: int | None) -> None:
    body = {"inventory_item_id": 1, "location_id": 2, "available": told}
    assert read("inventory_levels/update", body).quantity == read_as


@pytest.mark.parametrize("topic", ["customers/create", "customers/update", "customers/delete"])
def test_a_customer_is_named_by_the_exact_number(topic: str) -> None:
    """The sample's `id` went through a reader that rounds: 706405506930370000 (webhook reference, 2026-07)."""
    body = {"id": 706405506930370000, "admin_graphql_api_id": "gid://shopify/Customer/706405506930370084"}
    assert read(topic, body) == Hint(kind="customer", customers=("706405506930370084",), topic=topic, at=AT)


def test_the_privacy_samples() -> None:
    orders = ("299938", "280263", "220458")
    for topic in ("customers/data_request", "customers/redact"):
        assert read(topic, sample(topic)) == Hint(kind="privacy", id="191167", orders=orders, topic=topic, at=AT)
    end = {"shop_id": 954889, "shop_domain": "my-shop.myshopify.com"}
    assert read("shop/redact", end, "my-shop.myshopify.com").kind == "privacy"
    assert read("shop/redact", end).kind == "privacy"


def test_another_shops_end_is_not_ours() -> None:
    """One address in the app's settings hears for all its shops: nobody's orders may go because another shop left."""
    end = {"shop_id": 954889, "shop_domain": "other-shop.myshopify.com"}
    assert read("shop/redact", end, "my-shop.myshopify.com").kind == "nothing"
    assert read("shop/redact", {"shop_id": 954889}, "my-shop.myshopify.com").kind == "channel"


def test_ids_above_two_to_the_53_are_read_exactly() -> None:
    number = 2**63 - 1
    assert read("orders/create", {"id": number}).id == "9223372036854775807"
    assert read("refunds/create", {"id": 1, "order_id": number}).id == "9223372036854775807"
    level = {"inventory_item_id": number, "location_id": number - 2}
    found = read("inventory_levels/update", level)
    assert (found.id, found.location) == ("9223372036854775807", "9223372036854775805")


@pytest.mark.parametrize("topic", ["shop/update", "discounts/update", "carts/create", "metaobjects/create", "x", "/"])
def test_what_nobody_asked_for_is_nothing(topic: str) -> None:
    assert read(topic, b'{"id": 1}') == Hint(kind="nothing", topic=topic, at=AT)


@pytest.mark.parametrize("topic", ["", *(topic for topic in TOPICS if topic != "app/uninstalled"), "customers/redact"])
@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"<html>", b"\xff\xfe\x00", b"[]", b"17", b"null", b'"text"', b"[" * 100_000, b'{"id":' * 10_000,
        b'{"id": true, "order_id": 1.5, "inventory_item_id": -3, "location_id": 0}', b'{"id": "12x"}',
        b'{"id": "\\u0661", "order_id": "\\u0661"}', b'{"id": 1e400}', b'{"order_edit": {"order_id": null}}',
        b'{"customer": {"id": []}, "orders_to_redact": "299938"}',
        '{"admin_graphql_api_id": "gid://shopify/Shop/1"}'.encode("utf-16"), b'{"id": ' + b"9" * 5_000 + b"}",
    ],
)  # fmt: skip
def test_garbage_is_a_hint_at_the_whole_channel(topic: str, body: bytes) -> None:
    assert read(topic, body) == Hint(kind="channel", topic=topic, at=AT)


def test_the_time_is_that_of_the_event() -> None:
    headers = {"x-shopify-topic": "orders/create", "x-shopify-triggered-at": "2023-03-29T18:00:27.877041743Z"}
    port = opened(Stage())
    (found,) = port.parse(Delivery(body=BODY, headers=headers, url=URL))
    assert found.at == datetime(2023, 3, 29, 18, 0, 27, 877041, tzinfo=UTC)
    assert found.id == "820982911946154508"
    for odd in ("", "yesterday", "2023-03-29T18:00:27", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        assert moment_of(odd) is None, odd


# Whom it believes


def test_a_signature_computed_elsewhere() -> None:
    assert opened(Stage()).verify(signed(), [SECRET]) == "genuine"


def test_one_flipped_bit_is_a_forgery() -> None:
    port = opened(Stage())
    for place in range(len(BODY)):
        flipped = bytearray(BODY)
        flipped[place] ^= 1
        assert port.verify(signed(bytes(flipped)), [SECRET]) == "forged", place
    assert port.verify(signed(signature=SIGNATURE.lower()), [SECRET]) == "forged"


def test_the_settings_name_all_secrets_newest_first(stage: Stage) -> None:
    rotating = opened(stage, webhook_secret=f" new-one , {SECRET},,new-one", client_secret="of-the-app")
    assert rotating.secrets == ("new-one", SECRET, "of-the-app")
    assert rotating.verify(signed(), rotating.secrets) == "genuine"
    assert opened(stage, webhook_secret="", client_secret=SECRET, client_id="id").secrets == (SECRET,)
    assert "new-one" not in repr(Settings(webhook_secret="new-one"))


# The subscriptions it keeps


def node(number: int, topic: str = "ORDERS_CREATE", uri: str = URL) -> dict[str, Any]:
    return {"id": f"gid://shopify/WebhookSubscription/{number}", "topic": topic, "uri": uri}


def listed(*nodes: dict[str, Any], end: str | None = None) -> dict[str, Any]:
    return {"data": {"webhookSubscriptions": connection(*nodes, end=end)}}


def answered(call: str, found: dict[str, Any] | None, *messages: str, field: str = "callbackUrl") -> dict[str, Any]:
    errors = [{"field": ["webhookSubscription", field], "message": message} for message in messages]
    return {"data": {call: {"webhookSubscription": found, "userErrors": errors}}}


def created(found: dict[str, Any] | None, *messages: str, field: str = "callbackUrl") -> dict[str, Any]:
    return answered("webhookSubscriptionCreate", found, *messages, field=field)


def updated(found: dict[str, Any] | None, *messages: str) -> dict[str, Any]:
    return answered("webhookSubscriptionUpdate", found, *messages)


async def test_the_list_is_read_to_its_end(stage: Stage) -> None:
    stage.say("Webhooks", listed(node(1), end="more"), listed(node(2, "SEGMENTS_CREATE", "pubsub://a:b")))
    found = await opened(stage).subscriptions()
    assert found == [
        Subscription(id="1", topics=("orders/create",), url=URL),
        Subscription(id="2", topics=("SEGMENTS_CREATE",), url="pubsub://a:b"),
    ]
    assert [call["variables"]["after"] for call in stage.asked] == [None, "more"]


async def test_only_what_is_missing_is_made(stage: Stage) -> None:
    stage.say("Webhooks", listed(node(1), node(2, "ORDERS_UPDATED", "https://elsewhere.example/")))
    stage.say("WebhookCreate", created(node(3, "ORDERS_UPDATED")))
    made = await opened(stage).subscribe(("orders/create", "orders/updated"), URL, "")
    assert [one.id for one in made] == ["1", "3"]
    assert stage.asked[-1]["variables"] == {"topic": "ORDERS_UPDATED", "uri": URL}
    assert stage.names().count("WebhookCreate") == 1


async def test_made_by_somebody_else_meanwhile(stage: Stage) -> None:
    stage.say("Webhooks", listed(), listed(node(9)))
    stage.say("WebhookCreate", created(None, "Address for this topic has already been taken"))
    (made,) = await opened(stage).subscribe(("orders/create",), URL, "")
    assert made.id == "9"


async def test_taken_and_yet_not_there_is_said(stage: Stage) -> None:
    stage.say("Webhooks", listed())
    stage.say("WebhookCreate", created(None, "Address for this topic has already been taken"))
    with pytest.raises(Refused, match="already been taken, and yet it shows none"):
        await opened(stage).subscribe(("orders/create",), URL, "")


@pytest.mark.parametrize("call", ["subscribe", "mend"])
async def test_without_a_secret_nothing_is_subscribed(stage: Stage, call: str) -> None:
    port = opened(stage, webhook_secret="")
    there = Subscription(id="1", topics=("orders/create",), url=URL)
    asked = port.subscribe(TOPICS, URL, "of-ours") if call == "subscribe" else port.mend(there, "of-ours")
    with pytest.raises(NeedsPerson) as caught:
        await asked
    assert "webhook_secret" in caught.value.next_step
    assert stage.asked == []


async def test_topics_the_app_may_not_have_are_named_when_the_others_are_made(stage: Stage) -> None:
    denied = "You cannot create a webhook subscription with the specified topic"
    protected = "This app is not approved to subscribe to webhook topics containing protected customer data."
    stage.say("Webhooks", listed())
    stage.say(
        "WebhookCreate", created(None, protected, field=""), created(None, denied, field=""),
        created(node(3, "PRODUCTS_UPDATE")),
    )  # fmt: skip
    with pytest.raises(NeedsPerson) as caught:
        await opened(stage).subscribe(("orders/create", "inventory_levels/update", "products/update"), URL, "")
    assert stage.names().count("WebhookCreate") == 3
    for word in ("orders/create", "inventory_levels/update"):
        assert word in caught.value.what
    for word in ("protected customer data", "read_inventory", URL):
        assert word in caught.value.next_step
    assert caught.value.where == "web"


async def test_an_address_shopify_does_not_take_is_a_matter_of_the_config(stage: Stage) -> None:
    stage.say("Webhooks", listed())
    stage.say("WebhookCreate", created(None, "Address protocol http:// is not supported"))
    with pytest.raises(NeedsPerson) as caught:
        await opened(stage).subscribe(TOPICS, "http://bridge.example/hooks/web", "")
    assert "public_url" in caught.value.next_step
    assert stage.names().count("WebhookCreate") == 1


async def test_any_other_refusal_is_one(stage: Stage) -> None:
    stage.say("Webhooks", listed())
    stage.say("WebhookCreate", created(None, "Something new", field="name"))
    with pytest.raises(Refused, match="Something new"):
        await opened(stage).subscribe(("orders/create",), URL, "")


async def test_mending_moves_it_to_its_address(stage: Stage) -> None:
    stage.say("WebhookUpdate", updated(node(5, uri=URL)))
    mended = await opened(stage).mend(Subscription(id="5", topics=("orders/create",), url=URL), "")
    assert mended == Subscription(id="5", topics=("orders/create",), url=URL)
    assert stage.asked[-1]["variables"] == {"id": "gid://shopify/WebhookSubscription/5", "uri": URL}


async def test_mending_what_shopify_deleted_makes_it_again(stage: Stage) -> None:
    stage.say("WebhookUpdate", updated(None, "Webhook subscription does not exist"))
    stage.say("Webhooks", listed())
    stage.say("WebhookCreate", created(node(6)))
    assert (await opened(stage).mend(Subscription(id="5", topics=("orders/create",), url=URL), "")).id == "6"


async def test_mending_what_is_there_twice_finds_the_other(stage: Stage) -> None:
    stage.say("WebhookUpdate", updated(None, "Address for this topic has already been taken"))
    stage.say("Webhooks", listed(node(7)))
    assert (await opened(stage).mend(Subscription(id="5", topics=("orders/create",), url=URL), "")).id == "7"


async def test_mending_to_a_bad_address_is_refused(stage: Stage) -> None:
    stage.say("WebhookUpdate", updated(None, "Address is invalid"))
    with pytest.raises(NeedsPerson, match="Address is invalid"):
        await opened(stage).mend(Subscription(id="5", topics=("orders/create",), url="https://"), "")


async def test_deleting_what_is_gone_is_fine_and_other_refusals_are_not(stage: Stage) -> None:
    def deleted(*messages: str) -> dict[str, Any]:
        errors = [{"field": ["id"], "message": message} for message in messages]
        return {"data": {"webhookSubscriptionDelete": {"deletedWebhookSubscriptionId": None, "userErrors": errors}}}

    port = opened(stage)
    stage.say("WebhookDelete", deleted("Webhook subscription does not exist"), deleted("Not now"))
    await port.unsubscribe("5")
    with pytest.raises(Refused, match="Not now"):
        await port.unsubscribe("5")
