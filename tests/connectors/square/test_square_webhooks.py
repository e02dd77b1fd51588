"""Square's webhooks: its own example events as hints, its signature, and subscriptions against a scripted Square."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bridge.contract.errors import Gone, NeedsPerson, Refused, TryLater
from bridge.contract.webhooks import Delivery, Hint, WebhookPort
from bridge.wire.http import Surroundings
from connectors.square import Settings, connect
from connectors.square.hints import TOPICS, hints

if TYPE_CHECKING:
    from tests.connectors.square.conftest import Stub

pytestmark = pytest.mark.anyio

PATH = "/v2/webhooks/subscriptions"
URL = "https://bridge.example/hooks/till"
ROW = {"id": "wbhk_1", "enabled": True, "event_types": list(TOPICS), "notification_url": URL}
WHOLE = {**ROW, "signature_key": "made-by-square"}
DENIED = {"category": "AUTHENTICATION_ERROR", "code": "INSUFFICIENT_SCOPES", "detail": "not allowed"}


def event(topic: str, **data: Any) -> bytes:
    """Make an event as Square sends it."""
    envelope = {"merchant_id": "6SSW7HV8K2ST5", "event_id": "df5f3813", "created_at": "2019-10-29T18:38:45.455006797Z"}
    return json.dumps({**envelope, "type": topic, "data": data}).encode()


def read(body: bytes) -> list[tuple[str, str, str]]:
    return [(hint.kind, hint.id, hint.location) for hint in hints(body)]


def port_of(stub: "Stub") -> WebhookPort:
    assert stub.connector.webhooks is not None
    return stub.connector.webhooks


# Examples of the Connect API specification 2025-08-20, cut to what is read.
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (event("order.created", type="order_created", id="eA3vssLHKJrv9H0IdJCM3gNqfdcZY", object={}), "order"),
        (event("order.updated", object={"order_updated": {"order_id": "eA3vssLHKJrv9H0IdJCM3gNqfdcZY"}}), "order"),
        (
            event("order.fulfillment.updated", object={"order_fulfillment_updated": {"order_id": "eA3vssLHKJrv9H0IdJCM3gNqfdcZY"}}),
            "order",
        ),
        (event("payment.updated", id="hYy9", object={"payment": {"order_id": "eA3vssLHKJrv9H0IdJCM3gNqfdcZY"}}), "order"),
        (event("refund.created", id="KkAk", object={"refund": {"order_id": "eA3vssLHKJrv9H0IdJCM3gNqfdcZY"}}), "order"),
    ],
)  # fmt: skip
def test_everything_about_an_order_names_it(body: bytes, expected: str) -> None:
    assert read(body) == [(expected, "eA3vssLHKJrv9H0IdJCM3gNqfdcZY", "")]


def test_counts_are_numbers_each_once() -> None:
    """A state change sends two counts of one number (developer.squareup.com/docs/inventory-api/webhooks)."""
    part = {"catalog_object_id": "FGQ5", "catalog_object_type": "ITEM_VARIATION", "location_id": "YYQR"}
    counts = [{**part, "state": "IN_STOCK"}, {**part, "state": "WASTE"}, {**part, "location_id": "OTHER"}]
    body = event("inventory.count.updated", type="inventory_counts", object={"inventory_counts": counts})
    assert read(body) == [("stock", "FGQ5", "YYQR"), ("stock", "FGQ5", "OTHER")]


@pytest.mark.parametrize("topic", ["catalog.version.updated", "oauth.authorization.revoked"])
def test_what_names_nothing_is_a_hint_at_the_channel_with_its_topic(topic: str) -> None:
    (hint,) = hints(event(topic, type="x", object={}))
    assert (hint.kind, hint.topic) == ("channel", topic)


@pytest.mark.parametrize(
    "topic", ["customer.custom_attribute.owned.updated", "order.custom_attribute.owned.updated", "payout.paid", "", "x"]
)
def test_what_is_not_ours_is_nothing(topic: str) -> None:
    (hint,) = hints(event(topic, id="X", object={"customer": {"order_id": "Y"}}))
    assert (hint.kind, hint.topic) == ("nothing", topic)


@pytest.mark.parametrize(
    "body",
    [
        event("order.updated", object={}),
        event("order.updated", id="../locations", object={}),
        event("order.updated", id="x" * 256),
        event("order.updated", id=17),
        event("payment.updated", id="P", object={"payment": {}}),
        event("payment.updated", id="P", object={"payment": None}),
        event("payment.updated", id="P", object=[]),
        event("refund.updated", id="R"),
        event("inventory.count.updated", object={}),
        event("inventory.count.updated", object={"inventory_counts": [{"catalog_object_id": "A"}]}),
        event("inventory.count.updated", object={"inventory_counts": "many"}),
        json.dumps({"type": "order.updated", "data": "text"}).encode(),
        json.dumps({"type": "order.updated"}).encode(),
        json.dumps({"data": {}}).encode(),
    ],
)
def test_what_cannot_be_understood_is_a_hint_at_the_channel(body: bytes) -> None:
    assert read(body) == [("channel", "", "")]


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("2019-10-29T18:38:45.455006797Z", datetime(2019, 10, 29, 18, 38, 45, 455006, tzinfo=UTC)),
        ("2019-10-29T20:38:45+02:00", datetime(2019, 10, 29, 18, 38, 45, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        (17, None),
        (None, None),
    ],
)
def test_the_time_is_squares(said: object, at: datetime | None) -> None:
    body = json.dumps({"type": "order.updated", "created_at": said, "data": {"id": "O1"}}).encode()
    assert hints(body) == [Hint(kind="order", id="O1", topic="order.updated", at=at)]


async def test_a_body_that_is_no_text_is_verified_byte_for_byte(square: "Stub") -> None:
    body = b'{"note":"\xff\x00"}'
    mac = hmac.new(b"key", URL.encode() + body, hashlib.sha256).digest()
    given = {"x-square-hmacsha256-signature": base64.b64encode(mac).decode()}
    delivery = Delivery(body=body, headers=given, url=URL)
    assert port_of(square).verify(delivery, ("old", "key")) == "genuine"
    assert port_of(square).verify(replace(delivery, url=URL + "?"), ("key",)) == "forged"


async def test_the_old_signature_header_opens_nothing(square: "Stub") -> None:
    """`x-square-signature` was an HMAC-SHA1; Square sends it no more."""
    mac = hmac.new(b"key", URL.encode() + b"{}", hashlib.sha1).digest()
    old = Delivery(body=b"{}", headers={"x-square-signature": base64.b64encode(mac).decode()}, url=URL)
    assert port_of(square).verify(old, ("key",)) == "forged"


async def test_a_key_of_the_settings_is_the_ports_secret(square: "Stub") -> None:
    assert port_of(square).secrets == ()
    around: Surroundings = square._around()
    named = connect(Settings(access_token="t", webhook_signature_key=" pasted-key\n"), around, where="till")
    assert named.webhooks is not None
    assert named.webhooks.secrets == ("pasted-key",)
    assert named.close is not None
    await named.close()


async def test_the_list_brings_each_key_and_every_page(square: "Stub") -> None:
    square.answer(PATH, {"subscriptions": [ROW], "cursor": "more"})
    square.answer(PATH, {"subscriptions": [{**ROW, "id": "wbhk_2", "enabled": False, "signature_key": "shown"}]})
    square.answer(f"{PATH}/wbhk_1", {"subscription": WHOLE})
    one, two = await port_of(square).subscriptions()
    assert (one.secret, two.secret) == ("made-by-square", "shown")
    assert (one.active, two.active) == (True, False)
    assert [path for _, path, _ in square.sent] == [PATH, PATH, f"{PATH}/wbhk_1"]


async def test_one_that_is_deleted_while_it_is_listed_is_left_out(square: "Stub") -> None:
    square.answer(PATH, {"subscriptions": [ROW]})
    missing = {"errors": [{"category": "INVALID_REQUEST_ERROR", "code": "NOT_FOUND", "detail": "none"}]}
    square.answer(f"{PATH}/wbhk_1", missing, 404)
    assert list(await port_of(square).subscriptions()) == []


async def test_one_without_an_id_is_refused_by_name(square: "Stub") -> None:
    square.answer(PATH, {"subscriptions": [{"enabled": True}]})
    with pytest.raises(Refused, match="id is missing"):
        await port_of(square).subscriptions()


async def test_creating_asks_for_all_topics_in_our_version(square: "Stub") -> None:
    square.answer(PATH, {})
    square.answer(PATH, {"subscription": WHOLE})
    (made,) = await port_of(square).subscribe(TOPICS, URL, "ignored")
    body = square.bodies(PATH)[1]
    assert made.secret == "made-by-square"
    assert body["subscription"]["event_types"] == list(TOPICS)
    assert body["subscription"]["notification_url"] == URL
    assert body["subscription"]["api_version"] == "2026-09-16"
    assert len(body["idempotency_key"]) <= 45
    assert "ignored" not in json.dumps(body)


async def test_a_lost_answer_is_asked_again_with_the_same_key(square: "Stub") -> None:
    square.answer(PATH, {})
    square.lose(PATH)
    square.answer(PATH, {"subscription": WHOLE})
    await port_of(square).subscribe(TOPICS, URL, "")
    first, again = (body["idempotency_key"] for body in square.bodies(PATH)[1:])
    assert first == again


async def test_made_anew_later_it_has_another_key(square: "Stub") -> None:
    """With the same key Square would answer the subscription that was deleted in between."""
    for _ in range(2):
        square._answers[PATH].clear()
        square.answer(PATH, {})
        square.answer(PATH, {"subscription": WHOLE})
        await port_of(square).subscribe(TOPICS, URL, "")
        square.now += timedelta(seconds=1)
    keys = [body["idempotency_key"] for body in square.bodies(PATH) if body]
    assert len(set(keys)) == len(keys) == 2


async def test_one_that_is_there_is_completed_and_keeps_what_others_added(square: "Stub") -> None:
    there = {**WHOLE, "enabled": False, "event_types": ["customer.created", "order.updated"]}
    square.answer(PATH, {"subscriptions": [there]})
    square.answer(f"{PATH}/wbhk_1", {"subscription": {**ROW, "event_types": ["customer.created", *TOPICS]}})
    (mended,) = await port_of(square).subscribe(TOPICS, URL, "")
    method, _, body = square.sent[-1]
    assert method == "PUT"
    assert body["subscription"]["enabled"] is True
    assert set(body["subscription"]["event_types"]) == {"customer.created", *TOPICS}
    assert mended.secret == "made-by-square"


async def test_one_that_is_complete_is_not_touched(square: "Stub") -> None:
    square.answer(PATH, {"subscriptions": [WHOLE]})
    await port_of(square).subscribe(TOPICS, URL, "")
    assert [method for method, _, __ in square.sent] == ["GET"]


async def test_mending_adds_missing_topics_to_an_active_one(square: "Stub") -> None:
    square.answer(PATH, {"subscriptions": [{**WHOLE, "event_types": ["order.updated"]}]})
    square.answer(f"{PATH}/wbhk_1", {"subscription": ROW})
    (lacking,) = await port_of(square).subscriptions()
    assert set((await port_of(square).mend(lacking, "")).topics) == set(TOPICS)
    assert set(square.sent[-1][2]["subscription"]["event_types"]) == set(TOPICS)


async def test_mending_what_is_gone_says_so(square: "Stub") -> None:
    square.answer(PATH, {"subscriptions": [{**WHOLE, "enabled": False}]})
    missing = {"errors": [{"category": "INVALID_REQUEST_ERROR", "code": "NOT_FOUND", "detail": "none"}]}
    square.answer(f"{PATH}/wbhk_1", missing, 404)
    (found,) = await port_of(square).subscriptions()
    with pytest.raises(Gone):
        await port_of(square).mend(found, "")


@pytest.mark.parametrize("status", [401, 403])
async def test_a_sellers_token_is_told_what_to_do(square: "Stub", status: int) -> None:
    square.answer(PATH, {"errors": [DENIED]}, status)
    for call in (port_of(square).subscriptions(), port_of(square).subscribe(TOPICS, URL, "")):
        with pytest.raises(NeedsPerson) as caught:
            await call
        assert "webhook_signature_key" in caught.value.next_step
        assert "Developer Console" in caught.value.next_step
        assert (caught.value.where, caught.value.code) == ("till", "INSUFFICIENT_SCOPES")


async def test_what_to_make_by_hand_is_named_whole(square: "Stub") -> None:
    square.answer(PATH, {})
    square.answer(PATH, {"errors": [DENIED]}, 403)
    with pytest.raises(NeedsPerson) as caught:
        await port_of(square).subscribe(TOPICS, URL, "")
    assert URL in caught.value.next_step
    assert all(topic in caught.value.next_step for topic in TOPICS)


async def test_who_has_named_a_key_is_told_that_it_holds(square: "Stub") -> None:
    square.answer(PATH, {"errors": [DENIED]}, 403)
    named = connect(Settings(access_token="t", webhook_signature_key="pasted"), square._around(), where="till")
    assert named.webhooks is not None
    with pytest.raises(NeedsPerson) as caught:
        await named.webhooks.subscriptions()
    assert "believed all the same" in caught.value.next_step
    assert "pasted" not in str(caught.value)
    assert named.close is not None
    await named.close()


async def test_a_redirect_is_not_taken_for_a_lack_of_rights(square: "Stub") -> None:
    square.answer(PATH, {}, 301, location="https://elsewhere.example/")
    with pytest.raises(NeedsPerson, match="redirects") as caught:
        await port_of(square).subscriptions()
    assert "webhook_signature_key" not in caught.value.next_step


async def test_a_key_that_square_told_is_in_no_later_error(square: "Stub") -> None:
    square.answer(PATH, {"subscriptions": [WHOLE]})
    await port_of(square).subscriptions()
    said = {"errors": [{"category": "API_ERROR", "code": "X", "detail": "signed with made-by-square"}]}
    square._answers[PATH].clear()
    square.answer(PATH, said, 500)
    with pytest.raises(TryLater) as caught:
        await port_of(square).subscriptions()
    assert "made-by-square" not in str(caught.value)
    assert "***" in str(caught.value)
