"""Deliveries: whose they are and what they hint at, recorded ones and whatever else may be posted."""

import base64
import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.errors import NeedsPerson, Refused
from bridge.contract.ports import Connector
from bridge.contract.webhooks import Delivery, Hint, Subscription, WebhookPort
from connectors.woocommerce import Settings, connect
from connectors.woocommerce.webhooks import Webhooks

if TYPE_CHECKING:
    from tests.connectors.woocommerce.conftest import Shop

PAYLOADS = Path(__file__).parent / "payloads"
RECORDED = [
    (version, row)
    for version in ("11.0.1", "9.9.5")
    for row in json.loads((PAYLOADS / f"{version}-deliveries.json").read_text())
]
URL = "https://bridge.example/hooks/web"
SETTINGS = Settings(url="https://shop.example", consumer_key="ck_key0000", consumer_secret="cs_secret0000")
SIGNATURE = "x-wc-webhook-signature"


def signature(body: bytes, secret: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def delivered(row: dict[str, Any], secret: str = "") -> Delivery:
    """A recorded delivery; with a secret, signed anew."""
    body = row["body"].encode()
    headers = {**row["headers"], SIGNATURE: signature(body, secret)} if secret else row["headers"]
    return Delivery(body=body, headers=headers, url=URL)


def posted(body: bytes, topic: str = "", **headers: str) -> Delivery:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Delivery(body=body, headers={"x-wc-webhook-topic": topic, **named} if topic else named, url=URL)


@pytest.fixture(scope="session")
def port(new_shop: "type[Shop]") -> WebhookPort:
    """The port of a shop that answers nothing: verify and parse ask nobody."""
    return port_of(connect(SETTINGS, new_shop().around(), where="web"))


def ids(rows: Sequence[tuple[str, dict[str, Any]]]) -> list[str]:
    return [f"{version} {row['of'][:3]} {row['headers'].get('x-wc-webhook-topic', 'ping')}" for version, row in rows]


SIGNED = [(version, row) for version, row in RECORDED if SIGNATURE in row["headers"]]
PINGS = [(version, row) for version, row in RECORDED if SIGNATURE not in row["headers"]]


# Whose is it? ------------------------------------------------------------------------------------------------------------


def test_the_shop_signs_the_body_and_nothing_else() -> None:
    """Equal bodies, sent for other topics by other webhooks, carry equal signatures."""
    signatures: dict[tuple[str, str], set[str]] = defaultdict(set)
    topics: dict[tuple[str, str], int] = defaultdict(int)
    for version, row in SIGNED:
        signatures[version, row["body"]].add(row["headers"][SIGNATURE])
        topics[version, row["body"]] += 1
    assert {len(found) for found in signatures.values()} == {1}
    assert max(topics.values()) == 2
    assert {len(base64.b64decode(row["headers"][SIGNATURE])) for _, row in SIGNED} == {32}


@pytest.mark.parametrize(("version", "row"), SIGNED, ids=ids(SIGNED))
def test_a_recorded_body_is_genuine_under_its_secret_and_no_other(
    port: WebhookPort, version: str, row: dict[str, Any]
) -> None:
    delivery = delivered(row, "s3cr3t")
    assert port.verify(delivery, ("s3cr3t",)) == "genuine"
    assert port.verify(delivery, ("other",)) == "forged"
    assert port.verify(delivered(row), ("s3cr3t",)) == "forged"


def test_during_a_rotation_either_secret_will_do(port: WebhookPort) -> None:
    row = SIGNED[0][1]
    for secret in ("new", "old"):
        assert port.verify(delivered(row, secret), ("new", "old")) == "genuine"
    assert port.verify(delivered(row, "old"), ("new",)) == "forged"


@given(place=st.integers(0), bit=st.integers(0, 7), row=st.sampled_from(SIGNED))
def test_one_flipped_bit_is_forged(port: WebhookPort, place: int, bit: int, row: tuple[str, dict[str, Any]]) -> None:
    delivery = delivered(row[1], "s3cr3t")
    body = bytearray(delivery.body)
    body[place % len(body)] ^= 1 << bit
    assert port.verify(replace(delivery, body=bytes(body)), ("s3cr3t",)) == "forged"


def test_an_empty_secret_and_no_secret_believe_nobody(port: WebhookPort) -> None:
    delivery = posted(b"{}", "order.updated", x_wc_webhook_signature=signature(b"{}", ""))
    assert (port.verify(delivery, ("",)), port.verify(delivery, ())) == ("forged", "forged")


@pytest.mark.parametrize(("version", "row"), PINGS, ids=ids(PINGS))
def test_the_recorded_ping_is_a_greeting(port: WebhookPort, version: str, row: dict[str, Any]) -> None:
    assert port.verify(delivered(row), ("s3cr3t",)) == "greeting"


@pytest.mark.parametrize(
    ("body", "kind", "verdict"),
    [
        (b"webhook_id=17", "application/json", "greeting"),
        (b"webhook_id=17\r\n", "application/x-www-form-urlencoded; charset=UTF-8", "greeting"),
        (b"webhook_id=17", "", "greeting"),
        (b"webhook_id=", "application/x-www-form-urlencoded", "forged"),
        (b"webhook_id=17&id=4", "application/x-www-form-urlencoded", "forged"),
        (b"webhook_id=\xd9\xa3", "application/x-www-form-urlencoded", "forged"),
        (b'{"id":17}', "application/json", "forged"),
        (b"", "", "forged"),
    ],
)
def test_what_is_unsigned_is_a_ping_or_forged(port: WebhookPort, body: bytes, kind: str, verdict: str) -> None:
    headers = {"content-type": kind} if kind else {}
    assert port.verify(Delivery(body=body, headers=headers, url=URL), ("s3cr3t",)) == verdict


def test_a_ping_with_a_wrong_signature_is_forged(port: WebhookPort) -> None:
    assert port.verify(posted(b"webhook_id=1", x_wc_webhook_signature="x"), ("s3cr3t",)) == "forged"


# What about? -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "row"), SIGNED, ids=ids(SIGNED))
def test_a_recorded_delivery_hints_at_its_object(port: WebhookPort, version: str, row: dict[str, Any]) -> None:
    topic, told = row["headers"]["x-wc-webhook-topic"], json.loads(row["body"])
    (hint,) = port.parse(delivered(row))
    kind = topic.partition(".")[0]
    if told.get("status") == "checkout-draft":
        assert hint == Hint(kind="nothing", topic=topic)
        return
    meant = told["parent_id"] if told.get("type") == "variation" else told["id"]
    changed = told.get("date_modified_gmt")
    at = datetime.fromisoformat(changed).replace(tzinfo=UTC) if changed else None
    if kind in {"coupon", "customer"}:
        beside: dict[str, Any] = {f"{kind}s": (str(meant),)}
        assert hint == Hint(kind="nothing", topic=topic, at=at, **beside)
        return
    assert hint == Hint(kind="order" if kind == "order" else "product", id=str(meant), at=at)


def test_the_recordings_hold_what_is_odd() -> None:
    bodies = [json.loads(row["body"]) for _, row in SIGNED]
    assert {body.get("type") for body in bodies} >= {"simple", "variable", "variation"}
    assert any(body.get("status") == "checkout-draft" for body in bodies)
    assert any(set(body) == {"id"} for body in bodies)


GONE = b'{"code":"woocommerce_rest_product_invalid_id","message":"Invalid ID.","data":{"status":404}}'


@pytest.mark.parametrize(
    ("body", "topic", "hint"),
    [
        (GONE, "product.updated", Hint(kind="channel")),
        (b"<html>", "order.updated", Hint(kind="channel")),
        (b'{"id":17,"name":"\xff"}', "order.updated", Hint(kind="channel")),
        (b"", "order.updated", Hint(kind="channel")),
        (b"[]", "order.updated", Hint(kind="channel")),
        (b"[" * 100_000, "order.updated", Hint(kind="channel")),
        (b'{"id":' + b"9" * 5000 + b"}", "order.updated", Hint(kind="channel")),
        (b'{"id":0}', "order.updated", Hint(kind="channel")),
        (b'{"id":true}', "order.updated", Hint(kind="channel")),
        (b'{"id":-4}', "order.updated", Hint(kind="channel")),
        (b'{"id":"17/../x"}', "order.updated", Hint(kind="channel")),
        (b'{"id":"17"}', "order.updated", Hint(kind="order", id="17")),
        (b'{"id":17,"date_modified_gmt":"soon"}', "order.updated", Hint(kind="order", id="17")),
        (b'{"id":17,"date_modified_gmt":null}', "order.restored", Hint(kind="order", id="17")),
        (b'{"id":17,"status":["checkout-draft"]}', "order.updated", Hint(kind="order", id="17")),
        (b'{"id":17,"status":"auto-draft"}', "order.created", Hint(kind="nothing", topic="order.created")),
        (b'{"id":17,"type":"variation","parent_id":0}', "product.updated", Hint(kind="product", id="17")),
        (b'{"id":17,"type":"variation","parent_id":12}', "product.restored", Hint(kind="product", id="12")),
        # A child of a grouped product, as old shops have them.
        (b'{"id":17,"type":"simple","parent_id":12}', "product.updated", Hint(kind="product", id="17")),
        (b'{"id":17}', "customer.updated", Hint(kind="nothing", topic="customer.updated", customers=("17",))),
        (GONE, "customer.updated", Hint(kind="nothing", topic="customer.updated")),
        (
            b'{"id":17,"date_modified_gmt":null}',
            "coupon.created",
            Hint(kind="nothing", topic="coupon.created", coupons=("17",)),
        ),
        (b"rubbish", "action.woocommerce_add_to_cart", Hint(kind="nothing", topic="action.woocommerce_add_to_cart")),
        (b'{"id":17}', "", Hint(kind="channel")),
    ],
)
def test_what_an_odd_delivery_hints_at(port: WebhookPort, body: bytes, topic: str, hint: Hint) -> None:
    assert tuple(port.parse(posted(body, topic))) == (hint,)


def test_a_lost_topic_is_made_up_for_by_the_resource(port: WebhookPort) -> None:
    assert tuple(port.parse(posted(b'{"id":17}', x_wc_webhook_resource="order"))) == (Hint(kind="order", id="17"),)
    beside = Hint(kind="nothing", topic="coupon", coupons=("17",))
    assert tuple(port.parse(posted(b'{"id":17}', x_wc_webhook_resource="coupon"))) == (beside,)


KINDS = {"order", "product", "channel", "nothing"}
_topics = st.one_of(st.sampled_from([*Webhooks.topics, "customer.restored", "order", "."]), st.text(max_size=20))
_headers = st.fixed_dictionaries(
    {}, optional={"x-wc-webhook-topic": _topics, "x-wc-webhook-resource": _topics, SIGNATURE: st.text(max_size=50)}
)


@given(body=st.binary(max_size=300), headers=_headers)
def test_no_bytes_and_no_headers_break_it(port: WebhookPort, body: bytes, headers: dict[str, str]) -> None:
    delivery = Delivery(body=body, headers=headers, url=URL)
    assert port.verify(delivery, ("s3cr3t", "old")) in {"forged", "greeting"}
    assert {hint.kind for hint in port.parse(delivery)} <= KINDS


@st.composite
def mutated(draw: st.DrawFn) -> Delivery:
    """A recorded delivery with a piece of its body cut out and another put in."""
    _, row = draw(st.sampled_from(SIGNED))
    body = row["body"].encode()
    start = draw(st.integers(0, len(body)))
    end = draw(st.integers(start, min(len(body), start + 40)))
    piece = draw(
        st.one_of(st.binary(max_size=8), st.sampled_from([b"null", b"{}", b"[]", b'"', b"1e999", b'"\\ud800"']))
    )
    return Delivery(body=body[:start] + piece + body[end:], headers=row["headers"], url=URL)


@given(mutated())
def test_a_mutated_delivery_still_hints(port: WebhookPort, delivery: Delivery) -> None:
    (hint,) = port.parse(delivery)
    assert hint.kind in KINDS
    assert bool(hint.id) == (hint.kind in {"order", "product"})


_json = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(max_size=9), st.floats(allow_nan=False, allow_infinity=False)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)
_rows = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("id", "parent_id", "type", "status", "date_modified_gmt"), _json)
)


@given(row=_rows, topic=st.sampled_from(Webhooks.topics))
def test_fields_of_any_type_still_hint(port: WebhookPort, row: dict[str, Any], topic: str) -> None:
    (hint,) = port.parse(posted(json.dumps(row).encode(), topic))
    assert hint.kind in KINDS


# Subscriptions -----------------------------------------------------------------------------------------------------------


def webhook_row(number: int, topic: str, url: str = URL, status: str = "active") -> dict[str, Any]:
    return {"id": number, "topic": topic, "delivery_url": url, "status": status}


def port_of(woo: Connector) -> WebhookPort:
    assert woo.webhooks is not None
    return woo.webhooks


@pytest.mark.anyio
async def test_all_subscriptions_are_listed_whoever_made_them(shop: "Shop", woo: Connector) -> None:
    rows = [
        webhook_row(1, "order.created"),
        webhook_row(2, "coupon.updated", "https://x.example", "disabled"),
        {"id": 0},
    ]
    shop.on("GET", "webhooks", rows, x_wp_totalpages="1")
    assert await port_of(woo).subscriptions() == [
        Subscription(id="1", topics=("order.created",), url=URL),
        Subscription(id="2", topics=("coupon.updated",), url="https://x.example", active=False),
    ]


@pytest.mark.anyio
async def test_one_webhook_is_made_per_topic(shop: "Shop", woo: Connector) -> None:
    shop.on("GET", "webhooks", [webhook_row(4, "order.created", "https://old.example")], x_wp_totalpages="1")
    shop.on("POST", "webhooks", lambda request: shop.json(webhook_row(9, json.loads(request.content)["topic"]), 201))
    made = await port_of(woo).subscribe(("order.created", "product.updated"), URL, "s3cr3t")
    assert [one.topics for one in made] == [("order.created",), ("product.updated",)]
    assert shop.sent(1) == {
        "name": "commerce-bridge order.created",
        "topic": "order.created",
        "delivery_url": URL,
        "secret": "s3cr3t",
    }


@pytest.mark.anyio
async def test_one_that_is_there_is_mended_and_an_active_one_is_preferred(shop: "Shop", woo: Connector) -> None:
    rows = [webhook_row(3, "order.created"), webhook_row(4, "order.created", status="disabled")]
    shop.on("GET", "webhooks", rows, x_wp_totalpages="1")
    shop.on("PUT", "webhooks/3", webhook_row(3, "order.created"))
    made = await port_of(woo).subscribe(("order.created",), URL, "s3cr3t")
    assert ([one.id for one in made], shop.sent()) == (["3"], {"status": "active", "secret": "s3cr3t"})


@pytest.mark.anyio
async def test_one_that_went_away_meanwhile_is_made_again(shop: "Shop", woo: Connector) -> None:
    shop.on("GET", "webhooks", [webhook_row(3, "order.created")], x_wp_totalpages="1")
    gone = {"code": "woocommerce_rest_shop_webhook_invalid_id", "message": "ID is invalid."}
    shop.on("PUT", "webhooks/3", gone, status=400)
    shop.on("POST", "webhooks", webhook_row(5, "order.created"), status=201)
    assert [one.id for one in await port_of(woo).subscribe(("order.created",), URL, "s3cr3t")] == ["5"]


@pytest.mark.anyio
async def test_an_address_the_shop_will_not_take_is_for_a_person(shop: "Shop", woo: Connector) -> None:
    shop.on("GET", "webhooks", [], x_wp_totalpages="1")
    bad = {
        "code": "woocommerce_rest_shop_webhook_invalid_delivery_url",
        "message": "Webhook delivery URL must be valid.",
    }
    shop.on("POST", "webhooks", bad, status=400)
    with pytest.raises(NeedsPerson, match="delivery URL") as caught:
        await port_of(woo).subscribe(("order.created",), "bridge.example", "s3cr3t")
    assert "public_url" in caught.value.next_step


@pytest.mark.anyio
async def test_a_topic_the_shop_does_not_have_is_refused(shop: "Shop", woo: Connector) -> None:
    shop.on("GET", "webhooks", [], x_wp_totalpages="1")
    bad = {
        "code": "woocommerce_rest_shop_webhook_invalid_topic",
        "message": "Webhook topic is required and must be valid.",
    }
    shop.on("POST", "webhooks", bad, status=400)
    with pytest.raises(Refused, match="topic"):
        await port_of(woo).subscribe(("order.exploded",), URL, "s3cr3t")


@pytest.mark.anyio
async def test_an_answer_that_is_no_webhook_is_refused(shop: "Shop", woo: Connector) -> None:
    shop.on("GET", "webhooks", [], x_wp_totalpages="1")
    shop.on("POST", "webhooks", {"ok": True}, status=201)
    with pytest.raises(Refused, match="other than a webhook"):
        await port_of(woo).subscribe(("order.created",), URL, "s3cr3t")


@pytest.mark.anyio
async def test_the_secret_stays_out_of_errors(shop: "Shop", woo: Connector) -> None:
    shop.on("PUT", "webhooks/3", {"code": "odd", "message": "not with topsecretvalue"}, status=400)
    with pytest.raises(Refused) as caught:
        await port_of(woo).mend(Subscription(id="3", topics=(), url=URL), "topsecretvalue")
    assert "topsecretvalue" not in str(caught.value)


@pytest.mark.anyio
async def test_switching_on_without_a_secret_leaves_the_one_it_has(shop: "Shop", woo: Connector) -> None:
    shop.on("PUT", "webhooks/3", webhook_row(3, "order.created"))
    await port_of(woo).mend(Subscription(id="3", topics=(), url=URL), "")
    assert shop.sent() == {"status": "active"}


@pytest.mark.anyio
async def test_deleting_what_is_gone_is_fine(shop: "Shop", woo: Connector) -> None:
    gone = {"code": "woocommerce_rest_shop_webhook_invalid_id", "message": "Invalid ID."}
    shop.on("DELETE", "webhooks/3", gone, status=404)
    await port_of(woo).unsubscribe("3")
    assert shop.asked()["force"] == "true"
